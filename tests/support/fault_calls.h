/* The system calls of core/io as a source of faults: each entry of its table, with the errnos that the call can
 * give. */
#ifndef ART_TESTS_FAULT_CALLS_H
#define ART_TESTS_FAULT_CALLS_H

#include "tests/support/fault_sweep.h"

extern const struct fault_source fault_calls;

#endif
