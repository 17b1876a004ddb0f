/* Is there a row in a range that has, in a column with a sum, neither an integer nor NULL? Such a row counts 0 here,
 * and something in SQLite's sum().
 *
 * Zones tell of nearly all tables, and of nearly all ranges in the others, that there is none: those of whole sources;
 * else extreme.c walks to the two ends of the range, in each source. In the memtable nothing is hidden, so what is
 * found there is such a row. What a run's zones tell of may be hidden by newer sources. Then the entries are looked
 * for: a cursor passes over all blobs and buckets without any (art_limit.others), and of each key that it finds the
 * newer sources are asked. So it is only where many such rows were changed or deleted since the last merge that this
 * takes long.
 */
#include "core/base/limits.h"
#include "core/tree/read/read.h"

static bool has_other(const struct art_summary *summary, unsigned column, const struct art_entry *entry) {
    struct art_datum data[ART_SUMMARY_MAX];
    uint8_t room[ART_VALUE_INLINE_MAX];
    if (entry->flags & (ART_DELETE | ART_CHUNK)) return false;
    art_summary_read(summary, entry, 1u << column, room, data);
    return data[column].kind != ART_DATUM_INTEGER && data[column].kind != ART_DATUM_NULL;
}

/* Where the nodes lie too deep for a search by their zones. */
static enum art_rc walk_memtable(struct art_tree *tree, struct art_bytes low, struct art_bytes high,
                                 struct art_extreme *search) {
    struct art_memtable_cursor cursor;
    struct art_entry entry;
    unsigned passed = 0;
    art_memtable_cursor_init(&cursor, tree->memtable);
    enum art_rc rc = art_memtable_seek_ge(&cursor, low);
    while (!rc && cursor.valid && art_bytes_compare(cursor.key, high) < 0) {
        art_memtable_cursor_entry(&cursor, &entry);
        if (has_other(search->summary, search->column, &entry)) {
            search->other = cursor.key;
            break;
        }
        rc = art_memtable_next(&cursor);
        if (!rc && ++passed % ART_LIMIT(ask_others) == 0) rc = art_tree_interrupted(tree);
    }
    art_memtable_cursor_clear(&cursor);
    return rc;
}

static enum art_rc look_into_memtable(struct art_tree *tree, struct art_bytes low, struct art_bytes high,
                                      struct art_extreme *search) {
    art_memtable_extreme(tree->memtable, low, high, search);
    bool unknown = search->lost && !search->other.data;
    search->lost = false;
    return unknown ? walk_memtable(tree, low, high, search) : ART_OK;
}

/* *there: a row that nothing hides is under the cursor. */
static enum art_rc look_through_run(struct art_tree *tree, unsigned run, struct art_run_cursor *cursor,
                                    struct art_bytes low, struct art_bytes high, const struct art_extreme *search,
                                    bool *there) {
    struct art_limits limits;
    unsigned passed = 0;
    art_limits_none(&limits, search->summary);
    limits.limit[limits.count++] = (struct art_limit){.column = search->column, .others = true};
    art_run_cursor_reset(cursor, &tree->root->run[run].top, 0);
    cursor->limits = &limits;
    cursor->stop = &high;
    cursor->tree = tree;
    enum art_rc rc = art_run_seek_ge(cursor, low);
    while (!rc && !*there && cursor->valid && art_bytes_compare(art_run_key(cursor), high) < 0) {
        struct art_entry entry;
        bool hidden = true;
        art_blob_cursor_entry(&cursor->leaf, &entry);
        if (has_other(search->summary, search->column, &entry))
            rc = art_tree_is_hidden(tree, art_run_key(cursor), run, &hidden, NULL);
        *there = !rc && !hidden;
        if (!rc && hidden) rc = art_run_next(cursor);
        art_store_relax(tree->store); /* else it would keep all leaves that it has passed, and asked */
        if (!rc && ++passed % ART_LIMIT(ask_others) == 0) rc = art_tree_interrupted(tree);
    }
    cursor->limits = NULL;
    cursor->stop = NULL;
    return rc;
}

static enum art_rc look_into_run(struct art_tree *tree, unsigned run, struct art_bytes low, struct art_bytes high,
                                 struct art_extreme *search, struct art_buffer *path, bool *there) {
    struct art_run_cursor cursor;
    enum art_rc rc = art_run_extreme(tree, &tree->root->run[run], low, high, search);
    if (rc || !search->lost) return rc;
    search->lost = false;
    rc = art_run_cursor_open(&cursor, tree->store);
    if (rc) return rc;
    rc = look_through_run(tree, run, &cursor, low, high, search, there);
    struct art_bytes key = *there ? art_run_key(&cursor) : art_bytes(NULL, 0);
    if (*there) rc = art_buffer_set(path, key.data + 1, key.len - 1);
    art_run_cursor_close(&cursor);
    return rc;
}

static enum art_rc __attribute__((noinline))
search_others(struct art_tree *tree, const struct art_range *range, unsigned column, struct art_buffer *path) {
    struct art_extreme search = {.summary = art_tree_summary(tree), .column = column, .others = true};
    bool there = false;
    struct art_bytes low = art_range_low(tree->key, range), high = art_range_high(tree->second_key, range);
    enum art_rc rc = look_into_memtable(tree, low, high, &search);
    if (!rc && search.other.data) return art_buffer_set(path, search.other.data + 1, search.other.len - 1);
    for (unsigned i = 0; !rc && !there && i < tree->root->runs; i++)
        rc = look_into_run(tree, i, low, high, &search, path, &there);
    return rc || there ? rc : ART_NOTFOUND;
}

enum art_rc art_tree_find_other(struct art_tree *tree, const struct art_range *range, unsigned column,
                                struct art_buffer *path) {
    enum art_rc rc = art_tree_ready(tree);
    assert(rc || column < art_tree_measures(tree).sums);
    if (rc) return rc;
    /* By the zones of whole sources: nearly always all that has to be asked. */
    uint8_t kinds = art_memtable_kinds(tree->memtable, column);
    for (unsigned i = 0; i < tree->root->runs; i++) {
        const struct art_ref *top = &tree->root->run[i].top;
        kinds |= art_summed_zone(top->has, top->summed, column).kinds;
    }
    return kinds & ART_ZONE_NO_INTEGERS ? search_others(tree, range, column, path) : ART_NOTFOUND;
}
