/* The bytes of slot 0. Integers are little-endian; every page ends with the XXH3-64 of what stands before.
 *
 *   page 0       superblock: written once, when the file is made
 *   page 1, 2    owner pages: whose file this is. The one with the higher sequence counts; the next is written over the
 *                other, so that a torn write leaves one
 *   page 3, 23   two copies of the root, 20 pages each: written in turn when a commit with a new root is over, not
 *                synced, read by salvage and art_check() (root_copy.h)
 *   page 43..    never written
 *
 * Slot n > 0 lies at n * 512 KB and holds what core/blob draws.
 */
#ifndef ART_STORE_STORE_FORMAT_H
#define ART_STORE_STORE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ART_STORE_PAGE = 4096,
    ART_OWNER_PAGES = 2,
    ART_SUPERBLOCK_BYTES = (1 + ART_OWNER_PAGES) * ART_STORE_PAGE, /* what is written of slot 0 */
    ART_OWNER_PATH_MAX = 3968,
    ART_ROOT_COPY_FIRST_PAGE = 3,
    ART_ROOT_COPIES = 2,
    ART_ROOT_COPY_PAGES = 20 /* of each: more than any root takes */
};

#define ART_STORE_MAGIC     "SQLiteAr"
#define ART_OWNER_MAGIC     "ArtOwner"
#define ART_ROOT_COPY_MAGIC "Art root"

struct art_superblock_page {
    uint8_t magic[8];    /*    0 */
    uint32_t format;     /*    8 */
    uint32_t slot_bytes; /*   12 */
    uint8_t uuid[16];    /*   16 of the table */
    uint32_t compatible; /*   32 features (core/base/format.h) */
    uint32_t incompatible;
    uint8_t spare[4048]; /*   40 zero */
    uint64_t sum;        /* 4088 */
};
_Static_assert(sizeof(struct art_superblock_page) == ART_STORE_PAGE, "superblock size");
_Static_assert(offsetof(struct art_superblock_page, uuid) == 16, "superblock layout");
_Static_assert(offsetof(struct art_superblock_page, sum) == 4088, "superblock layout");

struct art_owner_page {
    uint8_t magic[8];                       /*    0 */
    uint64_t sequence;                      /*    8 1, 2, ..., 0 behind the last; stands in page 1 + sequence % 2 */
    uint8_t uuid[16];                       /*   16 of the table */
    uint64_t own_inode;                     /*   32 of this very file, when the page was written */
    uint64_t host_inode;                    /*   40 of the database file; 0: it could not be asked */
    uint64_t path_hash_low, path_hash_high; /*   48 XXH3-128 of the database file's path */
    uint32_t path_len;                      /*   64 of the whole path */
    uint32_t path_kept;                     /*   68 bytes of it in `path` */
    uint8_t path[ART_OWNER_PATH_MAX];       /*   72 its end, where it is longer */
    uint64_t own_birth, host_birth;         /* 4040 when these two files were made, in ns since 1970; 0: not known */
    uint64_t copied;   /* 4056 1: art_backup() wrote the file, and nobody has begun to write since */
    uint8_t spare[24]; /* 4064 zero */
    uint64_t sum;      /* 4088 */
};
_Static_assert(sizeof(struct art_owner_page) == ART_STORE_PAGE, "owner page size");
_Static_assert(offsetof(struct art_owner_page, own_inode) == 32, "owner page layout");
_Static_assert(offsetof(struct art_owner_page, path_hash_low) == 48, "owner page layout");
_Static_assert(offsetof(struct art_owner_page, path) == 72, "owner page layout");
_Static_assert(offsetof(struct art_owner_page, own_birth) == 4040, "owner page layout");
_Static_assert(offsetof(struct art_owner_page, sum) == 4088, "owner page layout");

struct art_superblock {
    struct art_superblock_page identity;
    struct art_owner_page owner[ART_OWNER_PAGES];
};
_Static_assert(sizeof(struct art_superblock) == ART_SUPERBLOCK_BYTES, "superblock and owner pages");

/* Which of two was written later: it turns over, if somebody puts the last number there. */
static inline bool art_sequence_is_newer(uint64_t sequence, uint64_t than) {
    return (int64_t)(sequence - than) > 0;
}

/* A copy of the root begins with this; the root follows as it stands in the log. */
struct art_root_copy {
    uint8_t magic[8];             /*  0 */
    uint64_t sequence;            /*  8 as above */
    uint8_t uuid[16];             /* 16 of the table */
    uint32_t len;                 /* 32 of the root */
    uint32_t spare;               /* 36 zero */
    uint64_t hash_low, hash_high; /* 40 XXH3-128 of all before, and the root */
};
_Static_assert(sizeof(struct art_root_copy) == 56, "root copy size");
_Static_assert(offsetof(struct art_root_copy, hash_low) == 40, "root copy layout");

#endif
