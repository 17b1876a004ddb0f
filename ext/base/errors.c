/* From core's codes and sentences to SQLite's, and (in the host callbacks) back.
 *
 * SQLite undoes the whole transaction for IOERR, INTERRUPT, and mostly for FULL and NOMEM, and only the statement for
 * the others; the table below is made with that in mind: what leaves core's tree sound is not an IOERR. SQLITE_SCHEMA
 * would make SQLite run the statement again: nothing returns it.
 */
#include "ext/base/base.h"

#include <stdarg.h>

int art_sqlite_code(enum art_rc rc) {
    assert(rc < ART_ERROR_COUNT);
    switch (rc) {
    case ART_OK:
        return SQLITE_OK;
    case ART_NOMEM:
        return SQLITE_NOMEM;
    case ART_IO:
    case ART_POISONED:
        return SQLITE_IOERR;
    case ART_DISKFULL:
        return SQLITE_FULL;
    case ART_CORRUPT:
    case ART_REBUILD:
        return SQLITE_CORRUPT_VTAB;
    case ART_BUSY:
        return SQLITE_BUSY;
    case ART_READONLY:
        return SQLITE_READONLY;
    case ART_CANTOPEN:
    case ART_MISSING:
        return SQLITE_CANTOPEN;
    case ART_TOOBIG:
        return SQLITE_TOOBIG;
    case ART_INTERRUPT:
        return SQLITE_INTERRUPT;
    case ART_FORKED:
        return SQLITE_MISUSE;
    case ART_NOTFOUND:
    case ART_FOREIGN:
    case ART_MISUSE:
    case ART_ERROR_COUNT:
        break;
    }
    return SQLITE_ERROR;
}

bool art_ends_transaction(int rc) {
    int primary = rc & 0xff;
    return primary == SQLITE_NOMEM || primary == SQLITE_IOERR || primary == SQLITE_INTERRUPT || primary == SQLITE_FULL;
}

int art_report_interrupt(char **message) {
    sqlite3_free(*message);
    *message = sqlite3_mprintf("%s", sqlite3_errstr(SQLITE_INTERRUPT));
    return SQLITE_INTERRUPT;
}

void art_make_sound(char *message) {
    for (uint8_t *at = (uint8_t *)message; at && *at;) {
        uint32_t n = *at < 0x80 ? 1 : art_sound_character(at);
        if (!n) *at = '?';
        at += n ? n : 1;
    }
}

int art_report(char **message, enum art_rc rc) {
    if (rc == ART_OK) return SQLITE_OK;
    if (rc == ART_INTERRUPT) return art_report_interrupt(message);
    sqlite3_free(*message);
    *message = rc == ART_NOMEM ? NULL : sqlite3_mprintf("%s", art_error_message());
    art_make_sound(*message);
    return art_sqlite_code(rc);
}

void art_forget_message(char **message) {
    sqlite3_free(*message);
    *message = NULL;
}

int art_complain(char **message, int rc, const char *format, ...) {
    assert(rc);
    if ((rc & 0xff) == SQLITE_INTERRUPT) return art_report_interrupt(message);
    va_list arguments;
    va_start(arguments, format);
    sqlite3_free(*message);
    *message = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    art_make_sound(*message);
    return rc;
}

/* Is it the application that allows no such statement (sqlite3_limit())? SQLite has no code for that. */
static bool is_a_limit(sqlite3 *db, int rc) {
    static const char *const beginnings[] = {"too many ", "Expression tree is too large"};
    const char *message = rc == SQLITE_ERROR ? sqlite3_errmsg(db) : "";
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        if (!strncmp(message, beginnings[i], strlen(beginnings[i]))) return true;
    }
    return false;
}

/* SQLite's words alone say nothing of what to do. */
static const char *what_to_do(int rc) {
    if (rc == SQLITE_READONLY_DBMOVED) {
        return ": the database file was moved, replaced or removed while it was open: open the database anew";
    }
    switch (rc & 0xff) {
    case SQLITE_BUSY:
        return ": another connection has it: try again, or set a busy timeout";
    case SQLITE_LOCKED:
        return ": another statement of this connection, or a shared cache, has it: reset that one, and try again";
    case SQLITE_READONLY:
        return ": open the database for writing, and let this user write it, its journal and its folder";
    case SQLITE_TOOBIG:
        return ": give the connection a larger limit by sqlite3_limit()";
    case SQLITE_FULL:
        return ": make room on its file system" ART_MAKE_LESS;
    default:
        return "";
    }
}

/* SQLite's words for an error. A reset or a query behind the call that failed has made it forget them: then what the
 * code means, since "not an error" would be said of it else. */
static const char *reason(sqlite3 *db, int rc) {
    int last = sqlite3_errcode(db) & 0xff;
    return last == SQLITE_OK || last == SQLITE_ROW || last == SQLITE_DONE ? sqlite3_errstr(rc) : sqlite3_errmsg(db);
}

/* A shadow table that is not there, or not as it was made, is damage: SQLITE_ERROR would blame the user's statement. */
static const char *what_to_do_for_shadow(int rc) {
    return rc == SQLITE_ERROR ? ": restore the database from a backup, or copy out what is left by art_salvage"
                              : what_to_do(rc);
}

/* Takes what could not be done. */
static int report_what(char **message, sqlite3 *db, int rc, const char *(*advice)(int), char *what) {
    assert(rc && rc != SQLITE_ROW && rc != SQLITE_DONE);
    if (rc != SQLITE_NOMEM && (rc & 0xff) != SQLITE_INTERRUPT) {
        if (is_a_limit(db, rc)) rc = SQLITE_TOOBIG;
        sqlite3_free(*message);
        int extended = rc == SQLITE_READONLY ? sqlite3_extended_errcode(db) : rc;
        const char *why = reason(db, extended);
        bool own = !strncmp(why, "art: ", strlen("art: ")); /* of a nested statement: it says what to do */
        *message = what ? sqlite3_mprintf("art: %s: %s%s", what, own ? why + strlen("art: ") : why,
                                          own ? "" : advice(extended))
                        : NULL;
        art_make_sound(*message);
    }
    sqlite3_free(what);
    return (rc & 0xff) == SQLITE_INTERRUPT ? art_report_interrupt(message) : rc;
}

int art_report_sql(char **message, sqlite3 *db, int rc, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    rc = report_what(message, db, rc, what_to_do_for_shadow, sqlite3_vmprintf(format, arguments));
    va_end(arguments);
    return rc == SQLITE_ERROR || rc == SQLITE_SCHEMA ? SQLITE_CORRUPT_VTAB : rc;
}

int art_report_host(char **message, sqlite3 *db, int rc, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    rc = report_what(message, db, rc, what_to_do, sqlite3_vmprintf(format, arguments));
    va_end(arguments);
    return rc == SQLITE_SCHEMA ? SQLITE_ERROR : rc;
}

static enum art_rc core_code(int rc) {
    static const struct {
        int sqlite;
        enum art_rc art;
    } codes[] = {{SQLITE_NOMEM, ART_NOMEM},   {SQLITE_FULL, ART_DISKFULL},       {SQLITE_BUSY, ART_BUSY},
                 {SQLITE_LOCKED, ART_BUSY},   {SQLITE_INTERRUPT, ART_INTERRUPT}, {SQLITE_READONLY, ART_READONLY},
                 {SQLITE_ERROR, ART_CORRUPT}, {SQLITE_CORRUPT, ART_CORRUPT},     {SQLITE_TOOBIG, ART_TOOBIG}};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i].sqlite == (rc & 0xff)) return codes[i].art;
    }
    return ART_IO;
}

enum art_rc art_fail_sql(sqlite3 *db, int rc, const char *what) {
    assert(rc && rc != SQLITE_ROW && rc != SQLITE_DONE);
    if (is_a_limit(db, rc)) rc = SQLITE_TOOBIG;
    return art_fail(core_code(rc), "art: %s: %s%s", what, reason(db, rc), what_to_do_for_shadow(rc));
}

/* What is no shadow table's is no damage of a table. */
static enum art_rc core_code_of_host(int rc) {
    return rc == SQLITE_ERROR ? ART_IO : core_code(rc);
}

enum art_rc art_fail_host(sqlite3 *db, int rc, const char *what) {
    assert(rc && rc != SQLITE_ROW && rc != SQLITE_DONE);
    return art_fail(core_code_of_host(rc), "art: %s: %s%s", what, reason(db, rc), what_to_do(rc));
}

enum art_rc art_fail_code(int rc, const char *what) {
    assert(rc);
    return art_fail(core_code_of_host(rc), "art: %s: %s%s", what, sqlite3_errstr(rc), what_to_do(rc));
}

enum art_rc art_fail_reported(int rc, char *message, const char *what) {
    if (!rc) return ART_OK;
    if (!message) return art_fail_code(rc, what);
    enum art_rc art_rc = art_fail(core_code(rc), "%s", message);
    sqlite3_free(message);
    return art_rc;
}

int art_report_own(char **message, int rc, const char *text) {
    assert(rc && text);
    char *sentence = sqlite3_mprintf("%s%s", text, what_to_do(rc));
    if (!sentence) return SQLITE_NOMEM;
    art_complain(message, rc, "art: %s", sentence);
    sqlite3_free(sentence);
    return rc;
}
