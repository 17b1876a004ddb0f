#include "tests/support/workload.h"

#include <stdarg.h>
#include <string.h>

#include "tests/support/sql.h"
#include "tests/support/workload_private.h"

/* ---- steps ------------------------------------------------------------------------------------------------------- */

static const char features[] =
    "EQUAL IS UNEQUAL RANGE BETWEEN CONTRADICTION GLOB NOT_GLOB LIKE NOT_LIKE LIKE_ESCAPE IN_LIST IN_EMPTY "
    "IN_SELECT NOT_IN OR NOT ROW_VALUE COLLATE BOUND COMPUTED NUMBER BLOB NULL COLUMN AGGREGATE MIN_MAX DISTINCT "
    "GROUP_BY DESCENDING OTHER_ORDER LIMIT OFFSET ODD_LIMIT WINDOW EXISTS CORRELATED CTE COMPOUND JOIN JOIN_GLOB "
    "JOIN_LIKE JOIN_AFFINITY LEFT_JOIN SCHEMA VIEW PREFIX LISTING LISTING_JOIN START_AFTER LISTING_BYTES LISTING_WRITE "
    "COUNT_FUNCTION LONGEST_PREFIX CHECK_FUNCTION VERSION COMPARE_AND_SET INSERT INSERT_COLUMNS INSERT_SELECT "
    "INSERT_SELF RETURNING REPLACE IGNORE FAIL ROLLBACK_CLAUSE UPDATE UPDATE_PATH UPDATE_FROM "
    "DELETE DIRECTORY TRIGGER TYPED SAVEPOINT ROLLBACK_TO RELEASE COMMIT ROLLBACK CREATE DROP RENAME ADD_COLUMN "
    "OTHER_SCHEMA VACUUM ANALYZE ATTACH REOPEN CURSOR COMMAND_FLUSH COMMAND_OPTIMIZE COMMAND_VACUUM "
    "COMMAND_CLEAN COMMAND_CHECK COMMAND_SETTING PRAGMA REPLACED_FUNCTION JOURNAL LOCKING_MODE SWITCH "
    "SCHEMA_RESET REGISTERED_AGAIN KEYS_BLOB KEYS_SEVERAL KEYS_ROWS KEYS_QUERY KEYS_JOIN KEYS_LISTING KEYS_FUNCTION "
    "KEYS_WRITE KEYS_MOVE";

const char *workload_feature_name(unsigned feature) {
    static char name[24];
    const char *at = features;
    while (feature--) at = strchr(at, ' ') + 1;
    sqlite3_snprintf((int)sizeof name, name, "%.*s", (int)strcspn(at, " "), at);
    return name;
}

static unsigned feature_of(const char *name) {
    for (unsigned i = 0; i < WORKLOAD_FEATURES; i++) {
        if (!strcmp(workload_feature_name(i), name)) return i;
    }
    fprintf(stderr, "nothing is called '%s'\n", name);
    abort();
}

bool workload_feature_met(const struct workload_met *met, unsigned feature) {
    return met->bits[feature / 64] >> (feature % 64) & 1;
}

bool workload_meets(const struct workload_met *met, const char *name) {
    return workload_feature_met(met, feature_of(name));
}

void workload_step_clear(struct workload_step *step) {
    sqlite3_free(step->sql);
    sqlite3_free(step->plain_sql);
    for (int i = 0; i < step->parameter_count; i++) sqlite3_free(step->parameters[i].data);
    memset(step, 0, sizeof *step);
}

static void append_parameter(sqlite3_str *out, const struct workload_parameter *parameter) {
    switch (parameter->type) {
    case PARAMETER_NULL:
        sqlite3_str_appendall(out, "NULL");
        break;
    case PARAMETER_INTEGER:
        sqlite3_str_appendf(out, "%lld", parameter->integer);
        break;
    case PARAMETER_REAL:
        sqlite3_str_appendf(out, "%!.17g", parameter->real);
        break;
    case PARAMETER_TEXT:
        if ((int)strlen(parameter->data) == parameter->len) {
            sqlite3_str_appendf(out, "%Q", parameter->data);
            break;
        }
        sqlite3_str_appendall(out, "text ");
        __attribute__((fallthrough));
    case PARAMETER_BLOB:
        sqlite3_str_appendall(out, "x'");
        for (int i = 0; i < parameter->len; i++) sqlite3_str_appendf(out, "%02x", (unsigned char)parameter->data[i]);
        sqlite3_str_appendall(out, "'");
        break;
    }
}

char *workload_step_text(const struct workload_step *step) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    static const char *const names[] = {"",
                                        "-- which tables are there?",
                                        "-- reopen",
                                        "-- detach and attach",
                                        "-- replace function: ",
                                        "-- open cursor: ",
                                        "-- move cursor",
                                        "-- close cursor",
                                        "-- register the module again"};
    sqlite3_str_appendf(out, "[%d] %s%s", step->connection, names[step->kind], step->sql ? step->sql : "");
    if (step->plain_sql) sqlite3_str_appendf(out, "\n     plain: %s", step->plain_sql);
    for (int i = 0; i < step->parameter_count; i++) {
        sqlite3_str_appendf(out, i ? ", ?%d=" : "   -- ?%d=", i + 1);
        append_parameter(out, &step->parameters[i]);
    }
    char *text = sqlite3_str_finish(out);
    for (char *at = text; at && *at; at++) {
        bool shown = (unsigned char)*at >= 0x20 && (unsigned char)*at != 0x7f && (unsigned char)*at < 0xf8;
        if (!shown && *at != '\n') *at = '$'; /* what a terminal may not like */
    }
    return text;
}

/* ---- the writer -------------------------------------------------------------------------------------------------- */

void writer_begin(struct writer *x, struct workload *w, struct workload_step *step) {
    *x = (struct writer){.w = w, .step = step, .art = sqlite3_str_new(NULL), .plain = sqlite3_str_new(NULL)};
}

void writer_use(struct writer *x, enum workload_table_number number) {
    x->number = number;
    x->table = &x->w->tables[x->step->connection][number];
    if (number == TABLE_W) x->step->flags |= STEP_OWN_ROWIDS;
}

/* Without the blank behind what a rule has noted. */
static char *finish(sqlite3_str *out) {
    char *text = sqlite3_str_finish(out);
    size_t blanks = text ? strspn(text, " ") : 0;
    if (blanks) memmove(text, text + blanks, strlen(text + blanks) + 1);
    return text;
}

void writer_end(struct writer *x) {
    x->step->sql = finish(x->art);
    x->step->plain_sql = finish(x->plain);
    const char *a = x->step->sql, *p = x->step->plain_sql;
    if ((!a && !p) || (a && p && !strcmp(a, p))) {
        sqlite3_free(x->step->plain_sql);
        x->step->plain_sql = NULL;
    }
    sqlite3_free(x->prefix);
    sqlite3_free(x->delimiter);
    sqlite3_free(x->start_after);
}

void writer_put(struct writer *x, const char *format, ...) {
    int before = sqlite3_str_length(x->art);
    va_list args;
    va_start(args, format);
    sqlite3_str_vappendf(x->art, format, args);
    va_end(args);
    int after = sqlite3_str_length(x->art);
    if (after > before && x->plain) sqlite3_str_append(x->plain, sqlite3_str_value(x->art) + before, after - before);
}

char *writer_capture(struct writer *x, void (*put)(struct writer *)) {
    sqlite3_str *art = x->art, *plain = x->plain;
    x->art = sqlite3_str_new(NULL);
    x->plain = sqlite3_str_new(NULL);
    put(x);
    char *text = sqlite3_str_finish(x->art);
    sqlite3_free(sqlite3_str_finish(x->plain));
    x->art = art;
    x->plain = plain;
    return text;
}

void writer_meet(struct writer *x, const char *name) {
    unsigned feature = feature_of(name);
    x->step->met.bits[feature / 64] |= (uint64_t)1 << (feature % 64);
}

/* ---- the tables -------------------------------------------------------------------------------------------------- */

const char *workload_table_name(enum workload_table_number number) {
    static const char *const names[] = {"t", "u", "v", "w"};
    return names[number];
}

const char *workload_table_schema(const struct workload_setting *setting, enum workload_table_number number) {
    return number == TABLE_V ? setting->other : setting->schema;
}

void workload_saw_tables(struct workload *w, int connection, char *const *rows, int count) {
    struct workload_table *tables = w->tables[connection];
    for (int i = 0; i < WORKLOAD_TABLES; i++) tables[i].exists = false;
    for (int i = 0; i < count; i++) {
        const char *row = rows[i];
        struct workload_table *table = *row == 't'   ? &tables[TABLE_T]
                                       : *row == 'u' ? &tables[TABLE_U]
                                       : *row == 'w' ? &tables[TABLE_W]
                                                     : &tables[TABLE_V];
        table->exists = true;
        table->columns = 0;
        for (row += 2; table->columns < WORKLOAD_COLUMNS;) {
            size_t len = strcspn(row, ",");
            sqlite3_snprintf((int)sizeof table->names[0], table->names[table->columns++], "%.*s", (int)len, row);
            if (row[len] != ',') break;
            row += len + 1;
        }
    }
    if (!w->tables[1][TABLE_V].columns) memcpy(w->tables[1], w->tables[0], sizeof w->tables[0]); /* its first look */
}

/* ---- a history --------------------------------------------------------------------------------------------------- */

void workload_init(struct workload *w, const struct workload_setting *setting, uint64_t seed) {
    *w = (struct workload){.random = {seed}, .setting = setting};
    static const char *const options[] = {"", "log_limit='4KB'", "log_limit='16KB', spill_limit='64KB', cache='1MB'",
                                          "log_limit='1KB', spill_limit='16KB'", "log_limit='64KB', cache='1MB'"};
    w->options = pick(w, options, sizeof options / sizeof *options);
    /* What a transaction writes by one name, it cannot by the other; and whether a cursor's snapshot is stale by the
     * other name depends on whether an UPDATE that changes nothing is a commit. */
    bool two_names = !strcmp(setting->other, "again");
    w->cursors = once_in(w, 3) && !two_names;
    w->versions = setting->connections == 1 && once_in(w, 2) && !two_names;
    w->shapes[0] = shape_choose(w);
    w->shapes[1] = shape_choose(w);
    w->form = form_choose(w);
}

static void put_setup(struct writer *x, int number) {
    struct workload *w = x->w;
    const struct workload_setting *setting = w->setting;
    const char *schema = setting->schema;
    static const char *const texts[] = {
        "CREATE TABLE %s.side(a TEXT PRIMARY KEY, b) WITHOUT ROWID",
        "CREATE TABLE %s.other(id INTEGER PRIMARY KEY, x)",
        "CREATE TABLE %s.tick AS SELECT 0 AS n",
        "CREATE TABLE %s.nums(id INTEGER PRIMARY KEY, i INTEGER, r REAL, n NUMERIC, x TEXT, y, z BLOB, c TEXT COLLATE "
        "NOCASE)",
        "INSERT INTO %s.nums(i, r, n, x, y, z, c) SELECT column1, column1, column1, column1, column1, column1, column1 "
        "FROM (VALUES (12), (12.5), ('d1/f001'), ('007'), (-3), ('A'), (NULL), (x'6431'), ('1e3'), "
        "(9223372036854775807), (''), (0.0), ('a/'))",
        /* A TEXT out of a numeric column compares otherwise with a path that looks like a number: ext/query/plan.h. */
        "UPDATE %s.nums SET i = NULL, r = NULL, n = NULL WHERE typeof(i) = 'text'",
    };
    int count = (int)(sizeof texts / sizeof *texts);
    if (number < count) {
        PUT(x, texts[number], schema);
    } else if (number == count) {
        PUT_ART(x, "CREATE TABLE %s.seen(unused)", schema);
        PUT_PLAIN(x, "CREATE TABLE %s.seen(tbl, key, version, hash, PRIMARY KEY(tbl, key)) WITHOUT ROWID", schema);
    } else if (number == count + 1) {
        PUT(x, "CREATE TABLE %s.held(tbl, key, version, PRIMARY KEY(tbl, key)) WITHOUT ROWID", schema);
    } else if (number == count + 2 && !x->w->has_other_tick) {
        x->w->has_other_tick = true;
        PUT(x, "CREATE TABLE %s.other_tick AS SELECT 0 AS n", setting->other);
        x->w->setup--;
    } else if (number == count + 2) {
        put_create(x, schema, "t", w->shapes[0]);
    } else if (number == count + 3) {
        put_create(x, setting->other, "v", w->shapes[1]);
    } else if (number == count + 4) {
        put_trigger(x, w->shapes[0]);
    } else if (number == count + 5) {
        PUT(x, "CREATE VIEW %s.showing AS SELECT * FROM v", setting->other);
    } else if (number == count + 6) {
        put_create_of_keys(x);
    } else if (number == count + 7) {
        put_index_of_keys(x);
    } else if (number == count + 8) {
        put_look(x);
    } else if (number == count + 9) {
        writer_use(x, TABLE_W);
        x->step->flags |= STEP_WRITES;
        writer_draw(x, "$keyed_many");
    } else {
        writer_use(x, number == count + 11 ? TABLE_T : TABLE_V);
        if (number == count + 10) {
            put_view_trigger(x);
        } else {
            x->step->flags |= STEP_WRITES;
            put_insert_many(x);
        }
    }
}

enum { SETUP_STEPS = 19 };

bool workload_setup(struct workload *w, struct workload_step *out) {
    memset(out, 0, sizeof *out);
    if (w->setup >= SETUP_STEPS) return false;
    struct writer x;
    writer_begin(&x, w, out);
    put_setup(&x, w->setup++);
    writer_end(&x);
    return true;
}

static void cursor_step(struct writer *x) {
    struct workload *w = x->w;
    int c = x->step->connection;
    MEET(x, CURSOR);
    if (!w->cursor_open[c]) {
        x->step->kind = STEP_CURSOR_OPEN;
        bool keyed = w->tables[c][TABLE_W].exists && once_in(w, 3);
        if (keyed) writer_use(x, TABLE_W);
        writer_draw(x, keyed ? "SELECT {$key_bytes|a}, v FROM $name ORDER BY $key_order"
                             : "SELECT $path, $any FROM $name ORDER BY $path");
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

/* A write that changes nothing in the end is a commit for an ordinary table and may be none for an art table. Then one
 * of them meets locks and stale snapshots that the other does not; a commit of both right behind it makes them
 * equal. */
static void expect_tick(struct writer *x) {
    struct workload *w = x->w;
    int c = x->step->connection;
    if (w->setting->connections < 2 || w->in_transaction[c]) return;
    x->step->flags |= STEP_BUSY_MAY_DIFFER;
    w->tick_next = true;
    w->tick_connection = c;
}

static void put_query(struct writer *x) {
    writer_draw(x, !x->prefix && once_in(x->w, 5) ? "$table_query" : "$query");
}

static void put_read(struct writer *x) {
    struct workload *w = x->w;
    if (w->versions && once_in(w, 12)) {
        writer_draw(x, "$version_step");
    } else if (once_in(w, 9)) {
        writer_draw(x, "$function_query");
    } else if (!once_in(w, 3)) {
        put_query(x);
    } else if (once_in(w, 6)) {
        writer_draw(x, "$listing_join");
    } else {
        writer_use_listing(x);
        put_query(x);
    }
}

static void put_side_write(struct writer *x) {
    x->step->flags |= STEP_WRITES;
    writer_draw(x, x->w->setting->gentle ? "$side_write" : "$side_write_or_trigger");
}

static bool may_reopen(const struct writer *x) {
    const struct workload *w = x->w;
    bool keeps = !w->setting->file && strcmp(w->setting->schema, "temp") != 0 && strcmp(w->setting->other, "temp") != 0;
    return keeps && !(w->setting->gentle && w->in_transaction[x->step->connection]);
}

/* Seldom ones. */
static void put_rare_step(struct writer *x) {
    struct workload *w = x->w;
    bool attached = !strcmp(w->setting->schema, "aux1") || !strcmp(w->setting->other, "aux1");
    uint32_t kind = below(w, 12);
    if (kind < 4) {
        put_pragma(x);
    } else if (kind < 6 && !w->cursors) {
        put_function_change(x);
    } else if (kind < 7 && attached && !w->setting->gentle) {
        x->step->kind = STEP_ATTACH;
        w->look_again[x->step->connection] = true;
        MEET(x, ATTACH);
    } else if (kind < 9 && may_reopen(x)) {
        x->step->kind = STEP_REOPEN;
        for (int c = 0; c < WORKLOAD_CONNECTIONS; c++) w->gone_glob[c] = w->gone_like[c] = false;
        MEET(x, REOPEN);
    } else if (w->cursors && !w->setting->gentle) {
        cursor_step(x);
    } else {
        writer_draw(x, "$all_rows");
    }
}

static void put_step_of_keys(struct writer *x) {
    struct workload *w = x->w;
    bool gentle = w->setting->gentle, exists = w->tables[x->step->connection][TABLE_W].exists;
    uint32_t kind = below(w, 100);
    writer_use(x, TABLE_W);
    if (!gentle && (kind >= 97 || (!exists && kind < 30))) {
        put_change_of_keys(x);
    } else if (kind < 30) {
        writer_draw(x, "$keyed_write");
        expect_tick(x);
    } else if (kind < 93) {
        writer_draw(x, "$keyed_query");
    } else {
        put_command(x);
        expect_tick(x);
    }
}

static void put_next(struct writer *x) {
    struct workload *w = x->w;
    int c = x->step->connection;
    const struct workload_table *tables = w->tables[c];
    bool t = tables[TABLE_T].exists, u = tables[TABLE_U].exists;
    uint32_t kind = below(w, 1000);
    if (c && w->in_transaction[c] && once_in(w, 3)) kind = 850;
    if ((w->gone_like[c] || w->gone_glob[c]) && once_in(w, 5)) {
        put_function_change(x);
        return;
    }
    if (once_in(w, 5)) return put_step_of_keys(x);
    writer_use(x, (!t && !u) || once_in(w, 4) ? TABLE_V : u && (!t || once_in(w, 2)) ? TABLE_U : TABLE_T);
    if (!t && !u && kind < 300) {
        put_schema_change(x);
    } else if (kind < 250) {
        writer_draw(x, "$write");
        expect_tick(x);
    } else if (kind < 690) {
        put_read(x);
    } else if (kind < 720) {
        writer_draw(x, "$all_rows");
    } else if (kind < 860) {
        if (!put_tick_before_commit(x)) {
            put_transaction(x);
            w->release_next[c] = false;
        }
    } else if (kind < 900) {
        put_side_write(x);
        expect_tick(x);
    } else if (kind < 930) {
        put_command(x);
        expect_tick(x);
    } else if (kind < 955 && !w->setting->gentle) {
        put_schema_change(x);
    } else if (kind < 972) {
        put_life(x);
    } else {
        put_rare_step(x);
    }
}

void workload_next(struct workload *w, struct workload_step *out) {
    memset(out, 0, sizeof *out);
    int c = out->connection = w->setting->connections > 1 && once_in(w, 4);
    struct writer x;
    writer_begin(&x, w, out);
    if (w->tick_next) {
        w->tick_next = false;
        out->connection = w->tick_connection;
        PUT(&x, "UPDATE %s.tick SET n = n + 1", w->setting->schema);
    } else if (w->alone_next && !w->in_transaction[c]) {
        put_life_alone(&x);
    } else if (w->look_again[c]) {
        w->look_again[c] = false;
        put_look(&x);
    } else {
        put_next(&x);
    }
    writer_end(&x);
}
