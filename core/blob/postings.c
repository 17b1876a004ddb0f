#include "core/blob/postings.h"

#include <assert.h>

#include "core/base/alloc.h"
#include "core/base/buffer.h"
#include "core/base/error.h"
#include "core/blob/simd.h"

static bool has_field(uint32_t fields, unsigned field) {
    return fields >> field & 1;
}

/* --- a blob's, as it is built ------------------------------------------------------------------------------------- */

void art_postings_clear(struct art_postings *postings) {
    for (unsigned i = 0; i < ART_FIELDS_MAX; i++) {
        struct art_posting_field *field = postings->field[i];
        if (!field) continue;
        art_free(field->cell);
        art_free(field->posting);
        art_free(field->pushed);
        art_free(field);
    }
    art_free(postings->scratch);
    memset(postings, 0, sizeof *postings);
}

void art_postings_reset(struct art_postings *postings) {
    postings->rows = postings->last_page = 0;
    memset(postings->rows_in, 0, sizeof postings->rows_in);
    for (unsigned i = 0; i < ART_FIELDS_MAX; i++) {
        struct art_posting_field *field = postings->field[i];
        if (!field) continue;
        field->count = field->bytes = field->pushed_count = 0;
        field->any = (struct art_pages){{0, 0}};
        memset(field->terms, 0, sizeof field->terms);
        if (field->cell) memset(field->cell, 0, (field->mask + 1) * sizeof *field->cell);
    }
}

static bool takes_terms(const struct art_posting_field *field, const struct art_term_set *set) {
    return !set->any && field->count + set->count <= ART_POSTING_TERMS_MAX;
}

static inline struct art_posting_cell *find_cell(const struct art_posting_field *field, uint32_t term) {
    uint32_t at = term & field->mask, there = field->cell[at].term;
    assert(term);
    while (ART_UNLIKELY((uint64_t)there * (there ^ term) != 0)) { /* as in terms.c */
        at = (at + 1) & field->mask;
        there = field->cell[at].term;
    }
    return &field->cell[at];
}

/* At most a quarter of the cells is taken: what is not where it belongs costs most. */
static enum art_rc reserve_cells(struct art_posting_field *field, uint32_t terms) {
    uint32_t cells = field->cell ? field->mask + 1 : 0, need = cells ? cells : 1024;
    assert(!(need & (need - 1)) && terms >= field->count);
    while (need < 4 * terms) need *= 2;
    if (need == cells) return ART_OK;
    struct art_posting_cell *cell = art_alloc_zeroed(need * sizeof *cell);
    if (!cell) return art_nomem();
    art_free(field->cell);
    field->cell = cell;
    field->mask = need - 1;
    for (uint32_t i = 0; i < field->count; i++)
        *find_cell(field, field->posting[i].term) = (struct art_posting_cell){field->posting[i].term, i};
    return ART_OK;
}

/* Of a field without terms, too, for one. */
static enum art_rc reserve_terms(struct art_posting_field *field, uint32_t more) {
    if (!more) more = 1;
    enum art_rc rc = reserve_cells(field, field->count + more);
    if (!rc) rc = art_grow(&field->posting, &field->capacity, field->count + more, sizeof *field->posting);
    if (!rc) rc = art_grow(&field->pushed, &field->pushed_capacity, field->pushed_count + more, sizeof *field->pushed);
    return rc;
}

enum art_rc art_postings_reserve(struct art_postings *postings, const struct art_terms *bucket) {
    enum art_rc rc = ART_OK;
    for (unsigned i = 0; !rc && i < ART_FIELDS_MAX; i++) {
        if (!has_field(postings->fields, i)) continue;
        if (!postings->field[i]) postings->field[i] = art_alloc_zeroed(sizeof *postings->field[i]);
        struct art_posting_field *field = postings->field[i];
        if (!field) return art_nomem();
        const struct art_term_set *set = bucket->set[i];
        rc = reserve_terms(field, takes_terms(field, set) ? set->count : 0);
    }
    return rc;
}

static void set_page(struct art_pages *pages, uint32_t page) {
    pages->bits[page >> 6] |= 1ull << (page & 63);
}

/* The format, as postings.h draws it. */
enum { HEAD_BYTES = 4, ANY_BYTES = ART_BLOB_PAGES / 8, MAP_BYTES = 2 + ANY_BYTES };
enum { IN_A_THIRD = ART_BLOB_PAGES / 3 + 1 }; /* of as many pages as there may be */

/* Whether a term is new, or new in this page, no branch tells. */
static void push_set(struct art_posting_field *field, const struct art_term_set *set, uint32_t page) {
    enum { AHEAD = 8 };
    uint32_t count = field->count, bytes = field->bytes, *pushed = field->pushed + field->pushed_count, n = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        uint32_t term = set->term[i];
        if (i + AHEAD < set->count) __builtin_prefetch(&field->cell[set->term[i + AHEAD] & field->mask], 1);
        struct art_posting_cell *cell = find_cell(field, term);
        uint32_t is_new = !cell->term, number = is_new ? count : cell->number;
        struct art_posting *posting = &field->posting[number];
        uint32_t pages = is_new ? 0 : posting->pages, comes = is_new || posting->last != page;
        pages += comes;
        *cell = (struct art_posting_cell){term, number};
        *posting = (struct art_posting){term, (uint8_t)pages, (uint8_t)page};
        pushed[n] = number;
        n += comes;
        count += is_new;
        bytes += is_new + (comes & (pages <= ART_LISTED_PAGES + 1));
        bytes -= (comes & (pages == IN_A_THIRD)) * (MAP_BYTES - 2);
    }
    field->count = count;
    field->bytes = bytes;
    field->pushed_count += n;
    assert(field->terms[page] + n <= UINT16_MAX); /* pages are written by these counts */
    field->terms[page] = (uint16_t)(field->terms[page] + n);
}

void art_postings_push(struct art_postings *postings, const struct art_terms *bucket, uint32_t rows, uint32_t page) {
    postings->rows += rows;
    postings->rows_in[page] += rows;
    assert(page >= postings->last_page);
    postings->last_page = page;
    for (unsigned i = 0; i < ART_FIELDS_MAX; i++) {
        if (!has_field(postings->fields, i)) continue;
        struct art_posting_field *field = postings->field[i];
        if (takes_terms(field, bucket->set[i])) {
            push_set(field, bucket->set[i], page);
        } else {
            set_page(&field->any, page);
        }
    }
}

static uint32_t groups_of(uint32_t terms) {
    return (terms + ART_GROUP_TERMS - 1) / ART_GROUP_TERMS;
}

static uint32_t bytes_allowed(uint32_t rows) {
    uint64_t bytes = (uint64_t)ART_POSTING_BYTES_A_ROW * rows + ART_POSTING_BYTES_ANYWAY;
    return bytes < ART_POSTING_BYTES_MAX ? (uint32_t)bytes : ART_POSTING_BYTES_MAX;
}

/* More than they are worth. */
static bool is_crowded(const struct art_postings *postings, const struct art_posting_field *field, uint32_t page) {
    return field->terms[page] > ART_POSTING_BYTES_A_ROW * postings->rows_in[page];
}

/* What a field takes at most whose crowded pages will be marked: each term of another page two bytes. The last page
 * may get more rows, and then be none. */
static uint32_t bytes_when_marked(const struct art_postings *postings, const struct art_posting_field *field) {
    uint32_t terms = 0;
    for (uint32_t page = 0; page <= postings->last_page; page++) {
        if (page == postings->last_page || !is_crowded(postings, field, page)) terms += field->terms[page];
    }
    return 2 * terms;
}

uint32_t art_postings_bytes(const struct art_postings *postings, const struct art_terms *more, uint32_t rows) {
    uint32_t bytes = 0, allowed = bytes_allowed(postings->rows + rows);
    for (unsigned i = 0; i < ART_FIELDS_MAX; i++) {
        if (!has_field(postings->fields, i)) continue;
        const struct art_posting_field *field = postings->field[i];
        uint32_t fresh = more && !more->set[i]->any ? more->set[i]->count : 0;
        uint32_t data = field ? field->bytes : 0;
        if (data > allowed) data = bytes_when_marked(postings, field);
        data = art_min32(data + 2 * fresh, allowed);
        uint32_t groups = groups_of(art_min32((field ? field->count : 0) + fresh, data / 2));
        bytes += HEAD_BYTES + 2 * (groups + 1) + ANY_BYTES + data + groups;
    }
    return bytes;
}

bool art_postings_are_full(const struct art_postings *postings, const struct art_terms *more, uint32_t rows) {
    uint64_t worth = (uint64_t)ART_POSTING_BYTES_A_ROW * (postings->rows + rows);
    for (unsigned i = 0; i < ART_FIELDS_MAX; i++) {
        if (!has_field(postings->fields, i) || !postings->field[i] || more->set[i]->any) continue;
        uint64_t bytes = postings->field[i]->bytes + 2ull * more->set[i]->count;
        if (bytes > ART_POSTING_BYTES_MAX && bytes <= worth) return true;
    }
    return false;
}

/* --- writing them ------------------------------------------------------------------------------------------------- */

/* In the byte of a page, which has a number below 128. */
enum { LAST_LISTED = 0x80, MAP_FOLLOWS = ART_BLOB_PAGES - 1, IN_ANY = MAP_FOLLOWS | LAST_LISTED };

static inline bool tells_nothing(const struct art_posting *posting, uint32_t leaf_pages) {
    return 3u * posting->pages >= leaf_pages;
}

/* Bytes of a posting, of so many leaf pages, with `left` pages that are not marked as having any. */
static inline uint32_t posting_bytes(const struct art_posting *posting, uint32_t left, uint32_t leaf_pages) {
    if (!left) return 0;
    if (tells_nothing(posting, leaf_pages)) return 2;
    return left <= ART_LISTED_PAGES ? 1 + left : MAP_BYTES;
}

/* left[number]: of a posting's pages those that are not marked. Returns the bytes of all. */
static uint32_t count_left(const struct art_posting_field *field, const struct art_pages *any, uint32_t leaf_pages,
                           uint32_t *left) {
    const uint32_t *pushed = field->pushed;
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < field->count; i++) left[i] = field->posting[i].pages;
    for (uint32_t page = 0; page < leaf_pages; pushed += field->terms[page++]) {
        for (uint32_t i = 0; art_pages_has(any, page) && i < field->terms[page]; i++) left[pushed[i]]--;
    }
    for (uint32_t i = 0; i < field->count; i++) bytes += posting_bytes(&field->posting[i], left[i], leaf_pages);
    return bytes;
}

/* Which pages are marked as having any term, and what is left of the others. */
static struct art_pages choose_marked(const struct art_postings *postings, const struct art_posting_field *field,
                                      uint32_t leaf_pages, uint32_t *left) {
    struct art_pages any = field->any;
    uint32_t allowed = bytes_allowed(postings->rows);
    bool too_many = field->bytes > allowed;
    for (uint32_t page = 0; page < leaf_pages; page++) {
        if (too_many && is_crowded(postings, field, page)) set_page(&any, page);
    }
    if (count_left(field, &any, leaf_pages, left) <= allowed || !too_many) return any;
    for (uint32_t page = 0; page < leaf_pages; page++) set_page(&any, page);
    count_left(field, &any, leaf_pages, left);
    return any;
}

static uint32_t group_of(uint32_t term, uint32_t groups) {
    return (uint32_t)((uint64_t)term * groups >> 32);
}

/* A term, and below it the number of its posting. */
typedef uint64_t sortable;

/* By the terms, three times by eleven bits: they are in `spare` then. */
static void sort_terms(sortable *from, sortable *spare, uint32_t count) {
    enum { BITS = 11, PASSES = 3, DIGITS = 1 << BITS };
    uint32_t begin[PASSES][DIGITS] = {{0}};
    for (uint32_t i = 0; i < count; i++) {
        for (unsigned p = 0; p < PASSES; p++) begin[p][from[i] >> (32 + p * BITS) & (DIGITS - 1)]++;
    }
    for (unsigned p = 0; p < PASSES; p++) {
        for (uint32_t digit = 0, at = 0; digit < DIGITS; digit++) {
            uint32_t n = begin[p][digit];
            begin[p][digit] = at;
            at += n;
        }
        for (uint32_t i = 0; i < count; i++) spare[begin[p][from[i] >> (32 + p * BITS) & (DIGITS - 1)]++] = from[i];
        sortable *sorted = spare;
        spare = from;
        from = sorted;
    }
}

/* Of each posting where its pages go, in bytes from the field's beginning, twice, and whether they are listed. */
enum { LISTED = 1 };

/* All but the pages. at[number]: where they go; `nowhere`: 16 bytes for those that nobody wants to see. Returns where
 * the field ends. */
static uint8_t *put_groups(const struct art_posting_field *field, uint32_t leaf_pages, const sortable *sorted,
                           uint32_t count, uint32_t groups, const uint32_t *left, uint32_t *at, uint8_t *out) {
    uint8_t *nowhere = out + 2 * (groups + 1), *data = nowhere + ANY_BYTES, *to = data;
    art_store16(out, 0);
    for (uint32_t group = 0, i = 0; group < groups; group++) {
        for (; i < count && group_of((uint32_t)(sorted[i] >> 32), groups) == group; i++) {
            uint32_t number = (uint32_t)sorted[i], is_map = left[number] > ART_LISTED_PAGES;
            bool is_any = tells_nothing(&field->posting[number], leaf_pages);
            uint8_t *pages = is_any ? nowhere : to + 1 + is_map;
            at[number] = (uint32_t)(pages - out) << 1 | (is_any || is_map ? 0 : LISTED);
            to[0] = (uint8_t)(sorted[i] >> 32);
            if (is_map && !is_any) memset(pages, 0, ANY_BYTES);
            if (is_map || is_any) to[1] = is_any ? IN_ANY : MAP_FOLLOWS;
            to += posting_bytes(&field->posting[number], left[number], leaf_pages);
        }
        if ((to - data) % 2) *to++ = 0;
        art_store16(out + 2 * (group + 1), (uint32_t)(to - data) / 2);
    }
    return to;
}

/* Each page to its postings; a list ends where at[number] is then. No branch tells lists from maps. */
static void put_pages(const struct art_posting_field *field, const struct art_pages *any, uint32_t leaf_pages,
                      uint32_t *at, uint8_t *out) {
    const uint32_t *pushed = field->pushed;
    for (uint32_t page = 0; page < leaf_pages; pushed += field->terms[page++]) {
        for (uint32_t i = 0; i < field->terms[page] && !art_pages_has(any, page); i++) {
            uint32_t to = at[pushed[i]], listed = to & LISTED;
            uint8_t *byte = out + to / 2 + (listed ? 0 : page / 8), bit = (uint8_t)(1u << page % 8);
            *byte = listed ? (uint8_t)page : *byte | bit;
            at[pushed[i]] = to + 2 * listed;
        }
    }
}

/* Returns where the field ends; its head is `head`. */
static uint8_t *write_field(struct art_postings *postings, const struct art_posting_field *field, uint32_t leaf_pages,
                            uint8_t *head, uint8_t *out) {
    sortable *unsorted = (sortable *)(void *)postings->scratch, *sorted = unsorted + field->count;
    uint32_t *left = (uint32_t *)(void *)(sorted + field->count), *at = left + field->count, count = 0;
    struct art_pages any = choose_marked(postings, field, leaf_pages, left);
    for (uint32_t i = 0; i < field->count; i++) {
        unsorted[count] = (sortable)field->posting[i].term << 32 | i;
        count += left[i] > 0;
    }
    sort_terms(unsorted, sorted, count);
    uint32_t groups = groups_of(count);
    uint8_t *data = out + 2 * (groups + 1) + ANY_BYTES;
    uint8_t *end = put_groups(field, leaf_pages, sorted, count, groups, left, at, out);
    put_pages(field, &any, leaf_pages, at, out);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t to = at[(uint32_t)sorted[i]];
        if (to & LISTED) out[to / 2 - 1] |= LAST_LISTED;
    }
    art_store64(data - ANY_BYTES, any.bits[0]);
    art_store64(data - ANY_BYTES + 8, any.bits[1]);
    assert((end - data) / 2 <= UINT16_MAX);
    art_store16(head, groups);
    art_store16(head + 2, (uint32_t)(end - data) / 2);
    return end;
}

enum art_rc art_postings_write(struct art_postings *postings, uint32_t leaf_pages, uint8_t *out, uint32_t *bytes) {
    uint8_t *head = out, *at = out + HEAD_BYTES * __builtin_popcount(postings->fields);
    for (unsigned i = 0; i < ART_FIELDS_MAX; i++) {
        if (!has_field(postings->fields, i)) continue;
        const struct art_posting_field *field = postings->field[i];
        enum { TWO_SORTABLES_AND_TWO_NUMBERS = 6 }; /* in numbers of 32 bits */
        uint32_t need = TWO_SORTABLES_AND_TWO_NUMBERS * field->count + 1;
        enum art_rc rc = art_grow(&postings->scratch, &postings->scratch_capacity, need, sizeof *postings->scratch);
        if (rc) return rc;
        at = write_field(postings, field, leaf_pages, head, at);
        head += HEAD_BYTES;
    }
    *bytes = (uint32_t)(at - out);
    assert(*bytes <= art_postings_bytes(postings, NULL, 0));
    assert(*bytes == art_postings_measure(out, *bytes, postings->fields));
    return ART_OK;
}

/* --- of a blob ---------------------------------------------------------------------------------------------------- */

static uint32_t table_bytes(const uint8_t *head) {
    return 2 * (art_load16(head) + 1) + ANY_BYTES + 2 * art_load16(head + 2);
}

/* By heads that lie so far from each other. */
static uint32_t measure_by_heads(const uint8_t *heads, uint32_t stride, uint32_t capacity, uint32_t fields) {
    uint32_t n = (uint32_t)__builtin_popcount(fields), bytes = HEAD_BYTES * n;
    for (uint32_t i = 0; bytes <= capacity && i < n; i++) bytes += table_bytes(heads + stride * i);
    return bytes <= capacity ? bytes : 0;
}

uint32_t art_postings_measure(const uint8_t *at, uint32_t capacity, uint32_t fields) {
    return measure_by_heads(at, HEAD_BYTES, capacity, fields);
}

void art_postings_copy_heads(struct art_bytes postings, struct art_measures has, uint8_t *out) {
    uint32_t n = (uint32_t)__builtin_popcount(art_measures_fields(has));
    const uint8_t *head = postings.data, *data = head + HEAD_BYTES * n;
    for (; n--; head += HEAD_BYTES, out += HEAD_BYTES + ANY_BYTES) {
        memcpy(out, head, HEAD_BYTES);
        memcpy(out + HEAD_BYTES, data + 2 * (art_load16(head) + 1), ANY_BYTES);
        data += table_bytes(head);
    }
}

struct art_bytes art_blob_postings(const struct art_blob *blob) {
    const uint8_t *at = blob->image + blob->postings;
    return art_bytes(at, art_postings_measure(at, blob->postings_end - blob->postings, art_measures_fields(blob->has)));
}

/* Bytes of the postings are looked at once their pages are there. */
static inline enum art_rc want_bytes(struct art_blob *blob, const uint8_t *at, uint32_t len) {
    return art_blob_want_bytes(blob, (uint32_t)(at - blob->image), len);
}

/* They are in the blob's head, or in front of the postings. */
struct heads {
    const uint8_t *at;
    uint32_t stride;
};
static inline struct heads heads_of(const struct art_blob *blob) {
    if (blob->at.heads) return (struct heads){blob->image + blob->at.heads, HEAD_BYTES + ANY_BYTES};
    return (struct heads){blob->image + blob->postings, HEAD_BYTES};
}

/* The heads of all fields say whether all of them lie in the footer. */
static enum art_rc want_heads(struct art_blob *blob) {
    uint32_t fields = art_measures_fields(blob->has), bytes = HEAD_BYTES * (uint32_t)__builtin_popcount(fields);
    if (blob->postings_there) return ART_OK;
    uint32_t room = blob->postings_end - blob->postings;
    const struct heads heads = heads_of(blob);
    enum art_rc rc = bytes <= room ? want_bytes(blob, heads.at, bytes) : ART_OK;
    if (rc) return rc;
    blob->postings_there = measure_by_heads(heads.at, heads.stride, room, fields) > 0;
    if (blob->postings_there) return ART_OK;
    return art_corrupt(blob->file, blob->slot, ART_BLOB_PAGES - 1, "blob trailer: the postings leave the footer");
}

enum art_rc art_blob_want_postings(struct art_blob *blob) {
    struct art_pages pages = art_blob_postings_pages(blob);
    enum art_rc rc = blob->postings ? art_blob_want_pages(blob, &pages) : ART_OK;
    return rc ? rc : want_heads(blob);
}

/* One field. */
struct posting_part {
    const uint8_t *begin, *any, *data;
    uint32_t groups, units;
};

static struct posting_part find_part(const struct art_blob *blob, unsigned field) {
    uint32_t fields = art_measures_fields(blob->has), before = fields & ((1u << field) - 1);
    const struct heads heads = heads_of(blob);
    const uint8_t *head = heads.at, *begin = blob->image + blob->postings + HEAD_BYTES * __builtin_popcount(fields);
    assert(has_field(fields, field) && blob->postings_there);
    for (; before; before &= before - 1, head += heads.stride) begin += table_bytes(head);
    uint32_t groups = art_load16(head);
    const uint8_t *data = begin + 2 * (groups + 1) + ANY_BYTES,
                  *any = blob->at.heads ? head + HEAD_BYTES : data - ANY_BYTES;
    return (struct posting_part){begin, any, data, groups, art_load16(head + 2)};
}

static const struct art_pages all_pages = {{UINT64_MAX, UINT64_MAX}};

static struct art_pages pages_at(const uint8_t *at) {
    return (struct art_pages){{art_load64(at), art_load64(at + 8)}};
}

/* Adds the pages of one posting, behind its print; returns where it ends. A forged one that leaves its group: any. */
static const uint8_t *read_posting(const uint8_t *at, const uint8_t *end, struct art_pages *pages) {
    if (at < end && *at == IN_ANY) {
        *pages = all_pages;
        return at + 1;
    }
    if (at < end && *at == MAP_FOLLOWS) {
        if (end - at > ANY_BYTES) {
            art_pages_join(pages, (struct art_pages[]){pages_at(at + 1)});
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

/* All pages in which a row may have the term; `any`: those that may have any. */
static enum art_rc pages_with_term(struct art_blob *blob, const struct posting_part *part, uint32_t term,
                                   const struct art_pages *any, struct art_pages *pages) {
    struct art_pages others = {{0, 0}};
    *pages = *any;
    if (!part->groups) return ART_OK;
    term = art_term_not_zero(term);
    uint32_t group = group_of(term, part->groups);
    enum art_rc rc = want_bytes(blob, part->begin + 2 * group, 4);
    if (ART_UNLIKELY(rc)) return rc;
    uint32_t from = art_load16(part->begin + 2 * group), to = art_load16(part->begin + 2 * group + 2);
    if (from > to || to > part->units) { /* forged */
        *pages = all_pages;
        return ART_OK;
    }
    const uint8_t *at = part->data + 2 * from, *end = part->data + 2 * to;
    if (from < to) rc = want_bytes(blob, at, 2 * (to - from));
    while (!rc && end - at >= 2) {
        bool same = *at++ == (uint8_t)term;
        at = read_posting(at, end, same ? pages : &others);
    }
    return rc;
}

static void keep_pages(struct art_pages *pages, struct art_pages kept) {
    pages->bits[0] &= kept.bits[0];
    pages->bits[1] &= kept.bits[1];
}

static bool is_empty(const struct art_pages *pages) {
    return !(pages->bits[0] | pages->bits[1]);
}

/* Of a search, of which a row has all terms, the first that no page has ends it. */
static enum art_rc pages_by_field(struct art_blob *blob, const struct art_term_query *query, struct art_pages *out) {
    assert(query->count);
    bool all = query->field >= ART_FIELD_SEARCHES;
    struct posting_part part = find_part(blob, query->field);
    enum art_rc rc = want_bytes(blob, part.any, ANY_BYTES);
    if (rc) return rc;
    struct art_pages any = pages_at(part.any), pages;
    uint32_t least = ART_BLOB_PAGES + 1, rarest = 0;
    *out = all ? all_pages : any;
    for (uint32_t i = 0; !rc && i < query->count && !(all && is_empty(out)); i++) {
        rc = pages_with_term(blob, &part, query->term[i], &any, &pages);
        uint32_t count = art_pages_count(&pages, ART_BLOB_PAGES);
        if (all && count < least) rarest = i;
        if (count < least) least = count;
        if (all) {
            keep_pages(out, pages);
        } else {
            art_pages_join(out, &pages);
        }
    }
    uint32_t first = query->term[0]; /* of the next blob the rarest is asked first: it may need no other */
    query->term[0] = query->term[rarest];
    query->term[rarest] = first;
    return rc;
}

enum art_rc art_blob_pages_with_terms(struct art_blob *blob, const struct art_limits *limits, struct art_pages *out) {
    *out = all_pages;
    if (!blob->postings || !limits->query_count) return ART_OK;
    enum art_rc rc = want_heads(blob);
    for (unsigned i = 0; !rc && i < limits->query_count && !is_empty(out); i++) {
        struct art_pages pages;
        rc = pages_by_field(blob, &limits->queries[i], &pages);
        if (!rc) keep_pages(out, pages);
    }
    return rc;
}

/* Of each blob three spots are read that depend on each other, and none is in the processor's cache. So each is asked
 * for in all blobs before the next is read in any. What is not there is not asked for. */
static void fetch_ahead(struct art_blob *const *blobs, uint32_t count, const struct art_term_query *query) {
    for (uint32_t i = 0; i < count; i++) __builtin_prefetch(blobs[i]->image + blobs[i]->postings);
    for (unsigned step = 0; step < 2; step++) {
        for (uint32_t i = 0; i < count; i++) {
            if (!blobs[i]->postings || !blobs[i]->postings_there) continue;
            struct posting_part part = find_part(blobs[i], query->field);
            uint32_t group = group_of(query->term[0], part.groups);
            const uint8_t *begin = part.begin + 2 * group;
            bool reads =
                step && part.groups && art_page_present(blobs[i], (uint32_t)(begin - blobs[i]->image) / ART_BLOB_PAGE);
            __builtin_prefetch(reads ? part.data + 2 * art_load16(begin) : begin);
        }
    }
}

enum art_rc art_blobs_first_with_terms(struct art_blob *const *blobs, uint32_t count, const struct art_limits *limits,
                                       uint32_t *first) {
    *first = 0;
    if (count > 1) fetch_ahead(blobs, count, &limits->queries[0]);
    for (; *first < count; (*first)++) {
        struct art_pages pages;
        enum art_rc rc = art_blob_pages_with_terms(blobs[*first], limits, &pages);
        if (rc || !is_empty(&pages)) return rc;
    }
    return ART_OK;
}
