/* Sources side by side, newest first.
 *
 *     memtable   . . b . . e . .        The merge stands on the smallest (backward: largest) key. Where several sources
 *     run 0      . . b c . . . .        hold it, the newest is the winner and the others are moved past it at once, so
 *     run 1      a . b . d . . .        that a step only moves the winner.
 */
#include "core/tree/run/run.h"

void art_merge_init(struct art_merge *merge, struct art_store *store) {
    memset(merge, 0, sizeof *merge);
    merge->store = store;
}

void art_merge_clear(struct art_merge *merge) {
    for (unsigned i = 0; i < merge->opened; i++) {
        art_run_cursor_close(&merge->source[i].run);
        if (merge->source[i].is_memtable) art_memtable_cursor_clear(&merge->source[i].memtable);
    }
    art_buffer_clear(&merge->padded);
    art_buffer_clear(&merge->stored);
    merge->count = merge->opened = 0;
    merge->valid = false;
}

enum art_rc art_merge_set(struct art_merge *merge, struct art_memtable *memtable, const struct art_run *runs,
                          unsigned count) {
    unsigned want = count + (memtable ? 1 : 0);
    assert(want <= ART_RUNS_CAPACITY + 1);
    merge->valid = false;
    merge->count = 0;
    while (merge->opened < want) {
        enum art_rc rc = art_run_cursor_open(&merge->source[merge->opened].run, merge->store);
        if (rc) return rc;
        merge->opened++;
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

enum art_rc art_source_next(struct art_source *source) {
    return source_step(source, false);
}

/* The first in line behind the winner: as long as the winner stays before it, nothing else need be looked at. */
static void find_runner(struct art_merge *merge, bool backward) {
    struct art_source *source = merge->source;
    unsigned runner = ART_NO_SOURCE;
    for (unsigned i = 0; i < merge->count; i++) {
        if (i == merge->winner || !source[i].valid) continue;
        if (runner != ART_NO_SOURCE) {
            int c = art_bytes_compare(source[i].key, source[runner].key);
            if (backward ? c <= 0 : c >= 0) continue;
        }
        runner = i;
    }
    merge->runner = runner;
}

/* Finds the winner and moves what it hides. */
static enum art_rc select_winner(struct art_merge *merge, bool backward) {
    struct art_source *source = merge->source;
    unsigned winner = ART_NO_SOURCE;
    uint32_t ties = 0;
    for (unsigned i = 0; i < merge->count; i++) {
        if (!source[i].valid) continue;
        if (winner == ART_NO_SOURCE) {
            winner = i;
            continue;
        }
        int c = art_bytes_compare(source[i].key, source[winner].key);
        if (backward) c = -c;
        if (c < 0) {
            winner = i;
            ties = 0;
        } else if (c == 0) {
            ties |= 1u << i;
        }
    }
    merge->valid = winner != ART_NO_SOURCE;
    merge->winner = winner;
    for (unsigned i = winner + 1; ties; i++) {
        if (!(ties & 1u << i)) continue;
        ties &= ~(1u << i);
        enum art_rc rc = source_step(&source[i], backward);
        if (rc) return rc;
    }
    if (merge->valid) find_runner(merge, backward);
    return ART_OK;
}

enum art_rc art_merge_seek(struct art_merge *merge, struct art_bytes key, bool backward) {
    merge->valid = false;
    for (unsigned i = 0; i < merge->count; i++) {
        enum art_rc rc = art_source_seek(&merge->source[i], key, backward);
        if (rc) return rc;
    }
    return select_winner(merge, backward);
}

/* What is not before `behind` stays. All else begins as the present key does, which is the first of all. */
enum art_rc art_merge_skip(struct art_merge *merge, uint32_t len, struct art_bytes behind) {
    merge->valid = false;
    for (unsigned i = 0; i < merge->count; i++) {
        struct art_source *source = &merge->source[i];
        if (!source->valid || art_bytes_compare(source->key, behind) >= 0) continue;
        enum art_rc rc = source->is_memtable ? art_memtable_seek_ge(&source->memtable, behind)
                                             : art_run_skip(&source->run, len, behind);
        source_note(source);
        if (rc) return rc;
    }
    return select_winner(merge, false);
}

enum art_rc art_merge_seek_rank(struct art_merge *merge, int64_t rank) {
    struct art_source *source = &merge->source[0];
    assert(merge->count == 1 && !source->is_memtable);
    merge->valid = false;
    enum art_rc rc = art_run_seek_rank(&source->run, rank);
    source_note(source);
    return rc ? rc : select_winner(merge, false);
}

enum art_rc art_merge_moved(struct art_merge *merge, bool backward) {
    const struct art_source *source = merge->source;
    merge->winner = merge->runner; /* no other key is before its own; the same key may be elsewhere */
    find_runner(merge, backward);
    bool tied = !art_merge_alone(merge) && art_bytes_equal(source[merge->winner].key, source[merge->runner].key);
    enum art_rc rc = tied ? select_winner(merge, backward) : ART_OK;
    merge->valid = !rc;
    return rc;
}

enum art_rc art_merge_step(struct art_merge *merge, bool backward) {
    enum art_rc rc = source_step(&merge->source[merge->winner], backward);
    if (rc) {
        merge->valid = false;
        return rc;
    }
    const struct art_source *winner = &merge->source[merge->winner];
    if (art_merge_alone(merge)) {
        merge->valid = winner->valid;
        return ART_OK;
    }
    if (winner->valid) {
        int c = art_bytes_compare(winner->key, merge->source[merge->runner].key);
        if (backward ? c > 0 : c < 0) return ART_OK;
    }
    return art_merge_moved(merge, backward);
}

void art_source_entry(struct art_source *source, struct art_entry *out) {
    if (source->is_memtable)
        art_memtable_cursor_entry(&source->memtable, out);
    else
        art_blob_cursor_entry(&source->run.leaf, out);
}

/* --- for compaction: nothing is hidden silently, the flags of all sources are combined ---------------------------- */

/* Positions the merge on the smallest key without moving the others. */
static void select_smallest(struct art_merge *merge) {
    struct art_source *source = merge->source;
    unsigned winner = ART_NO_SOURCE;
    for (unsigned i = 0; i < merge->count; i++) {
        if (source[i].valid && (winner == ART_NO_SOURCE || art_bytes_compare(source[i].key, source[winner].key) < 0)) {
            winner = i;
        }
    }
    merge->winner = winner;
    merge->valid = winner != ART_NO_SOURCE;
}

static enum art_rc store_combined(struct art_merge *merge, const struct art_entry *upper, struct art_bytes head,
                                  struct art_entry *out) {
    struct art_bytes value = art_entry_value(upper->flags, upper->value);
    merge->stored.len = 0;
    enum art_rc rc = art_buffer_append(&merge->stored, head.data, head.len);
    if (!rc) rc = art_buffer_append(&merge->stored, value.data, value.len);
    out->value = art_buffer_bytes(&merge->stored);
    return rc;
}

/* The newest entry takes over the older ones' `shadows_older`, each in turn: what was live below it must be what the
 * next one says. */
enum art_rc art_merge_combine(struct art_merge *merge, struct art_entry *out) {
    struct art_source *source = merge->source;
    art_source_entry(&source[merge->winner], out);
    const struct art_entry upper = *out;
    struct art_bytes head = art_bytes(upper.value.data, art_entry_head(upper.flags, upper.value));
    for (unsigned i = merge->winner + 1; i < merge->count; i++) {
        if (!source[i].valid || !art_bytes_equal(source[i].key, source[merge->winner].key)) continue;
        struct art_entry below;
        art_source_entry(&source[i], &below);
        bool shadows_older = out->flags & ART_SHADOWS_OLDER, live = !(below.flags & ART_DELETE);
        if (shadows_older != live) {
            return art_corrupt(NULL, ART_NOWHERE, ART_NOWHERE, "two runs disagree on whether a row was there");
        }
        enum { TAKEN = ART_SHADOWS_OLDER | ART_REPLACED };
        out->flags = (uint8_t)((out->flags & ~TAKEN) | (below.flags & TAKEN));
        head = art_bytes(below.value.data, art_entry_head(below.flags, below.value));
    }
    return (upper.flags | out->flags) & ART_REPLACED ? store_combined(merge, &upper, head, out) : ART_OK;
}

/* A source of which only some entries belong to the merge ends when they are through. */
static enum art_rc step_limited(struct art_source *source) {
    enum art_rc rc = source_step(source, false);
    if (--source->left == 0) source->valid = false;
    return rc;
}

enum art_rc art_merge_limit(struct art_merge *merge, unsigned index, struct art_bytes from, uint64_t entries) {
    struct art_source *source = &merge->source[index];
    enum art_rc rc = art_source_seek(source, from, false);
    source->left = entries;
    if (!entries) source->valid = false;
    return rc;
}

void art_merge_begin_combined(struct art_merge *merge) {
    select_smallest(merge);
}

enum art_rc art_merge_step_combined(struct art_merge *merge) {
    struct art_source *source = merge->source;
    for (unsigned i = merge->count; i-- > merge->winner + 1;) {
        if (!source[i].valid || !art_bytes_equal(source[i].key, source[merge->winner].key)) continue;
        enum art_rc rc = step_limited(&source[i]);
        if (rc) return rc;
    }
    enum art_rc rc = step_limited(&source[merge->winner]);
    if (rc) return rc;
    select_smallest(merge);
    return ART_OK;
}

/* The key of a source as searches want it. */
static enum art_rc padded_key(struct art_merge *merge, const struct art_source *source, struct art_bytes *out) {
    *out = source->key;
    if (!source->is_memtable) return ART_OK;
    enum art_rc rc = art_buffer_set_key(&merge->padded, source->key);
    *out = art_buffer_bytes(&merge->padded);
    return rc;
}

/* Buckets are told apart by their place in a blob, so a stretch ends with it. */
enum art_rc art_merge_stretch(struct art_merge *merge, struct art_stretch *out) {
    const struct art_source *source = art_merge_winner(merge);
    const struct art_blob_cursor *at = &source->run.leaf;
    *out = (struct art_stretch){0};
    if (source->is_memtable || at->entry) return ART_OK;
    struct art_blob *blob = at->blob;
    *out = (struct art_stretch){blob, at->bucket, blob->buckets};
    for (unsigned i = 0; i < merge->count; i++) {
        if (i == merge->winner || !merge->source[i].valid) continue;
        uint32_t end;
        struct art_bytes key;
        enum art_rc rc = padded_key(merge, &merge->source[i], &key);
        if (!rc) rc = art_blob_buckets_before(at, key, &end);
        if (rc) return rc;
        out->to = art_min32(out->to, end);
        if (out->to <= out->from) return ART_OK;
    }
    while (out->to > out->from && art_stretch_entries(out, out->to - out->from) > source->left) out->to--;
    if (!art_blob_only_puts(blob, out->from, out->to)) out->to = out->from;
    return ART_OK;
}

enum art_rc art_merge_skip_combined(struct art_merge *merge, uint64_t entries) {
    struct art_source *source = art_merge_winner(merge);
    uint32_t last = art_blob_cursor_index(&source->run.leaf) + (uint32_t)entries - 1;
    enum art_rc rc = art_blob_seek_entry(&source->run.leaf, last);
    source->left -= entries - 1;
    if (!rc) rc = step_limited(source);
    if (rc) return rc;
    select_smallest(merge);
    return ART_OK;
}
