/* Reads a script of tests/conformance; conformance.h says what stands in it. */
#include <ctype.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/conformance.h"

struct reader {
    struct conformance_script *script;
    int line;
    int since;
    char *built;
    sqlite3_str *pending; /* a statement that is not complete yet */
    char *wrong;
};

static void complain(struct reader *reader, const char *what) {
    if (!reader->wrong) reader->wrong = sqlite3_mprintf("line %d: %s", reader->line, what);
}

static struct conformance_step *add(struct reader *reader, enum conformance_kind kind) {
    struct conformance_script *script = reader->script;
    if (!script->case_count) {
        complain(reader, "this stands before the first case");
        return NULL;
    }
    script->steps = realloc(script->steps, (size_t)(script->step_count + 1) * sizeof *script->steps);
    struct conformance_step *statement = &script->steps[script->step_count++];
    *statement =
        (struct conformance_step){.kind = kind, .line = reader->line, .since = reader->since, .built = reader->built};
    reader->since = 0;
    reader->built = NULL;
    script->cases[script->case_count - 1].count++;
    return statement;
}

static void begin_case(struct reader *reader, const char *name) {
    struct conformance_script *script = reader->script;
    script->cases = realloc(script->cases, (size_t)(script->case_count + 1) * sizeof *script->cases);
    script->cases[script->case_count++] =
        (struct conformance_case){.name = sqlite3_mprintf("%s", name), .first = script->step_count};
}

/* A line of SQL: each ';' may end a statement, or be one of a trigger's, or of a text. */
static void read_sql(struct reader *reader, const char *text) {
    if (sqlite3_str_length(reader->pending)) sqlite3_str_appendchar(reader->pending, 1, '\n');
    for (; *text; text++) {
        if (!sqlite3_str_length(reader->pending) && isspace((unsigned char)*text)) continue;
        sqlite3_str_appendchar(reader->pending, 1, *text);
        if (*text != ';' || !sqlite3_complete(sqlite3_str_value(reader->pending))) continue;
        struct conformance_step *statement = add(reader, CONFORMANCE_SQL);
        if (statement) statement->sql = sqlite3_mprintf("%s", sqlite3_str_value(reader->pending));
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
    struct conformance_script *script = reader->script;
    bool known = !strcmp(word, "fails") || !strcmp(word, "differs") || !strcmp(word, "art") || !strcmp(word, "instead");
    if (!known) return false;
    struct conformance_step *last = script->step_count ? &script->steps[script->step_count - 1] : NULL;
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
    struct conformance_case *now = &reader->script->cases[reader->script->case_count - 1];
    struct conformance_step *statement;
    if (!strcmp(word, "since")) {
        reader->since = version(rest);
    } else if (!strcmp(word, "built")) {
        sqlite3_free(reader->built);
        reader->built = sqlite3_mprintf("%s", rest);
    } else if (!strcmp(word, "on")) {
        statement = add(reader, CONFORMANCE_ON);
        if (statement) statement->connection = atoi(rest) - 1;
        now->needs_file = true;
    } else if (!strcmp(word, "reopen")) {
        add(reader, CONFORMANCE_REOPEN);
        now->needs_file = true;
    } else if (!strcmp(word, "open") || !strcmp(word, "step") || !strcmp(word, "close")) {
        statement = add(reader, *word == 'o' ? CONFORMANCE_OPEN : *word == 's' ? CONFORMANCE_STEP : CONFORMANCE_CLOSE);
        if (statement) statement->name = *rest;
        if (statement && *rest) statement->sql = sqlite3_mprintf("%s", rest + 1);
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

char *conformance_read(struct conformance_script *script, const char *file) {
    *script = (struct conformance_script){0};
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

void conformance_clear(struct conformance_script *script) {
    for (int i = 0; i < script->step_count; i++) {
        struct conformance_step *statement = &script->steps[i];
        char *texts[] = {statement->sql, statement->fails,   statement->differs,
                         statement->art, statement->instead, statement->built};
        for (unsigned k = 0; k < sizeof texts / sizeof *texts; k++) sqlite3_free(texts[k]);
    }
    for (int i = 0; i < script->case_count; i++) sqlite3_free(script->cases[i].name);
    free(script->steps);
    free(script->cases);
    *script = (struct conformance_script){0};
}
