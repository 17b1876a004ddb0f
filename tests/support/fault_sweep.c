#include "tests/support/fault_sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALLS_KINDS_MAX = 64 };

const char *fault_text(const struct fault_source *source, unsigned kind, unsigned error) {
    return source->describe ? source->describe(kind, error) : source->what;
}

void fault_arm(const struct fault_source *source, unsigned kind, unsigned error, unsigned nth, bool stays) {
    if (!source->counter) return source->arm(kind, error, nth, stays);
    *source->counter = (struct fault_counter){.nth = nth, .stays = stays, .watching = true};
}

unsigned fault_disarm(const struct fault_source *source) {
    if (!source->counter) return source->disarm();
    source->counter->watching = false;
    return source->counter->given;
}

bool fault_counter_strikes(struct fault_counter *counter) {
    if (!counter->watching) return false;
    counter->calls++;
    if (!counter->nth || counter->calls < counter->nth || (counter->calls > counter->nth && !counter->stays))
        return false;
    counter->given++;
    return true;
}

/* One attempt, from a fresh connection with a cold cache. Returns how often something failed in it. */
static unsigned attempt(struct fault_sweep *sweep, const struct fault_step *step, unsigned kind, unsigned error,
                        unsigned nth, bool stays) {
    const struct fault_source *source = sweep->source;
    struct fault_world *world = &sweep->world;
    struct fault_outcome outcome;
    bool brave = (nth + error) % 2, counts = !nth;
    fault_world_context("%s, %s, step '%s', %s at call %u%s%s, seed state %llu", source->name, world->mode->name,
                        step->name, counts ? "nothing" : fault_text(source, kind, error), nth,
                        stays ? " and from then on" : "", brave ? ", going on" : "",
                        (unsigned long long)sweep->random.state);
    if (step->before || !world->state) {
        fault_world_connect(world);
        if (step->before) step->before(world);
        world->state = fault_world_state(world->db);
        if (!world->mode->in_memory) fault_world_disconnect(world);
    }
    uint64_t before = world->state;
    if (world->mode->in_memory || !step->opens) fault_world_connect(world);
    fault_arm(source, kind, error, nth, stays);
    fault_world_attempt(world, step, brave, &outcome);
    char *unsynced = source->unsynced && source->unsynced() ? strdup(source->unsynced()) : NULL;
    unsigned struck = fault_disarm(source);
    if (getenv("ART_FAULTS_SHOW")) {
        printf("%s: struck %u, %u errors, first %d '%s'%s\n", fault_world_what(), struck, outcome.errors,
               outcome.codes[0], outcome.message, outcome.committed ? ", committed" : "");
        fflush(stdout);
    }
    for (unsigned i = 0; i < outcome.errors && i < sizeof outcome.codes / sizeof *outcome.codes; i++) {
        const char *message = i ? NULL : outcome.message;
        int code = outcome.codes[i], primary = code & 0xff;
        if (struck && source->excuses(kind, error, code, message)) continue;
        /* What comes of a statement that was left out: no such table, a row that is still there, a query that was going
         * on when its transaction ended. */
        if (i && (primary == SQLITE_ERROR || primary == SQLITE_CONSTRAINT || primary == SQLITE_ABORT)) continue;
        fault_world_fail("error %d (the %u.) is not to be understood: %s", outcome.codes[i], i + 1, outcome.message);
    }
    world->may_stay_open = !source->spares_rollback;
    /* It may also be the next attempt's DROP that cannot tell whose it is. */
    if (!counts && source->leaves_file && source->leaves_file(kind, error)) world->files_may_stay = 2;
    fault_world_verify(world, step, &outcome, unsynced, source->old_state ? before : 0);
    free(unsynced);
    sweep->attempts++;
    sweep->struck += struck > 0;
    sweep->errors += outcome.errors > 0;
    sweep->committed += outcome.committed;
    return struck;
}

/* All errors at one place, or one of them. Did anything fail? */
static bool each_error(struct fault_sweep *sweep, const struct fault_step *step, unsigned kind, unsigned nth) {
    unsigned errors = sweep->source->errors ? sweep->source->errors(kind) : 1, struck = 0;
    if (sweep->most) {
        unsigned error = random_below(&sweep->random, errors);
        return attempt(sweep, step, kind, error, nth, random_once_in(&sweep->random, 3)) > 0;
    }
    for (unsigned error = 0; error < errors; error++) {
        for (int stays = 0; stays < 2; stays++) struck += attempt(sweep, step, kind, error, nth, stays);
    }
    return struck > 0;
}

enum { KINDS_IN_PART = 3 };

/* Where a part is asked for, one kind of three, of each step others. With the usual budgets all have their turn. */
static bool kind_left_out(const struct fault_sweep *sweep, unsigned kind, unsigned turn) {
    bool part = sweep->most && random_stride() > 1 && sweep->source->kinds > KINDS_IN_PART;
    return part && (kind + turn) % KINDS_IN_PART;
}

/* How many calls of each kind a step makes changes from one time to the next; those of the first are tried, and in a
 * full sweep what there is more by then. */
static void sweep_step(struct fault_sweep *sweep, const struct fault_step *step) {
    const struct fault_source *source = sweep->source;
    unsigned calls[CALLS_KINDS_MAX], turn = random_below(&sweep->random, KINDS_IN_PART);
    attempt(sweep, step, 0, 0, 0, false);
    for (unsigned kind = 0; kind < source->kinds; kind++) {
        calls[kind] = source->counter ? source->counter->calls : source->calls(kind);
    }
    for (unsigned kind = 0; kind < source->kinds; kind++) {
        unsigned gap = sweep->most && calls[kind] > sweep->most ? calls[kind] / sweep->most : 1;
        bool more = calls[kind] > 0 && !kind_left_out(sweep, kind, turn);
        for (unsigned nth = 1 + random_below(&sweep->random, gap); more; nth += gap) {
            if (nth > calls[kind] && sweep->most) break;
            more = each_error(sweep, step, kind, nth) || nth < calls[kind];
        }
    }
}

void fault_sweep_run(struct fault_sweep *sweep) {
    struct fault_world *world = &sweep->world;
    const char *mode = getenv("ART_FAULTS_MODE"), *only = getenv("ART_FAULTS_STEP"), *most = getenv("ART_FAULTS_MOST");
    if (mode && strcmp(mode, world->mode->name)) return;
    if (most) sweep->most = (unsigned)atoi(most);
    for (int i = 0; i < fault_script_length; i++) {
        const struct fault_step *step = fault_script[i];
        if (only && strcmp(step->name, only)) continue;
        if (world->mode->in_memory && (step->opens || step->closes)) {
            sweep->skipped_steps++;
            continue;
        }
        fault_world_open(world);
        sweep_step(sweep, step);
        fault_world_close(world);
    }
    if (sweep->source->kinds && sweep->struck * 4 < sweep->attempts) fault_world_fail("hardly anything fails any more");
}

void fault_sweep_print(const struct fault_sweep *sweep) {
    printf("%s, %s: %llu attempts, in %llu of them something failed, %llu ended in an error, %llu committed\n",
           sweep->source->name, sweep->world.mode->name, (unsigned long long)sweep->attempts,
           (unsigned long long)sweep->struck, (unsigned long long)sweep->errors, (unsigned long long)sweep->committed);
    fflush(stdout);
}
