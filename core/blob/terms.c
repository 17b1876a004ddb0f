#include "core/blob/terms.h"

#include <assert.h>
#include <stdio.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/base/limits.h"
#include "core/base/value_hash.h"
#include "core/blob/simd.h"

enum { CUT_BYTES_MAX = ART_STORED_MAX }; /* a longer text, which is a key, counts as having all */
_Static_assert(CUT_BYTES_MAX + 1 <= (int)ART_BUCKET_TEXT_BYTES, "what is cut leaves room for any text and its end");
_Static_assert(ART_LIMIT_MOST(bucket_terms) <= (int)ART_BUCKET_TERMS, "a set has room for them");
_Static_assert((int)ART_BUCKET_VALUES <= (int)ART_BUCKET_TERMS, "a set has room for either kind of terms");

enum art_rc art_terms_open(struct art_terms *terms, uint32_t fields) {
    for (unsigned i = 0; i < ART_FIELDS_MAX; i++) {
        if (!(fields >> i & 1) || terms->set[i]) continue;
        terms->set[i] = art_alloc(sizeof *terms->set[i]);
        if (!terms->set[i]) return art_nomem();
        terms->set[i]->mask = 2 * (i < ART_FIELD_SEARCHES ? ART_BUCKET_VALUES : ART_LIMIT(bucket_terms)) - 1;
    }
    if (fields >> ART_FIELD_SEARCHES && !terms->cut) {
        terms->cut = art_alloc(ART_BUCKET_TEXT_BYTES * sizeof *terms->cut);
        if (!terms->cut) return art_nomem();
    }
    art_terms_reset(terms);
    return ART_OK;
}

void art_terms_clear(struct art_terms *terms) {
    for (unsigned i = 0; i < ART_FIELDS_MAX; i++) art_free(terms->set[i]);
    art_free(terms->cut);
    *terms = (struct art_terms){0};
}

void art_terms_reset(struct art_terms *terms) {
    for (unsigned i = 0; i < ART_FIELDS_MAX; i++) {
        struct art_term_set *set = terms->set[i];
        if (!set) continue;
        set->count = set->texts_len = set->texts_count = 0;
        set->any = false;
        memset(set->cell, 0, (set->mask + 2) * sizeof *set->cell);
    }
}

/* Where a term is or belongs; only 0 belongs to the first cell, and seems to be there already. Most are where they
 * belong or new, and no branch tells which: of `there && there != term` it is foretold wrongly every third time. */
static inline uint32_t find_term(const struct art_term_set *set, uint32_t term) {
    uint32_t at = (term & set->mask) + (term != 0), there = set->cell[at];
    while (ART_UNLIKELY((uint64_t)there * (there ^ term) != 0)) {
        at = (at & set->mask) + 1;
        there = set->cell[at];
    }
    return at;
}

/* So many, for which there is room. */
static void put_terms(struct art_term_set *set, const uint32_t *term, uint32_t n) {
    uint32_t count = set->count;
    assert(count + n <= set->mask / 2 + 1);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = find_term(set, term[i]);
        set->term[count] = term[i];
        count += set->cell[at] != term[i];
        set->cell[at] = term[i];
    }
    set->count = count;
}

static void add_terms(struct art_term_set *set, const uint32_t *term, uint32_t count) {
    while (count && !set->any) {
        uint32_t n = art_min32(count, set->mask / 2 + 1 - set->count);
        put_terms(set, term, n);
        if (!n) set->any = set->cell[find_term(set, term[n++])] != *term;
        term += n;
        count -= n;
    }
}

/* --- of an entry -------------------------------------------------------------------------------------------------- */

static void cut_texts(struct art_terms *terms, struct art_term_set *set, const struct art_summary *summary) {
    struct art_bytes texts = art_bytes(set->texts, set->texts_len);
    uint32_t count = texts.len && !set->any ? summary->cut(texts, set->texts_count, terms->cut) : 0;
    set->texts_len = set->texts_count = 0;
    set->any |= count == ART_CUT_ANY;
    if (!set->any) add_terms(set, terms->cut, count);
}

/* Where the terms of a text begin that are not known: and there begins a character, whatever the text is. */
static uint32_t begin_of_cut(struct art_bytes text, uint32_t known) {
    enum { CHARACTER_BYTES_MAX = 4 };
    uint32_t at = known < ART_CUT_WIDTH ? 0 : known - (ART_CUT_WIDTH - 1), before = at;
    while (at && before - at < CHARACTER_BYTES_MAX - 1 && (text.data[at] & 0xc0) == 0x80) at--;
    return at;
}

static void keep_text(struct art_terms *terms, struct art_term_set *set, const struct art_summary *summary,
                      struct art_bytes text, uint32_t known) {
    if (set->any) return;
    if (text.len > CUT_BYTES_MAX) {
        set->any = true;
        return;
    }
    uint32_t from = begin_of_cut(text, known), len = text.len - from;
    assert(known <= text.len);
    if (set->texts_len + len + 1 > ART_BUCKET_TEXT_BYTES) cut_texts(terms, set, summary);
    assert(set->texts_len + len < ART_BUCKET_TEXT_BYTES);
    uint8_t *to = set->texts + set->texts_len;
    if (len) memcpy(to, text.data + from, len);
    to[len] = ART_TEXT_END;
    set->texts_len += len + 1;
    set->texts_count++;
}

/* A number's text is that which the host would make of it, and nobody knows that of one with a fraction. */
static void add_searched(struct art_terms *terms, struct art_term_set *set, const struct art_summary *summary,
                         const struct art_datum *datum) {
    char digits[24];
    if (datum->kind == ART_DATUM_NULL) return;
    if (datum->kind == ART_DATUM_INTEGER) {
        int len = snprintf(digits, sizeof digits, "%lld", (long long)datum->integer);
        keep_text(terms, set, summary, art_bytes(digits, (uint32_t)len), 0);
    } else if (datum->kind == ART_DATUM_REAL || datum->by == ART_BY_HASHES) {
        set->any = true;
    } else {
        keep_text(terms, set, summary, datum->bytes, 0);
    }
}

/* 0 stands for none. */
static void add_looked_up(struct art_term_set *set, const struct art_datum *datum) {
    uint32_t hash[ART_VALUE_HASHES];
    unsigned count = art_value_hashes(datum, hash);
    for (unsigned k = 0; k < count; k++) hash[k] = art_term_not_zero(hash[k]);
    add_terms(set, hash, count);
}

void art_terms_add(struct art_terms *terms, const struct art_summary *summary, struct art_bytes key, uint32_t known,
                   const struct art_entry *entry, const struct art_datum *data) {
    if (entry->flags & ART_CHUNK) return;
    for (unsigned i = 0; i < summary->has.columns && !(entry->flags & ART_DELETE); i++) {
        struct art_term_set *looked_up = terms->set[i], *searched = terms->set[ART_FIELD_SEARCHES + i];
        if (looked_up) add_looked_up(looked_up, &data[i]);
        if (searched) add_searched(terms, searched, summary, &data[i]);
    }
    struct art_term_set *keys = terms->set[ART_FIELD_KEYS];
    if (keys) keep_text(terms, keys, summary, key, known);
}

void art_terms_end(struct art_terms *terms, const struct art_summary *summary) {
    for (unsigned i = ART_FIELD_SEARCHES; i < ART_FIELDS_MAX; i++)
        if (terms->set[i]) cut_texts(terms, terms->set[i], summary);
}
