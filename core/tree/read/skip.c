/* Past many entries at once: rows that an OFFSET leaves out, and deletes that stand in a row.
 *
 * Few are passed one by one. For more, the sums of all sources say how many rows stand before a key, so they lead to
 * the row that is wanted (select.c). Of an OFFSET that is the one `count` rows on, behind deletes the next one:
 *
 *     - - - - - - - - - - - - - c        -  a delete
 *     ^           ^             ^
 *     here        a few steps   the row behind `here`, by its rank
 *
 * What was passed is remembered as a gap (core/tree/state/gap.c), and the next cursor seeks its end. A damaged file may
 * have sums that lead to no row: so what they lead to is looked at like any other row, and has to stand behind the one
 * that the cursor comes from.
 */
#include <assert.h>

#include "core/tree/read/cursor.h"

/* A search looks into every source about as often as the number of entries has digits; fewer rows are passed sooner. */
static uint64_t few_rows(const struct art_cursor *cursor) {
    uint64_t entries = cursor->memtable ? art_memtable_keys(cursor->memtable) : 0;
    for (unsigned i = 0; cursor->root && i < cursor->root->runs; i++) entries += cursor->root->run[i].top.entries;
    return (uint64_t)2 * cursor->merge.count * (64 - (unsigned)__builtin_clzll(entries | 1));
}

/* Two buffers of ART_KEY_BUFFER bytes; NULL: there is no memory. */
static uint8_t *walk_scratch(struct art_tree *tree) {
    if (!tree->gaps.scratch) tree->gaps.scratch = art_alloc((size_t)2 * ART_KEY_BUFFER);
    return tree->gaps.scratch;
}

/* --- by the sums -------------------------------------------------------------------------------------------------- */

static enum art_rc sums_lie(const struct art_cursor *cursor) {
    return art_corrupt(cursor->tree->options.path, ART_NOWHERE, ART_NOWHERE,
                       "the counts of rows in index blobs lead to no row");
}

/* Behind a search by the sums: is the row past `here`? What ends it is no key, so nobody else has compared. */
static enum art_rc check_jump(struct art_cursor *cursor, struct art_bytes here) {
    int c = cursor->valid ? art_bytes_compare(art_merge_winner(&cursor->merge)->key, here) : 0;
    return !cursor->valid || (cursor->backward ? c < 0 : c > 0) ? ART_OK : sums_lie(cursor);
}

/* Which row it is that stands `count` rows on from `here`, counted from the tree's first one; <0: none. The bounds are
 * what lies before and behind. `here` itself may be gone. */
static enum art_rc find_rank(struct art_cursor *cursor, struct art_bytes here, uint64_t count,
                             struct art_between *between, int64_t *out) {
    struct art_tree *tree = cursor->tree;
    int64_t rank, end;
    *out = -1;
    if (count > INT64_MAX) return ART_OK;
    if (cursor->backward) {
        between->high = art_bound_key(between->high_buffer, here, false);
        between->low = art_bound_key(between->low_buffer, cursor->stop, false);
    } else {
        between->low = art_bound_key(between->low_buffer, here, true);
        between->high = art_bound_key(between->high_buffer, cursor->stop, false);
    }
    enum art_rc rc = art_tree_rank(tree, cursor->backward ? between->high : between->low, &rank);
    if (!rc) rc = art_tree_rank(tree, cursor->backward ? between->low : between->high, &end);
    if (rc) return rc;
    if (rank < 0 || end < 0) return sums_lie(cursor);
    int64_t rows = cursor->backward ? rank - end : end - rank;
    between->low_rank = cursor->backward ? end : rank;
    between->high_rank = cursor->backward ? rank : end;
    if (rows < 0) return sums_lie(cursor);
    if ((int64_t)count <= rows) *out = cursor->backward ? rank - (int64_t)count : rank + (int64_t)count - 1;
    return ART_OK;
}

/* To the row that stands `count` rows on from `here`, if the range has it; `scratch` has room for a key. */
static enum art_rc skip_rows(struct art_cursor *cursor, struct art_bytes here, uint64_t count, uint8_t *scratch) {
    assert(count);
    struct art_tree *tree = cursor->tree;
    struct art_merge *merge = &cursor->merge;
    struct art_between between = {.low_buffer = tree->key, .high_buffer = tree->second_key, .scratch = scratch};
    struct art_bytes key = {0};
    int64_t rank;
    enum art_rc rc = find_rank(cursor, here, count, &between, &rank);
    if (rc || rank < 0) return rc;
    bool by_rank = merge->count == 1 && !merge->source[0].is_memtable;
    if (by_rank) {
        rc = art_merge_seek_rank(merge, rank);
    } else {
        rc = art_tree_select(tree, rank, &between, &key);
        if (rc) return rc == ART_NOTFOUND ? sums_lie(cursor) : rc;
        key = art_bound_key(scratch, key, false);
        rc = art_merge_seek(merge, key, cursor->backward);
    }
    if (rc) return rc;
    if (!merge->valid) return sums_lie(cursor);
    struct art_source *source = art_merge_winner(merge);
    bool there = by_rank || art_bytes_equal(source->key, key);
    if (!there || !art_cursor_has(cursor, source->key, 0) || !art_cursor_take_live(cursor, source))
        return sums_lie(cursor);
    art_cursor_stand_on(cursor, source);
    return ART_OK;
}

/* --- many deletes in a row ---------------------------------------------------------------------------------------- */

bool art_cursor_pass_gap(const struct art_cursor *cursor, struct art_bytes *key, bool at) {
    bool backward = cursor->backward;
    struct art_bytes low, high, first = art_bytes(key->data, key->len + (!at && !backward)); /* padded with zeros */
    if (cursor->deletes) return false; /* of which the gap may be full */
    if (!art_gap_find(cursor->tree, first, !at && backward, &low, &high)) return false;
    cursor->tree->count.gaps++;
    *key = backward ? low : high;
    return true;
}

enum art_rc art_cursor_cross_gap(struct art_cursor *cursor, struct art_bytes from) {
    struct art_tree *tree = cursor->tree;
    struct art_merge *merge = &cursor->merge;
    bool backward = cursor->backward;
    uint64_t left = few_rows(cursor) / 8;
    assert(cursor->changes == tree->changes);
    uint8_t *edge = walk_scratch(tree);
    if (!edge) return art_nomem();
    uint8_t *scratch = edge + ART_KEY_BUFFER;
    struct art_bytes here = art_bound_key(edge, art_merge_winner(merge)->key, backward), begin = here;
    if (!from.data) from = here;
    enum art_rc rc = ART_OK;
    if (art_cursor_pass_gap(cursor, &begin, !backward))
        rc = backward ? art_merge_seek(merge, begin, true) : art_merge_skip(merge, UINT32_MAX, begin);
    while (!rc && merge->valid && !cursor->valid) {
        struct art_source *source = art_merge_winner(merge);
        if (!art_cursor_has(cursor, source->key, 0)) break;
        if (art_cursor_take_live(cursor, source)) {
            art_cursor_stand_on(cursor, source);
        } else if (left--) {
            rc = art_merge_step(merge, backward);
        } else {
            rc = skip_rows(cursor, source->key, 1, scratch);
            break;
        }
    }
    if (!rc) rc = check_jump(cursor, here);
    if (rc) {
        cursor->valid = false;
        return rc;
    }
    if (cursor->leaves_out) return ART_OK; /* there may be some among the deletes */
    here = art_bound_key(scratch, cursor->valid ? art_merge_winner(merge)->key : cursor->stop, backward);
    art_gap_learn(tree, backward ? here : from, backward ? from : here);
    return ART_OK;
}

/* --- many rows ---------------------------------------------------------------------------------------------------- */

enum art_rc art_cursor_skip(struct art_cursor *cursor, uint64_t count) {
    enum art_rc rc = ART_OK;
    if (count <= few_rows(cursor) || cursor->newer_than || cursor->by_terms) {
        while (!rc && cursor->valid && count--) rc = art_cursor_next(cursor);
        return rc;
    }
    if (!cursor->valid) return ART_OK;
    rc = art_cursor_catch_up(cursor);
    if (rc) return rc;
    struct art_merge *merge = &cursor->merge;
    struct art_bytes key = art_merge_winner(merge)->key;
    cursor->valid = false;
    rc = art_tree_ready(cursor->tree);
    if (rc) return rc;
    key = art_bound_key(cursor->key_buffer, key, false);
    if (cursor->changes != cursor->tree->changes) rc = art_cursor_sources(cursor, &merge);
    uint8_t *scratch = walk_scratch(cursor->tree);
    if (!rc && !scratch) return art_nomem();
    if (!rc) rc = skip_rows(cursor, key, count, scratch);
    if (!rc) rc = check_jump(cursor, key);
    if (rc) cursor->valid = false;
    return rc;
}
