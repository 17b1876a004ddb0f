/* A simulated place, with two blobs in its file: what the programs of a store's file work on. */
#ifndef ART_TESTS_STORE_TWO_H
#define ART_TESTS_STORE_TWO_H

#include "tests/support/store_world.h"

enum { MB = 1 << 20 };

static struct store_place place;
static struct store_blob blobs[2];
static struct art_store *store; /* of the tests that do not close theirs */

static void end_world(void) {
    art_store_close(store);
    store = NULL;
    store_blobs_free(blobs, 2);
    memset(blobs, 0, sizeof blobs);
    if (place.mode) store_place_close(&place);
    place = (struct store_place){0};
}

/* In the place of the one before. */
static void make_world(void) {
    end_world();
    store_place_simulated(&place, 1);
    store_fill(store = store_open(&place, 64 * MB), true, blobs, 2, 12);
    art_store_close(store);
    store = NULL;
}

#endif
