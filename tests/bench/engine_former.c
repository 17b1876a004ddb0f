/* Art of another build, from the file that BENCH_FORMER names: what has a change cost? An engine has a process of its
 * own, so both builds take turns in one run. It takes part only where it is asked for by its name. */
#include <stdlib.h>

#include "tests/bench/engine.h"

static void *open_former(const struct engine_settings *settings) {
    const char *former = getenv("BENCH_FORMER");
    if (!former) engine_fail("former", "open", "BENCH_FORMER does not say which art.so that is");
    setenv("ART_EXTENSION", former, 1);
    return engine_art.open(settings);
}

const struct engine *engine_former(void) {
    static struct engine former;
    former = engine_art;
    former.name = "former";
    former.open = open_former;
    return &former;
}
