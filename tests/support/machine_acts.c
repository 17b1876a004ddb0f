/* What the actors do. Each opens a connection, acts for a while, closes, and begins again as another process. */
#include <stdarg.h>
#include <string.h>

#include "ext/art.h"
#include "tests/support/features.h"
#include "tests/support/machine.h"
#include "tests/support/spills.h"

uint32_t machine_below(struct actor *actor, uint32_t limit) {
    return random_below(&actor->random, limit);
}

bool machine_once_in(struct actor *actor, uint32_t times) {
    return random_once_in(&actor->random, times);
}

/* ---- statements -------------------------------------------------------------------------------------------------- */

static bool is_excused(const struct machine *machine, const struct actor *actor, int rc, const char *message) {
    int code = rc & 0xff;
    if (actor->process->dead || machine->failure) return true;
    if (machine_was_lied_to(machine)) return true; /* an error is what it should be */
    /* What others do to the database: rolled back under a cursor; a snapshot older than a DROP, of which nothing was
     * read. */
    if (machine->plan->life && (code == SQLITE_ABORT || strstr(message, ".art file is missing"))) return true;
    if (strstr(message, "unfinished")) return actor->role == 'b';
    if (!machine->plan->fails) return false;
    if (strstr(message, "simulated failure")) return true; /* art_verify() quotes it, whose own code is another */
    return code == SQLITE_IOERR || code == SQLITE_FULL || code == SQLITE_CANTOPEN;
}

bool machine_fine(struct actor *actor, int rc, const char *what) {
    struct machine *machine = actor->machine;
    int code = rc & 0xff;
    if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return true;
    const char *message = sqlite3_errmsg(actor->db);
    machine_note(actor, "%s -> %d %s", what, rc, message);
    if (code == SQLITE_BUSY || code == SQLITE_PROTOCOL || code == SQLITE_LOCKED) {
        machine->counts.busy++;
        return false;
    }
    actor->tainted = true;
    if (!is_excused(machine, actor, rc, message)) {
        machine_fail(machine, "%s: %s: %s (%d)", actor->name, what, message, rc);
    } else if (code == SQLITE_CORRUPT && machine->plan->lies) {
        machine->counts.noticed++;
        machine->ending = true;
    }
    return false;
}

int machine_do(struct actor *actor, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *sql = sqlite3_vmprintf(format, args);
    va_end(args);
    int rc = sqlite3_exec(actor->db, sql, NULL, NULL, NULL);
    if (machine_fine(actor, rc, sql)) machine_note(actor, "%s", sql);
    sqlite3_free(sql);
    if (actor->machine->plan->together && machine_once_in(actor, 2)) machine_pause(actor, 0);
    return rc;
}

int machine_open(struct machine *machine, const char *name, sqlite3 **out) {
    char *message = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int rc = sqlite3_open_v2(name, out, flags, "unix");
    if (!rc) rc = sqlite3_art_init(*out, &message, NULL);
    if (!rc) rc = sqlite3_busy_timeout(*out, 1000);
    sqlite3_free(message);
    char *sql = sqlite3_mprintf("PRAGMA synchronous=%s", machine->plan->synchronous);
    if (!rc) rc = sqlite3_exec(*out, sql, NULL, NULL, NULL);
    sqlite3_free(sql);
    bool keeps = strstr(machine->plan->storage, "inline") && !spills_well();
    if (!rc && keeps) rc = sqlite3_exec(*out, "PRAGMA cache_spill=OFF", NULL, NULL, NULL);
    return rc;
}

/* Is there reason to go on with this connection? */
bool machine_works(const struct actor *actor) {
    return actor->db && !actor->machine->ending && !actor->tainted && !actor->process->dead;
}

/* ---- writers ----------------------------------------------------------------------------------------------------- */

static void roll_back(struct actor *actor) {
    machine_leave(actor);
    if (!sqlite3_get_autocommit(actor->db)) machine_do(actor, "ROLLBACK");
    actor->machine->counts.rollbacks++;
}

/* Its frames will be in the -wal when it dies, and nobody knows. */
static void arm_a_zombie(struct actor *actor) {
    struct world *world = actor->machine->world;
    if (!actor->machine->plan->dies || actor->machine->plan->together || world->fault.kind != WORLD_NO_FAULT ||
        !machine_once_in(actor, 8))
        return;
    machine_note(actor, "is to die as a zombie");
    world_arm(world, WORLD_DIE_AS_ZOMBIE, machine_below(actor, 2), NULL);
}

/* The COMMIT of state `number`, which was tried until somebody knows what became of it. */
static void commit(struct actor *actor, uint32_t number) {
    struct machine *machine = actor->machine;
    int rc = SQLITE_BUSY;
    arm_a_zombie(actor);
    for (unsigned i = 0; i < 20 && (rc & 0xff) == SQLITE_BUSY && machine_works(actor); i++) {
        if (i) machine_pause(actor, 20);
        machine_note(actor, "asks for the commit of state %u", number);
        actor->commits = true;
        rc = machine_do(actor, "COMMIT");
        actor->commits = (rc & 0xff) != SQLITE_BUSY;
    }
    if (actor->process->dead) {
        machine_note(actor, "died in its commit");
        machine->counts.zombies += machine->world->fault.struck;
    } else if (!rc) {
        machine->counts.commits++;
        if (!machine_see(machine, number, 0, actor->name)) return;
        if (machine->plan->lasts && machine->durable < machine->states[number].depth)
            machine->durable = machine->states[number].depth;
    } else if ((rc & 0xff) == SQLITE_BUSY) {
        roll_back(actor);
        machine->states[number].given_up = true;
    } else {
        roll_back(actor); /* perhaps it is in the -wal */
    }
}

static void change_and_commit(struct actor *actor, uint32_t parent) {
    struct machine *machine = actor->machine;
    uint32_t rows[MACHINE_KEYS], number;
    struct machine_marks marks = {.count = 0};
    memcpy(rows, machine->states[parent].rows, sizeof rows);
    int rc = machine->plan->life && machine_once_in(actor, 12) ? machine_make_anew(actor, rows) : SQLITE_OK;
    for (uint32_t n = 1 + machine_below(actor, machine_once_in(actor, 4) ? 16 : 4); !rc && n && machine_works(actor);
         n--)
        rc = machine_change(actor, rows, &marks);
    if (!rc && machine_works(actor) && machine_once_in(actor, 8))
        rc = machine_compare(machine, actor->db, actor->name, rows, &number);
    if (rc && !machine_fine(actor, rc, "its own rows")) return roll_back(actor);
    if (rc || !machine_works(actor) || machine_once_in(actor, 8)) return roll_back(actor);
    number = machine_state_add(machine, parent, rows);
    for (unsigned art = 0; !rc && machine->plan->features && art < 2; art++) {
        rc = features_change(actor->db, art, machine->states[number].depth); /* each once */
        machine_fine(actor, rc, art ? "the features' tables" : "the features' ordinary tables");
    }
    if (rc || machine_do(actor, "UPDATE n SET id = %u", number)) {
        machine->states[number].given_up = true;
        return roll_back(actor);
    }
    commit(actor, number);
}

static void write_rows(struct actor *actor) {
    struct machine *machine = actor->machine;
    uint32_t floor = machine->floor, parent;
    bool reads_first = machine_once_in(actor, 5);
    if (machine_do(actor, reads_first ? "BEGIN" : "BEGIN IMMEDIATE")) return;
    machine_stand(actor);
    int rc = machine_compare(machine, actor->db, actor->name, NULL, &parent);
    machine_stay(actor);
    if (rc == SQLITE_MISMATCH || !machine_fine(actor, rc, "a writer's first look")) return roll_back(actor);
    if (!machine_see(machine, parent, floor, actor->name)) return;
    change_and_commit(actor, parent);
    machine_leave(actor);
    if (machine_works(actor) && machine_once_in(actor, 6)) machine_command(actor);
}

/* ---- the others -------------------------------------------------------------------------------------------------- */

/* A cursor that outlives its transaction and its connection. */
static void leave_an_orphan(struct actor *actor, uint32_t state) {
    struct machine *machine = actor->machine;
    sqlite3_stmt *orphan = NULL;
    int rc = sqlite3_prepare_v2(actor->db, "SELECT path, number, value FROM t ORDER BY path DESC", -1, &orphan, NULL);
    if (!rc && (rc = sqlite3_step(orphan)) == SQLITE_ROW) {
        machine_do(actor, "COMMIT");
        sqlite3 *db = actor->db;
        machine_note(actor, "leaves a cursor of state %u behind", state);
        sqlite3_close_v2(db);
        actor->db = NULL;
        /* The states move in memory while others commit. */
        uint32_t wanted[MACHINE_KEYS];
        memcpy(wanted, machine->states[state].rows, sizeof wanted);
        machine_pause(actor, machine_below(actor, 100));
        rc = machine_compare_rows(machine, orphan, "an orphan", wanted);
        machine->counts.orphans += !rc;
        if (rc && rc != SQLITE_MISMATCH && !actor->process->dead && !machine->plan->fails)
            machine_fail(machine, "%s: an orphan's rows: %s (%d)", actor->name, sqlite3_errmsg(db), rc);
    } else if (rc != SQLITE_DONE) {
        machine_fine(actor, rc, "a cursor");
    }
    sqlite3_finalize(orphan);
    machine_leave(actor);
    if (actor->db && !actor->process->dead && !sqlite3_get_autocommit(actor->db)) machine_do(actor, "COMMIT");
}

static void read_rows(struct actor *actor) {
    struct machine *machine = actor->machine;
    uint32_t floor = machine->floor, first = UINT32_MAX, again;
    /* A snapshot that has not looked at t, so that nothing of it is in memory, until others have gone on. */
    static const char *const begins[] = {"BEGIN; SELECT id FROM n", "BEGIN; SELECT path FROM t LIMIT 1", "BEGIN"};
    uint32_t form = machine_below(actor, 4) % 3;
    int rc = machine_do(actor, "%s", begins[form]);
    machine_stand(actor);
    if (!rc && form && machine_once_in(actor, 2)) rc = machine_compare(machine, actor->db, actor->name, NULL, &first);
    if (first != UINT32_MAX) machine_stay(actor);
    if (!rc) machine_pause(actor, machine_below(actor, machine_once_in(actor, 2) ? 400 : 60));
    if (!rc && machine_works(actor)) {
        rc = machine_compare(machine, actor->db, actor->name, NULL, &again);
        if (!rc && first != UINT32_MAX && first != again)
            machine_fail(machine, "%s: a snapshot was state %u, and is %u", actor->name, first, again);
        machine->counts.old_snapshots += !rc && machine->states[again].depth < machine->floor;
        machine->counts.snapshots += !rc;
        if (!rc) machine_note(actor, "reads state %u", again);
        /* Where it has read nothing before the pause, the second BEGIN has. */
        if (!rc) machine_see(machine, again, floor, actor->name);
        if (!rc && machine->plan->life && machine_once_in(actor, 4)) return leave_an_orphan(actor, again);
    }
    machine_leave(actor);
    if (rc && rc != SQLITE_MISMATCH) machine_fine(actor, rc, "a reader's rows");
    if (!actor->process->dead && !sqlite3_get_autocommit(actor->db)) machine_do(actor, "COMMIT");
}

static void checkpoint(struct actor *actor) {
    static const char *const modes[] = {"PASSIVE", "FULL", "RESTART", "TRUNCATE"};
    if (!machine_do(actor, "PRAGMA wal_checkpoint(%s)", modes[machine_below(actor, 4)]))
        actor->machine->counts.checkpoints++;
    machine_pause(actor, machine_below(actor, 60));
}

static void copy(struct actor *actor) {
    struct machine *machine = actor->machine;
    uint32_t floor = machine->floor, state;
    if (machine_do(actor, "SELECT art_backup('%s', '%s', 'update')", MACHINE_COPY, actor->schema)) return;
    struct actor in_copy = *actor;
    int rc = machine_open(machine, MACHINE_COPY, &in_copy.db);
    if (!rc) rc = machine_compare(machine, in_copy.db, "a copy", NULL, &state);
    if (!rc) rc = machine_do(&in_copy, "SELECT art_verify()");
    if (!rc) machine_note(actor, "has a copy of state %u", state);
    if (!rc) machine_see(machine, state, floor, "a copy");
    if (rc && rc != SQLITE_MISMATCH) machine_fine(&in_copy, rc, "a copy");
    sqlite3_close(in_copy.db);
    machine->counts.copies += !rc;
    machine->copied |= !rc;
    machine_pause(actor, machine_below(actor, 200));
}

static void act(struct actor *actor) {
    switch (actor->role) {
    case 'w':
        return write_rows(actor);
    case 'r':
        return read_rows(actor);
    case 'c':
        return checkpoint(actor);
    default:
        return copy(actor);
    }
}

/* ---- lives ------------------------------------------------------------------------------------------------------- */

static void begin(struct actor *actor) {
    struct machine *machine = actor->machine;
    actor->tainted = false;
    struct world_process *shared = machine->plan->together ? machine->shared : NULL;
    actor->process = shared ? shared : world_process_new(machine->world);
    machine->shared = actor->process;
    bool beside = machine->plan->life && machine_once_in(actor, 4);
    actor->schema = beside ? "beside" : "main";
    machine_leave(actor);
    world_enter(machine->world, actor->process);
    machine_note(actor, "comes as process %u", actor->process->number);
    int rc = machine_open(machine, beside ? ":memory:" : WORLD_DATABASE, &actor->db);
    if (!rc && beside)
        rc = machine_do(actor, "ATTACH '%s' AS beside; PRAGMA beside.synchronous=%s", WORLD_DATABASE,
                        machine->plan->synchronous);
    if (!rc) rc = sqlite3_busy_timeout(actor->db, machine_once_in(actor, 2) ? 1000 : 40);
    actor->tainted = !machine_fine(actor, rc, "opening"); /* also where only PRAGMA synchronous was refused */
    bool narrow = !rc && machine->plan->fails && machine_once_in(actor, 3); /* full in the middle of a statement */
    int64_t pages = narrow ? machine_ask(actor->db, "PRAGMA page_count", &rc) : 0;
    if (!rc && pages > 0) machine_do(actor, "PRAGMA max_page_count=%lld", (long long)pages + machine_below(actor, 30));
    if (!rc)
        machine_do(actor, "PRAGMA wal_autocheckpoint=%u", machine_once_in(actor, 2) ? 0 : machine_below(actor, 60));
}

static void end(struct actor *actor) {
    struct machine *machine = actor->machine;
    struct world *world = machine->world;
    machine_note(actor, "leaves");
    machine_leave(actor);
    if (sqlite3_close(actor->db)) machine_fail(machine, "%s cannot close: %s", actor->name, sqlite3_errmsg(actor->db));
    actor->db = NULL;
    enum world_fault kind = world->fault.kind;
    if (world->fault.of == actor->process && kind != WORLD_LOSE_WRITE && kind != WORLD_MISDIRECT_WRITE)
        world_disarm(world);
    if (actor->process->dead && !machine->ending) world_bury(world, actor->process);
    if (!machine->plan->together) world_kill(world, actor->process);
    actor->process = NULL;
}

void machine_actor(void *argument) {
    struct actor *actor = argument;
    struct machine *machine = actor->machine;
    while (!machine->ending) {
        begin(actor);
        for (uint32_t n = 1 + machine_below(actor, 12); n && machine_works(actor); n--) {
            if (random_span(&actor->random)) act(actor);
            if (machine_works(actor) && machine->plan->life && machine_once_in(actor, 3)) machine_live(actor);
            if (machine_works(actor) && machine_once_in(actor, 3)) machine_pause(actor, machine_below(actor, 30));
        }
        end(actor);
        machine_pause(actor, machine_below(actor, 10));
    }
}

void machine_found(struct actor *actor) {
    static const char *const limits[] = {"log_limit=3000", "log_limit=12000", "log_limit=600"};
    static const char *const spills[] = {"", ", spill_limit=20000", ", spill_limit=45000"};
    static const unsigned page_sizes[] = {1024, 4096, 512};
    struct machine *machine = actor->machine;
    uint32_t rows[MACHINE_KEYS] = {0};
    int rc = machine_open(machine, WORLD_DATABASE, &actor->db);
    machine_fine(actor, rc, "a new database");
    const char *limit = limits[machine_below(actor, 3)], *spill = spills[machine_below(actor, 3)];
    actor->schema = "main";
    machine->create = sqlite3_mprintf("CREATE TABLE %%s.o(path TEXT PRIMARY KEY, number); CREATE VIRTUAL TABLE %%s.t "
                                      "USING art(path, value, number INTEGER, cache=1000000, summary=(sum(number)), "
                                      "%s%s%s)",
                                      limit, spill, machine->plan->storage);
    if (!rc)
        rc = machine_do(actor,
                        "PRAGMA page_size=%u; PRAGMA journal_mode=%s; CREATE TABLE n(id); INSERT INTO n VALUES(0)",
                        page_sizes[machine_below(actor, 3)], machine->plan->journal);
    if (!rc) rc = machine_make_anew(actor, rows);
    for (uint32_t key = 0; !rc && key < MACHINE_KEYS; key += 2) rc = machine_put(actor, rows, key);
    if (!rc && machine->plan->features) {
        features_create(actor->db, NULL);
        features_create(actor->db, ", log_limit='1KB'");
    }
    machine_state_add(machine, 0, rows);
    machine_see(machine, 0, 0, "the founder");
    sqlite3_close(actor->db);
}
