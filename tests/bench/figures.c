#include "tests/bench/figures.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/engine.h"

void figures_add(struct figures *figures, const char *set, uint32_t keys, const char *operation, const char *label,
                 const char *engine, enum unit unit, double value, const struct histogram *histogram) {
    if (figures->count == figures->room) {
        figures->room = 2 * figures->room + 64;
        figures->all = realloc(figures->all, figures->room * sizeof *figures->all);
        if (!figures->all) abort();
    }
    struct figure *figure = &figures->all[figures->count++];
    *figure = (struct figure){.keys = keys, .unit = unit, .value = value};
    snprintf(figure->set, sizeof figure->set, "%s", set);
    snprintf(figure->operation, sizeof figure->operation, "%s", operation);
    snprintf(figure->label, sizeof figure->label, "%s", label);
    snprintf(figure->engine, sizeof figure->engine, "%s", engine);
    if (histogram) figure->histogram = *histogram;
}

const struct figure *figures_find(const struct figures *figures, const char *set, uint32_t keys, const char *operation,
                                  const char *engine) {
    for (uint32_t i = 0; i < figures->count; i++) {
        const struct figure *figure = &figures->all[i];
        if (figure->keys == keys && !strcmp(figure->set, set) && !strcmp(figure->operation, operation) &&
            !strcmp(figure->engine, engine)) {
            return figure;
        }
    }
    return NULL;
}

const char *unit_name(enum unit unit) {
    static const char *const names[] = {"ns", "bytes", "times", "1/s"};
    return names[unit];
}

const char *unit_text(enum unit unit, double value, char *out) {
    static const struct {
        double most;
        const char *name;
    } times[] = {{1e3, "ns"}, {1e6, "us"}, {1e9, "ms"}, {1e300, "s"}},
      bytes[] = {{1e5, "B"}, {1e8, "KB"}, {1e11, "MB"}, {1e300, "GB"}};
    int i = 0;
    switch (unit) {
    case UNIT_NS:
    case UNIT_BYTES:
        while (value >= (unit == UNIT_NS ? times : bytes)[i].most) i++;
        for (int k = 0; k < i; k++) value /= 1000;
        snprintf(out, 24, "%.*f %s",
                 value < 9.995   ? 2
                 : value < 99.95 ? 1
                                 : 0,
                 value, (unit == UNIT_NS ? times : bytes)[i].name);
        break;
    case UNIT_TIMES:
        snprintf(out, 24, "%.2f", value);
        break;
    case UNIT_PER_SECOND:
        snprintf(out, 24, "%.0f/s", value);
        break;
    }
    return out;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static const char *const shown_engines[] = {"art", "table", "inline", "core", "lmdb", "rocksdb", "lsm1", "former"};
enum { SHOWN_ENGINES = sizeof shown_engines / sizeof *shown_engines };

/* All columns but that of another build, which is shown where it took part. */
static int shown_columns(const struct figures *figures) {
    for (uint32_t i = 0; i < figures->count; i++) {
        if (!strcmp(figures->all[i].engine, "former")) return SHOWN_ENGINES;
    }
    return SHOWN_ENGINES - 1;
}

static void print_line(const struct figures *figures, const struct figure *first) {
    char text[24];
    const struct figure *art = figures_find(figures, first->set, first->keys, first->operation, "art");
    printf("  %-48s%10s", first->label, art ? unit_text(art->unit, art->value, text) : "-");
    for (int i = 1; i < shown_columns(figures); i++) {
        const struct figure *other = figures_find(figures, first->set, first->keys, first->operation, shown_engines[i]);
        double ratio = !art || !other                 ? 0
                       : art->unit == UNIT_PER_SECOND ? art->value / other->value
                                                      : other->value / art->value;
        if (ratio > 0) {
            printf(ratio < 9.995 ? "%9.2f" : ratio < 9999 ? "%9.1f" : "%9.0f", ratio);
        } else {
            printf("%9s", "-");
        }
    }
    if (art && art->histogram.count) {
        static const double shares[] = {0.5, 0.99, 0.999, 1};
        for (int i = 0; i < 4; i++) {
            printf("%10s", unit_text(UNIT_NS, (double)histogram_quantile(&art->histogram, shares[i]), text));
        }
    }
    printf("\n");
}

void figures_print(const struct figures *figures, const char *set, uint32_t keys) {
    printf("  %-48s%10s", "", "art");
    for (int i = 1; i < shown_columns(figures); i++) printf("%9s", shown_engines[i]);
    printf("%10s%10s%10s%10s\n  %-48s%10s%9s\n", "art p50", "p99", "p99.9", "max", "", "", "x art");
    for (uint32_t i = 0; i < figures->count; i++) {
        const struct figure *figure = &figures->all[i];
        bool seen = strcmp(figure->set, set) != 0 || figure->keys != keys;
        for (uint32_t k = 0; k < i && !seen; k++) {
            const struct figure *other = &figures->all[k];
            seen = other->keys == keys && !strcmp(other->set, set) && !strcmp(other->operation, figure->operation);
        }
        if (!seen) print_line(figures, figure);
    }
    fflush(stdout);
}

/* ---- CSV --------------------------------------------------------------------------------------------------------- */

static FILE *open_csv(const char *folder, const char *name, bool append, const char *head) {
    char path[400];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, append ? "a" : "w");
    if (!file) {
        fprintf(stderr, "bench: cannot write %s: %s\n", path, strerror(errno));
        exit(1);
    }
    if (ftell(file) == 0) fprintf(file, "%s\n", head);
    return file;
}

void figures_write(const struct figures *figures, const char *folder, bool append) {
    FILE *results =
        open_csv(folder, "results.csv", append, "set,keys,operation,label,engine,unit,value,p50,p99,p999,max,samples");
    FILE *distribution = open_csv(folder, "distribution.csv", append, "set,keys,operation,engine,ns,share");
    for (uint32_t i = 0; i < figures->count; i++) {
        const struct figure *figure = &figures->all[i];
        const struct histogram *histogram = &figure->histogram;
        fprintf(results, "%s,%u,%s,\"%s\",%s,%s,%.6g", figure->set, figure->keys, figure->operation, figure->label,
                figure->engine, unit_name(figure->unit), figure->value);
        if (!histogram->count) {
            fprintf(results, ",,,,,\n");
            continue;
        }
        fprintf(results, ",%llu,%llu,%llu,%llu,%llu\n", (unsigned long long)histogram_quantile(histogram, 0.5),
                (unsigned long long)histogram_quantile(histogram, 0.99),
                (unsigned long long)histogram_quantile(histogram, 0.999), (unsigned long long)histogram->max,
                (unsigned long long)histogram->count);
        uint64_t seen = 0;
        for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
            if (!histogram->buckets[bucket]) continue;
            seen += histogram->buckets[bucket];
            fprintf(distribution, "%s,%u,%s,%s,%llu,%.7f\n", figure->set, figure->keys, figure->operation,
                    figure->engine, (unsigned long long)histogram_top(bucket), (double)seen / (double)histogram->count);
        }
    }
    fclose(results);
    fclose(distribution);
}

void figures_clear(struct figures *figures) {
    free(figures->all);
    *figures = (struct figures){0};
}
