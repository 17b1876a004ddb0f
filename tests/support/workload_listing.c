/* Arguments of hidden columns and functions of art tables. What they are asked with stands in workload_rules.c, beside
 * the plain SQL that says the same about an ordinary table. */
#include <string.h>

#include "tests/support/workload_private.h"

void put_prefix(struct writer *x) {
    struct workload *w = x->w;
    char key[KEY_ROOM + 1];
    uint32_t kind = below(w, 100);
    if (kind < 25) {
        put_text(x, "", 0);
    } else if (kind < 50) {
        const char *text = PICK(w, "d", "d1/", "d1/f", "a", "a/", "A", "/", "long/", "d2/f0", "trg/");
        put_text(x, text, (int)strlen(text));
    } else if (kind < 84) {
        int len = make_key(w, key);
        put_text(x, key, (int)below(w, (uint32_t)(len < 20 ? len : 20) + 1));
    } else if (kind < 88) {
        put_key(x);
    } else if (kind < 93) {
        PUT(x, "%s", PICK(w, "1", "12.5", "-3", "1e3"));
        MEET(x, LISTING_BYTES);
    } else if (kind < 97) {
        PUT(x, "%s", PICK(w, "x''", "x'61'", "x'c3'", "x'64312f'", "x'ff'", "CAST('d' AS BLOB)"));
        MEET(x, LISTING_BYTES);
    } else {
        PUT(x, "NULL"); /* no subquery: see workload.h */
    }
}

void put_delimiter(struct writer *x) {
    struct workload *w = x->w;
    uint32_t kind = below(w, 100);
    if (kind < 60) {
        put_text(x, "/", 1);
        return;
    }
    MEET(x, LISTING_BYTES);
    if (kind < 88) {
        const char *text = PICK(w, "", "a", "/f", "f0", "//", "é", "1", "0", "aba", "long/", "/fx", "ab");
        put_text(x, text, (int)strlen(text));
    } else if (kind < 97) {
        PUT(x, "%s", PICK(w, "x'2f'", "x'c3'", "x'a9'", "x''", "x'00'", "x'ff'", "x'bc'", "1", "0.5"));
    } else {
        PUT(x, "NULL");
    }
}

void writer_use_listing(struct writer *x) {
    x->prefix = writer_capture(x, put_prefix);
    x->delimiter = once_in(x->w, 3) ? NULL : writer_capture(x, put_delimiter);
    x->as_conditions = once_in(x->w, 3);
    bool may_start = x->delimiter || x->as_conditions;
    if (may_start && once_in(x->w, 3)) x->start_after = writer_capture(x, put_prefix); /* much the same texts */
    x->alias = "l";
    writer_meet(x, x->delimiter ? "LISTING" : "PREFIX");
    if (x->start_after) MEET(x, START_AFTER);
}

void put_any_path(struct writer *x) {
    struct workload *w = x->w;
    if (once_in(w, 12)) {
        put_prefix(x);
        return;
    }
    char key[2 * KEY_ROOM];
    int len = make_key(w, key);
    if (once_in(w, 2)) {
        const char *more = PICK(w, "/x", "/", "a", "/x/y", "b/a");
        while (*more) key[len++] = *more++;
        key[len] = 0;
    }
    put_text(x, key, len);
}

/* The columns of rows that are there come from the table itself, with affinity and collation. */
void put_columns_shown(struct writer *x) {
    for (unsigned i = 1; i < x->table->columns; i++)
        PUT(x, ", o.\"%w\" AS \"%w\"", x->table->names[i], x->table->names[i]);
}
