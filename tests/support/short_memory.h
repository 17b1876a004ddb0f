/* An allocator for tests behind core's shim: counts what is out, and fails when told to. */
#ifndef ART_TESTS_SHORT_MEMORY_H
#define ART_TESTS_SHORT_MEMORY_H

#include <stdint.h>

void short_memory_use(void);             /* from now on, for all of core */
void short_memory_fail_after(int64_t n); /* the allocation after `n` good ones fails, and all later ones; < 0: none */
void short_memory_fail_once(int64_t n);  /* only that one: shows an error that somebody swallows */
int64_t short_memory_failures(void);     /* since the last call of short_memory_fail_after() */
int64_t short_memory_blocks(void);       /* allocated and not yet released */
void short_memory_measure(void);         /* from here on: */
int64_t short_memory_most(void);         /* so many bytes more than then were out at once */

#endif
