/* From row to row. A point read uses no cursor of the tree; a range scan moves one, and fetches values only when SQLite
 * asks for one.
 *
 * Counting. `SELECT count(*) ... WHERE path GLOB 'a*'` asks for no column of any row. After a few rows of that, a plain
 * range is counted once (two descents) and from there on only numbers move:
 *
 *     rows     ....a b c d e f g h i j k l m ..    tree's cursor stands on h, claimed is k: behind = 3
 *                                ^     ^           left = rows behind k
 *
 * As soon as a column is wanted, or the table is about to change, the cursor goes to where it claims to be.
 */
#include "ext/query/scan.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>

/* COUNT_AFTER rows without a look at one, counting begins; after SEEK_AFTER rows in a row that LIKE cannot match, the
 * next spelling is sought; every so many rows that are not given, an interrupt is looked for. */
enum { COUNT_AFTER = 8, SEEK_AFTER = 8, ASK_EVERY = 4096 };

/* --- what SQLite is told ------------------------------------------------------------------------------------------ */

int art_scan_fail(const struct art_scan *scan, enum art_rc rc) {
    if (rc == ART_OK) return SQLITE_OK;
    return art_report(&scan->open.base.pVtab->zErrMsg, rc);
}

int art_scan_gone(const struct art_scan *scan) {
    return art_complain(&scan->open.base.pVtab->zErrMsg, SQLITE_ABORT,
                        "art: the table was replaced under an open query (%s): run the query again",
                        art_scan_vtab(scan)->name->table);
}

/* --- which rows --------------------------------------------------------------------------------------------------- */

static locale_t numbers_with_points;

void art_query_init(void) {
    numbers_with_points = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
}

/* A path that is equal to the number by numeric affinity ("07", "7.0", " 7", "70e-1"), or so near to it that SQLite,
 * which rounds in its own way and has the last word, has to say. strtod() knows hexadecimal numbers, infinities and
 * NaN, too, which are texts for SQLite. */
static bool spells_number(const char *path, double number) {
    char *end;
    if (strpbrk(path, "xXnN")) return false;
    double value = numbers_with_points ? strtod_l(path, &end, numbers_with_points) : strtod(path, &end);
    if (end == path || end[strspn(end, " \t\n\v\f\r")]) return false;
    return value == number || fabs(value - number) <= fabs(number) * 1e-14 + DBL_MIN;
}

enum art_rc art_rows_matches(struct art_scan *scan, struct art_bytes path, bool *matches) {
    *matches = scan->matching != ART_MATCH_FOLDED || art_folded_matches(&scan->folded, path);
    if (scan->matching == ART_MATCH_ALL || scan->matching == ART_MATCH_FOLDED) return ART_OK;
    if (scan->matching == ART_MATCH_GLOB) {
        enum art_pieces_answer answer = art_pieces_look(&scan->pieces, path);
        *matches = answer == ART_PIECES_YES;
        if (answer != ART_PIECES_MAYBE) return ART_OK;
    }
    scan->key.len = 0;
    if (art_buffer_reserve(&scan->key, path.len + 1)) return art_nomem();
    if (path.len) memcpy(scan->key.data, path.data, path.len);
    scan->key.data[path.len] = 0;
    const char *text = (const char *)scan->key.data, *pattern = (const char *)scan->pattern.data;
    *matches = scan->matching == ART_MATCH_GLOB ? sqlite3_strglob(pattern, text) == 0
                                                : !strcmp(text, pattern) || spells_number(text, scan->number);
    return ART_OK;
}

/* --- moving the cursor -------------------------------------------------------------------------------------------- */

/* A tree may be unknown in the middle of a scan, after a ROLLBACK: then it is read anew. */
enum art_rc art_rows_ready(struct art_scan *scan) {
    char *message = NULL;
    if (!art_tree_unknown(art_scan_tree(scan))) return ART_OK;
    int failed = art_table_refresh(art_scan_vtab(scan)->table, &message);
    enum art_rc rc = failed ? art_fail(ART_CORRUPT, "%s", message ? message : "art: the table cannot be read") : ART_OK;
    sqlite3_free(message);
    return rc;
}

/* What the cursor has not done yet: the rows behind `key`. */
static struct art_range behind(const struct art_scan *scan, struct art_bytes key) {
    struct art_range range = scan->range;
    if (scan->descending) {
        range.high = key;
        range.high_set = range.high_open = true;
    } else {
        range.low = key;
        range.low_set = range.low_open = true;
    }
    return range;
}

/* The step has failed, since the tree is unknown: the cursor has its key still. */
static enum art_rc step_again(struct art_scan *scan) {
    struct art_bytes key = art_cursor_key(scan->cursor);
    struct art_buffer copy = {0};
    enum art_rc rc = art_buffer_append(&copy, key.data, key.len);
    struct art_range range = behind(scan, art_buffer_bytes(&copy));
    if (!rc) rc = art_rows_ready(scan);
    if (!rc) rc = art_cursor_seek(scan->cursor, &range, scan->descending);
    art_buffer_clear(&copy);
    return rc;
}

static inline enum art_rc step(struct art_scan *scan) {
    enum art_rc rc = art_cursor_next(scan->cursor);
    if (__builtin_expect(rc == ART_MISUSE, 0) && art_tree_unknown(art_scan_tree(scan))) return step_again(scan);
    return rc;
}

/* Behind the row, and behind all that it stands for. */
static enum art_rc leave(struct art_scan *scan) {
    if (!scan->rolled) return step(scan);
    enum art_rc rc = art_rows_ready(scan);
    return rc ? rc : art_cursor_skip_prefix(scan->cursor, scan->rolled);
}

/* Nothing is left. */
static enum art_rc seek_end(struct art_scan *scan) {
    struct art_range nothing = {.high_set = true, .high_open = true};
    return art_cursor_seek(scan->cursor, &nothing, scan->descending);
}

/* To the next spelling, past all paths that LIKE cannot match. */
static enum art_rc seek_spelling(struct art_scan *scan) {
    struct art_range range = scan->range;
    if (!art_folded_next(&scan->folded, art_cursor_key(scan->cursor), scan->descending)) return seek_end(scan);
    struct art_bytes spelling = art_buffer_bytes(&scan->folded.seek);
    struct art_range found;
    scan->keys.scratch.len = 0;
    if (art_buffer_reserve(&scan->keys.scratch, spelling.len)) return art_nomem();
    art_range_of_prefix(spelling, scan->keys.scratch.data, &found);
    if (!scan->descending) {
        if (!range.low_set || art_bytes_compare(spelling, range.low) > 0) {
            range.low = spelling;
            range.low_set = true;
            range.low_open = false;
        }
    } else if (found.high_set && (!range.high_set || art_bytes_compare(found.high, range.high) < 0)) {
        range.high = found.high;
        range.high_set = range.high_open = true;
    }
    return art_cursor_seek(scan->cursor, &range, scan->descending);
}

/* Past a row that does not match. `passed`: so many so far. */
static enum art_rc pass(struct art_scan *scan, unsigned *passed) {
    if (scan->matching != ART_MATCH_FOLDED || ++*passed != SEEK_AFTER) return leave(scan);
    *passed = 0;
    enum art_rc rc = art_rows_ready(scan);
    return rc ? rc : seek_spelling(scan);
}

static enum art_rc ask_for_interrupt(const struct art_scan *scan) {
    bool stopped = art_interrupted(art_scan_vtab(scan)->connection);
    return stopped ? art_fail(ART_INTERRUPT, "art: interrupted") : ART_OK;
}

/* Past rows that do not meet what is asked of other columns. */
static inline enum art_rc skip_unwanted(struct art_scan *scan) {
    enum art_rc rc = ART_OK;
    unsigned passed = 0;
    while (!rc && art_cursor_valid(scan->cursor) && !art_filters_may_want(scan)) {
        rc = step(scan);
        if (!rc && ++passed % ASK_EVERY == 0) rc = ask_for_interrupt(scan);
    }
    art_scan_vtab(scan)->table->filtered += passed;
    return rc;
}

static enum art_rc skip_mismatches(struct art_scan *scan) {
    enum art_rc rc = ART_OK;
    bool matches = false;
    unsigned passed = 0, dropped = 0;
    while (art_cursor_valid(scan->cursor)) {
        if (scan->listing) scan->rolled = art_listing_rolls_up(scan, art_cursor_key(scan->cursor));
        rc = art_rows_matches(scan, art_scan_path(scan), &matches);
        if (!rc && ++dropped % ASK_EVERY == 0) rc = ask_for_interrupt(scan);
        if (rc || (matches && (!scan->filter_count || art_filters_may_want(scan)))) break;
        scan->follows = false;
        art_scan_vtab(scan)->table->filtered++;
        rc = matches ? leave(scan) : pass(scan, &passed);
        if (rc) break;
    }
    return rc;
}

/* From where the cursor stands to the first row that is given. */
static enum art_rc settle_on_match(struct art_scan *scan) {
    scan->state = ART_SCAN_RANGE;
    enum art_rc rc = scan->filtered ? skip_unwanted(scan) : skip_mismatches(scan);
    scan->state = !rc && art_cursor_valid(scan->cursor) ? ART_SCAN_RANGE : ART_SCAN_END;
    return rc;
}

/* --- beginning ---------------------------------------------------------------------------------------------------- */

enum art_rc art_rows_point(struct art_scan *scan, struct art_bytes key) {
    art_row_release(&scan->row);
    enum art_rc rc = art_tree_get(art_scan_tree(scan), key, &scan->row);
    if (rc == ART_NOTFOUND) return ART_OK;
    scan->key.len = 0;
    if (!rc) rc = art_buffer_append(&scan->key, key.data, key.len);
    if (!rc) scan->state = ART_SCAN_POINT;
    return rc;
}

enum art_rc art_rows_range(struct art_scan *scan, const struct art_range *range) {
    enum art_rc rc = scan->cursor ? ART_OK : art_cursor_open(art_scan_tree(scan), &scan->cursor);
    scan->range = *range;
    scan->follows = false;
    bool plain = art_scan_gives_range(scan);
    bool filtered = scan->filter_count || scan->limits.sought_count;
    scan->plain = plain && !filtered;
    scan->filtered = plain && filtered;
    if (!rc) rc = art_cursor_seek(scan->cursor, range, scan->descending);
    if (!rc && scan->plain && scan->offset) rc = art_cursor_skip(scan->cursor, scan->offset);
    if (!rc) rc = settle_on_match(scan);
    for (; !rc && !scan->plain && scan->offset && scan->state == ART_SCAN_RANGE; scan->offset--) {
        rc = leave(scan);
        if (!rc) rc = settle_on_match(scan);
    }
    return rc;
}

/* --- going on ----------------------------------------------------------------------------------------------------- */

/* The row that the cursor stands on may have been deleted meanwhile: it is not counted. */
static enum art_rc begin_counting(struct art_scan *scan) {
    struct art_range range = behind(scan, art_cursor_key(scan->cursor));
    scan->untouched = 0;
    if (art_tree_unknown(art_scan_tree(scan))) return ART_OK;
    enum art_rc rc = art_tree_count(art_scan_tree(scan), &range, &scan->left);
    scan->counting = !rc;
    return rc;
}

/* The cursor goes where the scan claims to be. */
enum art_rc art_rows_settle(struct art_scan *scan) {
    enum art_rc rc = scan->behind ? art_rows_ready(scan) : ART_OK;
    if (!rc && scan->behind) rc = art_cursor_skip(scan->cursor, scan->behind);
    scan->counting = false;
    scan->untouched = 0;
    scan->behind = 0;
    if (!rc && scan->state == ART_SCAN_RANGE && !art_cursor_valid(scan->cursor)) {
        rc = art_corrupt(NULL, ART_NOWHERE, ART_NOWHERE, "a range holds fewer rows than were counted");
    }
    return rc;
}

void art_rows_settle_open(struct art_scan *scan) {
    if (scan->counting && scan->state == ART_SCAN_RANGE) scan->failure = art_rows_settle(scan);
}

static enum art_rc next_after_point(struct art_scan *scan) {
    art_row_release(&scan->row);
    scan->state = ART_SCAN_END;
    if (scan->best) return art_best_scan_next(scan);
    if (!scan->several) return ART_OK;
    enum art_rc rc = art_rows_ready(scan);
    return rc ? rc : art_in_list_next(scan);
}

static enum art_rc next_in_range(struct art_scan *scan) {
    enum art_rc rc = leave(scan);
    if (!rc) rc = settle_on_match(scan);
    if (rc || scan->state == ART_SCAN_RANGE || !scan->several) return rc;
    rc = art_rows_ready(scan);
    return rc ? rc : art_in_list_next(scan);
}

/* UPDATE and DELETE look at one row only, where SQLite was told that there is no other. */
static enum art_rc refuse_second_spelling(struct art_scan *scan, const struct art_range *range) {
    const struct art_vtab *vtab = art_scan_vtab(scan);
    const char *key = vtab->columns.items[ART_COLUMN_KEY].name;
    enum art_rc rc = next_in_range(scan);
    if (rc || scan->state != ART_SCAN_RANGE) return rc ? rc : art_rows_range(scan, range);
    scan->state = ART_SCAN_END;
    return art_fail(ART_MISUSE,
                    "art: SQLite does not tell whether %s.%s is equal to %s as a text or as a number, and there are "
                    "several such keys: write CAST(... AS TEXT) around the number, or CAST(%s AS NUMERIC)",
                    vtab->name->table, key, (const char *)scan->pattern.data, key);
}

/* Whatever SQLite may find equal to a number: its own text, and all its spellings. (Inf is the only text of a number
 * that does not stand before ':'.) */
enum art_rc art_rows_number(struct art_scan *scan, sqlite3_value *value, bool unique) {
    const unsigned char *text = sqlite3_value_text(value);
    scan->number = sqlite3_value_double(value);
    scan->pattern.len = 0;
    if (!text || art_buffer_append(&scan->pattern, text, strlen((const char *)text) + 1)) return art_nomem();
    scan->matching = ART_MATCH_NUMBER;
    struct art_range range = isinf(scan->number) ? scan->keys.range : art_range_of_numbers(&scan->keys.range);
    enum art_rc rc = art_rows_range(scan, &range);
    bool may_be_one_of_several = unique && scan->state == ART_SCAN_RANGE;
    if (rc || !may_be_one_of_several || !art_is_writing(art_scan_vtab(scan)->connection->db)) return rc;
    return refuse_second_spelling(scan, &range);
}

static inline enum art_rc next_plainly(struct art_scan *scan) {
    enum art_rc rc = ART_OK;
    scan->untouched = scan->touched ? 0 : scan->untouched + 1;
    scan->touched = false;
    if (!scan->counting && scan->untouched >= COUNT_AFTER && !scan->range.newer_than) rc = begin_counting(scan);
    if (scan->counting) {
        if (!scan->left) scan->state = ART_SCAN_END;
        scan->left--;
        scan->behind++;
        return ART_OK;
    }
    if (!rc) rc = step(scan);
    if (rc || !art_cursor_valid(scan->cursor)) scan->state = ART_SCAN_END;
    return rc;
}

/* The commonest step: in a plain range, from a row that was looked at, or in one that is filtered. */
static inline int next_quickly(struct art_scan *scan) {
    scan->touched = scan->fetched = false;
    scan->untouched = 0;
    if (--scan->limit == 0) {
        scan->state = ART_SCAN_END;
        return SQLITE_OK;
    }
    enum art_rc rc = step(scan);
    if (!rc && scan->filtered) rc = skip_unwanted(scan);
    if (rc || !art_cursor_valid(scan->cursor)) scan->state = ART_SCAN_END;
    return rc ? art_scan_fail(scan, rc) : SQLITE_OK;
}

int art_scan_next(sqlite3_vtab_cursor *base) {
    struct art_scan *scan = (struct art_scan *)base;
    bool at_once = scan->plain ? scan->touched : scan->filtered;
    if (at_once && !scan->value && art_scan_has_arrived(scan)) return next_quickly(scan);
    if (scan->failure) return art_scan_fail(scan, scan->failure);
    if (art_scan_is_gone(scan)) return art_scan_gone(scan);
    art_scan_forget_value(scan);
    if (scan->state == ART_SCAN_END || --scan->limit == 0) {
        scan->state = ART_SCAN_END;
        return SQLITE_OK;
    }
    enum art_rc rc = scan->state == ART_SCAN_POINT ? next_after_point(scan)
                     : scan->plain                 ? next_plainly(scan)
                                                   : next_in_range(scan);
    return rc ? art_scan_fail(scan, rc) : SQLITE_OK;
}
