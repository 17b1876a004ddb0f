/* What a tree must say: a sorted array of rows, and every way of reading held against it. */
#include "tests/support/tree_model.h"

#include <check.h>
#include <stdio.h>

#include "core/base/alloc.h"
#include "core/base/error.h"

struct art_bytes model_key(const struct model_row *row) {
    return art_bytes(row->key, row->key_len);
}

unsigned model_find(const struct model *model, struct art_bytes key, bool *found) {
    unsigned low = 0, high = model->rows;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (art_bytes_compare(model_key(&model->row[middle]), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found = low < model->rows && art_bytes_equal(model_key(&model->row[low]), key);
    return low;
}

void model_delete(struct model *model, struct art_bytes key) {
    bool found;
    unsigned at = model_find(model, key, &found);
    if (!found) return;
    free(model->row[at].key);
    free(model->row[at].value);
    memmove(&model->row[at], &model->row[at + 1], (model->rows - at - 1) * sizeof model->row[0]);
    model->rows--;
}

void model_put(struct model *model, struct art_bytes key, struct art_bytes value) {
    model_delete(model, key);
    bool found;
    unsigned at = model_find(model, key, &found);
    ck_assert_uint_lt(model->rows, MODEL_MAX);
    memmove(&model->row[at + 1], &model->row[at], (model->rows - at) * sizeof model->row[0]);
    struct model_row row = {key.len, value.len, malloc(key.len + 1), malloc(value.len + 1)};
    if (key.len) memcpy(row.key, key.data, key.len);
    if (value.len) memcpy(row.value, value.data, value.len);
    model->row[at] = row;
    model->rows++;
}

void model_clear(struct model *model) {
    while (model->rows) {
        model->rows--;
        free(model->row[model->rows].key);
        free(model->row[model->rows].value);
    }
}

void model_copy(const struct model *from, struct model *to) {
    model_clear(to);
    for (unsigned i = 0; i < from->rows; i++) {
        const struct model_row *row = &from->row[i];
        struct model_row copy = {row->key_len, row->value_len, malloc(row->key_len + 1), malloc(row->value_len + 1)};
        memcpy(copy.key, row->key, row->key_len);
        memcpy(copy.value, row->value, row->value_len);
        to->row[to->rows++] = copy;
    }
}

/* --- random keys -------------------------------------------------------------------------------------------------- */

struct art_bytes model_random_key(struct random *random, int family) {
    static uint8_t key_bytes[70000];
    static const char *const names[] = {"", "a", "ab", "api", "users", "v2"};
    static const uint8_t letters[] = {0, 255, 'a', 'b', '/'};
    uint32_t n = 0;
    switch (family) {
    case 0:
        n = random_below(random, 7);
        for (uint32_t i = 0; i < n; i++) key_bytes[i] = letters[random_below(random, 5)];
        break;
    case 1:
        n = (uint32_t)sprintf((char *)key_bytes, "dir-%02u/sub/%04u", random_below(random, 20),
                              random_below(random, 200));
        break;
    case 2:
        n = random_below(random, 40) ? 1 + random_below(random, 300) : random_below(random, 60000);
        memset(key_bytes, 'q', n);
        for (int i = 0; i < 3 && n; i++) key_bytes[random_below(random, n)] = (uint8_t)('a' + random_below(random, 3));
        break;
    case 4:
        for (uint32_t segments = 1 + random_below(random, 5); segments--;) {
            n += (uint32_t)sprintf((char *)key_bytes + n, "/%s", names[random_below(random, 6)]);
        }
        break;
    case 5:
        n = random_below(random, 400);
        memset(key_bytes, 'a', n);
        if (random_below(random, 2)) key_bytes[n++] = "Zb/\0\377"[random_below(random, 5)];
        break;
    default:
        n = 8;
        for (uint32_t i = 0; i < n; i++) key_bytes[i] = (uint8_t)random_next(random);
        key_bytes[0] &= 3;
        key_bytes[1] &= 7;
        key_bytes[2] = key_bytes[3] = key_bytes[4] = key_bytes[5] = 0;
        key_bytes[6] &= 7;
        key_bytes[7] &= 7;
    }
    return art_bytes(key_bytes, n);
}

/* --- comparing ---------------------------------------------------------------------------------------------------- */

int model_compare_row(struct art_tree *tree, struct art_cursor *cursor, const struct model_row *row) {
    ck_assert_msg(art_cursor_valid(cursor), "a row is missing");
    struct art_bytes key = art_cursor_key(cursor), value;
    ck_assert_msg(art_bytes_equal(key, model_key(row)), "wrong key");
    uint8_t *owned;
    int rc = art_row_value(tree, art_cursor_row(cursor), &value, &owned);
    if (rc) return rc;
    ck_assert_msg(art_bytes_equal(value, art_bytes(row->value, row->value_len)), "wrong value");
    art_free(owned);
    return ART_OK;
}

/* Reads the range both ways. */
static int compare_walk(struct art_tree *tree, struct art_cursor *cursor, const struct model *model,
                        const struct art_range *range, unsigned low, unsigned high) {
    for (int backward = 0; backward < 2; backward++) {
        int rc = art_cursor_seek(cursor, range, backward);
        for (unsigned i = low; !rc && i < high; i++) {
            rc = model_compare_row(tree, cursor, &model->row[backward ? high - 1 - (i - low) : i]);
            if (!rc) rc = art_cursor_next(cursor);
        }
        if (rc) return rc;
        ck_assert_msg(!art_cursor_valid(cursor), "a row too many");
    }
    return ART_OK;
}

void model_range(const struct model *model, const struct art_range *range, unsigned *low, unsigned *high) {
    bool found;
    *low = 0;
    *high = model->rows;
    if (range->low_set) {
        *low = model_find(model, range->low, &found);
        if (found && range->low_open) ++*low;
    }
    if (range->high_set) {
        *high = model_find(model, range->high, &found);
        if (found && !range->high_open) ++*high;
    }
    if (*high < *low) *high = *low;
}

static int compare_range(struct art_tree *tree, const struct model *model, const struct art_range *range) {
    unsigned low, high;
    model_range(model, range, &low, &high);
    uint64_t count;
    int rc = art_tree_count(tree, range, &count);
    if (rc) return rc;
    ck_assert_msg(count == high - low, "count %llu instead of %u", (unsigned long long)count, high - low);
    struct art_cursor *cursor;
    rc = art_cursor_open(tree, &cursor);
    if (rc) return rc;
    rc = compare_walk(tree, cursor, model, range, low, high);
    art_cursor_close(cursor);
    return rc;
}

/* Jumps over everything that shares the first bytes of each row that is met. */
static int compare_jumps(struct art_tree *tree, const struct model *model, uint32_t len, bool backward) {
    struct art_cursor *cursor;
    int rc = art_cursor_open(tree, &cursor);
    if (rc) return rc;
    rc = art_cursor_seek(cursor, &(struct art_range){0}, backward);
    for (unsigned i = 0; !rc && i < model->rows;) {
        const struct model_row *row = &model->row[backward ? model->rows - 1 - i : i];
        rc = model_compare_row(tree, cursor, row);
        if (!rc) rc = art_cursor_skip_prefix(cursor, len);
        struct art_bytes prefix = art_bytes(row->key, art_min32(len, row->key_len));
        do i++;
        while (len <= row->key_len && i < model->rows &&
               art_bytes_starts_with(model_key(&model->row[backward ? model->rows - 1 - i : i]), prefix));
    }
    if (!rc) ck_assert_msg(!art_cursor_valid(cursor), "a row too many after a jump");
    art_cursor_close(cursor);
    return rc;
}

/* Releases the row. */
static int compare_value(struct art_tree *tree, struct art_row *row, const struct model_row *expected) {
    struct art_bytes value;
    uint8_t *owned;
    int rc = art_row_value(tree, row, &value, &owned);
    if (!rc) ck_assert(art_bytes_equal(value, art_bytes(expected->value, expected->value_len)));
    art_free(owned);
    art_row_release(row);
    return rc;
}

static int compare_get(struct art_tree *tree, const struct model *model, struct art_bytes key) {
    bool found;
    unsigned at = model_find(model, key, &found);
    struct art_row row;
    int rc = art_tree_get(tree, key, &row);
    if (rc && rc != ART_NOTFOUND) return rc;
    ck_assert_msg(found == !rc, found ? "a row is missing" : "a row too many");
    return rc ? ART_OK : compare_value(tree, &row, &model->row[at]);
}

/* A count of rows: mostly within reach of `most`, sometimes none, far too many, or nearly all that there can be. */
uint64_t model_random_count(struct random *random, unsigned most) {
    switch (random_below(random, 8)) {
    case 0:
        return 0;
    case 1:
        return 1 + random_below(random, 3);
    case 2:
        return most + random_below(random, 3);
    case 3:
        return random_below(random, 2) ? UINT64_MAX : (uint64_t)INT64_MAX;
    default:
        return random_below(random, most + 1);
    }
}

/* Skips through a range in random steps, now and then a single row on. */
static int compare_skips(struct random *random, struct art_tree *tree, const struct model *model,
                         const struct art_range *range) {
    unsigned low, high;
    model_range(model, range, &low, &high);
    bool backward = random_below(random, 2);
    struct art_cursor *cursor;
    int rc = art_cursor_open(tree, &cursor);
    if (rc) return rc;
    rc = art_cursor_seek(cursor, range, backward);
    for (uint64_t at = 0; !rc && at < high - low;) {
        rc = model_compare_row(tree, cursor, &model->row[backward ? high - 1 - at : low + at]);
        bool step = random_below(random, 4) == 0;
        uint64_t count = step ? 1 : model_random_count(random, (high - low) / 2);
        if (!rc) rc = step ? art_cursor_next(cursor) : art_cursor_skip(cursor, count);
        at = count < high - low - at ? at + count : high - low;
    }
    if (!rc) ck_assert_msg(!art_cursor_valid(cursor), "a row too many after a skip");
    if (!rc) rc = art_cursor_skip(cursor, 1 + random_below(random, 3)); /* nothing happens */
    if (!rc) ck_assert(!art_cursor_valid(cursor));
    art_cursor_close(cursor);
    return rc;
}

/* What a stored path must be to count, said in other words than core says it. */
static bool counts_as_prefix(struct art_bytes stored, struct art_bytes path, struct art_bytes delimiter) {
    if (!art_bytes_starts_with(path, stored)) return false;
    if (!delimiter.len || stored.len == path.len) return true;
    for (uint32_t at = 0; at + delimiter.len <= path.len; at++) {
        if (memcmp(path.data + at, delimiter.data, delimiter.len)) continue;
        if (at == stored.len || at + delimiter.len == stored.len) return true;
    }
    return false;
}

static int compare_longest_prefix(struct random *random, struct art_tree *tree, const struct model *model,
                                  struct art_bytes path, struct art_bytes delimiter) {
    const struct model_row *best = NULL;
    for (unsigned i = 0; i < model->rows; i++) {
        const struct model_row *row = &model->row[i];
        if (counts_as_prefix(model_key(row), path, delimiter) && (!best || row->key_len > best->key_len)) best = row;
    }
    struct art_buffer out = {0};
    struct art_row row = {0};
    bool with_row = random_below(random, 2);
    uint32_t before = random_below(random, 3); /* it appends */
    int rc = art_buffer_append(&out, "xyz", before);
    if (!rc) rc = art_tree_longest_prefix(tree, path, delimiter, &out, with_row ? &row : NULL);
    if (!rc || rc == ART_NOTFOUND) {
        ck_assert_msg(!rc == !!best, best ? "a prefix is missing" : "a prefix too many");
        ck_assert_uint_eq(out.len, before + (best ? best->key_len : 0));
        if (best && best->key_len) ck_assert_mem_eq(out.data + before, path.data, best->key_len);
        rc = best && with_row ? compare_value(tree, &row, best) : ART_OK;
    }
    art_row_release(&row);
    art_buffer_clear(&out);
    return rc;
}

/* Paths that begin as a row does, and others; delimiters that occur, and others. */
static int compare_longest_prefixes(struct random *random, struct art_tree *tree, const struct model *model,
                                    int family) {
    static const char *const delimiters[] = {"", "/", "a", "/a", "//", "q", "\377", "nowhere"};
    static uint8_t path[140000];
    struct art_bytes key = model_random_key(random, family);
    uint32_t n = key.len;
    if (n) memcpy(path, key.data, n);
    if (model->rows && random_below(random, 3)) {
        const struct model_row *row = &model->row[random_below(random, model->rows)];
        uint32_t begin = random_below(random, 2) ? row->key_len : random_below(random, row->key_len + 1);
        memmove(path + begin, path, n);
        memcpy(path, row->key, begin);
        n += begin;
        if (n > ART_PATH_MAX + 5) n = ART_PATH_MAX + 5;
    }
    const char *delimiter = delimiters[random_below(random, 8)];
    struct art_bytes bytes = art_bytes(delimiter, (uint32_t)strlen(delimiter));
    if (random_below(random, 9) == 0) bytes = art_bytes("", 1); /* NUL */
    return compare_longest_prefix(random, tree, model, art_bytes(path, n), bytes);
}

/* Whatever it says, it says something, and nothing absurd. */
static void compare_estimate(struct art_tree *tree, const struct art_range *range) {
    uint64_t rows = UINT64_MAX;
    bool known = art_tree_estimate(tree, range, &rows);
    ck_assert_int_eq(known, !art_tree_unknown(tree));
    if (known) ck_assert_msg(rows < 10000000, "%llu rows", (unsigned long long)rows);
}

/* Bounds of a few bytes, or of whole keys. */
void model_random_range(struct random *random, int family, struct art_range *out) {
    static uint8_t low[70000], high[70000];
    struct art_bytes key = model_random_key(random, family);
    uint32_t low_len = random_below(random, 3) ? art_min32(key.len, random_below(random, 6)) : key.len;
    if (low_len) memcpy(low, key.data, low_len);
    key = model_random_key(random, family);
    uint32_t high_len = random_below(random, 3) ? art_min32(key.len, random_below(random, 6)) : key.len;
    if (high_len) memcpy(high, key.data, high_len);
    *out = (struct art_range){
        .low = art_bytes(low, low_len),
        .high = art_bytes(high, high_len),
        .low_set = random_below(random, 4),
        .high_set = random_below(random, 4),
        .low_open = random_below(random, 2),
        .high_open = random_below(random, 2),
    };
}

int model_compare(struct random *random, struct art_tree *tree, const struct model *model, int family) {
    static uint8_t high[70000];
    struct art_range range = {0}, prefix;
    compare_estimate(tree, NULL);
    int rc = compare_range(tree, model, &range);
    for (int i = 0; !rc && i < 4; i++) rc = compare_get(tree, model, model_random_key(random, family));
    if (!rc) rc = compare_jumps(tree, model, random_below(random, 9), random_below(random, 2));
    for (int i = 0; !rc && i < 3; i++) rc = compare_skips(random, tree, model, &range);
    for (int i = 0; !rc && i < 6; i++) rc = compare_longest_prefixes(random, tree, model, family);
    model_random_range(random, family, &range);
    if (!rc) rc = compare_range(tree, model, &range);
    if (!rc) rc = compare_skips(random, tree, model, &range);
    compare_estimate(tree, &range);
    art_range_of_prefix(range.low, high, &prefix);
    if (!rc) rc = compare_range(tree, model, &prefix);
    if (!rc) rc = compare_skips(random, tree, model, &prefix);
    compare_estimate(tree, &prefix);
    return rc;
}
