/* What most programs of blobs work on: the rows of one table, and the run of blobs that is built from them. */
#ifndef ART_TESTS_BLOB_ONE_H
#define ART_TESTS_BLOB_ONE_H

#include "core/blob/bucket.h"
#include "tests/support/blob_model.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"
#include "tests/support/toy_codec.h"

static struct blob_rows rows;
static struct blob_run run;

static inline struct art_bucket_view view_of(const struct art_blob *blob, uint32_t bucket) {
    struct art_bucket_view view;
    art_bucket_view_open(&view, blob->image + art_bucket_offset(blob, bucket), blob);
    return view;
}

/* Under the label of the image's reference. One at a time: it has the room for keys. */
static inline struct art_blob_cursor cursor_of(struct art_blob *blob, const struct blob_image *image) {
    static uint8_t key[ART_KEY_MAX + ART_KEY_PADDING];
    struct art_blob_cursor cursor;
    if (image->ref.label.len) memcpy(key, image->ref.label.data, image->ref.label.len);
    art_blob_cursor_init(&cursor, blob, key);
    return cursor;
}

/* Entries 1, 4, 7 ... of each bucket. */
static inline void choose_a_third(void *chooser, struct art_bytes block, struct art_row_set *set) {
    for (uint32_t i = 0; i < ART_BUCKET_ENTRIES; i++) {
        if (i % 3 != 1) art_row_set_remove(set, i);
    }
}

static inline void choose_a_third_singly(void *chooser, const struct art_entry *entries, struct art_row_set *set) {
    choose_a_third(chooser, (struct art_bytes){0}, set);
}

static const struct art_limits choose_thirds = {.choose = choose_a_third, .choose_singly = choose_a_third_singly};

static void tear_down(void) {
    blob_run_clear(&run);
    blob_rows_clear(&rows);
    toy_codec_lend(false);
    blob_coded = blob_changing = false;
    blob_symbols = NULL;
}

#endif
