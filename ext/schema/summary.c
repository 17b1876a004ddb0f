/* The option `summary`: columns of which every prefix shall be summed up without a look at its rows, and columns whose
 * values shall be found.
 *
 *     summary = (sum(size), max(mtime), min(atime), lookup(etag))        the list also in quotes; at most 8 columns
 *     summary = (search(path), search(title))                            the key, too
 *     summary = (hash(*), hash(values))                                  of no column: sums of hashes of rows
 *     summary = ()                                                       none
 *
 * A column has one sum, min or max; it may also have a lookup and a search. A list that names it more often means one
 * of them: a sum has all that a max has, and min and max differ in what a listing shows.
 *
 * What core makes of them is told in core/base/summary.h: the columns with sums come first there, so they do here.
 * Columns may stand behind the option, or be added later: names are looked up when all columns are known.
 */
#include "core/base/value_hash.h"
#include "ext/base/token.h"
#include "ext/columns/columns.h"
#include "ext/schema/schema.h"

enum summary_word { WORD_NONE, WORD_SUM, WORD_MIN, WORD_MAX, WORD_LOOKUP, WORD_SEARCH, WORD_HASH, WORDS };
static const char *const summary_words[WORDS] = {"", "sum", "min", "max", "lookup", "search", "hash"};
_Static_assert((int)WORD_SUM == (int)ART_MEASURE_SUM && (int)WORD_MAX == (int)ART_MEASURE_MAX, "words of measures");

static const char todo[] = "write summary=(sum(size), max(mtime)), with the names of columns";

struct summary_list {
    const struct art_columns *columns;
    const char *table; /* for messages */
    struct art_token token;
    struct art_summarised *out;
    char **message;
};

static void next_in_list(struct summary_list *list) {
    list->token = art_token_at(list->token.at + list->token.len);
}

static bool skip_mark(struct summary_list *list, char mark) {
    if (!art_token_is_mark(&list->token, mark)) return false;
    next_in_list(list);
    return true;
}

static int refuse_list(const struct summary_list *list, const char *what) {
    return art_complain(list->message, SQLITE_ERROR, "art: %s (%s): %s", what, list->table, todo);
}

static int refuse_column(const struct summary_list *list, const char *name, const char *what, const char *instead) {
    return art_complain(list->message, SQLITE_ERROR, "art: %s (%s.%s): %s", what, list->table, name, instead);
}

static int check_item(const struct summary_list *list, enum summary_word word, const char *name, int found) {
    assert(word > WORD_NONE && word < WORDS && found < (int)list->columns->count);
    static const char others[] = "name another column in summary=";
    if (found < 0) return refuse_column(list, name, "a summary of a column that is not there", others);
    bool key = found == ART_COLUMN_KEY, search = word == WORD_SEARCH, lookup = word == WORD_LOOKUP;
    if (key && !search) return refuse_column(list, name, "the key can only be searched", others);
    const struct art_column *column = &list->columns->items[found];
    if (column->place) return refuse_column(list, name, "a summary is of no column of the key", others);
    if (key && art_columns_keys_are_blobs(list->columns))
        return refuse_column(list, name, "a search is of texts, and the keys are BLOBs", others);
    bool collated = column->collation && sqlite3_stricmp(column->collation, "BINARY");
    bool of_texts = !search && column->affinity == ART_AFFINITY_TEXT;
    static const char without[] = "leave out the column's COLLATE", numeric[] = "give the column a numeric type";
    /* Values are found by their bytes, and compared by them. */
    if (lookup && collated) return refuse_column(list, name, "a lookup is by BINARY", without);
    if (search || lookup) return SQLITE_OK;
    if (word == WORD_SUM && !art_column_is_of_numbers(column))
        return refuse_column(list, name, "a sum is of numbers", numeric);
    if (!art_column_has_order(column)) return refuse_column(list, name, "a summary is of numbers or texts", numeric);
    return of_texts && collated ? refuse_column(list, name, "a summary of texts is by BINARY", without) : SQLITE_OK;
}

static enum art_measure what_both_mean(enum art_measure a, enum art_measure b) {
    if (!a || a == b) return b;
    return a == ART_MEASURE_SUM || b == ART_MEASURE_SUM ? ART_MEASURE_SUM : ART_MEASURE_MAX;
}

static int add_item(struct summary_list *list, enum summary_word word, const char *name, int found) {
    struct art_summarised *out = list->out;
    int rc = check_item(list, word, name, found);
    if (rc) return rc;
    if (found == ART_COLUMN_KEY) {
        out->search_key = true;
        return SQLITE_OK;
    }
    int at = art_summary_find(out, (unsigned)found);
    struct art_summarised_column *item = at < 0 ? NULL : &out->items[at];
    if (!item && out->count == ART_SUMMARY_MAX) return refuse_list(list, "a summary has at most 8 columns");
    if (!item) {
        item = &out->items[out->count++];
        *item = (struct art_summarised_column){.column = (unsigned)found};
    }
    bool lookup = word == WORD_LOOKUP, search = word == WORD_SEARCH, measured = !lookup && !search;
    item->lookup |= lookup;
    item->search |= search;
    if (measured) item->measure = what_both_mean(item->measure, (enum art_measure)word);
    assert(out->count <= ART_SUMMARY_MAX && item->column != ART_COLUMN_KEY);
    return SQLITE_OK;
}

/* What it is of stands in the parentheses: of all, or of values, which may be the name of a column, too. */
static int parse_hash(struct summary_list *list) {
    struct art_summarised *out = list->out;
    bool all = art_token_is_mark(&list->token, '*');
    if (!all && !art_token_is_word(&list->token, "values"))
        return art_complain(list->message, SQLITE_ERROR,
                            "art: a sum of hashes is of whole rows (%s): write hash(*), or "
                            "hash(values) for one without the key",
                            list->table);
    for (unsigned i = ART_HIDDEN_HASH; i <= ART_HIDDEN_HASH_VALUES; i++) {
        const char *name = art_columns_hidden_name(list->columns, i);
        if (art_columns_have(list->columns, name))
            return refuse_column(list, name, "this is the hidden column's name",
                                 "give the table's own column another name");
    }
    next_in_list(list);
    enum art_measure measure = all ? ART_MEASURE_HASH : ART_MEASURE_HASH_VALUES;
    if (art_summary_find_hash(out, measure) >= 0) return SQLITE_OK;
    if (out->count == ART_SUMMARY_MAX) return refuse_list(list, "a summary has at most 8 columns");
    out->items[out->count++] = (struct art_summarised_column){.column = ART_COLUMN_NONE, .measure = measure};
    return SQLITE_OK;
}

static int parse_column(struct summary_list *list, enum summary_word word) {
    if (list->token.kind != ART_TOKEN_WORD && list->token.kind != ART_TOKEN_QUOTED)
        return refuse_list(list, "a summary has a column in parentheses");
    char *name = art_token_text(&list->token);
    if (!name) return SQLITE_NOMEM;
    int found = art_columns_find(list->columns, name);
    int rc = add_item(list, word, name, found);
    art_free(name);
    if (!rc) next_in_list(list);
    return rc;
}

static int parse_item(struct summary_list *list) {
    enum summary_word word = WORD_SUM;
    while (word < WORDS && !art_token_is_word(&list->token, summary_words[word])) word++;
    if (word == WORDS)
        return refuse_list(
            list, "a summary is sum(...), min(...), max(...), lookup(...), search(...), hash(*) or hash(values)");
    next_in_list(list);
    if (!skip_mark(list, '(')) return refuse_list(list, "a summary has a column in parentheses");
    int rc = word == WORD_HASH ? parse_hash(list) : parse_column(list, word);
    if (rc) return rc;
    return skip_mark(list, ')') ? SQLITE_OK : refuse_list(list, "a summary has one column in parentheses");
}

/* What stands where in core's order. */
static unsigned place_of(enum art_measure measure) {
    if (measure == ART_MEASURE_HASH) return 0;
    return measure == ART_MEASURE_HASH_VALUES ? 1 : measure == ART_MEASURE_SUM ? 2 : 3;
}

/* Sums of hashes first, then other sums, the others behind them, each as they were named. */
static void put_sums_first(struct art_summarised *list) {
    struct art_summarised sorted = {.search_key = list->search_key};
    for (unsigned place = 0; place < 4; place++) {
        for (unsigned i = 0; i < list->count; i++) {
            if (place_of(list->items[i].measure) == place) sorted.items[sorted.count++] = list->items[i];
        }
        if (place == 1) sorted.hashes = (uint8_t)sorted.count;
        if (place == 2) sorted.sums = sorted.count;
    }
    for (unsigned i = sorted.hashes; i < sorted.count; i++) { /* insertion sort by column; the key is in no record */
        struct art_record_columns *in_record = &sorted.in_record;
        unsigned at = in_record->count++, column = sorted.items[i].column - 1;
        assert(sorted.items[i].column != ART_COLUMN_KEY && in_record->count <= ART_SUMMARY_MAX);
        for (; at && in_record->column[at - 1].column > column; at--) in_record->column[at] = in_record->column[at - 1];
        in_record->column[at] = (struct art_record_column){column, i};
    }
    assert(sorted.count == list->count && sorted.sums <= sorted.count);
    *list = sorted;
}

static int end_of_list(const struct summary_list *list) {
    return list->token.kind == ART_TOKEN_END ? SQLITE_OK : refuse_list(list, "something stands behind a summary");
}

static int parse_items(struct summary_list *list) {
    bool opened = skip_mark(list, '(');
    if (opened && skip_mark(list, ')')) return end_of_list(list);
    do {
        int rc = parse_item(list);
        if (rc) return rc;
    } while (skip_mark(list, ','));
    if (opened && !skip_mark(list, ')')) return refuse_list(list, "the list of a summary is not closed");
    return end_of_list(list);
}

int art_summary_parse(const char *argument, const struct art_columns *columns, const char *table,
                      struct art_summarised *out, char **message) {
    struct summary_list list = {.columns = columns, .table = table, .out = out, .message = message};
    struct art_token name = art_token_at(argument), equals = art_token_at(name.at + name.len);
    char *quoted = NULL;
    *out = (struct art_summarised){0};
    list.token = art_token_at(equals.at + equals.len);
    if (list.token.kind == ART_TOKEN_QUOTED) {
        struct art_token end = art_token_at(list.token.at + list.token.len);
        if (end.kind != ART_TOKEN_END) return refuse_list(&list, "something stands behind a summary");
        quoted = art_token_text(&list.token);
        if (!quoted) return SQLITE_NOMEM;
        list.token = art_token_at(quoted);
    }
    int rc = parse_items(&list);
    art_free(quoted);
    put_sums_first(out);
    if (rc) *out = (struct art_summarised){0};
    return rc;
}

int art_summary_check_sums(const struct art_summarised *summarised, const struct art_columns *columns,
                           const char *table, char **message) {
    for (unsigned i = summarised->hashes; i < summarised->sums; i++) {
        const struct art_column *column = &columns->items[summarised->items[i].column];
        if (column->affinity != ART_AFFINITY_REAL) continue;
        return art_complain(message, SQLITE_ERROR,
                            "art: a sum is of integers, and a column of type %s makes each a REAL (%s.%s): declare it "
                            "INTEGER, for cents or seconds, say, or name another column in summary=",
                            column->type, table, column->name);
    }
    return SQLITE_OK;
}

static void show_word(sqlite3_str *out, enum summary_word word, const char *name) {
    assert(word < WORDS && name);
    if (word) sqlite3_str_appendf(out, "%s%s(\"%w\")", sqlite3_str_length(out) ? ", " : "", summary_words[word], name);
}

char *art_summary_show(const struct art_summarised *summarised, const struct art_columns *columns) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    for (unsigned i = 0; i < summarised->count; i++) {
        const struct art_summarised_column *item = &summarised->items[i];
        if (art_measure_hashes(item->measure)) {
            const char *of = item->measure == ART_MEASURE_HASH ? "*" : "values";
            sqlite3_str_appendf(out, "%shash(%s)", sqlite3_str_length(out) ? ", " : "", of);
            continue;
        }
        const char *name = columns->items[item->column].name;
        assert(item->column < columns->count);
        show_word(out, (enum summary_word)item->measure, name);
        if (item->lookup) show_word(out, WORD_LOOKUP, name);
        if (item->search) show_word(out, WORD_SEARCH, name);
    }
    if (summarised->search_key) show_word(out, WORD_SEARCH, columns->items[ART_COLUMN_KEY].name);
    return sqlite3_str_finish(out);
}

int art_summary_option(const char *list, char **out) {
    char *option = sqlite3_mprintf("summary=(%s)", list);
    *out = option ? art_string_copy(option) : NULL;
    sqlite3_free(option);
    return *out ? SQLITE_OK : SQLITE_NOMEM;
}

static bool items_equal(const struct art_summarised_column *a, const struct art_summarised_column *b) {
    return a->column == b->column && a->measure == b->measure && a->lookup == b->lookup && a->search == b->search;
}

bool art_summaries_equal(const struct art_summarised *a, const struct art_summarised *b) {
    bool equal = a->count == b->count && a->search_key == b->search_key;
    for (unsigned i = 0; equal && i < a->count; i++) equal = items_equal(&a->items[i], &b->items[i]);
    return equal;
}

bool art_summaries_mean_the_same(const struct art_summarised *a, const struct art_summarised *b) {
    bool same = a->count == b->count && a->search_key == b->search_key;
    for (unsigned i = 0; same && i < a->count; i++) {
        enum art_measure measure = a->items[i].measure;
        int other =
            art_measure_hashes(measure) ? art_summary_find_hash(b, measure) : art_summary_find(b, a->items[i].column);
        same = other >= 0 && items_equal(&a->items[i], &b->items[other]);
    }
    return same;
}

int art_summary_find(const struct art_summarised *summarised, unsigned column) {
    for (unsigned i = 0; i < summarised->count; i++) {
        if (summarised->items[i].column == column) return (int)i;
    }
    return -1;
}

int art_summary_find_hash(const struct art_summarised *summarised, enum art_measure measure) {
    assert(art_measure_hashes(measure));
    for (unsigned i = 0; i < summarised->count; i++) {
        if (summarised->items[i].measure == measure) return (int)i;
    }
    return -1;
}

int art_summary_find_measured(const struct art_summarised *summarised, unsigned column) {
    int item = art_summary_find(summarised, column);
    return item >= 0 && !summarised->items[item].measure ? -1 : item;
}

/* For core: the columns of a record. A damaged one is reported by the read of the row. */
static void read_row(void *context, const struct art_stored *value, unsigned wanted, uint8_t *room,
                     struct art_datum *out) {
    const struct art_summarised *summarised = context;
    art_record_data(&summarised->in_record, value, wanted, room, out);
}

static void read_column_of_rows(void *context, struct art_bytes block, unsigned item, uint32_t from, uint32_t to,
                                struct art_datum *out) {
    const struct art_summarised *summarised = context;
    uint8_t room[ART_BLOCK_PLAIN_MAX];
    art_block_column(block, summarised->items[item].column - 1, from, to, room, out);
    for (uint32_t i = 0; i < to - from; i++) {
        if (out[i].kind == ART_DATUM_BEYOND) out[i].kind = ART_DATUM_NULL;
        out[i].bytes = art_bytes(NULL, 0); /* what is in `room` goes with it */
    }
}

static bool has_term(const void *query, const struct art_datum *value) {
    return art_value_has_term(value, query);
}

static void choose_rows_of_block(void *context, struct art_bytes block, const struct art_term_query *query,
                                 struct art_row_set *rows) {
    const struct art_summarised *summarised = context;
    uint8_t room[ART_VALUE_INLINE_MAX];
    struct art_column_test test = {.singly = true, .wants = has_term, .context = query};
    if (query->only.kind == ART_DATUM_INTEGER) {
        test.low = test.high = query->only.integer;
        test.singly = false;
    }
    art_block_choose(block, summarised->items[query->field].column - 1, &test, room, rows);
}

static void choose_records(void *context, const struct art_entry *entries, const struct art_term_query *query,
                           struct art_row_set *rows) {
    const struct art_summarised *summarised = context;
    art_records_choose(entries, summarised->items[query->field].column - 1, query, rows);
}

struct art_summary art_summary_for_core(const struct art_summarised *summarised) {
    struct art_summary summary = {.has = {.columns = (uint8_t)summarised->count, .sums = (uint8_t)summarised->sums}};
    for (unsigned i = 0; i < summarised->count; i++) {
        summary.has.lookups |= (uint8_t)(summarised->items[i].lookup << i);
        summary.has.searches |= (uint16_t)(summarised->items[i].search << i);
        summary.texts |= (uint8_t)((summarised->items[i].measure != ART_MEASURE_NONE) << i);
    }
    summary.hashes = summarised->hashes;
    summary.keyed = summarised->count && summarised->items[0].measure == ART_MEASURE_HASH;
    if (summarised->search_key) summary.has.searches |= ART_SEARCH_KEY;
    summary.read = read_row;
    summary.read_column = read_column_of_rows;
    summary.choose = choose_rows_of_block;
    summary.choose_records = choose_records;
    summary.cut = art_trigrams;
    summary.context = (void *)summarised;
    return summary;
}
