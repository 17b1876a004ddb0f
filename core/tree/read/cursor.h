/* What the two files of the host's cursor share: cursor.c, which goes from row to row, and skip.c, which passes many
 * entries at once. */
#ifndef ART_TREE_READ_CURSOR_H
#define ART_TREE_READ_CURSOR_H

#include "core/tree/read/read.h"

struct art_cursor {
    struct art_tree *tree; /* NULL: closed under the cursor */
    struct art_cursor *next, *previous;
    struct art_merge merge;
    struct art_root *root;
    struct art_memtable *memtable;
    uint64_t changes;
    uint64_t newer_than;               /* as in the range */
    bool deletes;                      /* as in the range; false without newer_than */
    struct art_limits limits, of_keys; /* of_keys: those of them that ask for the key alone */
    bool by_terms;                     /* see goes_by_terms() in cursor.c */
    bool asks;                         /* then: for each row that is found, in newer sources */
    uint64_t looked, asked;            /* at so many rows, and for so many, since it went to its range */
    struct {                           /* what `limits` calls in the end */
        void (*choose)(void *chooser, struct art_bytes block, struct art_row_set *rows);
        void *chooser;
    } host;
    bool leaves_out; /* since its sources were taken, rows were not chosen */
    bool valid, backward;
    struct art_row row;
    uint8_t *key_buffer;   /* ART_KEY_BUFFER bytes */
    struct art_bytes stop; /* tree key at which the walk ends: itself in the range if it goes backward */
    struct art_buffer stop_bytes;
    struct art_source *run; /* that the cursor stands in, or NULL. A NUL stands behind the key in its buffer */
    uint32_t ahead;         /* rows of the stretch that it stands in, in `run`: only their numbers move */
    bool disordered;        /* one of them has a key that lies: art_cursor_catch_up() says it */
    struct {                /* bytes that the key has in common with */
        uint32_t stop;
        uint32_t most; /* `stop` or the runner's key, whichever these are more */
    } agrees;
};

/* --- cursor.c ----------------------------------------------------------------------------------------------------- */

/* Is the key in the range? Its first `known` bytes are those of `stop`. */
static inline bool art_cursor_has(struct art_cursor *cursor, struct art_bytes key, uint32_t known) {
    int c = art_bytes_compare_from(key, cursor->stop, known, &cursor->agrees.stop);
    return cursor->backward ? c >= 0 : c < 0;
}

/* Is the source, which has won, on a row of the cursor's, and on no delete, unless these are asked for? A row in the
 * memtable is taken at once, since the memtable may change under it; one in a blob when it is asked for. */
bool art_cursor_take_live(struct art_cursor *cursor, struct art_source *source);
/* Within a stretch the merge stands where its key was seen last: to the row. ART_CORRUPT: its key is none of the
 * direction's, and the cursor is not valid. */
enum art_rc art_cursor_catch_up(struct art_cursor *cursor);
/* The cursor is on this row from now on: the source has won, and art_cursor_has() its key. */
void art_cursor_stand_on(struct art_cursor *cursor, struct art_source *source);

/* --- skip.c ------------------------------------------------------------------------------------------------------- */

/* Is the key (`at`: with the key itself) in a gap that is known? *key: where it ends, and a search may begin. */
bool art_cursor_pass_gap(const struct art_cursor *cursor, struct art_bytes *key, bool at);
/* The merge stands on a delete, behind others: on to the next row, by what the tree remembers or by the sums. `from`:
 * no row lies between it and there; without bytes: there. The cursor is valid then if the range has such a row. */
enum art_rc art_cursor_cross_gap(struct art_cursor *cursor, struct art_bytes from);

#endif
