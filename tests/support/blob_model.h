/* Blobs that can't be wrong: sorted arrays of rows, and the blobs that are built from them.
 *
 * Rows are made from a key family and a style (what values, flags and csns look like), or for a summary. Keys are
 * allocated exactly, with the padding that search keys need, so that a sanitizer sees every read past it. Images are
 * filled with rubbish before a blob is built in them: nothing may depend on what was there.
 */
#ifndef ART_TESTS_BLOB_MODEL_H
#define ART_TESTS_BLOB_MODEL_H

#include "core/blob/blob_format.h"
#include "core/blob/builder.h"
#include "tests/support/keys.h"

/* VALUES_ALIKE: neighbours have much in common. */
enum blob_values { VALUES_SAME, VALUES_EMPTY, VALUES_MIXED, VALUES_ALIKE, VALUES_LARGE, VALUES_STYLES };
enum blob_flags_style { FLAGS_PUTS, FLAGS_NOT_NEGATIVE, FLAGS_ANY, FLAGS_STYLES };
enum blob_csns { CSNS_SAME, CSNS_BYTE, CSNS_SHORT, CSNS_LONG, CSNS_FULL, CSNS_STYLES };

struct blob_style {
    enum key_family family;
    enum blob_values values;
    enum blob_flags_style flags;
    enum blob_csns csns;
};

struct blob_rows {
    struct key_set set; /* padded */
    struct art_entry *entries;
    int64_t *rank; /* [count + 1]: weights before each */
    /* of a table with a summary: */
    struct art_summary summary;
    struct art_datum (*data)[ART_SUMMARY_MAX]; /* [count]: of what is put; NULLs of the rest */
    art_int128 (*sums)[ART_SUMMARY_MAX];       /* [count + 1]: before each */
};

void blob_rows_make(struct blob_rows *rows, struct blob_style style, uint32_t wanted, struct random *random);
/* Values begin with their data (toy_columns.h), and go on with up to `more` bytes. FLAGS_ANY: deletes, references and
 * chunks, too. `different`: so many values to be looked up or searched; 0: nearly each is another. */
void blob_rows_make_summed(struct blob_rows *rows, struct art_measures has, struct blob_style style, uint32_t more,
                           uint32_t different, uint32_t wanted, struct random *random);
void blob_rows_clear(struct blob_rows *rows);
struct art_bytes blob_padded(const void *data, uint32_t len); /* a padded copy; free() its data */
/* The same row, byte for byte, wherever its value stands? */
bool blob_entry_equal(const struct art_entry *a, const struct art_entry *b);

/* --- blobs -------------------------------------------------------------------------------------------------------- */

struct blob_image {
    uint8_t *image;
    struct art_ref ref; /* its label is a copy */
    struct art_bytes separator;
    uint32_t first, rows; /* leaf: which rows; index: which blobs of the level below */
    struct art_blob blob; /* open, all pages present */
};

enum { BLOB_LEVELS_MAX = 12 };
extern const uint8_t blob_uuid[16];

/* A whole run: leaves, and index levels up to one blob. The blob in slot s is slots[s]. */
struct blob_run {
    uint32_t height; /* levels */
    struct {
        uint32_t first, count;
    } level[BLOB_LEVELS_MAX];
    struct blob_image *slots;
    uint32_t count, room;
};

/* Leaf blobs are built, if a codec is lent, with suffixes that are coded by symbols for the rows' keys; or from blob to
 * blob by others, or none. */
extern bool blob_coded, blob_changing;
extern const struct art_symbols *blob_symbols; /* instead of those for the rows; NULL: none */
/* Draws these, and whether the toy codec is lent. */
void blob_forms_draw(struct random *random);
const struct art_symbols *blob_symbols_for(const struct blob_rows *rows); /* until the next call */
/* With the rows' summary, if any, and with blocks if a codec is lent (toy_codec.h). */
void blob_run_build(struct blob_run *run, const struct blob_rows *rows, uint32_t fill_pages, bool filter);
/* The lowest level alone. */
void blob_run_leaves(struct blob_run *run, const struct blob_rows *rows, uint32_t fill_pages, bool filter);
/* Rows and their run, in the place of what was there before. */
void blob_run_make(struct blob_run *run, struct blob_rows *rows, struct blob_style style, uint32_t wanted,
                   uint32_t fill_pages, bool filter, struct random *random);
void blob_run_clear(struct blob_run *run);
static inline struct blob_image *blob_run_root(struct blob_run *run) {
    return &run->slots[run->level[run->height - 1].first];
}

/* A run blob by blob: the next one to be built, which begins with row or child `first`; the end of the last one, when
 * the builder has got `taken` of them. True: some are held back. For these, or because there are `more`, another is
 * begun. */
struct blob_image *blob_run_next(struct blob_run *run, uint32_t first);
bool blob_run_finish(struct blob_run *run, struct art_builder *builder, uint32_t taken, bool more);
struct art_builder *blob_builder(const struct art_summary *summary, uint32_t level, uint32_t fill_pages, bool filter);
void blob_image_open(struct blob_image *image);
/* A copy to be changed, which is not open; free() its image. The label is borrowed. */
struct blob_image blob_image_copy(const struct blob_image *from);
/* Opens it, verifies all pages, and checks it against the summary (NULL: none) and its reference's label. */
enum art_rc blob_image_check(struct blob_image *image, const struct art_summary *summary);
static inline struct art_blob_trailer *blob_image_trailer(uint8_t *image) {
    return (struct art_blob_trailer *)(void *)(image + ART_TRAILER_AT);
}

uint8_t *blob_image_new(void);
bool blob_page_used(const struct art_ref *ref, uint32_t page);
/* After a change: all hashes, from the pages up to the reference, are made right again. */
void blob_image_rehash(uint8_t *image, struct art_ref *ref);
/* And the trailer's own. */
void blob_image_rehash_all(uint8_t *image, struct art_ref *ref);

#endif
