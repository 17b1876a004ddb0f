/* A world's files as an SQLite VFS. It does what SQLite's own for Unix does, where the disk can see it: the folder is
 * synced with each opener's first sync of a journal or WAL, an empty file is not "there", locks are advisory and
 * belong to the open file (each connection is a process of its own here).
 */
#include "tests/support/world_private.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct world_handle *handle_of(sqlite3_file *file) {
    return (struct world_handle *)file;
}

static bool dead(const struct world_handle *handle) {
    return handle->process->dead;
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

static bool is_armed(const struct world_handle *handle, enum world_fault fault) {
    const struct world *world = handle->world;
    return world->fault.kind == fault && !world->fault.struck && world->fault.of == handle->process;
}

static bool call_fails(const struct world_handle *handle, enum world_fault fault) {
    struct world *world = handle->world;
    if (!is_armed(handle, fault) || world->fault.countdown--) return false;
    return world->fault.struck = true;
}

static int file_read(sqlite3_file *file, void *data, int len, sqlite3_int64 offset) {
    struct world_handle *handle = handle_of(file);
    if (!handle->inode->scratch) world_turn(handle->world, "read");
    if (dead(handle) || call_fails(handle, WORLD_FAIL_READ)) return SQLITE_IOERR_READ;
    uint32_t there = sim_image_read(&handle->inode->live, (uint64_t)offset, data, (uint32_t)len);
    return there < (uint32_t)len ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
}

static bool ends_with(const char *name, const char *end) {
    size_t len = strlen(name), n = strlen(end);
    return len >= n && !strcmp(name + len - n, end);
}

static bool dies_as_zombie(const struct world_handle *handle) {
    return is_armed(handle, WORLD_DIE_AS_ZOMBIE);
}

/* A frame's header has 24 bytes, with the size of the database in a commit's. What the wal-index says then is what
 * others will go on with. */
static void watch_for_commit(struct world_handle *handle, const uint8_t *data, int len) {
    struct world *world = handle->world;
    if (handle->process != world->fault.of || !ends_with(handle->name, "-wal") || len != 24) return;
    if (!data[4] && !data[5] && !data[6] && !data[7]) return;
    world->fault.commit_frame = true;
    for (uint64_t i = 0; i < world->disk->inode_count; i++) {
        struct world_memory *memory = world->disk->inodes[i]->of.memory;
        if (memory && memory->regions[0]) memcpy(memory->header, memory->regions[0], sizeof memory->header);
    }
}

/* The frames of the commit are complete, checksums included: SQLite syncs them, or tells others. */
static bool die_as_zombie(struct world_handle *handle) {
    struct world *world = handle->world;
    if (!dies_as_zombie(handle) || !world->fault.commit_frame) return false;
    world->fault.struck = true;
    world_kill(world, handle->process);
    for (uint64_t i = 0; i < world->disk->inode_count; i++) {
        struct world_memory *memory = world->disk->inodes[i]->of.memory;
        if (memory && memory->kept.of == handle->process && memory->kept.regions[0])
            memcpy(memory->kept.regions[0], memory->header, sizeof memory->header);
    }
    return true;
}

static bool dies_before_removing(const struct world_handle *handle) {
    struct world *world = handle->world;
    if (!is_armed(handle, WORLD_DIE_BEFORE_REMOVING) || !world->fault.told) return false;
    world->fault.struck = true;
    world_kill(world, handle->process);
    return true;
}

/* The disk says that it has written. False: it does, perhaps elsewhere. */
static bool is_lost(struct world *world, sqlite3_int64 *offset, int len) {
    enum world_fault kind = world->fault.kind;
    bool lies = kind == WORLD_LOSE_WRITE || kind == WORLD_MISDIRECT_WRITE;
    if (!lies || world->fault.struck || *world->fault.suffix || len < 512 || world->fault.countdown--) return false;
    world->fault.struck = true;
    *offset += len * (sqlite3_int64)(1 + random_below(&world->random, 4));
    return kind == WORLD_LOSE_WRITE;
}

static int file_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 offset) {
    struct world_handle *handle = handle_of(file);
    bool scratch = handle->inode->scratch;
    if (!scratch) world_turn(handle->world, "write");
    if (dead(handle) || (!scratch && !world_call(handle->world, handle->process))) return SQLITE_IOERR_WRITE;
    if (call_fails(handle, WORLD_FAIL_CALL)) return handle->world->fault.suffix ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    if (call_fails(handle, WORLD_SHORT_WRITE)) {
        world_write(handle->world, handle->inode, (uint64_t)offset, data, (uint32_t)len / 2);
        return SQLITE_FULL;
    }
    if (!scratch && is_lost(handle->world, &offset, len)) return SQLITE_OK;
    world_write(handle->world, handle->inode, (uint64_t)offset, data, (uint32_t)len);
    watch_for_commit(handle, data, len);
    return SQLITE_OK;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
    struct world_handle *handle = handle_of(file);
    world_turn(handle->world, "truncate");
    if (!world_call(handle->world, handle->process)) return SQLITE_IOERR_TRUNCATE;
    sim_change(handle->world->disk, handle->inode, NULL, (uint64_t)size, 0);
    return SQLITE_OK;
}

/* In a transaction that writes the database's WAL; a checkpointer may have the writer's lock, too. */
static bool is_writing(const struct world_process *process, const char *database) {
    enum { WRITE_LOCK = 1 << 0, CHECKPOINT_LOCK = 1 << 1 };
    unsigned locks = 0;
    const struct sim_inode *inode = sim_file(world_now->disk, database);
    for (const struct world_handle *handle = inode ? inode->of.handles : NULL; handle; handle = handle->next) {
        if (handle->process == process) locks |= handle->exclusive;
    }
    return (locks & (WRITE_LOCK | CHECKPOINT_LOCK)) == WRITE_LOCK;
}

/* The index's header has the size of a page at 14, the number of frames at 16. */
uint64_t world_wal_end(const struct world *world, const char *database) {
    enum { WAL_HEADER = 32, FRAME_HEADER = 24 };
    uint16_t page = 0;
    uint32_t frames = 0;
    const struct sim_inode *inode = sim_file(world->disk, database);
    const struct world_memory *memory = inode ? inode->of.memory : NULL;
    if (memory && memory->regions[0]) {
        memcpy(&page, (const uint8_t *)memory->regions[0] + 14, sizeof page);
        memcpy(&frames, (const uint8_t *)memory->regions[0] + 16, sizeof frames);
    }
    return frames ? WAL_HEADER + frames * (uint64_t)(FRAME_HEADER + page) : 0;
}

/* From where on a failed sync may have lost something. */
static uint64_t may_lose(const struct world_handle *handle) {
    if (handle->mapped) return WORLD_LOSES_NOTHING;
    if (!ends_with(handle->name, "-wal")) return 0;
    char database[WORLD_NAME_MAX];
    strcpy(database, handle->name);
    database[strlen(database) - strlen("-wal")] = '\0';
    return is_writing(handle->process, database) ? world_wal_end(handle->world, database) : WORLD_LOSES_NOTHING;
}

static void sync_folder_of(struct world *world, const char *name) {
    world_note(world, &(struct world_op){.kind = WORLD_SYNC_FOLDER, .data = world_text(name)});
}

static int file_sync(sqlite3_file *file, int flags) {
    struct world_handle *handle = handle_of(file);
    world_turn(handle->world, "sync");
    if (!world_call(handle->world, handle->process)) return SQLITE_IOERR_FSYNC;
    bool wal = ends_with(handle->name, "-wal");
    if (wal && dies_before_removing(handle)) return SQLITE_IOERR_FSYNC;
    if (wal && handle->world->fault.countdown == 0 && die_as_zombie(handle)) return SQLITE_IOERR_FSYNC;
    if (wal && handle->world->options.lies == WORLD_LIES_OF_WAL) return SQLITE_OK;
    bool fails = world_sync_fails(handle->world, handle->inode, handle->name, &handle->told, may_lose(handle));
    if (fails || (wal && die_as_zombie(handle))) return SQLITE_IOERR_FSYNC;
    if (!handle->sync_folder) return SQLITE_OK;
    if (!world_call(handle->world, handle->process)) return SQLITE_IOERR_DIR_FSYNC;
    sync_folder_of(handle->world, handle->name);
    handle->sync_folder = false;
    return SQLITE_OK;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size) {
    struct world_handle *handle = handle_of(file);
    world_turn(handle->world, "size");
    if (dead(handle)) return SQLITE_IOERR_FSTAT;
    *size = (sqlite3_int64)handle->inode->live.len;
    return SQLITE_OK;
}

/* ---- locks ------------------------------------------------------------------------------------------------------- */

/* The highest lock that another has. */
static int lock_of_others(const struct world_handle *handle) {
    int highest = SQLITE_LOCK_NONE;
    for (const struct world_handle *other = handle->inode->of.handles; other; other = other->next) {
        if (other != handle && other->lock > highest) highest = other->lock;
    }
    return highest;
}

static int file_lock(sqlite3_file *file, int wanted) {
    struct world_handle *handle = handle_of(file);
    world_turn(handle->world, "lock");
    if (dead(handle)) return SQLITE_IOERR_LOCK;
    if (handle->lock >= wanted) return SQLITE_OK;
    int others = lock_of_others(handle);
    if (wanted == SQLITE_LOCK_SHARED) {
        if (others >= SQLITE_LOCK_PENDING) return SQLITE_BUSY;
    } else {
        if (others >= SQLITE_LOCK_RESERVED) return SQLITE_BUSY;
        if (wanted == SQLITE_LOCK_EXCLUSIVE && others > SQLITE_LOCK_NONE) {
            handle->lock = SQLITE_LOCK_PENDING;
            return SQLITE_BUSY;
        }
    }
    handle->lock = wanted;
    return SQLITE_OK;
}

static int file_unlock(sqlite3_file *file, int wanted) {
    struct world_handle *handle = handle_of(file);
    world_turn(handle->world, "unlock");
    if (!dead(handle) && handle->lock > wanted) handle->lock = wanted;
    return SQLITE_OK;
}

static int file_check_reserved(sqlite3_file *file, int *out) {
    struct world_handle *handle = handle_of(file);
    world_turn(handle->world, "reserved?");
    *out = !dead(handle) && (handle->lock >= SQLITE_LOCK_RESERVED || lock_of_others(handle) >= SQLITE_LOCK_RESERVED);
    return SQLITE_OK;
}

/* ---- the rest of a file ------------------------------------------------------------------------------------------ */

static int file_control(sqlite3_file *file, int op, void *argument) {
    return SQLITE_NOTFOUND;
}

static int file_sector(sqlite3_file *file) {
    return handle_of(file)->world->options.sector;
}

static int file_characteristics(sqlite3_file *file) {
    return handle_of(file)->world->options.characteristics;
}

static int file_close(sqlite3_file *file) {
    struct world_handle *handle = handle_of(file);
    struct world_handle **at = &handle->inode->of.handles;
    while (*at != handle) at = &(*at)->next;
    *at = handle->next;
    if (handle->delete_on_close && !dead(handle) && sim_file(handle->world->disk, handle->name)) {
        sim_set_name(handle->world->disk, handle->name, NULL);
    }
    if (handle->inode->scratch) sim_image_resize(&handle->inode->live, 0);
    return SQLITE_OK;
}

/* ---- shared memory ----------------------------------------------------------------------------------------------- */

void world_memory_free(struct sim_inode *inode) {
    for (unsigned i = 0; i < WORLD_REGIONS; i++) {
        free(inode->of.memory->regions[i]);
        free(inode->of.memory->kept.regions[i]);
    }
    free(inode->of.memory);
    inode->of.memory = NULL;
}

bool world_memory_used(const struct sim_inode *inode) {
    for (const struct world_handle *handle = inode->of.handles; handle; handle = handle->next) {
        if (handle->mapped) return true;
    }
    return inode->of.memory->kept.of != NULL;
}

static int memory_map(sqlite3_file *file, int region, int bytes, int extend, void volatile **out) {
    struct world_handle *handle = handle_of(file);
    world_turn(handle->world, "map");
    *out = NULL;
    if (dead(handle) || region >= WORLD_REGIONS) return SQLITE_IOERR_SHMMAP;
    struct sim_inode *inode = handle->inode;
    if (!inode->of.memory) inode->of.memory = sim_zeroed(sizeof *inode->of.memory);
    handle->mapped = true;
    inode->of.memory->region_bytes = bytes;
    if (!inode->of.memory->regions[region] && extend) inode->of.memory->regions[region] = sim_zeroed((size_t)bytes);
    *out = inode->of.memory->regions[region];
    return SQLITE_OK;
}

static int memory_lock(sqlite3_file *file, int offset, int n, int flags) {
    struct world_handle *handle = handle_of(file);
    world_turn(handle->world, "shared lock");
    if (dead(handle)) return flags & SQLITE_SHM_UNLOCK ? SQLITE_OK : SQLITE_IOERR_SHMLOCK;
    uint16_t mask = (uint16_t)(((1u << n) - 1) << offset), shared = 0, exclusive = 0;
    for (const struct world_handle *other = handle->inode->of.handles; other; other = other->next) {
        if (other == handle) continue;
        shared |= other->shared;
        exclusive |= other->exclusive;
    }
    if (flags & SQLITE_SHM_UNLOCK) {
        handle->shared &= (uint16_t)~mask;
        handle->exclusive &= (uint16_t)~mask;
        return SQLITE_OK;
    }
    if (exclusive & mask || (flags & SQLITE_SHM_EXCLUSIVE && shared & mask)) return SQLITE_BUSY;
    if (flags & SQLITE_SHM_EXCLUSIVE) {
        handle->exclusive |= mask;
    } else {
        handle->shared |= mask;
    }
    return SQLITE_OK;
}

static void memory_barrier(sqlite3_file *file) {
    struct world_handle *handle = handle_of(file);
    die_as_zombie(handle);
    if (handle->process == handle->world->fault.of) handle->world->fault.told = handle->world->fault.commit_frame;
    world_turn(handle->world, "barrier");
}

static int memory_unmap(sqlite3_file *file, int delete_it) {
    struct world_handle *handle = handle_of(file);
    world_turn(handle->world, "unmap");
    if (dead(handle)) return SQLITE_OK;
    handle->mapped = false;
    handle->shared = handle->exclusive = 0;
    if (handle->inode->of.memory && !world_memory_used(handle->inode)) world_memory_free(handle->inode);
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = memory_map,
    .xShmLock = memory_lock,
    .xShmBarrier = memory_barrier,
    .xShmUnmap = memory_unmap,
};

/* ---- names ------------------------------------------------------------------------------------------------------- */

static struct sim_inode *inode_new(struct world *world) {
    struct sim_inode *inode = sim_inode_new(world->disk, 0);
    inode->permissions = 0600;
    inode->owner = geteuid();
    inode->group = getegid();
    return inode;
}

static int find_or_create(struct world *world, const char *name, int flags, struct sim_inode **out) {
    *out = sim_file(world->disk, name);
    if (*out && flags & SQLITE_OPEN_EXCLUSIVE) return SQLITE_CANTOPEN;
    if (*out) return SQLITE_OK;
    if (!(flags & SQLITE_OPEN_CREATE) || !world_call(world, world->current)) return SQLITE_CANTOPEN;
    *out = inode_new(world);
    sim_set_name(world->disk, name, *out);
    return SQLITE_OK;
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags) {
    struct world_handle *handle = handle_of(file);
    struct world *world = world_now;
    int rc = SQLITE_OK;
    memset(handle, 0, sizeof *handle);
    world_turn(world, "open");
    if (!world || world->current->dead) return SQLITE_CANTOPEN;
    if (name) {
        rc = find_or_create(world, name, flags, &handle->inode);
    } else {
        handle->inode = inode_new(world);
        handle->inode->scratch = true;
    }
    if (rc) return rc;
    handle->world = world;
    handle->process = world->current;
    if (name) strncpy(handle->name, name, WORLD_NAME_MAX - 1);
    handle->delete_on_close = name && flags & SQLITE_OPEN_DELETEONCLOSE;
    int journals = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL | SQLITE_OPEN_SUPER_JOURNAL;
    handle->sync_folder = name && flags & SQLITE_OPEN_CREATE && flags & journals;
    handle->told = handle->inode->of.failures;
    handle->next = handle->inode->of.handles;
    handle->inode->of.handles = handle;
    file->pMethods = &methods;
    if (out_flags) *out_flags = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_folder) {
    if (!world_now) return SQLITE_IOERR_DELETE;
    world_turn(world_now, "delete");
    if (!sim_file(world_now->disk, name)) return SQLITE_IOERR_DELETE_NOENT;
    if (!world_call(world_now, world_now->current)) return SQLITE_IOERR_DELETE;
    sim_set_name(world_now->disk, name, NULL);
    if (!sync_folder) return SQLITE_OK;
    if (!world_call(world_now, world_now->current)) return SQLITE_IOERR_DIR_FSYNC;
    sync_folder_of(world_now, name);
    return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out) {
    world_turn(world_now, "access");
    const struct sim_inode *found = world_now ? sim_file(world_now->disk, name) : NULL;
    *out = found && (flags != SQLITE_ACCESS_EXISTS || found->live.len > 0);
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int len, char *out) {
    if ((int)strlen(name) >= len) return SQLITE_CANTOPEN;
    strcpy(out, name);
    return SQLITE_OK;
}

static int vfs_random(sqlite3_vfs *vfs, int len, char *out) {
    for (int i = 0; i < len; i++) out[i] = (char)(world_now ? random_next(&world_now->random) : (uint64_t)i);
    return len;
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds) {
    world_turn(world_now, "sleep");
    return microseconds;
}

static int vfs_time64(sqlite3_vfs *vfs, sqlite3_int64 *out) {
    *out = 212000000000000;
    return SQLITE_OK;
}

static int vfs_time(sqlite3_vfs *vfs, double *out) {
    *out = 2453737.0;
    return SQLITE_OK;
}

static int vfs_error(sqlite3_vfs *vfs, int len, char *out) {
    return 0;
}

void world_vfs_register(void) {
    static sqlite3_vfs vfs = {
        .iVersion = 2,
        .szOsFile = sizeof(struct world_handle),
        .mxPathname = WORLD_NAME_MAX - 16,
        .zName = "unix", /* what it shows is what lies on its disk, as with SQLite's own */
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_random,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_time,
        .xGetLastError = vfs_error,
        .xCurrentTimeInt64 = vfs_time64,
    };
    static bool registered;
    if (!registered) sqlite3_vfs_register(&vfs, 1);
    registered = true;
}
