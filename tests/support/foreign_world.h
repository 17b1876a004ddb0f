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

#include "core/base/error.h"
#include "tests/support/sql.h"

enum { FOREIGN_ROWS = 1500, FOREIGN_TEXT = ART_MESSAGE_SIZE };

struct foreign_world {
    const char *journal;
    char *root, *here, *elsewhere;
    char *path;          /* of the database that is tried; at first here/t.db */
    char *uri;           /* how it is opened; NULL: by its path */
    char *file;          /* the .art file that may be written; NULL: none */
    char *also;          /* another file that may be written; NULL: none */
    char *name;          /* of the .art file in T_artstate */
    char *expected;      /* what its table t holds, as foreign_digest() tells it */
    char *saved;         /* what it held when foreign_save() was called */
    uint64_t memory;     /* a try may take so much more than the process has; 0: what it likes */
    bool nobody;         /* tried by a user without rights */
    const char *skipped; /* what cannot be had here */
};

/* Must be called once before anything else, with the journal modes that will be asked for (NULL at the end): a world of
 * each is made once, and copied from then on. */
void foreign_begin(const char *const *journals);
void foreign_end(void);
void foreign_make(struct foreign_world *world, const char *journal);
void foreign_free(struct foreign_world *world);

/* A connection with the extension in it, also for a process that may not reach the extension's file any more. */
sqlite3 *foreign_connect(const char *path, int flags, int *rc);

/* here/t.db's own words. sqlite3_free() what is returned. */
char *foreign_digest(sqlite3 *db);
/* The path of the file of `table` in the database, as T_artstate names it. */
char *foreign_art_file(const char *database, const char *table);

/* Where the tried database looks for the .art file of t. */
char *foreign_named_file(const struct foreign_world *world);

/* Database and .art file as they are now go to elsewhere/saved.db and elsewhere/saved.art; then the table changes: a
 * little (nothing that the saved state needs is written over), or so much that little of it is left. */
void foreign_save(struct foreign_world *world, bool much);

/* --- what befalls files ------------------------------------------------------------------------------------------- */

/* sqlite3_free() it. */
char *foreign_join(const char *folder, const char *name);
const char *foreign_base(const char *path);
/* A new file under that name. */
void foreign_copy_replacing(const char *from, const char *to);
void foreign_move(const char *from, const char *to);
/* What is tried is another database from now on (takes the name), or may write another file. */
void foreign_set(char **text, char *now);

/* --- tries -------------------------------------------------------------------------------------------------------- */

enum foreign_try { TRY_READ, TRY_WRITE, TRY_FLUSH, TRY_CLEAN, TRY_ADOPT, TRY_DROP, FOREIGN_TRIES };

struct foreign_outcome {
    int code;                /* SQLite's; 0: all went well */
    char text[FOREIGN_TEXT]; /* its message; or what is wrong although all seemed well */
    bool wrong;
    bool died;
};

/* Runs one try in a process of its own. The limit of memory is not for sanitizers, which take what they like. */
void foreign_try(const struct foreign_world *world, enum foreign_try what, struct foreign_outcome *out);
/* The same, and a change of what is not the database's own fails the test. Did any file change? Then the world serves
 * no other try. */
bool foreign_try_harmlessly(const struct foreign_world *world, enum foreign_try what, const char *why,
                            struct foreign_outcome *out);

#endif
