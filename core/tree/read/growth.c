/* What has grown between two states of one history: for each name of a level below which a row is another one, how many
 * rows there are and what a column of theirs adds up to, in both.
 *
 * What is below a name costs as little as in a listing: both states' counts and sums before it and behind it
 * (states.c). So only names have to be found.
 *
 *     1. The next newer entry of the newer state lies below one; the search goes on behind that.
 *     2. Between two such names nothing is newer. So where both states have as many rows there, they have the same
 *        ones; else deletes were swallowed, and the name of the older state's middle row is cut out. What lies before
 *        and behind it is looked at in the same way.
 *
 *     newer entries      b/7                        f/1
 *     names            [ b/ ]                     [ f/ ]          told
 *     between   [ a/ ]         [ c/   d/    e/ ]           [ g/ ]  counts are the same, but for those of c/ to e/:
 *                              [c/] [ d/ ] [ e/ ]                  the middle row is below d/
 *
 * With as many rows in both states, a name has changed if and only if a row below it is newer: deletes that are newer
 * have then met rows that were newer, too, and that the older state does not have. With other numbers it has changed.
 *
 * Who wants to know what the changed rows are has the newer entries below a name walked through: each row among them
 * was added, or has changed, if the older state has one of its path. Deleted are as many as were added and are not
 * more in the newer state; nobody looks for them. Where only one of the states has rows, their counts say it all.
 *
 * When a tree has changed since the last call, the search begins again behind the name that was told last.
 */
#include "core/base/limits.h"
#include "core/tree/history.h"
#include "core/tree/read/states.h"

struct art_growth {
    struct art_states states;
    struct art_buffer prefix, delimiter, name;
    uint64_t depth;
    bool counts, totals, over;
    int64_t added, changed;    /* rows below the name of a newer entry, where one is newer: only one such name waits */
    struct art_levels *levels; /* of all levels */
};

enum art_rc art_growth_open(struct art_tree *from, struct art_tree *to, const struct art_growing *what,
                            struct art_growth **out) {
    assert(what->delimiter.len);
    struct art_growth *growth = art_alloc_zeroed(sizeof *growth);
    struct art_range range;
    *out = NULL;
    if (!growth) return art_nomem();
    growth->depth = what->depth;
    growth->counts = what->counts;
    growth->totals = what->totals;
    enum art_rc rc = art_buffer_append(&growth->prefix, what->prefix.data, what->prefix.len);
    if (!rc) rc = art_buffer_append(&growth->delimiter, what->delimiter.data, what->delimiter.len);
    if (!rc) rc = art_buffer_reserve(&growth->name, what->prefix.len);
    if (!rc) {
        art_range_of_prefix(what->prefix, growth->name.data, &range);
        rc = art_states_init(&growth->states, from, to, &range);
        growth->states.sum[0] = growth->states.sum[1] = what->sum;
    }
    if (!rc && !what->depth) rc = art_levels_open(from, to, what, &growth->levels);
    if (rc) art_growth_close(growth);
    *out = rc ? NULL : growth;
    return rc;
}

void art_growth_close(struct art_growth *growth) {
    if (!growth) return;
    art_levels_close(growth->levels);
    art_states_clear(&growth->states);
    art_buffer_clear(&growth->prefix);
    art_buffer_clear(&growth->delimiter);
    art_buffer_clear(&growth->name);
    art_free(growth);
}

/* The name that the path lies below, in `name`. *whole: the path itself, and none other. */
static enum art_rc take_name(struct art_growth *growth, struct art_bytes path, bool *whole) {
    struct art_bytes delimiter = art_buffer_bytes(&growth->delimiter);
    uint32_t at = (uint32_t)growth->prefix.len, end = 1;
    for (uint64_t i = 0; i < growth->depth && end; i++) {
        end = art_level_end(path, at, delimiter);
        at = end ? end : path.len;
    }
    *whole = !end;
    return art_buffer_set(&growth->name, path.data, at);
}

/* The name's two places, weighed, and before them what lies between. */
static enum art_rc push_name(struct art_growth *growth, bool whole, struct art_place **begins) {
    struct art_states *states = &growth->states;
    struct art_bytes name = art_buffer_bytes(&growth->name);
    struct art_place *place;
    enum art_rc rc = art_states_push(states, &place);
    if (!rc) rc = art_place_behind(place, name, whole);
    if (!rc) rc = art_states_weigh(states, place);
    if (!rc) rc = art_states_push(states, &place);
    if (!rc) rc = art_place_at(place, name);
    if (!rc) rc = art_states_weigh(states, place);
    if (rc) return rc;
    if (art_places_compare(place, &states->low) < 0) return art_states_lie(states);
    place->begins = true;
    *begins = place;
    return ART_OK;
}

static int64_t more_rows(const struct art_place *low, const struct art_place *high) {
    return (int64_t)((uint64_t)art_places_rows(low, high, 1) - (uint64_t)art_places_rows(low, high, 0));
}

/* A newer entry below the name that begins there. */
static inline enum art_rc note_newer(struct art_growth *growth, struct art_place *begins, bool counts) {
    struct art_cursor *newer = growth->states.newer;
    uint64_t version;
    if (art_cursor_row(newer)->deleted) return ART_OK;
    begins->puts = true;
    if (!counts) return ART_OK;
    enum art_rc rc = art_states_old_version(&growth->states, art_cursor_key(newer), &version);
    growth->added += !version;
    growth->changed += version != 0;
    return rc;
}

/* Goes through the newer entries below the name up to a row, or through all of them, which are counted then. *below: it
 * stands on one of them; else behind them all. */
static enum art_rc walk_newer(struct art_growth *growth, struct art_place *begins, bool counts, bool *below) {
    struct art_states *states = &growth->states;
    struct art_bytes name = art_buffer_bytes(&growth->name);
    enum art_rc rc = ART_OK;
    for (uint32_t passed = 1; !rc && *below && (counts || !begins->puts); passed++) {
        rc = art_cursor_next(states->newer);
        *below = art_cursor_valid(states->newer) && art_bytes_starts_with(art_cursor_key(states->newer), name);
        if (!rc && *below) rc = note_newer(growth, begins, counts);
        if (!rc && passed % ART_LIMIT(ask_growth) == 0) rc = art_tree_interrupted(states->now);
    }
    return rc;
}

/* The name of the next newer entry; without one, what is left. */
static enum art_rc push_newer(struct art_growth *growth) {
    struct art_states *states = &growth->states;
    struct art_cursor *newer = states->newer;
    if (!art_cursor_valid(newer)) return art_states_push_end(states);
    bool whole, below = true;
    struct art_place *begins;
    enum art_rc rc = take_name(growth, art_cursor_key(newer), &whole);
    if (!rc) rc = push_name(growth, whole, &begins);
    if (rc) return rc;
    int64_t had = art_places_rows(begins, begins - 1, 0), has = art_places_rows(begins, begins - 1, 1);
    bool both = had && has, counts = growth->counts && both && !whole;
    begins->puts = !had && has;
    growth->added = had ? 0 : has;
    growth->changed = both && whole;
    rc = note_newer(growth, begins, counts);
    if (rc || whole) return rc ? rc : art_cursor_next(newer);
    if (counts || (!begins->puts && had == has)) rc = walk_newer(growth, begins, counts, &below);
    return rc || !below ? rc : art_cursor_skip_prefix(newer, (uint32_t)growth->name.len);
}

/* Rows were swallowed between `low` and the nearest place: the name that is there in the middle is cut out. */
static enum art_rc cut_name(struct art_growth *growth) {
    struct art_states *states = &growth->states;
    const struct art_place *low = &states->low, *high = art_states_nearest(states);
    int64_t rows = art_places_rows(low, high, 0), more = more_rows(low, high);
    uint32_t number = states->places;
    struct art_bytes path = {0};
    struct art_place *begins;
    bool whole;
    if (rows < 1 || more > 0 || -more > rows) return art_states_lie(states);
    enum art_rc rc = art_tree_interrupted(states->now);
    if (!rc) rc = art_states_select(states, low->rows[0] + rows / 2, &path);
    if (!rc) rc = take_name(growth, path, &whole);
    if (!rc) rc = push_name(growth, whole, &begins);
    if (rc) return rc;
    high = &states->place[number - 1];
    return art_places_compare(begins - 1, high) > 0 ? art_states_lie(states) : ART_OK;
}

static enum art_rc tell_counts(struct art_growth *growth, const struct art_place *begins, const struct art_place *ends,
                               struct art_grown *out) {
    const struct art_states *states = &growth->states;
    int64_t added = begins->puts ? growth->added : 0, changed = begins->puts ? growth->changed : 0;
    int64_t gone = added - more_rows(begins, ends), had = art_places_rows(begins, ends, 0);
    if (gone < 0 || gone > had - changed) return art_states_lie(states);
    bool turned = art_states_from(states);
    out->added = (uint64_t)(turned ? gone : added);
    out->changed = (uint64_t)changed;
    out->deleted = (uint64_t)(turned ? added : gone);
    return ART_OK;
}

static inline enum art_rc tell_name(struct art_growth *growth, const struct art_place *begins,
                                    const struct art_place *ends, struct art_grown *out) {
    const struct art_states *states = &growth->states;
    unsigned from = art_states_from(states);
    struct art_bytes key = art_buffer_bytes(&begins->key);
    enum art_rc rc = art_buffer_set(&growth->name, key.data + 1, key.len - 1);
    int64_t old_rows = art_places_rows(begins, ends, from), rows = art_places_rows(begins, ends, !from);
    if (old_rows < 0 || rows < 0) return art_states_lie(states);
    *out = (struct art_grown){.path = art_buffer_bytes(&growth->name),
                              .old_rows = (uint64_t)old_rows,
                              .rows = (uint64_t)rows,
                              .old_sum = art_places_sum(begins, ends, from),
                              .sum = art_places_sum(begins, ends, !from),
                              .whole = ends->key.len > key.len}; /* as art_place_behind() makes it */
    return rc || !growth->counts ? rc : tell_counts(growth, begins, ends, out);
}

/* *told: a name was; else the next call goes on. */
static enum art_rc look_at_nearest(struct art_growth *growth, struct art_grown *out, bool *told) {
    struct art_states *states = &growth->states;
    enum art_rc rc = ART_OK;
    if (!states->places) {
        growth->over = art_places_compare(&states->low, &states->end) >= 0;
        return growth->over ? ART_OK : push_newer(growth);
    }
    const struct art_place *low = &states->low, *high = art_states_nearest(states);
    bool differs = more_rows(low, high) != 0;
    if (!low->begins && differs) return cut_name(growth);
    if (low->begins && (differs || low->puts)) {
        rc = tell_name(growth, low, high, out);
        *told = true;
    }
    art_states_pass(states);
    return rc;
}

/* Of all levels: what was found below it is known, and both states are asked for the rest if it is wanted. */
static enum art_rc next_of_all(struct art_growth *growth, struct art_grown *out, bool *told) {
    struct art_states *states = &growth->states;
    struct art_level level;
    struct art_place *begins;
    enum art_rc rc = art_levels_next(growth->levels, &level);
    growth->over = rc == ART_NOTFOUND;
    if (rc) return growth->over ? ART_OK : rc;
    *told = true;
    rc = art_buffer_set(&growth->name, level.name.data, level.name.len);
    *out = (struct art_grown){.path = art_buffer_bytes(&growth->name),
                              .added = level.added,
                              .changed = level.changed,
                              .deleted = level.deleted};
    if (rc || !growth->totals) return rc;
    rc = push_name(growth, false, &begins);
    if (rc) return rc;
    begins->puts = true;
    growth->added = (int64_t)(art_states_from(states) ? level.deleted : level.added);
    growth->changed = (int64_t)level.changed;
    rc = tell_name(growth, begins, begins - 1, out);
    states->places = 0;
    return rc;
}

static enum art_rc begin_names(struct art_growth *growth) {
    growth->states.low.begins = false;
    enum art_rc rc = art_states_begin(&growth->states, &growth->over);
    return rc || !growth->levels || growth->over ? rc : art_levels_begin(growth->levels);
}

enum art_rc art_growth_next(struct art_growth *growth, struct art_grown *out) {
    bool told = false;
    enum art_rc rc = ART_OK;
    if (!growth->over && art_states_moved(&growth->states)) rc = begin_names(growth);
    while (!rc && !told && !growth->over)
        rc = growth->levels ? next_of_all(growth, out, &told) : look_at_nearest(growth, out, &told);
    growth->over |= rc != ART_OK;
    return rc || told ? rc : ART_NOTFOUND;
}
