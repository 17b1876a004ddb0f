/* Transactions and savepoints, DROP, RENAME, CREATE, added columns, commands, pragmas, replaced functions. */
#include <string.h>

#include "tests/support/sql.h"
#include "tests/support/workload_private.h"

/* ---- transactions ------------------------------------------------------------------------------------------------ */

void put_transaction(struct writer *x) {
    struct workload *w = x->w;
    int c = x->step->connection;
    if (w->setting->gentle) {
        PUT(x, "%s", w->in_transaction[c] ? "COMMIT" : "BEGIN");
        return;
    }
    if (!w->in_transaction[c]) {
        PUT(x, "%s", PICK(w, "BEGIN", "BEGIN", "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE", "SAVEPOINT s0", "SAVEPOINT s1"));
        return;
    }
    /* The second connection does not hold its locks for long. */
    uint32_t kind = c && once_in(w, 2) ? 80 + below(w, 20) : below(w, 100);
    const char *name = PICK(w, "s0", "s1", "s2");
    if (kind < 40) {
        PUT(x, "SAVEPOINT %s", name);
        MEET(x, SAVEPOINT);
    } else if (kind < 65) {
        PUT(x, "ROLLBACK TO %s", name);
        MEET(x, ROLLBACK_TO);
    } else if (kind < 80) {
        PUT(x, "RELEASE %s", name);
        MEET(x, RELEASE);
    } else {
        PUT(x, "%s", kind < 96 ? "COMMIT" : "ROLLBACK");
        writer_meet(x, kind < 96 ? FEATURE_COMMIT : FEATURE_ROLLBACK);
    }
    if (kind >= 40) w->look_again[0] = w->look_again[1] = true;
}

/* ---- the schema -------------------------------------------------------------------------------------------------- */

/* Which tables there are, with their columns: the runner asks for them. */
void put_look(struct writer *x) {
    x->step->kind = STEP_TABLES;
    x->step->flags |= STEP_BUSY_MAY_DIFFER;
}

static void put_added_column(struct writer *x) {
    const struct workload_column *column = shape_new_column(x->w, x->table);
    if (!column) {
        put_query(x);
        return;
    }
    MEET(x, ADD_COLUMN);
    x->step->flags |= STEP_BUSY_MAY_DIFFER;
    PUT_ART(x, "INSERT INTO %s.%s(%s) VALUES('add column \"%s\" %s')", workload_table_schema(x->w->setting, x->number),
            workload_table_name(x->number), workload_table_name(x->number), column->name, column->type);
    PUT_PLAIN(x, "ALTER TABLE %s.%s ADD COLUMN \"%s\" %s", workload_table_schema(x->w->setting, x->number),
              workload_table_name(x->number), column->name, column->type);
}

/* Something else in the schema, so that every connection reads it anew. */
static void put_other_schema_change(struct writer *x) {
    struct workload *w = x->w;
    const char *schema = w->setting->schema;
    MEET(x, OTHER_SCHEMA);
    switch (below(w, 5)) {
    case 0:
        PUT(x, "ALTER TABLE %s.other ADD COLUMN c%u", schema, below(w, 1000));
        break;
    case 1:
        PUT(x, "CREATE TABLE IF NOT EXISTS %s.extra(x)", schema);
        break;
    case 2:
        PUT(x, "DROP TABLE IF EXISTS %s.extra", schema);
        break;
    case 3:
        PUT(x, "CREATE INDEX IF NOT EXISTS %s.other_x ON other(x)", schema);
        break;
    default:
        PUT(x, "CREATE TEMP TABLE IF NOT EXISTS scratch(x)");
        break;
    }
}

/* Dropping, renaming, creating t and u; columns; and others. */
void put_schema_change(struct writer *x) {
    struct workload *w = x->w;
    const char *schema = w->setting->schema;
    const struct workload_table *tables = w->tables[x->step->connection];
    bool t = tables[TABLE_T].exists, u = tables[TABLE_U].exists;
    if (x->number == TABLE_V && (t || u)) writer_use(x, t ? TABLE_T : TABLE_U);
    const char *name = workload_table_name(x->number);
    uint32_t kind = below(w, 14);
    w->look_again[0] = w->look_again[1] = true;
    if ((!t && !u) || (!(t && u) && kind == 0)) {
        put_create(x, schema, t ? "u" : "t", w->shapes[0]);
    } else if (kind < 2) {
        PUT(x, "DROP TABLE %s.%s", schema, name);
        MEET(x, DROP);
    } else if (kind < 5) {
        PUT(x, "ALTER TABLE %s.%s RENAME TO %s", schema, name, x->number == TABLE_U ? "t" : "u");
        MEET(x, RENAME);
        x->step->flags |= STEP_RENAMES;
    } else if (kind < 9) {
        if (once_in(w, 4)) writer_use(x, TABLE_V);
        put_added_column(x);
    } else if (kind == 9) {
        PUT(x, "VACUUM %s", schema);
        MEET(x, VACUUM);
    } else if (kind == 10) {
        PUT(x, "ANALYZE %s", schema);
        MEET(x, ANALYZE);
    } else {
        put_other_schema_change(x);
    }
}

/* ---- commands, pragmas, functions -------------------------------------------------------------------------------- */

static const char *choose_command(struct writer *x) {
    struct workload *w = x->w;
    uint32_t kind = below(w, 20);
    if (kind < 8) {
        MEET(x, COMMAND_FLUSH);
        return "flush";
    }
    if (kind < 10) {
        MEET(x, COMMAND_OPTIMIZE);
        return "optimize";
    }
    if (kind < 12) {
        MEET(x, COMMAND_VACUUM);
        return "vacuum";
    }
    if (kind < 13) {
        MEET(x, COMMAND_CLEAN);
        return "clean";
    }
    if (kind < 16) {
        MEET(x, COMMAND_CHECK);
        return "integrity-check";
    }
    MEET(x, COMMAND_SETTING);
    return PICK(w, "log_limit=4KB", "log_limit=1MB", "spill_limit=32KB", "spill_limit=1MB", "cache=1MB", "cache=64MB",
                "log_limit=16KB");
}

void put_command(struct writer *x) {
    struct workload *w = x->w;
    const char *schema = workload_table_schema(w->setting, x->number), *name = workload_table_name(x->number);
    x->step->flags |= STEP_BUSY_MAY_DIFFER;
    PUT_ART(x, "INSERT INTO %s.%s(%s) VALUES('%s')", schema, name, name, choose_command(x));
    /* A write that fails as the command does when there is no such table. */
    PUT_PLAIN(x, "UPDATE %s.%s SET n = n + 1 WHERE NOT EXISTS (SELECT 1 FROM %s.%s WHERE 0)", schema,
              strcmp(schema, w->setting->schema) != 0 ? "other_tick" : "tick", schema, name);
}

void put_pragma(struct writer *x) {
    struct workload *w = x->w;
    MEET(x, PRAGMA);
    /* Where a statement is open, SQLite's PRAGMA case_sensitive_like sets the flags of like() without changing the
     * function: those of the built-in one for the whole process, and those of a replaced one to a crash. */
    switch (w->cursors ? 2 + below(w, 4) : below(w, 6)) {
    case 0:
    case 1:
        PUT(x, "PRAGMA case_sensitive_like = %u", below(w, 2));
        w->gone_like[x->step->connection] = false;
        break;
    case 2:
        PUT(x, "PRAGMA wal_checkpoint(%s)", PICK(w, "PASSIVE", "FULL", "RESTART", "TRUNCATE"));
        break;
    case 3:
        PUT(x, "PRAGMA automatic_index = %u", below(w, 2));
        break;
    case 4:
        PUT(x, "PRAGMA %s.quick_check", w->setting->schema);
        x->step->flags |= STEP_BUSY_MAY_DIFFER;
        return;
    default:
        PUT(x, "PRAGMA cache_spill = %u", below(w, 2));
        break;
    }
    /* A checkpoint asks whether this connection reads, which a failed first look at an art table may have left
     * behind. */
    x->step->flags |= STEP_NO_ROWS | STEP_BUSY_MAY_DIFFER;
}

/* like() comes back by the pragma, glob() by one that does the same; the real one by reopening only. */
void put_function_change(struct writer *x) {
    struct workload *w = x->w;
    int c = x->step->connection;
    if (w->gone_like[c]) {
        PUT(x, "PRAGMA case_sensitive_like = %u", below(w, 2));
        w->gone_like[c] = false;
        x->step->flags |= STEP_NO_ROWS;
        return;
    }
    MEET(x, REPLACED_FUNCTION);
    x->step->kind = STEP_FUNCTION;
    if (w->gone_glob[c] || once_in(w, 4)) {
        PUT(x, "%s", w->gone_glob[c] ? "glob same" : "glob gone"); /* an odd one art would not call */
        w->gone_glob[c] = !w->gone_glob[c];
    } else {
        PUT(x, "%s", PICK(w, "like odd", "like odd", "like gone"));
        w->gone_like[c] = true;
    }
}
