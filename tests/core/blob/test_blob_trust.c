/* What a blob does with bytes that it should not believe: every single flipped bit is refused, bytes that somebody
 * changed together with their hashes never lead out of the image, and memory that runs out is an answer. */
#include <pthread.h>

#include "core/base/alloc.h"
#include "tests/support/blob_one.h"
#include "tests/support/short_memory.h"

static void make(struct blob_style style, uint32_t wanted, uint32_t fill_pages, bool filter, struct random *random) {
    toy_codec_lend(style.flags == FLAGS_PUTS);
    blob_coded = random_once_in(random, 2);
    blob_run_make(&run, &rows, style, wanted, fill_pages, filter, random);
}

/* --- flipped bits ------------------------------------------------------------------------------------------------- */

/* A flip in the footer: the blob does not open. In a leaf page: the page is not taken, nor passed by the deep check
 * when it was taken before (`deep`). */
static void every_flip_is_refused(struct blob_image *image, uint32_t step, uint32_t deep_step) {
    uint32_t head_from = ART_BLOB_BYTES - image->ref.footer_pages * ART_BLOB_PAGE;
    struct art_blob blob;
    must(art_blob_open(&blob, image->image, &image->ref, blob_uuid, "test"));
    for (uint32_t bit = 0; bit < ART_BLOB_BYTES * 8; bit += step) {
        uint32_t at = bit / 8, page = at / ART_BLOB_PAGE;
        if (!blob_page_used(&image->ref, page)) continue;
        image->image[at] ^= (uint8_t)(1u << (bit & 7));
        if (at >= head_from) {
            struct art_blob again;
            ck_assert_int_eq(art_blob_open(&again, image->image, &image->ref, blob_uuid, "test"), ART_CORRUPT);
            if (page < ART_BLOB_PAGES - 1 && bit % deep_step == 0) {
                ck_assert_int_eq(art_blob_check(&image->blob, false), ART_CORRUPT);
            }
        } else {
            ck_assert_int_eq(art_blob_verify_page(&blob, page), ART_CORRUPT);
            ck_assert(!art_page_present(&blob, page));
            if (bit % deep_step == 0) ck_assert_int_eq(art_blob_check(&image->blob, false), ART_CORRUPT);
        }
        image->image[at] ^= (uint8_t)(1u << (bit & 7));
    }
}

TEST(test_every_flipped_bit_is_refused) {
    struct random random = random_announced("flipped bits");
    for (uint32_t family = 0; family < KEY_FAMILIES; family++) {
        struct blob_style style = {family, family % 2 ? VALUES_MIXED : VALUES_SAME, FLAGS_ANY, CSNS_BYTE};
        if (random_once_in(&random, 2)) style = (struct blob_style){family, VALUES_ALIKE, FLAGS_PUTS, CSNS_BYTE};
        make(style, family == KEYS_LONG ? 6 : family == KEYS_TWINS ? 60 : 400, 4, family % 2, &random);
        every_flip_is_refused(&run.slots[0], 1, 4099);
        every_flip_is_refused(blob_run_root(&run), 1, 4099);
        for (uint32_t i = 0; i < run.count; i++) every_flip_is_refused(&run.slots[i], 101, 40009);
    }
}

TEST(test_a_message_names_file_slot_and_page) {
    struct random random = random_announced("messages");
    struct art_blob blob;
    char slot[40];
    make((struct blob_style){.family = KEYS_DIRECTORIES}, 3000, 0, false, &random);
    struct blob_image *image = &run.slots[0];
    snprintf(slot, sizeof slot, "slot %u", image->ref.slot);
    must(art_blob_open(&blob, image->image, &image->ref, blob_uuid, "paths.art"));
    image->image[3 * ART_BLOB_PAGE + 77] ^= 1;
    ck_assert_int_eq(art_blob_verify_all(&blob), ART_CORRUPT);
    ck_assert_ptr_nonnull(strstr(art_error_message(), "paths.art"));
    ck_assert_ptr_nonnull(strstr(art_error_message(), slot));
    ck_assert_ptr_nonnull(strstr(art_error_message(), "page 3"));
}

TEST(test_a_blob_of_another_place_or_time_does_not_open) {
    struct random random = random_announced("identity");
    struct art_blob blob;
    struct art_ref ref;
    static const uint8_t other_uuid[16] = "another table";
    make((struct blob_style){.family = KEYS_DIRECTORIES}, 3000, 8, false, &random);
    struct blob_image *image = &run.slots[1];
    struct art_blob_trailer *trailer = blob_image_trailer(image->image);
    ck_assert_int_eq(art_blob_open(&blob, image->image, &image->ref, other_uuid, "test"), ART_CORRUPT);
#define ANOTHER(change)                                                                                                \
    do {                                                                                                               \
        ref = image->ref;                                                                                              \
        change;                                                                                                        \
        ck_assert_msg(art_blob_open(&blob, image->image, &ref, blob_uuid, "test") == ART_CORRUPT, #change);            \
    } while (0)
    ANOTHER(ref.slot++);
    ANOTHER(ref.generation++);
    ANOTHER(ref.height = 1);
    ANOTHER(ref.label.len--);
    ANOTHER(ref.count++);
    ANOTHER(ref.entries--);
    ANOTHER(ref.footer_pages++);
    ANOTHER(trailer->generation += 5); /* the slot was written again since the reference was made */
    ck_assert_ptr_nonnull(strstr(art_error_message(), "newer than this database"));
    trailer->generation -= 5;
    must(art_blob_open(&blob, image->image, &image->ref, blob_uuid, "test"));
}

/* --- hostile bytes ------------------------------------------------------------------------------------------------ */

struct attack {
    struct art_blob blob;
    uint8_t *image, *key;
    struct art_plain_bucket plain;
    struct art_ref ref;
    uint32_t opened, verified, passed;
};

static uint8_t tempting_byte(struct random *random, uint8_t old) {
    static const uint8_t tempting[] = {0, 1, 2, 8, 15, 16, 0x7f, 0x80, 0xff};
    switch (random_below(random, 4)) {
    case 0:
        return tempting[random_below(random, sizeof tempting)];
    case 1:
        return (uint8_t)(old + 1 - 2 * random_below(random, 2));
    case 2:
        return (uint8_t)(old ^ (1u << random_below(random, 8)));
    default:
        return (uint8_t)random_next(random);
    }
}

/* Changes bytes where it hurts: bucket headers and columns, directories, nodes, trailer fields. */
static void mutate(struct attack *attack, const struct blob_image *from, struct random *random) {
    uint32_t head_from = ART_BLOB_BYTES - from->ref.footer_pages * ART_BLOB_PAGE, at;
    memcpy(attack->image, from->image, from->ref.leaf_pages * ART_BLOB_PAGE);
    memcpy(attack->image + head_from, from->image + head_from, ART_BLOB_BYTES - head_from);
    attack->ref = from->ref;
    for (uint32_t n = 1 + random_below(random, 3); n; n--) {
        uint32_t bucket = random_below(random, from->blob.buckets);
        uint32_t start = art_bucket_offset(&from->blob, bucket), end = art_bucket_end(&from->blob, bucket);
        switch (random_below(random, 8)) {
        case 0:
            at = start + random_below(random, 16);
            break;
        case 1:
            at = start + random_below(random, art_min32(end - start, 400));
            break;
        case 2:
            at = random_below(random, from->ref.leaf_pages * ART_BLOB_PAGE);
            break;
        case 3:
            at = from->blob.at.begin[ART_PART_BOUNDS] +
                 random_below(random, ART_TRAILER_AT - from->blob.at.begin[ART_PART_BOUNDS]);
            break;
        case 4:
        case 5:
            at = from->blob.at.begin[ART_PART_NODES] +
                 random_below(random, art_min32(ART_TRAILER_AT - from->blob.at.begin[ART_PART_NODES], 200));
            break;
        case 6:
            at = from->blob.at.begin[ART_PART_OFFSETS] +
                 random_below(random, ART_TRAILER_AT - from->blob.at.begin[ART_PART_OFFSETS]);
            break;
        default:
            at = ART_TRAILER_AT + 1023 + random_below(random, 90);
            break;
        }
        attack->image[at] = tempting_byte(random, attack->image[at]);
    }
    /* what the reference says goes with the trailer, so that its other fields are what is looked at */
    const struct art_blob_trailer *trailer = art_blob_trailer(attack->image);
    attack->ref.slot = trailer->slot;
    attack->ref.generation = trailer->generation;
    attack->ref.entries = trailer->below;
    attack->ref.csn_max = trailer->csn_max;
    attack->ref.overflows = trailer->overflows;
    attack->ref.key_max = trailer->key_max;
    attack->ref.count = trailer->count;
    attack->ref.height = trailer->height;
    if (random_once_in(random, 2)) attack->ref.label.len = art_min32(trailer->common, ART_LABEL_MAX);
    blob_image_rehash(attack->image, &attack->ref);
}

static void add_key(const struct art_blob_cursor *cursor, uint64_t *sum) {
    if (cursor->valid) *sum = *sum * 31 + art_hash64(cursor->key, cursor->key_len);
}

/* Returns what its keys add up to. */
static uint64_t probe_everything(struct attack *attack, struct random *random) {
    struct art_blob *blob = &attack->blob;
    struct art_blob_cursor cursor;
    struct art_entry entry;
    struct art_ref ref;
    int64_t sum;
    uint64_t keys = 0;
    struct art_bytes probe = key_set_probe(&rows.set, 0, rows.set.count, random);
    art_blob_cursor_init(&cursor, blob, attack->key);
    if (probe.len >= blob->label_len) {
        if (blob->kind == ART_BLOB_LEAF) {
            art_blob_get(blob, probe, &entry);
            art_blob_rank(blob, probe, &sum);
            art_blob_prefix(blob, probe, &sum, &entry);
        } else {
            art_blob_child(blob, probe, &ref, &sum);
        }
        art_blob_seek_ge(&cursor, probe);
        add_key(&cursor, &keys);
        art_blob_seek_le(&cursor, probe);
        add_key(&cursor, &keys);
        if (cursor.valid) {
            art_blob_cursor_rank(&cursor);
            art_blob_cursor_shared(&cursor);
        }
    }
    art_blob_ask_filter(blob, art_blob_key_hash(probe));
    art_blob_seek_entry(&cursor, random_below(random, blob->entries + 1));
    if (cursor.valid && blob->kind == ART_BLOB_INDEX) art_blob_cursor_ref(&cursor, &ref);
    for (unsigned i = 0; i < 3; i++) {
        add_key(&cursor, &keys);
        art_blob_prev(&cursor);
    }
    art_blob_seek_rank(&cursor, (int64_t)random_below(random, 5000));
    add_key(&cursor, &keys);
    free((void *)probe.data);
    return keys;
}

static uint64_t walk(struct attack *attack, bool decodes_blocks, bool chooses) {
    struct art_blob_cursor cursor;
    uint64_t sum = 0;
    int rc;
    art_blob_cursor_init(&cursor, &attack->blob, attack->key);
    if (decodes_blocks) art_blob_cursor_plain(&cursor, &attack->plain);
    if (chooses) art_blob_cursor_limit(&cursor, &choose_thirds);
    for (rc = art_blob_first(&cursor); !rc && cursor.valid; rc = art_blob_next(&cursor)) {
        struct art_entry entry;
        uint8_t room[ART_VALUE_INLINE_MAX];
        art_blob_cursor_entry(&cursor, &entry);
        struct art_bytes value = art_entry_plain(&entry, room);
        for (uint32_t i = 0; i < value.len; i++) sum += value.data[i];
        add_key(&cursor, &sum);
    }
    for (rc = art_blob_last(&cursor); !rc && cursor.valid; rc = art_blob_prev(&cursor)) add_key(&cursor, &sum);
    return sum;
}

static void attack_once(struct attack *attack, const struct blob_image *from, struct random *random) {
    mutate(attack, from, random);
    if (art_blob_open(&attack->blob, attack->image, &attack->ref, blob_uuid, "test")) return;
    attack->opened++;
    if (art_blob_verify_all(&attack->blob)) return;
    attack->verified++;
    uint64_t keys[2] = {0};
    const struct random same = *random;
    for (unsigned again = 0; again < 2; again++) { /* a key has no byte that was in the buffer before */
        memset(attack->key, again ? 0xa5 : 0, ART_KEY_MAX + ART_KEY_PADDING);
        memset(attack->key, 0, attack->blob.label_len);
        *random = same;
        for (int i = 0; i < 4; i++) keys[again] += probe_everything(attack, random);
        keys[again] += walk(attack, again, false) + walk(attack, false, true);
    }
    ck_assert_uint_eq(keys[0], keys[1]);
    if (!art_blob_check(&attack->blob, false)) attack->passed++;
}

TEST(test_bytes_changed_together_with_their_hashes_do_no_harm) {
    struct random random = random_announced("hostile bytes");
    struct attack attack = {.image = blob_image_new(), .key = malloc(ART_KEY_MAX + ART_KEY_PADDING)};
    for (uint32_t round = 0; round < 2 * KEY_FAMILIES * random_scale(); round++) {
        if (!random_span(&random)) continue;
        struct blob_style style = {round % KEY_FAMILIES, random_below(&random, VALUES_LARGE), random_below(&random, 3),
                                   random_below(&random, CSNS_STYLES)};
        make(style, style.family == KEYS_LONG ? 30 : 2000, 2 + random_below(&random, 6), random_once_in(&random, 2),
             &random);
        for (uint32_t i = 0; i < 1500; i++) {
            uint32_t slot = random_once_in(&random, 3) ? run.count - 1 : random_below(&random, run.count);
            attack_once(&attack, &run.slots[slot], &random);
        }
    }
    printf("hostile bytes: %u opened, %u of them verified, %u of them without fault\n", attack.opened, attack.verified,
           attack.passed);
    ck_assert_uint_gt(attack.verified, 0);
    free(attack.image);
    free(attack.key);
}

/* --- the deep check ----------------------------------------------------------------------------------------------- */

/* Changes one thing that stays within bounds; the deep check must name it. */
static void check_notices(struct blob_image *image, uint32_t at, uint8_t byte, const char *what) {
    struct art_ref ref = image->ref;
    struct art_blob blob;
    uint8_t old = image->image[at];
    ck_assert_uint_ne(old, byte);
    image->image[at] = byte;
    blob_image_rehash(image->image, &ref);
    must(art_blob_open(&blob, image->image, &ref, blob_uuid, "test"));
    must(art_blob_verify_all(&blob));
    ck_assert_msg(art_blob_check(&blob, false) == ART_CORRUPT, "%s", what);
    ck_assert_msg(strstr(art_error_message(), what) != NULL, "%s is not: %s", what, art_error_message());
    image->image[at] = old;
    blob_image_rehash(image->image, &ref);
}

/* Where the blob's keys have their places; and what the first key of each bucket is with one bit turned over, as a
 * separator may be. Returns how many; with `place` NULL, it only counts. */
static uint32_t note_places(const struct blob_image *of, struct art_blob *blob, uint32_t *place) {
    enum { BYTES_TRIED = 40 };
    static uint8_t probe[ART_KEY_MAX + ART_KEY_PADDING];
    struct art_blob_cursor cursor = cursor_of(blob, of);
    uint32_t count = 0, bucket = 0;
    for (uint32_t i = 0; i < of->rows; i++) {
        struct art_bytes key = rows.set.keys[of->first + i];
        bool first = bucket < blob->buckets && i == art_bucket_rank(blob, bucket);
        uint32_t bits = first ? 8 * art_min32(key.len - blob->label_len, BYTES_TRIED) : 0;
        bucket += first;
        memcpy(probe, key.data, key.len);
        memset(probe + key.len, 0, ART_KEY_PADDING);
        for (uint32_t bit = 0; bit <= bits; bit++) { /* the last one as it is */
            uint8_t *byte = probe + blob->label_len + bit / 8, turned = bit < bits ? (uint8_t)(1u << bit % 8) : 0;
            *byte ^= turned;
            if (place) must(art_blob_seek_ge(&cursor, art_bytes(probe, key.len)));
            if (place) place[count] = cursor.valid ? art_blob_cursor_index(&cursor) : blob->entries;
            *byte ^= turned;
            count++;
        }
    }
    return count;
}

/* Separators are the writer's choice, so others may pass: what they lead to is the same then, also for keys that are
 * not there, of which the bytes of a separator are not compared again. */
LOOP_TEST(test_separators_that_pass_the_check_lead_to_the_same_places, KEY_FAMILIES) {
    struct random random = random_announced("separators");
    unsigned passed = 0, lies = 0;
    random.state += (unsigned)_i;
    /* Buckets of few rows have much in common, of which separators have the beginning. */
    make((struct blob_style){_i, VALUES_LARGE, FLAGS_PUTS, CSNS_SAME}, _i == KEYS_LONG ? 6 : 100, 60, false, &random);
    struct blob_image *sound = &run.slots[0], liar = blob_image_copy(sound);
    uint32_t probes = note_places(sound, &sound->blob, NULL);
    uint32_t *place = malloc(probes * sizeof *place), *now = malloc(probes * sizeof *now);
    note_places(sound, &sound->blob, place);
    const uint32_t *begin = sound->blob.at.begin + ART_PART_NODES;
    for (uint32_t at = begin[0]; at < begin[1]; lies++, at += lies % 4 == 0) {
        uint8_t was = liar.image[at];
        liar.image[at] ^= (uint8_t)(lies % 4 ? 1u << random_below(&random, 8) : 1 + random_below(&random, 255));
        blob_image_rehash_all(liar.image, &liar.ref);
        int rc = blob_image_check(&liar, NULL);
        HOLDS(!rc || rc == ART_CORRUPT);
        if (!rc) note_places(&liar, &liar.blob, now);
        HOLDS(rc || !memcmp(place, now, probes * sizeof *place));
        passed += !rc;
        liar.image[at] = was;
    }
    printf("%u buckets, %u probes: %u of %u lies pass\n", sound->blob.buckets, probes, passed, lies);
    free(place);
    free(now);
    free(liar.image);
}

TEST(test_the_deep_check_names_what_is_wrong) {
    struct random random = random_announced("deep check");
    struct art_bucket_view view;
    make((struct blob_style){KEYS_RANDOM, VALUES_SAME, FLAGS_PUTS, CSNS_SAME}, 900, 0, true, &random);
    struct blob_image *image = &run.slots[0];
    const struct art_blob *blob = &image->blob;
    art_bucket_view_open(&view, blob->image + art_bucket_offset(blob, 2), blob);
    uint32_t first_bytes = (uint32_t)(view.first_bytes - blob->image), trailer = ART_TRAILER_AT;
    uint32_t twin = 1; /* branches off where its predecessor does: its first byte must be the larger one */
    while (art_bucket_shared(&view, twin) != art_bucket_shared(&view, twin - 1)) ck_assert_uint_lt(++twin, view.count);
    check_notices(image, first_bytes + twin, view.first_bytes[twin - 1], "bucket 2");
    check_notices(image, first_bytes + twin, 0, "bucket 2");
    check_notices(image, (uint32_t)(view.suffixes - blob->image) + 40, (uint8_t)(view.suffixes[40] ^ 1), "filter");
    uint32_t in_filter = blob->at.begin[ART_PART_FILTER];
    while (!blob->image[in_filter]) ck_assert_uint_lt(++in_filter, blob->at.begin[ART_PART_FILTER + 1]);
    check_notices(image, in_filter, 0, "does not pass the filter");
    check_notices(image, trailer + 1056, 7, "least commit sequence number");
    check_notices(image, art_bucket_offset(blob, 1) + 8, ART_SHADOWS_OLDER, "sum");
    for (uint32_t i = 0; i < 3; i++) { /* what the bounds of a bucket say */
        static const uint32_t before[] = {0, 4, 6};
        uint32_t at = blob->at.begin[ART_PART_BOUNDS] + before[i] * blob->buckets;
        check_notices(image, at, blob->image[at] ^ 1, "the directory of bounds is not that of the entries");
    }
    must(art_blob_check(&image->blob, true));
    image->image[in_filter] = 0xff; /* as a later version may make its filters: each key passes */
    blob_image_trailer(image->image)->compatible = 0x8000;
    blob_image_rehash_all(image->image, &image->ref);
    must(blob_image_check(image, NULL));
    check_notices(image, first_bytes + twin, 0, "bucket 2");
    make((struct blob_style){KEYS_RANDOM, VALUES_SAME, FLAGS_ANY, CSNS_SAME}, 900, 0, false, &random);
    image = &run.slots[0];
    blob = &image->blob;
    must(art_blob_check(&image->blob, false));
    ck_assert_int_eq(art_blob_check(&image->blob, true), ART_CORRUPT);
    ck_assert(blob->flags & ART_BLOB_SUMS);
    uint32_t sum = blob->at.begin[ART_PART_WEIGHTS] + 8;
    check_notices(image, sum, blob->image[sum] ^ 2, "the directory of weights is not that of the entries");
}

/* --- memory that runs out ----------------------------------------------------------------------------------------- */

static int build(uint8_t *image, const struct art_symbols *symbols) {
    struct art_builder_options options = {.kind = ART_BLOB_LEAF, .filter = true, .blocks = true};
    struct art_builder *builder;
    struct art_built built;
    int rc = art_builder_open(&builder, &options);
    if (rc) return rc;
    rc = art_builder_symbols(builder, symbols);
    if (!rc) art_builder_begin(builder, image);
    for (uint32_t i = 0; !rc && i < rows.set.count; i++) {
        bool full;
        rc = art_builder_add(builder, rows.set.keys[i], &rows.entries[i], ART_SHARED_UNKNOWN, &full);
        if (rc || full) break;
    }
    if (!rc) rc = art_builder_finish(builder, 1, 1, &built);
    art_builder_close(builder);
    return rc;
}

TEST(test_memory_that_runs_out_is_an_error_and_nothing_leaks) {
    struct random random = random_announced("short memory");
    uint8_t *image = blob_image_new();
    short_memory_use();
    for (uint32_t family = 0; family < KEY_FAMILIES; family++) {
        make((struct blob_style){.family = family}, family == KEYS_LONG ? 16 : 6000, 0, false, &random);
        const struct art_symbols *symbols = family % 2 ? blob_symbols_for(&rows) : NULL;
        int64_t blocks = short_memory_blocks();
        int rc = ART_NOMEM;
        for (int64_t n = 0; rc; n++) {
            ck_assert_int_lt(n, 1000);
            short_memory_fail_after(n);
            rc = build(image, symbols);
            ck_assert_int_eq(rc, short_memory_failures() ? ART_NOMEM : ART_OK);
            ck_assert_int_eq(short_memory_blocks(), blocks);
        }
        rc = ART_NOMEM;
        for (int64_t n = 0; rc; n++) {
            short_memory_fail_after(n);
            rc = art_blob_check(&run.slots[0].blob, true);
            ck_assert_int_eq(rc, short_memory_failures() ? ART_NOMEM : ART_OK);
            ck_assert_int_eq(short_memory_blocks(), blocks);
        }
        short_memory_fail_after(-1);
    }
    free(image);
}

/* --- threads ------------------------------------------------------------------------------------------------------ */

struct shared_disk {
    pthread_mutex_t lock;
    const uint8_t *image;
    uint8_t *memory;
    _Atomic uint32_t loaded;
};

static enum art_rc want_once(struct art_blob *blob, const struct art_pages *pages, enum art_intent intent) {
    struct shared_disk *disk = blob->owner;
    int rc = ART_OK;
    pthread_mutex_lock(&disk->lock);
    for (uint32_t page = 0; page < blob->leaf_pages && !rc; page++) {
        if (!art_pages_has(pages, page) || art_page_present(blob, page)) continue;
        memcpy(disk->memory + page * ART_BLOB_PAGE, disk->image + page * ART_BLOB_PAGE, ART_BLOB_PAGE);
        rc = art_blob_verify_page(blob, page);
        atomic_fetch_add(&disk->loaded, 1);
    }
    pthread_mutex_unlock(&disk->lock);
    return rc;
}

struct reader {
    struct art_blob *blob;
    uint32_t found, wanted;
    uint64_t seed;
};

static void *read_at_random(void *argument) {
    struct reader *reader = argument;
    struct random random = {reader->seed};
    for (uint32_t i = 0; i < reader->wanted; i++) {
        uint32_t row = random_below(&random, reader->blob->entries);
        struct art_entry entry;
        if (art_blob_get(reader->blob, rows.set.keys[row], &entry)) break;
        reader->found += blob_entry_equal(&entry, &rows.entries[row]);
    }
    return NULL;
}

CASE("threads", .seconds = 600, .tear_down = tear_down)

TEST(test_threads_share_a_blob_whose_pages_come_one_by_one) {
    struct random random = random_announced("threads");
    struct shared_disk disk = {.lock = PTHREAD_MUTEX_INITIALIZER, .memory = blob_image_new()};
    struct reader readers[4];
    pthread_t threads[4];
    struct art_blob blob;
    make((struct blob_style){.family = KEYS_DIRECTORIES}, 9000, 0, false, &random);
    for (uint32_t round = 0; round < 10; round++) {
        const struct blob_image *image = &run.slots[0];
        uint32_t footer = image->ref.footer_pages * ART_BLOB_PAGE;
        memcpy(disk.memory + ART_BLOB_BYTES - footer, image->image + ART_BLOB_BYTES - footer, footer);
        disk.image = image->image;
        disk.loaded = 0;
        must(art_blob_open(&blob, disk.memory, &image->ref, blob_uuid, "test"));
        blob.want = want_once;
        blob.owner = &disk;
        for (int i = 0; i < 4; i++) {
            readers[i] = (struct reader){&blob, 0, 4000, random_next(&random)};
            ck_assert_int_eq(pthread_create(&threads[i], NULL, read_at_random, &readers[i]), 0);
        }
        for (int i = 0; i < 4; i++) {
            ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
            ck_assert_uint_eq(readers[i].found, readers[i].wanted);
        }
        ck_assert_uint_le(disk.loaded, image->ref.leaf_pages);
    }
    free(disk.memory);
}

SUITE("blob trust", .seconds = 600, .tear_down = tear_down)
