/* The root as bytes: what stands in row 0 of the log. Integers are little-endian.
 *
 *    0  struct art_root_header
 *   56  per run, newest first: u64 blobs | u64 pages | u32 length of the reference | u8 level, 0..5 | reference
 *    .. per cut (cuts.h), oldest first, ART_CUTS_BYTES_MAX bytes of them at most: u64 generation | u16 length of the
 *       range's first key | u16 length of the key behind it | both keys
 *    .. (a cut of generation 0, and behind it what features of later versions have)
 *    .. u64 XXH3-64 of all before
 *
 * Rows left: rows csn - left to csn - 1 are still in the log; row csn + n deletes row csn - left + n - 1, so that a row
 * whose number is damaged is not taken for one of them.
 */
#ifndef ART_TREE_ROOT_FORMAT_H
#define ART_TREE_ROOT_FORMAT_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define ART_ROOT_MAGIC 0x52545241u /* "ARTR" */
enum art_root_features {           /* the first of each set (core/base/format.h) */
                         ART_ROOT_ALL_BLOCKS =
                             1, /* compatible: all leaf blobs of the last run were made when there was a codec */
                         ART_ROOT_HELD =
                             1, /* read-only: the host has slots that snapshots hold, or have let go (run/held.c) */
                         ART_ROOT_BLOCKS = 1 /* incompatible: some blob may have blocks, here or in a snapshot */
};
/* A csn has 56 bits. Half of them are more than anybody commits, and leave room for those that come next. A
 * root of a larger csn or generation is refused, so nobody writes behind one that is near it: only a forger gets there.
 */
static const uint64_t ART_ROOT_CSN_MAX = (uint64_t)1 << 55, ART_ROW_CSN_MAX = ((uint64_t)1 << 56) - 1,
                      ART_WRITABLE_CSN_MAX = ((uint64_t)1 << 55) - ((uint64_t)1 << 32);

struct art_root_header {
    uint32_t magic;      /*  0 */
    uint16_t format;     /*  4 */
    uint8_t runs;        /*  6 0..ART_RUNS_MAX + few */
    uint8_t followed;    /*  7 1: rows follow it in the log, so that a log without any was cut; in copies of the root
                          *    it says nothing */
    uint64_t csn;        /*  8 the runs are complete up to it */
    uint64_t generation; /* 16 grows with every root of this history */
    uint8_t chain[16];   /* 24 hash of the redo row with that csn (or what stands for it) */
    uint32_t left_rows;  /* 40 */
    uint32_t compatible, read_only, incompatible; /* 44 features */
};
_Static_assert(sizeof(struct art_root_header) == 56, "root header");
_Static_assert(offsetof(struct art_root_header, compatible) == 44, "root header");

struct art_root_run { /* unaligned in the bytes: copy it out */
    uint64_t blobs;
    uint64_t pages;
    uint32_t ref_len;
    uint8_t level;
} __attribute__((packed));
_Static_assert(sizeof(struct art_root_run) == 21, "run of a root");

struct art_root_cut { /* as above */
    uint64_t generation;
    uint16_t low_len, high_len;
} __attribute__((packed));
_Static_assert(sizeof(struct art_root_cut) == 12, "cut of a root");

#endif
