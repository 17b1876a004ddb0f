#include "tests/support/blob_model.h"
#include "tests/support/must.h"
#include "tests/support/of_core.h"
#include "tests/support/toy_codec.h"
#include "tests/support/toy_columns.h"

#include <check.h>
#include <string.h>

#include "core/base/error.h"

const uint8_t blob_uuid[16] = "sqlite-art tests";

/* --- rows --------------------------------------------------------------------------------------------------------- */

struct art_bytes blob_padded(const void *data, uint32_t len) {
    return key_copy(data, len, ART_KEY_PADDING);
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

/* What the rows at this one have in common comes before it, a little behind. */
static uint8_t *value_alike(uint32_t at, struct random *random, uint32_t *len) {
    uint32_t kind = at / 150, same = 4 + kind * 7 % 40, own = random_below(random, 10 + kind % 5 * 8);
    uint8_t *value = malloc(same + own + 3);
    for (uint32_t i = 0; i < same; i++) value[i] = (uint8_t)(kind + i);
    for (uint32_t i = 0; i < own; i++) value[same + i] = (uint8_t)random_next(random);
    memcpy(value + same + own, "end", 3);
    *len = same + own + 3;
    return value;
}

static void make_entry(struct art_entry *entry, uint32_t at, struct blob_style style, struct random *random) {
    static const uint8_t not_negative[] = {0, ART_SHADOWS_OLDER, ART_DELETE,
                                           0}; /* a delete of nothing weighs nothing */
    entry->flags = 0;
    if (style.flags == FLAGS_NOT_NEGATIVE) entry->flags = not_negative[random_below(random, 4)];
    if (style.flags == FLAGS_ANY) entry->flags = (uint8_t)random_below(random, 4);
    if (style.flags != FLAGS_PUTS && !(entry->flags & ART_DELETE) && random_once_in(random, 10))
        entry->flags |= ART_OVERFLOW;
    entry->csn = csn_of(style.csns, random);
    if (style.values == VALUES_ALIKE && !(entry->flags & ART_DELETE)) {
        entry->value.data = value_alike(at, random, &entry->value.len);
        return;
    }
    uint32_t len = entry->flags & ART_DELETE ? 0 : value_length(style.values, random);
    uint8_t *value = malloc(len + 1);
    for (uint32_t i = 0; i < len; i++) value[i] = (uint8_t)random_next(random);
    entry->value = art_bytes(value, len);
}

static void make_keys(struct blob_rows *rows, enum key_family family, uint32_t wanted, struct random *random) {
    *rows = (struct blob_rows){0};
    key_set_make(&rows->set, family, wanted, ART_KEY_PADDING, random);
    rows->entries = calloc(rows->set.count, sizeof *rows->entries);
    rows->rank = calloc(rows->set.count + 1, sizeof *rows->rank);
}

static void add_ranks(struct blob_rows *rows) {
    for (uint32_t i = 0; i < rows->set.count; i++)
        rows->rank[i + 1] = rows->rank[i] + art_entry_weight(rows->entries[i].flags);
}

void blob_rows_make(struct blob_rows *rows, struct blob_style style, uint32_t wanted, struct random *random) {
    make_keys(rows, style.family, wanted, random);
    for (uint32_t i = 0; i < rows->set.count; i++) make_entry(&rows->entries[i], i, style, random);
    add_ranks(rows);
}

static struct art_datum random_datum(const struct blob_rows *rows, uint32_t different, struct random *random) {
    bool looked_up = rows->summary.has.lookups | rows->summary.has.searches;
    return looked_up ? toy_hashed_datum(random, different) : toy_random_datum(random, 4);
}

static int64_t integer_of(const struct art_datum *datum) {
    return datum->kind == ART_DATUM_INTEGER ? datum->integer : 0;
}

static void make_summed(struct blob_rows *rows, uint32_t at, struct blob_style style, uint32_t more, uint32_t different,
                        struct random *random) {
    static const uint8_t kinds[] = {0, 0, 0, ART_DELETE, ART_OVERFLOW, ART_CHUNK};
    const struct art_summary *summary = &rows->summary;
    struct art_entry *entry = &rows->entries[at];
    struct art_datum before[ART_SUMMARY_MAX], *data = rows->data[at];
    uint8_t value[ART_VALUE_INLINE_MAX], stored[ART_STORED_MAX];
    uint32_t head = 0, len = 0;
    if (style.flags == FLAGS_ANY) {
        entry->flags = kinds[random_below(random, sizeof kinds)];
        if (random_once_in(random, 2)) entry->flags |= ART_SHADOWS_OLDER;
    }
    if (summary->has.searches) entry->flags &= (uint8_t)~ART_CHUNK; /* chunks do not stand among rows */
    for (unsigned i = 0; i < summary->has.columns; i++) before[i] = random_datum(rows, different, random);
    if (entry->flags & ART_SHADOWS_OLDER && !(entry->flags & ART_CHUNK)) {
        struct art_entry row = {.value = art_bytes(value, toy_value_put(summary, before, 0, 0, value))};
        head = art_replaced_encode(summary, rows->set.keys[at], &row, stored);
        if (head) entry->flags |= ART_REPLACED;
    }
    for (unsigned i = 0; i < summary->has.columns; i++) data[i] = random_datum(rows, different, random);
    if (!(entry->flags & ART_DELETE))
        len = toy_value_put(summary, data, entry->flags, random_below(random, more + 1), stored + head);
    if (entry->flags & (ART_DELETE | ART_CHUNK)) memset(data, 0, sizeof *rows->data);
    entry->value = key_copy(stored, head + len, 0);
    entry->csn = csn_of(style.csns, random);
    for (unsigned i = 0; i < summary->has.sums; i++) {
        art_int128 taken = head ? integer_of(&before[i]) : 0;
        rows->sums[at + 1][i] = rows->sums[at][i] + integer_of(&data[i]) - taken;
    }
}

void blob_rows_make_summed(struct blob_rows *rows, struct art_measures has, struct blob_style style, uint32_t more,
                           uint32_t different, uint32_t wanted, struct random *random) {
    make_keys(rows, style.family, wanted, random);
    toy_columns_open(&rows->summary, has);
    rows->data = calloc(rows->set.count, sizeof *rows->data);
    rows->sums = calloc(rows->set.count + 1, sizeof *rows->sums);
    for (uint32_t at = 0; at < rows->set.count; at++) make_summed(rows, at, style, more, different, random);
    add_ranks(rows);
}

void blob_rows_clear(struct blob_rows *rows) {
    for (uint32_t i = 0; i < rows->set.count; i++) free((void *)rows->entries[i].value.data);
    key_set_clear(&rows->set);
    free(rows->entries);
    free(rows->rank);
    free(rows->data);
    free(rows->sums);
    *rows = (struct blob_rows){0};
}

bool blob_entry_equal(const struct art_entry *a, const struct art_entry *b) {
    uint8_t room[2][ART_VALUE_INLINE_MAX];
    if ((a->flags ^ b->flags) & ART_ENTRY_FLAGS || a->csn != b->csn) return false;
    return art_bytes_equal(art_entry_plain(a, room[0]), art_entry_plain(b, room[1]));
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
    struct art_blob_trailer *trailer = blob_image_trailer(image);
    for (uint32_t page = 0; page < ART_BLOB_PAGES - 1; page++) {
        if (blob_page_used(ref, page))
            trailer->page_hash[page] = art_hash64(image + page * ART_BLOB_PAGE, ART_BLOB_PAGE);
    }
    ref->hash = art_hash128(image + (ART_BLOB_PAGES - 1) * ART_BLOB_PAGE, ART_BLOB_PAGE);
}

void blob_image_rehash_all(uint8_t *image, struct art_ref *ref) {
    blob_image_rehash(image, ref);
    blob_image_trailer(image)->own_hash = art_blob_trailer_hash(image + ART_LAST_PAGE_AT);
    blob_image_rehash(image, ref);
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

struct blob_image blob_image_copy(const struct blob_image *from) {
    struct blob_image copy = *from;
    copy.image = blob_image_new();
    memcpy(copy.image, from->image, ART_BLOB_BYTES);
    copy.blob.image = copy.image;
    return copy;
}

enum art_rc blob_image_check(struct blob_image *image, const struct art_summary *summary) {
    struct art_blob_expected expected = {.csn_max = UINT64_MAX, .label = &image->ref.label, .summary = summary};
    enum art_rc rc = art_blob_open(&image->blob, image->image, &image->ref, blob_uuid, "test");
    if (!rc) rc = art_blob_verify_all(&image->blob);
    return rc ? rc : art_blob_check_expected(&image->blob, &expected);
}

/* Those for the rows of a run that is built, and the shorter ones of them. */
static struct art_symbols symbols_of_run[2];

static void note_symbols(const struct blob_rows *rows) {
    symbols_of_run[0] = symbols_of_run[1] = blob_symbols ? *blob_symbols : *blob_symbols_for(rows);
    for (unsigned c = 40; c < ART_ESCAPE; c++) symbols_of_run[1].symbol[c] = symbols_of_run[1].len[c] = 0;
}

static void use_symbols(struct art_builder *builder, uint32_t turn) {
    const struct art_symbols *symbols = turn % 3 < 2 ? &symbols_of_run[turn % 3] : NULL;
    if (blob_coded) must(art_builder_symbols(builder, blob_changing ? symbols : &symbols_of_run[0]));
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
    if (blob_changing) use_symbols(builder, run->count);
    if (built.more || more) art_builder_begin(builder, blob_run_next(run, taken - pending)->image);
    return built.more;
}

bool blob_coded, blob_changing;
const struct art_symbols *blob_symbols;

void blob_forms_draw(struct random *random) {
    toy_codec_lend(random_once_in(random, 2));
    blob_coded = random_once_in(random, 2);
    blob_changing = random_once_in(random, 2);
}

/* For what the keys do not share with those before them. */
const struct art_symbols *blob_symbols_for(const struct blob_rows *rows) {
    enum { SAMPLE = 16384 };
    static struct art_encoder encoder;
    static uint8_t texts[SAMPLE + ART_KEY_MAX + ART_KEY_PADDING];
    static uint32_t ends[SAMPLE + 1];
    uint32_t len = 0, count = 0;
    for (uint32_t i = 0; i < rows->set.count && len < SAMPLE; i++) {
        struct art_bytes key = rows->set.keys[i], before = i ? rows->set.keys[i - 1] : art_bytes(NULL, 0);
        uint32_t shared = i ? art_common_prefix(key.data, before.data, art_min32(key.len, before.len)) : 0;
        if (shared + 1 >= key.len) continue;
        memcpy(texts + len, key.data + shared + 1, key.len - shared - 1);
        ends[count++] = len += key.len - shared - 1;
    }
    art_encoder_train(&encoder, texts, ends, count);
    return &encoder.symbols;
}

struct art_builder *blob_builder(const struct art_summary *summary, uint32_t level, uint32_t fill_pages, bool filter) {
    struct art_builder_options options = {.kind = level ? ART_BLOB_INDEX : ART_BLOB_LEAF,
                                          .height = (uint8_t)level,
                                          .filter = filter && !level,
                                          .blocks = !level,
                                          .summary = summary,
                                          .fill_pages = fill_pages};
    struct art_builder *builder;
    memcpy(options.uuid, blob_uuid, sizeof options.uuid);
    must(art_builder_open(&builder, &options));
    return builder;
}

static void build_level(struct blob_run *run, const struct blob_rows *rows, uint32_t fill_pages, bool filter) {
    const struct art_summary *summary = art_measures_any(rows->summary.has) ? &rows->summary : NULL;
    uint32_t level = run->height++, n = level ? run->level[level - 1].count : rows->set.count, i = 0;
    struct art_builder *builder = blob_builder(summary, level, fill_pages, filter);
    bool by_entries = !summary || !(summary->has.lookups | summary->has.searches);
    run->level[level].first = run->count;
    if (!level && blob_coded) note_symbols(rows);
    use_symbols(builder, 0);
    art_builder_begin(builder, blob_run_next(run, 0)->image);
    while (i < n) {
        bool full = false;
        if (level) {
            const struct blob_image *child = &run->slots[run->level[level - 1].first + i];
            must(art_builder_add_ref(builder, child->separator, &child->ref, &full));
        } else {
            must(art_builder_add(builder, rows->set.keys[i], &rows->entries[i], ART_SHARED_UNKNOWN, &full));
        }
        i += !full;
        if (full) ck_assert(blob_run_finish(run, builder, i, true) || !by_entries);
    }
    while (art_builder_pending(builder)) blob_run_finish(run, builder, i, false);
    run->level[level].count = run->count - run->level[level].first;
    art_builder_close(builder);
}

void blob_run_leaves(struct blob_run *run, const struct blob_rows *rows, uint32_t fill_pages, bool filter) {
    memset(run, 0, sizeof *run);
    build_level(run, rows, fill_pages, filter);
}

void blob_run_build(struct blob_run *run, const struct blob_rows *rows, uint32_t fill_pages, bool filter) {
    blob_run_leaves(run, rows, fill_pages, filter);
    while (run->level[run->height - 1].count > 1) {
        ck_assert_uint_lt(run->height, BLOB_LEVELS_MAX);
        build_level(run, rows, fill_pages, filter);
    }
}

void blob_run_make(struct blob_run *run, struct blob_rows *rows, struct blob_style style, uint32_t wanted,
                   uint32_t fill_pages, bool filter, struct random *random) {
    blob_run_clear(run);
    blob_rows_clear(rows);
    blob_rows_make(rows, style, wanted, random);
    blob_run_build(run, rows, fill_pages, filter);
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
