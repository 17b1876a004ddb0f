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
 */
#include "core/tree/txn/txn.h"
#include "tests/fuzz/hosted_store.h"

enum { CHANGES_MAX = 24, SCAN_KEYS = 64 };

/* --- reading ------------------------------------------------------------------------------------------------------ */

static bool look_at(struct art_tree *tree, const struct art_row *row) {
    struct art_bytes value;
    uint8_t *owned = NULL;
    fuzz_touch(row->stored);
    art_row_length(row);
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
    host_sound(art_tree_longest_prefix(tree, key, art_bytes("/", operation >> 1 & 1), &out), "longest prefix");
    art_buffer_clear(&out);
    if (operation & 4) art_range_of_prefix(key, scratch, &range);
    if (operation & 16) range.newer_than = operation >> 5;
    art_tree_estimate(tree, &range, &rows);
    host_sound(art_tree_count(tree, &range, &rows), "count");
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
    static const uint8_t value[72000];
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
        return operation & 32   ? art_tree_request_optimize(tree)
               : operation & 64 ? art_tree_request_vacuum(tree)
                                : art_tree_request_flush(tree);
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
    return host_sound(rc, "a change") && !rc;
}

/* --- one input ---------------------------------------------------------------------------------------------------- */

static void read_check_write(struct fuzz_source ops) {
    uint8_t how = fuzz_byte(&ops);
    host.wal = how & 1;
    host.patience = how & 2 ? how : 0;
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
