/* LIST: the elements of an IN, which SQLite hands over all at once: one scan visits them in the order of paths, so that
 * ORDER BY costs nothing.
 *
 * A number among them is out of a column with a numeric affinity, by which it is to be compared with every path: then
 * all paths that may look like a number are a part of the scan, and SQLite asks each whether it is in the list. They
 * all lie before ':', so the order is kept:
 *
 *     ascending    [ range: paths before ':' ] [ points behind ':' ]
 *     descending   [ points behind ':', backward ] [ range, backward ]
 *
 * A list that is larger than list_bytes goes to a temporary file in parts, in the order of paths, and one part at
 * a time is in memory. SQLite's own list is a temporary table, through which it goes once, in the order of the bytes.
 * It does not promise that order: where there is another, the whole range is walked, and SQLite asks for each row
 * whether it is in the list, as it does in any case (the IN is not omitted: planner.c).
 */
#include <assert.h>

#include "core/base/limits.h"
#include "ext/host/host.h"
#include "ext/query/scan.h"

/* Its paths in the file, and behind them their ends. */
struct list_part {
    uint64_t offset;
    uint32_t paths_bytes, elements;
};

struct art_list_file {
    void *file;
    struct list_part *parts;           /* owned */
    uint32_t count, capacity, present; /* `present`: the one in memory */
};

static struct art_bytes element(const struct art_buffer scratch[2], uint32_t i) {
    const uint32_t *ends = (const void *)scratch[ART_SCRATCH_ENDS].data;
    const uint8_t *paths = scratch[ART_SCRATCH_PATHS].data; /* NULL: they are all empty */
    uint32_t from = i ? ends[i - 1] : 0;
    return art_bytes(paths ? paths + from : (const uint8_t *)"", ends[i] - from);
}

static enum art_rc add_element(struct art_buffer scratch[2], struct art_bytes path) {
    struct art_buffer *paths = &scratch[ART_SCRATCH_PATHS];
    enum art_rc rc = art_buffer_append(paths, path.data, path.len);
    uint32_t end = (uint32_t)paths->len;
    return rc ? rc : art_buffer_append(&scratch[ART_SCRATCH_ENDS], &end, sizeof end);
}

static uint32_t count_elements(const struct art_buffer scratch[2]) {
    return (uint32_t)(scratch[ART_SCRATCH_ENDS].len / sizeof(uint32_t));
}

/* --- in a file ---------------------------------------------------------------------------------------------------- */

void art_list_scan_close_file(struct art_scan *scan) {
    struct art_list_file *list = scan->list_file;
    scan->list_file = NULL;
    if (list->file) art_sqlite_scratch.close(list->file);
    art_free(list->parts);
    art_free(list);
}

static enum art_rc open_list(struct art_scan *scan) {
    struct art_list_file *list = art_alloc_zeroed(sizeof *list);
    if (!list) return art_nomem();
    scan->list_file = list;
    return art_sqlite_scratch.open(art_scan_vtab(scan)->table, &list->file);
}

static enum art_rc write_buffer(struct art_list_file *list, const struct art_buffer *bytes, uint64_t offset) {
    return bytes->len ? art_sqlite_scratch.write(list->file, bytes->data, (uint32_t)bytes->len, offset) : ART_OK;
}

/* What is in memory goes to the file. */
static enum art_rc write_part(struct art_scan *scan) {
    struct art_buffer *paths = &scan->scratch[ART_SCRATCH_PATHS], *ends = &scan->scratch[ART_SCRATCH_ENDS];
    enum art_rc rc = scan->list_file ? ART_OK : open_list(scan);
    struct art_list_file *list = scan->list_file;
    if (rc || !list) return rc;
    rc = art_grow(&list->parts, &list->capacity, list->count + 1, sizeof *list->parts);
    if (rc) return rc;
    struct list_part part = {.paths_bytes = (uint32_t)paths->len, .elements = count_elements(scan->scratch)};
    if (list->count) {
        const struct list_part *last = &list->parts[list->count - 1];
        part.offset = last->offset + last->paths_bytes + last->elements * (uint64_t)sizeof(uint32_t);
    }
    rc = write_buffer(list, paths, part.offset);
    if (!rc) rc = write_buffer(list, ends, part.offset + part.paths_bytes);
    list->parts[list->count++] = part;
    paths->len = ends->len = 0;
    return rc;
}

static enum art_rc read_buffer(struct art_list_file *list, struct art_buffer *bytes, uint32_t len, uint64_t offset) {
    bytes->len = 0;
    enum art_rc rc = art_buffer_reserve(bytes, len);
    bytes->len = rc ? 0 : len;
    return rc || !len ? rc : art_sqlite_scratch.read(list->file, bytes->data, len, offset);
}

static enum art_rc read_part(struct art_scan *scan, uint32_t number) {
    struct art_list_file *list = scan->list_file;
    const struct list_part *part = &list->parts[number];
    enum art_rc rc = read_buffer(list, &scan->scratch[ART_SCRATCH_PATHS], part->paths_bytes, part->offset);
    if (!rc)
        rc = read_buffer(list, &scan->scratch[ART_SCRATCH_ENDS], part->elements * (uint32_t)sizeof(uint32_t),
                         part->offset + part->paths_bytes);
    list->present = number;
    scan->of.list.count = scan->of.list.left = rc ? 0 : part->elements;
    return rc;
}

/* --- taking what SQLite gives ------------------------------------------------------------------------------------- */

static enum art_rc take_element(struct art_scan *scan, struct art_bytes path) {
    struct art_list_scan *list = &scan->of.list;
    uint32_t count = count_elements(scan->scratch);
    if (path.len > ART_PATH_MAX || list->walks) return ART_OK;
    list->walks = count && art_bytes_compare(element(scan->scratch, count - 1), path) >= 0;
    if (list->walks) return ART_OK;
    uint64_t bytes = scan->scratch[ART_SCRATCH_PATHS].len + scan->scratch[ART_SCRATCH_ENDS].len;
    enum art_rc rc = bytes + path.len > ART_LIMIT(list_bytes) ? write_part(scan) : ART_OK;
    return rc ? rc : add_element(scan->scratch, path);
}

/* All are there. */
static enum art_rc finish_list(struct art_scan *scan) {
    struct art_list_scan *list = &scan->of.list;
    if (list->walks) {
        if (scan->list_file) art_list_scan_close_file(scan); /* no part is shown besides */
        scan->scratch[ART_SCRATCH_PATHS].len = scan->scratch[ART_SCRATCH_ENDS].len = 0;
        list->numbers = ART_NUMBERS_DUE;
        return ART_OK;
    }
    list->count = list->left = count_elements(scan->scratch);
    if (!scan->list_file) return ART_OK;
    enum art_rc rc = write_part(scan);
    return rc ? rc : read_part(scan, scan->descending ? scan->list_file->count - 1 : 0);
}

int art_list_scan_collect(struct art_scan *scan, sqlite3_value *given) {
    sqlite3_value *value;
    struct art_connection *connection = art_scan_vtab(scan)->connection;
    enum art_rc failed = ART_OK;
    assert(scan->kind == ART_SCAN_LIST && !scan->list_file);
    scan->scratch[ART_SCRATCH_PATHS].len = scan->scratch[ART_SCRATCH_ENDS].len = 0;
    scan->of.list = (struct art_list_scan){.numbers = ART_NUMBERS_NONE};
    int rc = sqlite3_vtab_in_first(given, &value);
    for (uint64_t n = 1; !failed && !rc && value; rc = sqlite3_vtab_in_next(given, &value), n++) {
        struct art_bytes text;
        int type = sqlite3_value_type(value);
        bool of_blobs = scan->keys.of_blobs, number = type == SQLITE_INTEGER || type == SQLITE_FLOAT;
        if (n % ART_LIMIT(ask_elements) == 0 && art_interrupted(connection))
            failed = art_fail(ART_INTERRUPT, "art: interrupted");
        if (number && !of_blobs) scan->of.list.numbers = ART_NUMBERS_DUE;
        if (failed || type != (of_blobs ? SQLITE_BLOB : SQLITE_TEXT)) continue;
        failed = art_value_bytes(value, &text) ? take_element(scan, text) : art_nomem();
    }
    if (!failed && rc && rc != SQLITE_DONE) return rc;
    return art_scan_fail(scan, failed ? failed : finish_list(scan));
}

/* --- walking ------------------------------------------------------------------------------------------------------ */

static bool is_wanted(const struct art_list_scan *list, struct art_bytes path) {
    if (list->numbers && (!path.len || path.data[0] < ':')) return false; /* the range has it */
    return art_key_range_has(&list->points, path);
}

/* The next part comes into memory, if there is one. */
static enum art_rc next_part(struct art_scan *scan) {
    const struct art_list_file *list = scan->list_file;
    if (!list || list->present == (scan->descending ? 0 : list->count - 1)) return ART_OK;
    return read_part(scan, scan->descending ? list->present - 1 : list->present + 1);
}

static enum art_rc next_point(struct art_scan *scan) {
    struct art_list_scan *list = &scan->of.list;
    enum art_rc rc = ART_OK;
    for (uint64_t n = 1; !rc && scan->state == ART_SCAN_END; n++) {
        if (!list->left) rc = next_part(scan);
        if (rc || !list->left) break;
        uint32_t i = scan->descending ? list->left - 1 : list->count - list->left;
        struct art_bytes path = element(scan->scratch, i);
        bool matches = is_wanted(list, path);
        list->left--;
        if (matches) rc = art_match_path(&scan->match, path, &matches);
        if (!rc && matches) rc = art_point_scan_find(scan, path);
        if (!rc && n % ART_LIMIT(ask_elements) == 0 && art_interrupted(art_scan_vtab(scan)->connection))
            rc = art_fail(ART_INTERRUPT, "art: interrupted");
    }
    return rc;
}

static enum art_rc begin_range(struct art_scan *scan) {
    scan->of.list.numbers = ART_NUMBERS_BEGUN;
    enum art_rc rc = art_rows_begin(scan);
    return rc ? rc : art_rows_next(scan, false);
}

/* From END to the first row that is still to come. */
static enum art_rc next_of_list(struct art_scan *scan) {
    const struct art_list_scan *list = &scan->of.list;
    enum art_rc rc = ART_OK;
    scan->state = ART_SCAN_END;
    if (!scan->descending && list->numbers == ART_NUMBERS_DUE) rc = begin_range(scan);
    if (!rc && scan->state == ART_SCAN_END) rc = next_point(scan);
    if (!rc && scan->state == ART_SCAN_END && list->numbers == ART_NUMBERS_DUE) rc = begin_range(scan);
    return rc;
}

enum art_rc art_list_scan_open(struct art_scan *scan) {
    struct art_list_scan *list = &scan->of.list;
    assert(scan->kind == ART_SCAN_LIST && list->left == list->count);
    list->points = scan->keys.range;
    if (!list->walks) scan->keys.range = art_range_of_numbers(&list->points);
    return next_of_list(scan);
}

enum art_rc art_list_scan_next(struct art_scan *scan) {
    enum art_rc rc = ART_OK;
    if (scan->state == ART_SCAN_ON_CURSOR) {
        rc = art_rows_next(scan, true);
        if (rc || scan->state == ART_SCAN_ON_CURSOR) return rc;
    }
    rc = art_scan_ready(scan);
    return rc ? rc : next_of_list(scan);
}
