/* Records of ext/base/value.c, linked in: what was written is read, one column at a time or through a reader in any
 * order, and whatever the bytes are, the answer is a value or SQLITE_CORRUPT's sentence. Run under AddressSanitizer it
 * shows that nothing behind a record is looked at: each lies at the end of its own allocation.
 */
#define SQLITE_CORE 1
#include "core/base/row_set.h"
#include "core/base/value_hash.h"
#include "ext/base/base.h"

#include "tests/support/suite.h"

enum { COLUMNS_MAX = 12, RECORDS = 300 };

static sqlite3 *db;
static struct random chance;

/* A copy that ends where its allocation does. */
static struct art_bytes copy_of(sqlite3_value *value) {
    int len = sqlite3_value_bytes(value);
    uint8_t *copy = malloc(len ? (size_t)len : 1);
    if (len) memcpy(copy, sqlite3_value_blob(value), (size_t)len);
    return art_bytes(copy, (uint32_t)len);
}

static void give_record(sqlite3_context *context, struct art_field *fields, unsigned count) {
    struct art_buffer record = {0};
    ck_assert_int_eq(art_record_encode(&record, fields, count), ART_OK);
    ck_assert(art_record_is_sound(art_buffer_bytes(&record)));
    sqlite3_result_blob(context, record.len ? (const void *)record.data : "", (int)record.len, SQLITE_TRANSIENT);
    art_buffer_clear(&record);
}

/* record_of(affinity, value...) */
static void record_of(sqlite3_context *context, int argc, sqlite3_value **argv) {
    struct art_field fields[COLUMNS_MAX];
    for (int i = 1; i < argc; i++) {
        ck_assert_int_eq(art_field_set(&fields[i - 1], argv[i], (enum art_affinity)sqlite3_value_int(argv[0])), ART_OK);
    }
    give_record(context, fields, (unsigned)argc - 1);
}

static void damage_is_a_word(sqlite3_context *context, int art_rc) {
    if (art_rc) sqlite3_result_text(context, "damaged", -1, SQLITE_STATIC);
}

/* column_of(record, column) */
static void column_of(sqlite3_context *context, int argc, sqlite3_value **argv) {
    struct art_bytes record = copy_of(argv[0]);
    struct art_record_reader once;
    art_record_reader_set(&once, art_stored_of(record));
    damage_is_a_word(context, art_record_reader_result(&once, context, (unsigned)sqlite3_value_int(argv[1]), NULL));
    free((void *)record.data);
}

/* column_kept(column): of the record that was given to keep(record). */
static struct art_record_reader reader;
static const uint8_t *kept_bytes;

static void keep(sqlite3_context *context, int argc, sqlite3_value **argv) {
    free((void *)kept_bytes);
    struct art_bytes record = copy_of(argv[0]);
    kept_bytes = record.data;
    art_record_reader_set(&reader, art_stored_of(record));
}

static void column_kept(sqlite3_context *context, int argc, sqlite3_value **argv) {
    damage_is_a_word(context, art_record_reader_result(&reader, context, (unsigned)sqlite3_value_int(argv[0]), NULL));
}

/* written_anew(record): its fields, taken over as an UPDATE takes those that it does not set; NULL: damaged. */
static void written_anew(sqlite3_context *context, int argc, sqlite3_value **argv) {
    struct art_field fields[COLUMNS_MAX];
    struct art_bytes record = copy_of(argv[0]);
    bool read = art_record_fields(record, fields, COLUMNS_MAX) == ART_OK;
    ck_assert(read || !art_record_is_sound(record));
    if (read) give_record(context, fields, COLUMNS_MAX);
    free((void *)record.data);
}

static void set_up(void) {
    static const struct {
        const char *name;
        int arguments;
        void (*run)(sqlite3_context *, int, sqlite3_value **);
    } functions[] = {{"record_of", -1, record_of},
                     {"column_of", 2, column_of},
                     {"keep", 1, keep},
                     {"column_kept", 1, column_kept},
                     {"written_anew", 1, written_anew}};
    ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    for (size_t i = 0; i < LENGTH(functions); i++) {
        sqlite3_create_function(db, functions[i].name, functions[i].arguments, SQLITE_UTF8, NULL, functions[i].run,
                                NULL, NULL);
    }
    kept_bytes = NULL;
}

static void tear_down(void) {
    free((void *)kept_bytes);
    sqlite3_close(db);
}

static void put_value(sqlite3_str *out) {
    TEXTS(values, "NULL", "NULL", "0", "1", "'text'", "''", "x''", "2.5", "x'00ff'", "zeroblob(130)",
          "printf('%.*c', 300, 'x')", "char(0, 65)");
    if (random_once_in(&chance, 3)) {
        sqlite3_str_appendf(out, "%lld", (int64_t)random_next(&chance) >> random_below(&chance, 64));
    } else {
        sqlite3_str_appendall(out, values[random_below(&chance, LENGTH(values))]);
    }
}

static sqlite3_stmt *prepare(const char *sql) {
    sqlite3_stmt *statement = NULL;
    ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
    return statement;
}

static sqlite3_value *answer(sqlite3_stmt *statement) {
    int rc = sqlite3_step(statement);
    ck_assert_msg(rc == SQLITE_ROW, "%s: %s", sqlite3_sql(statement), sqlite3_errmsg(db));
    sqlite3_value *value = sqlite3_value_dup(sqlite3_column_value(statement, 0));
    sqlite3_reset(statement);
    return value;
}

static bool same(sqlite3_value *a, sqlite3_value *b) {
    int len = sqlite3_value_bytes(a);
    return sqlite3_value_type(a) == sqlite3_value_type(b) && len == sqlite3_value_bytes(b) &&
           (!len || memcmp(sqlite3_value_blob(a), sqlite3_value_blob(b), (size_t)len) == 0);
}

/* ---- sound records ----------------------------------------------------------------------------------------------- */

TEST(test_a_record_gives_back_what_was_written) {
    chance = (struct random){random_seed()};
    printf("seed %llu\n", (unsigned long long)chance.state);
    for (int i = 0; i < RECORDS * (int)random_scale(); i++) {
        if (!random_span(&chance)) continue;
        sqlite3_str *text = sqlite3_str_new(NULL);
        unsigned columns = random_below(&chance, COLUMNS_MAX + 1);
        for (unsigned j = 0; j < columns; j++) {
            sqlite3_str_appendall(text, ", ");
            put_value(text);
        }
        char *values = sqlite3_str_finish(text);
        for (unsigned j = 0; j < columns + 2; j++) {
            char *sql = sqlite3_mprintf("WITH r(r) AS (SELECT record_of(0%s)) "
                                        "SELECT column_of(r, %u), column_of(written_anew(r), %u), column%u "
                                        "FROM r, (VALUES(1%s, NULL, NULL))",
                                        values ? values : "", j, j, j + 2, values ? values : "");
            sqlite3_stmt *statement = prepare(sql);
            ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
            for (int k = 0; k < 2; k++) {
                ck_assert_msg(same(sqlite3_column_value(statement, k), sqlite3_column_value(statement, 2)), "%s", sql);
            }
            sqlite3_finalize(statement);
            sqlite3_free(sql);
        }
        sqlite3_free(values);
    }
}

TEST(test_nulls_at_the_end_take_no_room) {
    sqlite3_stmt *lengths =
        prepare("SELECT length(record_of(0)) || ' ' || length(record_of(0, NULL)) || ' ' || "
                "length(record_of(0, 0, NULL, NULL)) || ' ' || length(record_of(0, NULL, 300, NULL))");
    sqlite3_value *value = answer(lengths);
    ck_assert_str_eq((const char *)sqlite3_value_text(value), "0 0 2 5");
    sqlite3_value_free(value);
    sqlite3_finalize(lengths);
}

/* ---- damaged ones ------------------------------------------------------------------------------------------------ */

static struct { sqlite3_stmt *one, *keep, *kept, *anew, *one_anew; } asking;

/* By what is there, and by another text. */
static void look_up(struct art_bytes record, unsigned column, const struct art_datum *there) {
    struct art_bytes begin = art_bytes(record.data, art_min32(record.len, random_below(&chance, 4)));
    struct art_datum other = {.kind = ART_DATUM_TEXT, .by = ART_BY_BYTES, .bytes = begin};
    for (int i = 0; i < 2; i++) {
        struct art_term_query query = {.only = i ? other : *there};
        struct art_entry entry = {.value = record};
        struct art_row_set rows = art_row_set_below(1);
        art_records_choose(&entry, column, &query, &rows);
        ck_assert_int_eq(art_row_set_has(&rows, 0), art_value_has_term(there, &query));
    }
}

/* Several columns at once: what one at a time gives, and NULLs from where the record is damaged. */
static void read_for_core(const uint8_t *bytes, int len) {
    uint8_t *copy = malloc(len ? (size_t)len : 1);
    if (len) memcpy(copy, bytes, (size_t)len);
    struct art_bytes record = art_bytes(copy, (uint32_t)len);
    struct art_record_columns in_record = {0};
    struct art_datum data[ART_SUMMARY_MAX];
    unsigned wanted = random_below(&chance, 1u << ART_SUMMARY_MAX), column = random_below(&chance, 3);
    for (unsigned i = 0; i < ART_SUMMARY_MAX; i++, column += 1 + random_below(&chance, 2)) {
        in_record.column[in_record.count++] = (struct art_record_column){column, ART_SUMMARY_MAX - 1 - i};
    }
    struct art_stored stored = art_stored_of(record);
    if (random_once_in(&chance, 2)) wanted = 1u << random_below(&chance, ART_SUMMARY_MAX);
    art_record_data(&in_record, &stored, wanted, NULL, data);
    for (unsigned i = 0; i < in_record.count; i++) {
        const struct art_datum *datum = &data[in_record.column[i].item];
        struct art_datum one;
        struct art_record_reader alone;
        if (!(wanted >> in_record.column[i].item & 1)) continue;
        art_record_reader_set(&alone, art_stored_of(record));
        if (art_record_reader_datum(&alone, in_record.column[i].column, NULL, &one)) one.kind = ART_DATUM_NULL;
        ck_assert_int_eq(datum->kind, one.kind);
        if (one.kind == ART_DATUM_INTEGER || one.kind == ART_DATUM_REAL) ck_assert_int_eq(datum->integer, one.integer);
        if (one.kind >= ART_DATUM_TEXT)
            ck_assert(datum->bytes.data == one.bytes.data && datum->bytes.len == one.bytes.len);
        look_up(record, in_record.column[i].column, &one);
    }
    free(copy);
}

/* All ways of reading it say the same. */
static void read_in_all_ways(const uint8_t *record, int len) {
    read_for_core(record, len);
    sqlite3_bind_blob(asking.keep, 1, len ? (const void *)record : "", len, SQLITE_STATIC);
    sqlite3_bind_blob(asking.one, 1, len ? (const void *)record : "", len, SQLITE_STATIC);
    sqlite3_bind_blob(asking.anew, 1, len ? (const void *)record : "", len, SQLITE_STATIC);
    sqlite3_value_free(answer(asking.keep));
    sqlite3_value *anew = answer(asking.anew);
    sqlite3_bind_value(asking.one_anew, 1, anew);
    for (int i = 0; i < 8; i++) {
        int column = (int)random_below(&chance, COLUMNS_MAX);
        sqlite3_bind_int(asking.one, 2, column);
        sqlite3_bind_int(asking.kept, 1, column);
        sqlite3_value *one = answer(asking.one), *kept = answer(asking.kept);
        ck_assert(same(one, kept));
        sqlite3_value_free(kept);
        if (sqlite3_value_type(anew) != SQLITE_NULL) {
            sqlite3_bind_int(asking.one_anew, 2, column);
            kept = answer(asking.one_anew);
            ck_assert(same(one, kept));
            sqlite3_value_free(kept);
        }
        sqlite3_value_free(one);
    }
    sqlite3_value_free(anew);
}

static void damage(const uint8_t *record, int len) {
    uint8_t *copy = malloc((size_t)len + 1);
    for (int i = 0; i < len; i++) {
        memcpy(copy, record, (size_t)len);
        copy[i] ^= (uint8_t)(1 << random_below(&chance, 8));
        read_in_all_ways(copy, len);
        copy[i] = (uint8_t)random_next(&chance);
        read_in_all_ways(copy, len);
        copy[i] = (uint8_t)(10 + random_below(&chance, 2)); /* a type that there is not */
        read_in_all_ways(copy, len);
        if (random_once_in(&chance, 4)) copy[random_below(&chance, (uint32_t)len)] = 0xff;
        read_in_all_ways(copy, i);
        if (i > 40) i += (int)random_below(&chance, 40);
    }
    for (int i = 0; i < 20 && len; i++) {
        for (int j = 0; j < len; j++) copy[j] = (uint8_t)(random_next(&chance) >> random_below(&chance, 8));
        copy[0] = (uint8_t)random_below(&chance, (uint32_t)(len < 14 ? len : 14) + 1);
        read_in_all_ways(copy, len);
    }
    free(copy);
}

TEST(test_whatever_the_bytes_are_the_answer_is_a_value_or_an_error) {
    chance = (struct random){random_seed()};
    printf("seed %llu\n", (unsigned long long)chance.state);
    asking.one = prepare("SELECT column_of(?1, ?2)");
    asking.keep = prepare("SELECT keep(?1)");
    asking.kept = prepare("SELECT column_kept(?1)");
    asking.anew = prepare("SELECT written_anew(?1)");
    asking.one_anew = prepare("SELECT column_of(?1, ?2)");
    for (int i = 0; i < RECORDS / 10 * (int)random_scale(); i++) {
        if (!random_span(&chance)) continue;
        sqlite3_str *text = sqlite3_str_new(NULL);
        sqlite3_str_appendall(text, "SELECT record_of(0");
        for (unsigned j = random_below(&chance, COLUMNS_MAX); j > 0; j--) {
            sqlite3_str_appendall(text, ", ");
            put_value(text);
        }
        sqlite3_str_appendall(text, ")");
        char *sql = sqlite3_str_finish(text);
        sqlite3_stmt *statement = prepare(sql);
        sqlite3_value *record = answer(statement);
        damage(sqlite3_value_blob(record), sqlite3_value_bytes(record));
        sqlite3_value_free(record);
        sqlite3_finalize(statement);
        sqlite3_free(sql);
    }
    sqlite3_finalize(asking.one);
    sqlite3_finalize(asking.keep);
    sqlite3_finalize(asking.kept);
    sqlite3_finalize(asking.anew);
    sqlite3_finalize(asking.one_anew);
}

static const struct {
    const char *what;
    uint32_t len;
    uint8_t bytes[8];
} none[] = {
    {"a header longer than the record", 2, {3, 8}},
    {"the length of a header cut", 1, {0x81}},
    {"a header shorter than its length", 1, {0}},
    {"a value cut", 3, {2, 2, 1}},
    {"the last of two values cut", 4, {3, 1, 15, 1}},
    {"a type cut", 3, {3, 8, 0x81}},
    {"type 10", 2, {2, 10}},
    {"type 11 behind another", 4, {3, 1, 11, 1}},
};

TEST(test_what_is_cut_or_has_an_unknown_type_is_no_record) {
    for (size_t i = 0; i < LENGTH(none); i++) {
        uint8_t *record = malloc(none[i].len);
        memcpy(record, none[i].bytes, none[i].len);
        ck_assert_msg(!art_record_is_sound(art_bytes(record, none[i].len)), "%s", none[i].what);
        free(record);
    }
    ck_assert(art_record_is_sound(art_bytes(NULL, 0)));
}

SUITE("record", .seconds = SUITE_FOREVER, .set_up = set_up, .tear_down = tear_down)
