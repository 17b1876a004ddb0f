/* Two states of one history: what makes their comparison cheap.
 *
 * What has come to the newer one since is there with a version above that of the older one: rows, and deletes as long
 * as no merge has swallowed them. One cursor finds these, and passes over all blobs and buckets that both have in
 * common (struct art_range.newer_than). A merge into the last run swallows deletes, and a directory that was deleted or
 * moved as one leaves none at all. But the counts of rows are exact in both states, so in any range
 *
 *     swallowed = rows of the older state + added - deleted (as far as entries say so) - rows of the newer one
 *
 * and where that is 0 nothing was swallowed. So who looks for them takes a range, counts both, and cuts it at a row of
 * the older state, by its rank:
 *
 *     low                             place 2          place 1 (end)
 *      |----------- here ----------------|----- later -----|
 *      |-------|                                                a new place 3, nearer than the others: half the rows
 *
 * What stands between `low` and the nearest place is looked at, or cut again; then that place is `low`. The places hold
 * what lies before them in both states, so a cut costs a search for a row and a count in the other state. A cut halves
 * a count, and puts two places at most: so there are not many of them at a time.
 */
#include "core/tree/read/states.h"

enum { PLACES_MAX = 3 * 64 }; /* two for each halving of 64 bits, and those of the range and of a segment */

/* Counts the running transaction, too. */
static uint64_t version_of(const struct art_tree *tree) {
    return tree->csn + art_tree_in_txn(tree);
}

/* A tree key of up to one byte more than a row's. */
static enum art_rc set_place_key(struct art_buffer *key, struct art_bytes space, struct art_bytes rest, bool behind) {
    key->len = 0;
    enum art_rc rc = art_buffer_reserve(key, (size_t)space.len + rest.len + 1 + ART_KEY_PADDING);
    if (rc) return rc;
    memcpy(key->data, space.data, space.len);
    if (rest.len) memcpy(key->data + space.len, rest.data, rest.len);
    key->len = (size_t)space.len + rest.len + behind;
    memset(key->data + space.len + rest.len, 0, 1 + ART_KEY_PADDING);
    return ART_OK;
}

static enum art_rc set_path(struct art_buffer *key, struct art_bytes path, bool behind) {
    static const uint8_t space = ART_SPACE_ROWS;
    return set_place_key(key, art_bytes(&space, 1), path, behind);
}

enum art_rc art_states_init(struct art_states *states, struct art_tree *from, struct art_tree *to,
                            const struct art_range *range) {
    *states = (struct art_states){.tree = {from, to}, .old = from, .now = to, .sum = {-1, -1}};
    states->scratch = art_alloc(ART_KEY_BUFFER);
    if (!states->scratch) return art_nomem();
    enum art_rc rc = set_place_key(&states->low.key, art_range_low(states->scratch, range), art_bytes(NULL, 0), false);
    if (!rc) rc = set_place_key(&states->end.key, art_range_high(states->scratch, range), art_bytes(NULL, 0), false);
    return rc;
}

void art_states_clear(struct art_states *states) {
    art_cursor_close(states->newer);
    art_cursor_close(states->ranks);
    for (uint32_t i = 0; i < states->capacity; i++) art_buffer_clear(&states->place[i].key);
    art_free(states->place);
    art_buffer_clear(&states->low.key);
    art_buffer_clear(&states->end.key);
    art_free(states->scratch);
    *states = (struct art_states){0};
}

bool art_states_moved(const struct art_states *states) {
    return states->changes[0] != states->tree[0]->changes || states->changes[1] != states->tree[1]->changes;
}

static enum art_rc open_cursor(struct art_tree *tree, struct art_cursor **cursor) {
    art_cursor_close(*cursor); /* it may be the other tree's */
    *cursor = NULL;
    return art_cursor_open(tree, cursor);
}

/* How many of their oldest runs are the same. */
static unsigned count_common(const struct art_root *a, const struct art_root *b) {
    unsigned common = 0, most = a->runs < b->runs ? a->runs : b->runs;
    for (; common < most; common++) {
        const struct art_ref *one = &a->run[a->runs - 1 - common].top, *other = &b->run[b->runs - 1 - common].top;
        if (one->slot != other->slot || one->generation != other->generation) break;
    }
    return common;
}

/* What has come to the newer state since. */
static enum art_rc begin_newer(struct art_states *states) {
    enum art_rc rc = open_cursor(states->now, &states->newer);
    struct art_range range = art_places_range(&states->low, &states->end);
    range.newer_than = states->old->csn; /* 0: all, of an older state without any row */
    range.deletes = true;
    states->common = count_common(states->old->root, states->now->root);
    return rc ? rc : art_cursor_seek(states->newer, &range, false);
}

enum art_rc art_states_begin(struct art_states *states, bool *same) {
    struct art_tree **tree = states->tree;
    bool turned = !states->apart && version_of(tree[0]) > version_of(tree[1]);
    *same = tree[0] == tree[1] || (!states->apart && version_of(tree[0]) == version_of(tree[1]));
    states->places = states->common = 0;
    states->old = tree[turned];
    states->now = tree[!turned];
    states->changes[0] = states->changes[1] = 0;
    enum art_rc rc = art_tree_ready(states->old);
    if (!rc) rc = art_tree_ready(states->now);
    if (!rc && !*same) {
        assert(states->apart || !art_tree_in_txn(states->old));
        if (!states->apart) rc = begin_newer(states);
        if (!rc) rc = open_cursor(states->old, &states->ranks);
        if (!rc) rc = art_cursor_sources(states->ranks, &states->sources);
        if (!rc) rc = art_states_weigh(states, &states->low);
        if (!rc) rc = art_states_weigh(states, &states->end);
    }
    for (int i = 0; !rc && i < 2; i++) states->changes[i] = tree[i]->changes;
    return rc;
}

/* --- places ------------------------------------------------------------------------------------------------------- */

enum art_rc art_place_at(struct art_place *place, struct art_bytes path) {
    return set_path(&place->key, path, false);
}

enum art_rc art_place_behind(struct art_place *place, struct art_bytes path, bool whole) {
    struct art_buffer *key = &place->key;
    enum art_rc rc = set_path(key, path, whole);
    if (rc || whole) return rc;
    while (key->data[key->len - 1] == 0xff) key->len--; /* the name space's byte stays */
    key->data[key->len - 1]++;
    memset(key->data + key->len, 0, ART_KEY_PADDING);
    return ART_OK;
}

/* The runs that both states have are asked once. */
enum art_rc art_states_weigh(struct art_states *states, struct art_place *place) {
    struct art_tree *tree[2] = {states->old, states->now};
    const struct art_root *root = states->now->root;
    struct art_bytes key = art_buffer_bytes(&place->key);
    art_int128 both[ART_SUMMARY_MAX], sum[ART_SUMMARY_MAX];
    int64_t rows = 0;
    bool sums = states->sum[0] >= 0;
    enum art_rc rc = ART_OK;
    if (sums) memset(both, 0, sizeof both);
    for (unsigned i = root->runs - states->common; !rc && i < root->runs; i++)
        rc = art_run_rank(states->now, &root->run[i], key, &rows, sums ? both : NULL);
    for (int i = 0; !rc && i < 2; i++) {
        unsigned own = tree[i]->root->runs - states->common;
        if (sums) memcpy(sum, both, sizeof sum);
        rc = art_tree_rank_above(tree[i], key, own, &place->rows[i], sums ? sum : NULL);
        place->rows[i] = (int64_t)((uint64_t)place->rows[i] + (uint64_t)rows);
        if (sums) place->sum[i] = sum[states->sum[i]];
    }
    return rc;
}

struct art_range art_places_range(const struct art_place *low, const struct art_place *high) {
    struct art_bytes from = art_buffer_bytes(&low->key), to = art_buffer_bytes(&high->key);
    struct art_range range = {.low = art_bytes(from.data + 1, from.len - 1), .low_set = true};
    if (to.data[0] != ART_SPACE_ROWS) return range; /* behind all rows */
    range.high = art_bytes(to.data + 1, to.len - 1);
    range.high_set = range.high_open = true;
    return range;
}

enum art_rc art_states_push(struct art_states *states, struct art_place **out) {
    if (states->places == PLACES_MAX) return art_states_lie(states);
    uint32_t had = states->capacity;
    enum art_rc rc = art_grow(&states->place, &states->capacity, states->places + 1, sizeof *states->place);
    if (rc) return rc;
    if (states->capacity > had) memset(&states->place[had], 0, (states->capacity - had) * sizeof *states->place);
    *out = &states->place[states->places++];
    **out = (struct art_place){.key = (*out)->key};
    return ART_OK;
}

enum art_rc art_states_push_end(struct art_states *states) {
    struct art_place *place;
    enum art_rc rc = art_states_push(states, &place);
    if (!rc) rc = set_place_key(&place->key, art_buffer_bytes(&states->end.key), art_bytes(NULL, 0), false);
    if (rc) return rc;
    struct art_buffer key = place->key;
    *place = states->end;
    place->key = key;
    return ART_OK;
}

void art_states_pass(struct art_states *states) {
    struct art_place *nearest = art_states_nearest(states), passed = states->low;
    states->low = *nearest;
    *nearest = passed; /* its buffer is used again */
    states->places--;
}

/* --- the row of a rank -------------------------------------------------------------------------------------------- */

void art_states_note_lie(const struct art_states *states) {
    (void)art_corrupt(states->now->options.path, ART_NOWHERE, ART_NOWHERE,
                      "the counts of rows in two states of the table do not agree");
}

enum art_rc art_states_select(struct art_states *states, int64_t rank, struct art_bytes *path) {
    struct art_tree *tree = states->old;
    const struct art_place *low = &states->low, *high = art_states_nearest(states);
    struct art_merge *merge = states->sources;
    struct art_bytes key;
    enum art_rc rc = art_tree_ready(tree);
    if (rc) return rc;
    if (merge->count == 1 && !merge->source[0].is_memtable) {
        struct art_run_cursor *run = &merge->source[0].run;
        rc = art_run_seek_rank(run, rank);
        if (rc || !run->valid) return rc ? rc : art_states_lie(states);
        key = art_run_key(run);
    } else {
        struct art_between between = {
            .low = art_bound_key(tree->key, art_buffer_bytes(&low->key), false),
            .high = art_bound_key(tree->second_key, art_buffer_bytes(&high->key), false),
            .low_rank = low->rows[0],
            .high_rank = high->rows[0],
            .low_buffer = tree->key,
            .high_buffer = tree->second_key,
            .scratch = states->scratch,
        };
        rc = art_tree_select(tree, rank, &between, &key);
        if (rc) return rc == ART_NOTFOUND ? art_states_lie(states) : rc;
    }
    bool between = art_bytes_compare(key, art_buffer_bytes(&low->key)) >= 0 &&
                   art_bytes_compare(key, art_buffer_bytes(&high->key)) < 0;
    if (!between || key.len < 1) return art_states_lie(states);
    states->now->count.halved++;
    *path = art_bytes(key.data + 1, key.len - 1);
    return ART_OK;
}

enum art_rc art_states_halve(struct art_states *states, struct art_place **out) {
    int64_t rows = art_places_rows(&states->low, art_states_nearest(states), 0);
    struct art_bytes path;
    int64_t middle = (int64_t)((uint64_t)states->low.rows[0] + (uint64_t)(rows / 2));
    enum art_rc rc = art_states_select(states, middle, &path);
    if (!rc) rc = art_states_push(states, out);
    if (!rc) rc = art_place_at(*out, path);
    if (rc) return rc;
    return art_places_compare(&states->low, *out) >= 0 ? art_states_lie(states) : art_states_weigh(states, *out);
}
