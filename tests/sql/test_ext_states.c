/* The stages of a table in a transaction (ext/txn/txn.h draws them), in all orders in which SQLite calls back: explored
 * to their end.
 *
 * Beside the art tables t and u there are ordinary ones, and each statement does the same to both. A state is what
 * SQLite's connection is at, and what art knows of it: each table's stage, owner and saved states. From each one that
 * can be reached every statement is tried, led there by the shortest way. Then the stage is as the model says, what
 * must hold in it is asserted (art_table_assert()), and both kinds of tables have the same rows. At the end each arrow
 * of the diagram was gone along, and no other.
 *
 * So savepoints are repeated, handles come late, a COMMIT is refused, or vetoed, a statement within another one rolls
 * back everything, or to a savepoint, and the schema is read again: in any order, as far as two savepoints go. Not all
 * of it at once, which would be tens of thousands of states: `scopes` says what is tried together.
 *
 *     ART_STATES=print test_ext_states      the arrows, with the statements that lead along them
 */
#define SQLITE_CORE 1
#include "ext/txn/txn.h"

#include <fcntl.h>
#include <unistd.h>

#include "tests/support/sql.h"
#include "tests/support/suite.h"

enum { MARKS = 2, STATES_MAX = 1 << 14, WAY_MAX = 64, SEEN_SAVED = 4, TABLES_MAX = 2 };

enum call {
    BEGIN_IT,
    COMMIT_IT,
    REFUSED, /* a COMMIT while another connection reads */
    VETOED,  /* a COMMIT that the program's hook does not want: after xSync all is rolled back */
    ROLLBACK_IT,
    MARK,
    BACK_TO_FIRST,
    BACK_TO_SECOND,
    RELEASE_FIRST,
    RELEASE_SECOND,
    PUT,      /* one row, for which SQLite sets no savepoint */
    PUTS,     /* two rows, for which it does */
    FAIL,     /* the second of two rows is refused */
    EMPTY,    /* no row is left */
    PUT_LATE, /* into u, whose handle begins later */
    COMMAND,
    END_ALL,      /* a statement on another table rolls everything back */
    NESTED_END,   /* so does one within an INSERT into t */
    NESTED_BACK,  /* one within an INSERT goes back to the first savepoint */
    NESTED_FAIL,  /* the same, and the INSERT fails afterwards */
    NESTED_BEGIN, /* a transaction begins while a statement writes */
    BEGIN_BEHIND, /* and behind the last of its writes, which have left no row */
    NESTED_LATE,  /* u is written within an INSERT into t */
    RELOAD,       /* the schema is read again: new handles */
    RENAME,
    DROP_OR_CREATE, /* u */
    OTHER,          /* another connection changes a row, and the schema */
    CALLS
};
static const char *const names[CALLS] = {
    [BEGIN_IT] = "BEGIN",
    [COMMIT_IT] = "COMMIT",
    [REFUSED] = "refused COMMIT",
    [VETOED] = "vetoed COMMIT",
    [ROLLBACK_IT] = "ROLLBACK",
    [MARK] = "SAVEPOINT",
    [BACK_TO_FIRST] = "back to first",
    [BACK_TO_SECOND] = "back to second",
    [RELEASE_FIRST] = "release first",
    [RELEASE_SECOND] = "release second",
    [PUT] = "a row",
    [PUTS] = "two rows",
    [FAIL] = "refused row",
    [EMPTY] = "DELETE of all rows",
    [PUT_LATE] = "a row of u",
    [COMMAND] = "'flush'",
    [END_ALL] = "OR ROLLBACK",
    [NESTED_END] = "nested ROLLBACK",
    [NESTED_BACK] = "nested ROLLBACK TO",
    [NESTED_FAIL] = "nested ROLLBACK TO, refused row",
    [NESTED_BEGIN] = "nested BEGIN",
    [BEGIN_BEHIND] = "nested BEGIN behind a DELETE of all rows",
    [NESTED_LATE] = "nested row of u",
    [RELOAD] = "schema change",
    [RENAME] = "RENAME",
    [DROP_OR_CREATE] = "DROP or CREATE of u",
    [OTHER] = "another connection",
};

/* What is tried together; with a table named art_txn in temp there is no listener. */
#define BIT(call) (1u << (call))
#define OF_U      (BIT(PUT_LATE) | BIT(NESTED_LATE) | BIT(DROP_OR_CREATE))
#define OF_ONE                                                                                                         \
    (BIT(VETOED) | BIT(PUTS) | BIT(EMPTY) | BIT(COMMAND) | BIT(END_ALL) | BIT(NESTED_END) | BIT(NESTED_BEGIN) |        \
     BIT(NESTED_FAIL) | BIT(BEGIN_BEHIND) | BIT(RENAME) | BIT(OTHER))
static const struct scope {
    const char *name;
    uint32_t without; /* calls, as bits */
    unsigned marks;
    bool blocked;
} scopes[] = {
    {"savepoints", OF_U | BIT(RENAME) | BIT(COMMAND) | BIT(EMPTY) | BIT(BEGIN_BEHIND), MARKS, false},
    {"names and commands", OF_U | BIT(NESTED_FAIL) | BIT(END_ALL) | BIT(PUTS) | BIT(VETOED) | BIT(NESTED_BACK), 1,
     false},
    {"two tables", OF_ONE | BIT(NESTED_BACK) | BIT(DROP_OR_CREATE), 1, false},
    {"a table comes and goes", OF_ONE | BIT(NESTED_BACK) | BIT(PUT) | BIT(NESTED_LATE) | BIT(FAIL), 1, false},
    {"no listener", OF_ONE | BIT(DROP_OR_CREATE), 1, true},
};
enum { SCOPES = LENGTH(scopes) };
static const struct scope *scope;

/* --- a state, as it can be seen ----------------------------------------------------------------------------------- */

struct seen_table {
    uint8_t stage, owner, exists, begin_exists, requested, locked, dirty, first, saved_count;
    int8_t saved[SEEN_SAVED]; /* their numbers */
    uint8_t of_beginning;     /* which of them stand for it, as bits */
};
struct state {
    uint8_t open, by_savepoint, refused, marks, joined, tables, renamed, u_there;
    int8_t cut;
    struct seen_table t, u;
};

static char *directory, *path;
static sqlite3 *db, *other;
static sqlite3_stmt *reader; /* of `other`, because of which a COMMIT is refused */
static struct art_connection *connection;
static unsigned marks, first_version, worlds;
static bool by_savepoint;                    /* the transaction was begun by one */
static uint8_t first_ids[2][ART_UUID_BYTES]; /* of t and u at the beginning */
static const char *nested;                   /* what the function nested() runs */
static unsigned nested_at;                   /* and in which of its calls */

static int8_t shortened(int number) {
    return (int8_t)(number < -100 ? -100 : number > 100 ? 100 : number);
}

static struct seen_table look_at(const struct art_table *table, bool is_u) {
    struct seen_table out = {.stage = (uint8_t)table->stage,
                             .owner = !table->owner               ? 0
                                      : art_table_is_heard(table) ? 2
                                                                  : 1,
                             .exists = table->exists,
                             .begin_exists = table->owner && table->begin.exists,
                             .requested = (uint8_t)table->requested,
                             .locked = table->fresh == ART_FRESH_LOCKED,
                             .first = !memcmp(table->uuid, first_ids[is_u], ART_UUID_BYTES),
                             .dirty = art_tree_dirty(table->tree),
                             .saved_count = (uint8_t)table->saved_count};
    for (unsigned i = 0; i < table->saved_count && i < SEEN_SAVED; i++) {
        out.saved[i] = shortened(table->saved[i].number);
        out.of_beginning |= (uint8_t)((table->saved[i].savepoint == ART_SAVEPOINT_BEGIN) << i);
    }
    return out;
}

static bool is_there(const char *table) {
    return sql_int(db, "SELECT count(*) FROM sqlite_schema WHERE name = %Q", table) > 0;
}

/* The one that exists and is called so. */
static const struct art_table *find(const char *name) {
    for (unsigned chain = 0; chain < ART_TABLE_CHAINS; chain++) {
        for (const struct art_table *table = connection->tables[chain]; table; table = table->next) {
            if (table->exists && !strcmp(table->name->table, name)) return table;
        }
    }
    return NULL;
}

static const char *name_of_t(void) {
    return is_there("t2") ? "t2" : "t";
}

static struct state look(void) {
    struct state out;
    memset(&out, 0, sizeof out);
    out.open = !sqlite3_get_autocommit(db);
    out.by_savepoint = by_savepoint;
    out.refused = reader != NULL;
    out.marks = (uint8_t)marks;
    out.joined = connection->joined;
    out.renamed = is_there("t2");
    out.u_there = is_there("u");
    out.cut = shortened(connection->savepoints.cut);
    const struct art_table *t = find(out.renamed ? "t2" : "t"), *u = find("u");
    if (t) out.t = look_at(t, false);
    if (u) out.u = look_at(u, true);
    for (const struct art_table *table = connection->changing; table; table = table->changing_next) out.tables++;
    return out;
}

/* --- the world ---------------------------------------------------------------------------------------------------- */

static char way_here[1024]; /* the statements, in words */

static void must_be(int rc, int expected) {
    if ((rc & 0xff) != expected)
        ck_abort_msg("code %d (%s) instead of %d, behind:%s", rc, sqlite3_errmsg(db), expected, way_here);
}

/* The same on the ordinary tables as on the art tables, whose names are put into the statement. */
static void on_both(int expected, const char *format) {
    must_be(sql_try(db, format, name_of_t()), expected);
    must_be(sql_try(db, format, "bt"), expected);
}

static void run_nested(sqlite3_context *context, int count, sqlite3_value **values) {
    if (nested && !nested_at--) must_be(sqlite3_exec(db, nested, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_result_value(context, values[0]);
}

/* --- files -------------------------------------------------------------------------------------------------------- */

/* The database as each world begins, and its .art file, which knows both by their inodes: so they stay, and are written
 * anew. */
static struct file {
    char *path, *bytes;
    size_t size;
} files[2];
static unsigned file_count;

static void file_keep(const char *suffix) {
    struct file *file = &files[file_count];
    file->path = sql_find_file(directory, suffix);
    if (!file->path) return;
    file_count++;
    file->size = (size_t)sql_file_size(directory, suffix);
    file->bytes = malloc(file->size);
    int from = open(file->path, O_RDONLY);
    ck_assert_int_eq(read(from, file->bytes, file->size), (ssize_t)file->size);
    close(from);
}

static void file_restore(const struct file *file) {
    int to = open(file->path, O_WRONLY);
    ck_assert_int_eq(pwrite(to, file->bytes, file->size, 0), (ssize_t)file->size);
    ck_assert_int_eq(ftruncate(to, (off_t)file->size), 0);
    close(to);
}

static sqlite3 *connect_to(void) {
    sqlite3 *out;
    ck_assert_int_eq(sqlite3_open(path, &out), SQLITE_OK);
    ck_assert_int_eq(sqlite3_art_init(out, NULL, NULL) & 0xff, SQLITE_OK);
    sql_run(out, "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF");
    return out;
}

static void files_make(void) {
    directory = sql_scratch("states");
    path = sqlite3_mprintf("%s/a.db", directory);
    db = connect_to();
    sql_create(db, "t", "");
    sql_create(db, "u", "");
    sql_run(db, "CREATE TABLE bt(path TEXT PRIMARY KEY, value) WITHOUT ROWID;"
                "CREATE TABLE bu(path TEXT PRIMARY KEY, value) WITHOUT ROWID; CREATE TABLE p(x UNIQUE);"
                "CREATE TABLE q(x); CREATE TRIGGER on_q AFTER INSERT ON q BEGIN"
                "  INSERT OR REPLACE INTO t VALUES('a', 1); DELETE FROM t; DELETE FROM bt; SELECT nested(1); END;"
                "INSERT INTO p VALUES(1); INSERT INTO t VALUES('old', 0); INSERT INTO bt VALUES('old', 0);"
                "INSERT INTO t(t) VALUES('flush')");
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    file_count = 0;
    file_keep(".db");
    file_keep(".art");
}

static void files_end(void) {
    while (file_count) {
        free(files[--file_count].bytes);
        sqlite3_free(files[file_count].path);
    }
    sql_scratch_remove(directory);
    sqlite3_free(directory);
    sqlite3_free(path);
}

/* --- statements --------------------------------------------------------------------------------------------------- */

static unsigned version_of_file(void) {
    unsigned version = 0;
    sqlite3_file_control(db, "main", SQLITE_FCNTL_DATA_VERSION, &version);
    return version;
}

static void world_make(void) {
    for (unsigned i = 0; i < file_count; i++) file_restore(&files[i]);
    db = connect_to();
    sqlite3_create_function(db, "nested", 1, SQLITE_UTF8, NULL, run_nested, NULL, NULL);
    if (scope->blocked) sql_run(db, "CREATE TEMP TABLE art_txn(x)");
    sql_run(db, "SELECT * FROM t; SELECT * FROM u");
    connection = art_connection_hold(db);
    marks = 0;
    by_savepoint = false;
    memcpy(first_ids[0], find("t")->uuid, ART_UUID_BYTES);
    memcpy(first_ids[1], find("u")->uuid, ART_UUID_BYTES);
    first_version = version_of_file();
    worlds++;
}

static void end_reading(void) {
    sqlite3_finalize(reader);
    sqlite3_close(other);
    reader = NULL;
    other = NULL;
}

/* Files of tables that the world has made go with it. */
static void world_end(void) {
    end_reading();
    sql_try(db, "ROLLBACK");
    if (is_there("u")) sql_try(db, "DROP TABLE u");
    art_connection_release(connection);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    db = NULL;
}

/* The other connection goes on reading until somebody commits: a refused COMMIT lets no reader begin. */
static void commit_refused(void) {
    if (!reader) {
        ck_assert_int_eq(sqlite3_open(path, &other), SQLITE_OK);
        ck_assert_int_eq(sqlite3_prepare_v2(other, "SELECT * FROM p", -1, &reader, NULL), SQLITE_OK);
        ck_assert_int_eq(sqlite3_step(reader), SQLITE_ROW);
    }
    int rc = sql_try(db, by_savepoint ? "RELEASE s0" : "COMMIT");
    if (rc) must_be(rc, SQLITE_BUSY); /* else nothing had been written */
}

static int veto(void *context) {
    return 1;
}

static void another_commits(void) {
    sqlite3 *mine = db;
    db = connect_to();
    sql_run(db, "CREATE TABLE y(x); DROP TABLE y");
    on_both(SQLITE_OK, "INSERT OR REPLACE INTO %s VALUES('other', 1)");
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    db = mine;
}

static const char rows_text[] = "INSERT OR REPLACE INTO %s SELECT value, nested(1) FROM json_each('[1, 2, 3]')";
static const char failing_text[] =
    "INSERT OR REPLACE INTO %s SELECT value, nested(1) FROM json_each('[1, 2, 3, null]')";

/* Rows for t, before whose second one the text is run. */
static int with_nested(const char *text, const char *rows) {
    nested = text;
    nested_at = 1;
    int rc = sql_try(db, rows, name_of_t());
    nested = NULL;
    return rc;
}

static void drop_or_create(void) {
    if (is_there("u")) {
        must_be(sql_try(db, "DROP TABLE u; DROP TABLE bu"), SQLITE_OK);
    } else {
        sql_create(db, "u", "");
        must_be(sql_try(db, "CREATE TABLE bu(path TEXT PRIMARY KEY, value) WITHOUT ROWID"), SQLITE_OK);
    }
}

static void nested_back(bool fails) {
    must_be(with_nested("ROLLBACK TO s0", fails ? failing_text : rows_text), fails ? SQLITE_CONSTRAINT : SQLITE_OK);
    marks = 1;
    must_be(sql_try(db, "INSERT OR REPLACE INTO bt VALUES('2', 1), ('3', 1)"), SQLITE_OK);
}

static void world_step(enum call call) {
    static const char late[] = "INSERT OR REPLACE INTO u VALUES('a', 1); INSERT OR REPLACE INTO bu VALUES('a', 1)";
    switch (call) {
    case BEGIN_IT:
        must_be(sql_try(db, "BEGIN"), SQLITE_OK);
        break;
    case COMMIT_IT:
        end_reading();
        must_be(sql_try(db, "COMMIT"), SQLITE_OK);
        break;
    case REFUSED:
        commit_refused();
        break;
    case VETOED:
        end_reading();
        sqlite3_commit_hook(db, veto, NULL);
        if (sql_try(db, "COMMIT")) must_be(sqlite3_errcode(db), SQLITE_CONSTRAINT);
        sqlite3_commit_hook(db, NULL, NULL);
        break;
    case ROLLBACK_IT:
        must_be(sql_try(db, "ROLLBACK"), SQLITE_OK);
        break;
    case MARK:
        by_savepoint |= sqlite3_get_autocommit(db);
        must_be(sql_try(db, "SAVEPOINT s%u", marks++), SQLITE_OK);
        break;
    case BACK_TO_FIRST:
    case BACK_TO_SECOND:
        must_be(sql_try(db, "ROLLBACK TO s%d", call - BACK_TO_FIRST), SQLITE_OK);
        marks = call - BACK_TO_FIRST + 1;
        break;
    case RELEASE_FIRST:
    case RELEASE_SECOND:
        if (by_savepoint && call == RELEASE_FIRST) end_reading();
        must_be(sql_try(db, "RELEASE s%d", call - RELEASE_FIRST), SQLITE_OK);
        marks = call - RELEASE_FIRST;
        break;
    case PUT:
        on_both(SQLITE_OK, "INSERT OR REPLACE INTO %s VALUES('a', 1)");
        break;
    case PUTS:
        on_both(SQLITE_OK, "INSERT OR REPLACE INTO %s VALUES('b', 1), ('c', 1)");
        break;
    case FAIL:
        on_both(SQLITE_CONSTRAINT, "INSERT OR REPLACE INTO %s VALUES('d', 1), (NULL, 1)");
        break;
    case EMPTY:
        on_both(SQLITE_OK, "INSERT OR REPLACE INTO %s VALUES('a', 1)");
        on_both(SQLITE_OK, "DELETE FROM %s");
        break;
    case PUT_LATE:
        must_be(sql_try(db, late), SQLITE_OK);
        break;
    case COMMAND:
        must_be(sql_try(db, "INSERT INTO %s(%s) VALUES('flush')", name_of_t(), name_of_t()), SQLITE_OK);
        break;
    case END_ALL:
        must_be(sql_try(db, "INSERT OR ROLLBACK INTO p VALUES(1)"), SQLITE_CONSTRAINT);
        break;
    case NESTED_END:
        must_be(with_nested("ROLLBACK", rows_text), SQLITE_ABORT);
        break;
    case NESTED_BACK:
    case NESTED_FAIL:
        nested_back(call == NESTED_FAIL);
        break;
    case NESTED_BEGIN:
        must_be(with_nested("BEGIN", rows_text), SQLITE_OK);
        must_be(sql_try(db, rows_text, "bt"), SQLITE_OK);
        break;
    case BEGIN_BEHIND:
        nested = "BEGIN";
        nested_at = 0;
        must_be(sql_try(db, "INSERT INTO q VALUES(1)"), SQLITE_OK);
        nested = NULL;
        break;
    case NESTED_LATE:
        must_be(with_nested(late, rows_text), SQLITE_OK);
        must_be(sql_try(db, rows_text, "bt"), SQLITE_OK);
        break;
    case RELOAD:
        must_be(sql_try(db, "PRAGMA writable_schema=RESET"), SQLITE_OK);
        break;
    case RENAME:
        must_be(sql_try(db, "ALTER TABLE %s RENAME TO %s", is_there("t2") ? "t2" : "t", is_there("t2") ? "t" : "t2"),
                SQLITE_OK);
        break;
    case DROP_OR_CREATE:
        drop_or_create();
        break;
    case OTHER:
        another_commits();
        break;
    default:
        break;
    }
    if (!sqlite3_get_autocommit(db)) return;
    end_reading();
    marks = 0;
    by_savepoint = false;
}

/* Does SQLite take such a statement there? */
static bool may_come(const struct state *s, enum call call) {
    if (scope->without >> call & 1) return false;
    switch (call) {
    case BEGIN_IT:
    case NESTED_BEGIN:
    case BEGIN_BEHIND:
    case OTHER:
        return !s->open;
    case COMMIT_IT:
    case REFUSED:
    case VETOED:
    case ROLLBACK_IT:
    case NESTED_END:
        return s->open;
    case MARK:
        return s->marks < scope->marks;
    case BACK_TO_FIRST:
    case RELEASE_FIRST:
    case NESTED_BACK:
    case NESTED_FAIL:
        return s->marks >= 1;
    case BACK_TO_SECOND:
    case RELEASE_SECOND:
        return s->marks >= 2;
    case PUT_LATE:
    case NESTED_LATE:
        return s->u_there;
    case DROP_OR_CREATE:
        return s->tables < TABLES_MAX; /* each one that comes or goes is of the transaction until its end */
    default:
        return true;
    }
}

/* --- the model ---------------------------------------------------------------------------------------------------- */

/* What a statement does with a table. */
enum { LEAVES, CHANGES, CHANGES_AND_GOES_BACK, GOES_BACK };

static int use_of(enum call call, bool is_u) {
    switch (call) {
    case PUT:
    case PUTS:
    case COMMAND:
    case EMPTY:
    case RENAME:
    case NESTED_BEGIN:
    case BEGIN_BEHIND:
        return is_u ? LEAVES : CHANGES;
    case FAIL:
    case NESTED_BACK:
    case NESTED_FAIL:
        return is_u ? GOES_BACK : CHANGES_AND_GOES_BACK;
    case BACK_TO_FIRST:
    case BACK_TO_SECOND:
        return GOES_BACK;
    case PUT_LATE:
        return is_u ? CHANGES : LEAVES;
    case NESTED_LATE:
        return CHANGES;
    case DROP_OR_CREATE:
        return is_u ? CHANGES : LEAVES;
    default:
        return LEAVES;
    }
}

/* The stage behind a statement; `open`: a transaction is, behind it. */
static enum art_stage model(const struct state *at, enum call call, bool is_u, bool open) {
    const struct seen_table *before = is_u ? &at->u : &at->t;
    enum art_stage stage = before->stage;
    if (!open) return ART_STAGE_OUT;
    bool taken_over = call == DROP_OR_CREATE && at->u_there;
    if (taken_over && stage == ART_STAGE_ALONE) return ART_STAGE_CHANGING;
    if (call == REFUSED) {
        bool writes = before->exists && (before->requested || before->dirty);
        if (stage != ART_STAGE_OUT && writes) return ART_STAGE_PREPARED;
        return stage == ART_STAGE_PREPARED ? ART_STAGE_REFUSED : stage;
    }
    int use = use_of(call, is_u);
    if (use == CHANGES || use == CHANGES_AND_GOES_BACK) {
        if (call == BEGIN_BEHIND) return ART_STAGE_ALONE;
        if (stage <= ART_STAGE_ALONE) stage = ART_STAGE_CHANGING;
    }
    bool back = use == GOES_BACK || use == CHANGES_AND_GOES_BACK;
    return back && stage == ART_STAGE_PREPARED ? ART_STAGE_REFUSED : stage;
}

static const char *stage_name(enum art_stage stage) {
    static const char *const stages[ART_STAGES] = {"OUT", "ALONE", "CHANGING", "PREPARED", "REFUSED"};
    return stages[stage];
}

static void same_rows(const char *art, const char *ordinary) {
    char *given = kept(sql_rows(db, "SELECT path, value FROM %s ORDER BY path", art));
    char *wanted = kept(sql_rows(db, "SELECT path, value FROM %s ORDER BY path", ordinary));
    if (strcmp(given, wanted) != 0)
        ck_abort_msg("%s has\n%sand should have\n%sbehind:%s", art, given, wanted, way_here);
}

/* Newer versions of SQLite may go back to a statement's savepoint within an ALTER TABLE, and begin it again. */
static void compare_stage(const struct seen_table *is, enum art_stage should, enum call call, const char *table) {
    if (call == RENAME && should == ART_STAGE_PREPARED && is->stage == ART_STAGE_REFUSED) return;
    if (is->stage != should) {
        ck_abort_msg("%s is %s and should be %s, behind:%s", table, stage_name(is->stage), stage_name(should),
                     way_here);
    }
}

static void assert_all(void) {
    for (unsigned chain = 0; chain < ART_TABLE_CHAINS; chain++) {
        for (const struct art_table *table = connection->tables[chain]; table; table = table->next)
            art_table_assert(table);
    }
    art_savepoints_assert(&connection->savepoints);
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

struct found {
    struct state state;
    uint32_t from; /* another one; its own number: the first */
    uint8_t by;    /* the statement that led here */
};
static struct found *found;
static uint32_t found_count;
static uint32_t gone[ART_STAGES][ART_STAGES]; /* statements, as bits */

static uint32_t find_or_add(const struct state *state, uint32_t from, enum call by) {
    for (uint32_t i = 0; i < found_count; i++) {
        if (!memcmp(&found[i].state, state, sizeof *state)) return i;
    }
    ck_assert_uint_lt(found_count, STATES_MAX);
    found[found_count] = (struct found){*state, from, (uint8_t)by};
    return found_count++;
}

/* The statements that lead to a state, the first one first. */
static unsigned way_to(uint32_t number, enum call *way) {
    unsigned count = 0;
    for (uint32_t at = number; found[at].from != at; at = found[at].from) count++;
    ck_assert_uint_lt(count, WAY_MAX);
    unsigned left = count;
    for (uint32_t at = number; left; at = found[at].from) way[--left] = (enum call)found[at].by;
    return count;
}

static void note(enum art_stage from, enum art_stage to, enum call call) {
    if (from != to) gone[from][to] |= 1u << call;
}

/* A world in which nothing was committed may be as it was at first. */
static bool begins_anew(void) {
    if (!db) return false;
    end_reading();
    sql_try(db, "ROLLBACK");
    marks = 0;
    by_savepoint = false;
    sql_try(db, "SELECT * FROM t; SELECT * FROM u");
    struct state now = look();
    if (version_of_file() == first_version && !memcmp(&now, &found[0].state, sizeof now)) return true;
    world_end();
    return false;
}

/* Goes there, and one statement on. */
static void try_call(uint32_t number, enum call call) {
    enum call way[WAY_MAX + 1];
    struct state before = found[number].state;
    unsigned count = way_to(number, way);
    way[count] = call;
    way_here[0] = 0;
    for (unsigned i = 0, at = 0; i <= count && at < sizeof way_here; i++)
        at += (unsigned)snprintf(way_here + at, sizeof way_here - at, " %s;", names[way[i]]);
    if (!begins_anew()) world_make();
    for (unsigned i = 0; i < count; i++) world_step(way[i]);
    world_step(call);
    assert_all();
    struct state after = look();
    if (before.t.exists && after.t.exists) {
        compare_stage(&after.t, model(&before, call, false, after.open), call, "t");
        note(before.t.stage, after.t.stage, call);
    }
    if (before.u.exists && after.u.exists && before.u.first == after.u.first) {
        compare_stage(&after.u, model(&before, call, true, after.open), call, "u");
        note(before.u.stage, after.u.stage, call);
    }
    find_or_add(&after, number, call);
    same_rows(name_of_t(), "bt");
    if (is_there("u")) same_rows("u", "bu");
}

static void explore(void) {
    uint32_t tried = 0;
    found_count = worlds = 0;
    files_make();
    world_make();
    struct state first = look();
    find_or_add(&first, 0, 0);
    for (uint32_t i = 0; i < found_count; i++) {
        for (enum call call = 0; call < CALLS; call++) {
            if (!may_come(&found[i].state, call)) continue;
            try_call(i, call);
            tried++;
        }
    }
    world_end();
    files_end();
    printf("%s: %u states, %u statements, %u worlds\n", scope->name, found_count, tried, worlds);
}

static void check_arrow(enum art_stage from, enum art_stage to) {
    uint32_t calls = gone[from][to];
    ck_assert_msg(art_stage_leads_to(from, to) == (calls != 0), "%s -> %s", stage_name(from), stage_name(to));
    if (!calls || !getenv("ART_STATES")) return;
    printf("%-8s -> %-8s", stage_name(from), stage_name(to));
    for (int call = 0; call < CALLS; call++) {
        if (calls >> call & 1) printf("  %s", names[call]);
    }
    printf("\n");
}

TEST(test_a_table_is_at_the_stage_that_the_model_says_whatever_came_before) {
    found = calloc(STATES_MAX, sizeof *found);
    for (scope = scopes; scope < scopes + SCOPES; scope++) explore();
    for (enum art_stage from = 0; from < ART_STAGES; from++) {
        for (enum art_stage to = 0; to < ART_STAGES; to++) check_arrow(from, to);
    }
    free(found);
}

int main(void) {
    sql_ways("pwrite", "off");
    return suite_run("stages of a transaction", .seconds = SUITE_FOREVER);
}
