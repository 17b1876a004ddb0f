/* An ordinary table that now and then gives a wrong answer: not one that a run takes by itself, but by its name, to see
 * that the bench refuses the figures of engines that disagree. */
#include <stdlib.h>
#include <string.h>

#include "tests/bench/engine.h"

static bool lying_get(void *store, struct art_bytes key, uint64_t *digest) {
    bool there = engine_table.get(store, key, digest);
    if (key.len % 7 == 0) digest_add(digest, "wrong", 5);
    return there;
}

const struct engine *engine_liar(void) {
    static struct engine liar;
    liar = engine_table;
    liar.name = "liar";
    liar.get = lying_get;
    return &liar;
}
