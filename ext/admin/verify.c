/* art_verify([schema]): is a copy whole? One line for a script that makes backups: it fails, where art_check() would
 * give a text, and it looks at everything that makes a copy less than its original.
 *
 *     tables    all that art_check() looks at, the first problem of each; and that no other name leads to the .art
 *               file, as to one that a "copy" of hard links shares with its original
 *     traces    shadow tables whose art table is not there (.clone leaves them so)
 *     pages     PRAGMA integrity_check, for the database's own; not where the connection lacks what a schema needs
 *     nothing   an empty database is no copy: most likely the name was misspelt
 *
 * It says 'ok: 2 art tables', and behind it what is not as it should be: a table whose blobs will be in a file, and are
 * not yet, is whole in any copy of the database today, and will not be tomorrow; and an .art file that more users may
 * read than its database.
 *
 * All is of one snapshot. Whatever the problem is, the code is SQLITE_CORRUPT_VTAB: an SQLITE_IOERR would make SQLite
 * roll the caller's transaction back. What hinders it (memory, a lock, an interrupt) has its own code.
 */
#include "ext/admin/admin.h"
#include "ext/host/host.h"

enum { PROBLEMS_SHOWN = 10, NAMES_SHOWN = 10 }; /* in one message; the others are counted */

struct verify {
    struct art_connection *connection;
    const char *schema;
    sqlite3_str *problems, *later, *open; /* tables that are still without a file; files that more may read */
    unsigned tables, bad, small, opened;
    struct art_behind behind;
    bool apart;     /* a table is without its .art file */
    char *unlooked; /* why the database's own pages were not looked at; sqlite3_free() */
};

/* As art_behind_found. Takes the sentence; NULL: no memory. */
static int note_problem(void *context, char *sentence) {
    struct verify *verify = context;
    if (!sentence) return SQLITE_NOMEM;
    if (verify->bad++ < PROBLEMS_SHOWN) {
        sqlite3_str_appendf(verify->problems, "%s%s", verify->bad > 1 ? "\n" : "", sentence);
    }
    sqlite3_free(sentence);
    return SQLITE_OK;
}

/* What is said of a table without its name. Takes the sentence. */
static int note_problem_of(struct verify *verify, const char *name, char *sentence) {
    char *whole = NULL;
    if (!sentence) return SQLITE_NOMEM;
    art_complain(&whole, SQLITE_CORRUPT_VTAB, "art: %s.%s: %s", verify->schema, name,
                 strncmp(sentence, "art: ", 5) ? sentence : sentence + 5);
    sqlite3_free(sentence);
    return note_problem(verify, whole);
}

/* --- tables ------------------------------------------------------------------------------------------------------- */

static int verify_file(struct verify *verify, const char *name, struct art_table *table) {
    uint64_t bytes, names;
    char *message = NULL;
    if (art_tree_medium(table->tree)->goes_with_host) return SQLITE_OK;
    if (art_storage_is_in_clear(table)) {
        art_storage_refuse_clear(table, &message);
        return note_problem_of(verify, name, message);
    }
    if (!art_tree_has_runs(table->tree)) {
        if (verify->small++ < NAMES_SHOWN) {
            sqlite3_str_appendf(verify->later, "%s%s", verify->small > 1 ? ", " : "", name);
        }
        return SQLITE_OK;
    }
    if (art_file_is_more_open(table->path, table->database) && verify->opened++ < NAMES_SHOWN) {
        sqlite3_str_appendf(verify->open, "%s%s", verify->opened > 1 ? ", " : "", table->path);
    }
    if (art_file_look(table->path, &bytes, &names) || names < 2) return SQLITE_OK;
    art_complain(
        &message, SQLITE_CORRUPT_VTAB,
        "art: %s.%s: the .art file is a hard link (%s): what another database writes is written here, too: copy "
        "the file",
        verify->schema, name, table->path);
    return note_problem(verify, message);
}

static int verify_table(struct verify *verify, struct art_vtab *vtab, const char *name, char **message) {
    struct art_findings findings = {.most = 1};
    int rc = art_check_table(vtab, false, &findings, message);
    if (!rc && findings.count) {
        char *sentence = findings.items[0].sentence;
        verify->apart |= findings.items[0].apart;
        findings.items[0].sentence = NULL;
        rc = note_problem_of(verify, name, sentence);
    } else if (!rc && vtab->table) {
        rc = verify_file(verify, name, vtab->table);
        if (!rc) rc = art_behind_look(&verify->behind, vtab, message);
    }
    art_findings_clear(&findings);
    return rc;
}

static int verify_by_name(void *context, const char *name, char **message) {
    struct verify *verify = context;
    struct art_vtab *vtab;
    verify->tables++;
    int rc = art_table_open(verify->connection, verify->schema, name, &vtab, message);
    if (rc) {
        if (rc == SQLITE_NOMEM || art_check_hindered(rc)) return rc;
        char *sentence = *message;
        *message = NULL;
        return note_problem(verify, sentence);
    }
    rc = verify_table(verify, vtab, name, message);
    art_vtab_unpin(vtab);
    return rc;
}

/* --- what else there is, and what there is not -------------------------------------------------------------------- */

/* Is it the T_artstate of a table of ours, by its name, and is there a T_artdata beside it? *name becomes T's;
 * sqlite3_free() it. */
static int is_state_of(struct verify *verify, const char *state, char **name, bool *is) {
    static const char end[] = "_artstate";
    size_t len = strlen(state), behind = sizeof end - 1;
    *name = NULL;
    *is = len > behind && !sqlite3_stricmp(state + len - behind, end);
    if (!*is) return SQLITE_OK;
    *name = sqlite3_mprintf("%.*s", (int)(len - behind), state);
    char *data = *name ? sqlite3_mprintf("%s_artdata", *name) : NULL;
    if (!data) return SQLITE_NOMEM;
    int rc =
        sqlite3_table_column_metadata(verify->connection->db, verify->schema, data, NULL, NULL, NULL, NULL, NULL, NULL);
    sqlite3_free(data);
    *is = rc != SQLITE_ERROR;
    return rc == SQLITE_ERROR ? SQLITE_OK : rc;
}

static int note_trace(struct verify *verify, const char *state) {
    char *name, *sentence = NULL;
    bool is;
    int rc = is_state_of(verify, state, &name, &is);
    if (!rc && is) {
        art_complain(&sentence, SQLITE_CORRUPT_VTAB,
                     "art: %s.%s: the table is not there, its shadow tables are (%s_artstate): copy in another way, "
                     "best by art_backup()",
                     verify->schema, name, name);
        rc = note_problem(verify, sentence);
    }
    sqlite3_free(name);
    return rc;
}

/* Of thousands of tables, too, and under SQLITE_LIMIT_EXPR_DEPTH. */
static int look_for_traces(struct verify *verify, char **message) {
    sqlite3 *db = verify->connection->db;
    const char *schema = verify->schema;
    sqlite3_stmt *tables;
    int noted = SQLITE_OK;
    int rc = art_prepare(db, 0, &tables,
                         sqlite3_mprintf("SELECT name, lower(substr(name, 1, length(name) - 9)) IN (SELECT lower(name) "
                                         "FROM \"%w\".sqlite_master WHERE type = 'table' AND rootpage = 0) FROM "
                                         "\"%w\".sqlite_master WHERE type = 'table' AND rootpage > 0",
                                         schema, schema));
    while (!rc && !noted && sqlite3_step(tables) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(tables, 0);
        if (!name) {
            noted = SQLITE_NOMEM;
        } else if (!sqlite3_column_int(tables, 1)) {
            noted = note_trace(verify, name);
        }
    }
    int end = sqlite3_finalize(tables);
    if (noted) return noted;
    if (!rc) rc = end;
    return rc ? art_report_host(message, db, rc, "cannot read the tables of %s", schema) : SQLITE_OK;
}

static int refuse_nothing(struct verify *verify, const sqlite3_stmt *snapshot, char **message) {
    if (sqlite3_column_int((sqlite3_stmt *)snapshot, 0)) return SQLITE_OK;
    const char *file = art_database_name(verify->connection->db, verify->schema);
    return art_complain(message, SQLITE_CORRUPT_VTAB,
                        "art: there is nothing in this database (%s%s%s): open the copy by its right name",
                        verify->schema, *file ? ": " : "", file);
}

/* --- pages -------------------------------------------------------------------------------------------------------- */

static int note_pages(struct verify *verify, const char *found) {
    char *sentence = NULL;
    if (!found) return SQLITE_NOMEM;
    if (!strcmp(found, "ok")) return SQLITE_OK;
    art_complain(
        &sentence, SQLITE_CORRUPT_VTAB,
        "art: %s: SQLite's own pages are damaged (PRAGMA integrity_check: %s): restore the database, or copy it while "
        "nobody writes, or by art_backup()",
        verify->schema, found);
    return note_problem(verify, sentence);
}

/* A collation or function that is not there, or an authorizer, says nothing of the pages. */
static int verify_pages(struct verify *verify, char **message) {
    sqlite3 *db = verify->connection->db;
    sqlite3_stmt *check;
    verify->connection->verifying = true;
    int rc = art_prepare(db, 0, &check, sqlite3_mprintf("PRAGMA \"%w\".integrity_check(1)", verify->schema));
    int step = rc ? rc : sqlite3_step(check);
    if (step == SQLITE_ROW) rc = note_pages(verify, (const char *)sqlite3_column_text(check, 0));
    int end = sqlite3_finalize(check), primary = (rc ? rc : end) & 0xff;
    verify->connection->verifying = false;
    if (step == SQLITE_ROW && primary == SQLITE_OK) return SQLITE_OK;
    if (primary == SQLITE_OK || primary == SQLITE_ERROR || primary == SQLITE_AUTH) {
        verify->unlooked = sqlite3_mprintf("%s", primary ? sqlite3_errmsg(db) : "not authorized");
        return verify->unlooked ? SQLITE_OK : SQLITE_NOMEM;
    }
    if (art_check_hindered(primary))
        return art_report_host(message, db, rc ? rc : end, "cannot read %s", verify->schema);
    return note_pages(verify, sqlite3_errmsg(db));
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

static int verify_all(struct verify *verify, char **message) {
    sqlite3 *db = verify->connection->db;
    sqlite3_stmt *snapshot = NULL;
    art_behind_begin(&verify->behind, verify->connection);
    int rc = art_snapshot_hold(db, verify->schema, &snapshot, message);
    if (!rc) rc = refuse_nothing(verify, snapshot, message);
    if (!rc) rc = art_tables_each(db, verify->schema, verify_by_name, verify, message);
    if (!rc) rc = look_for_traces(verify, message);
    if (!rc) rc = verify_pages(verify, message);
    sqlite3_finalize(snapshot);
    if (!rc) rc = art_behind_end(&verify->behind, note_problem, verify, message);
    art_behind_clear(&verify->behind);
    return rc;
}

static int complain_of_all(struct verify *verify, char **message) {
    if (verify->bad > PROBLEMS_SHOWN) {
        sqlite3_str_appendf(verify->problems, "\nart: and %u more", verify->bad - PROBLEMS_SHOWN);
    }
    if (verify->apart) {
        sqlite3_str_appendf(verify->problems,
                            "\nart: a copy of the database alone lacks the .art files: copy by art_backup(), or all "
                            "files while nobody writes, or keep the blobs in the database (storage=inline)");
    }
    if (sqlite3_str_errcode(verify->problems)) return SQLITE_NOMEM;
    return art_complain(message, SQLITE_CORRUPT_VTAB, "%s", sqlite3_str_value(verify->problems));
}

static char *praise(struct verify *verify) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    bool one = verify->small == 1;
    sqlite3_str_appendf(out, "ok: %u art table%s", verify->tables, verify->tables == 1 ? "" : "s");
    if (verify->small) {
        sqlite3_str_appendf(
            out,
            "; %s%s will have %s .art file%s beside the database when %s outgrow%s the log: until then a "
            "copy of the database alone is whole, from then on it is not",
            sqlite3_str_value(verify->later), verify->small > NAMES_SHOWN ? ", ..." : "", one ? "an" : "their",
            one ? "" : "s", one ? "it" : "they", one ? "s" : "");
    }
    if (verify->opened) {
        sqlite3_str_appendf(out, "; users who may not read the database may read %s%s: write to the table, or chmod it",
                            sqlite3_str_value(verify->open), verify->opened > NAMES_SHOWN ? ", ..." : "");
    }
    if (verify->unlooked) sqlite3_str_appendf(out, "; the database's own pages were not checked: %s", verify->unlooked);
    return sqlite3_str_finish(out);
}

int art_verify(struct art_connection *connection, const char *schema, char **text, char **message) {
    struct verify verify = {.connection = connection, .schema = schema};
    int rc = art_shadow_busy(connection, schema, message);
    if (!rc) rc = art_schema_known(connection->db, schema, message);
    if (rc) return rc;
    verify.problems = sqlite3_str_new(NULL);
    verify.later = sqlite3_str_new(NULL);
    verify.open = sqlite3_str_new(NULL);
    rc = verify_all(&verify, message);
    if (!rc) rc = art_stopped(connection);
    if (!rc && verify.bad) rc = complain_of_all(&verify, message);
    if (!rc) {
        *text = praise(&verify);
        if (!*text || sqlite3_str_errcode(verify.later) || sqlite3_str_errcode(verify.open)) rc = SQLITE_NOMEM;
    }
    if (rc && *text) art_forget_message(text);
    sqlite3_free(sqlite3_str_finish(verify.problems));
    sqlite3_free(sqlite3_str_finish(verify.later));
    sqlite3_free(sqlite3_str_finish(verify.open));
    sqlite3_free(verify.unlooked);
    return rc;
}
