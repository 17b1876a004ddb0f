/* The difference of two tables that have no history in common: by hashes of their rows, summed up as other columns are.
 *
 *     1. Both tables' rows of a piece are counted, and the hashes of these added up. Equal: so are the rows.
 *     2. Else the piece is cut in halves, at the first table's middle row (states.c), until one of the two has only few
 *        rows in it.
 *     3. Through such a piece both are walked side by side, and rows of one path compared. So hashes end the search,
 *        and no row is told for a hash.
 *
 *     first      a  b  c  d | e  f  g  h        [a, e) has equal sums. [e, ...) has others, and is cut:
 *     second     a  b  c  d | e  f' g           [e, g), [g, ...)
 *
 * Where a tree has changed since the last call, the search begins again behind the path that was told last.
 */
#include "core/base/limits.h"
#include "core/tree/history.h"
#include "core/tree/read/states.h"

enum {
    CUT_IS_ROWS = 128, /* as much work as passing so many */
};

struct art_differences {
    struct art_states states;
    struct art_cursor *side[2]; /* for walks through a piece; NULL until one is needed */
    bool walks;                 /* through that between `low` and the nearest place */
    bool begun, over;
    uint32_t passed;        /* rows, and cuts, since the host was listened to */
    struct art_buffer last; /* the path that was told last, once `begun` */
    uint8_t room[2][ART_VALUE_INLINE_MAX];
};

enum art_rc art_differences_open(const struct art_differing *what, const struct art_range *range,
                                 struct art_differences **out) {
    struct art_differences *differences = art_alloc_zeroed(sizeof *differences);
    *out = NULL;
    if (!differences) return art_nomem();
    enum art_rc rc = art_states_init(&differences->states, what->from, what->to, range);
    differences->states.apart = true;
    differences->states.sum[0] = (int)what->from_hash;
    differences->states.sum[1] = (int)what->to_hash;
    if (rc) art_differences_close(differences);
    *out = rc ? NULL : differences;
    return rc;
}

void art_differences_close(struct art_differences *differences) {
    if (!differences) return;
    art_states_clear(&differences->states);
    for (int i = 0; i < 2; i++) art_cursor_close(differences->side[i]);
    art_buffer_clear(&differences->last);
    art_free(differences);
}

/* --- a piece ------------------------------------------------------------------------------------------------------ */

static inline enum art_rc listen_for_both(struct art_differences *differences, uint32_t rows) {
    differences->passed += rows;
    if (differences->passed < ART_LIMIT(ask_differences)) return ART_OK;
    differences->passed = 0;
    return art_tree_interrupted(differences->states.now);
}

static enum art_rc halve_piece(struct art_differences *differences) {
    struct art_place *place;
    enum art_rc rc = listen_for_both(differences, CUT_IS_ROWS);
    return rc ? rc : art_states_halve(&differences->states, &place);
}

static enum art_rc seek_both(struct art_differences *differences) {
    const struct art_states *states = &differences->states;
    struct art_range piece = art_places_range(&states->low, art_states_nearest(states));
    enum art_rc rc = ART_OK;
    for (int i = 0; !rc && i < 2; i++) {
        if (!differences->side[i]) rc = art_cursor_open(states->tree[i], &differences->side[i]);
        if (!rc) rc = art_cursor_seek(differences->side[i], &piece, false);
    }
    differences->walks = !rc;
    return rc;
}

/* At the piece between `low` and the nearest place: is anything in it, and how is it found? */
static enum art_rc weigh_piece(struct art_differences *differences) {
    struct art_states *states = &differences->states;
    const struct art_place *low = &states->low, *high = art_states_nearest(states);
    int64_t rows[2] = {art_places_rows(low, high, 0), art_places_rows(low, high, 1)};
    uint64_t hash[2] = {(uint64_t)art_places_sum(low, high, 0), (uint64_t)art_places_sum(low, high, 1)};
    if (rows[0] < 0 || rows[1] < 0) return art_states_lie(states);
    if (rows[0] > ART_LIMIT(few_of_both) && rows[1] > ART_LIMIT(few_of_both) && hash[0] != hash[1])
        return halve_piece(differences);
    if (rows[0] != rows[1] || hash[0] != hash[1]) return seek_both(differences);
    art_states_pass(states);
    return ART_OK;
}

/* --- a walk ------------------------------------------------------------------------------------------------------- */

/* The value under a cursor, to be freed if *owned. */
static enum art_rc value_under(struct art_differences *differences, int side, struct art_bytes *out, uint8_t **owned) {
    struct art_stored stored;
    struct art_cursor *cursor = differences->side[side];
    *owned = NULL;
    if (!art_cursor_value(cursor, &stored))
        return art_row_value(differences->states.tree[side], art_cursor_row(cursor), out, owned);
    *out = art_stored_plain(&stored, differences->room[side]);
    return ART_OK;
}

/* Both cursors stand on one path. */
static enum art_rc compare_both(struct art_differences *differences, bool *equal) {
    struct art_bytes value[2];
    uint8_t *owned[2] = {NULL, NULL};
    enum art_rc rc = ART_OK;
    for (int i = 0; !rc && i < 2; i++) rc = value_under(differences, i, &value[i], &owned[i]);
    if (!rc) *equal = art_bytes_equal(value[0], value[1]);
    for (int i = 0; i < 2; i++) art_free(owned[i]);
    return rc;
}

/* Which of the two stands on the earlier path: <0 the first, 0 both, >0 the second. Not behind their ends. */
static int compare_places_of(struct art_cursor *const *side) {
    if (!art_cursor_valid(side[0])) return 1;
    if (!art_cursor_valid(side[1])) return -1;
    return art_bytes_compare(art_cursor_key(side[0]), art_cursor_key(side[1]));
}

/* The next path of a walk. *told: its rows differ. */
static enum art_rc walk_both(struct art_differences *differences, struct art_changed *out, bool *told) {
    struct art_cursor *const *side = differences->side;
    bool on[2], equal = false;
    if (!art_cursor_valid(side[0]) && !art_cursor_valid(side[1])) {
        differences->walks = false;
        art_states_pass(&differences->states);
        return ART_OK;
    }
    enum art_rc rc = listen_for_both(differences, 1);
    int c = compare_places_of(side);
    on[0] = c <= 0;
    on[1] = c >= 0;
    if (!rc && c == 0) rc = compare_both(differences, &equal);
    if (!rc && !equal) {
        struct art_bytes path = art_cursor_key(side[!on[0]]);
        rc = art_buffer_set(&differences->last, path.data, path.len);
        *out = (struct art_changed){.path = art_buffer_bytes(&differences->last),
                                    .old_version = on[0] ? art_cursor_row(side[0])->version : 0,
                                    .version = on[1] ? art_cursor_row(side[1])->version : 0};
        *told = !rc;
    }
    for (int i = 0; !rc && i < 2; i++)
        if (on[i]) rc = art_cursor_next(side[i]);
    return rc;
}

/* --- what is told ------------------------------------------------------------------------------------------------- */

static enum art_rc search_again(struct art_differences *differences) {
    struct art_states *states = &differences->states;
    enum art_rc rc = ART_OK;
    if (differences->begun) rc = art_place_behind(&states->low, art_buffer_bytes(&differences->last), true);
    differences->walks = false;
    return rc ? rc : art_states_begin(states, &differences->over);
}

/* *told: a path was; else the next call goes on. */
static enum art_rc search_step(struct art_differences *differences, struct art_changed *out, bool *told) {
    struct art_states *states = &differences->states;
    if (differences->walks) return walk_both(differences, out, told);
    if (states->places) return weigh_piece(differences);
    differences->over = art_places_compare(&states->low, &states->end) >= 0;
    return differences->over ? ART_OK : art_states_push_end(states);
}

enum art_rc art_differences_next(struct art_differences *differences, struct art_changed *out) {
    bool told = false;
    enum art_rc rc = ART_OK;
    if (!differences->over && art_states_moved(&differences->states)) rc = search_again(differences);
    while (!rc && !told && !differences->over) rc = search_step(differences, out, &told);
    differences->begun |= told;
    differences->over |= rc != ART_OK;
    return rc || told ? rc : ART_NOTFOUND;
}
