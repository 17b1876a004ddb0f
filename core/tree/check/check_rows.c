/* All sources side by side, newest first: what each says of the rows below it is true.
 *
 *     memtable   . . b . . e . .      For every key, from the newest entry to the oldest: upper.shadows_older is
 *     run 0      . . b c . . . .      lower.put, the version does not grow, and the oldest entry refers to nothing.
 *     run 1      a . b . d . . .
 *
 * The walk goes from one unread range to the next. A run that meets the blob behind the beginning of such a range is at
 * its end there.
 */
#include "core/base/limits.h"
#include "core/tree/check/check.h"

#include <assert.h>
#include <limits.h>

/* An interrupt is noticed within a millisecond or so, and asking for it costs nothing beside the rows. */

struct row_check {
    struct art_checker *checker;
    struct art_merge *merge;
    struct art_value_checker values;
    unsigned winner;      /* the source with the smallest key, the newest of those; `count`: none is left */
    struct art_buffer at; /* the winner's key */
    bool disagree;        /* two sources, on a row: reported, and then they need not add up either */
    uint64_t rows;
    art_int128 sum[ART_SUMMARY_MAX]; /* of the rows */
    uint64_t steps;
};

static enum art_rc say_row(struct row_check *check, const struct art_source *source, const char *what) {
    assert(source->valid);
    struct art_tree *tree = check->checker->tree;
    char shown[ART_SHOWN_KEY_BYTES];
    bool chunks = source->key.len && source->key.data[0] == ART_SPACE_OVERFLOW;
    const char *place = source->is_memtable ? "the log" : tree->options.path;
    uint32_t slot = source->is_memtable ? ART_NOWHERE : source->run.leaf.blob->slot;
    return art_check_say(check->checker, place, slot, ART_NOWHERE, "%s '%s': %s", chunks ? "chunk" : "row",
                         art_check_show(source->key, shown), what);
}

/* --- one entry, one key ------------------------------------------------------------------------------------------- */

static const char *host_finds(const struct art_checker *checker, struct art_bytes key, const struct art_entry *entry,
                              const struct art_bytes *value) {
    const struct art_check_options *options = checker->options;
    if (!options->wrong_row || entry->flags & ART_DELETE) return NULL;
    bool plain = !(entry->flags & (ART_OVERFLOW | ART_IN_BLOCK));
    return options->wrong_row(options->context, art_bytes(key.data + 1, key.len - 1), plain ? value : NULL);
}

static const char *wrong_entry(const struct art_checker *checker, struct art_bytes key, const struct art_entry *entry) {
    if (!key.len || (key.data[0] != ART_SPACE_ROWS && key.data[0] != ART_SPACE_OVERFLOW))
        return "its key begins with a byte that stands for neither rows nor chunks";
    if (!entry->csn || entry->csn > checker->csn) return "a version that the table has not reached";
    bool put = !(entry->flags & ART_DELETE), reference = put && entry->flags & ART_OVERFLOW;
    bool row = key.data[0] == ART_SPACE_ROWS, summed = art_tree_summary(checker->tree);
    struct art_bytes value = art_entry_value(entry->flags, entry->value);
    if (value.len > ART_VALUE_INLINE_MAX) return "a value too long for one entry";
    if (summed ? row == !!(entry->flags & ART_CHUNK) : entry->flags & (ART_CHUNK | ART_REPLACED))
        return "its flags do not fit the summary of the table";
    if (row) {
        if (reference && !art_overflow_decode(value).length) return "a reference to chunks that cannot be decoded";
        return host_finds(checker, key, entry, &value);
    }
    if (key.len != ART_OVERFLOW_KEY_BYTES) return "a chunk's key has another length";
    if (reference) return "a chunk that refers to chunks";
    if (put && entry->csn != __builtin_bswap64(art_load64(key.data + 1)))
        return "a chunk of another version than its id";
    return NULL;
}

/* Does the upper entry take away what the lower one has put? */
static bool replaces(const struct art_checker *checker, struct art_bytes key, const struct art_entry *upper,
                     const struct art_entry *lower) {
    const struct art_summary *summary = art_tree_summary(checker->tree);
    uint8_t head[ART_REPLACED_MAX];
    if (!summary || lower->flags & (ART_DELETE | ART_CHUNK)) return true;
    struct art_bytes expected = art_bytes(head, art_replaced_encode(summary, key, lower, head));
    return art_bytes_equal(expected, art_bytes(upper->value.data, art_entry_head(upper->flags, upper->value)));
}

static void note_sums(struct row_check *check, struct art_bytes key, const struct art_entry *newest) {
    assert(art_tree_summary(check->checker->tree) && !(newest->flags & ART_DELETE));
    struct art_entry row = {.value = art_entry_value(newest->flags, newest->value), .flags = newest->flags};
    row.flags &= (uint8_t) ~(ART_SHADOWS_OLDER | ART_REPLACED);
    art_summary_sums(art_tree_summary(check->checker->tree), key, &row, check->sum);
}

/* What does not fit between an entry and the next one above it, of the same key; NULL: they fit. */
static const char *wrong_pair(struct row_check *check, struct art_bytes key, const struct art_entry *upper,
                              const struct art_entry *lower) {
    bool shadows_older = upper->flags & ART_SHADOWS_OLDER, live = !(lower->flags & ART_DELETE);
    check->disagree |= shadows_older != live;
    if (shadows_older && live && !replaces(check->checker, key, upper, lower))
        return "what it replaces had other values in summed columns";
    if (shadows_older != live) {
        return shadows_older ? "it is to replace a row that is deleted below it"
                             : "it is to be new, but the row is there below it";
    }
    return upper->csn < lower->csn ? "an older run has a newer version" : NULL;
}

/* The row or chunk that a key has: its newest entry. */
static enum art_rc note_row(struct row_check *check, struct art_bytes key, const struct art_entry *newest) {
    if (newest->flags & ART_DELETE) return ART_OK;
    check->rows++;
    if (key.len && key.data[0] == ART_SPACE_OVERFLOW) return art_values_chunk(&check->values, key);
    if (art_tree_summary(check->checker->tree)) note_sums(check, key, newest);
    return newest->flags & ART_OVERFLOW ? art_values_row(&check->values, key, newest) : ART_OK;
}

/* The entries of one key, newest first; the winner has the first of them. */
static enum art_rc check_key(struct row_check *check) {
    struct art_source *source = check->merge->source, *upper = NULL;
    struct art_entry above = {0}, newest = {0};
    struct art_bytes key = source[check->winner].key;
    assert(check->winner < check->merge->count && source[check->winner].valid);
    for (unsigned i = check->winner; i < check->merge->count; i++) {
        struct art_entry entry;
        if (!source[i].valid || !art_bytes_equal(source[i].key, key)) continue;
        art_source_entry(&source[i], &entry);
        const char *wrong = wrong_entry(check->checker, key, &entry);
        const char *apart = upper ? wrong_pair(check, key, &above, &entry) : NULL;
        if (apart) wrong = apart;
        enum art_rc rc = wrong ? say_row(check, upper ? upper : &source[i], wrong) : ART_OK;
        if (rc) return rc;
        if (!upper) newest = entry;
        upper = &source[i];
        above = entry;
    }
    bool nothing = above.flags & ART_SHADOWS_OLDER;
    check->disagree |= nothing;
    enum art_rc rc = nothing ? say_row(check, upper, "what it replaces is in no run below") : ART_OK;
    return rc ? rc : note_row(check, key, &newest);
}

/* --- around what is unread ---------------------------------------------------------------------------------------- */

/* The first key that is in no unread range, from `from` on; false: there is none. */
static bool pass_unread(const struct art_checker *checker, struct art_bytes *from) {
    for (unsigned i = 0; i < checker->unread_count; i++) {
        const struct art_fence *range = &checker->unread[i];
        if (range->low_set && art_bytes_compare(*from, art_buffer_bytes(&range->low)) < 0) continue;
        if (!range->high_set) return false;
        if (art_bytes_compare(*from, art_buffer_bytes(&range->high)) >= 0) continue;
        *from = art_buffer_bytes(&range->high);
        i = UINT_MAX; /* another range may begin there */
    }
    return true;
}

/* Where the next unread range begins; false: none lies ahead. */
static bool next_unread(const struct art_checker *checker, struct art_bytes from, struct art_bytes *to) {
    assert(checker->unread_count <= ART_CHECK_UNREAD_MAX);
    bool found = false;
    for (unsigned i = 0; i < checker->unread_count; i++) {
        struct art_bytes low = art_buffer_bytes(&checker->unread[i].low);
        if (!checker->unread[i].low_set || art_bytes_compare(low, from) < 0) continue;
        if (!found || art_bytes_compare(low, *to) < 0) *to = low;
        found = true;
    }
    return found;
}

/* A run's failure before an unread range is that of the range, and has been reported. The run ends there also where it
 * does not fail, but its keys do not ascend (what is out of order is unread, too). */
static enum art_rc moved(struct row_check *check, struct art_source *source, struct art_bytes before, bool unread_ahead,
                         enum art_rc rc) {
    assert(rc || !source->valid || source->key.len <= ART_KEY_MAX);
    bool orderly = !source->valid || art_bytes_compare(source->key, before) >= 0;
    if (!rc && orderly) return ART_OK;
    source->valid = false;
    if (unread_ahead && (!rc || rc == ART_CORRUPT || rc == ART_IO)) return ART_OK;
    if (!rc) rc = art_corrupt(check->checker->tree->options.path, ART_NOWHERE, ART_NOWHERE, "keys are out of order");
    return art_check_note(check->checker, rc);
}

/* Not by the merge's line: here a source may end before its run does. Returns whether there is one. */
static bool find_winner(struct row_check *check) {
    const struct art_source *source = check->merge->source;
    unsigned count = check->merge->count, winner = count;
    for (unsigned i = 0; i < count; i++) {
        if (!source[i].valid) continue;
        if (winner == count || art_bytes_compare(source[i].key, source[winner].key) < 0) winner = i;
    }
    check->winner = winner;
    return winner < count;
}

/* All that stands on the key moves on. */
static enum art_rc step_row(struct row_check *check, bool unread_ahead) {
    assert(check->winner < check->merge->count);
    struct art_merge *merge = check->merge;
    struct art_source *source = merge->source;
    struct art_bytes key = art_buffer_bytes(&check->at);
    for (unsigned i = check->winner; i < merge->count; i++) {
        if (!source[i].valid || !art_bytes_equal(source[i].key, key)) continue;
        enum art_rc rc = art_source_step(&source[i], false);
        rc = moved(check, &source[i], key, unread_ahead, rc);
        if (rc) return rc;
    }
    if (++check->steps % ART_LIMIT(ask_check)) return ART_OK;
    art_store_relax(check->checker->tree->store);
    return art_tree_interrupted(check->checker->tree);
}

/* Rows in [from, to). */
static enum art_rc check_range(struct row_check *check, struct art_bytes from, struct art_bytes to, bool unread_ahead) {
    struct art_merge *merge = check->merge;
    assert(!unread_ahead || art_bytes_compare(from, to) <= 0);
    for (unsigned i = 0; i < merge->count; i++) {
        enum art_rc rc = art_source_seek(&merge->source[i], from, false);
        rc = moved(check, &merge->source[i], from, unread_ahead, rc);
        if (rc) return rc;
    }
    while (find_winner(check)) {
        struct art_bytes key = merge->source[check->winner].key;
        if (unread_ahead && art_bytes_compare(key, to) >= 0) break;
        enum art_rc rc = art_buffer_set_key(&check->at, key);
        if (!rc) rc = check_key(check);
        if (!rc) rc = step_row(check, unread_ahead);
        if (rc) return rc;
    }
    return ART_OK;
}

static enum art_rc check_ranges(struct row_check *check) {
    static const uint8_t nothing[ART_KEY_PADDING];
    const struct art_checker *checker = check->checker;
    struct art_bytes from = art_bytes(nothing, 0), to = from;
    while (pass_unread(checker, &from)) {
        bool unread_ahead = next_unread(checker, from, &to);
        enum art_rc rc = check_range(check, from, to, unread_ahead);
        if (rc || !unread_ahead) return rc;
        from = to;
    }
    return ART_OK;
}

/* The number of rows that everybody is given. */
static enum art_rc check_count(struct row_check *check) {
    const struct art_checker *checker = check->checker;
    uint64_t count = (uint64_t)art_root_count(checker->root, art_memtable_count(checker->memtable));
    if (checker->unread_count || check->disagree || count == check->rows) return ART_OK;
    return art_check_say(check->checker, checker->tree->options.path, ART_NOWHERE, ART_NOWHERE,
                         "the runs count %lld rows and chunks, and there are %llu", (long long)count,
                         (unsigned long long)check->rows);
}

/* And the sums. */
static enum art_rc check_sums(struct row_check *check) {
    const struct art_checker *checker = check->checker;
    struct art_measures has = art_tree_measures(checker->tree);
    static const uint8_t end[1 + ART_KEY_PADDING] = {ART_SPACE_OVERFLOW + 1};
    art_int128 sum[ART_SUMMARY_MAX] = {0};
    assert(has.sums <= ART_SUMMARY_MAX);
    if (checker->unread_count || check->disagree) return ART_OK;
    art_memtable_sums(checker->memtable, art_bytes(end, 1), sum);
    for (unsigned i = 0; i < checker->root->runs; i++) art_summed_add_sums(has, checker->root->run[i].top.summed, sum);
    if (!memcmp(sum, check->sum, has.sums * sizeof *sum)) return ART_OK;
    return art_check_say(check->checker, checker->tree->options.path, ART_NOWHERE, ART_NOWHERE,
                         "the runs' sums are not those of the rows");
}

enum art_rc art_check_rows(struct art_checker *checker) {
    assert(checker->root && checker->memtable);
    struct row_check check = {.checker = checker};
    check.merge = art_alloc(sizeof *check.merge);
    if (!check.merge) return art_nomem();
    art_merge_init(check.merge, checker->tree->store, true);
    enum art_rc rc = art_merge_set(check.merge, checker->memtable, checker->root->run, checker->root->runs);
    if (!rc) rc = art_values_open(&check.values, checker);
    if (!rc) rc = check_ranges(&check);
    if (!rc) rc = check_count(&check);
    if (!rc && art_tree_summary(checker->tree)) rc = check_sums(&check);
    if (!rc) rc = art_values_end(&check.values);
    art_values_close(&check.values);
    art_buffer_clear(&check.at);
    art_merge_clear(check.merge);
    art_free(check.merge);
    return art_check_note(checker, rc);
}
