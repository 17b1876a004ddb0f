/* What the machine has for this process. */
#ifndef ART_IO_MACHINE_H
#define ART_IO_MACHINE_H

#include <stdint.h>

/* Bytes of memory that this process may use: the least of the machine's memory, the limits of its control groups (v1,
 * v2) and RLIMIT_AS. */
uint64_t art_machine_memory(void);
/* The same for a /proc and a /sys that lie below `root`, for tests. */
uint64_t art_machine_memory_below(const char *root);

#endif
