/* The naive model of a tree, and the comparison of a tree with it.
 *
 * Keys come in families: tiny ones full of prefixes, NUL and 0xFF; directories; long ones that share nearly everything;
 * small numbers; routes of a few segments; a, aa, aaa and so on.
 */
#ifndef ART_TESTS_TREE_MODEL_H
#define ART_TESTS_TREE_MODEL_H

#include "core/tree/read_rows.h"
#include "tests/support/random.h"

enum { MODEL_MAX = 3000, MODEL_FAMILIES = 6 };

struct model_row {
    uint32_t key_len, value_len;
    uint8_t *key, *value;
};

struct model {
    struct model_row row[MODEL_MAX];
    unsigned rows;
};
void model_clear(struct model *model);
void model_copy(const struct model *from, struct model *to);
struct art_bytes model_key(const struct model_row *row);
/* Where the key stands or would stand. */
unsigned model_find(const struct model *model, struct art_bytes key, bool *found);
/* The range's rows are [*low, *high). */
void model_range(const struct model *model, const struct art_range *range, unsigned *low, unsigned *high);
void model_delete(struct model *model, struct art_bytes key);
void model_put(struct model *model, struct art_bytes key, struct art_bytes value);

/* Borrowed until the next call. */
struct art_bytes model_random_key(struct random *random, int family);
uint64_t model_random_count(struct random *random, unsigned most);
void model_random_range(struct random *random, int family, struct art_range *out);
int model_compare_row(struct art_tree *tree, struct art_cursor *cursor, const struct model_row *row);

/* Is the tree what the model says, in all ways of reading it? Aborts the test if not; returns an error of reading. */
int model_compare(struct random *random, struct art_tree *tree, const struct model *model, int family);

#endif
