#include "tests/support/of_core.h"

#include "core/store/private.h"
#include "core/tree/inspect.h"
#include "core/tree/run/run.h"

const char *art_error_name(enum art_rc code) {
    static const char *const names[ART_ERROR_COUNT] = {
#define ART_ERROR_NAME(name) #name,
        ART_ERROR_LIST(ART_ERROR_NAME)
#undef ART_ERROR_NAME
    };
    return code < ART_ERROR_COUNT ? names[code] : "?";
}

enum art_rc art_blob_verify_all(struct art_blob *blob) {
    for (uint32_t page = 0; page < blob->leaf_pages; page++) {
        enum art_rc rc = art_blob_verify_page(blob, page);
        if (rc) return rc;
    }
    return ART_OK;
}

enum art_rc art_blob_check(struct art_blob *blob, bool only_puts) {
    struct art_blob_expected expected = {.only_puts = only_puts, .csn_max = UINT64_MAX};
    return art_blob_check_expected(blob, &expected);
}

enum art_rc art_redo_encode_all(const struct art_memtable *memtable, struct art_buffer *out) {
    size_t begin = out->len;
    struct art_memtable_cursor cursor;
    art_memtable_cursor_init(&cursor, memtable);
    enum art_rc rc = art_memtable_first(&cursor);
    if (!rc) rc = art_redo_encode_some(&cursor, SIZE_MAX, out);
    art_memtable_cursor_clear(&cursor);
    if (rc) out->len = begin;
    return rc;
}

bool art_store_writing(const struct art_store *store) {
    return store->phase.active;
}

enum art_rc art_store_check(const struct art_store *store) {
    uint64_t pages = 0, listed = 0, in_slots = 0;
    for (const struct art_pinned *pinned = store->pinned; pinned; pinned = pinned->next) {
        const struct art_pin *at = art_store_find_pin(store, pinned->blob.slot);
        if (at->pinned != pinned) return art_fail(ART_MISUSE, "art: a pinned blob is not where its slot says");
        if (pinned->next && pinned->next->previous != pinned)
            return art_fail(ART_MISUSE, "art: the list of pinned blobs is broken");
        if (!atomic_load(&pinned->cached->ready)) return art_fail(ART_MISUSE, "art: a pinned blob is not ready");
        pages += pinned->pages;
        listed++;
    }
    for (uint32_t place = 0; place <= UINT32_MAX >> store->pin_shift; place++) {
        const struct art_pin *at = &store->pins[place];
        in_slots += at->pinned != NULL;
        if (at->pinned && (at->pinned->blob.slot != at->slot || at->pinned->place != place))
            return art_fail(ART_MISUSE, "art: a pin does not know its blob's slot, or its blob not the pin's place");
    }
    if (listed != in_slots || listed != store->pin_count)
        return art_fail(ART_MISUSE, "art: a pin is not in the list of pinned blobs");
    if (pages != store->pinned_pages) return art_fail(ART_MISUSE, "art: the pages of the pinned blobs are miscounted");
    return ART_OK;
}

struct first {
    enum art_rc rc;
    char sentence[1024];
};

static bool keep_first(void *context, const struct art_problem *problem) {
    struct first *first = context;
    first->rc = problem->rc;
    snprintf(first->sentence, sizeof first->sentence, "%s", problem->sentence);
    return false;
}

/* Salvage passes over what lies in a cut: no blob in use has an entry there. */
static enum art_rc check_cuts(struct art_tree *tree) {
    const struct art_root *root = tree->root;
    struct art_run_cursor cursor;
    if (!root->cuts.len) return ART_OK;
    enum art_rc rc = art_run_cursor_open(&cursor, tree->store);
    for (unsigned i = 0; !rc && i < root->runs; i++) {
        art_run_cursor_reset(&cursor, &root->run[i].top, 0);
        for (rc = art_run_first(&cursor); !rc && cursor.valid; rc = art_run_next(&cursor)) {
            uint64_t generation = cursor.leaf.blob->generation;
            if (art_cuts_have(&root->cuts, art_run_key(&cursor), generation)) {
                rc = art_fail(ART_MISUSE, "art: a blob in use has an entry of a range that was cut");
                break;
            }
        }
    }
    art_run_cursor_close(&cursor);
    return rc;
}

enum art_rc art_tree_check(struct art_tree *tree) {
    struct first first = {.rc = ART_OK};
    struct art_check_options options = {.problem = keep_first, .context = &first};
    enum art_rc rc = art_tree_check_all(tree, &options);
    if (!rc && first.rc) return art_fail(first.rc, "%s", first.sentence);
    if (!rc && art_tree_is_known(tree)) rc = art_memtable_check(tree->memtable);
    if (!rc && art_tree_is_known(tree)) rc = check_cuts(tree);
    return rc ? rc : art_store_check(tree->store);
}
