/* What the planner's files share.
 *
 *     planner.c      makes the plan
 *     plan_like.c    which LIKEs, and which patterns beside a range, it takes
 *     plan_best.c    when rows are searched best first
 *     conditions.c   what SQLite's constraints are
 *     costs.c        what the plan costs
 *     outer_joins.c  which scans of a RIGHT or FULL JOIN lack an argument
 *     not_given.c    which arguments are read and not given
 *     or_arms.c      what is remembered of a statement from one plan to the next
 *     plan_text.c    the plan's words and terms on their way into idxStr (plan.h) */
#ifndef ART_QUERY_PLANNING_H
#define ART_QUERY_PLANNING_H

#include "ext/query/scan.h"

#ifndef SQLITE_INDEX_CONSTRAINT_LIMIT
#define SQLITE_INDEX_CONSTRAINT_LIMIT  73
#define SQLITE_INDEX_CONSTRAINT_OFFSET 74
#endif

enum {
    ART_TERMS_OMITTED = 16, /* of so many constraints SQLite leaves the comparison to a module that asks for it */
    ART_LISTS_KNOWN = 32, /* of so many constraints SQLite tells whether they are an IN, and among so many arguments it
                           * hands one over */
    ART_STRICT_LIMITS = 3046001, /* the version that offers LIMIT and OFFSET as it should (planner.c) */
    ART_STRICT_PLANS = 3053000   /* one that surely tells GROUP BY from GROUP BY and ORDER BY, and offers the conditions
                                  * of a LEFT JOIN's ON to its right table alone */
};

/* --- plan_text.c: short ones need no memory but the last ---------------------------------------------------------- */

enum { ART_PLAN_TEXT_BYTES = 200 };

struct art_plan_text {
    char *at; /* `here`, or memory of SQLite's */
    size_t len, capacity;
    bool failed; /* no memory */
    char here[ART_PLAN_TEXT_BYTES];
};

void art_plan_text_begin(struct art_plan_text *text);
bool art_plan_text_widen(struct art_plan_text *text, size_t more); /* false: no memory, now or before */
static inline void art_plan_text_add(struct art_plan_text *text, const char *bytes, size_t len) {
    if (text->capacity - text->len < len && !art_plan_text_widen(text, len)) return;
    memcpy(text->at + text->len, bytes, len);
    text->len += len;
}
static inline void art_plan_text_append(struct art_plan_text *text, const char *words) {
    art_plan_text_add(text, words, strlen(words));
}
void art_plan_text_append_quoted(struct art_plan_text *text, const char *name);
/* Keywords, too, stand without quotes: a word is a word. */
static inline void art_plan_text_append_name(struct art_plan_text *text, const struct art_column *column) {
    if (column->word) {
        art_plan_text_add(text, column->name, column->word);
    } else {
        art_plan_text_append_quoted(text, column->name);
    }
}
void art_plan_text_append_term(struct art_plan_text *text, const struct art_term *term);
char *art_plan_text_finish(struct art_plan_text *text); /* sqlite3_free() it; NULL without memory */

/* --- a plan in the making ----------------------------------------------------------------------------------------- */

/* What is known of one of SQLite's constraints. */
struct art_condition {
    uint8_t meaning;             /* for the key, or NONE */
    const char *collation;       /* by which it compares, or NULL: not asked */
    bool is_asked;               /* the next two are known */
    sqlite3_value *constant;     /* what it is compared with; NULL: no constant */
    struct art_bytes text;       /* of a constant that is a text */
    bool is_bound_sought;        /* the next one is known */
    struct art_bytes glob_bound; /* the lower one of the bounds that SQLite makes of a GLOB by a literal, or nothing */
    struct art_term term;        /* of the argument that the condition becomes */
    int nth; /* of another kind: the condition that becomes the argument of this number, from 0 on */
};

struct art_planning {
    struct art_vtab *vtab;
    struct art_reading *reading;
    sqlite3_index_info *info;
    unsigned of_key;    /* what conditions mean for the key, NONE too, as bits of enum art_argument */
    unsigned of_hidden; /* hidden columns that conditions are about, as bits of enum art_hidden */
    bool of_others;     /* some are about other columns of the user's */
    bool of_offset;     /* an OFFSET is among them */
    bool by_place;      /* some keep the place of an argument, and mean nothing */
    enum art_scan_kind kind;
    int plan, arguments;
    bool first;                     /* art_plan_is_first() */
    bool all_taken;                 /* no constraint is left for SQLite */
    bool all_exact;                 /* SQLite need not check any constraint again */
    unsigned globs;                 /* so many are taken */
    bool nocase;                    /* an equality by NOCASE is taken */
    unsigned fixed;                 /* so many columns of the key, from its first on, have an equality */
    bool bounded_low, bounded_high; /* and the next one such bounds */
    bool newer;                     /* a bound of versions is taken */
    bool snapshot_unknown;          /* its name would come from a table behind this one */
    bool refused; /* what it lacks is given nowhere: its scan says so, and no plan by arms of an OR takes its place */
    int lookups, searches;
    int filters_left; /* how many more the scan can look at */
    int equalities;   /* taken though they may be parts of a row value's IN */
    int unsure;       /* conditions that another plan had better not have */
    enum { ART_LIKE_UNASKED, ART_LIKE_OWN, ART_LIKE_ANOTHER } like; /* is like() SQLite's? */
    struct art_condition *conditions;                               /* of each constraint */
    struct art_plan_text words;
};

/* --- conditions.c: constraint `i` of SQLite's --------------------------------------------------------------------- */

/* What a comparison means, whatever is compared: ART_ARGUMENT_EQUAL to ART_ARGUMENT_GLOB, or NONE. */
extern const uint8_t art_means[256];
static inline enum art_argument art_condition_means(unsigned char op) {
    return (enum art_argument)art_means[op];
}
static inline bool art_is_limit(unsigned char op) { /* or an OFFSET */
    return op == SQLITE_INDEX_CONSTRAINT_LIMIT || op == SQLITE_INDEX_CONSTRAINT_OFFSET;
}
/* What the constraint means for the key. NONE: it is on another column, not usable, or by another collation. */
enum art_argument art_condition_meaning(const struct art_planning *planning, int i);
/* Is the constraint usable, and on the key? on a column of the user's that is not the key? */
static inline bool art_condition_is_on_key(const struct art_planning *planning, int i) {
    const struct sqlite3_index_constraint *constraint = &planning->info->aConstraint[i];
    return constraint->usable && constraint->iColumn == ART_COLUMN_KEY;
}
static inline bool art_condition_is_on_other_column(const struct art_planning *planning, int i) {
    const struct sqlite3_index_constraint *constraint = &planning->info->aConstraint[i];
    const struct art_vtab *vtab = planning->vtab;
    bool other = constraint->iColumn > ART_COLUMN_KEY && art_hidden_column(vtab, constraint->iColumn) < 0;
    return constraint->usable && other && !vtab->columns.items[constraint->iColumn].place;
}
bool art_condition_is_by(const struct art_planning *planning, int i, const char *collation);
/* Is the constraint an IN? It is taken as a whole or not at all: element by element SQLite would compare numbers as
 * texts. */
bool art_condition_is_list(const struct art_planning *planning, int i);
/* How it compares a column, as art_condition_means(), or NOT_EQUAL, NULL, NOT_NULL. */
enum art_argument art_condition_filters(const struct art_planning *planning, int i);
bool art_condition_is_about_nulls(const struct art_planning *planning, int i);
/* Does it compare a column of the user's that is not the key, and may it be a part of a row value's IN? If it is not,
 * the cursor may pass over rows by it. */
bool art_condition_is_comparison(const struct art_planning *planning, int i);
bool art_condition_may_be_row_value(const struct art_planning *planning, int i);
bool art_condition_is_filter(const struct art_planning *planning, int i);
/* SQLite 3.40 shows the GLOB of a LEFT JOIN's ON to the left table, too, which must not lose a row to it; but it does
 * not show the bounds of a literal pattern there. */
bool art_condition_glob_lacks_bounds(const struct art_planning *planning, int i);
/* Does SQLite compare an ordinary table's key with these two alone? Not where it ends them before broken UTF-8. */
bool art_condition_glob_is_bounds(const struct art_planning *planning, int i);
void art_condition_ask(const struct art_planning *planning, int i); /* SQLite, once, for what the next two give */
/* What is on the right, if that is known now: a literal, or a parameter's value; NULL, or no text: it is not known. */
static inline sqlite3_value *art_condition_constant(const struct art_planning *planning, int i) {
    if (!planning->conditions[i].is_asked) art_condition_ask(planning, i);
    return planning->conditions[i].constant;
}
static inline struct art_bytes art_condition_text(const struct art_planning *planning, int i) {
    if (!planning->conditions[i].is_asked) art_condition_ask(planning, i);
    return planning->conditions[i].text;
}

/* GLOB 'ab*' comes as >= 'ab', < 'ac', GLOB 'ab*': 'ab', or nothing where these two are not there. */
void art_condition_seek_glob_bound(const struct art_planning *planning, int i); /* once */
static inline struct art_bytes art_condition_glob_bound(const struct art_planning *planning, int i) {
    if (!planning->conditions[i].is_bound_sought) art_condition_seek_glob_bound(planning, i);
    return planning->conditions[i].glob_bound;
}
static inline bool art_condition_glob_has_bounds(const struct art_planning *planning, int i) {
    return art_condition_glob_bound(planning, i).len > 0;
}

/* Does the statement read no column but these, as in colUsed, and arguments that are given anyway? */
bool art_planning_reads_within(const struct art_planning *planning, sqlite3_uint64 columns);
/* The same of one column. */
bool art_planning_reads_only(const struct art_planning *planning, int column);
bool art_planning_reads_sums(const struct art_planning *planning);

/* --- planner.c ---------------------------------------------------------------------------------------------------- */

/* Constraint i becomes an argument of the scan's: a comparison of column `compared`, 0 is the key, with a literal or
 * not; or -1: nothing is compared. `exact`: SQLite need not look at it again. */
void art_planning_take_column(struct art_planning *planning, int i, int compared, bool is_literal,
                              enum art_argument meaning, bool exact);
/* The same of the key with a literal, or of what compares nothing. */
void art_planning_take(struct art_planning *planning, int i, enum art_argument meaning, bool exact);

/* --- plan_like.c -------------------------------------------------------------------------------------------------- */

/* Should SQLite make bounds of a literal pattern with a beginning of so many bytes? */
bool art_pattern_gets_bounds(struct art_bytes pattern, uint32_t prefix);
/* The constraint that is the lower one of the bounds which SQLite makes of a literal LIKE, or -1. */
int art_like_bounds(const struct art_planning *planning);
/* Takes what chooses a range: those bounds, or a LIKE whose pattern is not known yet. */
void art_like_take(struct art_planning *planning);
/* Of a key of several columns: the conditions that choose a range of it; and whether the scan gives the order that is
 * asked for, and which way. */
int art_several_take(struct art_planning *planning);
bool art_several_order(struct art_planning *planning, bool *descending);
/* An equality with the path by NOCASE, if there is one. */
void art_nocase_take(struct art_planning *planning);
/* Is constraint i a pattern that refuses rows beside the range: a LIKE for the path, or any for another column? */
bool art_pattern_is_filter(struct art_planning *planning, int i);
/* How many patterns for the path, of those that are taken, the scan looks at as filters. */
int art_pattern_count_filters(const struct art_planning *planning);
/* Is constraint i, on the key, about its beginning alone, as far as is known? */
bool art_pattern_is_beginning(const struct art_planning *planning, int i);

/* --- plan_best.c -------------------------------------------------------------------------------------------------- */

/* Makes a RANGE a BEST, if that pays off: ORDER BY a summarised column, and few rows are wanted. */
void art_best_plan(struct art_planning *planning);

/* --- costs.c ------------------------------------------------------------------------------------------------------ */

/* How many rows the constants among the arguments leave. */
uint64_t art_planning_guess_rows(const struct art_planning *planning);
/* Sets what SQLite is told of the plan's cost and rows. */
void art_planning_estimate(const struct art_planning *planning);

enum { ART_HEEDS_PARENTHESES = 3041002 }; /* the version that does on the right of a RIGHT JOIN (3.41.0 does not) */
/* outer_joins.c: the scan must not be run. */
bool art_outer_join_lacks(const struct art_planning *planning);
/* not_given.c: SQLite's code. Refuses what the statement reads of hidden columns and nothing gives, or notes it in the
 * plan. *lacks is set where that scan must not be run. */
int art_not_given_check(struct art_planning *planning, bool *lacks);

/* or_arms.c */
/* Is this the first plan that the statement asks for? Then it is for a whole clause: the arms of its OR come later. */
bool art_plan_is_first(const struct art_planning *planning);
/* Raises the price of a plan that may be an arm of an OR that loses the listing's arguments. */
void art_or_arms_price(const struct art_planning *planning);

#endif
