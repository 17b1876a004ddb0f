#include "tests/support/keys.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static uint32_t make_dense(uint8_t *out, struct random *random) {
    static const uint8_t alphabet[] = {0, 1, 'a', 'b', '/', 0xfe, 0xff};
    uint32_t len = random_below(random, random_once_in(random, 2) ? 12 : 5);
    for (uint32_t i = 0; i < len; i++) out[i] = alphabet[random_below(random, sizeof alphabet)];
    return len;
}

static uint32_t make_random(uint8_t *out, struct random *random) {
    for (uint32_t i = 0; i < 32; i++) out[i] = (uint8_t)random_next(random);
    return 32;
}

static uint32_t make_directory(uint8_t *out, struct random *random) {
    return (uint32_t)sprintf((char *)out, "dir-%03u/sub/%06u", random_below(random, 50), random_below(random, 3000));
}

static uint32_t make_path(uint8_t *out, struct random *random) {
    static const char *const names[] = {"usr", "lib", "share", "doc", "python3", "local", "include", ""};
    uint32_t len = 0, levels = 1 + random_below(random, 6);
    for (uint32_t i = 0; i < levels; i++)
        len += (uint32_t)sprintf((char *)out + len, "/%s", names[random_below(random, 8)]);
    if (random_below(random, 4)) len += (uint32_t)sprintf((char *)out + len, "/file-%u", random_below(random, 500));
    return len;
}

static uint32_t make_shared(uint8_t *out, struct random *random) {
    uint32_t len = random_below(random, 700);
    for (uint32_t i = 0; i < len; i++) {
        out[i] = random_once_in(random, 60) ? (uint8_t) "\0\xffxab/"[random_below(random, 6)] : 'x';
    }
    return len;
}

/* Some first bytes have few, some many second bytes; and any bytes. */
static uint32_t make_wide(uint8_t *out, struct random *random) {
    static const uint16_t widths[] = {3, 12, 40, 256};
    uint32_t which = random_below(random, 5), len = 1 + random_below(random, 3);
    if (which == 4) {
        for (uint32_t i = 0; i < len; i++) out[i] = (uint8_t)random_next(random);
        return len;
    }
    memcpy(out, "wide/", 5);
    out[5] = (uint8_t)('a' + which);
    out[6] = (uint8_t)(random_below(random, widths[which]) * (256 / widths[which]));
    out[7] = (uint8_t)random_below(random, 4);
    return 5 + len;
}

static uint32_t make_long(uint8_t *out, struct random *random) {
    uint32_t len = random_below(random, 8) ? random_below(random, 50) : 5000 + random_below(random, ART_KEY_MAX - 4999);
    if (random_once_in(random, 20)) len = ART_KEY_MAX;
    memset(out, 'q', len);
    for (uint32_t i = 0; i < 3 && len; i++) {
        out[random_once_in(random, 2) ? len - 1 - random_below(random, art_min32(len, 4)) : random_below(random, len)] =
            (uint8_t)random_next(random);
    }
    return len;
}

static uint32_t make_nested(uint8_t *out, struct random *random) {
    uint32_t len = random_below(random, 1500);
    memset(out, 'a', len);
    if (random_once_in(random, 4)) out[len++] = "\0b\xff"[random_below(random, 3)];
    return len;
}

static uint32_t make_twin(uint8_t *out, struct random *random) {
    uint32_t pair = random_below(random, 60), len = 3000 + 20 * pair;
    struct random same = {pair};
    for (uint32_t i = 0; i < len; i++) out[i] = (uint8_t)random_next(&same);
    out[len] = (uint8_t)random_below(random, 2);
    return len + 1;
}

int key_compare(const void *a, const void *b) {
    return art_bytes_compare(*(const struct art_bytes *)a, *(const struct art_bytes *)b);
}

struct art_bytes key_copy(const void *data, uint32_t len, uint32_t padding) {
    uint8_t *copy = malloc(len + padding ? len + padding : 1);
    ck_assert_ptr_nonnull(copy);
    if (len) memcpy(copy, data, len);
    memset(copy + len, 0xee, padding);
    return art_bytes(copy, len);
}

void key_set_make(struct key_set *set, enum key_family family, uint32_t wanted, uint32_t padding,
                  struct random *random) {
    static uint32_t (*const makers[])(uint8_t *, struct random *) = {
        make_dense, make_random, make_directory, make_path, make_shared, make_wide, make_long, make_nested, make_twin,
    };
    static uint8_t key[ART_KEY_MAX + 16];
    *set = (struct key_set){.keys = calloc(wanted, sizeof *set->keys), .padding = padding};
    ck_assert_ptr_nonnull(set->keys);
    for (uint32_t i = 0; i < wanted; i++) set->keys[i] = key_copy(key, makers[family](key, random), padding);
    qsort(set->keys, wanted, sizeof *set->keys, key_compare);
    for (uint32_t i = 0; i < wanted; i++) {
        if (set->count && art_bytes_equal(set->keys[set->count - 1], set->keys[i])) {
            free((void *)set->keys[i].data);
        } else {
            set->keys[set->count++] = set->keys[i];
        }
    }
}

void key_set_clear(struct key_set *set) {
    for (uint32_t i = 0; i < set->count; i++) free((void *)set->keys[i].data);
    free(set->keys);
    *set = (struct key_set){0};
}

uint32_t key_set_below(const struct key_set *set, struct art_bytes key) {
    uint32_t low = 0, high = set->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (art_bytes_compare(set->keys[middle], key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool key_set_has(const struct key_set *set, struct art_bytes key) {
    uint32_t at = key_set_below(set, key);
    return at < set->count && art_bytes_equal(set->keys[at], key);
}

struct art_bytes key_set_probe(const struct key_set *set, uint32_t from, uint32_t to, struct random *random) {
    static uint8_t probe[ART_KEY_MAX + 1];
    struct art_bytes key = set->keys[from + random_below(random, to - from)];
    uint32_t len = key.len;
    if (len) memcpy(probe, key.data, len);
    switch (random_below(random, 7)) {
    case 0:
        if (len) len--;
        break;
    case 1:
        if (len < ART_KEY_MAX)
            probe[len++] = (uint8_t[]){0, 0xff, (uint8_t)random_next(random)}[random_below(random, 3)];
        break;
    case 2:
        if (len) probe[random_below(random, len)]++;
        break;
    case 3:
        if (len) probe[len - 1]--;
        break;
    case 4:
        len = random_below(random, len + 1);
        break;
    case 5:
        if (len) probe[len - 1 - random_below(random, art_min32(len, 8))] ^= (uint8_t)(1u << random_below(random, 8));
        break;
    default:
        break;
    }
    return key_copy(probe, len, set->padding);
}
