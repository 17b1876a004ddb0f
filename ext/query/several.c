/* Conditions on the columns of a key that has several: an equality with each of the first ones, and a range of the
 * next, are one range of keys (ext/base/ordered.c). A key is base, a value, and what follows:
 *
 *     a = 1 AND b = 2              base is both; all keys that begin with it and go on with another value
 *     a = 1 AND b > 2              behind base, 2 and whatever follows
 *     a = 1 AND b GLOB 'x*'        base and the text's beginning; so is a prefix
 *
 * SQLite looks at the column of a range again, row by row: a value that is converted by the column's affinity is so on
 * both sides, and what no range has is left to SQLite.
 */
#include <assert.h>

#include "ext/query/planning.h"
#include "ext/query/scan.h"

/* --- the plan ----------------------------------------------------------------------------------------------------- */

static bool is_text_place(const struct art_columns *columns, unsigned place) {
    if (!place || place > columns->keys) return false;
    enum art_affinity affinity = columns->items[art_columns_key(columns, place)].affinity;
    return affinity == ART_AFFINITY_TEXT || affinity == ART_AFFINITY_BLOB;
}

static bool is_listed_place(const struct art_columns *columns, unsigned place) {
    return place && place <= columns->keys && art_columns_lists(columns, place);
}

static bool is_listing(const struct art_planning *planning) {
    bool listed = false;
    for (int i = 0; i < planning->info->nConstraint; i++) {
        int hidden = art_hidden_column(planning->vtab, planning->info->aConstraint[i].iColumn);
        if (planning->conditions[i].meaning == ART_ARGUMENT_PLACE) continue;
        listed |= hidden >= ART_HIDDEN_PREFIX && hidden <= ART_HIDDEN_START_AFTER;
    }
    return listed;
}

/* A literal, which is compared as a text, or a CAST, by which texts are compared as numbers: SQLite tells no
 * difference. In a listing such an equality stays what it is, and is refused. */
static bool is_number_for_texts(const struct art_planning *planning, int i, const struct art_column *column) {
    sqlite3_value *constant = art_condition_constant(planning, i);
    int type = constant ? sqlite3_value_type(constant) : SQLITE_NULL;
    bool number = type == SQLITE_INTEGER || type == SQLITE_FLOAT;
    return number && column->affinity == ART_AFFINITY_TEXT && !is_listing(planning);
}

/* Does a condition compare this column, so that a range can have it? ART_ARGUMENT_NONE: no. */
static enum art_argument meaning_of_key(const struct art_planning *planning, int i, unsigned column) {
    const struct sqlite3_index_constraint *constraint = &planning->info->aConstraint[i];
    const struct art_column *of = &planning->vtab->columns.items[column];
    if (!constraint->usable || constraint->iColumn != (int)column) return ART_ARGUMENT_NONE;
    if (constraint->op == SQLITE_INDEX_CONSTRAINT_ISNULL) return ART_ARGUMENT_NULL;
    enum art_argument meaning = art_condition_means(constraint->op);
    if (meaning == ART_ARGUMENT_GLOB) {
        bool takes = of->affinity == ART_AFFINITY_TEXT && !art_condition_glob_lacks_bounds(planning, i);
        return takes ? meaning : ART_ARGUMENT_NONE;
    }
    if (!art_condition_is_by(planning, i, "BINARY")) return ART_ARGUMENT_NONE;
    if (meaning == ART_ARGUMENT_EQUAL && is_number_for_texts(planning, i, of)) return ART_ARGUMENT_NONE;
    /* A text may be a bound that SQLite has made of a pattern, which may match BLOBs, too. */
    bool text = art_condition_text(planning, i).data && of->affinity != ART_AFFINITY_TEXT;
    return text && meaning != ART_ARGUMENT_EQUAL ? ART_ARGUMENT_NONE : meaning;
}

/* Rather one with a literal. */
static int find_equal_of_key(const struct art_planning *planning, unsigned column) {
    int found = -1;
    for (int i = 0; i < planning->info->nConstraint; i++) {
        unsigned char op = planning->info->aConstraint[i].op;
        if (art_condition_means(op) != ART_ARGUMENT_EQUAL && op != SQLITE_INDEX_CONSTRAINT_ISNULL) continue;
        enum art_argument meaning = meaning_of_key(planning, i, column);
        if (meaning != ART_ARGUMENT_EQUAL && meaning != ART_ARGUMENT_NULL) continue;
        if (meaning == ART_ARGUMENT_NULL || art_condition_constant(planning, i)) return i;
        if (found < 0) found = i;
    }
    return found;
}

/* Of n = ?1 AND n = t SQLite makes t = ?1, and compares as with n: by '2.0' = 2, where n is a column of numbers. Where
 * n is another table's, nobody can tell. */
static bool may_stand_for_number(const struct art_planning *planning, unsigned column) {
    const struct art_columns *columns = &planning->vtab->columns;
    for (int i = 0; i < planning->info->nConstraint; i++) {
        const struct sqlite3_index_constraint *constraint = &planning->info->aConstraint[i];
        bool equal = constraint->usable && art_condition_means(constraint->op) == ART_ARGUMENT_EQUAL;
        if (!equal) continue;
        int other = constraint->iColumn, hidden = art_hidden_column(planning->vtab, other);
        bool is_own = other >= 0 && other < (int)columns->count;
        bool numbers = is_own ? columns->items[other].affinity >= ART_AFFINITY_NUMERIC
                              : hidden == ART_HIDDEN_VERSION || hidden == ART_HIDDEN_ENTRIES;
        if (numbers && other != (int)column && !art_condition_constant(planning, i)) return true;
    }
    return false;
}

static void take_of_key(struct art_planning *planning, int i, unsigned column, enum art_argument meaning) {
    bool is_literal = meaning == ART_ARGUMENT_NULL || art_condition_constant(planning, i);
    art_planning_take_column(planning, i, (int)column, is_literal, meaning, false);
    if (planning->info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_IS)
        planning->conditions[i].term.flags |= ART_TERM_IS;
    if (may_stand_for_number(planning, column)) planning->conditions[i].term.flags |= ART_TERM_DOUBT;
}

static void take_range_of_key(struct art_planning *planning, unsigned column) {
    for (int i = 0; i < planning->info->nConstraint; i++) {
        enum art_argument meaning = meaning_of_key(planning, i, column);
        bool glob = meaning == ART_ARGUMENT_GLOB;
        bool low = glob || meaning == ART_ARGUMENT_GREATER || meaning == ART_ARGUMENT_GREATER_EQUAL;
        bool high = glob || meaning == ART_ARGUMENT_LESS || meaning == ART_ARGUMENT_LESS_EQUAL;
        if (!low && !high) continue;
        take_of_key(planning, i, column, meaning);
        planning->bounded_low |= low;
        planning->bounded_high |= high;
    }
}

/* A listing is of the first column without a value: where a table that stands behind this one would give it one, the
 * listing would be another one. */
static bool waits_for_value(const struct art_planning *planning, unsigned column) {
    const sqlite3_index_info *info = planning->info;
    bool waits = false;
    for (int i = 0; i < info->nConstraint; i++) {
        const struct sqlite3_index_constraint *constraint = &info->aConstraint[i];
        bool equal = art_condition_means(constraint->op) == ART_ARGUMENT_EQUAL;
        waits |= equal && !constraint->usable && constraint->iColumn == (int)column;
    }
    return waits && is_listing(planning);
}

/* All keys of the range have these values, and SQLite need not look at each row again. Only in a listing whose names
 * are those of a column with a value do keys no more than begin with it (want_listing()). */
static void omit_equalities(struct art_planning *planning) {
    const struct art_columns *columns = &planning->vtab->columns;
    if (is_listing(planning) && !is_listed_place(columns, planning->fixed + 1)) return;
    for (unsigned place = 1; place <= planning->fixed; place++) {
        for (int i = 0; i < planning->info->nConstraint; i++) {
            const struct sqlite3_index_constraint *constraint = &planning->info->aConstraint[i];
            bool of_place = constraint->iColumn == (int)art_columns_key(columns, place);
            if (of_place && planning->info->aConstraintUsage[i].argvIndex) planning->info->aConstraintUsage[i].omit = 1;
        }
    }
}

int art_several_take(struct art_planning *planning) {
    const struct art_columns *columns = &planning->vtab->columns;
    int i = 0;
    while (i >= 0 && planning->fixed < columns->keys) {
        unsigned place = planning->fixed + 1, column = art_columns_key(columns, place);
        i = find_equal_of_key(planning, column);
        if (i >= 0) {
            take_of_key(planning, i, column, meaning_of_key(planning, i, column));
            planning->fixed++;
        } else if (waits_for_value(planning, column)) {
            return SQLITE_CONSTRAINT;
        } else if (planning->kind == ART_SCAN_RANGE ||
                   (planning->kind == ART_SCAN_LEVEL && is_listed_place(columns, place))) {
            take_range_of_key(planning, column);
        }
    }
    omit_equalities(planning);
    return SQLITE_OK;
}

/* DISTINCT: one row is enough of those that have the same values in the columns before this place, if nothing else is
 * read. Whether the bytes of the key are, newer versions of SQLite do not tell: the scan looks (range.c). */
static void take_distinct(struct art_planning *planning, unsigned place) {
    const struct art_columns *columns = &planning->vtab->columns;
    sqlite3_uint64 read = (sqlite3_uint64)1 << ART_COLUMN_KEY;
    if (sqlite3_vtab_distinct(planning->info) < 2 || place > columns->keys || planning->kind != ART_SCAN_RANGE) return;
    for (unsigned i = 1; i < place; i++) {
        unsigned column = art_columns_key(columns, i);
        if (column < 63) read |= (sqlite3_uint64)1 << column; /* those behind share a bit */
    }
    if (!art_planning_reads_within(planning, read)) return;
    planning->plan |= (int)(place - 1) << ART_PLAN_ITEM_SHIFT;
    art_plan_text_append(&planning->words, ", distinct");
}

bool art_several_order(struct art_planning *planning, bool *descending) {
    const struct art_columns *columns = &planning->vtab->columns;
    const sqlite3_index_info *info = planning->info;
    unsigned place = planning->fixed + 1;
    bool any = false, any_way = sqlite3_vtab_distinct(planning->info) == 2;
    for (int i = 0; i < info->nOrderBy && place <= columns->keys; i++) {
        int number = info->aOrderBy[i].iColumn;
        if (number <= ART_COLUMN_KEY || number >= (int)columns->count) return false;
        const struct art_column *column = &columns->items[number];
        if (column->place && column->place < place)
            continue; /* all rows have one value there, or it was named before */
        bool turned = !any_way && column->descending != !!info->aOrderBy[i].desc;
        if (column->place != place || (any && turned != *descending)) return false;
        *descending = turned;
        any = true;
        place++;
    }
    if (info->nOrderBy) take_distinct(planning, place);
    return info->nOrderBy > 0;
}

/* --- the scan ----------------------------------------------------------------------------------------------------- */

/* What is compared, as the column has it. A BLOB, where the column is one of texts, is above all of these as a key,
 * too, as a text is below all BLOBs. */
struct compared {
    struct art_field field;
    struct art_datum datum;
};

/* A number that SQLite may compare with texts, or with what they are as numbers. */
static bool is_doubtful(const struct art_column *column, sqlite3_value *value) {
    int type = sqlite3_value_type(value);
    return column->affinity == ART_AFFINITY_TEXT && (type == SQLITE_INTEGER || type == SQLITE_FLOAT);
}

static int take_compared(const struct art_column *column, sqlite3_value *value, struct compared *out) {
    *out = (struct compared){.datum = {.kind = ART_DATUM_NULL}};
    /* A comparison converts to numbers, and rounds none to a REAL. */
    bool is_real = column->affinity == ART_AFFINITY_REAL;
    if (art_field_set(&out->field, value, is_real ? ART_AFFINITY_NUMERIC : column->affinity)) return SQLITE_NOMEM;
    art_field_datum(&out->field, &out->datum);
    return SQLITE_OK;
}

/* Where the keys begin that have the value at the end of the base at its place, or where they have ended. */
static void bound_of_key(struct art_key_range *keys, struct art_buffer *base, bool descending, bool low, bool behind) {
    size_t len = base->len;
    const uint8_t byte = behind ? ART_KEY_BEHIND : ART_KEY_BEFORE;
    if ((behind || descending) && art_buffer_append(base, &byte, 1)) {
        keys->rc = SQLITE_NOMEM;
    } else if (low) {
        art_key_range_low(keys, art_buffer_bytes(base), false);
    } else {
        art_key_range_high(keys, art_buffer_bytes(base), true);
    }
    base->len = len;
}

/* Of the names that a level shows: the bound is where the texts begin that begin with it, so that level.c finds the
 * common prefix that it lies in. A name that is itself the bound has an end: it is inside with all that begin so. */
static void bound_of_names(struct art_scan *scan, bool low, bool itself) {
    struct art_key_range *keys = &scan->keys;
    struct art_bytes bound = art_buffer_bytes(&scan->base);
    struct art_range range;
    if (low) {
        art_key_range_low(keys, bound, false);
    } else if (!itself) {
        art_key_range_high(keys, bound, true);
    } else if (art_buffer_reserve(&keys->scratch, bound.len)) {
        keys->rc = SQLITE_NOMEM;
    } else {
        art_range_of_prefix(bound, keys->scratch.data, &range);
        if (range.high_set) art_key_range_high(keys, range.high, true);
    }
}

static int want_bound_of_key(struct art_scan *scan, const struct art_column *column, enum art_argument meaning,
                             sqlite3_value *value) {
    struct art_key_range *keys = &scan->keys;
    struct art_buffer *base = &scan->base;
    struct compared compared;
    bool names = scan->kind == ART_SCAN_LEVEL;
    bool greater = meaning == ART_ARGUMENT_GREATER || meaning == ART_ARGUMENT_GREATER_EQUAL;
    size_t len = base->len;
    if (is_doubtful(column, value)) return SQLITE_OK;
    int rc = take_compared(column, value, &compared);
    if (rc) return rc;
    if (sqlite3_value_type(value) == SQLITE_NULL) keys->empty = true;
    if (keys->empty) return SQLITE_OK;
    if (art_ordered_append(base, &compared.datum, column->descending, names)) return SQLITE_NOMEM;
    bool itself = meaning == ART_ARGUMENT_GREATER_EQUAL || meaning == ART_ARGUMENT_LESS_EQUAL;
    bool low = greater != column->descending;
    if (names) {
        bound_of_names(scan, low, itself);
    } else {
        bound_of_key(keys, base, column->descending, low, low != itself);
    }
    base->len = len;
    return keys->rc;
}

/* Of texts that begin with these bytes. */
static int want_beginning(struct art_scan *scan, const struct art_column *column, struct art_bytes text) {
    struct art_buffer *base = &scan->base;
    const struct art_datum datum = {.kind = column->affinity == ART_AFFINITY_BLOB ? ART_DATUM_BLOB : ART_DATUM_TEXT,
                                    .bytes = text};
    size_t len = base->len;
    if (art_ordered_append(base, &datum, column->descending, true)) return SQLITE_NOMEM;
    art_key_range_prefix(&scan->keys, art_buffer_bytes(base));
    base->len = len;
    return scan->keys.rc;
}

static int want_pattern_of_key(struct art_scan *scan, const struct art_column *column, sqlite3_value *value) {
    int type = sqlite3_value_type(value);
    if (type == SQLITE_NULL) scan->keys.empty = true;
    if (type != SQLITE_TEXT) return SQLITE_OK;
    const char *pattern = (const char *)sqlite3_value_text(value);
    if (!pattern) return SQLITE_NOMEM;
    return want_beginning(scan, column, art_bytes(pattern, art_glob_prefix(pattern)));
}

/* Of a value that each key has at its place. */
static int want_equal_of_key(struct art_scan *scan, const struct art_column *column, sqlite3_value *value,
                             unsigned flags, bool is_null) {
    struct compared compared = {.datum = {.kind = ART_DATUM_NULL}};
    bool doubtful = !is_null && is_doubtful(column, value);
    if (doubtful && (flags & ART_TERM_DOUBT || !sqlite3_value_frombind(value)))
        return art_scan_refuse_number(scan, column, value);
    int rc = is_null ? SQLITE_OK : take_compared(column, value, &compared);
    if (rc) return rc;
    bool null = !is_null && sqlite3_value_type(value) == SQLITE_NULL;
    if (null && !(flags & ART_TERM_IS)) scan->keys.empty = true;
    return art_ordered_append(&scan->base, &compared.datum, column->descending, false) ? SQLITE_NOMEM : SQLITE_OK;
}

struct several_terms {
    const struct art_term *term;
    int argc;
    sqlite3_value **argv;
    unsigned fixed;                /* so many columns of the key, from its first on, have a value */
    size_t ends[ART_KEYS_MAX + 1]; /* of the values in the base, by their places */
};

static int find_term_of_key(const struct several_terms *terms, unsigned column, bool equal, int from) {
    for (int i = from; i < terms->argc; i++) {
        const struct art_term *term = &terms->term[i];
        bool is_equal = term->meaning == ART_ARGUMENT_EQUAL || term->meaning == ART_ARGUMENT_NULL;
        if (term->column == column && is_equal == equal) return i;
    }
    return -1;
}

static int want_equalities(struct art_scan *scan, struct several_terms *terms) {
    const struct art_columns *columns = &art_scan_vtab(scan)->columns;
    for (; terms->fixed < columns->keys; terms->fixed++) {
        unsigned column = art_columns_key(columns, terms->fixed + 1);
        int i = find_term_of_key(terms, column, true, 0);
        if (i < 0) return SQLITE_OK;
        const struct art_term *term = &terms->term[i];
        int rc = want_equal_of_key(scan, &columns->items[column], terms->argv[i], term->flags,
                                   term->meaning == ART_ARGUMENT_NULL);
        if (rc) return rc;
        terms->ends[terms->fixed + 1] = scan->base.len;
    }
    return SQLITE_OK;
}

/* All keys that begin with the values that are fixed. */
static int want_base(struct art_scan *scan, unsigned fixed) {
    static const uint8_t end = ART_KEY_END;
    const struct art_columns *columns = &art_scan_vtab(scan)->columns;
    struct art_key_range *keys = &scan->keys;
    struct art_buffer *base = &scan->base;
    if (!fixed) return SQLITE_OK;
    bool descending = columns->items[art_columns_key(columns, fixed)].descending;
    if (fixed == columns->keys) {
        if (descending && art_buffer_append(base, &end, 1)) return SQLITE_NOMEM;
        art_key_range_low(keys, art_buffer_bytes(base), false);
        art_key_range_high(keys, art_buffer_bytes(base), false);
        return keys->rc;
    }
    bound_of_key(keys, base, descending, true, false);
    bound_of_key(keys, base, descending, false, true);
    return keys->rc;
}

static int want_range_of_key(struct art_scan *scan, const struct several_terms *terms, unsigned column) {
    const struct art_column *of = &art_scan_vtab(scan)->columns.items[column];
    int rc = SQLITE_OK;
    for (int i = find_term_of_key(terms, column, false, 0); !rc && i >= 0;
         i = find_term_of_key(terms, column, false, i + 1)) {
        const struct art_term *term = &terms->term[i];
        rc = term->meaning == ART_ARGUMENT_GLOB
                 ? want_pattern_of_key(scan, of, terms->argv[i])
                 : want_bound_of_key(scan, of, (enum art_argument)term->meaning, terms->argv[i]);
    }
    return rc;
}

/* --- arguments of a listing --------------------------------------------------------------------------------------- */

static bool has_listing(const struct art_scan *scan) {
    const struct art_shown *shown = scan->shown;
    return shown[ART_HIDDEN_PREFIX].type || shown[ART_HIDDEN_DELIMITER].type || shown[ART_HIDDEN_START_AFTER].type;
}

/* They are of the first column that has no value, if that is a text; else of the last text that has one, which is then
 * the name of a row of the listing: all keys that it may stand for begin with it. */
static int want_listing(struct art_scan *scan, struct several_terms *terms) {
    const struct art_columns *columns = &art_scan_vtab(scan)->columns;
    const struct art_shown *shown = scan->shown;
    struct art_buffer *base = &scan->base;
    unsigned place = terms->fixed + 1;
    bool none = is_text_place(columns, place) && !is_listed_place(columns, place);
    while (place && !is_listed_place(columns, place)) place--;
    if (!place || none) {
        return art_complain(&scan->open.base.pVtab->zErrMsg, SQLITE_ERROR,
                            "art: a prefix, a delimiter and start_after are of a text of the key in ascending order "
                            "(%s): write an = for each column "
                            "before it",
                            art_scan_vtab(scan)->name->table);
    }
    if (place <= terms->fixed) {
        art_key_range_prefix(&scan->keys,
                             art_bytes(base->data, (uint32_t)terms->ends[place] - 1)); /* without its end */
        terms->fixed = place - 1;
        base->len = terms->ends[place - 1];
    }
    bool of_blobs = columns->items[art_columns_key(columns, place)].affinity == ART_AFFINITY_BLOB;
    struct art_datum datum = {.kind = of_blobs ? ART_DATUM_BLOB : ART_DATUM_TEXT,
                              .bytes = art_buffer_bytes(&shown[ART_HIDDEN_PREFIX].text)};
    scan->below.len = scan->behind.len = scan->parting.len = 0;
    if (art_buffer_append(&scan->below, base->data, base->len) || art_ordered_append(&scan->below, &datum, false, true))
        return SQLITE_NOMEM;
    datum.bytes = art_buffer_bytes(&shown[ART_HIDDEN_DELIMITER].text);
    if (art_ordered_append(&scan->parting, &datum, false, true)) return SQLITE_NOMEM;
    datum.bytes = art_buffer_bytes(&shown[ART_HIDDEN_START_AFTER].text);
    if (art_buffer_append(&scan->behind, base->data, base->len) ||
        art_ordered_append(&scan->behind, &datum, false, true))
        return SQLITE_NOMEM;
    return SQLITE_OK;
}

/* Up to where the text ends that goes on at `from`. */
static uint32_t text_end(struct art_bytes key, uint32_t from) {
    uint32_t at = from;
    while (at < key.len && (key.data[at] || (at + 1 < key.len && key.data[at + 1] == ART_KEY_BEHIND)))
        at += key.data[at] ? 1 : 2;
    return art_min32(at, key.len);
}

/* Behind the first delimiter of the text that goes on at `from`, or 0. */
uint32_t art_several_roll_up(const struct art_scan *scan, struct art_bytes key, uint32_t from) {
    struct art_bytes delimiter =
        art_bytes(scan->parting.data + 1, (uint32_t)scan->parting.len - 1); /* without its tag */
    uint32_t end = text_end(key, from), at = from;
    while (at + delimiter.len <= end) {
        const uint8_t *found = art_find_bytes(key.data + at, end - at, delimiter.data, delimiter.len);
        if (!found) return 0;
        uint32_t place = (uint32_t)(found - key.data);
        if (place == from || key.data[place - 1] || *found != ART_KEY_BEHIND) return place + delimiter.len;
        at = place + 1; /* that was the second byte of an escaped NUL */
    }
    return 0;
}

uint32_t art_several_bytes(const struct art_scan *scan, struct art_bytes key, unsigned places) {
    const struct art_columns *columns = &art_scan_vtab(scan)->columns;
    struct art_bytes rest = key;
    bool sound = true, open;
    for (unsigned place = 1; sound && place <= places; place++) {
        struct art_datum datum;
        sound =
            art_ordered_next(&rest, columns->items[art_columns_key(columns, place)].descending, NULL, &datum, &open);
    }
    return sound ? key.len - rest.len : 0;
}

int art_several_arguments(struct art_scan *scan, const struct art_term *term, int argc, sqlite3_value **argv) {
    const struct art_columns *columns = &art_scan_vtab(scan)->columns;
    struct several_terms terms = {.term = term, .argc = argc, .argv = argv};
    scan->base.len = 0;
    int rc = want_equalities(scan, &terms);
    bool plain = scan->kind == ART_SCAN_RANGE && !has_listing(scan);
    if (!rc && has_listing(scan)) rc = want_listing(scan, &terms);
    if (rc || scan->keys.empty) return rc;
    bool all = terms.fixed == columns->keys;
    if (!rc && !all) rc = want_range_of_key(scan, &terms, art_columns_key(columns, terms.fixed + 1));
    if (!rc) rc = want_base(scan, terms.fixed);
    if (!rc && all && plain) scan->kind = ART_SCAN_POINT;
    return rc;
}
