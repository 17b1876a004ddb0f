/* One level of a directory: SELECT ... FROM files('usr/share/', '/').
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
#include "ext/query/scan.h"

uint32_t art_listing_rolls_up(const struct art_scan *scan, struct art_bytes path) {
    uint32_t from = (uint32_t)scan->prefix.text.len, len = (uint32_t)scan->delimiter.text.len;
    if (path.len < from + len) return 0;
    const uint8_t *rest = path.data + from, *delimiter = scan->delimiter.text.data;
    const uint8_t *found = art_find_bytes(rest, path.len - from, delimiter, len);
    return found ? (uint32_t)(found - path.data) + len : 0;
}

/* As above, for any path: 0 also where it lies outside of the level. */
static uint32_t bound_rolls_up(const struct art_scan *scan, struct art_bytes path) {
    if (!art_bytes_starts_with(path, art_buffer_bytes(&scan->prefix.text))) return 0;
    return art_listing_rolls_up(scan, path);
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
    struct art_bytes key = art_buffer_bytes(&scan->start_after.text);
    uint32_t shown = bound_rolls_up(scan, key);
    if (!shown || shown < key.len) {
        art_key_range_low(keys, key, true);
        return;
    }
    keys->scratch.len = 0;
    if (art_buffer_append(&keys->scratch, key.data, key.len)) {
        keys->rc = SQLITE_NOMEM;
    } else if (raise_behind(&keys->scratch)) {
        art_key_range_low(keys, art_buffer_bytes(&keys->scratch), false);
    } else {
        keys->empty = true;
    }
}

/* All that the row stands for; its bytes are in the scan. */
static enum art_rc range_below(struct art_scan *scan, struct art_range *out) {
    struct art_buffer *scratch = &scan->keys.scratch;
    struct art_bytes path = art_scan_path(scan);
    scratch->len = 0;
    enum art_rc rc = art_buffer_reserve(scratch, path.len);
    if (!rc) rc = art_rows_ready(scan);
    if (!rc) art_range_of_prefix(path, scratch->data, out);
    return rc;
}

/* Of the present row, once. Where more will be asked for, all comes out of the same descents. */
static enum art_rc find_totals(struct art_scan *scan, enum art_totalled wanted) {
    struct art_range below;
    if (scan->totalled && scan->wanted >= wanted) return ART_OK;
    scan->span.follows = scan->follows && !scan->descending;
    if (scan->wanted < wanted) scan->wanted = wanted;
    enum art_rc rc = range_below(scan, &below);
    if (!rc) rc = art_tree_totals(art_scan_tree(scan), &below, scan->wanted, &scan->span, &scan->totals);
    scan->totalled = !rc;
    return rc;
}

enum art_rc art_listing_entries(struct art_scan *scan, uint64_t *out) {
    enum art_rc rc = find_totals(scan, ART_TOTALLED_ROWS);
    *out = scan->totals.rows;
    return rc;
}

enum art_rc art_listing_sum(struct art_scan *scan, unsigned sum, art_int128 *out) {
    enum art_rc rc = find_totals(scan, ART_TOTALLED_SUMS);
    *out = scan->totals.sum[sum];
    return rc;
}

enum art_rc art_listing_extreme(struct art_scan *scan, unsigned column, bool largest, struct art_datum *out) {
    struct art_range below;
    enum art_rc rc = range_below(scan, &below);
    if (!rc) rc = art_tree_extreme(art_scan_tree(scan), &below, column, largest, &scan->extreme, out);
    return rc;
}

/* --- DELETE and UPDATE of a level --------------------------------------------------------------------------------- */

/* SQLite first goes through the rows and then changes them by their paths, whatever they are. So a change of a path
 * that a listing in the same statement has rolled up is refused: there may be a row of that name, too. The listing is
 * at its end then. One in a SELECT beside the statement is none of its business: no statement was writing when it
 * began, or one is writing now that was not there. */

static int count_writers(sqlite3 *db) {
    int writers = 0;
    for (sqlite3_stmt *each = sqlite3_next_stmt(db, NULL); each; each = sqlite3_next_stmt(db, each)) {
        writers += sqlite3_stmt_busy(each) && !sqlite3_stmt_readonly(each);
    }
    return writers;
}

bool art_is_writing(sqlite3 *db) {
    return count_writers(db) > 0;
}

/* A statement that writes has begun a transaction that does, before it looks at any row: mostly there is none, and the
 * connection's statements need not be gone through. */
void art_listing_begin(struct art_scan *scan) {
    sqlite3 *db = art_scan_vtab(scan)->connection->db;
    scan->writers = sqlite3_txn_state(db, NULL) == SQLITE_TXN_WRITE ? count_writers(db) : 0;
    make_range_of_keys(scan);
    if (scan->start_after.type) start_after(scan);
}

bool art_listing_has_rolled_up(const struct art_table *table, struct art_bytes path) {
    for (const struct art_open_scan *open = table->scans; open; open = open->next) {
        const struct art_scan *scan = (const struct art_scan *)open;
        if (!scan->listing || scan->state != ART_SCAN_END) continue;
        if (bound_rolls_up(scan, path) != path.len || !path.len) continue;
        if (count_writers(table->connection->db) <= scan->writers) return true;
    }
    return false;
}
