#include "tests/support/random.h"

#include <inttypes.h>
#include <string.h>

bool random_is_taped, random_tells;
static bool zero_is_usual;
struct random_log *random_log;

/* ---- what is fed ------------------------------------------------------------------------------------------------- */

static struct random *fed;
static const uint8_t *fed_at, *fed_end;

void random_feed(struct random *random, const uint8_t *data, size_t size) {
    fed = random;
    fed_at = data;
    fed_end = size ? data + size : data;
    random_is_taped = fed != NULL;
}

bool random_is_hungry(void) {
    return fed && fed_at == fed_end;
}

static uint64_t feed_next(void) {
    uint64_t x = fed_at < fed_end ? *fed_at++ : 0;
    x = x << 8 | (fed_at < fed_end ? *fed_at++ : 0);
    return x * 0x0001000100010001u;
}

/* ---- edits: a table with open addressing ------------------------------------------------------------------------- */

static struct random_edit *edits; /* kind RANDOM_SPAN, which no edit has: an empty place */
static size_t edit_count, edit_room;

static struct random_edit *place_of(uint64_t key, uint32_t kind) {
    size_t i = random_mixed(key + kind) & (edit_room - 1);
    while (edits[i].kind != RANDOM_SPAN && (edits[i].key != key || edits[i].kind != kind))
        i = (i + 1) & (edit_room - 1);
    return &edits[i];
}

static void grow(void) {
    struct random_edit *old = edits;
    size_t room = edit_room;
    edit_room = room ? 2 * room : 1024;
    edits = malloc(edit_room * sizeof *edits);
    if (!edits) abort();
    for (size_t i = 0; i < edit_room; i++) edits[i].kind = RANDOM_SPAN;
    for (size_t i = 0; i < room; i++) {
        if (old[i].kind != RANDOM_SPAN) *place_of(old[i].key, old[i].kind) = old[i];
    }
    free(old);
}

void random_edit(struct random_edit edit) {
    if (2 * edit_count >= edit_room) grow();
    struct random_edit *place = place_of(edit.key, edit.kind);
    edit_count += place->kind == RANDOM_SPAN;
    *place = edit;
    random_is_taped = true;
}

/* Its place stays, so that those behind it are found. */
void random_forget(uint64_t key, uint32_t kind) {
    if (random_edit_of(key, kind)) place_of(key, kind)->n = UINT32_MAX;
}

void random_forget_all(void) {
    free(edits);
    edits = NULL;
    edit_count = edit_room = 0;
    zero_is_usual = false;
    random_is_taped = fed != NULL;
}

const struct random_edit *random_edit_of(uint64_t key, uint32_t kind) {
    const struct random_edit *place = edit_room ? place_of(key, kind) : NULL;
    return place && place->kind != RANDOM_SPAN && place->n != UINT32_MAX ? place : NULL;
}

/* ---- draws ------------------------------------------------------------------------------------------------------- */

static void note(uint64_t key, uint32_t kind, uint32_t value, uint32_t limit) {
    if (!random_log) return;
    uint64_t at = __atomic_fetch_add(&random_log->count, 1, __ATOMIC_RELAXED);
    if (at < random_log->room) random_log->marks[at] = (struct random_mark){key, kind, value, limit};
}

#ifdef __linux__

/* Bytes of a value, drawn one behind another: the first of them stand for all. */
static bool is_noise(uint64_t key, uint32_t limit) {
    enum { SHOWN = 8 };
    static _Thread_local uint64_t next;
    static _Thread_local unsigned run;
    run = limit || key != next ? 0 : run + 1;
    next = key + RANDOM_STEP;
    return run >= SHOWN;
}

#else

static bool is_noise(uint64_t key, uint32_t limit) {
    return false;
}

#endif

uint64_t random_taped(struct random *random, uint32_t limit) {
    const struct random_edit *edit;
    uint64_t drawn;
    if (random == fed) {
        drawn = feed_next();
        return limit ? (drawn >> 32) * limit >> 32 : drawn;
    }
    for (unsigned i = 0; i < 1000 && (edit = random_edit_of(random->state, RANDOM_JUMPED)); i++) {
        note(random->state, RANDOM_JUMPED, edit->n, 0);
        random->state += edit->n * RANDOM_STEP;
    }
    uint64_t key = random->state;
    drawn = random_mixed(random->state += RANDOM_STEP);
    if (limit) drawn = (drawn >> 32) * limit >> 32;
    if ((edit = random_edit_of(key, RANDOM_DRAW))) {
        drawn = limit && edit->n >= limit ? limit - 1 : edit->n;
    } else if (zero_is_usual && !random_edit_of(key, RANDOM_KEPT)) {
        drawn = 0;
    }
    if (!is_noise(key, limit)) note(key, RANDOM_DRAW, (uint32_t)drawn, limit);
    return drawn;
}

bool random_span_at(struct random *random, uint64_t place) {
    uint64_t next = random->span ? random->span + RANDOM_STEP : random_mixed(random->state) | 1;
    if (random == fed) return true;
    const struct random_edit *skip = random_is_taped ? random_edit_of(next, RANDOM_SKIPPED) : NULL;
    if (random_is_taped) note(next, skip ? RANDOM_SKIPPED : RANDOM_SPAN, (uint32_t)place, 0);
    random->span = next + (skip ? skip->n - 1 : 0) * RANDOM_STEP;
    random->state = random_mixed(random->span ^ 0x5851f42d4c957f2du);
    return !skip;
}

/* ---- edits as a text: "0" all draws are 0 but these; "z" one is, "v" has a value, "k" is kept; "s" a span is left
 *      out, "t" one with those in it; "j" draws are; "*" that many of them */

#ifdef __linux__

/* What a mark says in it: its letter, and its number; 0: nothing. */
static char letter_of(const struct random_mark *mark, bool zero, uint32_t *n) {
    const struct random_edit *edit = mark->kind == RANDOM_SPAN ? NULL : random_edit_of(mark->key, mark->kind);
    if (mark->kind == RANDOM_DRAW && zero) {
        *n = edit ? edit->n : mark->value;
        return !mark->value ? 0 : !edit && !mark->limit ? 'k' : 'v';
    }
    if (!edit) return 0;
    *n = edit->n;
    if (mark->kind == RANDOM_DRAW) return *n ? 'v' : 'z';
    return mark->kind == RANDOM_JUMPED ? 'j' : *n == 1 ? 's' : 't';
}

char *random_edits_text(const struct random_log *log, bool zero) {
    char *text = NULL, former = zero ? '0' : 0;
    size_t len = 0, run = 0;
    uint64_t next = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out) abort();
    if (zero) fprintf(out, "0");
    for (uint64_t i = 0; i < log->count && i < log->room; i++) {
        uint32_t n = 0;
        char letter = letter_of(&log->marks[i], zero, &n);
        bool runs = letter == 'z' || letter == 's' || letter == 'k';
        if (!letter) continue;
        if (runs && letter == former && log->marks[i].key == next) {
            run++;
        } else {
            if (run > 1) fprintf(out, "*%zu", run);
            run = 1;
            fprintf(out, "%s%c%" PRIx64, former ? "," : "", letter, log->marks[i].key);
            if (!runs) fprintf(out, "=%u", n);
        }
        former = letter;
        next = log->marks[i].key + RANDOM_STEP;
    }
    if (run > 1) fprintf(out, "*%zu", run);
    fclose(out);
    return text;
}

bool random_read_edits(const char *text) {
    static const uint32_t kinds[] = {RANDOM_DRAW,    RANDOM_DRAW,    RANDOM_KEPT,
                                     RANDOM_SKIPPED, RANDOM_SKIPPED, RANDOM_JUMPED};
    if (*text == '0') zero_is_usual = random_is_taped = true;
    if (*text == '0') text += text[1] == ',' ? 2 : 1;
    for (char *end; *text; text = *end ? end + 1 : end) {
        const char *letters = "zvkstj", *is = strchr(letters, *text);
        struct random_edit edit = {strtoull(text + 1, &end, 16), 0, *text == 's'};
        unsigned long times = 1;
        if (!is || end == text + 1) return false;
        edit.kind = kinds[is - letters];
        if (*end == '=') edit.n = (uint32_t)strtoul(end + 1, &end, 10);
        if (*end == '*') times = strtoul(end + 1, &end, 10);
        if (*end && *end != ',') return false;
        for (unsigned long i = 0; i < times; i++, edit.key += RANDOM_STEP) random_edit(edit);
    }
    return true;
}

#endif

/* ---- seeds ------------------------------------------------------------------------------------------------------- */

enum { PLACES = 64 };
static struct {
    uint64_t place;
    unsigned times;
} asked[PLACES];

void random_begin_test(void) {
    memset(asked, 0, sizeof asked);
}

/* How often this place has drawn one before. */
static unsigned times_at(uint64_t place) {
    for (unsigned i = 0; i < PLACES; i++) {
        if (asked[i].place && asked[i].place != place) continue;
        asked[i].place = place;
        return asked[i].times++;
    }
    return 0;
}

uint64_t random_seed_of(const char *file, unsigned line) {
    const char *given = getenv("ART_TEST_SEED"), *draw = getenv("ART_TEST_DRAW");
    uint64_t seed;
    if (given && *given) return strtoull(given, NULL, 0);
    if (draw && *draw) {
        uint64_t place = random_mix(random_mix(0xcbf29ce484222325u, draw), file) + line * 1000003u;
        seed = random_mixed(place + (1 + (uint64_t)times_at(place)) * RANDOM_STEP);
    } else {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        seed = (uint64_t)now.tv_sec * 1000003u ^ (uint64_t)now.tv_nsec ^ (uint64_t)getpid() << 32;
    }
    return seed & 0xffffffffffu;
}
