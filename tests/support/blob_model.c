#include "tests/support/blob_model.h"
#include "tests/support/must.h"
#include "tests/support/of_core.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "core/base/error.h"
#include "core/blob/blob_format.h"

const uint8_t blob_uuid[16] = "sqlite-art tests";

/* --- rows --------------------------------------------------------------------------------------------------------- */

static uint32_t make_dense(uint8_t *out, struct random *random) {
    static const uint8_t alphabet[] = {0, 0xff, 'a', 'b', '/'};
    uint32_t len = random_below(random, 12);
    for (uint32_t i = 0; i < len; i++) out[i] = alphabet[random_below(random, sizeof alphabet)];
    return len;
}

static uint32_t make_random(uint8_t *out, struct random *random) {
    for (uint32_t i = 0; i < 32; i++) out[i] = (uint8_t)random_next(random);
    return 32;
}

static uint32_t make_directory(uint8_t *out, struct random *random) {
    return (uint32_t)sprintf((char *)out, "dir-%03u/sub/%06u", random_below(random, 50), random_below(random, 3000));
}

static uint32_t make_shared(uint8_t *out, struct random *random) {
    uint32_t len = random_below(random, 700);
    for (uint32_t i = 0; i < len; i++) {
        out[i] = random_once_in(random, 60) ? (uint8_t) "\0\xffxab/"[random_below(random, 6)] : 'x';
    }
    return len;
}

static uint32_t make_wide(uint8_t *out, struct random *random) {
    uint32_t len = 1 + random_below(random, 3);
    for (uint32_t i = 0; i < len; i++) out[i] = (uint8_t)random_next(random);
    return len;
}

static uint32_t make_long(uint8_t *out, struct random *random) {
    uint32_t len = random_below(random, 8) ? random_below(random, 50) : 5000 + random_below(random, ART_KEY_MAX - 4999);
    if (random_once_in(random, 20)) len = ART_KEY_MAX;
    memset(out, 'q', len);
    for (uint32_t i = 0; i < 3 && len; i++) {
        out[random_once_in(random, 2) ? len - 1 - random_below(random, art_min32(len, 4)) : random_below(random, len)] =
            (uint8_t)random_next(random);
    }
    return len;
}

static uint32_t make_twin(uint8_t *out, struct random *random) {
    uint32_t pair = random_below(random, 60), len = 3000 + 20 * pair;
    struct random same = {pair};
    for (uint32_t i = 0; i < len; i++) out[i] = (uint8_t)random_next(&same);
    out[len] = (uint8_t)random_below(random, 2);
    return len + 1;
}

static int compare_keys(const void *a, const void *b) {
    return art_bytes_compare(*(const struct art_bytes *)a, *(const struct art_bytes *)b);
}

struct art_bytes blob_padded(const void *data, uint32_t len) {
    uint8_t *copy = malloc(len + ART_KEY_PADDING);
    ck_assert_ptr_nonnull(copy);
    if (len) memcpy(copy, data, len);
    memset(copy + len, 0xee, ART_KEY_PADDING);
    return art_bytes(copy, len);
}

static uint32_t value_length(enum blob_values style, struct random *random) {
    switch (style) {
    case VALUES_SAME:
        return 20;
    case VALUES_EMPTY:
        return random_once_in(random, 50);
    case VALUES_MIXED:
        return random_once_in(random, 60) ? random_below(random, 1200) : random_below(random, 60);
    default:
        return random_once_in(random, 4) ? ART_VALUE_INLINE_MAX : random_below(random, ART_VALUE_INLINE_MAX + 1);
    }
}

static uint64_t csn_of(enum blob_csns style, struct random *random) {
    switch (style) {
    case CSNS_SAME:
        return 1000;
    case CSNS_BYTE:
        return 1000 + random_below(random, 200);
    case CSNS_SHORT:
        return 1000 + random_below(random, 60000);
    case CSNS_LONG:
        return 1000 + random_below(random, UINT32_MAX);
    default:
        return random_next(random) >> 8;
    }
}

static void make_entry(struct art_entry *entry, struct blob_style style, struct random *random) {
    static const uint8_t not_negative[] = {0, ART_SHADOWS_OLDER, ART_DELETE,
                                           0}; /* a delete of nothing weighs nothing */
    entry->flags = 0;
    if (style.flags == FLAGS_NOT_NEGATIVE) entry->flags = not_negative[random_below(random, 4)];
    if (style.flags == FLAGS_ANY) entry->flags = (uint8_t)random_below(random, 4);
    if (style.flags != FLAGS_PUTS && !(entry->flags & ART_DELETE) && random_once_in(random, 10))
        entry->flags |= ART_OVERFLOW;
    uint32_t len = entry->flags & ART_DELETE ? 0 : value_length(style.values, random);
    uint8_t *value = malloc(len + 1);
    for (uint32_t i = 0; i < len; i++) value[i] = (uint8_t)random_next(random);
    entry->value = art_bytes(value, len);
    entry->csn = csn_of(style.csns, random);
}

void blob_rows_make(struct blob_rows *rows, struct blob_style style, uint32_t wanted, struct random *random) {
    static uint32_t (*const makers[])(uint8_t *, struct random *) = {
        make_dense, make_random, make_directory, make_shared, make_wide, make_long, make_twin,
    };
    static uint8_t key[ART_KEY_MAX + 1];
    rows->keys = calloc(wanted, sizeof *rows->keys);
    rows->entries = calloc(wanted, sizeof *rows->entries);
    rows->rank = calloc(wanted + 1, sizeof *rows->rank);
    for (uint32_t i = 0; i < wanted; i++) rows->keys[i] = blob_padded(key, makers[style.family](key, random));
    qsort(rows->keys, wanted, sizeof *rows->keys, compare_keys);
    rows->count = 0;
    for (uint32_t i = 0; i < wanted; i++) {
        if (rows->count && art_bytes_equal(rows->keys[rows->count - 1], rows->keys[i])) {
            free((void *)rows->keys[i].data);
        } else {
            rows->keys[rows->count++] = rows->keys[i];
        }
    }
    for (uint32_t i = 0; i < rows->count; i++) {
        make_entry(&rows->entries[i], style, random);
        rows->rank[i + 1] = rows->rank[i] + art_entry_weight(rows->entries[i].flags);
    }
}

void blob_rows_clear(struct blob_rows *rows) {
    for (uint32_t i = 0; i < rows->count; i++) {
        free((void *)rows->keys[i].data);
        free((void *)rows->entries[i].value.data);
    }
    free(rows->keys);
    free(rows->entries);
    free(rows->rank);
    memset(rows, 0, sizeof *rows);
}

uint32_t blob_rows_below(const struct blob_rows *rows, struct art_bytes key) {
    uint32_t low = 0, high = rows->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (art_bytes_compare(rows->keys[middle], key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct art_bytes blob_probe(const struct blob_rows *rows, uint32_t from, uint32_t to, struct random *random) {
    static uint8_t probe[ART_KEY_MAX + 1];
    struct art_bytes key = rows->keys[from + random_below(random, to - from)];
    uint32_t len = key.len;
    memcpy(probe, key.data, len);
    switch (random_below(random, 7)) {
    case 0:
        if (len) len--;
        break;
    case 1:
        if (len < ART_KEY_MAX) probe[len++] = random_once_in(random, 2) ? 0 : 0xff;
        break;
    case 2:
        if (len) probe[random_below(random, len)]++;
        break;
    case 3:
        if (len) probe[len - 1]--;
        break;
    case 4:
        len = random_below(random, len + 1);
        break;
    case 5:
        if (len) probe[len - 1 - random_below(random, art_min32(len, 8))] ^= (uint8_t)(1u << random_below(random, 8));
        break;
    default:
        break;
    }
    return blob_padded(probe, len);
}

bool blob_entry_equal(const struct art_entry *a, const struct art_entry *b) {
    return a->flags == b->flags && a->csn == b->csn && art_bytes_equal(a->value, b->value);
}

/* --- images ------------------------------------------------------------------------------------------------------- */

uint8_t *blob_image_new(void) {
    static uint8_t rubbish = 0x5a;
    uint8_t *image = aligned_alloc(ART_BLOB_PAGE, ART_BLOB_BYTES);
    ck_assert_ptr_nonnull(image);
    memset(image, rubbish += 7, ART_BLOB_BYTES);
    return image;
}

bool blob_page_used(const struct art_ref *ref, uint32_t page) {
    return page < ref->leaf_pages || page >= (uint32_t)ART_BLOB_PAGES - ref->footer_pages;
}

void blob_image_rehash(uint8_t *image, struct art_ref *ref) {
    struct art_blob_trailer *trailer = (struct art_blob_trailer *)(void *)(image + ART_TRAILER_AT);
    for (uint32_t page = 0; page < ART_BLOB_PAGES - 1; page++) {
        if (blob_page_used(ref, page))
            trailer->page_hash[page] = art_hash64(image + page * ART_BLOB_PAGE, ART_BLOB_PAGE);
    }
    ref->hash = art_hash128(image + (ART_BLOB_PAGES - 1) * ART_BLOB_PAGE, ART_BLOB_PAGE);
}

struct blob_image *blob_run_next(struct blob_run *run, uint32_t first) {
    if (run->count == run->room) {
        run->room = run->room * 2 + 8;
        run->slots = realloc(run->slots, run->room * sizeof *run->slots);
    }
    struct blob_image *image = &run->slots[run->count++];
    memset(image, 0, sizeof *image);
    image->image = blob_image_new();
    image->first = first;
    return image;
}

void blob_image_open(struct blob_image *image) {
    must(art_blob_open(&image->blob, image->image, &image->ref, blob_uuid, "test"));
    must(art_blob_verify_all(&image->blob));
}

bool blob_run_finish(struct blob_run *run, struct art_builder *builder, uint32_t taken, bool more) {
    struct blob_image *image = &run->slots[run->count - 1];
    struct art_built built;
    must(art_builder_finish(builder, run->count - 1, 77 + run->count, &built));
    uint32_t pending = art_builder_pending(builder);
    ck_assert_int_eq(built.more, pending > 0);
    image->ref = built.ref;
    must(art_ref_own(&image->ref));
    memset((uint8_t *)image->ref.label.data + image->ref.label.len, 0xee, ART_KEY_PADDING);
    image->separator = blob_padded(built.separator.data, built.separator.len);
    image->rows = taken - pending - image->first;
    blob_image_open(image);
    if (built.more || more) art_builder_begin(builder, blob_run_next(run, taken - pending)->image);
    return built.more;
}

struct art_builder *blob_builder(const struct art_summary *summary, uint32_t level, uint32_t fill_pages, bool filter) {
    struct art_builder_options options = {.kind = level ? ART_BLOB_INDEX : ART_BLOB_LEAF,
                                          .height = (uint8_t)level,
                                          .filter = filter && !level,
                                          .summary = summary,
                                          .fill_pages = fill_pages};
    struct art_builder *builder;
    memcpy(options.uuid, blob_uuid, sizeof options.uuid);
    must(art_builder_open(&builder, &options));
    return builder;
}

static void build_level(struct blob_run *run, const struct blob_rows *rows, const struct art_summary *summary,
                        uint32_t fill_pages, bool filter) {
    uint32_t level = run->height++, n = level ? run->level[level - 1].count : rows->count, i = 0;
    struct art_builder *builder = blob_builder(summary, level, fill_pages, filter);
    bool by_entries = !summary || !(summary->has.lookups | summary->has.searches);
    run->level[level].first = run->count;
    art_builder_begin(builder, blob_run_next(run, 0)->image);
    while (i < n) {
        bool full = false;
        if (level) {
            const struct blob_image *child = &run->slots[run->level[level - 1].first + i];
            must(art_builder_add_ref(builder, child->separator, &child->ref, &full));
        } else {
            must(art_builder_add(builder, rows->keys[i], &rows->entries[i], ART_SHARED_UNKNOWN, &full));
        }
        i += !full;
        if (full) ck_assert(blob_run_finish(run, builder, i, true) || !by_entries);
    }
    while (art_builder_pending(builder)) blob_run_finish(run, builder, i, false);
    run->level[level].count = run->count - run->level[level].first;
    art_builder_close(builder);
}

void blob_run_leaves(struct blob_run *run, const struct blob_rows *rows, const struct art_summary *summary,
                     uint32_t fill_pages, bool filter) {
    memset(run, 0, sizeof *run);
    build_level(run, rows, summary, fill_pages, filter);
}

void blob_run_build_summed(struct blob_run *run, const struct blob_rows *rows, const struct art_summary *summary,
                           uint32_t fill_pages, bool filter) {
    blob_run_leaves(run, rows, summary, fill_pages, filter);
    while (run->level[run->height - 1].count > 1) {
        ck_assert_uint_lt(run->height, BLOB_LEVELS_MAX);
        build_level(run, rows, summary, fill_pages, filter);
    }
}

void blob_run_build(struct blob_run *run, const struct blob_rows *rows, uint32_t fill_pages, bool filter) {
    blob_run_build_summed(run, rows, NULL, fill_pages, filter);
}

void blob_run_clear(struct blob_run *run) {
    for (uint32_t i = 0; i < run->count; i++) {
        free(run->slots[i].image);
        free((void *)run->slots[i].ref.label.data);
        free((void *)run->slots[i].separator.data);
    }
    free(run->slots);
    memset(run, 0, sizeof *run);
}
