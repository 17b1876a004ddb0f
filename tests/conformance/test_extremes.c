/* The rows at either end of a column's order, over the life of queues, caches and expiries: rows are taken from there,
 * change, and come back, and each question has the answer of an ordinary table.
 *
 * Both tables lie in one database, so that transactions, savepoints and other connections are the same for both
 * (support/differential.h). Small limits make flushes, merges and spills. What the tree remembers of hidden rows
 * (core/tree/state/front.c) must be forgotten with a ROLLBACK of what hides them, and with nothing else that happens
 * here.
 */
#include "tests/support/differential.h"
#include "tests/support/grammar.h"
#include "tests/support/sql_expect.h"

enum { WORLDS = 8, STEPS = 1800 };

/* Values come in the order of `now`, more or less; a row is named by a number, and there is none above `numbered`. */
static int64_t now;
static unsigned numbered;
static bool others; /* NULLs, doubles, texts */

static const char *const rules[] = {
    "range: path >= 'q$(q=$(0-4))/' AND path < 'q$q0' | path >= '' AND path < 'r'",
    "due: $now | 19*$past",
    "first: (SELECT path FROM plain WHERE $range ORDER BY due, path LIMIT 1)",
    "end: due < (SELECT min(due) + $share) | due > (SELECT max(due) - $share)",
    "share: (max(due) - min(due)) / $(29*100|2) FROM plain WHERE typeof(due) = 'integer'",
    "write: 280*UPDATE {t|plain} SET due = $now, state = 1 WHERE path = $first | "
    "120*DELETE FROM {t|plain} WHERE path = $first | "
    "160*UPDATE {t|plain} SET due = $due, state = $(0-2) WHERE path = '$recent' | "
    "160*INSERT OR REPLACE INTO {t|plain}(path, due, state, note) VALUES('$new', $due, $(0-2), "
    "'some words to fill the pages with, so many') | 40*DELETE FROM {t|plain} WHERE path = '$any' | "
    "5*DELETE FROM {t|plain} WHERE $end AND $range",
    "limit: LIMIT $(2*1|$(1-30))",
    "question: SELECT due, path FROM {t|plain} WHERE $range ORDER BY due, path $limit | "
    "SELECT due FROM {t|plain} WHERE $range AND due IS NOT NULL ORDER BY due DESC $limit | "
    "SELECT due FROM {t|plain} WHERE $range AND due <= $bound ORDER BY due $limit | "
    "SELECT due FROM {t|plain} WHERE $range AND due >= $bound ORDER BY due DESC $limit | "
    "SELECT due FROM {t|plain} WHERE $range AND state = $(0-2) ORDER BY due $limit | "
    "5*SELECT quote({art_$(e=min|max)('t', 'due', '$(p=|q$(0-4)/)')|$e(due)}){| FROM plain WHERE path GLOB '$p*'}",
    NULL};

static char *due(int64_t is) {
    unsigned kind = others ? (unsigned)is % 16 : 15;
    return kind == 0                   ? sqlite3_mprintf("NULL")
           : kind == 1                 ? sqlite3_mprintf("%lld.5", is)
           : kind == 2 && is % 11 == 0 ? sqlite3_mprintf("'soon'")
                                       : sqlite3_mprintf("%lld", is);
}

static char *key(unsigned number) {
    return sqlite3_mprintf("q%u/%08x", number % 5, number * 2654435761u);
}

static void draw_more(struct grammar *grammar, const char *name) {
    struct random *random = grammar->random;
    char *text = !strcmp(name, "now")      ? due(now++)
                 : !strcmp(name, "past")   ? due(now - random_below(random, 3000))
                 : !strcmp(name, "bound")  ? sqlite3_mprintf("%lld", now - random_below(random, 4000))
                 : !strcmp(name, "new")    ? key(numbered += 1)
                 : !strcmp(name, "recent") ? key(numbered - random_below(random, numbered < 4000 ? numbered : 4000))
                 : !strcmp(name, "any")    ? key(random_below(random, numbered))
                                           : NULL;
    ck_assert_msg(text, "no rule says what '%s' is", name);
    grammar_put(grammar, text, (int)strlen(text));
    sqlite3_free(text);
}

static char *drawn(struct both *both, const char *text) {
    return grammar_text(&(struct grammar){.random = &both->random, .rules = rules, .call = draw_more}, text);
}

static void write_some(struct both *both) {
    for (unsigned n = 1 + below(both, 6); n; n--) both_write(both, drawn(both, "$write"));
}

static void ask(struct both *both, sqlite3 *db, const struct both_state *state) {
    both_same(both, db, drawn(both, "$question"));
}

static void check(struct both *both, sqlite3 *db, const struct both_state *state) {
    sql_expect(db, "ok\n", "SELECT art_check('t')");
    both_asks(both, db, "SELECT count(*), count(due), total(due), sum(state) FROM {t|plain}");
}

LOOP_TEST(test_the_least_and_the_largest_are_those_of_an_ordinary_table_whatever_was_taken_before, WORLDS) {
    TEXTS(limits, ", log_limit='20KB', spill_limit='64KB'", ", log_limit='200KB'", ", spill_limit='16KB'", "");
    struct both both = {.random = {random_seed() + (uint64_t)_i},
                        .write = write_some,
                        .ask = ask,
                        .check = check,
                        .rollback = _i % 2 == 0};
    unsigned rows = _i % 4 ? 6000 : 20000;
    now = 100000 + rows;
    numbered = rows;
    others = _i % 3 == 2;
    both_open(&both, "extremes");
    char *options = TEXT("path, due, state, note, summary=(max(due), max(state))%s", limits[_i % 4]);
    sql_create(both.db, "t", options);
    sql_run(both.db, "CREATE TABLE plain(path TEXT PRIMARY KEY, due, state, note) WITHOUT ROWID;"
                     "CREATE INDEX by_due ON plain(due)");
    both_writes(&both,
                "INSERT INTO {t|plain}(path, due, state, note) WITH i(i) AS (SELECT 1 UNION ALL SELECT i "
                "+ 1 FROM i LIMIT %u) SELECT printf('q%%d/%%08x', i %% 5, i * 2654435761 & 4294967295), 100000 + i - i "
                "* 7919 %% 3000, i %% 3, 'some words to fill the pages with, so many' FROM i",
                rows);
    both_go(&both, random_rounds(STEPS));
    printf("extremes: world %d, fronts passed %lld\n", _i, (long long)sql_info(both.db, "fronts passed"));
    both_close(&both);
}

int main(void) {
    return differential_run((struct suite_case){.name = "extremes", .seconds = SUITE_FOREVER});
}
