/* Blobs in memory: a fixed number of images, the one that was longest unused goes. A page is used when its hash is that
 * of its blob's trailer, and a trailer when it has the hash of the reference that leads to it, or its own.
 *
 * Leaf pages are read all together at the first touch; those that do not verify stay absent, and a read that needs one
 * reads it once more and hears what is wrong. */
#include "core/tree/salvage/private.h"

#include "core/base/platform.h"

bool art_is_damage(enum art_rc rc) {
    if (rc != ART_IO) return rc == ART_CORRUPT;
    int reason = art_error_errno(); /* 0: of rows, by SQLite's own words */
    return !reason || art_platform_says_damaged(reason);
}

static enum art_rc read_slot(struct art_salvage *salvage, uint32_t slot, uint32_t page, uint32_t count, void *to) {
    assert(count && page + count <= ART_BLOB_PAGES);
    if (!salvage->io && salvage->missing) {
        return art_corrupt(salvage->place, slot, ART_NOWHERE, "the .art file is missing");
    }
    if (!salvage->io) return art_corrupt(salvage->place, slot, ART_NOWHERE, "nobody knows where the blobs are");
    struct art_io_request request = {to, count * ART_BLOB_PAGE,
                                     (uint64_t)slot * ART_BLOB_BYTES + (uint64_t)page * ART_BLOB_PAGE};
    return art_io_read(salvage->io, &request, 1);
}

/* What fails here fails again where it is needed, and is reported there. */
static enum art_rc read_all_leaves(struct art_image *image) {
    struct art_blob *blob = &image->blob;
    image->tried = true;
    enum art_rc rc = read_slot(image->salvage, blob->slot, 0, blob->leaf_pages, image->bytes);
    if (rc) return art_is_damage(rc) ? ART_OK : rc;
    for (uint32_t page = 0; page < blob->leaf_pages; page++) (void)art_blob_verify_page(blob, page);
    return ART_OK;
}

static enum art_rc want_of_image(struct art_blob *blob, const struct art_pages *pages, enum art_intent intent) {
    struct art_image *image = blob->owner;
    assert(image->serial);
    enum art_rc rc = art_salvage_interrupted(image->salvage);
    if (!rc && !image->tried && !image->salvage->singly) rc = read_all_leaves(image);
    for (uint32_t page = 0; !rc && intent == ART_POINT && page < ART_BLOB_PAGES; page++) {
        if (!art_pages_has(pages, page) || art_page_present(blob, page)) continue;
        rc = read_slot(image->salvage, blob->slot, page, 1, image->bytes + (size_t)page * ART_BLOB_PAGE);
        if (!rc) rc = art_blob_verify_page(blob, page);
    }
    return rc;
}

static enum art_rc fill_image(struct art_salvage *salvage, struct art_image *image, const struct art_ref *ref) {
    uint32_t footer = ART_BLOB_PAGES - ref->footer_pages;
    assert(ref->slot && ref->footer_pages && ref->footer_pages + ref->leaf_pages <= ART_BLOB_PAGES);
    image->serial = 0;
    if (!image->bytes) image->bytes = art_alloc_aligned(ART_BLOB_BYTES, ART_BLOB_PAGE);
    if (!image->bytes) return art_nomem();
    enum art_rc rc =
        read_slot(salvage, ref->slot, footer, ref->footer_pages, image->bytes + (size_t)footer * ART_BLOB_PAGE);
    if (!rc) rc = art_blob_open_head(&image->blob, image->bytes, ref, salvage->uuid, salvage->place);
    if (rc) return rc;
    image->blob.want = want_of_image;
    image->blob.owner = image;
    image->salvage = salvage;
    image->ref = *ref;
    art_ref_leave(&image->ref);
    image->tried = false;
    image->serial = ++salvage->serial;
    return ART_OK;
}

enum art_rc art_image_get(struct art_salvage *salvage, const struct art_ref *ref, struct art_image **out) {
    struct art_image *oldest = &salvage->image[0];
    for (unsigned i = 0; i < ART_SALVAGE_IMAGES; i++) {
        struct art_image *image = &salvage->image[i];
        if (image->serial && art_ref_says_the_same(&image->ref, ref)) {
            image->used = ++salvage->clock;
            *out = image;
            return ART_OK;
        }
        if (image->used < oldest->used) oldest = image;
    }
    enum art_rc rc = art_store_check_ref(ref, salvage->place);
    if (!rc) rc = art_salvage_interrupted(salvage);
    if (!rc) rc = fill_image(salvage, oldest, ref);
    if (rc) return rc;
    oldest->used = ++salvage->clock;
    *out = oldest;
    return ART_OK;
}

static bool is_blank_page(const uint8_t *page) {
    uint64_t any = 0;
    for (unsigned i = 0; i < ART_BLOB_PAGE; i += 8) any |= art_load64(page + i);
    return !any;
}

enum art_rc art_image_own_ref(struct art_salvage *salvage, uint32_t slot, struct art_ref *ref,
                              uint8_t uuid[ART_UUID_BYTES]) {
    enum art_rc rc = art_salvage_interrupted(salvage);
    if (!rc) rc = read_slot(salvage, slot, ART_BLOB_PAGES - 1, 1, salvage->page);
    if (art_is_damage(rc) && salvage->medium->discards) return ART_NOTFOUND; /* of a free slot there is nothing */
    if (rc) return rc;
    if (is_blank_page(salvage->page)) return ART_NOTFOUND;
    if (art_blob_own_ref(salvage->page, slot, ref, uuid)) return ART_OK;
    return art_corrupt(salvage->place, slot, ART_BLOB_PAGES - 1, "the footer of a blob is damaged");
}

void art_images_clear(struct art_salvage *salvage) {
    for (unsigned i = 0; i < ART_SALVAGE_IMAGES; i++) art_free_aligned(salvage->image[i].bytes);
}

enum art_rc art_salvage_interrupted(struct art_salvage *salvage) {
    const struct art_salvage_options *options = &salvage->options;
    if (!options->interrupted || !options->interrupted(options->context)) return ART_OK;
    return art_fail(ART_INTERRUPT, "art: interrupted");
}
