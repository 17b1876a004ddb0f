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
        writer_draw(x, "$begin");
        return;
    }
    /* The second connection does not hold its locks for long. */
    uint32_t kind = c && once_in(w, 2) ? 80 + below(w, 20) : below(w, 100);
    writer_draw(x, kind < 40   ? "$!SAVEPOINT SAVEPOINT s$(0-2)"
                   : kind < 65 ? "$!ROLLBACK_TO ROLLBACK TO s$(0-2)"
                   : kind < 80 ? "$!RELEASE RELEASE s$(0-2)"
                   : kind < 96 ? "$!COMMIT COMMIT"
                               : "$!ROLLBACK ROLLBACK");
    if (kind >= 40) w->look_again[0] = w->look_again[1] = true;
}

/* ---- the schema -------------------------------------------------------------------------------------------------- */

/* Which tables there are, with their columns: the runner asks for them. */
void put_look(struct writer *x) {
    x->step->kind = STEP_TABLES;
    x->step->flags |= STEP_BUSY_MAY_DIFFER;
}

void put_added_column(struct writer *x) {
    const struct workload_column *column = shape_new_column(x->w, x->table);
    if (!column) {
        writer_draw(x, x->number == TABLE_W ? "$keyed_query" : "$query");
        return;
    }
    MEET(x, ADD_COLUMN);
    x->step->flags |= STEP_BUSY_MAY_DIFFER;
    PUT_ART(x, "INSERT INTO %s.%s(%s) VALUES('add column \"%s\" %s')", workload_table_schema(x->w->setting, x->number),
            workload_table_name(x->number), workload_table_name(x->number), column->name, column->type);
    PUT_PLAIN(x, "ALTER TABLE %s.%s ADD COLUMN \"%s\" %s", workload_table_schema(x->w->setting, x->number),
              workload_table_name(x->number), column->name, column->type);
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
        MEET(x, OTHER_SCHEMA); /* so that every connection reads it anew */
        writer_draw(x, "$other_schema_change");
    }
}

/* ---- commands, pragmas, functions -------------------------------------------------------------------------------- */

void put_command(struct writer *x) {
    const char *schema = workload_table_schema(x->w->setting, x->number);
    x->step->flags |= STEP_BUSY_MAY_DIFFER;
    writer_draw(x, "{INSERT INTO $name($table) VALUES('$command')|}");
    /* A write that fails as the command does when there is no such table. */
    PUT_PLAIN(x, "UPDATE %s.%s SET n = n + 1 WHERE NOT EXISTS (SELECT 1 FROM %s.%s WHERE 0)", schema,
              strcmp(schema, x->w->setting->schema) != 0 ? "other_tick" : "tick", schema,
              workload_table_name(x->number));
}

void put_pragma(struct writer *x) {
    struct workload *w = x->w;
    MEET(x, PRAGMA);
    /* Where a statement is open, SQLite's PRAGMA case_sensitive_like sets the flags of like() without changing the
     * function: those of the built-in one for the whole process, and those of a replaced one to a crash. */
    uint32_t kind = w->cursors ? 2 + below(w, 4) : below(w, 6);
    if (kind < 2) w->gone_like[x->step->connection] = false;
    writer_draw(x, kind < 2    ? "PRAGMA case_sensitive_like = $(0-1)"
                   : kind == 2 ? "PRAGMA wal_checkpoint($(PASSIVE|FULL|RESTART|TRUNCATE))"
                   : kind == 3 ? "PRAGMA $schema.quick_check"
                               : "PRAGMA $(automatic_index|cache_spill) = $(0-1)");
    /* A checkpoint asks whether this connection reads, which a failed first look at an art table may have left
     * behind. */
    x->step->flags |= STEP_BUSY_MAY_DIFFER | (kind == 3 ? 0 : STEP_NO_ROWS);
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
