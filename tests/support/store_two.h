/* A simulated place, with two blobs in its file: what the programs of a store's file work on. */
#ifndef ART_TESTS_STORE_TWO_H
#define ART_TESTS_STORE_TWO_H

#include "tests/support/store_world.h"

enum { MB = 1 << 20 };

static struct store_blob blobs[2];

static void make_world(void) {
    new_world(1);
    store_fill(store = store_open(&place, 64 * MB), true, blobs, 2, 12);
    art_store_close(store);
    store = NULL;
}

#endif
