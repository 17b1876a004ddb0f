/* States of a table beside the present one: snapshots and the slots that they name, and what differs between two
 * states. A snapshot is read with a tree of its own that is refreshed with the snapshot's root.
 */
#ifndef ART_TREE_HISTORY_H
#define ART_TREE_HISTORY_H

#include "core/tree/read_rows.h"

/* --- snapshots ---------------------------------------------------------------------------------------------------- */

/* A snapshot of the state that is committed: behind a prepare() that had ART_REQUEST_SNAPSHOT, also where nothing is to
 * be written, and before art_tree_committed(). *root: as row 0 of a log without any other row: a tree that is read only
 * and refreshed with it reads that state. *slots: what it names, as a set of bytes. *csn: up to which it has all
 * changes. ART_NOMEM, or an error of reading.
 *
 * The host keeps root and set as long as it likes, and says in load_held() what all such sets name together, from the
 * next transaction on. As long as a transaction has a snapshot to be made, the host asks for it anew before each
 * prepare(): behind a refused COMMIT another root may be committed, or the snapshot be gone. The set of a snapshot that
 * is dropped the host adds to what was let go, but for what other snapshots name, until a commit has lets_go. The first
 * snapshot's root says that there are some, and the first new root behind the last drop that there are none. */
enum art_rc art_tree_snapshot(struct art_tree *tree, struct art_buffer *root, struct art_buffer *slots, uint64_t *csn);
/* Sets of slots as bytes: *set gets the members of another one; *out becomes `all` without `others`; how many there
 * are. ART_CORRUPT: no such set; ART_NOMEM. unite() leaves *set as it was then. */
enum art_rc art_slots_unite(struct art_buffer *set, struct art_bytes other);
enum art_rc art_slots_all(struct art_buffer *set); /* it gets every slot that a file may have; ART_NOMEM */
enum art_rc art_slots_without(struct art_bytes all, struct art_bytes others, struct art_buffer *out);
enum art_rc art_slots_number(struct art_bytes set, uint64_t *out);
/* The slots that the tree's root names, as a set of bytes; and the used bytes of the blobs of these that lie in a set.
 * Index blobs are read, where they have not been before. Errors of reading. */
enum art_rc art_tree_slots(struct art_tree *tree, struct art_buffer *out);
enum art_rc art_tree_bytes_of_slots(struct art_tree *tree, struct art_bytes set, uint64_t *out);

/* --- what differs between two states ------------------------------------------------------------------------------ */

/* What differs between two states of one history (read/diff.c): trees of one table, each brought up to date with a
 * root that the other's history has, too. Only one of them may be in a transaction, whose changes count. Each path
 * whose row is another one, in the order of the paths: what was deleted and inserted again has changed, whatever its
 * value. */
struct art_changed {
    struct art_bytes path;         /* borrowed until the next call */
    uint64_t old_version, version; /* of the rows in `from` and `to`; 0: there is none */
};
struct art_diff;
/* To be closed, before the trees are; the range's bytes are copied. What the two states have in common is passed over,
 * and memory is bounded. ART_NOMEM. */
enum art_rc art_diff_open(struct art_tree *from, struct art_tree *to, const struct art_range *range,
                          struct art_diff **out);
void art_diff_close(struct art_diff *diff); /* NULL is fine */
/* ART_NOTFOUND: that was all. The trees may change between two calls: it goes on behind the last path. ART_CORRUPT,
 * too: the states' counts of rows do not agree. */
enum art_rc art_diff_next(struct art_diff *diff, struct art_changed *out);

/* How much has grown between two such states, by the names of a level below which a row is another one
 * (read/growth.c). A name is a path up to the end of its `depth`th delimiter behind the prefix, or the whole path. With
 * all levels (read/levels.c) names are the prefix, and paths up to the end of any delimiter behind it. Each comes
 * behind those that it is the beginning of. */
struct art_growing {
    struct art_bytes prefix, delimiter; /* copied; a delimiter has a byte at least */
    uint64_t depth;                     /* from 1; 0: all levels */
    int sum;                            /* a column of the summary with a sum, which both trees have; <0: rows alone */
    bool counts;                        /* the rows that are others, by what they are; */
    bool totals;                        /* with all levels: `rows` and sums, else 0 */
};
struct art_grown {
    struct art_bytes path;            /* borrowed until the next call */
    uint64_t old_rows, rows;          /* that begin with the name, or are it, in `from` and `to` */
    art_int128 old_sum, sum;          /* 0 without a column */
    bool whole;                       /* the path is a row's, and stands for that alone */
    uint64_t added, changed, deleted; /* as art_diff_next() would tell; 0 where they are not counted */
};
struct art_growth;
/* As art_diff_open() and the others. */
enum art_rc art_growth_open(struct art_tree *from, struct art_tree *to, const struct art_growing *what,
                            struct art_growth **out);
void art_growth_close(struct art_growth *growth);
enum art_rc art_growth_next(struct art_growth *growth, struct art_grown *out);

/* --- what differs between two tables ------------------------------------------------------------------------------ */

/* Two trees, of any hosts, in each of which the `hash`th sum is one of hashes of the rows (read/differences.c). */
struct art_differing {
    struct art_tree *from, *to;
    unsigned from_hash, to_hash;
};
struct art_differences;
/* As art_diff_open() and the others. A row has changed if its value has other bytes, and the host makes another number
 * of them. Both trees may be in a transaction. */
enum art_rc art_differences_open(const struct art_differing *what, const struct art_range *range,
                                 struct art_differences **out);
void art_differences_close(struct art_differences *differences);
enum art_rc art_differences_next(struct art_differences *differences, struct art_changed *out);

#endif
