#include "tests/support/random_fed.h"

struct random *random_fed;
static const uint8_t *at, *end;

void random_feed(struct random *random, const uint8_t *data, size_t size) {
    random_fed = random;
    at = data;
    end = size ? data + size : data;
}

bool random_is_hungry(void) {
    return random_fed && at == end;
}

uint64_t random_fed_next(void) {
    uint64_t x = at < end ? *at++ : 0;
    x = x << 8 | (at < end ? *at++ : 0);
    return x * 0x0001000100010001u;
}
