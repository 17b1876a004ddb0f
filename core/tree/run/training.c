/* Which table of symbols the names of the next leaf blob are coded with (core/blob/symbols.h).
 *
 *     oldest source   . . . [ . . . * . ][ . . . . . . ][ . .       *: where the merge stands
 *                                   ~~~~~~~~~~~~               the next blob, about: the second leaf has the most of it
 *
 * Names in one part of a table are alike, and a row is written anew several times: a training for each blob would cost
 * a tenth of a load. So a merge goes on with the table of the leaf that has the most of the next blob. Before each blob
 * some names of what is coming are coded with it, from places all over the two leaves: where they take a twentieth more
 * than those that the table was trained with, or where there is none, one is trained with them. The leaves are of the
 * source that gave the most to the blob before, or at first has the most to give. Their pages are read here a moment
 * before the merge reads them.
 */
#include "core/base/limits.h"
#include "core/blob/bucket.h"
#include "core/tree/run/run.h"

enum {
    PLACES = 64,
    PLACE_BYTES = 256, /* 16 KB in all: twice as much makes names a fiftieth smaller, and takes twice the time */
    PLACE_NAMES = 32,
    NAME_BYTES = 256,         /* of a longer one */
    AHEAD_IN_MEMTABLE = 8192, /* entries: about a blob of them */
    WHOLE = 4096,             /* what a table brings is said in such parts of the plain bytes */
    WORTH = 3686,             /* a tenth is saved, or a table costs more time than it is worth */
    WORSE_PERCENT = 105,      /* of what it brought when it was new */
    WAIT_MOST = 64            /* blobs without a training, behind those that brought nothing */
};

struct art_training {
    struct art_tree *tree;
    struct art_source *source; /* borrowed: who gives what is coming */
    unsigned count;
    uint64_t left[ART_RUNS_CAPACITY + 1]; /* of each, when the last blob began; at first as if it had given all */
    struct art_symbols symbols;           /* of the leaf that was met last, or trained since */
    bool known;
    struct art_encoder encoder;
    uint32_t len, ends[PLACES * PLACE_NAMES], texts; /* a sample */
    uint8_t text[PLACES * PLACE_BYTES + NAME_BYTES + ART_KEY_PADDING];
    uint8_t key[ART_KEY_BUFFER];
};

enum art_rc art_training_open(struct art_training **out, struct art_tree *tree) {
    *out = art_alloc(sizeof **out);
    if (!*out) return art_nomem();
    memset(*out, 0, offsetof(struct art_training, encoder));
    (*out)->tree = tree;
    return ART_OK;
}

void art_training_close(struct art_training *training) {
    art_free(training);
}

/* Entries that a source has to give, at most. */
static uint64_t entries_of(const struct art_source *source) {
    uint64_t all = source->is_memtable ? art_memtable_keys(source->memtable.memtable) : source->run.top.entries;
    return source->left < all ? source->left : all;
}

void art_training_from(struct art_training *training, struct art_source *sources, unsigned count) {
    assert(count <= ART_RUNS_CAPACITY + 1);
    training->source = sources;
    training->count = count;
    for (unsigned i = 0; i < count; i++) training->left[i] = sources[i].left + entries_of(&sources[i]);
}

enum art_rc art_training_of_leaf(struct art_training *training, struct art_blob *leaf) {
    enum art_rc rc = leaf->symbols ? art_blob_want_part(leaf, ART_PART_SYMBOLS) : ART_OK;
    if (rc || !leaf->symbols) return rc;
    training->symbols = *leaf->symbols;
    training->known = true;
    return ART_OK;
}

static bool are_many(const struct art_training *training, uint64_t count, unsigned least) {
    ART_IN_TESTS(if (art_test_hooks.few_names) return count;)
    return count >= (uint64_t)least * art_tree_full_pages(training->tree);
}

/* --- a sample ----------------------------------------------------------------------------------------------------- */

static bool place_is_full(const struct art_training *training, uint32_t place) {
    return training->len >= (place + 1) * PLACE_BYTES || training->texts >= (place + 1) * PLACE_NAMES;
}

/* What a bucket would keep of a key, of which so many bytes are those of the key before it. */
static void take_suffix(struct art_training *training, struct art_bytes key, uint32_t kept) {
    if (!kept || key.len <= kept + 1) return;
    uint32_t len = art_min32(key.len - kept - 1, NAME_BYTES);
    memcpy(training->text + training->len, key.data + kept + 1, len);
    training->ends[training->texts++] = training->len += len;
    assert(training->len <= PLACES * PLACE_BYTES + NAME_BYTES); /* no place is full that a name is taken from */
}

/* The rest of the leaf will be read in any case. */
static enum art_rc want_rest(struct art_blob *leaf, uint32_t page) {
    struct art_pages pages = art_pages_of(page, leaf->leaf_pages - page);
    return art_blob_want_pages(leaf, &pages);
}

/* Of entries [from, from + count) of a leaf, at places [first, end). */
static enum art_rc sample_leaf(struct art_training *training, struct art_blob *leaf, uint32_t from, uint32_t count,
                               uint32_t first, uint32_t end) {
    struct art_blob_cursor at;
    art_blob_cursor_init(&at, leaf, training->key);
    memset(training->key, 0, sizeof training->key);
    enum art_rc rc = first < end ? art_blob_seek_entry(&at, from) : ART_OK;
    if (!rc && at.valid && from + count == leaf->entries)
        rc = want_rest(leaf, art_bucket_offset(leaf, at.bucket) / ART_BLOB_PAGE);
    for (uint32_t place = first; !rc && place < end; place++) {
        rc = art_blob_seek_entry(&at, from + (uint32_t)((uint64_t)count * (place - first) / (end - first)));
        for (uint32_t i = 0; !rc && at.valid && i <= count / (end - first) && !place_is_full(training, place); i++) {
            rc = art_blob_next(&at);
            if (!rc && at.valid && !(art_blob_cursor_flags(&at) & ART_DELETE))
                take_suffix(training, art_bytes(at.key, at.key_len), at.kept);
        }
    }
    return rc;
}

static enum art_rc sample_memtable(struct art_training *training, const struct art_memtable_cursor *from,
                                   uint64_t left) {
    struct art_memtable_cursor at;
    struct art_entry entry;
    uint32_t count = left < AHEAD_IN_MEMTABLE ? (uint32_t)left : AHEAD_IN_MEMTABLE;
    art_memtable_cursor_init(&at, from->memtable);
    enum art_rc rc = art_memtable_seek_ge(&at, from->key);
    for (uint32_t i = 0; !rc && at.valid && i < count; i++) {
        art_memtable_cursor_entry(&at, &entry);
        if (!(entry.flags & ART_DELETE) && !place_is_full(training, (uint32_t)((uint64_t)i * PLACES / count)))
            take_suffix(training, at.key, at.kept);
        rc = art_memtable_next(&at);
    }
    art_memtable_cursor_clear(&at);
    return rc;
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

/* Who gives the most of what is coming; NULL: nobody that is known. */
static struct art_source *find_giver(struct art_training *training) {
    struct art_source *giver = NULL;
    uint64_t most = 0;
    for (unsigned i = training->count; i-- > 0;) {
        struct art_source *source = &training->source[i];
        uint64_t given = training->left[i] - source->left;
        training->left[i] = source->left;
        if (!source->valid || (giver && given <= most)) continue;
        giver = source;
        most = given;
    }
    return giver;
}

/* Who has trained in vain, since keys that are drawn at random have nothing to code, waits for some blobs, for twice as
 * many each time. */
static bool waits(struct art_training *training) {
    uint32_t *wait = &training->tree->training.wait;
    if (training->known || !*wait) return false;
    --*wait;
    return true;
}

/* The table of the leaf that has the most of the next blob, and a sample of its names where many are coming. */
static enum art_rc sample_ahead(struct art_training *training, struct art_source *giver) {
    uint64_t left = entries_of(giver);
    if (giver->is_memtable) {
        bool samples = are_many(training, left, ART_LIMIT(names_least)) && !waits(training);
        return samples ? sample_memtable(training, &giver->memtable, left) : ART_OK;
    }
    struct art_blob *leaf = giver->run.path[0], *next = NULL;
    uint32_t from = art_blob_cursor_index(&giver->run.leaf), rest = leaf->entries - from, behind = 0;
    enum art_rc rc = left > rest ? art_run_next_leaf(&giver->run, &next) : ART_OK;
    if (left < rest) rest = (uint32_t)left;
    if (next) behind = left - rest < next->entries ? (uint32_t)(left - rest) : next->entries;
    if (!rc) rc = art_training_of_leaf(training, behind > rest ? next : leaf);
    if (rc || !are_many(training, rest + behind, ART_LIMIT(names_least)) || waits(training)) return rc;
    uint32_t places = (uint32_t)((uint64_t)PLACES * rest / (rest + behind));
    rc = sample_leaf(training, leaf, from, rest, 0, places);
    return rc || !next ? rc : sample_leaf(training, next, 0, behind, places, PLACES);
}

static bool is_worse(struct art_training *training) {
    uint64_t brought = training->symbols.symbol[ART_ESCAPE];
    art_encoder_use(&training->encoder, &training->symbols);
    uint64_t coded = art_encoder_measure(&training->encoder, training->text, training->ends, training->texts);
    return coded * WHOLE * 100 > training->len * brought * WORSE_PERCENT;
}

static void train(struct art_training *training) {
    struct art_tree *tree = training->tree;
    art_encoder_train(&training->encoder, training->text, training->ends, training->texts);
    training->symbols = training->encoder.symbols;
    training->known = training->symbols.symbol[ART_ESCAPE] < WORTH;
    tree->training.in_vain = training->known ? 0 : art_min32(2 * tree->training.in_vain + 1, WAIT_MOST);
    tree->training.wait = tree->training.in_vain;
    tree->count.tables_trained++;
}

enum art_rc art_training_choose(struct art_training *training, const struct art_symbols **out) {
    uint64_t trained = training->tree->count.tables_trained;
    struct art_source *giver = find_giver(training);
    training->len = training->texts = 0;
    enum art_rc rc = giver ? sample_ahead(training, giver) : ART_OK;
    if (rc) return rc;
    if (are_many(training, training->len, ART_LIMIT(names_bytes)) && (!training->known || is_worse(training)))
        train(training);
    *out = training->known ? &training->symbols : NULL;
    training->tree->count.tables_kept += training->known && trained == training->tree->count.tables_trained;
    return ART_OK;
}
