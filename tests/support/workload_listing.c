/* The hidden columns and the functions of art tables, each beside plain SQL that says the same about an ordinary table.
 *
 * Everything is compared byte by byte, so the plain SQL casts to BLOB. (substr() of an empty BLOB is NULL in SQLite,
 * hence the coalesce().) A listing is, from the inside: each row's place of the first delimiter behind the prefix; the
 * shown path, which ends there; one row for each shown path; and where that is a row of its own, its columns. With
 * start_after there has to be a key behind it below the shown path, which is not start_after itself.
 */
#include <string.h>

#include "tests/support/workload_private.h"

/* ---- arguments --------------------------------------------------------------------------------------------------- */

static void put_prefix(struct writer *x) {
    struct workload *w = x->w;
    char key[KEY_ROOM + 1];
    uint32_t kind = below(w, 100);
    if (kind < 25) {
        put_text(x, "", 0);
    } else if (kind < 50) {
        const char *text = PICK(w, "d", "d1/", "d1/f", "a", "a/", "A", "/", "long/", "d2/f0", "trg/");
        put_text(x, text, (int)strlen(text));
    } else if (kind < 84) {
        int len = make_key(w, key);
        put_text(x, key, (int)below(w, (uint32_t)(len < 20 ? len : 20) + 1));
    } else if (kind < 88) {
        put_key(x);
    } else if (kind < 93) {
        PUT(x, "%s", PICK(w, "1", "12.5", "-3", "1e3"));
        MEET(x, LISTING_BYTES);
    } else if (kind < 97) {
        PUT(x, "%s", PICK(w, "x''", "x'61'", "x'c3'", "x'64312f'", "x'ff'", "CAST('d' AS BLOB)"));
        MEET(x, LISTING_BYTES);
    } else {
        PUT(x, "NULL"); /* no subquery: see workload.h */
    }
}

static void put_delimiter(struct writer *x) {
    struct workload *w = x->w;
    uint32_t kind = below(w, 100);
    if (kind < 60) {
        put_text(x, "/", 1);
        return;
    }
    MEET(x, LISTING_BYTES);
    if (kind < 88) {
        const char *text = PICK(w, "", "a", "/f", "f0", "//", "é", "1", "0", "aba", "long/", "/fx", "ab");
        put_text(x, text, (int)strlen(text));
    } else if (kind < 97) {
        PUT(x, "%s", PICK(w, "x'2f'", "x'c3'", "x'a9'", "x''", "x'00'", "x'ff'", "x'bc'", "1", "0.5"));
    } else {
        PUT(x, "NULL");
    }
}

void writer_use_listing(struct writer *x) {
    x->prefix = writer_capture(x, put_prefix);
    x->delimiter = once_in(x->w, 3) ? NULL : writer_capture(x, put_delimiter);
    x->as_conditions = once_in(x->w, 3);
    bool may_start = x->delimiter || x->as_conditions;
    if (may_start && once_in(x->w, 3)) x->start_after = writer_capture(x, put_prefix); /* much the same texts */
    x->alias = "l";
    writer_meet(x, x->delimiter ? "LISTING" : "PREFIX");
    if (x->start_after) MEET(x, START_AFTER);
}

/* ---- the listing itself ------------------------------------------------------------------------------------------ */

static void put_plain_key(struct writer *x, const char *before) {
    PUT_PLAIN(x, "%s\"%w\"", before, x->table->names[0]);
}

static void put_plain_name(struct writer *x) {
    PUT_PLAIN(x, "%s.%s", workload_table_schema(x->w->setting, x->number), workload_table_name(x->number));
}

/* Its path begins with this. */
static void put_plain_begins(struct writer *x, const char *prefix) {
    PUT_PLAIN(x, "coalesce(substr(CAST(");
    put_plain_key(x, "");
    PUT_PLAIN(x, " AS BLOB), 1, length(CAST(%s AS BLOB))), x'') = CAST(%s AS BLOB)", prefix, prefix);
}

/* Rows k, kb, at: the paths that begin with the prefix; `at` counts from 1 behind it, 0 for no delimiter. */
static void put_plain_places(struct writer *x) {
    PUT_PLAIN(x, "SELECT k, kb, pb, db, CASE WHEN length(db) > 0 THEN "
                 "instr(coalesce(substr(kb, length(pb) + 1), x''), db) ELSE 0 END AS at FROM (SELECT ");
    put_plain_key(x, "");
    PUT_PLAIN(x, " AS k, CAST(");
    put_plain_key(x, "");
    PUT_PLAIN(x, " AS BLOB) AS kb, CAST(%s AS BLOB) AS pb, CAST(%s AS BLOB) AS db FROM ", x->prefix,
              x->delimiter ? x->delimiter : "x''");
    put_plain_name(x);
    PUT_PLAIN(x, ") WHERE coalesce(substr(kb, 1, length(pb)), x'') = pb AND db IS NOT NULL");
}

/* As the column shows it: a number as its text. */
static void put_plain_argument(struct writer *x, const char *argument, const char *name) {
    PUT_PLAIN(x, ", CASE typeof(%s) WHEN 'blob' THEN %s ELSE CAST(%s AS TEXT) END AS %s", argument, argument, argument,
              name);
}

/* The whole as a subquery. Columns of rows that are there come from the table itself, with affinity and collation. */
static void put_plain_listing(struct writer *x) {
    PUT_PLAIN(x, "(SELECT CAST(g.shown AS TEXT) AS \"%w\"", x->table->names[0]);
    for (unsigned i = 1; i < x->table->columns; i++) {
        PUT_PLAIN(x, ", o.\"%w\" AS \"%w\"", x->table->names[i], x->table->names[i]);
    }
    PUT_PLAIN(x, ", g.entries AS entries");
    put_plain_argument(x, x->prefix, "prefix");
    put_plain_argument(x, x->delimiter ? x->delimiter : "NULL", "delimiter");
    put_plain_argument(x, x->start_after ? x->start_after : "NULL", "start_after");
    PUT_PLAIN(x,
              " FROM (SELECT shown, CASE WHEN at > 0 THEN count(*) END AS entries FROM (SELECT CASE WHEN at > 0 THEN "
              "CAST(substr(kb, 1, length(pb) + at - 1 + length(db)) AS TEXT) ELSE k END AS shown, at, kb FROM (");
    put_plain_places(x);
    PUT_PLAIN(x, ")) GROUP BY shown");
    if (x->start_after) {
        PUT_PLAIN(x, " HAVING max(kb) > CAST(%s AS BLOB) AND (at = 0 OR CAST(shown AS BLOB) <> CAST(%s AS BLOB))",
                  x->start_after, x->start_after);
    }
    PUT_PLAIN(x, ") g LEFT JOIN ");
    put_plain_name(x);
    PUT_PLAIN(x, " o ON g.entries IS NULL AND ");
    put_plain_key(x, "o.");
    PUT_PLAIN(x, " = g.shown)");
}

void put_listing(struct writer *x) {
    PUT_ART(x, "%s.%s", workload_table_schema(x->w->setting, x->number), workload_table_name(x->number));
    if (!x->as_conditions) {
        PUT_ART(x, "(%s", x->prefix);
        if (x->delimiter) PUT_ART(x, ", %s", x->delimiter);
        if (x->start_after) PUT_ART(x, ", %s", x->start_after);
        PUT_ART(x, ")");
    }
    put_plain_listing(x);
    PUT(x, " AS %s", x->alias);
}

/* ---- arguments out of another table ------------------------------------------------------------------------------ */

/* For each row of `side` a listing; the plain twin groups the join of both. */
void put_listing_join(struct writer *x) {
    struct workload *w = x->w;
    const char *schema = w->setting->schema;
    const char *argument = PICK(w, "s.a", "s.a || '/'", "substr(s.a, 1, 1)", "s.a", "s.b");
    const char *delimiter = PICK(w, "'/'", "'a'", "x'2f'", "substr(s.a, 1, 1)", "''", "NULL");
    MEET(x, LISTING_JOIN);
    bool shown = once_in(w, 2);
    if (!shown) {
        MEET(x, CORRELATED);
        PUT(x, "SELECT s.a, (SELECT count(*) FROM ");
        put_name(x);
        PUT_ART(x, "(%s)", argument);
        PUT_PLAIN(x, " WHERE ");
        put_plain_begins(x, argument);
        PUT(x, ") FROM %s.side s ORDER BY 1", schema);
        return;
    }
    PUT_ART(x, "SELECT s.a, l.\"%w\", l.entries FROM %s.side s, %s.%s(%s, %s) l", x->table->names[0], schema,
            workload_table_schema(w->setting, x->number), workload_table_name(x->number), argument, delimiter);
    PUT_PLAIN(x,
              "SELECT a, CAST(shown AS TEXT), CASE WHEN at > 0 THEN count(*) END FROM (SELECT a, at, CASE WHEN at > 0 "
              "THEN substr(kb, 1, length(pb) + at - 1 + length(db)) ELSE kb END AS shown FROM (SELECT a, kb, pb, db, "
              "CASE WHEN length(db) > 0 THEN instr(coalesce(substr(kb, length(pb) + 1), x''), db) ELSE 0 END AS at "
              "FROM (SELECT s.a, CAST(");
    put_plain_key(x, "o.");
    PUT_PLAIN(x, " AS BLOB) AS kb, CAST(%s AS BLOB) AS pb, CAST(%s AS BLOB) AS db FROM %s.side s, ", argument,
              delimiter, schema);
    put_plain_name(x);
    PUT_PLAIN(x, " o) WHERE coalesce(substr(kb, 1, length(pb)), x'') = pb AND db IS NOT NULL)) GROUP BY a, shown");
    PUT(x, " ORDER BY 1, 2 LIMIT 300");
}

void put_prefix_condition(struct writer *x) {
    char *prefix = writer_capture(x, put_prefix);
    MEET(x, LISTING_WRITE);
    PUT_ART(x, "prefix = %s", prefix);
    put_plain_begins(x, prefix);
    sqlite3_free(prefix);
}

/* ---- functions --------------------------------------------------------------------------------------------------- */

static void put_plain_count(struct writer *x, const char *prefix) {
    PUT_PLAIN(x, "CASE WHEN %s IS NOT NULL THEN (SELECT count(*) FROM ", prefix);
    put_plain_name(x);
    PUT_PLAIN(x, " WHERE ");
    put_plain_begins(x, prefix);
    PUT_PLAIN(x, ") END");
}

static void put_count(struct writer *x, const char *prefix) {
    PUT_ART(x, "art_count('%s.%s', %s)", workload_table_schema(x->w->setting, x->number),
            workload_table_name(x->number), prefix);
    put_plain_count(x, prefix);
    MEET(x, COUNT_FUNCTION);
}

/* The longest key q that the path begins with; with a delimiter only where q is the path, ends in one, or has one
 * behind it. */
static void put_longest_prefix(struct writer *x, const char *path, const char *delimiter) {
    MEET(x, LONGEST_PREFIX);
    PUT_ART(x, "art_longest_prefix('%s.%s', %s", workload_table_schema(x->w->setting, x->number),
            workload_table_name(x->number), path);
    PUT_ART(x, delimiter ? ", %s)" : ")", delimiter);
    PUT_PLAIN(x, "(SELECT q FROM (SELECT ");
    put_plain_key(x, "");
    PUT_PLAIN(x, " AS q, CAST(");
    put_plain_key(x, "");
    PUT_PLAIN(x, " AS BLOB) AS qb, CAST(%s AS BLOB) AS pb, CAST(%s AS BLOB) AS db FROM ", path,
              delimiter ? delimiter : "''");
    put_plain_name(x);
    PUT_PLAIN(x, ") WHERE coalesce(substr(pb, 1, length(qb)), x'') = qb AND pb IS NOT NULL AND db IS NOT NULL");
    if (delimiter) {
        PUT_PLAIN(x, " AND (qb = pb OR (length(qb) >= length(db) AND coalesce(substr(qb, length(qb) - length(db) + 1), "
                     "x'') = db) OR substr(pb, length(qb) + 1, length(db)) = db)");
    }
    PUT_PLAIN(x, " ORDER BY length(qb) DESC LIMIT 1)");
}

static void put_any_path(struct writer *x) {
    struct workload *w = x->w;
    if (once_in(w, 12)) {
        put_prefix(x);
        return;
    }
    char key[2 * KEY_ROOM];
    int len = make_key(w, key);
    if (once_in(w, 2)) {
        const char *more = PICK(w, "/x", "/", "a", "/x/y", "b/a");
        while (*more) key[len++] = *more++;
        key[len] = 0;
    }
    put_text(x, key, len);
}

/* Where the table is missing, or locked, both say so, also if no function is called. */
static void put_existence(struct writer *x) {
    PUT(x, " WHERE NOT EXISTS (SELECT 1 FROM "), put_name(x), PUT(x, " WHERE 0)");
}

static void put_constant_function(struct writer *x) {
    struct workload *w = x->w;
    PUT(x, "SELECT ");
    if (once_in(w, 2)) {
        char *prefix = writer_capture(x, put_prefix);
        put_count(x, prefix);
        sqlite3_free(prefix);
        PUT(x, " FROM %s.tick", w->setting->schema), put_existence(x);
        return;
    }
    char *path = writer_capture(x, put_any_path);
    char *delimiter = once_in(w, 2) ? NULL : writer_capture(x, put_delimiter);
    put_longest_prefix(x, path, delimiter);
    PUT(x, " FROM %s.tick", w->setting->schema), put_existence(x);
    sqlite3_free(path);
    sqlite3_free(delimiter);
}

void put_function_query(struct writer *x) {
    struct workload *w = x->w;
    const char *schema = w->setting->schema;
    switch (below(w, 5)) {
    case 0:
        PUT(x, "SELECT s.a, ");
        put_count(x, PICK(w, "s.a", "s.a || '/'", "substr(s.a, 1, 1)", "s.b"));
        PUT(x, " FROM %s.side s", schema), put_existence(x), PUT(x, " ORDER BY 1");
        break;
    case 1:
        PUT(x, "SELECT s.a, ");
        put_longest_prefix(x, PICK(w, "s.a || 'a/x'", "s.a", "s.a || '/'"), PICK(w, NULL, "'/'", "'a'"));
        PUT(x, " FROM %s.side s", schema), put_existence(x), PUT(x, " ORDER BY 1");
        break;
    case 2:
        MEET(x, CHECK_FUNCTION);
        PUT_ART(x, "SELECT art_check('%s.%s')", workload_table_schema(w->setting, x->number),
                workload_table_name(x->number));
        PUT_PLAIN(x, "SELECT 'ok' FROM (SELECT count(*) FROM ");
        put_plain_name(x);
        PUT_PLAIN(x, ")");
        break;
    default:
        put_constant_function(x);
        break;
    }
}
