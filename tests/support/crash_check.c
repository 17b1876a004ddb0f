/* At each place of a history: which states may be found there, and are they?
 *
 *     the disk is opened in a world of its own     recovery, or a hot journal's rollback, happens
 *     now and then a fault strikes meanwhile       then once more, without
 *     all rows are read, and questions asked       they are those of one state that may be found
 *     PRAGMA integrity_check, art_check()          are clean
 *     of every tenth disk                          reader.py finds the same rows (second_opinion.h)
 *     now and then                                 another transaction and a flush, 'clean'
 *     now and then                                 a crash at any place of all this, and from the beginning
 *
 * After the second crash the rows are those found first, or those with a transaction that was made in between.
 */
#include "tests/support/crash_check.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "tests/support/crash_beside.h"
#include "tests/support/crash_opinion.h"
#include "tests/support/second_opinion.h"
#include "tests/support/sim_disk_private.h"

enum {
    FAULT_EVERY = 4,
    ALONE_EVERY = 5,
    COPY_EVERY = 6,
    UPDATE_EVERY = 3,
    SALVAGE_EVERY = 30,
    DAMAGE_EVERY = 40,
    PUBLISH_EVERY = 80,
    WRITE_EVERY = 12,
    CLEAN_EVERY = 30,
    AGAIN_EVERY = 3,
    SEEN_BITS = 16
};

/* What may be found: the states of the work, or after a second crash pairs of hashes. */
struct expected {
    bool *possible; /* by state; NULL: the hashes */
    unsigned oldest[CRASH_PARTS], count;
    uint64_t hashes[6][CRASH_PARTS];
    unsigned first, known;         /* of the hashes: from here, so many */
    const struct crash_copy *copy; /* NULL: nobody knows any more */
    bool second;                   /* the second crash */
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

/* Both parts of one state; with a WAL each of any. */
static bool is_possible(struct judge *judge, const struct expected *expected, const struct crash_rows *found) {
    const struct crash_work *work = judge->check->work;
    bool known[CRASH_PARTS] = {false}, whole = strcmp(work->setting->journal, "WAL") != 0;
    uint64_t hash[] = {crash_part_hash(found, CRASH_MAIN), crash_part_hash(found, CRASH_TWO)};
    for (unsigned i = expected->possible ? expected->count : expected->known; i-- > expected->first;) {
        if (expected->possible && !expected->possible[i]) continue;
        const uint64_t *wanted = expected->possible ? work->states[i].hash : expected->hashes[i];
        bool is[CRASH_PARTS];
        for (unsigned part = 0; part < CRASH_PARTS; part++) {
            is[part] = hash[part] == wanted[part] && (!expected->possible || i >= expected->oldest[part]);
            known[part] |= is[part] && !whole;
        }
        if (is[CRASH_MAIN] && is[CRASH_TWO]) return true;
    }
    judge->check->counts.halves += known[CRASH_MAIN] && known[CRASH_TWO];
    return known[CRASH_MAIN] && known[CRASH_TWO];
}

static unsigned differing(const struct crash_rows *a, const struct crash_rows *b, enum crash_part part) {
    unsigned differ = 0;
    for (unsigned table = 0; table < CRASH_TABLES; table++) {
        for (unsigned k = 0; k < CRASH_KEYS && crash_part_of(table) == part; k++) {
            differ += a->value[table][k] != b->value[table][k];
        }
    }
    return differ;
}

/* The state that it is, or that is nearest. */
static char *explain_part(const struct expected *expected, const struct crash_rows *found,
                          const struct crash_work *work, enum crash_part part) {
    uint64_t hash = crash_part_hash(found, part);
    for (unsigned i = work->state_count; i-- > 0;) {
        if (work->states[i].hash[part] != hash) continue;
        return sqlite3_mprintf("it is state %u%s; possible are some from %u to %u", i,
                               expected->second ? " after a second crash" : "", expected->oldest[part],
                               expected->count - 1);
    }
    unsigned best = 0, fewest = UINT32_MAX;
    for (unsigned i = 0; i < work->state_count; i++) {
        unsigned differ = differing(&work->states[i].rows, found, part);
        if (differ < fewest) best = i;
        if (differ < fewest) fewest = differ;
    }
    char *differ = crash_rows_compare(&work->states[best].rows, found);
    char *text = sqlite3_mprintf("it is no state at all%s; nearest is %u (%u to %u): %s",
                                 expected->second ? " after a second crash" : "", best, expected->oldest[part],
                                 expected->count ? expected->count - 1 : 0, differ);
    sqlite3_free(differ);
    return text;
}

static char *explain(const struct expected *expected, const struct crash_rows *found, const struct crash_work *work) {
    char *main = explain_part(expected, found, work, CRASH_MAIN);
    if (!found->attached) return main;
    char *two = explain_part(expected, found, work, CRASH_TWO);
    char *both = sqlite3_mprintf("%s; and the second database: %s", main, two);
    sqlite3_free(main);
    sqlite3_free(two);
    return both;
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
    if (!crash_rows_read(db, found, &judge->check->counts.asked, &why)) return complain(judge, why);
    bool good = says_ok(judge, db, "PRAGMA integrity_check", false);
    for (unsigned table = 0; good && table < CRASH_TABLES; table++) {
        char sql[64];
        if (table == CRASH_PLAIN || !crash_has(found, table)) continue;
        sqlite3_snprintf(sizeof sql, sql, "SELECT art_check('%s')", crash_rows_name(found, table));
        good = says_ok(judge, db, sql, goes_back);
    }
    return good;
}

/* A transaction in all that is there. *rows: what it leaves. sqlite3_free() it. */
static char *something_to_write(struct judge *judge, struct crash_rows *rows) {
    static const char *const words[] = {"flush", "optimize", "vacuum", "summary=(sum(number))"};
    unsigned word = random_below(&judge->random, crash_has_snapshots(rows) ? 3 : 4); /* not under snapshots */
    unsigned folder = random_below(&judge->random, CRASH_FOLDERS);
    char where[2 * CRASH_KEY_MAX];
    sqlite3_snprintf(sizeof where, where, crash_forms[rows->form[CRASH_A]].folder, folder, folder);
    rows->value[CRASH_PLAIN][0] = 0;
    memset(&rows->value[CRASH_A][folder * CRASH_IN_FOLDER], 0, CRASH_IN_FOLDER * sizeof **rows->value);
    for (unsigned key = 0; key < CRASH_KEYS; key++) {
        if (rows->value[CRASH_X][key] % 8 == 4) rows->value[CRASH_X][key] = 0;
    }
    if (word == 3) rows->summary[CRASH_A] = 1;
    return sqlite3_mprintf("BEGIN IMMEDIATE; DELETE FROM o WHERE path = 'dir0/file00'; DELETE FROM a WHERE %s; "
                           "%sINSERT INTO a(a) VALUES(%Q); COMMIT",
                           where, rows->attached ? "DELETE FROM x WHERE number % 8 = 4; " : "", words[word]);
}

/* The database must go on. *rows: what it holds then. */
static bool write_more(struct judge *judge, sqlite3 *db, bool goes_back, struct crash_rows *rows) {
    struct crash_rows wanted = *rows;
    char *sql = something_to_write(judge, &wanted);
    bool good = runs(judge, db, sql) && read_state(judge, db, goes_back, rows);
    sqlite3_free(sql);
    judge->check->counts.written++;
    if (!good || crash_rows_hash(rows) == crash_rows_hash(&wanted)) return good;
    char *differ = crash_rows_compare(&wanted, rows);
    complain(judge, sqlite3_mprintf("what was written on it is not there: %s", differ));
    sqlite3_free(differ);
    return false;
}

/* 'clean' leaves no file that no table has, and a second one finds nothing either. */
static bool clean(struct judge *judge, sqlite3 *db) {
    judge->check->counts.cleaned++;
    return runs(judge, db, "INSERT INTO a(a) VALUES('clean')");
}

/* `image`: NULL where somebody else has opened it since. */
static bool has_second_opinion(struct judge *judge, sqlite3 *db, const struct world_image *image,
                               const struct crash_rows *rows) {
    const struct crash_work *work = judge->check->work;
    char *why;
    unsigned before = second_opinion_count();
    bool due = image && second_opinion_is_due(judge->check->counts.states);
    /* A journal of two databases names a third file by its path in the world. */
    if (work->rows.attached && strcmp(work->setting->journal, "WAL") != 0) due = false;
    bool good = !due || crash_opinion(db, image, rows, &why);
    judge->check->counts.opinions += second_opinion_count() - before;
    return good || complain(judge, why);
}

static void remember(struct expected *expected, const struct crash_rows *rows) {
    uint64_t *hashes = expected->hashes[expected->known++];
    expected->possible = NULL;
    for (unsigned part = 0; part < CRASH_PARTS; part++) hashes[part] = crash_part_hash(rows, part);
}

/* The copy, what salvage gives, and a published file. An update makes a new copy, of which a second crash knows
 * nothing. */
static bool look_beside(struct judge *judge, sqlite3 *db, struct expected *expected, const struct crash_rows *rows) {
    const struct crash_work *work = judge->check->work;
    struct crash_counts *counts = &judge->check->counts;
    char *why = NULL;
    bool good = true, refused = false;
    if (expected->copy && random_once_in(&judge->random, COPY_EVERY)) {
        counts->copies++;
        good = crash_copy_check(work, expected->copy, &why);
    }
    if (good && expected->copy && expected->copy->was_whole &&
        random_once_in(&judge->random, COPY_EVERY * UPDATE_EVERY)) {
        expected->copy = NULL;
        counts->updates++;
        good = crash_copy_update(db, work, rows, &refused, &why);
    }
    if (good && random_once_in(&judge->random, SALVAGE_EVERY)) {
        counts->salvaged++;
        good = crash_salvage_check(db, work, rows, false, &why);
    }
    if (good && !expected->second && random_once_in(&judge->random, PUBLISH_EVERY)) {
        counts->published++;
        good = crash_publish(db, work, rows, &why);
    }
    return good || complain(judge, why);
}

/* *rows: what was found. */
static bool visit(struct judge *judge, const struct world_image *image, struct expected *expected,
                  struct crash_rows *rows) {
    const struct crash_work *work = judge->check->work;
    char *why = NULL;
    bool alone = work->rows.attached && random_once_in(&judge->random, ALONE_EVERY);
    if (alone && !crash_read_alone(CRASH_DATABASE_TWO, &why)) return complain(judge, why);
    sqlite3 *db = crash_open(work->setting, &why);
    if (!db) return complain(judge, why);
    bool good = !work->rows.attached || !crash_attach(work->setting, db) ||
                complain(judge, sqlite3_mprintf("cannot attach: %s", sqlite3_errmsg(db)));
    if (good) good = read_state(judge, db, expected->goes_back, rows);
    if (good && !is_possible(judge, expected, rows)) good = complain(judge, explain(expected, rows, work));
    if (good && expected->possible) remember(expected, rows);
    if (good) good = has_second_opinion(judge, db, image, rows);
    if (good) good = look_beside(judge, db, expected, rows);
    if (good && random_once_in(&judge->random, CLEAN_EVERY)) good = clean(judge, db);
    if (good && random_once_in(&judge->random, WRITE_EVERY)) {
        struct crash_rows after = *rows;
        good = write_more(judge, db, expected->goes_back, &after);
        remember(expected, &after);
    }
    if (sqlite3_close(db)) return complain(judge, sqlite3_mprintf("it cannot be closed"));
    return good;
}

/* ---- a fault while all this happens ------------------------------------------------------------------------------ */

const char *const crash_fault_names[CRASH_FAULTS] = {"deaths",       "failed syncs",   "failed writes",  "full disks",
                                                     "failed reads", "calls of art's", "its full disks", "no memory"};

static void arm(struct judge *judge, struct world *world, enum crash_fault fault) {
    static const char *const suffixes[] = {".db", "-wal", "-journal", ".art"};
    bool soon = random_once_in(&judge->random, 3), stays = random_once_in(&judge->random, 2);
    unsigned nth = random_below(&judge->random, soon ? 5 : 60);
    switch (fault) {
    case CRASH_DEATH:
        return world_arm(world, WORLD_DIE_AT, nth, NULL);
    case CRASH_SYNC:
        return world_arm(world, WORLD_FAIL_SYNC, nth % 3, suffixes[random_below(&judge->random, 4)]);
    case CRASH_WRITE:
        return world_arm(world, WORLD_FAIL_CALL, nth, NULL);
    case CRASH_FULL:
        return world_arm(world, WORLD_FAIL_CALL, nth, "full");
    case CRASH_READ:
        return world_arm(world, WORLD_FAIL_READ, nth * 3, NULL);
    case CRASH_ART:
        return sim_disk_fail(world->disk, SIM_ANY, 1 + nth, ART_IO, stays);
    case CRASH_ART_FULL:
        return sim_disk_fail(world->disk, SIM_WRITE, 1 + nth % 4, ART_DISKFULL, stays);
    default:
        sqlite3_hard_heap_limit64(sqlite3_memory_used() + random_below(&judge->random, soon ? 100000 : 2000000));
    }
}

/* Did it happen? Of memory nobody tells. */
static bool disarm(struct world *world, enum crash_fault fault) {
    struct sim_disk_stats stats;
    sim_disk_stats(world->disk, &stats);
    sim_disk_fail_nothing(world->disk);
    if (fault == CRASH_MEMORY) sqlite3_hard_heap_limit64(0);
    return world_disarm(world) | (stats.faults > 0) | (fault == CRASH_MEMORY);
}

/* Is it a code that a fault may have, and nothing that was found? The code stands in brackets. */
static bool is_of_fault(const char *why) {
    static const int codes[] = {SQLITE_IOERR, SQLITE_FULL, SQLITE_NOMEM, SQLITE_CANTOPEN, SQLITE_BUSY};
    int code = *why == '[' ? atoi(why + 1) & 0xff : SQLITE_CORRUPT;
    for (unsigned i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (code == codes[i]) return true;
    }
    return false;
}

/* What is read in spite of the fault must be right; what is written is there, or is not. */
static char *try_all(struct judge *judge, sqlite3 *db, struct expected *expected) {
    const struct crash_work *work = judge->check->work;
    struct crash_rows rows;
    char *why = NULL;
    if (work->rows.attached && crash_attach(work->setting, db)) {
        return sqlite3_mprintf("[%d] %s", sqlite3_errcode(db), sqlite3_errmsg(db));
    }
    if (!crash_rows_read(db, &rows, NULL, &why)) return why;
    if (!is_possible(judge, expected, &rows)) return explain(expected, &rows, work);
    remember(expected, &rows);
    if (random_once_in(&judge->random, 2)) return NULL;
    char *sql = something_to_write(judge, &rows);
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    sqlite3_free(sql);
    remember(expected, &rows);
    if (rc) return sqlite3_mprintf("[%d] %s", rc, sqlite3_errmsg(db));
    expected->first = 1;
    return NULL;
}

/* Who comes first after the crash meets a fault. *lost: what it leaves is not what the disk has. */
static bool visit_with_fault(struct judge *judge, struct world *world, struct expected *expected, bool *lost) {
    enum crash_fault fault = random_below(&judge->random, CRASH_FAULTS);
    struct world_process *process = world->current;
    char *why = NULL, *opening = NULL;
    if (judge->check->work->setting->ordered && fault == CRASH_SYNC) fault = CRASH_WRITE;
    arm(judge, world, fault);
    sqlite3 *db = crash_open(judge->check->work->setting, &opening);
    if (db) why = try_all(judge, db, expected);
    bool closed = !sqlite3_close(db), struck = disarm(world, fault);
    if (process->dead) world_bury(world, process);
    judge->check->counts.faults[fault] += struck && (fault != CRASH_MEMORY || why || opening);
    *lost = struck && fault == CRASH_SYNC;
    bool good = closed && (struck || (!why && !opening)) && (!why || is_of_fault(why));
    if (!good) {
        complain(judge, sqlite3_mprintf("%s%s: %s%s%s", crash_fault_names[fault], struck ? "" : " (not met)",
                                        why ? why : "", opening ? opening : "", closed ? "" : " it cannot be closed"));
    }
    sqlite3_free(why);
    sqlite3_free(opening);
    world_enter(world, world_process_new(world));
    return good;
}

/* ---- and once more ----------------------------------------------------------------------------------------------- */

/* ---- damage ------------------------------------------------------------------------------------------------------ */

/* Bytes of .art files are turned over, or the tables' shadows are emptied: what can be had then? */
static bool salvage_damaged(struct judge *judge, const struct world_image *image, const struct crash_rows *rows) {
    const struct crash_work *work = judge->check->work;
    static const char *const shadows[] = {"SELECT 1", "SELECT 1", "DELETE FROM a_artdata", "DELETE FROM a_artstate"};
    struct world_options options = work->world->options;
    char *why = NULL;
    options.seed = random_next(&judge->random);
    options.lies = WORLD_HONEST;
    struct world *world = world_new(image, &options);
    for (unsigned i = 0; i < world->image.count; i++) {
        const struct world_image_file *file = &world->image.files[i];
        unsigned pages = (unsigned)(file->bytes.size / 4096);
        if (!strstr(file->name, ".art") || strstr(file->name, "copy.db") || !pages) continue;
        for (unsigned n = 1 + random_below(&judge->random, 6); n; n--) {
            uint64_t at = random_below(&judge->random, pages) * 4096ull + random_below(&judge->random, 4096);
            uint8_t byte = 0;
            struct sparse_file *bytes = &sim_file(world->disk, file->name)->live.sparse;
            sparse_read(bytes, at, &byte, 1);
            byte ^= (uint8_t)(1 << random_below(&judge->random, 8));
            sparse_write(bytes, at, &byte, 1);
        }
    }
    world_enter(world, world_process_new(world));
    sqlite3 *db = crash_open(work->setting, &why);
    bool good = db != NULL && (!work->rows.attached || !crash_attach(work->setting, db));
    if (good) good = runs(judge, db, shadows[random_below(&judge->random, 4)]);
    if (good) good = crash_salvage_check(db, work, rows, true, &why);
    judge->check->counts.damaged++;
    sqlite3_close(db);
    world_enter(NULL, NULL);
    world_free(world);
    return good || complain(judge, sqlite3_mprintf("damaged: %z", why));
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
    bool lost = false, good = true, damages = random_once_in(&judge->random, DAMAGE_EVERY);
    bool fault = !damages && random_once_in(&judge->random, FAULT_EVERY);
    if (fault) good = visit_with_fault(judge, world, &next, &lost);
    if (good) good = visit(judge, fault ? NULL : image, &next, &rows);
    world_enter(NULL, NULL);
    if (good && damages) good = salvage_damaged(judge, image, &rows);
    if (good && !expected->second && !lost && random_once_in(&judge->random, AGAIN_EVERY)) {
        next.second = true;
        next.first = 0;
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
    unsigned begun, lasts[CRASH_PARTS], visible[CRASH_PARTS];
    struct crash_copy copy;
};

static void meet_mark(struct place *place, const struct world_op *op) {
    unsigned part = (unsigned)(op->offset >> CRASH_MARK_BITS);
    switch ((enum crash_mark)(op->offset & ((1 << CRASH_MARK_BITS) - 1))) {
    case CRASH_BEGUN:
        place->possible[op->len] = true;
        place->begun = op->len + 1;
        break;
    case CRASH_LASTS:
        if (place->lasts[part] < op->len) place->lasts[part] = op->len;
        break;
    case CRASH_VISIBLE:
        place->visible[part] = op->len;
        break;
    case CRASH_ABANDONED:
        place->possible[op->len] = false;
        break;
    default:
        crash_copy_meet(&place->copy, (enum crash_mark)(op->offset & ((1 << CRASH_MARK_BITS) - 1)), op->len);
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
    /* Of a WAL that was never synced only nothing at all is sound. */
    if (check->work->world->options.lies == WORLD_LIES_OF_WAL) how = WORLD_DROP_ALL;
    struct expected expected = {.possible = place->possible,
                                .count = place->begun,
                                .goes_back = goes_back_after(judge, how),
                                .copy = check->work->copies ? &place->copy : NULL};
    memcpy(expected.oldest, how == WORLD_POWER_STAYS ? place->visible : place->lasts, sizeof expected.oldest);
    struct world_image image;
    uint64_t print = world_replay_crash(replay, how, seed, &image);
    print = (print ^ expected.oldest[0] * 0x100000001b3u ^ (uint64_t)expected.oldest[1] << 40) * 0x9e3779b97f4a7c15u;
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
