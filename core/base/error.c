/* The message buffer is per thread: a connection fails, and its message is read, within one call from the host. */
#include "core/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_SIZE = 1024 };

static _Thread_local char message[MESSAGE_SIZE];
static _Thread_local int message_errno;

static const struct {
    const char *name;
    const char *text;
} errors[ART_ERROR_COUNT] = {
#define ART_ERROR_ROW(name, text) {#name, text},
    ART_ERROR_LIST(ART_ERROR_ROW)
#undef ART_ERROR_ROW
};

int art_fail(int code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    message_errno = 0;
    return code;
}

int art_fail_errno(int code, int error, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (n < 0) n = 0;
    /* strerror() is safe in threads in glibc (2.32) and musl, whose strerror_r() differ. */
    if (n < MESSAGE_SIZE) snprintf(message + n, sizeof message - (size_t)n, ": %s", strerror(error));
    message_errno = error;
    switch (error) {
    case ENOSPC:
    case EDQUOT:
        return ART_DISKFULL;
    case ENOMEM:
        return ART_NOMEM;
    case EROFS:
        return ART_READONLY;
    default:
        return code;
    }
}

int art_corrupt(const char *file, uint32_t slot, uint32_t page, const char *format, ...) {
    char what[512], where[64] = "";
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (slot != ART_NOWHERE && page != ART_NOWHERE) {
        snprintf(where, sizeof where, ", slot %u, page %u", slot, page);
    } else if (slot != ART_NOWHERE) {
        snprintf(where, sizeof where, ", slot %u", slot);
    }
    return art_fail(ART_CORRUPT, "art: %s (%s%s): restore the database and its .art file together from a backup", what,
                    file ? file : "in memory", where);
}

int art_nomem(void) {
    return art_fail(ART_NOMEM, "art: out of memory");
}

const char *art_error_message(void) {
    return message;
}

int art_error_errno(void) {
    return message_errno;
}

const char *art_error_name(int code) {
    return code >= 0 && code < ART_ERROR_COUNT ? errors[code].name : "?";
}

const char *art_error_text(int code) {
    return code >= 0 && code < ART_ERROR_COUNT ? errors[code].text : "unknown error";
}
