/* What happens to a database in its life beside statements: other journals, page sizes, caches and locks, a schema that
 * is read anew, the module registered once more.
 *
 * Both twins get the same. Where two connections share a database, it keeps its journal and its locks: what one of them
 * meets depends then on when the other has last looked.
 */
#include <string.h>

#include "tests/support/workload_private.h"

static bool is_alone(const struct workload *w) {
    return w->setting->connections == 1 && !w->setting->gentle && !w->setting->file &&
           strcmp(w->setting->schema, "temp") != 0 && strcmp(w->setting->other, "again") != 0;
}

/* Within a transaction SQLite refuses some of it, in words that depend on whether a page was written already. */
void put_life_alone(struct writer *x) {
    struct workload *w = x->w;
    x->step->flags |= STEP_NO_ROWS | STEP_BUSY_MAY_DIFFER;
    w->alone_next = false;
    writer_draw(x, "$life_alone");
}

void put_life(struct writer *x) {
    struct workload *w = x->w;
    int c = x->step->connection;
    uint32_t kind = below(w, 10);
    x->step->flags |= STEP_NO_ROWS | STEP_BUSY_MAY_DIFFER;
    /* SQLite forgets by it that the running transaction has changed the schema: then a ROLLBACK TO takes the pages from
     * under an open cursor, and an ordinary table is malformed. */
    if (kind < 2 && !w->cursors) {
        MEET(x, SCHEMA_RESET);
        PUT(x, "PRAGMA writable_schema = RESET");
    } else if (kind < 4) {
        MEET(x, REGISTERED_AGAIN);
        x->step->kind = STEP_REGISTER;
    } else if (is_alone(w) && !w->cursor_open[c] && w->in_transaction[c]) {
        MEET(x, COMMIT);
        PUT(x, "COMMIT");
        w->alone_next = w->look_again[c] = true;
    } else if (is_alone(w) && !w->cursor_open[c]) {
        put_life_alone(x);
    } else if (!w->setting->gentle) {
        MEET(x, SWITCH);
        writer_draw(x, "$life_anywhere");
    } else {
        PUT(x, "PRAGMA shrink_memory");
    }
}
