/* How a row of a crash test looks in SQL. A table's keys have one of several forms; all that stands in a row follows
 * from a number, whose two lowest bits say how many of the added columns the table had when the row was written. */
#ifndef TESTS_CRASH_FORM_H
#define TESTS_CRASH_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum crash_form { CRASH_TEXT, CRASH_SEVERAL, CRASH_BYTES, CRASH_DOWN, CRASH_FORMS };
enum {
    CRASH_KEYS = 240,
    CRASH_FOLDERS = 8,
    CRASH_IN_FOLDER = CRASH_KEYS / CRASH_FOLDERS,
    CRASH_KEY_MAX = 64, /* bytes of a key as SQL has it */
    CRASH_VALUE_MAX = 80000,
    CRASH_WORDS_MAX = 48,
    CRASH_NOTES = 2
};

/* The patterns take the number of the folder, and that in the folder. */
struct crash_form_of {
    const char *columns, *tail; /* as CREATE has them */
    const char *names, *quoted; /* of the key: its columns; an expression that gives it as `literal` has it */
    const char *literal, *is, *assign;
    const char *folder; /* a condition; the folder's number twice */
    const char *to;     /* the column that takes where 'move' goes */
    bool down;          /* within a folder the last comes first */
};
extern const struct crash_form_of crash_forms[CRASH_FORMS];

struct crash_summary {
    const char *sql, *shown;           /* as CREATE and the command have it; as art_info() shows it */
    bool sum, most, hash, hash_values; /* of numbers; of rows */
    const char *lookup, *search;       /* columns, or NULL */
};
/* The last one, which searches paths, is for keys of one text. */
enum { CRASH_SUMMARIES = 6 };
extern const struct crash_summary crash_summaries[CRASH_SUMMARIES];

/* Keys are in the order of their numbers, but where they go down. Borrowed, for ever. */
const char *crash_key(enum crash_form form, unsigned key);
unsigned crash_key_of(enum crash_form form, const char *literal, unsigned near); /* CRASH_KEYS: none of ours */
/* The bytes that a folder's keys begin with, for functions and commands. */
void crash_prefix(enum crash_form form, const char *table, unsigned folder, char out[CRASH_KEY_MAX]);

static inline unsigned crash_notes_of(uint32_t number) {
    return number & 3;
}
/* Borrowed until the next call. Most are short; some are cut into pieces, a few are too large for the log. */
const uint8_t *crash_value(uint32_t number, uint32_t *len);
/* Some words, of which each is in many rows, and the number. */
void crash_words(uint32_t number, char out[CRASH_WORDS_MAX]);
void crash_note(uint32_t number, unsigned column, char out[CRASH_WORDS_MAX]);
/* As sql/sums.md has it: the hash of a row's values, and of the row by its key's bytes (the key is of several columns:
 * they are NULLs among the values). */
uint64_t crash_hash_values(enum crash_form form, uint32_t number);
uint64_t crash_hash_row(enum crash_form form, uint32_t number, const void *key, size_t len);

#endif
