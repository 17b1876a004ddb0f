/* A store that goes to another location: another connection has brought the blobs there, or nothing was written yet.
 * And blobs that are copied from one store into another, where they keep their slots and their bytes: so a root
 * leads to the same blobs here and there.
 */
#include <assert.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/store/private.h"

enum art_rc art_location_copy(struct art_whereabouts *to, const struct art_store_location *from) {
    assert(from->path && !from->rows != !from->host_path);
    *to = (struct art_whereabouts){.rows = from->rows,
                                   .rows_id = from->rows_id,
                                   .medium = from->rows ? &art_medium_rows : &art_medium_file,
                                   .path = art_string_copy(from->path),
                                   .host_path = from->host_path ? art_string_copy(from->host_path) : NULL};
    assert(to->medium->is_cut != to->medium->discards && to->medium->has_superblock != to->medium->goes_with_host);
    if (to->path && (to->host_path || !from->host_path)) return ART_OK;
    art_free(to->path);
    art_free(to->host_path);
    to->path = to->host_path = NULL;
    return art_nomem();
}

enum art_rc art_store_use(struct art_store *store, const struct art_store_location *location) {
    assert(!store->phase.active);
    struct art_whereabouts now;
    struct art_old_path *node = art_alloc(sizeof *node);
    if (!node) return art_nomem();
    enum art_rc rc = art_location_copy(&now, location);
    if (rc) {
        art_free(node);
        return rc;
    }
    art_store_readahead_drop(store);
    art_store_drop_pins(store);
    art_store_close_file(store);
    assert(!store->location.io && !store->pinned);
    art_free(store->location.host_path);
    *node = (struct art_old_path){store->old_paths, store->location.path};
    store->old_paths = node;
    store->location = now;
    return ART_OK;
}

static enum art_rc read_all(struct art_store *store, const struct art_ref *refs, unsigned count,
                            struct art_blob_buf *buffers) {
    assert(count <= ART_COPY_MAX);
    struct art_io_request requests[2 * ART_COPY_MAX];
    unsigned made = 0, pages = 0;
    for (unsigned i = 0; i < count; i++) {
        made += art_whole_requests(buffers[i].data, &refs[i], requests + made);
        pages += refs[i].leaf_pages + refs[i].footer_pages;
    }
    enum art_rc rc = art_io_read(store->location.io, requests, made);
    if (!rc) store->count.pages_read += pages;
    return rc;
}

/* The whole slot, which lies within the file since its footer is its end: file systems share whole blocks only. */
static bool share_slot(struct art_store *to, const struct art_store *from, uint32_t slot) {
    assert(slot && slot < to->phase.end);
    uint64_t at = (uint64_t)slot * ART_BLOB_SIZE, end = at + ART_BLOB_SIZE;
    if (to->clones_not) return false;
    to->clones_not = !art_io_clone_range(to->location.io, from->location.io, at, ART_BLOB_SIZE);
    if (to->clones_not) return false;
    if (to->location.file_bytes < end) to->location.file_bytes = end;
    return true;
}

enum art_rc art_store_copy(struct art_store *store, const struct art_ref *refs, unsigned count, struct art_store *to) {
    struct art_blob_buf buffers[ART_COPY_MAX] = {0};
    assert(count <= ART_COPY_MAX);
    enum art_rc rc = art_store_usable(store);
    assert(store != to && (to->phase.active || rc));
    for (unsigned i = 0; !rc && i < count; i++) {
        rc = art_store_reaches(store, &refs[i]);
        if (!rc) rc = art_store_buffer(to, &buffers[i]);
    }
    if (!rc) rc = read_all(store, refs, count, buffers);
    for (unsigned i = 0; !rc && i < count; i++) {
        struct art_blob blob;
        rc = art_blob_open(&blob, buffers[i].data, &refs[i], store->uuid, store->location.path);
        for (uint32_t page = 0; !rc && page < refs[i].leaf_pages; page++) rc = art_blob_verify_page(&blob, page);
        if (!rc && to->phase.end <= refs[i].slot) to->phase.end = refs[i].slot + 1;
        if (!rc && !share_slot(to, store, refs[i].slot)) rc = art_store_write(to, &refs[i], &buffers[i], false);
    }
    for (unsigned i = 0; i < count; i++) art_blob_buf_put(&buffers[i]);
    return rc;
}

/* --- onto an earlier copy ----------------------------------------------------------------------------------------- */

/* What cannot be read there is written anew. */
static void look_at_trailers(struct art_store *to, const struct art_ref *refs, unsigned count,
                             const struct art_blob_buf *buffer, bool *same) {
    assert(count <= ART_COPY_LOOK && to->phase.was_copied);
    struct art_io_request requests[ART_COPY_LOOK];
    unsigned made = 0;
    for (unsigned i = 0; i < count; i++) {
        uint64_t end = ((uint64_t)refs[i].slot + 1) * ART_BLOB_SIZE;
        same[i] = end <= to->location.file_bytes;
        if (same[i]) requests[made++] = (struct art_io_request){buffer->data + i * ART_PAGE, ART_PAGE, end - ART_PAGE};
    }
    bool read = !made || !art_io_read(to->location.io, requests, made);
    for (unsigned i = 0; i < count; i++) {
        same[i] =
            same[i] && read && art_hash128_equal(art_hash128(buffer->data + i * ART_PAGE, ART_PAGE), refs[i].hash);
    }
}

static void look_at_whole(struct art_store *to, const struct art_ref *refs, unsigned count,
                          const struct art_blob_buf *buffer, bool *same) {
    for (unsigned i = 0; i < count; i++) {
        struct art_blob blob;
        struct art_io_request requests[2];
        unsigned made = art_whole_requests(buffer->data, &refs[i], requests);
        same[i] = ((uint64_t)refs[i].slot + 1) * ART_BLOB_SIZE <= to->location.file_bytes &&
                  !art_io_read(to->location.io, requests, made) &&
                  !art_blob_open(&blob, buffer->data, &refs[i], to->uuid, to->location.path);
        for (uint32_t page = 0; same[i] && page < refs[i].leaf_pages; page++) {
            same[i] = !art_blob_verify_page(&blob, page);
        }
    }
}

enum art_rc art_store_leave_out_same(struct art_store *to, struct art_ref *refs, unsigned *count) {
    bool same[ART_COPY_LOOK];
    struct art_blob_buf buffer = {NULL, NULL, -1};
    unsigned kept = 0;
    enum art_rc rc = art_store_buffer(to, &buffer);
    if (!rc) rc = art_store_wait(to);
    if (!rc) (to->phase.was_copied ? look_at_trailers : look_at_whole)(to, refs, *count, &buffer, same);
    for (unsigned i = 0; !rc && i < *count; i++) {
        if (!same[i]) refs[kept++] = refs[i];
    }
    if (!rc) *count = kept;
    art_blob_buf_put(&buffer);
    return rc;
}

/* A slot that nothing names may have a part of a blob: who was killed has left it. */
static enum art_rc clear_strays(struct art_store *to, const struct art_ref *refs, uint32_t count) {
    struct art_blob_buf zeros = {NULL, NULL, -1};
    enum art_rc rc = art_blob_buf_get_zeroed(to->phase.pool, &zeros);
    for (uint32_t i = 0, slot = 1; !rc && i < count; slot++) {
        uint64_t end = ((uint64_t)slot + 1) * ART_BLOB_SIZE;
        bool named = slot == refs[i].slot;
        i += named;
        if (named || end > to->location.file_bytes) continue;
        struct art_io_request request = {zeros.data, ART_PAGE, end - ART_PAGE};
        rc = art_io_write(to->location.io, &request, 1);
        enum art_rc waited = art_io_wait(to->location.io);
        if (!rc) rc = waited;
        if (!rc) to->count.pages_written++;
    }
    art_blob_buf_put(&zeros);
    return rc;
}

enum art_rc art_store_keep_only(struct art_store *to, const struct art_ref *refs, uint32_t count) {
    enum art_rc rc = art_store_truncate(to, count ? refs[count - 1].slot + 1 : 1);
    return rc || to->phase.was_copied ? rc : clear_strays(to, refs, count);
}

enum art_rc art_store_note_copied(struct art_store *to) {
    assert(to->phase.active && to->for_another);
    return to->location.medium->has_superblock ? art_store_write_owner(to, true) : ART_OK;
}
