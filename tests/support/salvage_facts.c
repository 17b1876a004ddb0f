#include "tests/support/salvage_facts.h"

#include <check.h>
#include <stdlib.h>

#include "core/blob/blob_format.h"

enum { FACTS_MAX = 40000, RANGES_MAX = 2000, KEY_MAX = 48, MEMTABLE = UINT32_MAX };

struct fact {
    char key[KEY_MAX]; /* with the name space */
    uint32_t key_len;
    uint64_t csn, hash;
    uint8_t flags;
    uint32_t slot, first, last, footer; /* pages: of the bucket; the first of the footer. slot MEMTABLE: in the log */
};
static struct fact facts[FACTS_MAX];
static unsigned fact_count;

struct range {
    bool after_set, before_set;
    char after[KEY_MAX], before[KEY_MAX];
    uint32_t after_len, before_len, slot, page;
    char what[200];
};
static struct range ranges[RANGES_MAX];
static unsigned range_count;

struct shown {
    char key[KEY_MAX];
    uint32_t len;
    uint64_t csn, hash;
};
static struct shown *shown;
static unsigned shown_count;

/* --- collecting --------------------------------------------------------------------------------------------------- */

static struct fact *new_fact(struct art_bytes key, const struct art_entry *entry) {
    ck_assert_uint_lt(fact_count, FACTS_MAX);
    ck_assert_uint_lt(key.len, KEY_MAX);
    struct fact *fact = &facts[fact_count++];
    *fact = (struct fact){.key_len = key.len, .csn = entry->csn, .flags = entry->flags, .slot = MEMTABLE};
    memcpy(fact->key, key.data, key.len);
    fact->hash = art_hash64(entry->value.data, entry->value.len);
    if (entry->flags & ART_OVERFLOW) { /* what is shown is the value itself */
        struct art_overflow_ref ref = art_overflow_decode(entry->value);
        fact->hash = ref.hash;
    }
    return fact;
}

static void collect_run(const struct art_run *run) {
    struct art_run_cursor cursor;
    must(art_run_cursor_open(&cursor, tree->store));
    cursor.plain = true;
    art_run_cursor_reset(&cursor, &run->top, 0);
    for (must(art_run_first(&cursor)); cursor.valid; must(art_run_next(&cursor))) {
        struct art_entry entry;
        art_blob_cursor_entry(&cursor.leaf, &entry);
        struct fact *fact = new_fact(art_run_key(&cursor), &entry);
        const struct art_blob *blob = cursor.leaf.blob;
        fact->slot = blob->slot;
        fact->first = art_bucket_offset(blob, cursor.leaf.bucket) / ART_BLOB_PAGE;
        fact->last = (art_bucket_end(blob, cursor.leaf.bucket) - 1) / ART_BLOB_PAGE;
        fact->footer = ART_BLOB_PAGES - blob->footer_pages;
        art_store_relax(tree->store);
    }
    art_run_cursor_close(&cursor);
}

static int compare_keys(const struct fact *a, const struct fact *b) {
    return art_bytes_compare(art_bytes(a->key, a->key_len), art_bytes(b->key, b->key_len));
}

/* By key, the newest first. */
static int compare_facts(const void *a, const void *b) {
    const struct fact *first = a, *second = b;
    int c = compare_keys(first, second);
    return c ? c : first->csn > second->csn ? -1 : first->csn < second->csn;
}

void facts_collect(void) {
    struct art_memtable_cursor cursor;
    fact_count = 0;
    for (unsigned i = 0; i < tree->root->runs; i++) collect_run(&tree->root->run[i]);
    art_memtable_cursor_init(&cursor, tree->memtable);
    for (must(art_memtable_first(&cursor)); cursor.valid; must(art_memtable_next(&cursor))) {
        struct art_entry entry;
        art_memtable_cursor_entry(&cursor, &entry);
        new_fact(cursor.key, &entry);
    }
    art_memtable_cursor_clear(&cursor);
    qsort(facts, fact_count, sizeof *facts, compare_facts);
    shown = malloc(FACTS_MAX * sizeof *shown);
}

void facts_free(void) {
    free(shown);
}

struct pages {
    struct damage *page;
    unsigned count;
};

static enum art_rc add_pages(void *context, const struct art_ref *ref) {
    struct pages *pages = context;
    pages->page = realloc(pages->page, (pages->count + art_ref_pages(ref)) * sizeof *pages->page);
    for (uint32_t i = 0; i < art_ref_pages(ref); i++) {
        uint32_t page = i < ref->leaf_pages ? i : ART_BLOB_PAGES - ref->footer_pages + i - ref->leaf_pages;
        pages->page[pages->count++] = (struct damage){ref->slot, page};
    }
    return ART_OK;
}

struct damage *facts_pages(unsigned *count) {
    struct pages pages = {0};
    for (unsigned i = 0; i < tree->root->runs; i++) {
        must(art_run_each_ref(tree->store, &tree->root->run[i], add_pages, &pages));
    }
    *count = pages.count;
    return pages.page;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

struct art_salvage_options salvage_options(void) {
    struct art_salvage_options source = {.disk = options.disk,
                                         .path = options.path,
                                         .uuid_known = true,
                                         .report = true,
                                         .each_log_row = toy_each_row,
                                         .context = toy};
    memcpy(source.uuid, options.uuid, sizeof source.uuid);
    return source;
}

static void take_ranges(struct art_salvage *salvage) {
    struct art_lost lost;
    while (art_salvage_lost(salvage, &lost)) {
        ck_assert_uint_lt(range_count, RANGES_MAX);
        struct range *range = &ranges[range_count++];
        *range = (struct range){.after_set = lost.after_set,
                                .before_set = lost.before_set,
                                .after_len = lost.after.len,
                                .before_len = lost.before.len,
                                .slot = lost.slot,
                                .page = lost.page};
        if (lost.after_set) memcpy(range->after, lost.after.data, lost.after.len);
        if (lost.before_set) memcpy(range->before, lost.before.data, lost.before.len);
        snprintf(range->what, sizeof range->what, "%s", lost.what);
    }
}

static void read_all(const struct art_salvage_options *source) {
    struct art_salvage *salvage;
    shown_count = range_count = 0;
    must(art_salvage_open(&salvage, source));
    for (must(art_salvage_next(salvage)); art_salvage_valid(salvage); must(art_salvage_next(salvage))) {
        struct art_bytes key = art_salvage_key(salvage), value = art_salvage_value(salvage);
        ck_assert_uint_lt(shown_count, FACTS_MAX);
        ck_assert_uint_lt(key.len, KEY_MAX - 1);
        struct shown *row = &shown[shown_count++];
        row->key[0] = ART_SPACE_ROWS;
        memcpy(row->key + 1, key.data, key.len);
        row->len = key.len + 1;
        row->csn = art_salvage_version(salvage);
        row->hash = art_hash64(value.data, value.len);
        take_ranges(salvage);
        if (shown_count == 1) continue;
        ck_assert_int_lt(art_bytes_compare(art_bytes(row[-1].key, row[-1].len), art_bytes(row->key, row->len)), 0);
    }
    take_ranges(salvage);
    art_salvage_close(salvage);
}

bool salvage_told(const char *words) {
    for (unsigned i = 0; i < range_count; i++) {
        if (strstr(ranges[i].what, words)) return true;
    }
    return false;
}

unsigned salvage_ranges(void) {
    return range_count;
}

/* --- judging ------------------------------------------------------------------------------------------------------ */

static bool is_inside(const struct range *range, struct art_bytes key) {
    struct art_bytes path = art_bytes(key.data + 1, key.len - 1);
    bool behind = !range->after_set || art_bytes_compare(path, art_bytes(range->after, range->after_len)) > 0;
    return behind && (!range->before_set || art_bytes_compare(path, art_bytes(range->before, range->before_len)) < 0);
}

static bool is_covered(struct art_bytes key) {
    for (unsigned i = 0; i < range_count; i++) {
        if (is_inside(&ranges[i], key)) return true;
    }
    return false;
}

static bool is_sound(const struct fact *fact, const struct salvage_case *what) {
    if (fact->slot == MEMTABLE) return !what->without_log;
    for (unsigned i = 0; i < what->count; i++) {
        const struct damage *damage = &what->damage[i];
        if (damage->slot != fact->slot) continue;
        if ((damage->page >= fact->first && damage->page <= fact->last) || damage->page >= fact->footer) return false;
    }
    return true;
}

/* All pieces in the second name space that bear the row's csn and counter: here every large value is the only one of
 * its transaction. */
static bool has_pieces(const struct fact *fact, const struct salvage_case *what) {
    if (!(fact->flags & ART_OVERFLOW)) return true;
    for (unsigned i = 0; i < fact_count; i++) {
        const struct fact *piece = &facts[i];
        if (piece->key[0] != ART_SPACE_OVERFLOW || piece->flags & ART_DELETE) continue;
        uint64_t csn = __builtin_bswap64(art_load64(piece->key + 1));
        if (csn == fact->csn && !is_sound(piece, what)) return false;
    }
    return true;
}

static const struct shown *find_shown(const struct fact *fact) {
    unsigned low = 0, high = shown_count;
    struct art_bytes key = art_bytes(fact->key, fact->key_len);
    while (low < high) {
        unsigned middle = (low + high) / 2;
        int c = art_bytes_compare(key, art_bytes(shown[middle].key, shown[middle].len));
        if (c == 0) return &shown[middle];
        if (c < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static void judge_key(const struct fact *entries, unsigned count, const struct salvage_case *what) {
    const struct shown *row = find_shown(&entries[0]);
    struct art_bytes key = art_bytes(entries[0].key, entries[0].key_len);
    const char *name = entries[0].key + 1;
    int len = (int)key.len - 1;
    if (is_sound(&entries[0], what)) {
        bool live = !(entries[0].flags & ART_DELETE), whole = has_pieces(&entries[0], what);
        if (live && whole) {
            ck_assert_msg(row != NULL, "%.*s is sound and missing", len, name);
            ck_assert_msg(row->csn == entries[0].csn && row->hash == entries[0].hash, "%.*s is another", len, name);
            return;
        }
        ck_assert_msg(!row, "%.*s shows although it is deleted, or not whole", len, name);
        ck_assert_msg(!live || is_covered(key), "%.*s is lost in silence", len, name);
        return;
    }
    ck_assert_msg(is_covered(key), "%.*s is damaged in silence", len, name);
    if (!row) return;
    ck_assert_msg(row->csn <= entries[0].csn, "%.*s is newer than it was", len, name);
    for (unsigned i = 0; i < count; i++) {
        const struct fact *entry = &entries[i];
        if (row->csn == entry->csn) {
            ck_assert_msg(!(entry->flags & ART_DELETE) && row->hash == entry->hash, "%.*s is wrong", len, name);
            return;
        }
        ck_assert_msg(!is_sound(entry, what) || row->csn > entry->csn, "%.*s: a sound entry is passed over", len, name);
    }
}

/* A range that one leaf's page has made leaves out what the same leaf still tells. */
static void judge_ranges(const struct salvage_case *what) {
    for (unsigned i = 0; i < range_count; i++) {
        if (ranges[i].slot == ART_NOWHERE || what->without_root) continue;
        for (unsigned j = 0; j < fact_count; j++) {
            const struct fact *fact = &facts[j];
            if (fact->slot != ranges[i].slot || !is_sound(fact, what) || fact->key[0] != ART_SPACE_ROWS) continue;
            ck_assert_msg(!is_inside(&ranges[i], art_bytes(fact->key, fact->key_len)),
                          "%.*s lies in a range of its leaf", (int)fact->key_len - 1, fact->key + 1);
        }
    }
}

static bool is_known(const struct shown *row) {
    struct fact probe = {.key_len = row->len, .csn = UINT64_MAX};
    memcpy(probe.key, row->key, row->len);
    unsigned low = 0, high = fact_count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (compare_facts(&facts[middle], &probe) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < fact_count && !compare_keys(&facts[low], &probe);
}

unsigned salvage_judge(const struct art_salvage_options *source, const struct salvage_case *what) {
    read_all(source);
    for (unsigned i = 0; i < shown_count; i++) {
        struct art_bytes key = art_bytes(shown[i].key, shown[i].len);
        ck_assert_msg(is_known(&shown[i]) || is_covered(key), "%.*s was made up", (int)key.len - 1, shown[i].key + 1);
    }
    for (unsigned i = 0, end; i < fact_count && facts[i].key[0] == ART_SPACE_ROWS; i = end) {
        for (end = i + 1; end < fact_count && !compare_keys(&facts[i], &facts[end]);) end++;
        judge_key(&facts[i], end - i, what);
    }
    judge_ranges(what);
    return shown_count;
}
