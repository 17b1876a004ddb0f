/* INSERT, UPDATE, DELETE, of a table by itself, from others and by triggers: what the rules (workload_rules.c) do not
 * say, since it depends on the table's columns. */
#include "tests/support/workload_private.h"

static const struct workload_column *column_of(const struct writer *x, unsigned i) {
    return shape_column(x->table->names[i]);
}

void put_other_columns(struct writer *x) {
    for (unsigned i = 1; i < x->table->columns; i++) PUT(x, ", "), put_column(x, i);
}

void put_other_values(struct writer *x) {
    for (unsigned i = 1; i < x->table->columns; i++) PUT(x, ", "), put_value_for(x, column_of(x, i));
}

void put_side_values(struct writer *x) {
    for (unsigned i = 1; i < x->table->columns; i++) PUT(x, column_of(x, i)->not_null ? ", coalesce(b, a)" : ", b");
}

/* RETURNING of columns without an affinity: see workload.h. */
void put_returned(struct writer *x) {
    for (unsigned i = 1; i < x->table->columns; i++) {
        if (column_of(x, i)->affinity == AFFINITY_NONE) PUT(x, ", "), put_column(x, i);
    }
}

/* Some columns, in any order; those with NOT NULL are seldom left out. */
void put_insert_columns(struct writer *x) {
    struct workload *w = x->w;
    unsigned order[WORKLOAD_COLUMNS], n = 0;
    MEET(x, INSERT_COLUMNS);
    for (unsigned i = 0; i < x->table->columns; i++) {
        bool must = i == 0 || column_of(x, i)->not_null;
        if (once_in(w, must ? 30 : 2) != must) order[n++] = i;
    }
    for (unsigned i = n; i > 1; i--) {
        unsigned k = below(w, i), last = order[i - 1];
        order[i - 1] = order[k];
        order[k] = last;
    }
    writer_draw(x, "$into");
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
            put_value_for(x, column_of(x, order[i]));
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
    writer_draw(x, "$into");
    PUT(x, " WITH n(i) AS (SELECT %u UNION ALL SELECT i + 1 FROM n LIMIT %u) SELECT printf('d%%d/f%%03d', i %% 7, i)",
        below(w, 200), 1 + below(w, once_in(w, 6) ? 400 : 120));
    for (unsigned i = 1; i < x->table->columns; i++) {
        enum workload_affinity affinity = column_of(x, i)->affinity;
        PUT(x, affinity == AFFINITY_NONE || affinity == AFFINITY_TEXT ? ", pattern(i, %u, 0)" : ", i / 2.0 + %u", size);
    }
    PUT(x, " FROM n");
}

/* ---- UPDATE ------------------------------------------------------------------------------------------------------ */

void note_changes_unless_replaced(struct writer *x) {
    if (!workload_meets(&x->step->met, "REPLACE")) x->step->flags |= STEP_CHANGES;
}

void put_another_too(struct writer *x) {
    if (x->table->columns > 1) writer_draw(x, ", $pick$it = $suited");
}

void put_second_value(struct writer *x) {
    unsigned other = any_column(x);
    if (other == x->column) return;
    x->column = other;
    writer_draw(x, ", $new_value");
}

void put_from_side(struct writer *x) {
    PUT(x, column_of(x, x->column)->not_null ? "coalesce(s.b, s.a)" : "s.b");
}

void put_update(struct writer *x) {
    struct workload *w = x->w;
    if (x->table->columns == 1 || (!w->setting->gentle && once_in(w, 3))) {
        writer_draw(x, "$path_update");
        return;
    }
    x->step->flags |= STEP_CHANGES | STEP_VERSION_EACH;
    writer_draw(x, once_in(w, 8) ? "$update_from" : "$column_update");
}

/* Of a compare-and-set. */
void put_same_or_new(struct writer *x) {
    if (x->column) {
        x->step->flags |= STEP_VERSION_EACH;
        put_value_for(x, column_of(x, x->column));
    } else {
        put_path(x);
    }
}
