/* Sources side by side, newest first.
 *
 *     memtable   . . b . . e . .        The merge stands on the smallest (backward: largest) key. Where several sources
 *     run 0      . . b c . . . .        hold it, the newest is the winner and the others are moved past it at once, so
 *     run 1      a . b . d . . .        that a step only moves the winner.
 *
 * All sources that have a key stand in line by it. Each knows how many bytes its key shares with the one before it in
 * line, so that most keys need not be compared: two numbers tell which is first (W. Ng and K. Kakehi, "Merging String
 * Sequences by Longest Common Prefixes", IPSJ Digital Courier 4, 2008).
 *
 *     winner   usr/bin/ls
 *     runner   usr/lib/a      agrees = 4      A key that shares 8 bytes with the winner's, and comes after it, comes
 *              usr/lib/b      agrees = 8      before the runner's; one that shares 1, after both others.
 */
#include "core/tree/run/run.h"

void art_merge_init(struct art_merge *merge, struct art_store *store, bool plain) {
    memset(merge, 0, sizeof *merge);
    merge->store = store;
    merge->plain = plain;
}

void art_merge_clear(struct art_merge *merge) {
    for (unsigned i = 0; i < merge->opened; i++) {
        art_run_cursor_close(&merge->source[i].run);
        if (merge->source[i].is_memtable) art_memtable_cursor_clear(&merge->source[i].memtable);
    }
    art_buffer_clear(&merge->stored);
    merge->count = merge->opened = merge->waiting = 0;
    merge->valid = false;
}

enum art_rc art_merge_set(struct art_merge *merge, struct art_memtable *memtable, const struct art_run *runs,
                          unsigned count) {
    unsigned want = count + (memtable ? 1 : 0);
    assert(want <= ART_RUNS_CAPACITY + 1);
    merge->valid = false;
    merge->count = merge->waiting = 0;
    while (merge->opened < want) {
        enum art_rc rc = art_run_cursor_open(&merge->source[merge->opened].run, merge->store);
        if (rc) return rc;
        merge->source[merge->opened++].run.plain = merge->plain;
    }
    unsigned n = 0;
    for (unsigned i = 0; i < merge->opened; i++) {
        if (merge->source[i].is_memtable) art_memtable_cursor_clear(&merge->source[i].memtable);
        merge->source[i].is_memtable = false;
        merge->source[i].valid = false;
    }
    if (memtable) {
        art_memtable_cursor_init(&merge->source[n].memtable, memtable);
        merge->source[n++].is_memtable = true;
    }
    for (unsigned i = 0; i < count; i++) art_run_cursor_reset(&merge->source[n++].run, &runs[i].top, 0);
    merge->count = n;
    assert(n == want && n <= merge->opened);
    return ART_OK;
}

static inline void source_note(struct art_source *source) {
    if (source->is_memtable) {
        source->valid = source->memtable.valid;
        source->key = source->memtable.key;
    } else {
        source->valid = source->run.valid;
        source->key = art_run_key(&source->run);
    }
}

static inline enum art_rc source_step(struct art_source *source, bool backward) {
    enum art_rc rc;
    if (source->is_memtable) {
        rc = backward ? art_memtable_prev(&source->memtable) : art_memtable_next(&source->memtable);
    } else {
        rc = backward ? art_run_prev(&source->run) : art_run_next(&source->run);
    }
    source_note(source);
    return rc;
}

/* Behind a step: so many bytes of the key are what they were. */
static inline uint32_t source_kept(const struct art_source *source) {
    return source->is_memtable ? source->memtable.kept : source->run.leaf.kept;
}

enum art_rc art_source_seek(struct art_source *source, struct art_bytes key, bool backward) {
    enum art_rc rc;
    if (source->is_memtable) {
        struct art_memtable_cursor *at = &source->memtable;
        if (!key.data)
            rc = backward ? art_memtable_last(at) : art_memtable_first(at);
        else
            rc = backward ? art_memtable_seek_le(at, key) : art_memtable_seek_ge(at, key);
    } else {
        struct art_run_cursor *at = &source->run;
        if (!key.data)
            rc = backward ? art_run_last(at) : art_run_first(at);
        else
            rc = backward ? art_run_seek_le(at, key) : art_run_seek_ge(at, key);
    }
    source_note(source);
    return rc;
}

enum art_rc art_source_step(struct art_source *source, bool backward) {
    assert(source->valid);
    return source_step(source, backward);
}

/* --- the line ----------------------------------------------------------------------------------------------------- */

/* Is the key of source `a` before that of source `b`? They share `known` bytes, and *shared in all. */
static inline bool comes_before(const struct art_merge *merge, unsigned a, unsigned b, uint32_t known, bool backward,
                                uint32_t *shared) {
    int c = art_bytes_compare_from(merge->source[a].key, merge->source[b].key, known, shared);
    return c ? (c < 0) != backward : a < b;
}

static inline void leave_line(struct art_merge *merge, unsigned index) {
    assert(index < merge->waiting);
    merge->waiting--;
    for (; index < merge->waiting; index++) merge->line[index] = merge->line[index + 1];
}

static inline void enter_line(struct art_merge *merge, unsigned index, unsigned number) {
    assert(index <= merge->waiting && merge->waiting < merge->count && merge->source[number].valid);
    for (unsigned i = merge->waiting++; i > index; i--) merge->line[i] = merge->line[i - 1];
    merge->line[index] = (uint8_t)number;
}

/* Its turn comes after some work on other rows. */
static inline void prefetch(const struct art_source *source) {
    if (source->is_memtable)
        art_memtable_cursor_prefetch(&source->memtable);
    else
        art_blob_cursor_prefetch(&source->run.leaf);
}

/* Into line somewhere behind the winner, with whose key its own shares `agrees` bytes. From index to index `agrees`
 * becomes what it shares with the key before that index. */
static void stand_behind(struct art_merge *merge, unsigned number, uint32_t agrees, bool backward) {
    assert(merge->waiting && merge->source[number].valid);
    struct art_source *source = merge->source;
    unsigned index = 1;
    for (; index < merge->waiting; index++) {
        struct art_source *here = &source[merge->line[index]];
        if (here->agrees < agrees) break;
        if (here->agrees > agrees) continue;
        uint32_t shared;
        if (comes_before(merge, number, merge->line[index], agrees, backward, &shared)) {
            here->agrees = shared;
            break;
        }
        agrees = shared;
    }
    source[number].agrees = agrees;
    enter_line(merge, index, number);
    prefetch(&source[number]);
}

/* Into line wherever its key belongs. */
static void stand(struct art_merge *merge, unsigned number, bool backward) {
    uint32_t shared = 0;
    if (merge->waiting && !comes_before(merge, number, merge->line[0], 0, backward, &shared)) {
        stand_behind(merge, number, shared, backward);
        return;
    }
    if (merge->waiting) merge->source[merge->line[0]].agrees = shared;
    enter_line(merge, 0, number);
    prefetch(&merge->source[number]);
}

static void line_up(struct art_merge *merge, bool backward) {
    merge->waiting = merge->kept = 0;
    for (unsigned i = 0; i < merge->count; i++) {
        if (merge->source[i].valid) stand(merge, i, backward);
    }
    assert(merge->waiting <= merge->count);
}

/* The winner stands on another key, of which `kept` bytes are what they were, or at its end. */
static inline void winner_moved(struct art_merge *merge, uint32_t kept, bool backward) {
    assert(merge->waiting);
    unsigned number = merge->line[0];
    bool ended = !merge->source[number].valid;
    merge->kept = kept;
    if (art_merge_alone(merge)) {
        merge->waiting = !ended;
        return;
    }
    uint32_t runner = art_merge_runner(merge)->agrees, shared;
    if (!ended) {
        if (kept > runner) return;
        if (comes_before(merge, number, merge->line[1], kept, backward, &shared)) {
            merge->source[merge->line[1]].agrees = shared;
            return;
        }
    }
    merge->kept = runner;
    leave_line(merge, 0);
    if (!ended) stand_behind(merge, number, shared, backward);
}

/* Does the source at this index in line, before which all do, hold the winner's key, too? */
static inline bool is_tied(const struct art_merge *merge, unsigned index) {
    assert(index && index < merge->waiting);
    const struct art_source *source = &merge->source[merge->line[index]];
    return source->agrees == source->key.len && source->key.len == merge->source[merge->line[0]].key.len;
}

/* The runner, which held the winner's key, has left it. */
static void runner_left(struct art_merge *merge, bool backward) {
    assert(merge->waiting > 1);
    unsigned number = merge->line[1];
    struct art_source *source = &merge->source[number];
    uint32_t shared;
    leave_line(merge, 1);
    if (!source->valid) return;
    art_bytes_compare_from(source->key, art_merge_winner(merge)->key, source_kept(source), &shared);
    stand_behind(merge, number, shared, backward);
}

/* What the winner hides goes on. */
static inline enum art_rc pass_hidden(struct art_merge *merge, bool backward) {
    merge->passed = false;
    while (merge->waiting > 1 && is_tied(merge, 1)) {
        enum art_rc rc = source_step(&merge->source[merge->line[1]], backward);
        if (rc) return rc;
        merge->passed = true;
        runner_left(merge, backward);
    }
    merge->valid = merge->waiting;
    assert(!merge->valid || art_merge_winner(merge)->valid);
    return ART_OK;
}

/* All sources have been led to `key`, or to what comes first behind it, or backward before it. The first in line tells
 * for all: a walk that goes on by searches would never end if one of them led back. In a forged blob, with its keys in
 * no order and its hashes right, a search may lead anywhere. */
static enum art_rc begin_at(struct art_merge *merge, struct art_bytes key, bool backward) {
    line_up(merge, backward);
    int c = merge->waiting && key.data ? art_bytes_compare(art_merge_winner(merge)->key, key) : 0;
    if (backward ? c <= 0 : c >= 0) return pass_hidden(merge, backward);
    const struct art_source *source = art_merge_winner(merge);
    const struct art_blob *leaf = source->is_memtable ? NULL : source->run.leaf.blob;
    return art_corrupt(leaf ? leaf->file : NULL, leaf ? leaf->slot : ART_NOWHERE, ART_NOWHERE,
                       "a search for a later key leads back");
}

enum art_rc art_merge_seek(struct art_merge *merge, struct art_bytes key, bool backward) {
    merge->valid = false;
    for (unsigned i = 0; i < merge->count; i++) {
        enum art_rc rc = art_source_seek(&merge->source[i], key, backward);
        if (rc) return rc;
    }
    return begin_at(merge, key, backward);
}

/* What is not before `behind` stays. All else begins as the present key does, which is the first of all. */
enum art_rc art_merge_skip(struct art_merge *merge, uint32_t len, struct art_bytes behind) {
    assert(merge->valid);
    merge->valid = false;
    for (unsigned i = 0; i < merge->count; i++) {
        struct art_source *source = &merge->source[i];
        if (!source->valid || art_bytes_compare(source->key, behind) >= 0) continue;
        enum art_rc rc = source->is_memtable ? art_memtable_seek_ge(&source->memtable, behind)
                                             : art_run_skip(&source->run, len, behind);
        source_note(source);
        if (rc) return rc;
    }
    return begin_at(merge, behind, false);
}

enum art_rc art_merge_seek_rank(struct art_merge *merge, int64_t rank) {
    struct art_source *source = &merge->source[0];
    assert(merge->count == 1 && !source->is_memtable);
    merge->valid = false;
    enum art_rc rc = art_run_seek_rank(&source->run, rank);
    source_note(source);
    if (rc) return rc;
    line_up(merge, false);
    return pass_hidden(merge, false);
}

enum art_rc art_merge_moved(struct art_merge *merge, uint32_t kept, bool backward) {
    assert(merge->valid);
    merge->valid = false;
    winner_moved(merge, kept, backward);
    return pass_hidden(merge, backward);
}

enum art_rc art_merge_step(struct art_merge *merge, bool backward) {
    struct art_source *winner = art_merge_winner(merge);
    assert(merge->valid && winner->valid);
    ART_AT(ART_EVENT_STEP);
    merge->valid = false;
    enum art_rc rc = source_step(winner, backward);
    if (rc) return rc;
    winner_moved(merge, source_kept(winner), backward);
    return pass_hidden(merge, backward);
}

void art_source_entry(struct art_source *source, struct art_entry *out) {
    assert(source->valid);
    if (source->is_memtable)
        art_memtable_cursor_entry(&source->memtable, out);
    else
        art_blob_cursor_entry(&source->run.leaf, out);
}

/* --- for compaction: nothing is hidden silently, the flags of all sources are combined ---------------------------- */

static enum art_rc store_combined(struct art_merge *merge, const struct art_entry *upper, struct art_bytes head,
                                  struct art_entry *out) {
    struct art_bytes value = art_entry_value(upper->flags, upper->value);
    enum art_rc rc = art_buffer_set(&merge->stored, head.data, head.len);
    if (!rc) rc = art_buffer_append(&merge->stored, value.data, value.len);
    out->value = art_buffer_bytes(&merge->stored);
    return rc;
}

/* The newest entry takes over the older ones' `shadows_older`, each in turn: what was live below it must be what the
 * next one says. */
enum art_rc art_merge_combine(struct art_merge *merge, struct art_entry *out) {
    struct art_source *source = merge->source;
    assert(merge->valid && merge->plain);
    merge->twice = 0;
    struct art_bytes key = art_merge_winner(merge)->key;
    art_source_entry(art_merge_winner(merge), out);
    const struct art_entry upper = *out;
    struct art_bytes head = art_bytes(upper.value.data, art_entry_head(upper.flags, upper.value));
    for (unsigned index = 1; index < merge->waiting && is_tied(merge, index); index++) {
        struct art_entry below;
        art_source_entry(&source[merge->line[index]], &below);
        bool shadows_older = out->flags & ART_SHADOWS_OLDER, live = !(below.flags & ART_DELETE);
        bool twice = shadows_older && !live && art_deletes_chunk(key, out->flags);
        if (shadows_older != live && !twice) {
            return art_corrupt(NULL, ART_NOWHERE, ART_NOWHERE, "two runs disagree on whether a row was there");
        }
        merge->twice += twice;
        enum { TAKEN = ART_SHADOWS_OLDER | ART_REPLACED };
        out->flags = (uint8_t)((out->flags & ~TAKEN) | (below.flags & TAKEN));
        head = art_bytes(below.value.data, art_entry_head(below.flags, below.value));
    }
    return (upper.flags | out->flags) & ART_REPLACED ? store_combined(merge, &upper, head, out) : ART_OK;
}

/* A source of which only some entries belong to the merge ends when they are through. */
static enum art_rc step_limited(struct art_source *source) {
    assert(source->valid && source->left);
    enum art_rc rc = source_step(source, false);
    if (--source->left == 0) source->valid = false;
    return rc;
}

enum art_rc art_merge_limit(struct art_merge *merge, unsigned index, struct art_bytes from, uint64_t entries) {
    assert(index < merge->count);
    struct art_source *source = &merge->source[index];
    enum art_rc rc = art_source_seek(source, from, false);
    source->left = entries;
    if (!entries) source->valid = false;
    assert(!source->valid || source->left);
    return rc;
}

void art_merge_begin_combined(struct art_merge *merge) {
    assert(merge->count);
    line_up(merge, false);
    merge->valid = merge->waiting;
}

enum art_rc art_merge_step_combined(struct art_merge *merge) {
    assert(merge->valid);
    while (merge->waiting > 1 && is_tied(merge, 1)) {
        enum art_rc rc = step_limited(&merge->source[merge->line[1]]);
        if (rc) return rc;
        runner_left(merge, false);
    }
    struct art_source *winner = art_merge_winner(merge);
    enum art_rc rc = step_limited(winner);
    if (rc) return rc;
    winner_moved(merge, source_kept(winner), false);
    merge->valid = merge->waiting;
    return ART_OK;
}
