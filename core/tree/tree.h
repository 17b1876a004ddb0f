/* The tree of one table on behalf of one connection: the memtable over the runs, and a transaction's way through them.
 *
 * The headers in this folder are all that a host (ext/, or a test) needs of core. The host owns the truth: a state of
 * the tree is the root and the log rows that the host has committed. The host
 *
 *   - opens the tree, and brings it up to date before a statement    tree.h        art_tree_refresh_*()
 *   - reads                                                          read_rows.h   art_tree_get(), art_cursor_*()
 *   - writes rows, and many as one thing                             write_rows.h  art_tree_insert(), ...
 *   - keeps savepoints, asks what to write at commit, and says
 *     how that ended                                                 commit.h      art_tree_prepare()
 *   - makes snapshots, and asks what differs between two states      history.h     art_tree_snapshot(), art_diff_*()
 *   - says where the blobs are, and copies and removes them          place.h       art_copier_*(), art_file_*()
 *   - shows and checks what is there                                 inspect.h     art_tree_info()
 *   - reads what is left of a damaged table                          salvage.h
 *
 * and lends the tree what only a host can do (struct art_host). Keys here are the user's (0..ART_PATH_MAX bytes, any
 * bytes), values any byte strings; both are copied. A tree is used by one thread at a time. All functions return enum
 * art_rc. Where nothing else is said, one that reads fails as art_tree_ready() does, or with what reading blobs failed
 * with: ART_CORRUPT, ART_MISSING, ART_FOREIGN, ART_CANTOPEN, ART_IO, ART_NOMEM, or what the host said.
 */
#ifndef ART_TREE_TREE_H
#define ART_TREE_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buffer.h"
#include "core/base/bytes.h"
#include "core/base/medium.h"
#include "core/base/options.h"
#include "core/base/rows.h"
#include "core/base/summary.h"

/* --- the host ----------------------------------------------------------------------------------------------------- */

enum { ART_PATH_MAX = ART_KEY_MAX - 1, ART_UUID_BYTES = 16, ART_RUNS_MAX = 8 };
#define ART_VALUE_MAX ((uint64_t)1 << 31)

struct art_tree;
struct art_disk;

/* What a host's journal looks like at this moment: slots that were freed under another one have no reader left. */
enum art_epoch_kind {
    ART_EPOCH_UNKNOWN,  /* a WAL without an own frame of this transaction: nothing can be said */
    ART_EPOCH_WAL,      /* salts of the WAL header while an own frame of this transaction is in the file */
    ART_EPOCH_ROLLBACK, /* rollback journal, or no journal and no other process: no reader outlives a commit */
};
struct art_epoch {
    enum art_epoch_kind kind;
    uint8_t salts[8];
};

/* What the host's file system has for blobs in rows. */
struct art_budget {
    uint64_t left;    /* bytes, for the database and its journal; UINT64_MAX: that cannot be told */
    uint64_t unused;  /* bytes that are free within the database, and will be used first */
    uint64_t journal; /* bytes that its journal has already, and writes over: it stays from one commit to the next */
    bool twice;       /* what is written takes room in the journal, too (a WAL), as what is removed does in any case */
};

/* Files of the host's that have no name and are gone when they are closed. Errors as those of art_rows. */
struct art_scratch_files {
    enum art_rc (*open)(void *context, void **file);
    enum art_rc (*write)(void *file, const void *data, uint32_t len, uint64_t offset);
    enum art_rc (*read)(void *file, void *data, uint32_t len, uint64_t offset);
    void (*close)(void *file);
};

struct art_host {
    void *context;
    /* Is the database file still the one that its name leads to? Asked before the .art file is locked; ART_READONLY if
     * not: who renames or replaces a database that is open would have the .art file follow the name. May be NULL. */
    enum art_rc (*unmoved)(void *context);
    /* No root names anything in the .art file, and the file of its name belongs to another database (this one is a
     * copy that was made before). The host thinks of another name, attempt 0, 1, ..., hands it to
     * art_tree_use_location(), and writes it into its tables with the next root. May be NULL: then it is an error. */
    enum art_rc (*another_file)(void *context, unsigned attempt);
    /* Makes sure that no other root than the base can come back, whatever dies next. *reuse = false when that
     * cannot be had now (then the tree only extends the file). Called within a write transaction; does its work once
     * per transaction. */
    enum art_rc (*secure)(void *context, bool *reuse);
    /* The epoch; flushes an own frame again if a ROLLBACK TO came since. */
    enum art_rc (*epoch)(void *context, struct art_epoch *out);
    /* The retired list as this transaction sees it committed (art_commit.retired of an earlier commit); empty when
     * there is none. */
    enum art_rc (*load_retired)(void *context, struct art_buffer *out);
    /* Two sets of slots as bytes, as this transaction sees them: the union of what snapshots name, and what snapshots
     * named that were dropped since the last new root (art_commit.lets_go). Empty: none. Snapshots that the
     * transaction makes do not count before it is committed, even if a refused COMMIT has left them in the host's
     * tables: the next one names another root. May be NULL: there are none. */
    enum art_rc (*load_held)(void *context, struct art_buffer *held, struct art_buffer *let_go);
    /* The roots of all snapshots, as art_tree_snapshot() gave them, for the check, copies and salvage; ends with what
     * `root` returns, unless that is ART_OK. May be NULL: there are none. */
    enum art_rc (*each_snapshot)(void *context, enum art_rc (*root)(void *to, const char *name, struct art_bytes root),
                                 void *to);
    /* The writer lock is taken: wait a little and return true to try again, or false to give up (busy timeout). */
    bool (*wait)(void *context, unsigned attempt);
    /* Asked now and then by long work: true to stop with ART_INTERRUPT. May be NULL. */
    bool (*interrupted)(void *context);
    /* Bytes that the file system of the database has left for this process; UINT64_MAX where that cannot be told. May
     * be NULL. */
    uint64_t (*room)(void *context);
    /* For blobs in rows. May be NULL: as much as is wanted. What cannot be told is so, too; an error counts only where
     * the host has ended the transaction because of it. */
    enum art_rc (*budget)(void *context, struct art_budget *out);
    /* Are deleted rows to leave nothing in the file? Asked for 'optimize' and 'vacuum', whose commits then overwrite
     * what they may. May be NULL: they are not. */
    bool (*secure_delete)(void *context);
    /* Is the transaction still there? A host may have ended it within a callback that failed, and says so nowhere
     * else. */
    bool (*alive)(void *context);
    /* Where blobs are that are inlined. NULL: they never are. Copied. */
    const struct art_rows *rows;
    /* For what a spilled transaction's savepoints need and a ROLLBACK TO must not take away. */
    const struct art_scratch_files *scratch;
    /* For the check: hands all rows of the log over, in the order of their numbers; ends with what `row` returns,
     * unless that is ART_OK. May be NULL: the log is not looked at then. */
    enum art_rc (*each_log_row)(void *context, enum art_rc (*row)(void *to, int64_t csn, struct art_bytes ops),
                                void *to);
};

/* --- opening ------------------------------------------------------------------------------------------------------ */

struct art_tree_options {
    struct art_disk *disk; /* NULL: the system's files */
    const char *path;      /* of the .art file; NULL: inlined, blobs are rows of the host's */
    const char *host_path; /* of the database file */
    uint8_t uuid[ART_UUID_BYTES];
    enum art_engine engine;
    enum art_direct direct;
    bool read_only;
    bool apart;           /* it finds nothing in the cache that others have read, and reads no more than is wanted */
    uint64_t cache_bytes; /* or ART_CACHE_AUTO */
    uint64_t log_limit;   /* bytes of redo in the log before it is flushed, or ART_LOG_AUTO (txn/log_cost.c) */
    uint64_t spill_limit; /* bytes of memory of an uncommitted transaction before it spills; default 64 MB */
    uint32_t blob_pages;  /* 0: full blobs, 128 pages; tests make small ones, and with them deep runs and many merges */
    struct art_summary summary; /* at first; no columns: none. Its functions read nothing of the tree */
    uint64_t row_limit;         /* a longer row of redo is flushed instead: a quarter of the host's limit; 0: none */
};

/* An unknown tree, to be closed; no file is opened. Options and host are copied, paths with them; their functions and
 * contexts are borrowed. ART_NOMEM, ART_MISUSE: *out is not set. */
enum art_rc art_tree_open(struct art_tree **out, const struct art_tree_options *options, const struct art_host *host);
/* NULL is fine. Rolls back what is not committed; open cursors may then only be closed. */
void art_tree_close(struct art_tree *tree);
/* Gives back the memory that the next call asks for again: buffers, idle cursors, references to cached blobs. Nothing
 * happens in a transaction, or with an open cursor. A tree that is known stays so, without its gaps. No
 * savepoint is set. */
void art_tree_trim(struct art_tree *tree);
/* Its table was dropped: the cache lets its blobs go. */
void art_tree_leave_cache(struct art_tree *tree);
/* The limits, in bytes, may be changed between statements. */
void art_tree_set_limits(struct art_tree *tree, uint64_t cache_bytes, uint64_t log_limit, uint64_t spill_limit);
void art_tree_set_row_limit(struct art_tree *tree, uint64_t bytes);
/* The encoded root of an empty table, for T_artdata's row 0. At most ART_ROOT_INITIAL_MAX bytes; returns the length. */
enum { ART_ROOT_INITIAL_MAX = 256 };
uint32_t art_tree_initial_root(const uint8_t uuid[ART_UUID_BYTES], uint8_t *out);

/* --- refresh: what other connections committed, and rebuilding ---------------------------------------------------- */

/* Begins. The host then reads, in one snapshot:  SELECT csn, ops FROM T_artdata WHERE csn <= 0 OR csn >= *from ORDER BY
 * csn and hands over each row. In a transaction that has changed the tree a refresh is ART_MISUSE unless
 * art_tree_unknown(). */
enum art_rc art_tree_refresh_begin(struct art_tree *tree, uint64_t *from);
/* Once the root was handed over: it is enough to read the rows from here on; and if *from was 0, the csn of the first
 * row behind row 0. */
uint64_t art_tree_refresh_from(const struct art_tree *tree);
/* ART_REBUILD: what is in memory is not continued by this log (restored, rolled back): abort, and begin again: *from
 * will be 0. ART_CORRUPT: the log itself is damaged. */
enum art_rc art_tree_refresh_row(struct art_tree *tree, uint64_t csn, struct art_bytes ops);
/* Installs. ART_REBUILD as above (a row was missing). */
enum art_rc art_tree_refresh_end(struct art_tree *tree);
/* Any failure, also of the host's SELECT: the tree is unknown until a refresh has succeeded. */
void art_tree_refresh_abort(struct art_tree *tree);

/* --- what it is at ------------------------------------------------------------------------------------------------ */

/* Must be rebuilt before it is used: freshly opened, after a failed refresh, after a rollback that memory could not
 * undo. Reads and writes are refused with ART_MISUSE until then. */
bool art_tree_unknown(const struct art_tree *tree);
/* A sync of the .art file has failed, so nothing more is written by this tree. */
bool art_tree_poisoned(const struct art_tree *tree);
/* Asserts what must hold of a tree between two calls, whatever it is at: behind each transition, in test builds. */
#ifdef NDEBUG
#define art_tree_invariants(tree) ((void)(tree))
#else
void art_tree_invariants(const struct art_tree *tree);
#endif
void art_tree_forget(struct art_tree *tree); /* makes it unknown (host: the schema's table was replaced, ...) */
/* csn of the last committed change that the tree knows. */
uint64_t art_tree_csn(const struct art_tree *tree);
/* Has the root that is known any runs, or have snapshots, so that there must be an .art file? */
bool art_tree_has_runs(const struct art_tree *tree);
/* Does that root say that the host has slots of snapshots (art_host.load_held)? */
bool art_tree_has_held(const struct art_tree *tree);
/* Opens the .art file if the root needs one, as every reading call does first: from here on it may lose its name.
 * Refuses a tree that is unknown (ART_MISUSE), forked (ART_FORKED) or in a doomed transaction (its error). */
enum art_rc art_tree_ready(struct art_tree *tree);
/* Counts the roots that were committed: another one may have come with another location. */
uint64_t art_tree_generation(const struct art_tree *tree);
/* What the place is like where its blobs are. Never NULL. */
const struct art_medium *art_tree_medium(const struct art_tree *tree);
/* The summary as of now; NULL: none. */
const struct art_summary *art_tree_summarised(const struct art_tree *tree);
/* Somebody else has committed this summary: the tree is unknown until it is refreshed. ART_MISUSE in a transaction. */
enum art_rc art_tree_use_summary(struct art_tree *tree, const struct art_summary *summary);

#endif
