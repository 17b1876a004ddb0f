/* What blobs are written from: one pool for all stores of the process, since each ring pins the pages that it knows.
 * With a pool of its own a store that has been written would keep 8 MB; so the rings of many share these.
 */
#ifndef ART_STORE_WRITE_POOL_H
#define ART_STORE_WRITE_POOL_H

#include "core/base/error.h"
#include "core/io/blob_pool.h"

enum { ART_WRITE_BUFFERS = 16 }; /* what one store may have under way; beyond these the pool gives memory of the heap */

/* *pool, unless it is one already: to be given back when the store closes. ART_NOMEM. */
enum art_rc art_write_pool_take(struct art_blob_pool **pool);
/* *pool, which may be NULL, is NULL afterwards; all its buffers are back. The last user frees it. */
void art_write_pool_give_back(struct art_blob_pool **pool);
/* In a forked child: the pool, its buffers and the lock are the parent's. They stay mapped until the child ends. */
void art_write_pool_abandon(void);

#endif
