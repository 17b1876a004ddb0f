/* The states of a transaction (core/tree/txn/txn.h draws them): a model of them, explored to its end, and the tree held
 * against it at each step.
 *
 * A state of the model is where the transaction stands, what refused COMMITs have left in the host's tables, what is
 * asked of the commit, the savepoints and their kinds, and which of two rows are there. From each state that can be
 * reached every call is tried: a new tree is led there by the shortest way, and must be where the model is, with the
 * same rows. So no order of changes, spills, savepoints, refused COMMITs, rollbacks, lost memory and other processes'
 * commits is left out, as far as two savepoints go. At the end each arrow of the drawing was gone along, and no other.
 *
 *     ART_STATES=print test_txn_states      the arrows, with the calls that lead along them
 */

#include "tests/support/small_tree.h"

enum { KEYS = 2, MARKS = 2, STATES_MAX = 1 << 16, WAY_MAX = 64, SMALL_BLOB_PAGES = 4 };

#define EACH_CALL(X)                                                                                                   \
    X(PUT_A, "put a")                                                                                                  \
    X(DELETE_A, "delete a")                                                                                            \
    X(PUT_B, "put b")                                                                                                  \
    X(SPILL, "spill")               /* a change of a transaction that is larger than its limit */                      \
    X(SPILL_FAILS, "failing spill") /* the same, and no memtable can be saved */                                       \
    X(REWRITE, "another summary")   /* all rows anew, for another summary: that is a spill, too */                     \
    X(MARK, "savepoint")                                                                                               \
    X(BACK_TO_FIRST, "back to first")                                                                                  \
    X(BACK_TO_SECOND, "back to second")                                                                                \
    X(BACK_TO_BEGINNING, "back to the beginning")                                                                      \
    X(RELEASE_FIRST, "release first")                                                                                  \
    X(RELEASE_SECOND, "release second")                                                                                \
    X(FLUSH, "'flush'")                                                                                                \
    X(VACUUM, "'vacuum'")                                                                                              \
    X(REFUSED, "refused COMMIT") /* a COMMIT that the host refuses: what prepare() wanted is in its tables */          \
    X(NO_ROOM, "no room")        /* the host has no room for what prepare() wants: no COMMIT was tried */              \
    X(COMMIT, "COMMIT")                                                                                                \
    X(ROLLBACK, "ROLLBACK")                                                                                            \
    X(FORGET, "schema reload") /* the host read its schema anew */                                                     \
    X(OTHER, "other process")  /* another process commits */

enum call {
#define CALL(name, words) name,
    EACH_CALL(CALL)
#undef CALL
        CALLS
};
static const char *const names[CALLS] = {
#define CALL(name, words) words,
    EACH_CALL(CALL)
#undef CALL
};

struct mark {
    uint8_t kind, rows, dirty, filled;
};
struct state {
    uint8_t txn, left, shown, requested, doomed;
    uint8_t rows, committed;        /* bits */
    uint8_t dirty;                  /* the memtable's undo list has something */
    uint8_t filled, filled_at_base; /* the memtable has */
    uint8_t marks;
    struct mark mark[MARKS];
};

/* All of it at once would be a hundred thousand states. */
static const struct scope {
    unsigned marks;
    uint32_t without; /* calls, as bits */
} scopes[] = {{2, 1u << PUT_B | 1u << VACUUM | 1u << NO_ROOM | 1u << SPILL_FAILS | 1u << FORGET}, {1, 0}};
static struct scope scope;

/* --- the model ---------------------------------------------------------------------------------------------------- */

static uint8_t larger(uint8_t a, uint8_t b) {
    return a > b ? a : b;
}

static void model_change(struct state *s, uint8_t rows) {
    s->txn = larger(s->txn, ART_TXN_CHANGED);
    s->rows = rows;
    s->dirty = s->filled = true;
}

static bool model_spills(struct state *s, bool fails) {
    for (unsigned i = s->marks; i-- > 0;) {
        if (s->mark[i].kind != ART_SAVEPOINT_UNDO) continue;
        if (fails && s->mark[i].filled) { /* else there is nothing to be kept */
            s->doomed = true;
            return false;
        }
        s->mark[i].kind = ART_SAVEPOINT_SAVED;
    }
    s->txn = ART_TXN_SPILLED;
    s->dirty = s->filled = false;
    return true;
}

/* The tree is unknown then, and read anew at once. */
static void model_to_beginning(struct state *s) {
    if (s->txn == ART_TXN_SPILLED) s->txn = ART_TXN_CHANGED;
    s->rows = s->committed;
    s->dirty = false;
    s->filled = s->filled_at_base;
}

static void model_back(struct state *s, unsigned to) {
    s->marks = (uint8_t)(to + 1);
    if (s->txn == ART_TXN_NONE) return;
    s->requested = 0;
    if (s->doomed) return;
    const struct mark *mark = &s->mark[to];
    if (mark->kind == ART_SAVEPOINT_OF_BEGINNING) {
        model_to_beginning(s);
        return;
    }
    HOLDS(mark->kind != ART_SAVEPOINT_SAVED || s->txn == ART_TXN_SPILLED);
    s->rows = mark->rows;
    s->dirty = mark->kind == ART_SAVEPOINT_UNDO && mark->dirty;
    s->filled = mark->filled;
}

static void model_end(struct state *s) {
    *s = (struct state){.rows = s->rows, .committed = s->committed, .filled_at_base = s->filled_at_base};
    s->filled = s->filled_at_base;
}

/* What prepare() makes the host write. There is a run from the beginning, so 'vacuum' finds something. */
static enum art_commit_kind model_prepare(struct state *s) {
    bool flush = s->requested & ART_REQUEST_FLUSH, vacuum = s->requested & ART_REQUEST_VACUUM;
    if (s->txn == ART_TXN_NONE) return ART_COMMIT_NOTHING;
    bool wanted = s->left || (flush && s->filled) || vacuum;
    if (s->txn == ART_TXN_BEGUN && !wanted) return ART_COMMIT_NOTHING;
    enum art_commit_kind kind = ART_COMMIT_ROW;
    if (vacuum || s->left == ART_COMMIT_ROOT) kind = ART_COMMIT_ROOT;
    if (flush || s->txn == ART_TXN_SPILLED || s->left == ART_COMMIT_FLUSH) kind = ART_COMMIT_FLUSH;
    s->left = larger(s->left, (uint8_t)kind);
    if (s->shown == ART_ROOT_OFFERED) s->shown = ART_ROOT_SHOWN;
    if (kind >= ART_COMMIT_ROOT && s->shown == ART_ROOT_HIDDEN) s->shown = ART_ROOT_OFFERED;
    return kind;
}

/* False: the host never calls so. */
static bool model_step(struct state *s, enum call call) {
    bool idle = s->txn == ART_TXN_NONE;
    if (s->doomed && call != ROLLBACK && !(call >= BACK_TO_FIRST && call <= BACK_TO_BEGINNING)) return false;
    if (scope.without >> call & 1) return false;
    enum art_commit_kind kind;
    switch (call) {
    case PUT_A:
        model_change(s, s->rows | 1);
        return true;
    case PUT_B:
        model_change(s, s->rows | 2);
        return true;
    case DELETE_A:
        s->txn = larger(s->txn, ART_TXN_BEGUN);
        if (s->rows & 1) model_change(s, s->rows & 2);
        return true;
    case SPILL:
    case SPILL_FAILS:
        if (s->txn < ART_TXN_CHANGED || model_spills(s, call == SPILL_FAILS)) model_change(s, s->rows | 1);
        return true;
    case REWRITE:
        return model_spills(s, false);
    case MARK:
        if (s->marks == scope.marks) return false;
        bool as_begun = s->txn != ART_TXN_SPILLED && !s->left && !s->dirty;
        s->mark[s->marks++] =
            (struct mark){as_begun ? ART_SAVEPOINT_OF_BEGINNING : ART_SAVEPOINT_UNDO, s->rows, s->dirty, s->filled};
        return true;
    case BACK_TO_FIRST:
    case BACK_TO_SECOND:
        if (s->marks <= (unsigned)(call - BACK_TO_FIRST)) return false;
        model_back(s, call - BACK_TO_FIRST);
        return true;
    case BACK_TO_BEGINNING:
        s->marks = 0;
        if (idle) return true;
        s->requested = 0;
        model_to_beginning(s);
        return true;
    case RELEASE_FIRST:
    case RELEASE_SECOND:
        if (s->marks <= (unsigned)(call - RELEASE_FIRST)) return false;
        s->marks = (uint8_t)(call - RELEASE_FIRST);
        return true;
    case FLUSH:
    case VACUUM:
        s->txn = larger(s->txn, ART_TXN_BEGUN);
        s->requested |= call == FLUSH ? ART_REQUEST_FLUSH : ART_REQUEST_VACUUM;
        return true;
    case REFUSED:
        model_prepare(s);
        return !idle;
    case NO_ROOM:
        if (idle || !model_prepare(s)) return false;
        if (s->shown == ART_ROOT_OFFERED) s->shown = ART_ROOT_HIDDEN;
        return true;
    case COMMIT:
        kind = model_prepare(s);
        if (s->txn >= ART_TXN_CHANGED || kind) s->committed = s->rows;
        if (kind == ART_COMMIT_FLUSH)
            s->filled_at_base = false;
        else if (kind)
            s->filled_at_base = s->filled;
        model_end(s);
        return true;
    case ROLLBACK:
        s->rows = s->committed;
        model_end(s);
        return true;
    case FORGET:
        return idle;
    case OTHER:
        if (!idle || s->marks) return false;
        s->rows = s->committed = s->committed ^ 1;
        s->filled = s->filled_at_base = true;
        return true;
    default:
        return false;
    }
}

/* --- the tree, and its host --------------------------------------------------------------------------------------- */

static struct toy *at_base, *at_mark[MARKS];
static unsigned marks;
static const char *const keys[KEYS] = {"a", "b"};

static enum art_rc failing_write(void *file, const void *data, uint32_t len, uint64_t offset) {
    return art_fail(ART_IO, "art: the temporary file (test): it cannot be written");
}

static void drop_marks(unsigned keep) {
    while (marks > keep) toy_free(at_mark[--marks]);
}

/* The tables were committed as they are. */
static void note_base(void) {
    drop_marks(0);
    if (at_base) toy_free(at_base);
    at_base = toy_copy(toy);
}

static void world_make(bool wal) {
    small_tree_make_of(wal, (struct art_tree_options){.blob_pages = SMALL_BLOB_PAGES});
    put("z", "is there");
    flush();
    note_base();
}

static void world_end(void) {
    drop_marks(0);
    toy_free(at_base);
    at_base = NULL;
}

/* The host brings the tree up to date before it goes on. */
static void see_to_it(void) {
    if (tree->txn.state == ART_TXN_NONE || art_tree_unknown(tree)) must(toy_refresh(toy, tree));
}

static void spill(bool fails) {
    const struct art_scratch_files *sound = tree->host.scratch;
    struct art_scratch_files broken = *sound;
    broken.write = failing_write;
    bool existed;
    if (fails) tree->host.scratch = &broken;
    art_tree_set_limits(tree, 1 << 20, 1 << 20, 1);
    enum art_rc rc = art_tree_insert(tree, ART_WRITE_REPLACE, text("a"), text("spilled"), &existed);
    art_tree_set_limits(tree, 1 << 20, 1 << 20, 1 << 28);
    tree->host.scratch = sound;
    HOLDS(fails == (rc == ART_IO) || !rc);
}

static void prepare_and_write(void) {
    struct art_commit commit;
    must(art_tree_prepare(tree, &commit));
    toy_write(toy, &commit);
}

static void another_commits(bool a_is_there) {
    struct art_tree *mine = tree;
    small_tree_open();
    if (a_is_there)
        take_away("a");
    else
        put("a", "another's");
    prepare_and_write();
    art_tree_committed(tree);
    art_tree_close(tree);
    tree = mine;
}

static void world_step(enum call call, const struct state *before) {
    uint32_t mark;
    if (!before->doomed) see_to_it();
    switch (call) {
    case PUT_A:
    case PUT_B:
        put(keys[call == PUT_B], "x");
        break;
    case DELETE_A:
        take_away("a");
        break;
    case SPILL:
    case SPILL_FAILS:
        spill(call == SPILL_FAILS);
        break;
    case REWRITE:
        must(art_tree_resummarise(tree, NULL));
        break;
    case MARK:
        must(art_tree_savepoint(tree, &mark));
        HOLDS(mark == marks);
        at_mark[marks++] = toy_copy(toy);
        break;
    case BACK_TO_FIRST:
    case BACK_TO_SECOND:
        drop_marks(call - BACK_TO_FIRST + 1);
        toy_restore(toy, at_mark[call - BACK_TO_FIRST]);
        art_tree_rollback_to(tree, call - BACK_TO_FIRST);
        break;
    case BACK_TO_BEGINNING:
        drop_marks(0);
        toy_restore(toy, at_base);
        art_tree_rollback_to(tree, ART_SAVEPOINT_BEGIN);
        break;
    case RELEASE_FIRST:
    case RELEASE_SECOND:
        drop_marks(call - RELEASE_FIRST);
        art_tree_release_savepoints(tree, call - RELEASE_FIRST);
        break;
    case FLUSH:
    case VACUUM:
        must(art_tree_request(tree, call == FLUSH ? ART_REQUEST_FLUSH : ART_REQUEST_VACUUM));
        break;
    case REFUSED:
        prepare_and_write();
        break;
    case NO_ROOM:
        prepare_and_write();
        art_tree_note_full(tree);
        tree->budget = UINT64_MAX;
        break;
    case COMMIT:
        prepare_and_write();
        art_tree_committed(tree);
        note_base();
        break;
    case ROLLBACK:
        toy_restore(toy, at_base);
        drop_marks(0);
        art_tree_rolled_back(tree);
        break;
    case FORGET:
        art_tree_forget(tree);
        break;
    case OTHER:
        another_commits(before->committed & 1);
        note_base();
        break;
    default:
        break;
    }
}

static char way_here[512]; /* the calls, in words */

static void same(const char *what, unsigned is, unsigned should) {
    if (is != should) ck_abort_msg("%s is %u and should be %u, behind:%s", what, is, should, way_here);
}

static void compare(const struct state *s) {
    art_tree_invariants(tree);
    same("txn.state", tree->txn.state, s->txn);
    same("handed over", tree->txn.handed_over, s->left);
    same("shown", tree->txn.shown, s->shown);
    same("requested", tree->txn.requested, s->requested);
    same("doomed", tree->txn.doomed != ART_OK, s->doomed);
    same("savepoints", tree->txn.savepoint_count, s->marks);
    for (unsigned i = 0; i < s->marks; i++) same("a savepoint's kind", tree->txn.savepoints[i].kind, s->mark[i].kind);
    if (s->doomed) return;
    see_to_it();
    for (unsigned i = 0; i < KEYS; i++) {
        struct art_row row;
        enum art_rc rc = art_tree_get(tree, text(keys[i]), &row);
        same(keys[i], rc, s->rows >> i & 1 ? ART_OK : ART_NOTFOUND);
        if (!rc) art_row_release(&row);
    }
    same("rows", (unsigned)rows(), (unsigned)__builtin_popcount(s->rows) + 1);
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

struct found {
    struct state state, key;
    uint32_t from; /* another one; its own number: the first */
    uint8_t by;    /* the call that led here */
};
static struct found *found;
static uint32_t found_count;

/* Which rows there are makes no other state. */
static struct state without_rows(struct state state) {
    state.rows = state.committed = 0;
    for (unsigned i = 0; i < MARKS; i++) state.mark[i].rows = 0;
    for (unsigned i = state.marks; i < MARKS; i++) state.mark[i] = (struct mark){0};
    return state;
}

static uint32_t find_or_add(const struct state *state, uint32_t from, enum call by) {
    struct state key = without_rows(*state);
    for (uint32_t i = 0; i < found_count; i++) {
        if (!memcmp(&found[i].key, &key, sizeof key)) return i;
    }
    HOLDS(found_count < STATES_MAX);
    found[found_count] = (struct found){*state, key, from, (uint8_t)by};
    return found_count++;
}

/* The calls that lead to a state, the first one first. */
static unsigned way_to(uint32_t number, enum call *way) {
    unsigned count = 0;
    for (uint32_t at = number; found[at].from != at; at = found[at].from) count++;
    HOLDS(count + 1 < WAY_MAX);
    unsigned left = count;
    for (uint32_t at = number; left; at = found[at].from) way[--left] = (enum call)found[at].by;
    return count;
}

static void walk_to(uint32_t number, enum call call) {
    enum call way[WAY_MAX];
    struct state state = found[0].state;
    unsigned count = way_to(number, way);
    way[count] = call;
    way_here[0] = 0;
    for (unsigned i = 0, at = 0; i <= count && at < sizeof way_here; i++)
        at += (unsigned)snprintf(way_here + at, sizeof way_here - at, " %s;", names[way[i]]);
    for (unsigned i = 0; i < count; i++) {
        world_step(way[i], &state);
        HOLDS(model_step(&state, way[i]));
    }
    world_step(call, &state);
    HOLDS(model_step(&state, call));
    compare(&state);
}

/* The drawing's arrows between states: those that txn.h has, by the calls that lead along them. */
static const uint8_t drawn[4][4] = {
    [ART_TXN_NONE] = {[ART_TXN_BEGUN] = 1, [ART_TXN_CHANGED] = 1, [ART_TXN_SPILLED] = 1}, /* a call may do two */
    [ART_TXN_BEGUN] = {[ART_TXN_NONE] = 1, [ART_TXN_CHANGED] = 1, [ART_TXN_SPILLED] = 1},
    [ART_TXN_CHANGED] = {[ART_TXN_NONE] = 1, [ART_TXN_SPILLED] = 1},
    [ART_TXN_SPILLED] = {[ART_TXN_NONE] = 1, [ART_TXN_CHANGED] = 1},
};
static uint32_t gone[4][4]; /* calls, as bits */

static void check_arrows(void) {
    static const char *const states[] = {"NONE", "BEGUN", "CHANGED", "SPILLED"};
    for (int from = 0; from < 4; from++) {
        for (int to = 0; to < 4; to++) {
            if (from == to) continue;
            ck_assert_msg(drawn[from][to] == (gone[from][to] != 0), "%s -> %s", states[from], states[to]);
            if (!getenv("ART_STATES") || !gone[from][to]) continue;
            printf("%-8s -> %-8s", states[from], states[to]);
            for (int call = 0; call < CALLS; call++) {
                if (gone[from][to] >> call & 1) printf("  %s", names[call]);
            }
            printf("\n");
        }
    }
}

LOOP_TEST(test_a_transaction_is_where_the_model_says_whatever_came_before, 2) {
    uint32_t tried = 0, left_out = 0;
    scope = scopes[_i];
    found = calloc(STATES_MAX, sizeof *found);
    found_count = 0;
    memset(gone, 0, sizeof gone);
    find_or_add(&(struct state){0}, 0, 0);
    for (uint32_t i = 0; i < found_count; i++) {
        for (enum call call = 0; call < CALLS; call++) {
            struct state next = found[i].state;
            if (!model_step(&next, call)) continue;
            gone[found[i].state.txn][next.txn] |= 1u << call;
            find_or_add(&next, i, call);
            if (left_out && left_out--) continue; /* make check tries some of the calls, check-all each */
            world_make(_i);
            walk_to(i, call);
            world_end();
            tried++;
            left_out = random_stride() - 1;
        }
    }
    check_arrows();
    printf("%u states, %u calls\n", found_count, tried);
    free(found);
}

SUITE("states of a transaction", .seconds = SUITE_FOREVER, .tear_down = small_tree_end)
