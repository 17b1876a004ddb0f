/* Writing to a tree, within a write transaction of the host and after a refresh in it: single rows, all rows of a range
 * as one thing, and another summary. The first change begins the tree's transaction; commit.h has what comes of it.
 */
#ifndef ART_TREE_WRITE_ROWS_H
#define ART_TREE_WRITE_ROWS_H

#include "core/tree/read_rows.h"

/* --- one row ------------------------------------------------------------------------------------------------------ */

enum art_write { ART_WRITE_INSERT, ART_WRITE_REPLACE };
/* Each is atomic by itself: done, or an error and nothing changed (ART_NOMEM, ART_TOOBIG, errors of reading and
 * spilling). *existed: was there a row at `key`? INSERT with a row there changes nothing. */
enum art_rc art_tree_insert(struct art_tree *tree, enum art_write mode, struct art_bytes key, struct art_bytes value,
                            bool *existed);
/* Deletes the row at `key`. *existed: there was one; else nothing changes. */
enum art_rc art_tree_delete(struct art_tree *tree, struct art_bytes key, bool *existed);
/* Changes a row's path, and its value when `value` is not NULL (else value and chunks move along). *existed: a row
 * was at `to` (!= from): INSERT changes nothing then. ART_NOTFOUND when nothing is at `from`. */
enum art_rc art_tree_move(struct art_tree *tree, enum art_write mode, struct art_bytes from, struct art_bytes to,
                          const struct art_bytes *value, bool *existed);
/* Gives the row at `key`, as art_tree_get() found it, another value. If anything has changed since, the row is looked
 * for again; ART_NOTFOUND then: it is not there any more. */
enum art_rc art_tree_update(struct art_tree *tree, struct art_bytes key, const struct art_row *row,
                            struct art_bytes value);

/* --- many rows as one thing --------------------------------------------------------------------------------------- */

/* Deletes all rows of a range, and says how many they were. Each of these is atomic by itself; see txn/directory.c. */
enum art_rc art_tree_delete_range(struct art_tree *tree, const struct art_range *range, uint64_t *rows);
/* Is a range of so many rows deleted as one thing, since that costs less? Not all rows where blobs are rows of the
 * host: a commit that empties the table discards them at once only if nothing was done as one thing before. */
enum art_rc art_tree_range_pays(struct art_tree *tree, uint64_t rows, bool *pays);
/* Gives all rows whose paths begin with `from` paths that begin with `to` instead; `copies`: other rows, and those
 * stay. Neither begins with the other, or is longer than a path. *taken: there are rows below `to`, so nothing has
 * changed. ART_TOOBIG: a path would be too long. */
enum art_rc art_tree_move_prefix(struct art_tree *tree, struct art_bytes from, struct art_bytes to, bool copies,
                                 uint64_t *rows, bool *taken);
/* Copies so rows of the source, which is the tree of a snapshot of this table, open for reading. `from` and `to` may
 * also begin alike, or be empty. */
enum art_rc art_tree_copy_from(struct art_tree *tree, struct art_tree *source, struct art_bytes from,
                               struct art_bytes to, uint64_t *rows, bool *taken);

/* Another summary from here on, NULL for none: all rows are written anew, with it, as one run under a root of the
 * transaction's own. A rollback, or one to a savepoint before it, brings the former one back. It needs as much new
 * space as the table has. On an error nothing has changed, or the transaction can only be rolled back (a savepoint
 * could not be kept). `summary` must outlive the tree. */
enum art_rc art_tree_resummarise(struct art_tree *tree, const struct art_summary *summary);

#endif
