/* What the fuzz targets share. Each is a program of its own (LLVMFuzzerTestOneInput, libFuzzer's main); `make fuzz`
 * runs them, tests/fuzz/run says how. A promise that is broken ends the process: fuzz_fail(). */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/bytes.h"
#include "core/base/error.h"
#include "tests/support/of_core.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

#define fuzz_fail(...)                                                                                                 \
    do {                                                                                                               \
        fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                                                \
        fprintf(stderr, __VA_ARGS__);                                                                                  \
        fprintf(stderr, "\n");                                                                                         \
        abort();                                                                                                       \
    } while (0)

/* An answer, or "damaged": nothing else may come of hostile bytes. True: go on. */
static inline bool fuzz_sound(int rc, const char *what) {
    if (rc != ART_OK && rc != ART_NOTFOUND && rc != ART_CORRUPT) {
        fuzz_fail("%s: %s: %s", what, art_error_name(rc), art_error_message());
    }
    return rc != ART_CORRUPT;
}

/* Looks at every byte, so that AddressSanitizer does. */
static inline void fuzz_touch(struct art_bytes bytes) {
    uint8_t all = 0;
    for (uint32_t i = 0; i < bytes.len; i++) all |= bytes.data[i];
    __asm__ volatile("" : : "r"(all));
}

/* The input as a source of small decisions; zeros when it is at its end. */
struct fuzz_source {
    const uint8_t *at, *end;
};

static inline uint8_t fuzz_byte(struct fuzz_source *source) {
    return source->at < source->end ? *source->at++ : 0;
}

/* A length, then as many bytes of the input. */
static inline struct art_bytes fuzz_bytes(struct fuzz_source *source) {
    size_t left = (size_t)(source->end - source->at), n = fuzz_byte(source);
    if (left) left--;
    if (n > left) n = left;
    struct art_bytes bytes = {source->at, (uint32_t)n};
    source->at += n;
    return bytes;
}

#endif
