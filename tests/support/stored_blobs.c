#include "tests/support/stored_blobs.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/blob/bucket.h"
#include "core/blob/filter.h"
#include "ext/columns/cells.h"
#include "tests/support/sql.h"

static void add_block(struct stored_blobs *out, struct art_bytes bytes) {
    struct art_block block;
    ck_assert_ptr_null(art_block_open(bytes, &block, true));
    out->raw |= block.raw.count > 0;
    for (uint32_t i = 0; i < block.columns; i++) {
        struct art_cells column;
        ck_assert_ptr_null(art_cells_open(bytes, &block, i, &column, true));
        out->encodings |= 1u << column.encoding;
        out->sparse |= column.sparse;
        out->apart |= column.apart.count > 0;
    }
}

static void add_leaf(struct stored_blobs *out, struct art_blob *blob) {
    static uint8_t key[ART_KEY_MAX + ART_KEY_PADDING];
    out->leaves++;
    if ((int)blob->buckets > out->buckets) out->buckets = (int)blob->buckets;
    out->coded += blob->symbols != NULL;
    struct art_blob_cursor cursor;
    art_blob_cursor_init(&cursor, blob, key);
    const uint8_t *before = NULL;
    enum art_rc rc = art_blob_first(&cursor);
    for (; !rc && cursor.valid; rc = art_blob_next(&cursor)) {
        struct art_entry entry;
        art_blob_cursor_entry(&cursor, &entry);
        bool in_block = entry.flags & ART_IN_BLOCK;
        out->in_blocks += in_block;
        out->plain += !in_block;
        out->references |= in_block && entry.flags & ART_OVERFLOW;
        if (in_block && entry.value.data != before) add_block(out, entry.value);
        if (in_block) before = entry.value.data;
    }
    ck_assert_int_eq(rc, ART_OK);
}

static void add_parts(struct stored_blobs *out, struct art_blob *blob) {
    uint64_t all = (uint64_t)(blob->leaf_pages + blob->footer_pages) * ART_BLOB_PAGE, used = 0;
    uint64_t symbols = blob->symbols ? sizeof *blob->symbols : 0;
    uint64_t filter = (uint64_t)blob->filter_blocks * ART_FILTER_BLOCK_BYTES;
    uint64_t routing = ART_BLOB_BYTES - blob->at.begin[ART_PART_BOUNDS] - symbols;
    uint64_t postings = blob->at.begin[ART_PART_POSTINGS + 1] - blob->at.begin[ART_PART_POSTINGS];
    for (uint32_t i = 0; i < blob->buckets; i++) {
        struct art_bucket_view view;
        ck_assert_int_eq(art_bucket_open(blob, i, &view), ART_OK);
        uint64_t values = (uint64_t)(art_bucket_values_end(&view) - view.values);
        uint64_t names = (uint64_t)(view.flags - view.first_bytes + view.values - view.prefix);
        out->names += names, out->values += values;
        out->others += (uint64_t)(view.values - view.start) - names;
        used += values + (uint64_t)(view.values - view.start);
    }
    out->symbols += symbols;
    out->filters += filter;
    out->postings += postings;
    out->routing += routing;
    out->lost += all - used - symbols - filter - postings - routing;
}

static void add_image(struct stored_blobs *out, const uint8_t *image, uint32_t slot) {
    struct art_ref ref;
    uint8_t uuid[16];
    struct art_blob blob;
    if (!art_blob_own_ref(image + ART_BLOB_BYTES - ART_BLOB_PAGE, slot, &ref, uuid)) return;
    ck_assert_int_eq(art_blob_open(&blob, image, &ref, uuid, NULL), ART_OK);
    out->indexes += blob.kind == ART_BLOB_INDEX;
    if (blob.kind != ART_BLOB_LEAF) return;
    for (uint32_t page = 0; page < blob.leaf_pages; page++) ck_assert_int_eq(art_blob_verify_page(&blob, page), ART_OK);
    add_leaf(out, &blob);
    add_parts(out, &blob);
}

static void add_rows(struct stored_blobs *out, sqlite3 *db, const char *table, uint8_t *image) {
    sqlite3_stmt *pages = sql_prepare(db, "SELECT page, data FROM \"%w_artblob\" WHERE page >= 0 ORDER BY page", table);
    sqlite3_int64 slot = 0;
    bool more = true;
    while (more) {
        more = sqlite3_step(pages) == SQLITE_ROW;
        sqlite3_int64 page = more ? sqlite3_column_int64(pages, 0) : 0;
        if (!more || page / ART_BLOB_PAGES != slot) {
            if (slot) add_image(out, image, (uint32_t)slot);
            slot = page / ART_BLOB_PAGES;
            memset(image, 0, ART_BLOB_BYTES);
        }
        int bytes = more ? sqlite3_column_bytes(pages, 1) : 0;
        ck_assert_int_le(bytes, ART_BLOB_PAGE);
        if (bytes) memcpy(image + page % ART_BLOB_PAGES * ART_BLOB_PAGE, sqlite3_column_blob(pages, 1), (size_t)bytes);
    }
    sqlite3_finalize(pages);
}

/* The next slot with anything in it: a file may be all holes. */
static bool next_slot(int fd, off_t *slot) {
    off_t data = lseek(fd, *slot * ART_BLOB_BYTES, SEEK_DATA);
    if (data >= 0) *slot = data / ART_BLOB_BYTES;
    return data >= 0;
}

static void add_file(struct stored_blobs *out, const char *path, uint8_t *image) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return; /* nothing was flushed yet */
    for (off_t slot = 1; next_slot(fd, &slot); slot++) {
        if (pread(fd, image, ART_BLOB_BYTES, slot * ART_BLOB_BYTES) != ART_BLOB_BYTES) break;
        add_image(out, image, (uint32_t)slot);
    }
    close(fd);
}

struct stored_blobs stored_blobs(sqlite3 *db, const char *folder, const char *table) {
    struct stored_blobs out = {0};
    uint8_t *image = aligned_alloc(ART_BLOB_PAGE, ART_BLOB_BYTES + ART_BLOB_PAGE);
    ck_assert_ptr_nonnull(image);
    art_codec_use(&art_columns_codec);
    if (sql_int(db, "SELECT count(*) FROM sqlite_schema WHERE name = '%q_artblob'", table) &&
        sql_int(db, "SELECT count(*) FROM \"%w_artblob\"", table)) { /* a copy may leave an empty one */
        add_rows(&out, db, table, image);
    } else {
        char *name = sql_rows(db, "SELECT CAST(v AS TEXT) FROM \"%w_artstate\" WHERE k = 'file'", table);
        name[strcspn(name, "\n")] = 0;
        char *path = sqlite3_mprintf("%s/%s", folder, name);
        add_file(&out, path, image);
        sqlite3_free(path);
        sqlite3_free(name);
    }
    free(image);
    return out;
}
