#include "core/tree/salvage/private.h"

#include "core/base/limits.h"
#include "core/store/root_copy.h"
#include "core/store/store_format.h"

/* An interrupt is noticed within a millisecond or so, and asking for it costs nothing beside the steps. */

/* --- where the blobs are ------------------------------------------------------------------------------------------ */

/* Nobody is asked whose the file is: nothing is written. */
static enum art_rc open_blobs(struct art_salvage *salvage) {
    const struct art_salvage_options *options = &salvage->options;
    struct art_disk *disk = options->disk ? options->disk : art_disk_default();
    salvage->place = options->path ? options->path : "the .art file";
    salvage->medium = options->rows ? &art_medium_rows : &art_medium_file;
    if (options->rows) return art_io_rows_open(options->rows, 0, options->path, &salvage->io);
    if (!options->path) return ART_OK;
    struct art_file_options file = {.path = options->path, .engine = ART_ENGINE_PWRITE, .read_only = true};
    enum art_rc rc = disk->methods->open(disk, &file, &salvage->io);
    if (rc) salvage->io = NULL;
    salvage->missing = rc == ART_MISSING;
    return salvage->missing && !options->alone ? ART_OK : rc;
}

/* The id is the host's word, or the file's own: of the superblock, a copy of the root, or the first blob. */
static enum art_rc read_identity(struct art_salvage *salvage) {
    const struct art_superblock_page *page = (const void *)salvage->page;
    struct art_io_request request = {salvage->page, ART_STORE_PAGE, 0};
    enum art_rc rc = art_io_read(salvage->io, &request, 1);
    if (rc) return art_is_damage(rc) ? ART_OK : rc;
    bool whole = !memcmp(page->magic, ART_STORE_MAGIC, sizeof page->magic) &&
                 page->sum == art_hash64(page, ART_STORE_PAGE - sizeof(uint64_t));
    if (!whole) return ART_OK;
    if (salvage->uuid_known && memcmp(page->uuid, salvage->uuid, ART_UUID_BYTES) != 0) {
        return art_fail(
            ART_FOREIGN,
            "art: the .art file has another id than T_artstate (%s): put the file that belongs to this table "
            "there, or salvage the file alone (art_salvage(file='...'), art_lost('...'))",
            salvage->place);
    }
    memcpy(salvage->uuid, page->uuid, ART_UUID_BYTES);
    salvage->uuid_known = true;
    return ART_OK;
}

static enum art_rc look_for_uuid(struct art_salvage *salvage) {
    struct art_buffer root = {0};
    struct art_ref ref;
    enum art_rc rc = ART_NOTFOUND;
    if (salvage->medium->has_superblock) rc = art_root_copy_read(salvage->io, &root, salvage->uuid);
    art_buffer_clear(&root);
    for (uint32_t slot = 1; rc && rc != ART_NOMEM && slot < salvage->slots && slot < ART_BLANK_SLOTS_MAX; slot++) {
        rc = art_image_own_ref(salvage, slot, &ref, salvage->uuid);
        if (rc && rc != ART_NOTFOUND && !art_is_damage(rc)) return rc;
    }
    salvage->uuid_known = !rc;
    if (rc == ART_NOMEM || salvage->uuid_known || !salvage->options.alone) return rc == ART_NOMEM ? rc : ART_OK;
    return art_fail(ART_FOREIGN, "art: nothing of an .art file is in it (%s): give the path of one", salvage->place);
}

static enum art_rc look_at_blobs(struct art_salvage *salvage) {
    uint64_t bytes = 0;
    if (!salvage->io) return ART_OK;
    enum art_rc rc = salvage->io->methods->size(salvage->io, &bytes);
    if (rc) return art_is_damage(rc) ? ART_OK : rc;
    salvage->slots = art_slots_in(bytes);
    if (salvage->medium->has_superblock) rc = read_identity(salvage);
    return rc || salvage->uuid_known ? rc : look_for_uuid(salvage);
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

static enum art_rc open_sources(struct art_salvage *salvage) {
    const struct art_root *root = salvage->root;
    assert(!salvage->runs && (!root || root->runs <= ART_RUNS_CAPACITY));
    for (unsigned i = 0; root && i < root->runs; i++) {
        const char *effect = i + 1 < root->runs ? art_effect_older : art_effect_gone;
        enum art_rc rc = art_detour_open(salvage, &root->run[i].top, effect, &salvage->run[i]);
        if (rc) return rc;
        salvage->runs++;
    }
    art_memtable_cursor_init(&salvage->cursor, salvage->memtable);
    if (root) return ART_OK;
    enum art_rc rc = art_lost_everywhere(salvage, salvage->place, ART_NOWHERE, ART_NOWHERE, "found without a root: %s",
                                         art_effect_older);
    return rc ? rc : art_orphans_fill(salvage, NULL, NULL, UINT64_MAX, art_effect_older);
}

static enum art_rc open_salvage(struct art_salvage *salvage) {
    salvage->page = art_alloc_aligned(ART_BLOB_PAGE, ART_BLOB_PAGE);
    salvage->scratch = art_alloc(ART_KEY_BUFFER);
    if (!salvage->page || !salvage->scratch) return art_nomem();
    enum art_rc rc = art_memtable_open(&salvage->memtable);
    if (!rc) rc = open_blobs(salvage);
    if (!rc) rc = look_at_blobs(salvage);
    if (!rc) rc = art_salvage_read_log(salvage);
    return rc ? rc : open_sources(salvage);
}

enum art_rc art_salvage_open(struct art_salvage **out, const struct art_salvage_options *options) {
    struct art_salvage *salvage = art_alloc_zeroed(sizeof *salvage);
    if (!salvage) return art_nomem();
    salvage->options = *options;
    salvage->losses_end = &salvage->losses;
    salvage->uuid_known = options->uuid_known;
    memcpy(salvage->uuid, options->uuid, ART_UUID_BYTES);
    enum art_rc rc = open_salvage(salvage);
    if (rc) art_salvage_close(salvage);
    *out = rc ? NULL : salvage;
    return rc;
}

void art_salvage_close(struct art_salvage *salvage) {
    if (!salvage) return;
    for (unsigned i = 0; i < salvage->runs; i++) art_detour_close(salvage->run[i]);
    art_groups_clear(salvage);
    art_losses_clear(salvage);
    art_images_clear(salvage);
    if (salvage->cursor.memtable) art_memtable_cursor_clear(&salvage->cursor);
    art_memtable_unref(salvage->memtable);
    art_root_unref(salvage->root);
    art_root_unref(salvage->log.row);
    art_slot_set_clear(&salvage->named);
    art_free(salvage->orphan);
    art_buffer_clear(&salvage->key);
    art_buffer_clear(&salvage->value);
    art_buffer_clear(&salvage->previous);
    art_buffer_clear(&salvage->large);
    art_io_close(salvage->io);
    art_free(salvage->scratch);
    art_free_aligned(salvage->page);
    art_free(salvage);
}

/* --- the sources side by side ------------------------------------------------------------------------------------- */

/* All that stand at `key` go on; NULL: to their first. Runs before groups: a damaged range of a run makes a group. */
static enum art_rc step_sources(struct art_salvage *salvage, const struct art_bytes *key) {
    struct art_memtable_cursor *changes = &salvage->cursor;
    bool there = key && changes->valid && art_bytes_equal(changes->key, *key);
    enum art_rc rc = !key ? art_memtable_first(changes) : there ? art_memtable_next(changes) : ART_OK;
    for (unsigned i = 0; !rc && i < salvage->runs; i++) {
        struct art_detour *walk = salvage->run[i];
        if (!key || (walk->valid && art_bytes_equal(walk->key, *key))) rc = art_detour_next(walk);
    }
    for (struct art_group *group = salvage->groups; !rc && key && group; group = group->next) {
        if (group->winner) rc = art_group_next(salvage, group, key);
    }
    return rc;
}

/* What a source says; the first one asked wins where versions are equal. */
struct offer {
    bool any;
    struct art_bytes key, value;
    uint64_t csn;
    uint8_t flags;
};

static void consider(struct offer *best, struct art_bytes key, struct art_bytes value, uint64_t csn, uint8_t flags) {
    int c = best->any ? art_bytes_compare(key, best->key) : -1;
    if (c < 0 || (c == 0 && csn > best->csn)) *best = (struct offer){true, key, value, csn, flags};
}

static void consider_walk(struct offer *best, const struct art_detour *walk) {
    if (walk && walk->valid) consider(best, walk->key, art_buffer_bytes(&walk->value), walk->csn, walk->flags);
}

static enum art_rc choose_entry(struct art_salvage *salvage, bool *any) {
    struct offer best = {0};
    if (salvage->cursor.valid) {
        struct art_entry entry;
        art_memtable_cursor_entry(&salvage->cursor, &entry);
        consider(&best, salvage->cursor.key, entry.value, entry.csn, entry.flags);
    }
    for (unsigned i = 0; i < salvage->runs; i++) consider_walk(&best, salvage->run[i]);
    for (const struct art_group *group = salvage->groups; group; group = group->next) {
        consider_walk(&best, group->winner);
    }
    *any = best.any;
    if (!best.any) return ART_OK;
    salvage->csn = best.csn;
    salvage->flags = best.flags;
    enum art_rc rc = art_buffer_set(&salvage->key, best.key.data, best.key.len);
    struct art_bytes value = art_entry_value(best.flags, best.value);
    return rc ? rc : art_buffer_set(&salvage->value, value.data, value.len);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

/* The next key of all, whatever it says. */
static enum art_rc step_on(struct art_salvage *salvage, bool *any) {
    struct art_bytes key = art_buffer_bytes(&salvage->key);
    enum art_rc rc = ART_OK;
    if (salvage->begun) {
        rc = art_buffer_set(&salvage->previous, key.data, key.len);
        salvage->any_previous = true;
        key = art_buffer_bytes(&salvage->previous);
    }
    if (!rc && ++salvage->steps % ART_LIMIT(ask_salvage) == 0) rc = art_salvage_interrupted(salvage);
    if (!rc) rc = step_sources(salvage, salvage->begun ? &key : NULL);
    salvage->begun = true;
    if (!rc) rc = choose_entry(salvage, any);
    if (rc) return rc;
    key = art_buffer_bytes(&salvage->key);
    assert(!*any || !salvage->any_previous || art_bytes_compare(art_buffer_bytes(&salvage->previous), key) < 0);
    return art_lost_passed(salvage, *any ? &key : NULL);
}

/* A large value is whole, or the row is lost. */
static enum art_rc show_row(struct art_salvage *salvage) {
    assert(!(salvage->flags & ART_DELETE));
    salvage->valid = true;
    salvage->is_large = salvage->flags & ART_OVERFLOW;
    if (!salvage->is_large) return ART_OK;
    enum art_rc rc = art_salvage_large(salvage);
    if (!art_is_damage(rc)) return rc;
    salvage->valid = false;
    struct art_fault fault = art_error_fault();
    return art_lost_row(salvage, fault.what);
}

enum art_rc art_salvage_next(struct art_salvage *salvage) {
    salvage->valid = false;
    while (!salvage->valid && !salvage->ended) {
        bool any = false;
        enum art_rc rc = step_on(salvage, &any);
        if (rc) return rc;
        uint8_t space = any && salvage->key.len ? salvage->key.data[0] : 0;
        if (!any || space > ART_SPACE_ROWS) salvage->ended = true;
        if (!any || space != ART_SPACE_ROWS || salvage->flags & ART_DELETE) continue;
        rc = show_row(salvage);
        if (rc) return rc;
    }
    return ART_OK;
}

bool art_salvage_valid(const struct art_salvage *salvage) {
    return salvage->valid;
}

struct art_bytes art_salvage_key(const struct art_salvage *salvage) {
    assert(salvage->valid && salvage->key.data[0] == ART_SPACE_ROWS);
    return art_bytes(salvage->key.data + 1, (uint32_t)salvage->key.len - 1);
}

struct art_bytes art_salvage_value(const struct art_salvage *salvage) {
    assert(salvage->valid);
    return art_buffer_bytes(salvage->is_large ? &salvage->large : &salvage->value);
}

uint64_t art_salvage_version(const struct art_salvage *salvage) {
    assert(salvage->valid);
    return salvage->csn;
}
