/* The workload's steps: transactions of every form, readers that hold a snapshot, checkpoints, closing and opening; and
 * what can happen to the process that makes them. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ext/art.h"
#include "tests/support/crash_beside.h"
#include "tests/support/crash_change.h"
#include "tests/support/spills.h"

enum { SAVEPOINTS = 3 };

static void fail(struct crash_work *work, const char *format, ...) {
    if (work->failure) return;
    va_list args;
    va_start(args, format);
    work->failure = sqlite3_vmprintf(format, args);
    va_end(args);
}

static uint32_t below(struct crash_work *work, uint32_t limit) {
    return random_below(&work->random, limit);
}

static bool once_in(struct crash_work *work, uint32_t times) {
    return random_once_in(&work->random, times);
}

static bool is_wal(const struct crash_work *work) {
    return !strcmp(work->setting->journal, "WAL");
}

/* ---- processes --------------------------------------------------------------------------------------------------- */

sqlite3 *crash_open(const struct crash_setting *setting, char **why) {
    sqlite3 *db = NULL;
    char *message = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int rc = sqlite3_open_v2(WORLD_DATABASE, &db, flags, "unix");
    if (!rc) rc = sqlite3_art_init(db, &message, NULL);
    sqlite3_free(message);
    if (!rc) rc = crash_run(db, "PRAGMA synchronous=%s", setting->synchronous);
    /* Of these, WAL stands in the database; and the others are the connection's own. */
    bool own = !strcmp(setting->journal, "TRUNCATE") || !strcmp(setting->journal, "PERSIST");
    if (!rc && own) rc = crash_run(db, "PRAGMA journal_mode=%s", setting->journal);
    if (!rc && setting->wipes) rc = crash_run(db, "PRAGMA secure_delete=ON");
    if (!rc && setting->inlined && !spills_well()) rc = crash_run(db, "PRAGMA cache_spill=OFF");
    if (!rc) return db;
    *why = sqlite3_mprintf("cannot open: %s", sqlite3_errmsg(db));
    sqlite3_close(db);
    return NULL;
}

int crash_attach(const struct crash_setting *setting, sqlite3 *db) {
    bool own = !strcmp(setting->journal, "TRUNCATE") || !strcmp(setting->journal, "PERSIST");
    int rc = crash_run(db, "ATTACH %Q AS two; PRAGMA two.synchronous=%s", CRASH_DATABASE_TWO, setting->synchronous);
    return !rc && own ? crash_run(db, "PRAGMA two.journal_mode=%s", setting->journal) : rc;
}

/* How large the trees have become. */
static void look_at_tree(struct crash_work *work, const struct crash_process *who) {
    sqlite3_stmt *ask = NULL;
    static const char sql[] = "SELECT property, value FROM art_debug('a') WHERE property IN ('runs', 'blobs')";
    if (sqlite3_prepare_v2(who->db, sql, -1, &ask, NULL)) return;
    while (sqlite3_step(ask) == SQLITE_ROW) {
        uint64_t value = (uint64_t)sqlite3_column_int64(ask, 1);
        uint64_t *most = !strcmp((const char *)sqlite3_column_text(ask, 0), "runs") ? &work->runs : &work->blobs;
        if (*most < value) *most = value;
    }
    sqlite3_finalize(ask);
}

static void close_process(struct crash_work *work, struct crash_process *who) {
    if (!who->db) return;
    world_enter(work->world, who->process);
    if (!who->process->dead && !who->tainted) look_at_tree(work, who);
    if (sqlite3_close(who->db)) fail(work, "a connection cannot be closed: %s", sqlite3_errmsg(who->db));
    if (who->process->dead) world_bury(work->world, who->process);
    world_disarm(work->world); /* it may have been told of a failed sync */
    *who = (struct crash_process){0};
}

/* Of a part, where it is about what is found. */
static void mark(struct crash_work *work, enum crash_mark what, enum crash_part part, unsigned state) {
    world_mark(work->world, what | (uint64_t)part << CRASH_MARK_BITS, state);
}

static void face_fault(struct crash_work *work, struct crash_process *who);

/* Once more where a hot journal is rolled back by somebody who is told then that a sync had failed for another. */
static bool read_rows(struct crash_work *work, struct crash_process *who, struct crash_rows *out, char **why) {
    if (crash_rows_read(who->db, out, NULL, why)) return true;
    if (!work->world->fault.struck || who->process->dead) return false;
    face_fault(work, who);
    sqlite3_free(*why);
    return crash_rows_read(who->db, out, NULL, why);
}

static bool has_gap(const struct crash_work *work) {
    return world_has_gap(work->world, WORLD_DATABASE "-wal", world_wal_end(work->world, WORLD_DATABASE)) ||
           world_has_gap(work->world, CRASH_DATABASE_TWO "-wal", world_wal_end(work->world, CRASH_DATABASE_TWO));
}

/* Is this part (or, with a rollback journal, all) as it was, or a commit's that nobody had seen? */
static bool is_known(struct crash_work *work, enum crash_part from, enum crash_part to,
                     const struct crash_rows *found) {
    uint64_t hash[] = {crash_part_hash(found, CRASH_MAIN), crash_part_hash(found, CRASH_TWO)};
    bool same = true;
    unsigned last = 0;
    for (unsigned part = from; part < to; part++) {
        same &= hash[part] == crash_part_hash(&work->rows, part);
        if (last < work->last[part]) last = work->last[part];
    }
    if (same) return true;
    for (unsigned i = work->state_count; i-- > last + 1;) {
        bool is = true;
        for (unsigned part = from; part < to; part++) is &= work->states[i].hash[part] == hash[part];
        if (!is) continue;
        work->counts.revived++;
        for (unsigned part = from; part < to; part++) {
            work->last[part] = i;
            mark(work, CRASH_VISIBLE, part, i);
        }
        return true;
    }
    return false;
}

/* Who opens the database when nobody else has it open recovers it: a commit that nobody had seen, of a writer that died
 * in it, may be there now. Where its sync had failed the WAL on the disk may have a gap under what is seen, and SQLite
 * goes on behind it and says that it lasts: the history ends here. */
static void see_what_is_there(struct crash_work *work, struct crash_process *who) {
    struct crash_rows found;
    char *why = NULL;
    if (!read_rows(work, who, &found, &why)) {
        fail(work, "the first to open the database cannot read it: %s", why);
        sqlite3_free(why);
        return;
    }
    if (has_gap(work)) {
        work->counts.gaps++;
        work->end = work->world->op_count;
    }
    if (crash_rows_hash(&found) == crash_rows_hash(&work->rows)) return;
    bool known = is_wal(work)
                     ? is_known(work, CRASH_MAIN, CRASH_TWO, &found) && is_known(work, CRASH_TWO, CRASH_PARTS, &found)
                     : is_known(work, CRASH_MAIN, CRASH_PARTS, &found);
    if (known) {
        work->rows = found;
        return;
    }
    char *differ = crash_rows_compare(&work->rows, &found);
    fail(work, "the first to open the database finds other rows: %s", differ);
    sqlite3_free(differ);
}

static bool is_alone(const struct crash_work *work) {
    for (unsigned i = 0; i < CRASH_PROCESSES; i++) {
        if (work->processes[i].db) return false;
    }
    return true;
}

static struct crash_process *enter(struct crash_work *work, struct crash_process *who) {
    if (who->tainted && once_in(work, 2)) close_process(work, who);
    if (!who->db) {
        bool alone = is_alone(work);
        char *why = NULL;
        who->process = world_process_new(work->world);
        world_enter(work->world, who->process);
        who->db = crash_open(work->setting, &why);
        if (!who->db) fail(work, "%s", why);
        sqlite3_free(why);
        if (who->db && work->rows.attached && crash_attach(work->setting, who->db)) {
            fail(work, "cannot attach: %s", sqlite3_errmsg(who->db));
        }
        if (who->db) crash_run(who->db, "PRAGMA wal_autocheckpoint=%u", work->autocheckpoint);
        if (once_in(work, 2) && spills_well()) crash_run(who->db, "PRAGMA cache_size=%u", 5 + below(work, 20));
        if (who->db && alone) see_what_is_there(work, who);
    }
    world_enter(work->world, who->process);
    return who;
}

static struct crash_process *any_process(struct crash_work *work) {
    return enter(work, &work->processes[below(work, CRASH_PROCESSES)]);
}

static void end_reading(struct crash_work *work, struct crash_process *who);

/* One that sees what is committed now. */
static struct crash_process *without_snapshot(struct crash_work *work) {
    unsigned from = below(work, CRASH_PROCESSES);
    for (unsigned i = 0; i < CRASH_PROCESSES; i++) {
        struct crash_process *who = &work->processes[(from + i) % CRASH_PROCESSES];
        if (!who->reading) return enter(work, who);
    }
    end_reading(work, &work->processes[from]);
    return enter(work, &work->processes[from]);
}

/* Something went wrong: is that what was to be expected? */
static void judge_error(struct crash_work *work, struct crash_process *who, const char *what, int rc) {
    if ((rc & 0xff) == SQLITE_BUSY) {
        work->counts.busy++;
    } else if (!who->tainted) {
        fail(work, "%s: %s (%d)", what, sqlite3_errmsg(who->db), sqlite3_extended_errcode(who->db));
    }
}

/* ---- faults ------------------------------------------------------------------------------------------------------ */

static const char *const suffixes[] = {"-wal", "-journal", ".db", ".art"};

static void arm_for_body(struct crash_work *work) {
    if (once_in(work, 12)) world_arm(work->world, WORLD_DIE_AT, below(work, 80), NULL);
}

static void arm_for_commit(struct crash_work *work) {
    if (work->world->fault.kind != WORLD_NO_FAULT) return;
    if (is_wal(work) && once_in(work, 12)) {
        world_arm(work->world, WORLD_DIE_AS_ZOMBIE, below(work, 2), NULL);
    } else if (once_in(work, 12) && !work->setting->ordered) { /* what a failed sync loses knows no order */
        world_arm(work->world, WORLD_FAIL_SYNC, below(work, 2),
                  is_wal(work) && once_in(work, 2) ? "-wal" : suffixes[below(work, 4)]);
    } else if (once_in(work, 20)) {
        world_arm(work->world, WORLD_DIE_AT, below(work, 30), NULL);
    }
}

/* The commit is in the -wal, on the disk or not, and nobody sees it. */
static void arm_for_duel(struct crash_work *work) {
    if (once_in(work, 2)) {
        world_arm(work->world, WORLD_DIE_AS_ZOMBIE, below(work, 2), NULL);
    } else {
        world_arm(work->world, WORLD_FAIL_SYNC, 1, "-wal"); /* the first is that of art, before it writes blobs */
    }
}

/* Does an operation meet a file whose name has this in it? */
static bool is_of(const struct world *world, const struct world_op *op, const char *part) {
    const char *name = world_name_of(world, op->inode);
    return name && strstr(name, part);
}

/* Has anybody written blobs since this operation? */
static bool wrote_blobs(const struct world *world, unsigned from) {
    for (unsigned i = from; i < world->op_count; i++) {
        if (world->ops[i].kind == WORLD_WRITE && is_of(world, &world->ops[i], ".art")) return true;
    }
    return false;
}

/* A journal that was cut or whose header was made zero, and nobody has synced that. The next writer writes over it all
 * the same; a crash may then mix sectors of both journals, and SQLite's checksums look at every 200th byte only. */
static bool journal_ends_unsynced(const struct world *world, const char *journal) {
    enum { ZEROED = 28 };
    for (unsigned i = world->op_count; i--;) {
        const struct world_op *op = &world->ops[i];
        bool counts = op->kind == WORLD_WRITE || op->kind == WORLD_TRUNCATE || op->kind == WORLD_SYNC;
        if (!counts || !is_of(world, op, journal)) continue;
        return op->kind == WORLD_TRUNCATE || (op->kind == WORLD_WRITE && op->offset == 0 && op->len == ZEROED);
    }
    return false;
}

/* After the work that faults were armed for. A process that died is closed. */
static void face_fault(struct crash_work *work, struct crash_process *who) {
    enum world_fault kind = work->world->fault.kind;
    if (!world_disarm(work->world)) return;
    who->tainted = true;
    if (kind == WORLD_FAIL_SYNC) work->counts.failed_syncs++;
    if (journal_ends_unsynced(work->world, "a.db-journal") || journal_ends_unsynced(work->world, "b.db-journal"))
        work->end = work->world->op_count;
    if (kind == WORLD_DIE_AS_ZOMBIE) work->counts.zombies++;
    if (kind == WORLD_DIE_AT || kind == WORLD_DIE_BEFORE_REMOVING) work->counts.deaths++;
}

/* A LOSER's commit is in the -wal and not seen; the WINNER is the next to write. LEAVER and CLEANER: a table is dropped
 * by a process that dies before it has removed the file, or a table is made whose commit nobody sees; and 'clean' comes
 * by. */
enum form { ANY, LOSER, WINNER, LEAVER, CLEANER };

/* ---- transactions ------------------------------------------------------------------------------------------------ */

struct marks {
    struct crash_rows rows[SAVEPOINTS];
    unsigned count;
};

static int savepoint(struct crash_work *work, sqlite3 *db, struct crash_rows *rows, struct marks *marks) {
    unsigned what = below(work, 3);
    int rc = SQLITE_OK;
    if (what == 0 && marks->count < SAVEPOINTS) {
        rc = crash_run(db, "SAVEPOINT s%u", marks->count);
        if (!rc) marks->rows[marks->count++] = *rows;
    } else if (what == 1 && marks->count) {
        unsigned to = below(work, marks->count);
        rc = crash_run(db, "ROLLBACK TO s%u", to);
        *rows = marks->rows[to];
        marks->count = to + 1;
    } else if (marks->count) {
        marks->count--;
        rc = crash_run(db, "RELEASE s%u", marks->count);
    }
    return rc;
}

static int body(struct crash_work *work, sqlite3 *db, struct crash_rows *rows) {
    struct marks marks = {.count = 0};
    unsigned n = 1 + below(work, once_in(work, 4) ? 20 : 5);
    int rc = SQLITE_OK;
    for (unsigned i = 0; !rc && i < n; i++) {
        if (once_in(work, 4)) {
            rc = savepoint(work, db, rows, &marks);
        } else if (once_in(work, 12)) {
            rc = crash_put_many(work, db, rows);
        } else {
            rc = crash_change(work, db, rows);
        }
    }
    return rc;
}

static void add_state(struct crash_work *work, struct crash_rows *rows) {
    crash_settle_snapshots(rows);
    if (!(work->state_count & (work->state_count - 1))) {
        work->states = realloc(work->states, (work->state_count ? 2 * work->state_count : 1) * sizeof *work->states);
        if (!work->states) abort();
    }
    work->states[work->state_count++] =
        (struct crash_state){{crash_part_hash(rows, CRASH_MAIN), crash_part_hash(rows, CRASH_TWO)}, *rows};
}

static bool differs(const struct crash_rows *a, const struct crash_rows *b, enum crash_part part) {
    return crash_part_hash(a, part) != crash_part_hash(b, part);
}

/* A transaction that changed nothing of a database may have written nothing to it, and makes nothing last there. The
 * next commit to either syncs the folder that both are in. */
static void acknowledge(struct crash_work *work, unsigned state, const struct crash_rows *rows) {
    work->counts.commits++;
    bool changed[CRASH_PARTS];
    for (unsigned part = 0; part < CRASH_PARTS; part++) changed[part] = differs(rows, &work->rows, part);
    work->counts.of_both += changed[CRASH_MAIN] && changed[CRASH_TWO];
    for (unsigned part = 0; part < CRASH_PARTS; part++) {
        if (!changed[part]) continue;
        mark(work, CRASH_VISIBLE, part, state);
        if (work->setting->lasts == LASTS) mark(work, CRASH_LASTS, part, state);
    }
    for (unsigned part = 0; part < CRASH_PARTS && crash_rows_hash(rows) != crash_rows_hash(&work->rows); part++) {
        if (work->setting->lasts == LASTS_WITH_THE_NEXT) mark(work, CRASH_LASTS, part, work->last[part]);
    }
    for (unsigned part = 0; part < CRASH_PARTS; part++) {
        if (changed[part]) work->last[part] = state;
    }
    work->rows = *rows;
}

/* A commit failed, or died: what do the others see? With a WAL each database for itself. */
static void find_out(struct crash_work *work, unsigned state) {
    struct crash_rows found;
    char *why = NULL;
    struct crash_process *who = without_snapshot(work);
    if (work->failure) return;
    if (!read_rows(work, who, &found, &why)) {
        if (!who->tainted) fail(work, "after a failed commit: %s", why);
        sqlite3_free(why);
        return;
    }
    const struct crash_rows *wanted = &work->states[state].rows;
    bool changes = crash_rows_hash(wanted) != crash_rows_hash(&work->rows); /* else nobody can tell */
    bool made[CRASH_PARTS] = {false}, kept[CRASH_PARTS] = {false}, good = true;
    for (unsigned part = 0; part < CRASH_PARTS; part++) {
        kept[part] = !differs(&found, &work->rows, part);
        made[part] = !differs(&found, wanted, part);
        good &= kept[part] || made[part];
    }
    bool whole = (kept[0] && kept[1]) || (made[0] && made[1]);
    if (!good || (!whole && !is_wal(work))) {
        char *differ = crash_rows_compare(&work->rows, &found);
        fail(work, "after a failed commit the rows are neither old nor new: %s", differ);
        sqlite3_free(differ);
    } else if (changes && kept[0] && kept[1]) {
        if (!is_wal(work)) mark(work, CRASH_ABANDONED, 0, state);
    } else if (changes) {
        work->counts.survived++;
        work->counts.halves += !whole;
        for (unsigned part = 0; part < CRASH_PARTS; part++) {
            if (kept[part]) continue;
            work->last[part] = state;
            mark(work, CRASH_VISIBLE, part, state);
        }
        work->rows = found;
    }
}

static void leave(struct crash_work *work, struct crash_process *who) {
    face_fault(work, who);
    work->counts.rollbacks++;
    if (who->process->dead) {
        close_process(work, who);
    } else if (!sqlite3_get_autocommit(who->db)) {
        crash_run(who->db, "ROLLBACK");
    }
}

/* A rollback journal lets no commit pass while somebody reads. */
static int commit(struct crash_work *work, struct crash_process *who, const char *words) {
    int rc = crash_run(who->db, words);
    if ((rc & 0xff) != SQLITE_BUSY || who->process->dead || sqlite3_get_autocommit(who->db) || !once_in(work, 2))
        return rc;
    work->counts.busy++;
    for (unsigned i = 0; i < CRASH_PROCESSES; i++) end_reading(work, &work->processes[i]);
    world_enter(work->world, who->process);
    return crash_run(who->db, words);
}

/* The second table goes, or comes with rows in a file. */
static int body_of_leaver(struct crash_work *work, sqlite3 *db, struct crash_rows *rows) {
    bool there = rows->second;
    int rc = crash_change_schema(work, db, rows);
    if (rc || there || !rows->second) return rc;
    rc = crash_put(work, db, rows, CRASH_B, below(work, CRASH_KEYS));
    return rc ? rc : crash_command(db, rows, CRASH_B, "flush");
}

/* Short transactions: of art rows alone, with a flush, for a duel. */
static int body_of(struct crash_work *work, sqlite3 *db, struct crash_rows *rows, enum form form) {
    int rc = SQLITE_OK;
    if (form == ANY) return body(work, db, rows);
    if (form == LEAVER) return body_of_leaver(work, db, rows);
    if (form == CLEANER) return crash_command(db, rows, CRASH_A, "clean");
    for (unsigned n = 1 + below(work, 3); !rc && n; n--)
        rc = crash_put(work, db, rows, CRASH_A, below(work, CRASH_KEYS));
    return rc ? rc : crash_command(db, rows, CRASH_A, "flush");
}

/* The commit has been asked for. Who died in it was told nothing, whatever its process was told last. */
static void end_transaction(struct crash_work *work, struct crash_process *who, const struct crash_rows *rows, int rc) {
    unsigned state = work->state_count - 1;
    if (!rc && !who->process->dead) {
        face_fault(work, who);
        acknowledge(work, state, rows);
        return;
    }
    bool struck = work->world->fault.struck;
    if (!struck) judge_error(work, who, "a commit", rc);
    leave(work, who);
    if (struck) {
        find_out(work, state);
    } else {
        mark(work, CRASH_ABANDONED, 0, state);
    }
}

/* One statement by itself; now and then art_vacuum(), which makes several transactions. */
static void autocommit(struct crash_work *work, struct crash_process *who) {
    struct crash_rows rows = work->rows, again = work->rows;
    bool vacuums = once_in(work, 5);
    enum crash_table table = rows.second && once_in(work, 2) ? CRASH_B : CRASH_A;
    arm_for_body(work);
    arm_for_commit(work);
    struct random before = work->random;
    uint32_t value = work->next_value;
    if (!vacuums) crash_change(work, NULL, &rows); /* only said, not done */
    work->random = before;
    work->next_value = value;
    add_state(work, &rows);
    mark(work, CRASH_BEGUN, 0, work->state_count - 1);
    int rc = vacuums ? crash_run(who->db, "SELECT art_vacuum(%Q)", crash_rows_name(&again, table))
                     : crash_change(work, who->db, &again);
    end_transaction(work, who, &rows, rc);
}

static void transaction(struct crash_work *work, struct crash_process *who, enum form special) {
    static const char *const begins[] = {"BEGIN", "BEGIN IMMEDIATE", "SAVEPOINT outer"};
    struct crash_rows rows = work->rows;
    unsigned form = below(work, 3);
    if (!special) arm_for_body(work);
    int rc = crash_run(who->db, begins[form]);
    unsigned begun = work->world->op_count;
    if (!rc) rc = body_of(work, who->db, &rows, special);
    work->counts.spills += wrote_blobs(work->world, begun);
    bool gives_up = !special && once_in(work, 8);
    if (rc || gives_up) {
        if (rc && !work->world->fault.struck) judge_error(work, who, "a statement", rc);
        leave(work, who);
        return;
    }
    add_state(work, &rows);
    mark(work, CRASH_BEGUN, 0, work->state_count - 1);
    if (special == LOSER) arm_for_duel(work);
    if (special == LEAVER && rows.second) arm_for_duel(work);
    if (special == LEAVER && !rows.second) world_arm(work->world, WORLD_DIE_BEFORE_REMOVING, 0, NULL);
    if (!special) arm_for_commit(work);
    rc = commit(work, who, form == 2 ? "RELEASE outer" : "COMMIT");
    end_transaction(work, who, &rows, rc);
}

/* ---- other steps ------------------------------------------------------------------------------------------------- */

static void compare_snapshot(struct crash_work *work, struct crash_process *who, const char *when) {
    struct crash_rows found;
    char *why = NULL;
    if (!read_rows(work, who, &found, &why)) {
        if (!who->tainted) fail(work, "%s: %s", when, why);
    } else if (crash_rows_hash(&found) != crash_rows_hash(&who->snapshot)) {
        char *differ = crash_rows_compare(&who->snapshot, &found);
        fail(work, "%s: %s", when, differ);
        sqlite3_free(differ);
    }
    sqlite3_free(why);
}

/* Known, and not of this test: a reader that has not yet opened an .art file when another drops the table finds it
 * missing. */
static void end_reading(struct crash_work *work, struct crash_process *who) {
    if (!who->reading) return;
    world_enter(work->world, who->process);
    bool file_gone = who->late && work->counts.drops != who->drops;
    if (!file_gone) compare_snapshot(work, who, "a snapshot was not what it had been");
    crash_run(who->db, "COMMIT");
    who->reading = false;
}

static void begin_reading(struct crash_work *work, struct crash_process *who) {
    if (crash_run(who->db, "BEGIN")) return;
    who->snapshot = work->rows;
    who->reading = true;
    work->counts.snapshots++;
    who->late = once_in(work, 2); /* the art tables are not even opened until the end */
    who->drops = work->counts.drops;
    if (who->late) { /* of each database something, or its snapshot would begin later */
        crash_run(who->db,
                  work->rows.attached ? "SELECT count(*) FROM o, two.sqlite_schema" : "SELECT count(*) FROM o");
    } else {
        compare_snapshot(work, who, "a reader does not see the last commit");
    }
}

/* SQLite syncs the WAL, then the database, before it begins the WAL anew: what such a checkpoint has taken along
 * lasts. */
static void checkpoint(struct crash_work *work, struct crash_process *who) {
    static const int modes[] = {SQLITE_CHECKPOINT_PASSIVE, SQLITE_CHECKPOINT_FULL, SQLITE_CHECKPOINT_RESTART,
                                SQLITE_CHECKPOINT_TRUNCATE};
    int frames = -1, done = -1;
    enum crash_part part = work->rows.attached && once_in(work, 3) ? CRASH_TWO : CRASH_MAIN;
    bool faulty = once_in(work, 6);
    if (faulty && once_in(work, 2)) {
        world_arm(work->world, WORLD_DIE_AT, below(work, 12), NULL);
    } else if (faulty) {
        world_arm(work->world, WORLD_FAIL_SYNC, 0, once_in(work, 2) ? "-wal" : ".db");
    }
    int rc =
        sqlite3_wal_checkpoint_v2(who->db, part == CRASH_TWO ? "two" : "main", modes[below(work, 4)], &frames, &done);
    work->counts.checkpoints++;
    if (!rc && frames >= 0 && frames == done) mark(work, CRASH_LASTS, part, work->last[part]);
    if (rc && !work->world->fault.struck) judge_error(work, who, "a checkpoint", rc);
    face_fault(work, who);
    if (who->process->dead) close_process(work, who);
}

/* A copy is made, or brought up to date. */
static void copy(struct crash_work *work, struct crash_process *who) {
    static const char *const files[] = {"copy.db", ".art", "-journal", ".db"};
    unsigned state = work->last[CRASH_MAIN];
    char *why = NULL;
    bool faulty = once_in(work, 2), refused;
    if (faulty && once_in(work, 2)) {
        world_arm(work->world, WORLD_DIE_AT, below(work, 60), NULL);
    } else if (faulty && !work->setting->ordered) {
        world_arm(work->world, WORLD_FAIL_SYNC, below(work, 2), files[below(work, 4)]);
    }
    mark(work, CRASH_COPYING, 0, state);
    bool done = crash_copy_update(who->db, work, &work->rows, &refused, &why);
    bool struck = work->world->fault.struck;
    face_fault(work, who);
    work->counts.copies += done && !refused && !struck;
    work->counts.broken_copies += struck;
    if (done && !refused && !struck) mark(work, CRASH_COPIED, 0, state);
    if (!done && !struck && !who->tainted) fail(work, "a copy: %s", why);
    if (who->process->dead) close_process(work, who);
    sqlite3_free(why);
}

static void step(struct crash_work *work) {
    struct crash_process *who = any_process(work);
    if (work->failure) return;
    unsigned what = below(work, 100);
    if (who->reading) {
        if (what < 40) end_reading(work, who);
    } else if (what < 11 && is_wal(work)) {
        bool duel = what < 8;
        transaction(work, who, duel ? LOSER : LEAVER);
        who = any_process(work);
        if (!work->failure && !who->reading) transaction(work, who, duel ? WINNER : CLEANER);
    } else if (what < 80) {
        if (once_in(work, 3)) {
            autocommit(work, who);
        } else {
            transaction(work, who, ANY);
        }
    } else if (what < 86) {
        if (is_wal(work)) checkpoint(work, who);
    } else if (what < 90) {
        if (work->copies) copy(work, who);
    } else if (what < 94) {
        begin_reading(work, who);
    } else {
        close_process(work, who);
        if (once_in(work, 3)) {
            for (unsigned i = 0; i < CRASH_PROCESSES; i++) {
                end_reading(work, &work->processes[i]);
                close_process(work, &work->processes[i]);
            }
        }
    }
}

/* ---- beginning and end ------------------------------------------------------------------------------------------- */

/* Tables with some rows, in a database that is safe. */
static void make_database(struct crash_work *work, struct world_image *out) {
    struct world_options options = {
        .seed = work->seed, .sector = 512, .characteristics = SQLITE_IOCAP_POWERSAFE_OVERWRITE};
    struct world *world = world_new(NULL, &options);
    char *why = NULL;
    world_enter(world, world_process_new(world));
    sqlite3 *db = crash_open(work->setting, &why);
    int rc = !db;
    if (!rc) {
        rc = crash_run(
            db,
            "PRAGMA page_size=%u; PRAGMA journal_mode=%s; CREATE TABLE o(path TEXT PRIMARY KEY, value, number, words)",
            work->page_size, work->setting->journal);
    }
    if (!rc && work->rows.attached) {
        rc = crash_attach(work->setting, db);
        if (!rc)
            rc = crash_run(db, "PRAGMA two.page_size=%u; PRAGMA two.journal_mode=%s", work->page_size,
                           work->setting->journal);
    }
    work->world = world; /* for crash_put() */
    for (unsigned table = 0; !rc && table < CRASH_TABLES; table++) {
        if (!crash_has(&work->rows, table)) continue;
        if (table != CRASH_PLAIN) rc = crash_create(work, db, &work->rows, table);
        for (unsigned key = 0; !rc && key < CRASH_KEYS; key += 3) rc = crash_put(work, db, &work->rows, table, key);
    }
    if (rc) fail(work, "setup: %s", db ? sqlite3_errmsg(db) : why);
    sqlite3_close(db);
    sqlite3_free(why);
    struct world_replay *replay = world_replay_new(world);
    while (world_replay_step(replay)) {
    }
    world_replay_crash(replay, WORLD_POWER_STAYS, 0, out);
    world_replay_free(replay);
    world_free(world);
    work->world = NULL;
}

void crash_work_run(struct crash_work *work, const struct crash_setting *setting, uint64_t seed, unsigned steps,
                    enum world_lies lies) {
    static const unsigned page_sizes[] = {1024, 4096, 512}, checkpoints[] = {1000, 30, 100};
    *work = (struct crash_work){.setting = setting, .seed = seed, .random = {seed}, .next_value = 1};
    struct world_image image;
    work->page_size = page_sizes[below(work, 3)];
    work->autocheckpoint = checkpoints[below(work, 3)];
    work->rows.attached = once_in(work, 2);
    work->copies = once_in(work, 2);
    make_database(work, &image);
    struct world_options options = {
        .seed = seed,
        .sector = once_in(work, 3) ? 4096 : 512,
        .characteristics = once_in(work, 3) ? 0 : SQLITE_IOCAP_POWERSAFE_OVERWRITE,
        .lies = lies,
    };
    work->world = world_new(&image, &options);
    world_image_clear(&image);
    add_state(work, &work->rows);
    mark(work, CRASH_BEGUN, 0, 0);
    for (unsigned part = 0; part < CRASH_PARTS; part++) {
        mark(work, CRASH_VISIBLE, part, 0);
        mark(work, CRASH_LASTS, part, 0);
    }
    for (unsigned i = 0; i < steps && !work->failure && !work->end; i++) {
        if (random_span(&work->random)) step(work);
    }
    for (unsigned i = 0; i < CRASH_PROCESSES; i++) {
        end_reading(work, &work->processes[i]);
        close_process(work, &work->processes[i]);
    }
    world_enter(NULL, NULL);
    if (!work->end) work->end = work->world->op_count;
}

void crash_work_clear(struct crash_work *work) {
    world_free(work->world);
    free(work->states);
    sqlite3_free(work->failure);
    *work = (struct crash_work){0};
}
