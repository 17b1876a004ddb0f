/* A whole store of any bytes: an .art file, row 0 of the log and the rows behind it, opened through core/tree as ext
 * does it, read, checked, and written to.
 *
 * Input: a parcel (parcel.h); OPS are u8 operation | u8 length | key, each.
 *
 *   - every call answers or fails with a code that hostile bytes may give; nothing loops, and nothing is read or
 *     written outside of what is there
 *   - what art_tree_check() finds sound is sound: rows in order, as many as art_tree_count() says, in both directions,
 *     each found by its key and with its value; nothing that is asked fails; and still so after changes, a flush,
 *     'optimize' or 'vacuum' were committed, for another reader too
 *   - the same of sums, extremes, the best rows and walks with limits, where the first run has a summary; without runs,
 *     where the first byte of OPS says so
 */
#include "core/base/text_code.h"
#include "core/tree/txn/txn.h"
#include "tests/fuzz/hosted_store.h"
#include "tests/support/of_core.h"
#include "tests/support/toy_summary.h"

enum { CHANGES_MAX = 24, SCAN_KEYS = 64, BEST_STEPS = 40, BEST_ROWS = 300 };
enum { HOW_TOY = 16 };

/* --- reading ------------------------------------------------------------------------------------------------------ */

static bool look_at(struct art_tree *tree, const struct art_row *row) {
    struct art_bytes value;
    uint8_t *owned = NULL;
    fuzz_touch(row->stored.bytes);
    int rc = art_row_value(tree, row, &value, &owned);
    if (!host_sound(rc, "a value")) return false;
    fuzz_touch(value);
    art_free(owned);
    return true;
}

/* Rows in one direction; -1: an error, or more than anybody waits for. `strict`: they must be in order. */
static int64_t scan(struct art_tree *tree, const struct art_range *range, bool descending, bool strict) {
    struct art_cursor *cursor;
    struct art_buffer last = {0};
    int64_t rows = 0;
    if (art_cursor_open(tree, &cursor)) fuzz_fail("no cursor");
    int rc = art_cursor_seek(cursor, range, descending);
    while (host_sound(rc, "a scan") && art_cursor_valid(cursor)) {
        struct art_bytes key = art_cursor_key(cursor);
        int order = art_bytes_compare(art_buffer_bytes(&last), key);
        if (strict && rows && (descending ? order <= 0 : order >= 0))
            fuzz_fail("rows of a sound table are not in order");
        last.len = 0;
        if (art_buffer_append(&last, key.data, key.len)) abort();
        if (!look_at(tree, art_cursor_row(cursor))) rc = ART_CORRUPT;
        if (++rows == HOST_STEPS) rc = ART_CORRUPT;
        if (!rc) rc = art_cursor_next(cursor);
    }
    art_cursor_close(cursor);
    art_buffer_clear(&last);
    return rc ? -1 : rows;
}

static void ask_summary(struct art_tree *tree, uint8_t operation, const struct art_range *range) {
    struct art_buffer room = {0};
    art_int128 sum[ART_SUMMARY_MAX];
    struct art_datum datum, some[ART_SUMMARY_MAX] = {{.kind = ART_DATUM_NULL}};
    struct art_best *best;
    struct art_bytes path;
    struct art_best_order order = {.column = operation % host.has.columns,
                                   .descending = operation & 8,
                                   .skip_nulls = operation & 16,
                                   .limits = toy_limits(host.has, operation, some)};
    if (operation & 32) order.limits.count = 0;
    host_sound(art_tree_sums(tree, range, sum), "sums");
    if (!art_tree_extreme(tree, range, order.column, operation & 64, &room, &datum) && datum.kind >= ART_DATUM_TEXT)
        fuzz_touch(datum.bytes);
    int rc = art_best_open(tree, range, &order, &best);
    for (int i = 0; host_sound(rc, "the best") && !rc && i < BEST_STEPS; i++) {
        rc = art_best_next(best, &path, &datum);
        if (rc) continue;
        fuzz_touch(path);
        if (datum.kind >= ART_DATUM_TEXT) fuzz_touch(datum.bytes);
    }
    art_best_close(best);
    art_buffer_clear(&room);
}

static void ask(struct art_tree *tree, uint8_t operation, struct art_bytes key) {
    struct art_row row = {0};
    struct art_buffer out = {0};
    struct art_cursor *cursor;
    struct art_range range = {.low = key, .low_set = operation & 1, .high = key, .high_set = !(operation & 1)};
    uint8_t scratch[256];
    uint64_t rows;
    int rc = art_tree_get(tree, key, &row);
    if (host_sound(rc, "get") && !rc) look_at(tree, &row);
    art_row_release(&row);
    host_sound(art_tree_longest_prefix(tree, key, art_bytes("/", operation >> 1 & 1), &out, NULL), "longest prefix");
    art_buffer_clear(&out);
    if (operation & 4) art_range_of_prefix(key, scratch, &range);
    if (operation & 16) range.newer_than = operation >> 5;
    art_tree_estimate(tree, &range, &rows);
    host_sound(art_tree_count(tree, &range, &rows), "count");
    struct art_limits limits;
    if (host.has.columns) {
        struct art_datum some[ART_SUMMARY_MAX];
        for (unsigned i = 0; i < host.has.columns; i++) some[i] = toy_datum(key, i);
        limits = toy_limits(host.has, operation, some);
        limits.summary = art_tree_summarised(tree);
        if (operation & 64) range.limits = &limits;
        ask_summary(tree, operation, &range);
    }
    if (art_cursor_open(tree, &cursor)) fuzz_fail("no cursor");
    rc = art_cursor_seek(cursor, &range, operation & 8);
    for (int i = 0; host_sound(rc, "skip") && i < 8 && art_cursor_valid(cursor); i++) {
        struct art_bytes at = art_cursor_key(cursor);
        look_at(tree, art_cursor_row(cursor));
        rc = i % 3 == 0   ? art_cursor_skip(cursor, (uint64_t)i * operation)
             : i % 3 == 1 ? art_cursor_skip_prefix(cursor, at.len / 2)
                          : art_cursor_next(cursor);
    }
    art_cursor_close(cursor);
}

static void ask_all(struct art_tree *tree, struct fuzz_source ops) {
    struct art_range all = {0};
    struct art_tree_info info;
    while (ops.at < ops.end) {
        uint8_t operation = fuzz_byte(&ops);
        ask(tree, operation, fuzz_bytes(&ops));
    }
    scan(tree, &all, false, false);
    scan(tree, &all, true, false);
    host_sound(art_tree_info(tree, &info), "info");
}

/* A sound table has sound bounds: what they pass over is not newer. */
static void compare_newer(struct art_tree *tree, uint64_t since) {
    int64_t counted[2] = {0};
    for (int bounded = 0; bounded < 2; bounded++) {
        struct art_cursor *cursor;
        struct art_range range = {.newer_than = bounded ? since : 0};
        if (art_cursor_open(tree, &cursor)) fuzz_fail("no cursor");
        int rc = art_cursor_seek(cursor, &range, false);
        for (; !rc && art_cursor_valid(cursor); rc = art_cursor_next(cursor)) {
            counted[bounded] += art_cursor_row(cursor)->version > since;
        }
        if (rc) fuzz_fail("a scan of a sound table: %s", art_error_message());
        art_cursor_close(cursor);
    }
    if (counted[0] != counted[1])
        fuzz_fail("%lld rows are newer, and %lld are found", (long long)counted[0], (long long)counted[1]);
}

/* --- summaries ---------------------------------------------------------------------------------------------------- */

/* What a scan says. */
struct scanned {
    uint64_t rows, paths; /* the sum of their hashes */
    art_int128 sum[ART_SUMMARY_MAX];
    struct art_datum end[ART_SUMMARY_MAX][2]; /* but for NULLs; least, largest */
    struct art_buffer bytes[ART_SUMMARY_MAX][2];
    struct art_datum some[ART_SUMMARY_MAX];
    bool honest; /* no reference to chunks has other data than the value: the check does not look */
};

static struct art_datum keep_datum(struct art_buffer *room, struct art_datum datum) {
    if (datum.kind < ART_DATUM_TEXT) return datum;
    room->len = 0;
    if (art_buffer_append(room, datum.bytes.data, datum.bytes.len)) abort();
    datum.bytes = art_buffer_bytes(room);
    return datum;
}

static void add_datum(struct scanned *scanned, unsigned column, const struct art_datum *datum) {
    scanned->some[column] = datum->kind < ART_DATUM_TEXT ? *datum : (struct art_datum){.kind = ART_DATUM_NULL};
    if (column < host.has.sums && datum->kind == ART_DATUM_INTEGER) scanned->sum[column] += datum->integer;
    for (int largest = 0; largest < 2 && datum->kind != ART_DATUM_NULL; largest++) {
        struct art_datum *end = &scanned->end[column][largest];
        int order = end->kind == ART_DATUM_NULL ? 1 : art_datum_compare(datum, end);
        bool first = end->kind == ART_DATUM_NULL;
        if (first || (largest ? order > 0 : order < 0)) *end = keep_datum(&scanned->bytes[column][largest], *datum);
    }
}

static struct art_entry entry_of(const struct art_row *row) {
    uint8_t flags = (row->overflows ? ART_OVERFLOW : 0) | (row->stored.in_block ? ART_IN_BLOCK : 0);
    return (struct art_entry){.value = row->stored.bytes, .flags = flags, .row = row->stored.row};
}

/* Does a reference tell nothing of a text's code that is not so? */
static bool is_honest(const struct art_datum *known, struct art_bytes text) {
    uint64_t top = known->by == ART_BY_HASHES ? known->hashes >> ART_HASH_BITS : 0;
    return known->kind != ART_DATUM_TEXT || !top || top == art_text_code_top(art_text_code(text));
}

static void add_row(struct scanned *scanned, struct art_tree *tree, struct art_cursor *cursor) {
    const struct art_row *row = art_cursor_row(cursor);
    struct art_bytes value, key = art_cursor_key(cursor);
    struct art_datum known[ART_SUMMARY_MAX];
    uint8_t room[ART_VALUE_INLINE_MAX], *owned = NULL;
    if (art_row_value(tree, row, &value, &owned)) fuzz_fail("a value of a sound table: %s", art_error_message());
    struct art_summary summary = toy_summary(&host.has);
    struct art_entry entry = entry_of(row);
    art_summary_read(&summary, &entry, ART_ALL_COLUMNS, room, known);
    for (unsigned i = toy_hashes(host.has); i < host.has.columns; i++) {
        struct art_datum datum = toy_datum(value, i);
        bool number = datum.kind == ART_DATUM_INTEGER || datum.kind == ART_DATUM_REAL;
        if (known[i].kind != datum.kind || (number && known[i].integer != datum.integer)) scanned->honest = false;
        if (scanned->honest) scanned->honest = is_honest(&known[i], datum.bytes);
        add_datum(scanned, i, &datum);
    }
    scanned->rows++;
    scanned->paths += art_hash64(key.data, key.len);
    art_free(owned);
}

static void scan_summary(struct art_tree *tree, const struct art_range *range, struct scanned *scanned) {
    struct art_cursor *cursor;
    *scanned = (struct scanned){.honest = true};
    if (art_cursor_open(tree, &cursor)) fuzz_fail("no cursor");
    int rc = art_cursor_seek(cursor, range, false);
    for (; !rc && art_cursor_valid(cursor); rc = art_cursor_next(cursor)) add_row(scanned, tree, cursor);
    if (rc) fuzz_fail("a scan of a sound table: %s", art_error_message());
    art_cursor_close(cursor);
}

static void clear_scanned(struct scanned *scanned) {
    for (unsigned i = 0; i < ART_SUMMARY_MAX; i++) {
        art_buffer_clear(&scanned->bytes[i][0]);
        art_buffer_clear(&scanned->bytes[i][1]);
    }
}

static void compare_best(struct art_tree *tree, const struct art_range *range, const struct scanned *scanned,
                         unsigned column, bool descending) {
    struct art_best_order order = {.column = column, .descending = descending};
    struct art_buffer room = {0};
    struct art_datum last = {.kind = ART_DATUM_NULL}, datum;
    struct art_best *best;
    struct art_bytes path;
    uint64_t rows = 0, paths = 0;
    if (art_best_open(tree, range, &order, &best)) fuzz_fail("the best of a sound table: %s", art_error_message());
    int rc = art_best_next(best, &path, &datum);
    for (; !rc; rc = art_best_next(best, &path, &datum)) {
        int c = art_datum_compare(&last, &datum);
        if (rows++ && (descending ? c < 0 : c > 0)) fuzz_fail("row %llu is better", (unsigned long long)rows);
        paths += art_hash64(path.data, path.len);
        last = keep_datum(&room, datum);
    }
    if (rc != ART_NOTFOUND) fuzz_fail("the best of a sound table: %s", art_error_message());
    if (rows != scanned->rows || paths != scanned->paths) {
        fuzz_fail("column %u, %llu rows by their values and %llu by their keys", column, (unsigned long long)rows,
                  (unsigned long long)scanned->rows);
    }
    art_best_close(best);
    art_buffer_clear(&room);
}

/* Wanted rows, by a walk that may pass over others and by one that does not. */
static void compare_limited(struct art_tree *tree, const struct art_limits *limits, bool descending) {
    int64_t rows[2] = {0};
    struct art_summary summary = toy_summary(&host.has);
    struct art_limits own = *limits;
    own.summary = art_tree_summarised(tree);
    for (int limited = 0; limited < 2; limited++) {
        struct art_cursor *cursor;
        struct art_range range = {.limits = limited ? &own : NULL};
        struct art_datum data[ART_SUMMARY_MAX];
        uint8_t room[ART_VALUE_INLINE_MAX];
        if (art_cursor_open(tree, &cursor)) fuzz_fail("no cursor");
        int rc = art_cursor_seek(cursor, &range, descending);
        for (; !rc && art_cursor_valid(cursor); rc = art_cursor_next(cursor)) {
            const struct art_row *row = art_cursor_row(cursor);
            struct art_entry entry = entry_of(row);
            art_summary_read(&summary, &entry, ART_ALL_COLUMNS, room, data);
            rows[limited] += toy_wants(limits, data);
        }
        if (rc) fuzz_fail("a scan of a sound table: %s", art_error_message());
        art_cursor_close(cursor);
    }
    if (rows[0] != rows[1])
        fuzz_fail("%lld rows are wanted, and %lld are found", (long long)rows[0], (long long)rows[1]);
}

static void compare_summary(struct art_tree *tree, const struct art_range *range) {
    struct scanned scanned;
    struct art_buffer room = {0};
    art_int128 sum[ART_SUMMARY_MAX] = {0};
    scan_summary(tree, range, &scanned);
    if (art_tree_sums(tree, range, sum)) fuzz_fail("sums of a sound table: %s", art_error_message());
    unsigned first = toy_hashes(host.has);
    if (scanned.honest && memcmp(sum + first, scanned.sum + first, (host.has.sums - first) * sizeof *sum) != 0)
        fuzz_fail("a sound table has other sums");
    for (unsigned i = 2 * first; scanned.honest && i < 2u * host.has.columns; i++) {
        struct art_datum end;
        if (art_tree_extreme(tree, range, i / 2, i & 1, &room, &end)) fuzz_fail("extreme: %s", art_error_message());
        if (art_datum_compare(&end, &scanned.end[i / 2][i & 1]) != 0)
            fuzz_fail("column %u has another %s value", i / 2, i & 1 ? "largest" : "least");
        if (scanned.rows < BEST_ROWS) compare_best(tree, range, &scanned, i / 2, i & 1);
    }
    for (unsigned turn = 0; turn < 8; turn++) {
        struct art_limits limits = toy_limits(host.has, (uint8_t)(turn * 37 + 16), scanned.some);
        compare_limited(tree, &limits, turn & 1);
    }
    clear_scanned(&scanned);
    art_buffer_clear(&room);
}

/* What the check has found sound. */
static void look_at_all(struct art_tree *tree) {
    struct art_range all = {0};
    struct art_cursor *cursor;
    struct art_row row = {0};
    uint64_t rows;
    if (art_tree_count(tree, &all, &rows)) fuzz_fail("count of a sound table: %s", art_error_message());
    if (rows >= HOST_STEPS) return;
    for (uint64_t since = 1; since < 4; since++) compare_newer(tree, since == 3 ? art_tree_csn(tree) / 2 : since);
    int64_t forward = scan(tree, &all, false, true), backward = scan(tree, &all, true, true);
    if (forward != (int64_t)rows || backward != (int64_t)rows) {
        fuzz_fail("a sound table has %lld rows forward, %lld backward, and counts %llu", (long long)forward,
                  (long long)backward, (unsigned long long)rows);
    }
    if (host.has.columns) {
        struct art_range some = {.low = art_bytes("dir-2", 5), .low_set = true};
        compare_summary(tree, &all);
        compare_summary(tree, &some);
    }
    if (art_cursor_open(tree, &cursor)) fuzz_fail("no cursor");
    int rc = art_cursor_seek(cursor, &all, false);
    for (int i = 0; !rc && i < SCAN_KEYS && art_cursor_valid(cursor); i++, rc = art_cursor_next(cursor)) {
        if (art_tree_get(tree, art_cursor_key(cursor), &row)) fuzz_fail("a row of a sound table is not found");
        art_row_release(&row);
    }
    art_cursor_close(cursor);
}

static void must_be_sound(struct art_tree *tree, struct fuzz_source ops) {
    unsigned patience = host.patience;
    host.patience = 0;
    host.checked = true;
    look_at_all(tree);
    ask_all(tree, ops);
    host.checked = false;
    host.patience = patience;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static int change(struct art_tree *tree, uint8_t operation, struct art_bytes key, uint32_t *marks) {
    static uint8_t bytes[72064];
    for (uint32_t i = 0; !bytes[0] && i < sizeof bytes; i++) bytes[i] = (uint8_t)((i + 1) * 167 + i / 251);
    const uint8_t *value = bytes + operation % 64;
    uint32_t len = operation & 8 ? operation * 280u : operation; /* some in pieces, and some past the log */
    bool existed;
    switch (operation % 7) {
    case 0:
    case 1:
        return art_tree_insert(tree, operation & 16 ? ART_WRITE_INSERT : ART_WRITE_REPLACE, key, art_bytes(value, len),
                               &existed);
    case 2:
        return art_tree_delete(tree, key, &existed);
    case 3: {
        int rc = art_tree_move(tree, ART_WRITE_REPLACE, key, art_bytes("moved", operation / 64u), NULL, &existed);
        return rc == ART_NOTFOUND ? ART_OK : rc;
    }
    case 4:
        if (*marks == 4) return ART_OK;
        return art_tree_savepoint(tree, marks) ? ART_NOMEM : (++*marks, ART_OK);
    case 5:
        if (*marks) art_tree_rollback_to(tree, operation % *marks);
        if (*marks) *marks = operation % *marks + 1;
        return art_tree_unknown(tree) ? host_refresh(tree) : ART_OK;
    default:
        return operation & 32   ? art_tree_request(tree, ART_REQUEST_OPTIMIZE)
               : operation & 64 ? art_tree_request(tree, ART_REQUEST_VACUUM)
                                : art_tree_request(tree, ART_REQUEST_FLUSH);
    }
}

/* One transaction; false: it was rolled back. */
static bool change_all(struct art_tree *tree, struct fuzz_source ops) {
    struct art_commit commit;
    uint32_t marks = 0;
    int rc = ART_OK;
    for (int i = 0; !rc && i < CHANGES_MAX && ops.at < ops.end; i++) {
        uint8_t operation = fuzz_byte(&ops);
        rc = change(tree, operation, fuzz_bytes(&ops), &marks);
    }
    if (!rc) rc = art_tree_prepare(tree, &commit);
    if (!rc) {
        host_write(&commit);
        art_tree_committed(tree);
    } else {
        art_tree_rolled_back(tree);
    }
    if (rc == ART_READONLY) return false; /* a feature with which it may only read */
    return host_sound(rc, "a change") && !rc;
}

/* --- one input ---------------------------------------------------------------------------------------------------- */

static void read_check_write(struct fuzz_source ops) {
    uint8_t how = fuzz_byte(&ops);
    host.wal = how & 1;
    host.patience = how & 2 ? how : 0;
    if (how & HOW_TOY && !host.runs) host.has = toy_form(how >> 5);
    struct art_tree *tree = host_tree(how & 4), *other = host_tree(how & 8);
    int rc = host_refresh(tree);
    bool good = false;
    if (host_sound(rc, "refresh") && !rc) {
        ask_all(tree, ops);
        rc = art_tree_check(tree);
        good = host_sound(rc, "check") && !rc;
        if (good) must_be_sound(tree, ops);
        /* A retired list may name slots that the root names, and 'interrupted' may strike anywhere: both are no
         * damage. */
        bool changed = change_all(tree, ops);
        if (art_tree_unknown(tree)) rc = host_refresh(tree);
        if (!rc) ask_all(tree, ops);
        host.patience = 0;
        if (good && changed && !rc) {
            if (art_tree_check(tree)) fuzz_fail("a sound table after a commit: %s", art_error_message());
            must_be_sound(tree, ops);
        }
        if (good && changed && host.count < HOST_ROWS) {
            if (host_refresh(other)) fuzz_fail("another reader after a commit: %s", art_error_message());
            if (art_tree_check(other)) fuzz_fail("another reader after a commit: %s", art_error_message());
            must_be_sound(other, ops);
        }
    }
    art_tree_close(other);
    art_tree_close(tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    host_run(data, size, read_check_write);
    return 0;
}
