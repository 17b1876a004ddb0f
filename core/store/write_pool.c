#include "core/store/write_pool.h"

#include <assert.h>
#include <pthread.h>

#include "core/base/error.h"

static pthread_mutex_t users_lock = PTHREAD_MUTEX_INITIALIZER;
static struct art_blob_pool *common_pool; /* guarded by users_lock */
static uint64_t users;                    /* guarded by users_lock */

enum art_rc art_write_pool_take(struct art_blob_pool **pool) {
    if (*pool) return ART_OK;
    pthread_mutex_lock(&users_lock);
    enum art_rc rc = common_pool ? ART_OK : art_blob_pool_open(&common_pool, ART_WRITE_BUFFERS);
    if (rc) rc = art_blob_pool_open(&common_pool, 0); /* no address space: the heap will do */
    if (!rc) users++;
    *pool = rc ? NULL : common_pool;
    assert(!common_pool == !users);
    pthread_mutex_unlock(&users_lock);
    return rc;
}

void art_write_pool_give_back(struct art_blob_pool **pool) {
    pthread_mutex_lock(&users_lock);
    assert(!common_pool == !users);
    bool last = *pool && *pool == common_pool && !--users;
    if (last) {
        art_blob_pool_close(common_pool);
        common_pool = NULL;
    }
    pthread_mutex_unlock(&users_lock);
    *pool = NULL;
}

void art_write_pool_abandon(void) {
    pthread_mutex_init(&users_lock, NULL);
    common_pool = NULL;
    users = 0;
}
