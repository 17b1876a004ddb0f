/* Reads a script of tests/habits; habits.h says what stands in it. */
#include <ctype.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/habits.h"

struct reader {
    struct habit_script *script;
    int line;
    int since;
    char *built;
    sqlite3_str *pending; /* a statement that is not complete yet */
    char *wrong;
};

static void complain(struct reader *reader, const char *what) {
    if (!reader->wrong) reader->wrong = sqlite3_mprintf("line %d: %s", reader->line, what);
}

static struct habit *add(struct reader *reader, enum habit_kind kind) {
    struct habit_script *script = reader->script;
    if (!script->case_count) {
        complain(reader, "this stands before the first case");
        return NULL;
    }
    script->habits = realloc(script->habits, (size_t)(script->habit_count + 1) * sizeof *script->habits);
    struct habit *habit = &script->habits[script->habit_count++];
    *habit = (struct habit){.kind = kind, .line = reader->line, .since = reader->since, .built = reader->built};
    reader->since = 0;
    reader->built = NULL;
    script->cases[script->case_count - 1].count++;
    return habit;
}

static void begin_case(struct reader *reader, const char *name) {
    struct habit_script *script = reader->script;
    script->cases = realloc(script->cases, (size_t)(script->case_count + 1) * sizeof *script->cases);
    script->cases[script->case_count++] =
        (struct habit_case){.name = sqlite3_mprintf("%s", name), .first = script->habit_count};
}

/* A line of SQL: each ';' may end a statement, or be one of a trigger's, or of a text. */
static void read_sql(struct reader *reader, const char *text) {
    if (sqlite3_str_length(reader->pending)) sqlite3_str_appendchar(reader->pending, 1, '\n');
    for (; *text; text++) {
        if (!sqlite3_str_length(reader->pending) && isspace((unsigned char)*text)) continue;
        sqlite3_str_appendchar(reader->pending, 1, *text);
        if (*text != ';' || !sqlite3_complete(sqlite3_str_value(reader->pending))) continue;
        struct habit *habit = add(reader, HABIT_SQL);
        if (habit) habit->sql = sqlite3_mprintf("%s", sqlite3_str_value(reader->pending));
        sqlite3_str_reset(reader->pending);
    }
}

static void set(char **where, const char *text) {
    sqlite3_free(*where);
    *where = sqlite3_mprintf("%s", text);
}

static int version(const char *text) {
    int major = 0, minor = 0, patch = 0;
    sscanf(text, "%d.%d.%d", &major, &minor, &patch);
    return major * 1000000 + minor * 1000 + patch;
}

/* What is about the statement before it. */
static bool read_remark(struct reader *reader, const char *word, const char *rest) {
    struct habit_script *script = reader->script;
    bool known = !strcmp(word, "fails") || !strcmp(word, "differs") || !strcmp(word, "art") || !strcmp(word, "instead");
    if (!known) return false;
    struct habit *last = script->habit_count ? &script->habits[script->habit_count - 1] : NULL;
    if (!last) {
        complain(reader, "this stands before the first statement");
    } else if (!strcmp(word, "fails")) {
        set(&last->fails, rest);
    } else if (!strcmp(word, "differs")) {
        set(&last->differs, rest);
    } else if (!strcmp(word, "instead")) {
        set(&last->instead, rest);
    } else {
        char *before = last->art;
        last->art = sqlite3_mprintf("%s%s\n", before ? before : "", rest);
        sqlite3_free(before);
    }
    return true;
}

static bool read_action(struct reader *reader, const char *word, const char *rest) {
    struct habit_case *now = &reader->script->cases[reader->script->case_count - 1];
    struct habit *habit;
    if (!strcmp(word, "since")) {
        reader->since = version(rest);
    } else if (!strcmp(word, "built")) {
        sqlite3_free(reader->built);
        reader->built = sqlite3_mprintf("%s", rest);
    } else if (!strcmp(word, "on")) {
        habit = add(reader, HABIT_ON);
        if (habit) habit->connection = atoi(rest) - 1;
        now->needs_file = true;
    } else if (!strcmp(word, "reopen")) {
        add(reader, HABIT_REOPEN);
        now->needs_file = true;
    } else if (!strcmp(word, "open") || !strcmp(word, "step") || !strcmp(word, "close")) {
        habit = add(reader, *word == 'o' ? HABIT_OPEN : *word == 's' ? HABIT_STEP : HABIT_CLOSE);
        if (habit) habit->name = *rest;
        if (habit && *rest) habit->sql = sqlite3_mprintf("%s", rest + 1);
    } else {
        return false;
    }
    return true;
}

static void read_dashes(struct reader *reader, const char *text) {
    char word[12];
    size_t len = strcspn(text + 2, " ");
    if (len == 0 || len >= sizeof word || !reader->script->case_count) return;
    memcpy(word, text + 2, len);
    word[len] = 0;
    const char *rest = text + 2 + len;
    if (*rest) rest++;
    if (!read_remark(reader, word, rest) && !read_action(reader, word, rest)) complain(reader, "an unknown word");
}

char *habits_read(struct habit_script *script, const char *file) {
    *script = (struct habit_script){0};
    struct reader reader = {.script = script, .pending = sqlite3_str_new(NULL)};
    char *line = NULL;
    size_t room = 0;
    FILE *input = fopen(file, "r");
    if (!input) complain(&reader, "cannot be opened");
    for (ssize_t len; input && (len = getline(&line, &room, input)) >= 0;) {
        reader.line++;
        while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == ' ')) line[--len] = 0;
        if (!strncmp(line, "== ", 3)) {
            if (sqlite3_str_length(reader.pending)) complain(&reader, "the statement before is not complete");
            begin_case(&reader, line + 3);
        } else if (!strncmp(line, "--", 2) && !sqlite3_str_length(reader.pending)) {
            read_dashes(&reader, line);
        } else if (script->case_count) {
            read_sql(&reader, line);
        }
    }
    if (sqlite3_str_length(reader.pending)) complain(&reader, "the last statement is not complete");
    if (!reader.wrong && !script->case_count) complain(&reader, "no case");
    if (input) fclose(input);
    free(line);
    sqlite3_free(reader.built);
    sqlite3_free(sqlite3_str_finish(reader.pending));
    return reader.wrong;
}

void habits_clear(struct habit_script *script) {
    for (int i = 0; i < script->habit_count; i++) {
        struct habit *habit = &script->habits[i];
        char *texts[] = {habit->sql, habit->fails, habit->differs, habit->art, habit->instead, habit->built};
        for (unsigned k = 0; k < sizeof texts / sizeof *texts; k++) sqlite3_free(texts[k]);
    }
    for (int i = 0; i < script->case_count; i++) sqlite3_free(script->cases[i].name);
    free(script->habits);
    free(script->cases);
    *script = (struct habit_script){0};
}
