/* A tree that can't be wrong for want of cleverness: core/tree/tree.h over one sorted array.
 *
 * It stands in for core/tree where ext/ is tested by itself, and is the model to compare core/tree with. The root
 * holds all rows, a redo row the difference between two arrays, a mark is a copy. Nothing is fast, and nothing is left
 * out of what a host may see: the log limit makes it flush, a flush makes the .art file (empty: only its presence
 * counts), asks the host to secure() its journal, for the epoch and for the retired list, and a rollback sometimes
 * forgets what is in memory.
 *
 *     root  "NAIVE1" 0 0, id, csn, hash, generation, rows       row  key length, value length, version, key, value
 *     redo  hash(previous hash, csn, operations), operations    operation  1 put / 0 delete, key length, value length,
 *     retired csn of the flush, kind of the epoch, salts                     key, value
 */
#include "tests/naive/naive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/base/hash.h"

enum { ROOT_HEAD = 8 + 16 + 8 + 16 + 8 + 4, RETIRED_BYTES = 8 + 1 + 8, BIG_VALUE = 65536 };
static const char root_magic[8] = "NAIVE1";

struct art_tree {
    struct art_tree_options options;
    struct art_host host;
    char *path;
    pid_t process;
    bool unknown, dirty, began, flush, prepared_root, prepared;
    bool file_seen; /* as if it were open: it may be unlinked from now on */
    struct rows rows, base;
    struct mark {
        struct rows rows;
        const struct art_summary *summary;
    } * marks;
    const struct art_summary *summary, *base_summary; /* NULL: none */
    uint32_t savepoint_count, savepoint_capacity;
    uint64_t csn, generation, log_bytes, log_rows, rollbacks;
    struct art_hash128 chain, next_chain;
    struct art_buffer redo, root, retired;
    struct {
        bool root_seen, row_seen;
        struct rows rows;
        uint64_t csn, generation, log_bytes, log_rows;
        struct art_hash128 chain;
    } fresh;
};

struct art_cursor {
    struct art_tree *tree;
    struct row *at;
    struct art_row view;
    struct art_range range;
    uint8_t *low, *high;
    bool descending;
};

/* ---- opening ----------------------------------------------------------------------------------------------------- */

enum art_rc art_tree_open(struct art_tree **out, const struct art_tree_options *options, const struct art_host *host) {
    struct art_tree *tree = art_alloc_zeroed(sizeof *tree);
    if (!tree) return art_nomem();
    tree->options = *options;
    tree->host = *host;
    tree->unknown = true;
    tree->process = getpid();
    if (options->summary.has.columns) tree->summary = &tree->options.summary;
    if (options->path) {
        size_t n = strlen(options->path) + 1;
        tree->path = art_alloc(n);
        if (!tree->path) {
            art_tree_close(tree);
            return art_nomem();
        }
        memcpy(tree->path, options->path, n);
    }
    *out = tree;
    return ART_OK;
}

static void marks_clear(struct art_tree *tree, uint32_t from) {
    while (tree->savepoint_count > from) rows_clear(&tree->marks[--tree->savepoint_count].rows);
}

void art_tree_close(struct art_tree *tree) {
    if (!tree) return;
    marks_clear(tree, 0);
    rows_clear(&tree->rows);
    rows_clear(&tree->base);
    rows_clear(&tree->fresh.rows);
    art_buffer_clear(&tree->redo);
    art_buffer_clear(&tree->root);
    art_buffer_clear(&tree->retired);
    art_free(tree->marks);
    art_free(tree->path);
    art_free(tree);
}

void art_tree_rest(struct art_tree *tree) {
    (void)tree;
}

void art_tree_set_limits(struct art_tree *tree, uint64_t cache_bytes, uint64_t log_limit, uint64_t spill_limit) {
    tree->options.cache_bytes = cache_bytes;
    tree->options.log_limit = log_limit;
    tree->options.spill_limit = spill_limit;
}

void art_tree_set_row_limit(struct art_tree *tree, uint64_t bytes) {
    tree->options.row_limit = bytes;
}

static void root_head(uint8_t *out, const uint8_t *uuid, uint64_t csn, const struct art_hash128 *chain,
                      uint64_t generation, uint32_t count) {
    memcpy(out, root_magic, 8);
    memcpy(out + 8, uuid, 16);
    art_store64(out + 24, csn);
    memcpy(out + 32, chain, 16);
    art_store64(out + 48, generation);
    art_store32(out + 56, count);
}

uint32_t art_tree_initial_root(const uint8_t uuid[ART_UUID_BYTES], uint8_t *out) {
    struct art_hash128 chain = art_hash128(uuid, ART_UUID_BYTES);
    root_head(out, uuid, 0, &chain, 0, 0);
    return ROOT_HEAD;
}

/* ---- refresh ----------------------------------------------------------------------------------------------------- */

enum art_rc art_tree_refresh_begin(struct art_tree *tree, uint64_t *from) {
    if (tree->dirty && !tree->unknown) return art_fail(ART_MISUSE, "art: refresh of a changed tree");
    rows_clear(&tree->fresh.rows);
    memset(&tree->fresh, 0, sizeof tree->fresh);
    if (!tree->unknown) {
        int rc = rows_copy(&tree->fresh.rows, &tree->rows);
        if (rc) return rc;
        tree->fresh.csn = tree->csn;
        tree->fresh.generation = tree->generation;
        tree->fresh.chain = tree->chain;
        tree->fresh.log_bytes = tree->log_bytes;
        tree->fresh.log_rows = tree->log_rows;
    }
    *from = tree->fresh.csn;
    return ART_OK;
}

static int take_root(struct art_tree *tree, struct art_bytes root) {
    rows_clear(&tree->fresh.rows);
    const uint8_t *p = root.data + ROOT_HEAD, *end = root.data + root.len;
    for (uint32_t left = art_load32(root.data + 56); left; left--) {
        if (end - p < 16) return art_corrupt("the log", ART_NOWHERE, ART_NOWHERE, "the root is cut off");
        uint32_t key_len = art_load32(p), value_len = art_load32(p + 4);
        if ((uint64_t)(end - p) < 16ull + key_len + value_len) {
            return art_corrupt("the log", ART_NOWHERE, ART_NOWHERE, "the root is cut off");
        }
        int rc = rows_put(&tree->fresh.rows, art_bytes(p + 16, key_len), art_bytes(p + 16 + key_len, value_len),
                          art_load64(p + 8));
        if (rc) return rc;
        p += 16 + key_len + value_len;
    }
    tree->fresh.csn = art_load64(root.data + 24);
    memcpy(&tree->fresh.chain, root.data + 32, 16);
    tree->fresh.generation = art_load64(root.data + 48);
    tree->fresh.log_bytes = tree->fresh.log_rows = 0;
    tree->fresh.row_seen = true;
    return ART_OK;
}

static int refresh_root(struct art_tree *tree, struct art_bytes root) {
    if (root.len < ROOT_HEAD || memcmp(root.data, root_magic, 8)) {
        return art_corrupt("the log", ART_NOWHERE, ART_NOWHERE, "the root is not one");
    }
    if (memcmp(root.data + 8, tree->options.uuid, 16)) {
        return art_corrupt("the log", ART_NOWHERE, ART_NOWHERE, "the root is another table's");
    }
    tree->fresh.root_seen = true;
    uint64_t generation = art_load64(root.data + 48), csn = art_load64(root.data + 24);
    if (tree->unknown) return take_root(tree, root);
    if (generation < tree->generation) return ART_REBUILD;
    if (generation > tree->generation) return csn < tree->csn ? ART_REBUILD : take_root(tree, root);
    tree->fresh.row_seen = csn == tree->csn && !memcmp(root.data + 32, &tree->chain, 16);
    return ART_OK;
}

static int replay(struct art_tree *tree, uint64_t csn, const uint8_t *p, const uint8_t *end) {
    while (p < end) {
        if (end - p < 9) return art_corrupt("the log", ART_NOWHERE, ART_NOWHERE, "a row is cut off");
        bool put = p[0];
        uint32_t key_len = art_load32(p + 1), value_len = art_load32(p + 5);
        if ((uint64_t)(end - p) < 9ull + key_len + value_len) {
            return art_corrupt("the log", ART_NOWHERE, ART_NOWHERE, "a row is cut off");
        }
        struct art_bytes key = art_bytes(p + 9, key_len);
        int rc = ART_OK;
        if (put) {
            rc = rows_put(&tree->fresh.rows, key, art_bytes(p + 9 + key_len, value_len), csn);
        } else {
            rows_remove(&tree->fresh.rows, key);
        }
        if (rc) return rc;
        p += 9 + key_len + value_len;
    }
    return ART_OK;
}

static struct art_hash128 chain_hash(const struct art_hash128 *previous, uint64_t csn, const void *ops, size_t len) {
    struct art_hash_part parts[] = {{previous, 16}, {&csn, 8}, {ops, len}};
    return art_hash128_parts(parts, 3);
}

enum art_rc art_tree_refresh_row(struct art_tree *tree, uint64_t csn, struct art_bytes ops) {
    if (csn == 0) return refresh_root(tree, ops);
    if (!tree->fresh.root_seen) return art_corrupt("the log", ART_NOWHERE, ART_NOWHERE, "the root is missing");
    if (ops.len < 16) return art_corrupt("the log", ART_NOWHERE, ART_NOWHERE, "a row is too short");
    if (!tree->fresh.row_seen && csn == tree->csn) {
        if (memcmp(ops.data, &tree->chain, 16)) return ART_REBUILD;
        tree->fresh.row_seen = true;
        return ART_OK;
    }
    if (csn <= tree->fresh.csn) return ART_OK;
    struct art_hash128 hash = chain_hash(&tree->fresh.chain, csn, ops.data + 16, ops.len - 16);
    if (!tree->fresh.row_seen || csn != tree->fresh.csn + 1 || memcmp(ops.data, &hash, 16)) {
        return tree->unknown ? art_corrupt("the log", ART_NOWHERE, ART_NOWHERE, "rows do not follow each other")
                             : ART_REBUILD;
    }
    int rc = replay(tree, csn, ops.data + 16, ops.data + ops.len);
    if (rc) return rc;
    tree->fresh.csn = csn;
    tree->fresh.chain = hash;
    tree->fresh.log_bytes += ops.len;
    tree->fresh.log_rows++;
    return ART_OK;
}

enum art_rc art_tree_refresh_end(struct art_tree *tree) {
    if (!tree->fresh.root_seen) return art_corrupt("the log", ART_NOWHERE, ART_NOWHERE, "the log is empty");
    if (!tree->fresh.row_seen) return ART_REBUILD;
    rows_clear(&tree->rows);
    tree->rows = tree->fresh.rows;
    tree->fresh.rows = (struct rows){0};
    tree->csn = tree->fresh.csn;
    tree->chain = tree->fresh.chain;
    tree->generation = tree->fresh.generation;
    tree->log_bytes = tree->fresh.log_bytes;
    tree->log_rows = tree->fresh.log_rows;
    tree->unknown = false;
    return ART_OK;
}

void art_tree_refresh_abort(struct art_tree *tree) {
    rows_clear(&tree->fresh.rows);
    tree->unknown = true;
}

bool art_tree_unknown(const struct art_tree *tree) {
    return tree->unknown;
}

bool art_tree_poisoned(const struct art_tree *tree) {
    (void)tree;
    return false;
}

void art_tree_forget(struct art_tree *tree) {
    tree->unknown = true;
}

uint64_t art_tree_csn(const struct art_tree *tree) {
    return tree->csn;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static int readable(struct art_tree *tree) {
    if (tree->process != getpid()) return art_fail(ART_FORKED, "art: the tree was opened before fork()");
    if (tree->unknown) return art_fail(ART_MISUSE, "art: the tree is not up to date");
    if (!tree->generation || !tree->path || tree->file_seen) return ART_OK;
    if (access(tree->path, F_OK)) return art_fail(ART_MISSING, "art: the file is missing (%s): restore it", tree->path);
    tree->file_seen = true;
    return ART_OK;
}

enum art_rc art_tree_ready(struct art_tree *tree) {
    return readable(tree);
}

static void show(struct art_row *out, struct row *row) {
    row->references++;
    *out = (struct art_row){.stored = row_value(row), .version = row->version, .held_memtable = row};
}

enum art_rc art_tree_get(struct art_tree *tree, struct art_bytes key, struct art_row *out) {
    int rc = readable(tree);
    if (rc) return rc;
    uint32_t at;
    struct row *row = rows_find(&tree->rows, key, &at);
    if (!row) return ART_NOTFOUND;
    show(out, row);
    return ART_OK;
}

/* Every stored path is asked, whether it is a prefix and whether the delimiter lets it count. */
enum art_rc art_tree_longest_prefix(struct art_tree *tree, struct art_bytes path, struct art_bytes delimiter,
                                    struct art_buffer *out) {
    int rc = readable(tree);
    if (rc) return rc;
    for (uint32_t i = tree->rows.count; i-- > 0;) { /* the longest is the last in order */
        struct art_bytes key = row_key(tree->rows.items[i]);
        if (!art_bytes_starts_with(path, key)) continue;
        struct art_bytes rest = key.len ? art_bytes(path.data + key.len, path.len - key.len) : path;
        bool any = !delimiter.len || !rest.len || art_bytes_starts_with(rest, delimiter);
        if (any || (key.len >= delimiter.len && !memcmp(rest.data - delimiter.len, delimiter.data, delimiter.len))) {
            return art_buffer_append(out, key.data, key.len);
        }
    }
    return ART_NOTFOUND;
}

void art_row_release(struct art_row *row) {
    row_release(row->held_memtable);
    memset(row, 0, sizeof *row);
}

enum art_rc art_row_value(struct art_tree *tree, const struct art_row *row, struct art_bytes *out, uint8_t **owned) {
    (void)tree;
    *out = row->stored;
    *owned = NULL;
    if (row->stored.len <= ART_VALUE_MAX && row->stored.len < BIG_VALUE) return ART_OK;
    *owned = art_alloc(row->stored.len);
    if (!*owned) return art_nomem();
    memcpy(*owned, row->stored.data, row->stored.len);
    out->data = *owned;
    return ART_OK;
}

void art_range_of_prefix(struct art_bytes prefix, uint8_t *buffer, struct art_range *out) {
    *out = (struct art_range){.low = prefix, .low_set = true, .high_open = true};
    uint32_t n = prefix.len;
    while (n && prefix.data[n - 1] == 0xff) n--;
    if (!n) return;
    memcpy(buffer, prefix.data, n);
    buffer[n - 1]++;
    out->high = art_bytes(buffer, n);
    out->high_set = true;
}

static void range_ends(const struct art_tree *tree, const struct art_range *range, uint32_t *first, uint32_t *end) {
    *first = range->low_set ? rows_below(&tree->rows, range->low, range->low_open) : 0;
    *end = range->high_set ? rows_below(&tree->rows, range->high, !range->high_open) : tree->rows.count;
    if (*end < *first) *end = *first;
}

enum art_rc art_tree_count(struct art_tree *tree, const struct art_range *range, uint64_t *out) {
    int rc = readable(tree);
    if (rc) return rc;
    uint32_t first, end;
    range_ends(tree, range, &first, &end);
    *out = end - first;
    return ART_OK;
}

const struct art_summary *naive_summary(const struct art_tree *tree) {
    static const struct art_summary none;
    return tree->summary ? tree->summary : &none;
}

bool art_tree_estimate(struct art_tree *tree, const struct art_range *range, uint64_t *rows) {
    static const struct art_range all;
    uint32_t first, end;
    if (tree->unknown || tree->process != getpid()) return false;
    range_ends(tree, range ? range : &all, &first, &end);
    *rows = end - first;
    return true;
}

enum art_rc art_cursor_open(struct art_tree *tree, struct art_cursor **out) {
    *out = art_alloc_zeroed(sizeof **out);
    if (!*out) return art_nomem();
    (*out)->tree = tree;
    return ART_OK;
}

static void cursor_stand(struct art_cursor *cursor, struct row *row) {
    art_row_release(&cursor->view);
    if (row) row->references++;
    row_release(cursor->at);
    cursor->at = row;
}

static void cursor_forget_range(struct art_cursor *cursor) {
    art_free(cursor->low);
    art_free(cursor->high);
    cursor->low = cursor->high = NULL;
}

void art_cursor_close(struct art_cursor *cursor) {
    if (!cursor) return;
    cursor_stand(cursor, NULL);
    cursor_forget_range(cursor);
    art_free(cursor);
}

enum art_rc art_cursor_seek(struct art_cursor *cursor, const struct art_range *range, bool descending) {
    cursor_stand(cursor, NULL);
    int rc = readable(cursor->tree);
    if (rc) return rc;
    cursor_forget_range(cursor);
    cursor->range = *range;
    cursor->low = art_alloc(range->low.len);
    cursor->high = art_alloc(range->high.len);
    if (!cursor->low || !cursor->high) return art_nomem();
    if (range->low_set && range->low.len) memcpy(cursor->low, range->low.data, range->low.len);
    if (range->high_set && range->high.len) memcpy(cursor->high, range->high.data, range->high.len);
    cursor->range.low.data = cursor->low;
    cursor->range.high.data = cursor->high;
    cursor->descending = descending;
    uint32_t first, end;
    range_ends(cursor->tree, range, &first, &end);
    if (first < end) cursor_stand(cursor, cursor->tree->rows.items[descending ? end - 1 : first]);
    return ART_OK;
}

enum art_rc art_cursor_next(struct art_cursor *cursor) {
    if (!cursor->at) return ART_OK;
    if (cursor->tree->unknown) return art_fail(ART_MISUSE, "art: the tree is not up to date");
    const struct rows *rows = &cursor->tree->rows;
    uint32_t first, end, at = rows_below(rows, row_key(cursor->at), !cursor->descending);
    range_ends(cursor->tree, &cursor->range, &first, &end);
    if (cursor->descending) {
        cursor_stand(cursor, at > first ? rows->items[at - 1] : NULL);
    } else {
        cursor_stand(cursor, at < end ? rows->items[at] : NULL);
    }
    return ART_OK;
}

bool art_cursor_valid(const struct art_cursor *cursor) {
    return cursor->at;
}

struct art_bytes art_cursor_key(const struct art_cursor *cursor) {
    return row_key(cursor->at);
}

const struct art_row *art_cursor_row(struct art_cursor *cursor) {
    if (!cursor->view.held_memtable) show(&cursor->view, cursor->at);
    return &cursor->view;
}

bool art_cursor_value(struct art_cursor *cursor, struct art_bytes *out) {
    const struct art_row *row = art_cursor_row(cursor);
    *out = row->stored;
    return !row->overflows;
}

enum art_rc art_cursor_skip_prefix(struct art_cursor *cursor, uint32_t len) {
    struct row *start = cursor->at;
    if (!start) return ART_OK;
    start->references++;
    int rc = ART_OK;
    while (!rc && cursor->at && art_bytes_starts_with(row_key(cursor->at), art_bytes(start->bytes, len))) {
        rc = art_cursor_next(cursor);
    }
    row_release(start);
    return rc;
}

enum art_rc art_cursor_skip(struct art_cursor *cursor, uint64_t count) {
    int rc = ART_OK;
    while (!rc && cursor->at && count--) rc = art_cursor_next(cursor);
    return rc;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static int writable(struct art_tree *tree) {
    int rc = readable(tree);
    if (rc || tree->began) return rc;
    rc = rows_copy(&tree->base, &tree->rows);
    if (!rc) tree->began = true;
    if (!rc) tree->base_summary = tree->summary;
    return rc;
}

enum art_rc art_tree_insert(struct art_tree *tree, enum art_write mode, struct art_bytes key, struct art_bytes value,
                            bool *existed) {
    if (key.len > ART_PATH_MAX) return art_fail(ART_TOOBIG, "art: the key is too long");
    int rc = writable(tree);
    if (rc) return rc;
    uint32_t at;
    *existed = rows_find(&tree->rows, key, &at);
    if (*existed && mode == ART_WRITE_INSERT) return ART_OK;
    rc = rows_put(&tree->rows, key, value, tree->csn + 1);
    if (!rc) tree->dirty = true;
    return rc;
}

enum art_rc art_tree_delete(struct art_tree *tree, struct art_bytes key, bool *existed) {
    int rc = writable(tree);
    if (rc) return rc;
    *existed = rows_remove(&tree->rows, key);
    tree->dirty |= *existed;
    return ART_OK;
}

enum art_rc art_tree_move(struct art_tree *tree, enum art_write mode, struct art_bytes from, struct art_bytes to,
                          const struct art_bytes *value, bool *existed) {
    if (to.len > ART_PATH_MAX) return art_fail(ART_TOOBIG, "art: the key is too long");
    int rc = writable(tree);
    if (rc) return rc;
    uint32_t at;
    bool same = art_bytes_equal(from, to);
    struct row *old = rows_find(&tree->rows, from, &at);
    if (!old) return ART_NOTFOUND;
    *existed = !same && rows_find(&tree->rows, to, &at);
    if (*existed && mode == ART_WRITE_INSERT) return ART_OK;
    old->references++;
    rc = rows_put(&tree->rows, to, value ? *value : row_value(old), tree->csn + 1);
    if (!rc && !same) rows_remove(&tree->rows, from);
    if (!rc) tree->dirty = true;
    row_release(old);
    return rc;
}

enum art_rc art_tree_update(struct art_tree *tree, struct art_bytes key, const struct art_row *row,
                            struct art_bytes value) {
    (void)row;
    bool existed;
    return art_tree_move(tree, ART_WRITE_INSERT, key, key, &value, &existed);
}

bool art_tree_dirty(const struct art_tree *tree) {
    return tree->dirty;
}

enum art_rc art_tree_savepoint(struct art_tree *tree, uint32_t *mark) {
    int rc = writable(tree);
    if (rc) return rc;
    if (tree->savepoint_count == tree->savepoint_capacity) {
        uint32_t capacity = tree->savepoint_capacity * 2 + 4;
        struct mark *marks = art_resize(tree->marks, capacity * sizeof *marks);
        if (!marks) return art_nomem();
        tree->marks = marks;
        tree->savepoint_capacity = capacity;
    }
    tree->marks[tree->savepoint_count].summary = tree->summary;
    rc = rows_copy(&tree->marks[tree->savepoint_count].rows, &tree->rows);
    if (!rc) *mark = tree->savepoint_count++;
    return rc;
}

void art_tree_release_savepoints(struct art_tree *tree, uint32_t from) {
    marks_clear(tree, from);
}

void art_tree_rollback_to(struct art_tree *tree, uint32_t mark) {
    if (!tree->began) return;
    const struct rows *source = mark == ART_SAVEPOINT_BEGIN ? &tree->base : &tree->marks[mark].rows;
    struct rows copy;
    bool forget = rows_copy(&copy, source) || (mark == ART_SAVEPOINT_BEGIN && ++tree->rollbacks % 3 == 0);
    rows_clear(&tree->rows);
    tree->rows = copy;
    tree->summary = mark == ART_SAVEPOINT_BEGIN ? tree->base_summary : tree->marks[mark].summary;
    marks_clear(tree, mark == ART_SAVEPOINT_BEGIN ? 0 : mark + 1);
    tree->prepared = false;
    if (!forget) return;
    tree->unknown = true;
    tree->began = false;
    rows_clear(&tree->base);
}

enum art_rc art_tree_resummarise(struct art_tree *tree, const struct art_summary *summary) {
    int rc = writable(tree);
    if (!rc) tree->summary = summary;
    if (!rc) tree->dirty = tree->flush = true;
    return rc;
}

enum art_rc art_tree_use_summary(struct art_tree *tree, const struct art_summary *summary) {
    tree->summary = summary;
    tree->unknown = true;
    return ART_OK;
}

enum art_rc art_tree_request_flush(struct art_tree *tree) {
    tree->flush = true;
    return ART_OK;
}

enum art_rc art_tree_request_optimize(struct art_tree *tree) {
    tree->flush = true;
    return ART_OK;
}

void art_tree_note_alone(struct art_tree *tree) {
    (void)tree;
}

void art_tree_note_full(struct art_tree *tree) {
    (void)tree;
}

enum art_rc art_tree_request_vacuum(struct art_tree *tree) {
    tree->flush = true;
    return ART_OK;
}

/* Its files are empty. */
enum art_rc art_file_identify(const char *path, const char *host_path, uint8_t uuid[ART_UUID_BYTES], bool *ours) {
    (void)host_path;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    *ours = false;
    if (fd < 0) return art_fail(ART_MISSING, "art: the file is missing (%s): restore it", path);
    *ours = read(fd, uuid, ART_UUID_BYTES) == ART_UUID_BYTES;
    close(fd);
    return *ours ? ART_OK : ART_NOTFOUND;
}

enum art_rc art_file_look(const char *path, uint64_t *bytes, uint64_t *names) {
    (void)path;
    *bytes = *names = 0;
    return ART_MISSING;
}

bool art_file_is_more_open(const char *path, const char *than) {
    (void)path, (void)than;
    return false;
}

bool art_file_exists(const char *path) {
    return access(path, F_OK) == 0;
}

enum art_rc art_file_make(const char *path, const char *like) {
    struct stat other = {.st_mode = 0600};
    stat(like, &other);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, other.st_mode & 0777);
    if (fd < 0) return art_fail_errno(ART_CANTOPEN, errno, "art: cannot make the file (%s)", path);
    close(fd);
    return ART_OK;
}

enum art_rc art_file_remove(const char *path) {
    return unlink(path) ? art_fail(ART_MISSING, "art: no such file to remove (%s)", path) : ART_OK;
}

/* It is not about power loss. */
enum art_rc art_file_sync_folder(const char *path) {
    (void)path;
    return ART_OK;
}

enum art_rc art_folder_list(const char *folder, enum art_rc (*visit)(void *context, const char *name), void *context) {
    DIR *list = opendir(folder);
    if (!list) {
        return art_fail(ART_CANTOPEN,
                        "art: cannot list the database's folder (%s): give this user the right to read it", folder);
    }
    int rc = ART_OK;
    /* cppcheck-suppress readdirCalled ; the list is this call's own */
    for (const struct dirent *entry; !rc && (entry = readdir(list));) rc = visit(context, entry->d_name);
    closedir(list);
    return rc;
}

bool art_tree_has_runs(const struct art_tree *tree) {
    (void)tree;
    return false;
}

enum art_rc art_tree_use_place(struct art_tree *tree, const struct art_tree_place *place) {
    (void)tree;
    (void)place;
    return ART_OK;
}

enum art_rc art_tree_copy(struct art_tree *tree, const struct art_tree_place *place) {
    (void)tree;
    (void)place;
    return ART_OK;
}

uint64_t art_tree_generation(const struct art_tree *tree) {
    (void)tree;
    return 0;
}

enum art_rc art_tree_claim(struct art_tree *tree) {
    (void)tree;
    return ART_OK;
}

enum art_rc art_tree_adopt(struct art_tree *tree) {
    (void)tree;
    return ART_OK;
}

/* ---- commit ------------------------------------------------------------------------------------------------------ */

static int add_operation(struct art_buffer *out, bool put, struct art_bytes key, struct art_bytes value) {
    uint8_t head[9] = {put};
    art_store32(head + 1, key.len);
    art_store32(head + 5, value.len);
    enum art_rc rc = art_buffer_append(out, head, sizeof head);
    if (!rc) rc = art_buffer_append(out, key.data, key.len);
    return rc ? rc : art_buffer_append(out, value.data, value.len);
}

/* The difference between the base and now. Rows are never changed in place, so another pointer is another row. */
static int make_redo(struct art_tree *tree, uint64_t csn, bool *big) {
    uint8_t room[16] = {0};
    tree->redo.len = 0;
    int rc = art_buffer_append(&tree->redo, room, sizeof room);
    uint32_t i = 0, j = 0;
    const struct rows *old = &tree->base, *new = &tree->rows;
    while (!rc && (i < old->count || j < new->count)) {
        int c = i == old->count   ? 1
                : j == new->count ? -1
                                  : art_bytes_compare(row_key(old->items[i]), row_key(new->items[j]));
        if (c < 0) {
            rc = add_operation(&tree->redo, false, row_key(old->items[i]), art_bytes(NULL, 0));
        } else if (c > 0 || old->items[i] != new->items[j]) {
            *big |= new->items[j]->value_len > BIG_VALUE;
            rc = add_operation(&tree->redo, true, row_key(new->items[j]), row_value(new->items[j]));
        }
        i += c <= 0;
        j += c >= 0;
    }
    if (rc) return rc;
    tree->next_chain = chain_hash(&tree->chain, csn, tree->redo.data + 16, tree->redo.len - 16);
    memcpy(tree->redo.data, &tree->next_chain, 16);
    return ART_OK;
}

static int make_root(struct art_tree *tree, uint64_t csn) {
    uint8_t head[ROOT_HEAD];
    root_head(head, tree->options.uuid, csn, &tree->next_chain, tree->generation + 1, tree->rows.count);
    tree->root.len = 0;
    int rc = art_buffer_append(&tree->root, head, sizeof head);
    for (uint32_t i = 0; !rc && i < tree->rows.count; i++) {
        const struct row *row = tree->rows.items[i];
        uint8_t lengths[16];
        art_store32(lengths, row->key_len);
        art_store32(lengths + 4, row->value_len);
        art_store64(lengths + 8, row->version);
        rc = art_buffer_append(&tree->root, lengths, sizeof lengths);
        struct art_bytes key = row_key(row), value = row_value(row);
        if (!rc) rc = art_buffer_append(&tree->root, key.data, key.len);
        if (!rc) rc = art_buffer_append(&tree->root, value.data, value.len);
    }
    return rc;
}

/* What a flush asks of its host, and a file where one would be. */
static int go_through_a_flush(struct art_tree *tree, uint64_t csn) {
    struct art_host *host = &tree->host;
    bool reuse;
    struct art_epoch epoch = {0};
    int rc = host->secure(host->context, &reuse);
    if (rc) return rc;
    rc = host->load_retired(host->context, &tree->retired);
    if (rc) return rc;
    if (tree->retired.len && (tree->retired.len != RETIRED_BYTES || art_load64(tree->retired.data) > csn)) {
        return art_corrupt(tree->path, ART_NOWHERE, ART_NOWHERE, "the retired list is not one");
    }
    rc = host->epoch(host->context, &epoch);
    if (rc) return rc;
    if (host->interrupted && host->interrupted(host->context)) return art_fail(ART_INTERRUPT, "art: interrupted");
    if (tree->path) {
        int fd = open(tree->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
        if (fd < 0) return art_fail(ART_CANTOPEN, "art: cannot make %s", tree->path);
        bool written = write(fd, tree->options.uuid, ART_UUID_BYTES) == ART_UUID_BYTES; /* whose it is */
        close(fd);
        if (!written) return art_fail(ART_IO, "art: cannot write %s", tree->path);
    }
    uint8_t retired[RETIRED_BYTES];
    art_store64(retired, csn);
    retired[8] = (uint8_t)epoch.kind;
    memcpy(retired + 9, epoch.salts, 8);
    tree->retired.len = 0;
    return art_buffer_append(&tree->retired, retired, sizeof retired);
}

enum art_rc art_tree_prepare(struct art_tree *tree, struct art_commit *out) {
    *out = (struct art_commit){.csn = tree->csn + 1};
    if (tree->unknown) return tree->dirty ? art_fail(ART_MISUSE, "art: prepare of an unknown tree") : ART_OK;
    if (!tree->dirty && !tree->flush) return ART_OK;
    int rc = writable(tree);
    bool big = false;
    if (!rc) rc = make_redo(tree, out->csn, &big);
    if (rc) return rc;
    uint64_t limit = tree->options.row_limit ? tree->options.row_limit : UINT64_MAX;
    bool flush =
        tree->flush || big || tree->redo.len > limit || tree->log_bytes + tree->redo.len > tree->options.log_limit;
    if (flush) {
        rc = go_through_a_flush(tree, out->csn);
        if (!rc) rc = make_root(tree, out->csn);
        out->clear_log = out->write_root = out->write_retired = true;
        out->root = art_bytes(tree->root.data, (uint32_t)tree->root.len);
        out->retired = art_bytes(tree->retired.data, (uint32_t)tree->retired.len);
    } else {
        out->write_redo = true;
        out->redo = art_bytes(tree->redo.data, (uint32_t)tree->redo.len);
    }
    tree->prepared = !rc;
    tree->prepared_root = flush;
    return rc;
}

static void end_transaction(struct art_tree *tree) {
    marks_clear(tree, 0);
    rows_clear(&tree->base);
    tree->began = tree->dirty = tree->flush = tree->prepared = false;
}

void art_tree_committed(struct art_tree *tree) {
    if (tree->prepared) {
        tree->csn++;
        tree->chain = tree->next_chain;
        tree->generation += tree->prepared_root;
        tree->log_rows = tree->prepared_root ? 0 : tree->log_rows + 1;
        tree->log_bytes = tree->prepared_root ? 0 : tree->log_bytes + tree->redo.len;
    }
    end_transaction(tree);
}

void art_tree_rolled_back(struct art_tree *tree) {
    if (tree->began) {
        tree->summary = tree->base_summary;
        rows_clear(&tree->rows);
        tree->rows = tree->base;
        tree->base = (struct rows){0};
    }
    if (tree->prepared && tree->prepared_root) tree->unknown = true;
    end_transaction(tree);
}

/* ---- for people -------------------------------------------------------------------------------------------------- */

enum art_rc art_tree_info(struct art_tree *tree, struct art_tree_info *out) {
    int rc = readable(tree);
    if (rc) return rc;
    *out = (struct art_tree_info){.keys = tree->rows.count,
                                  .csn = tree->csn,
                                  .generation = tree->generation,
                                  .log_rows = tree->log_rows,
                                  .log_bytes = tree->log_bytes,
                                  .engine = "none",
                                  .file = tree->path};
    return ART_OK;
}

static enum art_rc check(struct art_tree *tree) {
    int rc = readable(tree);
    for (uint32_t i = 1; !rc && i < tree->rows.count; i++) {
        if (art_bytes_compare(row_key(tree->rows.items[i - 1]), row_key(tree->rows.items[i])) >= 0) {
            rc = art_corrupt(tree->path, ART_NOWHERE, ART_NOWHERE, "rows %u and %u are out of order", i - 1, i);
        }
    }
    return rc;
}

enum art_rc art_tree_check_all(struct art_tree *tree, const struct art_check_options *options) {
    int rc = check(tree);
    if (rc != ART_CORRUPT) return rc;
    struct art_fault fault = art_error_fault();
    struct art_problem problem = {rc, art_error_message(), fault.what, fault.place, fault.slot, fault.page};
    options->problem(options->context, &problem);
    return ART_OK;
}

void art_build_describe(struct art_build *out) {
    *out = (struct art_build){.engines = "none"};
}
