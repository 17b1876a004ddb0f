#include "tests/support/tree_world.h"

#include "core/tree/state/hooks.h"

#include <check.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/support/io_modes.h"
#include "tests/support/must.h"
#include "tests/support/own_clock.h"
#include "tests/support/toy_codec.h"

/* --- its temporary files ------------------------------------------------------------------------------------------ */

enum art_rc scratch_open(struct art_disk *disk, const char *folder, void **file) {
    static unsigned number;
    char name[4096];
    snprintf(name, sizeof name, "%s/tree-scratch-%ld-%u", folder, (long)getpid(), number++);
    struct art_disk *on = disk ? disk : art_disk_default();
    struct art_file_options options = {.path = name,
                                       .engine = ART_ENGINE_PWRITE,
                                       .direct = ART_DIRECT_OFF,
                                       .create = true,
                                       .permissions = 0600,
                                       .owner = UINT32_MAX,
                                       .group = UINT32_MAX};
    struct art_io *io;
    enum art_rc rc = on->methods->open(on, &options, &io);
    if (!rc) {
        rc = on->methods->remove(on, name);
        if (rc) art_io_close(io);
    }
    if (!rc) *file = io;
    return rc;
}

enum art_rc scratch_write(void *file, const void *data, uint32_t len, uint64_t offset) {
    struct art_io_request request = {(void *)(uintptr_t)data, len, offset};
    enum art_rc rc = art_io_write(file, &request, 1), waited = art_io_wait(file);
    return rc ? rc : waited;
}

enum art_rc scratch_read(void *file, void *data, uint32_t len, uint64_t offset) {
    return art_io_read(file, &(struct art_io_request){data, len, offset}, 1);
}

void scratch_close(void *file) {
    art_io_close(file);
}

/* --- the toy host ------------------------------------------------------------------------------------------------- */

static void toy_put(struct toy_log *log, uint64_t csn, struct art_bytes bytes) {
    unsigned at = log->rows;
    while (at && log->row[at - 1].csn >= csn) at--;
    if (at == log->rows || log->row[at].csn != csn) {
        if (log->rows == log->room) log->row = realloc(log->row, (log->room = 2 * log->rows + 8) * sizeof *log->row);
        memmove(&log->row[at + 1], &log->row[at], (log->rows - at) * sizeof log->row[0]);
        log->rows++;
    } else {
        free(log->row[at].data);
    }
    log->row[at] = (struct toy_row){csn, malloc(bytes.len + 1), bytes.len};
    memcpy(log->row[at].data, bytes.data, bytes.len);
}

static void toy_clear(struct toy_log *log) {
    for (unsigned i = 0; i < log->rows; i++) free(log->row[i].data);
    log->rows = 0;
}

/* Removes the first of rows 1 to `spent`. */
static bool toy_spend(struct toy_log *log, uint64_t spent) {
    unsigned at = log->rows && !log->row[0].csn;
    if (at == log->rows || log->row[at].csn > spent) return false;
    free(log->row[at].data);
    log->rows--;
    memmove(&log->row[at], &log->row[at + 1], (log->rows - at) * sizeof log->row[0]);
    return true;
}

struct toy *toy_new(bool wal) {
    struct toy *toy = calloc(1, sizeof *toy);
    toy->wal = wal;
    own_clock_step(0);
    for (int i = 0; i < 16; i++) toy->uuid[i] = (uint8_t)(i * 7 + 1);
    uint8_t root[ART_ROOT_INITIAL_MAX];
    toy_put(&toy->log, 0, art_bytes(root, art_tree_initial_root(toy->uuid, root)));
    return toy;
}

struct toy *toy_new_inline(bool wal) {
    struct toy *toy = toy_new(wal);
    toy->inlined = true;
    return toy;
}

/* What a connection sees of the rows. */
struct toy_seat {
    struct toy_seat *next;
    struct toy *toy;
    const struct art_tree *tree;
    bool live;
    struct toy_blobs seen;
};

static struct toy_seat *seats;

static void seats_remove(const struct toy *toy, const struct art_tree *tree) {
    for (struct toy_seat **at = &seats, *seat; (seat = *at);) {
        if (seat->toy != toy && seat->tree != tree) {
            at = &seat->next;
            continue;
        }
        *at = seat->next;
        toy_blobs_clear(&seat->seen);
        free(seat);
    }
}

static struct toy_seat *seat_of(const struct art_tree *tree) {
    struct toy_seat *seat = seats;
    while (seat && seat->tree != tree) seat = seat->next;
    return seat;
}

static void take_snapshot(const struct toy *from, const struct art_tree *tree) {
    struct toy_seat *seat = seat_of(tree);
    if (!seat) return;
    seat->live = from == seat->toy && from->writer == tree;
    if (seat->live)
        toy_blobs_clear(&seat->seen);
    else
        toy_blobs_copy(&from->blobs, &seat->seen);
}

void toy_free(struct toy *toy) {
    seats_remove(toy, NULL);
    toy_clear(&toy->log);
    free(toy->log.row);
    toy_blobs_clear(&toy->blobs);
    toy_snapshots_clear(&toy->snapshots);
    art_buffer_clear(&toy->retired);
    free(toy);
}

static int row_fault(struct toy_seat *seat) {
    struct toy *toy = seat->toy;
    ck_assert_msg(!toy->ending, "a row is asked for while a transaction ends");
    if (!toy->fault.left || --toy->fault.left) return ART_OK;
    if (toy->fault.for_good) toy->fault.left = 1;
    toy->fault.failures++;
    if (toy->fault.ended && seat->live) toy->fault.ended(toy->fault.context);
    return art_fail(toy->fault.code, "art: a row of blobs (test): try again");
}

static enum art_rc toy_read_row(void *context, uint64_t page, void *data) {
    struct toy_seat *seat = context;
    int rc = row_fault(seat);
    return rc ? rc : toy_blobs_read(seat->live ? &seat->toy->blobs : &seat->seen, page, data);
}

static enum art_rc toy_write_row(void *context, uint64_t page, const void *data) {
    struct toy_seat *seat = context;
    ck_assert_msg(seat->live, "a connection writes that has no transaction");
    int rc = row_fault(seat);
    if (!rc) toy_blobs_write(&seat->toy->blobs, page, data);
    return rc;
}

static enum art_rc toy_remove_rows(void *context, uint64_t from, uint64_t end) {
    struct toy_seat *seat = context;
    ck_assert_msg(seat->live, "a connection deletes that has no transaction");
    int rc = row_fault(seat);
    if (!rc) toy_blobs_remove(&seat->toy->blobs, from, end);
    return rc;
}

static enum art_rc toy_end_of_rows(void *context, uint64_t *pages) {
    struct toy_seat *seat = context;
    int rc = row_fault(seat);
    *pages = toy_blobs_end(seat->live ? &seat->toy->blobs : &seat->seen);
    return rc;
}

static enum art_rc toy_secure(void *context, bool *reuse) {
    *reuse = !((struct toy *)context)->extends;
    return ART_OK;
}

static enum art_rc toy_epoch(void *context, struct art_epoch *out) {
    struct toy *toy = context;
    *out = (struct art_epoch){.kind = toy->wal && !toy->inlined ? ART_EPOCH_WAL : ART_EPOCH_ROLLBACK};
    memcpy(out->salts, toy->salts, 8);
    toy->framed = true;
    return ART_OK;
}

static enum art_rc toy_retired(void *context, struct art_buffer *out) {
    struct toy *toy = context;
    return art_buffer_append(out, toy->retired.data, toy->retired.len);
}

static enum art_rc toy_held(void *context, struct art_buffer *held, struct art_buffer *let_go) {
    const struct toy_snapshots *snapshots = &((struct toy *)context)->snapshots;
    const struct art_buffer *forged = ((struct toy *)context)->forged_held;
    if (forged) return art_buffer_append(held, forged->data, forged->len);
    enum art_rc rc = toy_snapshots_unite(snapshots, false, held);
    return rc ? rc : art_buffer_append(let_go, snapshots->let_go.data, snapshots->let_go.len);
}

/* The tables of `from`; the journal's salts stay. */
void toy_restore(struct toy *toy, const struct toy *from) {
    toy_clear(&toy->log);
    for (unsigned i = 0; i < from->log.rows; i++) {
        toy_put(&toy->log, from->log.row[i].csn, art_bytes(from->log.row[i].data, from->log.row[i].len));
    }
    toy_blobs_copy(&from->blobs, &toy->blobs);
    toy->retired.len = 0;
    art_buffer_append(&toy->retired, from->retired.data, from->retired.len);
    toy_snapshots_copy(&from->snapshots, &toy->snapshots);
}

static struct toy *empty_copy(const struct toy *from) {
    struct toy *toy = calloc(1, sizeof *toy);
    memcpy(toy->uuid, from->uuid, sizeof toy->uuid);
    memcpy(toy->salts, from->salts, sizeof toy->salts);
    toy->wal = from->wal;
    toy->inlined = from->inlined;
    return toy;
}

struct toy *toy_copy(const struct toy *from) {
    struct toy *toy = empty_copy(from);
    toy_restore(toy, from);
    return toy;
}

struct toy *toy_view(const struct toy *from, struct art_bytes root) {
    struct toy *toy = empty_copy(from);
    toy_put(&toy->log, 0, root);
    toy_blobs_copy(&from->blobs, &toy->blobs);
    art_buffer_append(&toy->retired, from->retired.data, from->retired.len);
    return toy;
}

static bool toy_interrupted(void *context) {
    struct toy *toy = context;
    return toy->patience && --toy->patience == 0;
}

enum art_rc toy_each_snapshot(void *context, enum art_rc (*root)(void *to, const char *name, struct art_bytes root),
                              void *to) {
    const struct toy_snapshots *snapshots = &((struct toy *)context)->snapshots;
    enum art_rc rc = ART_OK;
    for (unsigned i = 0; !rc && i < snapshots->count; i++) {
        const struct toy_snapshot *item = &snapshots->item[i];
        char name[20];
        snprintf(name, sizeof name, "s%u", i);
        if (!item->own && item->state) rc = root(to, name, art_buffer_bytes(&item->root));
    }
    return rc;
}

enum art_rc toy_each_row(void *context, enum art_rc (*row)(void *to, int64_t csn, struct art_bytes ops), void *to) {
    struct toy *toy = context;
    int rc = ART_OK;
    for (unsigned i = 0; !rc && i < toy->log.rows; i++) {
        rc = row(to, (int64_t)toy->log.row[i].csn, art_bytes(toy->log.row[i].data, toy->log.row[i].len));
    }
    return rc;
}

static enum art_rc toy_scratch_open(void *context, void **file) {
    const struct toy *toy = context;
    return scratch_open(toy->disk, io_directory(), file);
}

int toy_open(struct toy *toy, struct art_tree_options *options, struct art_tree **out) {
    static const struct art_scratch_files scratch = {toy_scratch_open, scratch_write, scratch_read, scratch_close};
    struct art_host host = {.context = toy,
                            .scratch = &scratch,
                            .secure = toy_secure,
                            .epoch = toy_epoch,
                            .load_retired = toy_retired,
                            .load_held = toy_held,
                            .each_snapshot = options->read_only ? NULL : toy_each_snapshot, /* it may be one itself */
                            .interrupted = toy_interrupted,
                            .each_log_row = toy_each_row};
    toy->disk = options->disk;
    memcpy(options->uuid, toy->uuid, 16);
    if (!toy->inlined) return art_tree_open(out, options, &host);
    options->path = options->host_path = NULL;
    struct toy_seat *seat = calloc(1, sizeof *seat);
    struct art_rows rows = {seat, toy_read_row, toy_write_row, toy_remove_rows, toy_end_of_rows};
    host.rows = &rows;
    int rc = art_tree_open(out, options, &host);
    if (rc) {
        free(seat);
        return rc;
    }
    seats_remove(NULL, *out);
    *seat = (struct toy_seat){.next = seats, .toy = toy, .tree = *out};
    seats = seat;
    return ART_OK;
}

int toy_refresh(struct toy *toy, struct art_tree *tree) {
    int rc = ART_OK;
    take_snapshot(toy, tree);
    for (int attempt = 0; attempt < 2; attempt++) {
        uint64_t from;
        rc = art_tree_refresh_begin(tree, &from);
        for (unsigned i = 0; !rc && i < toy->log.rows; i++) {
            struct toy_row *row = &toy->log.row[i];
            if (row->csn != 0 && row->csn < from) continue;
            rc = art_tree_refresh_row(tree, row->csn, art_bytes(row->data, row->len));
        }
        if (!rc) rc = art_tree_refresh_end(tree);
        if (!rc) return ART_OK;
        art_tree_refresh_abort(tree);
        if (rc != ART_REBUILD) return rc;
    }
    return rc;
}

void toy_write(struct toy *toy, const struct art_commit *commit) {
    if (commit->lets_go) toy->snapshots.let_go.len = 0;
    if (commit->clear_log) toy_clear(&toy->log);
    while (toy_spend(&toy->log, commit->spent)) continue;
    if (commit->write_root || commit->mark_root) toy_put(&toy->log, 0, commit->root);
    if (commit->write_redo) toy_put(&toy->log, commit->csn, commit->redo);
    if (!commit->write_retired) return;
    toy->retired.len = 0;
    art_buffer_append(&toy->retired, commit->retired.data, commit->retired.len);
}

/* --- random things ------------------------------------------------------------------------------------------------ */

static struct random *source; /* of the walk under way */

static uint32_t below(uint32_t n) {
    return random_below(source, n);
}

static uint8_t value_bytes[400000];

static struct art_bytes random_key(int family) {
    return model_random_key(source, family);
}

static struct art_bytes random_value(const struct walk *walk) {
    uint32_t kind = below(100), n;
    if (kind < 60)
        n = walk->long_values ? 3000 + below(4000) : below(60);
    else if (kind < 95)
        n = below(600);
    else if (kind < 99)
        n = below(20000);
    else
        n = below(sizeof value_bytes / 3);
    uint8_t seed = (uint8_t)random_next(source);
    for (uint32_t i = 0; i < n; i++) value_bytes[i] = (uint8_t)(seed % 3 ? seed + i * 7 + (i >> 8) : seed);
    return art_bytes(value_bytes, n);
}

/* --- the walk ----------------------------------------------------------------------------------------------------- */

/* Leaves the function when `call` fails: fatal, or met by the walk's owner. */
#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        int rc_ = (call);                                                                                              \
        if (rc_) {                                                                                                     \
            meet(walk, rc_);                                                                                           \
            return;                                                                                                    \
        }                                                                                                              \
    } while (0)

static void meet(struct walk *walk, int rc) {
    ck_assert_msg(walk->faulty, "%s: %s", art_error_name(rc), art_error_message());
    walk->failed = rc;
}

static int begin(struct walk *walk) {
    if (walk->toy->inlined && !walk->before) walk->before = toy_copy(walk->toy); /* rows change at once */
    if (walk->writing && !art_tree_unknown(walk->tree)) return ART_OK;
    walk->toy->framed &= walk->writing;
    walk->writing = true;
    walk->toy->writer = walk->tree;
    return toy_refresh(walk->toy, walk->tree);
}

static void step_insert(struct walk *walk) {
    TRY(begin(walk));
    struct art_bytes key = random_key(walk->family), value = random_value(walk);
    enum art_write mode = below(2) ? ART_WRITE_INSERT : ART_WRITE_REPLACE;
    bool existed, found;
    if (walk->now.rows > MODEL_MAX - 10) return;
    model_find(&walk->now, key, &found);
    TRY(art_tree_insert(walk->tree, mode, key, value, &existed));
    ck_assert_int_eq(existed, found);
    if (!found || mode == ART_WRITE_REPLACE) model_put(&walk->now, key, value);
}

static void delete_key(struct walk *walk, struct art_bytes key) {
    bool existed, found;
    model_find(&walk->now, key, &found);
    TRY(art_tree_delete(walk->tree, key, &existed));
    ck_assert_int_eq(existed, found);
    model_delete(&walk->now, key);
}

static void step_delete(struct walk *walk) {
    TRY(begin(walk));
    static uint8_t chosen[ART_PATH_MAX];
    struct art_bytes key = random_key(walk->family);
    if (below(2) && walk->now.rows) {
        struct model_row *row = &walk->now.row[below(walk->now.rows)];
        key = art_bytes(memcpy(chosen, row->key, row->key_len), row->key_len);
    }
    delete_key(walk, key);
}

static void step_move(struct walk *walk) {
    TRY(begin(walk));
    if (!walk->now.rows) return;
    struct model_row *source = &walk->now.row[below(walk->now.rows)];
    uint8_t *from_bytes = malloc(source->key_len + 1), *value_copy = malloc(source->value_len + 1);
    memcpy(from_bytes, source->key, source->key_len);
    memcpy(value_copy, source->value, source->value_len);
    struct art_bytes from = art_bytes(from_bytes, source->key_len), old = art_bytes(value_copy, source->value_len);
    struct art_bytes to = random_key(walk->family), fresh = random_value(walk);
    bool with_value = below(2), existed, found;
    enum art_write mode = below(2) ? ART_WRITE_INSERT : ART_WRITE_REPLACE;
    bool same = art_bytes_equal(from, to);
    model_find(&walk->now, to, &found);
    int rc = art_tree_move(walk->tree, mode, from, to, with_value ? &fresh : NULL, &existed);
    if (rc)
        meet(walk, rc);
    else
        ck_assert_int_eq(existed, found && !same);
    if (!rc && !(found && !same && mode == ART_WRITE_INSERT)) {
        model_delete(&walk->now, from);
        model_put(&walk->now, to, with_value ? fresh : old);
    }
    free(from_bytes);
    free(value_copy);
}

/* What the host may ask for by itself is left to the caller: that neither prefix begins with the other. */
static bool draw_prefixes(struct walk *walk, struct art_bytes *from, struct art_bytes *to) {
    static uint8_t bytes[2][ART_PATH_MAX];
    struct art_bytes key = walk->now.rows ? model_key(&walk->now.row[below(walk->now.rows)]) : random_key(walk->family);
    *from = art_bytes(memcpy(bytes[0], key.data, key.len), key.len ? below(key.len + 1) : 0);
    key = random_key(walk->family);
    *to = art_bytes(memcpy(bytes[1], key.data, key.len), key.len ? below(key.len + 1) : 0);
    if (!below(3) && to->len < ART_PATH_MAX) bytes[1][to->len++] = (uint8_t)below(256);
    return !art_bytes_starts_with(*from, *to) && !art_bytes_starts_with(*to, *from);
}

/* Every key of the range in the model, with `to` instead of its first bytes; false: one would be too long. */
static bool moved_rows(const struct model *model, unsigned low, unsigned high, uint32_t from, struct art_bytes to,
                       struct model *out) {
    static uint8_t bytes[ART_PATH_MAX];
    for (unsigned i = low; i < high; i++) {
        struct art_bytes key = model_key(&model->row[i]);
        if (key.len - from + to.len > ART_PATH_MAX) return false;
        memcpy(bytes, to.data, to.len);
        memcpy(bytes + to.len, key.data + from, key.len - from);
        model_put(out, art_bytes(bytes, key.len - from + to.len),
                  art_bytes(model->row[i].value, model->row[i].value_len));
    }
    return true;
}

static void delete_rows(struct model *model, unsigned low, unsigned high) {
    while (high-- > low) model_delete(model, model_key(&model->row[high]));
}

static void step_delete_range(struct walk *walk) {
    TRY(begin(walk));
    struct art_range range;
    unsigned low, high;
    uint64_t rows;
    model_random_range(source, walk->family, &range);
    art_test_hooks.as_one = below(3);
    model_range(&walk->now, &range, &low, &high);
    TRY(art_tree_delete_range(walk->tree, &range, &rows));
    ck_assert_uint_eq(rows, high - low);
    delete_rows(&walk->now, low, high);
}

static void step_move_prefix(struct walk *walk) {
    TRY(begin(walk));
    struct art_bytes from, to;
    struct art_range range, target;
    static uint8_t ends[2][ART_PATH_MAX];
    unsigned low, high, target_low, target_high;
    uint64_t rows;
    bool copies = below(2), taken;
    if (!draw_prefixes(walk, &from, &to)) return;
    art_test_hooks.as_one = below(3);
    art_range_of_prefix(from, ends[0], &range);
    art_range_of_prefix(to, ends[1], &target);
    model_range(&walk->now, &range, &low, &high);
    model_range(&walk->now, &target, &target_low, &target_high);
    if (walk->now.rows + high - low > MODEL_MAX - 10) return;
    static struct model moved;
    bool fits = moved_rows(&walk->now, low, high, from.len, to, &moved);
    int rc = art_tree_move_prefix(walk->tree, from, to, copies, &rows, &taken);
    if (rc == ART_TOOBIG && !fits)
        rc = ART_OK;
    else if (!rc) {
        ck_assert_int_eq(taken, target_low < target_high && low < high);
        ck_assert(target_low < target_high || fits);
        ck_assert_uint_eq(rows, target_low < target_high ? 0 : high - low);
        if (target_low == target_high && !copies) delete_rows(&walk->now, low, high);
        for (unsigned i = 0; target_low == target_high && i < moved.rows; i++)
            model_put(&walk->now, model_key(&moved.row[i]), art_bytes(moved.row[i].value, moved.row[i].value_len));
    }
    model_clear(&moved);
    TRY(rc);
}

/* A row that was found gets another value, maybe with changes between. */
static void step_update(struct walk *walk) {
    TRY(begin(walk));
    if (!walk->now.rows) return;
    struct model_row *chosen = &walk->now.row[below(walk->now.rows)];
    static uint8_t key_bytes[ART_PATH_MAX];
    struct art_bytes key = art_bytes(memcpy(key_bytes, chosen->key, chosen->key_len), chosen->key_len);
    struct art_row row;
    TRY(art_tree_get(walk->tree, key, &row));
    for (uint32_t i = below(3); i && !walk->failed; i--) {
        if (below(2)) step_delete(walk);
        if (below(2) && !walk->failed) step_insert(walk);
        if (!below(3) && !walk->failed) delete_key(walk, key);
    }
    bool found = true;
    int rc = walk->failed;
    struct art_bytes value = random_value(walk);
    if (!rc) {
        model_find(&walk->now, key, &found);
        rc = art_tree_update(walk->tree, key, &row, value);
    }
    art_row_release(&row);
    if (walk->failed) return;
    if (rc && (found || rc != ART_NOTFOUND)) {
        meet(walk, rc);
        return;
    }
    ck_assert_int_eq(rc == ART_OK, found);
    if (found) model_put(&walk->now, key, value);
}

struct toy *walk_committed(struct walk *walk) {
    return walk->before ? walk->before : walk->toy;
}

/* What a refused COMMIT has written is taken back with the transaction, or with a savepoint that is older than it. */
static void tables_as_committed(struct walk *walk) {
    if (!walk->before) return;
    toy_restore(walk->toy, walk->before);
    toy_free(walk->before);
    walk->before = NULL;
}

static void tables_of_marks_go(struct walk *walk, uint32_t from) {
    for (uint32_t i = from; i < MARKS_MAX; i++) {
        if (walk->at[i]) toy_free(walk->at[i]);
        walk->at[i] = NULL;
    }
}

static void tables_to_mark(struct walk *walk, uint32_t mark) {
    tables_of_marks_go(walk, mark + 1);
    if (walk->at[mark])
        toy_restore(walk->toy, walk->at[mark]);
    else
        tables_as_committed(walk);
}

static void step_mark(struct walk *walk) {
    if (walk->marks == MARKS_MAX) return;
    if (below(3))
        TRY(begin(walk));
    else if (!walk->writing)
        return;
    uint32_t mark;
    TRY(art_tree_savepoint(walk->tree, &mark));
    ck_assert_uint_eq(mark, walk->marks);
    if (walk->before) walk->at[mark] = toy_copy(walk->toy);
    model_copy(&walk->now, &walk->mark[walk->marks++]);
}

static void step_rollback_to(struct walk *walk) {
    if (!walk->writing) return;
    if (walk->marks && below(5)) {
        uint32_t mark = below(walk->marks);
        tables_to_mark(walk, mark);
        walk->toy->ending = true;
        art_tree_rollback_to(walk->tree, mark);
        walk->toy->ending = false;
        model_copy(&walk->mark[mark], &walk->now);
        walk->marks = mark + 1;
    } else {
        tables_of_marks_go(walk, 0);
        tables_as_committed(walk);
        walk->toy->ending = true;
        art_tree_rollback_to(walk->tree, ART_SAVEPOINT_BEGIN);
        walk->toy->ending = walk->toy->framed = false;
        model_copy(&walk->committed, &walk->now);
        walk->marks = 0;
    }
    TRY(begin(walk));
}

static void step_release(struct walk *walk) {
    if (!walk->marks) return;
    uint32_t mark = below(walk->marks);
    art_tree_release_savepoints(walk->tree, mark);
    tables_of_marks_go(walk, mark);
    walk->marks = mark;
}

/* Afterwards the transaction's redo is much shorter than it was. */
static int delete_all(struct walk *walk) {
    while (walk->now.rows) {
        struct art_bytes key = model_key(&walk->now.row[walk->now.rows - 1]);
        bool existed;
        int rc = art_tree_delete(walk->tree, key, &existed);
        if (rc) return rc;
        model_delete(&walk->now, key);
    }
    return ART_OK;
}

static void step_commit(struct walk *walk) {
    if (!walk->writing) return;
    TRY(begin(walk));
    if (below(10) == 0) TRY(art_tree_request(walk->tree, ART_REQUEST_FLUSH));
    if (below(40) == 0) TRY(art_tree_request(walk->tree, ART_REQUEST_OPTIMIZE));
    if (below(8) == 0) TRY(art_tree_request(walk->tree, ART_REQUEST_VACUUM));
    bool own = toy_snapshots_any_own(&walk->toy->snapshots);
    if (own) TRY(art_tree_request(walk->tree, ART_REQUEST_SNAPSHOT));
    struct art_commit commit;
    TRY(art_tree_prepare(walk->tree, &commit));
    if (!walk->before) walk->before = toy_copy(walk->toy);
    toy_write(walk->toy, &commit);
    if (own) TRY(toy_snapshots_fill(&walk->toy->snapshots, walk->tree, &walk->now));
    if (below(4) == 0) { /* the host says BUSY: the transaction goes on with what was written into its tables */
        if (below(4) == 0) TRY(delete_all(walk));
        return;
    }
    toy_free(walk->before);
    walk->before = NULL;
    tables_of_marks_go(walk, 0);
    walk->toy->ending = true;
    art_tree_committed(walk->tree);
    walk->toy->ending = false;
    walk->commits++;
    toy_snapshots_committed(&walk->toy->snapshots);
    model_copy(&walk->now, &walk->committed);
    walk->marks = 0;
    walk->writing = false;
    if (!walk->toy->wal) walk->others_known = false; /* in rollback mode no reader outlives a commit */
    if (walk->snapshots && !below(3)) TRY(walk_check_snapshots(walk, false));
}

/* Makes a snapshot, or drops one, maybe one of its own. */
static void step_snapshot(struct walk *walk) {
    TRY(begin(walk));
    struct toy_snapshots *snapshots = &walk->toy->snapshots;
    if (!walk->before) walk->before = toy_copy(walk->toy);
    bool makes = !snapshots->count || (snapshots->count < TOY_SNAPSHOTS_MAX && below(2));
    if (makes)
        toy_snapshots_make(snapshots);
    else
        toy_snapshots_drop(snapshots, below(snapshots->count));
    if (!below(3)) step_commit(walk);
}

int walk_check_snapshots(struct walk *walk, bool whole) {
    const struct toy *tables = walk_committed(walk);
    int rc = toy_snapshots_check(tables, &walk->options, &walk->random, walk->family, whole);
    if (rc || !walk->others_tables || !walk->others_known) return rc;
    return toy_snapshots_check(walk->others_tables, &walk->options, &walk->random, walk->family, false);
}

static void step_rollback(struct walk *walk) {
    if (!walk->writing) return;
    tables_of_marks_go(walk, 0);
    tables_as_committed(walk);
    walk->toy->ending = true;
    art_tree_rolled_back(walk->tree);
    walk->toy->ending = false;
    model_copy(&walk->committed, &walk->now);
    walk->marks = 0;
    walk->writing = false;
}

/* The other connection reads what it stands on, moves on to the present, or takes over as the writer. */
static void step_other(struct walk *walk) {
    if (!walk->other) return;
    if (walk->others_known && below(2)) {
        TRY(model_compare(source, walk->other, &walk->others, walk->family));
        return;
    }
    walk->others_known = false;
    walk->toy->writer = walk->tree;
    TRY(toy_refresh(walk_committed(walk), walk->other));
    model_copy(&walk->committed, &walk->others);
    walk->others_known = true;
    if (walk->others_tables) toy_free(walk->others_tables);
    walk->others_tables = walk->snapshots ? toy_copy(walk_committed(walk)) : NULL;
    /* No reader stands on an older root now: the WAL begins anew, unless the writer has a frame in it. */
    walk->toy->salts[0] += !walk->writing || !walk->toy->framed;
    TRY(model_compare(source, walk->other, &walk->committed, walk->family));
    if (walk->writing || below(3)) return;
    struct art_tree *tree = walk->tree;
    walk->tree = walk->other;
    walk->other = tree;
    walk->others_known = false;
}

static void step_reopen(struct walk *walk) {
    if (walk->writing) return;
    art_tree_close(walk->tree);
    walk->tree = NULL;
    if (walk->blocks == WALK_WITH_BLOCKS_LATER) toy_codec_lend(true);
    TRY(toy_open(walk->toy, &walk->options, &walk->tree));
}

static void step_look(struct walk *walk) {
    if (!walk->writing || art_tree_unknown(walk->tree)) TRY(toy_refresh(walk->toy, walk->tree));
    TRY(model_compare(source, walk->tree, &walk->now, walk->family));
    if (below(3) == 0) TRY(art_tree_check(walk->tree));
    if (walk->snapshots) TRY(walk_check_snapshots(walk, !below(3)));
}

/* A few changes while a cursor stands somewhere. */
static void change_under_cursor(struct walk *walk, struct art_bytes key) {
    bool existed;
    for (uint32_t i = 1 + below(4); i-- && !walk->failed;) {
        switch (below(5)) {
        case 0:
            TRY(art_tree_delete(walk->tree, key, &existed));
            model_delete(&walk->now, key);
            break;
        case 1:
            step_rollback_to(walk);
            break;
        case 2:
            step_delete(walk);
            break;
        default:
            step_insert(walk);
        }
    }
}

/* Where a cursor that stood on `key` must be after `count` rows: *at counts from the range's low end. */
static bool moved_on(const struct model *model, const struct art_range *range, bool backward, struct art_bytes key,
                     uint64_t count, unsigned *at) {
    unsigned low, high;
    bool found;
    model_range(model, range, &low, &high);
    *at = model_find(model, key, &found);
    if (backward) {
        if (*at > high) *at = high;
        if (*at < low || count > *at - low) return false;
        *at -= (unsigned)count;
        return true;
    }
    if (found) ++*at;
    if (*at < low) *at = low;
    if (*at >= high || count > high - *at) return false;
    *at += (unsigned)count - 1;
    return true;
}

static int skip_over_changes(struct walk *walk, struct art_cursor *cursor) {
    static uint8_t place[ART_PATH_MAX];
    struct art_range range = {0};
    bool backward = below(2);
    if (below(2)) model_random_range(source, walk->family, &range);
    uint8_t *low = malloc(range.low.len + 1), *high = malloc(range.high.len + 1);
    if (range.low.len) range.low.data = memcpy(low, range.low.data, range.low.len);
    if (range.high.len) range.high.data = memcpy(high, range.high.data, range.high.len);
    int rc = art_cursor_seek(cursor, &range, backward);
    if (!rc) rc = art_cursor_skip(cursor, below(walk->now.rows + 1));
    while (!rc && !walk->failed && art_cursor_valid(cursor)) {
        struct art_bytes key = art_cursor_key(cursor);
        key = art_bytes(memcpy(place, key.data, key.len), key.len);
        change_under_cursor(walk, key);
        if (walk->failed) break;
        uint64_t count = model_random_count(source, walk->now.rows / 2);
        unsigned at;
        rc = art_cursor_skip(cursor, count);
        if (rc) break;
        if (!count) {
            ck_assert(art_cursor_valid(cursor) && art_bytes_equal(art_cursor_key(cursor), key));
        } else if (moved_on(&walk->now, &range, backward, key, count, &at)) {
            rc = model_compare_row(walk->tree, cursor, &walk->now.row[at]);
        } else {
            ck_assert_msg(!art_cursor_valid(cursor), "a row too many after a change and a skip");
        }
    }
    free(low);
    free(high);
    return rc;
}

static void step_skip(struct walk *walk) {
    TRY(begin(walk));
    struct art_cursor *cursor;
    TRY(art_cursor_open(walk->tree, &cursor));
    int rc = skip_over_changes(walk, cursor);
    art_cursor_close(cursor);
    if (!walk->failed) TRY(rc);
}

/* SQLite does so, for want of memory or disk, in the middle of a statement of the tree's. */
static void host_ends_transaction(void *context) {
    struct walk *walk = context;
    if (!walk->writing || walk->ended) return;
    tables_of_marks_go(walk, 0);
    tables_as_committed(walk);
    walk->ended = true;
    art_tree_rolled_back(walk->tree);
}

static void settle(struct walk *walk) {
    if (!walk->ended) return;
    ck_assert_msg(walk->failed, "the transaction was rolled back in the middle of a step, which has not failed");
    walk->ended = walk->writing = false;
    walk->marks = 0;
    model_copy(&walk->committed, &walk->now);
}

void walk_fail_row(struct walk *walk, unsigned calls, int code, bool for_good, bool ends) {
    walk->toy->fault.left = calls;
    walk->toy->fault.code = code;
    walk->toy->fault.for_good = for_good;
    walk->toy->fault.ended = ends ? host_ends_transaction : NULL;
    walk->toy->fault.context = walk;
}

void walk_step(struct walk *walk) {
    if (!random_span(source = &walk->random)) return;
    bool snapshot = walk->snapshots && !below(12);
    uint32_t kind = below(100);
    if (snapshot)
        step_snapshot(walk);
    else if (kind < 2)
        step_skip(walk);
    else if (kind < 45)
        step_insert(walk);
    else if (kind < 60)
        step_delete(walk);
    else if (kind < 66)
        switch (below(4)) {
        case 0:
            step_move(walk);
            break;
        case 1:
            step_update(walk);
            break;
        case 2:
            step_move_prefix(walk);
            break;
        default:
            if (below(4))
                step_move_prefix(walk);
            else
                step_delete_range(walk);
        }
    else if (kind < 72)
        step_mark(walk);
    else if (kind < 76)
        step_rollback_to(walk);
    else if (kind < 79)
        step_release(walk);
    else if (kind < 91)
        step_commit(walk);
    else if (kind < 93)
        step_rollback(walk);
    else if (kind < 97)
        step_other(walk);
    else if (kind < 98)
        step_reopen(walk);
    else
        step_look(walk);
    settle(walk);
}

int walk_compare(struct walk *walk, struct art_tree *tree, const struct model *model) {
    return model_compare(source = &walk->random, tree, model, walk->family);
}

static struct walk *new_walk(uint64_t seed, const struct art_tree_options *options, bool second_connection,
                             struct toy *(*new_toy)(bool wal)) {
    struct walk *walk = calloc(1, sizeof *walk);
    (source = &walk->random)->state = seed;
    walk->family = (int)below(MODEL_FAMILIES);
    walk->long_values = seed % 4 == 3;
    walk->toy = new_toy(below(2));
    own_clock_step((const uint64_t[]){0, OWN_CLOCK_SLOW, 0, 2000000}[seed / 4 % 4]);
    walk->blocks = (enum walk_blocks)((seed + seed / WALK_BLOCKS) % WALK_BLOCKS);
    toy_codec_lend(walk->blocks >= WALK_WITH_BLOCKS);
    walk->options = *options;
    walk->options.cache_bytes = below(4) ? 1 << 14 : 16 << 20; /* mostly so small that blobs are really read */
    art_test_hooks.few_names = seed % 2;
    walk->options.blob_pages = below(3) ? 3 + below(6) : 0;
    walk->options.log_limit = below(5) ? (walk->long_values ? 20000u : 2000u) << below(6) : ART_LOG_AUTO;
    walk->options.spill_limit = (uint64_t)30000 << below(8);
    ck_assert_msg(toy_open(walk->toy, &walk->options, &walk->tree) == ART_OK, "%s", art_error_message());
    if (second_connection) ck_assert_int_eq(toy_open(walk->toy, &walk->options, &walk->other), ART_OK);
    return walk;
}

struct walk *walk_new(uint64_t seed, const struct art_tree_options *options, bool second_connection) {
    return new_walk(seed, options, second_connection, toy_new);
}

struct walk *walk_new_inline(uint64_t seed, const struct art_tree_options *options, bool second_connection) {
    return new_walk(seed, options, second_connection, toy_new_inline);
}

void walk_free(struct walk *walk) {
    art_tree_close(walk->tree);
    art_tree_close(walk->other);
    tables_of_marks_go(walk, 0);
    if (walk->before) toy_free(walk->before);
    if (walk->others_tables) toy_free(walk->others_tables);
    toy_free(walk->toy);
    model_clear(&walk->now);
    model_clear(&walk->committed);
    model_clear(&walk->others);
    for (int i = 0; i < MARKS_MAX; i++) model_clear(&walk->mark[i]);
    free(walk);
    toy_codec_lend(false);
}

void walk_recover(struct walk *walk) {
    source = &walk->random;
    walk->failed = 0;
    walk->faulty = false;
    if (walk->tree) step_rollback(walk);
    int rc = walk->tree ? toy_refresh(walk->toy, walk->tree) : ART_POISONED;
    if (!rc) rc = model_compare(source, walk->tree, &walk->committed, walk->family);
    if (rc) { /* only a poisoned store may say so */
        ck_assert_msg(rc == ART_POISONED, "%s: %s", art_error_name(rc), art_error_message());
        art_tree_close(walk->tree);
        ck_assert_int_eq(toy_open(walk->toy, &walk->options, &walk->tree), ART_OK);
        rc = toy_refresh(walk->toy, walk->tree);
        ck_assert_msg(rc == ART_OK, "%s", art_error_message());
        rc = model_compare(source, walk->tree, &walk->committed, walk->family);
        ck_assert_msg(rc == ART_OK, "%s", art_error_message());
    }
    walk->others_known = false;
    if (walk->snapshots) must(walk_check_snapshots(walk, true));
}

void walk_finish(struct walk *walk) {
    source = &walk->random;
    step_rollback(walk);
    int rc = toy_refresh(walk->toy, walk->tree);
    if (!rc) rc = model_compare(source, walk->tree, &walk->committed, walk->family);
    if (!rc) rc = art_tree_check(walk->tree);
    if (!rc && walk->snapshots) rc = walk_check_snapshots(walk, true);
    ck_assert_msg(rc == ART_OK, "%s: %s", art_error_name(rc), art_error_message());
}

/* The host commits, with these requests. */
static void commit_with_requests(struct walk *walk, unsigned requests, struct art_tree_info *info) {
    struct art_commit commit;
    walk->toy->writer = walk->tree;
    ck_assert_int_eq(toy_refresh(walk->toy, walk->tree), ART_OK);
    ck_assert_int_eq(art_tree_request(walk->tree, requests), ART_OK);
    ck_assert_int_eq(art_tree_prepare(walk->tree, &commit), ART_OK);
    toy_write(walk->toy, &commit);
    art_tree_committed(walk->tree);
    ck_assert_int_eq(toy_refresh(walk->toy, walk->tree), ART_OK);
    ck_assert_int_eq(art_tree_info(walk->tree, info), ART_OK);
}

/* A disk that was full is merged in some commits more. */
void walk_leaves_no_row(struct walk *walk) {
    enum { COMMITS_MOST = 12 };
    struct art_tree_info info;
    unsigned commits = 0;
    do {
        ck_assert_uint_lt(commits++, COMMITS_MOST);
        commit_with_requests(walk, ART_REQUEST_OPTIMIZE | ART_REQUEST_VACUUM, &info);
    } while (info.runs > 1 || info.log_rows || (info.full && info.retired_slots));
    commit_with_requests(walk, ART_REQUEST_VACUUM, &info);
    ck_assert_uint_eq(walk->toy->blobs.rows * (uint64_t)ART_PAGE, info.blob_bytes);
}
