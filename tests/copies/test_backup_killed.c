/* art_backup(copy, schema, 'update') that dies at each of its calls in turn, by a kill or a loss of power, on a simulated
 * machine (tests/support/world.h). Then the copy is the old one, or the new one, or says that it is unfinished; and the
 * next run completes it.
 */
#include "core/tree/state/hooks.h"
#include "ext/art.h"
#include "tests/support/features.h"
#include "tests/support/own_chance.h"
#include "tests/support/sql_one.h"
#include "tests/support/world.h"

#define COPY   WORLD_FOLDER "copy.db"
#define FRESH  "SELECT art_backup('" COPY "')"
#define UPDATE "SELECT art_backup('" COPY "', 'main', 'update')"

static struct world *world;

static int try(sqlite3 *on, const char *sql) {
    return sqlite3_exec(on, sql, NULL, NULL, NULL);
}

/* By a new process of the world that this image makes. */
static sqlite3 *begin(const struct world_image *image, uint64_t seed, const char *name) {
    sqlite3 *on = NULL;
    struct world_options options = {.seed = seed, .sector = 512, .characteristics = SQLITE_IOCAP_POWERSAFE_OVERWRITE};
    world = world_new(image, &options);
    world_enter(world, world_process_new(world));
    ck_assert(!sqlite3_open(name, &on) && !sqlite3_art_init(on, NULL, NULL));
    return on;
}

/* All die, or the power goes. */
static void end(sqlite3 *on, enum world_crash how, uint64_t seed, struct world_image *out) {
    struct world_replay *replay = world_replay_new(world);
    while (world_replay_step(replay)) {
    }
    world_replay_crash(replay, how, seed, out);
    world_replay_free(replay);
    sqlite3_close(on);
    world_free(world);
}

static void replace(struct world_image *image, struct world_image by) {
    world_image_clear(image);
    *image = by;
}

static void change(sqlite3 *on, const char *what) {
    for (int i = 0; i < 20; i++) {
        sql_run(on, "BEGIN");
        ck_assert_msg(!features_turn(on), "%s", sqlite3_errmsg(on));
        sql_run(on, "COMMIT");
    }
    sql_run(on,
            "BEGIN; UPDATE f SET value = hex(randomblob(300)) WHERE path GLOB '%s'; UPDATE i SET value = "
            "hex(randomblob(90)); UPDATE p SET value = '%s'; COMMIT; INSERT INTO f(f) VALUES('optimize'); VACUUM",
            what, what);
}

static char *state_of(sqlite3 *of) {
    return sql_rows(of, "SELECT p.value, max(f.value), count(*), (SELECT max(value) FROM i), (SELECT max(value) FROM f "
                        "WHERE snapshot = 's'), (SELECT max(value) FROM g), (SELECT n FROM turns) FROM f, p");
}

/* A database, its copy of before if there is one, and what has changed since. *before: NULL without a copy. */
static void make(const char *mode, bool copied, struct world_image *out, char **before, char **after) {
    art_test_hooks.blob_pages = 4;
    own_chance(1);
    sqlite3 *on = begin(NULL, 1, WORLD_DATABASE);
    sql_run(
        on,
        "PRAGMA journal_mode=%s; CREATE VIRTUAL TABLE f USING art(path, value, storage=file); CREATE VIRTUAL TABLE i "
        "USING art(path, value, storage=inline); CREATE VIRTUAL TABLE g USING art(path, value, storage=file); CREATE "
        "VIRTUAL TABLE h USING art(path, value, storage=file); CREATE TABLE p(value); BEGIN; INSERT INTO f SELECT "
        "printf('d%%d/%%04d', i %% 7, i), hex(randomblob(300)) FROM (WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
        "FROM n LIMIT 300) SELECT i FROM n); INSERT INTO i SELECT * FROM f LIMIT 3; INSERT INTO h SELECT * FROM i; "
        "INSERT INTO p VALUES(1); INSERT INTO g VALUES(1, 1); COMMIT; INSERT INTO f(f) VALUES('optimize'); INSERT "
        "INTO h(h) VALUES('flush'); INSERT INTO f(f, snapshot) VALUES('snapshot', 's')",
        mode);
    features_create(on, ", log_limit='20KB'");
    features_create(on, NULL);
    change(on, "d1/*1");
    *before = copied ? state_of(on) : NULL;
    if (copied) sql_run(on, FRESH);
    change(on, "d2/*2");
    sql_run(on, "INSERT INTO g VALUES(2, 2); INSERT INTO g(g) VALUES('flush'); DROP TABLE h"); /* files come and go */
    *after = state_of(on);
    end(on, WORLD_POWER_STAYS, 0, out);
}

/* *out: what is left. False: it came to its end before its nth call. */
static bool update_and_die_at(unsigned nth, bool power, uint64_t seed, struct world_image *image) {
    struct world_image left;
    sqlite3 *on = begin(image, seed, WORLD_DATABASE);
    enum world_crash how = power ? WORLD_DROP_ALL + seed % (WORLD_CRASHES - WORLD_DROP_ALL) : WORLD_POWER_STAYS;
    world_arm(world, WORLD_DIE_AT, nth, NULL);
    int rc = try(on, UPDATE);
    bool died = world_disarm(world);
    ck_assert_msg(died || !rc, "%s", sqlite3_errmsg(on));
    end(on, how, seed, &left);
    replace(image, left);
    return died;
}

enum outcome { OLD, UNFINISHED, NEW };

/* Looking is not to change anything. Unfinished is also one that is not there yet. */
static enum outcome look(const struct world_image *image, const char *before, const char *after) {
    sqlite3 *copy = begin(image, 2, COPY);
    enum outcome outcome = UNFINISHED;
    struct world_image left;
    if (try(copy, "SELECT count(*) FROM f")) {
        const char *why = sqlite3_errmsg(copy);
        ck_assert_msg(strstr(why, "unfinished") || !before, "%s", why);
    } else {
        char *is = state_of(copy);
        outcome = strcmp(is, after) ? OLD : NEW;
        if (outcome == OLD) ck_assert_str_eq(is, before ? before : after);
        sqlite3_free(is);
        const char *complaint = features_complaint(copy);
        ck_assert_msg(!complaint, "%s", complaint);
        sql_expect(copy, "1\n", "SELECT art_verify() LIKE 'ok%'");
    }
    end(copy, WORLD_POWER_STAYS, 0, &left);
    world_image_clear(&left);
    return outcome;
}

/* Whatever the one before has left. */
static void complete(struct world_image *image, const char *after, bool power) {
    struct world_image left;
    sqlite3 *on = begin(image, 3, WORLD_DATABASE);
    ck_assert_msg(!try(on, UPDATE), "%s", sqlite3_errmsg(on));
    end(on, power ? WORLD_DROP_ALL : WORLD_POWER_STAYS, 3, &left);
    ck_assert_int_eq(look(&left, NULL, after), NEW);
    for (unsigned i = 0; !power && i < left.count; i++)
        ck_assert_msg(!strstr(left.files[i].name, "copy.db-h-"), "%s is left", left.files[i].name);
    replace(image, left);
}

static struct world_image copy_of(const struct world_image *image) {
    struct world_image copy;
    sqlite3 *on = begin(image, 4, WORLD_DATABASE);
    end(on, WORLD_POWER_STAYS, 0, &copy);
    return copy;
}

/* Once at each call, without power four times; now and then the run after that dies, too. */
LOOP_TEST(test_an_update_that_dies_is_completed_by_the_next_one, 8) {
    struct random random = {random_seed()};
    struct world_image image;
    unsigned seen[3] = {0}, twice[3] = {0}, n = 0;
    bool power = _i / 2 % 2, copied = _i < 4, died = true;
    char *before, *after;
    make(_i % 2 ? "DELETE" : "WAL", copied, &image, &before, &after);
    for (n = random_below(&random, random_stride()); died; n += random_stride()) {
        struct world_image left = copy_of(&image);
        if (!random_span(&random)) continue;
        died = update_and_die_at(n / (power ? 4 : 1), power, random_next(&random) >> 40, &left);
        seen[look(&left, before, after)]++;
        bool goes_on = copied || !power; /* of a new copy a loss of power may leave anything */
        if (goes_on && n % 4 == 0 &&
            update_and_die_at(random_below(&random, 100), power, random_next(&random) >> 40, &left))
            twice[look(&left, before, after)]++;
        if (goes_on) complete(&left, after, power);
        world_image_clear(&left);
    }
    printf("%s, %s at %u calls: %u old, %u unfinished, %u new; again: %u, %u, %u\n", copied ? "updates" : "new copies",
           power ? "power lost" : "killed", n / (power ? 4 : 1), seen[OLD], seen[UNFINISHED], seen[NEW], twice[OLD],
           twice[UNFINISHED], twice[NEW]);
    ck_assert(seen[UNFINISHED] && seen[NEW] && (seen[OLD] || !copied));
    world_enter(NULL, NULL);
    world_image_clear(&image);
    sqlite3_free(before);
    sqlite3_free(after);
    own_chance_ends();
    art_test_hooks.blob_pages = 0;
}

SUITE("updates of copies that die", .seconds = SUITE_FOREVER)
