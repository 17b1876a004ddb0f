/* Two states of one history, the older one first, or two tables, and places between keys with what lies before each in
 * both (states.c). For diff.c, growth.c, levels.c and differences.c alone. */
#ifndef ART_TREE_READ_STATES_H
#define ART_TREE_READ_STATES_H

#include "core/tree/read/read.h"

/* Between two keys. Zeros are fine. */
struct art_place {
    struct art_buffer key; /* the tree key that it stands before, padded; `len` is its own */
    int64_t rows[2];       /* before it, in the older and in the newer state */
    art_int128 sum[2];
    uint32_t change;   /* diff.c: how many of the changes that are known stand before it */
    bool begins, puts; /* growth.c: a name begins here, and a row below it is newer than the older state */
};

struct art_states {
    struct art_tree *tree[2];   /* as they were handed over */
    struct art_tree *old, *now; /* the same two: `now` is not the older one */
    bool apart;                 /* they are no history: `old` is the first, and nothing is newer */
    uint64_t changes[2];        /* of the trees, when this was begun; 0: it is not */
    unsigned common;            /* how many of their oldest runs are the same */
    int sum[2];                 /* of the summaries of `old` and `now`, as in struct art_growing */
    struct art_cursor *newer;   /* on what `now` has that is newer than `old`, deletes, too; NULL: they are apart */
    struct art_cursor *ranks;   /* on `old`: */
    struct art_merge *sources;  /* borrowed from it */
    uint8_t *scratch;           /* ART_KEY_BUFFER bytes */
    struct art_place low, end;  /* what stands before `low` is done; `end` is the range's */
    struct art_place *place;    /* ends of pieces behind `low`, the nearest last */
    uint32_t places, capacity;
};

/* The range's two ends are set, and nothing else is done: what is not said otherwise is of one history and without a
 * sum. ART_NOMEM: to be cleared all the same. */
enum art_rc art_states_init(struct art_states *states, struct art_tree *from, struct art_tree *to,
                            const struct art_range *range);
void art_states_clear(struct art_states *states);
/* Has a tree changed since begin(), or was there none? */
bool art_states_moved(const struct art_states *states);
/* Begins, or begins again, at `low`. The newer cursor stands on the first newer entry behind it; *same: they are the
 * same state, and nothing else is done. */
enum art_rc art_states_begin(struct art_states *states, bool *same);
/* Which of the two is the older one: that of `from` (0) or of `to` (1)? */
static inline unsigned art_states_from(const struct art_states *states) {
    return states->old != states->tree[0];
}

/* The place before a path; the one behind all that begin with it, or if `whole`, behind the path alone. ART_NOMEM. */
enum art_rc art_place_at(struct art_place *place, struct art_bytes path);
enum art_rc art_place_behind(struct art_place *place, struct art_bytes path, bool whole);
/* Finds what lies before it. */
enum art_rc art_states_weigh(struct art_states *states, struct art_place *place);
/* The version of the row that the older state has of a path; 0: it has none. */
static inline enum art_rc art_states_old_version(struct art_states *states, struct art_bytes path, uint64_t *out) {
    struct art_tree *old = states->old;
    struct art_bytes key = {0};
    struct art_found found = {.live = false};
    enum art_rc rc = art_tree_ready(old);
    if (!rc) rc = art_row_key(old->key, path, &key);
    if (!rc) rc = art_tree_find(old, key, &found);
    *out = !rc && found.live ? found.entry.csn : 0;
    return rc;
}
/* What lies between two places, borrowed from them. */
struct art_range art_places_range(const struct art_place *low, const struct art_place *high);
static inline int64_t art_places_rows(const struct art_place *low, const struct art_place *high, unsigned state) {
    return (int64_t)((uint64_t)high->rows[state] - (uint64_t)low->rows[state]);
}
static inline art_int128 art_places_sum(const struct art_place *low, const struct art_place *high, unsigned state) {
    return art_subtract128(high->sum[state], low->sum[state]);
}
static inline int art_places_compare(const struct art_place *a, const struct art_place *b) {
    return art_bytes_compare(art_buffer_bytes(&a->key), art_buffer_bytes(&b->key));
}

/* A new place, the nearest, in *out: its key is anything, all else zeros. Borrowed until the next one. ART_NOMEM;
 * ART_CORRUPT: pieces were cut more often than counts of rows can be halved. */
enum art_rc art_states_push(struct art_states *states, struct art_place **out);
enum art_rc art_states_push_end(struct art_states *states); /* `end`, as begin() weighed it */
static inline struct art_place *art_states_nearest(const struct art_states *states) {
    assert(states->places);
    return &states->place[states->places - 1];
}
/* The nearest place is `low` from now on. */
void art_states_pass(struct art_states *states);
/* The row of the older state before which `rank` others stand, between `low` and the nearest place: its path, borrowed
 * until the next call. */
enum art_rc art_states_select(struct art_states *states, int64_t rank, struct art_bytes *path);
/* Cuts the piece before the nearest place in halves, by its rows in the older state: *out, weighed, is the nearest. */
enum art_rc art_states_halve(struct art_states *states, struct art_place **out);
/* ART_CORRUPT, with its message: counts are impossible. */
void art_states_note_lie(const struct art_states *states);
static inline enum art_rc art_states_lie(const struct art_states *states) {
    art_states_note_lie(states);
    return ART_CORRUPT;
}

/* --- levels.c ----------------------------------------------------------------------------------------------------- */

struct art_level {
    struct art_bytes name; /* borrowed until the next call */
    uint32_t len;
    uint64_t added, changed, deleted; /* below it, from the one state to the other */
};
struct art_growing;
struct art_levels;
/* As for art_growth_open(); *out is to be closed after an error, too. begin() before the first next(), and when a tree
 * has changed. */
enum art_rc art_levels_open(struct art_tree *from, struct art_tree *to, const struct art_growing *what,
                            struct art_levels **out);
void art_levels_close(struct art_levels *levels); /* NULL is fine */
enum art_rc art_levels_begin(struct art_levels *levels);
/* ART_NOTFOUND: that was all. */
enum art_rc art_levels_next(struct art_levels *levels, struct art_level *out);
/* Where the path's first level behind `at` ends, behind its delimiter; 0: it has none. */
static inline uint32_t art_level_end(struct art_bytes path, uint32_t at, struct art_bytes delimiter) {
    if (at == path.len) return 0; /* it may have no bytes at all */
    const uint8_t *found = art_find_bytes(path.data + at, path.len - at, delimiter.data, delimiter.len);
    return found ? (uint32_t)(found - path.data) + delimiter.len : 0;
}

#endif
