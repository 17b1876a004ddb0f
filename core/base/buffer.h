/* What grows, in the shim's memory: a buffer of bytes (zero-initialise it; art_buffer_clear() frees), and arrays. */
#ifndef ART_BASE_BUFFER_H
#define ART_BASE_BUFFER_H

#include "core/base/bytes.h"
#include "core/base/error.h"

#include <stddef.h>

struct art_buffer {
    uint8_t *data;
    size_t len, capacity;
};

/* Frees; zeros are fine, and are left. */
void art_buffer_clear(struct art_buffer *buffer);
/* Room for `more` bytes behind the present ones; `len` bytes to the end, which do not lie in the buffer. ART_OK or
 * ART_NOMEM (then unchanged). */
enum art_rc art_buffer_reserve(struct art_buffer *buffer, size_t more);
enum art_rc art_buffer_append(struct art_buffer *buffer, const void *data, size_t len);
/* These bytes in place of what was in it; with ART_NOMEM it is empty. */
enum art_rc art_buffer_set(struct art_buffer *buffer, const void *data, size_t len);
/* A copy of `key` and nothing else, readable ART_KEY_PADDING bytes past its end, as searches want it. ART_OK or
 * ART_NOMEM, and then what is in it means nothing. */
enum art_rc art_buffer_set_key(struct art_buffer *buffer, struct art_bytes key);

/* What is in it, borrowed. */
static inline struct art_bytes art_buffer_bytes(const struct art_buffer *buffer) {
    return art_bytes(buffer->data, (uint32_t)buffer->len);
}

/* Makes *array, a pointer to `capacity` elements of `size` bytes (NULL: none), hold at least `need` of them, for
 * art_free(). ART_OK or ART_NOMEM (then unchanged). */
enum art_rc art_grow(void *array, uint32_t *capacity, uint32_t need, size_t size);

#endif
