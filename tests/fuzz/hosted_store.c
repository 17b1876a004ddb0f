#include "tests/fuzz/hosted_store.h"
#include "core/base/format.h"

#include "core/blob/blob_format.h"
#include "core/store/cache.h"
#include "core/store/store_format.h"
#include "core/tree/state/root_format.h"
#include "tests/support/of_core.h"
#include "tests/support/toy_codec.h"
#include "tests/support/toy_summary.h"
#include "tests/support/tree_world.h"

struct hosted_store host;
const char hosted_file[] = "a.db-t-66757a7a.art";
const uint8_t hosted_uuid[16] = "fuzzed table id.";

/* --- a log, a retired list, and answers --------------------------------------------------------------------------- */

static void host_clear(void) {
    struct sim_disk *disk = host.disk;
    for (unsigned i = 0; i < host.count; i++) art_buffer_clear(&host.rows[i].bytes);
    art_buffer_clear(&host.retired);
    memset(&host, 0, sizeof host);
    host.disk = disk;
}

/* Its log has room for the last few commits of an input, which are few. */
static struct art_buffer *host_row(uint64_t csn) {
    for (unsigned i = 0; i < host.count; i++) {
        if (host.rows[i].csn == csn) return &host.rows[i].bytes;
    }
    if (host.count == HOST_ROWS) return NULL;
    host.rows[host.count] = (struct host_row){.csn = csn};
    return &host.rows[host.count++].bytes;
}

static void host_put(uint64_t csn, struct art_bytes bytes) {
    struct art_buffer *row = host_row(csn);
    if (!row) return;
    row->len = 0;
    if (art_buffer_append(row, bytes.data, bytes.len)) abort();
}

static void host_delete(uint64_t first, uint64_t last) {
    unsigned kept = 0;
    for (unsigned i = 0; i < host.count; i++) {
        if (host.rows[i].csn >= first && host.rows[i].csn <= last)
            art_buffer_clear(&host.rows[i].bytes);
        else
            host.rows[kept++] = host.rows[i];
    }
    host.count = kept;
}

void host_write(const struct art_commit *commit) {
    if (commit->clear_log) host_delete(0, UINT64_MAX);
    host_delete(1, commit->spent);
    if (commit->write_root || commit->mark_root) host_put(0, commit->root);
    if (commit->write_redo) host_put(commit->csn, commit->redo);
    if (!commit->write_retired) return;
    host.retired.len = 0;
    if (art_buffer_append(&host.retired, commit->retired.data, commit->retired.len)) abort();
}

static enum art_rc secure(void *context, bool *reuse) {
    (void)context;
    *reuse = true;
    return ART_OK;
}

static enum art_rc epoch(void *context, struct art_epoch *out) {
    (void)context;
    *out = (struct art_epoch){.kind = host.wal ? ART_EPOCH_WAL : ART_EPOCH_ROLLBACK, .salts = "saltsalt"};
    return ART_OK;
}

static enum art_rc load_retired(void *context, struct art_buffer *out) {
    (void)context;
    return art_buffer_append(out, host.retired.data, host.retired.len);
}

static enum art_rc open_scratch(void *context, void **file) {
    (void)context;
    return scratch_open(sim_disk_art(host.disk), "", file);
}

static const struct art_scratch_files scratch = {open_scratch, scratch_write, scratch_read, scratch_close};

static bool interrupted(void *context) {
    (void)context;
    return host.patience && --host.patience == 0;
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

bool host_sound(int rc, const char *what) {
    if (rc == ART_OK || rc == ART_NOTFOUND) return true;
    if (host.checked) fuzz_fail("%s of a sound table: %s: %s", what, art_error_name(rc), art_error_message());
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

uint8_t *host_page(void *context, uint32_t slot, uint32_t page) {
    (void)context;
    if (slot >= PARCEL_SLOTS) return NULL;
    return sim_disk_page(host.disk, hosted_file, slot * ART_BLOB_PAGES + page);
}

static const char host_path[] = "a.db";

/* Slot 0 as the store makes it; DAMAGE may change it. */
static void make_superblock(void) {
    struct art_superblock_page *page = (struct art_superblock_page *)(void *)host_page(NULL, 0, 0);
    memcpy(page->magic, ART_STORE_MAGIC, sizeof page->magic);
    page->format = ART_FORMAT;
    page->slot_bytes = ART_BLOB_BYTES;
    memcpy(page->uuid, hosted_uuid, sizeof hosted_uuid);
    page->sum = art_hash64(page, ART_STORE_PAGE - sizeof page->sum);
    struct art_owner_page *owner = (struct art_owner_page *)(void *)host_page(NULL, 0, 2);
    memcpy(owner->magic, ART_OWNER_MAGIC, sizeof owner->magic);
    owner->sequence = 1;
    memcpy(owner->uuid, hosted_uuid, sizeof hosted_uuid);
    owner->path_len = owner->path_kept = sizeof host_path - 1; /* a copy that this database may claim, and write to */
    memcpy(owner->path, host_path, sizeof host_path - 1);
    owner->sum = art_hash64(owner, ART_STORE_PAGE - sizeof owner->sum);
}

static void host_open(struct parcel *parcel) {
    if (!host.disk) {
        host.disk = sim_disk_new_steady(SIM_PAGES);
        art_cache_join(1 << 20); /* the cache's memory stays mapped from one input to the next */
    }
    struct parcel_place place = {.page = host_page};
    struct art_hash128 chain = {0};
    uint64_t csn;
    sim_disk_clear(host.disk, hosted_file);
    make_superblock();
    for (unsigned i = 0; i < parcel->count; i++) {
        if (parcel->sections[i].kind == PARCEL_BLOB) parcel_open_blob(&place, &parcel->sections[i]);
    }
    struct parcel_section *root = parcel_find(parcel, PARCEL_ROOT), *retired = parcel_find(parcel, PARCEL_RETIRED);
    struct parcel_section *damage = parcel_find(parcel, PARCEL_DAMAGE), *size = parcel_find(parcel, PARCEL_SIZE);
    struct art_buffer *row = root ? host_row(0) : NULL;
    if (row) parcel_open_root(&place, root, row);
    if (row && row->len >= sizeof(struct art_root_header)) {
        memcpy(&chain, row->data + offsetof(struct art_root_header, chain), sizeof chain);
    }
    enum { REF_AT = sizeof(struct art_root_header) + sizeof(struct art_root_run) };
    if (row && row->len >= REF_AT + ART_REF_FIXED_BYTES) {
        host.runs = row->data[offsetof(struct art_root_header, runs)];
        host.has.columns = row->data[REF_AT + offsetof(struct art_ref_format, columns)];
        host.has.sums = row->data[REF_AT + offsetof(struct art_ref_format, sums)];
        host.has.lookups = row->data[REF_AT + offsetof(struct art_ref_format, lookups)];
        memcpy(&host.has.searches, row->data + REF_AT + offsetof(struct art_ref_format, searches), 2);
        if (!art_measures_are_sane(host.has)) host.has = (struct art_measures){0, 0, 0, 0};
    }
    for (unsigned i = 0; i < parcel->count && host.count < HOST_ROWS / 2; i++) {
        struct art_buffer bytes = {0};
        if (parcel->sections[i].kind != PARCEL_ROW) continue;
        if (parcel_open_row(&parcel->sections[i], &chain, &csn, &bytes) && csn) host_put(csn, art_buffer_bytes(&bytes));
        art_buffer_clear(&bytes);
    }
    if (retired && art_buffer_append(&host.retired, retired->data, retired->len)) abort();
    if (damage) parcel_damage(&place, damage);
    if (size && size->len) {
        sim_disk_resize(host.disk, hosted_file,
                        (uint64_t)(size->data[0] % PARCEL_SLOTS) * ART_BLOB_BYTES + size->len / 16 * 512);
    }
}

struct art_tree *host_tree(bool small_cache) {
    struct art_tree_options options = {.disk = sim_disk_art(host.disk),
                                       .path = hosted_file,
                                       .host_path = host_path,
                                       .summary = toy_summary(&host.has),
                                       .cache_bytes = small_cache ? 1 << 16 : 16 << 20,
                                       .log_limit = 1 << 12,
                                       .spill_limit = 1 << 13,
                                       .blob_pages = 6};
    toy_codec_lend(true);
    struct art_host me = {.secure = secure,
                          .epoch = epoch,
                          .load_retired = load_retired,
                          .scratch = &scratch,
                          .interrupted = interrupted};
    struct art_tree *tree;
    memcpy(options.uuid, hosted_uuid, sizeof hosted_uuid);
    if (art_tree_open(&tree, &options, &me)) fuzz_fail("no tree: %s", art_error_message());
    return tree;
}

int host_refresh(struct art_tree *tree) {
    uint64_t from;
    int rc = art_tree_refresh_begin(tree, &from);
    for (unsigned i = 0; !rc && i < host.count; i++) { /* the root is the first, the others as they come */
        struct host_row *row = &host.rows[i];
        if (!row->csn || row->csn >= from) rc = art_tree_refresh_row(tree, row->csn, art_buffer_bytes(&row->bytes));
    }
    if (!rc) rc = art_tree_refresh_end(tree);
    if (rc) art_tree_refresh_abort(tree);
    return rc;
}

void host_run(const uint8_t *data, size_t size, void (*run)(struct fuzz_source ops)) {
    uint8_t *copy = malloc(size + 1);
    if (size) memcpy(copy, data, size);
    struct parcel parcel;
    parcel_read(&parcel, copy, size);
    host_open(&parcel);
    struct parcel_section *ops = parcel_find(&parcel, PARCEL_OPS);
    run(ops ? (struct fuzz_source){ops->data, ops->data + ops->len} : (struct fuzz_source){0});
    host_clear();
    free(copy);
}
