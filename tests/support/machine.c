#include "tests/support/machine.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/tree/state/hooks.h"
#include "ext/art.h"
#include "tests/support/own_chance.h"
#include "tests/support/own_clock.h"
#include "tests/support/suite.h"

/* An actor that makes so many calls in one history does not come to an end. */
enum { ENDS_WITHIN = 400 };

static struct machine *present;

/* ---- telling ----------------------------------------------------------------------------------------------------- */

void machine_note(const struct actor *actor, const char *format, ...) {
    struct machine *machine = actor->machine;
    char **line = &machine->lines[machine->line_count++ % MACHINE_LINES];
    va_list args;
    va_start(args, format);
    char *text = sqlite3_vmprintf(format, args);
    va_end(args);
    sqlite3_free(*line);
    random_tell("%s: %s\n", actor->name, text);
    *line = sqlite3_mprintf("%7llu %s: %s", machine->turns, actor->name, text);
    sqlite3_free(text);
}

void machine_fail(struct machine *machine, const char *format, ...) {
    va_list args;
    if (machine->failure) return;
    va_start(args, format);
    machine->failure = sqlite3_vmprintf(format, args);
    va_end(args);
    machine->ending = true;
}

void machine_show(const struct machine *machine, unsigned count) {
    unsigned kept = machine->line_count < MACHINE_LINES ? machine->line_count : MACHINE_LINES;
    if (count > kept) count = kept;
    for (unsigned i = machine->line_count - count; i < machine->line_count; i++)
        puts(machine->lines[i % MACHINE_LINES]);
}

const char *machine_who(void) {
    return present && present->running ? present->running->name : "nobody";
}

/* ---- turns ------------------------------------------------------------------------------------------------------- */

static void mix(struct machine *machine, uint64_t what) {
    machine->hash = (machine->hash ^ what) * 0x100000001b3u;
}

/* Mostly short: a lock, a page. Now and then a whole commit. */
static uint64_t span(struct machine *machine) {
    uint32_t kind = random_below(&machine->random, 16);
    return kind < 8 ? 1 + kind : random_below(&machine->random, kind < 13 ? 40 : 600);
}

/* Called on an actor's stack, before one of its calls. */
static void turn(struct world *world, const char *call) {
    struct machine *machine = present;
    if (!machine || !machine->running || world != machine->world || machine->judging) return;
    struct actor *actor = machine->running;
    bool pauses = !strcmp(call, "pause"), sleeps = pauses || !strcmp(call, "sleep");
    machine->turns++;
    mix(machine, random_mix(actor - machine->actors, call));
    if ((actor->process && actor->process->dead) || (!sleeps && machine->left && machine->left--)) return;
    if (machine->plan->together && !pauses) return;
    if (sleeps && actor->wakes <= machine->switches) actor->wakes = machine->switches + 3;
    art_error_keep(&actor->message);
    actor->call = call;
    fiber_yield();
    art_error_restore(&actor->message);
}

static void touch(struct world *world, const struct sim_inode *inode, uint64_t offset, uint64_t len, bool write) {
    struct machine *machine = present;
    if (machine && machine->running && world == machine->world && !machine->judging)
        machine_touch(machine, inode, offset, len, write);
}

void machine_pause(struct actor *actor, uint32_t switches) {
    actor->wakes = actor->machine->switches + 1 + switches;
    turn(actor->machine->world, "pause");
}

static void resume(struct machine *machine, struct actor *actor) {
    machine->running = actor;
    if (actor->process) world_enter(machine->world, actor->process);
    bool more = fiber_run(actor->fiber);
    machine->running = NULL;
    if (more) return;
    fiber_free(actor->fiber);
    actor->fiber = NULL;
}

static struct actor *choose(struct machine *machine) {
    struct actor *able[MACHINE_ACTORS], *first = NULL;
    unsigned count = 0;
    for (unsigned i = 0; i < machine->actor_count; i++) {
        struct actor *actor = &machine->actors[i];
        if (!actor->fiber) continue;
        if (actor->wakes <= machine->switches || machine->ending) able[count++] = actor;
        if (!first || actor->wakes < first->wakes) first = actor;
    }
    return count ? able[random_below(&machine->random, count)] : first;
}

/* ---- deaths ------------------------------------------------------------------------------------------------------ */

static void start_actors(struct machine *machine) {
    static const char *const names[] = {"first", "second", "third", "fourth", "fifth", "sixth"};
    machine->actor_count = (unsigned)strlen(machine->plan->cast);
    for (unsigned i = 0; i < machine->actor_count; i++) {
        struct actor *actor = &machine->actors[i];
        *actor = (struct actor){.machine = machine, .name = names[i], .role = machine->plan->cast[i]};
        actor->random = (struct random){random_next(&machine->random)};
        actor->fiber = fiber_new(machine_actor, actor);
    }
}

/* Whatever they are at: they go on until they have returned, and may make no call that changes anything. */
static void kill_all(struct machine *machine) {
    machine->ending = true;
    world_disarm(machine->world);
    for (unsigned i = 0; i < machine->actor_count; i++) {
        struct actor *actor = &machine->actors[i];
        if (actor->process && !actor->process->dead) world_kill(machine->world, actor->process);
    }
    for (unsigned i = 0; i < machine->actor_count; i++) {
        while (machine->actors[i].fiber) resume(machine, &machine->actors[i]);
    }
}

static void kill_one(struct machine *machine, struct actor *actor) {
    if (!actor->process || actor->process->dead || machine->plan->together) return;
    machine_note(actor, "dies before: %s", actor->call);
    machine->counts.deaths++;
    struct world_process *process = actor->process;
    world_kill(machine->world, process);
    while (actor->fiber && actor->process == process) resume(machine, actor); /* nobody else goes on meanwhile */
}

/* ---- loss of power ----------------------------------------------------------------------------------------------- */

static enum world_crash lose(struct machine *machine, struct world_image *out) {
    enum world_crash how = random_below(&machine->random, WORLD_CRASHES);
    while (world_replay_step(machine->replay)) {
    }
    mix(machine, world_replay_crash(machine->replay, how, random_next(&machine->random), out));
    return how;
}

/* The others do not notice that somebody looks. */
static void look_at_an_image(struct machine *machine) {
    struct world_image image;
    enum world_crash how = lose(machine, &image);
    machine->counts.images++;
    machine->judging = true;
    if (!machine_judge_image(machine, &image, how) && machine->failure) {
        char *why = machine->failure;
        machine->failure = sqlite3_mprintf("%s [%s]", why, world_crash_names[how]);
        sqlite3_free(why);
    }
    machine->judging = false;
    const char *shown = getenv("ART_ACTORS_DISK");
    if (machine->failure && shown)
        world_dump(machine->world, machine->world->op_count - (unsigned)atoi(shown), machine->world->op_count);
    world_image_clear(&image);
}

static void begin_world(struct machine *machine, const struct world_image *image) {
    struct world_options options = {.seed = random_next(&machine->random) >> 16,
                                    .sector = random_once_in(&machine->random, 3) ? 4096 : 512,
                                    .characteristics =
                                        random_once_in(&machine->random, 3) ? 0 : SQLITE_IOCAP_POWERSAFE_OVERWRITE,
                                    .lies = machine->plan->never_syncs};
    machine->world = world_new(image, &options);
    machine->world->turn = turn;
    machine->world->touch = touch;
    machine->shared = NULL;
    machine->replay = world_replay_new(machine->world);
    machine->ending = false;
}

static void end_world(struct machine *machine) {
    world_replay_free(machine->replay);
    world_free(machine->world);
    machine->replay = NULL;
    machine->world = NULL;
}

/* All die, and what the disk has then is where they begin again. */
static void lose_power(struct machine *machine) {
    struct world_image image;
    enum world_crash how = lose(machine, &image);
    machine_note(&machine->actors[0], "dies with all others: %s", world_crash_names[how]);
    machine->counts.power++;
    kill_all(machine);
    machine->went_back |= how != WORLD_POWER_STAYS && !machine->plan->lasts;
    machine->judging = true;
    if (!machine->failure) machine_judge_image(machine, &image, how);
    machine->judging = false;
    end_world(machine);
    begin_world(machine, &image);
    world_image_clear(&image);
    machine->ending = machine->failure != NULL;
    if (how != WORLD_POWER_STAYS && machine->floor > machine->durable) machine->floor = machine->durable;
    machine->chain_length = machine->floor + 1;
    start_actors(machine);
}

/* ---- faults ------------------------------------------------------------------------------------------------------ */

static void arm(struct machine *machine, struct actor *actor) {
    if (machine->world->fault.kind != WORLD_NO_FAULT || !actor->process || actor->process->dead) return;
    struct random *random = &machine->random;
    static const char *const synced[] = {".art", ".art", ".art", "-wal", "-journal", ".db"};
    uint32_t kind = random_below(random, 5);
    world_enter(machine->world, actor->process);
    machine_note(actor, "is to meet a fault of kind %u", kind);
    if (kind == 0) {
        world_arm(machine->world, WORLD_FAIL_SYNC, random_below(random, 3), synced[random_below(random, 6)]);
    } else if (kind == 1) {
        world_arm(machine->world, WORLD_FAIL_CALL, random_below(random, 20), random_below(random, 2) ? "full" : NULL);
    } else if (kind == 2) {
        world_arm(machine->world, WORLD_FAIL_READ, random_below(random, 40), NULL);
    } else if (kind == 3) {
        world_arm(machine->world, WORLD_SHORT_WRITE, random_below(random, 40), NULL);
    } else {
        int code = random_below(random, 2) ? ART_IO : ART_DISKFULL;
        sim_disk_fail(machine->world->disk, random_below(random, SIM_CALLS), 1 + random_below(random, 12), code, false);
        machine->counts.faults++;
    }
}

static void meet_fate(struct machine *machine) {
    const struct machine_plan *plan = machine->plan;
    struct random *random = &machine->random;
    struct actor *actor = &machine->actors[random_below(random, machine->actor_count)];
    if (plan->dies && random_once_in(random, 150)) kill_one(machine, actor);
    bool looks = machine->copied || random_once_in(random, 60);
    machine->copied = false;
    if (plan->dies && looks) look_at_an_image(machine);
    if (machine->failure) return;
    if (plan->dies && random_once_in(random, 4000)) lose_power(machine);
    if (plan->fails && random_once_in(random, 200)) arm(machine, actor);
    bool honest = machine->world->fault.kind == WORLD_NO_FAULT, again = plan->to_sqlite && machine->world->fault.struck;
    if (plan->lies && (honest || again) && random_once_in(random, honest ? 300 : 100)) {
        enum world_fault lie = random_below(random, 2) ? WORLD_LOSE_WRITE : WORLD_MISDIRECT_WRITE;
        world_arm(machine->world, lie, random_below(random, 30), plan->to_sqlite ? "" : ".art");
        machine->counts.lies++;
    }
}

static void count_slot(enum art_event event) {
    if (present) present->counts.reused += event == ART_EVENT_SLOT_AGAIN;
}

/* SQLite looks at no checksum of a page that it reads, and of frames only when it recovers: a lost or misdirected write
 * of its own files may show an old page, of any table or of the log, until somebody checks. So a wrong answer then is
 * counted, and no failure; what this looks for is that nothing else becomes of it: no crash, no endless statement. */
static void forgive(struct machine *machine) {
    if (!machine->failure || !machine->plan->to_sqlite || !machine_was_lied_to(machine)) return;
    printf("not noticed: %s\n", machine->failure);
    sqlite3_free(machine->failure);
    machine->failure = NULL;
    machine->ending = true;
    machine->counts.unnoticed++;
}

/* ---- a history --------------------------------------------------------------------------------------------------- */

static void run_until(struct machine *machine, uint64_t turns) {
    uint64_t most = turns * ENDS_WITHIN;
    for (struct actor *actor; !machine->failure && (actor = choose(machine));) {
        machine->switches++;
        if (machine->turns >= turns) machine->ending = true;
        if (!machine->ending) meet_fate(machine);
        if (machine->failure) break;
        actor = choose(machine);
        machine->left = span(machine);
        mix(machine, machine->left);
        resume(machine, actor);
        forgive(machine);
        if (machine->turns > most) machine_fail(machine, "%s does not come to an end", actor->name);
    }
    for (unsigned i = 0; i < machine->world->op_count; i++) {
        const struct world_op *op = &machine->world->ops[i];
        mix(machine, op->kind ^ (uint64_t)op->inode << 8 ^ op->offset << 20 ^ (uint64_t)op->len << 50);
    }
}

static void found(struct machine *machine) {
    struct actor founder = {.machine = machine, .name = "founder", .random = {machine->seed}};
    machine->actors[0].name = "founder";
    founder.process = world_process_new(machine->world);
    world_enter(machine->world, founder.process);
    machine_found(&founder);
}

bool machine_run(struct machine *machine, const struct machine_plan *plan, uint64_t seed, uint64_t turns) {
    static const uint32_t blob_pages[] = {3, 4, 3, 8, 0};
    *machine = (struct machine){.plan = plan, .seed = seed, .random = {seed}, .hash = 0xcbf29ce484222325u};
    present = machine;
    own_chance(seed);
    own_clock_step(0);
    art_test_hooks.at = count_slot;
    art_test_hooks.blob_pages = blob_pages[random_below(&machine->random, 5)];
    art_test_hooks.as_one = random_below(&machine->random, 2);
    world_enter(NULL, NULL);
    sqlite3_randomness(0, NULL); /* begins anew, with what the world gives */
    begin_world(machine, NULL);
    found(machine);
    struct world_image image;
    while (world_replay_step(machine->replay)) {
    }
    world_replay_crash(machine->replay, WORLD_POWER_STAYS, 0, &image);
    end_world(machine);
    begin_world(machine, &image); /* all of it is safe */
    world_image_clear(&image);
    if (!machine->failure) start_actors(machine);
    if (!machine->failure) run_until(machine, turns);
    kill_all(machine);
    if (!machine->failure && !machine->counts.noticed) look_at_an_image(machine);
    forgive(machine);
    present = NULL;
    end_world(machine);
    world_enter(NULL, NULL);
    art_test_hooks.blob_pages = art_test_hooks.as_one = 0;
    art_test_hooks.at = NULL;
    own_chance_ends();
    return !machine->failure;
}

void machine_clear(struct machine *machine) {
    for (unsigned i = 0; i < MACHINE_LINES; i++) sqlite3_free(machine->lines[i]);
    free(machine->states);
    free(machine->chain);
    sqlite3_free(machine->create);
    sqlite3_free(machine->failure);
}
