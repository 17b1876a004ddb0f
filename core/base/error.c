/* The message buffer is per thread: a connection fails, and its message is read, within one call from the host. */
#include "core/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_SIZE = 1024, WHAT_SIZE = 512, PLACE_SIZE = 400 };

static _Thread_local char message[MESSAGE_SIZE];
static _Thread_local int message_errno;

/* Of art_corrupt(); `what` is empty after any other failure. */
static _Thread_local char fault_what[WHAT_SIZE], fault_place[PLACE_SIZE];
static _Thread_local uint32_t fault_slot, fault_page;

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
    fault_what[0] = 0;
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
    fault_what[0] = 0;
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
    char what[WHAT_SIZE], place[PLACE_SIZE], where[64] = "";
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    snprintf(place, sizeof place, "%s", file ? file : "in memory");
    if (slot != ART_NOWHERE && page != ART_NOWHERE) {
        snprintf(where, sizeof where, ", slot %u, page %u", slot, page);
    } else if (slot != ART_NOWHERE) {
        snprintf(where, sizeof where, ", slot %u", slot);
    }
    art_fail(ART_CORRUPT,
             "art: %s (%s%s): restore the database and its .art file together from a backup, or copy out what is left "
             "by art_salvage",
             what, place, where);
    memcpy(fault_what, what, sizeof fault_what);
    memcpy(fault_place, place, sizeof fault_place);
    fault_slot = slot;
    fault_page = page;
    return ART_CORRUPT;
}

int art_nomem(void) {
    return art_fail(ART_NOMEM, "art: out of memory");
}

const char *art_error_message(void) {
    return message;
}

struct art_fault art_error_fault(void) {
    if (fault_what[0]) return (struct art_fault){fault_what, fault_place, fault_slot, fault_page};
    bool ours = !strncmp(message, "art: ", 5);
    return (struct art_fault){ours ? message + 5 : message, NULL, ART_NOWHERE, ART_NOWHERE};
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
