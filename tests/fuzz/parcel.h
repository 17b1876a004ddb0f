/* A store as a fuzzer likes it: small, and with hashes that are always right.
 *
 * A slot has 512 KB, nearly all of them zero, and every byte is covered by a hash: a fuzzer that changes bytes of the
 * file itself would see one thing, "the hash is wrong". So the inputs of fuzz_blob, fuzz_store, fuzz_salvage and
 * fuzz_redo are parcels: the bytes that matter, with names in place of hashes, which are made when the parcel is opened
 * (parcel.c), bottom-up. Whatever the fuzzer changes, the parser behind the verification is what meets it.
 *
 *   parcel    sections, one behind the other to the end         u8 kind | u24 length | bytes; cut off where they run
 *                                                               over
 *
 *   BLOB      u32 slot | u8 leaf_pages | u8 footer_pages
 *             per page  u16 n | n bytes                         leaf pages: their first n bytes, the rest zero;
 *                                                               footer pages: their last (of the last one, before the
 *                                                               trailer)
 *             the trailer from `magic` on                       the hashes before it are made
 *   ROOT      row 0 of the log, without its checksum
 *   ROW       u64 csn | body of a redo row                      the hash before it is made, from the root's on
 *   RETIRED   T_artstate's list of retired slots
 *   STATE     u8 length | key | u8 type | value: a row of T_artstate
 *   OPS       what to do with it: each target's own
 *   DAMAGE    per 7 bytes: u32 slot | u16 position | u8 mask    turned over after the hashes were made; in units of 8
 *                                                               bytes
 *   SIZE      u8: slots of the file
 *
 * Where a hash would stand in a reference, 16 bytes name the blob: "hash of slot" and its number. "refs to slot" does
 * more: it makes the whole reference agree with the blob (pages, level, generation, counts, sums, zones), so that a lie
 * in the trailer is believed above. A blob must come before those that refer to it. */
#ifndef TESTS_FUZZ_PARCEL_H
#define TESTS_FUZZ_PARCEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buffer.h"
#include "core/base/bytes.h"
#include "core/base/hash.h"
#include "core/base/summary.h"

enum parcel_kind {
    PARCEL_BLOB = 'B',
    PARCEL_ROOT = 'R',
    PARCEL_ROW = 'L',
    PARCEL_RETIRED = 'Y',
    PARCEL_STATE = 'K',
    PARCEL_OPS = 'O',
    PARCEL_DAMAGE = 'D',
    PARCEL_SIZE = 'S'
};

enum {
    PARCEL_SECTIONS = 64,
    PARCEL_HEAD = 4,       /* bytes of a section before its content */
    PARCEL_BLOB_FIXED = 6, /* before its pages */
    PARCEL_TRAILER = 128,  /* of a blob: what is not hashes */
    PARCEL_SLOTS = 28      /* numbers from here on are taken as they are, but not put on the disk */
};

struct parcel_section {
    uint8_t kind;
    uint8_t *data; /* in the input */
    uint32_t len;
};

struct parcel {
    struct parcel_section sections[PARCEL_SECTIONS];
    unsigned count;
};

void parcel_read(struct parcel *parcel, uint8_t *data, size_t size);
/* The first section of a kind, or NULL. */
struct parcel_section *parcel_find(struct parcel *parcel, enum parcel_kind kind);

/* --- opening ------------------------------------------------------------------------------------------------------ */

/* Where things go. `page` gives 4 KB of zeros for a page of a slot, or NULL; it is asked when a blob is opened. */
struct parcel_place {
    uint8_t *(*page)(void *context, uint32_t slot, uint32_t page);
    void *context;
    bool known[PARCEL_SLOTS];
    struct art_hash128 hash[PARCEL_SLOTS];
    uint8_t trailer[PARCEL_SLOTS][PARCEL_TRAILER];
    uint8_t summed[PARCEL_SLOTS][ART_SUMMED_MAX]; /* of the summary, from the routing part */
};

/* Puts a blob where it belongs, its hashes made. False: its slot is none that a parcel may have. */
bool parcel_open_blob(struct parcel_place *place, const struct parcel_section *section);
/* Names become hashes, and perhaps the references around them what the blobs say. */
void parcel_resolve(const struct parcel_place *place, uint8_t *data, size_t len);
/* The bytes of row 0, checksum made. */
void parcel_open_root(const struct parcel_place *place, const struct parcel_section *section, struct art_buffer *out);
/* The bytes of a redo row behind `chain`, which becomes its hash. False: too short to have a csn. */
bool parcel_open_row(const struct parcel_section *section, struct art_hash128 *chain, uint64_t *csn,
                     struct art_buffer *out);
void parcel_damage(struct parcel_place *place, const struct parcel_section *section);

#endif
