/* What tests ask of core, and nobody else does. */
#ifndef ART_TESTS_OF_CORE_H
#define ART_TESTS_OF_CORE_H

#include "core/memtable/memtable.h"
#include "core/store/store.h"
#include "core/tree/tree.h"

/* The list's name of a code: "CORRUPT". */
const char *art_error_name(enum art_rc code);

/* Marks all leaf pages present after verifying them. */
enum art_rc art_blob_verify_all(struct art_blob *blob);
/* art_blob_check_expected() of a blob of which no run is known. */
enum art_rc art_blob_check(struct art_blob *blob, bool only_puts);

/* All invariants of inside.h (memtable_check.c): ART_CORRUPT with a sentence. */
enum art_rc art_memtable_check(const struct art_memtable *memtable);
/* All of art_redo_encode_some() in one piece. */
enum art_rc art_redo_encode_all(const struct art_memtable *memtable, struct art_buffer *out);

/* Is a writing phase open? */
bool art_store_writing(const struct art_store *store);
/* The pins, against their slots and counts. */
enum art_rc art_store_check(const struct art_store *store);

/* The first problem of art_tree_check_all() as an error; then what the tree has in memory by itself, and that its cuts
 * hide no entry of its runs. */
enum art_rc art_tree_check(struct art_tree *tree);

#endif
