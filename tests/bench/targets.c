#include "tests/bench/targets.h"

#include <string.h>

/* VALUE, P50, ... of an engine's figure. */
enum field { VALUE, P50, P99, P999, MAX };

struct side {
    const char *operation, *engine;
    enum field field;
};

/* The quotient of two figures, or one alone, is at least or at most something. A time limit may be given one fsync
 * more. Or another figure is at least something: then that will do. */
struct target {
    const char *what;
    const char *sets; /* that it is asked for; NULL: all */
    uint32_t keys;    /* the size that it is asked for; 0: any. Shown at all sizes, and said */
    struct side upper, lower;
    bool at_least;
    double bound;
    enum unit unit; /* of the bound */
    bool and_a_sync;
    struct side or_else;
    double or_bound;
};

#define ART(operation)                                                                                                 \
    { operation, "art", VALUE }
#define TABLE(operation)                                                                                               \
    { operation, "table", VALUE }
#define INLINE(operation)                                                                                              \
    { operation, "inline", VALUE }
#define LMDB(operation)                                                                                                \
    { operation, "lmdb", VALUE }
#define CORE(operation)                                                                                                \
    { operation, "core", VALUE }
#define ALONE                                                                                                          \
    { NULL, NULL, VALUE }
#define ONLY            false, ALONE, 0
#define AT_LEAST(bound) true, bound, UNIT_TIMES, ONLY
#define AT_MOST(bound)  false, bound, UNIT_TIMES, ONLY
#define WITHIN(ns)      false, ns, UNIT_NS, ONLY

static const struct target targets[] = {
    /* 1. as it comes */
    {"get in a transaction: table / art", "defaults", 0, TABLE("get"), ART("get"), AT_LEAST(1)},
    {"get, autocommit: table / art", "defaults", 0, TABLE("get-alone"), ART("get-alone"), AT_LEAST(1)},
    {"prefix LIMIT 100: table / art", "defaults", 0, TABLE("list"), ART("list"), AT_LEAST(1)},
    {"whole scan: table / art", "defaults", 0, TABLE("scan-all"), ART("scan-all"), AT_LEAST(1)},
    {"put, 1,000 a durable transaction: table / art", "defaults", 0, TABLE("put"), ART("put"), AT_LEAST(2)},
    {"update, 1,000 a durable transaction: table / art", "defaults", 0, TABLE("update"), ART("update"), AT_LEAST(2)},
    {"get, after these writes: table / art", "defaults", 0, TABLE("get-after"), ART("get-after"), AT_LEAST(1)},
    {"reads a second beside a writer: art / table", "defaults", 0, ART("readers-2-writer"), TABLE("readers-2-writer"),
     AT_LEAST(1)},
    {"inline: get in a transaction: inline / table", "defaults", 0, INLINE("get"), TABLE("get"), AT_MOST(1.3)},
    /* 2. bounded pauses */
    {"put, autocommit, in memory: p99.9 / p50 (and one fsync)",
     NULL,
     10000000,
     {"pauses", "art", P999},
     {"pauses", "art", P50},
     false,
     10,
     UNIT_TIMES,
     true,
     ALONE,
     0},
    {"put, autocommit, in memory: max", NULL, 10000000, {"pauses", "art", MAX}, ALONE, WITHIN(50e6)},
    {"random load: bytes written a byte of payload", NULL, 10000000, ART("write-bytes"), ALONE, AT_MOST(15)},
    /* 3. bulk */
    {"sorted load in one transaction: table / art", NULL, 0, TABLE("bulk-sorted"), ART("bulk-sorted"), AT_LEAST(3)},
    {"random load in one transaction, a row", NULL, 5000000, ART("bulk-random"), ALONE, WITHIN(1500)},
    /* 4. reads */
    {"get in a transaction: table / art", "obj,real", 1000000, TABLE("get"), ART("get"), AT_LEAST(2.5)},
    {"get, autocommit: table / art", "obj,real", 1000000, TABLE("get-alone"), ART("get-alone"), AT_LEAST(1.4)},
    {"prefix LIMIT 100: table / art", NULL, 0, TABLE("list"), ART("list"), AT_LEAST(1.8)},
    {"whole scan: table / art", NULL, 0, TABLE("scan-all"), ART("scan-all"), AT_LEAST(1.1)},
    {"count with count(*): table / art", NULL, 0, TABLE("count-rows"), ART("count-rows"), AT_LEAST(2.5)},
    {"level of 8 entries: recursive query / art", NULL, 0, TABLE("level"), ART("level"), AT_LEAST(5)},
    {"level of 8 entries: client's loop of seeks / art", NULL, 0, TABLE("level-seeks"), ART("level-seeks"),
     AT_LEAST(2)},
    {"art_count of all / of 150 rows", NULL, 0, ART("count-all"), ART("count-small"), AT_MOST(2)},
    {"OFFSET of nine tenths / of 100 rows", NULL, 0, ART("page-far"), ART("page-near"), AT_MOST(2)},
    {"metadata mix in transactions: table / art", NULL, 0, TABLE("metadata"), ART("metadata"), AT_LEAST(2.2)},
    {"metadata mix in transactions: LMDB without SQL / art", NULL, 0, LMDB("metadata"), ART("metadata"), AT_LEAST(1)},
    {"get of core / of LMDB", "obj,real", 1000000, CORE("get"), LMDB("get"), AT_MOST(0.6)},
    {"core: bytes a key on disk beside its value", "obj,real", 1000000, CORE("bytes-beside"), ALONE, false, 20,
     UNIT_BYTES, ONLY},
    /* 5. larger than memory */
    {"cold: pages read for a get", NULL, 0, ART("cold-reads"), ALONE, AT_MOST(1.2)},
    {"cold get: table / art", NULL, 5000000, TABLE("cold-get"), ART("cold-get"), AT_LEAST(1.9)},
    {"open and first get, cold, without device time", NULL, 0, ART("cold-first-cpu"), ALONE, WITHIN(2e6)},
    {"cold scan: share of the device's speed, or CPU-bound", NULL, 0, ART("cold-scan-device"), ALONE, true, 0.7,
     UNIT_TIMES, false, ART("cold-scan-cpu"), 0.9},
    /* 6. open and catch-up */
    {"open with a nearly full log", NULL, 0, {"reopen-log", "art", P50}, ALONE, WITHIN(8e6)},
    {"reader beside a writer, per replayed row", NULL, 0, ART("catch-up"), ALONE, WITHIN(500)},
    /* 7. many cores */
    {"reads a second: 2 readers / 1 reader (on two free cores)", NULL, 0, ART("readers-2"), ART("readers-1"),
     AT_LEAST(1.8)},
    /* 8. space */
    {"bytes on disk after a random load: art / table", NULL, 0, ART("bytes-loaded"), TABLE("bytes-loaded"),
     AT_MOST(0.6)},
    {"bytes on disk, optimized: art / table", NULL, 0, ART("bytes-settled"), TABLE("bytes-settled"), AT_MOST(0.6)},
    /* storage=inline */
    {"inline: get in a transaction: table / inline", NULL, 0, TABLE("get"), INLINE("get"), AT_LEAST(1)},
    {"inline: prefix LIMIT 100: table / inline", NULL, 0, TABLE("list"), INLINE("list"), AT_LEAST(1)},
    {"inline: put, 1,000 a durable transaction: table / inline", NULL, 0, TABLE("put"), INLINE("put"), AT_LEAST(1)},
    {"inline: bytes on disk, optimized: inline / table", NULL, 0, INLINE("bytes-settled"), TABLE("bytes-settled"),
     AT_MOST(0.75)},
    {"disk after a churn of 20x / live data", NULL, 0, ART("churn"), ALONE, AT_MOST(1.6)},
};

static bool field_of(const struct figures *figures, const char *set, uint32_t keys, const struct side *side,
                     double *out) {
    static const double shares[] = {[P50] = 0.5, [P99] = 0.99, [P999] = 0.999, [MAX] = 1};
    const struct figure *figure = figures_find(figures, set, keys, side->operation, side->engine);
    if (!figure || (side->field != VALUE && !figure->histogram.count)) return false;
    *out = side->field == VALUE ? figure->value : (double)histogram_quantile(&figure->histogram, shares[side->field]);
    return true;
}

/* What an fsync costs here: the median of a durable commit of the ordinary table. */
static double sync_ns(const struct figures *figures, const char *set, uint32_t keys) {
    double ns = 0;
    field_of(figures, set, keys, &(struct side){"put-durable", "table", P50}, &ns);
    return ns;
}

/* Those at defaults are for all sets, and only there. */
static bool asked_for(const struct target *target, const char *set) {
    bool defaults = strstr(set, "-defaults"), at_defaults = target->sets && !strcmp(target->sets, "defaults");
    if (defaults || at_defaults) return defaults && at_defaults;
    return !target->sets || strstr(target->sets, set) != NULL;
}

int targets_print(const struct figures *figures, const char *set, uint32_t keys, FILE *csv) {
    int missed = 0;
    printf("  %-60s%16s%14s\n", "targets", "wanted", "got");
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        const struct target *target = &targets[i];
        double got, lower = 1, bound = target->bound;
        char wanted_text[24], got_text[24], short_text[60], asked[40] = "";
        if (!asked_for(target, set) || !field_of(figures, set, keys, &target->upper, &got)) continue;
        if (target->lower.operation && !field_of(figures, set, keys, &target->lower, &lower)) continue;
        if (lower <= 0) continue;
        if (target->and_a_sync) bound += sync_ns(figures, set, keys) / lower;
        got /= lower;
        bool ok = target->at_least ? got >= bound : got <= bound;
        double other;
        if (target->or_else.operation && field_of(figures, set, keys, &target->or_else, &other)) {
            ok = ok || other >= target->or_bound;
        }
        missed += !ok;
        unit_text(target->unit, got, got_text);
        unit_text(target->unit, bound, wanted_text);
        double distance = 100 * (target->at_least ? bound - got : got - bound) / bound;
        snprintf(short_text, sizeof short_text, ok ? "ok" : "short by %.0f %%", distance);
        if (target->keys && target->keys != keys) snprintf(asked, sizeof asked, " (asked for at %u)", target->keys);
        printf("  %-60s  %s %9s%14s   %s%s\n", target->what, target->at_least ? ">=" : "<=", wanted_text, got_text,
               short_text, asked);
        if (csv) {
            fprintf(csv, "%s,%u,\"%s\",%s %s,%s,%s,%u\n", set, keys, target->what,
                    target->at_least ? ">=" : "<=", wanted_text, got_text, short_text, target->keys);
        }
    }
    fflush(stdout);
    return missed;
}
