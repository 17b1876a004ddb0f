/* SELECT. The order of the rows is given by the query, or the rows are compared as a set; where LIMIT cuts them, the
 * order is total. No sum of reals, no group_concat(): they depend on the order in which SQLite comes by the rows. */
#include <string.h>

#include "tests/support/workload_private.h"

void put_source(struct writer *x) {
    if (x->prefix) {
        put_listing(x);
        return;
    }
    put_name(x);
    if (x->alias) PUT(x, " AS %s", x->alias);
}

static void put_arguments_as_conditions(struct writer *x) {
    if (once_in(x->w, 4)) {
        PUT_ART(x, "%s = %s.prefix", x->prefix, x->alias);
    } else {
        PUT_ART(x, "%s.prefix = %s", x->alias, x->prefix);
    }
    if (x->delimiter) PUT_ART(x, " AND %s.delimiter = %s", x->alias, x->delimiter);
    if (x->start_after) PUT_ART(x, " AND %s.start_after = %s", x->alias, x->start_after);
}

static void put_where(struct writer *x) {
    PUT(x, " WHERE ");
    if (x->as_conditions) {
        put_arguments_as_conditions(x);
        PUT_ART(x, " AND ");
    }
    put_condition(x);
}

static void put_from_where(struct writer *x) {
    PUT(x, " FROM "), put_source(x), put_where(x);
}

static void put_number_of_rows(struct writer *x) {
    struct workload *w = x->w;
    uint32_t kind = below(w, 100);
    if (kind < 70) {
        PUT(x, "%u", below(w, 20));
        return;
    }
    MEET(x, ODD_LIMIT);
    if (kind < 84 && x->step->parameter_count < WORKLOAD_PARAMETERS) {
        sqlite3_int64 limit = once_in(w, 6) ? -1 : (sqlite3_int64)below(w, 20);
        put_bound(x, (struct workload_parameter){.type = PARAMETER_INTEGER, .integer = limit});
    } else {
        PUT(x, "%s",
            PICK(w, "-1", "9223372036854775807", "-9223372036854775808", "1 + 1", "0", "'3'", "2.0", "1000000000000"));
    }
}

void put_limit(struct writer *x) {
    struct workload *w = x->w;
    if (once_in(w, 2)) return;
    MEET(x, LIMIT);
    PUT(x, " LIMIT "), put_number_of_rows(x);
    if (once_in(w, 2)) return;
    MEET(x, OFFSET);
    PUT(x, "%s", once_in(w, 6) ? ", " : " OFFSET "), put_number_of_rows(x);
}

static void put_path_order(struct writer *x) {
    const char *how = PICK(x->w, "", " DESC", " ASC");
    PUT(x, " ORDER BY "), put_path(x), PUT(x, "%s", how);
    if (!strcmp(how, " DESC")) MEET(x, DESCENDING);
}

/* ---- of one table ------------------------------------------------------------------------------------------------ */

static void put_rows(struct writer *x) {
    struct workload *w = x->w;
    PUT(x, "SELECT ");
    switch (below(w, 6)) {
    case 0:
        put_path(x);
        break;
    case 1:
        put_column(x, any_column(x));
        break;
    case 2:
        PUT(x, "typeof("), put_path(x), PUT(x, "), ");
        PUT(x, "typeof("), put_column(x, any_column(x)), PUT(x, "), "), put_path(x), PUT(x, " || 'x'");
        break;
    case 3:
        PUT(x, "DISTINCT "), put_path(x);
        MEET(x, DISTINCT);
        break;
    default:
        put_all_columns(x);
        break;
    }
    if (x->prefix && !once_in(w, 3)) PUT(x, ", %s.entries", x->alias);
    if (x->prefix && once_in(w, 4)) PUT(x, ", %s.prefix, %s.delimiter", x->alias, x->alias);
    if (x->prefix && once_in(w, 6)) PUT(x, ", %s.start_after", x->alias);
    put_from_where(x);
    put_path_order(x), put_limit(x);
}

static void put_unordered_rows(struct writer *x) {
    PUT(x, "SELECT "), put_all_columns(x), put_from_where(x);
    x->step->flags |= STEP_UNORDERED;
}

static void put_aggregate(struct writer *x) {
    struct workload *w = x->w;
    MEET(x, AGGREGATE);
    x->minimum = true;
    PUT(x, "SELECT count(*)");
    if (once_in(w, 2)) {
        PUT(x, ", count("), put_column(x, any_column(x)), PUT(x, "), total(length("), put_path(x), PUT(x, "))");
    }
    if (once_in(w, 3)) PUT(x, ", min("), put_path(x), PUT(x, "), max("), put_path(x), PUT(x, ")");
    if (once_in(w, 4)) PUT(x, ", count(DISTINCT "), put_column(x, any_column(x)), PUT(x, ")");
    if (x->prefix && once_in(w, 2)) PUT(x, ", sum(%s.entries)", x->alias);
    put_from_where(x);
}

static void put_min_max(struct writer *x) {
    MEET(x, MIN_MAX);
    x->minimum = true;
    PUT(x, "SELECT %s(", PICK(x->w, "min", "max")), put_path(x), PUT(x, ")");
    if (once_in(x->w, 3)) PUT(x, ", "), put_column(x, any_column(x)); /* of the row that has it */
    put_from_where(x);
}

static void put_groups(struct writer *x) {
    struct workload *w = x->w;
    MEET(x, GROUP_BY);
    switch (below(w, 4)) {
    case 0:
        PUT(x, "SELECT "), put_path(x), PUT(x, ", count(*)"), put_from_where(x);
        PUT(x, " GROUP BY "), put_path(x), put_path_order(x), put_limit(x);
        break;
    case 1: {
        unsigned i = any_column(x);
        PUT(x, "SELECT typeof("), put_column(x, i), PUT(x, ") AS kind, count(*), max("), put_path(x), PUT(x, ")");
        put_from_where(x), PUT(x, " GROUP BY kind ORDER BY kind");
        break;
    }
    case 2:
        PUT(x, "SELECT count(*)"), put_from_where(x); /* which of the spellings would be shown is open */
        PUT(x, " GROUP BY "), put_path(x), PUT(x, " COLLATE NOCASE ORDER BY 1");
        break;
    default:
        PUT(x, "SELECT substr("), put_path(x), PUT(x, ", 1, %u) AS first, count(*), min(", 1 + below(w, 3));
        put_path(x), PUT(x, ")"), put_from_where(x);
        PUT(x, " GROUP BY first%s ORDER BY first", once_in(w, 3) ? " HAVING count(*) > 1" : "");
        put_limit(x);
        break;
    }
}

static void put_other_order(struct writer *x) {
    MEET(x, OTHER_ORDER);
    PUT(x, "SELECT "), put_path(x), PUT(x, ", "), put_column(x, any_column(x)), put_from_where(x), PUT(x, " ORDER BY ");
    switch (below(x->w, 6)) {
    case 0:
        PUT(x, "length("), put_path(x), PUT(x, "), "), put_path(x);
        break;
    case 1:
        put_path(x), PUT(x, " COLLATE NOCASE, "), put_path(x);
        break;
    case 2:
        put_path(x), PUT(x, " || '' DESC");
        break;
    case 3:
        put_path(x), PUT(x, " DESC, "), put_column(x, any_column(x));
        break;
    default:
        put_column(x, any_column(x)), PUT(x, "%s, ", PICK(x->w, "", " DESC", " COLLATE NOCASE", " NULLS LAST"));
        put_path(x), PUT(x, "%s", PICK(x->w, "", " DESC"));
        break;
    }
    put_limit(x);
}

static void put_window(struct writer *x) {
    MEET(x, WINDOW);
    PUT(x, "SELECT "), put_path(x), PUT(x, ", ");
    switch (below(x->w, 4)) {
    case 0:
        PUT(x, "row_number() OVER (ORDER BY "), put_path(x), PUT(x, " DESC)");
        break;
    case 1:
        PUT(x, "lag("), put_path(x), PUT(x, ") OVER (ORDER BY "), put_path(x), PUT(x, ")");
        break;
    case 2:
        PUT(x, "count(*) OVER (PARTITION BY substr("), put_path(x), PUT(x, ", 1, 2))");
        break;
    default:
        PUT(x, "first_value("), put_path(x), PUT(x, ") OVER (ORDER BY "), put_path(x);
        PUT(x, " ROWS BETWEEN %u PRECEDING AND %u FOLLOWING)", below(x->w, 3), below(x->w, 3));
        break;
    }
    put_from_where(x), put_path_order(x), put_limit(x);
}

static void put_cte(struct writer *x) {
    struct workload *w = x->w;
    MEET(x, CTE);
    const char *schema = w->setting->schema;
    switch (below(w, 4)) {
    case 0: /* from one path to the next */
        PUT(x, "WITH RECURSIVE walk(p) AS (SELECT min("), put_path(x), PUT(x, ") FROM "), put_source(x);
        if (x->as_conditions) put_where(x);
        MEET(x, CORRELATED);
        PUT(x, " UNION ALL SELECT (SELECT min("), put_path(x), PUT(x, ") FROM "), put_source(x);
        PUT(x, " WHERE ");
        if (x->as_conditions) {
            put_arguments_as_conditions(x);
            PUT_ART(x, " AND ");
        }
        put_path(x), PUT(x, " > walk.p) FROM walk WHERE p IS NOT NULL LIMIT 30) SELECT p FROM walk");
        break;
    case 1:
        PUT(x, "WITH some AS %s (SELECT ", PICK(w, "", "MATERIALIZED", "NOT MATERIALIZED"));
        put_path(x), PUT(x, " AS p"), put_from_where(x), put_path_order(x), PUT(x, " LIMIT %u)", 1 + below(w, 30));
        PUT(x, " SELECT s.a, p FROM some LEFT JOIN %s.side s ON s.a = p ORDER BY 2", schema);
        break;
    case 2:
        PUT(x, "SELECT p FROM (SELECT "), put_path(x), PUT(x, " AS p"), put_from_where(x), put_path_order(x);
        PUT(x, " LIMIT %u OFFSET %u) WHERE p %s ", below(w, 30), below(w, 5), PICK(w, ">", "<", "GLOB")), put_key(x);
        PUT(x, " ORDER BY p");
        break;
    default:
        PUT(x, "WITH all_of AS (SELECT "), put_path(x), PUT(x, " AS p"), put_from_where(x);
        PUT(x, ") SELECT count(*), (SELECT max(p) FROM all_of WHERE p < "), put_key(x), PUT(x, ") FROM all_of");
        break;
    }
}

static void put_compound(struct writer *x) {
    struct workload *w = x->w;
    MEET(x, COMPOUND);
    PUT(x, "SELECT "), put_path(x), put_from_where(x);
    PUT(x, " %s ", PICK(w, "UNION", "EXCEPT", "INTERSECT", "UNION ALL"));
    if (once_in(w, 3)) {
        PUT(x, "SELECT "), put_path(x), put_from_where(x);
    } else {
        PUT(x, "SELECT %s FROM %s.%s", PICK(w, "a", "a", "a || '/'"), w->setting->schema, "side");
    }
    PUT(x, " ORDER BY 1%s", once_in(w, 3) ? " DESC" : ""), put_limit(x);
}

static void put_view(struct writer *x) {
    struct workload *w = x->w;
    MEET(x, VIEW);
    writer_use(x, TABLE_V);
    PUT(x, "SELECT "), put_all_columns(x), PUT(x, " FROM %s.showing WHERE ", w->setting->other);
    put_condition(x), put_path_order(x), put_limit(x);
}

/* What a schema browser asks; hidden columns do not show. */
static void put_schema_query(struct writer *x) {
    const char *schema = x->w->setting->schema;
    MEET(x, SCHEMA);
    x->step->flags |= STEP_BUSY_MAY_DIFFER;
    if (once_in(x->w, 2)) {
        PUT(x,
            "SELECT m.name, p.name, p.type, p.pk FROM %s.sqlite_master m, pragma_table_info(m.name, "
            "'%s') p ",
            schema, schema);
    } else {
        PUT(x,
            "SELECT m.name, (SELECT group_concat(p.name) FROM pragma_table_info(m.name, '%s') p) FROM %s.sqlite_master "
            "m ",
            schema, schema);
    }
    PUT(x, "WHERE m.type = 'table' AND m.name IN ('t', 'u', 'v') ");
    if (once_in(x->w, 2)) PUT(x, "AND NOT EXISTS (SELECT 1 FROM temp.sqlite_master q WHERE q.name = 'nothing') ");
    PUT(x, "ORDER BY 1, 2");
}

/* ---- with others ------------------------------------------------------------------------------------------------- */

/* A second table, which may be the same. */
static void put_other_table(struct writer *x) {
    enum workload_table_number number = x->number;
    writer_use(x, once_in(x->w, 3) ? TABLE_V : number);
    put_name(x);
}

static void put_path_join(struct writer *x) {
    struct workload *w = x->w;
    MEET(x, JOIN);
    bool left = once_in(w, 4);
    if (left) MEET(x, LEFT_JOIN);
    PUT(x, "SELECT p, b.* FROM (SELECT "), put_path(x), PUT(x, " AS p"), put_from_where(x), put_path_order(x);
    PUT(x, " LIMIT 20) %sJOIN ", left ? "LEFT " : ""), put_other_table(x), PUT(x, " AS b ON ");
    x->alias = "b";
    sqlite3_free(x->prefix); /* the other table is no listing */
    x->prefix = NULL;
    put_path(x);
    uint32_t kind = below(w, 8);
    switch (kind) {
    case 0:
        PUT(x, " GLOB p || '/*'");
        break;
    case 1:
        PUT(x, " GLOB p || '%s*'", PICK(w, "", "a", "/", "[a/]", "?"));
        break;
    case 2:
        PUT(x, " LIKE p || '%s%%'%s", PICK(w, "", "/", "a", "_"), PICK(w, "", " ESCAPE '\\'"));
        break;
    case 3:
        PUT(x, " > p AND "), put_path(x), PUT(x, " < p || '0'");
        break;
    case 4:
        PUT(x, " IN (p, p || '/', p || 'a')");
        break;
    case 5:
        PUT(x, " BETWEEN p AND p || 'a'");
        break;
    default:
        PUT(x, " %s", PICK(w, "= p", "= p || 'a'", "IS p || '/'", "= substr(p, 1, 2)", "COLLATE NOCASE = p"));
        break;
    }
    if (kind <= 1) MEET(x, JOIN_GLOB);
    if (kind == 2) MEET(x, JOIN_LIKE);
    PUT(x, " ORDER BY p, "), put_path(x), PUT(x, " LIMIT 200");
}

static void put_affinity_join(struct writer *x) {
    struct workload *w = x->w;
    MEET(x, JOIN);
    MEET(x, JOIN_AFFINITY);
    const char *schema = w->setting->schema;
    const char *column = PICK(w, "i", "r", "n", "x", "y", "z", "c");
    unsigned other = any_column(x);
    bool left = once_in(w, 4);
    x->alias = "q";
    PUT(x, "SELECT s.id, "), put_path(x), PUT(x, " FROM %s.nums s %sJOIN ", schema, left ? "LEFT " : "");
    put_source(x), PUT(x, " ON ");
    if (once_in(w, 4) && other) {
        put_column(x, other), PUT(x, " %s s.%s", PICK(w, "=", "<", "IS", ">="), column);
    } else if (once_in(w, 4)) {
        put_path(x), PUT(x, " %s s.%s || '%s'", PICK(w, "GLOB", "LIKE"), column, PICK(w, "*", "%", ""));
    } else if (once_in(w, 4)) {
        PUT(x, "s.%s %s ", column, PICK(w, "=", "<", ">=", "IS")), put_path(x);
    } else if (once_in(w, 4)) {
        put_path(x), PUT(x, " BETWEEN s.%s AND s.%s", column, PICK(w, "i", "r", "n", "x", "y", "z", "c"));
    } else {
        put_path(x), PUT(x, " %s s.%s", PICK(w, "=", "=", "==", "IS", "<", "<=", ">", ">=", "GLOB", "LIKE"), column);
    }
    PUT(x, " ORDER BY s.id, "), put_path(x), PUT(x, " LIMIT 300");
}

static void put_side_join(struct writer *x) {
    struct workload *w = x->w;
    const char *schema = w->setting->schema;
    MEET(x, JOIN);
    x->alias = "q";
    switch (below(w, 6)) {
    case 0:
        MEET(x, LEFT_JOIN);
        PUT(x, "SELECT s.a, "), put_all_columns(x), PUT(x, " FROM %s.side s LEFT JOIN ", schema), put_source(x);
        PUT(x, " ON "), put_path(x), PUT(x, " = s.a ORDER BY 1");
        break;
    case 1:
        MEET(x, JOIN_GLOB);
        PUT(x, "SELECT count(*) FROM %s.side s, ", schema), put_source(x);
        PUT(x, " WHERE s.a GLOB "), put_path(x), PUT(x, " || '*'");
        break;
    case 2:
        MEET(x, CORRELATED);
        MEET(x, EXISTS);
        PUT(x, "SELECT a, %sEXISTS (SELECT 1 FROM ", once_in(w, 2) ? "NOT " : ""), put_source(x);
        PUT(x, " WHERE "), put_path(x), PUT(x, " %s), (SELECT max(", PICK(w, "= a", "GLOB a || '*'", "> a")),
            put_path(x);
        PUT(x, ") FROM "), put_source(x), PUT(x, " WHERE "), put_path(x),
            PUT(x, " < a) FROM %s.side ORDER BY a", schema);
        break;
    case 3:
        MEET(x, CORRELATED);
        PUT(x, "SELECT a, (SELECT "), put_path(x), PUT(x, " FROM "), put_source(x), PUT(x, " WHERE "), put_path(x);
        PUT(x, " >= a ORDER BY "), put_path(x),
            PUT(x, " LIMIT 1 OFFSET %u) FROM %s.side ORDER BY a", below(w, 4), schema);
        break;
    case 4:
        PUT(x, "SELECT s.a, "), put_path(x), PUT(x, " FROM "), put_source(x),
            PUT(x, " JOIN %s.side s ON s.b = ", schema);
        put_column(x, any_column(x)), PUT(x, " ORDER BY 1, 2 LIMIT 100");
        break;
    default:
        PUT(x, "SELECT s.a, "), put_path(x), PUT(x, " FROM %s.side s, ", schema), put_source(x), PUT(x, " WHERE ");
        put_path(x), PUT(x, " > s.a AND "), put_path(x), PUT(x, " < s.a || 'b' AND "), put_condition(x);
        PUT(x, " ORDER BY 1, 2 LIMIT 100");
        break;
    }
}

void put_query(struct writer *x) {
    static void (*const kinds[])(struct writer *) = {
        put_rows,        put_rows,    put_rows,    put_rows,     put_rows,      put_unordered_rows,
        put_aggregate,   put_min_max, put_min_max, put_groups,   put_groups,    put_window,
        put_other_order, put_cte,     put_cte,     put_compound, put_path_join, put_path_join};
    static void (*const table_kinds[])(struct writer *) = {put_schema_query, put_view,          put_side_join,
                                                           put_side_join,    put_affinity_join, put_affinity_join,
                                                           put_affinity_join};
    if (!x->prefix && once_in(x->w, 5)) {
        table_kinds[below(x->w, sizeof table_kinds / sizeof *table_kinds)](x);
    } else {
        kinds[below(x->w, sizeof kinds / sizeof *kinds)](x);
    }
}
