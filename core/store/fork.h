/* Fork, noticed without a system call: the child's handler counts up, and a process that came through a fork compares.
 *
 * What the child inherits of its parent is dead: core/io has closed the descriptors in a handler of its own, other
 * threads may have held any lock. So the child begins with an empty cache; what its parent's stores pin in the old
 * one is left where it is and never touched again.
 */
#ifndef ART_STORE_FORK_H
#define ART_STORE_FORK_H

#include "core/base/error.h"

#include <stdatomic.h>
#include <stdint.h>

extern _Atomic uint32_t art_fork_generation;

/* Before the first store, and any number of times; ART_NOMEM when the handler cannot be installed. */
enum art_rc art_fork_watch(void);

/* How many forks this process came through. */
static inline uint32_t art_fork_now(void) {
    return atomic_load_explicit(&art_fork_generation, memory_order_relaxed);
}

#endif
