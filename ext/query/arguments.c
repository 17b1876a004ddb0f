/* From xFilter's arguments to what is wanted, by plan.h's table. The planner does the same with constants, to guess how
 * many rows they give. */
#include "ext/query/scan.h"

#include <assert.h>

enum { VERSIONS_BITS = 56 }; /* of a csn: core takes no larger one */
_Static_assert(ART_ARGUMENT_START_AFTER - ART_ARGUMENT_PREFIX == ART_HIDDEN_START_AFTER - ART_HIDDEN_PREFIX, "want()");
static const double VERSIONS_END = (double)((uint64_t)1 << VERSIONS_BITS); /* no version is as large */

/* --- what xFilter is given ---------------------------------------------------------------------------------------- */

static bool never_matches(const struct art_scan *scan, int type) {
    return type == SQLITE_NULL || (type == SQLITE_BLOB && art_scan_vtab(scan)->connection->blobs_never_match);
}

static bool too_complex(const struct art_scan *scan, int len) {
    return len > sqlite3_limit(art_scan_vtab(scan)->connection->db, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, -1);
}

/* The path itself, and whatever a NUL hides from SQLite's comparison behind it. */
static void want_hidden_rest(struct art_key_range *keys, struct art_bytes path) {
    static const uint8_t one = 1;
    if (art_buffer_set(&keys->scratch, path.data, path.len) || art_buffer_append(&keys->scratch, &one, 1)) {
        keys->rc = SQLITE_NOMEM;
        return;
    }
    art_key_range_low(keys, path, false);
    art_key_range_high(keys, art_buffer_bytes(&keys->scratch), true);
}

/* `bounded`: SQLite has made bounds of it, by a literal or by what is bound to a parameter (and prepares anew where
 * that changes), which are taken, too. A path may go on with a stray continuation byte, which makes the prefix's last
 * character another one: not for SQLite where the bounds are all that it asks for. */
static void want_glob(struct art_scan *scan, sqlite3_value *value, bool bounded) {
    struct art_key_range *keys = &scan->keys;
    if (never_matches(scan, sqlite3_value_type(value))) {
        keys->empty = true;
        return;
    }
    const char *pattern = (const char *)sqlite3_value_text(value);
    if (!pattern) {
        keys->rc = SQLITE_NOMEM;
        return;
    }
    struct art_bytes prefix = art_bytes(pattern, art_glob_prefix(pattern));
    const char *rest = pattern + prefix.len;
    if (prefix.len > ART_PATH_MAX) {
        keys->empty = true;
        return;
    }
    if (*rest == 0) {
        want_hidden_rest(keys, prefix);
        return;
    }
    art_key_range_prefix(keys, prefix);
    bool only_stars = rest[strspn(rest, "*")] == 0;
    if ((bounded && !strcmp(pattern + strcspn(pattern, "*?["), "*")) ||
        (only_stars && (!prefix.len || (uint8_t)rest[-1] < 0x80)))
        return;
    if (too_complex(scan, sqlite3_value_bytes(value))) { /* a range has no limit, nor have SQLite's bounds */
        keys->rc = art_complain(&scan->open.base.pVtab->zErrMsg, SQLITE_ERROR, "LIKE or GLOB pattern too complex");
        return;
    }
    if (scan->match.by == ART_MATCH_GLOB) { /* the planner leaves all but the first to SQLite */
        keys->rc = art_filters_add_pattern(scan, ART_COLUMN_KEY, ART_ARGUMENT_GLOB, value);
        return;
    }
    scan->match.by = ART_MATCH_GLOB;
    if (art_pieces_set(&scan->match.pieces, pattern, false)) keys->rc = SQLITE_NOMEM;
    if (art_buffer_set(&scan->match.text, pattern, strlen(pattern) + 1)) keys->rc = SQLITE_NOMEM;
}

static void want_folded(struct art_scan *scan, struct art_bytes text, bool whole) {
    struct art_key_range *keys = &scan->keys;
    if (text.len > ART_PATH_MAX) {
        keys->empty = true;
        return;
    }
    if (art_folded_set(&scan->match.folded, text, whole)) {
        keys->rc = SQLITE_NOMEM;
        return;
    }
    bool several = art_folded_range(&scan->match.folded, keys);
    if (several && scan->match.by == ART_MATCH_ALL) scan->match.by = ART_MATCH_FOLDED;
}

/* A pattern that is too long is SQLite's to complain about, on the first row. */
static void want_like(struct art_scan *scan, sqlite3_value *value) {
    if (never_matches(scan, sqlite3_value_type(value))) {
        scan->keys.empty = true;
        return;
    }
    const char *pattern = (const char *)sqlite3_value_text(value);
    if (!pattern) {
        scan->keys.rc = SQLITE_NOMEM;
    } else if (!too_complex(scan, sqlite3_value_bytes(value))) {
        struct art_bytes prefix = art_bytes(pattern, art_like_prefix(pattern));
        if (prefix.len > scan->match.folded.lower.len) want_folded(scan, prefix, false);
        if (pattern[prefix.len] && strcmp(pattern + prefix.len, "%") &&
            art_filters_add_pattern(scan, ART_COLUMN_KEY, ART_ARGUMENT_LIKE, value)) {
            scan->keys.rc = SQLITE_NOMEM;
        }
    }
}

/* On another column; SQLite looks again. */
static void want_pattern(struct art_scan *scan, unsigned column, enum art_argument meaning, sqlite3_value *value) {
    if (never_matches(scan, sqlite3_value_type(value)) || too_complex(scan, sqlite3_value_bytes(value))) return;
    if (art_filters_add_pattern(scan, column, meaning, value)) scan->keys.rc = SQLITE_NOMEM;
}

static void want_like_prefix(struct art_scan *scan, sqlite3_value *value) {
    const void *text = sqlite3_value_text(value);
    if (!text) {
        scan->keys.rc = SQLITE_NOMEM;
        return;
    }
    want_folded(scan, art_bytes(text, art_sound_prefix(text)), false);
}

/* NOCASE looks at no byte behind a NUL. */
static void want_nocase(struct art_scan *scan, sqlite3_value *value) {
    int type = sqlite3_value_type(value);
    struct art_bytes text;
    if (type == SQLITE_NULL || type == SQLITE_BLOB) scan->keys.empty = true;
    if (type != SQLITE_TEXT) return;
    if (!art_value_bytes(value, &text)) {
        scan->keys.rc = SQLITE_NOMEM;
        return;
    }
    const uint8_t *nul = memchr(text.data, 0, text.len);
    if (nul) text.len = (uint32_t)(nul - text.data);
    want_folded(scan, text, !nul);
}

/* Of an argument that a hidden column shows again: its bytes, and what it was. */
static void want_shown(struct art_scan *scan, struct art_shown *shown, sqlite3_value *value) {
    shown->type = sqlite3_value_type(value);
    if (shown->type == SQLITE_NULL) scan->keys.empty = true;
    struct art_bytes bytes = {0};
    shown->text.len = 0;
    if ((shown->type != SQLITE_NULL && !art_value_bytes(value, &bytes)) ||
        art_buffer_append(&shown->text, bytes.data, bytes.len)) {
        scan->keys.rc = SQLITE_NOMEM;
    }
}

/* A number that is compared by order. SQLite does not tell what stands there, and so how it compares:
 *
 *     a parameter, an expression        the number becomes a text
 *     a column with numeric affinity    a key that looks like a number becomes one; any other is above all numbers
 *     a column without an affinity      every key, a text, is above all numbers
 *
 * To let it look at each key of a range again would take a third of the range's price, for texts, too. */
int art_scan_refuse_number(const struct art_scan *scan, const struct art_column *column, sqlite3_value *number) {
    const char *key = column->name, *text = (const char *)sqlite3_value_text(number);
    if (!text) return SQLITE_NOMEM;
    return art_complain(&scan->open.base.pVtab->zErrMsg, SQLITE_ERROR,
                        "art: SQLite does not tell whether %s.%s is compared with %s as a text or as a number: write "
                        "CAST(... AS TEXT) around the number, or CAST(%s AS NUMERIC)",
                        art_scan_vtab(scan)->name->table, key, text, key);
}

/* `unchecked`: SQLite does not look at the keys again. */
static void want_compared(struct art_scan *scan, enum art_argument meaning, sqlite3_value *value, bool unchecked) {
    int type = sqlite3_value_type(value);
    bool is_number = (type == SQLITE_INTEGER || type == SQLITE_FLOAT) && !scan->keys.of_blobs;
    if (is_number && unchecked) {
        scan->keys.rc = art_scan_refuse_number(scan, &art_scan_vtab(scan)->columns.items[ART_COLUMN_KEY], value);
    } else {
        bool is_point = is_number && scan->kind == ART_SCAN_POINT;
        art_key_range_compare(&scan->keys, meaning, value);
        if (!scan->keys.rc && is_point) scan->keys.rc = art_point_scan_number(scan, value);
    }
}

/* `flags`: enum art_term_flags. */
static void want(struct art_scan *scan, enum art_argument meaning, sqlite3_value *value, unsigned flags) {
    if (meaning == ART_ARGUMENT_PREFIX || meaning == ART_ARGUMENT_DELIMITER || meaning == ART_ARGUMENT_START_AFTER) {
        /* They stand in the order of enum art_hidden. */
        want_shown(scan, &scan->shown[meaning - ART_ARGUMENT_PREFIX + ART_HIDDEN_PREFIX], value);
    } else if (meaning == ART_ARGUMENT_SNAPSHOT) {
        scan->keys.rc = art_scan_read_snapshot(scan, value);
    } else if (meaning == ART_ARGUMENT_IN) {
        scan->keys.rc = art_list_scan_collect(scan, value);
    } else if (meaning == ART_ARGUMENT_GLOB) {
        want_glob(scan, value, flags & ART_TERM_BOUNDED);
    } else if (meaning == ART_ARGUMENT_LIKE_PREFIX) {
        want_like_prefix(scan, value);
    } else if (meaning == ART_ARGUMENT_LIKE) {
        want_like(scan, value);
    } else if (meaning == ART_ARGUMENT_NOCASE) {
        want_nocase(scan, value);
    } else if (meaning == ART_ARGUMENT_MATCH) {
        if (sqlite3_value_type(value) == SQLITE_NULL) {
            scan->keys.empty = true;
        } else if (!art_value_bytes(value, &scan->of.longest.wanted)) {
            scan->keys.rc = SQLITE_NOMEM;
        }
    } else if (meaning == ART_ARGUMENT_OFFSET) {
        if (sqlite3_value_int64(value) > 0) scan->offset = (uint64_t)sqlite3_value_int64(value);
    } else if (meaning != ART_ARGUMENT_LIMIT && meaning != ART_ARGUMENT_PLACE) {
        want_compared(scan, meaning, value, flags & ART_TERM_UNKNOWN);
    }
}

/* Versions are integers from 1 on. `>=` of any number is `>` of the largest integer below it. */
static void want_newer(struct art_scan *scan, enum art_argument meaning, sqlite3_value *value) {
    uint64_t *newer_than = &scan->keys.range.newer_than, bound = 0;
    bool itself = meaning != ART_ARGUMENT_GREATER; /* the value is a version that is wanted */
    int type = sqlite3_value_type(value);
    if (type == SQLITE_INTEGER) {
        sqlite3_int64 version = sqlite3_value_int64(value);
        if (version > 0) bound = (uint64_t)version - itself;
    } else if (type == SQLITE_FLOAT) {
        double version = sqlite3_value_double(value);
        uint64_t whole = version <= 0 ? 0 : version < VERSIONS_END ? (uint64_t)version : (uint64_t)VERSIONS_END;
        if (itself && (double)whole < version) whole++; /* 2.5 and later begins at 3; later than 2.5 is later than 2 */
        if (whole) bound = whole - itself;
    }
    if (bound > *newer_than) *newer_than = bound;
}

/* The rows behind the key that start_after names. */
void art_scan_begin_behind(struct art_scan *scan) {
    static const uint8_t end[2] = {0, ART_KEY_BEHIND}; /* of a text in a key of several columns, and what follows it */
    bool several = art_scan_vtab(scan)->columns.keys;
    if (several && art_buffer_append(&scan->behind, end, sizeof end)) {
        scan->keys.rc = SQLITE_NOMEM;
        return;
    }
    art_key_range_low(&scan->keys, art_buffer_bytes(art_scan_start(scan)), true);
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

static int refuse_plan(const struct art_scan *scan) {
    return art_complain(&scan->open.base.pVtab->zErrMsg, SQLITE_ERROR,
                        "art: the plan is not the one that art made (%s): let whatever wraps the module art hand on "
                        "idxStr as it is",
                        art_scan_vtab(scan)->name->table);
}

/* Out of the plan's text, which a program between SQLite and this module may have changed. */
static int read_plan(struct art_scan *scan, const char *plan, int argc) {
    size_t bytes = (size_t)argc * sizeof(struct art_term);
    if (!argc) return SQLITE_OK;
    scan->planned.len = 0;
    if (scan->planned.capacity < bytes && art_buffer_reserve(&scan->planned, bytes)) return SQLITE_NOMEM;
    return art_plan_read(plan, argc, (struct art_term *)(void *)scan->planned.data) ? SQLITE_OK : refuse_plan(scan);
}

/* Of a column that is not the key. */
static void want_of_column(struct art_scan *scan, const struct art_term *term, sqlite3_value *value) {
    const struct art_columns *columns = &art_scan_vtab(scan)->columns;
    enum art_argument meaning = term->meaning;
    unsigned column = term->column;
    bool is_version = art_hidden_column(art_scan_vtab(scan), (int)column) == ART_HIDDEN_VERSION;
    if (column < columns->count && columns->items[column].place) return; /* art_several_arguments() takes it */
    if (column >= columns->count && !is_version) {
        scan->keys.rc = refuse_plan(scan);
    } else if (meaning >= ART_ARGUMENT_LOOKUP && meaning <= ART_ARGUMENT_LOOKUP_IN) {
        scan->keys.rc = art_lookups_add(scan, column, meaning, value);
    } else if (is_version) {
        want_newer(scan, meaning, value);
    } else if (meaning == ART_ARGUMENT_GLOB || meaning == ART_ARGUMENT_LIKE) {
        want_pattern(scan, column, meaning, value);
    } else if (art_filters_add(scan, column, meaning, value, !(term->flags & ART_TERM_UNKNOWN))) {
        scan->keys.rc = SQLITE_NOMEM;
    }
}

/* One argument, and the term of the plan that says what it means. */
static void want_argument(struct art_scan *scan, const struct art_term *term, sqlite3_value *value) {
    if (term->column) {
        want_of_column(scan, term, value);
    } else {
        want(scan, term->meaning, value, term->flags);
    }
}

int art_scan_arguments(struct art_scan *scan, const char *plan, int argc, sqlite3_value **argv) {
    struct art_key_range *keys = &scan->keys;
    bool several = art_scan_vtab(scan)->columns.keys;
    keys->rc = read_plan(scan, plan, argc);
    const struct art_term *terms = (const struct art_term *)(const void *)scan->planned.data;
    for (int i = 0; i < argc && !keys->rc; i++) want_argument(scan, &terms[i], argv[i]);
    if (!keys->rc && several) keys->rc = art_several_arguments(scan, terms, argc, argv);
    if (keys->rc || keys->empty) return keys->rc;
    const struct art_shown *shown = scan->shown;
    if (scan->kind == ART_SCAN_LEVEL && !shown[ART_HIDDEN_DELIMITER].text.len) scan->kind = ART_SCAN_RANGE;
    if (scan->kind == ART_SCAN_LEVEL) {
        art_level_scan_bound(scan);
    } else if (shown[ART_HIDDEN_START_AFTER].type) {
        art_scan_begin_behind(scan);
    }
    if (shown[ART_HIDDEN_PREFIX].type || (shown[ART_HIDDEN_DELIMITER].type && several))
        art_key_range_prefix(keys, art_buffer_bytes(art_scan_prefix(scan)));
    art_key_range_finish(keys);
    scan->limits.summary = art_tree_summarised(art_scan_tree(scan));
    scan->limits.choose = NULL;
    if (scan->filters.count) art_filters_limits(scan, &scan->limits);
    bool may_search = scan->filters.count || scan->match.by == ART_MATCH_GLOB;
    if (may_search && !keys->rc) keys->rc = art_searches_add(scan);
    if (art_limits_any(&scan->limits)) keys->range.limits = &scan->limits;
    return keys->rc;
}
