/* Entries in ascending order in; leaf blobs, and if a whole run is wanted the index blobs above them, out.
 *
 *   entries -> leaf builder -> blob, blob, blob ...      each finished blob leaves a child: separator and reference
 *   children (height 0) -> index builder -> blob ...     whenever many of them wait, so that memory stays bounded
 *   children (height 1) -> ...                           until one reference is left: the top
 */
#include "core/tree/run/run.h"

#include <stdlib.h>

#include "core/blob/bucket.h"
#include "core/blob/builder.h"

/* References that wait in memory for the index blobs over them (rule 7): a few blobs full. */
enum { FOLD_CHILDREN = 16384, FOLD_BYTES = 4 << 20 };

struct art_run_build {
    struct art_tree *tree;
    struct art_version_edit *edit;
    struct art_builder *builder;
    struct art_blob_buf buffer;
    /* names: */
    struct art_encoder *trainer;
    uint8_t *queue;
    uint32_t queue_len, queue_rows, queue_at;
    bool queueing, any_begun, known;
    uint64_t seen_seq;
    struct art_symbols table;
    uint32_t plain_names, coded_names;
    struct art_children waiting[ART_HEIGHTS_MAX]; /* for an index blob over them, by height */
    uint64_t blobs, pages;
    bool last;
    bool cold;  /* of a table larger than its cache, and last: who looks for a new key would read a page of it */
    bool whole; /* a run, not only its leaves */
};

/* --- children ----------------------------------------------------------------------------------------------------- */

static void child_clear(struct art_child *child) {
    art_free((void *)child->separator.data);
    art_ref_release(&child->ref);
}

void art_children_clear(struct art_children *children) {
    for (uint32_t i = 0; i < children->count; i++) child_clear(&children->child[i]);
    art_free(children->child);
    *children = (struct art_children){0};
}

/* Separators are handed to searches, so the copy is padded. */
static enum art_rc copy_bytes(struct art_bytes from, struct art_bytes *to) {
    uint8_t *copy = art_alloc_zeroed((size_t)from.len + ART_KEY_PADDING);
    if (!copy) return art_nomem();
    if (from.data) memcpy(copy, from.data, from.len);
    *to = art_bytes(copy, from.len);
    return ART_OK;
}

enum art_rc art_children_add(struct art_children *children, struct art_bytes separator, const struct art_ref *ref) {
    struct art_child child = {.ref = *ref};
    enum art_rc rc = art_grow(&children->child, &children->capacity, children->count + 1, sizeof child);
    if (rc) return rc;
    rc = art_ref_own(&child.ref);
    if (!rc) rc = copy_bytes(separator, &child.separator);
    if (rc) {
        child_clear(&child);
        return rc;
    }
    children->child[children->count++] = child;
    children->bytes += separator.len + ref->label.len + art_summed_bytes(ref->has);
    assert(children->count <= children->capacity);
    return ART_OK;
}

void art_children_drop_last(struct art_children *children) {
    assert(children->count);
    struct art_child *last = &children->child[--children->count];
    children->blobs--;
    children->pages -= art_ref_pages(&last->ref);
    child_clear(last);
}

/* --- leaves ------------------------------------------------------------------------------------------------------- */

enum art_rc art_run_build_open(struct art_run_build **out, struct art_tree *tree, struct art_version_edit *edit,
                               bool last, uint32_t fill_pages, bool whole) {
    struct art_run_build *build = art_alloc_zeroed(sizeof *build);
    if (!build) return art_nomem();
    build->tree = tree;
    build->edit = edit;
    build->last = last;
    build->cold = last && !art_store_fits(tree->store);
    build->whole = whole;
    struct art_builder_options options = {.kind = ART_BLOB_LEAF,
                                          .filter = !last || build->cold,
                                          .blocks = last && art_codec(),
                                          .fill_pages = fill_pages ? fill_pages : tree->options.blob_pages,
                                          .page_spare = art_tree_medium(tree)->page_spare,
                                          .summary = art_tree_summary(tree)};
    memcpy(options.uuid, tree->options.uuid, sizeof options.uuid);
    enum art_rc rc = art_builder_open(&build->builder, &options);
    if (rc) {
        art_run_build_close(build);
        return rc;
    }
    *out = build;
    assert(build->builder && !build->buffer.data);
    return ART_OK;
}

void art_run_build_close(struct art_run_build *build) {
    if (!build) return;
    art_free(build->queue);
    art_free(build->trainer);
    art_builder_close(build->builder);
    art_blob_buf_put(&build->buffer);
    for (unsigned i = 0; i < ART_HEIGHTS_MAX; i++) art_children_clear(&build->waiting[i]);
    art_free(build);
}

void art_run_clear(struct art_run *run) {
    art_ref_release(&run->top);
    *run = (struct art_run){0};
}

static bool many(const struct art_children *children) {
    return children->count >= FOLD_CHILDREN || (children->bytes >= FOLD_BYTES && children->count > 1);
}

static enum art_rc fold(struct art_run_build *build, unsigned height) {
    assert(build->whole && build->waiting[height].count);
    struct art_children *children = &build->waiting[height], above = {0};
    if (height + 1 >= ART_HEIGHTS_MAX)
        return art_fail(ART_TOOBIG, "art: a run would be deeper than %d levels", ART_HEIGHTS_MAX);
    enum art_rc rc = art_index_build(build->tree, build->edit, height + 1, children, &above);
    for (uint32_t i = 0; !rc && i < above.count; i++) {
        rc = art_children_add(&build->waiting[height + 1], above.child[i].separator, &above.child[i].ref);
    }
    build->blobs += above.blobs;
    build->pages += above.pages;
    art_children_clear(&above);
    if (rc) return rc;
    art_children_clear(children);
    return many(&build->waiting[height + 1]) ? fold(build, height + 1) : ART_OK;
}

enum art_rc art_run_build_add_leaf(struct art_run_build *build, struct art_bytes separator, const struct art_ref *ref) {
    assert(!ref->height);
    build->blobs++;
    build->pages += art_ref_pages(ref);
    enum art_rc rc = art_children_add(&build->waiting[0], separator, ref);
    return !rc && build->whole && many(&build->waiting[0]) ? fold(build, 0) : rc;
}

/* Closes the leaf blob under construction. */
static enum art_rc finish_leaf(struct art_run_build *build, bool *more) {
    assert(build->buffer.data);
    struct art_built built;
    enum art_rc rc =
        art_edit_write(build->tree, build->edit, build->builder, &build->buffer, &built, NULL, build->cold);
    if (rc) return rc;
    *more = built.more;
    build->edit->root->texts |= built.texts;
    build->plain_names = built.plain_names;
    build->coded_names = built.coded_names;
    build->tree->count.names_plain += built.plain_names;
    build->tree->count.names_coded += built.coded_names;
    return art_run_build_add_leaf(build, built.separator, &built.ref);
}

enum { QUEUE_BYTES = 4 << 20, QUEUE_ROWS = 24000, TRAIN_LEAST = 8192 };
struct queued {
    uint64_t csn;
    uint32_t key_len, value_len, flags;
};

static int policy(void) { /* 0: a tenth; 1: always anew; 2: one table for all; 3: none */
    static int n = -1;
    if (n < 0) n = getenv("ART_NAMES") ? atoi(getenv("ART_NAMES")) : 0;
    return n;
}
static uint32_t sample_bytes(void) {
    static int n;
    if (!n) n = getenv("ART_SAMPLE") ? atoi(getenv("ART_SAMPLE")) : 16384;
    return (uint32_t)n;
}

static const struct queued *queued_at(const struct art_run_build *build, uint32_t at) {
    return (const struct queued *)(const void *)(build->queue + at);
}
static uint32_t behind_queued(uint32_t at, const struct queued *row) {
    return (uint32_t)(at + sizeof *row + row->key_len + row->value_len + 16 + 7) & ~7u;
}

/* Of what is queued. */
static enum art_rc train(struct art_run_build *build) {
    uint32_t total = 0, rows = 0;
    struct art_bytes last = {0};
    uint8_t *texts = art_alloc(sample_bytes() + 70000);
    uint32_t *ends = art_alloc(sizeof *ends * (QUEUE_ROWS + 1)), count = 0, len = 0;
    if (!build->trainer) build->trainer = art_alloc(sizeof *build->trainer);
    if (!texts || !ends || !build->trainer) return art_nomem();
    for (int round = 0; round < 2; round++) {
        double need = round && total ? (double)sample_bytes() / total : 0, owed = 1;
        bool take = false;
        last = (struct art_bytes){0};
        rows = 0;
        for (uint32_t at = build->queue_at; at < build->queue_len;) {
            const struct queued *row = queued_at(build, at);
            struct art_bytes key = art_bytes((const uint8_t *)(row + 1), row->key_len);
            uint32_t shared = last.data ? art_common_prefix(key.data, last.data, art_min32(key.len, last.len)) : key.len;
            uint32_t n = shared + 1 < key.len ? key.len - shared - 1 : 0;
            if (!round) total += n;
            if (round && rows++ % 16 == 0) {
                owed += 16 * need / 16;
                take = need >= 1 || owed >= 1;
                if (take) owed -= 1;
            }
            if (round && take && n && len < sample_bytes() + 1024) {
                memcpy(texts + len, key.data + shared + 1, n);
                ends[count++] = len += n;
            }
            last = key;
            at = behind_queued(at, row);
        }
        if (!round && total < TRAIN_LEAST) break;
    }
    build->known = count > 0;
    if (count) {
        art_encoder_train(build->trainer, texts, ends, count);
        build->table = build->trainer->symbols;
        build->tree->count.tables_trained++;
    }
    art_free(texts);
    art_free(ends);
    return ART_OK;
}

/* Whether the next blob's table is to be trained. */
static bool wants_training(struct art_run_build *build) {
    bool bad = (uint64_t)build->coded_names * 4096 * 10 > (uint64_t)build->plain_names * build->table.symbol[255] * (getenv("ART_BAD") ? (unsigned)atoi(getenv("ART_BAD")) : 11);
    bool fresh = art_symbols_seen.store == build->tree->store && art_symbols_seen.seq != build->seen_seq;
    if (policy() == 3 || !art_codec()) return false;
    if (policy() == 1) return true;
    build->seen_seq = art_symbols_seen.seq;
    if (policy() == 2) {
        static _Thread_local struct art_symbols all;
        static _Thread_local const void *of;
        if (of != build->tree->store) {
            if (!build->known) return true;
            all = build->table;
            of = build->tree->store;
        }
        build->table = all;
        build->known = true;
        return false;
    }
    if (fresh && !bad) {
        build->table = art_symbols_seen.symbols;
        build->known = true;
    }
    return !build->known || (bad && build->any_begun);
}

static enum art_rc begin_leaf(struct art_run_build *build) {
    assert(!build->buffer.data);
    if (build->last) {
        if (build->known && build->table.symbol[255]) build->tree->count.tables_kept++;
        enum art_rc rc = art_builder_symbols(build->builder, build->known && !getenv("ART_NOCODE") && build->table.symbol[255] < 3900 ? &build->table : NULL);
        if (rc) return rc;
        build->any_begun = true;
        build->plain_names = build->coded_names = 0;
    }
    enum art_rc rc = art_store_buffer(build->tree->store, &build->buffer);
    if (rc) return rc;
    art_builder_begin(build->builder, build->buffer.data);
    build->edit->root->leaves = true;
    build->edit->root->blocks |= build->last && art_codec();
    return ART_OK;
}

/* All that is built comes from runs and log. What the builder refuses to take is damage that no hash could show. */
static enum art_rc refused(const struct art_tree *tree, enum art_rc rc) {
    if (rc != ART_MISUSE) return rc;
    return art_corrupt(tree->options.path, ART_NOWHERE, ART_NOWHERE,
                       "what runs and log hold is out of order or cannot stand there");
}

static enum art_rc feed(struct art_run_build *build, struct art_bytes key, const struct art_entry *entry, bool *wait);
#if 0
enum art_rc art_run_build_add(struct art_run_build *build, struct art_bytes key, const struct art_entry *entry) {
    bool full = false, more;
    assert(!(entry->flags & ART_IN_BLOCK));
    enum art_rc rc = build->buffer.data ? ART_OK : begin_leaf(build);
    if (!rc) rc = art_builder_add(build->builder, key, entry, ART_SHARED_UNKNOWN, &full);
    while (!rc && full) {
        rc = finish_leaf(build, &more);
        if (!rc) rc = begin_leaf(build);
        if (!rc) rc = art_builder_add(build->builder, key, entry, ART_SHARED_UNKNOWN, &full);
    }
    return refused(build->tree, rc);
}

#endif
static enum art_rc feed(struct art_run_build *build, struct art_bytes key, const struct art_entry *entry, bool *wait) {
    bool full = false, more;
    enum art_rc rc = ART_OK;
    *wait = false;
    if (!build->buffer.data) {
        if (build->last && build->queueing) {
            rc = train(build);
            build->queueing = false;
        }
        if (!rc) rc = begin_leaf(build);
    }
    if (!rc) rc = art_builder_add(build->builder, key, entry, ART_SHARED_UNKNOWN, &full);
    while (!rc && full) {
        rc = finish_leaf(build, &more);
        if (!rc && build->last && wants_training(build)) {
            build->queueing = *wait = true;
            return ART_OK;
        }
        if (!rc) rc = begin_leaf(build);
        if (!rc) rc = art_builder_add(build->builder, key, entry, ART_SHARED_UNKNOWN, &full);
    }
    return refused(build->tree, rc);
}

static enum art_rc drain(struct art_run_build *build) {
    enum art_rc rc = ART_OK;
    bool wait = false;
    while (!rc && !wait && build->queue_rows) {
        const struct queued *row = queued_at(build, build->queue_at);
        const uint8_t *bytes = (const uint8_t *)(row + 1);
        struct art_entry entry = {.csn = row->csn, .flags = (uint8_t)row->flags, .value = art_bytes(bytes + row->key_len, row->value_len)};
        rc = feed(build, art_bytes(bytes, row->key_len), &entry, &wait);
        if (wait) break;
        build->queue_at = behind_queued(build->queue_at, row);
        build->queue_rows--;
    }
    if (!build->queue_rows) build->queue_len = build->queue_at = 0;
    return rc;
}

enum art_rc art_run_build_add(struct art_run_build *build, struct art_bytes key, const struct art_entry *entry) {
    bool wait;
    assert(!(entry->flags & ART_IN_BLOCK));
    if (!build->last || !art_codec() || policy() == 3) return feed(build, key, entry, &wait);
    if (!build->any_begun && !build->buffer.data && !build->queueing && !build->queue_rows)
        build->queueing = wants_training(build);
    if (!build->queueing && !build->queue_rows) {
        enum art_rc rc = feed(build, key, entry, &wait);
        if (rc || !wait) return rc;
    }
    if (!build->queue) build->queue = art_alloc(QUEUE_BYTES + 200000);
    if (!build->queue) return art_nomem();
    if (build->queue_at) {
        memmove(build->queue, build->queue + build->queue_at, build->queue_len - build->queue_at);
        build->queue_len -= build->queue_at;
        build->queue_at = 0;
    }
    struct queued *row = (struct queued *)(void *)(build->queue + build->queue_len);
    *row = (struct queued){entry->csn, key.len, (uint32_t)entry->value.len, entry->flags};
    memcpy(row + 1, key.data, key.len);
    if (entry->value.len) memcpy((uint8_t *)(row + 1) + key.len, entry->value.data, entry->value.len);
    build->queue_len = behind_queued(build->queue_len, row);
    build->queue_rows++;
    return build->queue_rows >= QUEUE_ROWS || build->queue_len >= QUEUE_BYTES ? drain(build) : ART_OK;
}

enum art_rc art_run_build_add_all(struct art_run_build *build, struct art_run_cursor *cursor, uint64_t most) {
    enum art_rc rc = ART_OK;
    while (!rc && cursor->valid && most--) {
        struct art_entry entry;
        art_blob_cursor_entry(&cursor->leaf, &entry);
        rc = art_run_build_add(build, art_run_key(cursor), &entry);
        if (!rc) rc = art_run_next(cursor);
    }
    return rc;
}

static enum art_rc finish_leaves(struct art_run_build *build) {
    enum art_rc rc = ART_OK;
    while (!rc && build->queue_rows) rc = drain(build);
    if (rc) return rc;
    bool more = art_builder_pending(build->builder) > 0;
    while (!rc && more) {
        if (!build->buffer.data) rc = begin_leaf(build);
        if (!rc) rc = finish_leaf(build, &more);
    }
    return rc;
}

enum art_rc art_run_build_children(struct art_run_build *build, struct art_children *out) {
    assert(!build->whole);
    enum art_rc rc = finish_leaves(build);
    if (rc) return rc;
    *out = build->waiting[0];
    out->blobs = build->blobs;
    out->pages = build->pages;
    build->waiting[0] = (struct art_children){0};
    return ART_OK;
}

enum art_rc art_run_build_run(struct art_run_build *build, struct art_run *out) {
    *out = (struct art_run){0};
    assert(build->whole);
    enum art_rc rc = finish_leaves(build);
    for (unsigned height = 0; !rc; height++) {
        bool above = height + 1 < ART_HEIGHTS_MAX && build->waiting[height + 1].count;
        struct art_children *children = &build->waiting[height];
        if (!above && children->count <= 1) {
            if (children->count) {
                out->top = children->child[0].ref;
                art_ref_leave(&children->child[0].ref);
            }
            break;
        }
        if (children->count) rc = fold(build, height);
    }
    out->blobs = build->blobs;
    out->pages = build->pages;
    return rc;
}

/* --- index blobs -------------------------------------------------------------------------------------------------- */

/* The separator of an index blob is its first child's, whole: keys below the child before it may be longer than any
 * shortened one. */
enum art_rc art_index_build(struct art_tree *tree, struct art_version_edit *edit, unsigned height,
                            const struct art_children *children, struct art_children *out) {
    assert(height && children->count);
    struct art_builder_options options = {.kind = ART_BLOB_INDEX,
                                          .height = (uint8_t)height,
                                          .fill_pages = tree->options.blob_pages,
                                          .page_spare = art_tree_medium(tree)->page_spare,
                                          .summary = art_tree_summary(tree)};
    memcpy(options.uuid, tree->options.uuid, sizeof options.uuid);
    struct art_builder *builder = NULL;
    struct art_blob_buf buffer = {0};
    enum art_rc rc = art_builder_open(&builder, &options);
    if (!rc) rc = art_store_buffer(tree->store, &buffer);
    if (!rc) art_builder_begin(builder, buffer.data);
    uint32_t next = 0, first = 0;
    bool more = true;
    while (!rc && (next < children->count || more)) {
        bool full = next == children->count;
        if (!full) {
            const struct art_child *child = &children->child[next];
            rc = refused(tree, art_builder_add_ref(builder, child->separator, &child->ref, &full));
            if (!rc && !full) next++;
            if (rc || !full) continue;
        }
        uint32_t inside = 0;
        struct art_built built;
        rc = art_edit_write(tree, edit, builder, &buffer, &built, &inside, false);
        if (!rc) rc = art_children_add(out, children->child[first].separator, &built.ref);
        if (rc) break;
        out->pages += art_ref_pages(&built.ref);
        out->blobs++;
        first += inside;
        more = built.more || next < children->count;
        if (!more) break;
        rc = art_store_buffer(tree->store, &buffer);
        if (!rc) art_builder_begin(builder, buffer.data);
    }
    assert(rc || first == children->count); /* each child is in a blob */
    art_blob_buf_put(&buffer);
    art_builder_close(builder);
    return rc;
}
