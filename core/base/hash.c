#include "core/base/hash.h"

#include <assert.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/base/platform.h"

uint64_t art_hash64(const void *data, size_t len) {
    assert(data || !len);
    return XXH3_64bits(data, len);
}

uint64_t art_hash64_seeded(const void *data, size_t len, uint64_t seed) {
    assert(data || !len);
    return XXH3_64bits_withSeed(data, len, seed);
}

struct art_hash128 art_hash128(const void *data, size_t len) {
    assert(data || !len);
    XXH128_hash_t h = XXH3_128bits(data, len);
    return (struct art_hash128){h.low64, h.high64};
}

/* Side by side on the stack, where they fit: to begin a stream takes longer than to hash some hundred bytes. */
struct art_hash128 art_hash128_parts(const struct art_hash_part *parts, unsigned count) {
    assert(count);
    enum { SHORT_BYTES = 512 };
    uint8_t whole[SHORT_BYTES];
    size_t len = 0;
    for (unsigned i = 0; i < count; i++) {
        if (parts[i].len > SHORT_BYTES - len) {
            len = SHORT_BYTES + 1;
            break;
        }
        if (parts[i].len) memcpy(whole + len, parts[i].data, parts[i].len);
        len += parts[i].len;
    }
    if (len <= SHORT_BYTES) return art_hash128(whole, len);
    XXH3_state_t state;
    XXH3_128bits_reset(&state);
    for (unsigned i = 0; i < count; i++) XXH3_128bits_update(&state, parts[i].data, parts[i].len);
    XXH128_hash_t h = XXH3_128bits_digest(&state);
    return (struct art_hash128){h.low64, h.high64};
}

struct art_hash_stream {
    XXH3_state_t state;
};

struct art_hash_stream *art_hash_stream_new(void) {
    return art_alloc_aligned(sizeof(struct art_hash_stream), _Alignof(struct art_hash_stream));
}

void art_hash_stream_begin(struct art_hash_stream *stream) {
    XXH3_64bits_reset(&stream->state);
}

void art_hash_stream_add(struct art_hash_stream *stream, const void *data, size_t len) {
    assert(data || !len);
    XXH3_64bits_update(&stream->state, data, len);
}

uint64_t art_hash_stream_end(const struct art_hash_stream *stream) {
    return XXH3_64bits_digest(&stream->state);
}

void art_hash_stream_free(struct art_hash_stream *stream) {
    art_free_aligned(stream);
}

enum art_rc art_random(void *out, size_t len) {
    int error = art_platform_random(out, len);
    return error ? art_fail_errno(ART_IO, error, "art: no random bytes from the system") : ART_OK;
}
