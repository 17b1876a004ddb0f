#include "tests/support/workload.h"

#include <string.h>

#include "tests/support/sql.h"

/* ---- writing a step ---- */

static uint32_t below(struct workload *w, uint32_t limit) {
    return random_below(&w->random, limit);
}

static bool once_in(struct workload *w, uint32_t times) {
    return random_once_in(&w->random, times);
}

#define PICK(w, ...)                                                                                                   \
    pick(w, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static const char *pick(struct workload *w, const char *const *from, size_t count) {
    return from[below(w, (uint32_t)count)];
}

struct writer {
    struct workload *w;
    struct workload_step *step;
    sqlite3_str *out;
};

static struct writer writer_begin(struct workload *w, struct workload_step *step) {
    return (struct writer){w, step, sqlite3_str_new(NULL)};
}

static void writer_end(struct writer *x) {
    x->step->sql = sqlite3_str_finish(x->out);
}

#define PUT(x, ...) sqlite3_str_appendf((x)->out, __VA_ARGS__)

void workload_step_clear(struct workload_step *step) {
    sqlite3_free(step->sql);
    sqlite3_free(step->plain_sql);
    for (int i = 0; i < step->parameter_count; i++) sqlite3_free(step->parameters[i].text);
    memset(step, 0, sizeof *step);
}

char *workload_step_text(const struct workload_step *step) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    static const char *const names[] = {"", "", "-- reopen", "-- open cursor: ", "-- move cursor", "-- close cursor"};
    sqlite3_str_appendf(out, "[%d] %s%s", step->connection, names[step->kind], step->sql ? step->sql : "");
    for (int i = 0; i < step->parameter_count; i++) {
        const struct workload_parameter *parameter = &step->parameters[i];
        sqlite3_str_appendf(out, i ? ", ?%d=" : "   -- ?%d=", i + 1);
        if (parameter->is_null) {
            sqlite3_str_appendall(out, "NULL");
        } else if (parameter->is_text) {
            sqlite3_str_appendf(out, "%Q", parameter->text);
        } else {
            sqlite3_str_appendf(out, "%lld", parameter->integer);
        }
    }
    char *text = sqlite3_str_finish(out);
    for (char *at = text; at && *at; at++) {
        if ((unsigned char)*at < 0x20 || (unsigned char)*at >= 0x7f) *at = '$'; /* what a terminal may not like */
    }
    return text;
}

/* ---- keys, patterns and values ---- */

enum { KEY_ROOM = 1400 };

static void append(char *key, int *len, const char *text) {
    int n = (int)strlen(text);
    if (*len + n >= KEY_ROOM) return;
    memcpy(key + *len, text, (size_t)n + 1);
    *len += n;
}

/* Keys meet often: few letters, shared directories, prefixes of each other. */
static int make_key(struct workload *w, char *key) {
    int len = 0;
    key[0] = 0;
    uint32_t kind = below(w, 100);
    if (kind < 45) {
        for (uint32_t n = below(w, 7); n; n--) append(key, &len, PICK(w, "a", "b", "/", "a/"));
    } else if (kind < 75) {
        char text[40];
        sqlite3_snprintf(sizeof text, text, "d%u/f%03u", below(w, 7), below(w, 150));
        append(key, &len, text);
        if (once_in(w, 5)) append(key, &len, "/x");
    } else if (kind < 90) {
        for (uint32_t n = 1 + below(w, 4); n; n--) {
            append(key, &len,
                   PICK(w, "%", "*", "[", "]", "?", "^", "-", "_", "A", "Z", "z", "a", "'", "\\", " ", "é", "É", "漢",
                        "😀", "\x7f", "\x01", "~", "\xc3", "\xff", "."));
        }
    } else if (kind < 94) {
        append(key, &len, PICK(w, "12", "12.5", "-3", "0", "1e3", "007", "trg/a", "trg/b"));
    } else {
        const char *directory = PICK(w, "long/", "directory/", "ab");
        for (uint32_t n = below(w, 200); n; n--) append(key, &len, directory);
        append(key, &len, PICK(w, "a", "b", "c", ""));
    }
    if (once_in(w, 80) && len + 1 < KEY_ROOM) key[len++] = 0; /* a NUL inside */
    if (once_in(w, 2) && len && !key[len - 1]) append(key, &len, "n");
    key[len] = 0;
    return len;
}

static void put_parameter(struct writer *x, const char *text, int len) {
    struct workload_parameter *parameter = &x->step->parameters[x->step->parameter_count++];
    *parameter = (struct workload_parameter){.is_text = true, .len = len, .text = sqlite3_malloc(len + 1)};
    memcpy(parameter->text, text, (size_t)len);
    parameter->text[len] = 0;
    PUT(x, "?%d", x->step->parameter_count);
}

static void put_text(struct writer *x, const char *text, int len) {
    if (x->step->parameter_count < WORKLOAD_PARAMETERS && once_in(x->w, 3)) {
        put_parameter(x, text, len);
    } else if ((int)strlen(text) < len) {
        PUT(x, "CAST(x'");
        for (int i = 0; i < len; i++) PUT(x, "%02x", (unsigned char)text[i]);
        PUT(x, "' AS TEXT)");
    } else {
        PUT(x, "%Q", text);
    }
}

static void put_key(struct writer *x) {
    char key[KEY_ROOM + 1];
    int len = make_key(x->w, key);
    put_text(x, key, len);
}

/* Bytes of the character at `text`, 0 where it is broken. */
static int character_length(const char *text, const char *end) {
    unsigned char lead = (unsigned char)*text;
    int len = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (len > end - text) return 0;
    for (int i = 1; i < len; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80) return 0;
    }
    return len;
}

/* Made of whole characters: what a broken one in a pattern matches depends, in SQLite, on whether an index is used. */
static void put_glob(struct writer *x) {
    char key[KEY_ROOM + 1], pattern[2 * KEY_ROOM];
    int len = make_key(x->w, key), n = 0;
    struct workload *w = x->w;
    if (once_in(w, 3) && len) len = (int)below(w, (uint32_t)len);
    for (int i = 0, step; i < len && n < KEY_ROOM; i += step ? step : 1) {
        step = character_length(key + i, key + len);
        uint32_t change = below(w, 24);
        if (!step || !key[i]) continue;
        const char *piece = key + i;
        int piece_len = step;
        if (change < 3) {
            piece = change == 0   ? "?"
                    : change == 1 ? "*"
                                  : PICK(w, "[a-c]", "[^a]", "[]a]", "[^]]", "[*]", "[[]", "[?]", "[a/]", "[0-9]",
                                         "[z-a]", "[é-漢]");
            piece_len = (int)strlen(piece);
        }
        memcpy(pattern + n, piece, (size_t)piece_len);
        n += piece_len;
    }
    if (!once_in(w, 4)) pattern[n++] = '*';
    if (once_in(w, 12)) pattern[n++] = '[';
    pattern[n] = 0;
    put_text(x, pattern, n);
}

static void put_like(struct writer *x) {
    static const char *const patterns[] = {"a%", "A%", "d1/%", "D_/F%", "%a",   "_",
                                           "",   "%",  "a/%b", "é%",    "\\%%", "trg/%"};
    const char *pattern = pick(x->w, patterns, sizeof patterns / sizeof *patterns);
    put_text(x, pattern, (int)strlen(pattern));
}

static uint32_t value_size(struct workload *w) {
    uint32_t kind = below(w, 100);
    if (kind < 60) return below(w, 50);
    if (kind < 85) return below(w, 2000);
    if (kind < 94) return 4090 + below(w, 12);
    if (kind < 99) return below(w, 70000);
    return below(w, 200000);
}

static void put_value(struct writer *x) {
    struct workload *w = x->w;
    switch (below(w, 10)) {
    case 0:
        PUT(x, "NULL");
        break;
    case 1:
        PUT(x, "%s",
            PICK(w, "0", "1", "-1", "127", "-128", "32768", "9223372036854775807", "-9223372036854775808",
                 "2147483648"));
        break;
    case 2:
        PUT(x, "%s", PICK(w, "0.0", "-0.0", "1.5", "-2.25e100", "9e999", "-9e999", "1e-300", "3.0"));
        break;
    case 3:
        PUT(x, "%s",
            PICK(w, "''", "x''", "x'00'", "x'ff00ff'", "CAST(x'610062' AS TEXT)", "CAST(x'ff' AS TEXT)", "'é漢'"));
        break;
    case 4:
    case 5:
        PUT(x, "%u", below(w, 1000));
        break;
    default:
        PUT(x, "pattern(%u, %u, %u)", below(w, 1000), value_size(w), below(w, 2));
        break;
    }
}

/* ---- conditions ---- */

/* Those in which every plan visits the rows in the order of their paths. */
static void put_ordered_condition(struct writer *x) {
    struct workload *w = x->w;
    switch (below(w, 7)) {
    case 0:
    case 1:
        PUT(x, "path = "), put_key(x);
        break;
    case 2:
    case 3:
        PUT(x, "path GLOB "), put_glob(x);
        break;
    case 4:
        PUT(x, "path >%s ", once_in(w, 2) ? "=" : ""), put_key(x);
        PUT(x, " AND path <%s ", once_in(w, 2) ? "=" : ""), put_key(x);
        break;
    case 5:
        PUT(x, "path BETWEEN "), put_key(x), PUT(x, " AND "), put_key(x);
        break;
    default:
        PUT(x, "path %s ", PICK(w, "<", "<=", ">", ">=")), put_key(x);
        break;
    }
}

static void put_odd_condition(struct writer *x) {
    struct workload *w = x->w;
    switch (below(w, 9)) {
    case 0:
        PUT(x, "path %s %s", PICK(w, "=", "<", ">", ">=", "<=", "IS", "<>", "GLOB"),
            PICK(w, "12", "12.5", "-3", "12.0", "x'61'", "NULL", "1e3", "007"));
        break;
    case 1:
        PUT(x, "path = "), put_key(x), PUT(x, " COLLATE NOCASE");
        break;
    case 2:
        PUT(x, "path %s NULL", PICK(w, "IS", "IS NOT"));
        break;
    case 3:
        PUT(x, "NOT path GLOB "), put_glob(x);
        break;
    case 4:
        PUT(x, "length(path) < %u", below(w, 8));
        break;
    case 5:
        PUT(x, "path || '' GLOB "), put_glob(x);
        break;
    case 6:
        /* Without the plus SQLite 3.40.1 itself answers max(path) wrongly for an ordinary table, once it was analyzed. */
        PUT(x, "+path IN (SELECT a FROM %s.side)", w->setting->schema);
        break;
    case 7:
        PUT(x, "path >= "), put_key(x), PUT(x, " COLLATE NOCASE AND path NOT LIKE "), put_like(x);
        break;
    default:
        PUT(x, "(path, 1) %s (", PICK(w, "<", ">=")), put_key(x), PUT(x, ", 1)");
        break;
    }
}

static void put_condition(struct writer *x) {
    struct workload *w = x->w;
    switch (below(w, 16)) {
    case 0:
        PUT(x, "path IN ("), put_key(x);
        for (uint32_t n = below(w, 4); n; n--) PUT(x, ", "), put_key(x);
        PUT(x, ")");
        break;
    case 1:
        PUT(x, "path LIKE "), put_like(x);
        if (once_in(w, 3)) PUT(x, " ESCAPE '\\'");
        break;
    case 2:
        PUT(x, "path %s ", PICK(w, "IS", "IS NOT", "<>")), put_key(x);
        break;
    case 3:
    case 4:
        put_odd_condition(x);
        break;
    case 5:
        PUT(x, "path GLOB "), put_glob(x), PUT(x, " AND path %s ", PICK(w, "<", ">=", ">")), put_key(x);
        break;
    case 6:
        PUT(x, "(path = "), put_key(x), PUT(x, " OR path GLOB "), put_glob(x), PUT(x, ")");
        break;
    case 7:
        put_ordered_condition(x);
        PUT(x, " AND %s", PICK(w, "typeof(value) = 'text'", "value IS NOT NULL", "value > 5", "length(value) > 4000"));
        break;
    case 8:
        PUT(x, "%s", PICK(w, "1", "0", "value = 1", "typeof(value) = 'blob'", "value IS NULL"));
        break;
    default:
        put_ordered_condition(x);
        break;
    }
}

/* ---- queries ---- */

static void put_limit(struct writer *x) {
    if (once_in(x->w, 2)) return;
    PUT(x, " LIMIT %u", below(x->w, 20));
    if (once_in(x->w, 2)) PUT(x, " OFFSET %u", below(x->w, 20));
}

static void put_joined_query(struct writer *x, const char *t) {
    const char *schema = x->w->setting->schema;
    switch (below(x->w, 6)) {
    case 0:
        PUT(x, "SELECT a.path, b.path, b.value FROM (SELECT path FROM %s WHERE ", t), put_condition(x);
        PUT(x, " ORDER BY path LIMIT 20) a JOIN %s b ON b.path %s ORDER BY 1, 2 LIMIT 200", t,
            PICK(x->w, "= a.path || 'a'", "GLOB a.path || '/*'", "> a.path AND b.path < a.path || '0'", "= a.path"));
        break;
    case 1:
        PUT(x, "SELECT s.a, t.path, t.value FROM %s.side s LEFT JOIN %s t ON t.path = s.a ORDER BY 1", schema, t);
        break;
    case 2:
        PUT(x, "SELECT path FROM %s WHERE ", t), put_condition(x);
        PUT(x, " %s SELECT a FROM %s.side ORDER BY 1", PICK(x->w, "UNION", "EXCEPT", "INTERSECT", "UNION ALL"), schema);
        break;
    case 3:
        PUT(x, "SELECT count(*) FROM %s.side s, %s t WHERE s.a GLOB t.path || '*'", schema, t);
        break;
    case 4:
        PUT(x, "SELECT path, row_number() OVER (ORDER BY path DESC) FROM %s WHERE ", t), put_condition(x);
        PUT(x, " ORDER BY path");
        break;
    default:
        PUT(x,
            "SELECT a, EXISTS (SELECT 1 FROM %s WHERE path = a), (SELECT max(path) FROM %s WHERE path < a) FROM "
            "%s.side "
            "ORDER BY a",
            t, t, schema);
        break;
    }
}

static void put_query(struct writer *x, const char *t) {
    struct workload *w = x->w;
    switch (below(w, 12)) {
    case 0:
        PUT(x, "SELECT count(*)%s FROM %s WHERE ",
            PICK(w, "", ", count(value), total(length(value)), min(path), max(path)"), t);
        put_condition(x);
        break;
    case 1:
        PUT(x, "SELECT %s(path) FROM %s WHERE ", PICK(w, "min", "max"), t), put_condition(x);
        break;
    case 2:
        PUT(x, "SELECT path, value FROM %s WHERE ", t), put_condition(x);
        x->step->flags |= STEP_UNORDERED;
        break;
    case 3:
        PUT(x, "SELECT substr(path, 1, 1) AS first, count(*) FROM %s WHERE ", t), put_condition(x);
        PUT(x, " GROUP BY first ORDER BY first");
        break;
    case 4:
        PUT(x, "SELECT path FROM %s WHERE ", t), put_condition(x);
        PUT(x, " ORDER BY %s",
            PICK(w, "length(path), path", "path COLLATE NOCASE, path", "path || '' DESC", "typeof(value), path"));
        put_limit(x);
        break;
    case 5:
    case 6:
        put_joined_query(x, t);
        break;
    default:
        PUT(x, "SELECT %s FROM %s WHERE ",
            PICK(w, "path, value", "path", "value", "typeof(path), typeof(value), length(value), path", "DISTINCT path",
                 "path, path || 'x'"),
            t);
        put_condition(x);
        PUT(x, " ORDER BY path%s", PICK(w, "", " DESC", " ASC")), put_limit(x);
        break;
    }
}

/* ---- writes ---- */

static const char *conflict(struct workload *w) {
    if (w->setting->gentle) return PICK(w, "OR REPLACE ", "OR IGNORE ");
    return PICK(w, "", "", "OR REPLACE ", "OR REPLACE ", "OR IGNORE ", "OR ABORT ", "OR FAIL ", "OR ROLLBACK ");
}

static void put_insert(struct writer *x, const char *t) {
    struct workload *w = x->w;
    const char *schema = w->setting->schema;
    switch (below(w, 10)) {
    case 0:
        PUT(x, "INSERT %sINTO %s SELECT path || %s, value FROM %s WHERE ", conflict(w), t, PICK(w, "'a'", "'/'", "'x'"),
            t);
        put_ordered_condition(x), PUT(x, " ORDER BY path LIMIT 40");
        break;
    case 1:
        PUT(x, "INSERT %sINTO %s SELECT a, b FROM %s.side ORDER BY a", conflict(w), t, schema);
        break;
    case 2:
        PUT(x,
            "INSERT %sINTO %s WITH n(i) AS (SELECT %u UNION ALL SELECT i + 1 FROM n LIMIT %u) "
            "SELECT printf('d%%d/f%%03d', i %% 7, i), pattern(i, %u, 0) FROM n",
            conflict(w), t, below(w, 100), 1 + below(w, 120), below(w, 300));
        break;
    case 3: { /* a row that OR IGNORE left out is returned all the same by SQLite, when the table is virtual */
        const char *how = conflict(w);
        PUT(x, "INSERT %sINTO %s(value, path) VALUES(", strcmp(how, "OR IGNORE ") ? how : "OR REPLACE ", t),
            put_value(x);
        PUT(x, ", "), put_key(x), PUT(x, ") RETURNING path, value");
        break;
    }
    case 4:
        PUT(x, "INSERT %sINTO %s(path) VALUES(", conflict(w), t), put_key(x), PUT(x, ")");
        break;
    case 5:
        if (!once_in(w, 3) || w->setting->gentle) {
            PUT(x, "REPLACE INTO %s VALUES(%s, ", t, PICK(w, "12", "12.5", "-3", "1e3", "0")), put_value(x),
                PUT(x, ")");
        } else {
            PUT(x, "INSERT INTO %s VALUES(NULL, 1)", t);
        }
        break;
    default:
        PUT(x, "INSERT %sINTO %s VALUES(", conflict(w), t);
        for (uint32_t n = 1 + below(w, 2) * below(w, 5); n; n--) {
            put_key(x), PUT(x, ", "), put_value(x), PUT(x, n > 1 ? "), (" : ")");
        }
        break;
    }
    x->step->flags |= STEP_CHANGES;
}

static void put_path_update(struct writer *x, const char *t) {
    struct workload *w = x->w;
    const char *how = conflict(w);
    PUT(x, "UPDATE %s%s SET ", how, t);
    /* Whether a row that an earlier one of the same statement replaced still counts is not the same for virtual tables. */
    if (strcmp(how, "OR REPLACE ") != 0) x->step->flags |= STEP_CHANGES;
    if (once_in(w, 3)) {
        PUT(x, "path = "), put_key(x), PUT(x, ", value = "), put_value(x), PUT(x, " WHERE path = "), put_key(x);
        return;
    }
    PUT(x, "path = %s",
        PICK(w, "'b' || substr(path, 2)", "'d1' || substr(path, 3)", "path || 'a'", "path", "substr(path, 2)",
             "'x/' || path"));
    PUT(x, " WHERE "), put_ordered_condition(x);
}

static void put_update(struct writer *x, const char *t) {
    struct workload *w = x->w;
    if (!w->setting->gentle && once_in(w, 3)) {
        put_path_update(x, t);
        return;
    }
    x->step->flags |= STEP_CHANGES;
    if (once_in(w, 8)) {
        PUT(x, "UPDATE %s SET value = s.b FROM %s.side s WHERE s.a = %s.path", t, w->setting->schema,
            strchr(t, '.') + 1);
        return;
    }
    PUT(x, "UPDATE %s SET value = ", t);
    if (once_in(w, 3)) {
        PUT(x, "%s", PICK(w, "value || 'x'", "value + 1", "path", "value", "typeof(value)"));
    } else {
        put_value(x);
    }
    PUT(x, " WHERE "), put_condition(x);
}

static void put_write(struct writer *x, const char *t) {
    uint32_t kind = below(x->w, 100);
    if (kind < 55) {
        put_insert(x, t);
    } else if (kind < 78) {
        put_update(x, t);
    } else {
        PUT(x, "DELETE FROM %s", t);
        if (!once_in(x->w, 40)) PUT(x, " WHERE "), put_condition(x);
        x->step->flags |= STEP_CHANGES;
    }
}

/* ---- other tables, transactions, schema ---- */

static void put_side_write(struct writer *x) {
    struct workload *w = x->w;
    const char *schema = w->setting->schema;
    switch (below(w, w->setting->gentle ? 3 : 5)) {
    case 0:
        PUT(x, "INSERT INTO %s.other(x) VALUES(%u)", schema, below(w, 100));
        break;
    case 1:
        PUT(x, "DELETE FROM %s.side WHERE a GLOB '%s*'", schema, PICK(w, "a", "b", "d"));
        break;
    default: /* fires the trigger, which writes into t */
        PUT(x, "INSERT %sINTO %s.side VALUES(", w->setting->gentle ? "OR IGNORE " : conflict(w), schema);
        put_key(x), PUT(x, ", "), put_value(x), PUT(x, ")");
        break;
    }
    x->step->flags |= STEP_CHANGES;
}

static void put_transaction(struct writer *x) {
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
    } else if (kind < 65) {
        PUT(x, "ROLLBACK TO %s", name);
    } else if (kind < 80) {
        PUT(x, "RELEASE %s", name);
    } else {
        PUT(x, "%s", kind < 96 ? "COMMIT" : "ROLLBACK");
    }
    if (kind >= 40) w->look_again[c] = true;
}

/* Dropping, renaming, creating t; and what makes every connection read its schema anew. */
static void put_schema_change(struct writer *x) {
    struct workload *w = x->w;
    const char *schema = w->setting->schema;
    int c = x->step->connection;
    unsigned tables = w->tables[c];
    bool second = tables == 2 || (tables == 3 && once_in(w, 2));
    const char *name = second ? "u" : "t";
    uint32_t kind = below(w, 10);
    w->look_again[c] = true;
    if (!tables || (tables != 3 && kind == 0)) {
        char *table = sqlite3_mprintf("%s.%s", schema, tables & 1 ? "u" : "t");
        char *art = sql_create_text(table, w->options);
        PUT(x, "%s", art);
        x->step->plain_sql =
            sqlite3_mprintf("CREATE TABLE %s(path TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID", table);
        sqlite3_free(art);
        sqlite3_free(table);
    } else if (kind < 3) {
        PUT(x, "DROP TABLE %s.%s", schema, name);
    } else if (kind < 5) {
        PUT(x, "ALTER TABLE %s.%s RENAME TO %s", schema, name, second ? "t" : "u");
    } else if (kind == 5) {
        PUT(x, "ALTER TABLE %s.other ADD COLUMN c%u", schema, below(w, 1000));
    } else if (kind == 6) {
        PUT(x, "CREATE TABLE IF NOT EXISTS %s.extra(x)", schema);
    } else if (kind == 7) {
        PUT(x, "DROP TABLE IF EXISTS %s.extra", schema);
    } else if (kind == 8) {
        PUT(x, "CREATE INDEX IF NOT EXISTS %s.other_x ON other(x)", schema);
    } else {
        PUT(x, once_in(w, 2) ? "VACUUM %s" : "ANALYZE %s", schema);
    }
}

static void put_command(struct writer *x, const char *name) {
    struct workload *w = x->w;
    const char *schema = w->setting->schema;
    /* A write that fails as the command does when there is no such table. */
    x->step->plain_sql = sqlite3_mprintf("UPDATE %s.tick SET n = n + 1 WHERE NOT EXISTS (SELECT 1 FROM %s.%s WHERE 0)",
                                         schema, schema, name);
    x->step->flags |= STEP_BUSY_MAY_DIFFER;
    if (sql_standin()) {
        PUT(x, "%s", x->step->plain_sql);
    } else {
        PUT(x, "INSERT INTO %s.%s(%s) VALUES('%s')", schema, name, name, once_in(w, 4) ? "optimize" : "flush");
    }
}

static void put_pragma(struct writer *x) {
    struct workload *w = x->w;
    switch (below(w, 3)) {
    case 0:
        PUT(x, "PRAGMA case_sensitive_like = %u", below(w, 2));
        break;
    case 1:
        PUT(x, "PRAGMA wal_checkpoint(%s)", PICK(w, "PASSIVE", "FULL", "RESTART", "TRUNCATE"));
        break;
    default:
        PUT(x, "PRAGMA cache_spill = %u", below(w, 2));
        break;
    }
    /* A checkpoint asks whether this connection reads, which a failed first look at an art table may have left behind. */
    x->step->flags |= STEP_NO_ROWS | STEP_BUSY_MAY_DIFFER;
}

/* ---- the steps ---- */

void workload_init(struct workload *w, const struct workload_setting *setting, uint64_t seed) {
    *w = (struct workload){.random = {seed}, .setting = setting};
    static const char *const options[] = {"", "log_limit='4KB'", "log_limit='16KB', spill_limit='64KB', cache='1MB'",
                                          "log_limit='1KB', spill_limit='16KB'", "log_limit='64KB', cache='1MB'"};
    w->options = pick(w, options, sizeof options / sizeof *options);
    w->cursors = once_in(w, 3);
    for (int c = 0; c < WORKLOAD_CONNECTIONS; c++) w->tables[c] = 1;
}

bool workload_setup(struct workload *w, struct workload_step *out) {
    const char *schema = w->setting->schema;
    memset(out, 0, sizeof *out);
    char *table = sqlite3_mprintf("%s.t", schema);
    bool more = true;
    switch (w->setup++) {
    case 0:
        out->sql = sql_create_text(table, w->options);
        out->plain_sql = sqlite3_mprintf("CREATE TABLE %s(path TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID", table);
        break;
    case 1:
        out->sql = sqlite3_mprintf("CREATE TABLE %s.side(a TEXT PRIMARY KEY, b) WITHOUT ROWID", schema);
        break;
    case 2:
        out->sql = sqlite3_mprintf("CREATE TABLE %s.other(id INTEGER PRIMARY KEY, x)", schema);
        break;
    case 3:
        out->sql = sqlite3_mprintf("CREATE TABLE %s.tick AS SELECT 0 AS n", schema);
        break;
    case 4:
        out->sql =
            sqlite3_mprintf("CREATE TRIGGER %s.copy AFTER INSERT ON side BEGIN "
                            "INSERT OR REPLACE INTO t(path, value) VALUES('trg/' || new.a, new.b); "
                            "UPDATE t SET value = new.a WHERE path = new.a || '/'; DELETE FROM t WHERE path = new.a; "
                            "SELECT RAISE(ABORT, 'no') WHERE %s AND new.a GLOB 'aa*'; END",
                            schema, w->setting->gentle ? "0" : "1");
        break;
    case 5:
        out->sql = sqlite3_mprintf("INSERT INTO %s WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT %u) "
                                   "SELECT printf('d%%d/f%%03d', i %% 7, i), pattern(i, %u, 0) FROM n WHERE i >= 0",
                                   table, once_in(w, 3) ? 1 : below(w, 400), below(w, 300));
        break;
    default:
        more = false;
        break;
    }
    sqlite3_free(table);
    return more;
}

static void cursor_step(struct writer *x, const char *t) {
    struct workload *w = x->w;
    int c = x->step->connection;
    if (!w->cursor_open[c]) {
        x->step->kind = STEP_CURSOR_OPEN;
        PUT(x, "SELECT path, value FROM %s ORDER BY path", t);
    } else {
        x->step->kind = once_in(w, 6) ? STEP_CURSOR_CLOSE : STEP_CURSOR_MOVE;
    }
}

/* A commit while another connection reads must meet the same locks in both databases, whichever pages are dirty. */
static bool put_tick_before_commit(struct writer *x) {
    struct workload *w = x->w;
    int c = x->step->connection;
    if (w->setting->connections < 2 || !w->in_transaction[c] || w->release_next[c]) return false;
    w->release_next[c] = true;
    PUT(x, "UPDATE %s.tick SET n = n + 1", w->setting->schema);
    return true;
}

/* A write that changes nothing in the end is a commit for an ordinary table and may be none for an art table. Then one of
 * them meets locks and stale snapshots that the other does not; a commit of both right behind it makes them equal. */
static void expect_tick(struct workload *w, struct workload_step *out, int c) {
    if (w->setting->connections < 2 || w->in_transaction[c]) return;
    out->flags |= STEP_BUSY_MAY_DIFFER;
    w->tick_next = true;
    w->tick_connection = c;
}

void workload_next(struct workload *w, struct workload_step *out) {
    memset(out, 0, sizeof *out);
    int c = out->connection = w->setting->connections > 1 && once_in(w, 4);
    struct writer x = writer_begin(w, out);
    const char *schema = w->setting->schema;
    if (w->tick_next) {
        w->tick_next = false;
        out->connection = w->tick_connection;
        PUT(&x, "UPDATE %s.tick SET n = n + 1", schema);
        writer_end(&x);
        return;
    }
    if (w->look_again[c]) {
        w->look_again[c] = false;
        out->kind = STEP_TABLES;
        PUT(&x,
            "SELECT total((name = 't') + 2 * (name = 'u')) FROM %s.sqlite_master WHERE type = 'table' AND name IN "
            "('t', 'u')",
            schema);
        writer_end(&x);
        return;
    }
    const char *name = w->tables[c] == 2 || (w->tables[c] == 3 && once_in(w, 2)) ? "u" : "t";
    char t[20];
    sqlite3_snprintf(sizeof t, t, "%s.%s", schema, name);
    uint32_t kind = below(w, 1000);
    if (c && w->in_transaction[c] && once_in(w, 3)) kind = 700;
    if (!w->tables[c] && kind < 700) {
        put_schema_change(&x);
    } else if (kind < 330) {
        put_write(&x, t);
        expect_tick(w, out, c);
    } else if (kind < 620) {
        put_query(&x, t);
    } else if (kind < 660) {
        PUT(&x, "SELECT path, typeof(path), value FROM %s ORDER BY path%s", t, once_in(w, 2) ? " DESC" : "");
    } else if (kind < 820) {
        if (!put_tick_before_commit(&x)) {
            put_transaction(&x);
            w->release_next[c] = false;
        }
    } else if (kind < 880) {
        put_side_write(&x);
        expect_tick(w, out, c);
    } else if (kind < 920) {
        put_command(&x, name);
        expect_tick(w, out, c);
    } else if (kind < 945) {
        if (w->setting->gentle) {
            put_query(&x, t);
        } else {
            put_schema_change(&x);
        }
    } else if (kind < 960) {
        put_pragma(&x);
    } else if (kind < 966 && !w->setting->file && strcmp(schema, "temp") != 0 &&
               !(w->setting->gentle && w->in_transaction[c])) {
        out->kind = STEP_REOPEN;
    } else if (w->cursors && !w->setting->gentle) {
        cursor_step(&x, t);
    } else {
        put_write(&x, t);
        expect_tick(w, out, c);
    }
    writer_end(&x);
}
