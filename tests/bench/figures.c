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

static const char *unit_name(enum unit unit) {
    static const char *const names[] = {"ns", "bytes", "times", "1/s"};
    return names[unit];
}

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
