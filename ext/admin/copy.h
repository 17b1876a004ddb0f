/* The copy that art_backup() makes: its file, those beside it, and what its tables are told of them.
 *
 *     make -> (SQLite copies the pages into db) -> begin -> table, step, step, table, step, ... -> commit -> finish
 *
 * Whatever was made is removed again by finish(), unless all went well; nothing else ever is.
 */
#ifndef ART_EXT_COPY_H
#define ART_EXT_COPY_H

#include "ext/admin/admin.h"
#include "ext/host/host.h"

struct art_made {
    unsigned tables, files; /* art tables, wherever their blobs are */
    uint64_t bytes;         /* of the files */
};

enum { ART_COPY_TOKEN_BYTES = ART_STAMP_BYTES - 8 };
struct art_earlier { /* an art table of a copy that is there */
    uint8_t uuid[ART_UUID_BYTES];
    const struct art_medium *medium;
    char *file;  /* art_free() it; NULL: none */
    bool begun;  /* a run that was killed has only begun this file */
    bool needed; /* by the new state */
};

struct art_copy {
    sqlite3 *db;      /* where there was a copy: the stage, until it is brought there */
    const char *vfs;  /* NULL: the default one */
    const char *path; /* of its file, as SQLite has it */
    char *file;       /* the same, with room for the names of journals; NULL: not made */
    char **art_files; /* that were made beside it */
    unsigned count;
    const struct art_medium *medium; /* of its art tables; NULL: as they have it */
    struct art_copier *copier;       /* of the table that is being copied; NULL: none */
    sqlite3_stmt *put;               /* into its rows, and these */
    struct art_rows rows;
    uint64_t blobs, written; /* in .art files */

    bool updates; /* by 'update' */
    bool stamps;  /* 'update' may come later; the rest is onto.c's */
    bool is_there;
    sqlite3 *onto; /* the copy that is there, until the stage was brought */
    struct art_earlier *earlier;
    unsigned earlier_count;
    uint8_t token[ART_COPY_TOKEN_BYTES];
    uint64_t pages_hash; /* 0: unfinished */
};

/* A new, empty database, used by nobody else until finish(). It takes its rights, its owner and its VFS from the one
 * that is to be copied. */
int art_copy_make(struct art_copy *copy, const char *path, sqlite3 *from, const char *schema, char **message);
/* Runs SQL on the copy's own connection; rows are passed over. */
int art_copy_run(struct art_copy *copy, const char *sql, char **message);
/* One that is there, as it is. */
int art_copy_open(struct art_copy *copy, const char *path, sqlite3 *from, const char *schema, char **message);
/* Anew, where it is committed. */
int art_copy_reopen(struct art_copy *copy, char **message);
int art_copy_begin(struct art_copy *copy, char **message);
/* Begins to copy a table, which is called `name` in the copy, from the root that its tree stands on, to the copy's
 * storage. Steps copy its blobs, as long as there is a copier. */
int art_copy_table(struct art_copy *copy, struct art_table *table, const char *name, char **message);
int art_copy_step(struct art_copy *copy, struct art_copy_progress *out, char **message);
int art_copy_commit(struct art_copy *copy, char **message);
/* Closes and frees. With `rc`, or an error of its own: removes what was made. Without: the copy is durable, name and
 * all, and `made` gets its files and bytes. */
int art_copy_finish(struct art_copy *copy, int rc, struct art_made *made, char **message);

/* onto.c: a new copy with art tables is begun. It is durable only in the end. */
int art_onto_begin(struct art_copy *copy, int page_size);
/* And in this order: in place of make; before the tables; with commit; behind it. */
int art_onto_open(struct art_copy *copy, char **message);
int art_onto_check(struct art_connection *connection, struct art_copy *copy, char **message);
int art_onto_mark(struct art_copy *copy, char **message);
int art_onto_bring(struct art_copy *copy, char **message);
int art_onto_stamp(struct art_connection *connection, struct art_copy *copy, char **message);
struct art_earlier *art_onto_find(const struct art_copy *copy, const uint8_t *uuid);
void art_onto_clear(struct art_copy *copy);

/* publish.c: the copy, whose tables are all inline, becomes one for a web server. */
int art_publish_copy(struct art_connection *caller, struct art_copy *copy, char **message);

#endif
