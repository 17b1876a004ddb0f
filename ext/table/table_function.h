/* Read-only tables whose rows are made when they are asked for (table_function.c). */
#ifndef ART_EXT_TABLE_FUNCTION_H
#define ART_EXT_TABLE_FUNCTION_H

#include "ext/table/table.h"

struct art_table_function;
struct art_function_vtab {
    sqlite3_vtab base;
    struct art_connection *connection;
    const struct art_table_function *function;
};
/* A function's own cursor begins with it. */
struct art_function_cursor {
    sqlite3_vtab_cursor base;
    sqlite3_int64 row;  /* 1 for the first */
    sqlite3_int64 rows; /* how many there are: begin() says so where there is no next() */
    unsigned wanted;    /* columns that the statement may read, of the first 31, a bit for each */
    bool valid;         /* it stands on a row */
};
enum { ART_FUNCTION_ARGUMENTS = 7 };
/* Callbacks may be NULL. */
struct art_table_function {
    const char *name;        /* NULL: it has no argument */
    const char *declaration; /* the last columns are the arguments, HIDDEN */
    int argument;            /* the number of the first of them, which is a table's name */
    int needed, most;        /* so many arguments are needed and known; 0: the table's name is all */
    const char *example;     /* of several arguments, for the message that there are too few */
    bool only_for_people;    /* not in views and triggers */
    size_t cursor_bytes;
    void (*clear)(struct art_function_cursor *cursor);
    int (*begin)(struct art_function_cursor *cursor, const char *text, char **message);
    /* Instead, of several: those that are missing at the end are NULL pointers. */
    int (*begin_with)(struct art_function_cursor *cursor, const char *text,
                      sqlite3_value *const values[ART_FUNCTION_ARGUMENTS], char **message);
    int (*next)(struct art_function_cursor *cursor, char **message); /* sets `valid`, which is false before */
    void (*column)(struct art_function_cursor *cursor, sqlite3_context *context, int column);
};
/* Registered with a struct art_table_function as its context. */
extern const sqlite3_module art_function_module;
int art_function_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out);
int art_function_close(sqlite3_vtab_cursor *base);
int art_function_filter(sqlite3_vtab_cursor *base, int plan, const char *words, int argc, sqlite3_value **argv);
int art_function_next(sqlite3_vtab_cursor *base);
int art_function_eof(sqlite3_vtab_cursor *base);
int art_function_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column);
int art_function_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid);
/* For modules of their own, whose handles begin with struct art_function_vtab. */
#define ART_FUNCTION_CURSOR                                                                                            \
    .xOpen = art_function_open, .xClose = art_function_close, .xFilter = art_function_filter,                          \
    .xNext = art_function_next, .xEof = art_function_eof, .xColumn = art_function_column, .xRowid = art_function_rowid

#endif
