#include "tests/support/crash_opinion.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/second_opinion.h"

static void write_file(const struct sparse_file *from, const char *name) {
    static const char zeros[4096];
    char page[sizeof zeros];
    FILE *file = fopen(name, "w");
    bool good = file != NULL;
    for (uint64_t at = 0; good && at < from->size; at += sizeof page) {
        uint32_t len = sparse_read(from, at, page, sizeof page);
        if (!memcmp(page, zeros, len)) continue;
        good = !fseeko(file, (off_t)at, SEEK_SET) && fwrite(page, len, 1, file) == 1;
    }
    if (!good || fflush(file) || ftruncate(fileno(file), (off_t)from->size) || fclose(file)) abort();
}

static char *path_of(const char *folder, const struct world_image_file *file) {
    const char *name = strncmp(file->name, WORLD_FOLDER, strlen(WORLD_FOLDER)) ? "" : file->name + strlen(WORLD_FOLDER);
    return *name && !strchr(name, '/') ? sqlite3_mprintf("%s/%s", folder, name) : NULL;
}

/* `snapshot`: its name, or NULL. */
static bool same_table(sqlite3 *db, const char *folder, const char *file, const char *table, const char *snapshot,
                       char **why) {
    char *database = sqlite3_mprintf("%s/%s", folder, file),
         *sql = snapshot ? sqlite3_mprintf("SELECT * FROM %s WHERE snapshot = %Q", table, snapshot)
                         : sqlite3_mprintf("SELECT * FROM %s", table);
    bool good = second_opinion(db, sql, database, table, snapshot, why);
    sqlite3_free(sql);
    sqlite3_free(database);
    return good;
}

bool crash_opinion(sqlite3 *db, const struct world_image *image, const struct crash_rows *rows, char **why) {
    const char *scratch = getenv("TMPDIR");
    char folder[160];
    sqlite3_snprintf(sizeof folder, folder, "%s/opinion-%d", scratch ? scratch : "/tmp", (int)getpid());
    if (mkdir(folder, 0700)) abort();
    for (unsigned i = 0; i < image->count; i++) {
        char *path = path_of(folder, &image->files[i]);
        if (path) write_file(&image->files[i].bytes, path);
        sqlite3_free(path);
    }
    bool good = same_table(db, folder, "a.db", "a", NULL, why);
    if (good && rows->second) good = same_table(db, folder, "a.db", crash_rows_name(rows, CRASH_B), NULL, why);
    if (good && rows->attached) good = same_table(db, folder, "b.db", "x", NULL, why);
    for (unsigned i = 0; good && i < CRASH_SNAPSHOTS; i++) {
        char name[] = {'s', (char)('0' + i), 0};
        if (rows->snapshot[i]) good = same_table(db, folder, "a.db", "a", name, why);
    }
    char *remove = sqlite3_mprintf("rm -rf '%s'", folder);
    if (good && system(remove)) abort(); // NOLINT(cert-env33-c)
    sqlite3_free(remove);
    return good;
}
