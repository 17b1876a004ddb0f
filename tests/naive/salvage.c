/* The naive tree has no blobs: what core/tree/salvage.h declares, beside tree.c. */
#include "core/tree/salvage.h"
#include "core/base/error.h"

enum art_rc art_salvage_open(struct art_salvage **out, const struct art_salvage_options *options) {
    (void)options;
    *out = NULL;
    return art_fail(ART_MISUSE, "art: the naive tree salvages nothing");
}

void art_salvage_close(struct art_salvage *salvage) {
    (void)salvage;
}

enum art_rc art_salvage_next(struct art_salvage *salvage) {
    (void)salvage;
    return ART_MISUSE;
}

bool art_salvage_valid(const struct art_salvage *salvage) {
    (void)salvage;
    return false;
}

struct art_bytes art_salvage_key(const struct art_salvage *salvage) {
    (void)salvage;
    return art_bytes(NULL, 0);
}

struct art_bytes art_salvage_value(const struct art_salvage *salvage) {
    (void)salvage;
    return art_bytes(NULL, 0);
}

uint64_t art_salvage_version(const struct art_salvage *salvage) {
    (void)salvage;
    return 0;
}

bool art_salvage_lost(struct art_salvage *salvage, struct art_lost *out) {
    (void)salvage;
    (void)out;
    return false;
}
