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
