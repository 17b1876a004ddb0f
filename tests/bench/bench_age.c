/* Old age: how large a table gets and how long its transactions take while its rows turn over, beside an ordinary table.
 *
 *     bench_age [-k kind] [-v bytes of a value] [-m MB alive] [-b rows a transaction] [-t turnovers] [-o options]
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/age.h"
#include "tests/support/sql.h"
#include "tests/support/timing.h"

enum { ART, ORDINARY };
static const double MB = 1 << 20;

/* Bytes of all files in the directory, and of the blocks that they take. */
static double folder_bytes(const char *directory, double *blocks) {
    double bytes = 0;
    DIR *folder = opendir(directory);
    *blocks = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        char path[4096];
        struct stat file;
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        if (stat(path, &file) || !S_ISREG(file.st_mode)) continue;
        bytes += (double)file.st_size;
        *blocks += (double)file.st_blocks * 512;
    }
    closedir(folder);
    return bytes;
}

int main(int argc, char **argv) {
    int kind = AGE_LOG, value = 1000, batch = 100, turnovers = 8;
    double megabytes = 24;
    const char *options = "";
    for (int option; (option = getopt(argc, argv, "k:v:m:b:t:o:")) != -1;) {
        if (option == 'v') value = atoi(optarg);
        if (option == 'm') megabytes = atof(optarg);
        if (option == 'b') batch = atoi(optarg);
        if (option == 't') turnovers = atoi(optarg);
        if (option == 'o') options = optarg;
        for (int i = 0; option == 'k' && i < AGE_KINDS; i++) {
            if (!strcmp(age_names[i], optarg)) kind = i;
        }
    }
    int64_t live = (int64_t)(megabytes * MB / (value + 30));
    if (live < 500) live = 500;
    struct age age[2];
    char *folder[2];
    for (int i = ART; i <= ORDINARY; i++) {
        folder[i] = sql_scratch(i ? "ordinary" : "art");
        char *path = sqlite3_mprintf("%s/t.db", folder[i]);
        age[i] = (struct age){.db = sql_open(path), .kind = kind, .live = live, .value = value, .batch = batch};
        sqlite3_free(path);
        sql_run(age[i].db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL");
        double begun = timing_now();
        age_begin(&age[i], i ? NULL : options);
        printf("%s: load %.2f s\n", i ? "ordinary" : "art", (timing_now() - begun) / 1e9);
    }
    double size = (double)age_live_bytes(&age[ART]) / MB;
    printf("%s, values of %d bytes, %lld rows, %.1f MB alive, %d rows a transaction, art(%s)\n", age_names[kind], value,
           (long long)live, size, batch, options);
    printf("turnover   art MB (blocks)  x alive    ordinary MB  x alive |    art s  worst ms | ordinary s  worst ms\n");
    for (int turn = 1; turn <= turnovers; turn++) {
        double spent[2], bytes[2], blocks[2];
        for (int i = ART; i <= ORDINARY; i++) {
            double begun = timing_now();
            age[i].worst = 0;
            age_go_on(&age[i], live);
            spent[i] = (timing_now() - begun) / 1e9;
            bytes[i] = folder_bytes(folder[i], &blocks[i]) / MB;
        }
        printf("%8d %8.1f (%6.1f) %8.2f %14.1f %8.2f | %8.2f %9.1f | %10.2f %9.1f\n", turn, bytes[ART],
               blocks[ART] / MB, bytes[ART] / size, bytes[ORDINARY], bytes[ORDINARY] / size, spent[ART],
               age[ART].worst / 1e6, spent[ORDINARY], age[ORDINARY].worst / 1e6);
        fflush(stdout);
    }
    for (int i = ART; i <= ORDINARY; i++) {
        age_end(&age[i]);
        sql_close(age[i].db);
        sql_scratch_remove(folder[i]);
    }
    return 0;
}
