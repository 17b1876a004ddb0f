/* The message buffer is per thread: a connection fails, and its message is read, within one call from the host. */
#include "core/base/error.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/base/platform.h"

/* `what` (art_corrupt()'s) is empty after any other failure. */
static _Thread_local struct art_kept_error noted;

enum art_rc art_fail(enum art_rc code, const char *format, ...) {
    va_list args;
    assert(code != ART_OK && code < ART_ERROR_COUNT);
    va_start(args, format);
    vsnprintf(noted.message, sizeof noted.message, format, args);
    va_end(args);
    noted.error_number = 0;
    noted.what[0] = 0;
    return code;
}

enum art_rc art_fail_errno(enum art_rc code, int error, const char *format, ...) {
    va_list args;
    assert(code != ART_OK && code < ART_ERROR_COUNT && error > 0);
    va_start(args, format);
    int n = vsnprintf(noted.message, sizeof noted.message, format, args);
    va_end(args);
    if (n < 0) n = 0;
    /* strerror() is safe in threads in glibc (2.32) and musl, whose strerror_r() differ. */
    if (n < ART_MESSAGE_SIZE) snprintf(noted.message + n, sizeof noted.message - (size_t)n, ": %s", strerror(error));
    noted.error_number = error;
    noted.what[0] = 0;
    if (art_platform_says_full(error)) return ART_DISKFULL;
    return error == ENOMEM ? ART_NOMEM : error == EROFS ? ART_READONLY : code;
}

enum art_rc art_corrupt(const char *file, uint32_t slot, uint32_t page, const char *format, ...) {
    char what[ART_WHAT_SIZE], place[ART_PLACE_SIZE], where[64] = "";
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    snprintf(place, sizeof place, "%s", file ? file : "the table");
    if (slot != ART_NOWHERE && page != ART_NOWHERE) {
        snprintf(where, sizeof where, ", slot %u, page %u", slot, page);
    } else if (slot != ART_NOWHERE) {
        snprintf(where, sizeof where, ", slot %u", slot);
    }
    bool in_file = file && strchr(file, '/');
    art_fail(ART_CORRUPT, "art: %s (%s%s): restore the database%s, or copy out what is left by art_salvage", what,
             place, where,
             in_file ? " and its .art file together from a backup"
                     : " from a backup, with its .art file if it has one");
    memcpy(noted.what, what, sizeof noted.what);
    memcpy(noted.place, place, sizeof noted.place);
    noted.slot = slot;
    noted.page = page;
    return ART_CORRUPT;
}

enum art_rc art_nomem(void) {
    return art_fail(ART_NOMEM, "art: out of memory");
}

void art_error_keep(struct art_kept_error *out) {
    *out = noted;
}

void art_error_restore(const struct art_kept_error *kept) {
    assert(kept != &noted);
    noted = *kept;
}

const char *art_error_message(void) {
    return noted.message;
}

struct art_fault art_error_fault(void) {
    assert(noted.message[0] || !noted.what[0]);
    if (noted.what[0]) return (struct art_fault){noted.what, noted.place, noted.slot, noted.page};
    bool ours = !strncmp(noted.message, "art: ", 5);
    return (struct art_fault){ours ? noted.message + 5 : noted.message, NULL, ART_NOWHERE, ART_NOWHERE};
}

int art_error_errno(void) {
    return noted.error_number;
}
