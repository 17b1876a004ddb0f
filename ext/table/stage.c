/* Where a table stands in the running transaction. txn/txn.h draws the stages, and says what leads from one to another.
 */
#include "ext/table/table.h"

#include <assert.h>

bool art_stage_leads_to(enum art_stage from, enum art_stage to) {
    static const unsigned arrows[ART_STAGES] = {
        [ART_STAGE_OUT] = 1u << ART_STAGE_ALONE | 1u << ART_STAGE_CHANGING,
        [ART_STAGE_ALONE] = 1u << ART_STAGE_CHANGING | 1u << ART_STAGE_PREPARED | 1u << ART_STAGE_OUT,
        [ART_STAGE_CHANGING] = 1u << ART_STAGE_PREPARED | 1u << ART_STAGE_OUT,
        [ART_STAGE_PREPARED] = 1u << ART_STAGE_REFUSED | 1u << ART_STAGE_OUT,
        [ART_STAGE_REFUSED] = 1u << ART_STAGE_PREPARED | 1u << ART_STAGE_OUT,
    };
    assert(from < ART_STAGES && to < ART_STAGES);
    return arrows[from] >> to & 1;
}

void art_table_set_stage(struct art_table *table, enum art_stage stage) {
    assert(art_stage_leads_to(table->stage, stage));
    table->stage = stage;
}

#ifndef NDEBUG
/* The tree's own savepoints are in the order of SQLite's, as far as they do not stand for the beginning. */
static void assert_saved(const struct art_table *table) {
    uint32_t newest = ART_SAVEPOINT_BEGIN;
    assert(table->saved_count <= table->saved_capacity);
    for (unsigned i = 0; i < table->saved_count; i++) {
        const struct art_saved_table *saved = &table->saved[i];
        assert(saved->name && (!i || saved[-1].number < saved->number));
        if (saved->savepoint == ART_SAVEPOINT_BEGIN) continue;
        assert(newest == ART_SAVEPOINT_BEGIN || newest < saved->savepoint);
        newest = saved->savepoint;
    }
}

static void assert_in(const struct art_table *table) {
    const sqlite3_vtab *listener = table->connection->owner;
    assert(table->owner && *table->changing_link == table);
    assert(table->owner == listener || ((const struct art_vtab *)table->owner)->owned);
    assert(table->begin.name && table->begin.number == ART_SAVEPOINT_NONE);
    assert(table->begin.savepoint == ART_SAVEPOINT_BEGIN && !table->begin.requested);
    assert(table->stage != ART_STAGE_ALONE || (table->owner != listener && table->begin.exists));
    assert_saved(table);
}

void art_table_assert(const struct art_table *table) {
    assert(table->connection && table->tree && table->name && table->database && table->journal);
    assert(table->stage < ART_STAGES);
    if (table->stage == ART_STAGE_OUT) {
        assert(!table->owner && !table->begin.name && !table->saved_count);
        assert(!table->requested && !table->orphans.count && !table->deleting);
        assert(table->fresh != ART_FRESH_LOCKED);
        assert(!art_tree_dirty(table->tree));
    } else {
        assert_in(table);
    }
    art_tree_invariants(table->tree);
}

void art_savepoints_assert(const struct art_savepoints *savepoints) {
    assert(savepoints->count <= savepoints->capacity);
    for (unsigned i = 1; i < savepoints->count; i++) assert(savepoints->items[i - 1] < savepoints->items[i]);
    assert(!savepoints->count || savepoints->items[savepoints->count - 1] < savepoints->cut);
}
#endif
