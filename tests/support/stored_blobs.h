/* The blobs of an art table as they lie in its file or its rows, and how they are stored. */
#ifndef ART_TESTS_STORED_BLOBS_H
#define ART_TESTS_STORED_BLOBS_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

struct stored_blobs {
    int leaves, coded;    /* leaf blobs, and those with coded names */
    int indexes;          /* index blobs */
    int buckets;          /* of the leaf blob that has most */
    int in_blocks, plain; /* entries of theirs; chunks of large values are plain */
    unsigned encodings;   /* a bit for each that some column has (ext/columns/block_format.h) */
    bool sparse, apart, raw,
        references; /* a block has absent rows, values told apart, rows as they are, of large values */
    /* Bytes of the leaf blobs: of keys, of values, and what else is in buckets; of the footer; and what is nothing. */
    uint64_t names, values, others, routing, symbols, filters, postings, lost;
};

/* Of main.<table>, whose file lies in `folder`: also of blobs that no root names any more. */
struct stored_blobs stored_blobs(sqlite3 *db, const char *folder, const char *table);

#endif
