/* Entries in ascending order in; leaf blobs, and if a whole run is wanted the index blobs above them, out.
 *
 *   entries -> leaf builder -> blob, blob, blob ...      each finished blob leaves a child: separator and reference
 *   children (height 0) -> index builder -> blob ...     whenever many of them wait, so that memory stays bounded
 *   children (height 1) -> ...                           until one reference is left: the top
 */
#include "core/tree/run/run.h"

#include "core/base/limits.h"
#include "core/blob/bucket.h"
#include "core/blob/builder.h"
#include "core/tree/state/hooks.h"

struct art_run_build {
    struct art_tree *tree;
    struct art_version_edit *edit;
    struct art_builder *builder;
    struct art_blob_buf buffer;
    struct art_training *training;                /* NULL: none are coded */
    struct art_children waiting[ART_HEIGHTS_MAX]; /* for an index blob over them, by height */
    struct art_tally added;
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

/* --- nothing is lost ---------------------------------------------------------------------------------------------- */

enum art_rc art_tally_compare(const struct art_tree *tree, const struct art_tally *expected,
                              const struct art_tally *built) {
    if (expected->entries == built->entries && expected->weight == built->weight) return ART_OK;
    return art_corrupt(tree->options.path, ART_NOWHERE, ART_NOWHERE,
                       "%llu entries of weight %lld were to be built, and %llu of weight %lld were",
                       (unsigned long long)expected->entries, (long long)expected->weight,
                       (unsigned long long)built->entries, (long long)built->weight);
}

/* Those from number `first` on. */
static struct art_tally tally_of(const struct art_children *children, uint32_t first) {
    struct art_tally tally = {0};
    for (uint32_t i = first; i < children->count; i++) art_tally_add(&tally, &children->child[i].ref);
    return tally;
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
    if (!rc && options.blocks) rc = art_training_open(&build->training, tree);
    if (rc) {
        art_run_build_close(build);
        return rc;
    }
    *out = build;
    assert(build->builder && !build->buffer.data);
    return ART_OK;
}

void art_run_build_from(struct art_run_build *build, struct art_source *sources, unsigned count) {
    if (build->training) art_training_from(build->training, sources, count);
}

enum art_rc art_run_build_names(struct art_run_build *build, struct art_blob *leaf) {
    return build->training ? art_training_of_leaf(build->training, leaf) : ART_OK;
}

void art_run_build_close(struct art_run_build *build) {
    if (!build) return;
    art_training_close(build->training);
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
    ART_IN_TESTS(if (art_test_hooks.fold_children) return children->count >= art_test_hooks.fold_children);
    return children->count >= ART_LIMIT(fold_children) ||
           (children->bytes >= ART_LIMIT(fold_bytes) && children->count > 1);
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

static enum art_rc wait_for_index(struct art_run_build *build, struct art_bytes separator, const struct art_ref *ref) {
    assert(!ref->height);
    build->blobs++;
    build->pages += art_ref_pages(ref);
    enum art_rc rc = art_children_add(&build->waiting[0], separator, ref);
    return !rc && build->whole && many(&build->waiting[0]) ? fold(build, 0) : rc;
}

enum art_rc art_run_build_add_leaf(struct art_run_build *build, struct art_bytes separator, const struct art_ref *ref) {
    art_tally_add(&build->added, ref);
    return wait_for_index(build, separator, ref);
}

/* Closes the leaf blob under construction. */
static enum art_rc finish_leaf(struct art_run_build *build, bool *more) {
    assert(build->buffer.data);
    struct art_built built;
    enum art_rc rc = art_edit_write(build->tree, build->edit, build->builder, &build->buffer, &built, build->cold);
    if (rc) return rc;
    *more = built.more;
    build->tree->count.names_plain += built.plain_names;
    build->tree->count.names_coded += built.coded_names;
    return wait_for_index(build, built.separator, &built.ref);
}

/* What is still pending was at first to go into the blob before. */
static enum art_rc begin_leaf(struct art_run_build *build) {
    assert(!build->buffer.data);
    const struct art_symbols *symbols = NULL;
    enum art_rc rc = build->training ? art_training_choose(build->training, &symbols) : ART_OK;
    if (!rc && build->training) rc = art_builder_symbols(build->builder, symbols);
    if (!rc) rc = art_store_buffer(build->tree->store, &build->buffer);
    if (rc) return rc;
    art_builder_begin(build->builder, build->buffer.data);
    build->edit->root->blocks |= build->last && art_codec();
    return ART_OK;
}

/* All that is built comes from runs and log. What the builder refuses to take is damage that no hash could show. */
static enum art_rc refused(const struct art_tree *tree, enum art_rc rc) {
    if (rc != ART_MISUSE) return rc;
    return art_corrupt(tree->options.path, ART_NOWHERE, ART_NOWHERE,
                       "what runs and log hold is out of order or cannot stand there");
}

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
    build->added.entries += !rc;
    build->added.weight += rc ? 0 : (uint64_t)art_entry_weight(entry->flags);
    return refused(build->tree, rc);
}

void art_run_build_leave_out(struct art_run_build *build, int64_t weight) {
    build->edit->weight -= (uint64_t)weight;
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
    bool more = build->buffer.data && art_builder_pending(build->builder) > 0;
    enum art_rc rc = ART_OK;
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
    const struct art_tally built = tally_of(out, 0);
    return art_tally_compare(build->tree, &build->added, &built);
}

/* Does anything wait at a greater height? */
static bool is_below(const struct art_run_build *build, unsigned height) {
    bool below = false;
    for (unsigned above = height + 1; above < ART_HEIGHTS_MAX; above++) below |= build->waiting[above].count > 0;
    return below;
}

enum art_rc art_run_build_run(struct art_run_build *build, struct art_run *out) {
    *out = (struct art_run){0};
    assert(build->whole);
    enum art_rc rc = finish_leaves(build);
    unsigned height = 0;
    for (; !rc && (is_below(build, height) || build->waiting[height].count > 1); height++)
        if (build->waiting[height].count) rc = fold(build, height);
    if (rc) return rc;
    struct art_children *top = &build->waiting[height];
    const struct art_tally built = tally_of(top, 0);
    rc = art_tally_compare(build->tree, &build->added, &built);
    if (rc || !top->count) return rc;
    out->top = top->child[0].ref;
    art_ref_leave(&top->child[0].ref);
    out->blobs = build->blobs;
    out->pages = build->pages;
    return ART_OK;
}

/* --- index blobs -------------------------------------------------------------------------------------------------- */

/* Has an index blob with so many children enough of them? */
static bool is_wide(uint32_t children) {
    return ART_LIMIT(index_children) && children + 1 > ART_LIMIT(index_children);
}

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
    uint32_t next = 0, first = 0, before = out->count;
    bool more = true;
    while (!rc && (next < children->count || more)) {
        bool full = next == children->count || is_wide(next - first);
        if (!full) {
            const struct art_child *child = &children->child[next];
            rc = refused(tree, art_builder_add_ref(builder, child->separator, &child->ref, &full));
            if (!rc && !full) next++;
            if (rc || !full) continue;
        }
        struct art_built built;
        rc = art_edit_write(tree, edit, builder, &buffer, &built, false);
        if (!rc) rc = art_children_add(out, children->child[first].separator, &built.ref);
        if (rc) break;
        out->pages += art_ref_pages(&built.ref);
        out->blobs++;
        first += built.entries;
        more = built.more || next < children->count;
        if (!more) break;
        rc = art_store_buffer(tree->store, &buffer);
        if (!rc) art_builder_begin(builder, buffer.data);
    }
    art_blob_buf_put(&buffer);
    art_builder_close(builder);
    if (rc) return rc;
    const struct art_tally below = tally_of(children, 0), built = tally_of(out, before);
    return art_tally_compare(tree, &below, &built); /* each child is in a blob */
}
