#include <stdio.h>

#include "tests/support/ownership_private.h"

const char *const own_paths[OWN_DATABASES] = {"a/app.db", "a/scratch.db", "b/app.db", "b/other.db", "backup/app.db"};

static const struct verb {
    unsigned weight;
    const char *text; /* of SQL */
} verbs[OWN_VERBS] = {
    [OWN_CP] = {22, NULL},
    [OWN_RSYNC] = {7, NULL},
    [OWN_MV] = {10, NULL},
    [OWN_LN] = {6, NULL},
    [OWN_RM] = {4, NULL},
    [OWN_MAKE] = {3, "CREATE VIRTUAL TABLE t, a new database"},
    [OWN_CREATE] = {2, "CREATE VIRTUAL TABLE, another one"},
    [OWN_FEW] = {10, "INSERT a few rows"},
    [OWN_MANY] = {10, "INSERT many rows"},
    [OWN_UPDATE] = {3, "UPDATE"},
    [OWN_DELETE] = {2, "DELETE"},
    [OWN_CHURN] = {8, "three times: DELETE, INSERT many rows, checkpoint"},
    [OWN_BOTH] = {3, "ATTACH and INSERT into both, the other being"},
    [OWN_ROLLBACK] = {2, "BEGIN; INSERT; ROLLBACK"},
    [OWN_FLUSH] = {4, "'flush'"},
    [OWN_OPTIMIZE] = {3, "'optimize'"},
    [OWN_CUT] = {3, "'vacuum'"},
    [OWN_CLEAN] = {3, "'clean'"},
    [OWN_ADOPT] = {2, "'adopt'"},
    [OWN_RENAME] = {2, "ALTER TABLE RENAME"},
    [OWN_DROP] = {3, "DROP TABLE"},
    [OWN_CHECKPOINT] = {1, "PRAGMA wal_checkpoint(TRUNCATE)"},
    [OWN_VACUUM] = {1, "VACUUM"},
    [OWN_JOURNAL] = {1, "PRAGMA journal_mode"},
    [OWN_VACUUM_INTO] = {1, "VACUUM INTO"},
    [OWN_BACKUP] = {1, "art_backup() into"},
    [OWN_CHECK] = {2, "art_check()"},
    [OWN_INFO] = {1, "art_info()"},
    [OWN_KEEP] = {2, "BEGIN; SELECT, and stays open until files are touched"},
};

bool own_is_of_files(const struct own_step *step) {
    return step->verb <= OWN_RM;
}

static uint8_t draw_verb(struct random *random) {
    unsigned sum = 0, verb = 0;
    for (unsigned i = 0; i < OWN_VERBS; i++) sum += verbs[i].weight;
    for (unsigned at = random_below(random, sum); at >= verbs[verb].weight; verb++) at -= verbs[verb].weight;
    return (uint8_t)verb;
}

static uint8_t draw_one_of(struct random *random, unsigned set) {
    unsigned at = random_below(random, OWN_DATABASES);
    while (!(set >> at & 1)) at = (at + 1) % OWN_DATABASES;
    return (uint8_t)at;
}

/* `there`: the databases that are, as far as can be told without doing the steps. */
static void draw_step(struct random *random, struct own_step *step, unsigned *there) {
    static const uint8_t whats[] = {OWN_THE_DATABASE, OWN_THE_DATABASE,  OWN_THE_DATABASE, OWN_THE_PAIR,
                                    OWN_THE_PAIR,     OWN_THE_PAIR,      OWN_THE_PAIR,     OWN_THE_FILE,
                                    OWN_THE_FILE,     OWN_AS_THE_FILE_OF};
    const unsigned all = (1 << OWN_DATABASES) - 1;
    step->verb = draw_verb(random);
    step->what = whats[random_below(random, sizeof whats)];
    if (step->verb == OWN_LN && random_once_in(random, 2)) step->what = OWN_THE_FILE;
    step->n = (uint16_t)random_below(random, 1000);
    unsigned from = step->verb == OWN_MAKE ? all & ~*there : *there;
    step->x = draw_one_of(random, from ? from : all);
    unsigned to = step->verb == OWN_BOTH || step->what == OWN_AS_THE_FILE_OF ? *there : all;
    if (step->verb == OWN_LN || step->verb == OWN_BACKUP || step->verb == OWN_VACUUM_INTO) to = ~*there & all;
    to &= ~(1u << step->x);
    step->y = draw_one_of(random, to ? to : all & ~(1u << step->x));
    bool moves = step->what == OWN_THE_DATABASE || step->what == OWN_THE_PAIR;
    if (own_is_of_files(step) ? moves && step->verb != OWN_RM
                              : step->verb == OWN_BACKUP || step->verb == OWN_VACUUM_INTO) {
        *there |= 1u << step->y;
    }
    if (step->verb == OWN_MAKE) *there |= 1u << step->x;
    if (moves && (step->verb == OWN_MV || step->verb == OWN_RM)) *there &= ~(1u << step->x);
}

/* It begins with a database, mostly one that has a file. */
void own_draw(struct random *random, struct own_script *out) {
    unsigned there = 1, steps = 8 + random_below(random, 9);
    out->count = 1;
    out->steps[0] = (struct own_step){.verb = OWN_MAKE, .n = (uint16_t)random_below(random, 1000)};
    if (!random_once_in(random, 5)) out->steps[0].n &= (uint16_t)~4u;
    for (unsigned i = 1; i < steps; i++) {
        if (random_span(random)) draw_step(random, &out->steps[out->count++], &there);
    }
}

static void file_text(const struct own_step *step, char out[OWN_LINE]) {
    static const char *const tools[] = {"cp", "rsync", "mv", "ln", "rm"};
    const char *from = own_paths[step->x], *to = step->verb == OWN_RM ? "" : own_paths[step->y];
    const char *between = *to ? " " : "", *tool = tools[step->verb];
    const char *kind = step->verb == OWN_CP && step->n % 2 ? " -a" : "";
    switch (step->what) {
    case OWN_THE_DATABASE:
        snprintf(out, OWN_LINE, "%s%s %s%s%s", tool, kind, from, between, to);
        break;
    case OWN_THE_PAIR:
        snprintf(out, OWN_LINE, "%s%s %s%s%s, and its .art files into that folder", tool, kind, from, between, to);
        break;
    case OWN_THE_FILE:
        snprintf(out, OWN_LINE, "%s%s the .art files of %s%s%s%s", tool, kind, from, *to ? " into the folder of " : "",
                 between, to);
        break;
    default:
        snprintf(out, OWN_LINE, "%s%s the .art file of %s%s%s", tool, kind, from,
                 *to ? " to where this looks for its own: " : "", to);
    }
}

void own_step_text(const struct own_step *step, char out[OWN_LINE]) {
    bool two = step->verb == OWN_BOTH || step->verb == OWN_VACUUM_INTO || step->verb == OWN_BACKUP;
    if (own_is_of_files(step)) {
        file_text(step, out);
        return;
    }
    snprintf(out, OWN_LINE, "%s: %s%s%s (%u)", own_paths[step->x], verbs[step->verb].text, two ? " " : "",
             two ? own_paths[step->y] : "", step->n);
}
