#include "tests/fuzz/parcel.h"

#include <stdlib.h>

#include "core/blob/blob_format.h"
#include "core/memtable/redo_reader.h"

static const char hash_name[] = "hash of slot", ref_name[] = "refs to slot";
enum { NAME_TEXT = 12, LAST_PAGE = ART_BLOB_PAGES - 1, TRAILER_FROM = offsetof(struct art_blob_trailer, magic) };
_Static_assert(sizeof hash_name == NAME_TEXT + 1 && sizeof ref_name == NAME_TEXT + 1, "names of hashes");
_Static_assert(sizeof(struct art_blob_trailer) - TRAILER_FROM == PARCEL_TRAILER, "a trailer without hashes");

void parcel_read(struct parcel *parcel, uint8_t *data, size_t size) {
    parcel->count = 0;
    while (size >= PARCEL_HEAD && parcel->count < PARCEL_SECTIONS) {
        uint32_t len = art_load32(data) >> 8;
        if (len > size - PARCEL_HEAD) len = (uint32_t)(size - PARCEL_HEAD);
        parcel->sections[parcel->count++] = (struct parcel_section){data[0], data + PARCEL_HEAD, len};
        data += PARCEL_HEAD + len;
        size -= PARCEL_HEAD + len;
    }
}

struct parcel_section *parcel_find(struct parcel *parcel, enum parcel_kind kind) {
    for (unsigned i = 0; i < parcel->count; i++) {
        if (parcel->sections[i].kind == kind) return &parcel->sections[i];
    }
    return NULL;
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

/* `at` is where the hash stands in a reference. */
static void resolve_name(const struct parcel_place *place, uint8_t *data, size_t len, size_t at) {
    bool whole = data[at] == ref_name[0];
    uint32_t slot = art_load32(data + at + NAME_TEXT);
    static const struct art_hash128 none;
    bool known = slot < PARCEL_SLOTS && place->known[slot];
    struct art_hash128 hash = known ? place->hash[slot] : none;
    art_store64(data + at, hash.low);
    art_store64(data + at + 8, hash.high);
    enum { BEFORE = offsetof(struct art_ref_format, hash_low) };
    if (!whole || !known || at < BEFORE) return;
    struct art_blob_trailer trailer;
    memcpy((uint8_t *)&trailer + TRAILER_FROM, place->trailer[slot], PARCEL_TRAILER);
    struct art_ref_format *ref = &(struct art_ref_format){.hash_low = hash.low,
                                                          .hash_high = hash.high,
                                                          .columns = trailer.columns,
                                                          .sums = trailer.sums,
                                                          .lookups = trailer.lookups,
                                                          .searches = trailer.searches};
#define FACT_OF_TRAILER(fact, stored, ...) ref->stored = (__typeof__(ref->stored))trailer.stored;
    ART_BLOB_FACTS(FACT_OF_TRAILER)
    ref->slot = slot;
    /* Sums and zones follow, where the reference had as many. */
    uint8_t *here = data + at - BEFORE;
    struct art_measures has = ART_STORED_MEASURES(&trailer);
    bool alike = here[offsetof(struct art_ref_format, columns)] == has.columns &&
                 here[offsetof(struct art_ref_format, sums)] == has.sums;
    uint32_t summed = art_measures_are_sane(has) ? art_summed_bytes(has) : 0;
    memcpy(here, ref, sizeof *ref);
    if (alike && summed <= len - (at - BEFORE) - sizeof *ref) memcpy(here + sizeof *ref, place->summed[slot], summed);
}

static bool is_name(const uint8_t *data) {
    if (data[4] != ' ' || data[7] != ' ') return false; /* in both, and seldom elsewhere */
    return !memcmp(data, hash_name, NAME_TEXT) || !memcmp(data, ref_name, NAME_TEXT);
}

void parcel_resolve(const struct parcel_place *place, uint8_t *data, size_t len) {
    enum { BEHIND = ART_REF_FIXED_BYTES - offsetof(struct art_ref_format, hash_low) };
    for (size_t at = 0; at + BEHIND <= len; at++) {
        if (is_name(data + at)) resolve_name(place, data, len, at);
    }
}

static uint32_t page_number(uint32_t index, uint32_t leaf_pages, uint32_t footer_pages) {
    return index < leaf_pages ? index : ART_BLOB_PAGES - footer_pages + (index - leaf_pages);
}

struct packed_blob {
    uint32_t slot, leaf_pages, footer_pages;
    const uint8_t *at, *end;
};

static bool begin_blob(const struct parcel_section *section, struct packed_blob *blob) {
    if (section->len < PARCEL_BLOB_FIXED) return false;
    const uint8_t *p = section->data;
    *blob = (struct packed_blob){art_load32(p), p[4] % ART_BLOB_PAGES, p[5] % ART_BLOB_PAGES, p + PARCEL_BLOB_FIXED,
                                 p + section->len};
    if (!blob->footer_pages) blob->footer_pages = 1;
    return blob->slot < PARCEL_SLOTS && blob->leaf_pages + blob->footer_pages <= ART_BLOB_PAGES;
}

/* Fills one page from the parcel; what is missing stays zero. */
static void open_page(struct packed_blob *blob, uint32_t number, uint8_t *page) {
    uint32_t left = (uint32_t)(blob->end - blob->at), n = left >= 2 ? art_load16(blob->at) : 0;
    if (left < 2) return;
    blob->at += 2;
    left -= 2;
    uint32_t room = number == LAST_PAGE ? ART_TRAILER_AT % ART_BLOB_PAGE : ART_BLOB_PAGE;
    n = art_min32(art_min32(n, left), room);
    bool footer = number >= ART_BLOB_PAGES - blob->footer_pages;
    if (n) memcpy(footer ? page + room - n : page, blob->at, n);
    blob->at += n;
}

/* As art_blob_summed(), of a blob that may lie. */
static void keep_summed(struct parcel_place *place, const struct packed_blob *blob) {
    struct art_blob_trailer trailer;
    memcpy((uint8_t *)&trailer + TRAILER_FROM, place->trailer[blob->slot], PARCEL_TRAILER);
    struct art_measures has = {trailer.columns, trailer.sums, trailer.lookups, trailer.searches};
    uint32_t n = art_measures_are_sane(has) ? art_summed_bytes(has) : 0;
    uint32_t from = ART_BLOB_BYTES - blob->footer_pages * ART_BLOB_PAGE,
             begin = art_trailer_parts(&trailer).begin[ART_PART_SUMMED];
    memset(place->summed[blob->slot], 0, ART_SUMMED_MAX);
    if (begin > ART_TRAILER_AT || begin < from) return;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = begin + i;
        place->summed[blob->slot][i] = place->page(place->context, blob->slot, at / ART_BLOB_PAGE)[at % ART_BLOB_PAGE];
    }
}

bool parcel_open_blob(struct parcel_place *place, const struct parcel_section *section) {
    struct packed_blob blob;
    if (!begin_blob(section, &blob)) return false;
    uint8_t *last = place->page(place->context, blob.slot, LAST_PAGE);
    if (!last) return false;
    struct art_blob_trailer *trailer = (struct art_blob_trailer *)(void *)(last + ART_TRAILER_AT % ART_BLOB_PAGE);
    for (uint32_t i = 0; i < blob.leaf_pages + blob.footer_pages; i++) {
        uint32_t number = page_number(i, blob.leaf_pages, blob.footer_pages);
        uint8_t *page = number == LAST_PAGE ? last : place->page(place->context, blob.slot, number);
        open_page(&blob, number, page);
        parcel_resolve(place, page, number == LAST_PAGE ? ART_TRAILER_AT % ART_BLOB_PAGE : ART_BLOB_PAGE);
        if (number != LAST_PAGE) trailer->page_hash[number] = art_hash64(page, ART_BLOB_PAGE);
    }
    uint32_t left = (uint32_t)(blob.end - blob.at);
    memcpy((uint8_t *)trailer + TRAILER_FROM, blob.at, art_min32(left, PARCEL_TRAILER));
    memcpy(place->trailer[blob.slot], (uint8_t *)trailer + TRAILER_FROM, PARCEL_TRAILER);
    keep_summed(place, &blob);
    place->hash[blob.slot] = art_hash128(last, ART_BLOB_PAGE);
    place->known[blob.slot] = true;
    return true;
}

static void append(struct art_buffer *out, const void *data, size_t len) {
    if (art_buffer_append(out, data, len)) abort();
}

void parcel_open_root(const struct parcel_place *place, const struct parcel_section *section, struct art_buffer *out) {
    out->len = 0;
    append(out, section->data, section->len);
    parcel_resolve(place, out->data, out->len);
    uint64_t sum = art_hash64(out->data, out->len);
    append(out, &sum, sizeof sum);
}

bool parcel_open_row(const struct parcel_section *section, struct art_hash128 *chain, uint64_t *csn,
                     struct art_buffer *out) {
    out->len = 0;
    if (section->len < 8) return false;
    *csn = art_load64(section->data);
    *chain = art_redo_hash(*chain, *csn, section->data + 8, section->len - 8);
    append(out, chain, sizeof *chain);
    append(out, section->data + 8, section->len - 8);
    return true;
}

void parcel_damage(struct parcel_place *place, const struct parcel_section *section) {
    for (uint32_t at = 0; at + 7 <= section->len; at += 7) {
        const uint8_t *p = section->data + at;
        uint32_t slot = art_load32(p), position = 8u * art_load16(p + 4);
        uint8_t *page = slot < PARCEL_SLOTS ? place->page(place->context, slot, position / ART_BLOB_PAGE) : NULL;
        if (page) page[position % ART_BLOB_PAGE] ^= p[6];
    }
}
