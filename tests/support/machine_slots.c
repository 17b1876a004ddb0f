/* A slot that a snapshot stands on is not written, and not cut off, by anybody: neither a reader's, nor that of which
 * a transaction has begun (core/tree/run/slots.c). It is noticed at the write, also where readers have the blob in
 * memory.
 *
 * What a snapshot stands on is what its process reads of the .art file while it looks at all rows for the first time;
 * a process that has come lately has nothing in memory. Of several files it is the first: the table's. That blobs in
 * rows stay where a reader is SQLite sees to. A root that nobody stands on, and that may come back, is for the images.
 */
#include <string.h>

#include "core/blob/blob.h"
#include "tests/support/machine.h"
#include "tests/support/sim_disk_private.h"

enum { SLOT = ART_BLOB_BYTES, SLOTS = 8 * sizeof((struct actor *)NULL)->stands };

void machine_stand(struct actor *actor) {
    machine_leave(actor);
    actor->looks = true;
}

void machine_stay(struct actor *actor) {
    actor->looks = false;
}

void machine_leave(struct actor *actor) {
    actor->looks = actor->commits = false;
    actor->stands_in = UINT32_MAX;
    memset(actor->stands, 0, sizeof actor->stands);
}

static void note_read(struct actor *actor, const struct sim_inode *inode, uint64_t first, uint64_t last) {
    if (!actor->looks || !first) return;
    if (actor->stands_in == UINT32_MAX) actor->stands_in = inode->index;
    if (actor->stands_in != inode->index) return;
    for (uint64_t slot = first; slot <= last; slot++) actor->stands[slot / 8] |= (uint8_t)(1 << slot % 8);
}

/* Its snapshot has ended; or its COMMIT may have, after which its own cuts and others' writes are as they should be. */
static bool is_gone(const struct machine *machine, const struct actor *actor, bool cut) {
    if (!actor->process || actor->process->dead) return true;
    if (actor->commits && (cut || machine->running != actor)) return true;
    return actor->db && sqlite3_txn_state(actor->db, NULL) == SQLITE_TXN_NONE;
}

void machine_touch(struct machine *machine, const struct sim_inode *inode, uint64_t offset, uint64_t len, bool write) {
    struct actor *running = machine->running;
    if (machine_was_lied_to(machine)) return;
    uint64_t first = offset / SLOT, last = len ? (offset + len - 1) / SLOT : SLOTS - 1;
    if (first >= SLOTS || last >= SLOTS) return;
    if (!write) return note_read(running, inode, first, last);
    for (unsigned i = 0; i < machine->actor_count; i++) {
        struct actor *actor = &machine->actors[i];
        if (actor->stands_in != inode->index || is_gone(machine, actor, !len)) continue;
        machine->counts.guarded++;
        for (uint64_t slot = first; slot <= last; slot++) {
            if (actor->stands[slot / 8] >> slot % 8 & 1)
                machine_fail(machine, "%s writes or cuts off slot %u, on which %s stands", running->name,
                             (unsigned)slot, actor->name);
        }
    }
}
