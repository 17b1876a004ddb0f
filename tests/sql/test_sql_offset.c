/* OFFSET, wherever SQLite may hand it down: compounds, subqueries, CTEs, views, joins, IN, EXISTS.
 *
 * Before 3.46.1 SQLite hands the OFFSET of a compound to each of its arms, also to one that has an ORDER BY out of a
 * subquery. Random queries are run on an art table and on an ordinary one with the same rows, each statement twice,
 * with few rows and with many.
 */
#include "tests/support/grammar.h"
#include "tests/support/sql_one.h"

enum { MANY = 5000, FEW = 12, STEPS_MAX = 1000000 };

TEXTS(views, "CREATE VIEW plain_@ AS SELECT y FROM @", "CREATE VIEW sorted_@ AS SELECT y FROM @ ORDER BY y",
      "CREATE VIEW backward_@ AS SELECT y FROM @ ORDER BY y DESC",
      "CREATE VIEW limited_@ AS SELECT y FROM @ ORDER BY y LIMIT 4 OFFSET 2",
      "CREATE VIEW arms_@ AS SELECT 'q' AS y UNION ALL SELECT * FROM (SELECT y FROM @ ORDER BY y)",
      "CREATE VIEW far_@ AS SELECT 'q' AS y UNION ALL SELECT * FROM (SELECT y FROM @ ORDER BY y) LIMIT 3 OFFSET 2500");

static void set_up(void) {
    sql_set_up_in_memory();
    sql_create(db, "t", "y, n");
    run("CREATE TABLE b(y TEXT PRIMARY KEY NOT NULL, n) WITHOUT ROWID;"
        "CREATE TABLE o(s); INSERT INTO o VALUES('k00003'), ('zz'), ('k02501')");
    for (size_t i = 0; i < LENGTH(views); i++) {
        both(views[i]);
    }
}

static void fill(int rows) {
    run("DELETE FROM t; DELETE FROM b; INSERT INTO b WITH i(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM i LIMIT %d) "
        "SELECT printf('k%%05d', i), i %% 3 FROM i; INSERT INTO t SELECT y, n FROM b WHERE n",
        rows);
    command("flush");
    run("INSERT INTO t SELECT y, n FROM b WHERE NOT n");
}

/* --- random queries ----------------------------------------------------------------------------------------------- */

struct writer {
    struct random random;
    bool many;
};

static const char *const rules[] = {
    "from: FROM @$(3*|8* WHERE $condition)",
    "condition: y > 'k00002' | y BETWEEN 'k00001' AND 'k04000' | y GLOB 'k*' | n > 0 | y >= 'zz' | y > 'k' AND n <> 1 "
    "| y <> 'k00004' | y LIKE 'K0%'",
    "limited: LIMIT $count$(3* OFFSET $skipped|)", "few: 0 | 1 | 2 | 5 | 9 | ?1 | -1 | 1 + 1",
    "few_skipped: 0 | 1 | 2 | 3 | 7 | 12 | 13 | 20 | 2*?2 | 2 - 1 | -1", "many: 1 | 2 | 3 | ?1 | 1 + 1",
    "many_skipped: 0 | 1 | 1999 | 2000 | 2500 | 2*?2 | 4998 | 4999 | 5000 | 5001 | 7000",
    "sorted: SELECT y $from ORDER BY $(2*y|y DESC|y DESC, n|n, y)",
    "arm: $(SELECT 'q'|VALUES('z')|SELECT s FROM o|SELECT max(y) FROM @|SELECT 'u' WHERE 0) | 2*SELECT y $from | "
    "$(SELECT * FROM sorted_@|SELECT y FROM backward_@|SELECT y FROM plain_@|SELECT y FROM limited_@|SELECT y FROM "
    "arms_@|SELECT * FROM far_@|$distinct) | SELECT y FROM ($compound) | SELECT * FROM ($sorted $limit) | "
    "3*SELECT $(*|y) FROM ($sorted)$(3*|8* WHERE $condition)",
    "distinct: SELECT DISTINCT n FROM @", "united: $(22*UNION ALL|UNION|EXCEPT) $arm",
    "compound: SELECT y FROM (SELECT NULL AS y, NULL AS n WHERE 0) $($united|$united $united|$united $united "
    "$united)$(5? ORDER BY $(1|y DESC)) $limit",
    /* As the issue has it: no arm before the first. */
    "bare: $(SELECT 'q' AS y|SELECT y FROM @|SELECT * FROM (SELECT y FROM @ ORDER BY y)|SELECT s AS y FROM o)"
    "$(| UNION ALL $arm| UNION ALL $arm UNION ALL $arm) $limit",
    "any: $compound | $bare",
    /* SQLite 3.40.1 gives a row of DISTINCT that OFFSET should have taken away, of any table, where one is wanted. */
    "query: SELECT * FROM ($any) $limit | WITH c AS ($any) SELECT * FROM c$(| ORDER BY y) $limit | "
    "SELECT count(*), min(y), max(y) FROM ($any) | SELECT s, s IN ($any) FROM o | SELECT s, EXISTS ($any) FROM o | "
    "$(distinct:=SELECT n FROM @ WHERE 0)SELECT s, ($any) FROM o | SELECT * FROM (SELECT * FROM ($any) LIMIT 7) AS a "
    "CROSS JOIN o ORDER BY 1, 2 $limit | SELECT y FROM @ WHERE y IN ($any) ORDER BY y $limit | $sorted $limit | "
    "$($(4*SELECT * FROM $(arms|sorted|limited|far)_@ $limit|SELECT s, (SELECT x.y FROM @ AS x WHERE x.y > s ORDER BY "
    "x.y LIMIT 1 OFFSET ?2) FROM o)) | 2*$any",
    NULL};

/* With many rows there is always a limit. */
static char *random_query(struct writer *x) {
    struct grammar grammar = {.random = &x->random,
                              .rules = rules,
                              .given = {"limit", x->many ? "$limited" : "| 3*$limited", "count",
                                        x->many ? "$many" : "$few", "skipped",
                                        x->many ? "$many_skipped" : "$few_skipped"}};
    return grammar_text(&grammar, "$query");
}

/* --- comparing ---------------------------------------------------------------------------------------------------- */

static int stop(void *context) {
    return 1;
}

/* Of the ordinary table; NULL: it takes too long. */
static char *answer_soon(sqlite3_stmt *statement) {
    sqlite3_progress_handler(db, STEPS_MAX, stop, NULL);
    char *answer = kept(sql_answer(statement));
    sqlite3_progress_handler(db, 0, NULL, NULL);
    if (!strstr(answer, "interrupted")) return answer;
    return NULL;
}

static void bind(sqlite3_stmt *statement, int limit, int offset) {
    sqlite3_bind_int(statement, 1, limit);
    sqlite3_bind_int(statement, 2, offset);
}

/* False: no statement for SQLite. */
static bool agree(struct writer *x, const char *sql) {
    sqlite3_stmt *statements[2];
    bool fine = true;
    for (int i = 0; i < 2; i++) fine &= !sqlite3_prepare_v2(db, named(sql, i), -1, &statements[i], NULL);
    for (int run = 0; fine && run < 2; run++) {
        int limit = (int)random_below(&x->random, 4);
        int offset = x->many ? 1990 + (int)random_below(&x->random, 3100) : (int)random_below(&x->random, 15);
        char *answers[2];
        for (int i = 0; i < 2; i++) bind(statements[i], limit, offset);
        answers[1] = answer_soon(statements[1]);
        if (!answers[1]) break;
        answers[0] = kept(sql_answer(statements[0]));
        if (strcmp(answers[0], answers[1]) != 0) {
            char *plan = kept(sql_plan(db, "t", sql));
            ck_abort_msg("%s\n(?1 = %d, ?2 = %d)\n art:\n%s\n ordinary:\n%s\n%s", sql, limit, offset, answers[0],
                         answers[1], plan);
        }
    }
    for (int i = 0; i < 2; i++) sqlite3_finalize(statements[i]);
    return fine;
}

static void compare(bool many, int queries) {
    struct writer x = {{random_seed()}, many};
    printf("offsets: seed %llu\n", (unsigned long long)x.random.state);
    fill(many ? MANY : FEW);
    int compared = 0;
    for (int i = 0; i < queries; i++) {
        if (!random_span(&x.random)) continue;
        compared += agree(&x, kept(random_query(&x)));
    }
    printf("%d of %d queries compared, twice each\n", compared, queries);
    ck_assert_int_gt(compared, queries / 2);
}

TEST(test_few_rows) {
    compare(false, 2000 * (int)random_scale());
}

TEST(test_so_many_rows_that_they_are_skipped_at_once) {
    compare(true, 120 * (int)random_scale());
}

/* --- how it is done ----------------------------------------------------------------------------------------------- */

enum { FEW_STEPS = 150 };

TEST(test_a_plain_select_skips_rows_without_a_step_for_each) {
    TEXTS(selects, "SELECT y FROM t ORDER BY y LIMIT ?1 OFFSET ?2", "SELECT y FROM t ORDER BY y LIMIT 2 OFFSET 4000",
          "SELECT y, n FROM main.t AS x ORDER BY y DESC LIMIT 2 OFFSET 4000 -- from o",
          "/* UNION */ SELECT * FROM \"t\" WHERE y > 'k00001' ORDER BY y LIMIT 3, 4000; ",
          "select y from [main] . t where y >= 'k00' and y < 'k09' order by y desc limit ?1 offset ?2",
          "SELECT y || n, upper(y) FROM t('k') ORDER BY y LIMIT 2 OFFSET 4000",
          "SELECT y FROM t('k', '', 'k00100') ORDER BY y LIMIT 2 OFFSET 4000",
          "SELECT 'select a union all select b' FROM t ORDER BY y LIMIT 2 OFFSET 4000");
    if (sqlite3_libversion_number() < 3046001) return; /* SQLite steps over the rows itself */
    fill(MANY);
    for (size_t i = 0; i < LENGTH(selects); i++) {
        bool skips = i != 3; /* LIMIT offset, count */
        int steps = steps_of(selects[i], "2, 4000");
        ck_assert_msg(!skips || steps < FEW_STEPS, "%s: %d steps", selects[i], steps);
    }
    sqlite3_stmt *page = sql_prepare(db, "SELECT y FROM t ORDER BY y LIMIT ?1 OFFSET ?2");
    for (int offset = 0; offset < MANY; offset += 500) {
        char expected[20];
        bind(page, 1, offset);
        ck_assert_int_eq(sqlite3_step(page), SQLITE_ROW);
        sqlite3_snprintf(sizeof expected, expected, "k%05d", offset);
        ck_assert_str_eq((const char *)sqlite3_column_text(page, 0), expected);
        ck_assert_int_eq(sqlite3_step(page), SQLITE_DONE);
        sqlite3_reset(page);
    }
    sqlite3_finalize(page);
}

/* Texts that hide an arm, and what runs beside. */
TEST(test_what_may_have_arms_is_no_plain_select) {
    fill(MANY);
    for (int open = 0; open < 2; open++) {
        sqlite3_stmt *beside = sql_prepare(db, "SELECT y FROM t ORDER BY y");
        if (open) ck_assert_int_eq(sqlite3_step(beside), SQLITE_ROW);
        EACH(select, "SELECT y FROM @ WHERE y IN far_@ ORDER BY y LIMIT 3 OFFSET 0",
             "SELECT /* from o */ y FROM far_@ ORDER BY y LIMIT 3", "SELECT * FROM far_@",
             "SELECT * FROM o, far_@ ORDER BY 1, 2 LIMIT 3", "SELECT * FROM o AS far, (far_@) ORDER BY 1, 2 LIMIT 2",
             "WITH c AS (SELECT * FROM far_@) SELECT * FROM c",
             "VALUES('v') UNION ALL SELECT * FROM (SELECT y FROM @ ORDER BY y) LIMIT 2 OFFSET 3000") {
            struct writer x = {{1}, true};
            ck_assert_msg(agree(&x, select), "%s: %s", select, sqlite3_errmsg(db));
        }
        sqlite3_finalize(beside);
    }
    char *expected = kept(sql_rows(db, "SELECT * FROM far_b"));
    run("CREATE TEMP VIEW t AS SELECT 'q' AS y UNION ALL SELECT * FROM (SELECT y FROM main.t ORDER BY y) LIMIT 3 "
        "OFFSET 2500");
    expect(expected, "SELECT y FROM t");
    expect(expected, "SELECT y FROM t ORDER BY y LIMIT 3 OFFSET 0");
}

SUITE("offset", .seconds = 3600, .set_up = set_up, .tear_down = sql_tear_down)
