/* art_publish('site.db' [, schema]): a copy of a database that a web server can hand out in parts.
 *
 *     copy       as art_backup() makes it, with storage=inline
 *     order      each table is put in order; a rollback journal, since a WAL cannot be opened read-only from there
 *     extract    pages that readers want first are copied, so that they lie side by side (table/extract.c)
 *     VACUUM     all rows stand in the file in the order of their numbers, on pages of 16 KB
 *
 * Which pages these are is not worked out, but tried: a second connection, whose tables find nothing in the cache,
 * asks as readers do, and notes what is read (struct art_recorder). A page that was read is not read again, so each is
 * copied once:
 *
 *     all footers without their postings; the largest or smallest rows of each column with a summary; each level with
 *     many rows below it, with its totals, if its pages lie scattered; all postings
 *
 * Measured with 436,000 paths: to copy each such level, and not five of 169, took 1.7 MB more, and more requests, for
 * copies draw apart what lies side by side in the table: a click .89 and .67, all rows with a word 49 and 25.
 *
 * What cannot be finished is removed, as a backup is.
 */
#include "core/base/limits.h"
#include "ext/admin/admin.h"
#include "ext/admin/copy.h"
#include "ext/table/extract_format.h"

#include <stdlib.h>

enum {
    PUBLISHED_PAGE_BYTES = 16384, /* of SQLite's */
    BEST_ROWS = 20,               /* of each column, as one asks for them */
    FIRST_POSTINGS_PAGES = ART_EXTRACT_PART_PAGES / 2,
};

int (*art_load_into)(sqlite3 *db);

struct publishing {
    struct art_recorder recorder; /* first: what is noted comes here */
    struct art_connection *caller, *own;
    struct art_copy *copy;
    sqlite3 *db;       /* the copy's */
    sqlite3_stmt *put; /* a row of T_artblob */
    const char *table;
    struct art_buffer numbers, noted; /* of pages that are in no part yet, and what is in them */
    struct art_buffer parts, pages;   /* of the directory */
    uint32_t rows;                    /* of all parts */
    uint32_t part_pages;              /* so many make a part */
    bool chooses;                     /* a level is read: not all of it is copied */
};

static int cannot_publish(struct publishing *publishing, int rc, char **message) {
    if (!rc || *message) return rc;
    return art_report_host(message, publishing->db, rc, "cannot write the copy's tables");
}

/* Takes the SQL. */
static int run_sql(struct publishing *publishing, char *sql, char **message) {
    int rc = sql ? sqlite3_exec(publishing->db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    return cannot_publish(publishing, rc, message);
}

/* --- parts -------------------------------------------------------------------------------------------------------- */

static uint32_t noted_count(const struct publishing *publishing) {
    return (uint32_t)(publishing->numbers.len / sizeof(uint64_t));
}

static uint64_t noted_page(const struct publishing *publishing, uint32_t at) {
    uint64_t page;
    memcpy(&page, publishing->numbers.data + at * sizeof page, sizeof page);
    return page;
}

static uint32_t part_count(const struct publishing *publishing) {
    return (uint32_t)(publishing->parts.len / sizeof(struct art_extract_part));
}

static int put_extract_rows(struct publishing *publishing, int64_t row, const uint8_t *bytes, uint64_t len) {
    int rc = SQLITE_OK;
    for (uint64_t at = 0, n; !rc && at < len; at += n, row++) {
        n = len - at < ART_EXTRACT_PIECE ? len - at : ART_EXTRACT_PIECE;
        sqlite3_bind_int64(publishing->put, 1, row);
        rc = sqlite3_bind_blob64(publishing->put, 2, bytes + at, n, SQLITE_STATIC);
        if (!rc) sqlite3_step(publishing->put);
        int end = sqlite3_reset(publishing->put);
        if (!rc) rc = end;
    }
    return rc;
}

static int put_part(struct publishing *publishing, uint32_t from, uint32_t count) {
    assert(count && count <= ART_EXTRACT_PART_PAGES);
    const uint8_t *bytes = publishing->noted.data + (size_t)from * ART_EXTRACT_PAGE;
    size_t len = (size_t)count * ART_EXTRACT_PAGE;
    struct art_hash128 hash = art_hash128(bytes, len);
    struct art_extract_part part = {hash.low, hash.high, publishing->rows, count};
    for (uint32_t i = 0; i < count; i++) {
        struct art_extract_page page = {noted_page(publishing, from + i), part_count(publishing), i};
        if (art_buffer_append(&publishing->pages, &page, sizeof page)) return SQLITE_NOMEM;
    }
    if (art_buffer_append(&publishing->parts, &part, sizeof part)) return SQLITE_NOMEM;
    publishing->rows += (uint32_t)art_extract_rows(len);
    return put_extract_rows(publishing, ART_EXTRACT_ROW + part.begin, bytes, len);
}

/* What is noted becomes a part, or some. */
static int end_part(struct publishing *publishing) {
    uint32_t count = noted_count(publishing);
    int rc = SQLITE_OK;
    for (uint32_t at = 0, n; !rc && at < count; at += n) {
        n = count - at < publishing->part_pages ? count - at : publishing->part_pages;
        rc = put_part(publishing, at, n);
    }
    publishing->numbers.len = publishing->noted.len = 0;
    return rc;
}

static enum art_rc note_page(struct art_recorder *recorder, uint64_t page, const void *data) {
    struct publishing *publishing = (struct publishing *)recorder;
    if (art_buffer_append(&publishing->numbers, &page, sizeof page)) return art_nomem();
    if (art_buffer_append(&publishing->noted, data, ART_EXTRACT_PAGE)) return art_nomem();
    if (publishing->chooses || noted_count(publishing) < publishing->part_pages) return ART_OK;
    int rc = end_part(publishing);
    if (publishing->part_pages < ART_EXTRACT_PART_PAGES) publishing->part_pages *= 2;
    return rc ? art_fail_sql(publishing->db, rc, "cannot write the copy's tables") : ART_OK;
}

/* Of numbers of pages, or of struct art_extract_page, which begins with one. */
static int compare_pages(const void *a, const void *b) {
    const uint64_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

/* Of pages in order: how many requests bring them, where one reads along what lies between. */
static uint32_t count_runs(const uint64_t *pages, uint32_t count) {
    uint32_t runs = count > 0;
    for (uint32_t i = 1; i < count; i++) runs += pages[i] - pages[i - 1] > ART_LIMIT(run_gap);
    return runs;
}

/* What has been noted from `begin` on is forgotten, unless it lies scattered. */
static int keep_if_scattered(struct publishing *publishing, uint32_t begin) {
    uint32_t count = noted_count(publishing) - begin;
    uint64_t *pages = art_alloc((count + 1) * sizeof *pages);
    if (!pages) return SQLITE_NOMEM;
    for (uint32_t i = 0; i < count; i++) pages[i] = noted_page(publishing, begin + i);
    qsort(pages, count, sizeof *pages, compare_pages);
    uint32_t runs = count_runs(pages, count);
    art_free(pages);
    if (runs >= ART_LIMIT(level_runs)) return SQLITE_OK;
    publishing->numbers.len = begin * sizeof *pages;
    publishing->noted.len = (size_t)begin * ART_EXTRACT_PAGE;
    return SQLITE_OK;
}

/* --- what readers ask --------------------------------------------------------------------------------------------- */

static int read_footers(struct publishing *publishing, struct art_tree *tree, bool postings, char **message) {
    int rc = art_report(message, art_tree_read_footers(tree, postings));
    return rc ? rc : cannot_publish(publishing, end_part(publishing), message);
}

static int note_best(struct publishing *publishing, const struct art_vtab *vtab, char **message) {
    const struct art_summarised *summarised = art_table_summarised(vtab->table);
    int rc = SQLITE_OK;
    for (unsigned i = 0; !rc && i < summarised->count; i++) {
        const struct art_summarised_column *item = &summarised->items[i];
        if (item->measure == ART_MEASURE_NONE || art_measure_hashes(item->measure)) continue;
        rc = run_sql(publishing,
                     sqlite3_mprintf("SELECT * FROM main.\"%w\" ORDER BY \"%w\"%s LIMIT %d", publishing->table,
                                     vtab->columns.items[item->column].name,
                                     item->measure == ART_MEASURE_MIN ? "" : " DESC", BEST_ROWS),
                     message);
        if (!rc) rc = cannot_publish(publishing, end_part(publishing), message);
    }
    return rc;
}

/* The names below ?1, and how many rows each of them has: not *, whose sums may overflow. What columns lie in comes
 * along where the names do. */
static int prepare_level(struct publishing *publishing, const struct art_columns *columns, sqlite3_stmt **out) {
    char *sql = sqlite3_mprintf("SELECT \"%w\", \"%w\" FROM main.\"%w\"(?1, '/')", columns->items[ART_COLUMN_KEY].name,
                                art_columns_hidden_name(columns, ART_HIDDEN_ENTRIES), publishing->table);
    int rc = sql ? sqlite3_prepare_v2(publishing->db, sql, -1, out, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    return rc;
}

enum { LEVEL_NAME, LEVEL_ENTRIES };

/* Prefixes whose levels are still to be read, as texts one behind the other. */
struct levels {
    struct art_buffer prefixes;
    unsigned count;
};

static bool add_prefix(struct levels *levels, const char *prefix, int len) {
    uint32_t bytes = (uint32_t)len;
    if (levels->count == ART_LIMIT(levels_most)) return true;
    levels->count++;
    return !art_buffer_append(&levels->prefixes, &bytes, sizeof bytes) &&
           !art_buffer_append(&levels->prefixes, prefix, bytes);
}

static int note_level(struct publishing *publishing, sqlite3_stmt *level, struct levels *levels) {
    uint32_t begin = noted_count(publishing);
    publishing->chooses = true;
    while (noted_count(publishing) - begin < ART_LIMIT(level_pages) && sqlite3_step(level) == SQLITE_ROW) {
        if (sqlite3_column_int64(level, LEVEL_ENTRIES) < ART_LIMIT(level_rows)) continue;
        const char *name = (const char *)sqlite3_column_text(level, LEVEL_NAME);
        if (!name || !add_prefix(levels, name, sqlite3_column_bytes(level, LEVEL_NAME))) return SQLITE_NOMEM;
    }
    int rc = sqlite3_reset(level);
    publishing->chooses = false;
    if (!rc) rc = keep_if_scattered(publishing, begin);
    return rc || noted_count(publishing) < ART_LIMIT(levels_part_pages) ? rc : end_part(publishing);
}

/* From the root down, the uppermost first. */
static int note_levels(struct publishing *publishing, const struct art_columns *columns, char **message) {
    struct levels levels = {0};
    sqlite3_stmt *level = NULL;
    int rc = add_prefix(&levels, "", 0) ? prepare_level(publishing, columns, &level) : SQLITE_NOMEM;
    for (size_t at = 0; !rc && at < levels.prefixes.len;) {
        uint32_t len;
        memcpy(&len, levels.prefixes.data + at, sizeof len);
        const char *prefix = (const char *)levels.prefixes.data + at + sizeof len;
        at += sizeof len + len;
        rc = sqlite3_bind_text(level, 1, prefix, (int)len, SQLITE_TRANSIENT);
        if (!rc) rc = note_level(publishing, level, &levels);
    }
    if (!rc) rc = end_part(publishing);
    rc = cannot_publish(publishing, rc, message);
    sqlite3_finalize(level);
    art_buffer_clear(&levels.prefixes);
    return rc;
}

static bool has_levels(const struct art_vtab *vtab) {
    return !vtab->columns.keys && !art_columns_keys_are_blobs(&vtab->columns);
}

static bool has_postings(const struct art_vtab *vtab) {
    return art_measures_fields(art_summary_for_core(art_table_summarised(vtab->table)).has);
}

/* The names of a level that are shown at once. *only: there is one, and rows below it; sqlite3_free() it. */
static int note_names(sqlite3_stmt *level, const char *prefix, char **only) {
    unsigned names = 0;
    *only = NULL;
    int rc = sqlite3_bind_text(level, 1, prefix, -1, SQLITE_STATIC);
    while (!rc && names++ < ART_LIMIT(names_at_once) && sqlite3_step(level) == SQLITE_ROW) {
        bool below = names == 1 && sqlite3_column_type(level, LEVEL_ENTRIES) != SQLITE_NULL;
        sqlite3_free(*only);
        *only = below ? sqlite3_mprintf("%s", sqlite3_column_text(level, LEVEL_NAME)) : NULL;
        if (below && !*only) rc = SQLITE_NOMEM;
    }
    int end = sqlite3_reset(level);
    return rc ? rc : end;
}

/* The first level with several names. */
static int note_first_level(struct publishing *publishing, const struct art_columns *columns, char **message) {
    sqlite3_stmt *level = NULL;
    char *prefix = NULL;
    int rc = prepare_level(publishing, columns, &level);
    for (unsigned depth = 0; !rc && (!depth || prefix) && depth < ART_LIMIT(depth_most); depth++) {
        char *only;
        rc = note_names(level, prefix ? prefix : "", &only);
        sqlite3_free(prefix);
        prefix = only;
    }
    sqlite3_free(prefix);
    rc = cannot_publish(publishing, rc, message);
    sqlite3_finalize(level);
    return rc;
}

/* What one sees first comes with the first part: how many rows there are, and the names to begin with. */
static int note_first_look(struct publishing *publishing, const struct art_vtab *vtab, char **message) {
    uint64_t rows;
    uint8_t buffer[1];
    struct art_range all;
    art_range_of_prefix(art_bytes("", 0), buffer, &all);
    int rc = art_report(message, art_tree_count(vtab->table->tree, &all, &rows));
    return rc || !has_levels(vtab) ? rc : note_first_level(publishing, &vtab->columns, message);
}

static int ask_as_readers_do(struct publishing *publishing, const struct art_vtab *vtab, char **message) {
    struct art_tree *tree = vtab->table->tree;
    publishing->part_pages = ART_EXTRACT_PART_PAGES;
    int rc = note_first_look(publishing, vtab, message);
    if (!rc) rc = read_footers(publishing, tree, false, message);
    if (!rc) rc = note_best(publishing, vtab, message);
    if (!rc && has_levels(vtab)) rc = note_levels(publishing, &vtab->columns, message);
    publishing->part_pages = FIRST_POSTINGS_PAGES; /* a frequent word needs no more */
    if (!rc && has_postings(vtab)) rc = read_footers(publishing, tree, true, message);
    return rc;
}

/* --- the directory ------------------------------------------------------------------------------------------------ */

/* Where the cache was full a page may have come twice. */
static void sort_pages(struct art_buffer *pages) {
    struct art_extract_page *rows = (void *)pages->data;
    size_t count = pages->len / sizeof *rows, kept = 0;
    qsort(rows, count, sizeof *rows, compare_pages);
    for (size_t i = 0; i < count; i++) {
        if (!kept || rows[kept - 1].page != rows[i].page) rows[kept++] = rows[i];
    }
    pages->len = kept * sizeof *rows;
}

/* Whose extract it is. */
static int describe_table(struct publishing *publishing, struct art_extract_head *out) {
    sqlite3_stmt *ask;
    int rc = art_prepare(publishing->db, 0, &ask,
                         sqlite3_mprintf("SELECT ops, (SELECT max(page) + 1 FROM main.\"%w_artblob\") "
                                         "FROM main.\"%w_artdata\" WHERE csn = 0",
                                         publishing->table, publishing->table));
    if (!rc && sqlite3_step(ask) == SQLITE_ROW) {
        struct art_hash128 root = art_hash128(sqlite3_column_blob(ask, 0), (size_t)sqlite3_column_bytes(ask, 0));
        out->root_low = root.low;
        out->root_high = root.high;
        out->end = (uint64_t)sqlite3_column_int64(ask, 1);
    }
    int end = sqlite3_finalize(ask);
    return rc ? rc : end;
}

static int put_head(struct publishing *publishing, const struct art_extract_head *head) {
    char *sql = sqlite3_mprintf("INSERT OR REPLACE INTO main.\"%w_artstate\"(k, v) VALUES(%Q, ?1)", publishing->table,
                                ART_EXTRACT_KEY);
    return art_run_once(publishing->db, sql, head, sizeof *head);
}

static int put_directory(struct publishing *publishing, char **message) {
    struct art_buffer bytes = {0};
    sort_pages(&publishing->pages);
    struct art_extract_directory counts = {part_count(publishing),
                                           (uint32_t)(publishing->pages.len / sizeof(struct art_extract_page))};
    bool nomem = art_buffer_append(&bytes, &counts, sizeof counts) ||
                 art_buffer_append(&bytes, publishing->parts.data, publishing->parts.len) ||
                 art_buffer_append(&bytes, publishing->pages.data, publishing->pages.len);
    struct art_hash128 hash = art_hash128(bytes.data, bytes.len);
    struct art_extract_head head = {
        .directory_low = hash.low, .directory_high = hash.high, .directory_bytes = bytes.len};
    int rc = nomem ? SQLITE_NOMEM : describe_table(publishing, &head);
    if (!rc) rc = put_extract_rows(publishing, ART_EXTRACT_ROW - art_extract_rows(bytes.len), bytes.data, bytes.len);
    if (!rc) rc = put_head(publishing, &head);
    art_buffer_clear(&bytes);
    return cannot_publish(publishing, rc, message);
}

/* --- a table ------------------------------------------------------------------------------------------------------ */

static int put_in_order(void *context, const char *name, char **message) {
    struct publishing *publishing = context;
    struct art_vtab *vtab;
    int rc = art_table_open(publishing->own, "main", name, &vtab, message);
    if (rc) return rc;
    rc = art_vtab_check_commands(vtab, message);
    art_vtab_unpin(vtab);
    char *sql = rc ? NULL : sqlite3_mprintf("INSERT INTO main.\"%w\"(\"%w\") VALUES('optimize')", name, name);
    return rc ? rc : run_sql(publishing, sql, message);
}

static int read_table(struct publishing *publishing, const char *name, char **message) {
    struct art_vtab *vtab;
    int rc = art_table_open(publishing->own, "main", name, &vtab, message);
    if (rc) return rc;
    rc = art_table_ref_ready(vtab, message);
    if (!rc && art_tree_has_runs(vtab->table->tree)) rc = ask_as_readers_do(publishing, vtab, message);
    art_vtab_unpin(vtab);
    return rc;
}

/* A copy of a published database has the former extract. */
static int extract_table(void *context, const char *name, char **message) {
    struct publishing *publishing = context;
    publishing->table = name;
    publishing->rows = 0;
    publishing->parts.len = publishing->pages.len = publishing->numbers.len = publishing->noted.len = 0;
    int rc = run_sql(publishing, sqlite3_mprintf("DELETE FROM main.\"%w_artblob\" WHERE page < 0", name), message);
    if (rc) return rc;
    rc = art_prepare(publishing->db, 0, &publishing->put,
                     sqlite3_mprintf("INSERT INTO main.\"%w_artblob\"(page, data) VALUES(?1, ?2)", name));
    rc = cannot_publish(publishing, rc, message);
    if (!rc) rc = read_table(publishing, name, message);
    if (!rc && publishing->rows) rc = put_directory(publishing, message);
    sqlite3_finalize(publishing->put);
    publishing->put = NULL;
    return rc;
}

/* --- the copy ----------------------------------------------------------------------------------------------------- */

static int look_for_interrupt(void *caller) {
    return art_stopped(caller) != SQLITE_OK;
}

static int open_copy(struct publishing *publishing, bool notes, char **message) {
    struct art_copy *copy = publishing->copy;
    int rc = art_copy_reopen(copy, message);
    publishing->db = copy->db;
    if (rc) return rc;
    rc = art_load_into(copy->db);
    if (!rc) publishing->own = art_connection_hold(copy->db);
    if (!rc && !publishing->own) rc = SQLITE_NOMEM;
    if (rc) return art_report_host(message, copy->db, rc, "cannot open the copy (%s)", copy->file);
    if (notes) publishing->own->recorder = &publishing->recorder;
    sqlite3_progress_handler(copy->db, ART_LIMIT(ask_published), look_for_interrupt, publishing->caller);
    /* VACUUM writes and syncs all of it. */
    return run_sql(publishing, sqlite3_mprintf("PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF"), message);
}

static void leave_copy(struct publishing *publishing) {
    if (!publishing->own) return;
    publishing->own->recorder = NULL;
    art_connection_release(publishing->own);
    publishing->own = NULL;
}

/* What is read meanwhile sees one snapshot. */
static int extract_tables(struct publishing *publishing, char **message) {
    int rc = run_sql(publishing, sqlite3_mprintf("BEGIN IMMEDIATE"), message);
    if (!rc) rc = art_tables_each(publishing->db, "main", extract_table, publishing, message);
    if (!rc) rc = run_sql(publishing, sqlite3_mprintf("COMMIT"), message);
    if (rc) return rc;
    return run_sql(publishing,
                   sqlite3_mprintf("PRAGMA synchronous = EXTRA; PRAGMA page_size = %d; VACUUM", PUBLISHED_PAGE_BYTES),
                   message);
}

int art_publish_copy(struct art_connection *caller, struct art_copy *copy, char **message) {
    struct publishing publishing = {.recorder = {note_page}, .caller = caller, .copy = copy};
    int rc = open_copy(&publishing, false, message);
    if (!rc) rc = art_tables_each(copy->db, "main", put_in_order, &publishing, message);
    leave_copy(&publishing);
    if (!rc) rc = open_copy(&publishing, true, message);
    if (!rc) rc = extract_tables(&publishing, message);
    leave_copy(&publishing);
    art_buffer_clear(&publishing.numbers);
    art_buffer_clear(&publishing.noted);
    art_buffer_clear(&publishing.parts);
    art_buffer_clear(&publishing.pages);
    return rc;
}
