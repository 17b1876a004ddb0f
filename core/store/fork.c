/* The handler that runs in a forked child. */
#include "core/store/fork.h"

#include <assert.h>
#include <pthread.h>

#include "core/base/error.h"
#include "core/base/platform.h"
#include "core/store/cache.h"
#include "core/store/write_pool.h"

_Atomic uint32_t art_fork_generation;

static pthread_mutex_t fork_lock = PTHREAD_MUTEX_INITIALIZER;
static bool watching;

static void lock_before_fork(void) {
    pthread_mutex_lock(&fork_lock);
}

static void in_parent(void) {
    pthread_mutex_unlock(&fork_lock);
}

static void in_child(void) {
    assert(watching);
    atomic_fetch_add(&art_fork_generation, 1);
    art_cache_abandon();
    art_write_pool_abandon();
    pthread_mutex_unlock(&fork_lock);
}

enum art_rc art_fork_watch(void) {
    pthread_mutex_lock(&fork_lock);
    if (!watching) watching = art_platform_at_fork(lock_before_fork, in_parent, in_child);
    bool done = watching;
    pthread_mutex_unlock(&fork_lock);
    return done ? ART_OK : art_nomem();
}
