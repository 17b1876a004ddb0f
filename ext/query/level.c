/* LEVEL: one level of a directory. SELECT ... FROM files('usr/share/', '/').
 *
 * Let p be the prefix and d the delimiter. A path that begins with p and whose rest contains d is rolled up to r = p +
 * rest up to the end of the first d; all others stand for themselves. All paths that begin with r, and no others, are
 * rolled up to r, since the first d in their rest is the one in r: so the rows of a level come in the order of the
 * tree, each r at the place of its subtree, over which the cursor jumps.
 *
 *     tree     usr/bin/cc  usr/bin/ld  usr/readme  usr/share/a  usr/share/b/c  usr/z
 *     shown    [usr/bin/           ]   usr/readme  [usr/share/             ]   usr/z       files('usr/', '/')
 *
 * Conditions are about the paths that are shown. Shown paths rise with the keys, so a range of shown paths is a range
 * of keys, with other bounds where a bound lies in the subtree of an r:
 *
 *     low  in r's subtree     r itself, closed: from r on                        (r stands for all of it)
 *                             else: behind the subtree                           (r is below the bound)
 *     high in r's subtree     r itself, open: up to r                            (r is not below the bound)
 *                             else: to the end of the subtree                    (r is shown)
 *     neither                 the bound itself: were r < bound <= key for a key below r, the bound would begin with r
 */
#include <assert.h>

#include "ext/query/scan.h"

/* As art_rows_roll_up(), for any path: 0 also where it lies outside of the level. */
static uint32_t bound_rolls_up(const struct art_scan *scan, struct art_bytes path) {
    bool inside = art_bytes_starts_with(path, art_buffer_bytes(art_scan_prefix(scan)));
    return inside ? art_rows_roll_up(scan, path) : 0;
}

/* In place: the least string behind all that begin with it. False: there is none. */
static bool raise_behind(struct art_buffer *bytes) {
    while (bytes->len && bytes->data[bytes->len - 1] == 0xff) bytes->len--;
    if (bytes->len) bytes->data[bytes->len - 1]++;
    return bytes->len > 0;
}

static void make_range_of_keys(struct art_scan *scan) {
    struct art_key_range *keys = &scan->keys;
    struct art_range *range = &keys->range;
    uint32_t low = range->low_set ? bound_rolls_up(scan, range->low) : 0;
    uint32_t high = range->high_set ? bound_rolls_up(scan, range->high) : 0;
    if (low && (low < range->low.len || range->low_open)) {
        keys->low.len = low;
        keys->empty |= !raise_behind(&keys->low);
        range->low = art_buffer_bytes(&keys->low);
        range->low_open = false;
    }
    if (high && (high < range->high.len || !range->high_open)) {
        keys->high.len = high;
        range->high_set = raise_behind(&keys->high);
        range->high = art_buffer_bytes(&keys->high);
        range->high_open = true;
    }
}

/* start_after is about keys, as S3's: it cuts through the subtree of an r, which is shown if anything is left of it.
 * But where it is an r, that has been shown before, and its subtree lies behind. */
static void start_after(struct art_scan *scan) {
    struct art_key_range *keys = &scan->keys;
    struct art_bytes key = art_buffer_bytes(art_scan_start(scan));
    uint32_t shown = bound_rolls_up(scan, key);
    if (!shown || shown < key.len) {
        art_scan_begin_behind(scan);
        return;
    }
    if (art_buffer_set(&keys->scratch, key.data, key.len)) {
        keys->rc = SQLITE_NOMEM;
    } else if (raise_behind(&keys->scratch)) {
        art_key_range_low(keys, art_buffer_bytes(&keys->scratch), false);
    } else {
        keys->empty = true;
    }
}

void art_level_scan_bound(struct art_scan *scan) {
    make_range_of_keys(scan);
    if (scan->shown[ART_HIDDEN_START_AFTER].type) start_after(scan);
}

/* --- DELETE and UPDATE of a level --------------------------------------------------------------------------------- */

/* SQLite first goes through the rows of a DELETE or an UPDATE and then changes them by their paths, whatever they are.
 * A path that a listing has rolled up stands for all below it, but there may be a row of that name, too:
 *
 *     DELETE FROM t WHERE prefix = 'usr/' AND delimiter = '/' AND path = 'usr/share/'     all below
 *     DELETE FROM t WHERE path IN (SELECT path FROM t('usr/', '/'))                       rows, if there are any
 *
 * A DELETE hands over nothing but the path. It is the listing's where no other scan of the handle has begun or ended
 * since the listing has ended: the scan that gives a DELETE its paths ends behind all subqueries, or is closed, before
 * the first row is changed; and a trigger's DELETE has a scan of its own. An UPDATE is told by a column:
 * art_scan_column() shows `entries` of what is rolled up, even though it does not change.
 *
 * `prefix IN ('a/', 'b/')` is several listings by one scan, and the arguments of the last one are left. A DELETE of
 * what they show is refused, if there are common prefixes. */

static bool may_have_rolled_up(const struct art_scan *scan, struct art_bytes path) {
    return path.len && (scan->several ? scan->has_rolled : bound_rolls_up(scan, path) == path.len);
}

enum art_listed art_listed_last(const struct art_vtab *vtab, struct art_bytes path) {
    const struct art_reading *reading = (const struct art_reading *)vtab->reading;
    const struct art_scan *scan = reading ? reading->listed : NULL;
    if (!scan || !may_have_rolled_up(scan, path)) return ART_LISTED_ROW;
    return scan->several ? ART_LISTED_UNCLEAR : ART_LISTED_PREFIX;
}

/* Of a DELETE, too, only the path is told. As above, its scan is the one that has ended last: DELETE ... WHERE path IN
 * (SELECT path FROM t WHERE snapshot = 'x') is one of rows as they are. */
bool art_delete_reads_snapshot(const struct art_vtab *vtab) {
    const struct art_reading *reading = (const struct art_reading *)vtab->reading;
    return reading && reading->ended_on_snapshot;
}

bool art_listing_has_ended(const struct art_vtab *vtab, struct art_bytes path) {
    for (const struct art_open_scan *open = vtab->table->scans; open; open = open->next) {
        const struct art_scan *scan = (const struct art_scan *)open;
        bool ended = scan->kind == ART_SCAN_LEVEL && scan->state == ART_SCAN_END;
        if (ended && may_have_rolled_up(scan, path)) return true;
    }
    return false;
}

/* A statement that writes has begun a transaction that does, before it looks at any row: mostly there is none, and the
 * connection's statements need not be gone through. */
bool art_is_writing(sqlite3 *db) {
    if (sqlite3_txn_state(db, NULL) != SQLITE_TXN_WRITE) return false;
    for (sqlite3_stmt *each = sqlite3_next_stmt(db, NULL); each; each = sqlite3_next_stmt(db, each)) {
        if (sqlite3_stmt_busy(each) && !sqlite3_stmt_readonly(each)) return true;
    }
    return false;
}

/* --- from row to row ---------------------------------------------------------------------------------------------- */

enum art_rc art_level_scan_next(struct art_scan *scan) {
    struct art_level_scan *level = &scan->of.level;
    level->known = level->known == ART_TOTALS_OF_ROW ? ART_TOTALS_OF_ROW_BEFORE : ART_TOTALS_NONE;
    scan->has_rolled |= level->rolled > 0;
    return art_rows_next(scan, true);
}

enum art_rc art_level_scan_open(struct art_scan *scan) {
    struct art_level_scan *level = &scan->of.level;
    assert(scan->kind == ART_SCAN_LEVEL && scan->shown[ART_HIDDEN_DELIMITER].text.len);
    level->rolled = 0;
    scan->several = scan->listed;
    scan->listed = true;
    level->known = ART_TOTALS_NONE;
    level->wanted = scan->plan & ART_PLAN_SUMS ? ART_TOTALLED_SUMS : ART_TOTALLED_ROWS;
    enum art_rc rc = art_rows_begin(scan);
    if (!rc) rc = art_rows_next(scan, false);
    for (; !rc && scan->offset && scan->state == ART_SCAN_ON_CURSOR; scan->offset--) rc = art_level_scan_next(scan);
    return rc;
}

/* --- what a common prefix shows ----------------------------------------------------------------------------------- */

/* All that the row stands for; its bytes are in the scan. */
static enum art_rc range_below(struct art_scan *scan, struct art_range *out) {
    struct art_buffer *scratch = &scan->keys.scratch;
    struct art_bytes path = art_scan_path(scan);
    scratch->len = 0;
    enum art_rc rc = art_buffer_reserve(scratch, path.len);
    if (!rc) rc = art_scan_ready(scan);
    if (!rc) art_range_of_prefix(path, scratch->data, out);
    return rc;
}

/* Of the present row, once. Where more will be asked for, all comes out of the same descents. */
static enum art_rc find_totals(struct art_scan *scan, enum art_totalled wanted, struct art_range *below) {
    struct art_level_scan *level = &scan->of.level;
    assert(level->rolled);
    enum art_rc rc = range_below(scan, below);
    if (rc || (level->known == ART_TOTALS_OF_ROW && level->wanted >= wanted)) return rc;
    /* A search passes over rows that nobody here has seen. */
    level->span.follows = level->known == ART_TOTALS_OF_ROW_BEFORE && !scan->descending && !scan->keys.range.limits;
    if (level->wanted < wanted) level->wanted = wanted;
    rc = art_tree_totals(art_scan_tree(scan), below, level->wanted, &level->span, &level->totals);
    level->known = rc ? ART_TOTALS_NONE : ART_TOTALS_OF_ROW;
    return rc;
}

static int show_summary(struct art_scan *scan, unsigned column, sqlite3_context *context) {
    struct art_level_scan *level = &scan->of.level;
    const struct art_summarised *summarised = &art_scan_vtab(scan)->summarised;
    int item = art_summary_find_measured(summarised, column);
    if (item < 0) return SQLITE_OK;
    enum art_measure measure = summarised->items[item].measure;
    struct art_range below;
    struct art_datum datum;
    enum art_rc rc = art_scan_check_summary(scan);
    if (rc) return art_scan_fail(scan, rc);
    if (measure == ART_MEASURE_SUM) {
        rc = find_totals(scan, ART_TOTALLED_SUMS, &below);
        if (rc) return art_scan_fail(scan, rc);
        int failed = art_sum_check(art_scan_vtab(scan), art_scan_tree(scan), &below, (unsigned)item,
                                   &scan->open.base.pVtab->zErrMsg);
        return failed ? failed : art_result_sum(context, level->totals.sum[item]);
    }
    rc = range_below(scan, &below);
    if (!rc) {
        rc = art_tree_extreme(art_scan_tree(scan), &below, (unsigned)item, measure == ART_MEASURE_MAX,
                              &scan->scratch[ART_SCRATCH_EXTREME], &datum);
    }
    if (!rc) art_result_datum(context, &datum);
    return art_scan_fail(scan, rc);
}

static int show_hashes_below(struct art_scan *scan, enum art_hidden hidden, sqlite3_context *context) {
    struct art_level_scan *level = &scan->of.level;
    int item = art_summary_find_hash(&art_scan_vtab(scan)->summarised, art_hidden_measure(hidden));
    struct art_range below;
    if (item < 0) return SQLITE_OK;
    enum art_rc rc = art_scan_check_summary(scan);
    if (!rc) rc = find_totals(scan, ART_TOTALLED_SUMS, &below);
    if (!rc) sqlite3_result_int64(context, (sqlite3_int64)level->totals.sum[item]);
    return art_scan_fail(scan, rc);
}

int art_level_scan_column(struct art_scan *scan, int column, sqlite3_context *context) {
    int hidden = art_hidden_column(art_scan_vtab(scan), column);
    struct art_range below;
    if (hidden < 0) return show_summary(scan, (unsigned)column, context);
    if (hidden >= ART_HIDDEN_HASH) return show_hashes_below(scan, (enum art_hidden)hidden, context);
    if (hidden != ART_HIDDEN_ENTRIES) return SQLITE_OK;
    enum art_rc rc = find_totals(scan, ART_TOTALLED_ROWS, &below);
    if (!rc) sqlite3_result_int64(context, (sqlite3_int64)scan->of.level.totals.rows);
    return art_scan_fail(scan, rc);
}
