/* In builds for tests one in 32 discards is carried out (core/portable/posix.c). Here is one that is. */
#ifndef ART_TESTS_DISCARD_H
#define ART_TESTS_DISCARD_H

#include "core/io/blob_pool.h"

static inline void discard_for_sure(struct art_blob_buf *buf, uint32_t offset, uint32_t len) {
    for (unsigned i = 0; i < 32; i++) art_blob_buf_discard(buf, offset, len);
}

#endif
