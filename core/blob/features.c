#include "core/blob/features.h"

#include <assert.h>
#include <stdio.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/base/value_hash.h"
#include "core/blob/simd.h"

enum { CUT_BYTES_MAX = ART_STORED_MAX }; /* a longer text, which is a key, counts as having all */

enum art_rc art_features_open(struct art_features *features, uint32_t tables) {
    for (unsigned i = 0; i < ART_TABLES_MAX; i++) {
        if (!(tables >> i & 1) || features->set[i]) continue;
        features->set[i] = art_alloc(sizeof *features->set[i]);
        if (!features->set[i]) return art_nomem();
        features->set[i]->mask = 2 * (i < ART_TABLE_SEARCHES ? ART_BUCKET_VALUES : ART_BUCKET_FEATURES) - 1;
    }
    if (tables >> ART_TABLE_SEARCHES && !features->cut) {
        features->cut = art_alloc(ART_BUCKET_TEXT_BYTES * sizeof *features->cut);
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
        set->count = set->texts_len = set->texts_count = 0;
        set->any = false;
        memset(set->cell, 0, (set->mask + 2) * sizeof *set->cell);
    }
}

/* Where a feature is or belongs; only 0 belongs to the first cell, and seems to be there already. Most are where they
 * belong or new, and no branch tells which: of `there && there != feature` it is foretold wrongly every third time. */
static inline uint32_t find_feature(const struct art_feature_set *set, uint32_t feature) {
    uint32_t at = (feature & set->mask) + (feature != 0), there = set->cell[at];
    while (ART_UNLIKELY((uint64_t)there * (there ^ feature) != 0)) {
        at = (at & set->mask) + 1;
        there = set->cell[at];
    }
    return at;
}

/* So many, for which there is room. */
static void put_features(struct art_feature_set *set, const uint32_t *feature, uint32_t n) {
    uint32_t count = set->count;
    assert(count + n <= set->mask / 2 + 1);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = find_feature(set, feature[i]);
        set->feature[count] = feature[i];
        count += set->cell[at] != feature[i];
        set->cell[at] = feature[i];
    }
    set->count = count;
}

static void add_features(struct art_feature_set *set, const uint32_t *feature, uint32_t count) {
    while (count && !set->any) {
        uint32_t n = art_min32(count, set->mask / 2 + 1 - set->count);
        put_features(set, feature, n);
        if (!n) set->any = set->cell[find_feature(set, feature[n++])] != *feature;
        feature += n;
        count -= n;
    }
}

/* --- of an entry -------------------------------------------------------------------------------------------------- */

static void cut_texts(struct art_features *features, struct art_feature_set *set, const struct art_summary *summary) {
    struct art_bytes texts = art_bytes(set->texts, set->texts_len);
    uint32_t count = texts.len && !set->any ? summary->cut(texts, set->texts_count, features->cut) : 0;
    set->texts_len = set->texts_count = 0;
    set->any |= count == ART_CUT_ANY;
    if (!set->any) add_features(set, features->cut, count);
}

/* Where the features of a text begin that are not known: and there begins a character, whatever the text is. */
static uint32_t begin_of_cut(struct art_bytes text, uint32_t known) {
    enum { CHARACTER_BYTES_MAX = 4 };
    uint32_t at = known < ART_CUT_WIDTH ? 0 : known - (ART_CUT_WIDTH - 1), before = at;
    while (at && before - at < CHARACTER_BYTES_MAX - 1 && (text.data[at] & 0xc0) == 0x80) at--;
    return at;
}

static void keep_text(struct art_features *features, struct art_feature_set *set, const struct art_summary *summary,
                      struct art_bytes text, uint32_t known) {
    if (set->any) return;
    if (text.len > CUT_BYTES_MAX) {
        set->any = true;
        return;
    }
    uint32_t from = begin_of_cut(text, known), len = text.len - from;
    assert(known <= text.len);
    if (set->texts_len + len + 1 > ART_BUCKET_TEXT_BYTES) cut_texts(features, set, summary);
    assert(set->texts_len + len < ART_BUCKET_TEXT_BYTES);
    uint8_t *to = set->texts + set->texts_len;
    if (len) memcpy(to, text.data + from, len);
    to[len] = ART_TEXT_END;
    set->texts_len += len + 1;
    set->texts_count++;
}

/* A number's text is that which the host would make of it, and nobody knows that of one with a fraction. */
static void add_searched(struct art_features *features, struct art_feature_set *set, const struct art_summary *summary,
                         const struct art_datum *datum) {
    char digits[24];
    if (datum->kind == ART_DATUM_NULL) return;
    if (datum->kind == ART_DATUM_INTEGER) {
        int len = snprintf(digits, sizeof digits, "%lld", (long long)datum->integer);
        keep_text(features, set, summary, art_bytes(digits, (uint32_t)len), 0);
    } else if (datum->kind == ART_DATUM_REAL || datum->by_hash) {
        set->any = true;
    } else {
        keep_text(features, set, summary, datum->bytes, 0);
    }
}

/* 0 stands for none. */
static void add_looked_up(struct art_feature_set *set, const struct art_datum *datum) {
    uint32_t hash[ART_VALUE_HASHES];
    unsigned count = art_value_hashes(datum, hash);
    for (unsigned k = 0; k < count; k++) hash[k] = art_feature_not_zero(hash[k]);
    add_features(set, hash, count);
}

void art_features_add(struct art_features *features, const struct art_summary *summary, struct art_bytes key,
                      uint32_t known, const struct art_entry *entry, const struct art_datum *data) {
    if (entry->flags & ART_CHUNK) return;
    for (unsigned i = 0; i < summary->has.columns && !(entry->flags & ART_DELETE); i++) {
        struct art_feature_set *looked_up = features->set[i], *searched = features->set[ART_TABLE_SEARCHES + i];
        if (looked_up) add_looked_up(looked_up, &data[i]);
        if (searched) add_searched(features, searched, summary, &data[i]);
    }
    struct art_feature_set *keys = features->set[ART_TABLE_KEYS];
    if (keys) keep_text(features, keys, summary, key, known);
}

void art_features_end(struct art_features *features, const struct art_summary *summary) {
    for (unsigned i = ART_TABLE_SEARCHES; i < ART_TABLES_MAX; i++)
        if (features->set[i]) cut_texts(features, features->set[i], summary);
}
