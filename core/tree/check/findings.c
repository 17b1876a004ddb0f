/* What a check has found: reported to the host; and the ranges of keys that it leaves unread. */
#include "core/tree/check/check.h"

#include <assert.h>
#include <stdarg.h>

enum { SHOWN_NAME_BYTES = 80 }; /* of a snapshot */

enum art_rc art_check_note(struct art_checker *checker, enum art_rc rc) {
    bool of_data = rc != ART_OK && rc != ART_NOTFOUND && rc != ART_NOMEM && rc != ART_INTERRUPT && rc != ART_BUSY &&
                   rc != ART_FORKED;
    if (!of_data) return rc;
    struct art_fault fault = art_error_fault();
    if (rc == ART_CORRUPT && checker->snapshot) {
        art_corrupt(fault.place, fault.slot, fault.page, "snapshot '%.*s', which can be dropped: %s", SHOWN_NAME_BYTES,
                    checker->snapshot, fault.what);
        fault = art_error_fault();
    }
    if (rc == ART_CANTOPEN && checker->snapshot) {
        char what[ART_WHAT_SIZE];
        snprintf(what, sizeof what, "%.*s", ART_WHAT_SIZE - 1, fault.what); /* art_fail() writes over it */
        art_fail(rc, "art: snapshot '%.*s': %s", SHOWN_NAME_BYTES, checker->snapshot, what);
        fault = art_error_fault();
    }
    assert(fault.what[0]);
    struct art_problem problem = {rc, art_error_message(), fault.what, fault.place, fault.slot, fault.page};
    return checker->options->problem(checker->options->context, &problem) ? ART_OK : ART_NOTFOUND;
}

enum art_rc art_check_say(struct art_checker *checker, const char *place, uint32_t slot, uint32_t page,
                          const char *format, ...) {
    char what[400];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return art_check_note(checker, art_corrupt(place, slot, page, "%s", what));
}

const char *art_check_show(struct art_bytes tree_key, char *out) {
    /* Enough to know a key by, within a line; each may be four characters. */
    enum { SHOWN_BYTES = 40, LONGEST_BYTES = 4 * SHOWN_BYTES + 4 };
    _Static_assert((int)LONGEST_BYTES <= (int)ART_SHOWN_KEY_BYTES, "room for a key of which no byte is shown as it is");
    char *at = out;
    uint32_t end = art_min32(tree_key.len, 1 + SHOWN_BYTES);
    for (uint32_t i = 1; i < end; i++) {
        uint8_t byte = tree_key.data[i];
        at += snprintf(at, 5, byte < 0x20 || byte >= 0x7f || byte == '\'' ? "\\x%02x" : "%c", byte);
    }
    snprintf(at, 4, "%s", end < tree_key.len ? "..." : "");
    return out;
}

enum art_rc art_fence_set(struct art_buffer *to, bool *set, struct art_bytes key) {
    assert(key.len <= ART_KEY_MAX);
    *set = true;
    return art_buffer_set_key(to, key);
}

void art_fence_clear(struct art_fence *fence) {
    art_buffer_clear(&fence->low);
    art_buffer_clear(&fence->high);
    *fence = (struct art_fence){0};
}

/* When there are too many, the last one takes everything. Forged separators may leave no key between two bounds. */
enum art_rc art_check_add_unread(struct art_checker *checker, const struct art_fence *fence) {
    enum art_rc rc = ART_OK;
    bool bounded = fence->low_set && fence->high_set;
    if (bounded && art_bytes_compare(art_buffer_bytes(&fence->low), art_buffer_bytes(&fence->high)) >= 0) return rc;
    assert(checker->unread_count <= ART_CHECK_UNREAD_MAX);
    if (checker->unread_count == ART_CHECK_UNREAD_MAX) {
        checker->unread[ART_CHECK_UNREAD_MAX - 1].low_set = checker->unread[ART_CHECK_UNREAD_MAX - 1].high_set = false;
        return ART_OK;
    }
    struct art_fence *range = &checker->unread[checker->unread_count++];
    if (fence->low_set) rc = art_fence_set(&range->low, &range->low_set, art_buffer_bytes(&fence->low));
    if (!rc && fence->high_set) rc = art_fence_set(&range->high, &range->high_set, art_buffer_bytes(&fence->high));
    return rc;
}
