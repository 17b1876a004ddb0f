/* What the VFS of a world asks of it. */
#ifndef TESTS_WORLD_PRIVATE_H
#define TESTS_WORLD_PRIVATE_H

#include <sqlite3.h>

#include "tests/support/sim_disk_private.h"

enum { WORLD_SHM_SLOTS = SQLITE_SHM_NLOCK, WORLD_REGIONS = 64 };

/* The shared memory of a database in WAL mode. */
struct world_memory {
    void *regions[WORLD_REGIONS];
    int region_bytes;
    uint8_t header[96]; /* both copies of a zombie's: as they were before its commit */
    struct {            /* as it was when somebody died, until he is buried */
        void *regions[WORLD_REGIONS];
        const struct world_process *of;
    } kept;
};

/* An open file of SQLite. */
struct world_handle {
    sqlite3_file base;
    struct world *world;
    struct world_process *process;
    struct sim_inode *inode;
    unsigned told;             /* of so many failures */
    struct world_handle *next; /* of the inode's */
    char name[WORLD_NAME_MAX];
    int lock; /* SQLITE_LOCK_... */
    bool sync_folder, delete_on_close;
    bool mapped;
    uint16_t shared, exclusive; /* slots of the shared memory */
};

extern struct world *world_now;

static inline void world_turn(struct world *world, const char *call) {
    if (world && world->turn) world->turn(world, call);
}

/* May the process make this call? False: it is dead, perhaps from here on. */
bool world_call(struct world *world, const struct world_process *process);
/* Does this sync fail, or was this opener not told yet of one that did? What was written from `lost_from` on may be
 * lost then. */
bool world_sync_fails(struct world *world, struct sim_inode *inode, const char *name, unsigned *told,
                      uint64_t lost_from);

void world_write(struct world *world, struct sim_inode *inode, uint64_t offset, const void *data, uint32_t len);

/* world_vfs.c */
void world_vfs_register(void);
void world_memory_free(struct sim_inode *inode);
bool world_memory_used(const struct sim_inode *inode);

#endif
