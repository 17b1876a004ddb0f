#include "tests/support/shrink.h"

#include "tests/support/random.h"

#ifdef __linux__

#include <ctype.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { MARKS_MAX = 2000000, TRIES_USUAL = 5000, SECONDS_USUAL = 60, TEXT_MAX = 3000 };

struct shrinking {
    shrink_run *run;
    const void *test;
    int i;
    double until, limit; /* of a try, seconds */
    unsigned tries, tries_max, folders;
    char signature[300];
    struct shrink_end *end;          /* shared with the try */
    struct random_log *log, *of_try; /* of what is left, and what a try writes; both shared */
    struct random_edit *former;      /* what the edits of this try replace */
    size_t former_count, former_room;
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *shared(size_t size) {
    void *made = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (made == MAP_FAILED) abort();
    return made;
}

static struct random_log *new_log(void) {
    struct random_log *log = shared(sizeof *log + MARKS_MAX * sizeof *log->marks);
    log->room = MARKS_MAX;
    return log;
}

static uint64_t marks_of(const struct random_log *log) {
    return log->count < log->room ? log->count : log->room;
}

/* ---- a try ------------------------------------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *is, int kind, struct FTW *at) {
    return remove(path), 0;
}

/* All that users would type: not what art asks its own tables. */
static int tell_sql(unsigned event, void *of, void *statement, void *text) {
    if (!strncmp(text, "--", 2) || strstr(text, "_artstate") || strstr(text, "art_txn")) return 0;
    char *expanded = sqlite3_expanded_sql(statement);
    printf("    db %d: %.400s\n", (int)(intptr_t)of, expanded ? expanded : (char *)text);
    fflush(stdout);
    sqlite3_free(expanded);
    return 0;
}

static int tell_of(sqlite3 *db, char **error, const void *api) {
    static int connections;
    sqlite3_trace_v2(db, SQLITE_TRACE_STMT, tell_sql, (void *)(intptr_t)++connections);
    return 0;
}

static void be_quiet(const char *folder) {
    char name[600];
    snprintf(name, sizeof name, "%s/stderr", folder);
    int none = open("/dev/null", O_WRONLY), err = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    dup2(none, 1);
    dup2(err < 0 ? none : err, 2);
}

static void in_child(struct shrinking *s, const char *folder, bool telling) {
    setpgid(0, 0);
    fflush(stdout);
    setenv("TMPDIR", folder, 1);
    random_log = s->of_try;
    random_is_taped = true;
    random_tells = telling;
    random_begin_test();
    if (telling) {
        sqlite3_auto_extension((void (*)(void))tell_of);
    } else {
        be_quiet(folder);
    }
    s->run(s->test, s->i, s->end);
    s->end->returned = true;
    fflush(stdout);
    _exit(0);
}

/* Which assert of C ended it. */
static void read_assertion(const char *folder, char *out, size_t room) {
    char name[600], line[600], *at;
    snprintf(name, sizeof name, "%s/stderr", folder);
    FILE *said = fopen(name, "r");
    while (said && fgets(line, sizeof line, said)) {
        if ((at = strstr(line, ": Assertion `")) || (at = strstr(line, "Sanitizer: ")))
            snprintf(out, room, "%.200s", at);
    }
    if (said) fclose(said);
}

/* Waits until it ends or its time is over; whatever it has started ends with it. */
static int wait_for(pid_t child, double limit, bool *hangs) {
    int status = 0;
    double until = now() + limit;
    for (useconds_t pause = 200; waitpid(child, &status, WNOHANG) == 0; pause = pause < 5000 ? pause * 3 / 2 : pause) {
        if (now() > until) {
            *hangs = true;
            kill(-child, SIGKILL);
            kill(child, SIGKILL);
            waitpid(child, &status, 0);
            break;
        }
        usleep(pause);
    }
    kill(-child, SIGKILL);
    return status;
}

/* The beginning of a message, without numbers: what says in which way it fails, not with which rows. */
static void put_signature(struct shrinking *s, const char *folder, int status, bool hangs, char *out, size_t room) {
    const struct shrink_end *end = s->end;
    *out = '\0';
    if (hangs) {
        snprintf(out, room, "it does not end");
    } else if (!end->returned) {
        snprintf(out, room, "%s %d ", WIFSIGNALED(status) ? "signal" : "exit",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        read_assertion(folder, out + strlen(out), room - strlen(out));
    } else if (end->failed) {
        int len = snprintf(out, room, "%s:%d: ", end->file, end->line);
        const char *message = end->message;
        for (int i = 0; i < 40 && *message && !strchr("\n'\"", *message) && (size_t)len + 1 < room; message++, i++) {
            if (!isdigit((unsigned char)*message)) out[len++] = *message;
        }
        out[len] = '\0';
    }
}

/* Runs the test with the edits as they are, and says how it failed: "" if it did not. */
static void run_once(struct shrinking *s, bool telling, char *signature, size_t room) {
    char folder[500];
    bool hangs = false;
    const char *in = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/shrink.%d.%u", in && *in ? in : "/tmp", (int)getpid(), s->folders++);
    if (mkdir(folder, 0700)) perror(folder);
    memset(s->end, 0, sizeof *s->end);
    s->of_try->count = 0;
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) abort();
    if (!child) in_child(s, folder, telling);
    setpgid(child, child);
    int status = wait_for(child, s->limit, &hangs);
    put_signature(s, folder, status, hangs, signature, room);
    nftw(folder, remove_one, 20, FTW_DEPTH | FTW_PHYS);
    s->tries++;
}

static bool is_over(const struct shrinking *s) {
    return now() > s->until || s->tries >= s->tries_max;
}

/* Adds to the edits of the coming try. */
static void edit(struct shrinking *s, uint64_t key, uint32_t kind, uint32_t n) {
    if (s->former_count == s->former_room) {
        s->former_room = s->former_room ? 2 * s->former_room : 256;
        s->former = realloc(s->former, s->former_room * sizeof *s->former);
        if (!s->former) abort();
    }
    const struct random_edit *was = random_edit_of(key, kind);
    s->former[s->former_count++] = was ? *was : (struct random_edit){key, kind, UINT32_MAX};
    random_edit((struct random_edit){key, kind, n});
}

/* How much is left, in the order in which it counts: steps, draws that are not 0, their sum, draws. */
struct size {
    uint64_t of[4];
};

static struct size size_of(const struct random_log *log) {
    struct size out = {{0}};
    for (uint64_t i = 0; i < marks_of(log); i++) {
        const struct random_mark *mark = &log->marks[i];
        out.of[0] += mark->kind == RANDOM_SPAN;
        if (mark->kind != RANDOM_DRAW) continue;
        out.of[1] += mark->value > 0;
        out.of[2] += mark->value;
        out.of[3]++;
    }
    return out;
}

static bool is_less(struct size a, struct size b) {
    for (int i = 0; i < 4; i++) {
        if (a.of[i] != b.of[i]) return a.of[i] < b.of[i];
    }
    return false;
}

static void keep_try(struct shrinking *s) {
    struct random_log *log = s->log;
    s->log = s->of_try;
    s->of_try = log;
}

/* True: it fails in the same way, and the edits stay. Else they are as they were. */
static bool try(struct shrinking *s) {
    char signature[sizeof s->signature];
    bool fails = false;
    if (s->former_count && !is_over(s)) {
        run_once(s, false, signature, sizeof signature);
        fails = !strcmp(signature, s->signature) && is_less(size_of(s->of_try), size_of(s->log));
    }
    if (fails) {
        keep_try(s);
    } else {
        while (s->former_count) random_edit(s->former[--s->former_count]);
    }
    s->former_count = 0;
    return fails;
}

/* ---- what is left ------------------------------------------------------------------------------------------------ */

/* From one key of a generator to another, in steps; 0: they are of different ones, or too far. */
static uint32_t steps_between(uint64_t from, uint64_t to) {
    const uint64_t inverse = 0xf1de83e19937733du; /* of RANDOM_STEP */
    uint64_t steps = (to - from) * inverse;
    return steps < 1 << 24 ? (uint32_t)steps : 0;
}

struct places {
    uint64_t first[64]; /* the mark at which each was met first */
    uint32_t place[64];
    int count;
};

static int place_number(const struct places *places, uint32_t place) {
    for (int i = 0; i < places->count; i++) {
        if (places->place[i] == place) return i;
    }
    return places->count;
}

static void find_places(const struct random_log *log, struct places *out) {
    out->count = 0;
    for (uint64_t i = 0; i < marks_of(log); i++) {
        if (log->marks[i].kind != RANDOM_SPAN || place_number(out, log->marks[i].value) < out->count) continue;
        if (out->count == 64) break;
        out->place[out->count++] = log->marks[i].value;
    }
}

/* How many spans of its generator one holds, with itself: as far as the next of its place, or of one around it. */
static uint32_t length_of(const struct random_log *log, const struct places *places, uint64_t at) {
    int number = place_number(places, log->marks[at].value);
    for (uint64_t i = at + 1; i < marks_of(log); i++) {
        const struct random_mark *mark = &log->marks[i];
        bool is_span = mark->kind == RANDOM_SPAN || mark->kind == RANDOM_SKIPPED;
        if (!is_span || place_number(places, mark->value) > number) continue;
        uint32_t steps = steps_between(log->marks[at].key, mark->key);
        return steps ? steps : 1;
    }
    return 1;
}

/* The marks of a kind, and of spans of one place: their numbers in the log. */
struct chosen {
    uint64_t *marks;
    size_t count;
};

static int by_key(const void *a, const void *b, void *log) {
    const struct random_mark *x = &((struct random_log *)log)->marks[*(const uint64_t *)a];
    const struct random_mark *y = &((struct random_log *)log)->marks[*(const uint64_t *)b];
    return x->key != y->key ? (x->key < y->key ? -1 : 1) : 0;
}

static int by_number(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static struct chosen choose(struct random_log *log, uint32_t kind, uint32_t place) {
    struct chosen out = {malloc((marks_of(log) + 1) * sizeof *out.marks), 0};
    if (!out.marks) abort();
    size_t count = 0;
    for (uint64_t i = 0; i < marks_of(log); i++) {
        const struct random_mark *mark = &log->marks[i];
        if (mark->kind == kind && (kind != RANDOM_SPAN || mark->value == place)) out.marks[count++] = i;
    }
    qsort_r(out.marks, count, sizeof *out.marks, by_key, log); /* a number that is drawn again is one */
    for (size_t i = 0; i < count; i++) {
        uint64_t key = log->marks[out.marks[i]].key;
        if (!i || key != log->marks[out.marks[i - 1]].key) out.marks[out.count++] = out.marks[i];
    }
    qsort(out.marks, out.count, sizeof *out.marks, by_number);
    return out;
}

/* ---- passes ------------------------------------------------------------------------------------------------------ */

/* Stretches of ever smaller size, from the end on, as `of` changes them. What fails is mostly the last: all before
 * it come first. */
typedef void change(struct shrinking *s, const struct chosen *of, size_t from, size_t to, const void *with);

static bool in_stretches(struct shrinking *s, uint32_t kind, uint32_t place, change *of, const void *with) {
    bool better = false;
    struct chosen chosen = choose(s->log, kind, place);
    if (chosen.count > 2) {
        of(s, &chosen, 0, chosen.count - 1, with);
        if ((better = try(s))) {
            free(chosen.marks);
            chosen = choose(s->log, kind, place);
        }
    }
    for (size_t size = chosen.count; size >= 1 && !is_over(s); size /= 2) {
        for (size_t end = chosen.count; end > 0 && !is_over(s);) {
            size_t from = end > size ? end - size : 0;
            of(s, &chosen, from, end, with);
            if (!try(s)) {
                end = from;
                continue;
            }
            better = true;
            free(chosen.marks);
            chosen = choose(s->log, kind, place);
            end = from < chosen.count ? from : chosen.count;
        }
    }
    free(chosen.marks);
    return better;
}

static void skip(struct shrinking *s, const struct chosen *of, size_t from, size_t to, const void *places) {
    for (size_t i = from; i < to; i++) {
        edit(s, s->log->marks[of->marks[i]].key, RANDOM_SKIPPED, length_of(s->log, places, of->marks[i]));
    }
}

static void zero(struct shrinking *s, const struct chosen *of, size_t from, size_t to, const void *with) {
    for (size_t i = from; i < to; i++) {
        const struct random_mark *mark = &s->log->marks[of->marks[i]];
        if (mark->value) edit(s, mark->key, RANDOM_DRAW, 0);
    }
}

/* Leaves the draws out that the generator of the first of them makes in this stretch. */
static void jump(struct shrinking *s, const struct chosen *of, size_t from, size_t to, const void *with) {
    uint64_t key = s->log->marks[of->marks[from]].key;
    uint32_t steps = 0;
    for (size_t i = from + 1; i < of->count; i++) {
        uint32_t more = steps_between(key, s->log->marks[of->marks[i]].key);
        if (!more) continue;
        steps = more;
        if (i >= to) break;
    }
    if (steps) edit(s, key, RANDOM_JUMPED, steps);
}

static bool skip_spans(struct shrinking *s) {
    struct places places;
    bool better = false;
    find_places(s->log, &places);
    for (int i = 0; i < places.count; i++) {
        better |= in_stretches(s, RANDOM_SPAN, places.place[i], skip, &places);
    }
    return better;
}

/* The least value with which it still fails, where all above it do, too; and one less, where they do not. */
static bool lower(struct shrinking *s) {
    bool better = false;
    struct chosen chosen = choose(s->log, RANDOM_DRAW, 0);
    for (size_t i = 0; i < chosen.count && !is_over(s); i++) {
        const struct random_mark *mark = &s->log->marks[chosen.marks[i]];
        uint64_t key = mark->key, at = chosen.marks[i];
        uint32_t low = 0,
                 high = mark->limit ? mark->value : 0; /* 0 has been tried; of bits none is lower than others */
        while (high - low > 1 && high && !is_over(s)) {
            uint32_t middle = low + (high - low) / 2;
            edit(s, key, RANDOM_DRAW, middle);
            if (try(s)) {
                high = middle;
                better = true;
            } else {
                low = middle;
            }
        }
        free(chosen.marks);
        chosen = choose(s->log, RANDOM_DRAW, 0); /* it may draw others now */
        while (i < chosen.count && chosen.marks[i] < at && i + 1 < chosen.count) i++;
    }
    free(chosen.marks);
    return better;
}

static void shorten(struct shrinking *s) {
    skip_spans(s);
    for (bool better = true; better && !is_over(s);) {
        better = in_stretches(s, RANDOM_DRAW, 0, zero, NULL);
        better |= skip_spans(s);
        better |= lower(s);
        better |= in_stretches(s, RANDOM_DRAW, 0, jump, NULL);
    }
}

/* ---- the report -------------------------------------------------------------------------------------------------- */

static void print_draws(const struct random_log *log) {
    uint64_t zeros = 0, shown = 0;
    printf("what is drawn there (of how many; n zeros as 0 x n; a step begins at \"|\"):");
    for (uint64_t i = 0; i < marks_of(log) && shown < 200; i++) {
        const struct random_mark *mark = &log->marks[i];
        bool is_zero = mark->kind == RANDOM_DRAW && !mark->value, is_last = i + 1 == marks_of(log);
        zeros += is_zero;
        if (zeros && (!is_zero || is_last)) printf(" 0 x %" PRIu64, zeros);
        if (is_zero) continue;
        zeros = 0;
        shown++;
        if (mark->kind == RANDOM_SPAN) printf(" |");
        if (mark->kind == RANDOM_DRAW && mark->limit) printf(" %u/%u", mark->value, mark->limit);
        if (mark->kind == RANDOM_DRAW && !mark->limit) printf(" bits");
    }
    printf("\n");
}

/* The edits that are left, as a text: a short one, where with zeros for all else it still fails. */
static char *shortest_text(struct shrinking *s) {
    char signature[sizeof s->signature], *all = random_edits_text(s->log, false),
                                         *text = random_edits_text(s->log, true);
    random_forget_all();
    bool reads = random_read_edits(text);
    run_once(s, false, signature, sizeof signature);
    if (reads && !strcmp(signature, s->signature)) {
        free(all);
        return text;
    }
    free(text);
    random_forget_all();
    if (!random_read_edits(all)) abort();
    return all;
}

static void print_repeat(const char *text, const char *repeat) {
    char name[600];
    const char *folder = getenv("TMPDIR");
    if (strlen(text) <= TEXT_MAX) {
        printf("ART_TEST_TAPE=%s %s\n", text, repeat);
        return;
    }
    snprintf(name, sizeof name, "%s/tape.%d", folder && *folder ? folder : "/tmp", (int)getpid());
    FILE *out = fopen(name, "w"); /* beside the program's files, which stay where it fails */
    if (out) fputs(text, out);
    if (out) fclose(out);
    printf("ART_TEST_TAPE=@%s %s\n", name, repeat);
}

static void report(struct shrinking *s, const char *repeat, struct size before, double took) {
    char signature[sizeof s->signature];
    unsigned tries = s->tries;
    struct size left = size_of(s->log);
    printf("== %" PRIu64 " of %" PRIu64 " steps are left, and of %" PRIu64 " draws %" PRIu64 ", of these %" PRIu64
           " that are not 0, after %u tries in %.1f s%s:\n",
           left.of[0], before.of[0], before.of[3], left.of[3], left.of[1], tries, took,
           is_over(s) ? " (the budget)" : "");
    s->limit = 60 + s->limit;
    char *text = shortest_text(s);
    run_once(s, true, signature, sizeof signature);
    printf("    %s\n    %.3000s\n", signature, s->end->message);
    print_draws(s->of_try);
    print_repeat(text, repeat);
    free(text);
    fflush(stdout);
}

static void begin(struct shrinking *s) {
    const char *seconds = getenv("ART_TEST_SHRINK"), *tries = getenv("ART_TEST_SHRINK_TRIES");
    s->until = now() + (atof(seconds) > 1 ? atof(seconds) : SECONDS_USUAL);
    s->tries_max = tries ? (unsigned)atoi(tries) : TRIES_USUAL;
    s->limit = s->until - now();
    s->end = shared(sizeof *s->end);
    s->log = new_log();
    s->of_try = new_log();
}

static void end(struct shrinking *s) {
    random_forget_all();
    munmap(s->end, sizeof *s->end);
    munmap(s->log, sizeof *s->log + MARKS_MAX * sizeof *s->log->marks);
    munmap(s->of_try, sizeof *s->log + MARKS_MAX * sizeof *s->log->marks);
    free(s->former);
}

bool shrink(shrink_run *run, const void *test, int i, const char *repeat, struct shrink_left *out) {
    struct shrinking s = {.run = run, .test = test, .i = i};
    char again[sizeof s.signature];
    double start = now();
    begin(&s);
    run_once(&s, false, s.signature, sizeof s.signature);
    s.limit = 1 + 5 * (now() - start);
    struct size before = size_of(s.of_try);
    bool draws = before.of[0] + before.of[3] > 0;
    if (draws) run_once(&s, false, again, sizeof again);
    bool fails = draws && *s.signature && !strcmp(s.signature, again);
    if (!draws) {
        printf("== it draws nothing\n");
    } else if (!fails) {
        printf("== not shortened: it does not fail again in the same way (%s; %s)\n", s.signature, again);
    } else {
        keep_try(&s);
        printf("== shortened, as long as it says: %s\n", s.signature);
        fflush(stdout);
        shorten(&s);
        report(&s, repeat, before, now() - start);
    }
    struct size left = size_of(s.log);
    *out = (struct shrink_left){left.of[0], left.of[1], s.tries};
    fflush(stdout);
    end(&s);
    return fails;
}

void shrink_begin(void) {
    const char *tape = getenv("ART_TEST_TAPE");
    if (!tape || !*tape) return;
    char *text = *tape == '@' ? NULL : strdup(tape);
    size_t room = 0;
    FILE *in = *tape == '@' ? fopen(tape + 1, "r") : NULL;
    if (in && getline(&text, &room, in) < 0) text[0] = '\0';
    if (in) fclose(in);
    if (!text || !random_read_edits(text)) {
        fprintf(stderr, "ART_TEST_TAPE is no tape: %s\n", tape);
        exit(2);
    }
    free(text);
}

#endif
