/* Does a dead process still write when its lock is gone? See late_writes.c. */
#ifndef ART_TESTS_LATE_WRITES_H
#define ART_TESTS_LATE_WRITES_H

#include <stdint.h>

struct late_report {
    unsigned deaths, in_flight; /* with requests that the kernel had and had not answered */
    unsigned outlived;          /* the file was still locked when the dead one's other descriptors were closed */
    unsigned late;              /* the file changed after its lock had been had: must be 0 */
};

void late_writes_run(unsigned deaths, uint64_t seed, struct late_report *report);

#endif
