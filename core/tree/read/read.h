/* Reading the tree: the memtable and all runs as one sorted table.
 *
 *   lookup.c     get, rank, count             cursor.c     the host's cursor, from row to row
 *   select.c     the row of a rank            skip.c       the host's cursor, past many entries at once
 *   estimate.c   guesses without reading      prefix.c     the longest stored prefix
 *   extreme.c    the least or largest value   best.c       rows by a column's values, best first
 *   others.c     rows that a sum leaves out
 *   states.c     two states of one history    diff.c       which rows differ between them
 *   growth.c     by how much levels differ    levels.c     which rows do below each name of all levels
 *   front.c      hidden rows before the best  differences.c  which rows differ between two tables
 *
 * Where nothing else is said a function returns ART_OK, or what reading failed with: ART_CORRUPT, ART_IO, ART_NOMEM,
 * ... (core/store/store.h). */
#ifndef ART_TREE_READ_H
#define ART_TREE_READ_H

#include <assert.h>

#include "core/tree/run/run.h"

/* --- one descent -------------------------------------------------------------------------------------------------- */
/* Where the way of a key down one run ends. */
struct art_descent {
    struct art_ref ref;    /* of the last blob, borrowed from the one above it or from the root */
    int side;              /* the key stands before (<0) or behind (>0) all keys below `ref`; 0: among them */
    struct art_blob *leaf; /* side 0: the leaf blob, borrowed from the store */
};
/* From the run's top through index blobs to the blob where `key` has its position; labels are compared on the way, so
 * that no blob sees a key that does not begin with its label. What lies before the last blob is added: its weight to
 * *before, its sums to `sum`; either may be NULL. art_blob_child() verifies the reference to a child, and the store
 * compares the child's blob with it. */
static inline enum art_rc art_run_descend(struct art_tree *tree, const struct art_run *run, struct art_bytes key,
                                          int64_t *before, art_int128 *sum, struct art_descent *out) {
    struct art_ref *ref = &out->ref;
    *ref = run->top;
    out->leaf = NULL;
    for (;;) {
        unsigned height = ref->height;
        int64_t passed = 0;
        struct art_blob *blob;
        out->side = art_label_compare(ref->label, key);
        if (out->side) return ART_OK;
        if (!sum) ref->summed = NULL; /* nobody asks for sums, so nobody has to compare them with the blob's */
        enum art_rc rc = art_store_blob(tree->store, ref, &blob);
        if (rc) return rc;
        if (height == 0) {
            out->leaf = blob;
            return ART_OK;
        }
        rc = sum ? art_blob_sums(blob, key, art_tree_summary(tree), ref, &passed, sum)
                 : art_blob_child(blob, key, ref, before ? &passed : NULL);
        if (rc) return rc;
        assert(ref->height + 1u == height);
        if (before) *before = (int64_t)((uint64_t)*before + (uint64_t)passed);
    }
}

/* --- lookup.c ----------------------------------------------------------------------------------------------------- */
struct art_found {
    struct art_entry entry; /* the newest */
    bool any;               /* some source has an entry */
    bool live;              /* the newest entry is a put */
    bool in_memtable;
    struct art_blob *blob; /* where the entry lies, when it is not in the memtable */
};
/* What the tree has of this tree key (padded): ART_OK also where it has nothing (`any`), or an error of reading. The
 * value is borrowed from the memtable, or from `blob` until the store lets it go. The tree is ready
 * (art_tree_ready()), as for all functions below. */
enum art_rc art_tree_find(struct art_tree *tree, struct art_bytes key, struct art_found *out);
/* As art_tree_find(), for a caller that sets the key then, whatever is found. *position: where the key stands in the
 * memtable. */
enum art_rc art_tree_find_position(struct art_tree *tree, struct art_bytes key, struct art_found *out,
                                   struct art_memtable_position *position);
/* What was found, and is no delete, as a row of the host's, which holds it from then on. *row is clear. */
void art_row_take(const struct art_tree *tree, const struct art_found *found, struct art_row *row);
/* What one run says of a key: ART_OK, ART_NOTFOUND, or an error of reading. The value is borrowed from the store. */
enum art_rc art_run_get(struct art_tree *tree, const struct art_run *run, struct art_bytes key, struct art_entry *out);
/* Has a source that is newer than this run an entry of the key? `csn`: NULL, or gets its version. */
enum art_rc art_tree_is_hidden(struct art_tree *tree, struct art_bytes key, unsigned run, bool *hidden, uint64_t *csn);
/* The tree keys (padded, in `buffer` of ART_KEY_BUFFER bytes) at which a range begins and ends: a key is in the
 * range if it does not stand before the first, and stands before the second. */
struct art_bytes art_range_low(uint8_t *buffer, const struct art_range *range);
struct art_bytes art_range_high(uint8_t *buffer, const struct art_range *range);
/* The sum of the weights of all keys < key. art_tree_rank(): of all sources. art_tree_rank_above(): of the memtable and
 * the `runs` newest runs. art_run_rank(): of one run, added to *rank. The summary's sums of these entries are added to
 * `sum`, unless that is NULL. Sums that are lies may overflow, and stay lies. */
enum art_rc art_tree_rank(struct art_tree *tree, struct art_bytes key, int64_t *out);
enum art_rc art_tree_rank_above(struct art_tree *tree, struct art_bytes key, unsigned runs, int64_t *rank,
                                art_int128 *sum);
enum art_rc art_run_rank(struct art_tree *tree, const struct art_run *run, struct art_bytes key, int64_t *rank,
                         art_int128 *sum);

/* --- select.c ----------------------------------------------------------------------------------------------------- */
/* Two keys, the rows before each, and room of ART_KEY_BUFFER bytes for each and for keys on the way. */
struct art_between {
    struct art_bytes low, high; /* padded, in the buffers */
    int64_t low_rank, high_rank;
    uint8_t *low_buffer, *high_buffer, *scratch;
};
/* The key of the row in [low, high) before which `rank` rows of the whole tree stand; rank(low) <= rank < rank(high).
 * The bounds close in on it; *key is borrowed from a buffer or the memtable. The caller must see that it is a
 * row's: where the sums on disk lie it may be any key, or ART_NOTFOUND. */
enum art_rc art_tree_select(struct art_tree *tree, int64_t rank, struct art_between *between, struct art_bytes *key);

/* --- extreme.c ---------------------------------------------------------------------------------------------------- */
/* The keys in [low, high) of one run: as art_memtable_extreme(). */
enum art_rc art_run_extreme(struct art_tree *tree, const struct art_run *run, struct art_bytes low,
                            struct art_bytes high, struct art_extreme *search);

/* --- best.c ------------------------------------------------------------------------------------------------------- */
/* The value of the first row in this order, or NULL where there is none. A text's or blob's bytes are put into `bytes`,
 * from which *out borrows them. */
enum art_rc art_best_value(struct art_tree *tree, const struct art_range *range, const struct art_best_order *order,
                           struct art_buffer *bytes, struct art_datum *out);

/* --- front.c ------------------------------------------------------------------------------------------------------ */
/* A bucket of a leaf blob of this run, by the blob's hash: its front (core/tree/state/front.c) goes behind all rows
 * that newer sources hide. `at`: a cursor in the blob, which is moved. Without memory, and where a row may have a text
 * in the column, nothing is remembered. */
enum art_rc art_front_learn(struct art_tree *tree, const struct art_best_order *order, unsigned run,
                            struct art_hash128 hash, struct art_blob_cursor *at, uint32_t bucket);
/* The best that the children of an index blob's bucket may have is worse than what was known of the bucket; NULL: they
 * have no row. */
void art_front_note(struct art_tree *tree, const struct art_best_order *order, struct art_hash128 hash,
                    const struct art_blob *blob, uint32_t bucket, const struct art_datum *best);
/* The best value that a zone leaves room for in this order; false: it has no row that counts. */
static inline bool art_best_of_zone(const struct art_best_order *order, const struct art_zone *zone,
                                    struct art_datum *out) {
    struct art_zone wanted = *zone;
    if (order->skip_nulls) wanted.kinds &= (uint8_t)~ART_ZONE_NULLS;
    *out = art_zone_end(&wanted, order->descending);
    return wanted.kinds;
}

/* --- cursor.c ----------------------------------------------------------------------------------------------------- */
/* The tree is about to go: idle cursors are freed, open ones keep what art_cursor_close() needs. */
void art_cursors_free(struct art_tree *tree);
/* The sources of an open cursor, today's, borrowed from it, for a caller that only looks into each. The cursor is not
 * valid then. ART_NOMEM. */
enum art_rc art_cursor_sources(struct art_cursor *cursor, struct art_merge **out);

#endif
