/* A growing byte buffer in the shim's memory. Zero-initialise it; art_buffer_clear() frees. */
#ifndef ART_BASE_BUFFER_H
#define ART_BASE_BUFFER_H

#include "core/base/bytes.h"

#include <stddef.h>

struct art_buffer {
    uint8_t *data;
    size_t len, capacity;
};

void art_buffer_clear(struct art_buffer *buffer);
/* ART_OK or ART_NOMEM (then unchanged). */
int art_buffer_reserve(struct art_buffer *buffer, size_t more);
int art_buffer_append(struct art_buffer *buffer, const void *data, size_t len);

#endif
