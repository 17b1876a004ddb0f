/* At each place of a history: which states may be found there, and are they?
 *
 *     the disk is opened in a world of its own     recovery, or a hot journal's rollback, happens
 *     all rows are read                            they are those of one state that may be found
 *     PRAGMA integrity_check, art_check()          are clean
 *     of every tenth disk                          reader.py finds the same rows (second_opinion.h)
 *     now and then                                 another transaction and a flush, 'clean'
 *     now and then                                 a crash at any place of all this, and from the beginning
 *
 * After the second crash the rows are those found first, or those with the transaction that was made in between.
 */
#include "tests/support/crash_check.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/crash_opinion.h"
#include "tests/support/second_opinion.h"

enum { WRITE_EVERY = 12, CLEAN_EVERY = 30, AGAIN_EVERY = 3, SEEN_BITS = 16 };

/* What may be found: the states of the work, or after a second crash two hashes. */
struct expected {
    bool *possible; /* by state; NULL: the hashes */
    unsigned oldest, count;
    uint64_t hashes[2];
    bool second;    /* the second crash */
    bool goes_back; /* a power loss may have taken acknowledged commits, and left the .art file's copy of their root */
};

struct judge {
    struct crash_check *check;
    struct random random;
    char *why;
};

static bool complain(struct judge *judge, char *why) {
    if (!judge->why) {
        judge->why = why;
    } else {
        sqlite3_free(why);
    }
    return false;
}

/* ---- one disk ---------------------------------------------------------------------------------------------------- */

static bool is_possible(const struct expected *expected, uint64_t hash, const struct crash_work *work) {
    if (!expected->possible) return hash == expected->hashes[0] || hash == expected->hashes[1];
    for (unsigned i = expected->count; i-- > expected->oldest;) {
        if (expected->possible[i] && work->states[i].hash == hash) return true;
    }
    return false;
}

static char *explain(const struct expected *expected, const struct crash_rows *found, const struct crash_work *work) {
    uint64_t hash = crash_rows_hash(found);
    for (unsigned i = work->state_count; i-- > 0;) {
        if (work->states[i].hash != hash) continue;
        return sqlite3_mprintf("it is state %u%s; possible are some from %u to %u", i,
                               expected->second ? " after a second crash" : "", expected->oldest, expected->count - 1);
    }
    /* The state that is nearest. */
    unsigned best = 0, fewest = UINT32_MAX;
    for (unsigned i = 0; i < work->state_count; i++) {
        unsigned differ = 0;
        for (unsigned k = 0; k < CRASH_TABLES * CRASH_KEYS; k++) {
            unsigned table = k / CRASH_KEYS, key = k % CRASH_KEYS;
            differ += work->states[i].rows.value[table][key] != found->value[table][key];
        }
        if (differ < fewest) best = i;
        if (differ < fewest) fewest = differ;
    }
    char *differ = crash_rows_compare(&work->states[best].rows, found);
    char *text = sqlite3_mprintf("it is no state at all%s; nearest is %u (%u to %u): %s",
                                 expected->second ? " after a second crash" : "", best, expected->oldest,
                                 expected->count ? expected->count - 1 : 0, differ);
    sqlite3_free(differ);
    return text;
}

static bool goes_back_after(const struct judge *judge, enum world_crash how) {
    return how != WORLD_POWER_STAYS && judge->check->work->setting->lasts != LASTS;
}

static bool says_ok(struct judge *judge, sqlite3 *db, const char *sql, bool goes_back) {
    sqlite3_stmt *ask = NULL;
    bool good = false;
    if (!sqlite3_prepare_v2(db, sql, -1, &ask, NULL) && sqlite3_step(ask) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(ask, 0);
        bool back = text && strstr(text, " behind its .art file") && !strchr(text, '\n');
        good = text && (!strcmp(text, "ok") || (goes_back && back));
        if (good) judge->check->counts.back += back;
        if (!good) complain(judge, sqlite3_mprintf("%s: %s", sql, text));
    }
    if (!good) complain(judge, sqlite3_mprintf("%s: %s", sql, sqlite3_errmsg(db)));
    sqlite3_finalize(ask);
    return good;
}

static bool runs(struct judge *judge, sqlite3 *db, const char *sql) {
    if (!sqlite3_exec(db, sql, NULL, NULL, NULL)) return true;
    return complain(judge, sqlite3_mprintf("%s: %s", sql, sqlite3_errmsg(db)));
}

static bool read_state(struct judge *judge, sqlite3 *db, bool goes_back, struct crash_rows *found) {
    char *why;
    if (!crash_rows_read(db, found, &why)) return complain(judge, why);
    char sql[64];
    sqlite3_snprintf(sizeof sql, sql, "SELECT art_check('%s')", crash_rows_name(found, CRASH_B));
    return says_ok(judge, db, "PRAGMA integrity_check", false) &&
           says_ok(judge, db, "SELECT art_check('a')", goes_back) &&
           (!found->second || says_ok(judge, db, sql, goes_back));
}

/* The database must go on. *rows: what it holds then. */
static bool write_more(struct judge *judge, sqlite3 *db, bool goes_back, struct crash_rows *rows) {
    static const char *const words[] = {"flush", "optimize", "vacuum", "summary=(sum(number))"};
    unsigned choices = crash_has_snapshots(rows) ? 3 : 4; /* a summary is not changed under snapshots */
    char *sql =
        sqlite3_mprintf("BEGIN IMMEDIATE; DELETE FROM o WHERE path = 'dir0/file00'; DELETE FROM a WHERE path GLOB "
                        "'dir%u/*'; INSERT INTO a(a) VALUES(%Q); COMMIT",
                        random_below(&judge->random, CRASH_FOLDERS), words[random_below(&judge->random, choices)]);
    bool good = runs(judge, db, sql) && read_state(judge, db, goes_back, rows);
    sqlite3_free(sql);
    judge->check->counts.written++;
    return good;
}

/* 'clean' leaves no file that no table has, and a second one finds nothing either. */
static bool clean(struct judge *judge, sqlite3 *db) {
    judge->check->counts.cleaned++;
    return runs(judge, db, "INSERT INTO a(a) VALUES('clean')");
}

static bool has_second_opinion(struct judge *judge, sqlite3 *db, const struct world_image *image,
                               const struct crash_rows *rows) {
    char *why;
    unsigned before = second_opinion_count();
    bool good = !second_opinion_is_due(judge->check->counts.states) || crash_opinion(db, image, rows, &why);
    judge->check->counts.opinions += second_opinion_count() - before;
    return good || complain(judge, why);
}

static bool visit(struct judge *judge, const struct world_image *image, struct expected *expected,
                  struct crash_rows *rows) {
    const struct crash_work *work = judge->check->work;
    char *why = NULL;
    sqlite3 *db = crash_open(work->setting, &why);
    if (!db) return complain(judge, why);
    bool good = read_state(judge, db, expected->goes_back, rows);
    if (good && !is_possible(expected, crash_rows_hash(rows), work)) {
        good = complain(judge, explain(expected, rows, work));
    }
    if (good) good = has_second_opinion(judge, db, image, rows);
    if (good) expected->hashes[0] = expected->hashes[1] = crash_rows_hash(rows);
    if (good && random_once_in(&judge->random, CLEAN_EVERY)) good = clean(judge, db);
    if (good && random_once_in(&judge->random, WRITE_EVERY)) {
        good = write_more(judge, db, expected->goes_back, rows);
        expected->hashes[1] = crash_rows_hash(rows);
    }
    if (sqlite3_close(db)) return complain(judge, sqlite3_mprintf("it cannot be closed"));
    return good;
}

/* Each crash of the reopening has one more place and way. */
static bool crash_again(struct judge *judge, const struct world *world, struct expected *expected);

static bool judge_image(struct judge *judge, const struct world_image *image, const struct expected *expected) {
    struct expected next = *expected;
    struct crash_rows rows;
    struct world_options options = judge->check->work->world->options;
    options.seed = random_next(&judge->random);
    options.lies = WORLD_HONEST;
    struct world *world = world_new(image, &options);
    world_enter(world, world_process_new(world));
    judge->check->counts.states++;
    bool good = visit(judge, image, &next, &rows);
    world_enter(NULL, NULL);
    next.possible = NULL;
    if (good && !expected->second && random_once_in(&judge->random, AGAIN_EVERY)) {
        next.second = true;
        good = crash_again(judge, world, &next);
    }
    world_free(world);
    return good;
}

static bool crash_again(struct judge *judge, const struct world *world, struct expected *expected) {
    struct world_replay *replay = world_replay_new(world);
    struct world_image image;
    unsigned at = random_below(&judge->random, world->op_count + 1);
    while (world_replay_at(replay) < at) world_replay_step(replay);
    enum world_crash how = random_below(&judge->random, WORLD_CRASHES);
    if (judge->check->work->setting->ordered && how > WORLD_ORDERED) how = WORLD_ORDERED;
    world_replay_crash(replay, how, random_next(&judge->random), &image);
    world_replay_free(replay);
    judge->check->counts.again++;
    expected->goes_back |= goes_back_after(judge, how);
    bool good = judge_image(judge, &image, expected);
    if (!good) {
        complain(judge, NULL);
        char *why = judge->why;
        judge->why =
            sqlite3_mprintf("%s [second crash at %u of %u, %s]", why, at, world->op_count, world_crash_names[how]);
        sqlite3_free(why);
    }
    world_image_clear(&image);
    return good;
}

/* ---- all of a history -------------------------------------------------------------------------------------------- */

struct place {
    bool *possible;
    unsigned begun, lasts, visible;
};

static void meet_mark(struct place *place, const struct world_op *op) {
    switch ((enum crash_mark)op->offset) {
    case CRASH_BEGUN:
        place->possible[op->len] = true;
        place->begun = op->len + 1;
        break;
    case CRASH_LASTS:
        if (place->lasts < op->len) place->lasts = op->len;
        break;
    case CRASH_VISIBLE:
        place->visible = op->len;
        break;
    case CRASH_ABANDONED:
        place->possible[op->len] = false;
        break;
    }
}

static bool seen_before(uint64_t *seen, uint64_t print) {
    uint64_t *at = &seen[print >> (64 - SEEN_BITS)];
    bool same = *at == print;
    *at = print;
    return same;
}

static bool judge_place(struct judge *judge, struct world_replay *replay, const struct place *place, uint64_t *seen) {
    struct crash_check *check = judge->check;
    enum world_crash how = random_below(&judge->random, WORLD_CRASHES);
    uint64_t seed = random_next(&judge->random);
    if (check->work->setting->ordered && how > WORLD_ORDERED) how = WORLD_ORDERED;
    struct expected expected = {place->possible, how == WORLD_POWER_STAYS ? place->visible : place->lasts,
                                place->begun,    {0},
                                false,           goes_back_after(judge, how)};
    struct world_image image;
    uint64_t print = world_replay_crash(replay, how, seed, &image);
    print = (print ^ expected.oldest * 0x100000001b3u) * 0x9e3779b97f4a7c15u;
    bool good = true;
    if (seen_before(seen, print)) {
        check->counts.twice++;
    } else {
        check->counts.by_kind[how]++;
        good = judge_image(judge, &image, &expected);
    }
    world_image_clear(&image);
    if (good) return true;
    check->failed_at = world_replay_at(replay);
    check->failure = sqlite3_mprintf("%s, synchronous=%s, seed %llu: crash at %u of %u, %s (%llu): %s",
                                     check->work->setting->journal, check->work->setting->synchronous,
                                     check->work->seed, world_replay_at(replay), check->work->world->op_count,
                                     world_crash_names[how], seed, judge->why);
    return false;
}

void crash_check_run(struct crash_check *check, const struct crash_work *work, uint64_t states) {
    *check = (struct crash_check){.work = work};
    struct judge judge = {.check = check, .random = {work->seed ^ 0x5eed}};
    struct place place = {.possible = calloc(work->state_count, sizeof(bool))};
    uint64_t *seen = calloc((size_t)1 << SEEN_BITS, sizeof *seen);
    struct world_replay *replay = world_replay_new(work->world);
    const struct world_op *op;
    bool good = place.possible && seen;
    while (good && world_replay_at(replay) < work->end && (op = world_replay_step(replay))) {
        if (op->kind == WORLD_MARK) meet_mark(&place, op);
        unsigned at = world_replay_at(replay);
        uint64_t due = states * at / work->end - states * (at - 1) / work->end;
        if (!place.begun) continue;
        for (; good && due; due--) good = judge_place(&judge, replay, &place, seen);
    }
    world_replay_free(replay);
    free(place.possible);
    free(seen);
    sqlite3_free(judge.why);
}
