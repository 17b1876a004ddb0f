/* A world for tests of core/tree: a toy host, a naive model, and a random walk that keeps both in step.
 *
 * The host is a list of log rows and a retired list in memory, with one write transaction at a time. What the tree asks
 * it to write is kept aside until the toy's commit. The model is a sorted array. A walk does random statements,
 * transactions, marks, refused commits, rollbacks, a second connection that reads (also behind the times, as a WAL's
 * reader may) or takes over, reopening, flushes, merges and spills; with `faulty` set, errors are met instead of
 * fatal: the transaction is rolled back, and everything must be as it was.
 *
 * The host may also have the blobs in rows of its own (toy_rows.h): a ROLLBACK TO restores them as they stood, a
 * snapshot keeps seeing its own, and a call may fail and take the whole transaction with it.
 *
 * Values stand in blocks in half of the walks, and in a quarter of them once the table has rows that do not.
 *
 * With `snapshots` set, a walk makes and drops snapshots, too (toy_snapshots.h), and all that are committed are looked
 * at again and again.
 */
#ifndef ART_TESTS_TREE_WORLD_H
#define ART_TESTS_TREE_WORLD_H

#include "core/base/error.h"
#include "core/io/io.h"
#include "core/tree/commit.h"
#include "core/tree/history.h"
#include "core/tree/inspect.h"
#include "core/tree/write_rows.h"
#include "tests/support/toy_rows.h"
#include "tests/support/toy_snapshots.h"
#include "tests/support/tree_model.h"

enum { MARKS_MAX = 6 };

struct toy_row {
    uint64_t csn;
    uint8_t *data;
    uint32_t len;
};

struct toy_log {
    struct toy_row *row;
    unsigned rows, room;
};

struct toy {
    struct toy_log log;        /* committed */
    struct art_buffer retired; /* committed */
    struct toy_snapshots snapshots;
    const struct art_buffer *forged_held; /* what the host says instead, of what is held */
    uint8_t uuid[16];
    bool wal; /* pretend to be a WAL: retired slots are kept until the salts change */
    uint8_t salts[8];
    bool framed;  /* the transaction was told the salts: its frame is in the WAL, and they stay while it is there */
    bool extends; /* slots before the file's end may not be written, as while a savepoint of SQLite's is open */
    struct art_disk *disk; /* of the tree that was opened last */
    unsigned patience;     /* >0: that many questions from now the host interrupts */

    bool inlined; /* blobs are rows: */
    struct toy_blobs blobs;
    const struct art_tree *writer; /* sees them as they are, others as they were at their last refresh */
    bool ending;                   /* the host ends a transaction, and answers nothing */
    struct {                       /* a call that fails */
        unsigned left;             /* >0: that many calls from now */
        int code;
        bool for_good;                /* and all after it */
        void (*ended)(void *context); /* it takes the transaction with it; NULL: it does not */
        void *context;
        unsigned failures;
    } fault;
};

struct toy *toy_new(bool wal);
struct toy *toy_new_inline(bool wal);
struct toy *toy_copy(const struct toy *toy);
void toy_restore(struct toy *toy, const struct toy *from);
void toy_free(struct toy *toy);
/* ART_OK, or the tree's error. */
int toy_open(struct toy *toy, struct art_tree_options *options, struct art_tree **out);
int toy_refresh(struct toy *toy, struct art_tree *tree);
/* The tables as they stand, with this root in the place of the log. */
struct toy *toy_view(const struct toy *from, struct art_bytes root);
/* Of struct art_host, and of struct art_salvage_options; `context` is the toy. */
enum art_rc toy_each_row(void *context, enum art_rc (*row)(void *to, int64_t csn, struct art_bytes ops), void *to);
enum art_rc toy_each_snapshot(void *context, enum art_rc (*root)(void *to, const char *name, struct art_bytes root),
                              void *to);
/* What a commit asks for, into the toy's tables. */
void toy_write(struct toy *toy, const struct art_commit *commit);

/* Is a codec lent: never, from the first time that the tree is opened again, or always? */
enum walk_blocks { WALK_WITHOUT_BLOCKS, WALK_WITH_BLOCKS_LATER, WALK_WITH_BLOCKS, WALK_WITH_BLOCKS_TOO, WALK_BLOCKS };

struct walk {
    struct random random;
    enum walk_blocks blocks;
    struct toy *toy;
    struct art_tree_options options;
    struct art_tree *tree, *other;
    struct model now, committed, mark[MARKS_MAX], others;
    bool others_known;         /* `others` is what `other` sees without a refresh */
    bool snapshots;            /* are made, too */
    struct toy *others_tables; /* with snapshots: what the other's reader sees of them */
    uint32_t marks;
    struct toy *before;        /* the committed tables, while a refused COMMIT has left something in them */
    struct toy *at[MARKS_MAX]; /* the tables as they stood at each mark */
    bool writing;              /* a transaction is open (the toy's write lock is ours) */
    int family;                /* of keys */
    bool long_values;          /* flushes leave rows in the log */
    bool faulty;
    int failed; /* the error of the last step, 0: none */
    bool ended; /* the host rolled the transaction back in the middle of the step */
    unsigned commits;
};

/* Random limits around `options` (disk, path, host_path, engine and direct are the caller's). */
struct walk *walk_new(uint64_t seed, const struct art_tree_options *options, bool second_connection);
/* Blobs are rows of the toy's. */
struct walk *walk_new_inline(uint64_t seed, const struct art_tree_options *options, bool second_connection);
/* The next `calls`th call for a row fails; and ends the transaction, if one is under way. */
void walk_fail_row(struct walk *walk, unsigned calls, int code, bool for_good, bool ends);
void walk_free(struct walk *walk);
void walk_step(struct walk *walk);
/* The tables as others see them. */
struct toy *walk_committed(struct walk *walk);
/* After a failed step: rolls back (opening the tree anew if it says that it must be) and checks that nothing was lost
 * or left behind. */
void walk_recover(struct walk *walk);
/* The committed tables' snapshots, on what is there now: toy_snapshots_check(). */
int walk_check_snapshots(struct walk *walk, bool whole);
/* Rolls back what is open, and compares and checks everything. */
void walk_finish(struct walk *walk);
/* Once all is merged and the host has committed twice, its rows are those of the blobs and no others. */
void walk_leaves_no_row(struct walk *walk);
/* Is the tree what the model says? Aborts the test if not; returns an error of reading. */
int walk_compare(struct walk *walk, struct art_tree *tree, const struct model *model);

/* The temporary files of a host without SQLite, on `disk` (NULL: the system's), in `folder`: they fail as that does. */
enum art_rc scratch_open(struct art_disk *disk, const char *folder, void **file);
enum art_rc scratch_write(void *file, const void *data, uint32_t len, uint64_t offset);
enum art_rc scratch_read(void *file, void *data, uint32_t len, uint64_t offset);
void scratch_close(void *file);

#endif
