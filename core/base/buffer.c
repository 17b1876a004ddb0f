#include "core/base/buffer.h"

#include <assert.h>

#include "core/base/alloc.h"
#include "core/base/error.h"

void art_buffer_clear(struct art_buffer *buffer) {
    art_free(buffer->data);
    *buffer = (struct art_buffer){0};
}

enum art_rc art_buffer_reserve(struct art_buffer *buffer, size_t more) {
    assert(buffer->len <= buffer->capacity && (buffer->data || !buffer->capacity));
    if (buffer->capacity - buffer->len >= more) return ART_OK;
    size_t capacity = buffer->capacity ? buffer->capacity * 2 : 256;
    while (capacity - buffer->len < more) capacity *= 2;
    uint8_t *data = art_resize(buffer->data, capacity);
    if (!data) return art_nomem();
    buffer->data = data;
    buffer->capacity = capacity;
    return ART_OK;
}

enum art_rc art_buffer_append(struct art_buffer *buffer, const void *data, size_t len) {
    const uint8_t *from = data;
    assert(!len || !buffer->data || from + len <= buffer->data || from >= buffer->data + buffer->capacity);
    enum art_rc rc = art_buffer_reserve(buffer, len);
    if (rc) return rc;
    if (len) memcpy(buffer->data + buffer->len, from, len);
    buffer->len += len;
    assert(buffer->len <= buffer->capacity);
    return ART_OK;
}

enum art_rc art_buffer_set(struct art_buffer *buffer, const void *data, size_t len) {
    buffer->len = 0;
    return art_buffer_append(buffer, data, len);
}

enum art_rc art_grow(void *array, uint32_t *capacity, uint32_t need, size_t size) {
    void *old, *larger;
    if (need <= *capacity) return ART_OK;
    uint32_t wanted = *capacity + *capacity / 2 < need ? need + 16 : *capacity + *capacity / 2;
    memcpy(&old, array, sizeof old);
    assert(size && !old == !*capacity);
    larger = art_resize(old, wanted * size);
    if (!larger) return art_nomem();
    memcpy(array, &larger, sizeof larger);
    *capacity = wanted;
    assert(need <= *capacity);
    return ART_OK;
}

enum art_rc art_buffer_set_key(struct art_buffer *buffer, struct art_bytes key) {
    assert(key.len <= ART_KEY_MAX + 1); /* the bound of a search may have one byte more than a key */
    enum art_rc rc = art_buffer_set(buffer, key.data, key.len);
    if (!rc) rc = art_buffer_reserve(buffer, ART_KEY_PADDING);
    if (!rc) memset(buffer->data + buffer->len, 0, ART_KEY_PADDING);
    return rc;
}
