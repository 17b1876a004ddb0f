/* What the files of the workload share: a writer, which makes the two texts of a step at once.
 *
 * PUT() writes into both. PUT_ART() and PUT_PLAIN() write into one of them, where the twins are asked in other words.
 */
#ifndef ART_TESTS_WORKLOAD_PRIVATE_H
#define ART_TESTS_WORKLOAD_PRIVATE_H

#include "tests/support/workload.h"

struct writer {
    struct workload *w;
    struct workload_step *step;
    sqlite3_str *art, *plain;
    enum workload_table_number number;
    const struct workload_table *table;     /* the one that is written about */
    const char *alias;                      /* before its columns; NULL: nothing */
    char *prefix, *delimiter, *start_after; /* arguments, where a listing is the source; NULL: none */
    bool as_conditions;                     /* given as WHERE prefix = ... instead of t(...) */
    bool minimum;                           /* of a query with min() or max() */
    unsigned column;                        /* that was picked */
    unsigned fixed;                         /* so many columns of w's key, from its first on, have been given a value */
};

void writer_begin(struct writer *x, struct workload *w, struct workload_step *step);
void writer_end(struct writer *x);
void writer_use(struct writer *x, enum workload_table_number number);
void writer_put(struct writer *x, const char *format, ...);
/* As the rules of workload_rules.c say. */
void writer_draw(struct writer *x, const char *text);
/* What `put` writes, as a text that can be written more than once. sqlite3_free() it. */
char *writer_capture(struct writer *x, void (*put)(struct writer *));

#define PUT(x, ...)       writer_put(x, __VA_ARGS__)
#define PUT_ART(x, ...)   sqlite3_str_appendf((x)->art, __VA_ARGS__)
#define PUT_PLAIN(x, ...) sqlite3_str_appendf((x)->plain, __VA_ARGS__)
#define MEET(x, name)     writer_meet(x, #name)

void writer_meet(struct writer *x, const char *name);

static inline uint32_t below(struct workload *w, uint32_t limit) {
    return random_below(&w->random, limit);
}

static inline bool once_in(struct workload *w, uint32_t times) {
    return random_once_in(&w->random, times);
}

#define PICK(w, ...)                                                                                                   \
    pick(w, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static inline const char *pick(struct workload *w, const char *const *from, size_t count) {
    return from[below(w, (uint32_t)count)];
}

/* ---- workload_shape.c -------------------------------------------------------------------------------------------- */

enum workload_affinity { AFFINITY_NONE, AFFINITY_TEXT, AFFINITY_NUMERIC, AFFINITY_INTEGER, AFFINITY_REAL };

struct workload_column {
    const char *name, *type;
    enum workload_affinity affinity;
    bool not_null;
};
const struct workload_column *shape_column(const char *name);
unsigned shape_choose(struct workload *w);
/* The texts of CREATE for table `name`, both. */
void put_create(struct writer *x, const char *schema, const char *name, unsigned shape);
/* The trigger on `side` that writes into t, for a shape. */
void put_trigger(struct writer *x, unsigned shape);
void put_view_trigger(struct writer *x);
/* A column that the table has not yet. */
const struct workload_column *shape_new_column(struct workload *w, const struct workload_table *table);
void put_path(struct writer *x);               /* the key's name */
void put_column(struct writer *x, unsigned i); /* of a column, 0 the key */
unsigned any_column(struct writer *x);         /* its number; 0 if there is but the key */
void put_all_columns(struct writer *x);        /* a list of them */
void put_name(struct writer *x);               /* schema.table */

/* ---- workload_value.c -------------------------------------------------------------------------------------------- */

enum { KEY_ROOM = 1400 };
int make_key(struct workload *w, char *key);
void put_text(struct writer *x, const char *text, int len); /* as a literal, or bound */
void put_key(struct writer *x);
void put_glob(struct writer *x);
void put_like(struct writer *x);
void put_value_for(struct writer *x, const struct workload_column *column); /* mostly what suits the column */
void put_blob(struct writer *x);
void put_null(struct writer *x);
void put_number(struct writer *x);
void put_number_text(struct writer *x);
void put_bound(struct writer *x, struct workload_parameter parameter);
enum workload_part { PART_TEXT, PART_BLOB, PART_NUMBER, PART_REAL };
void put_part(struct writer *x, enum workload_part part); /* a value for a column of w's key */

/* ---- workload_keys.c --------------------------------------------------------------------------------------------- */

unsigned form_choose(struct workload *w);
void put_create_of_keys(struct writer *x);
void put_index_of_keys(struct writer *x); /* behind it */
void put_change_of_keys(struct writer *x);
void put_part_picked(struct writer *x);  /* a column, mostly of the key */
void put_part_again(struct writer *x);   /* the same */
void put_of_part(struct writer *x);      /* a value for it */
void put_beginning(struct writer *x);    /* a text or a BLOB for it */
void put_row_of_keys(struct writer *x);  /* values of a, b and c */
void put_many_of_keys(struct writer *x); /* the same, out of a number i */
void put_fixed(struct writer *x);        /* "a = 1 AND ", of none up to all columns of the key */
void put_fixed_again(struct writer *x);  /* of as many, with other values */
void put_fixed_all(struct writer *x);
void put_rest(struct writer *x);        /* ORDER BY what is left of the key */
void put_key_columns(struct writer *x); /* a list of them */
void put_leading(struct writer *x);     /* of the first ones */
void put_listing_of_keys(struct writer *x);
void put_name_compared(struct writer *x);
void put_count_of_keys(struct writer *x);
void put_delete_of_keys(struct writer *x);
void put_key_order(struct writer *x);
void put_key_bytes(struct writer *x);
void put_kept(struct writer *x);

/* ---- workload_listing.c ------------------------------------------------------------------------------------------ */

/* From here on the writer's source is t(prefix), t(prefix, delimiter) or t(prefix, delimiter, start_after), under the
 * alias l. */
void writer_use_listing(struct writer *x);
void put_prefix(struct writer *x);
void put_delimiter(struct writer *x);
void put_any_path(struct writer *x);
void put_columns_shown(struct writer *x);

/* ---- workload_write.c -------------------------------------------------------------------------------------------- */

void put_insert_columns(struct writer *x);
void put_insert_many(struct writer *x);
void put_update(struct writer *x);
void put_other_columns(struct writer *x); /* all but the key, each behind a comma; so what follows */
void put_other_values(struct writer *x);
void put_side_values(struct writer *x);
void put_returned(struct writer *x);
void put_another_too(struct writer *x);  /* ", column = value" of any column but the key */
void put_second_value(struct writer *x); /* the same of another column than the one that was picked */
void put_from_side(struct writer *x);
void put_same_or_new(struct writer *x);
void note_changes_unless_replaced(struct writer *x);

/* ---- workload_schema.c ------------------------------------------------------------------------------------------- */

void put_transaction(struct writer *x);
void put_schema_change(struct writer *x);
void put_command(struct writer *x);
void put_pragma(struct writer *x);
void put_function_change(struct writer *x);
void put_look(struct writer *x);
void put_added_column(struct writer *x);

/* ---- workload_life.c --------------------------------------------------------------------------------------------- */

void put_life(struct writer *x);
void put_life_alone(struct writer *x); /* what can only be outside a transaction */

#endif
