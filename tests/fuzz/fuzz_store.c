/* A whole store of any bytes: an .art file, row 0 of the log and the rows behind it, opened through core/tree as ext does it,
 * read, checked, and written to.
 *
 * Input: a parcel (parcel.h); OPS are u8 operation | u8 length | key, each.
 *
 *   - every call answers or fails with a code that hostile bytes may give; nothing loops, and nothing is read or written
 *     outside of what is there
 *   - what art_tree_check() finds sound is sound: rows in order, as many as art_tree_count() says, in both directions, each
 *     found by its key and with its value; nothing that is asked fails; and still so after changes, a flush, 'optimize' or
 *     'vacuum' were committed, for another reader too
 */
#include "core/tree/private.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/parcel.h"
#include "tests/support/memory_disk.h"

#include "core/blob/blob_format.h"
#include "core/store/cache.h"
#include "core/store/store_format.h"
#include "core/tree/root_format.h"

enum { STEPS_MAX = 4000, CHANGES_MAX = 24, LOG_ROWS = 40, SCAN_KEYS = 64 };

static const char file[] = "a.db-t-66757a7a.art";
static const uint8_t uuid[16] = "fuzzed table id.";
static struct memory_disk *disk;

/* --- the host: a log, a young list, and answers --------------------------------------------------------------------- */

struct row {
    uint64_t csn;
    struct art_buffer bytes;
};

static struct {
    struct row rows[LOG_ROWS];
    unsigned count;
    struct art_buffer young;
    bool wal;
    unsigned patience; /* questions until it interrupts */
} host;

static void host_clear(void) {
    for (unsigned i = 0; i < host.count; i++) art_buffer_clear(&host.rows[i].bytes);
    art_buffer_clear(&host.young);
    memset(&host, 0, sizeof host);
}

/* Its log has room for the last few commits of an input, which are no more than CHANGES_MAX. */
static struct art_buffer *host_row(uint64_t csn) {
    for (unsigned i = 0; i < host.count; i++) {
        if (host.rows[i].csn == csn) return &host.rows[i].bytes;
    }
    if (host.count == LOG_ROWS) return NULL;
    host.rows[host.count] = (struct row){.csn = csn};
    return &host.rows[host.count++].bytes;
}

static void host_put(uint64_t csn, struct art_bytes bytes) {
    struct art_buffer *row = host_row(csn);
    if (!row) return;
    row->len = 0;
    if (art_buffer_append(row, bytes.data, bytes.len)) abort();
}

static void host_write(const struct art_commit *commit) {
    if (commit->clear_log) {
        for (unsigned i = 0; i < host.count; i++) art_buffer_clear(&host.rows[i].bytes);
        host.count = 0;
    }
    if (commit->write_root || commit->mark_root) host_put(0, commit->root);
    if (commit->write_redo) host_put(commit->csn, commit->redo);
    if (!commit->write_young) return;
    host.young.len = 0;
    if (art_buffer_append(&host.young, commit->young.data, commit->young.len)) abort();
}

static int secure(void *context, bool *reuse) {
    (void)context;
    *reuse = true;
    return ART_OK;
}

static int epoch(void *context, struct art_epoch *out) {
    (void)context;
    *out = (struct art_epoch){.kind = host.wal ? ART_EPOCH_WAL : ART_EPOCH_ROLLBACK, .salts = "saltsalt"};
    return ART_OK;
}

static int load_young(void *context, struct art_buffer *out) {
    (void)context;
    return art_buffer_append(out, host.young.data, host.young.len);
}

static bool interrupted(void *context) {
    (void)context;
    return host.patience && --host.patience == 0;
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

static bool checked; /* the check has found all sound, and nobody interrupts: every read must be right */

/* What hostile bytes may lead to. */
static bool sound(int rc, const char *what) {
    if (rc == ART_OK || rc == ART_NOTFOUND) return true;
    if (checked) fuzz_fail("%s of a sound table: %s: %s", what, art_error_name(rc), art_error_message());
    switch (rc) {
    case ART_CORRUPT:
    case ART_MISSING:
    case ART_FOREIGN:
    case ART_CANTOPEN:
    case ART_TOOBIG:   /* a csn at its end, a slot beyond the largest */
    case ART_DISKFULL: /* the disk in memory is small */
    case ART_INTERRUPT:
    case ART_REBUILD:
        return false;
    default:
        fuzz_fail("%s: %s: %s", what, art_error_name(rc), art_error_message());
    }
}

static uint8_t *page_of_disk(void *context, uint32_t slot, uint32_t page) {
    (void)context;
    if (slot >= PARCEL_SLOTS) return NULL;
    return memory_disk_page(disk, file, slot * ART_BLOB_PAGES + page);
}

/* Slot 0 as the store makes it; DAMAGE may change it. */
static void make_superblock(void) {
    struct art_superblock_page *page = (struct art_superblock_page *)(void *)page_of_disk(NULL, 0, 0);
    memcpy(page->magic, ART_STORE_MAGIC, sizeof page->magic);
    page->format = ART_STORE_FORMAT;
    page->slot_bytes = ART_BLOB_BYTES;
    memcpy(page->uuid, uuid, sizeof uuid);
    page->sum = art_hash64(page, ART_STORE_PAGE - sizeof page->sum);
    struct art_owner_page *owner = (struct art_owner_page *)(void *)page_of_disk(NULL, 0, 2);
    memcpy(owner->magic, ART_OWNER_MAGIC, sizeof owner->magic);
    owner->sequence = 1;
    memcpy(owner->uuid, uuid, sizeof uuid);
    owner->sum = art_hash64(owner, ART_STORE_PAGE - sizeof owner->sum);
}

static void unpack(struct parcel *parcel) {
    struct parcel_place place = {.page = page_of_disk};
    struct art_hash128 chain = {0};
    uint64_t csn;
    memory_disk_clear(disk, file);
    make_superblock();
    for (unsigned i = 0; i < parcel->count; i++) {
        if (parcel->sections[i].kind == PARCEL_BLOB) parcel_open_blob(&place, &parcel->sections[i]);
    }
    struct parcel_section *root = parcel_find(parcel, PARCEL_ROOT), *young = parcel_find(parcel, PARCEL_YOUNG);
    struct parcel_section *damage = parcel_find(parcel, PARCEL_DAMAGE), *size = parcel_find(parcel, PARCEL_SIZE);
    struct art_buffer *row = root ? host_row(0) : NULL;
    if (row) parcel_open_root(&place, root, row);
    if (row && row->len >= sizeof(struct art_root_header)) {
        memcpy(&chain, row->data + offsetof(struct art_root_header, chain), sizeof chain);
    }
    for (unsigned i = 0; i < parcel->count && host.count < LOG_ROWS / 2; i++) {
        struct art_buffer bytes = {0};
        if (parcel->sections[i].kind != PARCEL_ROW) continue;
        if (parcel_open_row(&parcel->sections[i], &chain, &csn, &bytes) && csn) host_put(csn, art_buffer_bytes(&bytes));
        art_buffer_clear(&bytes);
    }
    if (young && art_buffer_append(&host.young, young->data, young->len)) abort();
    if (damage) parcel_damage(&place, damage);
    if (size && size->len) {
        memory_disk_resize(disk, file,
                           (uint64_t)(size->data[0] % PARCEL_SLOTS) * ART_BLOB_BYTES + size->len / 16 * 512);
    }
}

static struct art_tree *open_tree(bool small_cache) {
    struct art_tree_options options = {.disk = memory_disk_art(disk),
                                       .path = file,
                                       .host_path = "a.db",
                                       .cache_bytes = small_cache ? 1 << 16 : 16 << 20,
                                       .log_limit = 1 << 12,
                                       .spill_limit = 1 << 13,
                                       .blob_pages = 6};
    struct art_host me = {.secure = secure, .epoch = epoch, .load_young = load_young, .interrupted = interrupted};
    struct art_tree *tree;
    memcpy(options.uuid, uuid, sizeof uuid);
    if (art_tree_open(&tree, &options, &me)) fuzz_fail("no tree: %s", art_error_message());
    return tree;
}

static int refresh(struct art_tree *tree) {
    uint64_t from;
    int rc = art_tree_refresh_begin(tree, &from);
    for (unsigned i = 0; !rc && i < host.count; i++) { /* the root is the first, the others as they come */
        struct row *row = &host.rows[i];
        if (!row->csn || row->csn >= from) rc = art_tree_refresh_row(tree, row->csn, art_buffer_bytes(&row->bytes));
    }
    if (!rc) rc = art_tree_refresh_end(tree);
    if (rc) art_tree_refresh_abort(tree);
    return rc;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static bool look_at(struct art_tree *tree, const struct art_row *row) {
    struct art_bytes value;
    uint8_t *owned = NULL;
    fuzz_touch(row->stored);
    art_row_length(row);
    int rc = art_row_value(tree, row, &value, &owned);
    if (!sound(rc, "a value")) return false;
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
    while (sound(rc, "a scan") && art_cursor_valid(cursor)) {
        struct art_bytes key = art_cursor_key(cursor);
        int order = art_bytes_compare(art_buffer_bytes(&last), key);
        if (strict && rows && (descending ? order <= 0 : order >= 0))
            fuzz_fail("rows of a sound table are not in order");
        last.len = 0;
        if (art_buffer_append(&last, key.data, key.len)) abort();
        if (!look_at(tree, art_cursor_row(cursor))) rc = ART_CORRUPT;
        if (++rows == STEPS_MAX) rc = ART_CORRUPT;
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
    if (sound(rc, "get") && !rc) look_at(tree, &row);
    art_row_release(&row);
    sound(art_tree_longest_prefix(tree, key, art_bytes("/", operation >> 1 & 1), &out), "longest prefix");
    art_buffer_clear(&out);
    if (operation & 4) art_range_of_prefix(key, scratch, &range);
    art_tree_estimate(tree, &range, &rows);
    sound(art_tree_count(tree, &range, &rows), "count");
    if (art_cursor_open(tree, &cursor)) fuzz_fail("no cursor");
    rc = art_cursor_seek(cursor, &range, operation & 8);
    for (int i = 0; sound(rc, "skip") && i < 8 && art_cursor_valid(cursor); i++) {
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
    sound(art_tree_info(tree, &info), "info");
}

/* What the check has found sound. */
static void look_at_all(struct art_tree *tree) {
    struct art_range all = {0};
    struct art_cursor *cursor;
    struct art_row row = {0};
    uint64_t rows;
    if (art_tree_count(tree, &all, &rows)) fuzz_fail("count of a sound table: %s", art_error_message());
    if (rows >= STEPS_MAX) return;
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
    checked = true;
    look_at_all(tree);
    ask_all(tree, ops);
    checked = false;
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
        return art_tree_mark(tree, marks) ? ART_NOMEM : (++*marks, ART_OK);
    case 5:
        if (*marks) art_tree_rollback_to(tree, operation % *marks);
        if (*marks) *marks = operation % *marks + 1;
        return art_tree_unknown(tree) ? refresh(tree) : ART_OK;
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
    return sound(rc, "a change") && !rc;
}

/* --- one input ---------------------------------------------------------------------------------------------------- */

static void read_check_write(struct fuzz_source ops) {
    uint8_t how = fuzz_byte(&ops);
    host.wal = how & 1;
    host.patience = how & 2 ? how : 0;
    struct art_tree *tree = open_tree(how & 4), *other = open_tree(how & 8);
    int rc = refresh(tree);
    bool good = false;
    if (sound(rc, "refresh") && !rc) {
        ask_all(tree, ops);
        rc = art_tree_check(tree);
        good = sound(rc, "check") && !rc;
        if (good) must_be_sound(tree, ops);
        /* A young list may name slots that the root names, and 'interrupted' may strike anywhere: both are no damage. */
        bool changed = change_all(tree, ops);
        if (art_tree_unknown(tree)) rc = refresh(tree);
        if (!rc) ask_all(tree, ops);
        host.patience = 0;
        if (good && changed && !rc) {
            if (art_tree_check(tree)) fuzz_fail("a sound table after a commit: %s", art_error_message());
            must_be_sound(tree, ops);
        }
        if (good && changed && host.count < LOG_ROWS) {
            if (refresh(other)) fuzz_fail("another reader after a commit: %s", art_error_message());
            if (art_tree_check(other)) fuzz_fail("another reader after a commit: %s", art_error_message());
            must_be_sound(other, ops);
        }
    }
    art_tree_close(other);
    art_tree_close(tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size + 1);
    if (size) memcpy(copy, data, size);
    struct parcel parcel;
    if (!disk) {
        disk = memory_disk_new();
        art_cache_join(1 << 20); /* the cache's memory stays mapped from one input to the next */
    }
    parcel_read(&parcel, copy, size);
    unpack(&parcel);
    struct parcel_section *ops = parcel_find(&parcel, PARCEL_OPS);
    read_check_write(ops ? (struct fuzz_source){ops->data, ops->data + ops->len} : (struct fuzz_source){0});
    host_clear();
    free(copy);
    return 0;
}
