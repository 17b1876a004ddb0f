/* INSERT, UPDATE, DELETE, of a table by itself, from others and by triggers; and compare-and-set. */
#include <string.h>

#include "tests/support/workload_private.h"

/* The conflict clause, which becomes part of what the step is about. */
static const char *conflict(struct writer *x) {
    struct workload *w = x->w;
    const char *how = w->setting->gentle ? PICK(w, "OR REPLACE ", "OR IGNORE ")
                                         : PICK(w, "", "", "OR REPLACE ", "OR REPLACE ", "OR REPLACE ", "OR IGNORE ",
                                                "OR IGNORE ", "OR ABORT ", "OR FAIL ", "OR ROLLBACK ");
    if (!strcmp(how, "OR IGNORE ")) MEET(x, IGNORE);
    if (!strcmp(how, "OR ROLLBACK ")) MEET(x, ROLLBACK_CLAUSE);
    if (!strcmp(how, "OR REPLACE ")) MEET(x, REPLACE);
    if (!strcmp(how, "OR FAIL ")) {
        MEET(x, FAIL);
        x->step->flags |= STEP_KEEPS_SOME;
    }
    return how;
}

/* ---- INSERT ------------------------------------------------------------------------------------------------------ */

static void put_row(struct writer *x) {
    PUT(x, "("), put_key(x);
    for (unsigned i = 1; i < x->table->columns; i++) {
        PUT(x, ", "), put_value_for(x, shape_column(x->table->names[i]));
    }
    PUT(x, ")");
}

static void put_insert_rows(struct writer *x) {
    struct workload *w = x->w;
    PUT(x, "INSERT %sINTO ", conflict(x)), put_name(x), PUT(x, " VALUES");
    for (uint32_t n = 1 + below(w, 2) * below(w, 5); n; n--) put_row(x), PUT(x, n > 1 ? ", " : "");
}

/* Some columns, in any order; those with NOT NULL are seldom left out. */
static void put_insert_columns(struct writer *x) {
    struct workload *w = x->w;
    unsigned order[WORKLOAD_COLUMNS], n = 0;
    MEET(x, INSERT_COLUMNS);
    for (unsigned i = 0; i < x->table->columns; i++) {
        bool must = i == 0 || shape_column(x->table->names[i])->not_null;
        if (once_in(w, must ? 30 : 2) != must) order[n++] = i;
    }
    for (unsigned i = n; i > 1; i--) {
        unsigned k = below(w, i), last = order[i - 1];
        order[i - 1] = order[k];
        order[k] = last;
    }
    PUT(x, "INSERT %sINTO ", conflict(x)), put_name(x);
    if (!n && !w->setting->gentle) {
        PUT(x, " DEFAULT VALUES");
        return;
    }
    if (!n) order[n++] = 0;
    PUT(x, "(");
    for (unsigned i = 0; i < n; i++) PUT(x, i ? ", " : ""), put_column(x, order[i]);
    PUT(x, ") VALUES(");
    for (unsigned i = 0; i < n; i++) {
        PUT(x, i ? ", " : "");
        if (order[i]) {
            put_value_for(x, shape_column(x->table->names[order[i]]));
        } else {
            put_key(x);
        }
    }
    PUT(x, ")");
}

/* As many rows as asked for by SQL alone. */
void put_insert_many(struct writer *x) {
    struct workload *w = x->w;
    uint32_t size = below(w, 300);
    MEET(x, INSERT_SELECT);
    PUT(x, "INSERT %sINTO ", conflict(x)), put_name(x);
    PUT(x, " WITH n(i) AS (SELECT %u UNION ALL SELECT i + 1 FROM n LIMIT %u) SELECT printf('d%%d/f%%03d', i %% 7, i)",
        below(w, 200), 1 + below(w, once_in(w, 6) ? 400 : 120));
    for (unsigned i = 1; i < x->table->columns; i++) {
        enum workload_affinity affinity = shape_column(x->table->names[i])->affinity;
        PUT(x, affinity == AFFINITY_NONE || affinity == AFFINITY_TEXT ? ", pattern(i, %u, 0)" : ", i / 2.0 + %u", size);
    }
    PUT(x, " FROM n");
}

static void put_insert_from_itself(struct writer *x) {
    struct workload *w = x->w;
    MEET(x, INSERT_SELF);
    PUT(x, "INSERT %sINTO ", conflict(x)), put_name(x), PUT(x, " SELECT ");
    put_path(x), PUT(x, " || %s", PICK(w, "'a'", "'/'", "'x'", "''"));
    for (unsigned i = 1; i < x->table->columns; i++) PUT(x, ", "), put_column(x, i);
    PUT(x, " FROM "), put_name(x), PUT(x, " WHERE "), put_ordered_condition(x);
    PUT(x, " ORDER BY "), put_path(x), PUT(x, " LIMIT 40");
}

static void put_insert_from_side(struct writer *x) {
    struct workload *w = x->w;
    MEET(x, INSERT_SELECT);
    PUT(x, "INSERT %sINTO ", conflict(x)), put_name(x);
    PUT(x, " SELECT a%s", PICK(w, "", " || '/'", ""));
    for (unsigned i = 1; i < x->table->columns; i++) {
        PUT(x, shape_column(x->table->names[i])->not_null ? ", coalesce(b, a)" : ", b");
    }
    PUT(x, " FROM %s.side ORDER BY a", w->setting->schema);
}

/* RETURNING of columns without an affinity: see workload.h. */
static void put_insert_returning(struct writer *x) {
    const char *how = conflict(x);
    bool ignores = !strcmp(how, "OR IGNORE ");
    MEET(x, RETURNING);
    PUT(x, "INSERT %sINTO ", ignores ? "" : how), put_name(x), PUT(x, " VALUES"), put_row(x);
    if (ignores && x->w->setting->gentle) return;
    PUT(x, " RETURNING "), put_path(x);
    for (unsigned i = 1; i < x->table->columns; i++) {
        if (shape_column(x->table->names[i])->affinity == AFFINITY_NONE) PUT(x, ", "), put_column(x, i);
    }
}

static void put_odd_insert(struct writer *x) {
    struct workload *w = x->w;
    bool null = once_in(w, 3) && !w->setting->gentle;
    PUT(x, null ? "INSERT INTO " : "REPLACE INTO "), put_name(x), PUT(x, "(");
    put_path(x);
    for (unsigned i = 1; i < x->table->columns; i++) PUT(x, ", "), put_column(x, i);
    PUT(x, ") VALUES(%s",
        null ? "NULL" : PICK(w, "12", "12.5", "-3", "1e3", "0", "9223372036854775807", "1e999", "-0.0"));
    for (unsigned i = 1; i < x->table->columns; i++) {
        PUT(x, ", "), put_value_for(x, shape_column(x->table->names[i]));
    }
    PUT(x, ")");
}

static void put_insert(struct writer *x) {
    static void (*const kinds[])(struct writer *) = {
        put_insert_rows, put_insert_rows,        put_insert_rows,      put_insert_columns,   put_insert_columns,
        put_insert_many, put_insert_from_itself, put_insert_from_side, put_insert_returning, put_odd_insert};
    MEET(x, INSERT);
    x->step->flags |= STEP_CHANGES;
    kinds[below(x->w, sizeof kinds / sizeof *kinds)](x);
}

/* ---- UPDATE ------------------------------------------------------------------------------------------------------ */

static void put_new_path(struct writer *x) {
    switch (below(x->w, 8)) {
    case 0:
        PUT(x, "'b' || substr("), put_path(x), PUT(x, ", 2)");
        break;
    case 1:
        PUT(x, "'d1' || substr("), put_path(x), PUT(x, ", 3)");
        break;
    case 2:
        put_path(x), PUT(x, " || 'a'");
        break;
    case 3:
        put_path(x);
        break;
    case 4:
        PUT(x, "substr("), put_path(x), PUT(x, ", 2)");
        break;
    case 5:
        PUT(x, "'x/' || "), put_path(x);
        break;
    default:
        put_key(x);
        break;
    }
}

static void put_path_update(struct writer *x) {
    struct workload *w = x->w;
    const char *how = conflict(x);
    MEET(x, UPDATE_PATH);
    PUT(x, "UPDATE %s", how), put_name(x), PUT(x, " SET ");
    /* Whether a row that an earlier one of the same statement replaced still counts is not the same for virtual
     * tables. */
    if (strcmp(how, "OR REPLACE ") != 0) x->step->flags |= STEP_CHANGES;
    put_path(x), PUT(x, " = "), put_new_path(x);
    unsigned i = any_column(x);
    if (i && once_in(w, 3)) {
        PUT(x, ", "), put_column(x, i), PUT(x, " = "), put_value_for(x, shape_column(x->table->names[i]));
    }
    PUT(x, " WHERE "), put_ordered_condition(x);
}

static void put_new_value(struct writer *x, unsigned i) {
    struct workload *w = x->w;
    put_column(x, i), PUT(x, " = ");
    switch (below(w, 9)) {
    case 0:
        put_column(x, i), PUT(x, " || 'x'");
        break;
    case 1:
        put_column(x, i), PUT(x, " + 1");
        break;
    case 2:
        put_path(x);
        break;
    case 3:
        put_column(x, any_column(x));
        break;
    default:
        put_value_for(x, shape_column(x->table->names[i]));
        break;
    }
}

/* Within a transaction SQLite opens no savepoint for it on a virtual table: were a row refused in the middle, those
 * before it would stay changed. So none is. */
static void put_update_from(struct writer *x) {
    struct workload *w = x->w;
    const char *schema = w->setting->schema;
    unsigned i = any_column(x);
    bool filled = i && shape_column(x->table->names[i])->not_null;
    MEET(x, UPDATE_FROM);
    PUT(x, "UPDATE %s", conflict(x)), put_name(x), PUT(x, " SET "), put_column(x, i);
    PUT(x, " = %s FROM %s.side s WHERE s.a = ", filled ? "coalesce(s.b, s.a)" : i ? "s.b" : "s.a", schema);
    PUT(x, "%s.", workload_table_name(x->number)), put_path(x);
}

static void put_where_of_write(struct writer *x) {
    PUT(x, " WHERE ");
    if (once_in(x->w, 8)) {
        put_prefix_condition(x);
        if (once_in(x->w, 2)) PUT(x, " AND "), put_condition(x);
    } else {
        put_condition(x);
    }
}

static void put_update(struct writer *x) {
    struct workload *w = x->w;
    MEET(x, UPDATE);
    if (x->table->columns == 1 || (!w->setting->gentle && once_in(w, 3))) {
        put_path_update(x);
        return;
    }
    x->step->flags |= STEP_CHANGES | STEP_VERSION_EACH;
    if (once_in(w, 8)) {
        put_update_from(x);
        return;
    }
    PUT(x, "UPDATE %s", conflict(x)), put_name(x), PUT(x, " SET ");
    unsigned i = any_column(x);
    put_new_value(x, i);
    if (once_in(w, 3)) {
        unsigned k = any_column(x);
        if (k != i) PUT(x, ", "), put_new_value(x, k);
    }
    put_where_of_write(x);
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static void put_delete(struct writer *x) {
    struct workload *w = x->w;
    MEET(x, DELETE);
    PUT(x, "DELETE FROM "), put_name(x);
    x->step->flags |= STEP_CHANGES;
    if (once_in(w, 40)) return;
    if (once_in(w, 10)) {
        PUT(x, " WHERE "), put_path(x), PUT(x, " IN (SELECT "), put_path(x), PUT(x, " FROM "), put_name(x);
        PUT(x, " ORDER BY "), put_path(x), PUT(x, " LIMIT %u OFFSET %u)", below(w, 9), below(w, 30));
        return;
    }
    put_where_of_write(x);
}

void put_write(struct writer *x) {
    uint32_t kind = below(x->w, 100);
    x->step->flags |= STEP_WRITES;
    if (kind < 58) {
        put_insert(x);
    } else if (kind < 84) {
        put_update(x);
    } else {
        put_delete(x);
    }
}

void put_side_write(struct writer *x) {
    struct workload *w = x->w;
    const char *schema = w->setting->schema;
    x->step->flags |= STEP_CHANGES | STEP_WRITES;
    switch (below(w, w->setting->gentle ? 3 : 6)) {
    case 0:
        PUT(x, "INSERT INTO %s.other(x) VALUES(%u)", schema, below(w, 100));
        break;
    case 1:
        PUT(x, "DELETE FROM %s.side WHERE a GLOB '%s*'", schema, PICK(w, "a", "b", "d"));
        break;
    case 2: /* fires a trigger that writes into v */
        writer_use(x, TABLE_V);
        MEET(x, TRIGGER);
        PUT(x, "%s INTO %s.showing(", PICK(w, "INSERT OR REPLACE", "INSERT OR IGNORE"), w->setting->other), put_path(x);
        PUT(x, ") VALUES("), put_key(x), PUT(x, ")");
        x->step->flags &= ~(unsigned)STEP_CHANGES;
        break;
    default: /* fires the trigger, which writes into t */
        MEET(x, TRIGGER);
        PUT(x, "INSERT %sINTO %s.side VALUES(", w->setting->gentle ? "OR IGNORE " : conflict(x), schema);
        put_key(x), PUT(x, ", "), put_value(x), PUT(x, ")");
        break;
    }
}

/* ---- versions ---------------------------------------------------------------------------------------------------- */

/* Versions are noted in `held`; later a row is changed only where it still has the noted one. The plain twin asks
 * `seen`, in which the runner keeps what the art table showed. */
void put_version_step(struct writer *x) {
    struct workload *w = x->w;
    const char *schema = w->setting->schema, *name = workload_table_name(x->number);
    unsigned i = any_column(x);
    switch (below(w, 3)) {
    case 0:
        MEET(x, VERSION);
        PUT(x, "INSERT OR REPLACE INTO %s.held SELECT '%s', ", schema, name), put_path(x);
        PUT_ART(x, ", version FROM ");
        PUT_PLAIN(x, ", (SELECT version FROM %s.seen WHERE tbl = '%s' AND seen.key = m.\"%w\") FROM ", schema, name,
                  x->table->names[0]);
        put_name(x), PUT(x, " AS m WHERE "), put_condition(x);
        break;
    case 1:
        MEET(x, VERSION);
        PUT(x, "SELECT "), put_path(x), PUT(x, ", version FROM "), put_name(x), PUT(x, " AS m");
        PUT_PLAIN(x, " JOIN (SELECT * FROM %s.seen WHERE tbl = '%s') s ON s.key = m.\"%w\"", schema, name,
                  x->table->names[0]);
        PUT(x, " WHERE "), put_condition(x);
        PUT(x, " AND version %s (SELECT %s(version) FROM %s.held WHERE tbl = '%s') ORDER BY ", PICK(w, "=", "<", ">="),
            PICK(w, "min", "max"), schema, name);
        put_path(x);
        break;
    default: {
        MEET(x, COMPARE_AND_SET);
        x->step->flags |= STEP_CHANGES | STEP_WRITES | (i ? STEP_VERSION_EACH : 0);
        char *key = writer_capture(x, put_key);
        PUT(x, "UPDATE "), put_name(x), PUT(x, " SET "), put_column(x, i), PUT(x, " = ");
        if (i) {
            put_value_for(x, shape_column(x->table->names[i]));
        } else {
            put_path(x);
        }
        PUT(x, " WHERE "), put_path(x), PUT(x, " = %s AND ", key);
        PUT_ART(x, "version");
        PUT_PLAIN(x, "(SELECT version FROM %s.seen WHERE tbl = '%s' AND seen.key = %s)", schema, name, key);
        PUT(x, " = (SELECT version FROM %s.held WHERE tbl = '%s' AND held.key = %s)", schema, name, key);
        sqlite3_free(key);
        break;
    }
    }
}
