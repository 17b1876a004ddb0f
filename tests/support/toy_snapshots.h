/* Snapshots of the toy host's (tree_world.h): its rows for them, as core/tree asks for them, and what each must
 * read like for ever.
 */
#ifndef ART_TESTS_TOY_SNAPSHOTS_H
#define ART_TESTS_TOY_SNAPSHOTS_H

#include "tests/support/tree_model.h"

enum { TOY_SNAPSHOTS_MAX = 10 };

struct toy_snapshot {
    bool own; /* made by the running transaction: it is filled in by each prepare() */
    struct art_buffer root, slots;
    uint64_t csn;
    struct toy_state *state; /* shared by copies of the tables; NULL: not filled in yet */
};

struct toy_snapshots {
    struct toy_snapshot item[TOY_SNAPSHOTS_MAX];
    unsigned count;
    struct art_buffer held, let_go;
};

void toy_snapshots_clear(struct toy_snapshots *snapshots);
/* `to` is replaced. */
void toy_snapshots_copy(const struct toy_snapshots *from, struct toy_snapshots *to);
/* One more, to be filled in; there is room. */
void toy_snapshots_make(struct toy_snapshots *snapshots);
void toy_snapshots_drop(struct toy_snapshots *snapshots, unsigned at);
/* What all name together, or those that are committed; ART_NOMEM. */
int toy_snapshots_unite(const struct toy_snapshots *snapshots, bool own, struct art_buffer *out);
bool toy_snapshots_any_own(const struct toy_snapshots *snapshots);
/* Behind a prepare(), whose commit was written: the transaction's own are of this state. */
int toy_snapshots_fill(struct toy_snapshots *snapshots, struct art_tree *tree, const struct model *model);
/* The transaction is over. */
void toy_snapshots_committed(struct toy_snapshots *snapshots);

struct toy;
/* Of tables as they are committed: held is the union of all sets, nothing of it is retired, and the root says whether
 * there is any. Half of the snapshots (`whole`: all, and each of their pages is checked) read as they did, and their
 * sets are what their roots name. Aborts the test if not; returns an error of reading. `options`: where the blobs
 * are. */
int toy_snapshots_check(const struct toy *toy, const struct art_tree_options *options, struct random *random,
                        int family, bool whole);

#endif
