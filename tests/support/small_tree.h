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
/* With these sizes, where they are not 0; on another disk, which goes with it. */
void small_tree_make_of(bool wal, struct art_tree_options of);
void small_tree_make_on(struct sim_disk *on, bool wal, struct art_tree_options of);
/* Opened anew with other options: `options` was changed. */
void small_tree_again(void);
void small_tree_begin(void); /* small_tree_make(false): a set_up */
void small_tree_end(void);   /* closes what is open: a tear_down */
/* Opens `tree` over `toy` with `options`, and refreshes it. */
void small_tree_open(void);

struct art_bytes text(const char *bytes);
void put(const char *key, const char *value);
void value_is(struct art_bytes key, struct art_bytes wanted);
void take_away(const char *key);
/* These say whether there was such a row. */
bool put_at(struct art_bytes key, struct art_bytes value);
bool take_at(struct art_bytes key);
void is_there(struct art_bytes key);
void is_absent(struct art_bytes key);
/* Of the range, or all rows; the caller closes it. */
struct art_cursor *cursor_on(const struct art_range *range, bool backward);
void commit(void);
void commit_with(unsigned request); /* art_tree_request()'s */
/* It fails so, and is rolled back; the tree is not refreshed. */
void commit_fails(unsigned request, int code, const char *says);
void roll_back(void);
void flush(void);
void optimize(void);
void vacuum(void);
uint64_t rows(void);
void rows_are(uint64_t count);       /* and all that the check looks at is right */
struct art_tree *another_tree(void); /* another connection, refreshed; the caller closes it */
struct art_tree_info info(void);

#endif
