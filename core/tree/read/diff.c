/* The difference of two states of one history: which rows were added, changed or deleted, in the order of their paths.
 *
 * It goes on in segments, so that it holds little and its first row comes soon:
 *
 *     1. The next newer entries of the newer state, 16 of them at first, then up to 1,024, are the segment's changes;
 *        it ends where the one behind them begins. The older state is asked for each: added, changed, deleted, or never
 *        seen by either. Where its rows are not many more than the changes, it is walked through instead.
 *     2. Both states' rows up to there are counted. That tells how many deletes merges have swallowed (states.c).
 *        Mostly none: the changes are told. Else the segment is cut in halves, until a piece has swallowed nothing, is
 *        small, or has lost much; through such a piece both states are walked side by side, up to the last row that is
 *        missing.
 *
 *     older    a  b  c  d     f  g  h        b' changed, e' added, g- deleted: 7 + 1 - 1 - 5 = 2 were swallowed
 *     newer    a  b' c     e'    g- h        halves: [a, e) has lost one, d; [e, ...) another one, f
 *
 * Both kinds of rows are told in order: before a row that is missing come the changes that stand before it.
 *
 * When a tree has changed since the last call, all that is known of the segment is dropped, and a new one begins behind
 * the path that was told last.
 */
#include "core/base/limits.h"
#include "core/tree/history.h"
#include "core/tree/read/states.h"

enum {
    CUTS_COST_ROWS = 32, /* finding a single row costs as many cuts as walking past so many rows */
    GET_COSTS_ROWS = 8,  /* a row of the older state is found in the time of so many steps */
};

struct found_change {
    size_t path; /* in `paths` */
    uint32_t len;
    int32_t balance;               /* of the changes before it: added less deleted */
    uint64_t old_version, version; /* 0: there is no such row; both: nor was one in the older state */
};

struct art_diff {
    struct art_states states;
    struct art_cursor *old, *now; /* for walks through a piece; NULL until one is needed */
    struct art_buffer paths;
    struct found_change change[ART_LIMIT_MOST(changes_most) + 1]; /* behind the last one, one for its balance */
    uint32_t changes, told, most; /* told: of the segment's changes; most: in the next segment */
    bool looked;                  /* at the piece between `low` and the nearest place: */
    int64_t missing;              /* rows of the older state that are still to be found in it */
    uint32_t passed;              /* rows since the host was listened to */
    bool begun, over;
    struct art_buffer last; /* the path that was told last, once `begun` */
};

enum art_rc art_diff_open(struct art_tree *from, struct art_tree *to, const struct art_range *range,
                          struct art_diff **out) {
    struct art_diff *diff = art_alloc_zeroed(sizeof *diff);
    *out = NULL;
    if (!diff) return art_nomem();
    diff->most = ART_LIMIT(changes_first);
    enum art_rc rc = art_states_init(&diff->states, from, to, range);
    if (rc) art_diff_close(diff);
    *out = rc ? NULL : diff;
    return rc;
}

void art_diff_close(struct art_diff *diff) {
    if (!diff) return;
    art_states_clear(&diff->states);
    art_cursor_close(diff->old);
    art_cursor_close(diff->now);
    art_buffer_clear(&diff->paths);
    art_buffer_clear(&diff->last);
    art_free(diff);
}

static struct art_bytes path_of(const struct art_diff *diff, const struct found_change *change) {
    return art_bytes(diff->paths.data + change->path, change->len);
}

/* --- a segment ---------------------------------------------------------------------------------------------------- */

/* Takes the next newer entries. */
static enum art_rc collect_newer(struct art_diff *diff) {
    struct art_cursor *newer = diff->states.newer;
    enum art_rc rc = ART_OK;
    diff->changes = diff->told = 0;
    diff->paths.len = 0;
    while (!rc && art_cursor_valid(newer) && diff->changes < diff->most && diff->paths.len < ART_LIMIT(changes_bytes)) {
        struct art_bytes path = art_cursor_key(newer);
        const struct art_row *row = art_cursor_row(newer);
        diff->change[diff->changes++] =
            (struct found_change){.path = diff->paths.len, .len = path.len, .version = row->deleted ? 0 : row->version};
        rc = art_buffer_append(&diff->paths, path.data, path.len);
        if (!rc) rc = art_cursor_next(newer);
    }
    if (diff->most < ART_LIMIT(changes_most)) diff->most *= 2;
    return rc;
}

/* The segment's end: before the newer entry that follows. */
static enum art_rc push_end(struct art_diff *diff) {
    struct art_states *states = &diff->states;
    struct art_place *end;
    if (!art_cursor_valid(states->newer)) return art_states_push_end(states);
    enum art_rc rc = art_states_push(states, &end);
    if (!rc) rc = art_place_at(end, art_cursor_key(states->newer));
    return rc ? rc : art_states_weigh(states, end);
}

/* What rows the older state has of the changes' paths, one by one. */
static enum art_rc ask_old(struct art_diff *diff) {
    enum art_rc rc = ART_OK;
    for (uint32_t i = 0; !rc && i < diff->changes; i++)
        rc = art_states_old_version(&diff->states, path_of(diff, &diff->change[i]), &diff->change[i].old_version);
    return rc;
}

static enum art_rc seek_piece(struct art_cursor **cursor, struct art_tree *tree, const struct art_range *piece) {
    enum art_rc rc = ART_OK;
    if (!*cursor) rc = art_cursor_open(tree, cursor);
    return rc ? rc : art_cursor_seek(*cursor, piece, false);
}

/* The same, by a walk through the segment. */
static enum art_rc walk_old(struct art_diff *diff, const struct art_place *end) {
    struct art_range segment = art_places_range(&diff->states.low, end);
    enum art_rc rc = seek_piece(&diff->old, diff->states.old, &segment);
    for (uint32_t i = 0; !rc && i < diff->changes && art_cursor_valid(diff->old);) {
        int c = art_bytes_compare(art_cursor_key(diff->old), path_of(diff, &diff->change[i]));
        if (c == 0) diff->change[i].old_version = art_cursor_row(diff->old)->version;
        if (c <= 0) rc = art_cursor_next(diff->old);
        i += c >= 0;
    }
    return rc;
}

static enum art_rc next_segment(struct art_diff *diff) {
    struct art_states *states = &diff->states;
    enum art_rc rc = art_tree_interrupted(states->now);
    if (!rc) rc = collect_newer(diff);
    if (!rc) rc = push_end(diff);
    if (rc) return rc;
    struct art_place *end = art_states_nearest(states);
    bool walks = art_places_rows(&states->low, end, 0) / GET_COSTS_ROWS <= diff->changes;
    rc = walks ? walk_old(diff, end) : ask_old(diff);
    int32_t balance = 0;
    for (uint32_t i = 0; i < diff->changes; i++) {
        struct found_change *change = &diff->change[i];
        change->balance = balance;
        balance += (change->version != 0) - (change->old_version != 0);
    }
    diff->change[diff->changes].balance = balance;
    states->low.change = 0;
    end->change = diff->changes;
    return rc;
}

/* --- what was swallowed ------------------------------------------------------------------------------------------- */

/* So many changes stand before the place. */
static uint32_t changes_before(const struct art_diff *diff, const struct art_place *place) {
    struct art_bytes key = art_buffer_bytes(&place->key), path = art_bytes(key.data + 1, key.len - 1);
    uint32_t low = diff->states.low.change, high = diff->changes;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        bool before = art_bytes_compare(path_of(diff, &diff->change[middle]), path) < 0;
        low = before ? middle + 1 : low;
        high = before ? high : middle;
    }
    return low;
}

static enum art_rc cut_piece(struct art_diff *diff) {
    struct art_place *place;
    enum art_rc rc = art_states_halve(&diff->states, &place);
    if (!rc) place->change = changes_before(diff, place);
    return rc;
}

/* At the piece between `low` and the nearest place: is anything missing, and how is it found? */
static enum art_rc look(struct art_diff *diff) {
    struct art_states *states = &diff->states;
    const struct art_place *low = &states->low, *high = art_states_nearest(states);
    int64_t rows = art_places_rows(low, high, 0), now = art_places_rows(low, high, 1);
    int64_t balance = (int64_t)diff->change[high->change].balance - diff->change[low->change].balance;
    int64_t missing = (int64_t)((uint64_t)rows + (uint64_t)balance - (uint64_t)now);
    if (rows < 0 || now < 0 || missing < 0 || missing > rows) return art_states_lie(states);
    if (missing && rows > ART_LIMIT(diff_few_rows) && missing <= rows / CUTS_COST_ROWS) return cut_piece(diff);
    diff->looked = true;
    diff->missing = missing;
    if (!missing) return ART_OK;
    struct art_range piece = art_places_range(low, high);
    enum art_rc rc = seek_piece(&diff->old, states->old, &piece);
    return rc ? rc : seek_piece(&diff->now, states->now, &piece);
}

/* `old` goes to the next row that the newer state does not have; it stays on one. */
static enum art_rc find_missing(struct art_diff *diff) {
    enum art_rc rc = ART_OK;
    while (!rc && art_cursor_valid(diff->old)) {
        int c = -1;
        if (art_cursor_valid(diff->now)) c = art_bytes_compare(art_cursor_key(diff->old), art_cursor_key(diff->now));
        if (c < 0) return ART_OK;
        if (++diff->passed % ART_LIMIT(ask_diff) == 0) rc = art_tree_interrupted(diff->states.now);
        if (!rc) rc = art_cursor_next(diff->now);
        if (!rc && c == 0) rc = art_cursor_next(diff->old);
    }
    return rc ? rc : art_states_lie(&diff->states);
}

/* --- what is told ------------------------------------------------------------------------------------------------- */

static enum art_rc tell(struct art_diff *diff, struct art_bytes path, uint64_t old_version, uint64_t version,
                        struct art_changed *out) {
    bool turned = art_states_from(&diff->states);
    enum art_rc rc = art_buffer_set(&diff->last, path.data, path.len);
    out->path = art_buffer_bytes(&diff->last);
    out->old_version = turned ? version : old_version;
    out->version = turned ? old_version : version;
    return rc;
}

/* The next change before number `end`. *told: there is one. */
static enum art_rc tell_change(struct art_diff *diff, uint32_t end, struct art_changed *out, bool *told) {
    while (diff->told < end) {
        const struct found_change *change = &diff->change[diff->told++];
        *told = change->old_version || change->version;
        if (*told) return tell(diff, path_of(diff, change), change->old_version, change->version, out);
    }
    return ART_OK;
}

/* The next of a piece in which rows are missing: such a row, or a change before it. *told: one of them was told. */
static enum art_rc tell_missing(struct art_diff *diff, struct art_changed *out, bool *told) {
    const struct art_place *high = art_states_nearest(&diff->states);
    enum art_rc rc = find_missing(diff);
    if (rc) return rc;
    struct art_bytes path = art_cursor_key(diff->old);
    int c = 1;
    if (diff->told < high->change) c = art_bytes_compare(path_of(diff, &diff->change[diff->told]), path);
    if (c < 0) return tell_change(diff, diff->told + 1, out, told);
    *told = c > 0; /* a delete that is known is told as a change */
    diff->missing -= *told;
    if (*told) rc = tell(diff, path, art_cursor_row(diff->old)->version, 0, out);
    return rc ? rc : art_cursor_next(diff->old);
}

static enum art_rc begin_again(struct art_diff *diff) {
    struct art_states *states = &diff->states;
    enum art_rc rc = ART_OK;
    if (diff->begun) rc = art_place_behind(&states->low, art_buffer_bytes(&diff->last), true);
    art_cursor_close(diff->old);
    art_cursor_close(diff->now);
    diff->old = diff->now = NULL;
    diff->looked = false;
    diff->changes = diff->told = 0;
    return rc ? rc : art_states_begin(states, &diff->over);
}

/* *told: a change was; else the next call goes on. */
static enum art_rc step(struct art_diff *diff, struct art_changed *out, bool *told) {
    struct art_states *states = &diff->states;
    if (!states->places) {
        diff->over = art_places_compare(&states->low, &states->end) >= 0;
        return diff->over ? ART_OK : next_segment(diff);
    }
    if (!diff->looked) return look(diff);
    if (diff->missing) return tell_missing(diff, out, told);
    enum art_rc rc = tell_change(diff, art_states_nearest(states)->change, out, told);
    if (rc || *told) return rc;
    art_states_pass(states);
    diff->looked = false;
    return ART_OK;
}

enum art_rc art_diff_next(struct art_diff *diff, struct art_changed *out) {
    bool told = false;
    enum art_rc rc = ART_OK;
    if (!diff->over && art_states_moved(&diff->states)) rc = begin_again(diff);
    while (!rc && !told && !diff->over) rc = step(diff, out, &told);
    diff->begun |= told;
    diff->over |= rc != ART_OK;
    return rc || told ? rc : ART_NOTFOUND;
}
