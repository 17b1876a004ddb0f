/* T_artstate and T_artdata of any content, and the records in redo rows, through SQL: a connection that comes to a
 * forged database.
 *
 * Input: a parcel (parcel.h) of ROWs, a ROOT and STATE rows: u8 length | key | u8 type | value. Rows given replace
 * those of a table that has two runs and a log (its root's chain goes on in them, with hashes made); a STATE row
 * replaces the one of its key. One of the key "summary" says with its value which summary the table has, else it has
 * none. The table's files are in memory.
 *
 *   - everything that is then asked, written or commanded is done or fails with a sentence; nothing else happens, and
 *     the table can be dropped
 */
#include <unistd.h>

#include "core/tree/state/root_format.h"
#include "tests/fuzz/fuzz_sqlite.h"
#include "tests/fuzz/parcel.h"
#include "tests/support/sim_disk.h"

#include "core/store/cache.h"

enum { SAVED_PAGES = 64 };

static struct sim_disk *disk;
static struct {
    uint32_t number;
    uint8_t bytes[ART_PAGE];
} saved[SAVED_PAGES];
static unsigned saved_count;
static char file[256], path[200];
static sqlite3 *writer;
static struct art_hash128 chain;
static const char *const summaries[] = {"()",
                                        "(max(a))",
                                        "(sum(a))",
                                        "(lookup(b))",
                                        "(search(b))",
                                        "(search(path))",
                                        "(sum(a), max(c), max(b), lookup(a), lookup(b), search(path), search(b))"};
static unsigned form; /* the summary that the table has now */

static const char *const statements[] = {
    "SELECT *, row_version FROM t ORDER BY path",
    "SELECT path, a, b FROM t ORDER BY path DESC LIMIT 20",
    "SELECT count(*), sum(a), max(length(b)), group_concat(c) FROM t WHERE path >= 'dir-1/'",
    "SELECT path, entries FROM t('', '/')",
    "SELECT art_count('t', 'dir-'), art_longest_prefix('t', 'dir-1/f4/x', '/')",
    "SELECT * FROM t WHERE path MATCH 'dir-1/f4/x' AND delimiter = '/'",
    "SELECT art_check('t')",
    "SELECT * FROM art_info('t')",
    "SELECT * FROM art_debug('t')",
    "SELECT a FROM t WHERE path IN ('dir-1/f4', 'late', 'x') OR b = 3",
    "UPDATE t SET a = a + 1 WHERE path GLOB 'dir-1/*'",
    "INSERT OR REPLACE INTO t(path, a, b) VALUES('late', 1, 'x'), ('x', NULL, zeroblob(5000))",
    "DELETE FROM t WHERE path LIKE 'Dir-0/%'",
    "BEGIN; SAVEPOINT one; DELETE FROM t; ROLLBACK TO one; INSERT INTO t(t) VALUES('flush'); COMMIT",
    "INSERT INTO t(t) VALUES('add column e TEXT')",
    "INSERT INTO t(t) VALUES('optimize')",
    "INSERT INTO t(t) VALUES('integrity-check')",
    "SELECT *, row_version FROM t ORDER BY path",
    "INSERT INTO t(t) VALUES('cache=2MB')",
    "ALTER TABLE t RENAME TO u",
    "SELECT count(*) FROM u",
};

/* --- the table ---------------------------------------------------------------------------------------------------- */

static void must(int rc, const char *what) {
    if (rc) fuzz_fail("%s: %s", what, sqlite3_errmsg(writer));
}

static void clean_up(void) {
    unlink(path);
    *strrchr(path, '/') = 0;
    rmdir(path);
}

static void save_file(void) {
    snprintf(file, sizeof file, "%s", sim_disk_find(disk, ".art"));
    uint32_t pages = (uint32_t)(sim_disk_size(disk, file) / ART_PAGE);
    for (uint32_t page = 0; page < pages; page++) {
        if (!sim_disk_page_used(disk, file, page)) continue;
        if (saved_count == SAVED_PAGES) fuzz_fail("the table is larger than thought");
        saved[saved_count].number = page;
        memcpy(saved[saved_count++].bytes, sim_disk_page(disk, file, page), ART_PAGE);
    }
    if (!saved_count) fuzz_fail("the table has no pages");
}

static void restore_file(void) {
    sim_disk_clear(disk, NULL);
    sim_disk_clear(disk, file);
    for (unsigned i = 0; i < saved_count; i++) {
        memcpy(sim_disk_page(disk, file, saved[i].number), saved[i].bytes, ART_PAGE);
    }
}

static void begin(void) {
    const char *temporary = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/shadow-XXXXXX", temporary && *temporary ? temporary : "/tmp");
    if (!mkdtemp(path)) fuzz_fail("no folder %s", path);
    strcat(path, "/f.db");
    atexit(clean_up);
    disk = sim_disk_new_steady(SIM_PAGES);
    art_disk_set_default(sim_disk_art(disk));
    art_cache_join(1 << 20);
}

static void make_table(void) {
    sqlite3_close(writer);
    sim_disk_clear(disk, NULL);
    saved_count = 0;
    unlink(path);
    sqlite3 *db = fuzz_open(path);
    char *create = sqlite3_mprintf("PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF;"
                                   "CREATE VIRTUAL TABLE t USING art(path, a, b, c REAL, summary=%s)",
                                   summaries[form]);
    fuzz_run(db, create);
    sqlite3_free(create);
    fuzz_run(db, "INSERT INTO t(path, a, b) WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 30) "
                 "SELECT printf('dir-%d/f%d', i % 3, i), i, 'value ' || i FROM n;"
                 "INSERT INTO t(t) VALUES('optimize'); DELETE FROM t WHERE a % 7 = 0; INSERT INTO t(t) VALUES('flush');"
                 "INSERT INTO t(path, a) VALUES('late', 'y'); UPDATE t SET c = 1.5 WHERE a = 4");
    sqlite3_close(db);
    save_file();
    must(sqlite3_open(path, &writer), "open");
    must(sqlite3_exec(writer,
                      "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF;"
                      "CREATE TEMP TABLE saved_state AS SELECT * FROM t_artstate;"
                      "CREATE TEMP TABLE saved_log AS SELECT * FROM t_artdata;"
                      "CREATE TEMP TABLE saved_schema AS SELECT * FROM sqlite_schema",
                      NULL, NULL, NULL),
         "save");
    sqlite3_stmt *root;
    must(sqlite3_prepare_v2(writer, "SELECT ops FROM t_artdata WHERE csn = 0", -1, &root, NULL), "root");
    if (sqlite3_step(root) != SQLITE_ROW) fuzz_fail("no root");
    const uint8_t *bytes = sqlite3_column_blob(root, 0);
    memcpy(&chain, bytes + offsetof(struct art_root_header, chain), sizeof chain);
    sqlite3_finalize(root);
}

/* --- what is forged ----------------------------------------------------------------------------------------------- */

static void put_log(uint64_t csn, const struct art_buffer *bytes) {
    sqlite3_stmt *put;
    must(sqlite3_prepare_v2(writer, "INSERT OR REPLACE INTO t_artdata VALUES(?1, ?2)", -1, &put, NULL), "put");
    sqlite3_bind_int64(put, 1, (sqlite3_int64)csn);
    sqlite3_bind_blob(put, 2, bytes->data, (int)bytes->len, SQLITE_TRANSIENT);
    sqlite3_step(put);
    must(sqlite3_finalize(put), "put");
}

static void put_state(const struct parcel_section *section) {
    struct fuzz_source source = {section->data, section->data + section->len};
    struct art_bytes key = fuzz_bytes(&source);
    uint8_t type = fuzz_byte(&source);
    int len = (int)(source.end - source.at);
    sqlite3_stmt *put;
    must(sqlite3_prepare_v2(writer, "INSERT OR REPLACE INTO t_artstate VALUES(?1, ?2)", -1, &put, NULL), "put");
    sqlite3_bind_text(put, 1, (const char *)key.data, (int)key.len, SQLITE_TRANSIENT);
    if (type % 4 == 0) {
        sqlite3_bind_int64(put, 2, len ? source.at[0] : -1);
    } else if (type % 4 == 1) {
        sqlite3_bind_text(put, 2, (const char *)source.at, len, SQLITE_TRANSIENT);
    } else if (type % 4 == 2) {
        sqlite3_bind_blob(put, 2, len ? (const void *)source.at : "", len, SQLITE_TRANSIENT);
    }
    sqlite3_step(put);
    must(sqlite3_finalize(put), "put");
}

static void choose_table(struct parcel *parcel) {
    static const char key[] = "\7summary";
    unsigned wanted = 0;
    for (unsigned i = 0; i < parcel->count; i++) {
        const struct parcel_section *section = &parcel->sections[i];
        if (section->kind == PARCEL_STATE && section->len > sizeof key && !memcmp(section->data, key, sizeof key - 1))
            wanted = section->data[section->len - 1] % (sizeof summaries / sizeof *summaries);
    }
    if (writer && wanted == form) return;
    form = wanted;
    make_table();
}

static void forge(struct parcel *parcel) {
    struct parcel_place place = {0};
    struct art_buffer bytes = {0};
    struct art_hash128 hash = chain;
    bool replaced = false;
    for (unsigned i = 0; i < parcel->count; i++) {
        const struct parcel_section *section = &parcel->sections[i];
        uint64_t csn;
        if (section->kind == PARCEL_STATE) put_state(section);
        if (section->kind == PARCEL_ROOT) {
            parcel_open_root(&place, section, &bytes);
            put_log(0, &bytes);
            if (bytes.len > sizeof(struct art_root_header)) {
                memcpy(&hash, bytes.data + offsetof(struct art_root_header, chain), sizeof hash);
            }
        }
        if (section->kind != PARCEL_ROW || !parcel_open_row(section, &hash, &csn, &bytes)) continue;
        if (!replaced) must(sqlite3_exec(writer, "DELETE FROM t_artdata WHERE csn <> 0", NULL, NULL, NULL), "delete");
        replaced = true;
        put_log(csn, &bytes);
    }
    art_buffer_clear(&bytes);
}

/* --- one input ---------------------------------------------------------------------------------------------------- */

static void meet(sqlite3 *db, int rc, const char *sql) {
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ERROR:
    case SQLITE_CORRUPT:
    case SQLITE_CANTOPEN:
    case SQLITE_CONSTRAINT:
    case SQLITE_FULL:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
    case SQLITE_READONLY:
    case SQLITE_LOCKED:
        return;
    }
    fuzz_fail("%d %s: %s", rc, sqlite3_errmsg(db), sql);
}

/* `sound`: nothing was forged, so it must succeed. */
static void try(sqlite3 *db, const char *sql, bool sound) {
    while (*sql) {
        sqlite3_stmt *statement = NULL;
        int rc = sqlite3_prepare_v2(db, sql, -1, &statement, &sql);
        if (statement) sqlite3_free(fuzz_answer(statement, &rc));
        meet(db, rc, statement ? sqlite3_sql(statement) : sql);
        if (rc && sound) fuzz_fail("of a sound table: %d %s: %s", rc, sqlite3_errmsg(db), sqlite3_sql(statement));
        sqlite3_finalize(statement);
        if (rc) break;
    }
    if (!sqlite3_get_autocommit(db)) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
}

static void use(bool sound) {
    restore_file();
    sqlite3 *db = fuzz_open(path);
    sqlite3_exec(db, "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF", NULL, NULL, NULL);
    /* What changes something is rolled back, but for the one that commits. */
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        bool changes = strncmp(statements[i], "SELECT", 6) != 0 && strncmp(statements[i], "BEGIN", 5) != 0;
        if (changes) sqlite3_exec(db, "SAVEPOINT all_of_it", NULL, NULL, NULL);
        try(db, statements[i], sound && i + 1 < sizeof statements / sizeof *statements); /* u was not committed */
    }
    sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
    int rc = sqlite3_exec(db, "DROP TABLE t", NULL, NULL, NULL);
    if (rc && !strstr(sqlite3_errmsg(db), "no such table")) fuzz_fail("DROP: %d %s", rc, sqlite3_errmsg(db));
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    if (sqlite3_close(db)) fuzz_fail("the database does not close");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size + 1);
    if (size) memcpy(copy, data, size);
    struct parcel parcel;
    if (!disk) begin();
    parcel_read(&parcel, copy, size);
    choose_table(&parcel);
    must(sqlite3_exec(writer, "BEGIN", NULL, NULL, NULL), "BEGIN");
    forge(&parcel);
    must(sqlite3_exec(writer, "COMMIT", NULL, NULL, NULL), "COMMIT");
    use(!parcel.count);
    must(sqlite3_exec(
             writer,
             "BEGIN; DELETE FROM t_artdata; INSERT INTO t_artdata SELECT * FROM saved_log; DELETE FROM t_artstate;"
             "INSERT INTO t_artstate SELECT * FROM saved_state; COMMIT",
             NULL, NULL, NULL),
         "restore");
    free(copy);
    return 0;
}
