/* A memtable that can't be wrong: an array, with a random history that keeps both in step.
 *
 * The keys that a history may ever set are fixed beforehand and sorted, so the model is a cell a key, in key order, and
 * a savepoint is a copy of all cells. The writer keeps the rules of core/tree: what lies below the memtable is fixed
 * while it lives, and an entry says of its key's row there that it shadows it, and what that had in summed columns. A
 * reader gets the rows of redo, and nothing else.
 */
#ifndef ART_TESTS_MEMTABLE_MODEL_H
#define ART_TESTS_MEMTABLE_MODEL_H

#include "core/memtable/memtable.h"
#include "tests/support/keys.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"
#include "tests/support/toy_columns.h"

enum {
    MODEL_STORED_MOST = ART_REPLACED_MAX + TOY_REFERENCE + ART_SUMMARY_MAX * ART_DATUM_BYTES,
    MODEL_MARKS = 6,
    MODEL_ROWS = 24
};

/* What the table's summary has. */
enum model_kind { MODEL_PLAIN, MODEL_SUMMED, MODEL_LOOKUPS, MODEL_KINDS };

struct memtable_cell {
    bool present;
    uint8_t flags;
    uint64_t csn;
    uint32_t len, more, number; /* bytes in `stored`; bytes of the value behind them, and what they are made of */
    uint8_t stored[MODEL_STORED_MOST];
    struct art_datum data[ART_SUMMARY_MAX]; /* NULLs where it puts no row */
};

struct memtable_model {
    struct art_summary summary;
    struct key_set set;
    struct art_memtable *memtable, *reader;
    struct memtable_cell *below; /* the row of each key in the sources below: `present`, or none */
    bool *chunk;                 /* keys that are no rows */
    struct memtable_cell *cells, *marks[MODEL_MARKS];
    uint64_t positions[MODEL_MARKS];
    int savepoints; /* the first is position 0 */
    uint64_t csn, first;
    struct art_hash128 hash; /* of the last row of redo, number `csn`; of those since `first`: */
    struct art_buffer rows[MODEL_ROWS];
    unsigned row_count;
    uint32_t values;         /* how many there are to be looked up */
    uint32_t chosen, walked; /* walks for what was looked up, and those that had too much to choose */
    struct random *random;
};

/* Of at most so many keys; fewer where they are long. */
void memtable_model_init(struct memtable_model *model, enum key_family family, enum model_kind kind, uint32_t keys,
                         struct random *random);
void memtable_model_clear(struct memtable_model *model);
static inline struct art_memtable *open_memtable(void) {
    struct art_memtable *memtable;
    must(art_memtable_open(&memtable));
    return memtable;
}
struct art_memtable *memtable_model_open(const struct memtable_model *model); /* an empty one with its summary */
struct memtable_cell memtable_model_random_cell(struct memtable_model *model, uint32_t at);
/* The value is good until the next call. */
struct art_entry memtable_cell_entry(const struct memtable_cell *cell);
/* Sets key number `at`, or any, to something random. */
void memtable_model_set_at(struct memtable_model *model, uint32_t at);
void memtable_model_set(struct memtable_model *model);
void memtable_model_roll_back(struct memtable_model *model, int to);
/* A change, a savepoint, a rollback, a commit, a copy, a flush. */
void memtable_model_step(struct memtable_model *model);

/* The invariants, and sums before some key. */
void memtable_model_look(const struct memtable_model *model);
/* Everything that can be asked: order both ways, gets, counters, ranks, sums, zones, extremes, seeks, jumps, walks for
 * what is newer or looked up. Fails the test on a difference. `probes`: how many random questions. */
void memtable_model_compare(struct memtable_model *model, uint32_t probes);
/* The same for all zones; `exact`: nothing ever went, so they are as narrow as can be. */
void memtable_model_compare_zones(const struct memtable_model *model, bool exact);
void memtable_model_random_limits(struct memtable_model *model, struct art_limits *limits); /* good until the next */
/* Both hold the same keys with the same entries, and the second one is sound. */
void memtables_equal(const struct art_memtable *a, const struct art_memtable *b);

#endif
