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
    const char *schema = w->setting->schema;
    uint32_t kind = below(w, 9);
    if (kind < 3) {
        MEET(x, JOURNAL);
        PUT(x, "PRAGMA %s.journal_mode = %s", schema, PICK(w, "WAL", "WAL", "DELETE", "TRUNCATE", "PERSIST", "MEMORY"));
    } else if (kind < 6) {
        MEET(x, LOCKING_MODE);
        PUT(x, "PRAGMA %s.locking_mode = %s", schema, PICK(w, "EXCLUSIVE", "NORMAL"));
    } else if (kind == 6) {
        PUT(x, "PRAGMA %s.page_size = %s", schema, PICK(w, "512", "1024", "4096", "16384", "65536"));
    } else if (kind == 7) {
        PUT(x, "PRAGMA %s.auto_vacuum = %u", schema, below(w, 3));
    } else {
        MEET(x, VACUUM);
        PUT(x, "VACUUM %s", schema);
    }
}

/* It analyzes the tables that have changed much, among them those that hold an art table's rows. Of a database under
 * two names that locks one of them in a transaction, and in one twin only. */
static bool may_optimize(const struct workload *w) {
    return strcmp(w->setting->other, "again") != 0;
}

static void put_anywhere(struct writer *x) {
    struct workload *w = x->w;
    const char *schema = w->setting->schema;
    switch (below(w, 8)) {
    case 0:
        PUT(x, "PRAGMA %s.secure_delete = %u", schema, below(w, 3));
        break;
    case 1:
        PUT(x, "PRAGMA %s.mmap_size = %u", schema, below(w, 2) * 1000000);
        break;
    case 2:
        PUT(x, "PRAGMA wal_autocheckpoint = %s", PICK(w, "1", "0", "10", "1000"));
        break;
    case 3:
        PUT(x, "PRAGMA %s.synchronous = %s", schema, PICK(w, "OFF", "NORMAL", "FULL", "EXTRA"));
        break;
    case 4:
        PUT(x, "PRAGMA shrink_memory");
        break;
    case 5:
        PUT(x, "PRAGMA %s.incremental_vacuum(%u)", schema, below(w, 20));
        break;
    case 6:
        PUT(x, may_optimize(w) ? "PRAGMA optimize" : "PRAGMA shrink_memory");
        break;
    default:
        PUT(x, "PRAGMA recursive_triggers = %u", below(w, 2));
        break;
    }
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
        put_anywhere(x);
    } else {
        PUT(x, "PRAGMA shrink_memory");
    }
}
