/* Keys, patterns and values of the model test.
 *
 * Keys meet often: few letters, shared directories, prefixes of each other. Values are of all types, and texts look
 * like numbers, so that affinities have something to do.
 */
#include <assert.h>
#include <string.h>

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

static uint32_t value_size(struct workload *w) {
    uint32_t kind = below(w, 100);
    if (kind < 60) return below(w, 50);
    if (kind < 85) return below(w, 2000);
    if (kind < 94) return 4090 + below(w, 12);
    if (kind < 99) return below(w, 70000);
    return below(w, 200000);
}

static const char *const integers[] = {"0",
                                       "1",
                                       "-1",
                                       "12",
                                       "127",
                                       "-128",
                                       "32768",
                                       "8388607",
                                       "-8388609",
                                       "2147483648",
                                       "140737488355328",
                                       "9007199254740993",
                                       "9223372036854775807",
                                       "-9223372036854775808"};
static const char *const reals[] = {"0.0",
                                    "-0.0",
                                    "1.5",
                                    "12.0",
                                    "-2.25e100",
                                    "9e999",
                                    "-9e999",
                                    "1e-300",
                                    "3.0",
                                    "1e15",
                                    "0.1",
                                    "123456789012345678.0",
                                    "9223372036854775808.0",
                                    "-9223372036854775808.0",
                                    "5e-324"};
static const char *const number_texts[] = {"12",
                                           "12.0",
                                           " 12",
                                           "12 ",
                                           "+12",
                                           "-0",
                                           "0x10",
                                           "1e3",
                                           "1e3 ",
                                           ".5",
                                           "5.",
                                           "1e",
                                           "12abc",
                                           "1e400",
                                           "-",
                                           "007",
                                           "1.50",
                                           "Inf",
                                           "nan",
                                           "1_0",
                                           "9223372036854775807",
                                           "9223372036854775808",
                                           "-9223372036854775809",
                                           "9007199254740993",
                                           "9007199254740993.0",
                                           "1e18",
                                           "123456789012345678901234"};

static const char *any_of(struct workload *w, const char *const *texts, size_t bytes) {
    return texts[below(w, (uint32_t)(bytes / sizeof *texts))];
}

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

static void put_literal_number(struct writer *x) {
    struct workload *w = x->w;
    PUT(x, "%s", once_in(w, 2) ? any_of(w, integers, sizeof integers) : any_of(w, reals, sizeof reals));
}

void put_number(struct writer *x) {
    if (may_bind(x)) {
        put_bound(x, number_parameter(x->w));
    } else {
        put_literal_number(x);
    }
}

static void put_odd_text(struct writer *x) {
    static const char *const texts[] = {"CAST(x'610062' AS TEXT)",
                                        "CAST(x'ff' AS TEXT)",
                                        "CAST(x'313200' AS TEXT)",
                                        "CAST(x'3132c3' AS TEXT)",
                                        "'é漢'",
                                        "''",
                                        "'ABC'",
                                        "'abc'",
                                        "'abc  '"};
    PUT(x, "%s", any_of(x->w, texts, sizeof texts));
}

static void put_blob(struct writer *x) {
    struct workload *w = x->w;
    if (may_bind(x)) {
        struct workload_parameter parameter = text_parameter("12\0a", (int)below(w, 5));
        parameter.type = PARAMETER_BLOB;
        put_bound(x, parameter);
    } else {
        PUT(x, "%s", PICK(w, "x''", "x'00'", "x'ff00ff'", "x'3132'", "x'61'", "zeroblob(5)", "CAST('a/' AS BLOB)"));
    }
}

void put_value(struct writer *x) {
    struct workload *w = x->w;
    switch (below(w, 12)) {
    case 0:
        PUT(x, "NULL");
        break;
    case 1:
    case 2:
        put_number(x);
        break;
    case 3:
        put_odd_text(x);
        break;
    case 4: {
        const char *text = any_of(w, number_texts, sizeof number_texts);
        put_text(x, text, (int)strlen(text));
        break;
    }
    case 5:
        put_blob(x);
        break;
    case 6:
    case 7:
        PUT(x, "%u", below(w, 1000));
        break;
    default:
        PUT(x, "pattern(%u, %u, %u)", below(w, 1000), value_size(w), below(w, 2));
        break;
    }
}

void put_value_for(struct writer *x, const struct workload_column *column) {
    struct workload *w = x->w;
    if (column->not_null && !once_in(w, 12)) {
        if (once_in(w, 2)) {
            put_number(x);
        } else {
            PUT(x, "'%s%u'", PICK(w, "a", "A", "", "Ä"), below(w, 20));
        }
    } else if (column->affinity == AFFINITY_NONE || once_in(w, 3)) {
        put_value(x);
    } else if (column->affinity == AFFINITY_TEXT) {
        put_key(x);
    } else {
        put_number(x);
    }
}

/* ---- what a path is compared with -------------------------------------------------------------------------------- */

static void put_computed(struct writer *x) {
    struct workload *w = x->w;
    /* A write by a number that is no literal is mostly refused (ext/query/plan.h). */
    bool texts_only = x->step->flags & STEP_WRITES;
    MEET(x, COMPUTED);
    switch (below(w, texts_only ? 7 : 8)) {
    case 0:
        PUT(x, "("), put_key(x), PUT(x, " || "), put_key(x), PUT(x, ")");
        break;
    case 1:
        PUT(x, "(SELECT %s(a) FROM %s.side)", PICK(w, "min", "max"), w->setting->schema);
        break;
    case 2:
        PUT(x, "lower("), put_key(x), PUT(x, ")");
        break;
    case 3:
        PUT(x, "substr("), put_key(x), PUT(x, ", 1, %u)", below(w, 6));
        break;
    case 4:
        PUT(x, "coalesce(NULL, "), put_key(x), PUT(x, ")");
        break;
    case 5:
        PUT(x, "CAST("), put_key(x);
        PUT(x, " AS %s)", texts_only ? "TEXT" : PICK(w, "TEXT", "BLOB", "NUMERIC", "INTEGER", "REAL"));
        break;
    case 6:
        PUT(x, "+"), put_key(x);
        break;
    default:
        PUT(x, "(SELECT %s FROM %s.nums WHERE id = %u)", PICK(w, "i", "r", "n", "x", "y", "z", "c"), w->setting->schema,
            below(w, 14));
        MEET(x, JOIN_AFFINITY);
        break;
    }
}

void put_operand(struct writer *x) {
    struct workload *w = x->w;
    uint32_t kind = below(w, 100);
    if (kind < 74) {
        put_key(x);
    } else if (kind < 86) {
        put_computed(x);
    } else if (kind < 92) {
        MEET(x, NUMBER);
        x->step->flags &STEP_WRITES ? put_literal_number(x) : put_number(x);
    } else if (kind < 95) {
        MEET(x, BLOB);
        put_blob(x);
    } else if (kind < 97) {
        MEET(x, NULL);
        if (may_bind(x)) {
            put_bound(x, (struct workload_parameter){.type = PARAMETER_NULL});
        } else {
            PUT(x, "NULL");
        }
    } else {
        const char *text = any_of(w, number_texts, sizeof number_texts);
        put_text(x, text, (int)strlen(text));
    }
    if (once_in(w, 20)) {
        PUT(x, " COLLATE %s", PICK(w, "NOCASE", "RTRIM", "BINARY"));
        MEET(x, COLLATE);
    }
}
