/* Blobs in rows of the host's own database (storage=inline).
 *
 * Reading and writing them is the host's work, in statements of its own, and such a statement may end the whole
 * transaction: the host is told that it was rolled back, and tells the tree, in the middle of the call that had asked.
 * The tree only notes it then, and the call fails. From there on reads and writes are refused as those of an unknown
 * tree are, until a refresh, the end of the transaction, or a savepoint does what is left to be done
 * (art_rows_catch_up()).
 *
 * What the host takes back by ROLLBACK TO it takes back in these rows, too: roots and blobs that a savepoint needs were
 * written before it, and are there again.
 */
#include <string.h>

#include "core/tree/txn/txn.h"

enum art_rc art_rows_over(const struct art_tree *tree) {
    assert(tree->rows.rolled_back && tree->txn.doomed);
    if (tree->txn.doomed == ART_INTERRUPT) return art_fail(ART_INTERRUPT, "art: interrupted");
    return art_fail(ART_IO, "art: the transaction was rolled back: begin it anew");
}

/* Reading ahead keeps an error to itself: the next call reports it. */
static enum art_rc go_out(struct art_tree *tree) {
    if (tree->rows.rolled_back) return art_rows_over(tree);
    tree->rows.inside++;
    return ART_OK;
}

static enum art_rc come_back(struct art_tree *tree, enum art_rc rc) {
    assert(tree->rows.inside);
    tree->rows.inside--;
    return rc || !tree->rows.rolled_back ? rc : art_rows_over(tree);
}

static enum art_rc rows_read(void *context, uint64_t page, void *data) {
    struct art_tree *tree = context;
    enum art_rc rc = go_out(tree);
    return rc ? rc : come_back(tree, tree->rows.host.read(tree->rows.host.context, page, data));
}

static enum art_rc rows_write(void *context, uint64_t page, const void *data) {
    struct art_tree *tree = context;
    enum art_rc rc = go_out(tree);
    return rc ? rc : come_back(tree, tree->rows.host.write(tree->rows.host.context, page, data));
}

static enum art_rc rows_remove(void *context, uint64_t from, uint64_t end) {
    struct art_tree *tree = context;
    enum art_rc rc = go_out(tree);
    return rc ? rc : come_back(tree, tree->rows.host.remove(tree->rows.host.context, from, end));
}

static enum art_rc rows_end(void *context, uint64_t *pages) {
    struct art_tree *tree = context;
    enum art_rc rc = go_out(tree);
    return rc ? rc : come_back(tree, tree->rows.host.end(tree->rows.host.context, pages));
}

const struct art_rows *art_rows_of(struct art_tree *tree) {
    assert(tree->host.rows);
    tree->rows.host = *tree->host.rows;
    tree->rows.ours = (struct art_rows){tree, rows_read, rows_write, rows_remove, rows_end};
    return &tree->rows.ours;
}

/* Of the tree only the calls under way are counted. */
uint64_t art_rows_ask_room(const struct art_tree *asking) {
    struct art_tree *tree = (struct art_tree *)asking;
    tree->rows.inside++;
    uint64_t bytes = tree->host.room ? tree->host.room(tree->host.context) : UINT64_MAX;
    tree->rows.inside--;
    return bytes;
}

struct art_budget art_rows_ask_budget(const struct art_tree *asking) {
    struct art_tree *tree = (struct art_tree *)asking;
    struct art_budget budget = {0};
    bool was_over = tree->rows.rolled_back;
    if (!tree->host.budget) return (struct art_budget){.left = art_rows_ask_room(tree)};
    tree->rows.inside++;
    enum art_rc rc = tree->host.budget(tree->host.context, &budget);
    tree->rows.inside--;
    if (rc == ART_INTERRUPT && tree->rows.rolled_back && !was_over) tree->txn.doomed = rc;
    return budget;
}

void art_rows_note_rollback(struct art_tree *tree) {
    assert(art_tree_inside(tree));
    tree->rows.rolled_back = true;
    if (!tree->txn.doomed) tree->txn.doomed = ART_IO;
    tree->changes++;
}
