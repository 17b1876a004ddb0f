#include "core/blob/postings.h"

#include <assert.h>
#include <stdio.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/base/value_hash.h"
#include "core/blob/footer.h"
#include "core/blob/simd.h"

static bool has_table(uint32_t tables, unsigned table) {
    return tables >> table & 1;
}

/* --- a bucket's --------------------------------------------------------------------------------------------------- */

enum { CUT_MAX = ART_STORED_MAX }; /* a longer text, which is a key, counts as having all */

enum art_rc art_features_open(struct art_features *features, uint32_t tables) {
    for (unsigned i = 0; i < ART_TABLES_MAX; i++) {
        if (!has_table(tables, i) || features->set[i]) continue;
        features->set[i] = art_alloc(sizeof *features->set[i]);
        if (!features->set[i]) return art_nomem();
        features->set[i]->mask = 2 * (i < ART_TABLE_SEARCHES ? ART_BUCKET_VALUES : ART_BUCKET_FEATURES) - 1;
    }
    if (tables >> ART_TABLE_SEARCHES && !features->cut) {
        features->cut = art_alloc(CUT_MAX * sizeof *features->cut);
        if (!features->cut) return art_nomem();
    }
    art_features_reset(features);
    return ART_OK;
}

void art_features_clear(struct art_features *features) {
    for (unsigned i = 0; i < ART_TABLES_MAX; i++) art_free(features->set[i]);
    art_free(features->cut);
    *features = (struct art_features){0};
}

void art_features_reset(struct art_features *features) {
    for (unsigned i = 0; i < ART_TABLES_MAX; i++) {
        struct art_feature_set *set = features->set[i];
        if (!set) continue;
        set->count = 0;
        set->any = false;
        memset(set->place, 0, (set->mask + 1) * sizeof *set->place);
    }
}

/* 0 stands for none. */
static inline uint32_t not_zero(uint32_t feature) {
    return feature + !feature;
}

static void add_at(struct art_feature_set *set, uint32_t at, uint32_t feature) {
    while (set->place[at] && set->place[at] != feature) at = (at + 1) & set->mask;
    if (set->place[at]) return;
    if (set->count > set->mask / 2) {
        set->any = true;
        return;
    }
    set->place[at] = set->feature[set->count++] = feature;
}

/* Most features are there already, or new in a free place: no branch tells which. */
static inline void add_once(struct art_feature_set *set, uint32_t feature) {
    feature = not_zero(feature);
    uint32_t at = feature & set->mask, met = set->place[at];
    if (ART_UNLIKELY((met && met != feature) || set->count > set->mask / 2)) {
        add_at(set, at, feature);
        return;
    }
    set->place[at] = set->feature[set->count] = feature;
    set->count += !met;
}

static void add_cut(struct art_features *features, struct art_feature_set *set, const struct art_summary *summary,
                    struct art_bytes text, uint32_t from) {
    if (set->any) return;
    uint32_t count = text.len > CUT_MAX ? ART_CUT_ANY : summary->cut(text, from, features->cut);
    set->any = count == ART_CUT_ANY;
    for (uint32_t i = 0; i < count && !set->any; i++) add_once(set, features->cut[i]);
}

/* A number's text is that which the host would make of it, and nobody knows that of one with a fraction. */
static void add_searched(struct art_features *features, struct art_feature_set *set, const struct art_summary *summary,
                         const struct art_datum *datum) {
    char digits[24];
    if (datum->kind == ART_DATUM_NULL) return;
    if (datum->kind == ART_DATUM_INTEGER) {
        int len = snprintf(digits, sizeof digits, "%lld", (long long)datum->integer);
        add_cut(features, set, summary, art_bytes(digits, (uint32_t)len), 0);
    } else if (datum->kind == ART_DATUM_REAL || datum->by_hash) {
        set->any = true;
    } else {
        add_cut(features, set, summary, datum->bytes, 0);
    }
}

void art_features_add(struct art_features *features, const struct art_summary *summary, struct art_bytes key,
                      uint32_t known, const struct art_entry *entry, const struct art_datum *data) {
    if (entry->flags & ART_CHUNK) return;
    for (unsigned i = 0; i < summary->has.columns && !(entry->flags & ART_DELETE); i++) {
        struct art_feature_set *looked_up = features->set[i], *searched = features->set[ART_TABLE_SEARCHES + i];
        uint32_t hash[ART_VALUE_HASHES];
        unsigned count = looked_up ? art_value_hashes(&data[i], hash) : 0;
        for (unsigned k = 0; k < count; k++) add_once(looked_up, hash[k]);
        if (searched) add_searched(features, searched, summary, &data[i]);
    }
    struct art_feature_set *keys = features->set[ART_TABLE_KEYS];
    if (keys) add_cut(features, keys, summary, key, known);
}

/* --- a blob's, as it is built ------------------------------------------------------------------------------------- */

void art_postings_clear(struct art_postings *postings) {
    for (unsigned i = 0; i < ART_TABLES_MAX; i++) {
        struct art_posting_table *table = postings->table[i];
        if (!table) continue;
        art_free(table->posting);
        art_free(table);
    }
    art_free(postings->sorted);
    art_free(postings->unsorted);
    art_free(postings->begin);
    memset(postings, 0, sizeof *postings);
}

void art_postings_reset(struct art_postings *postings) {
    postings->rows = postings->last_page = 0;
    memset(postings->rows_in, 0, sizeof postings->rows_in);
    for (unsigned i = 0; i < ART_TABLES_MAX; i++) {
        struct art_posting_table *table = postings->table[i];
        if (!table) continue;
        table->count = table->bytes = 0;
        table->any = (struct art_pages){{0, 0}};
        memset(table->features, 0, sizeof table->features);
        if (table->posting) memset(table->posting, 0, (table->mask + 1) * sizeof *table->posting);
    }
}

static inline struct art_posting *find_posting(const struct art_posting_table *table, uint32_t feature) {
    uint32_t at = feature & table->mask;
    while (table->posting[at].feature && table->posting[at].feature != feature) at = (at + 1) & table->mask;
    return &table->posting[at];
}

/* At most half of the places are taken. */
static enum art_rc reserve_places(struct art_posting_table *table, uint32_t features) {
    uint32_t places = table->posting ? table->mask + 1 : 0, need = places ? places : 1024;
    while (need < 2 * features) need *= 2;
    if (need == places) return ART_OK;
    struct art_posting *former = table->posting, *posting = art_alloc_zeroed(need * sizeof *posting);
    if (!posting) return art_nomem();
    table->posting = posting;
    table->mask = need - 1;
    for (uint32_t i = 0; i < places; i++) {
        if (former[i].feature) *find_posting(table, former[i].feature) = former[i];
    }
    art_free(former);
    return ART_OK;
}

static bool takes_features(const struct art_posting_table *table, const struct art_feature_set *set) {
    return !set->any && table->count + set->count <= ART_POSTING_FEATURES_MAX;
}

enum art_rc art_postings_reserve(struct art_postings *postings, const struct art_features *bucket) {
    enum art_rc rc = ART_OK;
    for (unsigned i = 0; !rc && i < ART_TABLES_MAX; i++) {
        if (!has_table(postings->tables, i)) continue;
        if (!postings->table[i]) postings->table[i] = art_alloc_zeroed(sizeof *postings->table[i]);
        struct art_posting_table *table = postings->table[i];
        if (!table) return art_nomem();
        uint32_t more = takes_features(table, bucket->set[i]) ? bucket->set[i]->count : 0;
        rc = reserve_places(table, table->count + more);
    }
    return rc;
}

static void set_page(struct art_pages *pages, uint32_t page) {
    pages->bits[page >> 6] |= 1ull << (page & 63);
}

enum { HEAD_BYTES = 4, ANY_BYTES = ART_BLOB_PAGES / 8, MAP_BYTES = 2 + ANY_BYTES };
enum { IN_A_THIRD = ART_BLOB_PAGES / 3 + 1 }; /* of as many pages as there may be */

static inline void push_feature(struct art_posting_table *table, uint32_t feature, uint32_t page) {
    struct art_posting *posting = find_posting(table, feature);
    if (!posting->feature) {
        posting->feature = feature;
        table->count++;
        table->bytes++;
    }
    if (art_pages_has(&posting->pages, page)) return;
    set_page(&posting->pages, page);
    if (++posting->count <= ART_LISTED_MAX + 1) table->bytes++;
    if (posting->count == IN_A_THIRD) table->bytes -= MAP_BYTES - 2;
    table->features[page]++;
}

static void push_set(struct art_posting_table *table, const struct art_feature_set *set, uint32_t page) {
    enum { AHEAD = 8 };
    for (uint32_t i = 0; i < set->count; i++) {
        if (i + AHEAD < set->count) __builtin_prefetch(&table->posting[set->feature[i + AHEAD] & table->mask], 1);
        push_feature(table, set->feature[i], page);
    }
}

void art_postings_push(struct art_postings *postings, const struct art_features *bucket, uint32_t rows, uint32_t page) {
    postings->rows += rows;
    postings->rows_in[page] += rows;
    postings->last_page = page;
    for (unsigned i = 0; i < ART_TABLES_MAX; i++) {
        if (!has_table(postings->tables, i)) continue;
        struct art_posting_table *table = postings->table[i];
        if (takes_features(table, bucket->set[i])) {
            push_set(table, bucket->set[i], page);
        } else {
            set_page(&table->any, page);
        }
    }
}

static uint32_t groups_of(uint32_t features) {
    return (features + ART_GROUP_FEATURES - 1) / ART_GROUP_FEATURES;
}

static uint32_t bytes_allowed(uint32_t rows) {
    uint64_t bytes = (uint64_t)ART_POSTING_BYTES_A_ROW * rows + ART_POSTING_BYTES_ANYWAY;
    return bytes < ART_POSTING_BYTES_MAX ? (uint32_t)bytes : ART_POSTING_BYTES_MAX;
}

/* More than they are worth. */
static bool is_crowded(const struct art_postings *postings, const struct art_posting_table *table, uint32_t page) {
    return table->features[page] > ART_POSTING_BYTES_A_ROW * postings->rows_in[page];
}

/* What a table takes at most whose crowded pages will be marked: each feature of another page two bytes. The last page
 * may get more rows, and then be none. */
static uint32_t bytes_when_marked(const struct art_postings *postings, const struct art_posting_table *table) {
    uint32_t features = 0;
    for (uint32_t page = 0; page <= postings->last_page; page++) {
        if (page == postings->last_page || !is_crowded(postings, table, page)) features += table->features[page];
    }
    return 2 * features;
}

uint32_t art_postings_bytes(const struct art_postings *postings, const struct art_features *more, uint32_t rows) {
    uint32_t bytes = 0, allowed = bytes_allowed(postings->rows + rows);
    for (unsigned i = 0; i < ART_TABLES_MAX; i++) {
        if (!has_table(postings->tables, i)) continue;
        const struct art_posting_table *table = postings->table[i];
        uint32_t fresh = more && !more->set[i]->any ? more->set[i]->count : 0;
        uint32_t data = table ? table->bytes : 0;
        if (data > allowed) data = bytes_when_marked(postings, table);
        data = art_min32(data + 2 * fresh, allowed);
        uint32_t groups = groups_of(art_min32((table ? table->count : 0) + fresh, data / 2));
        bytes += HEAD_BYTES + 2 * (groups + 1) + ANY_BYTES + data + groups;
    }
    return bytes;
}

/* --- writing them ------------------------------------------------------------------------------------------------- */

static uint32_t count_pages(const struct art_pages *pages) {
    return (uint32_t)(__builtin_popcountll(pages->bits[0]) + __builtin_popcountll(pages->bits[1]));
}

enum form { FORM_NONE, FORM_LIST, FORM_MAP, FORM_ANY };

struct posting_form {
    enum form form;
    uint32_t bytes;
    struct art_pages pages; /* that are not marked as having any */
};

/* Of so many leaf pages. */
static struct posting_form form_of(const struct art_posting *posting, const struct art_pages *any, uint32_t pages) {
    struct posting_form out = {
        .pages = {{posting->pages.bits[0] & ~any->bits[0], posting->pages.bits[1] & ~any->bits[1]}}};
    uint32_t count = any->bits[0] | any->bits[1] ? count_pages(&out.pages) : posting->count;
    if (!count) return out;
    out.form = 3 * posting->count >= pages ? FORM_ANY : count <= ART_LISTED_MAX ? FORM_LIST : FORM_MAP;
    out.bytes = out.form == FORM_ANY ? 2 : out.form == FORM_LIST ? 1 + count : MAP_BYTES;
    return out;
}

static uint32_t bytes_with(const struct art_posting_table *table, const struct art_pages *any, uint32_t leaf_pages) {
    uint32_t bytes = 0;
    for (uint32_t i = 0; i <= table->mask; i++) bytes += form_of(&table->posting[i], any, leaf_pages).bytes;
    return bytes;
}

/* Which pages are marked as having any feature. */
static struct art_pages choose_marked(const struct art_postings *postings, const struct art_posting_table *table,
                                      uint32_t leaf_pages) {
    struct art_pages any = table->any;
    uint32_t allowed = bytes_allowed(postings->rows);
    if (table->bytes <= allowed) return any;
    for (uint32_t page = 0; page < leaf_pages; page++) {
        if (is_crowded(postings, table, page)) set_page(&any, page);
    }
    if (bytes_with(table, &any, leaf_pages) <= allowed) return any;
    for (uint32_t page = 0; page < leaf_pages; page++) set_page(&any, page);
    return any;
}

static uint32_t group_of(uint32_t feature, uint32_t groups) {
    return (uint32_t)((uint64_t)feature * groups >> 32);
}

enum { LAST_LISTED = 0x80, MAP_FOLLOWS = ART_BLOB_PAGES - 1, IN_ANY = MAP_FOLLOWS | LAST_LISTED };

static uint8_t *put_posting(uint8_t *out, uint32_t feature, const struct posting_form *form) {
    *out++ = (uint8_t)feature;
    if (form->form == FORM_ANY) {
        *out++ = IN_ANY;
    } else if (form->form == FORM_MAP) {
        *out++ = MAP_FOLLOWS;
        art_store64(out, form->pages.bits[0]);
        art_store64(out + 8, form->pages.bits[1]);
        out += ANY_BYTES;
    } else {
        for (unsigned half = 0; half < 2; half++) {
            for (uint64_t bits = form->pages.bits[half]; bits; bits &= bits - 1)
                *out++ = (uint8_t)(64 * half + (unsigned)__builtin_ctzll(bits));
        }
        out[-1] |= LAST_LISTED;
    }
    return out;
}

static bool has_page_left(const struct art_posting *posting, const struct art_pages *any) {
    return posting->pages.bits[0] & ~any->bits[0] || posting->pages.bits[1] & ~any->bits[1];
}

/* Into its place among the group's, which stand before `end`. */
static void insert_posting(struct art_posting *group, uint32_t end, const struct art_posting *posting) {
    uint32_t at = end;
    for (; at && group[at - 1].feature > posting->feature; at--) group[at] = group[at - 1];
    group[at] = *posting;
}

/* Those that are left, by a counting sort of their groups: group g has sorted[begin[g]] to sorted[begin[g + 1]] - 1.
 * Returns the number of groups. */
static uint32_t sort_postings(struct art_postings *postings, const struct art_posting_table *table,
                              const struct art_pages *any) {
    uint32_t left = 0;
    struct art_posting *unsorted = postings->unsorted;
    for (uint32_t i = 0; i <= table->mask; i++) {
        if (has_page_left(&table->posting[i], any)) unsorted[left++] = table->posting[i];
    }
    uint32_t groups = groups_of(left), *begin = postings->begin, *count = begin + groups + 1;
    memset(begin, 0, (2 * groups + 1) * sizeof *begin);
    for (uint32_t i = 0; i < left; i++) begin[group_of(unsorted[i].feature, groups) + 1]++;
    for (uint32_t g = 0; g < groups; g++) begin[g + 1] += begin[g];
    for (uint32_t i = 0; i < left; i++) {
        uint32_t g = group_of(unsorted[i].feature, groups);
        insert_posting(postings->sorted + begin[g], count[g]++, &unsorted[i]);
    }
    return groups;
}

static enum art_rc reserve_sorting(struct art_postings *postings, uint32_t count) {
    enum art_rc rc = art_grow(&postings->sorted, &postings->sorted_room, count, sizeof *postings->sorted);
    if (!rc) rc = art_grow(&postings->unsorted, &postings->unsorted_room, count, sizeof *postings->unsorted);
    uint32_t places = 2 * groups_of(count) + 1;
    return rc ? rc : art_grow(&postings->begin, &postings->begin_room, places, sizeof *postings->begin);
}

/* Returns where the table ends; its head is `head`. */
static uint8_t *write_table(struct art_postings *postings, const struct art_posting_table *table, uint32_t leaf_pages,
                            uint8_t *head, uint8_t *out) {
    struct art_pages any = choose_marked(postings, table, leaf_pages);
    uint32_t groups = sort_postings(postings, table, &any);
    uint8_t *begin = out, *data = out + 2 * (groups + 1) + ANY_BYTES, *at = data;
    art_store64(data - ANY_BYTES, any.bits[0]);
    art_store64(data - ANY_BYTES + 8, any.bits[1]);
    art_store16(begin, 0);
    for (uint32_t group = 0; group < groups; group++) {
        for (uint32_t i = postings->begin[group]; i < postings->begin[group + 1]; i++) {
            struct posting_form form = form_of(&postings->sorted[i], &any, leaf_pages);
            at = put_posting(at, postings->sorted[i].feature, &form);
        }
        if ((at - data) % 2) *at++ = 0;
        art_store16(begin + 2 * (group + 1), (uint32_t)(at - data) / 2);
    }
    assert((at - data) / 2 <= UINT16_MAX);
    art_store16(head, groups);
    art_store16(head + 2, (uint32_t)(at - data) / 2);
    return at;
}

enum art_rc art_postings_write(struct art_postings *postings, uint32_t leaf_pages, uint8_t *out, uint32_t *bytes) {
    uint8_t *head = out, *at = out + HEAD_BYTES * __builtin_popcount(postings->tables);
    for (unsigned i = 0; i < ART_TABLES_MAX; i++) {
        if (!has_table(postings->tables, i)) continue;
        const struct art_posting_table *table = postings->table[i];
        enum art_rc rc = reserve_sorting(postings, table->count);
        if (rc) return rc;
        at = write_table(postings, table, leaf_pages, head, at);
        head += HEAD_BYTES;
    }
    *bytes = (uint32_t)(at - out);
    return ART_OK;
}

/* --- of a blob ---------------------------------------------------------------------------------------------------- */

static uint32_t table_bytes(const uint8_t *head) {
    return 2 * (art_load16(head) + 1) + ANY_BYTES + 2 * art_load16(head + 2);
}

uint32_t art_postings_measure(const uint8_t *at, uint32_t room, uint32_t tables) {
    uint32_t n = (uint32_t)__builtin_popcount(tables), bytes = HEAD_BYTES * n;
    if (bytes > room) return 0;
    for (uint32_t i = 0; i < n; i++) {
        bytes += table_bytes(at + HEAD_BYTES * i);
        if (bytes > room) return 0;
    }
    return bytes;
}

struct art_bytes art_blob_postings(const struct art_blob *blob) {
    const uint8_t *at = blob->image + blob->postings;
    return art_bytes(at, art_postings_measure(at, blob->routing - blob->postings, art_measures_tables(blob->has)));
}

/* One table. */
struct posting_part {
    const uint8_t *begin, *data;
    uint32_t groups, units;
};

static struct posting_part find_part(const struct art_blob *blob, unsigned table) {
    uint32_t tables = art_measures_tables(blob->has), before = tables & ((1u << table) - 1);
    const uint8_t *head = blob->image + blob->postings, *begin = head + HEAD_BYTES * __builtin_popcount(tables);
    assert(has_table(tables, table));
    for (; before; before &= before - 1, head += HEAD_BYTES) begin += table_bytes(head);
    uint32_t groups = art_load16(head);
    return (struct posting_part){begin, begin + 2 * (groups + 1) + ANY_BYTES, groups, art_load16(head + 2)};
}

static const struct art_pages all_pages = {{UINT64_MAX, UINT64_MAX}};

static struct art_pages pages_at(const uint8_t *at) {
    return (struct art_pages){{art_load64(at), art_load64(at + 8)}};
}

static inline void add_pages(struct art_pages *to, struct art_pages more) {
    to->bits[0] |= more.bits[0];
    to->bits[1] |= more.bits[1];
}

/* Adds the pages of one posting, behind its print; returns where it ends. A forged one that leaves its group: any. */
static const uint8_t *read_posting(const uint8_t *at, const uint8_t *end, struct art_pages *pages) {
    if (at < end && *at == IN_ANY) {
        *pages = all_pages;
        return at + 1;
    }
    if (at < end && *at == MAP_FOLLOWS) {
        if (end - at > ANY_BYTES) {
            add_pages(pages, pages_at(at + 1));
            return at + 1 + ANY_BYTES;
        }
        at = end;
    }
    while (at < end) {
        uint8_t page = *at++;
        set_page(pages, page & (LAST_LISTED - 1));
        if (page & LAST_LISTED) return at;
    }
    *pages = all_pages;
    return end;
}

/* All pages in which a row may have the feature. */
static struct art_pages pages_with_feature(const struct posting_part *part, uint32_t feature) {
    struct art_pages pages = pages_at(part->data - ANY_BYTES), others = {{0, 0}};
    if (!part->groups) return pages;
    feature = not_zero(feature);
    uint32_t group = group_of(feature, part->groups);
    uint32_t from = art_load16(part->begin + 2 * group), to = art_load16(part->begin + 2 * group + 2);
    if (from > to || to > part->units) return all_pages; /* forged */
    const uint8_t *at = part->data + 2 * from, *end = part->data + 2 * to;
    while (end - at >= 2) {
        bool same = *at++ == (uint8_t)feature;
        at = read_posting(at, end, same ? &pages : &others);
    }
    return pages;
}

static void keep_pages(struct art_pages *pages, struct art_pages kept) {
    pages->bits[0] &= kept.bits[0];
    pages->bits[1] &= kept.bits[1];
}

static bool is_empty(const struct art_pages *pages) {
    return !(pages->bits[0] | pages->bits[1]);
}

static struct art_pages pages_by_table(const struct art_blob *blob, const struct art_sought *sought) {
    struct posting_part part = find_part(blob, sought->table);
    struct art_pages pages = {{0, 0}};
    if (sought->table >= ART_TABLE_SEARCHES) {
        pages = all_pages;
        for (uint32_t i = 0; i < sought->count && !is_empty(&pages); i++)
            keep_pages(&pages, pages_with_feature(&part, sought->feature[i]));
        return pages;
    }
    for (uint32_t i = 0; i < sought->count; i++) add_pages(&pages, pages_with_feature(&part, sought->feature[i]));
    return pages;
}

struct art_pages art_blob_pages_sought(const struct art_blob *blob, const struct art_limits *limits) {
    struct art_pages all = all_pages;
    for (unsigned i = 0; blob->postings && i < limits->sought_count && !is_empty(&all); i++)
        keep_pages(&all, pages_by_table(blob, &limits->sought[i]));
    return all;
}

/* Of each blob three places are read that depend on each other, and none is in the processor's cache. So each is asked
 * for in all blobs before the next is read in any. */
static void fetch_ahead(const struct art_blob *const *blobs, uint32_t count, const struct art_sought *sought) {
    for (uint32_t i = 0; i < count; i++) __builtin_prefetch(blobs[i]->image + blobs[i]->postings);
    for (unsigned step = 0; step < 2; step++) {
        for (uint32_t i = 0; i < count; i++) {
            if (!blobs[i]->postings) continue;
            struct posting_part part = find_part(blobs[i], sought->table);
            uint32_t group = group_of(sought->feature[0], part.groups);
            const uint8_t *begin = part.begin + 2 * group;
            __builtin_prefetch(step && part.groups ? part.data + 2 * art_load16(begin) : begin);
        }
    }
}

uint32_t art_blobs_first_sought(const struct art_blob *const *blobs, uint32_t count, const struct art_limits *limits) {
    uint32_t first = 0;
    if (count > 1) fetch_ahead(blobs, count, &limits->sought[0]);
    for (; first < count; first++) {
        struct art_pages pages = art_blob_pages_sought(blobs[first], limits);
        if (!is_empty(&pages)) break;
    }
    return first;
}
