/* How much of the pending bucket goes into its page, when its values become a block.
 *
 *   pending    [ keys .............. ]  known
 *              [ values ............ ]  as they are;  the block's size shows when it is encoded
 *   page       [ other buckets | keys, block           .. ]
 *
 * To encode costs as much as all else that is done with a row. So the bucket is encoded once, when it should fill its
 * page by what the last ones took. Rarely it is too large, and its last entries go to the next bucket; or much of the
 * page is left, which is the next bucket's. (To let it grow on instead makes no blob smaller, and encodes more.)
 */
#include <assert.h>

#include "core/blob/builder_internal.h"

enum {
    MARGIN_PART = 64,  /* of what is left of a page: a guess that is wrong by less costs nothing */
    CUTS_MAX = 3,      /* to find how many entries fit */
    TELLING_COUNT = 32 /* entries of a bucket that tells what the next one will take */
};

void art_fit_begin(struct art_builder *builder) {
    struct art_pending *pending = &builder->pending;
    assert(pending->blocks && pending->count && builder->buffer);
    if (builder->at % ART_BLOB_PAGE && art_bytes_left_in_page(builder) <= ART_PAGE_LOSS_BYTES)
        art_give_page_up(builder);
    pending->alone = art_pending_size_of_first(pending) > art_bytes_left_in_page(builder);
}

bool art_fit_is_due(const struct art_builder *builder) {
    const struct art_pending *pending = &builder->pending;
    uint32_t left = art_bytes_left_in_page(builder);
    if (pending->alone) return true;
    uint32_t size = art_pending_size_of_keys(pending) + pending->value_bytes * builder->ratio / ART_RATIO_ONE;
    return size + size / pending->count > left - left / MARGIN_PART;
}

/* Makes the bucket's block, if it is smaller than its values. Returns the bucket's size. */
static uint32_t encode_values(struct art_builder *builder) {
    struct art_pending *pending = &builder->pending;
    struct art_bytes values[ART_BUCKET_ENTRIES];
    uint32_t from = 0, plain = pending->value_bytes + (pending->shape.same_length ? 0 : 2 * pending->count), len = 0;
    for (uint32_t i = 0; i < pending->count; i++) {
        values[i] = art_bytes(pending->values + from, pending->value_end[i] - from);
        from = pending->value_end[i];
    }
    if (plain)
        len = art_codec()->encode(values, pending->count, builder->block, art_min32(plain - 1, ART_BLOCK_PLAIN_MAX));
    assert(!len || len < plain); /* the codec writes no more than it was given (core/base/codec.h) */
    pending->block = art_bytes(builder->block, len);
    art_pending_decide(pending);
    return art_pending_size(pending);
}

/* What a bucket has become tells how large the next will. `wrong`: the guess was. */
static void learn_ratio(struct art_builder *builder, bool wrong) {
    const struct art_pending *pending = &builder->pending;
    uint32_t ratio = ART_RATIO_ONE;
    if (pending->block.len && pending->value_bytes)
        ratio = art_min32(ratio, pending->block.len * ART_RATIO_ONE / pending->value_bytes);
    if (!wrong && pending->count < TELLING_COUNT) return;
    builder->ratio = wrong ? ratio : (3 * builder->ratio + ratio) / 4;
}

/* The bucket, which takes `size` bytes, is too large. */
static void cut_bucket(struct art_builder *builder, uint32_t size) {
    struct art_pending *pending = &builder->pending;
    uint32_t left = art_bytes_left_in_page(builder), most = left - left / MARGIN_PART;
    for (unsigned i = 0; i < CUTS_MAX && pending->block.len; i++) {
        uint32_t count = pending->count * most / size;
        if (count < 2) break;
        art_pending_cut(pending, count);
        size = encode_values(builder);
        if (size <= left && pending->block.len) return;
    }
    pending->block = art_bytes(NULL, 0);
    art_pending_cut(pending, art_pending_plain_fit(pending, left)); /* one at least: the bucket is not `alone` */
    art_pending_decide(pending);
}

void art_fit_bucket(struct art_builder *builder) {
    struct art_pending *pending = &builder->pending;
    uint32_t left = art_bytes_left_in_page(builder);
    assert(pending->blocks && pending->count && !pending->behind);
    if (pending->alone) {
        pending->block = art_bytes(NULL, 0);
        art_pending_cut(pending, 1);
        return;
    }
    uint32_t size = encode_values(builder);
    bool too_small = art_fit_is_due(builder) && size + ART_PAGE_LOSS_BYTES < left;
    learn_ratio(builder, size > left || too_small);
    if (size > left) cut_bucket(builder, size);
    assert(art_pending_size(pending) <= left);
}
