/* A folder of databases in which files can be moved, copied, damaged and replaced; and what a process then meets.
 *
 *     <root>/outside.txt
 *     <root>/here/t.db           t, u: art tables with a file each; plain: an ordinary one
 *     <root>/here/other.db       t: an art table with its file
 *     <root>/here/note.txt
 *     <root>/elsewhere/note.txt
 *
 * Each try is a process of its own, so that a crash or a hang is seen, and rights can be given up. Before and after it
 * all files are looked at: a try may change its own database, the journals beside that, and the .art file that it is
 * allowed, and make files called <its database>-...; of all others inode, size, time and content stay as they were.
 */
#ifndef ART_TESTS_FOREIGN_WORLD_H
#define ART_TESTS_FOREIGN_WORLD_H

#include <stdbool.h>
#include <sys/types.h>

#include "tests/support/sql.h"

enum { WORLD_ROWS = 1500, WORLD_TEXT = 700 };

struct world {
    const char *journal;
    char *root, *here, *elsewhere;
    char *path;          /* of the database that is tried; at first here/t.db */
    char *uri;           /* how it is opened; NULL: by its path */
    char *file;          /* the .art file that may be written; NULL: none */
    char *also;          /* another file that may be written; NULL: none */
    char *name;          /* of the .art file in T_state */
    char *expected;      /* what its table t holds, as world_digest() tells it */
    char *saved;         /* what it held when world_save() was called */
    bool nobody;         /* tried by a user without rights */
    const char *skipped; /* what cannot be had here */
};

/* Must be called once before anything else, with the journal modes that will be asked for (NULL at the end): a world of
 * each is made once, and copied from then on. False when there is no extension (ART_TEST_STANDIN). */
bool world_begin(const char *const *journals);
void world_end(void);
void world_make(struct world *world, const char *journal);
void world_free(struct world *world);

/* A connection with the extension in it, also for a process that may not reach the extension's file any more. */
sqlite3 *world_connect(const char *path, int flags, int *rc);

/* here/t.db's own words. sqlite3_free() what is returned. */
char *world_digest(sqlite3 *db);
/* The path of the file of `table` in the database, as T_state names it. */
char *world_art_file(const char *database, const char *table);

/* Where the tried database looks for the .art file of t. */
char *world_named_file(const struct world *world);

/* Database and .art file as they are now go to elsewhere/saved.db and elsewhere/saved.art; then the table changes: a
 * little (nothing that the saved state needs is written over), or so much that little of it is left. */
void world_save(struct world *world, bool much);

/* --- what befalls files ------------------------------------------------------------------------------------------- */

/* sqlite3_free() it. */
char *world_join(const char *folder, const char *name);
const char *world_base(const char *path);
/* Into the file that is there, or as a new file under its name. */
void world_copy_into(const char *from, const char *to);
void world_copy_replacing(const char *from, const char *to);
void world_move(const char *from, const char *to);
/* What is tried is another database from now on (takes the name), or may write another file. */
void world_set(char **text, char *now);

/* --- tries -------------------------------------------------------------------------------------------------------- */

enum world_try { TRY_READ, TRY_WRITE, TRY_FLUSH, TRY_CLEAN, TRY_ADOPT, TRY_DROP, WORLD_TRIES };

struct world_outcome {
    int code;              /* SQLite's; 0: all went well */
    char text[WORLD_TEXT]; /* its message; or what is wrong although all seemed well */
    bool wrong;
};

/* Runs one try in a process of its own. */
void world_try(const struct world *world, enum world_try what, struct world_outcome *out);
/* Runs a function in a process of its own, with a limit of memory above what it has if that is not 0 (and can be had:
 * not under AddressSanitizer). It returns 0 or ends the process; its status is returned. */
int world_apart(int (*run)(void *context), void *context, uint64_t memory);

/* --- looking at all files ----------------------------------------------------------------------------------------- */

struct world_view;
struct world_view *world_look(const struct world *world);
void world_view_free(struct world_view *view);
/* What has changed that must not, or NULL; sqlite3_free() it. `own` false: whatever has changed. */
char *world_difference(const struct world *world, const struct world_view *before, const struct world_view *after,
                       bool own);

#endif
