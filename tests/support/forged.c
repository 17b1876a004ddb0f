#include "tests/support/forged.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buffer.h"
#include "core/base/hash.h"
#include "core/blob/bucket.h"
#include "core/store/cache.h"
#include "core/tree/state/hooks.h"
#include "core/tree/state/root_format.h"
#include "ext/art.h"
#include "tests/support/forged_table.h"
#include "tests/support/random.h"
#include "tests/support/second_opinion.h"
#include "tests/support/sim_disk.h"

enum {
    SLOTS = 64,
    PAGES_MAX = 1600,
    REFS_MAX = 1600,
    BUCKETS_MAX = 3000,
    PLACES_MAX = 2 * BUCKETS_MAX,
    LOG_ROWS = 24,
    SNAPSHOT = LOG_ROWS,   /* the number of its row, behind those of the log */
    SNAPSHOT_ROOT_AT = 21, /* in it: ext/table/snapshots.c */
    OPS_A_CALL = 1000,
    CALLS_MAX = 20000 /* of the progress handler, for one statement: counting what the file has room for takes half */
};

struct forged_tally forged_tally;

#define broken(...)                                                                                                    \
    do {                                                                                                               \
        fprintf(stderr, "forged, number %lu: ", forged_tally.runs);                                                    \
        fprintf(stderr, __VA_ARGS__);                                                                                  \
        fprintf(stderr, "\n");                                                                                         \
        abort();                                                                                                       \
    } while (0)

struct place {                 /* of a reference; slot 0: in a row with a root */
    uint32_t slot, at, number; /* of the bucket, or of the row */
};
struct page {
    uint32_t number; /* in the file */
    uint8_t bytes[ART_BLOB_PAGE];
};
struct row {
    sqlite3_int64 csn;
    struct art_buffer bytes;
};
struct database {
    uint8_t *bytes; /* of the database's file, as it was made */
    size_t len;
    char file[256]; /* the .art file */
    struct page *pages;
    uint32_t count;
    struct row log[LOG_ROWS + 1]; /* the root first */
    unsigned rows;
    struct place refs[REFS_MAX];
    unsigned ref_count;
    uint32_t slots[SLOTS], slot_count; /* of blobs, lower ones first */
    struct place buckets[BUCKETS_MAX];
    unsigned bucket_count;
    struct place blocks[PLACES_MAX]; /* where blocks and codes of buckets begin, and a blob's symbols and lengths */
    unsigned block_count, coded_count;
};

#define FEW     "path, value, size INTEGER, c"
#define VALUES  "value, size INTEGER, c, d TEXT, h"
#define MANY    "path, " VALUES
#define PARTS   "path, part INTEGER, " VALUES ", key=(path, part DESC)"
#define BYTES   "path BLOB, " VALUES
#define SUMMARY "sum(size), lookup(size), search(path), search(value)"
#define SEVERAL "sum(size), sum(c), min(d), max(h), lookup(c), lookup(value), search(d), search(h)"
static const struct design {
    const char *columns, *summary;
    bool is_inline, rich; /* all types, a snapshot, directories that were moved and deleted */
    bool of_bytes, in_parts;
} designs[] = {
    {.columns = FEW, .summary = ""},
    {.columns = FEW, .summary = "", .is_inline = true},
    {.columns = FEW, .summary = SUMMARY},
    {.columns = FEW, .summary = SUMMARY, .is_inline = true},
    {.columns = MANY, .summary = "", .rich = true},
    {.columns = MANY, .summary = SUMMARY ", max(d), lookup(h)", .rich = true, .is_inline = true},
    {.columns = MANY, .summary = "max(d), hash(*), hash(values)", .rich = true},
    {.columns = MANY, .summary = "lookup(h)", .rich = true, .is_inline = true},
    {.columns = MANY, .summary = "search(c)", .rich = true},
    {.columns = MANY, .summary = SEVERAL, .rich = true, .is_inline = true},
    {.columns = PARTS, .summary = "sum(size), max(d), search(value)", .rich = true, .in_parts = true},
    {.columns = BYTES, .summary = "max(size), lookup(h)", .rich = true, .is_inline = true, .of_bytes = true},
};
enum { DATABASES = sizeof designs / sizeof *designs, HOW_AGREE = 1, HOW_ADD_UP = 2 };

static struct database databases[DATABASES];
static const struct design *design; /* of the one that is open */
static struct sim_disk *disk;
static char path[200];
static uint8_t *image[SLOTS]; /* the forger's copies */
static struct row forged_log[LOG_ROWS + 1];

/* --- statements --------------------------------------------------------------------------------------------------- */

static unsigned calls;
static bool is_sound; /* nothing is forged yet: SQLITE_ERROR is of what asks for a summary where there is none */

static int count_calls(void *context) {
    return ++calls > CALLS_MAX;
}

static sqlite3 *open_database(bool with_art) {
    sqlite3 *db;
    char *message = NULL;
    if (sqlite3_open(path, &db) || (with_art && sqlite3_art_init(db, &message, NULL)))
        broken("no database: %s", message);
    sqlite3_extended_result_codes(db, 1);
    sqlite3_exec(db, "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF; PRAGMA case_sensitive_like=ON", NULL, NULL,
                 NULL);
    return db;
}

/* What stands in braces is of a key: a text, or a BLOB where keys are. sqlite3_free() it. */
static char *with_keys(const char *sql) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    for (bool inside = false; *sql; sql++) {
        bool edge = *sql == '{' || *sql == '}';
        if (edge) inside = !inside;
        if (edge)
            sqlite3_str_appendall(out, inside && design->of_bytes ? "x'" : "'");
        else
            sqlite3_str_appendf(out, inside && design->of_bytes ? "%02x" : "%c", *sql);
    }
    return sqlite3_str_finish(out);
}

static void must_run(sqlite3 *db, const char *text) {
    char *sql = with_keys(text);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL)) broken("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_free(sql);
}

static bool is_expected(int rc) {
    static const int codes[] = {SQLITE_OK,       SQLITE_DONE,       SQLITE_ERROR, SQLITE_CORRUPT,
                                SQLITE_CANTOPEN, SQLITE_CONSTRAINT, SQLITE_FULL,  SQLITE_TOOBIG,
                                SQLITE_MISMATCH, SQLITE_READONLY,   SQLITE_LOCKED};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i] == (rc & 0xff)) return true;
    }
    return false;
}

/* The first column of a row is behind that of the row before; `order` < 0: before it. `last` holds the class of its
 * type, since BLOBs come behind texts, and its bytes. */
static void check_order(sqlite3_stmt *statement, struct art_buffer *last, bool any, int order) {
    static const uint8_t classes[] = {
        [SQLITE_NULL] = 0, [SQLITE_INTEGER] = 1, [SQLITE_FLOAT] = 1, [SQLITE_TEXT] = 2, [SQLITE_BLOB] = 3};
    uint8_t class = classes[sqlite3_column_type(statement, 0)];
    struct art_bytes key = art_bytes(sqlite3_column_blob(statement, 0), (uint32_t)sqlite3_column_bytes(statement, 0));
    int c = !any ? order : class - last->data[0];
    if (!c && class >= classes[SQLITE_TEXT])
        c = art_bytes_compare(key, art_bytes(last->data + 1, (uint32_t)last->len - 1));
    if (!c && (design->in_parts || class < classes[SQLITE_TEXT])) c = order;
    if (order > 0 ? c <= 0 : c >= 0) broken("a row comes again, or out of order: %s", sqlite3_sql(statement));
    last->len = 0;
    if (art_buffer_append(last, &class, 1) || (key.len && art_buffer_append(last, key.data, key.len))) abort();
}

/* One statement or several. They begin with + or - where their first column ascends or descends. */
static void try(sqlite3 *db, const char *statements) {
    int order = *statements == '+' ? 1 : *statements == '-' ? -1 : 0;
    char *whole = with_keys(statements + (order != 0));
    const char *sql = whole;
    struct art_buffer last = {0};
    int rc = SQLITE_OK;
    while (*sql && (rc == SQLITE_OK || rc == SQLITE_DONE)) {
        sqlite3_stmt *statement = NULL;
        const char *text = sql;
        bool any = false;
        calls = 0;
        rc = sqlite3_prepare_v2(db, sql, -1, &statement, &sql);
        while (statement && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
            if (order) check_order(statement, &last, any, order);
            any = true;
        }
        if (calls > CALLS_MAX) broken("no end: %s", text);
        if (!is_expected(rc)) broken("%d %s: %s", rc, sqlite3_errmsg(db), text);
        if (rc == SQLITE_OK || rc == SQLITE_DONE) forged_tally.answers++;
        sqlite3_finalize(statement);
    }
    if (rc != SQLITE_OK && rc != SQLITE_DONE) {
        forged_tally.errors++;
        forged_tally.mismatches += strstr(sqlite3_errmsg(db), "hash") || strstr(sqlite3_errmsg(db), "checksum");
    }
    if (is_sound && rc != SQLITE_DONE && rc != SQLITE_ERROR) broken("of a sound table: %d %s", rc, sqlite3_errmsg(db));
    art_buffer_clear(&last);
    sqlite3_free(whole);
    if (!sqlite3_get_autocommit(db)) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
}

static void try_all(sqlite3 *db, const char *const *statements, size_t count) {
    for (size_t i = 0; i < count; i++) try(db, statements[i]);
}
#define TRY_ALL(db, statements) try_all(db, statements, sizeof statements / sizeof *statements)

/* --- a database --------------------------------------------------------------------------------------------------- */

static void clean_up(void) {
    unlink(path);
    *strrchr(path, '/') = 0;
    rmdir(path);
}

static void begin(void) {
    const char *temporary = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/forged-XXXXXX", temporary && *temporary ? temporary : "/tmp");
    if (!mkdtemp(path)) broken("no folder %s", path);
    strcat(path, "/f.db");
    atexit(clean_up);
    disk = sim_disk_new_steady(SLOTS * ART_BLOB_PAGES);
    art_disk_set_default(sim_disk_art(disk));
    art_cache_join(1 << 20); /* the cache's memory stays mapped from one database to the next */
    art_test_hooks.blob_pages = 2;
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        image[slot] = calloc(1, ART_BLOB_BYTES + ART_BLOB_PAGE);
        if (!image[slot]) abort();
    }
}

static void add_page(struct database *base, uint32_t number, const void *bytes, size_t len) {
    if (base->count == PAGES_MAX || number >= SLOTS * ART_BLOB_PAGES) broken("a table that is larger than thought");
    struct page *page = &base->pages[base->count++];
    page->number = number;
    memset(page->bytes, 0, sizeof page->bytes);
    memcpy(page->bytes, bytes, len < sizeof page->bytes ? len : sizeof page->bytes);
}

static void read_pages(struct database *base, sqlite3 *db) {
    sqlite3_stmt *get;
    base->pages = calloc(PAGES_MAX, sizeof *base->pages);
    if (!base->pages) abort();
    if (!design->is_inline) {
        snprintf(base->file, sizeof base->file, "%s", sim_disk_find(disk, ".art"));
        uint32_t end = (uint32_t)(sim_disk_size(disk, base->file) / ART_PAGE);
        for (uint32_t page = 0; page < end; page++) {
            if (sim_disk_page_used(disk, base->file, page))
                add_page(base, page, sim_disk_page(disk, base->file, page), ART_PAGE);
        }
        return;
    }
    if (sqlite3_prepare_v2(db, "SELECT page, data FROM t_artblob", -1, &get, NULL)) broken("%s", sqlite3_errmsg(db));
    while (sqlite3_step(get) == SQLITE_ROW) {
        const void *bytes = sqlite3_column_blob(get, 1);
        add_page(base, (uint32_t)sqlite3_column_int64(get, 0), bytes, (size_t)sqlite3_column_bytes(get, 1));
    }
    sqlite3_finalize(get);
}

static void read_log(struct database *base, sqlite3 *db) {
    sqlite3_stmt *get;
    if (sqlite3_prepare_v2(db, "SELECT csn, ops FROM t_artdata ORDER BY csn", -1, &get, NULL)) abort();
    while (sqlite3_step(get) == SQLITE_ROW) {
        if (base->rows == LOG_ROWS) broken("a longer log than thought");
        struct row *row = &base->log[base->rows++];
        row->csn = sqlite3_column_int64(get, 0);
        const void *bytes = sqlite3_column_blob(get, 1);
        if (art_buffer_append(&row->bytes, bytes, (size_t)sqlite3_column_bytes(get, 1))) abort();
    }
    sqlite3_finalize(get);
    if (sqlite3_prepare_v2(db, "SELECT v FROM t_artstate WHERE k = 'snapshot s'", -1, &get, NULL)) abort();
    if (sqlite3_step(get) == SQLITE_ROW && art_buffer_append(&base->log[SNAPSHOT].bytes, sqlite3_column_blob(get, 0),
                                                             (size_t)sqlite3_column_bytes(get, 0)))
        abort();
    sqlite3_finalize(get);
}

static void put_images(const struct database *base) {
    for (uint32_t i = 0; i < base->count; i++) {
        const struct page *page = &base->pages[i];
        memcpy(image[page->number / ART_BLOB_PAGES] + page->number % ART_BLOB_PAGES * ART_BLOB_PAGE, page->bytes,
               ART_BLOB_PAGE);
    }
}

static void clear_images(const struct database *base) {
    for (uint32_t i = 0; i < base->count; i++) {
        uint32_t number = base->pages[i].number;
        memset(image[number / ART_BLOB_PAGES] + number % ART_BLOB_PAGES * ART_BLOB_PAGE, 0, ART_BLOB_PAGE);
    }
}

static void note_ref(struct database *base, uint32_t slot, uint32_t at, uint32_t number) {
    if (base->ref_count == REFS_MAX) broken("more references than thought");
    base->refs[base->ref_count++] = (struct place){slot, at, number};
}

static void note_block(struct database *base, uint32_t slot, uint32_t at, uint32_t number) {
    if (base->block_count == PLACES_MAX) broken("more blocks and codes than thought");
    base->blocks[base->block_count++] = (struct place){slot, at, number};
}

/* Where references and buckets stand in a sound blob. */
static void note_blob(struct database *base, uint32_t slot) {
    static const struct art_blob no_symbols;
    const struct art_blob_trailer *trailer = art_blob_trailer(image[slot]);
    struct art_parts parts = art_trailer_parts(trailer);
    if (trailer->incompatible & ART_BLOB_SYMBOLS) {
        note_block(base, slot, parts.begin[ART_PART_SYMBOLS], 0);
        note_block(base, slot, parts.begin[ART_PART_SYMBOLS] + offsetof(struct art_symbols, len), 0);
    }
    for (uint32_t b = 0; b < trailer->buckets; b++) {
        uint32_t at = ART_BUCKET_ALIGN * art_load16(image[slot] + parts.begin[ART_PART_OFFSETS] + 2 * b);
        struct art_bucket_view view;
        if (base->bucket_count == BUCKETS_MAX) broken("more buckets than thought");
        base->buckets[base->bucket_count++] = (struct place){slot, at, b};
        art_bucket_view_open(&view, image[slot] + at, &no_symbols); /* only for where its columns are */
        if (art_load16(view.start + 4) & ART_BUCKET_CODED) {
            note_block(base, slot, (uint32_t)(view.suffixes - image[slot]), b);
            base->coded_count++;
        }
        if (view.form & ART_BUCKET_BLOCK) note_block(base, slot, (uint32_t)(view.values - image[slot]), b);
        for (uint32_t i = 0; trailer->height && i < view.count; i++) {
            uint32_t from = !(view.form & ART_BUCKET_LENGTHS) ? i * view.value_len
                            : i                               ? art_load16(view.value_ends + 2 * (i - 1))
                                                              : 0;
            note_ref(base, slot, (uint32_t)(view.values - image[slot]) + from, b);
        }
    }
}

/* `at`: where a root begins in a row. */
static void note_root(struct database *base, uint32_t number, uint32_t at) {
    const uint8_t *root = base->log[number].bytes.data + at;
    uint32_t runs = root[offsetof(struct art_root_header, runs)];
    at += (uint32_t)sizeof(struct art_root_header);
    for (uint32_t run = 0; run < runs; run++) {
        struct art_root_run fixed;
        memcpy(&fixed, base->log[number].bytes.data + at, sizeof fixed);
        note_ref(base, 0, at + (uint32_t)sizeof fixed, number);
        at += (uint32_t)sizeof fixed + fixed.ref_len;
    }
}

/* References first, then the blobs that they lead to, so that lower ones come before those above them. */
static void note_places(struct database *base) {
    bool noted[SLOTS] = {true};
    note_root(base, 0, 0);
    if (design->rich) note_root(base, SNAPSHOT, SNAPSHOT_ROOT_AT);
    for (unsigned i = 0; i < base->ref_count; i++) { /* it grows */
        const struct place *ref = &base->refs[i];
        uint32_t slot = art_load32((ref->slot ? image[ref->slot] : base->log[ref->number].bytes.data) + ref->at);
        if (!noted[slot]) note_blob(base, slot);
        noted[slot] = true;
    }
    for (unsigned height = 0; height < 8; height++) {
        for (uint32_t slot = 1; slot < SLOTS; slot++) {
            const struct art_blob_trailer *trailer = art_blob_trailer(image[slot]);
            if (trailer->magic == ART_BLOB_MAGIC && trailer->height == height) base->slots[base->slot_count++] = slot;
        }
    }
}

static void read_file(struct database *base) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END)) broken("%s", path);
    base->len = (size_t)ftell(file);
    base->bytes = malloc(base->len);
    rewind(file);
    if (!base->bytes || fread(base->bytes, 1, base->len, file) != base->len) broken("%s", path);
    fclose(file);
}

static void create_table(sqlite3 *db) {
    char *list = *design->summary ? sqlite3_mprintf(", summary=(%s)", design->summary) : NULL;
    char *sql = sqlite3_mprintf("CREATE VIRTUAL TABLE t USING art(%s%s, storage=%s, log_limit='1MB')", design->columns,
                                list ? list : "", design->is_inline ? "inline" : "file");
    must_run(db, sql);
    sqlite3_free(sql);
    sqlite3_free(list);
}

/* Two runs with an index, a small one above them, long deletes, values in pieces, rows in the log. */
static void fill(sqlite3 *db) {
    char *insert = sqlite3_mprintf(
        "INSERT INTO t(path, value, size, c) WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 360) "
        "SELECT CAST(printf('dir-%%d/f%%03d', i %% 5, i) AS %s), 'value ' || i, i, 'column ' || i FROM n;"
        "INSERT INTO t(path, value) VALUES({big-1}, replace(hex(zeroblob(2500)), '00', 'large'))",
        design->of_bytes ? "BLOB" : "TEXT");
    must_run(db, insert);
    sqlite3_free(insert);
    if (design->in_parts) must_run(db, "UPDATE t SET part = size % 3 - 1");
    if (design->rich)
        must_run(db, "UPDATE t SET c = CASE size % 5 WHEN 0 THEN c WHEN 1 THEN size * 1.5 WHEN 2 THEN zeroblob(size % "
                     "30) WHEN 4 THEN size * 1000003 END, h = printf('%016x', size * 7919), "
                     "d = strftime('%Y-%m-%dT%H:%M:%S', 1700000000 + size * 86411, 'unixepoch') WHERE size >= 0");
    must_run(db, "INSERT INTO t(t) VALUES('optimize')");
    if (design->rich) must_run(db, "INSERT INTO t(t, snapshot) VALUES('snapshot', 's')");
    must_run(db, "BEGIN; DELETE FROM t WHERE path > {dir-1/f2} AND path < {dir-3/f05}; UPDATE t SET value = 'new ' || "
                 "path WHERE size % 7 = 0; INSERT INTO t(t) VALUES('flush'); COMMIT;"
                 "BEGIN; DELETE FROM t WHERE path < {dir-0/f1}; INSERT INTO t(path, size) VALUES({dir-2/again}, 5);"
                 "INSERT INTO t(t) VALUES('flush'); COMMIT;"
                 "INSERT INTO t(path, value) VALUES({late}, x'0102'); DELETE FROM t WHERE path = {dir-4/f009}");
    if (!design->rich) return;
    static const char by_text[] = "INSERT INTO t(t, prefix, path) VALUES('move', {dir-0/}, {dir-7/});"
                                  "DELETE FROM t WHERE delimiter = {2} AND path = {dir-4/f2}";
    static const char by_key[] = "INSERT INTO t(t, prefix, art_key) VALUES('move', art_key('t', 'dir-0/'), "
                                 "art_key('t', 'dir-7/')), ('delete', art_key('t', 'dir-4/f2'), NULL)";
    must_run(db, design->in_parts ? by_key : by_text);
    must_run(db, "INSERT INTO t(path, d) VALUES({dir-7/zz}, '2031')");
}

#ifdef ART_SMALL_LIMITS
enum { REFS_LEAST = 1, CODED_LEAST = 0 }; /* blobs may be few; a bucket of four has too few texts */
#else
enum { REFS_LEAST = 10, CODED_LEAST = 1 };
#endif

static void make(struct database *base) {
    sim_disk_clear(disk, NULL);
    unlink(path);
    sqlite3 *db = open_database(true);
    create_table(db);
    fill(db);
    is_sound = true;
    TRY_ALL(db, reads);
    TRY_ALL(db, checks);
    is_sound = false;
    read_pages(base, db);
    read_log(base, db);
    sqlite3_close(db);
    read_file(base);
    put_images(base);
    note_places(base);
    clear_images(base);
    if (base->ref_count < REFS_LEAST || base->bucket_count < 11 || !base->block_count ||
        (int)base->coded_count < CODED_LEAST)
        broken("too small a table: %u references, %u buckets, %u coded, %u blocks, %u slots", base->ref_count,
               base->bucket_count, base->coded_count, base->block_count, base->slot_count);
}

/* --- the forger --------------------------------------------------------------------------------------------------- */

/* What the forger's bytes say, and what acts are made of. */
struct change {
    uint8_t kind, value;
    uint16_t where, what;
};

/* One act: of which place what is changed, and how. Its name stands in verbs[], with what `at` and `value` are. */
enum verb {
    SWAP,
    COLUMN,
    IN_COLUMNS,
    IN_HEADER,
    IN_BLOCK,
    IN_TRAILER,
    IN_NODES,
    IN_PARTS,
    IN_REF,
    REF_AS,
    SLOT_AS,
    IN_ROW,
    IN_PAGE,
    VERBS
};
static const char *const verbs[VERBS] = {
    [SWAP] = "columns of bucket",
    [COLUMN] = "column of bucket",
    [IN_COLUMNS] = "in columns of bucket",
    [IN_HEADER] = "in header of bucket",
    [IN_BLOCK] = "in block",
    [IN_TRAILER] = "in trailer of blob",
    [IN_NODES] = "in nodes of blob",
    [IN_PARTS] = "in parts of blob",
    [IN_REF] = "in reference",
    [REF_AS] = "reference as another",
    [SLOT_AS] = "slot of reference as another",
    [IN_ROW] = "in row",
    [IN_PAGE] = "in page",
};

struct act {
    enum verb verb;
    bool adds; /* to the byte */
    uint32_t place, at, value;
};

static uint8_t *ref_at(const struct database *base, unsigned number, uint32_t *room) {
    struct place place = base->refs[number % base->ref_count];
    struct art_buffer *root = &forged_log[place.slot ? 0 : place.number].bytes;
    *room = place.slot ? ART_BLOB_BYTES - place.at : (uint32_t)root->len - place.at;
    return place.slot ? image[place.slot] + place.at : root->data + place.at;
}

/* Where the routing of a blob, or its parts from the buckets' offsets on, begin; their bytes: 1 for none. */
static uint32_t directory_of(uint32_t slot, bool parts_of_it, uint32_t *begin) {
    struct art_blob_trailer *trailer = (struct art_blob_trailer *)(void *)(image[slot] + ART_TRAILER_AT);
    struct art_parts parts = art_trailer_parts(trailer);
    uint32_t end = parts.begin[parts_of_it ? ART_PARTS : ART_PART_NODES];
    *begin = parts_of_it ? parts.begin[ART_PART_OFFSETS] : trailer->routing;
    return end > *begin ? end - *begin : 1;
}

enum { TRAILER_FROM = offsetof(struct art_blob_trailer, kind) };

static struct act act_of_bucket(const struct database *base, const struct change *change) {
    struct act out = {.place = change->where % base->bucket_count, .at = change->what, .value = change->value};
    struct place place = base->buckets[out.place];
    const uint8_t *bucket = image[place.slot] + place.at;
    uint32_t count = bucket[0] ? bucket[0] : 1;
    switch (change->kind % 4) {
    case 0:
        out = (struct act){SWAP, false, out.place, change->what % count, (change->what >> 8) % count};
        break;
    case 1:
        out.verb = COLUMN;
        out.at %= count;
        break;
    case 2:
        if (change->where >> 15) { /* in a block, where its lengths stand or behind them; in names; in symbols */
            out.verb = IN_BLOCK;
            out.place = change->where % base->block_count;
            out.at %= change->what >> 12 ? 48 : 400;
        } else {
            out.verb = IN_COLUMNS;
            out.at %= 5 * count;
        }
        break;
    default:
        out.verb = IN_HEADER;
        out.at %= sizeof(struct art_bucket_header);
    }
    return out;
}

static struct act act_of(const struct database *base, const struct change *change) {
    static const uint8_t edges[] = {0, 1, 2, 0x7f, 0x80, 0xfe, 0xff};
    struct act out = {IN_PAGE, false, change->where % base->count, change->what % ART_BLOB_PAGE, 0};
    uint32_t begin;
    switch (change->kind % 8) {
    case 0:
    case 1:
    case 2:
        out = act_of_bucket(base, change);
        break;
    case 3:
        out.place = change->where % base->slot_count;
        out.verb = change->kind & 16 ? IN_TRAILER : change->kind & 8 ? IN_PARTS : IN_NODES;
        out.at = change->what % (change->kind & 16 ? sizeof(struct art_blob_trailer) - TRAILER_FROM
                                                   : directory_of(base->slots[out.place], change->kind & 8, &begin));
        break;
    case 4:
        out.place = change->where % base->ref_count;
        out.verb = change->kind & 16 ? IN_REF : change->kind & 32 ? SLOT_AS : REF_AS;
        out.at = change->what % (out.verb == IN_REF ? ART_REF_FIXED_BYTES : base->ref_count);
        break;
    case 5:
        out.verb = IN_ROW;
        out.place = change->where % (base->rows + design->rich);
        out.at = change->what % forged_log[out.place < base->rows ? out.place : SNAPSHOT].bytes.len;
    }
    if (out.verb == SWAP || out.verb == COLUMN) return out;
    out.adds = change->kind & 128;
    out.value = change->kind & 64 && !out.adds ? edges[change->value % sizeof edges] : change->value;
    return out;
}

static void set_byte(uint8_t *byte, const struct act *act) {
    *byte = (uint8_t)(act->value + (act->adds ? *byte : 0));
}

static void do_in_bucket(const struct database *base, const struct act *act) {
    bool in_block = act->verb == IN_BLOCK;
    struct place place =
        in_block ? base->blocks[act->place % base->block_count] : base->buckets[act->place % base->bucket_count];
    uint8_t *bucket = image[place.slot] + place.at, *columns = bucket + sizeof(struct art_bucket_header);
    uint8_t first = columns[act->at];
    if (act->verb == SWAP) {
        columns[act->at] = columns[act->value];
        columns[act->value] = first;
    } else if (act->verb == COLUMN) {
        columns[act->at] = (uint8_t)act->value;
    } else {
        set_byte(act->verb == IN_COLUMNS ? &columns[act->at] : &bucket[act->at], act);
    }
}

static void do_in_ref(const struct database *base, const struct act *act) {
    uint32_t room, other_room;
    uint8_t *ref = ref_at(base, act->place, &room), *other = ref_at(base, act->at, &other_room);
    if (room < ART_REF_FIXED_BYTES || other_room < ART_REF_FIXED_BYTES) return;
    if (act->verb == IN_REF)
        set_byte(&ref[act->at], act);
    else
        memmove(ref, other, act->verb == SLOT_AS ? 4 : ART_REF_FIXED_BYTES);
}

static void apply(const struct database *base, const struct act *act) {
    struct page const *page = &base->pages[act->place % base->count];
    uint32_t slot = base->slots[act->place % base->slot_count], begin, directory;
    struct art_buffer *row;
    random_tell("%s %u %u %c%u\n", verbs[act->verb], act->place, act->at, act->adds ? '+' : '=', act->value);
    switch (act->verb) {
    case IN_TRAILER:
        set_byte(image[slot] + ART_TRAILER_AT + TRAILER_FROM + act->at, act);
        break;
    case IN_NODES:
    case IN_PARTS:
        directory = directory_of(slot, act->verb == IN_PARTS, &begin);
        if (begin < ART_TRAILER_AT - directory) set_byte(image[slot] + begin + act->at % directory, act);
        break;
    case IN_REF:
    case REF_AS:
    case SLOT_AS:
        do_in_ref(base, act);
        break;
    case IN_ROW: /* which is shorter, perhaps, with other limits than those of a kept act */
        row = &forged_log[act->place < base->rows ? act->place : SNAPSHOT].bytes;
        set_byte(&row->data[act->at % row->len], act);
        break;
    case IN_PAGE:
        set_byte(image[page->number / ART_BLOB_PAGES] + page->number % ART_BLOB_PAGES * ART_BLOB_PAGE + act->at, act);
        break;
    default:
        do_in_bucket(base, act);
    }
}

/* --- hashes ------------------------------------------------------------------------------------------------------- */

static struct art_hash128 hash_of[SLOTS];

/* Sums and zones of the whole blob, which may lie; NULL: nobody can say where they stand. */
static uint8_t *summed_of(uint32_t slot) {
    const struct art_blob_trailer *trailer = art_blob_trailer(image[slot]);
    struct art_measures has = ART_STORED_MEASURES(trailer);
    uint32_t at = art_trailer_parts(trailer).begin[ART_PART_SUMMED];
    return art_measures_are_sane(has) && at <= ART_TRAILER_AT ? image[slot] + at : NULL;
}

/* What the blob says of itself, in a reference to it. */
static void agree_with(uint8_t *ref, uint32_t room, uint32_t child) {
    struct art_ref says;
    struct art_ref_format now;
    const uint8_t *summed = summed_of(child);
    art_ref_of_trailer(image[child] + ART_LAST_PAGE_AT, &says);
    memcpy(&now, ref, sizeof now);
    uint32_t slot = now.slot;
    uint8_t height = now.height;
#define AGREE(fact, stored, ...) now.stored = says.fact;
    ART_BLOB_FACTS(AGREE)
    now.slot = slot;
    now.height = height;
    memcpy(ref, &now, sizeof now);
    if (!summed || now.columns != says.has.columns || now.sums != says.has.sums) return;
    if (art_summed_bytes(says.has) <= room - sizeof now) memcpy(ref + sizeof now, summed, art_summed_bytes(says.has));
}

/* References of the blob, or of the roots (slot 0), have the hashes of what they lead to. */
static void mend_refs(const struct database *base, uint32_t slot, unsigned how) {
    for (unsigned i = 0; i < base->ref_count; i++) {
        uint32_t room;
        if (base->refs[i].slot != slot) continue;
        uint8_t *ref = ref_at(base, i, &room);
        uint32_t child = room < ART_REF_FIXED_BYTES ? 0 : art_load32(ref);
        if (!child || child >= SLOTS) continue;
        bool index = art_blob_trailer(image[child])->height;
        if (how & HOW_AGREE || (how & HOW_ADD_UP && index)) agree_with(ref, room, child);
        memcpy(ref + offsetof(struct art_ref_format, hash_low), &hash_of[child], sizeof hash_of[child]);
    }
}

/* All that lies below one bucket of an index blob, as its references have it. */
struct below {
    uint64_t entries, overflows;
    int64_t count;
    struct art_bounds bounds;
    struct art_summed summed;
};

static void add_below(const struct database *base, uint32_t slot, uint32_t bucket, struct art_measures has,
                      struct below *out) {
    for (unsigned i = 0; i < base->ref_count; i++) {
        struct art_ref_format ref;
        struct art_summed summed;
        uint32_t room;
        if (base->refs[i].slot != slot || base->refs[i].number != bucket) continue;
        const uint8_t *at = ref_at(base, i, &room);
        if (room < sizeof ref + art_summed_bytes(has)) continue;
        memcpy(&ref, at, sizeof ref);
        out->entries += ref.below;
        out->overflows += ref.overflows;
        out->count = (int64_t)((uint64_t)out->count + (uint64_t)ref.count);
        if (ref.csn_max > out->bounds.csn_max) out->bounds.csn_max = ref.csn_max;
        if (ref.key_max > out->bounds.key_max) out->bounds.key_max = ref.key_max;
        out->bounds.overflows = (uint8_t)(out->bounds.overflows + (ref.overflows != 0));
        if (art_summed_decode(has, at + sizeof ref, &summed)) art_summed_add(has, &out->summed, &summed);
    }
}

/* Directories and totals of an index blob say what its references say, whatever that is. */
static void add_up(const struct database *base, uint32_t slot) {
    struct art_blob_trailer *trailer = (struct art_blob_trailer *)(void *)(image[slot] + ART_TRAILER_AT);
    struct art_measures has = ART_STORED_MEASURES(trailer);
    uint32_t n = trailer->buckets;
    struct art_parts at = art_trailer_parts(trailer);
    uint8_t *totals = summed_of(slot);
    if (!trailer->height || !totals || !(trailer->flags & ART_BLOB_SUMS) || n > ART_BLOB_PAGES) return;
    if (!art_parts_ascend(&at, 0)) return;
    struct below all = {0};
    for (uint32_t b = 0; b <= n; b++) {
        struct below own = {0};
        art_store64(image[slot] + at.begin[ART_PART_WEIGHTS] + 8 * b, (uint64_t)all.count);
        for (unsigned i = 0; i < has.sums; i++)
            art_store_sum(image[slot] + at.begin[ART_PART_SUMS] + ART_SUM_BYTES * (i * (n + 1) + b), all.summed.sum[i]);
        if (b == n) break;
        add_below(base, slot, b, has, &own);
        uint8_t *bounds = image[slot] + at.begin[ART_PART_BOUNDS], *zones = image[slot] + at.begin[ART_PART_ZONES];
        art_store32(bounds + 4 * b, own.bounds.csn_max < UINT32_MAX ? (uint32_t)own.bounds.csn_max : UINT32_MAX);
        art_store16(bounds + 4 * n + 2 * b, own.bounds.key_max);
        bounds[6 * n + b] = own.bounds.overflows;
        for (unsigned i = 0; i < has.columns; i++, zones += ART_ZONE_BYTES * n) {
            memcpy(zones + 8 * b, &own.summed.zone[i].low, 8);
            memcpy(zones + 8 * (n + b), &own.summed.zone[i].high, 8);
            zones[16 * n + b] = own.summed.zone[i].kinds;
        }
        add_below(base, slot, b, has, &all);
    }
    trailer->count = all.count;
    trailer->below = all.entries;
    trailer->csn_max = all.bounds.csn_max;
    trailer->key_max = all.bounds.key_max;
    trailer->overflows = all.overflows;
    art_summed_encode(has, &all.summed, totals);
}

static void mend_blob(const struct database *base, uint32_t slot, unsigned how) {
    static uint64_t of_zeros;
    struct art_blob_trailer *trailer = (struct art_blob_trailer *)(void *)(image[slot] + ART_TRAILER_AT);
    static const uint8_t zeros[ART_BLOB_PAGE];
    if (!of_zeros) of_zeros = art_hash64(zeros, sizeof zeros);
    mend_refs(base, slot, how);
    if (how & HOW_ADD_UP) add_up(base, slot);
    for (uint32_t page = 0; page < ART_BLOB_PAGES - 1; page++) {
        bool used = page < trailer->leaf_pages || page + trailer->footer_pages >= ART_BLOB_PAGES;
        trailer->page_hash[page] = used ? of_zeros : 0;
    }
    for (uint32_t i = 0; i < base->count; i++) {
        uint32_t number = base->pages[i].number, page = number % ART_BLOB_PAGES;
        if (number / ART_BLOB_PAGES != slot || page == ART_BLOB_PAGES - 1) continue;
        trailer->page_hash[page] = art_hash64(image[slot] + page * ART_BLOB_PAGE, ART_BLOB_PAGE);
    }
    trailer->own_hash = art_blob_trailer_hash(image[slot] + ART_LAST_PAGE_AT);
    hash_of[slot] = art_hash128(image[slot] + ART_LAST_PAGE_AT, ART_BLOB_PAGE);
}

static void mend_sum(uint8_t *bytes, size_t len) {
    art_store64(bytes + len - 8, art_hash64(bytes, len - 8));
}

static void mend_snapshot(void) {
    static const char key[] = "snapshot s";
    struct art_buffer *row = &forged_log[SNAPSHOT].bytes, all = {0};
    if (row->len < SNAPSHOT_ROOT_AT) return;
    uint32_t root_len = art_load32(row->data + SNAPSHOT_ROOT_AT - 4);
    if (root_len >= 8 && root_len <= row->len - SNAPSHOT_ROOT_AT) mend_sum(row->data + SNAPSHOT_ROOT_AT, root_len);
    if (art_buffer_append(&all, key, sizeof key - 1) || art_buffer_append(&all, row->data, row->len)) abort();
    art_store64(all.data + all.len - 8, art_hash128(all.data, all.len - 8).low);
    memcpy(row->data, all.data + sizeof key - 1, row->len);
    art_buffer_clear(&all);
}

static void mend_log(const struct database *base, unsigned how) {
    struct art_buffer *root = &forged_log[0].bytes;
    uint8_t chain[16];
    mend_refs(base, 0, how);
    mend_snapshot();
    mend_sum(root->data, root->len);
    memcpy(chain, root->data + offsetof(struct art_root_header, chain), sizeof chain);
    for (unsigned i = 1; i < base->rows; i++) {
        struct row *row = &forged_log[i];
        struct art_buffer all = {0};
        uint64_t csn = (uint64_t)row->csn;
        if (art_buffer_append(&all, chain, sizeof chain) || art_buffer_append(&all, &csn, sizeof csn) ||
            art_buffer_append(&all, row->bytes.data + 16, row->bytes.len - 16))
            abort();
        struct art_hash128 hash = art_hash128(all.data, all.len);
        memcpy(row->bytes.data, &hash, sizeof hash);
        memcpy(chain, &hash, sizeof hash);
        art_buffer_clear(&all);
    }
}

static void mend(const struct database *base, unsigned how) {
    memset(hash_of, 0, sizeof hash_of);
    for (uint32_t i = 0; i < base->slot_count; i++) mend_blob(base, base->slots[i], how);
    mend_log(base, how);
}

/* --- one run ------------------------------------------------------------------------------------------------------ */

static void put_row(sqlite3 *db, const char *sql, sqlite3_int64 key, const void *bytes, size_t len) {
    sqlite3_stmt *put;
    if (sqlite3_prepare_v2(db, sql, -1, &put, NULL)) broken("%s", sqlite3_errmsg(db));
    sqlite3_bind_int64(put, 1, key);
    sqlite3_bind_blob(put, 2, bytes, (int)len, SQLITE_STATIC);
    if (sqlite3_step(put) != SQLITE_DONE) broken("%s", sqlite3_errmsg(db));
    sqlite3_finalize(put);
}

static void put_database(const struct database *base) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(base->bytes, 1, base->len, file) != base->len || fclose(file)) broken("%s", path);
    sqlite3 *db = open_database(false);
    must_run(db, "BEGIN");
    for (unsigned i = 0; i < base->rows; i++) {
        const struct row *row = &forged_log[i];
        put_row(db, "UPDATE t_artdata SET ops = ?2 WHERE csn = ?1", row->csn, row->bytes.data, row->bytes.len);
    }
    if (forged_log[SNAPSHOT].bytes.len) {
        const struct art_buffer *row = &forged_log[SNAPSHOT].bytes;
        put_row(db, "UPDATE t_artstate SET v = ?2 WHERE ?1 AND k = 'snapshot s'", 1, row->data, row->len);
    }
    sim_disk_clear(disk, NULL);
    if (!design->is_inline) sim_disk_clear(disk, base->file);
    for (uint32_t i = 0; i < base->count; i++) {
        const struct page *page = &base->pages[i];
        const uint8_t *bytes = image[page->number / ART_BLOB_PAGES] + page->number % ART_BLOB_PAGES * ART_BLOB_PAGE;
        if (!design->is_inline)
            memcpy(sim_disk_page(disk, base->file, page->number), bytes, ART_BLOB_PAGE);
        else if (memcmp(bytes, page->bytes, ART_BLOB_PAGE) != 0)
            put_row(db, "UPDATE t_artblob SET data = ?2 WHERE page = ?1", page->number, bytes, ART_BLOB_PAGE);
    }
    must_run(db, "COMMIT");
    sqlite3_close(db);
}

#if !defined(ART_FUZZ)
/* What art_check() finds sound the format's page has an opinion on, too: a reader of its own reads the same rows. */
static void ask_second_opinion(sqlite3 *db, const struct database *base) {
    sqlite3_stmt *check = NULL;
    bool sound =
        !sqlite3_prepare_v2(db, "SELECT art_check('t') = 'ok' FROM (SELECT count(value) FROM t)", -1, &check, NULL) &&
        sqlite3_step(check) == SQLITE_ROW && sqlite3_column_int(check, 0);
    sqlite3_finalize(check);
    /* It decodes no values in blocks, and puts no large values of snapshots together. */
    const char *rows = "SELECT * FROM t", *of_snapshot = "SELECT * FROM t WHERE snapshot = 's'";
    bool has_snapshot = design->rich && !sqlite3_exec(db, of_snapshot, NULL, NULL, NULL);
    if (!sound || sqlite3_exec(db, rows, NULL, NULL, NULL)) return;
    char *why;
    FILE *out = design->is_inline ? NULL : fopen(base->file, "wb");
    for (uint32_t i = 0; out && i < base->count; i++) {
        uint32_t number = base->pages[i].number;
        if (fseek(out, (long)number * ART_BLOB_PAGE, SEEK_SET) ||
            fwrite(sim_disk_page(disk, base->file, number), ART_BLOB_PAGE, 1, out) != 1)
            broken("%s", base->file);
    }
    if (out && fclose(out)) broken("%s", base->file);
    bool same = second_opinion(db, rows, path, "t", NULL, &why);
    if (same && has_snapshot) same = second_opinion(db, of_snapshot, path, "t", "s", &why);
    /* Of what it refuses art may make something: nobody looks at the ends of slots before they are read. */
    if (!same && !strstr(why, " damaged: ")) broken("%s", why);
    sqlite3_free(why);
    if (out) unlink(base->file);
}

#endif

static void use_database(const struct database *base) {
    sqlite3 *db = open_database(true);
    sqlite3_progress_handler(db, OPS_A_CALL, count_calls, NULL);
    TRY_ALL(db, reads);
    try_all(db, reads, WALKS); /* what was met is remembered now */
    TRY_ALL(db, checks);
#if !defined(ART_FUZZ)
    ask_second_opinion(db, base);
#endif
    TRY_ALL(db, salvages);
    TRY_ALL(db, writes);
    if (sqlite3_close(db)) broken("the database does not close");
}

static struct database *begin_forging(unsigned which) {
    if (!disk) begin();
    struct database *base = &databases[which % DATABASES];
    design = &designs[which % DATABASES];
    if (!base->bytes) make(base);
    put_images(base);
    for (unsigned i = 0; i <= LOG_ROWS; i++) {
        forged_log[i].csn = base->log[i].csn;
        forged_log[i].bytes.len = 0;
        if (base->log[i].bytes.len &&
            art_buffer_append(&forged_log[i].bytes, base->log[i].bytes.data, base->log[i].bytes.len))
            abort();
    }
    return base;
}

static void use_what_was_forged(const struct database *base, unsigned how) {
    mend(base, how);
    put_database(base);
    use_database(base);
    clear_images(base);
    forged_tally.runs++;
}

void forged_run(const uint8_t *data, size_t size) {
    const uint8_t *end = data + size;
    if (size < 2) return;
    struct database *base = begin_forging(data[0]);
    unsigned how = data[1];
    random_tell("database %u, %u\n", data[0] % DATABASES, how % 4);
    for (data += 2; end - data >= 6; data += 6) {
        struct change change = {data[0], data[5], art_load16(data + 1), art_load16(data + 3)};
        struct act act = act_of(base, &change);
        apply(base, &act);
    }
    use_what_was_forged(base, how);
}

void forged_run_acts(const char *const *acts) {
    unsigned which, how;
    if (sscanf(*acts, "database %u, %u", &which, &how) != 2) broken("%s", *acts);
    struct database *base = begin_forging(which);
    while (*++acts) {
        struct act act;
        char name[40], adds;
        int read = sscanf(*acts, "%39[a-z ] %u %u %c%u", name, &act.place, &act.at, &adds, &act.value);
        size_t len = strlen(name);
        while (len && name[len - 1] == ' ') name[--len] = '\0';
        for (act.verb = 0; act.verb < VERBS && strcmp(verbs[act.verb], name) != 0;) act.verb++;
        if (read != 5 || act.verb == VERBS) broken("%s", *acts);
        act.adds = adds == '+';
        apply(base, &act);
    }
    use_what_was_forged(base, how);
}
