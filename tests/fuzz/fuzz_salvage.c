/* Salvage of a whole store of any bytes, and of a sound one that is then damaged.
 *
 * Input: a parcel (parcel.h), as fuzz_store takes it. OPS are
 *
 *     u8 how | u8 changes | for each change: u8 operation | u8 length | key
 *            | for each damage: u8 page, by number | u8 position in units of 16 bytes | u8 mask
 *
 *   - whatever the bytes: salvage comes to an end, its rows are in order and each key shows once, and what it tells of
 *     losses are ranges of keys
 *   - a table that art_tree_check() finds sound comes out as its cursor shows it, and nothing is said to be lost
 *   - after damage every row that differs from that, or is missing, lies in a range that was told
 */
#include "tests/fuzz/hosted_store.h"
#include "tests/support/of_core.h"

#include "core/blob/blob_format.h"
#include "core/tree/salvage.h"
#include "core/tree/txn/txn.h"

enum { LOSSES_MAX = 4000, DAMAGE_MAX = 8 };

/* --- what came out ------------------------------------------------------------------------------------------------ */

struct shown_row {
    struct art_buffer key, value;
    uint64_t csn;
};
struct shown_loss {
    bool after_set, before_set;
    struct art_buffer after, before;
};
struct shown {
    struct shown_row row[HOST_STEPS];
    unsigned rows;
    struct shown_loss loss[LOSSES_MAX];
    unsigned losses;
    char said[200]; /* of the first loss */
    bool whole;     /* no error, and nothing was left out here */
};

static void copy_bytes(struct art_buffer *to, struct art_bytes from) {
    to->len = 0;
    if (art_buffer_append(to, from.data, from.len)) abort();
}

static void show_row(struct shown *shown, struct art_bytes key, struct art_bytes value, uint64_t csn) {
    struct shown_row *row = &shown->row[shown->rows++];
    copy_bytes(&row->key, key);
    copy_bytes(&row->value, value);
    row->csn = csn;
}

/* Memory is kept from one input to the next. */
static void forget(struct shown *shown) {
    shown->rows = shown->losses = 0;
    shown->whole = false;
}

static bool within(const struct shown *shown, struct art_bytes key) {
    for (unsigned i = 0; i < shown->losses; i++) {
        const struct shown_loss *loss = &shown->loss[i];
        if (loss->after_set && art_bytes_compare(key, art_buffer_bytes(&loss->after)) <= 0) continue;
        if (loss->before_set && art_bytes_compare(key, art_buffer_bytes(&loss->before)) >= 0) continue;
        return true;
    }
    return false;
}

/* --- salvage ------------------------------------------------------------------------------------------------------ */

static enum art_rc each_row(void *context, enum art_rc (*row)(void *to, int64_t csn, struct art_bytes ops), void *to) {
    int rc = ART_OK;
    int64_t last = -1;
    (void)context;
    for (;;) { /* in the order of their numbers */
        const struct host_row *next = NULL;
        for (unsigned i = 0; i < host.count; i++) {
            const struct host_row *other = &host.rows[i];
            if ((int64_t)other->csn > last && (!next || other->csn < next->csn)) next = other;
        }
        if (!next || rc) return rc;
        last = (int64_t)next->csn;
        rc = row(to, last, art_buffer_bytes(&next->bytes));
    }
}

static struct art_salvage_options salvage_how(uint8_t how) {
    struct art_salvage_options options = {.disk = sim_disk_art(host.disk),
                                          .path = hosted_file,
                                          .uuid_known = true,
                                          .report = true,
                                          .each_log_row = each_row};
    memcpy(options.uuid, hosted_uuid, sizeof options.uuid);
    if (how & 1) { /* the file alone */
        options.alone = true;
        options.uuid_known = false;
        options.each_log_row = NULL;
    } else if (how & 2) { /* the log cannot be read */
        options.each_log_row = NULL;
    }
    return options;
}

static void take_losses(struct art_salvage *salvage, struct shown *shown) {
    struct art_lost lost;
    while (art_salvage_lost(salvage, &lost)) {
        if (shown->losses == LOSSES_MAX) {
            shown->whole = false;
            return;
        }
        if (!shown->losses) snprintf(shown->said, sizeof shown->said, "%s (%s)", lost.what, lost.place);
        struct shown_loss *loss = &shown->loss[shown->losses++];
        loss->after_set = lost.after_set;
        loss->before_set = lost.before_set;
        copy_bytes(&loss->after, lost.after);
        copy_bytes(&loss->before, lost.before);
        if (!lost.what || !lost.place) fuzz_fail("a loss without words");
        if (lost.after_set && lost.before_set && art_bytes_compare(lost.after, lost.before) >= 0)
            fuzz_fail("a range of lost keys ends before it begins");
    }
}

static void salvage_all(const struct art_salvage_options *options, struct shown *shown) {
    struct art_salvage *salvage = NULL;
    forget(shown);
    shown->whole = true;
    int rc = art_salvage_open(&salvage, options);
    if (!rc) rc = art_salvage_next(salvage);
    while (!rc && art_salvage_valid(salvage) && shown->rows < HOST_STEPS) {
        struct art_bytes key = art_salvage_key(salvage), value = art_salvage_value(salvage);
        fuzz_touch(value);
        if (shown->rows && art_bytes_compare(art_buffer_bytes(&shown->row[shown->rows - 1].key), key) >= 0)
            fuzz_fail("salvaged rows are not in order");
        show_row(shown, key, value, art_salvage_version(salvage));
        take_losses(salvage, shown);
        rc = art_salvage_next(salvage);
    }
    if (rc && rc != ART_FOREIGN) fuzz_fail("salvage: %s: %s", art_error_name(rc), art_error_message());
    if (rc || shown->rows == HOST_STEPS) shown->whole = false;
    if (!rc && salvage) take_losses(salvage, shown);
    art_salvage_close(salvage);
}

/* --- the table itself --------------------------------------------------------------------------------------------- */

static void read_rows(struct art_tree *tree, struct shown *shown) {
    struct art_range all = {0};
    struct art_cursor *cursor;
    struct art_bytes value;
    if (art_cursor_open(tree, &cursor)) fuzz_fail("no cursor");
    int rc = art_cursor_seek(cursor, &all, false);
    while (!rc && art_cursor_valid(cursor) && shown->rows < HOST_STEPS) {
        const struct art_row *row = art_cursor_row(cursor);
        uint8_t *owned = NULL;
        rc = art_row_value(tree, row, &value, &owned);
        if (!rc) show_row(shown, art_cursor_key(cursor), value, row->version);
        art_free(owned);
        if (!rc) rc = art_cursor_next(cursor);
    }
    if (rc) fuzz_fail("a sound table cannot be read: %s", art_error_message());
    shown->whole = shown->rows < HOST_STEPS;
    art_cursor_close(cursor);
}

/* False: it is not sound, or larger than anybody waits for. */
static bool read_sound_table(struct shown *shown) {
    struct art_tree *tree = host_tree(false);
    forget(shown);
    bool is_sound = !host_refresh(tree) && !art_tree_check(tree);
    if (is_sound) read_rows(tree, shown);
    art_tree_close(tree);
    return is_sound && shown->whole;
}

/* --- a table that grows ------------------------------------------------------------------------------------------- */

static bool commit(struct art_tree *tree) {
    struct art_commit commit;
    int rc = art_tree_prepare(tree, &commit);
    if (rc) {
        art_tree_rolled_back(tree);
        return false;
    }
    host_write(&commit);
    art_tree_committed(tree);
    return host.count < HOST_ROWS;
}

static int change(struct art_tree *tree, uint8_t operation, struct art_bytes key) {
    static const uint8_t value[1 << 16];
    bool existed;
    uint32_t len = operation & 32 ? operation * 250u : operation; /* some in pieces */
    if (operation & 3) return art_tree_insert(tree, ART_WRITE_REPLACE, key, art_bytes(value, len), &existed);
    return operation & 4 ? art_tree_delete(tree, key, &existed) : ART_OK;
}

/* Before the damage, so that most inputs have several runs, and rows in the log. */
static void grow(struct fuzz_source *ops) {
    struct art_tree *tree = host_tree(false);
    if (!host.count) {
        uint8_t root[ART_ROOT_INITIAL_MAX];
        uint32_t len = art_tree_initial_root(hosted_uuid, root);
        host_write(&(struct art_commit){.write_root = true, .root = art_bytes(root, len)});
    }
    bool going = !host_refresh(tree);
    for (unsigned i = fuzz_byte(ops); going && i; i--) {
        uint8_t operation = fuzz_byte(ops);
        int rc = change(tree, operation, fuzz_bytes(ops));
        if (!rc && (operation & 192) == 192) rc = art_tree_request(tree, ART_REQUEST_FLUSH);
        if (rc) art_tree_rolled_back(tree);
        going = !rc && (operation & 64 || i == 1 ? commit(tree) : true);
    }
    art_tree_close(tree);
}

/* --- one input ---------------------------------------------------------------------------------------------------- */

static bool same_row(const struct shown_row *a, const struct shown_row *b) {
    return a->csn == b->csn && !art_bytes_compare(art_buffer_bytes(&a->value), art_buffer_bytes(&b->value));
}

/* Both in the order of keys: where they differ, a loss must have been told. */
static void compare(const struct shown *table, const struct shown *salvaged) {
    unsigned i = 0, j = 0;
    while (i < table->rows || j < salvaged->rows) {
        const struct shown_row *had = i < table->rows ? &table->row[i] : NULL;
        const struct shown_row *has = j < salvaged->rows ? &salvaged->row[j] : NULL;
        int order = !had ? 1 : !has ? -1 : art_bytes_compare(art_buffer_bytes(&had->key), art_buffer_bytes(&has->key));
        const struct shown_row *first = order <= 0 ? had : has;
        if ((order || !same_row(had, has)) && !within(salvaged, art_buffer_bytes(&first->key))) {
            fuzz_fail("%s, and no range of lost keys has it: '%.*s'",
                      order < 0   ? "a row is missing"
                      : order > 0 ? "a row came back"
                                  : "a row is another",
                      (int)first->key.len, (const char *)first->key.data);
        }
        i += order <= 0;
        j += order >= 0;
    }
}

/* Pages are counted as they come, those alone that something stands in. */
static void damage(struct fuzz_source *ops) {
    static uint8_t *page[PARCEL_SLOTS * ART_BLOB_PAGES];
    unsigned pages = 0;
    for (uint32_t i = 0; i < PARCEL_SLOTS * ART_BLOB_PAGES; i++) {
        if (sim_disk_page_used(host.disk, hosted_file, i))
            page[pages++] = host_page(NULL, i / ART_BLOB_PAGES, i % ART_BLOB_PAGES);
    }
    for (unsigned i = 0; pages && i < DAMAGE_MAX && ops->at < ops->end; i++) {
        uint8_t number = fuzz_byte(ops), position = fuzz_byte(ops), mask = fuzz_byte(ops);
        page[number % pages][position * 16 + 8] ^= mask;
    }
}

static void salvage_store(struct fuzz_source ops) {
    static struct shown table, salvaged;
    uint8_t how = fuzz_byte(&ops);
    struct art_salvage_options options = salvage_how(how), sound_options = salvage_how(0);
    grow(&ops);
    salvage_all(&options, &salvaged);
    if (!read_sound_table(&table)) return;
    salvage_all(&sound_options, &salvaged);
    if (!salvaged.whole || salvaged.losses) fuzz_fail("a sound table is said to have lost rows: %s", salvaged.said);
    compare(&table, &salvaged);
    damage(&ops);
    salvage_all(&options, &salvaged);
    if (salvaged.whole) compare(&table, &salvaged);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    host_run(data, size, salvage_store);
    return 0;
}
