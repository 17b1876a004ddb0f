/* Old age: how large a table gets, and how long its transactions take, while its rows turn over, beside an ordinary
 * table.
 *
 *     bench_age [-m MB alive] [-t turnovers] [-k kind] [-v bytes of a value] [-b rows a transaction] [-o options]
 *               [-d file for the sizes over time]
 *
 * Without -k and -v all that tests/support/age.h lists, in both storages. Bytes are those of all files: database, WAL
 * and .art file. WAL, synchronous=NORMAL, else default settings.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/age.h"
#include "tests/support/sql.h"
#include "tests/support/timing.h"

enum { ART, ORDINARY, ENGINES, ROWS_LEAST = 500, SAMPLES = 8, KEY_BYTES = 30 };
static const double MB = 1 << 20;

static double megabytes = 24;
static int turnovers = 8;
static FILE *drawn;

struct engine {
    struct age age;
    char *folder;
    double most, seconds, first, worst; /* bytes; of all turnovers; of the first; ns, the longest transaction */
};

static void begin(struct engine *engine, bool art, enum age_kind kind, int value, int batch, const char *options) {
    int64_t live = (int64_t)(megabytes * MB / (value + KEY_BYTES));
    engine->folder = sql_scratch(art ? "art" : "ordinary");
    char *path = sqlite3_mprintf("%s/t.db", engine->folder);
    engine->age = (struct age){.db = sql_open(path),
                               .kind = kind,
                               .live = live < ROWS_LEAST ? ROWS_LEAST : live,
                               .value = value,
                               .batch = batch};
    sqlite3_free(path);
    sql_run(engine->age.db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL");
    age_begin(&engine->age, art ? options : NULL);
}

static void end(struct engine *engine) {
    age_end(&engine->age);
    sql_close(engine->age.db);
    sql_scratch_remove(engine->folder);
    sqlite3_free(engine->folder);
}

/* An eighth of a turnover at a time, in turn. */
static void grow_old(struct engine engines[ENGINES], const char *name) {
    for (int turn = 0; turn < turnovers * SAMPLES; turn++) {
        double bytes[ENGINES];
        for (int i = ART; i <= ORDINARY; i++) {
            struct engine *engine = &engines[i];
            double begun = timing_now();
            age_go_on(&engine->age, engine->age.live / SAMPLES);
            double spent = (timing_now() - begun) / 1e9;
            engine->seconds += spent;
            if (turn < SAMPLES) engine->first += spent;
            bytes[i] = (double)age_folder_bytes(engine->folder);
            if (bytes[i] > engine->most) engine->most = bytes[i];
        }
        if (drawn) {
            fprintf(drawn, "%s\t%.3f\t%.1f\t%.1f\n", name, (turn + 1) / (double)SAMPLES, bytes[ART] / MB,
                    bytes[ORDINARY] / MB);
        }
    }
}

static void run(enum age_kind kind, int value, int batch, const char *options) {
    struct engine engines[ENGINES] = {0};
    char name[64];
    for (int i = ART; i <= ORDINARY; i++) begin(&engines[i], i == ART, kind, value, batch, options);
    double live = (double)age_live_bytes(&engines[ART].age) / MB;
    snprintf(name, sizeof name, "%s, %d bytes%s", age_names[kind], value, *options ? ", inline" : "");
    grow_old(engines, name);
    const struct engine *art = &engines[ART], *ordinary = &engines[ORDINARY];
    printf("%-32s %6.1f %9.1f %6.2f %9.1f %8.2f %10.2f %9.1f %9.1f\n", name, live, art->most / MB,
           art->most / MB / live, ordinary->most / MB, art->seconds / ordinary->seconds,
           art->seconds / turnovers / art->first, art->age.worst / 1e6, ordinary->age.worst / 1e6);
    fflush(stdout);
    for (int i = ART; i <= ORDINARY; i++) end(&engines[i]);
}

int main(int argc, char **argv) {
    static const int values[] = {200, 1000, 5000, 50000};
    int kind = -1, value = 0, batch = 0;
    const char *options = NULL;
    for (int option; (option = getopt(argc, argv, "k:v:m:b:t:o:d:")) != -1;) {
        if (option == 'v') value = atoi(optarg);
        if (option == 'm') megabytes = atof(optarg);
        if (option == 'b') batch = atoi(optarg);
        if (option == 't') turnovers = atoi(optarg);
        if (option == 'o') options = optarg;
        if (option == 'd') drawn = fopen(optarg, "w");
        for (int i = 0; option == 'k' && i < AGE_KINDS; i++) {
            if (!strcmp(age_names[i], optarg)) kind = i;
        }
    }
    printf("%d turnovers             MB alive  at most  times  ordinary  time of  a turnover   longest transaction\n"
           "                                       MB  alive        MB  ordinary  / the first  ms, ordinary\n",
           turnovers);
    for (int k = 0; k < AGE_KINDS; k++) {
        for (unsigned v = 0; v < sizeof values / sizeof *values; v++) {
            int bytes = value ? value : values[v], rows = batch ? batch : bytes < 5000 ? 100 : 10;
            if ((kind >= 0 && k != kind) || (value && v)) continue;
            run(k, bytes, rows, options ? options : "");
            if (!options) run(k, bytes, rows, "storage=inline");
        }
    }
    if (drawn) fclose(drawn);
    return 0;
}
