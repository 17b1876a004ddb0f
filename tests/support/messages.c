#include "tests/support/messages.h"

#include <ctype.h>
#include <glob.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct maker {
    const char *function;
    unsigned argument; /* which of its arguments is the text, counted from 0 */
    enum message_kind kind;
} makers[] = {
    {"art_complain", 2, MESSAGE_PLAIN},   {"art_fail", 1, MESSAGE_PLAIN},        {"art_fail_errno", 2, MESSAGE_ERRNO},
    {"art_corrupt", 3, MESSAGE_CORRUPT},  {"art_report_sql", 3, MESSAGE_SQL},    {"art_fail_sql", 2, MESSAGE_SQL},
    {"refuse_list", 1, MESSAGE_REFUSAL},  {"refuse_column", 2, MESSAGE_REFUSAL}, {"refuse", 1, MESSAGE_REFUSAL},
    {"complain_key", 2, MESSAGE_REFUSAL}, {"damaged", 0, MESSAGE_CORRUPT},       {"wrong_redo", 0, MESSAGE_CORRUPT},
    {"art_fail_code", 1, MESSAGE_SQL},
};
enum { MAKERS = sizeof makers / sizeof *makers };

/* --- reading C ---------------------------------------------------------------------------------------------------- */

static char *read_file(const char *name) {
    FILE *file = fopen(name, "rb");
    if (!file) return NULL;
    static char text[1 << 18];
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    return sqlite3_mprintf("%s", text);
}

/* Behind a literal, a character or a comment that begins here, else NULL. */
static const char *skip_opaque(const char *at) {
    if (*at == '"' || *at == '\'') {
        char quote = *at++;
        while (*at && *at != quote) at += *at == '\\' && at[1] ? 2 : 1;
        return *at ? at + 1 : at;
    }
    if (at[0] == '/' && at[1] == '*') {
        const char *end = strstr(at + 2, "*/");
        return end ? end + 2 : at + strlen(at);
    }
    return NULL;
}

/* The literals between two places as one text; what they are joined with (PRIu64, a variable) is left out. */
static char *literals(const char *at, const char *end) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    sqlite3_str_appendall(out, "");
    while (at < end) {
        const char *behind = skip_opaque(at);
        if (!behind) {
            at++;
            continue;
        }
        for (const char *p = at + 1; *at == '"' && p < behind - 1; p++) {
            bool escaped = *p == '\\';
            if (escaped) p++;
            sqlite3_str_appendchar(out, 1, escaped && *p == 'n' ? '\n' : *p);
        }
        at = behind;
    }
    char *text = sqlite3_str_finish(out);
    return text ? text : sqlite3_mprintf("");
}

/* The literals of one argument of a call; `at`: behind its parenthesis. NULL: it has no such argument. */
static char *argument(const char *at, unsigned wanted) {
    unsigned depth = 0, number = 0;
    const char *begin = at;
    for (; *at; at++) {
        const char *behind = skip_opaque(at);
        if (behind) {
            at = behind - 1;
            continue;
        }
        bool last = depth == 0 && *at == ')';
        if (depth == 0 && (*at == ',' || last)) {
            if (number++ == wanted) return literals(begin, at);
            begin = at + 1;
        }
        if (last) return NULL;
        if (*at == '(' || *at == '{') depth++;
        if (*at == ')' || *at == '}') depth--;
    }
    return NULL;
}

static void add(struct messages *out, enum message_kind kind, char *text, const char *file, unsigned line) {
    bool says_something = false;
    for (const char *p = text; *p; p++) says_something |= isalpha((unsigned char)*p) && (p == text || p[-1] != '%');
    if (!says_something) {
        sqlite3_free(text);
        return;
    }
    out->items = realloc(out->items, (out->count + 1) * sizeof *out->items);
    out->items[out->count++] = (struct message){kind, text, sqlite3_mprintf("%s:%u", file, line)};
}

/* A definition is no call. */
static bool is_call(const char *text, const char *at) {
    if (at == text || isalnum((unsigned char)at[-1]) || at[-1] == '_' || at[-1] == '*') return false;
    return at - text < 4 || strncmp(at - 4, "int ", 4) != 0;
}

static void find_in_call(struct messages *out, const char *text, const char *at, const char *file, unsigned line) {
    for (unsigned i = 0; i < MAKERS; i++) {
        size_t n = strlen(makers[i].function);
        if (strncmp(at, makers[i].function, n) != 0 || at[n] != '(' || !is_call(text, at)) continue;
        char *found = argument(at + n + 1, makers[i].argument);
        if (found) add(out, makers[i].kind, found, file, line);
    }
}

/* definition.c's table of words that are refused: {"WORD", "what", "todo"}. */
static void find_in_refusals(struct messages *out, const char *at, const char *file, unsigned line) {
    const char *end = strstr(at, "};");
    while (end && at < end) {
        const char *row = strchr(at, '{');
        if (!row || row > end) break;
        char *what = argument(row + 1, 1);
        if (what) add(out, MESSAGE_REFUSAL, what, file, line);
        at = strchr(row, '}');
        if (!at) break;
    }
}

/* What says of itself that it is a message, wherever it stands; `at`: on its quote. */
static void find_literal(struct messages *out, const char *at, const char *file, unsigned line) {
    const char *end = at;
    for (const char *behind; *end == '"' && (behind = skip_opaque(end));) end = behind + strspn(behind, " \n");
    char *text = literals(at, end);
    bool known = strncmp(text, "art: ", 5) != 0;
    for (unsigned i = 0; i < out->count && !known; i++) known = strstr(out->items[i].text, text) != NULL;
    if (known) {
        sqlite3_free(text);
    } else {
        add(out, MESSAGE_PLAIN, text, file, line);
    }
}

static void find_in_file(struct messages *out, const char *file) {
    static const char table[] = "} refusals[] = {";
    char *text = read_file(file);
    unsigned line = 1;
    for (const char *at = text; at && *at;) {
        const char *behind = skip_opaque(at);
        const char *next = behind ? behind : at + 1;
        if (*at == '"') find_literal(out, at, file, line);
        if (!behind) find_in_call(out, text, at, file, line);
        if (!behind && !strncmp(at, table, sizeof table - 1)) {
            find_in_refusals(out, at + sizeof table - 1, file, line);
        }
        for (; at < next; at++) line += *at == '\n';
    }
    sqlite3_free(text);
}

bool messages_find(struct messages *out) {
    static const char *const patterns[] = {"ext/*.c", "ext/*/*.c", "core/*/*.c", "core/*/*/*.c"};
    *out = (struct messages){0};
    for (unsigned i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        glob_t files;
        if (glob(patterns[i], 0, NULL, &files)) return false;
        for (size_t k = 0; k < files.gl_pathc; k++) find_in_file(out, files.gl_pathv[k]);
        globfree(&files);
    }
    return out->count > 0;
}

void messages_clear(struct messages *messages) {
    for (unsigned i = 0; i < messages->count; i++) {
        sqlite3_free(messages->items[i].text);
        sqlite3_free(messages->items[i].place);
    }
    free(messages->items);
    *messages = (struct messages){0};
}

/* --- what a message looks like ------------------------------------------------------------------------------------ */

static const struct {
    const char *before, *behind, *shown_behind;
} frames[] = {
    [MESSAGE_PLAIN] = {"", "", ""},
    [MESSAGE_ERRNO] = {"", ": *", ": ..."},
    [MESSAGE_CORRUPT] = {"art: ", " (*): restore the database*, or copy out what is left by art_salvage",
                         " (...): restore the database ..., or copy out what is left by art_salvage"},
    [MESSAGE_SQL] = {"art: ", ": *", ": ..."},
    [MESSAGE_REFUSAL] = {"art: ", " (*): *", " (...): ..."},
};

/* Conversions of printf become `any`. */
static void append_format(sqlite3_str *out, const char *format, const char *any, bool quote) {
    for (const char *p = format; *p; p++) {
        if (*p == '%' && p[1] == '%') {
            sqlite3_str_appendchar(out, 1, *p++);
        } else if (*p == '%') {
            p += 1 + strspn(p + 1, "0123456789.*-+ #lzjhqw");
            sqlite3_str_appendall(out, any);
        } else if (quote && strchr("*?[", *p)) {
            sqlite3_str_appendf(out, "[%c]", *p);
        } else {
            sqlite3_str_appendchar(out, 1, *p);
        }
    }
}

char *message_pattern(enum message_kind kind, const char *format) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    sqlite3_str_appendall(out, frames[kind].before);
    append_format(out, format, "*", true);
    sqlite3_str_appendall(out, frames[kind].behind);
    return sqlite3_str_finish(out);
}

char *message_shown(enum message_kind kind, const char *format) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    if (!strncmp(format, "art: ", 5)) format += 5;
    append_format(out, format, "...", false);
    sqlite3_str_appendall(out, frames[kind].shown_behind);
    char *text = sqlite3_str_finish(out), *to = text;
    for (const char *from = text; from && *from; from++) { /* "schema.table" is one thing, as is what has no blanks */
        bool more = to - text >= 3 && !strncmp(to - 3, "...", 3) && *from == '.';
        if (!more) *to++ = *from;
    }
    if (to) *to = 0;
    return text;
}
