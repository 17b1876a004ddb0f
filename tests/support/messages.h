/* The messages that stand in the sources, found by reading these.
 *
 * A message is the literal text in a call of one of the functions that make messages (art_complain(), art_fail(), ...),
 * or of one of the few that hand one on to them (the table in messages.c), and every other that begins with "art: ".
 * The sources are looked for in the working directory: ext and the folders of core.
 */
#ifndef ART_TESTS_MESSAGES_H
#define ART_TESTS_MESSAGES_H

#include <stdbool.h>

enum message_kind {
    MESSAGE_PLAIN,   /* as it stands */
    MESSAGE_ERRNO,   /* the system's reason behind it */
    MESSAGE_CORRUPT, /* what is wrong: file, slot, page and what to do are added */
    MESSAGE_SQL,     /* what was being done: SQLite's reason is added */
    MESSAGE_REFUSAL  /* what is wrong with a column's definition: where, and what to do, are added */
};

struct message {
    enum message_kind kind;
    char *text;  /* format, unescaped */
    char *place; /* file:line */
};

struct messages {
    struct message *items;
    unsigned count;
};

/* False when there are no sources here. */
bool messages_find(struct messages *out);
void messages_clear(struct messages *messages);

/* What sqlite3_strglob() takes for a message of this kind and format. sqlite3_free() it. */
char *message_pattern(enum message_kind kind, const char *format);

/* For people: "there is no command '...' (...): known are ...". sqlite3_free() it. */
char *message_shown(enum message_kind kind, const char *format);

#endif
