/* Errors: one list, one place where a message is made.
 *
 * Every function of core returns one of these codes. The function that finds the fault calls art_fail() (or
 * art_corrupt()), which notes a sentence for people in a buffer of this thread and returns the code, so that the way up
 * is a plain `return rc`. Only ext/ turns a code into an SQLite code and hands the sentence to the user.
 *
 * A message says what went wrong, where, and what to do: "art: <what> (<where>): <what to do>".
 */
#ifndef ART_BASE_ERROR_H
#define ART_BASE_ERROR_H

#include <stdint.h>

#define ART_ERROR_LIST(X)                                                                                              \
    X(OK)                                                                                                              \
    X(NOTFOUND) /* an answer, not a fault: carries no message */                                                       \
    X(NOMEM)                                                                                                           \
    X(IO)                                                                                                              \
    X(DISKFULL)                                                                                                        \
    X(CORRUPT)                                                                                                         \
    X(BUSY) /* another connection is writing */                                                                        \
    X(READONLY)                                                                                                        \
    X(CANTOPEN)                                                                                                        \
    X(MISSING) /* the .art file is */                                                                                  \
    X(FOREIGN) /* the .art file belongs to another database */                                                         \
    X(TOOBIG)                                                                                                          \
    X(MISUSE)                                                                                                          \
    X(INTERRUPT)                                                                                                       \
    X(POISONED) /* an earlier sync failed */                                                                           \
    X(FORKED)   /* the connection was inherited through fork() */                                                      \
    X(REBUILD)  /* for the refresh only: the log does not continue what is in memory, read it from its root */

enum art_rc {
#define ART_ERROR_ENUM(name) ART_##name,
    ART_ERROR_LIST(ART_ERROR_ENUM)
#undef ART_ERROR_ENUM
        ART_ERROR_COUNT
};

/* Notes a message, of ART_MESSAGE_SIZE bytes at most, and returns `code`. */
enum art_rc art_fail(enum art_rc code, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

/* The errno flavour: picks the code (ENOSPC, EDQUOT: DISKFULL; ENOMEM: NOMEM; EROFS: READONLY; else `code`) and
 * appends the system's text. `error` is a positive errno. */
enum art_rc art_fail_errno(enum art_rc code, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4), cold));

/* Where corruption is born: where (the path of an .art file, or what else holds the table's data; NULL: the table, no
 * matter where), slot and page (ART_NOWHERE where unknown) and what is wrong. Returns ART_CORRUPT. What the message
 * advises depends on the place: a file is restored together with its database. */
#define ART_NOWHERE UINT32_MAX
enum art_rc art_corrupt(const char *file, uint32_t slot, uint32_t page, const char *format, ...)
    __attribute__((format(printf, 4, 5), cold));

/* Further advice where a disk is full. art_backup() leaves it out of its messages. */
#define ART_MAKE_LESS ", or drop snapshots, DELETE rows, then art_vacuum()"

/* ART_NOMEM, for the return statement after a failed allocation. */
enum art_rc art_nomem(void) __attribute__((cold));

/* The sentence noted last in this thread; never NULL. Valid until the next failure in this thread. */
const char *art_error_message(void);

/* The same failure in parts, for a caller that lists many: what is wrong, in which file or table (NULL: see `what`),
 * slot and page (ART_NOWHERE where unknown). Valid until the next failure in this thread. */
struct art_fault {
    const char *what, *place;
    uint32_t slot, page;
};
struct art_fault art_error_fault(void);

/* What was noted last, for code that cleans up after a failure and may itself fail. */
enum { ART_MESSAGE_SIZE = 1024, ART_WHAT_SIZE = 512, ART_PLACE_SIZE = 400 };
struct art_kept_error {
    char message[ART_MESSAGE_SIZE], what[ART_WHAT_SIZE], place[ART_PLACE_SIZE];
    uint32_t slot, page;
    int error_number;
};
/* A copy of it all, and all as it was then, in this thread. */
void art_error_keep(struct art_kept_error *out);
void art_error_restore(const struct art_kept_error *kept);

/* The errno behind the last failure of this thread, 0 if there was none. */
int art_error_errno(void);

#endif
