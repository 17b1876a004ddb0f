/* Checksums and key hashes are xxHash's XXH3; nothing here is meant to resist an attacker who can compute them. */
#ifndef ART_BASE_HASH_H
#define ART_BASE_HASH_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct art_hash128 {
    uint64_t low, high;
};

/* XXH3 of `len` bytes (0: `data` may be NULL), in 64 and in 128 bits. */
uint64_t art_hash64(const void *data, size_t len);
struct art_hash128 art_hash128(const void *data, size_t len);
/* art_hash64() with a seed; 0 is that itself. */
uint64_t art_hash64_seeded(const void *data, size_t len, uint64_t seed);

/* Hash of several pieces, as if they stood one behind the other. */
struct art_hash_part {
    const void *data;
    size_t len;
};
struct art_hash128 art_hash128_parts(const struct art_hash_part *parts, unsigned count);

struct art_hash_stream;
/* art_hash64() of what comes piece by piece: begin, add, end, as often as wanted; end() changes nothing. new() is NULL
 * without memory; to free NULL is fine. */
struct art_hash_stream *art_hash_stream_new(void);
void art_hash_stream_begin(struct art_hash_stream *stream);
void art_hash_stream_add(struct art_hash_stream *stream, const void *data, size_t len);
uint64_t art_hash_stream_end(const struct art_hash_stream *stream);
void art_hash_stream_free(struct art_hash_stream *stream);

static inline bool art_hash128_equal(struct art_hash128 a, struct art_hash128 b) {
    return a.low == b.low && a.high == b.high;
}

/* `len` random bytes from the system. ART_OK, ART_IO. */
enum art_rc art_random(void *out, size_t len);

#endif
