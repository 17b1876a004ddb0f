/* Numbers into keys, values, words and hashes. */
#include "tests/support/crash_form.h"

#include <sqlite3.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "tests/support/random.h"

enum { PIECES_EVERY = 40, HUGE_EVERY = 400 };

/* The keys of bytes have a zero and a byte of no text in the middle, and end with a zero in each folder's first. */
const struct crash_form_of crash_forms[CRASH_FORMS] = {
    [CRASH_TEXT] = {"path", "", "path", "quote(path)", "'dir%u/file%02u'", "path = 'dir%u/file%02u'",
                    "path = 'dir%u/file%02u'", "path GLOB 'dir%u/*'", "path", false},
    [CRASH_SEVERAL] = {"dir, path", ", key=(dir, path)", "dir, path", "quote(dir) || ', ' || quote(path)",
                       "'dir%u', 'file%02u'", "dir = 'dir%u' AND path = 'file%02u'", "dir = 'dir%u', path = 'file%02u'",
                       "dir = 'dir%u'", "art_key", false},
    [CRASH_BYTES] = {"path BLOB", "", "path", "quote(path)", "X'6469723%u2F00FF%02X'", "path = X'6469723%u2F00FF%02X'",
                     "path = X'6469723%u2F00FF%02X'", "path >= X'6469723%u2F' AND path < X'6469723%u30'", "path",
                     false},
    [CRASH_DOWN] = {"dir INTEGER, path", ", key=(dir, path DESC)", "dir, path", "quote(dir) || ', ' || quote(path)",
                    "%u, 'file%02u'", "dir = %u AND path = 'file%02u'", "dir = %u, path = 'file%02u'", "dir = %u",
                    "art_key", true},
};

const struct crash_summary crash_summaries[CRASH_SUMMARIES] = {
    {"summary=()", "", false, false, false, false, NULL, NULL},
    {"summary=(sum(number))", "sum(\"number\")", true, false, false, false, NULL, NULL},
    {"summary=(max(number), lookup(value))", "max(\"number\"), lookup(\"value\")", false, true, false, false, "value",
     NULL},
    {"summary=(lookup(number), sum(number), hash(*))", "hash(*), sum(\"number\"), lookup(\"number\")", true, false,
     true, false, "number", NULL},
    {"summary=(search(words), sum(number), hash(values))", "hash(values), sum(\"number\"), search(\"words\")", true,
     false, false, true, NULL, "words"},
    {"summary=(search(path), lookup(words), hash(*))", "hash(*), lookup(\"words\"), search(\"path\")", false, false,
     true, false, "words", "path"},
};

/* ---- keys -------------------------------------------------------------------------------------------------------- */

const char *crash_key(enum crash_form form, unsigned key) {
    static char made[CRASH_FORMS][CRASH_KEYS][CRASH_KEY_MAX];
    char *text = made[form][key];
    if (!*text) {
        sqlite3_snprintf(CRASH_KEY_MAX, text, crash_forms[form].literal, key / CRASH_IN_FOLDER, key % CRASH_IN_FOLDER);
    }
    return text;
}

unsigned crash_key_of(enum crash_form form, const char *literal, unsigned near) {
    for (unsigned i = 0; literal && i < CRASH_KEYS; i++) {
        unsigned key = (near + (crash_forms[form].down ? CRASH_KEYS - i : i)) % CRASH_KEYS;
        if (!strcmp(crash_key(form, key), literal)) return key;
    }
    return CRASH_KEYS;
}

void crash_prefix(enum crash_form form, const char *table, unsigned folder, char out[CRASH_KEY_MAX]) {
    switch (form) {
    case CRASH_SEVERAL:
        sqlite3_snprintf(CRASH_KEY_MAX, out, "art_key('%s', 'dir%u', '')", table, folder);
        break;
    case CRASH_DOWN:
        sqlite3_snprintf(CRASH_KEY_MAX, out, "art_key('%s', %u)", table, folder);
        break;
    case CRASH_BYTES:
        sqlite3_snprintf(CRASH_KEY_MAX, out, "X'6469723%u2F'", folder);
        break;
    default:
        sqlite3_snprintf(CRASH_KEY_MAX, out, "'dir%u/'", folder);
    }
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static uint32_t value_length(uint32_t number) {
    struct random random = {number};
    if ((number >> 2) % HUGE_EVERY == 7) return 66000 + random_below(&random, 4000);
    if ((number >> 2) % PIECES_EVERY == 3) return 4000 + random_below(&random, 9000);
    return 8 + random_below(&random, 240);
}

const uint8_t *crash_value(uint32_t number, uint32_t *len) {
    static uint64_t words[CRASH_VALUE_MAX / 8 + 1];
    struct random random = {~(uint64_t)number};
    *len = value_length(number);
    for (uint32_t i = 0; i < *len; i += 8) words[i / 8] = random_next(&random);
    memcpy(words, &number, sizeof number);
    return (const uint8_t *)words;
}

void crash_words(uint32_t number, char out[CRASH_WORDS_MAX]) {
    static const char *const words[] = {"mario", "zelda", "kirby", "metroid", "pikmin", "starfox", "yoshi", "samus"};
    struct random random = {number ^ 0x30bd5u};
    const char *first = words[random_below(&random, 8)], *second = words[random_below(&random, 8)];
    sqlite3_snprintf(CRASH_WORDS_MAX, out, "%s %s %05u", first, second, number);
}

void crash_note(uint32_t number, unsigned column, char out[CRASH_WORDS_MAX]) {
    sqlite3_snprintf(CRASH_WORDS_MAX, out, "note %u of %u", column, number);
}

/* ---- hashes ------------------------------------------------------------------------------------------------------ */

/* SQLite's record: types, then bytes; no count before them. */
struct record {
    uint8_t types[32], bytes[CRASH_VALUE_MAX + 256], whole[CRASH_VALUE_MAX + 512];
    size_t type_count, len;
};

/* A varint of at most three bytes. */
static void add_type(struct record *record, uint32_t type) {
    if (type >= 1 << 14) record->types[record->type_count++] = (uint8_t)(type >> 14 | 0x80);
    if (type >= 1 << 7) record->types[record->type_count++] = (uint8_t)(type >> 7 | 0x80);
    record->types[record->type_count++] = type & 0x7f;
}

static void add_bytes(struct record *record, const void *bytes, uint32_t len, bool text) {
    add_type(record, 2 * len + 12 + text);
    memcpy(record->bytes + record->len, bytes, len);
    record->len += len;
}

/* Ours are at least 4: never SQLite's 0 and 1, which have types of their own. */
static void add_integer(struct record *record, uint32_t number) {
    unsigned bytes = number < 1u << 7 ? 1 : number < 1u << 15 ? 2 : number < 1u << 23 ? 3 : number < 1u << 31 ? 4 : 6;
    add_type(record, bytes == 6 ? 5 : bytes);
    for (unsigned i = bytes; i-- > 0;) {
        record->bytes[record->len++] = i < 4 ? (uint8_t)(number >> 8 * i) : 0;
    }
}

static uint64_t hash_of_values(enum crash_form form, uint32_t number) {
    static struct record record;
    char text[CRASH_WORDS_MAX];
    uint32_t len;
    record.type_count = record.len = 0;
    const uint8_t *value = crash_value(number, &len);
    if (form == CRASH_SEVERAL || form == CRASH_DOWN) add_type(&record, 0), add_type(&record, 0);
    add_bytes(&record, value, len, false);
    add_integer(&record, number);
    crash_words(number, text);
    add_bytes(&record, text, (uint32_t)strlen(text), true);
    for (unsigned i = 0; i < crash_notes_of(number); i++) {
        crash_note(number, i, text);
        add_bytes(&record, text, (uint32_t)strlen(text), true);
    }
    record.types[record.type_count] = 0;
    record.whole[0] = (uint8_t)(record.type_count + 1);
    memcpy(record.whole + 1, record.types, record.type_count);
    memcpy(record.whole + 1 + record.type_count, record.bytes, record.len);
    return XXH3_64bits(record.whole, 1 + record.type_count + record.len);
}

uint64_t crash_hash_values(enum crash_form form, uint32_t number) {
    enum { KEPT = 1 << 14 };
    static struct { uint64_t what, hash; } kept[KEPT];
    uint64_t what = (uint64_t)number << 1 | (form == CRASH_SEVERAL || form == CRASH_DOWN);
    unsigned at = (unsigned)(what % KEPT);
    if (kept[at].what != what) {
        kept[at].what = what;
        kept[at].hash = hash_of_values(form, number);
    }
    return kept[at].hash;
}

uint64_t crash_hash_row(enum crash_form form, uint32_t number, const void *key, size_t len) {
    return XXH3_64bits_withSeed(key, len, crash_hash_values(form, number));
}
