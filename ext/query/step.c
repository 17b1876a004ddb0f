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

/* A spelling of the number, or something so near to it that SQLite, which rounds in its own way, has to say. */
static bool spells_number(const char *path, double number) {
    double value;
    return art_number_read(path, &value) && (value == number || art_numbers_are_near(value, number));
}

enum art_rc art_rows_matches(struct art_scan *scan, struct art_bytes path, bool *matches) {
    *matches = true;
    if (scan->matching == ART_MATCH_ALL && !scan->doubt_count) return ART_OK;
    if (scan->matching == ART_MATCH_FOLDED) *matches = art_folded_matches(&scan->folded, path);
    if (!*matches || (scan->matching == ART_MATCH_FOLDED && !scan->doubt_count)) return ART_OK;
    scan->key.len = 0;
    if (art_buffer_reserve(&scan->key, path.len + 1)) return art_nomem();
    if (path.len) memcpy(scan->key.data, path.data, path.len);
    scan->key.data[path.len] = 0;
    const char *text = (const char *)scan->key.data, *pattern = (const char *)scan->pattern.data;
    if (scan->matching == ART_MATCH_GLOB) {
        *matches = sqlite3_strglob(pattern, text) == 0;
    } else if (scan->matching == ART_MATCH_NUMBER) {
        bool own = strcmp(text, pattern) == 0;
        *matches = own ? scan->in_order : spells_number(text, scan->number.value);
    }
    return *matches && scan->doubt_count ? art_doubts_decide(scan, text, path.len, matches) : ART_OK;
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

/* To the next path that may spell the number. */
static enum art_rc seek_number(struct art_scan *scan) {
    struct art_buffer *seek = &scan->keys.scratch;
    enum art_number_way way = art_number_next(&scan->number, art_cursor_key(scan->cursor), scan->descending, seek);
    if (way == ART_NUMBER_NOMEM) return art_nomem();
    if (way == ART_NUMBER_STEP) return leave(scan);
    if (way == ART_NUMBER_NONE) return seek_end(scan);
    struct art_range range = behind(scan, art_buffer_bytes(seek));
    if (!scan->descending) range.low_open = false;
    return art_cursor_seek(scan->cursor, &range, scan->descending);
}

/* Past a row that does not match. `passed`: so many so far. */
static enum art_rc pass(struct art_scan *scan, unsigned *passed) {
    bool folded = scan->matching == ART_MATCH_FOLDED && ++*passed == SEEK_AFTER;
    if (!folded && scan->matching != ART_MATCH_NUMBER) return leave(scan);
    *passed = 0;
    enum art_rc rc = art_rows_ready(scan);
    if (rc) return rc;
    return folded ? seek_spelling(scan) : seek_number(scan);
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

/* All (other) spellings of a number that has to be compared as a number. */
static enum art_rc walk_spellings(struct art_scan *scan) {
    struct art_range range = art_range_of_numbers(&scan->keys.range);
    scan->matching = ART_MATCH_NUMBER;
    return art_rows_range(scan, &range);
}

/* In order, but for UPDATE and DELETE, which look at one row only: its own text first. (Inf is the only text of a
 * number that does not stand before ':', and what is equal to it as a text is not as a number.) */
enum art_rc art_rows_number(struct art_scan *scan, sqlite3_value *value) {
    const unsigned char *text = sqlite3_value_text(value);
    art_number_set(&scan->number, sqlite3_value_double(value));
    scan->pattern.len = 0;
    if (!text || art_buffer_append(&scan->pattern, text, strlen((const char *)text) + 1)) return art_nomem();
    struct art_bytes key = art_bytes(scan->pattern.data, (uint32_t)scan->pattern.len - 1);
    scan->in_order |= !art_is_writing(art_scan_vtab(scan)->connection->db);
    scan->in_order &= !isinf(scan->number.value);
    if (scan->in_order) return walk_spellings(scan);
    enum art_rc rc = art_key_range_has(&scan->keys, key) ? art_rows_point(scan, key) : ART_OK;
    if (rc) return rc;
    scan->spellings = scan->state == ART_SCAN_POINT;
    return scan->spellings ? ART_OK : walk_spellings(scan);
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
    bool spellings = scan->spellings;
    art_row_release(&scan->row);
    scan->state = ART_SCAN_END;
    scan->spellings = false;
    if (scan->best) return art_best_scan_next(scan);
    if (!spellings && !scan->several) return ART_OK;
    enum art_rc rc = art_rows_ready(scan);
    if (rc) return rc;
    return spellings ? walk_spellings(scan) : art_in_list_next(scan);
}

static enum art_rc next_in_range(struct art_scan *scan) {
    enum art_rc rc = leave(scan);
    if (!rc) rc = settle_on_match(scan);
    if (rc || scan->state == ART_SCAN_RANGE || !scan->several) return rc;
    rc = art_rows_ready(scan);
    return rc ? rc : art_in_list_next(scan);
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
