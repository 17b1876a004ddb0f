/* A DELETE of all rows of a range, which SQLite hands over row by row.
 *
 * SQLite first walks a scan to its end and keeps the keys. Then it calls xUpdate for each of them, in their order, and
 * no program's code runs in between. Where the scan gave every row of a range, the rows are only noted:
 *
 *     the scan's range    a b c d e f g h
 *     noted               a b c              nothing has changed yet
 *     cursor                    ^            the key that xUpdate has to bring next
 *
 * With the last row the range is deleted as one thing (core/tree/txn/directory.c), and an error is that xUpdate's. The
 * noted rows are always the first of the range, each of them handed over by its key: whatever SQLite hands over, no
 * other row goes with them. Where it brings another key, the noted rows are deleted before that one. Where it brings no
 * more, since a condition that art does not know has let only the first rows pass, they are deleted by what comes next:
 *
 *     who reads        a scan that begins, a function, art_diff() between two rows: what makes the table ready
 *     who writes       xUpdate
 *     who looks back   a savepoint, since a ROLLBACK TO it comes back to where they are gone: of DROP and RENAME, too
 *     who ends         the release of the statement's savepoint, or xSync: an error is the statement's own
 *
 * An error at the release of a statement's savepoint makes SQLite roll back the whole transaction, whatever the error
 * is; nobody can have it otherwise there. If another of these fails they stay noted, for the next one. ROLLBACK and
 * ROLLBACK TO forget them: all savepoints were there before the first of them. While rows are noted, no scan but this
 * one is open, and it is at its end. */
#include "core/tree/write_rows.h"
#include "ext/table/table.h"

#include <assert.h>

struct art_deleting {
    struct art_range range; /* its bytes are in low and high */
    struct art_buffer low, high;
    struct art_cursor *cursor; /* NULL: no more rows are noted, the range is what is to be deleted */
    enum art_rc failure;       /* of the cursor: nobody can tell any more which rows are noted */
};

static void free_deleting(struct art_deleting *deleting) {
    if (!deleting) return;
    art_cursor_close(deleting->cursor);
    art_buffer_clear(&deleting->low);
    art_buffer_clear(&deleting->high);
    art_free(deleting);
}

static enum art_rc keep_bytes(struct art_buffer *buffer, struct art_bytes *bytes) {
    enum art_rc rc = art_buffer_set(buffer, bytes->data, bytes->len);
    *bytes = art_buffer_bytes(buffer);
    return rc;
}

static enum art_rc new_deleting(struct art_table *table, const struct art_range *range, struct art_deleting **out) {
    struct art_deleting *deleting = *out = art_alloc_zeroed(sizeof *deleting);
    if (!deleting) return art_nomem();
    deleting->range = *range;
    enum art_rc rc = range->low_set ? keep_bytes(&deleting->low, &deleting->range.low) : ART_OK;
    if (!rc && range->high_set) rc = keep_bytes(&deleting->high, &deleting->range.high);
    if (!rc) rc = art_cursor_open(table->tree, &deleting->cursor);
    return rc ? rc : art_cursor_seek(deleting->cursor, &deleting->range, false);
}

static bool is_next(const struct art_deleting *deleting, struct art_bytes path) {
    struct art_cursor *cursor = deleting->cursor;
    return cursor && art_cursor_valid(cursor) && art_bytes_equal(art_cursor_key(cursor), path);
}

/* table->deleting is set if the row may be the first of a range that is cheaper to delete as one. */
static enum art_rc begin_deleting(struct art_table *table, struct art_bytes path) {
    struct art_open_scan *scan = table->scans;
    struct art_deleting *deleting = NULL;
    struct art_range range;
    uint64_t rows;
    bool pays = false;
    if (scan->next || !scan->methods->swept(scan, &range)) return ART_OK;
    if (range.newer_than || range.limits) return ART_OK; /* the scan may leave out rows, and those would go, too */
    enum art_rc rc = art_tree_count(table->tree, &range, &rows);
    if (!rc) rc = art_tree_range_pays(table->tree, rows, &pays);
    if (rc || !pays) return rc;
    rc = new_deleting(table, &range, &deleting);
    if (!rc && is_next(deleting, path)) {
        table->deleting = deleting;
    } else {
        free_deleting(deleting);
    }
    return rc;
}

int art_deleting_note(struct art_table *table, struct art_bytes path, bool *noted, char **message) {
    assert(table->owner);
    *noted = false;
    enum art_rc rc = !table->deleting && table->scans ? begin_deleting(table, path) : ART_OK;
    if (rc || !table->deleting) return art_report(message, rc);
    if (!is_next(table->deleting, path)) return art_deleting_settle(table, message);
    *noted = true;
    rc = table->deleting->failure = art_cursor_next(table->deleting->cursor);
    if (rc || art_cursor_valid(table->deleting->cursor)) return art_report(message, rc);
    int failed = art_deleting_settle(table, message);
    table->recognised += !failed;
    return failed;
}

/* The range ends before the row that was not noted. */
static enum art_rc end_noting(struct art_deleting *deleting) {
    struct art_range *range = &deleting->range;
    enum art_rc rc = ART_OK;
    if (!deleting->cursor) return ART_OK;
    if (art_cursor_valid(deleting->cursor)) {
        range->high = art_cursor_key(deleting->cursor);
        range->high_set = range->high_open = true;
        rc = keep_bytes(&deleting->high, &range->high);
    }
    if (rc) return rc;
    art_cursor_close(deleting->cursor); /* it would keep what goes */
    deleting->cursor = NULL;
    return ART_OK;
}

int art_deleting_settle(struct art_table *table, char **message) {
    struct art_deleting *deleting = table->deleting;
    uint64_t rows;
    if (!deleting) return SQLITE_OK;
    assert(table->owner);
    enum art_rc rc = deleting->failure ? deleting->failure : end_noting(deleting);
    if (rc) return art_report(message, rc);
    art_scans_catch_up(table);
    table->deleting = NULL; /* an error within may end the transaction, and then there is nothing to be done */
    rc = art_tree_delete_range(table->tree, &deleting->range, &rows);
    if (rc && table->owner) {
        table->deleting = deleting;
    } else {
        free_deleting(deleting);
    }
    return art_report(message, rc);
}

void art_deleting_forget(struct art_table *table) {
    free_deleting(table->deleting);
    table->deleting = NULL;
}
