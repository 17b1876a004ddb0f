/* The log under the check: row by row, and then against what is in memory.
 *
 * A row that is not what it should be is passed over; the hash that it claims is taken for its successor's sake, so
 * that each bad row is named once. What the rows say is replayed until the first such row.
 */
#include "core/tree/check/check.h"

#include <assert.h>

static const char *const the_log = "the log";

struct log_check {
    struct art_checker *checker;
    int64_t last; /* number of the row before; -1: none */
    int64_t left; /* of the last row before the root that was seen; 0: none */
    uint64_t left_rows;
    bool any, chain; /* the hash of the row before is known */
};

#define SAY(...) art_check_say(log->checker, the_log, ART_NOWHERE, ART_NOWHERE, __VA_ARGS__)

static enum art_rc take_root_row(struct log_check *log, struct art_bytes ops) {
    struct art_checker *checker = log->checker;
    assert(!checker->log_root);
    enum art_rc rc = art_root_decode(ops, &checker->log_root);
    if (rc) return art_check_note(checker, rc);
    checker->log_csn = checker->log_root->csn;
    checker->log_chain = checker->log_root->chain;
    checker->log_whole = log->chain = true;
    return ART_OK;
}

/* The root's flush has left it to be overwritten: nobody reads what it says. */
static bool is_left(const struct log_check *log, int64_t csn) {
    const struct art_root *root = log->checker->log_root;
    return root && csn > 0 && (uint64_t)csn <= root->csn;
}

static enum art_rc check_left_rows(struct log_check *log) {
    const struct art_root *root = log->checker->log_root;
    if (!root || !log->checker->log_whole) return ART_OK;
    uint64_t expected = art_root_left(root, log->checker->log_csn);
    if (log->left_rows == expected && (!expected || (uint64_t)log->left == root->csn - 1)) return ART_OK;
    return SAY("of the rows before the root, which has %llu, %llu are left, and should be %llu",
               (unsigned long long)root->csn, (unsigned long long)log->left_rows, (unsigned long long)expected);
}

static enum art_rc check_number(struct log_check *log, int64_t csn) {
    struct art_checker *checker = log->checker;
    if (csn < 0) return SAY("a row has the number %lld", (long long)csn);
    if (csn <= log->last) return SAY("row %lld comes behind row %lld", (long long)csn, (long long)log->last);
    bool left = is_left(log, csn);
    if (left ? !log->left : !log->chain) return ART_OK;
    uint64_t expected = (left ? (uint64_t)log->left : checker->log_csn) + 1;
    if (csn == 0 || (uint64_t)csn == expected) return ART_OK;
    checker->log_whole = log->chain = false;
    return SAY("row %llu is missing", (unsigned long long)expected);
}

/* Behind a missing row the hash cannot be verified: it is taken as it is. */
static enum art_rc check_row(struct log_check *log, int64_t csn, struct art_bytes ops) {
    struct art_checker *checker = log->checker;
    struct art_hash128 hash = {0};
    assert(csn > 0 && csn == log->last);
    if (ops.len >= sizeof hash) memcpy(&hash, ops.data, sizeof hash);
    enum art_rc rc = log->chain ? art_redo_verify(ops, (uint64_t)csn, checker->log_chain, &hash) : ART_OK;
    if (rc == ART_REBUILD) {
        rc = art_corrupt(the_log, ART_NOWHERE, ART_NOWHERE, "row %lld does not follow the row before it",
                         (long long)csn);
    }
    if (rc) checker->log_whole = false;
    if (checker->log_whole) rc = art_redo_replay(ops, (uint64_t)csn, checker->log_memtable);
    checker->log_csn = (uint64_t)csn;
    checker->log_chain = hash;
    log->chain = true;
    return art_check_note(checker, rc);
}

static enum art_rc take_log_row(void *context, int64_t csn, struct art_bytes ops) {
    struct log_check *log = context;
    enum art_rc rc = check_number(log, csn);
    if (rc || csn < 0 || csn <= log->last) return rc;
    if (is_left(log, csn)) {
        log->left = csn;
        log->left_rows++;
        return art_tree_interrupted(log->checker->tree);
    }
    if (!log->any && csn != 0) rc = SAY("the root is missing");
    log->any = true;
    if (rc) return rc;
    log->last = csn;
    rc = csn ? check_row(log, csn, ops) : take_root_row(log, ops);
    return rc ? rc : art_tree_interrupted(log->checker->tree);
}

/* --- against memory ----------------------------------------------------------------------------------------------- */

static bool same_root(const struct art_root *a, const struct art_root *b, enum art_rc *rc) {
    struct art_buffer one = {0}, two = {0};
    *rc = art_root_encode(a, &one);
    if (!*rc) *rc = art_root_encode(b, &two);
    bool same = !*rc && art_bytes_equal(art_buffer_bytes(&one), art_buffer_bytes(&two));
    art_buffer_clear(&one);
    art_buffer_clear(&two);
    return same;
}

static bool same_entry(const struct art_memtable_cursor *a, const struct art_memtable_cursor *b) {
    assert(a->valid && b->valid);
    struct art_entry one, two;
    art_memtable_cursor_entry(a, &one);
    art_memtable_cursor_entry(b, &two);
    return art_bytes_equal(a->key, b->key) && one.csn == two.csn && one.flags == two.flags &&
           art_bytes_equal(one.value, two.value);
}

static bool same_memtable(const struct art_memtable *a, const struct art_memtable *b, enum art_rc *rc) {
    struct art_memtable_cursor one, two;
    art_memtable_cursor_init(&one, a);
    art_memtable_cursor_init(&two, b);
    *rc = art_memtable_first(&one);
    if (!*rc) *rc = art_memtable_first(&two);
    bool same = true;
    while (!*rc && same && (one.valid || two.valid)) {
        same = one.valid && two.valid && same_entry(&one, &two);
        if (same) *rc = art_memtable_next(&one);
        if (same && !*rc) *rc = art_memtable_next(&two);
    }
    art_memtable_cursor_clear(&one);
    art_memtable_cursor_clear(&two);
    return same;
}

/* A transaction that has changed something is ahead of the log. */
static enum art_rc check_memory(struct art_checker *checker) {
    const struct art_tree *tree = checker->tree;
    assert(checker->log_memtable);
    enum art_rc rc = ART_OK;
    if (!art_tree_is_known(tree) || art_tree_in_txn(tree) || !checker->log_whole) return ART_OK;
    const char *what = NULL;
    if (tree->csn != checker->log_csn || !art_hash128_equal(tree->chain, checker->log_chain)) {
        what = "this connection stands at another row than the log's last";
    } else if (!same_root(tree->root, checker->log_root, &rc) && !rc) {
        what = "this connection has another root than the log";
    } else if (!rc && !same_memtable(tree->memtable, checker->log_memtable, &rc) && !rc) {
        what = "this connection has other rows in memory than the log";
    }
    return what ? art_check_say(checker, the_log, ART_NOWHERE, ART_NOWHERE, "%s", what) : rc;
}

enum art_rc art_check_log(struct art_checker *checker) {
    assert(!checker->log_root && !checker->log_memtable);
    const struct art_host *host = &checker->tree->host;
    struct log_check check = {.checker = checker, .last = -1}, *log = &check;
    enum art_rc rc = art_memtable_open_summed(&checker->log_memtable, art_tree_summary(checker->tree));
    if (rc || !host->each_log_row) return rc;
    rc = art_check_note(checker, host->each_log_row(host->context, take_log_row, log));
    if (!rc && !log->any) rc = SAY("it has no rows, not even row 0 with the root");
    if (!rc) rc = check_left_rows(log);
    if (!rc && log->last == 0 && checker->log_root && checker->log_root->followed) {
        rc = SAY("the rows behind the root were deleted");
    }
    return rc ? rc : check_memory(checker);
}

#undef SAY
