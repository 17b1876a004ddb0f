/* What tests alone see and change of a tree from inside: one small table, in builds that define ART_TEST_HOOKS (the
 * Makefile: all but SHIPPED). Elsewhere its macros are nothing.
 *
 * Members are set before a tree is opened; `at` and `past` are called by any thread. What art_debug counts
 * (counters.h), or what shows at a simulated disk or at the system's calls (core/linux/io_system.h), needs no place
 * here.
 */
#ifndef ART_TREE_HOOKS_H
#define ART_TREE_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"

struct art_run_cursor;
struct art_tree;
struct art_version_edit;

enum art_event {
    /* Work, with a beginning and an end. A spill flushes and merges; another summary merges. */
    ART_EVENT_FLUSH,
    ART_EVENT_MERGE,
    ART_EVENT_SPILL,
    ART_EVENT_SUMMARY,
    ART_EVENT_DIRECTORY,
    ART_EVENT_VACUUM,
    /* Moments. */
    ART_EVENT_SLOT_NEW,   /* a blob takes a slot behind the file's end */
    ART_EVENT_SLOT_AGAIN, /* a slot that lay in the file when writing began */
    ART_EVENT_AHEAD,      /* a walk looks for a leaf that it may ask for before it comes to it */
    ART_EVENT_STEP,       /* art_merge_step() */
    ART_EVENT_RANK,       /* art_tree_rank_above(), and so art_tree_rank() */
    ART_EVENT_SELECT      /* art_tree_select() */
};

struct art_test_hooks {
    void (*at)(enum art_event event); /* a moment, or work that begins */
    void (*past)(enum art_event work);
    /* In the place of art_compact_merge(), which chooses what is merged. */
    enum art_rc (*merge)(struct art_tree *tree, struct art_version_edit *edit);
    /* In the place of each search in a run. */
    enum art_rc (*seek)(struct art_run_cursor *cursor, bool backward);
    void (*writes)(const uint8_t *blob); /* that a flush or a merge has built, as it will lie in its slot */
    bool few_names;                      /* names are coded, however few there are */
    bool as_one;                         /* ranges of rows are changed as one thing, however few they are */
    uint32_t fold_children; /* of a run that is built: so many references wait for an index blob; 0: as many as ever */
    uint32_t blob_pages; /* art_tree_options.blob_pages of trees that are opened from now on without; 0: full blobs */
    uint64_t first_csn, first_generation; /* of a table that is made: as if it had lived so long */
};

extern struct art_test_hooks art_test_hooks;

#ifdef ART_TEST_HOOKS
#define ART_IN_TESTS(...) __VA_ARGS__

void art_tests_leave_commits(uint64_t count); /* to tables that are made from now on: first_csn, first_generation */

static inline enum art_event art_test_at(enum art_event event) {
    if (art_test_hooks.at) art_test_hooks.at(event);
    return event;
}

static inline void art_test_past(const enum art_event *work) {
    if (art_test_hooks.past) art_test_hooks.past(*work);
}
#else
#define ART_IN_TESTS(...)
#endif

#define ART_AT(event) ART_IN_TESTS(art_test_at(event))
/* From here to the end of the block, whichever way it is left. */
#define ART_DURING(work)                                                                                               \
    ART_IN_TESTS(__attribute__((cleanup(art_test_past), unused)) enum art_event art_test_work = art_test_at(work))
#define ART_INSTEAD(hook, ...) ART_IN_TESTS(if (art_test_hooks.hook) return art_test_hooks.hook(__VA_ARGS__))

#endif
