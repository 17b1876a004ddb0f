/* Directories: all rows of a range deleted, or all below a prefix moved or copied, as one thing.
 *
 *     before   memtable M    runs R0 R1 R2
 *     behind   memtable {}   runs (M R0 R1 R2 without the range), what comes stands in the last of them
 *
 * The memtable becomes a run, so that all that is in the range stands in runs, and leaves each of them by its
 * references (run/directory.c). What is moved or copied comes into the last run as one stream: the rows that are live,
 * with their new keys and this transaction's version. A copy may also be read from the tree of a snapshot, whose blobs
 * nobody writes to. There is no row at the target. What is dead there leaves all runs before, so that it neither hides
 * the stream nor is hidden by it. As with a spill the root is the transaction's own.
 *
 * A few thousand rows are changed row by row, which is cheaper. So are directories with many values in chunks: each of
 * these has to be found, since nothing says below which prefix a chunk's row is. And so is what is deleted where the
 * disk has no room for blobs. */
#include "core/base/limits.h"
#include "core/tree/txn/room.h"
#include "core/tree/write_rows.h"

/* Nanoseconds of processor time, with 1 M rows in 1 to 5 runs (2026-11-27). A row that is changed by itself: a delete
 * takes 370 to 640 in its statement, a move 800 to 1,200, a copy 600 to 1,000, with a summary up to half as much again;
 * the redo and its flush cost about the same once more. A range that is changed as one thing: 450,000, and its commit.
 * A row at its edges, which is written anew: 105 to 150, with a summary 180 to 370, where blobs are rows 150 to 270. */
enum { ROW_COST = 900, RANGE_COST = 1000000, EDGE_COST = 110, EDGE_COST_DEAR = 220 };
/* The host hands over the rows of a range that it finds to be one. To follow it costs a part of deleting them. */
enum { NOTING_PART = 4 };
/* Of the pages that a range takes, the part that its commit owes in merging, beside that of the rows that were flushed:
 * most of them stand where they stay. */
enum { OWED_PART = 4 };

struct directory_work {
    struct art_tree *tree, *source; /* the rows are those of the source: the tree's, or of a snapshot that is copied */
    struct art_version_edit edit;
    struct art_range range, target;
    struct art_bytes from, to;                           /* prefixes; to.data NULL: nothing comes anywhere */
    bool stays;                                          /* what comes elsewhere is here, too */
    bool all;                                            /* all rows are deleted */
    uint64_t rows;                                       /* in the range */
    struct art_bytes low, high, target_low, target_high; /* keys */
    uint8_t *memory, *key;
    struct art_buffer chunked; /* paths of rows whose values are in chunks, each behind its length */
    uint32_t chunked_count;
};

static bool rows_come(const struct directory_work *work) {
    return work->to.data != NULL;
}

/* --- row by row --------------------------------------------------------------------------------------------------- */

static enum art_rc new_path(const struct directory_work *work, struct art_bytes path, struct art_bytes *out) {
    uint64_t len = (uint64_t)path.len - work->from.len + work->to.len;
    if (len > ART_PATH_MAX) {
        return art_fail(ART_TOOBIG, "art: a path of %llu bytes is over the limit of %d: choose a shorter target",
                        (unsigned long long)len, ART_PATH_MAX);
    }
    uint8_t *to = work->key + 1, *behind = to + work->to.len;
    memcpy(to, work->to.data, work->to.len);
    memcpy(behind, path.data + work->from.len, path.len - work->from.len);
    *out = art_bytes(to, (uint32_t)len);
    return ART_OK;
}

static enum art_rc copy_row(const struct directory_work *work, struct art_bytes path, struct art_bytes to) {
    struct art_row row;
    struct art_bytes value;
    uint8_t *owned = NULL;
    bool existed;
    enum art_rc rc = art_tree_get(work->source, path, &row);
    if (rc) return rc == ART_NOTFOUND ? ART_OK : rc; /* it is not there any more: find_chunked() */
    rc = art_row_value(work->source, &row, &value, &owned);
    if (!rc) rc = art_tree_insert(work->tree, ART_WRITE_INSERT, to, value, &existed);
    art_free(owned);
    art_row_release(&row);
    return rc;
}

static enum art_rc change_row(const struct directory_work *work, struct art_bytes path) {
    struct art_bytes to = {0};
    bool existed;
    enum art_rc rc = rows_come(work) ? new_path(work, path, &to) : ART_OK;
    if (rc) return rc;
    if (!rows_come(work)) return art_tree_delete(work->tree, path, &existed);
    if (work->stays) return copy_row(work, path, to);
    return art_tree_move(work->tree, ART_WRITE_INSERT, path, to, NULL, &existed);
}

static enum art_rc put_path(struct art_buffer *paths, struct art_bytes path) {
    uint32_t len = path.len;
    enum art_rc rc = art_buffer_append(paths, &len, sizeof len);
    return rc ? rc : art_buffer_append(paths, path.data, path.len);
}

static struct art_bytes next_path(const struct art_buffer *paths, size_t *at) {
    uint32_t len;
    memcpy(&len, paths->data + *at, sizeof len);
    struct art_bytes path = art_bytes(paths->data + *at + sizeof len, len);
    *at += sizeof len + len;
    return path;
}

static enum art_rc change_paths(const struct directory_work *work, const struct art_buffer *paths) {
    enum art_rc rc = ART_OK;
    for (size_t at = 0; !rc && at < paths->len;) rc = change_row(work, next_path(paths, &at));
    return rc;
}

/* The next paths of the range, some at a time, since each change makes a cursor seek again. */
static enum art_rc read_batch(struct art_cursor *cursor, struct art_buffer *paths) {
    enum art_rc rc = ART_OK;
    paths->len = 0;
    for (unsigned i = 0;
         !rc && i < ART_LIMIT(batch_rows) && paths->len < ART_LIMIT(paths_bytes) && art_cursor_valid(cursor); i++) {
        rc = put_path(paths, art_cursor_key(cursor));
        if (!rc) rc = art_cursor_next(cursor);
    }
    return rc;
}

static enum art_rc change_by_rows(struct directory_work *work) {
    struct art_cursor *cursor = NULL;
    struct art_buffer paths = {0};
    enum art_rc rc = art_cursor_open(work->source, &cursor);
    if (!rc) rc = art_cursor_seek(cursor, &work->range, false);
    while (!rc) {
        rc = read_batch(cursor, &paths);
        if (rc || !paths.len) break;
        rc = change_paths(work, &paths);
        if (!rc) rc = art_tree_interrupted(work->tree);
    }
    art_buffer_clear(&paths);
    art_cursor_close(cursor);
    return rc;
}

/* --- as one thing ------------------------------------------------------------------------------------------------- */

static enum art_rc add_row(struct directory_work *work, struct art_run_build *build, struct art_bytes key,
                           struct art_entry *entry) {
    struct art_bytes path = {0};
    if (work->stays && entry->flags & ART_OVERFLOW) return ART_OK; /* its copy has chunks of its own, and comes later */
    enum art_rc rc = new_path(work, art_bytes(key.data + 1, key.len - 1), &path);
    if (rc) return rc;
    work->key[0] = ART_SPACE_ROWS;
    memset(work->key + 1 + path.len, 0, ART_KEY_PADDING);
    entry->value = art_entry_value(entry->flags, entry->value);
    entry->flags &= ART_OVERFLOW;
    entry->csn = work->tree->txn.csn;
    work->edit.weight += (uint64_t)art_entry_weight(entry->flags);
    return art_run_build_add(build, art_bytes(work->key, path.len + 1), entry);
}

static enum art_rc add_rows(void *context, struct art_run_build *build) {
    struct directory_work *work = context;
    const struct art_root *root = work->source == work->tree ? work->edit.root : work->source->root;
    struct art_merge *merge = art_alloc(sizeof *merge);
    if (!merge) return art_nomem();
    art_merge_init(merge, work->source->store, true);
    enum art_rc rc = art_merge_set(merge, NULL, root->run, root->runs);
    if (!rc) rc = art_merge_seek(merge, work->low, false);
    art_run_build_from(build, merge->source, merge->count);
    for (uint64_t count = 1; !rc && merge->valid; count++) {
        struct art_source *winner = art_merge_winner(merge);
        struct art_entry entry;
        if (art_bytes_compare(winner->key, work->high) >= 0) break;
        art_source_entry(winner, &entry);
        if (!(entry.flags & ART_DELETE)) rc = add_row(work, build, winner->key, &entry);
        if (!rc && count % ART_LIMIT(ask_moved) == 0) rc = art_tree_interrupted(work->tree);
        if (!rc) rc = art_merge_step(merge, false);
    }
    art_run_build_from(build, NULL, 0);
    art_merge_clear(merge);
    art_free(merge);
    return rc;
}

/* In a run the range becomes what the stream brings (NULL: nothing). */
static enum art_rc replace_range(struct directory_work *work, unsigned at, struct art_bytes low, struct art_bytes high,
                                 const struct art_stream *stream) {
    const struct art_run *run = &work->edit.root->run[at];
    int64_t before = 0, behind = 0;
    enum art_rc rc = art_run_rank(work->tree, run, low, &before, NULL);
    if (!rc) rc = art_run_rank(work->tree, run, high, &behind, NULL);
    if (rc) return rc;
    work->edit.weight -= (uint64_t)behind - (uint64_t)before;
    return art_run_replace_range(work->tree, &work->edit, at, low, high, stream);
}

/* The range leaves the runs before `end`, from the last of these on: one of which nothing is left is out. */
static enum art_rc cut_range(struct directory_work *work, unsigned end, struct art_bytes low, struct art_bytes high) {
    enum art_rc rc = ART_OK;
    for (unsigned at = end; !rc && at-- > 0;) {
        rc = replace_range(work, at, low, high, NULL);
        if (!rc) rc = art_tree_interrupted(work->tree);
    }
    return rc;
}

static enum art_rc change_runs(struct directory_work *work) {
    const struct art_root *root = work->edit.root;
    enum art_rc rc = ART_OK;
    if (rows_come(work)) {
        const struct art_stream stream = {add_rows, work};
        if (!root->runs) return art_compact_first(work->tree, &work->edit, &stream);
        rc = cut_range(work, root->runs - 1, work->target_low, work->target_high);
        if (!rc) rc = replace_range(work, root->runs - 1, work->target_low, work->target_high, &stream);
    }
    return rc || work->stays ? rc : cut_range(work, root->runs, work->low, work->high);
}

/* Of the pages of a flushed memtable those with the transaction's own rows. The others come from the log, and their
 * commits have paid for them. */
static uint64_t own_part(const struct art_memtable *memtable, uint64_t pages) {
    uint64_t keys = art_memtable_keys(memtable), own = art_memtable_noted(memtable);
    return own < keys ? pages * own / keys : pages;
}

static enum art_rc build_changed(struct directory_work *work, struct art_memtable **empty) {
    struct art_tree *tree = work->tree;
    enum art_rc rc = art_edit_begin(tree, &work->edit);
    if (!rc) rc = art_memtable_open_summed(empty, art_tree_summary(tree));
    if (!rc && !work->stays)
        rc = art_cuts_add(&work->edit.root->cuts, work->low, work->high, work->edit.root->generation);
    if (!rc && work->all) {
        art_edit_empty(tree, &work->edit);
        return ART_OK;
    }
    if (!rc && art_memtable_keys(tree->memtable)) rc = art_compact_flush(tree, &work->edit, tree->memtable);
    uint64_t flushed = work->edit.pages_written;
    if (!rc) rc = change_runs(work);
    if (rc) return rc;
    art_room_owe(&work->edit, own_part(tree->memtable, flushed));
    work->edit.root->owed += (work->edit.pages_written - flushed) / OWED_PART;
    if (work->edit.root->runs > ART_RUNS_MAX) rc = art_room_merge(tree, &work->edit);
    return rc ? rc : art_store_wait(tree->store);
}

static enum art_rc change_as_one(struct directory_work *work) {
    ART_DURING(ART_EVENT_DIRECTORY);
    struct art_tree *tree = work->tree;
    struct art_memtable *empty = NULL;
    art_pending_forget(tree);
    enum art_rc rc = build_changed(work, &empty);
    tree->txn.adds |= !rc && rows_come(work);
    rc = art_spill_into(tree, rc, &work->edit, empty);
    if (!rc && rows_come(work)) art_gaps_clear(&tree->gaps); /* rows have come into some */
    tree->count.directory_rows += rc ? 0 : work->rows;
    return rc;
}

/* --- values in chunks --------------------------------------------------------------------------------------------- */

/* In any source, so that a row may be noted twice, or one that has been changed or deleted since. */
static enum art_rc note_chunked(struct directory_work *work, struct art_bytes key, const struct art_entry *entry) {
    if (!(entry->flags & ART_OVERFLOW)) return ART_OK;
    work->chunked_count++;
    return put_path(&work->chunked, art_bytes(key.data + 1, key.len - 1));
}

static bool has_many_chunked(const struct directory_work *work) {
    return work->chunked_count > ART_LIMIT(chunked_rows) || work->chunked.len > ART_LIMIT(paths_bytes);
}

/* No more rows have to be noted: those behind `key` are not in the range, or there are too many already. */
static bool all_are_noted(const struct directory_work *work, struct art_bytes key) {
    return art_bytes_compare(key, work->high) >= 0 || has_many_chunked(work);
}

static enum art_rc find_in_memtable(struct directory_work *work) {
    struct art_memtable_cursor cursor;
    struct art_entry entry;
    art_memtable_cursor_init(&cursor, work->source->memtable);
    enum art_rc rc = art_memtable_seek_ge(&cursor, work->low);
    while (!rc && cursor.valid && !all_are_noted(work, cursor.key)) {
        art_memtable_cursor_entry(&cursor, &entry);
        rc = note_chunked(work, cursor.key, &entry);
        if (!rc) rc = art_memtable_next(&cursor);
    }
    art_memtable_cursor_clear(&cursor);
    return rc;
}

static enum art_rc find_in_leaf(struct directory_work *work, struct art_run_cursor *at, const struct art_ref *leaf) {
    if (!leaf->overflows) return ART_OK;
    art_run_cursor_reset(at, leaf, 0);
    art_store_relax(work->source->store); /* of the leaf before; the blobs on the way to it are held */
    enum art_rc rc = art_run_seek_ge(at, work->low);
    while (!rc && at->valid && !all_are_noted(work, art_run_key(at))) {
        struct art_entry entry;
        art_blob_cursor_entry(&at->leaf, &entry);
        rc = note_chunked(work, art_run_key(at), &entry);
        if (!rc) rc = art_run_next(at);
    }
    return rc ? rc : art_tree_interrupted(work->tree);
}

static enum art_rc find_in_leaves(struct directory_work *work, struct art_run_cursor *leaves, struct art_run_cursor *at,
                                  const struct art_ref *top) {
    art_run_cursor_reset(leaves, top, 1);
    enum art_rc rc = art_run_seek_le(leaves, work->low);
    if (!rc && !leaves->valid) rc = art_run_first(leaves);
    while (!rc && leaves->valid && !all_are_noted(work, art_run_key(leaves))) {
        struct art_ref leaf;
        rc = art_blob_cursor_ref(&leaves->leaf, &leaf);
        if (!rc) rc = find_in_leaf(work, at, &leaf);
        if (!rc) rc = art_run_next(leaves);
    }
    return rc;
}

/* The rows with such values, or so many that all go row by row. Leaf blobs without one are not read. */
static enum art_rc find_chunked(struct directory_work *work) {
    const struct art_root *root = work->source->root;
    struct art_run_cursor leaves = {0}, at = {0};
    enum art_rc rc = find_in_memtable(work);
    if (!rc) rc = art_run_cursor_open(&leaves, work->source->store);
    if (!rc) rc = art_run_cursor_open(&at, work->source->store);
    for (unsigned i = 0; !rc && i < root->runs; i++) {
        const struct art_ref *top = &root->run[i].top;
        if (top->overflows) rc = top->height ? find_in_leaves(work, &leaves, &at, top) : find_in_leaf(work, &at, top);
    }
    art_run_cursor_close(&leaves);
    art_run_cursor_close(&at);
    return rc;
}

/* A moved row keeps its chunks: nobody need find them. */
static bool keeps_chunks(const struct directory_work *work) {
    return rows_come(work) && !work->stays;
}

/* Chunks of a deleted row go with the row, those of a copied one are copied: by themselves, before and behind the
 * others. */
static enum art_rc change_most_as_one(struct directory_work *work) {
    enum art_rc rc = rows_come(work) ? ART_OK : change_paths(work, &work->chunked);
    if (!rc) rc = change_as_one(work);
    return rc || !work->stays ? rc : change_paths(work, &work->chunked);
}

/* --- which way ---------------------------------------------------------------------------------------------------- */

/* Of the leaf blobs at the edges of a range: about half a blob before it, and half a blob behind it. */
static uint64_t rows_at_edges(const struct art_run *run) {
    uint64_t leaves = run->blobs > 1 ? run->blobs - 1 : 1; /* nearly always there is one index blob */
    return run->top.entries / leaves;
}

/* A row that comes elsewhere is two changes. The memtable becomes a run, which else it would later. */
static bool is_cheaper_by_rows(const struct directory_work *work) {
    ART_IN_TESTS(if (art_test_hooks.as_one) return false;)
    const struct art_tree *tree = work->tree;
    const struct art_root *root = tree->root;
    bool dear = art_tree_summary(tree) || art_tree_medium(tree)->in_hosts_journal;
    uint64_t edges = art_memtable_keys(tree->memtable), changes = work->rows * (rows_come(work) ? 2 : 1);
    for (unsigned i = 0; i < root->runs; i++) {
        bool last = i + 1 == root->runs, takes = last && rows_come(work);
        edges += (!work->stays + takes) * rows_at_edges(&root->run[i]);
    }
    return changes * ROW_COST < RANGE_COST + edges * (dear ? EDGE_COST_DEAR : EDGE_COST);
}

/* What the range writes as one thing, about: at each edge a leaf blob, and an index blob above them; and what comes. */
static uint64_t bytes_as_one(const struct directory_work *work) {
    enum { EDGE_BLOBS = 3 };
    const struct art_root *root = work->tree->root, *from = work->source->root;
    uint64_t edge = (uint64_t)EDGE_BLOBS * art_tree_full_pages(work->tree), pages = 0, entries = 1;
    for (unsigned i = 0; i < root->runs; i++) pages += root->run[i].pages < edge ? root->run[i].pages : edge;
    for (unsigned i = 0; i < from->runs; i++) entries += from->run[i].top.entries;
    uint64_t come = rows_come(work) ? edge * ART_BLOB_PAGE + art_room_of_runs(from) / entries * work->rows : 0;
    return pages * ART_BLOB_PAGE + come;
}

/* Keys, and the ends of prefixes, in memory of their own. */
static enum art_rc take_keys(struct directory_work *work) {
    enum { KEYS = 5, ENDS = 2 };
    uint8_t *memory = work->memory = art_alloc((size_t)(KEYS + ENDS) * ART_KEY_BUFFER);
    if (!memory) return art_nomem();
    if (rows_come(work)) {
        art_range_of_prefix(work->from, memory + (size_t)KEYS * ART_KEY_BUFFER, &work->range);
        art_range_of_prefix(work->to, memory + (size_t)(KEYS + 1) * ART_KEY_BUFFER, &work->target);
    }
    work->low = art_range_low(memory, &work->range);
    work->high = art_range_high(memory + ART_KEY_BUFFER, &work->range);
    work->target_low = art_range_low(memory + (size_t)2 * ART_KEY_BUFFER, &work->target);
    work->target_high = art_range_high(memory + (size_t)3 * ART_KEY_BUFFER, &work->target);
    work->key = memory + (size_t)4 * ART_KEY_BUFFER;
    work->all = !rows_come(work) && !work->range.low_set && !work->range.high_set;
    return ART_OK;
}

/* All of it, or an error and nothing; or a transaction that can only be rolled back. */
static enum art_rc in_steps(struct directory_work *work, enum art_rc (*change)(struct directory_work *work)) {
    struct art_tree *tree = work->tree;
    uint32_t savepoint;
    enum art_rc rc = art_tree_savepoint(tree, &savepoint);
    if (rc) return rc;
    assert(art_tree_is_known(tree) && tree->txn.savepoints[savepoint].root);
    tree->txn.savepoints[savepoint].kind = ART_SAVEPOINT_UNDO; /* behind one of the beginning the tree is unknown */
    rc = change(work);
    if (rc) {
        struct art_kept_error why;
        art_error_keep(&why);
        art_tree_rollback_to(tree, savepoint);
        art_error_restore(&why);
    }
    art_tree_release_savepoints(tree, savepoint);
    return rc;
}

static enum art_rc change_directory(struct directory_work *work) {
    struct art_tree *tree = work->tree;
    bool as_one = !is_cheaper_by_rows(work);
    enum art_rc rc = ART_OK;
    if (as_one && !work->all) rc = art_room_for_range(tree, bytes_as_one(work), rows_come(work), &as_one);
    if (!rc && as_one && !work->all && !keeps_chunks(work)) rc = find_chunked(work);
    if (rc) return rc;
    if (!as_one || has_many_chunked(work)) return in_steps(work, change_by_rows);
    rc = work->chunked_count ? in_steps(work, change_most_as_one) : change_as_one(work);
    /* The host may have taken the whole transaction back, as SQLite does where the disk is full. */
    bool goes_on = art_tree_in_txn(tree) && art_tree_is_known(tree) && !tree->txn.doomed;
    return rc == ART_DISKFULL && !rows_come(work) && goes_on ? in_steps(work, change_by_rows) : rc;
}

/* *taken: there are rows at the target, so nothing was changed. */
static enum art_rc run_directory_work(struct directory_work *work, bool *taken) {
    uint64_t there = 0;
    enum art_rc rc = art_tree_begin(work->tree);
    if (!rc) rc = take_keys(work);
    if (!rc) rc = art_tree_count(work->source, &work->range, &work->rows);
    if (!rc && rows_come(work)) rc = art_tree_count(work->tree, &work->target, &there);
    *taken = there && work->rows;
    if (!rc && !there && work->rows) rc = change_directory(work);
    if (rc || there) work->rows = 0;
    art_buffer_clear(&work->chunked);
    art_free(work->memory);
    return rc;
}

enum art_rc art_tree_range_pays(struct art_tree *tree, uint64_t rows, bool *pays) {
    const struct directory_work work = {.tree = tree, .rows = rows - rows / NOTING_PART};
    uint64_t all = 0;
    *pays = rows && !is_cheaper_by_rows(&work);
    if (!*pays || !art_tree_medium(tree)->discards) return ART_OK;
    enum art_rc rc = art_tree_count(tree, &(struct art_range){0}, &all);
    *pays = rows < all;
    return rc;
}

enum art_rc art_tree_delete_range(struct art_tree *tree, const struct art_range *range, uint64_t *rows) {
    struct directory_work work = {.tree = tree, .source = tree, .range = *range};
    bool taken;
    enum art_rc rc = run_directory_work(&work, &taken);
    *rows = work.rows;
    return rc;
}

enum art_rc art_tree_move_prefix(struct art_tree *tree, struct art_bytes from, struct art_bytes to, bool copies,
                                 uint64_t *rows, bool *taken) {
    struct directory_work work = {.tree = tree, .source = tree, .from = from, .to = to, .stays = copies};
    assert(from.len <= ART_PATH_MAX && to.len <= ART_PATH_MAX);
    assert(to.data && !art_bytes_starts_with(from, to) && !art_bytes_starts_with(to, from));
    enum art_rc rc = run_directory_work(&work, taken);
    *rows = work.rows;
    return rc;
}

enum art_rc art_tree_copy_from(struct art_tree *tree, struct art_tree *source, struct art_bytes from,
                               struct art_bytes to, uint64_t *rows, bool *taken) {
    static const uint8_t nothing[1];
    struct directory_work work = {.tree = tree, .source = source, .from = from, .stays = true};
    assert(tree != source && from.len <= ART_PATH_MAX && to.len <= ART_PATH_MAX);
    work.to = to.len ? to : art_bytes(nothing, 0);
    enum art_rc rc = run_directory_work(&work, taken);
    *rows = work.rows;
    return rc;
}
