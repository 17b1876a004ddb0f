/* The trees of snapshots that a table keeps open.
 *
 * A snapshot is a root in a row of T_artstate (table/snapshots.c). Its tree is one as any other, open for reading, that
 * was handed this root and no log. So nothing that reads knows of snapshots, and changes of the table do not reach it.
 *
 *     table->snapshot_trees    the last few (trees_kept) that were asked for, the newest first, and those that are read
 *
 * A SELECT on T_artstate takes longer than a point read. So a tree stays the one of its name as long as neither the
 * database's data version nor, by this connection, a snapshot's row has changed (table->snapshot_changes). Else the row
 * is read again: another snapshot may have got the name, which the row's hash tells.
 *
 * A tree that is in the way is retired: nobody finds it any more, and it is closed when its last reader is done. That
 * happens to one whose name is another snapshot's now, and to all when the table is trimmed or gets another place. Its
 * readers still count: the snapshot is not to be dropped under them.
 */
#include "core/base/limits.h"
#include "ext/access/access.h"
#include "ext/host/host.h"

#include <assert.h>

struct art_snapshot_trees {
    struct art_kept kept;
    struct art_snapshot_tree *first;
};

static struct art_snapshot_trees *trees_of(const struct art_table *table) {
    return (struct art_snapshot_trees *)table->snapshot_trees;
}

/* --- closing ------------------------------------------------------------------------------------------------------ */

static void close_tree(struct art_snapshot_tree *snapshot) {
    assert(!snapshot->readers);
    art_tree_close(snapshot->tree);
    art_free(snapshot);
}

/* Nobody finds it from here on. */
static void retire(struct art_snapshot_tree **link) {
    struct art_snapshot_tree *snapshot = *link;
    snapshot->retired = true;
    if (snapshot->readers) return;
    *link = snapshot->next;
    close_tree(snapshot);
}

static void retire_all(struct art_kept *kept) {
    struct art_snapshot_tree **link = &((struct art_snapshot_trees *)kept)->first;
    while (*link) {
        struct art_snapshot_tree *snapshot = *link;
        retire(link);
        if (*link == snapshot) link = &snapshot->next;
    }
}

/* The oldest ones that nobody reads. */
static void retire_surplus(struct art_snapshot_trees *trees) {
    unsigned count = 0;
    for (struct art_snapshot_tree **link = &trees->first; *link;) {
        if (++count > ART_LIMIT(trees_kept) && !(*link)->readers) {
            retire(link);
        } else {
            link = &(*link)->next;
        }
    }
}

void art_snapshot_tree_release(struct art_snapshot_tree *snapshot) {
    assert(snapshot->readers);
    if (--snapshot->readers || !snapshot->retired) return;
    struct art_snapshot_tree **link = &snapshot->trees->first;
    while (*link != snapshot) link = &(*link)->next;
    retire(link);
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

/* The root that the row has, as the only row of a log. */
static int install_root(struct art_tree *tree, struct art_bytes root, char **message) {
    uint64_t from;
    enum art_rc rc = art_tree_refresh_begin(tree, &from);
    if (!rc) rc = art_tree_refresh_row(tree, 0, root);
    if (!rc) rc = art_tree_refresh_end(tree);
    if (!rc) return SQLITE_OK;
    int failed = art_report(message, rc); /* ART_REBUILD, of a tree that knew nothing, is damage */
    art_tree_refresh_abort(tree);
    return failed;
}

static int open_snapshot(struct art_table *table, struct art_bytes name, struct art_bytes root,
                         struct art_snapshot_tree **out, char **message) {
    struct art_snapshot_tree *snapshot = art_alloc_zeroed(sizeof *snapshot + name.len);
    if (!snapshot) return SQLITE_NOMEM;
    memcpy(snapshot->name, name.data, name.len);
    snapshot->name_len = name.len;
    int rc = art_table_open_tree(table, art_tree_summarised(table->tree), true, &snapshot->tree, message);
    if (!rc) rc = install_root(snapshot->tree, root, message);
    if (rc) {
        close_tree(snapshot);
        return rc;
    }
    snapshot->trees = trees_of(table);
    snapshot->next = snapshot->trees->first;
    snapshot->trees->first = snapshot;
    *out = snapshot;
    return SQLITE_OK;
}

static int complain_uncommitted(const struct art_table *table, struct art_bytes name, char **message) {
    return art_complain(message, SQLITE_ERROR,
                        "art: the snapshot '%.*s' is not committed yet (%s): read it after the COMMIT", (int)name.len,
                        (const char *)name.data, table->name->table);
}

/* *snapshot: the first tree, which had this name, or NULL. It becomes the one that the row says, which is the first. */
static int read_row_again(struct art_table *table, struct art_bytes name, struct art_snapshot_tree **snapshot,
                          char **message) {
    struct art_snapshot_trees *trees = trees_of(table);
    struct art_snapshot_row row = {0};
    int rc = art_snapshot_read(table, name, &row, message);
    if (!rc && !row.there) rc = art_snapshot_unknown(table, name, message);
    if (!rc && !row.root.len) rc = complain_uncommitted(table, name, message);
    bool same = !rc && *snapshot && (*snapshot)->hash == row.hash;
    if (*snapshot && !same) retire(&trees->first);
    if (!rc && !same) rc = open_snapshot(table, name, row.root, snapshot, message);
    if (!rc) {
        (*snapshot)->hash = row.hash;
        (*snapshot)->data_version = table->data_version;
        (*snapshot)->changes = table->snapshot_changes;
        retire_surplus(trees);
    }
    art_snapshot_row_clear(&row);
    return rc;
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

static bool is_still_current(const struct art_table *table, const struct art_snapshot_tree *snapshot) {
    return snapshot->data_version == table->data_version && snapshot->changes == table->snapshot_changes;
}

static bool has_name(const struct art_snapshot_tree *snapshot, struct art_bytes name) {
    return snapshot->name_len == name.len && !memcmp(snapshot->name, name.data, name.len);
}

/* The tree of this name, if it is open: now the first one. */
static struct art_snapshot_tree *find_open(struct art_snapshot_trees *trees, struct art_bytes name) {
    struct art_snapshot_tree **link = &trees->first, *found;
    while (*link && ((*link)->retired || !has_name(*link, name))) link = &(*link)->next;
    found = *link;
    if (!found || found == trees->first) return found;
    *link = found->next;
    found->next = trees->first;
    trees->first = found;
    return found;
}

int art_snapshot_tree_hold(struct art_table *table, struct art_bytes name, struct art_snapshot_tree **out,
                           char **message) {
    assert(table->fresh != ART_FRESH_UNKNOWN || art_tree_dirty(table->tree)); /* then nobody else commits */
    *out = NULL;
    if (!table->snapshot_trees) {
        struct art_snapshot_trees *trees = art_alloc_zeroed(sizeof *trees);
        if (!trees) return SQLITE_NOMEM;
        trees->kept.trim = retire_all;
        table->snapshot_trees = &trees->kept;
    }
    struct art_snapshot_tree *snapshot = find_open(trees_of(table), name);
    int rc = SQLITE_OK;
    bool current = snapshot && is_still_current(table, snapshot);
    table->found_open += current;
    if (!current) rc = read_row_again(table, name, &snapshot, message);
    if (rc) return rc;
    assert(snapshot == trees_of(table)->first);
    snapshot->readers++;
    *out = snapshot;
    return SQLITE_OK;
}

int art_snapshot_argument(struct art_table *table, sqlite3_value *name, struct art_snapshot_tree **out,
                          char **message) {
    struct art_bytes bytes;
    *out = NULL;
    int type = sqlite3_value_type(name);
    if (type == SQLITE_NULL) return SQLITE_OK;
    if (type != SQLITE_TEXT)
        return art_complain(message, SQLITE_MISMATCH,
                            "art: a snapshot's name is a text, no number and no BLOB (%s): see art_snapshots('%s.%s')",
                            table->name->table, table->name->schema, table->name->table);
    if (!art_value_bytes(name, &bytes)) return SQLITE_NOMEM;
    return art_snapshot_tree_hold(table, bytes, out, message);
}

bool art_snapshot_is_read(const struct art_table *table, struct art_bytes name) {
    const struct art_snapshot_trees *trees = trees_of(table);
    for (const struct art_snapshot_tree *each = trees ? trees->first : NULL; each; each = each->next) {
        if (each->readers && has_name(each, name)) return true;
    }
    return false;
}
