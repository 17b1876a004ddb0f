/* Kills a load with SIGKILL again and again, and opens its database at once: see kills.c. Whatever is wrong ends the
 * process with a message. */
#ifndef ART_TESTS_KILLS_H
#define ART_TESTS_KILLS_H

#include <stdint.h>

struct kill_mode {
    const char *name, *io, *direct; /* ART_IO, ART_DIRECT, or NULL */
    const char *options, *journal;
};
enum { KILL_MODES = 8 };
extern const struct kill_mode kill_modes[KILL_MODES];

/* What the killed were doing. One death may count in several. */
struct kill_report {
    unsigned kills, opening, locked, flush, merge, spill, directory, vacuum, summary, in_flight, by_themselves;
    unsigned unheard; /* found committed although nobody had heard so */
    int64_t transactions;
    uint64_t flushes, merges, spills, summaries, slots_written, slots_reused;
};

void kills_run(const struct kill_mode *mode, unsigned kills, uint64_t seed, struct kill_report *report);
void kills_print(const char *name, const struct kill_report *report);

#endif
