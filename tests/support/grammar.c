#include "tests/support/grammar.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "tests/support/sql.h"

struct span {
    const char *at, *end;
};

static struct span whole(const char *text) {
    return (struct span){text, text + strlen(text)};
}

static size_t name_length(struct span text) {
    size_t len = 0;
    while (text.at + len < text.end && (isalpha((unsigned char)text.at[len]) || strchr("_!", text.at[len]))) len++;
    return len;
}

void grammar_put(struct grammar *grammar, const char *text, int len) {
    if (!len) return; /* SQLite's texts assert that they do not begin with nothing */
    sqlite3_str_append(grammar->out, text, len);
    if (grammar->twin) sqlite3_str_append(grammar->twin, text, len);
}

/* ---- alternatives ------------------------------------------------------------------------------------------------ */

/* Takes the first alternative off. */
static struct span next_alternative(struct span *text) {
    struct span first = *text;
    int depth = 0;
    for (const char *at = text->at; at < text->end; at++) {
        depth += (*at == '(' || *at == '{') - (*at == ')' || *at == '}');
        bool twice = *at == '|' && at + 1 < text->end && at[1] == '|';
        if (*at == '|' && !twice && depth == 0) {
            first.end = at;
            text->at = at + 1;
            return first;
        }
        at += twice;
    }
    text->at = NULL;
    return first;
}

/* How often it counts; the number is taken off. */
static unsigned weight_of(struct span *text) {
    unsigned weight = 0;
    const char *at = text->at;
    for (; at < text->end && isdigit((unsigned char)*at); at++) weight = weight * 10 + (unsigned)(*at - '0');
    if (!weight || at == text->end || *at != '*') return 1;
    text->at = at + 1;
    return weight;
}

/* Without the blanks around the bars of a rule. */
static struct span stripped(struct span text) {
    while (text.at < text.end && *text.at == ' ') text.at++;
    while (text.at < text.end && text.end[-1] == ' ') text.end--;
    return text;
}

static struct span choose(struct grammar *grammar, struct span text, bool strips) {
    unsigned total = 0, drawn = 0;
    for (int pass = 0;; pass++) {
        for (struct span rest = text; rest.at;) {
            struct span one = next_alternative(&rest);
            if (strips) one = stripped(one);
            unsigned weight = weight_of(&one);
            if (pass && drawn < weight) return one;
            if (pass) drawn -= weight;
            total += weight;
        }
        drawn = pass ? 0 : random_below(grammar->random, total);
    }
}

/* ---- what stands behind a dollar --------------------------------------------------------------------------------- */

static void draw(struct grammar *grammar, struct span text);

/* By the text's name, which takes `len` bytes: where what is kept is, or will be. */
static char **place_of(struct grammar *grammar, const char *name, size_t len, bool keeps) {
    for (int i = 0; i < GRAMMAR_KEPT && len < sizeof grammar->kept[i].name; i++) {
        char *known = grammar->kept[i].name;
        if (!*known && !keeps) return NULL;
        if (!*known) memcpy(known, name, len);
        if (strlen(known) == len && !memcmp(known, name, len)) return &grammar->kept[i].text;
    }
    if (keeps) abort();
    return NULL;
}

static void keep(struct grammar *grammar, struct span name, struct span text, bool shows) {
    sqlite3_str *out = grammar->out, *twin = grammar->twin;
    grammar->out = sqlite3_str_new(NULL);
    grammar->twin = NULL;
    draw(grammar, choose(grammar, text, false));
    char *drawn = sqlite3_str_finish(grammar->out), **place;
    grammar->out = out;
    grammar->twin = twin;
    place = place_of(grammar, name.at, (size_t)(name.end - name.at), true);
    sqlite3_free(*place);
    *place = drawn ? drawn : sqlite3_mprintf("");
    if (shows) grammar_put(grammar, *place, (int)strlen(*place));
}

static void draw_name(struct grammar *grammar, const char *name, size_t len) {
    char **kept = place_of(grammar, name, len, false), only[40];
    if (kept) return grammar_put(grammar, *kept, (int)strlen(*kept));
    for (int i = 0; i < 2 * GRAMMAR_KEPT && grammar->given[i]; i += 2) {
        if (strlen(grammar->given[i]) == len && !memcmp(grammar->given[i], name, len))
            return draw(grammar, choose(grammar, whole(grammar->given[i + 1]), true));
    }
    for (const char *const *rule = grammar->rules; *rule; rule++) {
        if (!strncmp(*rule, name, len) && (*rule)[len] == ':')
            return draw(grammar, choose(grammar, whole(*rule + len + 1), true));
    }
    sqlite3_snprintf((int)sizeof only, only, "%.*s", (int)len, name);
    if (!grammar->call) fprintf(stderr, "there is no rule '%s'\n", only);
    if (!grammar->call) abort();
    grammar->call(grammar, only);
}

/* "0-99": whether it is, and a number. */
static bool draw_number(struct grammar *grammar, struct span text) {
    size_t first = strspn(text.at, "0123456789"), second = strspn(text.at + first + 1, "0123456789");
    if (!first || !second || text.at[first] != '-' || text.at + first + 1 + second != text.end) return false;
    uint32_t low = (uint32_t)strtoul(text.at, NULL, 10), high = (uint32_t)strtoul(text.at + first + 1, NULL, 10);
    char digits[16];
    sqlite3_snprintf((int)sizeof digits, digits, "%0*u", *text.at == '0' ? (int)first : 1,
                     low + random_below(grammar->random, high - low + 1));
    grammar_put(grammar, digits, (int)strlen(digits));
    return true;
}

static void draw_brackets(struct grammar *grammar, struct span text) {
    size_t name = name_length(text), digits = strspn(text.at, "0123456789");
    const char *behind = text.at + name;
    bool hides = name && text.end - behind > 1 && behind[0] == ':' && behind[1] == '=';
    if (name && behind < text.end && (*behind == '=' || hides))
        return keep(grammar, (struct span){text.at, behind}, (struct span){behind + (hides ? 2 : 1), text.end}, !hides);
    if (draw_number(grammar, text)) return;
    if (digits && text.at[digits] == '?') {
        if (!random_once_in(grammar->random, (uint32_t)strtoul(text.at, NULL, 10))) return;
        text.at += digits + 1;
    }
    draw(grammar, choose(grammar, text, false));
}

/* The bracket that closes what is open at `at`. */
static const char *closing(const char *at, char open, char close) {
    for (int depth = 1; *at; at++) {
        depth += (*at == open) - (*at == close);
        if (!depth) return at;
    }
    abort();
}

/* {this|that}, of two texts. */
static void draw_each(struct grammar *grammar, struct span text) {
    sqlite3_str *out = grammar->out, *twin = grammar->twin;
    struct span first = next_alternative(&text);
    grammar->twin = NULL;
    draw(grammar, first);
    grammar->out = twin;
    if (text.at) draw(grammar, text);
    grammar->out = out;
    grammar->twin = twin;
}

static void draw(struct grammar *grammar, struct span text) {
    for (const char *from = text.at, *at = from;; at++) {
        bool each = at < text.end && *at == '{' && grammar->twin;
        if (at < text.end && *at != '$' && !each) continue;
        grammar_put(grammar, from, (int)(at - from));
        if (at == text.end) return;
        const char *inside = at + (each ? 1 : 2), *end;
        if (each || at[1] == '(') {
            end = each ? closing(inside, '{', '}') : closing(inside, '(', ')');
            each ? draw_each(grammar, (struct span){inside, end}) : draw_brackets(grammar, (struct span){inside, end});
            from = end + 1;
        } else {
            size_t len = name_length((struct span){at + 1, text.end});
            draw_name(grammar, at + 1, len);
            from = at + 1 + len;
        }
        at = from - 1;
    }
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

void grammar_keep(struct grammar *grammar, const char *name, const char *text) {
    *place_of(grammar, name, strlen(name), true) = sqlite3_mprintf("%s", text);
}

void grammar_more(struct grammar *grammar, const char *text) {
    draw(grammar, whole(text));
}

const char *grammar_kept(struct grammar *grammar, const char *name) {
    char **kept = place_of(grammar, name, strlen(name), false);
    return kept ? *kept : NULL;
}

void grammar_draw(struct grammar *grammar, const char *text) {
    draw(grammar, whole(text));
    for (int i = 0; i < GRAMMAR_KEPT; i++) sqlite3_free(grammar->kept[i].text);
    memset(grammar->kept, 0, sizeof grammar->kept);
}

char *grammar_text(struct grammar *grammar, const char *text) {
    grammar->out = sqlite3_str_new(NULL);
    grammar_draw(grammar, text);
    char *drawn = sqlite3_str_finish(grammar->out);
    return drawn ? drawn : sqlite3_mprintf("");
}

char *grammar_drawn(struct random *random, const char *const *rules, const char *text) {
    return kept(grammar_text(&(struct grammar){.random = random, .rules = rules}, text));
}
