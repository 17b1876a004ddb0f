/* The root as bytes: what stands in row 0 of the log.
 *
 *    0  u32 magic "ARTR"
 *    4  u16 format
 *    6  u8  runs (0..ART_RUNS_MAX + few)
 *    7  u8  1: rows follow it in the log, so that a log without any was cut; in copies of the root it says nothing
 *    8  u64 csn: the runs are complete up to it
 *   16  u64 generation: grows with every root of this history
 *   24  u8[16] chain: hash of the redo row with that csn (or what stands for it)
 *   40  formats 3 to 8: u32 rows left, not 0 in format 3: rows csn - left to csn - 1 are still in the log; row
 *       csn + n deletes row csn - left + n - 1, so that a row whose number is damaged is not taken for one of them
 *   44  formats 6 to 8: u8 flags: 1 as format 5 says, 2 all leaf blobs of the last run were made when there was a
 *       codec, 4 some blob may have blocks, here or in a snapshot, 8 or zones of texts: one of these two at least in
 *       format 6; 16, always and only in formats 7 and 8: or ART_BLOB_FORMAT_LEAF and above; 32, always and only in
 *       format 8: or coded names, which is ART_BLOB_FORMAT_SYMBOLS
 *    .. per run, newest first: u64 blobs | u64 pages | u32 length of the reference | u8 level, 0..5 | reference
 *    .. formats 4 to 8: per cut (cuts.h), oldest first, one at least in format 4, ART_CUTS_BYTES_MAX bytes of them at
 *       most: u64 generation | u16 length of the range's first key | u16 length of the key behind it | both keys
 *    .. u64 XXH3-64 of all before
 *
 * Format 5 says that the host has slots that snapshots hold, or have let go (run/held.c). A version that does not know
 * it would write over them, so it must refuse the root. So must one that cannot read blocks (blob/blob_format.h), or to
 * which zones of texts (base/summary.h) are damage: for them there is format 6. Format 7 is for those that do not know
 * the order of parts in a leaf's footer, format 8 for those that cannot read coded names.
 */
#ifndef ART_TREE_ROOT_FORMAT_H
#define ART_TREE_ROOT_FORMAT_H

#include <stdint.h>

#define ART_ROOT_MAGIC 0x52545241u /* "ARTR" */
enum {
    ART_ROOT_FORMAT = 2,
    ART_ROOT_FORMAT_LEFT = 3,
    ART_ROOT_FORMAT_CUTS = 4,
    ART_ROOT_FORMAT_HELD = 5,
    ART_ROOT_FORMAT_BLOCKS = 6,
    ART_ROOT_FORMAT_LEAVES = 7,
    ART_ROOT_FORMAT_SYMBOLS = 8
};
enum { /* flags of formats 6 to 8 */
       ART_ROOT_HELD = 1,
       ART_ROOT_ALL_BLOCKS = 2,
       ART_ROOT_BLOCKS = 4,
       ART_ROOT_TEXTS = 8,
       ART_ROOT_LEAVES = 16,
       ART_ROOT_SYMBOLS = 32
};
/* A csn has 56 bits. Half of them are more than anybody commits, and leave room for those that come next. */
static const uint64_t ART_ROOT_CSN_MAX = (uint64_t)1 << 55, ART_ROW_CSN_MAX = ((uint64_t)1 << 56) - 1;

struct art_root_header {
    uint32_t magic;
    uint16_t format;
    uint8_t runs;
    uint8_t followed;
    uint64_t csn;
    uint64_t generation;
    uint8_t chain[16];
};
_Static_assert(sizeof(struct art_root_header) == 40, "root header");

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
