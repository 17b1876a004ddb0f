/* Which states there are, and which of them may be seen.
 *
 * A state is what a transaction that asks for its commit makes of its parent, and n names it in the database. Commits
 * are a chain: state d + 1 of it is a child of state d, and once a state was acknowledged or seen, no other may be at
 * its place, and nobody who begins later may see an older one. A loss of power takes the end of the chain, down to what
 * lasts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/features.h"
#include "tests/support/machine.h"

/* ---- states ------------------------------------------------------------------------------------------------------ */

static void *grown(void *items, uint32_t count, size_t size) {
    if (count & (count - 1)) return items;
    items = realloc(items, (count ? 2 * (size_t)count : 1) * size);
    if (!items) abort();
    return items;
}

uint32_t machine_state_add(struct machine *machine, uint32_t parent, const uint32_t *rows) {
    machine->states = grown(machine->states, machine->state_count, sizeof *machine->states);
    uint32_t number = machine->state_count++;
    struct machine_state *state = &machine->states[number];
    *state = (struct machine_state){.parent = parent};
    if (number) state->depth = machine->states[parent].depth + 1;
    memcpy(state->rows, rows, sizeof state->rows);
    return number;
}

/* Where it leaves the chain: the place of its last ancestor there, or its own. */
static uint32_t place_in_chain(const struct machine *machine, uint32_t number) {
    const struct machine_state *state = &machine->states[number];
    while (state->depth >= machine->chain_length || machine->chain[state->depth] != number) {
        number = state->parent;
        state = &machine->states[number];
    }
    return state->depth;
}

bool machine_see(struct machine *machine, uint32_t number, uint32_t floor, const char *who) {
    const struct machine_state *state = &machine->states[number];
    if (state->given_up) machine_fail(machine, "%s sees state %u, whose COMMIT was refused", who, number);
    if (state->depth < floor)
        machine_fail(machine, "%s sees state %u, the %uth, though the %uth was there before", who, number, state->depth,
                     floor);
    if (machine->chain_length && place_in_chain(machine, number) + 1 < machine->chain_length &&
        place_in_chain(machine, number) < state->depth)
        machine_fail(machine, "%s sees state %u, but another commit was seen at the place of it, or of one before", who,
                     number);
    if (machine->failure) return false;
    while (machine->chain_length <= state->depth) {
        machine->chain = grown(machine->chain, machine->chain_length, sizeof *machine->chain);
        machine->chain[machine->chain_length++] = UINT32_MAX;
    }
    for (uint32_t i = number; machine->chain[machine->states[i].depth] != i; i = machine->states[i].parent)
        machine->chain[machine->states[i].depth] = i;
    if (machine->floor < state->depth) machine->floor = state->depth;
    return true;
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

const uint8_t *machine_value(uint32_t number, int *len) {
    static uint8_t bytes[72000];
    struct random random = {number};
    uint32_t kind = random_below(&random, 60);
    *len = (int)(kind == 0  ? 66000 + random_below(&random, 4000)
                 : kind < 4 ? 4000 + random_below(&random, 5000)
                            : random_below(&random, kind < 25 ? 2500 : 80));
    for (int i = 0; i < *len; i += 8) memcpy(bytes + i, &(uint64_t){random_next(&random)}, 8);
    return bytes;
}

/* The next row's key; MACHINE_KEYS: it has none of ours. */
static uint32_t key_of(sqlite3_stmt *ask) {
    unsigned folder, file;
    const char *path = (const char *)sqlite3_column_text(ask, 0);
    if (!path || sscanf(path, "dir%u/file%u", &folder, &file) != 2) return MACHINE_KEYS;
    return folder * (MACHINE_KEYS / MACHINE_FOLDERS) + file;
}

static int wrong(struct machine *machine, const char *who, const char *what, uint32_t key, uint32_t found,
                 uint32_t wanted) {
    machine_fail(machine, "%s: %s of key %u: found %u, wanted %u", who, what, key, found, wanted);
    return SQLITE_MISMATCH;
}

int machine_compare_rows(struct machine *machine, sqlite3_stmt *ask, const char *who, const uint32_t *rows) {
    bool art = sqlite3_column_count(ask) == 3;
    const char *what = art ? "the art table's row" : "the ordinary row";
    uint32_t found[MACHINE_KEYS] = {0};
    int len, rc = sqlite3_stmt_busy(ask) ? SQLITE_ROW : sqlite3_step(ask);
    for (; rc == SQLITE_ROW; rc = sqlite3_step(ask)) {
        uint32_t key = key_of(ask), number = (uint32_t)sqlite3_column_int64(ask, 1);
        if (key >= MACHINE_KEYS || found[key]) return wrong(machine, who, what, key, number, 0);
        found[key] = number;
        struct actor *actor = machine->plan->together && !machine->judging ? machine->running : NULL;
        if (actor && machine_once_in(actor, 40)) machine_pause(actor, machine_below(actor, 4));
        if (!art) continue;
        const void *value = sqlite3_column_blob(ask, 2);
        const uint8_t *wanted = machine_value(number, &len);
        if (sqlite3_column_bytes(ask, 2) != len || (len && memcmp(value, wanted, (size_t)len)))
            return wrong(machine, who, "the value", key, (uint32_t)sqlite3_column_bytes(ask, 2), (uint32_t)len);
    }
    if (rc != SQLITE_DONE) return rc;
    for (uint32_t key = 0; key < MACHINE_KEYS; key++) {
        if (found[key] != rows[key]) return wrong(machine, who, what, key, found[key], rows[key]);
    }
    return SQLITE_OK;
}

int64_t machine_ask(sqlite3 *db, const char *sql, int *rc) {
    sqlite3_stmt *ask = NULL;
    int64_t number = -1;
    if (*rc) return number;
    *rc = sqlite3_prepare_v2(db, sql, -1, &ask, NULL);
    if (!*rc && sqlite3_step(ask) == SQLITE_ROW) number = sqlite3_column_int64(ask, 0);
    int end = sqlite3_finalize(ask);
    if (!*rc) *rc = end;
    return number;
}

static int compare_sums(struct machine *machine, sqlite3 *db, const char *who, const uint32_t *rows) {
    int rc = SQLITE_OK;
    uint32_t count = 0, sum = 0;
    for (uint32_t key = 0; key < MACHINE_KEYS; key++) {
        count += rows[key] != 0;
        sum += rows[key];
    }
    int64_t counted = machine_ask(db, "SELECT art_count('t', '')", &rc);
    int64_t summed = machine_ask(db, "SELECT ifnull(art_sum('t', 'number', ''), 0)", &rc);
    if (rc) return rc;
    if (counted != count) return wrong(machine, who, "the count", 0, (uint32_t)counted, count);
    if (summed != sum) return wrong(machine, who, "the sum", 0, (uint32_t)summed, sum);
    return SQLITE_OK;
}

static int compare_features(struct machine *machine, sqlite3 *db, const char *who) {
    char *of_art = features_answers(db, true), *ordinary = features_answers(db, false);
    bool dead = machine->world->current->dead && !machine->judging, equal = !strcmp(of_art, ordinary);
    if (!equal && !dead) machine_fail(machine, "%s: %s", who, features_differ(of_art, ordinary));
    sqlite3_free(of_art);
    sqlite3_free(ordinary);
    return dead ? SQLITE_IOERR : equal ? SQLITE_OK : SQLITE_MISMATCH;
}

int machine_compare(struct machine *machine, sqlite3 *db, const char *who, const uint32_t *rows, uint32_t *out) {
    static const char *const queries[] = {"SELECT path, number FROM o", "SELECT path, number, value FROM t",
                                          "SELECT path, number, value FROM t ORDER BY path DESC"};
    int rc = SQLITE_OK;
    int64_t number = machine_ask(db, "SELECT id FROM n", &rc);
    if (rc) return rc;
    if (number < 0 || number >= machine->state_count) return wrong(machine, who, "the state", 0, (uint32_t)number, 0);
    *out = (uint32_t)number;
    uint32_t wanted[MACHINE_KEYS]; /* states come and move while this one is read */
    memcpy(wanted, rows ? rows : machine->states[number].rows, sizeof wanted);
    for (unsigned i = 0; !rc && i < 3; i++) {
        sqlite3_stmt *ask = NULL;
        rc = sqlite3_prepare_v2(db, queries[i], -1, &ask, NULL);
        if (!rc) rc = machine_compare_rows(machine, ask, who, wanted);
        sqlite3_finalize(ask);
    }
    if (!rc) rc = compare_sums(machine, db, who, wanted);
    if (!rc && machine->plan->features && !rows) rc = compare_features(machine, db, who);
    return rc;
}

/* ---- images ------------------------------------------------------------------------------------------------------ */

/* The disk has lied: what is left may be damaged, and says so. */
static bool notices(struct machine *machine) {
    if (!machine_was_lied_to(machine)) return false;
    machine->counts.noticed_by_check++;
    return true;
}

static bool says(struct machine *machine, sqlite3 *db, const char *sql, bool goes_back) {
    sqlite3_stmt *ask = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &ask, NULL);
    bool good = !rc && sqlite3_step(ask) == SQLITE_ROW;
    const char *text = good ? (const char *)sqlite3_column_text(ask, 0) : sqlite3_errmsg(db);
    bool back = text && goes_back && strstr(text, " behind its .art file") && !strchr(text, '\n');
    good = good && text && (!strncmp(text, "ok", 2) || back);
    if (!good && !notices(machine))
        machine_fail(machine, "what is left after a crash: %s: %s", sql, text ? text : "NULL");
    sqlite3_finalize(ask);
    return good;
}

/* Of a copy that somebody was making: it is whole, or it says that it is not. */
static void judge_copy(struct machine *machine) {
    sqlite3 *db = NULL;
    uint32_t state;
    if (machine_open(machine, MACHINE_COPY, &db) == SQLITE_OK) {
        int rc = machine_compare(machine, db, "a copy after a crash", NULL, &state);
        const char *text = sqlite3_errmsg(db);
        /* the last one: it has its pages, and not yet its marks (ext/admin/onto.c) */
        bool unfinished = strstr(text, "unfinished") || strstr(text, "no such table") || rc == SQLITE_NOTADB ||
                          strstr(text, "is that of another database");
        if (rc && rc != SQLITE_MISMATCH && !unfinished)
            machine_fail(machine, "a copy after a crash: %s (%d)", text, rc);
        machine->counts.unfinished += rc != SQLITE_OK;
    }
    sqlite3_close(db);
}

static void judge_state(struct machine *machine, sqlite3 *db, enum world_crash how) {
    bool goes_back = machine->went_back || (how != WORLD_POWER_STAYS && !machine->plan->lasts);
    uint32_t number, floor = how == WORLD_POWER_STAYS ? machine->floor : machine->durable;
    int rc = machine_compare(machine, db, "what is left after a crash", NULL, &number);
    if (rc && rc != SQLITE_MISMATCH && notices(machine)) return;
    if (rc) return machine_fail(machine, "what is left after a crash: %s (%d)", sqlite3_errmsg(db), rc);
    const struct machine_state *state = &machine->states[number];
    if (state->given_up) machine_fail(machine, "after a crash it is state %u, whose COMMIT was refused", number);
    if (place_in_chain(machine, number) < floor)
        machine_fail(machine,
                     "after a crash it is state %u, the %uth, of a chain that was left at the %uth; the %uth lasts",
                     number, state->depth, place_in_chain(machine, number), floor);
    machine->counts.revived += state->depth > machine->floor;
    if (!says(machine, db, "PRAGMA integrity_check", false) || !says(machine, db, "SELECT art_check('t')", goes_back))
        return;
    /* What salvage shows of a table that is whole. */
    if (random_below(&machine->random, 8) ||
        sqlite3_exec(db, "CREATE VIRTUAL TABLE temp.saved USING art_salvage(t)", NULL, NULL, NULL))
        return;
    machine->counts.salvaged +=
        says(machine, db,
             "SELECT iif((SELECT count(*) FROM art_lost('t')) = 0 AND NOT EXISTS (SELECT path, number, value FROM t "
             "EXCEPT SELECT path, number, value FROM saved) AND (SELECT count(*) FROM t) = (SELECT count(*) FROM "
             "saved), 'ok', 'other rows are salvaged')",
             false);
}

bool machine_judge_image(struct machine *machine, const struct world_image *image, enum world_crash how) {
    struct world_options options = machine->world->options;
    options.seed = random_next(&machine->random);
    struct world *world = world_new(image, &options);
    sqlite3 *db = NULL;
    bool copied = false;
    for (unsigned i = 0; i < image->count; i++) copied |= !strcmp(image->files[i].name, MACHINE_COPY);
    world_enter(world, world_process_new(world));
    int rc = machine_open(machine, WORLD_DATABASE, &db);
    if (rc) machine_fail(machine, "what is left after a crash cannot be opened: %s", sqlite3_errmsg(db));
    if (!rc) judge_state(machine, db, how);
    sqlite3_close(db);
    if (copied && !machine->failure) judge_copy(machine);
    world_free(world);
    world_enter(NULL, NULL);
    return !machine->failure;
}
