/* What becomes of the database while others are at work: it is theirs, too. Nothing of it changes what the tables hold,
 * but that they are made anew. */
#include "tests/support/machine.h"

int machine_make_anew(struct actor *actor, uint32_t *rows) {
    struct machine *machine = actor->machine;
    const char *schema = actor->schema;
    int rc = SQLITE_OK;
    if (machine->state_count) rc = machine_do(actor, "DROP TABLE %s.t; DROP TABLE %s.o", schema, schema);
    if (rc) return rc;
    char *sql = sqlite3_mprintf(machine->create, schema, schema);
    rc = machine_do(actor, "%s", sql);
    sqlite3_free(sql);
    for (unsigned i = 0; i < MACHINE_KEYS; i++) rows[i] = 0;
    machine->counts.anew += !rc;
    return rc;
}

/* A program that knows nothing of art tables. */
static void come_as_a_stranger(struct actor *actor) {
    static const char *const acts[] = {"CREATE TABLE IF NOT EXISTS strange(x); INSERT INTO strange SELECT id FROM n",
                                       "DROP TABLE IF EXISTS strange",
                                       "PRAGMA page_size=2048; VACUUM",
                                       "PRAGMA wal_checkpoint(TRUNCATE)",
                                       "PRAGMA journal_mode=DELETE",
                                       "PRAGMA journal_mode=WAL",
                                       "BEGIN; CREATE TABLE gone(x); ROLLBACK",
                                       "PRAGMA integrity_check; ANALYZE o"};
    struct actor stranger = *actor;
    int rc = sqlite3_open_v2(WORLD_DATABASE, &stranger.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, "unix");
    machine_fine(&stranger, rc, "a stranger");
    if (!rc) rc = machine_do(&stranger, "PRAGMA synchronous=%s", actor->machine->plan->synchronous);
    if (!rc) rc = machine_do(&stranger, "%s", acts[machine_below(actor, 8)]);
    if (!rc) actor->machine->counts.strangers++;
    sqlite3_close(stranger.db);
    actor->tainted |= stranger.tainted;
}

void machine_live(struct actor *actor) {
    static const char *const journals[] = {"WAL", "WAL", "DELETE", "TRUNCATE", "PERSIST"};
    static const char *const others[] = {"locking_mode=EXCLUSIVE", "locking_mode=NORMAL",   "auto_vacuum=FULL",
                                         "auto_vacuum=NONE",       "incremental_vacuum(5)", "wal_autocheckpoint=5"};
    static const unsigned sizes[] = {512, 1024, 4096, 8192};
    struct machine_counts *counts = &actor->machine->counts;
    const char *schema = actor->schema;
    uint32_t kind = machine_below(actor, 12);
    if (kind < 3) {
        int rc = machine_do(actor, "PRAGMA %s.journal_mode=%s", schema, journals[machine_below(actor, 5)]);
        counts->journals += !rc;
    } else if (kind < 5) {
        int rc = machine_do(actor, "PRAGMA %s.page_size=%u; VACUUM %s", schema, sizes[machine_below(actor, 4)], schema);
        counts->vacuums += !rc;
    } else if (kind < 8) {
        come_as_a_stranger(actor);
    } else {
        machine_do(actor, "PRAGMA %s.%s", schema, others[machine_below(actor, 6)]);
    }
}
