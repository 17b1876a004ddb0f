/* How much memory this process may use: the least of the machine's memory, the limits of its control groups (v1, v2)
 * and RLIMIT_AS. */
#ifndef ART_LINUX_MACHINE_H
#define ART_LINUX_MACHINE_H

#include <stdint.h>

/* art_platform_memory() for a /proc and a /sys that lie below `root`, for tests. */
uint64_t art_machine_memory_below(const char *root);

#endif
