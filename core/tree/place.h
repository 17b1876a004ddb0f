/* Where the blobs of a tree are, an .art file or rows of the host: another place, a copy, whose file it is, and what a
 * host does with files beside its database.
 */
#ifndef ART_TREE_PLACE_H
#define ART_TREE_PLACE_H

#include "core/tree/tree.h"

/* --- the place and its copies ------------------------------------------------------------------------------------- */

/* Where the blobs are. */
struct art_tree_location {
    const char *path, *host_path; /* as in art_tree_options */
    const struct art_rows *rows;  /* of a copy that is inlined; NULL: the host's */
    bool onto;                    /* of an earlier copy: the file is there */
};

/* They are somewhere else from now on: the database was replaced by a copy, or nothing was written yet. On an error all
 * is as before. ART_MISUSE in a transaction that has written blobs. */
enum art_rc art_tree_use_location(struct art_tree *tree, const struct art_tree_location *location);

/* A copy of all blobs of the root and of all snapshots, each once, in a new file or in rows, in the same slots,
 * verified. For a copy of the database, while the host holds a snapshot of that. */
struct art_copier;
/* ART_CANTOPEN with art_error_errno() == EEXIST: the file's name is taken. Without an error art_copier_close() it. */
enum art_rc art_copier_begin(struct art_tree *tree, const struct art_tree_location *location, struct art_copier **out);
struct art_copy_progress {
    uint32_t remaining, total; /* blobs */
    uint32_t written;          /* others were there */
};
void art_copier_tell(const struct art_copier *copier, struct art_copy_progress *out);
/* Some of the remaining ones. With the last of them the copy is durable. Also ART_INTERRUPT. */
enum art_rc art_copier_step(struct art_copier *copier);
/* A new file that is not complete is removed. */
void art_copier_close(struct art_copier *copier);
/* Reads the footer of each blob of the root, index blobs whole; with `postings` those, too. */
enum art_rc art_tree_read_footers(struct art_tree *tree, bool postings);
/* What the copy of a root in the .art file says, which was written when its commit was over. */
struct art_root_mark {
    uint64_t csn, generation; /* 0: there is no copy */
};
/* Of the newest copy; of a tree that is ready. Errors are those of art_tree_ready(), and ART_NOMEM. */
enum art_rc art_tree_file_mark(struct art_tree *tree, struct art_root_mark *out);
/* Is the root that is known older? Then the host shows an old snapshot, or it has lost commits. */
bool art_tree_is_behind(const struct art_tree *tree, const struct art_root_mark *mark);

/* --- whose file it is --------------------------------------------------------------------------------------------- */

/* The command 'adopt': the .art file belongs to this database from now on, whatever its owner page says. Done at once,
 * no ROLLBACK takes it back; nothing to do where there are no runs and no file. ART_MISUSE in a transaction that has
 * written to the file: what is in memory does not count. */
enum art_rc art_tree_adopt(struct art_tree *tree);
/* An .art file that nobody has claimed is claimed for this database, if it is the one that it was copied with. A
 * transaction's first change does it by itself; a host that is about to remove the file asks for it. Nothing to do
 * within a transaction. ART_READONLY, ART_BUSY, ART_FOREIGN, ... */
enum art_rc art_tree_claim(struct art_tree *tree);
/* Does this version know all that who writes has to know (core/base/format.h), and can who reads then read it? If not,
 * ART_READONLY. */
enum art_rc art_tree_may_write(const struct art_tree *tree);
/* Whose is a file that looks like an .art file? For the command 'clean': reads only the superblock. *ours: its owner
 * page names this very file and this host file, by their inodes. ART_FOREIGN: another file that had its path, or the
 * file is a copy that nobody has claimed. ART_NOTFOUND: no .art file (another magic, too short, not a regular file).
 * ART_MISSING, ART_CANTOPEN, ART_CORRUPT, ... */
enum art_rc art_file_identify(const char *path, const char *host_path, uint8_t uuid[ART_UUID_BYTES], bool *ours);

/* --- files beside a database -------------------------------------------------------------------------------------- */

/* Is there a file of this name? True also where that cannot be told. */
bool art_file_exists(const char *path);
/* Its size in bytes, and how many names it has; 0 of both with an error: ART_MISSING, ART_IO, ... */
enum art_rc art_file_look(const char *path, uint64_t *bytes, uint64_t *names);
/* Has nobody written more into it than what says whose it is? */
bool art_file_is_begun(const char *path);
/* Can someone read the one file who cannot read the other, by their permissions? False where one of them cannot be
 * looked at. */
bool art_file_is_more_open(const char *path, const char *than);
/* Makes an empty file with the permissions and the owner of another one, or for its owner alone where there is no such
 * file: ART_CANTOPEN, with art_error_errno() == EEXIST where something has its name. */
enum art_rc art_file_make(const char *path, const char *like);
/* Removes a file; ART_MISSING where there is none. */
enum art_rc art_file_remove(const char *path);
/* Makes the names in the folder that holds `path` durable. ART_CANTOPEN, ART_NOMEM: nothing was tried; ART_IO. */
enum art_rc art_file_sync_folder(const char *path);
/* The names in a folder, in any order, until visit() returns anything but ART_OK, which is returned then. */
enum art_rc art_folder_list(const char *folder, enum art_rc (*visit)(void *context, const char *name), void *context);

#endif
