/* The extract of a published table: copies of pages that readers want first, side by side.
 *
 * Over a network each page that lies elsewhere is a request. The routing part of a blob lies at the end of the blob,
 * and a query asks several blobs. So art_publish() notes which pages typical queries read, and copies them:
 *
 *     T_artblob   before -2^40   directory: which page is where
 *                 -2^40 ...      part 0: the index blobs, and the footers of leaf blobs without their postings
 *                                further parts, of 512 KB at most; of a large table more footers; what one query wants
 *                 0 ...          all pages, these included, as in any table
 *     T_artstate  extract        hashes of the root and of the directory
 *
 * Rows stand in the file in the order of their numbers, behind a VACUUM. A part is read as a whole when one of its
 * pages is wanted, and a few parts stay in memory. It was verified then; who asked for the page verifies it again. A
 * VFS that listens is told before how many bytes will be read (ART_WILL_READ in ext/art.h): one request brings a part.
 *
 * All of it may be missing. An extract belongs to one root: with another one, or where a hash is wrong, it is not used,
 * and pages are read from their rows. The first flush removes it. Blobs that a root names do not change, so a
 * page in memory is right until somebody writes rows, and is forgotten then.
 */
#include "core/base/limits.h"
#include "ext/table/extract_format.h"
#include "ext/table/table.h"

struct kept_part {
    struct art_buffer bytes; /* empty: none */
    uint32_t part;
};

struct art_extract {
    struct art_extract_head head;
    enum { EXTRACT_UNREAD, EXTRACT_USELESS, EXTRACT_READY } state;
    struct art_buffer directory;
    struct kept_part kept[ART_LIMIT_MOST(parts_kept)];
    unsigned turn; /* the next to be replaced */
    bool outgrown; /* this connection has written blobs */
};

int art_extract_note(struct art_table *table, struct art_bytes head) {
    assert(!table->extract);
    if (head.len != sizeof(struct art_extract_head)) return SQLITE_OK;
    table->extract = art_alloc_zeroed(sizeof *table->extract);
    if (!table->extract) return SQLITE_NOMEM;
    memcpy(&table->extract->head, head.data, head.len);
    return SQLITE_OK;
}

void art_extract_forget(struct art_table *table) {
    struct art_extract *extract = table->extract;
    if (!extract) return;
    art_buffer_clear(&extract->directory);
    for (unsigned i = 0; i < ART_LIMIT(parts_kept); i++) art_buffer_clear(&extract->kept[i].bytes);
    extract->state = EXTRACT_UNREAD;
}

/* What the table had at its end when it was published, its transaction may not have. */
void art_extract_note_write(struct art_table *table) {
    if (!table->extract) return;
    table->extract->outgrown = true;
    art_extract_forget(table);
}

void art_extract_free(struct art_table *table) {
    art_extract_forget(table);
    art_free(table->extract);
    table->extract = NULL;
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

/* SQLite reads page by page; one who fetches them knows what is to come. Most know nothing of it. 0: it has been read,
 * though SQLite may have had some of it at hand. */
static void tell_reader(struct art_table *table, sqlite3_int64 wanted) {
    sqlite3_file_control(table->connection->db, table->name->schema, ART_WILL_READ, &wanted);
}

/* What rows [begin, end) have, one behind the other. Where SQLite finds one damaged or too long, they are as good as
 * missing. */
static int read_extract_rows(struct art_table *table, enum art_statement which, int64_t begin, int64_t end,
                             struct art_buffer *out) {
    char *message = NULL;
    sqlite3_stmt *read;
    bool nomem = false;
    out->len = 0;
    int rc = art_shadow_statement(table, which, &read, &message);
    sqlite3_free(message);
    if (rc) return rc;
    sqlite3_bind_int64(read, 1, begin);
    sqlite3_bind_int64(read, 2, end);
    while (!nomem && art_shadow_step(table->connection, read) == SQLITE_ROW) {
        const void *bytes = sqlite3_column_blob(read, 0);
        if (bytes) nomem = art_buffer_append(out, bytes, (size_t)sqlite3_column_bytes(read, 0)) != ART_OK;
    }
    rc = sqlite3_reset(read);
    if (rc) out->len = 0;
    if ((rc & 0xff) == SQLITE_CORRUPT || rc == SQLITE_TOOBIG) return SQLITE_OK;
    return nomem ? SQLITE_NOMEM : rc;
}

static bool has_said_hash(const struct art_buffer *bytes, uint64_t low, uint64_t high) {
    struct art_hash128 hash = art_hash128(bytes->data, bytes->len);
    return bytes->len && hash.low == low && hash.high == high;
}

/* --- the directory ------------------------------------------------------------------------------------------------ */

static const struct art_extract_directory *directory_of_extract(const struct art_extract *extract) {
    return (const void *)extract->directory.data;
}

static const struct art_extract_part *parts_of_extract(const struct art_extract *extract) {
    return (const void *)(directory_of_extract(extract) + 1);
}

static const struct art_extract_page *pages_of_extract(const struct art_extract *extract) {
    return (const void *)(parts_of_extract(extract) + directory_of_extract(extract)->parts);
}

static bool is_directory(const struct art_extract *extract) {
    size_t len = extract->directory.len;
    if (len < sizeof(struct art_extract_directory)) return false;
    const struct art_extract_directory *said = directory_of_extract(extract);
    return len == sizeof *said + (uint64_t)said->parts * sizeof(struct art_extract_part) +
                      (uint64_t)said->pages * sizeof(struct art_extract_page);
}

static int open_extract(struct art_table *table, struct art_extract *extract) {
    assert(extract->state == EXTRACT_UNREAD);
    const struct art_extract_head *head = &extract->head;
    struct art_buffer *bytes = &extract->directory;
    int rc = read_extract_rows(table, ART_LOG_READ_ROWS, 0, 1, bytes);
    bool whole = !rc && has_said_hash(bytes, head->root_low, head->root_high) && head->directory_bytes < ART_VALUE_MAX;
    int64_t rows = art_extract_rows(head->directory_bytes);
    if (whole) rc = read_extract_rows(table, ART_BLOB_READ_ROWS, ART_EXTRACT_ROW - rows, ART_EXTRACT_ROW, bytes);
    if (rc) return rc;
    whole = whole && has_said_hash(bytes, head->directory_low, head->directory_high) && is_directory(extract);
    extract->state = whole ? EXTRACT_READY : EXTRACT_USELESS;
    if (!whole) art_buffer_clear(bytes);
    return SQLITE_OK;
}

static const struct art_extract_page *find_page(const struct art_extract *extract, uint64_t page) {
    const struct art_extract_page *pages = pages_of_extract(extract);
    uint32_t low = 0, high = directory_of_extract(extract)->pages;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (pages[middle].page < page) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < directory_of_extract(extract)->pages && pages[low].page == page ? &pages[low] : NULL;
}

/* --- parts -------------------------------------------------------------------------------------------------------- */

/* *out = NULL: it is not as it was written. */
static int load_part(struct art_table *table, uint32_t part, const struct art_buffer **out) {
    struct art_extract *extract = table->extract;
    *out = NULL;
    if (part >= directory_of_extract(extract)->parts) return SQLITE_OK;
    for (unsigned i = 0; i < ART_LIMIT(parts_kept); i++) {
        if (extract->kept[i].bytes.len && extract->kept[i].part == part) {
            *out = &extract->kept[i].bytes;
            return SQLITE_OK;
        }
    }
    struct kept_part *to = &extract->kept[extract->turn++ % ART_LIMIT(parts_kept)];
    const struct art_extract_part *said = &parts_of_extract(extract)[part];
    int64_t begin = ART_EXTRACT_ROW + said->begin, bytes = (int64_t)said->pages * ART_EXTRACT_PAGE;
    tell_reader(table, bytes);
    int rc = read_extract_rows(table, ART_BLOB_READ_ROWS, begin, begin + art_extract_rows((uint64_t)bytes), &to->bytes);
    tell_reader(table, 0);
    if (rc || !has_said_hash(&to->bytes, said->hash_low, said->hash_high)) {
        to->bytes.len = 0;
        if (!rc) extract->state = EXTRACT_USELESS;
        return rc;
    }
    to->part = part;
    *out = &to->bytes;
    return SQLITE_OK;
}

static int use_extract(struct art_table *table, bool *usable) {
    struct art_extract *extract = table->extract;
    int rc = extract->state == EXTRACT_UNREAD ? open_extract(table, extract) : SQLITE_OK;
    *usable = !rc && extract->state == EXTRACT_READY;
    return rc;
}

int art_extract_end(struct art_table *table, uint64_t *end, bool *found) {
    int rc = use_extract(table, found);
    *found &= !table->extract->outgrown;
    if (*found) *end = table->extract->head.end;
    return rc;
}

int art_extract_find(struct art_table *table, uint64_t page, void *data, bool *found) {
    struct art_extract *extract = table->extract;
    const struct art_buffer *part;
    bool usable;
    *found = false;
    int rc = use_extract(table, &usable);
    if (!usable) return rc;
    const struct art_extract_page *said = find_page(extract, page);
    if (!said) return SQLITE_OK;
    rc = load_part(table, said->part, &part);
    if (rc || !part || ((uint64_t)said->at + 1) * ART_EXTRACT_PAGE > part->len) return rc;
    memcpy(data, part->data + (size_t)said->at * ART_EXTRACT_PAGE, ART_EXTRACT_PAGE);
    *found = true;
    table->extracted++;
    return SQLITE_OK;
}

int art_extract_remove(struct art_table *table, char **message) {
    sqlite3_stmt *remove[2];
    int rc = art_shadow_statement(table, ART_BLOB_REMOVE, &remove[0], message);
    if (!rc) rc = art_shadow_statement(table, ART_STATE_REMOVE, &remove[1], message);
    if (rc) return rc;
    sqlite3_bind_int64(remove[0], 1, INT64_MIN);
    sqlite3_bind_int64(remove[0], 2, 0);
    sqlite3_bind_text(remove[1], 1, ART_EXTRACT_KEY, -1, SQLITE_STATIC);
    static const char *const tables[] = {"artblob", "artstate"};
    for (unsigned i = 0; i < 2; i++) {
        art_shadow_step(table->connection, remove[i]);
        rc = sqlite3_reset(remove[i]);
        if (rc)
            return art_report_sql(message, table->connection->db, rc, "cannot write %s.%s_%s", table->name->schema,
                                  table->name->table, tables[i]);
    }
    return SQLITE_OK;
}
