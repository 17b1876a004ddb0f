/* The host's cursor: a merge over all sources that hides deletes, stays inside a range, and survives changes of its
 * tree.
 *
 * It remembers the tree's change counter. When that has moved, the cursor finds its place again by its key, which it
 * copies to `key_buffer` first; until then the current row stays what it was, because the cursor holds the memtable and
 * the blobs that it lies in.
 *
 * Most steps stay within a bucket of one run. Then there is mostly no need to look at the key: it is compared with
 * `stop`, and with the key of the source that is next in line, only where it differs from the key before no later than
 * that one did from them. So the rows up to there are taken as one stretch (art_blob_stretch()), in which a step moves
 * a number; the key is fetched when it is asked for, or when the stretch is left.
 *
 * A range is all that lies from one tree key on and before another (art_range_low(), art_range_high()).
 *
 *     stop      a / c
 *     key       a / b / x     agrees = 2    with `stop`
 *               a / b / y     kept = 4      more than agrees: on the same side of `stop` as the key before
 *               a / c / a     kept = 2      compared, from its third byte on
 */
#include <assert.h>

#include "core/base/limits.h"
#include "core/tree/read/cursor.h"

static void link_cursor(struct art_cursor **list, struct art_cursor *cursor) {
    assert(*list != cursor);
    cursor->previous = NULL;
    cursor->next = *list;
    if (*list) (*list)->previous = cursor;
    *list = cursor;
}

static void unlink_cursor(struct art_cursor **list, struct art_cursor *cursor) {
    assert(cursor->previous ? cursor->previous->next == cursor : *list == cursor);
    if (cursor->previous)
        cursor->previous->next = cursor->next;
    else
        *list = cursor->next;
    if (cursor->next) cursor->next->previous = cursor->previous;
}

static void let_go(struct art_cursor *cursor) {
    assert(!cursor->root == !cursor->memtable);
    for (unsigned i = 0; i < cursor->merge.opened; i++) {
        struct art_source *source = &cursor->merge.source[i];
        if (source->is_memtable) art_memtable_cursor_clear(&source->memtable);
        source->is_memtable = false;
        art_run_cursor_reset(&source->run, &(struct art_ref){0}, 0);
    }
    cursor->merge.count = 0;
    art_memtable_unref(cursor->memtable);
    art_root_unref(cursor->root);
    cursor->memtable = NULL;
    cursor->root = NULL;
    cursor->valid = cursor->disordered = false;
    cursor->run = NULL;
    cursor->ahead = 0;
}

static void free_cursor(struct art_cursor *cursor) {
    let_go(cursor);
    art_merge_clear(&cursor->merge);
    art_buffer_clear(&cursor->stop_bytes);
    art_free(cursor->key_buffer);
    art_free(cursor);
}

enum art_rc art_cursor_open(struct art_tree *tree, struct art_cursor **out) {
    struct art_cursor *cursor = tree->idle;
    if (cursor) {
        unlink_cursor(&tree->idle, cursor);
        assert(!cursor->root && !cursor->memtable && cursor->key_buffer);
    } else {
        cursor = art_alloc_zeroed(sizeof *cursor);
        if (!cursor) return art_nomem();
        cursor->key_buffer = art_alloc(ART_KEY_BUFFER);
        if (!cursor->key_buffer) {
            art_free(cursor);
            return art_nomem();
        }
        art_merge_init(&cursor->merge, tree->store, false);
    }
    cursor->tree = tree;
    cursor->valid = false;
    cursor->newer_than = 0;
    cursor->deletes = false;
    art_limits_none(&cursor->limits, NULL);
    cursor->host.choose = NULL;
    cursor->by_terms = false;
    link_cursor(&tree->open, cursor);
    *out = cursor;
    return ART_OK;
}

void art_cursor_close(struct art_cursor *cursor) {
    if (!cursor) return;
    struct art_tree *tree = cursor->tree;
    if (!tree) {
        free_cursor(cursor);
        return;
    }
    let_go(cursor);
    unlink_cursor(&tree->open, cursor);
    link_cursor(&tree->idle, cursor);
    assert(!cursor->root && !cursor->memtable); /* an idle one holds nothing */
}

/* The tree goes: idle cursors are freed, open ones keep only what close() needs. */
void art_cursors_free(struct art_tree *tree) {
    while (tree->idle) {
        struct art_cursor *cursor = tree->idle;
        unlink_cursor(&tree->idle, cursor);
        free_cursor(cursor);
    }
    while (tree->open) {
        struct art_cursor *cursor = tree->open;
        unlink_cursor(&tree->open, cursor);
        let_go(cursor);
        art_merge_clear(&cursor->merge);
        cursor->tree = NULL;
    }
    assert(!tree->idle && !tree->open);
}

/* Does it pass over rows, behind which it does not look? */
static bool is_limited(const struct art_cursor *cursor) {
    return cursor->limits.count || cursor->limits.query_count;
}

/* art_limits.choose of the runs: the host's, and of these those that have what is looked up, noticed. */
static void choose_rows(void *chooser, struct art_bytes block, struct art_row_set *rows) {
    struct art_cursor *cursor = chooser;
    uint32_t before = art_row_set_count(rows);
    if (cursor->host.choose) cursor->host.choose(cursor->host.chooser, block, rows);
    if (cursor->by_terms) art_summary_choose(cursor->limits.summary, block, &cursor->limits, rows);
    cursor->tree->count.chosen++;
    cursor->looked += before;
    assert(art_row_set_count(rows) <= before);
    cursor->leaves_out |= art_row_set_count(rows) < before;
}

/* art_limits.choose_singly, where something is looked up. */
static void choose_among(void *chooser, const struct art_entry *entries, struct art_row_set *rows) {
    struct art_cursor *cursor = chooser;
    cursor->looked += art_row_set_count(rows);
    art_summary_choose_singly(cursor->limits.summary, entries, &cursor->limits, rows);
}

static void take_limits(struct art_cursor *cursor, const struct art_limits *limits) {
    if (limits)
        cursor->limits = *limits;
    else
        art_limits_none(&cursor->limits, NULL);
    cursor->host.choose = cursor->limits.choose;
    cursor->host.chooser = cursor->limits.chooser;
    cursor->limits.chooser = cursor;
}

static void choose_by_limits(struct art_cursor *cursor) {
    struct art_limits *limits = &cursor->limits;
    limits->choose = cursor->by_terms || cursor->host.choose ? choose_rows : NULL;
    limits->choose_singly = cursor->by_terms ? choose_among : NULL;
}

static void limit_run(struct art_cursor *cursor, struct art_run_cursor *run, const struct art_limits *limits) {
    assert(cursor->tree);
    run->limits = limits;
    run->stop = &cursor->stop;
    run->tree = cursor->tree;
}

/* Values are looked up: all runs are passed over as far as nothing is sought there. That may uncover older entries, so
 * each one that is found is asked for in the newer sources. */
static bool goes_by_terms(const struct art_limits *limits) {
    for (unsigned i = 0; i < limits->query_count; i++) {
        if (limits->queries[i].field < ART_FIELD_SEARCHES) return true;
    }
    return false;
}

/* Have so many rows what is looked up that to ask for each costs more than to walk through all that is newer, as with
 * any other limits? */
static bool is_frequent(const struct art_cursor *cursor) {
    return cursor->asked >= ART_LIMIT(asked_least) && cursor->asked * (cursor->root->runs + 2) > 2 * cursor->looked;
}

static void limit_runs(struct art_cursor *cursor) {
    struct art_merge *merge = &cursor->merge;
    if (!art_limits_any(&cursor->limits)) return;
    /* A key has the same terms wherever it is, also as a delete. So all runs may be passed over by them: what is
     * uncovered has another key than those that are sought. */
    struct art_limits *keys = &cursor->of_keys;
    art_limits_none(keys, cursor->limits.summary);
    for (unsigned i = 0; i < cursor->limits.query_count; i++) {
        const struct art_term_query *query = &cursor->limits.queries[i];
        if (query->field == ART_FIELD_KEYS) keys->queries[keys->query_count++] = *query;
    }
    for (unsigned i = 0; i < merge->count; i++) {
        struct art_source *source = &merge->source[i];
        bool oldest = i + 1 == merge->count;
        if (source->is_memtable) continue;
        if (oldest || cursor->asks) {
            limit_run(cursor, &source->run, &cursor->limits);
        } else if (cursor->of_keys.query_count) {
            limit_run(cursor, &source->run, &cursor->of_keys);
        }
    }
}

/* An entry that is passed over may hide an older one, which is not newer, either: art_cursor_take_live() leaves it out.
 * Below the oldest run that is taken nothing is newer, so of that one all may be passed over that is no row, or none
 * that is wanted. Where deletes are wanted they are as good as rows. */
static enum art_rc take_newer_sources(struct art_cursor *cursor, struct art_memtable *memtable) {
    assert(cursor->newer_than && cursor->root);
    const struct art_root *root = cursor->root;
    struct art_run runs[ART_RUNS_CAPACITY];
    unsigned count = 0;
    for (unsigned i = 0; i < root->runs; i++) {
        if (root->run[i].top.csn_max > cursor->newer_than) runs[count++] = root->run[i];
    }
    while (!cursor->deletes && count && art_ref_has_only_deletes(&runs[count - 1].top)) count--;
    enum art_rc rc = art_merge_set(&cursor->merge, memtable, runs, count);
    for (unsigned i = 0; !rc && i < cursor->merge.count; i++) {
        cursor->merge.source[i].run.newer_than = cursor->newer_than;
        cursor->merge.source[i].run.stop = &cursor->stop;
    }
    if (!rc && memtable)
        rc = art_memtable_cursor_newer(&cursor->merge.source[0].memtable, memtable, cursor->newer_than);
    if (!rc && count) {
        struct art_run_cursor *oldest = &cursor->merge.source[cursor->merge.count - 1].run;
        oldest->shadows_nothing = !cursor->deletes;
        limit_runs(cursor);
    }
    return rc;
}

/* Takes the tree's present sources. A source that is empty is left out: most cursors then have only one. */
static enum art_rc take_sources(struct art_cursor *cursor) {
    struct art_tree *tree = cursor->tree;
    let_go(cursor);
    cursor->root = art_root_ref(tree->root);
    cursor->memtable = art_memtable_ref(tree->memtable);
    cursor->changes = tree->changes;
    assert(cursor->root->runs <= ART_RUNS_CAPACITY);
    if (cursor->limits.summary != art_tree_summary(tree)) cursor->limits.count = cursor->limits.query_count = 0;
    cursor->leaves_out = false;
    struct art_memtable *memtable = art_memtable_keys(tree->memtable) ? tree->memtable : NULL;
    cursor->by_terms = !cursor->newer_than && goes_by_terms(&cursor->limits);
    cursor->asks = cursor->by_terms && (memtable || tree->root->runs > 1) && !is_frequent(cursor);
    choose_by_limits(cursor);
    if (cursor->newer_than) return take_newer_sources(cursor, memtable);
    enum art_rc rc = art_merge_set(&cursor->merge, memtable, tree->root->run, tree->root->runs);
    if (!rc) limit_runs(cursor);
    if (!rc && memtable && cursor->asks)
        rc = art_memtable_cursor_choose(&cursor->merge.source[0].memtable, memtable, &cursor->limits);
    return rc;
}

enum art_rc art_cursor_sources(struct art_cursor *cursor, struct art_merge **out) {
    *out = &cursor->merge;
    return take_sources(cursor);
}

static inline void take_row(struct art_cursor *cursor, const struct art_entry *entry) {
    assert(!(entry->flags & ART_DELETE) || cursor->deletes);
    cursor->row.deleted = entry->flags & ART_DELETE;
    cursor->row.stored = art_entry_stored(entry);
    cursor->row.version = entry->csn;
    cursor->row.overflows = entry->flags & ART_OVERFLOW;
}

bool art_cursor_take_live(struct art_cursor *cursor, struct art_source *source) {
    if (!source->is_memtable && !cursor->newer_than) {
        return !(art_blob_cursor_flags(&source->run.leaf) & ART_DELETE);
    }
    struct art_entry entry;
    art_source_entry(source, &entry);
    if (entry.flags & ART_DELETE && !cursor->deletes) return false;
    if (cursor->newer_than && entry.csn <= cursor->newer_than) return false;
    if (source->is_memtable) take_row(cursor, &entry);
    return true;
}

static void note_most(struct art_cursor *cursor) {
    assert(cursor->merge.waiting);
    cursor->agrees.most = cursor->agrees.stop;
    if (art_merge_alone(&cursor->merge)) return;
    uint32_t runner = art_merge_runner(&cursor->merge)->agrees;
    if (runner > cursor->agrees.most) cursor->agrees.most = runner;
}

/* Of a cursor that looks for terms (art_limits.queries) in several sources: *taken, is the entry that this one has come
 * to a row that may have them, and does no newer source hide it? */
static enum art_rc take_if_matching(struct art_cursor *cursor, struct art_source *source, bool *taken) {
    struct art_tree *tree = cursor->tree;
    enum art_rc rc = ART_OK;
    bool hidden = false;
    if (source->is_memtable) {
        struct art_entry entry;
        art_source_entry(source, &entry);
        cursor->looked++;
        *taken = art_summary_seeks(cursor->limits.summary, &entry, &cursor->limits);
        if (*taken) take_row(cursor, &entry);
        return ART_OK;
    }
    *taken = art_blob_is_chosen(&source->run.leaf, cursor->backward);
    if (!*taken) return ART_OK;
    cursor->asked++;
    unsigned run = (unsigned)(source - cursor->merge.source) - cursor->merge.source[0].is_memtable;
    assert(!cursor->newer_than); /* else sources are left out, and this is another run's number */
    struct art_bytes key = art_bound_key(tree->second_key, source->key, false);
    rc = art_tree_is_hidden(tree, key, run, &hidden, NULL);
    *taken = !rc && !hidden;
    return rc;
}

void art_cursor_stand_on(struct art_cursor *cursor, struct art_source *source) {
    assert(source == art_merge_winner(&cursor->merge) && cursor->changes == cursor->tree->changes);
    cursor->valid = true;
    cursor->run = source->is_memtable ? NULL : source;
    cursor->ahead = 0;
    note_most(cursor);
}

static const struct art_bytes by_step = {0};

/* To the first live row of the range, from where the merge stands on. `kept`: so many bytes its key has in common with
 * one that was in the range. `from`: no row lies between it and where the merge stands; by_step: the merge has come
 * from a row. */
static enum art_rc reach_row(struct art_cursor *cursor, uint32_t kept, struct art_bytes from) {
    struct art_merge *merge = &cursor->merge;
    unsigned passed = 0;
    cursor->valid = false;
    for (; merge->valid; kept = merge->kept) {
        struct art_source *source = art_merge_winner(merge);
        if (kept <= cursor->agrees.stop && !art_cursor_has(cursor, source->key, kept)) return ART_OK;
        bool taken = false;
        enum art_rc rc = ART_OK;
        if (cursor->asks)
            rc = take_if_matching(cursor, source, &taken);
        else
            taken = art_cursor_take_live(cursor, source);
        if (taken) art_cursor_stand_on(cursor, source);
        if (rc || taken) return rc;
        /* Else not all that is passed is deleted. */
        bool steps = ++passed < ART_LIMIT(gap_deletes) || cursor->newer_than || is_limited(cursor);
        if (passed % ART_LIMIT(ask_entries) == 0) rc = art_tree_interrupted(cursor->tree);
        if (!rc) rc = steps ? art_merge_step(merge, cursor->backward) : art_cursor_cross_gap(cursor, from);
        if (rc || !steps) return rc;
    }
    return ART_OK;
}

/* To the first row from the key in `key_buffer` on, or the first behind it. */
static enum art_rc seek_buffered_key(struct art_cursor *cursor, uint32_t len, bool at) {
    assert(len && cursor->tree);
    struct art_merge *merge = &cursor->merge;
    struct art_bytes key = art_bytes(cursor->key_buffer, len), begin = key;
    bool passes = art_cursor_pass_gap(cursor, &begin, at);
    enum art_rc rc = art_merge_seek(merge, begin, cursor->backward);
    if (!rc && !at && !passes && merge->valid && art_bytes_equal(art_merge_winner(merge)->key, key))
        rc = art_merge_step(merge, cursor->backward);
    return rc ? rc : reach_row(cursor, 0, art_bytes(key.data, len + (at == cursor->backward)));
}

enum art_rc art_cursor_seek(struct art_cursor *cursor, const struct art_range *range, bool descending) {
    cursor->valid = false;
    if (!cursor->tree) return art_fail(ART_MISUSE, "art: the table was closed under an open cursor");
    enum art_rc rc = art_tree_ready(cursor->tree);
    cursor->newer_than = range->newer_than;
    cursor->deletes = range->deletes && range->newer_than;
    take_limits(cursor, range->limits);
    cursor->looked = cursor->asked = 0;
    if (!rc) rc = take_sources(cursor);
    if (rc) return rc;
    cursor->backward = descending;
    struct art_bytes stop =
        descending ? art_range_low(cursor->key_buffer, range) : art_range_high(cursor->key_buffer, range);
    rc = art_buffer_set(&cursor->stop_bytes, stop.data, stop.len + ART_KEY_PADDING); /* it is searched for */
    if (rc) return rc;
    cursor->stop = art_bytes(cursor->stop_bytes.data, stop.len);
    struct art_bytes start =
        descending ? art_range_high(cursor->key_buffer, range) : art_range_low(cursor->key_buffer, range);
    return seek_buffered_key(cursor, start.len, !descending);
}

/* The tree has changed: to the first entry behind the present key, in today's sources. */
static enum art_rc __attribute__((noinline)) seek_again(struct art_cursor *cursor, struct art_bytes key) {
    assert(key.len);
    cursor->valid = false;
    enum art_rc rc = art_tree_ready(cursor->tree);
    if (rc) return rc;
    if (key.data != cursor->key_buffer) memcpy(cursor->key_buffer, key.data, key.len);
    memset(cursor->key_buffer + key.len, 0, ART_KEY_PADDING);
    key.data = cursor->key_buffer;
    rc = take_sources(cursor);
    return rc ? rc : seek_buffered_key(cursor, key.len, false);
}

/* A forked child may come to the end of what is in memory, but no scan of its ends well. */
static enum art_rc refuse_child(struct art_cursor *cursor) {
    return art_store_forked(cursor->tree->store) ? art_tree_ready(cursor->tree) : ART_OK;
}

static enum art_rc reach_row_after(struct art_cursor *cursor, enum art_rc rc) {
    if (!rc) return reach_row(cursor, cursor->merge.kept, by_step);
    cursor->valid = false;
    return rc;
}

/* The step that leaves the bucket, or meets a delete; and each step of a cursor that asks for rows in newer sources. */
static enum art_rc __attribute__((noinline)) next_of_merge(struct art_cursor *cursor) {
    art_store_relax(cursor->tree->store); /* else a scan would keep all that it has passed */
    enum art_rc rc = refuse_child(cursor);
    return reach_row_after(cursor, rc ? rc : art_merge_step(&cursor->merge, cursor->backward));
}

/* From a row in the memtable. */
static enum art_rc next_of_memtable(struct art_cursor *cursor) {
    struct art_merge *merge = &cursor->merge;
    struct art_source *source = art_merge_winner(merge);
    assert(source->is_memtable && source->valid);
    enum art_rc rc = art_source_step(source, cursor->backward);
    uint32_t kept = source->memtable.kept;
    if (!rc && source->valid && kept > cursor->agrees.most && art_cursor_take_live(cursor, source)) return ART_OK;
    if (!rc) rc = refuse_child(cursor);
    if (!rc) rc = art_merge_moved(merge, kept, cursor->backward);
    if (merge->passed) art_store_relax(cursor->tree->store); /* as in next_of_merge(), of what the memtable hides */
    return reach_row_after(cursor, rc);
}

enum art_rc art_cursor_catch_up(struct art_cursor *cursor) {
    struct art_source *source = cursor->run;
    if (!source) return ART_OK;
    struct art_blob_cursor *leaf = &source->run.leaf;
    enum art_rc rc = leaf->keyed == leaf->entry ? ART_OK : art_blob_catch_up(leaf);
    source->key = art_run_key(&source->run);
    if (rc) cursor->valid = false;
    return rc;
}

/* From a row in a run that is no stretch's, or a stretch's last. */
static enum art_rc next_of_run(struct art_cursor *cursor) {
    struct art_source *source = cursor->run;
    struct art_blob_cursor *leaf = &source->run.leaf;
    struct art_merge *merge = &cursor->merge;
    bool backward = cursor->backward;
    if (!art_blob_steps_singly(leaf, backward, cursor->agrees.most)) {
        uint32_t count = art_blob_stretch(leaf, backward, cursor->agrees.most, cursor->deletes ? 0 : ART_DELETE);
        if (count) {
            cursor->tree->count.stretches++;
            cursor->ahead = count - 1;
            art_blob_pass(leaf, backward);
            return ART_OK;
        }
        if (art_blob_is_last(leaf, backward)) return next_of_merge(cursor);
    }
    enum art_rc rc = backward ? art_blob_prev(leaf) : art_blob_next(leaf);
    uint32_t kept = leaf->kept;
    source->key = art_run_key(&source->run);
    if (rc) return reach_row_after(cursor, rc);
    assert(leaf->valid);
    /* Does another source come first now, or has the range ended? */
    bool moved = !art_merge_alone(merge) && kept <= art_merge_runner(merge)->agrees;
    if (moved) {
        rc = art_merge_moved(merge, kept, backward);
        if (rc || art_merge_winner(merge) != source) return reach_row_after(cursor, rc);
    }
    if (!art_cursor_take_live(cursor, source))
        return reach_row_after(cursor, moved ? ART_OK : art_merge_moved(merge, kept, backward));
    if (kept <= cursor->agrees.stop) cursor->valid = art_cursor_has(cursor, source->key, kept);
    note_most(cursor);
    return ART_OK;
}

/* From a row that newer sources were asked for. */
static enum art_rc next_found(struct art_cursor *cursor) {
    if (!is_frequent(cursor)) return next_of_merge(cursor);
    cursor->tree->count.walked++;
    return seek_again(cursor, art_merge_winner(&cursor->merge)->key);
}

/* Here nearly every row of every scan comes by: what is rarer has functions of its own. */
static enum art_rc __attribute__((noinline)) next_of_any(struct art_cursor *cursor) {
    if (!cursor->valid) return ART_OK; /* so since the tree was closed */
    assert(cursor->tree);
    bool changed = cursor->changes != cursor->tree->changes;
    enum art_rc rc = changed || cursor->disordered ? art_cursor_catch_up(cursor) : ART_OK;
    if (rc) return rc;
    if (changed) return seek_again(cursor, art_merge_winner(&cursor->merge)->key);
    if (cursor->asks) return next_found(cursor);
    return cursor->run ? next_of_run(cursor) : next_of_memtable(cursor);
}

bool art_cursor_pass(struct art_cursor *cursor) {
    if (__builtin_expect(!cursor->ahead || cursor->changes != cursor->tree->changes, 0)) return false;
    cursor->ahead--;
    art_blob_pass(&cursor->run->run.leaf, cursor->backward);
    return true;
}

uint32_t art_cursor_pass_unwanted(struct art_cursor *cursor, bool (*wants)(void *context, struct art_bytes value),
                                  void *context) {
    if (!cursor->ahead || cursor->changes != cursor->tree->changes) return 0;
    uint32_t passed = art_blob_pass_unwanted(&cursor->run->run.leaf, cursor->backward, cursor->ahead, wants, context);
    cursor->ahead -= passed;
    return passed;
}

enum art_rc art_cursor_next(struct art_cursor *cursor) {
    return art_cursor_pass(cursor) ? ART_OK : next_of_any(cursor);
}

enum art_rc art_cursor_skip_prefix(struct art_cursor *cursor, uint32_t len) {
    if (!cursor->valid) return ART_OK;
    enum art_rc rc = art_cursor_catch_up(cursor);
    if (rc) return rc;
    struct art_bytes key = art_merge_winner(&cursor->merge)->key;
    uint32_t n = len + 1; /* the name space's byte */
    if (n > key.len) return art_cursor_next(cursor);
    cursor->valid = false;
    assert(n <= ART_KEY_BUFFER - ART_KEY_PADDING);
    memcpy(cursor->key_buffer, key.data, n);
    if (cursor->backward) return seek_again(cursor, art_bytes(cursor->key_buffer, n));
    while (n > 1 && cursor->key_buffer[n - 1] == 0xff) n--;
    cursor->key_buffer[n - 1]++;
    memset(cursor->key_buffer + n, 0, ART_KEY_PADDING);
    struct art_bytes behind = art_bytes(cursor->key_buffer, n);
    rc = art_tree_ready(cursor->tree);
    if (rc) return rc;
    if (cursor->changes == cursor->tree->changes) {
        struct art_bytes begin = behind;
        bool passes = art_cursor_pass_gap(cursor, &begin, true);
        rc = art_merge_skip(&cursor->merge, passes ? UINT32_MAX : len + 1, begin);
        if (!rc) rc = reach_row(cursor, 0, behind);
    } else {
        rc = take_sources(cursor);
        if (!rc) rc = seek_buffered_key(cursor, behind.len, true);
    }
    return rc;
}

bool art_cursor_valid(const struct art_cursor *cursor) {
    return cursor->valid;
}

static struct art_bytes __attribute__((noinline)) key_in_memtable(struct art_cursor *cursor) {
    struct art_bytes key = art_merge_winner(&cursor->merge)->key;
    return art_bytes(key.data + 1, key.len - 1);
}

static inline struct art_bytes key_in_run(struct art_cursor *cursor, struct art_blob_cursor *leaf, enum art_rc *rc) {
    *rc = ART_OK;
    if (leaf->keyed != leaf->entry) *rc = art_blob_catch_up(leaf);
    if (__builtin_expect(*rc != ART_OK, 0)) {
        cursor->disordered = true; /* the next step says it; the row's value is where it was */
        cursor->ahead = 0;
        leaf->valid = true;
    }
    leaf->key[leaf->key_len] = 0;
    return art_bytes(leaf->key + 1, leaf->key_len - 1);
}

struct art_bytes art_cursor_key(struct art_cursor *cursor) {
    struct art_source *source = cursor->run;
    enum art_rc rc;
    return __builtin_expect(source != NULL, 1) ? key_in_run(cursor, &source->run.leaf, &rc) : key_in_memtable(cursor);
}

/* The keys of a bucket are looked through together, where a stretch says that it is worth while. */
enum art_rc art_cursor_text(struct art_cursor *cursor, struct art_bytes *key, bool *has_no_nul) {
    struct art_source *source = cursor->run;
    enum art_rc rc;
    *has_no_nul = false;
    if (__builtin_expect(!source, 0)) {
        *key = key_in_memtable(cursor);
        return ART_OK;
    }
    struct art_blob_cursor *leaf = &source->run.leaf;
    *has_no_nul = leaf->nuls ? leaf->nuls == ART_NULS_NONE : cursor->ahead && art_blob_has_no_nul(leaf);
    *key = key_in_run(cursor, leaf, &rc);
    return rc;
}

bool art_cursor_value(struct art_cursor *cursor, struct art_stored *out) {
    assert(cursor->valid);
    const struct art_source *source = cursor->run;
    if (source) {
        struct art_entry entry;
        art_blob_cursor_value(&source->run.leaf, &entry);
        *out = art_entry_stored(&entry);
        return !(entry.flags & ART_OVERFLOW);
    }
    *out = cursor->row.stored;
    return !cursor->row.overflows;
}

/* A visit to a bucket that a source is at. Of a merge's sources only the place stays, whatever run they are of. */
static inline uint64_t visit_of(const struct art_cursor *cursor, const struct art_source *source) {
    enum { PLACE_BITS = 24 };
    _Static_assert(sizeof cursor->merge.source < (size_t)1 << PLACE_BITS, "a source's place, in bytes");
    return source->run.leaf.visits << PLACE_BITS |
           (uint64_t)((const char *)source - (const char *)cursor->merge.source);
}

uint64_t art_cursor_visit(const struct art_cursor *cursor) {
    return cursor->run ? visit_of(cursor, cursor->run) : 0;
}

int art_cursor_row_of_visit(const struct art_cursor *cursor, uint64_t visit) {
    const struct art_source *source = cursor->run;
    if (!source || visit_of(cursor, source) != visit) return -1;
    const struct art_blob_cursor *leaf = &source->run.leaf;
    return art_blob_cursor_flags(leaf) & ART_OVERFLOW ? -1 : (int)leaf->entry;
}

const struct art_row *art_cursor_row(struct art_cursor *cursor) {
    assert(cursor->valid);
    struct art_source *source = art_merge_winner(&cursor->merge);
    if (!source->is_memtable) {
        struct art_entry entry;
        art_source_entry(source, &entry);
        take_row(cursor, &entry);
    }
    return &cursor->row;
}
