/* What a table of check_world.h holds, entry by entry and with the pages that each lies in; and whether what salvage
 * shows of it is all that it could, and nothing else.
 *
 *   a key's newest entry lies in sound pages    its row is shown as it is, or, deleted, is not shown
 *   it does not                                 the key lies in a range of art_lost; an older entry may show, the
 *                                               newest that lies in sound pages or a newer one
 *   a range of a damaged leaf page              has no key in it that the same leaf holds in sound pages
 */
#ifndef ART_TESTS_SALVAGE_FACTS_H
#define ART_TESTS_SALVAGE_FACTS_H

#include "core/tree/salvage.h"
#include "tests/support/check_world.h"

struct damage { /* of a page */
    uint32_t slot, page;
};

/* Collects from the tree of check_world.h, which is sound. */
void facts_collect(void);
void facts_free(void);
/* The used pages of all blobs that the root names. malloc()ed. */
struct damage *facts_pages(unsigned *count);

struct salvage_case {
    const struct damage *damage;
    unsigned count;
    bool without_root; /* rows that were deleted may come back anywhere */
    bool without_log;  /* so what stands in it alone may be missing, and its ranges cover everything */
};
/* Reads all, and looks at it by the rules above. Returns the number of rows. */
unsigned salvage_judge(const struct art_salvage_options *source, const struct salvage_case *what);
/* Of check_world.h, with its log. */
struct art_salvage_options salvage_options(void);
/* The ranges of the last salvage_judge(). */
bool salvage_told(const char *words);
unsigned salvage_ranges(void);

#endif
