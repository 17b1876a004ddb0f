/* WHERE: conditions on the path, on other columns, and both, of every operator that SQLite has. */
#include "tests/support/workload_private.h"

/* ---- on the path ------------------------------------------------------------------------------------------------- */

static void put_range_end(struct writer *x) {
    PUT(x, "%s", PICK(x->w, "<", "<=", ">", ">="));
}

static void put_ordered_range(struct writer *x) {
    struct workload *w = x->w;
    put_path(x), PUT(x, " >%s ", once_in(w, 2) ? "=" : ""), put_key(x);
    PUT(x, " AND "), put_path(x), PUT(x, " <%s ", once_in(w, 2) ? "=" : ""), put_key(x);
    MEET(x, RANGE);
}

void put_ordered_condition(struct writer *x) {
    struct workload *w = x->w;
    switch (below(w, 7)) {
    case 0:
    case 1:
        put_path(x), PUT(x, " = "), put_key(x);
        MEET(x, EQUAL);
        break;
    case 2:
    case 3:
        put_path(x), PUT(x, " GLOB "), put_glob(x);
        MEET(x, GLOB);
        break;
    case 4:
        put_ordered_range(x);
        break;
    case 5:
        put_path(x), PUT(x, " BETWEEN "), put_key(x), PUT(x, " AND "), put_key(x);
        MEET(x, BETWEEN);
        break;
    default:
        put_path(x), PUT(x, " "), put_range_end(x), PUT(x, " "), put_key(x);
        MEET(x, RANGE);
        break;
    }
}

static void put_equality(struct writer *x) {
    struct workload *w = x->w;
    const char *how = PICK(w, "=", "=", "==", "IS", "IS NOT", "<>", "!=", "IS NOT DISTINCT FROM");
    if (once_in(w, 6)) {
        put_operand(x), PUT(x, " %s ", how), put_path(x);
    } else {
        put_path(x), PUT(x, " %s ", how), put_operand(x);
    }
    writer_meet(x, *how == 'I' ? FEATURE_IS : *how == '=' ? FEATURE_EQUAL : FEATURE_UNEQUAL);
}

static void put_in(struct writer *x) {
    struct workload *w = x->w;
    bool select = once_in(w, 3);
    /* Without the plus SQLite 3.40.1 itself answers max(path) wrongly for an ordinary table, once it was analyzed. */
    if (select && x->minimum) PUT(x, "+");
    put_path(x);
    if (once_in(w, 25)) PUT(x, " COLLATE NOCASE"), MEET(x, COLLATE);
    if (once_in(w, 5)) PUT(x, " NOT"), MEET(x, NOT_IN);
    PUT(x, " IN (");
    if (select) {
        const char *schema = w->setting->schema;
        MEET(x, IN_SELECT);
        switch (below(w, 4)) {
        case 0:
            PUT(x, "SELECT %s FROM %s.nums", PICK(w, "i", "r", "n", "x", "y", "c"), schema);
            MEET(x, JOIN_AFFINITY);
            break;
        case 1:
            PUT(x, "SELECT a || '%s' FROM %s.side", PICK(w, "", "/", "a"), schema);
            break;
        case 2:
            /* A COLLATE in it counts or not by SQLite's plan. */
            PUT(x, "VALUES ("), put_key(x), PUT(x, "), ("), once_in(w, 4) ? put_number(x) : put_key(x), PUT(x, ")");
            break;
        default:
            PUT(x, "SELECT a FROM %s.side", schema);
            break;
        }
    } else if (once_in(w, 12)) {
        MEET(x, IN_EMPTY);
    } else {
        MEET(x, IN_LIST);
        put_operand(x);
        for (uint32_t n = below(w, 6); n; n--) PUT(x, ", "), put_operand(x);
    }
    PUT(x, ")");
}

static void put_pattern(struct writer *x) {
    struct workload *w = x->w;
    bool negated = once_in(w, 6), whole = once_in(w, 6);
    if (whole && negated) PUT(x, "NOT ");
    put_path(x);
    if (once_in(w, 12)) PUT(x, "%s", PICK(w, " || ''", " COLLATE NOCASE"));
    if (negated && !whole) PUT(x, " NOT");
    if (once_in(w, 2)) {
        PUT(x, " GLOB ");
        if (once_in(w, 14)) {
            put_operand(x);
        } else {
            put_glob(x);
        }
        writer_meet(x, negated ? FEATURE_NOT_GLOB : FEATURE_GLOB);
        return;
    }
    PUT(x, " LIKE ");
    if (once_in(w, 14)) {
        put_operand(x);
    } else {
        put_like(x);
    }
    writer_meet(x, negated ? FEATURE_NOT_LIKE : FEATURE_LIKE);
}

static void put_range(struct writer *x) {
    struct workload *w = x->w;
    put_path(x);
    if (once_in(w, 3)) {
        PUT(x, "%s BETWEEN ", once_in(w, 4) ? " NOT" : ""), put_operand(x), PUT(x, " AND "), put_operand(x);
        MEET(x, BETWEEN);
        return;
    }
    MEET(x, RANGE);
    if (once_in(w, 12)) PUT(x, " COLLATE %s", PICK(w, "NOCASE", "RTRIM", "BINARY")), MEET(x, COLLATE);
    PUT(x, " "), put_range_end(x), PUT(x, " "), put_operand(x);
    for (uint32_t n = below(w, 3); n; n--) {
        PUT(x, " AND "), put_path(x), PUT(x, " "), put_range_end(x), PUT(x, " "), put_operand(x);
    }
}

static void put_contradiction(struct writer *x) {
    struct workload *w = x->w;
    MEET(x, CONTRADICTION);
    switch (below(w, 4)) {
    case 0:
        put_path(x), PUT(x, " = "), put_key(x), PUT(x, " AND "), put_path(x), PUT(x, " = "), put_key(x);
        break;
    case 1:
        put_path(x), PUT(x, " > 'd1' AND "), put_path(x), PUT(x, " < 'd1'");
        break;
    case 2:
        put_path(x), PUT(x, " GLOB 'a*' AND "), put_path(x), PUT(x, " GLOB "), put_glob(x);
        break;
    default:
        put_path(x), PUT(x, " = "), put_key(x), PUT(x, " AND "), put_path(x), PUT(x, " LIKE "), put_like(x);
        break;
    }
}

static void put_row_value(struct writer *x) {
    struct workload *w = x->w;
    unsigned column = any_column(x);
    MEET(x, ROW_VALUE);
    PUT(x, "("), put_path(x), PUT(x, ", ");
    if (column && once_in(w, 2)) {
        put_column(x, column);
        PUT(x, ") %s (", PICK(w, "<", "<=", ">", ">=", "=", "<>", "IS")), put_key(x), PUT(x, ", "), put_value(x);
        PUT(x, ")");
    } else {
        PUT(x, "1) %s (", PICK(w, "<", ">=", "=", "<>")), put_key(x), PUT(x, ", %u)", below(w, 3));
    }
}

static void put_odd_condition(struct writer *x) {
    struct workload *w = x->w;
    const char *schema = w->setting->schema;
    switch (below(w, 8)) {
    case 0:
        put_path(x), PUT(x, " %s", PICK(w, "IS NULL", "IS NOT NULL", "IS TRUE", "NOTNULL"));
        break;
    case 1:
        PUT(x, "length("), put_path(x), PUT(x, ") < %u", below(w, 8));
        break;
    case 2:
        PUT(x, "substr("), put_path(x), PUT(x, ", 1, 1) = "), put_key(x);
        break;
    case 3: /* a column beside the path */
        put_path(x), PUT(x, " %s ", PICK(w, "=", "<", ">=", "GLOB", "LIKE"));
        put_column(x, once_in(w, 2) ? 0 : any_column(x));
        break;
    case 4:
        MEET(x, EXISTS);
        MEET(x, CORRELATED);
        PUT(x, "%sEXISTS (SELECT 1 FROM %s.side WHERE side.a %s ", once_in(w, 2) ? "NOT " : "", schema,
            PICK(w, "=", "<", "GLOB"));
        put_path(x), PUT(x, ")");
        break;
    case 5:
        put_path(x), PUT(x, " + 0 > %u", below(w, 20));
        break;
    case 6:
        PUT(x, "CASE "), put_path(x), PUT(x, " WHEN "), put_key(x), PUT(x, " THEN 1 ELSE "), put_path(x), PUT(x, " < "),
            put_key(x), PUT(x, " END");
        break;
    default:
        PUT(x, "%s", PICK(w, "1", "0", "NULL", "'1'", "1 = 2"));
        break;
    }
}

static void put_path_condition(struct writer *x) {
    uint32_t kind = below(x->w, 100);
    if (kind < 24) {
        put_ordered_condition(x);
    } else if (kind < 36) {
        put_equality(x);
    } else if (kind < 48) {
        put_in(x);
    } else if (kind < 70) {
        put_pattern(x);
    } else if (kind < 85) {
        put_range(x);
    } else if (kind < 89) {
        put_contradiction(x);
    } else if (kind < 93) {
        put_row_value(x);
    } else {
        put_odd_condition(x);
    }
}

/* ---- on other columns -------------------------------------------------------------------------------------------- */

void put_column_condition(struct writer *x) {
    struct workload *w = x->w;
    unsigned i = any_column(x);
    const struct workload_column *column = shape_column(x->table->names[i]);
    if (i) MEET(x, COLUMN);
    switch (below(w, 9)) {
    case 0:
        PUT(x, "typeof("), put_column(x, i), PUT(x, ") = '%s'", PICK(w, "text", "integer", "real", "blob", "null"));
        break;
    case 1:
        put_column(x, i), PUT(x, " IS%s NULL", once_in(w, 2) ? " NOT" : "");
        break;
    case 2:
        PUT(x, "length("), put_column(x, i), PUT(x, ") %s %u", PICK(w, "<", ">"), once_in(w, 2) ? 4000 : below(w, 30));
        break;
    case 3:
        put_column(x, i), PUT(x, "%s IN (", once_in(w, 3) ? " NOT" : ""), put_value_for(x, column), PUT(x, ", ");
        put_value(x), PUT(x, ", "), put_value_for(x, column), PUT(x, ")");
        break;
    case 4:
        put_column(x, i), PUT(x, " BETWEEN "), put_value_for(x, column), PUT(x, " AND "), put_value_for(x, column);
        break;
    case 5:
        put_column(x, i),
            PUT(x, " %s '%s'", PICK(w, "GLOB", "LIKE", "NOT LIKE"), PICK(w, "1*", "1%", "a%", "%2", "A_", "*"));
        break;
    case 6:
        put_column(x, i), PUT(x, " %s ", PICK(w, "=", "<", ">=", "IS", "<>"));
        put_column(x, any_column(x));
        break;
    default:
        put_column(x, i);
        if (once_in(w, 10)) PUT(x, " COLLATE %s", PICK(w, "NOCASE", "BINARY", "RTRIM")), MEET(x, COLLATE);
        PUT(x, " %s ", PICK(w, "=", "IS", "<>", "IS NOT", "<", "<=", ">", ">=")), put_value_for(x, column);
        break;
    }
}

/* ---- together ---------------------------------------------------------------------------------------------------- */

static void put_part(struct writer *x, int depth) {
    struct workload *w = x->w;
    uint32_t kind = below(w, 100);
    if (depth > 0 && kind < 14) {
        MEET(x, OR);
        PUT(x, "("), put_part(x, depth - 1), PUT(x, " OR "), put_part(x, depth - 1), PUT(x, ")");
    } else if (depth > 0 && kind < 34) {
        put_part(x, depth - 1), PUT(x, " AND "), put_part(x, depth - 1);
    } else if (depth > 0 && kind < 37) {
        MEET(x, NOT);
        PUT(x, "NOT ("), put_part(x, depth - 1), PUT(x, ")");
    } else if (kind < 85) {
        put_path_condition(x);
    } else {
        put_column_condition(x);
    }
}

void put_condition(struct writer *x) {
    put_part(x, once_in(x->w, 5) ? 2 : 1);
}
