/* Patterns and other arguments that are compared with paths, against SQLite's own functions on an ordinary table.
 *
 * Input: u8 question | u8 types of the arguments | two arguments, each u8 length and bytes | paths in the same form
 *
 * Some paths are always there, in runs and in the log; those of the input are added, and taken back by a ROLLBACK TO.
 * Every question is put to the art table t and to the ordinary table p; the answers must be the same, to the byte and
 * in order.
 *
 * What SQLite answers where a pattern or a path is no sound UTF-8 depends on its plan: compared by bounds first, "\xf0"
 * is no prefix of "\xc3", by its functions alone both are U+FFFD. There the art table must show what p shows if the
 * bounds of each condition are used, and no more than p shows without any (WHERE +path GLOB ?). LIKE has no bounds in
 * p, so there it need not show all of that.
 */
#include "tests/fuzz/fuzz_sqlite.h"

enum { PATHS_MAX = 24 };

/* In plain SQL, on hex digits, since substr() of an empty BLOB is NULL: does the path begin with ?1, or ?1 with the
 * path? */
#define HEAD(text, of) "substr(hex(" text "), 1, length(hex(" of ")))"
#define BEGINS         "?1 IS NOT NULL AND " HEAD("path", "?1") " = hex(?1)"
#define BEGUN_BY       "?1 IS NOT NULL AND " HEAD("?1", "path") " = hex(path)"

/* A component of ?1 ends where the path does: it is ?1, ends with the delimiter, or is followed by it. */
#define AT_DELIMITER                                                                                                   \
    "?2 IS NOT NULL AND (hex(?2) = '' OR hex(path) = hex(?1) OR "                                                      \
    "(length(hex(path)) >= length(hex(?2)) AND substr(hex(path), -length(hex(?2))) = hex(?2)) OR "                     \
    "substr(hex(?1), length(hex(path)) + 1, length(hex(?2))) = hex(?2))"
#define LONGEST " ORDER BY length(hex(path)) DESC LIMIT 1)"

static const struct {
    const char *art, *plain; /* of the ordinary table; NULL: the same question of p */
} questions[] = {
    {"SELECT path, value FROM %s WHERE path GLOB ?1 ORDER BY path", NULL},
    {"SELECT path FROM %s WHERE path LIKE ?1 ORDER BY path", NULL},
    {"SELECT path FROM %s WHERE path LIKE ?1 ESCAPE ?2 ORDER BY path", NULL},
    {"SELECT path FROM %s WHERE path NOT GLOB ?1 ORDER BY path", NULL},
    {"SELECT path FROM %s WHERE path GLOB ?1 AND path GLOB ?2 ORDER BY path", NULL},
    {"SELECT path FROM %s WHERE path LIKE ?1 AND path LIKE ?2 ORDER BY path", NULL},
    {"SELECT path FROM %s WHERE path LIKE ?1 AND path >= ?2 ORDER BY path DESC", NULL},
    {"SELECT path FROM %s WHERE path GLOB ?1 AND path < ?2 ORDER BY path DESC", NULL},
    {"SELECT path FROM %s WHERE path GLOB ?1 ORDER BY path DESC LIMIT 3 OFFSET 1", NULL},
    {"SELECT count(*) FROM %s WHERE path GLOB ?1 OR path LIKE ?2", NULL},
    {"SELECT path FROM %s WHERE path = ?1 OR path IS ?2 ORDER BY path", NULL},
    {"SELECT path FROM %s WHERE path > ?1 AND path <= ?2 ORDER BY path", NULL},
    {"SELECT path FROM %s WHERE path NOT BETWEEN ?1 AND ?2 ORDER BY path", NULL},
    {"SELECT path FROM %s WHERE path IN (?1, ?2, 'a/b') ORDER BY path DESC", NULL},
    {"SELECT art_count('t', ?1), ?2",
     "SELECT CASE WHEN ?1 IS NOT NULL THEN (SELECT count(*) FROM p WHERE " BEGINS ") END, ?2"},
    {"SELECT path FROM t WHERE prefix = ?1 AND path <> ?2 ORDER BY path",
     "SELECT path FROM p WHERE " BEGINS " AND path <> ?2 ORDER BY path"},
    {"SELECT art_longest_prefix('t', ?1), ?2", "SELECT (SELECT path FROM p WHERE " BEGUN_BY LONGEST ", ?2"},
    {"SELECT art_longest_prefix('t', ?1, ?2)",
     "SELECT (SELECT path FROM p WHERE " BEGUN_BY " AND " AT_DELIMITER LONGEST},
    {"SELECT path, value FROM t WHERE path MATCH ?1 AND delimiter = ?2",
     "SELECT * FROM (SELECT path, value FROM p WHERE " BEGUN_BY " AND " AT_DELIMITER LONGEST},
    {"SELECT path, value FROM t WHERE path MATCH ?1 AND prefix = ?2",
     "SELECT * FROM (SELECT path, value FROM p WHERE " BEGUN_BY
     " AND ?2 IS NOT NULL AND " HEAD("path", "?2") " = hex(?2)" LONGEST},
    {"SELECT path, entries FROM t WHERE prefix = ?1 AND delimiter = ?2 ORDER BY path", ""},
    {"SELECT path, entries FROM t(?1, ?2) ORDER BY path DESC", "DESC"},
};
enum { QUESTIONS = sizeof questions / sizeof *questions };

static sqlite3 *db;
static sqlite3_stmt *asked[QUESTIONS], *answered[QUESTIONS], *least[QUESTIONS], *most[QUESTIONS];
static sqlite3_stmt *insert_art, *insert_plain, *all;

static sqlite3_stmt *prepare(const char *sql) {
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL)) {
        fuzz_fail("%s: %s", sql, sqlite3_errmsg(db));
    }
    return statement;
}

/* The same with `+path` behind WHERE, AND and OR. */
static sqlite3_stmt *prepare_without_bounds(const char *sql) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    for (const char *at = strstr(sql, "WHERE"); *sql; sql++) {
        if (sql > at && !strncmp(sql, " path", 5) && strncmp(sql - 2, "BY", 2) != 0) {
            sqlite3_str_appendall(out, " +");
        } else {
            sqlite3_str_appendchar(out, 1, *sql);
        }
    }
    char *text = sqlite3_str_finish(out);
    sqlite3_stmt *statement = prepare(text);
    sqlite3_free(text);
    return statement;
}

/* Each condition in a query of its own: of two on one column SQLite takes the bounds of one, whichever it likes. */
static sqlite3_stmt *prepare_with_all_bounds(const char *sql) {
    const char *and = strstr(sql, " AND path ");
    if (!and) return prepare(sql);
    char *text = sqlite3_mprintf("%.*s INTERSECT SELECT path FROM p WHERE%s", (int)(and-sql), sql, and+strlen(" AND"));
    sqlite3_stmt *statement = prepare(text);
    sqlite3_free(text);
    return statement;
}

static void put(sqlite3_stmt *statement, struct art_bytes path) {
    sqlite3_bind_text(statement, 1, (const char *)path.data, (int)path.len, SQLITE_TRANSIENT);
    if (sqlite3_step(statement) != SQLITE_DONE) fuzz_fail("a path: %s", sqlite3_errmsg(db));
    sqlite3_reset(statement);
}

static void begin(void) {
    static const char *const paths[] = {"",
                                        "A",
                                        "a",
                                        "a/",
                                        "a/b",
                                        "a/B",
                                        "A/b",
                                        "a/b/c",
                                        "a//b",
                                        "ab",
                                        "abc",
                                        "aBc",
                                        "b*",
                                        "b?",
                                        "b[",
                                        "b[x]",
                                        "b]",
                                        "b^",
                                        "c-d",
                                        "c_d",
                                        "c%d",
                                        "usr/",
                                        "usr/bin",
                                        "USR/bin",
                                        "usr/lib/x",
                                        "k\xc3\xa9",
                                        "k\xc3\x89",
                                        "k\xe2\x84\xaa",
                                        "z\xff",
                                        "z\xff\xff",
                                        "z",
                                        "~",
                                        "12",
                                        "012",
                                        "1e3",
                                        "\x01",
                                        "\x7f",
                                        "\xc3",
                                        "a/\xf0\x9f\x98\x80/x",
                                        "a.b",
                                        "a.c"};
    db = fuzz_open(":memory:");
    fuzz_run(db,
             "CREATE VIRTUAL TABLE t USING art; CREATE TABLE p(path TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID");
    insert_art = prepare("INSERT OR REPLACE INTO t(path, value) VALUES(?1, 'v' || length(?1))");
    insert_plain = prepare("INSERT OR REPLACE INTO p VALUES(?1, 'v' || length(?1))");
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct art_bytes path = art_bytes(paths[i], (uint32_t)strlen(paths[i]));
        put(insert_art, path);
        put(insert_plain, path);
        if (i == 20 || i == 34) fuzz_run(db, "INSERT INTO t(t) VALUES('flush')");
    }
    for (int i = 0; i < QUESTIONS; i++) {
        char *art = sqlite3_mprintf(questions[i].art, "t"), *plain = sqlite3_mprintf(questions[i].art, "p");
        bool listing = questions[i].plain && strlen(questions[i].plain) < 5;
        asked[i] = prepare(art);
        answered[i] = listing ? NULL : prepare(questions[i].plain ? questions[i].plain : plain);
        if (!questions[i].plain) {
            least[i] = prepare_with_all_bounds(plain);
            most[i] = prepare_without_bounds(plain);
        }
        sqlite3_free(art);
        sqlite3_free(plain);
    }
    all = prepare("SELECT path FROM p ORDER BY path");
}

static void bind(sqlite3_stmt *statement, int number, uint8_t type, struct art_bytes bytes) {
    switch (type % 8) {
    case 0:
        sqlite3_bind_blob(statement, number, bytes.len ? (const void *)bytes.data : "", (int)bytes.len,
                          SQLITE_TRANSIENT);
        break;
    case 1:
        sqlite3_bind_int64(statement, number, bytes.len ? bytes.data[0] : -7);
        break;
    case 2:
        sqlite3_bind_null(statement, number);
        break;
    default:
        sqlite3_bind_text(statement, number, (const char *)bytes.data, (int)bytes.len, SQLITE_TRANSIENT);
    }
}

/* --- listings, as README says what they are ----------------------------------------------------------------------- */

static const uint8_t *find(const uint8_t *data, uint32_t len, struct art_bytes what) {
    for (uint32_t at = 0; at + what.len <= len; at++) {
        if (!memcmp(data + at, what.data, what.len)) return data + at;
    }
    return NULL;
}

struct shown {
    uint8_t path[300];
    uint32_t len;
    int64_t entries; /* -1: a row */
};

static void append_shown(sqlite3_str *out, const struct shown *shown) {
    sqlite3_str_appendf(out, "\n%d:%u:", SQLITE_TEXT, shown->len);
    for (uint32_t k = 0; k < shown->len; k++) {
        bool plain = shown->path[k] >= ' ' && shown->path[k] < 0x7f && shown->path[k] != '\\';
        sqlite3_str_appendf(out, plain ? "%c" : "\\%02x", shown->path[k]);
    }
    char number[30];
    sqlite3_snprintf(sizeof number, number, "%lld", shown->entries);
    if (shown->entries < 0) {
        sqlite3_str_appendf(out, "|%d:0:", SQLITE_NULL);
    } else {
        sqlite3_str_appendf(out, "|%d:%d:%s", SQLITE_INTEGER, (int)strlen(number), number);
    }
}

static char *list(struct art_bytes prefix, struct art_bytes delimiter, bool descending) {
    static struct shown rows[200];
    int count = 0;
    while (sqlite3_step(all) == SQLITE_ROW) {
        const uint8_t *text = sqlite3_column_blob(all, 0), *path = text ? text : (const uint8_t *)"";
        uint32_t len = (uint32_t)sqlite3_column_bytes(all, 0), n = len;
        if (len < prefix.len || (prefix.len && memcmp(path, prefix.data, prefix.len) != 0)) continue;
        const uint8_t *at = delimiter.len ? find(path + prefix.len, len - prefix.len, delimiter) : NULL;
        if (at) n = (uint32_t)(at - path) + delimiter.len;
        struct shown *last = count ? &rows[count - 1] : NULL;
        bool again = at && last && last->entries >= 0 && last->len == n && !memcmp(last->path, path, n);
        if (!again) {
            last = &rows[count++];
            last->len = n;
            if (n) memcpy(last->path, path, n);
            last->entries = at ? 0 : -1;
        }
        if (at) last->entries++;
    }
    sqlite3_reset(all);
    sqlite3_str *out = sqlite3_str_new(NULL);
    sqlite3_str_appendall(out, "rows:");
    for (int i = 0; i < count; i++) append_shown(out, &rows[descending ? count - 1 - i : i]);
    return sqlite3_str_finish(out);
}

/* --- one input ---------------------------------------------------------------------------------------------------- */

/* No NUL, and no byte that SQLite reads as U+FFFD. */
static bool is_sound(struct art_bytes text) {
    for (uint32_t i = 0; i < text.len;) {
        uint8_t c = text.data[i++];
        uint32_t n = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : (c & 0xf0) == 0xe0 ? 2 : (c & 0xf8) == 0xf0 ? 3 : 9;
        uint32_t value = c & (0x3fu >> n);
        if (!c || n == 9) return false;
        while (n--) {
            if (i == text.len || (text.data[i] & 0xc0) != 0x80) return false;
            value = value << 6 | (text.data[i++] & 0x3f);
        }
        if (i < text.len && (text.data[i] & 0xc0) == 0x80) return false;
        if (c >= 0xe0 && (value < 0x800 || (value & ~0x7ffu) == 0xd800 || (value & ~1u) == 0xfffe || value == 0xfffd)) {
            return false;
        }
        if (c >= 0xf0 && (value < 0x10000 || value > 0x10ffff)) return false;
    }
    return true;
}

/* Is every line of `some` one of `many`? */
static bool lines_are_among(const char *some, const char *many) {
    for (const char *at = strchr(some, '\n'); at; at = strchr(at + 1, '\n')) {
        size_t len = 1 + strcspn(at + 1, "\n");
        const char *there = strchr(many, '\n');
        while (there && (strncmp(there, at, len) != 0 || (there[len] && there[len] != '\n'))) {
            there = strchr(there + 1, '\n');
        }
        if (!there) return false;
    }
    return true;
}

static bool is_between(int question, const char *art, bool unsound_paths) {
    int rc;
    char *few = fuzz_answer(least[question], &rc), *many = fuzz_answer(most[question], &rc);
    bool enough = (unsound_paths && strstr(questions[question].art, "LIKE")) || (few && lines_are_among(few, art));
    bool between = enough && many && lines_are_among(art, many);
    sqlite3_free(few);
    sqlite3_free(many);
    return between;
}

/* A number by order, of which SQLite does not tell how it is compared. */
static bool refuses_number(int question) {
    return strpbrk(questions[question].art, "<>") && strstr(sqlite3_errmsg(db), "as a text or as a number");
}

static bool may_differ(int question, const char *art, const char *plain, const struct art_bytes *arguments,
                       bool unsound_paths) {
    bool unsound = unsound_paths || !is_sound(arguments[0]) || !is_sound(arguments[1]);
    if (!most[question] || !art || !plain || !unsound) return false;
    if (strstr(questions[question].art, "LIMIT") || strstr(questions[question].art, "count(")) return true;
    return is_between(question, art, unsound_paths);
}

static void compare(int question, uint8_t types, const struct art_bytes *arguments, bool unsound_paths) {
    bool listing = !answered[question];
    if (listing) types = 0x33; /* numbers and BLOBs are shown again as they are: only texts here */
    for (int i = 0; i < 2; i++) {
        uint8_t type = i ? types >> 4 : types;
        bind(asked[question], i + 1, type, arguments[i]);
        if (!listing) bind(answered[question], i + 1, type, arguments[i]);
        if (most[question]) {
            bind(least[question], i + 1, type, arguments[i]);
            bind(most[question], i + 1, type, arguments[i]);
        }
    }
    int art_rc, plain_rc = SQLITE_OK;
    char *art = fuzz_answer(asked[question], &art_rc);
    bool refused = !art && refuses_number(question);
    char *plain = listing ? list(arguments[0], arguments[1], questions[question].plain[0])
                          : fuzz_answer(answered[question], &plain_rc);
    bool same = art && plain ? !strcmp(art, plain) : !art && !plain;
    if (!same && !refused && !may_differ(question, art, plain, arguments, unsound_paths)) {
        char *sql = sqlite3_expanded_sql(asked[question]);
        fuzz_fail("%s\nart: %d %s\nplain: %d %s", sql, art_rc, art ? art : sqlite3_errmsg(db), plain_rc,
                  plain ? plain : "an error");
    }
    sqlite3_free(art);
    sqlite3_free(plain);
}

/* What the table is given until the end of the input; a listing shows nothing of these. */
static const char *const summaries[] = {
    "", "", "", "search(path)", "lookup(value)", "search(value)", "search(path), search(value), lookup(value)"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_source source = {data, data + size};
    if (!db) begin();
    uint8_t question = fuzz_byte(&source), form = question / QUESTIONS % (sizeof summaries / sizeof *summaries);
    question %= QUESTIONS;
    uint8_t types = fuzz_byte(&source);
    struct art_bytes arguments[2] = {fuzz_bytes(&source), fuzz_bytes(&source)};
    bool unsound_paths = false;
    char *begin_all = sqlite3_mprintf("BEGIN; SAVEPOINT one; INSERT INTO t(t) VALUES('summary=(%s)')", summaries[form]);
    fuzz_run(db, begin_all);
    sqlite3_free(begin_all);
    for (int i = 0; i < PATHS_MAX && source.at < source.end; i++) {
        struct art_bytes path = fuzz_bytes(&source);
        put(insert_art, path);
        put(insert_plain, path);
        unsound_paths |= !is_sound(path);
    }
    compare(question, types, arguments, unsound_paths);
    fuzz_run(db, "ROLLBACK TO one; COMMIT");
    return 0;
}
