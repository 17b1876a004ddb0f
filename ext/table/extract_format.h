/* The bytes of an extract, which extract.c explains. Integers are little-endian. */
#ifndef ART_EXT_EXTRACT_FORMAT_H
#define ART_EXT_EXTRACT_FORMAT_H

#include <stdint.h>

#define ART_EXTRACT_KEY "extract" /* of the row of T_artstate */
/* The row of T_artblob where the parts begin. Before it there is the directory; both are cut into pieces, a row each,
 * of which four fit into 16 KB. */
#define ART_EXTRACT_ROW (-((int64_t)1 << 40))

enum {
    ART_EXTRACT_PAGE = 4096,     /* bytes of a copy */
    ART_EXTRACT_PIECE = 4056,    /* bytes of a row */
    ART_EXTRACT_PART_PAGES = 128 /* of one part at most */
};

static inline int64_t art_extract_rows(uint64_t bytes) {
    return (int64_t)((bytes + ART_EXTRACT_PIECE - 1) / ART_EXTRACT_PIECE);
}

struct art_extract_head {     /* the row of T_artstate */
    uint64_t root_low;        /*  0 XXH3-128 of row 0 of T_artdata: the root whose blobs were copied */
    uint64_t root_high;       /*  8 */
    uint64_t directory_low;   /* 16 ... of the directory */
    uint64_t directory_high;  /* 24 */
    uint64_t directory_bytes; /* 32 */
    uint64_t end;             /* 40 the number behind the last page of T_artblob, which is far from here */
};
_Static_assert(sizeof(struct art_extract_head) == 48, "extract head size");

struct art_extract_directory { /* then the parts, then the pages */
    uint32_t parts;            /*  0 */
    uint32_t pages;            /*  4 */
};
_Static_assert(sizeof(struct art_extract_directory) == 8, "extract directory size");

struct art_extract_part {
    uint64_t hash_low;  /*  0 XXH3-128 of its copies, whole */
    uint64_t hash_high; /*  8 */
    uint32_t begin;     /* 16 rows before it */
    uint32_t pages;     /* 20 */
};
_Static_assert(sizeof(struct art_extract_part) == 24, "extract part size");

struct art_extract_page { /* in ascending order of their numbers, each once */
    uint64_t page;        /*  0 its number in T_artblob */
    uint32_t part;        /*  8 */
    uint32_t at;          /* 12 copies before it in the part */
};
_Static_assert(sizeof(struct art_extract_page) == 16, "extract page size");

#endif
