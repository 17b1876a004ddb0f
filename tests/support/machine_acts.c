/* What the actors do. Each opens a connection, acts for a while, closes, and begins again as another process. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ext/art.h"
#include "tests/support/features.h"
#include "tests/support/machine.h"
#include "tests/support/spills.h"

enum { IN_FOLDER = MACHINE_KEYS / MACHINE_FOLDERS, SAVEPOINTS = 3 };

static uint32_t below(struct actor *actor, uint32_t limit) {
    return random_below(&actor->random, limit);
}

static bool once_in(struct actor *actor, uint32_t times) {
    return random_once_in(&actor->random, times);
}

/* ---- statements -------------------------------------------------------------------------------------------------- */

static bool is_excused(const struct machine *machine, const struct actor *actor, int rc, const char *message) {
    int code = rc & 0xff;
    if (actor->process->dead || machine->failure) return true;
    if (machine->plan->lies && machine->world->fault.struck) return true; /* an error is what it should be */
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

static int run(struct actor *actor, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *sql = sqlite3_vmprintf(format, args);
    va_end(args);
    int rc = sqlite3_exec(actor->db, sql, NULL, NULL, NULL);
    if (machine_fine(actor, rc, sql)) machine_note(actor, "%s", sql);
    sqlite3_free(sql);
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
static bool works(const struct actor *actor) {
    return actor->db && !actor->machine->ending && !actor->tainted && !actor->process->dead;
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static int put(struct actor *actor, uint32_t *rows, uint32_t key) {
    int len, rc = SQLITE_OK;
    uint32_t number = ++actor->machine->next_number;
    const uint8_t *value = machine_value(number, &len);
    for (unsigned i = 0; !rc && i < 2; i++) {
        sqlite3_stmt *insert = NULL;
        char sql[160];
        sqlite3_snprintf(sizeof sql, sql,
                         i ? "REPLACE INTO o VALUES('dir%u/file%02u', %u)"
                           : "REPLACE INTO t(path, number, value) VALUES('dir%u/file%02u', %u, ?1)",
                         key / IN_FOLDER, key % IN_FOLDER, number);
        rc = sqlite3_prepare_v2(actor->db, sql, -1, &insert, NULL);
        if (!rc && !i) rc = sqlite3_bind_blob(insert, 1, value, len, SQLITE_TRANSIENT);
        if (!rc) sqlite3_step(insert);
        if (!rc) rc = sqlite3_finalize(insert);
        if (!machine_fine(actor, rc, sql)) break;
        if (!i) machine_note(actor, "%s (%d bytes)", sql, len);
    }
    if (!rc) rows[key] = number;
    return rc;
}

/* The same statement on both tables. */
static int both(struct actor *actor, const char *format, const char *argument, ...) {
    int rc = SQLITE_OK;
    va_list args;
    va_start(args, argument);
    char *rest = sqlite3_vmprintf(argument, args);
    va_end(args);
    for (unsigned i = 0; !rc && i < 2; i++) rc = run(actor, format, i ? "o" : "t", rest);
    sqlite3_free(rest);
    return rc;
}

static int take(struct actor *actor, uint32_t *rows, uint32_t key) {
    int rc = both(actor, "DELETE FROM %s WHERE path = '%s'", "dir%u/file%02u", key / IN_FOLDER, key % IN_FOLDER);
    if (!rc) rows[key] = 0;
    return rc;
}

static int take_folder(struct actor *actor, uint32_t *rows, uint32_t folder) {
    int rc = both(actor, "DELETE FROM %s WHERE path GLOB '%s'", "dir%u/*", folder);
    if (!rc) memset(rows + folder * IN_FOLDER, 0, IN_FOLDER * sizeof *rows);
    return rc;
}

static int move(struct actor *actor, uint32_t *rows, uint32_t from, uint32_t to) {
    if (from == to || !rows[from]) return SQLITE_OK;
    int rc = both(actor, "UPDATE OR REPLACE %s SET %s", "path = 'dir%u/file%02u' WHERE path = 'dir%u/file%02u'",
                  to / IN_FOLDER, to % IN_FOLDER, from / IN_FOLDER, from % IN_FOLDER);
    if (rc) return rc;
    rows[to] = rows[from];
    rows[from] = 0;
    return SQLITE_OK;
}

static int put_many(struct actor *actor, uint32_t *rows) {
    uint32_t key = below(actor, MACHINE_KEYS), n = 5 + below(actor, 40);
    int rc = SQLITE_OK;
    for (; !rc && n && key < MACHINE_KEYS && works(actor); n--) rc = put(actor, rows, key++);
    return rc;
}

static int command(struct actor *actor) {
    static const char *const words[] = {"flush", "flush", "flush", "optimize", "vacuum", "clean"};
    return run(actor, "INSERT INTO t(t) VALUES('%s')", words[below(actor, 6)]);
}

struct marks {
    uint32_t rows[SAVEPOINTS][MACHINE_KEYS];
    unsigned count;
};

static int savepoint(struct actor *actor, uint32_t *rows, struct marks *marks) {
    uint32_t what = below(actor, 3);
    int rc = SQLITE_OK;
    size_t bytes = MACHINE_KEYS * sizeof *rows;
    if (what == 0 && marks->count < SAVEPOINTS) {
        rc = run(actor, "SAVEPOINT s%u", marks->count);
        memcpy(marks->rows[marks->count++], rows, bytes);
    } else if (what == 1 && marks->count) {
        uint32_t to = below(actor, marks->count);
        rc = run(actor, "ROLLBACK TO s%u", to);
        memcpy(rows, marks->rows[to], bytes);
        marks->count = to + 1;
    } else if (marks->count) {
        rc = run(actor, "RELEASE s%u", --marks->count);
    }
    return rc;
}

static int change(struct actor *actor, uint32_t *rows, struct marks *marks) {
    uint32_t what = below(actor, 100), key = below(actor, MACHINE_KEYS);
    if (what < 50) return put(actor, rows, key);
    if (what < 62) return take(actor, rows, key);
    if (what < 72) return move(actor, rows, key, below(actor, MACHINE_KEYS));
    if (what < 76) return take_folder(actor, rows, key / IN_FOLDER);
    if (what < 82) return put_many(actor, rows);
    if (what < 90) return command(actor);
    return savepoint(actor, rows, marks);
}

/* ---- writers ----------------------------------------------------------------------------------------------------- */

static void roll_back(struct actor *actor) {
    if (!sqlite3_get_autocommit(actor->db)) run(actor, "ROLLBACK");
    actor->machine->counts.rollbacks++;
}

/* Its frames will be in the -wal when it dies, and nobody knows. */
static void arm_a_zombie(struct actor *actor) {
    struct world *world = actor->machine->world;
    if (!actor->machine->plan->dies || world->fault.kind != WORLD_NO_FAULT || !once_in(actor, 8)) return;
    machine_note(actor, "is to die as a zombie");
    world_arm(world, WORLD_DIE_AS_ZOMBIE, below(actor, 2), NULL);
}

/* The COMMIT of state `number`, which was tried until somebody knows what became of it. */
static void commit(struct actor *actor, uint32_t number) {
    struct machine *machine = actor->machine;
    int rc = SQLITE_BUSY;
    arm_a_zombie(actor);
    for (unsigned i = 0; i < 20 && (rc & 0xff) == SQLITE_BUSY && works(actor); i++) {
        if (i) machine_pause(actor, 20);
        machine_note(actor, "asks for the commit of state %u", number);
        rc = run(actor, "COMMIT");
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
    struct marks marks = {.count = 0};
    memcpy(rows, machine->states[parent].rows, sizeof rows);
    int rc = SQLITE_OK;
    for (uint32_t n = 1 + below(actor, once_in(actor, 4) ? 16 : 4); !rc && n && works(actor); n--)
        rc = change(actor, rows, &marks);
    if (!rc && works(actor) && once_in(actor, 8)) rc = machine_compare(machine, actor->db, actor->name, rows, &number);
    if (rc && !machine_fine(actor, rc, "its own rows")) return roll_back(actor);
    if (rc || !works(actor) || once_in(actor, 8)) return roll_back(actor);
    number = machine_state_add(machine, parent, rows);
    for (unsigned art = 0; !rc && machine->plan->features && art < 2; art++) {
        rc = features_change(actor->db, art, machine->states[number].depth); /* each once */
        machine_fine(actor, rc, art ? "the features' tables" : "the features' ordinary tables");
    }
    if (rc || run(actor, "UPDATE n SET id = %u", number)) {
        machine->states[number].given_up = true;
        return roll_back(actor);
    }
    commit(actor, number);
}

static void write_rows(struct actor *actor) {
    struct machine *machine = actor->machine;
    uint32_t floor = machine->floor, parent;
    bool reads_first = once_in(actor, 5);
    if (run(actor, reads_first ? "BEGIN" : "BEGIN IMMEDIATE")) return;
    int rc = machine_compare(machine, actor->db, actor->name, NULL, &parent);
    if (rc == SQLITE_MISMATCH || !machine_fine(actor, rc, "a writer's first look")) return roll_back(actor);
    if (!machine_see(machine, parent, floor, actor->name)) return;
    change_and_commit(actor, parent);
    if (works(actor) && once_in(actor, 6)) command(actor);
}

/* ---- the others -------------------------------------------------------------------------------------------------- */

static void read_rows(struct actor *actor) {
    struct machine *machine = actor->machine;
    uint32_t floor = machine->floor, first = UINT32_MAX, again;
    /* A snapshot that has not looked at t, so that nothing of it is in memory, until others have gone on. */
    static const char *const begins[] = {"BEGIN; SELECT id FROM n", "BEGIN; SELECT path FROM t LIMIT 1", "BEGIN"};
    uint32_t form = below(actor, 4) % 3;
    int rc = run(actor, begins[form]);
    if (!rc && form && once_in(actor, 2)) rc = machine_compare(machine, actor->db, actor->name, NULL, &first);
    if (!rc) machine_pause(actor, below(actor, once_in(actor, 2) ? 400 : 60));
    if (!rc && works(actor)) {
        rc = machine_compare(machine, actor->db, actor->name, NULL, &again);
        if (!rc && first != UINT32_MAX && first != again)
            machine_fail(machine, "%s: a snapshot was state %u, and is %u", actor->name, first, again);
        machine->counts.old_snapshots += !rc && machine->states[again].depth < machine->floor;
        machine->counts.snapshots += !rc;
        if (!rc) machine_note(actor, "reads state %u", again);
        /* Where it has read nothing before the pause, the second BEGIN has. */
        if (!rc) machine_see(machine, again, floor, actor->name);
    }
    if (rc && rc != SQLITE_MISMATCH) machine_fine(actor, rc, "a reader's rows");
    if (!actor->process->dead && !sqlite3_get_autocommit(actor->db)) run(actor, "COMMIT");
}

static void checkpoint(struct actor *actor) {
    static const char *const modes[] = {"PASSIVE", "FULL", "RESTART", "TRUNCATE"};
    if (!run(actor, "PRAGMA wal_checkpoint(%s)", modes[below(actor, 4)])) actor->machine->counts.checkpoints++;
    machine_pause(actor, below(actor, 60));
}

static void copy(struct actor *actor) {
    struct machine *machine = actor->machine;
    uint32_t floor = machine->floor, state;
    if (run(actor, "SELECT art_backup('%s', 'main', 'update')", MACHINE_COPY)) return;
    struct actor in_copy = *actor;
    int rc = machine_open(machine, MACHINE_COPY, &in_copy.db);
    if (!rc) rc = machine_compare(machine, in_copy.db, "a copy", NULL, &state);
    if (!rc) rc = run(&in_copy, "SELECT art_verify()");
    if (!rc) machine_note(actor, "has a copy of state %u", state);
    if (!rc) machine_see(machine, state, floor, "a copy");
    if (rc && rc != SQLITE_MISMATCH) machine_fine(&in_copy, rc, "a copy");
    sqlite3_close(in_copy.db);
    machine->counts.copies += !rc;
    machine_pause(actor, below(actor, 200));
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
    actor->process = world_process_new(machine->world);
    world_enter(machine->world, actor->process);
    machine_note(actor, "comes as process %u", actor->process->number);
    int rc = machine_open(machine, WORLD_DATABASE, &actor->db);
    if (!rc) rc = sqlite3_busy_timeout(actor->db, once_in(actor, 2) ? 1000 : 40);
    actor->tainted = !machine_fine(actor, rc, "opening"); /* also where only PRAGMA synchronous was refused */
    if (!rc) run(actor, "PRAGMA wal_autocheckpoint=%u", once_in(actor, 2) ? 0 : below(actor, 60));
}

static void end(struct actor *actor) {
    struct machine *machine = actor->machine;
    struct world *world = machine->world;
    machine_note(actor, "leaves");
    if (sqlite3_close(actor->db)) machine_fail(machine, "%s cannot close: %s", actor->name, sqlite3_errmsg(actor->db));
    actor->db = NULL;
    enum world_fault kind = world->fault.kind;
    if (world->fault.of == actor->process && kind != WORLD_LOSE_WRITE && kind != WORLD_MISDIRECT_WRITE)
        world_disarm(world);
    if (actor->process->dead && !machine->ending) world_bury(world, actor->process);
    world_kill(world, actor->process);
    actor->process = NULL;
}

void machine_actor(void *argument) {
    struct actor *actor = argument;
    while (!actor->machine->ending) {
        begin(actor);
        for (uint32_t n = 1 + below(actor, 12); n && works(actor); n--) {
            if (random_span(&actor->random)) act(actor);
            if (works(actor) && once_in(actor, 3)) machine_pause(actor, below(actor, 30));
        }
        end(actor);
        machine_pause(actor, below(actor, 10));
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
    if (!rc)
        rc = run(actor,
                 "PRAGMA page_size=%u; PRAGMA journal_mode=%s; CREATE TABLE o(path TEXT PRIMARY KEY, number);"
                 "CREATE TABLE n(id); INSERT INTO n VALUES(0); CREATE VIRTUAL TABLE t USING art(path, value, number "
                 "INTEGER, cache=1000000, summary=(sum(number)), %s%s%s)",
                 page_sizes[below(actor, 3)], machine->plan->journal, limits[below(actor, 3)], spills[below(actor, 3)],
                 machine->plan->storage);
    for (uint32_t key = 0; !rc && key < MACHINE_KEYS; key += 2) rc = put(actor, rows, key);
    if (!rc && machine->plan->features) {
        features_create(actor->db, NULL);
        features_create(actor->db, ", log_limit='1KB'");
    }
    machine_state_add(machine, 0, rows);
    machine_see(machine, 0, 0, "the founder");
    sqlite3_close(actor->db);
}
