/* Keys, patterns and values of the model test.
 *
 * Keys meet often: few letters, shared directories, prefixes of each other. Values are of all types, and texts look
 * like numbers, so that affinities have something to do.
 */
#include <assert.h>
#include <string.h>

#include "tests/support/grammar.h"
#include "tests/support/workload_private.h"

/* ---- keys -------------------------------------------------------------------------------------------------------- */

static void append(char *key, int *len, const char *text) {
    int n = (int)strlen(text);
    if (*len + n >= KEY_ROOM) return;
    memcpy(key + *len, text, (size_t)n + 1);
    *len += n;
}

static void append_odd_characters(struct workload *w, char *key, int *len) {
    for (uint32_t n = 1 + below(w, 4); n; n--) {
        append(key, len,
               PICK(w, "%", "*", "[", "]", "?", "^", "-", "_", "A", "Z", "z", "a", "'", "\\", " ", "é", "É", "漢", "😀",
                    "\x7f", "\x01", "~", "\xc3", "\xff", ".", "\xed\xa0\x80", "\xa9"));
    }
}

int make_key(struct workload *w, char *key) {
    int len = 0;
    key[0] = 0;
    uint32_t kind = below(w, 100);
    if (kind < 36) {
        for (uint32_t n = below(w, 7); n; n--) append(key, &len, PICK(w, "a", "b", "/", "a/", "A"));
    } else if (kind < 75) {
        char text[40];
        uint32_t file = below(w, once_in(w, 2) ? 20 : 300);
        sqlite3_snprintf(sizeof text, text, "d%u/f%03u", once_in(w, 8) ? below(w, 9) : file % 7, file);
        append(key, &len, text);
        if (once_in(w, 6)) append(key, &len, "/x");
        if (once_in(w, 6)) len = (int)below(w, (uint32_t)len + 1);
        key[len] = 0;
    } else if (kind < 88) {
        append_odd_characters(w, key, &len);
    } else if (kind < 94) {
        append(key, &len,
               PICK(w, "12", "12.5", "-3", "0", "1e3", "007", "trg/a", "trg/b", "12.0", " 12", "+12", "1000.0", "0.0",
                    "Inf", "9223372036854775807", "9.22337203685478e+18", "x'61'"));
    } else {
        const char *directory = PICK(w, "long/", "directory/", "ab");
        for (uint32_t n = below(w, 200); n; n--) append(key, &len, directory);
        append(key, &len, PICK(w, "a", "b", "c", ""));
    }
    if (once_in(w, 80) && len + 1 < KEY_ROOM) {
        key[len++] = 0; /* a NUL inside */
        key[len] = 0;
        if (once_in(w, 2)) append(key, &len, "n");
    }
    return len;
}

/* ---- parameters and literals ------------------------------------------------------------------------------------- */

struct workload_parameter text_parameter(const char *text, int len) {
    struct workload_parameter parameter = {.type = PARAMETER_TEXT, .len = len, .data = sqlite3_malloc(len + 1)};
    memcpy(parameter.data, text, (size_t)len);
    parameter.data[len] = 0;
    return parameter;
}

void put_bound(struct writer *x, struct workload_parameter parameter) {
    assert(x->step->parameter_count < WORKLOAD_PARAMETERS);
    x->step->parameters[x->step->parameter_count++] = parameter;
    PUT(x, "?%d", x->step->parameter_count);
    MEET(x, BOUND);
}

static bool may_bind(struct writer *x) {
    return x->step->parameter_count < WORKLOAD_PARAMETERS && once_in(x->w, 3);
}

static void put_hex(struct writer *x, const char *data, int len) {
    PUT(x, "x'");
    for (int i = 0; i < len; i++) PUT(x, "%02x", (unsigned char)data[i]);
    PUT(x, "'");
}

void put_text(struct writer *x, const char *text, int len) {
    if (may_bind(x)) {
        put_bound(x, text_parameter(text, len));
    } else if ((int)strlen(text) < len) {
        PUT(x, "CAST("), put_hex(x, text, len), PUT(x, " AS TEXT)");
    } else {
        PUT(x, "%Q", text);
    }
}

void put_key(struct writer *x) {
    char key[KEY_ROOM + 1];
    int len = make_key(x->w, key);
    put_text(x, key, len);
}

/* ---- patterns ---------------------------------------------------------------------------------------------------- */

/* Bytes of the character at `text`, 0 where it is broken. */
static int character_length(const char *text, const char *end) {
    unsigned char lead = (unsigned char)*text;
    int len = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (len > end - text || (lead == 0xed && (unsigned char)text[1] >= 0xa0)) return 0;
    for (int i = 1; i < len; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80) return 0;
    }
    return len;
}

static int key_for_pattern(struct workload *w, char *key) {
    int len = make_key(w, key);
    if (once_in(w, 3) && len) len = (int)below(w, (uint32_t)len);
    if (len > 60 && once_in(w, 2)) len = 1 + (int)below(w, 60);
    return len;
}

/* Made of whole characters: what a broken one in a pattern matches depends, in SQLite, on whether an index is used. */
void put_glob(struct writer *x) {
    char key[KEY_ROOM + 1], pattern[8 * KEY_ROOM];
    struct workload *w = x->w;
    int len = key_for_pattern(w, key), n = 0;
    for (int i = 0, step; i < len; i += step ? step : 1) {
        step = character_length(key + i, key + len);
        uint32_t change = below(w, 24);
        if (!step || !key[i]) continue;
        const char *piece = key + i;
        int piece_len = step;
        if (change < 3) {
            piece = change == 0   ? "?"
                    : change == 1 ? "*"
                                  : PICK(w, "[a-c]", "[^a]", "[]a]", "[^]]", "[*]", "[[]", "[?]", "[a/]", "[0-9]",
                                         "[z-a]", "[é-漢]");
            piece_len = (int)strlen(piece);
        }
        memcpy(pattern + n, piece, (size_t)piece_len);
        n += piece_len;
    }
    if (!once_in(w, 4)) pattern[n++] = '*';
    if (once_in(w, 12)) pattern[n++] = '[';
    pattern[n] = 0;
    put_text(x, pattern, n);
}

/* With its ESCAPE, if it has one. */
void put_like(struct writer *x) {
    char key[KEY_ROOM + 1], pattern[3 * KEY_ROOM];
    struct workload *w = x->w;
    int len = key_for_pattern(w, key), n = 0;
    char escape = once_in(w, 3) ? *PICK(w, "\\", "a", "/", "%", "_", "!") : 0;
    for (int i = 0, step; i < len; i += step ? step : 1) {
        step = character_length(key + i, key + len);
        uint32_t change = below(w, 30);
        char c = key[i];
        if (!step || !c) continue;
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (escape && (c == '%' || c == '_' || c == escape || change == 0)) pattern[n++] = escape;
        if (change == 1 || change == 2) {
            pattern[n++] = change == 1 ? '%' : '_';
            continue;
        }
        memcpy(pattern + n, key + i, (size_t)step);
        if (letter && change > 22) pattern[n] ^= 0x20;
        n += step;
    }
    if (!once_in(w, 3)) pattern[n++] = '%';
    if (escape && once_in(w, 12)) pattern[n++] = escape;
    pattern[n] = 0;
    put_text(x, pattern, n);
    if (!escape) return;
    PUT(x, " ESCAPE '%c'", escape);
    MEET(x, LIKE_ESCAPE);
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static struct workload_parameter number_parameter(struct workload *w) {
    static const double odd[] = {0.5, 12.0, -0.0, 1e15, 1e300, -1.5, 9007199254740993.0, 9223372036854775808.0};
    if (once_in(w, 3)) {
        struct workload_parameter real = {.type = PARAMETER_REAL, .real = odd[below(w, 8)]};
        if (once_in(w, 8)) real.real = once_in(w, 2) ? __builtin_inf() : -__builtin_inf();
        return real;
    }
    sqlite3_int64 integer = once_in(w, 4) ? (sqlite3_int64)random_next(&w->random) : (sqlite3_int64)below(w, 40) - 8;
    return (struct workload_parameter){.type = PARAMETER_INTEGER, .integer = integer};
}

void put_number(struct writer *x) {
    if (may_bind(x)) {
        put_bound(x, number_parameter(x->w));
    } else {
        writer_draw(x, "$literal_number");
    }
}

/* Texts that look like numbers, or nearly. */
void put_number_text(struct writer *x) {
    static const char *const none[] = {NULL};
    char *text = grammar_text(&(struct grammar){.random = &x->w->random, .rules = none},
                              "$(12|12.0| 12|12 |+12|-0|0x10|1e3|1e3 |.5|5.|1e|12abc|1e400|-|007|1.50|Inf|nan|1_0|"
                              "9223372036854775807|9223372036854775808|-9223372036854775809|9007199254740993|"
                              "9007199254740993.0|1e18|123456789012345678901234)");
    put_text(x, text, (int)strlen(text));
    sqlite3_free(text);
}

void put_blob(struct writer *x) {
    if (may_bind(x)) {
        struct workload_parameter parameter = text_parameter("12\0a", (int)below(x->w, 5));
        parameter.type = PARAMETER_BLOB;
        put_bound(x, parameter);
    } else {
        writer_draw(x, "$literal_blob");
    }
}

void put_null(struct writer *x) {
    if (may_bind(x)) {
        put_bound(x, (struct workload_parameter){.type = PARAMETER_NULL});
    } else {
        PUT(x, "NULL");
    }
}

void put_part(struct writer *x, enum workload_part part) {
    static const char bytes[] = {'a', 0, '/', (char)0xff, 'a', 0x2f};
    static const double reals[] = {0.5, -0.5, 1.5, -0.25, 2.0, 1e300, -1e300, 9007199254740992.0, 0x1p63, -0.0, 1e-300};
    static const sqlite3_int64 odd[] = {255, 256, -256, INT64_C(9007199254740993), INT64_MAX, INT64_MIN, INT64_MIN + 1};
    struct workload *w = x->w;
    if (part == PART_TEXT) {
        const char *text = PICK(w, "", "a", "b", "a/", "a/b", "b/", "5", "aa", "a/ba", "\xc3\xa9", "a\x01", "B");
        if (!once_in(w, 12)) return put_text(x, text, (int)strlen(text));
        return put_text(x, "a\0b", (int)below(w, 4));
    }
    if (part == PART_BLOB) {
        struct workload_parameter blob = text_parameter(bytes + below(w, 4), (int)below(w, 3));
        blob.type = PARAMETER_BLOB;
        if (may_bind(x)) return put_bound(x, blob);
        put_hex(x, blob.data, blob.len);
        sqlite3_free(blob.data);
        return;
    }
    struct workload_parameter number = {.type = PARAMETER_INTEGER, .integer = (sqlite3_int64)below(w, 8) - 2};
    if (once_in(w, 10)) number.integer = odd[below(w, sizeof odd / sizeof *odd)];
    if (once_in(w, part == PART_REAL ? 2 : 4)) {
        number =
            (struct workload_parameter){.type = PARAMETER_REAL, .real = reals[below(w, sizeof reals / sizeof *reals)]};
    }
    if (may_bind(x)) return put_bound(x, number);
    if (number.type == PARAMETER_REAL) {
        PUT(x, "%!.17g", number.real);
    } else {
        PUT(x, "%lld", number.integer);
    }
}

void put_value_for(struct writer *x, const struct workload_column *column) {
    struct workload *w = x->w;
    if (column->not_null && !once_in(w, 12)) {
        if (once_in(w, 2)) {
            put_number(x);
        } else {
            writer_draw(x, "$suited_text");
        }
    } else if (column->affinity == AFFINITY_NONE || once_in(w, 3)) {
        writer_draw(x, "$value");
    } else if (column->affinity == AFFINITY_TEXT) {
        put_key(x);
    } else {
        put_number(x);
    }
}
