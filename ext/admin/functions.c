/* SQL functions.
 *
 *     art_count(table, prefix [, snapshot])           rows whose path begins with the bytes of prefix, in one descent
 *     art_sum(table, column, prefix [, snapshot])     the sum of a column over these rows; art_min, art_max: its least
 *                                                     and largest value. The column has a summary (schema/summary.c)
 *     art_nth(table, prefix, n [, snapshot])          the path of the n-th row below prefix; 0 is the first
 *     art_rank(table, path [, snapshot])              rows whose path is before this one, be it there or not
 *     art_longest_prefix(table, path [, delimiter [, snapshot]])
 *                                                     the longest stored path that is a prefix of path, in one descent;
 *                                                     with a delimiter only where a component of path ends
 *     art_write_version(table)                        the version of rows that the transaction writes: once it has
 *                                                     written some, it is theirs
 *     art_check(table)                                'ok', or what is wrong, a line each: reads every blob (check.c);
 *                                                     check_table.c is the table of that name
 *     art_verify([schema])                            'ok' and more if all art tables of a database are whole and
 *                                                     sound; else it fails (verify.c)
 *     art_vacuum(table)                               leaves the smallest file, in transactions of its own (vacuum.c)
 *     art_backup(path [, schema [, storage]])         copies the database with its .art files, or with another storage,
 *                                                     or onto an earlier copy (backup.c); tells what it has made.
 *                                                     backup_table.c is the table of that name
 *     art_publish(path [, schema])                    a copy that a web server can hand out in parts (publish.c)
 *     art_version(), art_debug()                      which art this is; and which SQLite, compiler, formats, in lines
 *
 * `table` is 'name' or 'schema.name' (table_ref.c). Prefix, path and delimiter are bytes: a text, a number's text, or a
 * BLOB as it is; of a key of several columns prefix and path are what art_key() gives. An argument that is NULL makes
 * the result NULL, but for a snapshot: that is the name of one, in whose rows the function then looks, and NULL is the
 * table as it is. Called within a transaction, or by a statement that reads the table's database, they see its
 * snapshot, with what the transaction has changed; else the last commit.
 *
 * The flags, on purpose:
 *
 *   not INNOCUOUS       those that name a table read what no argument shows, and in any attached database, where a view
 *                       or trigger reaches only its own. With trusted_schema=OFF a schema may not call them.
 *   not DIRECTONLY      but a schema that is trusted may: a view with art_count() in it is of use. Only art_check(),
 *                       art_verify(), art_vacuum(), art_backup() and art_publish() are for people: they work for
 *                       minutes, and the last two make files.
 *   not DETERMINISTIC   none of them: the tables change, and so does the version. So SQLite refuses them in indexes and
 *                       generated columns, calls them for each row, and keeps no result from one statement to the next.
 *                       `(SELECT art_count('t', 'a/'))` is asked once in a statement.
 */
#include "core/base/vector.h"
#include "core/tree/inspect.h"
#include "ext/admin/admin.h"

#include <stdio.h>

enum { SHORT_PREFIX_BYTES = 512 }; /* on the stack; longer ones take an allocation */

/* --- arguments ---------------------------------------------------------------------------------------------------- */

static bool any_null(int count, sqlite3_value **values) {
    for (int i = 0; i < count; i++) {
        if (sqlite3_value_type(values[i]) == SQLITE_NULL) return true;
    }
    return false;
}

/* Takes the message. */
static void fail_call(sqlite3_context *context, int rc, char *message) {
    assert(rc);
    if (message) sqlite3_result_error(context, message, -1);
    if (rc == SQLITE_NOMEM) {
        sqlite3_result_error_nomem(context);
    } else {
        sqlite3_result_error_code(context, rc);
    }
    sqlite3_free(message);
}

static void fail_in_core(sqlite3_context *context, enum art_rc art_rc) {
    char *message = NULL;
    int rc = art_report(&message, art_rc);
    fail_call(context, rc, message);
}

/* NULL: the function has failed. Else to be released. */
static struct art_table_ref *open_table(sqlite3_context *context, sqlite3_value *name) {
    struct art_table_ref *ref;
    char *message = NULL;
    const char *text = (const char *)sqlite3_value_text(name);
    int rc = text ? art_table_ref_hold(sqlite3_user_data(context), text, &ref, &message) : SQLITE_NOMEM;
    if (!rc) {
        rc = art_table_ref_ready(ref->vtab, &message);
        if (!rc) return ref;
        art_table_ref_release(ref);
    }
    fail_call(context, rc, message);
    return NULL;
}

static struct art_tree *tree_of(const struct art_table_ref *ref) {
    assert(ref->pins && ref->vtab->table);
    return ref->vtab->table->tree;
}

/* A table whose rows are asked for, as they are or in a snapshot. */
struct asked {
    struct art_table_ref *ref;
    struct art_snapshot_tree *snapshot;
    struct art_tree *tree;
};

static void close_asked(struct asked *asked) {
    if (asked->snapshot) art_snapshot_tree_release(asked->snapshot);
    art_table_ref_release(asked->ref);
}

/* Behind `own` arguments there may be a snapshot's name. False: the function has failed. Else to be closed. */
static bool open_asked(sqlite3_context *context, int count, sqlite3_value **values, int own, struct asked *out) {
    char *message = NULL;
    *out = (struct asked){0};
    out->ref = open_table(context, values[0]);
    if (!out->ref) return false;
    int rc = SQLITE_OK;
    if (count > own) rc = art_snapshot_argument(out->ref->vtab->table, values[own], &out->snapshot, &message);
    out->tree = out->snapshot ? out->snapshot->tree : tree_of(out->ref);
    if (!rc) return true;
    art_table_ref_release(out->ref);
    fail_call(context, rc, message);
    return false;
}

int art_take_key(const struct art_vtab *vtab, sqlite3_value *value, struct art_bytes *out, char **message) {
    struct art_key_part part;
    const char *table = vtab->name->table;
    if (vtab->columns.keys && !art_columns_key_part(&vtab->columns, value, &part))
        return art_complain(message, SQLITE_ERROR,
                            "art: no key of several columns begins with this (%s.%s): write art_key('%s', ...)",
                            vtab->name->schema, table, table);
    return art_value_bytes(value, out) ? SQLITE_OK : SQLITE_NOMEM;
}

/* --- functions ---------------------------------------------------------------------------------------------------- */

/* What is to be told of a range, and the answer. */
struct question {
    enum { ASKS_COUNT, ASKS_NTH, ASKS_SUM, ASKS_MIN, ASKS_MAX, ASKS_HASH } asks;
    enum art_measure hashes; /* of which kind */
    unsigned item;           /* of the summary */
    uint64_t rows;           /* how many there are, or are before the one that is asked for */
    art_int128 sum[ART_SUMMARY_MAX];
    struct art_datum extreme;
    struct art_buffer bytes; /* its bytes, or a path */
    bool of_blobs;           /* the keys are BLOBs */
    int refused;             /* a sum: SQLite's code, with the message */
    char *message;
};

static enum art_rc find_nth(struct art_tree *tree, const struct art_range *range, uint64_t n,
                            struct art_buffer *found) {
    struct art_cursor *cursor = NULL;
    enum art_rc rc = art_cursor_open(tree, &cursor);
    if (!rc) rc = art_cursor_seek(cursor, range, false);
    if (!rc) rc = art_cursor_skip(cursor, n);
    if (!rc && !art_cursor_valid(cursor)) rc = ART_NOTFOUND;
    if (!rc) {
        struct art_bytes path = art_cursor_key(cursor);
        rc = art_buffer_append(found, path.data, path.len);
    }
    art_cursor_close(cursor);
    return rc;
}

static enum art_rc sum_up(const struct art_vtab *vtab, struct art_tree *tree, const struct art_range *range,
                          struct question *question) {
    enum art_rc rc = art_tree_sums(tree, range, question->sum);
    if (!rc && question->asks == ASKS_SUM)
        question->refused = art_sum_check(vtab, tree, range, question->item, &question->message);
    return rc;
}

static enum art_rc answer_question(const struct art_vtab *vtab, struct art_tree *tree, const struct art_range *range,
                                   struct question *question) {
    if (question->asks == ASKS_COUNT) return art_tree_count(tree, range, &question->rows);
    if (question->asks == ASKS_NTH) return find_nth(tree, range, question->rows, &question->bytes);
    if (question->asks == ASKS_SUM || question->asks == ASKS_HASH) return sum_up(vtab, tree, range, question);
    return art_tree_extreme(tree, range, question->item, question->asks == ASKS_MAX, &question->bytes,
                            &question->extreme);
}

static enum art_rc ask_of_prefix(const struct asked *asked, struct art_bytes prefix, struct question *question) {
    uint8_t here[SHORT_PREFIX_BYTES], *buffer = here;
    struct art_range range;
    if (prefix.len > ART_PATH_MAX) return question->asks == ASKS_NTH ? ART_NOTFOUND : ART_OK;
    if (prefix.len > sizeof here) buffer = art_alloc(prefix.len);
    if (!buffer) return art_nomem();
    assert(prefix.len <= ART_PATH_MAX);
    art_range_of_prefix(prefix, buffer, &range);
    enum art_rc rc = answer_question(asked->ref->vtab, asked->tree, &range, question);
    if (buffer != here) art_free(buffer);
    return rc;
}

/* Any column with a summary has bounds, and so a least and a largest value; a sum has only one that asks for it. */
static int find_summary(const struct art_vtab *vtab, const char *column, struct question *question, char **message) {
    assert(question->asks >= ASKS_SUM);
    const struct art_columns *columns = &vtab->columns;
    const struct art_summarised *summarised = art_table_summarised(vtab->table);
    static const char *const words[] = {[ASKS_SUM] = "sum", [ASKS_MIN] = "min", [ASKS_MAX] = "max"};
    int i = art_columns_find(columns, column);
    const char *table = vtab->name->table, *word = words[question->asks];
    if (i < 0) {
        return art_complain(message, SQLITE_ERROR, "art: there is no column '%s' (%s): name one that has a summary",
                            column, table);
    }
    int item = art_summary_find_measured(summarised, (unsigned)i);
    bool has = item >= 0 && (question->asks != ASKS_SUM || (unsigned)item < summarised->sums);
    bool sum = question->asks == ASKS_SUM;
    bool may = sum ? art_column_is_of_numbers(&columns->items[i]) : art_column_has_order(&columns->items[i]);
    if (!has && (i == ART_COLUMN_KEY || !may)) {
        return art_complain(
            message, SQLITE_ERROR,
            "art: there is no %s of the key, nor of a %sBLOB column (%s.%s): name a column of numbers%s", word,
            sum ? "TEXT or " : "", table, columns->items[i].name, sum ? "" : " or texts");
    }
    if (!has) {
        return art_complain(message, SQLITE_ERROR,
                            "art: the column has no %s (%s.%s): name it beside the others in the command "
                            "'summary=(..., %s(%s))', which replaces the whole list, while there is no snapshot",
                            word, table, columns->items[i].name, word, columns->items[i].name);
    }
    assert((unsigned)item < summarised->count);
    question->item = (unsigned)item;
    return SQLITE_OK;
}

int art_find_hash(const struct art_vtab *vtab, enum art_measure measure, unsigned *item, char **message) {
    int found = art_summary_find_hash(art_table_summarised(vtab->table), measure);
    const char *of = measure == ART_MEASURE_HASH ? "*" : "values";
    *item = (unsigned)found;
    if (found >= 0) return SQLITE_OK;
    return art_complain(message, SQLITE_ERROR,
                        "art: the table has no hash(%s) (%s.%s): name it beside the others in the command "
                        "'summary=(..., hash(%s))', which replaces the whole list, while there is no snapshot",
                        of, vtab->name->schema, vtab->name->table, of);
}

int art_find_sum(const struct art_vtab *vtab, const char *column, unsigned *item, char **message) {
    struct question question = {.asks = ASKS_SUM};
    int rc = find_summary(vtab, column, &question, message);
    *item = question.item;
    return rc;
}

static void give_answer(sqlite3_context *context, const struct question *question) {
    assert(question->asks <= ASKS_HASH && question->item < ART_SUMMARY_MAX);
    if (question->asks == ASKS_COUNT) {
        sqlite3_result_int64(context, (sqlite3_int64)question->rows);
    } else if (question->asks == ASKS_NTH) {
        art_result_key(context, question->of_blobs, art_buffer_bytes(&question->bytes));
    } else if (question->asks == ASKS_SUM) {
        art_result_sum(context, question->sum[question->item]);
    } else if (question->asks == ASKS_HASH) {
        sqlite3_result_int64(context, (sqlite3_int64)question->sum[question->item]);
    } else {
        art_result_datum(context, &question->extreme);
    }
}

/* Of a table, then of a column where a summary is asked, then of a prefix. */
static void ask_of_table(sqlite3_context *context, int count, sqlite3_value **values, struct question question) {
    struct art_bytes prefix = {0};
    struct asked asked;
    char *message = NULL;
    bool hash = question.asks == ASKS_HASH, summary = question.asks >= ASKS_SUM && !hash;
    int own = summary || question.asks == ASKS_NTH ? 3 : 2;
    if (any_null(own, values)) return;
    const char *column = summary ? (const char *)sqlite3_value_text(values[1]) : "";
    if (!column) {
        sqlite3_result_error_nomem(context);
        return;
    }
    if (!open_asked(context, count, values, own, &asked)) return;
    int rc = art_take_key(asked.ref->vtab, values[1 + summary], &prefix, &message);
    if (!rc && summary) rc = find_summary(asked.ref->vtab, column, &question, &message);
    if (!rc && hash) rc = art_find_hash(asked.ref->vtab, question.hashes, &question.item, &message);
    enum art_rc art_rc = rc ? ART_OK : ask_of_prefix(&asked, prefix, &question);
    if (rc || question.refused) {
        fail_call(context, rc ? rc : question.refused, rc ? message : question.message);
    } else if (!art_rc) {
        question.of_blobs = art_columns_keys_are_blobs(&asked.ref->vtab->columns);
        give_answer(context, &question);
    } else if (art_rc != ART_NOTFOUND) {
        fail_in_core(context, art_rc);
    }
    art_buffer_clear(&question.bytes);
    close_asked(&asked);
}

static void call_count(sqlite3_context *context, int count, sqlite3_value **values) {
    ask_of_table(context, count, values, (struct question){.asks = ASKS_COUNT});
}

static void call_nth(sqlite3_context *context, int count, sqlite3_value **values) {
    sqlite3_int64 n = sqlite3_value_int64(values[2]);
    if (n >= 0) ask_of_table(context, count, values, (struct question){.asks = ASKS_NTH, .rows = (uint64_t)n});
}

static void call_sum(sqlite3_context *context, int count, sqlite3_value **values) {
    ask_of_table(context, count, values, (struct question){.asks = ASKS_SUM});
}

static void call_min(sqlite3_context *context, int count, sqlite3_value **values) {
    ask_of_table(context, count, values, (struct question){.asks = ASKS_MIN});
}

static void call_max(sqlite3_context *context, int count, sqlite3_value **values) {
    ask_of_table(context, count, values, (struct question){.asks = ASKS_MAX});
}

static void call_hash(sqlite3_context *context, int count, sqlite3_value **values) {
    ask_of_table(context, count, values, (struct question){.asks = ASKS_HASH, .hashes = ART_MEASURE_HASH});
}

static void call_hash_values(sqlite3_context *context, int count, sqlite3_value **values) {
    ask_of_table(context, count, values, (struct question){.asks = ASKS_HASH, .hashes = ART_MEASURE_HASH_VALUES});
}

/* What is before a path that is too long for a row is before its longest possible beginning, or is that. */
static void call_rank(sqlite3_context *context, int count, sqlite3_value **values) {
    struct art_bytes path = {0};
    struct asked asked;
    char *message = NULL;
    uint64_t rows = 0;
    if (any_null(2, values)) return;
    if (!open_asked(context, count, values, 2, &asked)) return;
    int rc = art_take_key(asked.ref->vtab, values[1], &path, &message);
    struct art_range range = {.high = path, .high_set = true};
    range.high_open = path.len <= ART_PATH_MAX;
    if (path.len > ART_PATH_MAX) range.high.len = ART_PATH_MAX;
    if (!rc) rc = art_report(&message, art_tree_count(asked.tree, &range, &rows));
    if (rc) {
        fail_call(context, rc, message);
    } else {
        sqlite3_result_int64(context, (sqlite3_int64)rows);
    }
    close_asked(&asked);
}

static void call_longest_prefix(sqlite3_context *context, int count, sqlite3_value **values) {
    struct art_bytes path = {0}, delimiter = {0};
    struct art_buffer found = {0};
    struct asked asked;
    char *message = NULL;
    int own = count > 2 ? 3 : 2;
    if (any_null(own, values)) return;
    if (!open_asked(context, count, values, own, &asked)) return;
    int rc = art_take_key(asked.ref->vtab, values[1], &path, &message);
    if (!rc && own > 2 && !art_value_bytes(values[2], &delimiter)) rc = SQLITE_NOMEM;
    enum art_rc art_rc = rc ? ART_OK : art_tree_longest_prefix(asked.tree, path, delimiter, &found, NULL);
    if (rc) {
        fail_call(context, rc, message);
    } else if (!art_rc) {
        art_result_key(context, art_columns_keys_are_blobs(&asked.ref->vtab->columns), art_buffer_bytes(&found));
    } else if (art_rc != ART_NOTFOUND) {
        fail_in_core(context, art_rc);
    }
    art_buffer_clear(&found);
    close_asked(&asked);
}

/* The bytes of a key with these values in its first columns; the last one, if it is a text or a BLOB, is a
 * beginning. */
static void call_key(sqlite3_context *context, int count, sqlite3_value **values) {
    struct asked asked;
    struct art_buffer key = {0};
    char *message = NULL;
    int rc = SQLITE_OK;
    if (!count || any_null(1, values)) return;
    if (!open_asked(context, 1, values, 1, &asked)) return;
    const struct art_vtab *vtab = asked.ref->vtab;
    if (!vtab->columns.keys) {
        rc = art_complain(&message, SQLITE_ERROR, "art: the table has no key=(...) (%s): its key is a prefix as it is",
                          vtab->name->table);
    } else if ((unsigned)count - 1 > vtab->columns.keys) {
        rc = art_complain(&message, SQLITE_ERROR,
                          "art: there are more values than columns in the key (%s): give at most %u", vtab->name->table,
                          vtab->columns.keys);
    }
    for (int i = 1; !rc && i < count; i++) {
        const struct art_column *column = &vtab->columns.items[art_columns_key(&vtab->columns, (unsigned)i)];
        if (art_key_append(&key, column, values[i], i == count - 1)) rc = SQLITE_NOMEM;
    }
    if (rc) {
        fail_call(context, rc, message);
    } else {
        art_result_key(context, true, art_buffer_bytes(&key));
    }
    art_buffer_clear(&key);
    close_asked(&asked);
}

/* A transaction's number is the one behind the last commit that it sees, whatever it takes back: who would commit in
 * between waits for it, or makes it fail. */
static void call_write_version(sqlite3_context *context, int count, sqlite3_value **values) {
    if (any_null(count, values)) return;
    struct art_table_ref *ref = open_table(context, values[0]);
    if (!ref) return;
    sqlite3_result_int64(context, (sqlite3_int64)art_tree_csn(tree_of(ref)) + 1);
    art_table_ref_release(ref);
}

static void call_check(sqlite3_context *context, int count, sqlite3_value **values) {
    struct art_findings findings = {.most = ART_FINDINGS_MAX};
    char *message = NULL, *text = NULL;
    if (any_null(count, values)) return;
    const char *name = (const char *)sqlite3_value_text(values[0]);
    int rc = name ? art_check_named(sqlite3_user_data(context), name, &findings, &message) : SQLITE_NOMEM;
    if (!rc && findings.count) {
        text = art_findings_text(&findings, "");
        if (!text) rc = SQLITE_NOMEM;
    }
    art_findings_clear(&findings);
    if (rc) {
        fail_call(context, rc, message);
        return;
    }
    sqlite3_result_text(context, text ? text : "ok", -1, text ? sqlite3_free : SQLITE_STATIC);
}

static void call_verify(sqlite3_context *context, int count, sqlite3_value **values) {
    char *message = NULL, *text = NULL;
    if (any_null(count, values)) return;
    const char *schema = count ? (const char *)sqlite3_value_text(values[0]) : "main";
    int rc = schema ? art_verify(sqlite3_user_data(context), schema, &text, &message) : SQLITE_NOMEM;
    if (!rc) {
        sqlite3_result_text(context, text, -1, sqlite3_free);
        return;
    }
    fail_call(context, rc, message);
}

static void call_vacuum(sqlite3_context *context, int count, sqlite3_value **values) {
    char *message = NULL;
    const char *outcome;
    if (any_null(count, values)) return;
    const char *name = (const char *)sqlite3_value_text(values[0]);
    int rc = name ? art_vacuum_table(sqlite3_user_data(context), name, &outcome, &message) : SQLITE_NOMEM;
    if (!rc) {
        sqlite3_result_text(context, outcome, -1, SQLITE_STATIC);
        return;
    }
    fail_call(context, rc, message);
}

static void make_copy(sqlite3_context *context, int count, sqlite3_value **values, bool publish) {
    char *message = NULL, *said = NULL;
    if (any_null(count, values)) return;
    const char *path = (const char *)sqlite3_value_text(values[0]);
    const char *schema = count > 1 ? (const char *)sqlite3_value_text(values[1]) : "main";
    const char *storage = count > 2 ? (const char *)sqlite3_value_text(values[2]) : publish ? "inline" : NULL;
    if (path && strlen(path) != (size_t)sqlite3_value_bytes(values[0])) path = ""; /* no file has such a name */
    bool all = path && schema && (storage || count < 3);
    int rc =
        all ? art_backup(sqlite3_user_data(context), path, schema, storage, publish, &said, &message) : SQLITE_NOMEM;
    if (rc) {
        fail_call(context, rc, message);
    } else {
        sqlite3_result_text(context, said, -1, sqlite3_free);
    }
}

static void call_backup(sqlite3_context *context, int count, sqlite3_value **values) {
    make_copy(context, count, values, false);
}

static void call_publish(sqlite3_context *context, int count, sqlite3_value **values) {
    make_copy(context, count, values, true);
}

static void call_version(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    (void)values;
    sqlite3_result_text(context, ART_VERSION, -1, SQLITE_STATIC);
}

#ifndef ART_COMMIT
#define ART_COMMIT      "unknown"
#define ART_COMMIT_DATE "unknown date"
#endif

static const char how_built[] =
#ifdef SQLITE_CORE
    "linked in"
#else
    "loadable"
#endif
#ifdef __OPTIMIZE__
    ", optimized"
#endif
#ifndef NDEBUG
    ", with assertions"
#endif
#if defined(__SSE4_2__)
    ", x86-64-v2"
#elif defined(__SSE2__)
    ", SSE2"
#elif defined(ART_HAVE_VECTORS)
    ", NEON"
#endif
    "";

static void call_debug(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    (void)values;
    struct art_build build;
    art_build_describe(&build);
    sqlite3_str *out = sqlite3_str_new(sqlite3_context_db_handle(context));
    sqlite3_str_appendf(out, "art: %s\n", ART_VERSION);
    sqlite3_str_appendf(out, "commit: %s of %s\n", ART_COMMIT, ART_COMMIT_DATE);
    sqlite3_str_appendf(out, "SQLite: %s, built with the headers of %s\n", sqlite3_libversion(), SQLITE_VERSION);
    sqlite3_str_appendf(out, "SQLite source: %s\n", sqlite3_sourceid());
    sqlite3_str_appendf(out, "SQLite threads: %s\n", sqlite3_threadsafe() ? "yes" : "no");
    sqlite3_str_appendf(out, "SQLite's WAL-reset bug: %s\n",
                        art_sqlite_loses_commits(sqlite3_libversion_number())
                            ? "yes, by its version: in WAL mode commits may be lost when several connections write; "
                              "use 3.51.3 or newer, 3.50.7, or 3.44.6"
                            : "no");
#ifdef __clang__
    sqlite3_str_appendf(out, "compiler: clang %s\n", __clang_version__);
#else
    sqlite3_str_appendf(out, "compiler: gcc %s\n", __VERSION__);
#endif
    sqlite3_str_appendf(out, "build: %s\n", how_built);
    sqlite3_str_appendf(out, "io: %s; this kernel gives %s\n", build.engines, build.uring_works ? "a ring" : "no ring");
    sqlite3_str_appendf(out, "blobs: format %u, %u bytes, pages of %u\n", build.format, build.blob_bytes,
                        build.page_bytes);
    sqlite3_str_appendf(out, "limits: %d bytes a path, %d runs", ART_PATH_MAX, ART_RUNS_MAX);
    char *text = sqlite3_str_finish(out);
    if (!text) {
        sqlite3_result_error_nomem(context);
        return;
    }
    sqlite3_result_text(context, text, -1, sqlite3_free);
}

int art_functions_register(sqlite3 *db) {
    static const struct {
        const char *name;
        int arguments, flags;
        void (*call)(sqlite3_context *, int, sqlite3_value **);
    } functions[] = {
        {"art_count", 2, 0, call_count},
        {"art_count", 3, 0, call_count},
        {"art_sum", 3, 0, call_sum},
        {"art_sum", 4, 0, call_sum},
        {"art_min", 3, 0, call_min},
        {"art_min", 4, 0, call_min},
        {"art_max", 3, 0, call_max},
        {"art_max", 4, 0, call_max},
        {"art_hash", 2, 0, call_hash},
        {"art_hash", 3, 0, call_hash},
        {"art_hash_values", 2, 0, call_hash_values},
        {"art_hash_values", 3, 0, call_hash_values},
        {"art_nth", 3, 0, call_nth},
        {"art_nth", 4, 0, call_nth},
        {"art_rank", 2, 0, call_rank},
        {"art_rank", 3, 0, call_rank},
        {"art_longest_prefix", 2, 0, call_longest_prefix},
        {"art_longest_prefix", 3, 0, call_longest_prefix},
        {"art_longest_prefix", 4, 0, call_longest_prefix},
        {"art_key", -1, 0, call_key},
        {"art_write_version", 1, 0, call_write_version},
        {"art_check", 1, SQLITE_DIRECTONLY, call_check},
        {"art_verify", 0, SQLITE_DIRECTONLY, call_verify},
        {"art_verify", 1, SQLITE_DIRECTONLY, call_verify},
        {"art_vacuum", 1, SQLITE_DIRECTONLY, call_vacuum},
        {"art_backup", 1, SQLITE_DIRECTONLY, call_backup},
        {"art_backup", 2, SQLITE_DIRECTONLY, call_backup},
        {"art_backup", 3, SQLITE_DIRECTONLY, call_backup},
        {"art_publish", 1, SQLITE_DIRECTONLY, call_publish},
        {"art_publish", 2, SQLITE_DIRECTONLY, call_publish},
        {"art_version", 0, SQLITE_INNOCUOUS, call_version},
        {"art_debug", 0, SQLITE_INNOCUOUS, call_debug},
    };
    int rc = SQLITE_OK;
    for (size_t i = 0; !rc && i < sizeof functions / sizeof *functions; i++) {
        struct art_connection *connection = art_connection_hold(db);
        if (!connection) return SQLITE_NOMEM;
        rc = sqlite3_create_function_v2(db, functions[i].name, functions[i].arguments, SQLITE_UTF8 | functions[i].flags,
                                        connection, functions[i].call, NULL, NULL,
                                        art_connection_release); /* releases on failure too */
    }
    return rc;
}
