#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/ownership_private.h"
#include "tests/support/sql.h"

enum { FEW = 5, MANY = 60, KEYS = 150, SHORT = 200, LONG = 6000 };

struct work {
    struct own_world *world;
    sqlite3 *db;
    const char *schema; /* of the table, and of its mirror */
    struct own_done *done;
};

/* --- statements --------------------------------------------------------------------------------------------------- */

/* The first error counts; what follows it is left out. */
static void run(struct work *work, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void run(struct work *work, const char *format, ...) {
    va_list args;
    if (work->done->code) return;
    va_start(args, format);
    char *sql = sqlite3_vmprintf(format, args);
    va_end(args);
    work->done->code = sqlite3_exec(work->db, sql, NULL, NULL, NULL);
    if (work->done->code) snprintf(work->done->message, sizeof work->done->message, "%s", sqlite3_errmsg(work->db));
    sqlite3_free(sql);
}

static void begin(struct work *work) {
    run(work, "BEGIN");
}

static void end(struct work *work) {
    run(work, "COMMIT");
    if (!sqlite3_get_autocommit(work->db)) sqlite3_exec(work->db, "ROLLBACK", NULL, NULL, NULL);
}

/* Every row is one that nobody else writes: it tells the step's number. */
static void put(struct work *work, unsigned n, unsigned rows) {
    const char *ends[] = {"", "_m"};
    for (unsigned i = 0; i < 2; i++) {
        run(work,
            "INSERT OR REPLACE INTO %s.%s%s(path, value) WITH RECURSIVE c(i, path) AS (SELECT 0, 'k/%03u' UNION ALL "
            "SELECT i + 1, printf('k/%%03d', (i * 7 + 7 + %u) %% %d) FROM c WHERE i + 1 < %u) SELECT CASE (SELECT type "
            "FROM pragma_table_info('%s', '%s') WHERE name = 'path') WHEN 'BLOB' THEN CAST(path AS BLOB) ELSE path "
            "END, printf('%u %%d %%.*c', i, %d, 'x') FROM c",
            work->schema, work->done->table, ends[i], n % KEYS, n, KEYS, rows, work->done->table, work->schema, n,
            n % 16 ? SHORT : LONG);
    }
    work->done->wrote = true;
}

static void both(struct work *work, const char *before, const char *after) {
    run(work, "%s %s.%s %s", before, work->schema, work->done->table, after);
    run(work, "%s %s.%s_m %s", before, work->schema, work->done->table, after);
    work->done->wrote |= !work->done->code && sqlite3_changes(work->db) > 0; /* none: it was no write */
}

static void command(struct work *work, const char *text) {
    run(work, "INSERT INTO %s.%s(%s) VALUES('%s')", work->schema, work->done->table, work->done->table, text);
}

/* A table's, and its mirror's. */
static const char *const forms[][2] = {
    {"path, value", "path PRIMARY KEY, value"},
    {"path BLOB, value, summary=(search(value), hash(*))", "path PRIMARY KEY, value"},
    {"path, value, key=(path, value DESC), summary=(hash(*))", "path, value, PRIMARY KEY(path, value DESC)"},
    {"path, value, summary=(lookup(value), search(value), search(path))", "path PRIMARY KEY, value"},
};
enum { FORMS = sizeof forms / sizeof *forms };

static void create(struct work *work, const char *table, unsigned n) {
    const char *const *form = forms[n / 2 % FORMS];
    sql_ways(n % 8 ? "pwrite" : NULL, NULL);
    run(work, "CREATE VIRTUAL TABLE %s USING art(%s, log_limit='8KB'%s)", table, form[0],
        n % 6 == 5 ? ", storage=inline" : "");
    run(work, "CREATE TABLE %s_m(%s) WITHOUT ROWID", table, form[1]);
}

/* --- steps -------------------------------------------------------------------------------------------------------- */

static void make(struct work *work, unsigned n) {
    run(work, "PRAGMA journal_mode=%s", n & 1 ? "wal" : "delete");
    snprintf(work->done->table, sizeof work->done->table, "t");
    begin(work);
    create(work, "t", n >> 3);
    put(work, n, n & 4 ? FEW : MANY);
    end(work);
}

static void churn(struct work *work, unsigned n) {
    for (unsigned i = 0; i < 3; i++) {
        begin(work);
        both(work, "DELETE FROM", "");
        put(work, n + i, MANY);
        if (n & 1) command(work, "optimize"); /* what is free is written again sooner */
        end(work);
        run(work, "PRAGMA wal_checkpoint(TRUNCATE)");
        work->done->partly |= !work->done->code;
    }
}

static void roll_back(struct work *work, unsigned n) {
    begin(work);
    put(work, n, MANY);
    if (n & 2) command(work, n & 4 ? "flush" : "optimize");
    if (!sqlite3_get_autocommit(work->db)) sqlite3_exec(work->db, "ROLLBACK", NULL, NULL, NULL);
    work->done->wrote = false;
}

static void rename_table(struct work *work, const struct own_look *tables) {
    const char *from = tables->tables[0].name, *to = strcmp(from, "t") ? "t" : "u";
    if (tables->count != 1) {
        work->done->skipped = true;
        return;
    }
    begin(work);
    run(work, "ALTER TABLE %s RENAME TO %s", from, to);
    run(work, "ALTER TABLE %s_m RENAME TO %s_m", from, to);
    end(work);
}

static void drop(struct work *work) {
    begin(work);
    run(work, "DROP TABLE %s", work->done->table);
    run(work, "DROP TABLE %s_m", work->done->table);
    end(work);
}

static void create_another(struct work *work, const struct own_look *tables, unsigned n) {
    const char *name = tables->count && !strcmp(tables->tables[0].name, "t") ? "u" : "t";
    if (tables->count == OWN_TABLES) {
        work->done->skipped = true;
        return;
    }
    snprintf(work->done->table, sizeof work->done->table, "%s", name);
    begin(work);
    create(work, name, n);
    put(work, n, n & 1 ? FEW : MANY);
    end(work);
}

/* It says "ok", or what README has. */
static void check(struct work *work) {
    sqlite3_stmt *ask = NULL;
    char *sql = sqlite3_mprintf("SELECT art_check('%s')", work->done->table);
    work->done->code = sqlite3_prepare_v2(work->db, sql, -1, &ask, NULL);
    if (ask && sqlite3_step(ask) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(ask, 0);
        work->done->code = text && !strcmp(text, "ok") ? SQLITE_OK : SQLITE_ERROR;
        snprintf(work->done->message, sizeof work->done->message, "%s", text ? text : "NULL");
    } else {
        work->done->code = sqlite3_extended_errcode(work->db);
        snprintf(work->done->message, sizeof work->done->message, "%s", sqlite3_errmsg(work->db));
    }
    if (!work->done->code) *work->done->message = 0;
    sqlite3_finalize(ask);
    sqlite3_free(sql);
}

static void copy_to(struct work *work, const struct own_step *step, const char *format) {
    char full[PATH_MAX];
    if (own_object_at(work->world, own_paths[step->y])) {
        work->done->skipped = true;
        return;
    }
    own_full(work->world, own_paths[step->y], full);
    run(work, format, full); // NOLINT(clang-diagnostic-format-nonliteral)
}

static void attach_and_write(struct work *work, const struct own_step *step) {
    struct own_look other;
    char full[PATH_MAX], own[8];
    own_list_tables(work->world, own_paths[step->y], &other);
    work->done->skipped = !other.count || other.object == own_object_at(work->world, own_paths[step->x]);
    if (work->done->skipped) return;
    own_full(work->world, own_paths[step->y], full);
    run(work, "ATTACH '%s' AS y", full);
    begin(work);
    put(work, step->n, step->n & 1 ? FEW : MANY);
    memcpy(own, work->done->table, sizeof own);
    snprintf(work->done->table, sizeof work->done->table, "%s", other.tables[0].name);
    work->schema = "y";
    put(work, step->n, step->n & 2 ? FEW : MANY);
    end(work);
    memcpy(work->done->table, own, sizeof own);
}

static void write_rows(struct work *work, const struct own_step *step) {
    unsigned n = step->n;
    if (step->verb == OWN_CHURN) {
        churn(work, n);
        return;
    }
    begin(work);
    switch (step->verb) {
    case OWN_FEW:
    case OWN_MANY:
        put(work, n, step->verb == OWN_FEW ? FEW : MANY);
        break;
    case OWN_UPDATE:
        both(work, "UPDATE",
             n & 1 ? "SET value = 'changed ' || value" : "SET value = value || 'x' WHERE path < 'k/020'");
        break;
    default:
        both(work, "DELETE FROM", n & 1 ? "WHERE path > 'k/070'" : "");
    }
    if (n % 8 == 3) command(work, "flush");
    end(work);
}

static void give_command(struct work *work, const struct own_step *step) {
    static const char *const texts[OWN_VERBS] = {[OWN_FLUSH] = "flush",
                                                 [OWN_OPTIMIZE] = "optimize",
                                                 [OWN_CUT] = "vacuum",
                                                 [OWN_CLEAN] = "clean",
                                                 [OWN_ADOPT] = "adopt"};
    command(work, texts[step->verb]);
}

static void about_a_table(struct work *work, const struct own_step *step, const struct own_look *tables) {
    switch ((enum own_verb)step->verb) {
    case OWN_FEW:
    case OWN_MANY:
    case OWN_UPDATE:
    case OWN_DELETE:
    case OWN_CHURN:
        write_rows(work, step);
        break;
    case OWN_BOTH:
        attach_and_write(work, step);
        break;
    case OWN_ROLLBACK:
        roll_back(work, step->n);
        break;
    case OWN_RENAME:
        rename_table(work, tables);
        break;
    case OWN_DROP:
        drop(work);
        break;
    case OWN_CHECK:
        check(work);
        break;
    case OWN_INFO:
        run(work, "SELECT * FROM art_info('%s')", work->done->table);
        break;
    default:
        give_command(work, step);
    }
}

static void about_the_database(struct work *work, const struct own_step *step, const struct own_look *tables) {
    switch ((enum own_verb)step->verb) {
    case OWN_CREATE:
        create_another(work, tables, step->n);
        break;
    case OWN_CHECKPOINT:
        run(work, "PRAGMA wal_checkpoint(TRUNCATE)");
        break;
    case OWN_VACUUM:
        run(work, "VACUUM");
        break;
    case OWN_JOURNAL:
        run(work, "PRAGMA journal_mode=%s", step->n & 1 ? "wal" : "delete");
        break;
    case OWN_VACUUM_INTO:
        copy_to(work, step, "VACUUM INTO '%s'");
        break;
    default:
        copy_to(work, step, "SELECT art_backup('%s')");
    }
}

static bool is_about_the_database(const struct own_step *step) {
    return step->verb == OWN_CREATE || step->verb == OWN_CHECKPOINT || step->verb == OWN_VACUUM ||
           step->verb == OWN_JOURNAL || step->verb == OWN_VACUUM_INTO || step->verb == OWN_BACKUP;
}

void own_sql_step(struct own_world *world, const struct own_step *step, struct own_done *done) {
    const char *name = own_paths[step->x];
    bool there = own_object_at(world, name) != 0;
    struct own_look tables;
    *done = (struct own_done){.skipped = step->verb == OWN_MAKE ? there : !there};
    own_list_tables(world, name, &tables);
    bool whole = is_about_the_database(step);
    if (step->verb != OWN_MAKE && !whole && !tables.count) done->skipped = true;
    if (done->skipped) return;
    struct work work = {.world = world, .db = own_connect(world, name), .schema = "main", .done = done};
    if (tables.count && !whole)
        snprintf(done->table, sizeof done->table, "%s", tables.tables[step->n % tables.count].name);
    if (step->verb == OWN_MAKE) {
        make(&work, step->n);
    } else if (whole) {
        about_the_database(&work, step, &tables);
    } else {
        about_a_table(&work, step, &tables);
    }
    if (done->code) done->wrote = false;
    if (sqlite3_close(work.db)) own_fail(world, "%s cannot be closed", name);
}
