/* What was compared is counted in memory that the forked tests share. */
#include "tests/support/differential.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "core/tree/tree.h"
#include "ext/art.h"
#include "tests/support/suite.h"

uint32_t pages_of_blobs;
enum art_rc __real_art_tree_open(struct art_tree **out, const struct art_tree_options *options,
                                 const struct art_host *host);
enum art_rc __wrap_art_tree_open(struct art_tree **out, const struct art_tree_options *options,
                                 const struct art_host *host);

enum art_rc __wrap_art_tree_open(struct art_tree **out, const struct art_tree_options *options,
                                 const struct art_host *host) {
    struct art_tree_options small = *options;
    if (pages_of_blobs) small.blob_pages = pages_of_blobs;
    return __real_art_tree_open(out, &small, host);
}

char *text_for(const char *text, bool art) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    bool first = false, second = false;
    for (const char *at = text; *at; at++) {
        bool turn = *at == '|' && first;
        if (*at == '{' || turn || *at == '}') {
            first = *at == '{';
            second = turn;
        } else if (!(art ? second : first)) {
            sqlite3_str_appendchar(out, 1, *at);
        }
    }
    return sqlite3_str_finish(out);
}

static struct { uint64_t statements, histories; } * compared;

enum next_step take_step(sqlite3 *db, struct random *random, unsigned *savepoints) {
    static const char *const commands[] = {"flush", "flush", "optimize", "vacuum"};
    bool inside = !sqlite3_get_autocommit(db);
    switch (random_below(random, 14)) {
    case 0:
        if (!inside) sql_run(db, "BEGIN");
        return STEP_DONE;
    case 1:
        sql_run(db, "SAVEPOINT s%u", (*savepoints)++);
        return STEP_DONE;
    case 2:
        if (*savepoints) sql_run(db, "ROLLBACK TO s%u", random_below(random, *savepoints));
        *savepoints = 0;
        if (inside) sql_run(db, "COMMIT");
        return STEP_DONE;
    case 3:
    case 4:
        if (inside) sql_run(db, random_once_in(random, 4) ? "ROLLBACK" : "COMMIT");
        *savepoints = 0;
        return STEP_DONE;
    case 5:
        sql_command(db, "main", "t", commands[random_below(random, 4)]);
        return STEP_DONE;
    case 6:
        return inside || !random_once_in(random, 3) ? STEP_DONE : STEP_REOPEN;
    default:
        if (!inside && random_once_in(random, 3)) sql_run(db, "BEGIN");
        return STEP_WRITE;
    }
}

void note_compared(unsigned statements) {
    __atomic_fetch_add(&compared->statements, statements, __ATOMIC_RELAXED);
    __atomic_fetch_add(&compared->histories, 1, __ATOMIC_RELAXED);
}

int differential_run(struct suite_case of) {
    const char *asked = getenv("ART_TEST_STATEMENTS");
    uint64_t wanted = asked ? strtoull(asked, NULL, 0) : 0;
    int failed;
    setenv("ART_EXTENSION", "linked", 1);
    sqlite3_auto_extension((void (*)(void))sqlite3_art_init);
    compared = mmap(NULL, sizeof *compared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (compared == MAP_FAILED) abort();
    do {
        failed = suite_run_as(of);
    } while (!failed && compared->statements < wanted);
    printf("compared: %llu statements in %llu histories, SQLite %s%s\n", (unsigned long long)compared->statements,
           (unsigned long long)compared->histories, sqlite3_libversion(), failed ? ", and not all agreed" : "");
    return failed;
}
