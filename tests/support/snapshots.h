/* Many processes on one database, each of which must see one snapshot at a time: see snapshots.c. */
#ifndef ART_TESTS_SNAPSHOTS_H
#define ART_TESTS_SNAPSHOTS_H

#include <stdbool.h>
#include <stdint.h>

struct snapshot_setting {
    const char *name, *journal, *options;
    unsigned hold_ms; /* a reader's longest wait between two looks at its snapshot */
};
enum { SNAPSHOT_SETTINGS = 4 };
extern const struct snapshot_setting snapshot_settings[SNAPSHOT_SETTINGS];

/* False: a promise was broken, and what was seen is printed. Prints its counts in any case. A failure's files stay. */
bool snapshots_run(const struct snapshot_setting *setting, double seconds, uint64_t seed);

#endif
