/* The model of ownership: whatever is done to files, no database changes or hides what another one reads.
 *
 * A script is a sequence of steps over five databases in three folders: files are copied, moved, linked, replaced,
 * removed as a user does it, and SQL runs in the databases in between. Each art table has an ordinary table beside it
 * in its database (t and t_m) that is written alike in the same transactions, so what an art table should hold travels
 * with the bytes of its database, wherever a user takes them.
 *
 * The judgement, at each SQL step on a database X:
 *   - a table gives exactly the rows of its mirror, or an error that says what to do; this in every database, always
 *   - a table of another database that was read before the step is read after it, and its mirror is as it was
 *   - the step works, and then the table that it wrote is read; or it is refused, and X is read as it was before
 *   - a database that has written a table, and whose files nobody but its user has touched since, reads and writes it,
 *     in whatever folder and under whatever name the two files are put together again (a claim)
 *   - no file disappears that a database with a claim needs
 *   - a reader that stays open reads what it read
 * 'adopt' lifts this for all others who use the same .art file. What the user overwrote or removed is the user's
 * affair: such a table may say anything but wrong rows.
 *
 * The model knows files by objects: a path leads to one, a hard link to the same one, and overwriting one in place
 * begins an epoch of it. It knows nothing of inodes, so it notices where an inode that came again misleads.
 */
#ifndef ART_TESTS_OWNERSHIP_H
#define ART_TESTS_OWNERSHIP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "tests/support/random.h"

enum { OWN_DATABASES = 5, OWN_STEPS_MAX = 24, OWN_LINE = 300, OWN_TRACE = 16384 };

enum own_verb {
    /* files: x to y */
    OWN_CP,    /* into the file that is there, or as a new one */
    OWN_RSYNC, /* a temporary file, renamed over what is there */
    OWN_MV,
    OWN_LN,
    OWN_RM,
    /* SQL in x (and y) */
    OWN_MAKE, /* a new database, with a table */
    OWN_CREATE,
    OWN_FEW, /* rows: they stay in the log */
    OWN_MANY,
    OWN_UPDATE,
    OWN_DELETE,
    OWN_CHURN, /* all rows, three times, with checkpoints */
    OWN_BOTH,  /* x and y in one transaction */
    OWN_ROLLBACK,
    OWN_FLUSH,
    OWN_OPTIMIZE,
    OWN_CUT, /* the command 'vacuum' */
    OWN_CLEAN,
    OWN_ADOPT,
    OWN_RENAME,
    OWN_DROP,
    OWN_CHECKPOINT,
    OWN_VACUUM,
    OWN_JOURNAL,
    OWN_VACUUM_INTO,
    OWN_BACKUP,
    OWN_CHECK,
    OWN_INFO,
    OWN_KEEP, /* a reader that stays open until files are touched */
    OWN_VERBS
};

enum own_what { OWN_THE_DATABASE, OWN_THE_FILE, OWN_THE_PAIR, OWN_AS_THE_FILE_OF /* where y looks for its own */ };

struct own_step {
    uint8_t verb, what, x, y;
    uint16_t n; /* which rows, which table, which of the step's kinds */
};

struct own_script {
    unsigned count;
    struct own_step steps[OWN_STEPS_MAX];
};

extern const char *const own_paths[OWN_DATABASES];

void own_draw(struct random *random, struct own_script *out);
void own_step_text(const struct own_step *step, char out[OWN_LINE]);
bool own_is_of_files(const struct own_step *step);

/* What an error means, by its words; in the order of sql/files.md. */
enum own_answer {
    OWN_WORKS,
    OWN_MISSING,
    OWN_ANOTHERS,
    OWN_ANOTHER_NAMES,
    OWN_REPLACED,
    OWN_COPIED_UP,
    OWN_ANOTHER_TABLES,
    OWN_TWO_NAMES,
    OWN_IN_THE_WAY,
    OWN_NEWER,
    OWN_BEHIND,
    OWN_DAMAGED,
    OWN_BUSY,
    OWN_UNKNOWN, /* no message that sql/files.md has */
    OWN_SKIPPED, /* there was nothing to do it with */
    OWN_ANSWERS
};
extern const char *const own_answers[OWN_ANSWERS];
enum own_answer own_answer_of(int code, const char *message);

struct own_result {
    bool failed;
    unsigned counts[OWN_VERBS][OWN_ANSWERS];
    unsigned looks, claims, probes; /* tables looked at; of them with a claim; put together at the end for that */
    unsigned refused;               /* looks at an unclaimed copy beside the database of its name */
    char why[OWN_LINE + 2 * ART_MESSAGE_SIZE];
    char trace[OWN_TRACE]; /* each step with what came of it, a line each */
};

/* In this process, which must have no database of the folder open. The folder is there, empty, and is emptied again. */
void own_run(const struct own_script *script, const char *folder, struct own_result *out);

/* In a process of its own, so that a crash is a result, too. */
void own_try(const struct own_script *script, const char *folder, struct own_result *out);

#endif
