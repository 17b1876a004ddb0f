#include "tests/support/sql_one.h"

char *directory, *path;
sqlite3 *db;

void sql_set_up(void) {
    directory = sql_scratch("sql");
    path = sqlite3_mprintf("%s/a.db", directory);
    db = sql_open(path);
}

void sql_tear_down(void) {
    sql_close(db);
    sql_scratch_remove(directory);
    sqlite3_free(directory);
    sqlite3_free(path);
}
