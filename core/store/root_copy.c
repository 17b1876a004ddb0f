#include "core/store/root_copy.h"

#include <assert.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/base/hash.h"

enum { COPY_BYTES = ART_ROOT_COPY_PAGES * ART_STORE_PAGE };

static uint64_t offset_of(unsigned copy) {
    assert(copy < ART_ROOT_COPIES);
    return (uint64_t)ART_ROOT_COPY_FIRST_PAGE * ART_STORE_PAGE + (uint64_t)copy * COPY_BYTES;
}

static uint32_t pages_for(uint32_t len) {
    return ((uint32_t)sizeof(struct art_root_copy) + len + ART_STORE_PAGE - 1) / ART_STORE_PAGE;
}

static struct art_hash128 hash_of_copy(const struct art_root_copy *header, const void *root) {
    struct art_hash_part parts[2] = {{header, offsetof(struct art_root_copy, hash_low)}, {root, header->len}};
    return art_hash128_parts(parts, 2);
}

static const struct art_root_copy *header_at(const uint8_t *page) {
    return (const struct art_root_copy *)(const void *)page;
}

/* Could there be one, by its first page? */
static bool begins_well(const uint8_t *page) {
    const struct art_root_copy *header = header_at(page);
    return !memcmp(header->magic, ART_ROOT_COPY_MAGIC, sizeof header->magic) && header->len &&
           header->len <= ART_ROOT_COPY_BYTES_MAX;
}

static enum art_rc read_copy(struct art_io *io, uint8_t *to, unsigned copy, uint32_t pages) {
    assert(pages && pages * ART_STORE_PAGE <= COPY_BYTES);
    struct art_io_request request = {to, pages * ART_STORE_PAGE, offset_of(copy)};
    return art_io_read(io, &request, 1);
}

static bool read_whole(struct art_io *io, uint8_t *pages, unsigned copy) {
    const struct art_root_copy *header = header_at(pages);
    if (read_copy(io, pages, copy, 1) || !begins_well(pages)) return false;
    if (pages_for(header->len) > 1 && read_copy(io, pages, copy, pages_for(header->len))) return false;
    if (!begins_well(pages)) return false; /* who writes just now changes it */
    struct art_hash128 hash = hash_of_copy(header, pages + sizeof *header);
    return hash.low == header->hash_low && hash.high == header->hash_high;
}

enum art_rc art_root_copy_read(struct art_io *io, struct art_buffer *out, uint8_t uuid[16]) {
    uint64_t newest = 0;
    enum art_rc rc = ART_NOTFOUND;
    uint8_t *pages = art_alloc_aligned(COPY_BYTES, ART_STORE_PAGE);
    if (!pages) return art_nomem();
    for (unsigned copy = 0; copy < ART_ROOT_COPIES && rc != ART_NOMEM; copy++) {
        const struct art_root_copy *header = header_at(pages);
        if (!read_whole(io, pages, copy) || (!rc && !art_sequence_is_newer(header->sequence, newest))) continue;
        newest = header->sequence;
        memcpy(uuid, header->uuid, sizeof header->uuid);
        rc = art_buffer_set(out, pages + sizeof *header, header->len);
    }
    art_free_aligned(pages);
    return rc;
}

/* The copy to write to, and the sequence: behind whatever is there. */
static unsigned choose_copy(struct art_io *io, uint8_t *page, const uint8_t uuid[16], uint64_t *sequence) {
    unsigned newest = ART_ROOT_COPIES - 1;
    bool any = false;
    *sequence = 0;
    for (unsigned copy = 0; copy < ART_ROOT_COPIES; copy++) {
        const struct art_root_copy *header = header_at(page);
        bool ours = !read_copy(io, page, copy, 1) && begins_well(page) && !memcmp(header->uuid, uuid, 16);
        if (!ours || (any && art_sequence_is_newer(*sequence, header->sequence))) continue;
        any = true;
        *sequence = header->sequence;
        newest = copy;
    }
    ++*sequence;
    return (newest + 1) % ART_ROOT_COPIES;
}

/* One is whole while the other is written. */
enum art_rc art_root_copy_write(struct art_io *io, const uint8_t uuid[16], struct art_bytes root, bool alone) {
    if (!root.len || root.len > ART_ROOT_COPY_BYTES_MAX) return ART_TOOBIG;
    uint32_t len = alone ? COPY_BYTES : pages_for(root.len) * ART_STORE_PAGE;
    uint8_t *pages = art_alloc_aligned(len, ART_STORE_PAGE);
    if (!pages) return ART_NOMEM;
    struct art_root_copy header = {.len = root.len};
    unsigned copy = choose_copy(io, pages, uuid, &header.sequence);
    memcpy(header.magic, ART_ROOT_COPY_MAGIC, sizeof header.magic);
    memcpy(header.uuid, uuid, sizeof header.uuid);
    struct art_hash128 hash = hash_of_copy(&header, root.data);
    header.hash_low = hash.low;
    header.hash_high = hash.high;
    memset(pages, 0, len);
    memcpy(pages, &header, sizeof header);
    memcpy(pages + sizeof header, root.data, root.len);
    assert(sizeof header + root.len <= len && begins_well(pages) && len <= COPY_BYTES);
    enum art_rc rc = ART_OK;
    for (unsigned copies = alone ? ART_ROOT_COPIES : 1; !rc && copies; copies--) {
        struct art_io_request request = {pages, len, offset_of(copy)};
        rc = art_io_write(io, &request, 1);
        enum art_rc waited = art_io_wait(io);
        if (!rc) rc = waited;
        copy = (copy + 1) % ART_ROOT_COPIES;
    }
    art_free_aligned(pages);
    return rc;
}
