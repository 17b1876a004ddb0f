#include "core/base/limits.h"

#ifdef ART_SMALL_LIMITS
#include <stdlib.h>

#include "core/base/medium.h"

#define ART_LIMIT_SMALL(name, value, small) .name = (small),
struct art_small_limits art_small_limits = {ART_LIMITS(ART_LIMIT_SMALL)};

/* Three in eight are as small as they can be, one in eight is as large as ever, the others lie near the small one.
 * Of two powers of two it is one, too. */
static uint32_t draw(uint64_t *state, uint32_t small, uint32_t value) {
    *state += 0x9e3779b97f4a7c15;
    uint64_t z = (*state ^ *state >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    z ^= z >> 31;
    bool doubles = value && small && !(small & (small - 1)) && !(value & (value - 1));
    uint32_t near = doubles ? small << (1 + (z >> 32) % 2) : small + 1 + (uint32_t)(z >> 32) % (2 * small + 2);
    uint32_t kind = z % 8;
    if (kind < 3) return small;
    if (kind == 3) return value;
    return !value || near < value ? near : value;
}

#define ART_LIMIT_DRAWN(name, value, small) art_small_limits.name = draw(&state, small, value);

__attribute__((constructor)) static void take_limits(void) {
    const char *text = getenv("ART_LIMITS");
    uint64_t state = text ? strtoull(text, NULL, 10) : 0;
    if (state) {
        ART_LIMITS(ART_LIMIT_DRAWN)
    }
    art_medium_file.pause_pages = art_small_limits.file_pause_pages;
    art_medium_file.merge_every_bytes = art_small_limits.file_merge_bytes;
    art_medium_file.portion = (struct art_portion){art_small_limits.file_portion, art_small_limits.file_portion_most};
    art_medium_rows.pause_pages = art_small_limits.rows_pause_pages;
    art_medium_rows.merge_every_bytes = art_small_limits.rows_merge_bytes;
    art_medium_rows.portion = (struct art_portion){art_small_limits.rows_portion, art_small_limits.rows_portion_most};
}
#endif
