/* A table with one thing wrong, for tests of the check.
 *
 * The table is that of small_tree.h, and real: several runs on a simulated disk, an index, large values, rows in the
 * log. Then something is changed as no table changes it, with every hash made right again where the damage is not a
 * hash itself:
 *
 *   planted entries    put into the memtable as they are, below all that writes rows; flushed if wanted
 *   bytes              turned over in the file
 *   a top blob         taken apart, its children or entries changed, built again
 *   the root, the log  rows of the toy host
 *
 * check() collects what art_tree_check_all() tells. One world at a time.
 */
#ifndef ART_TESTS_CHECK_WORLD_H
#define ART_TESTS_CHECK_WORLD_H

#include "tests/support/small_tree.h"

enum { TOLD_MAX = 300, CHECK_ROWS = 4000, CHECK_ROWS_DEEP = 12000 };

struct told {
    int rc;
    char what[512], place[64];
    uint32_t slot, page;
};

extern struct art_summary check_summary; /* of the worlds that are made from now on */
extern struct told check_told[TOLD_MAX];
extern unsigned check_count, check_enough; /* what was told; after how many it is enough */

/* Rows "dir-0000/file-00000" and on, in `runs` runs (the oldest with an index and CHECK_ROWS rows), large values at
 * "big/0" and "big/1", and a few rows in the log. */
void check_world_new(unsigned runs);
/* One run of smaller blobs, with two levels of index. */
void check_world_new_deep(void);
/* The tree anew, as another process sees it: nothing of the old state is remembered. The refresh may fail. */
int check_reopen(void);

/* A large value of the row's own making. */
struct art_bytes check_large(uint32_t len, uint8_t seed);

/* Into the memtable as it is, in a transaction. `key` is the tree's: its first byte is the name space. */
void check_plant(struct art_bytes key, struct art_bytes value, uint64_t csn, uint8_t flags);
struct art_bytes check_row_key(const char *path);
struct art_bytes check_piece_key(uint64_t csn, uint32_t counter, uint32_t number);
/* The reference that a row holds. */
struct art_bytes check_reference(uint64_t length, uint64_t csn, uint32_t counter, uint64_t hash);

/* The committed root, to be changed; check_root_put() encodes it into the log and frees it. */
struct art_root *check_root_take(void);
void check_root_put(struct art_root *root);
/* Takes the top blob of a run apart, lets `change` have each child (or, for a leaf, each entry), builds it again in the
 * same slot, and makes the root name it. Children: change(number, separator, ref); a separator is in a buffer of
 * ART_KEY_BUFFER bytes. */
void check_rebuild_index(unsigned run,
                         void (*change)(uint32_t number, struct art_buffer *separator, struct art_ref *ref));
/* Bytes of a slot in the file. */
uint8_t *check_slot(uint32_t slot);
/* Makes the hashes of a run's top blob right for the bytes that are there now, and the root. */
void check_reseal_top(unsigned run);

/* Runs the check; returns its code. */
int check_run(bool quick);
/* Runs it, and wants exactly one problem, with these words in it. */
void check_finds(const char *words);
/* Was something told with these words? */
bool check_has(const char *words);
void check_is_clean(void);

#endif
