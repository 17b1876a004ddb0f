/* What is wrong with a table, all of it: asked for by art_check('objects') as a function and as a table
 * (check_table.c), by PRAGMA integrity_check, and by the command 'integrity-check'.
 *
 * Core looks at the log, the file and the rows (core/tree/check/check.h); here it is T_artstate, field by field, and
 * what keeps the table from being used at all. Nothing is changed, so a read-only database can be checked. What hinders
 * the check (memory, an interrupt, a lock) is an error; everything else that is not as it should be is a finding.
 *
 *   T_artstate    format, id, file, columns: there and sound; options, nonce, young: sound where they are there; each
 *                 once
 */
#include "ext/admin/admin.h"

bool art_check_hindered(int rc) {
    int primary = rc & 0xff;
    return primary == SQLITE_NOMEM || primary == SQLITE_INTERRUPT || primary == SQLITE_BUSY ||
           primary == SQLITE_LOCKED || primary == SQLITE_AUTH || primary == SQLITE_MISUSE || primary == SQLITE_TOOBIG;
}

/* --- the list ----------------------------------------------------------------------------------------------------- */

static void finding_clear(struct art_finding *finding) {
    sqlite3_free(finding->sentence);
    sqlite3_free(finding->what);
    sqlite3_free(finding->place);
    *finding = (struct art_finding){0};
}

void art_findings_clear(struct art_findings *findings) {
    for (unsigned i = 0; i < findings->count; i++) finding_clear(&findings->items[i]);
    art_free(findings->items);
    findings->items = NULL;
    findings->count = findings->capacity = 0;
}

/* Takes the texts; `place` may be NULL. False: enough, or no memory. */
static bool add_finding(struct art_findings *findings, struct art_finding finding) {
    if (findings->count == findings->capacity) {
        unsigned capacity = findings->capacity ? 2 * findings->capacity : 4;
        struct art_finding *more = art_resize(findings->items, capacity * sizeof *more);
        if (more) {
            findings->items = more;
            findings->capacity = capacity;
        }
    }
    findings->nomem |= findings->count == findings->capacity || !finding.sentence || !finding.what;
    if (findings->nomem || findings->count == findings->most) {
        findings->more |= !findings->nomem;
        finding_clear(&finding);
        return false;
    }
    findings->items[findings->count++] = finding;
    return findings->most != 1;
}

/* Takes the sentence, one of art's own; NULL: there was no memory for it. */
static bool add_sentence(struct art_findings *findings, int rc, char *sentence) {
    struct art_finding finding = {.rc = rc, .sentence = sentence, .slot = ART_NOWHERE, .page = ART_NOWHERE};
    finding.what = sentence ? sqlite3_mprintf("%s", sentence + strlen("art: ")) : NULL;
    return add_finding(findings, finding);
}

static bool add_problem(void *context, const struct art_problem *problem) {
    struct art_findings *findings = context;
    struct art_finding finding = {.rc = art_sqlite_code(problem->rc),
                                  .sentence = sqlite3_mprintf("%s", problem->sentence),
                                  .what = sqlite3_mprintf("%s", problem->what),
                                  .slot = problem->slot,
                                  .page = problem->page,
                                  .apart = problem->rc == ART_MISSING || problem->rc == ART_FOREIGN};
    if (problem->place) {
        finding.place = sqlite3_mprintf("%s", problem->place);
        findings->nomem |= !finding.place;
    }
    return add_finding(findings, finding);
}

char *art_findings_text(const struct art_findings *findings, const char *before) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    for (unsigned i = 0; i < findings->count; i++) {
        sqlite3_str_appendf(out, "%s%s%s", i ? "\n" : "", before, findings->items[i].sentence);
    }
    return sqlite3_str_finish(out);
}

/* --- T_artstate --------------------------------------------------------------------------------------------------- */

enum state_field { FIELD_FORMAT, FIELD_ID, FIELD_FILE, FIELD_COLUMNS, FIELDS_NEEDED, FIELD_OTHER = FIELDS_NEEDED };
static const char *const field_names[FIELDS_NEEDED] = {"format", "id", "file", "columns"};

struct state_check {
    struct art_vtab *vtab;
    struct art_findings *findings;
    bool seen[FIELDS_NEEDED], id_known;
    uint8_t id[ART_UUID_BYTES];
    char *file; /* looked at when the id is known, which it has in it */
    char *last; /* the key before: they come in order */
    bool stop;
};

static void say_key(struct state_check *check, const char *key, const char *what) {
    const struct art_name *name = check->vtab->name;
    struct art_finding finding = {.rc = SQLITE_CORRUPT_VTAB, .slot = ART_NOWHERE, .page = ART_NOWHERE};
    finding.what = sqlite3_mprintf("'%q' %s", key, what);
    finding.place = sqlite3_mprintf("%s.%s_artstate", name->schema, name->table);
    finding.sentence =
        sqlite3_mprintf("art: '%q' %s (%s): restore the database from a backup", key, what, finding.place);
    check->findings->nomem |= !finding.place;
    check->stop |= !add_finding(check->findings, finding);
}

/* Takes the reason, which is one of art's own sentences; NULL: no memory. */
static void say_why(struct state_check *check, const char *key, char *reason) {
    char *what = reason ? sqlite3_mprintf("is not valid: %s", reason + strlen("art: ")) : NULL;
    if (what) say_key(check, key, what);
    check->findings->nomem |= !what;
    sqlite3_free(what);
    sqlite3_free(reason);
}

static void check_state_columns(struct state_check *check, const char *text) {
    struct art_columns columns = {0};
    char *reason = NULL;
    int rc = art_columns_parse(&columns, check->vtab->name->table, text, &reason);
    check->findings->nomem |= rc == SQLITE_NOMEM;
    art_columns_clear(&columns);
    if (rc && rc != SQLITE_NOMEM) {
        say_why(check, "columns", reason);
    } else {
        sqlite3_free(reason);
    }
}

static bool is_option(const struct art_settings *settings, const char *key) {
    const char *name;
    char *text;
    for (unsigned i = 0; art_settings_show(settings, i, &name, &text); i++) {
        sqlite3_free(text);
        if (!strcmp(name, key)) return true;
    }
    return false;
}

static void check_option(struct state_check *check, const char *key, const char *value) {
    struct art_settings settings = check->vtab->settings;
    char *reason = NULL, *argument = sqlite3_mprintf("%s=%s", key, value);
    int rc = argument ? art_settings_parse(&settings, argument, &reason) : SQLITE_NOMEM;
    sqlite3_free(argument);
    check->findings->nomem |= rc == SQLITE_NOMEM;
    if (rc && rc != SQLITE_NOMEM) {
        say_why(check, key, reason);
    } else {
        sqlite3_free(reason);
    }
}

static void check_needed(struct state_check *check, enum state_field field, sqlite3_stmt *row, const char *text) {
    int type = sqlite3_column_type(row, 1), len = sqlite3_column_bytes(row, 1);
    check->seen[field] = true;
    if (field == FIELD_ID && type == SQLITE_BLOB && len == ART_UUID_BYTES) {
        memcpy(check->id, sqlite3_column_blob(row, 1), sizeof check->id);
        check->id_known = true;
        return;
    }
    if (field == FIELD_FORMAT && (type != SQLITE_INTEGER || !art_state_format_known(sqlite3_column_int64(row, 1)))) {
        say_key(check, "format", "is not one that this version of art knows");
    } else if (field == FIELD_ID) {
        say_key(check, "id", "is not 16 bytes");
    } else if (field == FIELD_FILE) {
        sqlite3_free(check->file);
        check->file = sqlite3_mprintf("%s", (int)strlen(text) == len ? text : "");
        check->findings->nomem |= !check->file;
    } else if (field == FIELD_COLUMNS) {
        check_state_columns(check, text);
    }
}

static void check_field(struct state_check *check, const char *key, sqlite3_stmt *row) {
    int type = sqlite3_column_type(row, 1), len = sqlite3_column_bytes(row, 1);
    if (check->last && !strcmp(check->last, key)) return say_key(check, key, "is there twice");
    if (!strcmp(key, "nonce")) {
        if (type != SQLITE_BLOB || len != ART_NONCE_BYTES) say_key(check, key, "is not 16 bytes");
        return;
    }
    if (!strcmp(key, "young")) {
        if (type != SQLITE_BLOB) say_key(check, key, "is no list of slots");
        return;
    }
    const char *text = type == SQLITE_BLOB ? "" : (const char *)sqlite3_column_text(row, 1);
    if (!text) text = "";
    for (unsigned i = 0; i < FIELDS_NEEDED; i++) {
        if (!strcmp(key, field_names[i])) return check_needed(check, (enum state_field)i, row, text);
    }
    if (is_option(&check->vtab->settings, key)) check_option(check, key, text);
}

static int check_rows(struct state_check *check, sqlite3_stmt *rows) {
    int rc;
    while (!check->stop && (rc = art_shadow_step(check->vtab->connection, rows)) == SQLITE_ROW) {
        const char *key = (const char *)sqlite3_column_text(rows, 0);
        char *copy = sqlite3_mprintf("%s", key ? key : "");
        if (!copy) return SQLITE_NOMEM;
        check_field(check, copy, rows);
        sqlite3_free(check->last);
        check->last = copy;
    }
    return check->stop || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* *explained: no more need be said of why the table cannot be attached. */
static int check_state_table(struct art_vtab *vtab, struct art_findings *findings, bool *explained) {
    const struct art_name *name = vtab->name;
    sqlite3 *db = vtab->connection->db;
    struct state_check check = {.vtab = vtab, .findings = findings};
    sqlite3_stmt *rows = NULL;
    unsigned before = findings->count;
    char *sql = sqlite3_mprintf("SELECT k, v FROM \"%w\".\"%w_artstate\" ORDER BY k", name->schema, name->table);
    int rc = sql ? sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_NO_VTAB, &rows, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    if (!rc) rc = check_rows(&check, rows);
    if (!rc && !check.stop && check.file && check.id_known && !art_shadow_file_name_is_sound(check.file, check.id)) {
        say_key(&check, "file", "is no name of this table's .art file");
    }
    for (unsigned i = 0; !rc && !check.stop && i < FIELDS_NEEDED; i++) {
        if (!check.seen[i]) say_key(&check, field_names[i], "is missing");
    }
    sqlite3_free(check.last);
    sqlite3_free(check.file);
    if (rc && !art_check_hindered(rc)) {
        char *sentence = NULL;
        rc = art_report_sql(&sentence, db, rc, "cannot read %s.%s_artstate", name->schema, name->table);
        add_sentence(findings, rc, sentence);
        rc = SQLITE_OK;
    }
    sqlite3_finalize(rows);
    *explained = findings->count > before;
    return rc;
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

static int check_tree(struct art_vtab *vtab, bool quick, struct art_findings *findings, char **message) {
    struct art_check_options options = {.quick = quick, .problem = add_problem, .context = findings};
    enum art_rc rc = art_tree_check_all(vtab->table->tree, &options);
    if (!rc) return SQLITE_OK;
    return art_report(message, rc);
}

/* The list holds `most` findings; that there are more is the last of them. */
static void end_list(struct art_findings *findings) {
    if (!findings->more) return;
    struct art_finding *last = &findings->items[findings->count - 1];
    finding_clear(last);
    *last = (struct art_finding){.rc = SQLITE_CORRUPT_VTAB,
                                 .sentence = sqlite3_mprintf("art: there are more problems than these"),
                                 .what = sqlite3_mprintf("there are more problems than these"),
                                 .slot = ART_NOWHERE,
                                 .page = ART_NOWHERE};
    findings->nomem |= !last->sentence || !last->what;
}

int art_check_table(struct art_vtab *vtab, bool quick, struct art_findings *findings, char **message) {
    bool explained;
    int ready = art_vtab_ready(vtab);
    char *why = vtab->base.zErrMsg; /* else SQLite would show it with its own next error */
    vtab->base.zErrMsg = NULL;
    if (art_check_hindered(ready)) {
        sqlite3_free(*message);
        *message = why;
        return ready;
    }
    int rc = check_state_table(vtab, findings, &explained);
    unsigned before = findings->count;
    bool enough = findings->most == 1 && findings->count;
    if (!rc && !enough && vtab->table) {
        rc = check_tree(vtab, quick, findings, message);
        explained = findings->count > before;
    }
    if (!rc && ready && !explained) {
        add_sentence(findings, ready, why);
        why = NULL;
    }
    sqlite3_free(why);
    if (!rc) end_list(findings);
    return !rc && findings->nomem ? SQLITE_NOMEM : rc;
}

/* A name may not lead to a handle because of damage, which is then what the check has found. */
int art_check_named(struct art_connection *connection, const char *text, struct art_findings *findings,
                    char **message) {
    struct art_table_ref *ref;
    int rc = art_table_ref_hold(connection, text, &ref, message);
    if ((rc & 0xff) == SQLITE_CORRUPT) {
        add_sentence(findings, rc, *message);
        *message = NULL;
        return findings->nomem ? SQLITE_NOMEM : SQLITE_OK;
    }
    if (rc) return rc;
    rc = art_check_table(ref->vtab, false, findings, message);
    art_table_ref_release(ref);
    return rc;
}
