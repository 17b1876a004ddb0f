/* search(column): words that LIKE and GLOB look for anywhere in a path, or in another column, against SQLite's own
 * like() and glob() on an ordinary table.
 *
 * Random histories on both tables, with small blobs (support/differential.h). A page that is passed over must have
 * no row that matches, and what hides an older row goes on hiding it: notes get words and lose them again, rows go
 * and come back, in transactions and savepoints that are rolled back, behind flushes and 'optimize', and while a
 * query is open; and all goes on in copies of the database. Words are cut out of what was written, at any place and of
 * any length; some are in no row.
 */
#include <ctype.h>

#include "tests/support/differential.h"
#include "tests/support/grammar.h"
#include "tests/support/sql_one.h"

enum { VARIANTS = 6, TEXT_MAX = 12000, LONG_NOTE = 10000, KEPT = 200, DIRECTORIES = 8 };

/* The one place that says which columns have it. Without (an empty text), the rest holds, too. */
#define SEARCH(columns) columns

TEXTS(summaries, "summary='sum(size), max(mtime), lookup(note)" SEARCH(", search(path), search(note)") "'",
      "summary=(max(mtime), sum(size)" SEARCH(", search(note), search(tag)") ")",
      "summary=(" SEARCH("search(path)") ")",
      "summary=(lookup(note), max(mtime), lookup(tag)" SEARCH(", search(tag), search(path), search(note)") ")",
      "summary=(max(mtime)" SEARCH(", search(path)") ")", "summary=()");
static const struct {
    const char *options;
    uint32_t blob_pages;
} variants[VARIANTS] = {
    {"log_limit='2KB'", 4},
    {"log_limit='4KB', spill_limit='8KB'", 12},
    {"log_limit='8KB', spill_limit='1MB'", 6},
    {"log_limit='16KB'", 24},
    {"log_limit='1KB'", 3},
    {"log_limit='64KB', spill_limit='16KB'", 0},
};

/* --- texts -------------------------------------------------------------------------------------------------------- */

struct text {
    char bytes[TEXT_MAX];
    unsigned len;
};

static struct text keys[KEPT], notes[KEPT]; /* some of what was written */
static unsigned asked, found;

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
static const char *const directories[DIRECTORIES] = {"a/b/",           "a/",          "a/b/c/", "A/B/",
                                                     "usr/share/doc/", "home/mario/", "obj/",   ""};
TEXTS(words, "mario", "photo", "index", "IMG_", "backup", "README", "lib", "data", "ab", "2024", "tmp", "aaaa", "100%",
      "node_modules", "x", "Invoice", "test", "!a[b]", "report", "file", "*.txt", "it's", "{a|b}");
/* Letters with an accent, signs that fold into 'k' and 's' elsewhere, and bytes that are no sound UTF-8. */
TEXTS(odd, "\xc3\xa9", "\xc3\x89", "\xe2\x84\xaa", "\xc5\xbf", "\xf0\x9f\x98\x80", "\x80", "\xc3", "\xc1\xa1",
      "\xe0\x83\xa9", "\xff", "\xed\xa0\x80", "\xef\xbf\xbd", "\xe2\x84\xaak");
enum { WORDS = LENGTH(words), ODD = LENGTH(odd) };

static void add(struct text *text, const char *bytes, unsigned len) {
    if (text->len + len > TEXT_MAX) return;
    memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
}

static void add_text(struct text *text, const char *bytes) {
    add(text, bytes, (unsigned)strlen(bytes));
}

static void add_any_of(struct both *both, struct text *text, const char *alphabet, unsigned len) {
    for (unsigned letters = (unsigned)strlen(alphabet); len; len--) add(text, alphabet + below(both, letters), 1);
}

static void add_word(struct both *both, struct text *text) {
    unsigned kind = below(both, 5);
    if (kind == 0) return add_any_of(both, text, base64 + 26, 1 + below(both, 10));
    if (kind == 1) return add_any_of(both, text, "0123456789", 1 + below(both, 5));
    add_text(text, words[below(both, WORDS)]);
}

static void add_words(struct both *both, struct text *text, unsigned count) {
    for (; count; count--) {
        add_word(both, text);
        add_any_of(both, text, " -_./ ", 1);
    }
}

/* Of all its letters, or of some. */
static void change_case(struct both *both, struct text *text) {
    unsigned times = 1 + below(both, 3);
    for (unsigned i = 0; i < text->len; i++) {
        char c = text->bytes[i];
        if (isalpha((unsigned char)c) && once_in(both, times)) text->bytes[i] = (char)(c ^ 0x20);
    }
}

static void fill_key(struct both *both, struct text *key, const char *directory) {
    unsigned kind = below(both, 12), n = 1 + below(both, 20);
    if (kind == 0) return add_any_of(both, key, "0123456789abcdef", 32);
    if (kind == 1) return add_any_of(both, key, base64, 12 + n);
    if (kind == 5) return add_any_of(both, key, "aAb/", n % 4);
    while (kind == 2 && n--) add_text(key, *directory ? directory : "ab/");
    while (kind == 3 && key->len < n * 45) add_words(both, key, 1);
    if (kind == 4) add_words(both, key, n % 3);
    if (kind == 4 && n % 5 == 0) add(key, "", 1); /* behind which like() and glob() see nothing */
    if (kind == 4) add_text(key, odd[below(both, ODD)]);
    add_words(both, key, 1 + below(both, 3));
    if (kind > 6) add_any_of(both, key, "0123456789", 4);
    if (kind > 4) add_text(key, once_in(both, 2) ? ".jpg" : ".tar.gz");
}

/* As SQL writes it. text_for() has braces and bars for itself. */
static char *literal(const struct text *text, const char *type) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    bool plain = !strcmp(type, "TEXT");
    for (unsigned i = 0; plain && i < text->len; i++)
        plain = text->bytes[i] >= ' ' && text->bytes[i] < 127 && !strchr("'{|}", text->bytes[i]);
    if (plain) {
        sqlite3_str_appendf(out, "'%.*s'", (int)text->len, text->bytes);
    } else {
        sqlite3_str_appendf(out, "CAST(x'");
        for (unsigned i = 0; i < text->len; i++) sqlite3_str_appendf(out, "%02x", (unsigned char)text->bytes[i]);
        sqlite3_str_appendf(out, "' AS %s)", type);
    }
    return sqlite3_str_finish(out);
}

static char *some_key(struct both *both) {
    struct text *key = &keys[below(both, KEPT)];
    const char *directory = directories[below(both, DIRECTORIES)];
    key->len = 0;
    if (!once_in(both, 20)) add_text(key, directory);
    fill_key(both, key, directory);
    if (once_in(both, 5)) change_case(both, key);
    return literal(key, "TEXT");
}

static char *kept_key(struct both *both) {
    return literal(&keys[below(both, KEPT)], "TEXT");
}

static char *some_note(struct both *both) {
    unsigned kind = below(both, 14), len = once_in(both, 3) ? LONG_NOTE : 2000 + below(both, 3000);
    struct text *note = &notes[below(both, KEPT)];
    if (kind == 0) return sqlite3_mprintf("NULL");
    if (kind == 1) return sqlite3_mprintf("%d", (int)below(both, 100000) - 50000);
    if (kind == 2) return sqlite3_mprintf("%d.%02u", (int)below(both, 1000) - 500, below(both, 100));
    note->len = 0;
    while (kind == 3 && note->len < len) add_words(both, note, 1); /* in chunks */
    if (kind == 4) add_text(note, odd[below(both, ODD)]);
    if (kind == 5) add(note, "", 1);
    if (kind < 8) add_text(note, words[below(both, WORDS)]);
    if (kind > 7) add_words(both, note, below(both, 8));
    if (once_in(both, 6)) change_case(both, note);
    return literal(note, once_in(both, 12) ? "BLOB" : "TEXT");
}

/* --- patterns ----------------------------------------------------------------------------------------------------- */

static void add_set(struct both *both, struct text *pattern, char c) {
    TEXTS(sets, "[%c]", "[^%c]", "[%cx]", "[!-%c]", "[]%c]", "[^]%c]", "[%c");
    char set[16];
    sqlite3_snprintf(sizeof set, set, sets[below(both, once_in(both, 20) ? 7 : 6)], c);
    add_text(pattern, set);
}

/* Pieces of one text, in its order, and wildcards. `escape`: of LIKE, or 0. */
static char *some_pattern(struct both *both, const struct text *source, bool is_glob, char escape) {
    static struct text pattern, cut;
    const struct text *from = source + below(both, KEPT);
    const char *wild = is_glob ? "*?" : "%_";
    unsigned pieces = 1 + below(both, once_in(both, 2) ? 1 : 3), at = below(both, from->len / pieces + 1);
    bool has_sets = is_glob && once_in(both, 3), changes = once_in(both, is_glob ? 12 : 2);
    pattern.len = 0;
    if (!once_in(both, 8)) add(&pattern, wild, 1);
    for (; pieces; pieces--) {
        unsigned len = 1 + below(both, 5); /* many of three and four */
        if (len > 4) len = 4 + below(both, 9);
        cut.len = 0;
        if (!once_in(both, 10) && at < from->len)
            add(&cut, from->bytes + at, len < from->len - at ? len : from->len - at);
        if (!cut.len) add_word(both, &cut);
        if (changes) change_case(both, &cut);
        at += len + below(both, 9);
        for (unsigned i = 0; i < cut.len; i++) {
            char c = cut.bytes[i];
            if (escape && strchr("%_", c) && c) add(&pattern, &escape, 1);
            if (has_sets && isalnum((unsigned char)c) && once_in(both, 6)) {
                add_set(both, &pattern, c);
            } else if (once_in(both, 25) || (!c && !once_in(both, 6))) {
                add(&pattern, wild + below(both, 2), 1);
            } else {
                add(&pattern, &c, 1);
            }
        }
        if (pieces > 1) add(&pattern, wild + once_in(both, 5), 1);
    }
    if (!once_in(both, 8)) add(&pattern, wild, 1);
    return literal(&pattern, "TEXT");
}

/* --- what is drawn ------------------------------------------------------------------------------------------------ */

/* `a`: the table's name with a dot, or nothing. */
static const char *const rules[] = {
    "a: ", "match: 4*$($a)path $not$key_is | 5*$($a)$(3*note|tag|size) $not$note_is", "not: $(11*|NOT )",
    "key_is: GLOB $kept_pattern | $key_escaped | 4*LIKE $key_pattern | 4*GLOB $key_glob",
    "note_is: GLOB $kept_pattern | $note_escaped | 4*LIKE $note_pattern | 4*GLOB $note_glob",
    "kept_pattern: (SELECT g FROM patterns WHERE id = $(0-11))",
    "condition: $($a)size > $(0-999) | $($a)mtime BETWEEN $(0-19980) AND $(20000-59940) | "
    "2*{$($a)row_version|$($a)v} > $since | $($a)note = '$word' | $($a)note IN ('$word', $note, $(0-999)) | "
    "$($a)path LIKE '$directory%' | $($a)path > $kept AND $($a)path <= 'q' | ($match OR $match) | 2*$match",
    "conditions: $match | $match AND $condition | $match AND $condition AND $condition",
    /* A word comes where it was not, and goes where it was; a row is back again, maybe, and without what it had. */
    "write: UPDATE {t|plain} SET note = CASE WHEN note LIKE '%$(w=$word)%' THEN replace(lower(note), lower('$w'), '-') "
    "ELSE coalesce(note, '') || ' $w' END WHERE path GLOB '$folder*' AND size BETWEEN $(0-499) AND $(300-799) AND "
    "length(note) < 20000 | 2*UPDATE {t|plain} SET note = $note, mtime = $(0-49999) WHERE path = $kept | "
    "UPDATE {t|plain} SET tag = '$word', size = size + 1 WHERE $match AND size < $(0-499) | "
    "DELETE FROM {t|plain} WHERE $match AND mtime < $(0-49999) | DELETE FROM {t|plain} WHERE path GLOB '$folder*' AND "
    "size > $(0-999) | 2*DELETE FROM {t|plain} WHERE path = $kept | INSERT OR REPLACE INTO {t|plain}(path, size, tag) "
    "VALUES($kept, $(0-499), 7) | UPDATE OR REPLACE {t|plain} SET path = $key || '+' WHERE path = $kept | "
    "INSERT OR REPLACE INTO patterns VALUES($(0-11), $(2*$key_pattern, $(6*$key_glob|$(0-499))|$note_pattern, "
    "$(6*$note_glob|$(0-499)))) | 5*INSERT OR REPLACE INTO {t|plain}(path, size, mtime, note, tag) VALUES$rows",
    "row: ($key, $(0-999), $(0-49999), $note, '$word')",
    "from: {t|plain} WHERE $conditions | {t('$(p=$directory)')|plain} WHERE {1|path GLOB '$p*'} AND $conditions",
    "order: ASC | DESC",
    "list: SELECT path FROM $from ORDER BY mtime $order, path LIMIT 6 | SELECT path, mtime FROM $from ORDER BY path "
    "$order LIMIT 5 OFFSET $(0-5) | 2*SELECT path, size, note, tag FROM $from ORDER BY path $order",
    "sum: SELECT count(*), min(path), max(path), sum(size), max(mtime) FROM $from | SELECT count(*), count(DISTINCT "
    "a.path), max(w), min(w) FROM (SELECT *, mtime AS w FROM $from ORDER BY mtime $order LIMIT 6) a, plain b WHERE "
    "a.path = b.path AND a.note IS b.note AND w IS b.mtime", /* rows with one mtime come in any order */
    "level: $(p:=$directory)$(d:=$(3*/|-|.|a))SELECT path, {entries|iif(at, count(*), NULL)} FROM $shown WHERE "
    "$(3*|path > $kept AND )path $not$key_is {|GROUP BY path} ORDER BY path $order",
    "shown: {t('$p', '$d')|(SELECT CAST(iif(at, substr(x, 1, length('$p$d') - 1 + at), x) AS TEXT) AS path, size, at "
    "FROM (SELECT x, size, instr(substr(x, 1 + length('$p')), CAST('$d' AS BLOB)) AS at FROM "
    "(SELECT CAST(path AS BLOB) AS x, size FROM plain) WHERE '$p' = '' OR "
    "substr(x, 1, length('$p')) = CAST('$p' AS BLOB)))}",
    /* Directories of some rows each, of which a page has few. */
    "part: $(foobar|barfoo|zarzar|quxqux|FooBar|abcabc|a|b)$(0-6)", "of_parts: $part/$part | $part/$part/$part | $part",
    "long_row: ('$of_parts', $(0-999), '$noise')",
    "write_long: INSERT OR REPLACE INTO {t|plain}(path, size, note) VALUES$long_rows | "
    "DELETE FROM {t|plain} WHERE path GLOB '*$(0-6)' AND size > $(0-999)",
    "level_of_parts: $(p:=$(3*|$part/|foo))$(d:=$(3*/|r|1/))SELECT path, {entries|iif(at, count(*), NULL)}, "
    "{size|sum(size)} FROM $shown WHERE path $piece_is {|GROUP BY path} ORDER BY path $order",
    "piece: foo | oob | barf | zarz | qux | Foo | abc | bcab | ar$(0-6) | foo$(0-6)/",
    "piece_is: GLOB '*$piece*' | LIKE '%$piece%' | GLOB '*$piece?/*' | GLOB (SELECT '*$piece*') | LIKE (SELECT "
    "'%$piece%')",
    "join: $(a:=a.)SELECT $joined ORDER BY 1, 2",
    "joined: p.id, a.path FROM patterns p CROSS JOIN {t|plain} a ON a.path LIKE p.l WHERE $conditions | "
    "p.id, a.path FROM patterns p JOIN {t|plain} a ON a.path GLOB p.g AND a.note LIKE p.l AND $conditions | "
    "p.id, a.path FROM patterns p LEFT JOIN {t|plain} a ON a.note GLOB p.g AND $conditions | "
    "p.id, (SELECT count(*) FROM {t|plain} a WHERE a.note LIKE p.l AND $conditions) FROM patterns p | "
    "p.id, p.l FROM patterns p WHERE EXISTS (SELECT 1 FROM {t|plain} a WHERE a.path LIKE p.l AND $conditions) | "
    "a.path, a.size FROM {t|plain} a WHERE EXISTS (SELECT 1 FROM patterns p WHERE a.path GLOB p.g) AND $conditions",
    NULL};

struct asked {
    struct both *both;
    sqlite3 *db;
};

static void draw_rows(struct grammar *grammar, struct both *both) {
    for (unsigned n = once_in(both, 4) ? 60 : 1 + below(both, 12); n; n--)
        grammar_more(grammar, n > 1 ? "$row, " : "$row");
}

static void draw_long_rows(struct grammar *grammar, struct both *both) {
    for (unsigned n = 20 + below(both, 60); n; n--) grammar_more(grammar, n > 1 ? "$long_row, " : "$long_row");
}

static char *drawn_noise(struct both *both) {
    struct text noise = {.len = 0};
    add_any_of(both, &noise, base64, once_in(both, 3) ? 10 : 500 + below(both, 500));
    return sqlite3_mprintf("%.*s", (int)noise.len, noise.bytes);
}

static char *drawn_since(struct both *both, sqlite3 *db) {
    unsigned n = below(both, 1000);
    return sqlite3_mprintf("%lld", sql_int(db, "SELECT max(v) FROM plain") - (n % 2 ? n % 12 : n / 3));
}

static char *drawn_escaped(struct both *both, const struct text *source) {
    char escape = "!!\\a%_"[below(both, 6)];
    return sqlite3_mprintf("LIKE %z ESCAPE '%c'", some_pattern(both, source, false, escape), escape);
}

static void draw_more(struct grammar *grammar, const char *name) {
    const struct asked *asked = grammar->context;
    struct both *both = asked->both;
    const struct text *source = *name == 'k' ? keys : notes;
    if (!strcmp(name, "rows")) return draw_rows(grammar, both);
    if (!strcmp(name, "long_rows")) return draw_long_rows(grammar, both);
    char *text = !strcmp(name, "key")         ? some_key(both)
                 : !strcmp(name, "kept")      ? kept_key(both)
                 : !strcmp(name, "note")      ? some_note(both)
                 : !strcmp(name, "noise")     ? drawn_noise(both)
                 : !strcmp(name, "since")     ? drawn_since(both, asked->db)
                 : !strcmp(name, "word")      ? sqlite3_mprintf("%s", words[below(both, 12)])
                 : !strcmp(name, "directory") ? sqlite3_mprintf("%s", directories[below(both, DIRECTORIES)])
                 : !strcmp(name, "folder")    ? sqlite3_mprintf("%s", directories[below(both, DIRECTORIES - 1)])
                 : strstr(name, "_escaped")   ? drawn_escaped(both, source)
                 : strstr(name, "_pattern")   ? some_pattern(both, source, false, 0)
                 : strstr(name, "_glob")      ? some_pattern(both, source, true, 0)
                                              : NULL;
    ck_assert_msg(text, "no rule says what '%s' is", name);
    grammar_put(grammar, text, (int)strlen(text));
    sqlite3_free(text);
}

static char *drawn(struct both *both, sqlite3 *db, const char *text) {
    struct asked asked = {both, db};
    return grammar_text(
        &(struct grammar){.random = &both->random, .rules = rules, .call = draw_more, .context = &asked}, text);
}

/* --- what is written ---------------------------------------------------------------------------------------------- */

/* The version of each row stands beside it. */
static const char schema[] =
    "CREATE TABLE plain(path TEXT PRIMARY KEY, size INTEGER, mtime INTEGER, note, tag TEXT, v INTEGER) WITHOUT ROWID;"
    "CREATE TRIGGER came AFTER INSERT ON plain BEGIN "
    "UPDATE plain SET v = art_write_version('t') WHERE path = new.path; END;"
    "CREATE TRIGGER changed AFTER UPDATE OF path, size, mtime, note, tag ON plain BEGIN "
    "UPDATE plain SET v = art_write_version('t') WHERE path = new.path; END;"
    "CREATE TABLE patterns(id INTEGER PRIMARY KEY, l, g)";

static void write_something(struct both *both) {
    both_write(both, drawn(both, both->db, "$write"));
}

static void change_summary(struct both *both) {
    both->now.summary = below(both, LENGTH(summaries));
    sql_command(both->db, "main", "t", summaries[both->now.summary]);
}

/* --- what is asked ------------------------------------------------------------------------------------------------ */

static void write_while_asking(struct both *both) {
    both_write_while_asking(both, 20, "mtime",
                            drawn(both, both->db, "$(path LIKE $key_pattern|note LIKE $note_pattern)"));
}

static void ask(struct both *both, sqlite3 *db, const struct both_state *state) {
    unsigned what = below(both, 10), answers = both->answers;
    bool lists = what > 4;
    if (what == 2 && db == both->db) return write_while_asking(both);
    both_same(both, db, drawn(both, db, what < 2 ? "$join" : lists ? "$list" : "$(2*$sum|$level)"));
    asked += lists;
    found += lists && both->answers > answers;
}

static void check_all(struct both *both, sqlite3 *db, const struct both_state *state) {
    sql_expect(db, "ok\n", "SELECT art_check('t')");
    both_asks(both, db, "SELECT path, size, mtime, note, tag, {row_version|v} FROM {t|plain} ORDER BY path");
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void make_tables(struct both *both, unsigned variant) {
    char *options = TEXT("path, size INTEGER, mtime INTEGER, note, tag TEXT, %s, %s", summaries[both->now.summary],
                         variants[variant].options);
    art_test_hooks.blob_pages = variants[variant].blob_pages;
    if (both->inlined) {
        sql_run(both->db, "CREATE VIRTUAL TABLE t USING art(%s, storage=inline)", options);
    } else {
        sql_create(both->db, "t", options);
    }
    sql_run(both->db, schema);
}

LOOP_TEST(test_rows_with_a_word_are_those_of_an_ordinary_table, 2 * VARIANTS) {
    struct both both = {.random = {random_seed() + (uint64_t)_i},
                        .write = write_something,
                        .ask = ask,
                        .check = check_all,
                        .change = change_summary,
                        .changes = 150,
                        .versions = true,
                        .rollback = _i % 3 == 2,
                        .copies = true,
                        .inlined = _i >= VARIANTS,
                        .now.summary = (unsigned)_i % 5};
    unsigned steps = random_rounds(800);
    both_open(&both, "search");
    make_tables(&both, (unsigned)_i % VARIANTS);
    both_go(&both, steps);
    printf("%u of %u lists of rows had some\n", found, asked);
    if (steps > 200) ck_assert_uint_gt(found, asked / 16);
    both_close(&both);
}

static void look_for(struct both *both, sqlite3 *db, const char *word) {
    both_asks(both, db, "SELECT path, note FROM {t|plain} WHERE note LIKE '%%%s%%' ORDER BY path", word);
    both_asks(both, db, "SELECT path, note FROM {t|plain} WHERE path GLOB '*%s*' ORDER BY path DESC", word);
    both_asks(
        both, db,
        "SELECT path FROM {t('d1')|plain} WHERE {1|path GLOB 'd1*'} AND note GLOB '*%s*' ORDER BY mtime DESC LIMIT 6",
        word);
    both_asks(both, db, "SELECT count(*), max(path) FROM {t|plain} WHERE note LIKE '%%%s%%' AND path LIKE '%%7%%'",
              word);
}

/* Rows that had the word, in the largest run, and have it no more in newer ones, whose pages are passed over. */
LOOP_TEST(test_an_older_row_does_not_come_back, 2) {
    TEXTS(changes, "UPDATE {t|plain} SET note = 'nothing here' WHERE size %% 7000 = 0",
          "DELETE FROM {t|plain} WHERE size %% 5000 = 0",
          "UPDATE {t|plain} SET note = 'a rareword again' WHERE size %% 9001 = 0 OR size %% 35000 = 7",
          "UPDATE OR REPLACE {t|plain} SET path = replace(path, 'word-', 'else-') WHERE path GLOB '*word-00[1-3]*'",
          ("INSERT OR REPLACE INTO {t|plain}(path, size, mtime) SELECT 'd1/word-' || printf('%%06d', size + 1), size, "
           "1 FROM {t|plain} WHERE note GLOB '*rare*'"),
          "UPDATE {t|plain} SET note = replace(note, 'rareword', 'common') WHERE note LIKE '%%RAREWORD%%'");
    struct both both = {.random = {random_seed()}, .versions = true, .inlined = _i};
    both_open(&both, "search");
    make_tables(&both, VARIANTS - 1);
    both_writes(&both, "WITH RECURSIVE k(j) AS (SELECT 1 UNION ALL SELECT j + 1 FROM k WHERE j < 40000) INSERT INTO "
                       "{t|plain}(path, size, mtime, note) SELECT printf('d%%d/word-%%06d', j / 10000, j), j, j * 7919 "
                       "%% 40009, iif(j %% 1000, 'note ' || (j * 31), 'with a rareword in it') FROM k");
    for (unsigned n = 0; n < LENGTH(changes); n++) {
        sql_command(both.db, "main", "t", n == 0 || n == 4 ? "optimize" : "flush");
        look_for(&both, both.reader, "rareword");
        sql_run(both.reader, "BEGIN; SELECT 1 FROM plain LIMIT 1");
        sql_run(both.db, "BEGIN");
        both_writes(&both, changes[n]);
        look_for(&both, both.db, "rareword");
        sql_run(both.db, n % 2 ? "SAVEPOINT s" : "ROLLBACK; BEGIN");
        both_writes(&both, n % 2 ? "UPDATE {t|plain} SET note = path || 'rareword' WHERE size < 900" : changes[n]);
        look_for(&both, both.db, "word-00");
        if (n % 2) sql_run(both.db, "ROLLBACK TO s");
        sql_run(both.db, "COMMIT");
        look_for(&both, both.db, "rareword");
        look_for(&both, both.reader, "rareword");
        sql_run(both.reader, "COMMIT");
        look_for(&both, both.reader, "else-0");
    }
    sql_expect(both.db, "ok\n", "SELECT art_check('t')");
    both_close(&both);
}

/* Digits have so few trigrams that each page has most: their postings take less in the end than they might have, so no
 * blob is full, and to write all of them anew changes nothing. */
TEST(test_blobs_that_cannot_be_full_are_vacuumed_all_the_same) {
    run("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
        "CREATE VIRTUAL TABLE t USING art(path, a, b, c, d, e, f, g, h, summary=(search(a), search(b), search(c), "
        "search(d), search(e), search(f), search(g), search(h)))");
#define DIGITS "printf('%%015d%%015d', abs(random()) %% 1000000000000000, abs(random()) %% 1000000000000000)"
    run("WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000) INSERT INTO t SELECT printf('%%07d', i), "
        "" DIGITS ", " DIGITS ", " DIGITS ", " DIGITS ", " DIGITS ", " DIGITS ", " DIGITS ", " DIGITS " FROM n");
    expect("done\n", "SELECT substr(art_vacuum('t'), 1, 4)");
    int64_t written = sql_info(db, "pages written");
    command("optimize");
    ck_assert_int_lt(sql_info(db, "pages written"), written + 9);
    expect("ok|20000\n", "SELECT art_check('t'), count(*) FROM t WHERE a LIKE '%%1%%' OR a LIKE '%%'");
}

/* --- whatever a row holds ----------------------------------------------------------------------------------------- */

/* Rows with something of their own, far from each other among many that have nothing of it. */
TEXTS(singular, "'ABCDEFGHIJKLMNOPQRSTUVWXYZ'", "'xxx abcdefghijklmnopqrstuvwxyz'", "1234567890123", "-98765",
      "271.828", "printf('%%.*c', 9000, '.') || 'in chunks'", "printf('%%.*c', 300, '-') || 'behind a seam'",
      "CAST(x'2e2e2e2e2e2e2e61e083a962' AS TEXT)", /* an e with an accent in too many bytes */
      "CAST(x'2e2e2e2e2e2e2e2e2e61e083a9' AS TEXT)", "'caf' || char(233) || ' au lait'",
      "'a' || replace(printf('%%.*c', 100, '.'), '.', char(233)) || 'accents'", "CAST(x'61007a7a7a' AS TEXT)",
      "CAST('a word in a blob' AS BLOB)", "'word' || char(0xfffd) || 'sound'");
enum { SINGULAR = LENGTH(singular), APART = 150 };

TEXTS(looked_for, "LIKE '%%345678%%'", "LIKE '%%-987%%'", "GLOB '*1.82*'", "LIKE '%%N CHUNKS%%'", "LIKE '%%-behind%%' ",
      "LIKE '%%behind a seam'", "LIKE '%%a\xc3\xa9%%'",
      ("GLOB '*a\xc3\xa9"
       "b*'"),
      "LIKE '%%F\xc3\xa9 AU%%'", "LIKE '%%a' || replace(printf('%%.*c', 90, '.'), '.', char(233)) || '%%'",
      "GLOB '*' || replace(printf('%%.*c', 100, '.'), '.', char(233)) || 'acc*'", "LIKE '%%zzz%%'",
      "LIKE '%%word in%%'", "GLOB '*word*sound*'", "LIKE '%%word' || CAST(x'80' AS TEXT) || 'sound%%'",
      "GLOB '*word?sound*'");

static void insert_singular(struct both *both, unsigned i) {
    const char *note = singular[i];
    both_writes(both,
                "WITH RECURSIVE k(j) AS (SELECT %u UNION ALL SELECT j + 1 FROM k WHERE j < %u) INSERT INTO "
                "{t|plain}(path, size, note) SELECT printf('f%%06d', j), j, printf('%%.*c', 80, 'q') || (j * 7) FROM k",
                i * APART, i * APART + APART - 1);
    both_writes(both,
                "INSERT OR REPLACE INTO {t|plain}(path, size, note, tag) SELECT 'f%06u', %u, v, 'a rare tag' FROM "
                "(SELECT %z AS v)",
                i * APART + APART / 2, i, sqlite3_mprintf(note));
    both_writes(both,
                "INSERT OR REPLACE INTO {t|plain}(path, size, note, tag) SELECT 'f%06u' || CAST(v AS TEXT), %u, NULL, "
                "'k%u' FROM (SELECT %z AS v)",
                i * APART, i, i, sqlite3_mprintf(note));
}

static void look_for_all(struct both *both) {
    for (unsigned i = 0; i < 2 * (LENGTH(looked_for)); i++) {
        char *pattern = TEXT(looked_for[i / 2]);
        both_asks(both, both->db, "SELECT path, note FROM {t|plain} WHERE %s %s ORDER BY path", i % 2 ? "path" : "note",
                  pattern);
    }
    for (unsigned at = 0; at < 24; at++) {
        char small[4] = {(char)('a' + at), (char)('b' + at), (char)('c' + at)};
        char large[4] = {(char)('A' + at), (char)('B' + at), (char)('C' + at)};
        both_asks(both, both->db, "SELECT path FROM {t|plain} WHERE note LIKE '%%%s%%' ORDER BY path",
                  at % 2 ? small : large);
        both_asks(both, both->db, "SELECT path FROM {t|plain} WHERE path LIKE '%%%s%%' ORDER BY path",
                  at % 2 ? large : small);
        both_asks(both, both->db, "SELECT path FROM {t|plain} WHERE path GLOB '*%s*' ORDER BY path", small);
        both_asks(both, both->db, "SELECT path FROM {t|plain} WHERE note GLOB '*%s*' ORDER BY path", large);
    }
    for (unsigned i = 0; i < SINGULAR; i++)
        both_asks(both, both->db,
                  "SELECT path FROM {t|plain} WHERE tag = 'k%u' AND tag LIKE '%%K%u%%' AND tag GLOB '*k%u'", i, i, i);
    both_asks(both, both->db,
              "SELECT path FROM {t|plain} WHERE tag = 'a rare tag' AND tag LIKE '%%RARE%%' ORDER BY path");
}

TEST(test_whatever_a_row_holds_is_found) {
    struct both both = {.random = {7}, .memory = true, .now.summary = 3};
    both_open(&both, "search");
    make_tables(&both, VARIANTS - 1);
    for (unsigned i = 0; i < SINGULAR; i++) insert_singular(&both, i);
    both_writes(
        &both,
        "INSERT INTO {t|plain}(path, note) SELECT 'long/' || printf('%%.*c', 5000, '.') || 'xyz', 'a long path'");
    look_for_all(&both);
    sql_command(both.db, "main", "t", "optimize");
    look_for_all(&both);
    sql_expect(both.db, "ok\n", "SELECT art_check('t')");
    both_close(&both);
}

/* --- how much is read --------------------------------------------------------------------------------------------- */

/* By a connection with an empty cache. */
static int64_t pages_of(const char *where, int64_t rows) {
    sqlite3 *other = sql_open(path);
    sql_run(other, "PRAGMA cache_size=0");
    int64_t before = sql_info(other, "pages read"), found = sql_int(other, "SELECT count(path) FROM t WHERE %s", where);
    int64_t read = sql_info(other, "pages read") - before;
    ck_assert_msg(found == rows, "%s: %lld rows", where, (long long)found);
    printf("%s: %lld pages\n", where, (long long)read);
    sql_close(other);
    return read;
}

static void fewer_pages(int64_t part, int64_t all, const char *where, int64_t rows) {
    int64_t read = pages_of(where, rows);
    ck_assert_msg(read < all / part, "%s: %lld pages of %lld", where, (long long)read, (long long)all);
}

/* Closes the connection, and opens it again: its cache is theirs, too. */
static void read_few(int64_t more) {
    static const struct {
        const char *where;
        int64_t rows;
    } of_notes[] = {{"note LIKE '%haystack%'", 3},
                    {"note GLOB '*even*odd*'", 0},
                    {"path LIKE '%needle%' AND note LIKE '%haystack%'", 0}};
    sql_close(db);
    int64_t all = pages_of("+path LIKE '%needle%'", 2 + more);
    fewer_pages(more ? 2 : 4, all, "path LIKE '%needle%'", 2 + more);
    fewer_pages(8, all, "path GLOB '*left*right*'", 0);
    for (unsigned i = 0; i < 3 && !more; i++) /* else the newer run's pages are not passed over */
        fewer_pages(6, all, of_notes[i].where, of_notes[i].rows);
    db = sql_open(path);
}

TEST(test_pages_without_a_word_are_not_read) {
    static const char rows[] =
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 59999) INSERT INTO t(path, note, "
        "etag) SELECT printf('d%%05d', i) || CASE i / 4000 %% 10 WHEN 2 THEN 'left' WHEN 6 THEN 'right' ELSE '' END || "
        "iif(i %% 30000 = 77, 'needle', ''), printf('%%.*c', 60, '.') || CASE i / 4000 %% 10 WHEN 3 THEN 'even' WHEN 7 "
        "THEN 'odd' ELSE '' END || iif(i %% 20000 = 99, 'haystack', ''), randomblob(30) FROM n";
    art_test_hooks.blob_pages = 0;
    run("CREATE VIRTUAL TABLE t USING art(path, note, etag, summary=(search(path), search(note)), log_limit='64MB')");
    run(rows);
    command("optimize");
    read_few(0);
    run("DROP TABLE t; CREATE VIRTUAL TABLE t USING art(path, note, etag, summary=(lookup(note)), log_limit='64MB')");
    run(rows);
    command("summary=(lookup(note), search(note))");
    expect("lookup(\"note\"), search(\"note\")\n", "SELECT value FROM art_info('t') WHERE property = 'summary'");
    command("summary=(lookup(note), search(note), search(path))");
    read_few(0);
    run("UPDATE t SET note = 'none' WHERE path < 'd10'");
    run("INSERT INTO t(path, note) SELECT replace(path, 'd1', 'needle'), note FROM t WHERE path GLOB 'd12*'");
    command("flush");
    read_few(1000);
    ck_assert_int_lt(pages_of("path GLOB 'd1377*'", 10), pages_of("path GLOB 'd1377*' AND path LIKE '%d13%'", 10));
}

/* Who needs a page of a footer hears that it is damaged, and nobody else; the check does, and no row is lost. */
enum { ALL_ROWS = 1, A_ROW = 2, A_WORD = 4, A_SUM = 8, FOOTERS_FROM = 112 };
static unsigned who_hears(int64_t page) {
    TEXTS(asked, "SELECT count(note) FROM t", "SELECT count(note) FROM n CROSS JOIN t ON t.path = 'd' || i || 'y'",
          "SELECT * FROM t WHERE note LIKE '%word31%' UNION ALL SELECT * FROM t WHERE note LIKE '%1900%'",
          "SELECT art_sum('t', 'a', 'd1')");
    unsigned hear = 0;
    run("CREATE TABLE kept AS SELECT * FROM t_artblob WHERE page = %lld", (long long)page);
    run("UPDATE t_artblob SET data = x'01' WHERE page = %lld", (long long)page);
    for (unsigned i = 0; i < LENGTH(asked); i++) {
        sql_reopen();
        int rc = sqlite3_exec(db, asked[i], NULL, NULL, NULL);
        ck_assert(!rc || rc == SQLITE_CORRUPT_VTAB);
        ck_assert_int_eq(sqlite3_exec(db, asked[i], NULL, NULL, NULL), rc);
        hear |= (rc ? 1u : 0) << i;
    }
    ck_assert_int_eq(sql_int(db, "SELECT art_check('t') LIKE '%%is not that of the blob''s trailer%%'"), 1);
    run("CREATE VIRTUAL TABLE temp.saved USING art_salvage('main.t')");
    ck_assert(hear & ALL_ROWS || sql_int(db, "SELECT count(*) FROM saved") == 11000);
    run("UPDATE t_artblob SET data = (SELECT data FROM kept) WHERE page = (SELECT page FROM kept)");
    run("DROP TABLE kept");
    return hear;
}

TEST(test_a_damaged_page_of_a_footer_is_told_to_who_needs_it) {
    unsigned heard[16] = {0};
    art_test_hooks.blob_pages = 0;
    run("CREATE VIRTUAL TABLE t USING art(path, note, filler, a, b, c, d, storage=inline, log_limit='64MB',"
        " summary=(sum(a), sum(b), sum(c), sum(d), search(note)))");
    fill_rows("INTO t(path, note, filler, a)", 0, 3000,
              "'d' || i, hex(i * 7919) || 'word' || (i * 31), randomblob(250), i");
    run("CREATE TABLE n AS SELECT 100 * a AS i FROM t WHERE a <= 70");
    command("optimize");
    fill_rows("INTO t(path)", 0, 8000, "'d' || i || 'x'");
    command("flush");
    ck_assert_int_eq(sql_info(db, "runs"), 2);
    for (int64_t page = 0, slots = 5 * 128; page < slots; page++) {
        bool footer = page % 128 >= FOOTERS_FROM && page % 128 < 127;
        if (!footer || !sql_int(db, "SELECT count(*) FROM t_artblob WHERE page = %d", (int)page)) continue;
        sql_reopen();
        heard[who_hears(page)]++;
    }
    ck_assert(heard[A_WORD] && heard[A_SUM] && heard[A_ROW] && heard[0]); /* zones and bounds nobody asks for */
    for (int who = A_ROW | A_WORD; who < LENGTH(heard); who += 2) {       /* what comes on demand is for one of them */
        ck_assert(!(who & (who - 1)) || !heard[who]);
    }
}

/* Of blobs that move the postings are read, too, which nobody has asked for before. */
TEST(test_blobs_that_move_take_their_postings_along) {
    if (sql_has_no_file("blobs that move")) return;
    art_test_hooks.blob_pages = 0;
    sql_ways(NULL, "on"); /* so that reads wait for the device */
    run("CREATE VIRTUAL TABLE t USING art(path, note, size INTEGER, storage=file,"
        " summary=(search(path), search(note), lookup(note)))");
    fill_rows("INTO t", 0, 60000,
              "printf('d%%02d/file%%06d.txt', i / 1000, i * 7919 %% 1000000), printf('%%08x%%08xn%%d', i * 2654435761 "
              "%% 4294967291, i * 40503 %% 4294967291, i %% 500), i");
    for (unsigned i = 0; i < 3; i++) {
        if (i) run("UPDATE t SET size = size + 1");
        command("optimize");
    }
    run("DELETE FROM t WHERE path < 'd15'");
    command("optimize");
    sql_reopen();
    ck_assert_int_gt(sql_int(db, "WITH RECURSIVE n(i) AS (SELECT 16000 UNION ALL SELECT i + 1500 FROM n WHERE i < "
                                 "58000)SELECT count(note) FROM n CROSS JOIN t"
                                 " ON t.path = printf('d%%02d/file%%06d.txt', i / 1000, i * 7919 %% 1000000)"),
                     25);
    int64_t before = sql_file_size(directory, ".art");
    sql_int(db, "SELECT art_vacuum('t')");
    ck_assert_int_lt(sql_file_size(directory, ".art"), before);
    expect("ok\n", "SELECT art_check('t')");
    sql_ways(NULL, NULL);
}

/* Texts of so many different parts that it is a near thing whether a blob lists them: in its 151st bucket, where a term
 * becomes frequent and the whole smaller; and in its 256th, behind which a bucket's number takes one more bit. 1.0.0
 * lost rows by the first, and crashed by the second. */
#define LETTERS(from, n)                                                                                               \
    "(WITH RECURSIVE m(j) AS (SELECT " from " UNION ALL SELECT j + 1 FROM m LIMIT " n ")"                              \
    " SELECT group_concat(char(33 + abs(random() %% 64)), '') FROM m)"

static void is_taken(bool inlined) {
    run("CREATE VIRTUAL TABLE t USING art(k, note, f, storage=%s, summary=(search(note)))",
        inlined ? "inline" : "file");
    run("INSERT INTO t SELECT * FROM o");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM (SELECT * FROM o EXCEPT SELECT * FROM t)"), 0);
    expect("ok\n", "SELECT art_check('t')");
    run("DROP TABLE t; DELETE FROM o");
}

LOOP_TEST(test_blobs_with_parts_of_texts_keep_every_row, 2) {
    art_test_hooks.blob_pages = 0;
    run("CREATE TABLE o(k PRIMARY KEY, note, f); CREATE TEMP TABLE c AS SELECT " LETTERS("1", "1600") " AS n");
    run("INSERT INTO o WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 18)"
        " SELECT printf('%%07d', i), c.n || " LETTERS("i", "1290") ", randomblob(906) FROM n, c");
    run("INSERT INTO o WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 5031)"
        " SELECT printf('%%07d', 18 + i), iif(i %% 129 IN (0, 128), c.n, NULL),"
        " iif(i %% 129 = 128, randomblob(100), NULL) FROM n, c");
    run("INSERT INTO o WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 55)"
        " SELECT printf('%%07d', 5049 + i), c.n, randomblob(2196) FROM n, c");
    is_taken(_i);
    run("INSERT INTO o WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 31200)"
        " SELECT printf('%%07d', i), iif(i < 7168 AND i %% 256 = 5, " LETTERS("i", "1710") ", NULL), NULL FROM n");
    is_taken(_i);
}

/* --- listings beside a search ------------------------------------------------------------------------------------- */

CASE("listings", .seconds = SUITE_FOREVER, .set_up = sql_set_up, .tear_down = sql_tear_down)

static void write_long(struct both *both) {
    both_write(both, drawn(both, both->db, "$write_long"));
}

static void ask_for_levels(struct both *both, sqlite3 *db, const struct both_state *state) {
    for (int i = 0; i < 6; i++) both_same(both, db, drawn(both, db, "$level_of_parts"));
}

LOOP_TEST(test_listings_beside_patterns_are_those_of_an_ordinary_table, 2) {
    struct both both = {.random = {random_seed() + (uint64_t)_i},
                        .write = write_long,
                        .ask = ask_for_levels,
                        .check = check_all,
                        .versions = true,
                        .inlined = _i};
    both_open(&both, "listings");
    make_tables(&both, VARIANTS - 1);
    both_go(&both, random_rounds(150));
    both_close(&both);
}

/* Directories of one to five rows, between them others of ten to twenty. A page has four rows. Where the first ones are
 * looked for, pages with the others alone are passed over. */
static void fill_listed(bool inlined) {
    art_test_hooks.blob_pages = 0;
    run("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; CREATE VIRTUAL TABLE t USING art(path, size INTEGER, filler, "
        "storage=%s, summary=(sum(size), search(path), hash(*), hash(values)));"
        "WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 60), r(j) AS (SELECT 1 UNION ALL SELECT j + 1 FROM "
        "r LIMIT 20) INSERT INTO t SELECT printf('d%%03d-foo/%%d', i, j), i * 31 + j, randomblob(900) FROM n, r WHERE "
        "j <= 1 + i * 7 %% 5 UNION ALL SELECT printf('d%%03d-zar/%%05d', i, j), 10000 * j, randomblob(900) FROM n, r "
        "WHERE j <= 10 + i * 3 %% 11; INSERT INTO t(t) VALUES('optimize')",
        inlined ? "inline" : "file");
}

/* With an ordinary count and sum of the rows below each directory, and with art_hash() of this one alone. */
static void listings_agree(void) {
    static const char names[] = "'*-foo*', '%-Foo%'";
    EACH(columns, "entries", "size", "hash", "hash_values", "entries, size, hash, hash_values", "size, entries") {
        EACH(condition, "GLOB '*-foo*'", "GLOB ?1", "LIKE '%-FOO/%'", "LIKE ?2", "GLOB 'd0[1-4]?-foo*'") {
            EACH(order, "ASC", "DESC", "ASC LIMIT 9 OFFSET 7") {
                const char *where = TEXT("path %s", condition);
                const char *ours =
                    TEXT("SELECT path, %s FROM t('', '/') WHERE %s ORDER BY path %s", columns, where, order);
                const char *theirs =
                    TEXT("SELECT path, %s FROM (SELECT d AS path, count(*) AS entries, sum(size) AS size, "
                         "art_hash('t', d) AS hash, art_hash_values('t', d) AS hash_values FROM (SELECT substr(path, "
                         "1, 9) AS d, size FROM t) GROUP BY d) WHERE %s ORDER BY path %s",
                         columns, where, order);
                ck_assert(sql_alike(bound(ours, names), bound(theirs, names)));
            }
        }
    }
}

LOOP_TEST(test_a_listing_beside_a_pattern_shows_what_is_below_each_directory, 2) {
    fill_listed(_i);
    plan_has("SELECT path, entries FROM t('', '/') WHERE path GLOB '*-foo*'", "(search)");
    listings_agree();
    EACH(change, "UPDATE t SET size = size + 1 WHERE path GLOB '*3-*'; INSERT INTO t(t) VALUES('flush')",
         "DELETE FROM t WHERE path GLOB '*[24]-*/*2'") {
        run("%s", change);
        listings_agree();
    }
}

LOOP_TEST(test_a_delete_by_entries_beside_a_pattern_spares_smaller_directories, 2) {
    fill_listed(_i);
    EACH(condition, "GLOB '*-foo*'", "LIKE '%-foo%'", "LIKE (SELECT '%-foo%')") {
        for (int most = 5; most >= 3; most -= 2) {
            int64_t all = sql_int(db, "SELECT count(*) FROM t");
            int64_t larger = sql_int(db,
                                     "SELECT coalesce(sum(n), 0) FROM (SELECT count(*) AS n FROM t WHERE "
                                     "+path GLOB '*-foo/*' GROUP BY substr(path, 1, 9)) WHERE n > %d",
                                     most);
            run("BEGIN; DELETE FROM t WHERE prefix = '' AND delimiter = '/' AND path %s AND entries > %d", condition,
                most);
            ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), all - larger);
            ck_assert_int_eq(larger > 0, most < 5);
            run("ROLLBACK");
        }
    }
}

int main(void) {
    return differential_run((struct suite_case){
        .name = "search", .seconds = SUITE_FOREVER, .set_up = sql_set_up, .tear_down = sql_tear_down});
}
