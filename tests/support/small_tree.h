/* One tree over a simulated disk and a toy host, in globals, for tests of single cases: put, commit, flush, count. What
 * should go well does, or ends the test. Brings must.h and suite.h along. */
#ifndef ART_TESTS_SMALL_TREE_H
#define ART_TESTS_SMALL_TREE_H

#include "core/tree/txn/txn.h"
#include "tests/support/must.h"
#include "tests/support/sim_disk.h"
#include "tests/support/suite.h"
#include "tests/support/tree_world.h"

extern struct sim_disk *disk;
extern struct toy *toy;
extern struct art_tree *tree;
extern struct art_tree_options options;

/* In the place of the one before. */
void small_tree_make(bool wal);
/* With these sizes, where they are not 0. */
void small_tree_make_of(bool wal, struct art_tree_options of);
/* Opened anew with other options: `options` was changed. */
void small_tree_again(void);
void small_tree_end(void); /* closes what is open: a tear_down */
/* Opens `tree` over `toy` with `options`, and refreshes it. */
void small_tree_open(void);

struct art_bytes text(const char *bytes);
void put(const char *key, const char *value);
void value_is(struct art_bytes key, struct art_bytes wanted);
void take_away(const char *key);
void commit(void);
void commit_with(unsigned request); /* art_tree_request()'s */
void flush(void);
void optimize(void);
void vacuum(void);
uint64_t rows(void);
struct art_tree_info info(void);

#endif
