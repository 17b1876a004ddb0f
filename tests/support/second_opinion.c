#include "tests/support/second_opinion.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/random.h"

enum { EVERY = 10 };
static const char python[] = "/usr/bin/python3", script[] = "tests/golden/second.py";

#ifdef __linux__
static bool can_be_had(void) {
    return !access(python, X_OK) && !access(script, R_OK);
}
#else
static bool can_be_had(void) {
    return false;
}
#endif

static struct {
    FILE *to, *from;
    pid_t of; /* who has begun it: a child of that process begins its own */
    bool missing;
    unsigned asked;
} reader;

bool second_opinion_is_due(unsigned long long n) {
    unsigned percent = random_rounds(100) < 100 ? random_rounds(100) : 100;
    return n % (EVERY * 100 * 100 / (percent * percent)) == 0;
}

unsigned second_opinion_count(void) {
    return reader.asked;
}

void second_opinion_tell(const char *test, unsigned long long count) {
    if (can_be_had()) {
        printf("%s: a second opinion on %llu tables\n", test, count);
    } else {
        printf("skipped: %s: a second opinion (%s, which wants %s)\n", test, script, python);
    }
    fflush(stdout);
}

#ifdef __linux__

static void become_reader(int in, int out) {
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    unsetenv("LD_PRELOAD");
    execl(python, python, "-B", script, (char *)NULL);
    _exit(127);
}

static bool begin(void) {
    int to[2], from[2];
    if (reader.of == getpid()) return !reader.missing;
    memset(&reader, 0, sizeof reader);
    reader.of = getpid();
    reader.missing = !can_be_had();
    if (reader.missing) return false;
    if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC)) abort();
    pid_t pid = fork();
    if (pid < 0) abort();
    if (!pid) become_reader(to[0], from[1]);
    close(to[0]);
    close(from[1]);
    reader.to = fdopen(to[1], "w");
    reader.from = fdopen(from[0], "r");
    return reader.to && reader.from;
}

static void say_bytes(char kind, const void *bytes, int len) {
    static const char digits[] = "0123456789abcdef";
    const unsigned char *at = bytes;
    putc(kind, reader.to);
    for (int i = 0; i < len; i++) {
        putc(digits[at[i] >> 4], reader.to);
        putc(digits[at[i] & 15], reader.to);
    }
}

static void say_value(sqlite3_stmt *row, int column) {
    double number = sqlite3_column_double(row, column);
    unsigned long long bits;
    memcpy(&bits, &number, sizeof bits);
    switch (sqlite3_column_type(row, column)) {
    case SQLITE_INTEGER:
        fprintf(reader.to, "i%lld", sqlite3_column_int64(row, column));
        break;
    case SQLITE_FLOAT:
        fprintf(reader.to, "r%016llx", bits);
        break;
    case SQLITE_NULL:
        putc('n', reader.to);
        break;
    case SQLITE_TEXT: {
        const void *text = sqlite3_column_text(row, column);
        say_bytes('t', text, sqlite3_column_bytes(row, column));
        break;
    }
    default: {
        const void *blob = sqlite3_column_blob(row, column);
        say_bytes('b', blob, sqlite3_column_bytes(row, column));
    }
    }
}

/* Also of a statement that fails all is read to the end: the reader waits for that. */
static int say_rows(sqlite3 *db, const char *sql) {
    sqlite3_stmt *rows = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &rows, NULL);
    while (!rc && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(rows); i++) {
            if (i) putc(' ', reader.to);
            say_value(rows, i);
        }
        putc('\n', reader.to);
        rc = SQLITE_OK;
    }
    int ended = sqlite3_finalize(rows);
    return rc == SQLITE_DONE ? ended : rc;
}

static bool ask(sqlite3 *db, const char *sql, const char *database, const char *table, const char *snapshot,
                char **why) {
    char answer[2000] = "the reader has died\n";
    *why = NULL;
    if (!begin()) return true;
    fprintf(reader.to, "%s\t%s\t%s\n", database, table, snapshot ? snapshot : "");
    int rc = say_rows(db, sql);
    fputs(".\n", reader.to);
    fflush(reader.to);
    if (!fgets(answer, sizeof answer, reader.from) || rc) {
        *why = sqlite3_mprintf("a second opinion, table %s: %s", table, rc ? sqlite3_errmsg(db) : answer);
        return false;
    }
    bool locked = !strcmp(answer, "locked\n");
    reader.asked += !locked;
    if (locked || !strcmp(answer, "same\n")) return true;
    *why = sqlite3_mprintf("a second opinion, table %s%s%s: %s", table, snapshot ? ", snapshot " : "",
                           snapshot ? snapshot : "", answer);
    return false;
}

/* libFuzzer has a timer, whose signal would interrupt a reader that is waited for on a busy machine. */
bool second_opinion(sqlite3 *db, const char *sql, const char *database, const char *table, const char *snapshot,
                    char **why) {
    sigset_t alarms, before;
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarms, &before);
    bool good = ask(db, sql, database, table, snapshot, why);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return good;
}
#else
bool second_opinion(sqlite3 *db, const char *sql, const char *database, const char *table, const char *snapshot,
                    char **why) {
    *why = NULL;
    return true;
}
#endif
