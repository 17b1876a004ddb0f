/* What is wrong with a table, all of it: asked for by art_check('objects') as a function and as a table
 * (check_table.c), by PRAGMA integrity_check, and by the command 'integrity-check'.
 *
 * Core looks at the log, the file and the rows (core/tree/check/check.h); here it is T_artstate (schema/state.c), and
 * what keeps the table from being used at all. Nothing is changed, so a read-only database can be checked. What hinders
 * the check (memory, an interrupt, a lock) is an error; everything else that is not as it should be is a finding.
 */
#include "core/tree/inspect.h"
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
    assert(findings->most && findings->count <= findings->most);
    art_make_sound(finding.sentence);
    art_make_sound(finding.what);
    enum art_rc rc = art_grow(&findings->items, &findings->capacity, findings->count + 1, sizeof *findings->items);
    findings->nomem |= rc || !finding.sentence || !finding.what;
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
    assert(rc && (!sentence || !strncmp(sentence, "art: ", strlen("art: "))));
    struct art_finding finding = {.rc = rc, .sentence = sentence, .slot = ART_NOWHERE, .page = ART_NOWHERE};
    finding.what = sentence ? sqlite3_mprintf("%s", sentence + strlen("art: ")) : NULL;
    return add_finding(findings, finding);
}

struct table_check {
    const struct art_columns *columns;
    struct art_findings *findings;
};

/* What a read of the row would meet. */
static const char *wrong_row(void *context, struct art_bytes key, const struct art_bytes *value) {
    const struct table_check *check = context;
    if (check->columns->keys && !art_columns_key_is_whole(check->columns, key)) return "its key lacks columns";
    return value && !art_record_is_sound(*value) ? "its value is no whole record" : NULL;
}

static bool add_problem(void *context, const struct art_problem *problem) {
    struct art_findings *findings = ((struct table_check *)context)->findings;
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

struct state_check {
    const struct art_name *name;
    struct art_findings *findings;
    bool stop;
};

static void say_key(void *context, const char *key, const char *what) {
    struct state_check *check = context;
    struct art_finding finding = {.rc = SQLITE_CORRUPT_VTAB, .slot = ART_NOWHERE, .page = ART_NOWHERE};
    if (check->stop) return;
    finding.what = sqlite3_mprintf("'%q' %s", key, what);
    finding.place = sqlite3_mprintf("%s.%s_artstate", check->name->schema, check->name->table);
    finding.sentence =
        sqlite3_mprintf("art: '%q' %s (%s): restore the database from a backup", key, what, finding.place);
    check->findings->nomem |= !finding.place;
    check->stop = !add_finding(check->findings, finding);
}

static int check_state_columns(struct state_check *check, const char *text) {
    struct art_columns columns = {0};
    char *reason = NULL;
    int rc = art_columns_parse(&columns, check->name->table, text, &reason);
    art_columns_clear(&columns);
    char *what = rc && reason ? sqlite3_mprintf("is not valid: %s", reason + strlen("art: ")) : NULL;
    if (what) say_key(check, "columns", what);
    if (rc && !what) rc = SQLITE_NOMEM;
    sqlite3_free(what);
    sqlite3_free(reason);
    return rc == SQLITE_NOMEM ? rc : SQLITE_OK;
}

/* *explained: no more need be said of why the table cannot be attached. */
static int check_state_table(struct art_vtab *vtab, struct art_findings *findings, bool *explained) {
    const struct art_name *name = vtab->name;
    sqlite3 *db = vtab->connection->db;
    struct state_check check = {name, findings, false};
    struct art_state state;
    unsigned before = findings->count;
    int rc = art_state_read(
        &(struct art_state_query){vtab->connection, db, name->schema, name->table, &vtab->settings, say_key, &check},
        &state);
    if (!rc && state.columns) rc = check_state_columns(&check, state.columns);
    art_state_clear(&state);
    if (rc && !art_check_hindered(rc)) {
        char *sentence = NULL;
        rc = art_report_sql(&sentence, db, rc, "cannot read %s.%s_artstate", name->schema, name->table);
        add_sentence(findings, rc, sentence);
        rc = SQLITE_OK;
    }
    *explained = findings->count > before;
    return rc;
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

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
        struct table_check check = {&vtab->columns, findings};
        struct art_check_options options = {
            .quick = quick, .problem = add_problem, .wrong_row = wrong_row, .context = &check};
        rc = art_report(message, art_tree_check_all(vtab->table->tree, &options));
        explained = findings->count > before;
    }
    if (!rc && ready && !explained) {
        add_sentence(findings, ready, why);
        why = NULL;
    }
    sqlite3_free(why);
    if (!rc && findings->more) { /* it holds `most` findings, and this is the last of them */
        finding_clear(&findings->items[--findings->count]);
        add_sentence(findings, SQLITE_CORRUPT_VTAB, sqlite3_mprintf("art: there are more problems than these"));
    }
    return !rc && findings->nomem ? SQLITE_NOMEM : rc;
}

/* A name may not lead to a handle because of damage, which is then what the check has found. */
static int check_and_look(struct art_connection *connection, const char *text, struct art_findings *findings,
                          struct art_behind *behind, char **message) {
    struct art_table_ref *ref;
    int rc = art_table_ref_hold(connection, text, &ref, message);
    if ((rc & 0xff) == SQLITE_CORRUPT) {
        add_sentence(findings, rc, *message);
        *message = NULL;
        return findings->nomem ? SQLITE_NOMEM : SQLITE_OK;
    }
    if (rc) return rc;
    rc = art_check_table(ref->vtab, false, findings, message);
    if (!rc && !findings->count) rc = art_behind_look(behind, ref->vtab, message);
    art_table_ref_release(ref);
    return rc;
}

static int add_behind(void *context, char *sentence) {
    struct art_findings *findings = context;
    add_sentence(findings, SQLITE_CORRUPT_VTAB, sentence);
    return findings->nomem ? SQLITE_NOMEM : SQLITE_OK;
}

int art_check_named(struct art_connection *connection, const char *text, struct art_findings *findings,
                    char **message) {
    struct art_behind behind;
    art_behind_begin(&behind, connection);
    int rc = check_and_look(connection, text, findings, &behind, message);
    if (!rc) rc = art_behind_end(&behind, add_behind, findings, message);
    art_behind_clear(&behind);
    return rc;
}
