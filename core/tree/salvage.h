/* Salvage: every row that can still be verified, read out of what is left of a table. Nothing is written, and nobody is
 * asked whose the file is.
 *
 * What there may be to read it from, the best that is whole is taken:
 *
 *   root and log as the database has them        the table, less what lies in damaged pages
 *   a copy of the root                           the same as of the last flush, and the log as far as it follows
 *   nothing: all slots of the file               every leaf blob whose trailer verifies by itself, also those that were
 *                                                superseded long ago; of two entries of one key the newer one
 *
 * The last is also how leaves are found below a damaged index blob, within its range of keys. Where there is a root,
 * its cuts (state/cuts.h) say what of them was deleted with all of a range. Leaves that a snapshot names, and a later
 * one does not, were superseded in between: they are left out.
 *
 * Rows come in the order of their keys, each once, the newest entry that can be read. Where one could not be read, an
 * older one shows, or a deleted row; that may be so only within the ranges that art_salvage_lost() reports.
 *
 * Memory: 64 images of 512 KB; 64 KB for each blob that lies beside others at one place of the order, 256 at most in
 * each damaged range, of which a run has one at a time (16 MB); 2 KB for each index blob that is damaged; 64 bytes a
 * slot, where slots are searched; the log's rows, as any tree has them; and one row.
 */
#ifndef ART_TREE_SALVAGE_H
#define ART_TREE_SALVAGE_H

#include "core/tree/tree.h"

struct art_salvage;

struct art_salvage_options {
    struct art_disk *disk; /* NULL: the system's */
    const char *path;      /* of the .art file; NULL: there is none. It may be missing where there is a database */
    const struct art_rows *rows; /* or blobs are rows of the host's, and `path` is their name for messages */
    bool uuid_known;
    uint8_t uuid[ART_UUID_BYTES];
    const char *feature;   /* that the table has, and nobody here can read; NULL: none */
    bool alone;            /* a file without its database: there is no log */
    bool report;           /* art_salvage_lost() will be asked */
    struct art_bytes root; /* the host's copy of it, or nothing */
    bool snapshot;         /* it is the root of a snapshot, whose state is read: the log is not */
    /* All rows of the log, in the order of their numbers. NULL: they cannot be read. */
    enum art_rc (*each_log_row)(void *context, enum art_rc (*row)(void *to, int64_t csn, struct art_bytes ops),
                                void *to);
    /* Roots of all snapshots that are known. Those that do not decode are passed over. May be NULL. */
    enum art_rc (*each_snapshot)(void *context, enum art_rc (*root)(void *to, const char *name, struct art_bytes root),
                                 void *to);
    bool (*interrupted)(void *context); /* may be NULL */
    void *context;
};

/* Options are borrowed until the close. ART_FOREIGN: the file is another table's. ART_MISSING, ART_CANTOPEN, ART_NOMEM,
 * ART_INTERRUPT, and what the host's functions fail with; damage is no failure, but of the root of a snapshot. *out is
 * not set then. */
enum art_rc art_salvage_open(struct art_salvage **out, const struct art_salvage_options *options);
void art_salvage_close(struct art_salvage *salvage); /* NULL is fine */
/* To the next row, first the first one; not valid: there is none. Errors as above: of a row that was not reached. */
enum art_rc art_salvage_next(struct art_salvage *salvage);
bool art_salvage_valid(const struct art_salvage *salvage);
/* The row: the user's key, the whole value, the csn of its last change. Of a valid position; borrowed until the next
 * step. */
struct art_bytes art_salvage_key(const struct art_salvage *salvage);
struct art_bytes art_salvage_value(const struct art_salvage *salvage);
uint64_t art_salvage_version(const struct art_salvage *salvage);

/* What may be lost: rows with keys between these two, which are not among them. */
struct art_lost {
    bool after_set, before_set;
    struct art_bytes after, before;
    const char *what, *place;
    uint32_t slot, page; /* ART_NOWHERE */
};
/* What was found since; false: nothing more, as far as the rows have been read. Borrowed until the next call. */
bool art_salvage_lost(struct art_salvage *salvage, struct art_lost *out);

#endif
