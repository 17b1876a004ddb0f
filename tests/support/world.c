/* Processes, and the history of what they did to the disk. */
#include "tests/support/world_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct world *world_now;

/* ---- history ----------------------------------------------------------------------------------------------------- */

static uint8_t *copied(const void *data, size_t len) {
    uint8_t *copy = malloc(len ? len : 1);
    if (!copy) abort();
    memcpy(copy, data, len);
    return copy;
}

void world_mark(struct world *world, uint64_t what, uint32_t number) {
    world_note(world, &(struct world_op){.kind = WORLD_MARK, .offset = what, .len = number});
}

void world_write(struct world *world, struct sim_inode *inode, uint64_t offset, const void *data, uint32_t len) {
    sim_change(world->disk, inode, copied(data, len), offset, len);
}

const char *world_name_of(const struct world *world, uint32_t inode) {
    for (uint64_t i = 0; i < world->disk->name_count; i++) {
        const struct sim_name *name = &world->disk->names[i];
        if (name->live && name->live->index == inode) return name->path;
    }
    return NULL;
}

/* ---- processes and faults ---------------------------------------------------------------------------------------- */

struct world_process *world_process_new(struct world *world) {
    static uint64_t devices = 1000;
    struct world_process *process = sim_zeroed(sizeof *process);
    if (world->process_count == sizeof world->processes / sizeof *world->processes) abort();
    process->number = world->process_count;
    process->device = devices++;
    world->processes[world->process_count++] = process;
    return process;
}

static void keep_memory(struct sim_inode *inode, const struct world_process *process) {
    struct world_memory *memory = inode->of.memory;
    if (!memory || memory->kept.of) return;
    memory->kept.of = process;
    for (unsigned i = 0; i < WORLD_REGIONS && memory->regions[i]; i++) {
        memory->kept.regions[i] = copied(memory->regions[i], (size_t)memory->region_bytes);
    }
}

void world_kill(struct world *world, struct world_process *process) {
    process->dead = true;
    for (uint64_t i = 0; i < world->disk->inode_count; i++) {
        struct sim_inode *inode = world->disk->inodes[i];
        bool had_memory = false;
        for (struct world_handle *handle = inode->of.handles; handle; handle = handle->next) {
            if (handle->process != process) continue;
            had_memory |= handle->mapped;
            handle->lock = SQLITE_LOCK_NONE;
            handle->shared = handle->exclusive = 0;
            handle->mapped = false;
        }
        if (had_memory) keep_memory(inode, process);
    }
    for (struct sim_handle *handle = world->disk->handles; handle; handle = handle->next) {
        if (handle->process == process) sim_handle_die(handle);
    }
}

void world_bury(struct world *world, struct world_process *process) {
    for (uint64_t i = 0; i < world->disk->inode_count; i++) {
        struct sim_inode *inode = world->disk->inodes[i];
        struct world_memory *memory = inode->of.memory;
        if (!memory || memory->kept.of != process) continue;
        for (unsigned k = 0; k < WORLD_REGIONS; k++) {
            if (memory->kept.regions[k]) {
                memcpy(memory->regions[k], memory->kept.regions[k], (size_t)memory->region_bytes);
            } else if (memory->regions[k]) {
                memset(memory->regions[k], 0, (size_t)memory->region_bytes);
            }
            free(memory->kept.regions[k]);
            memory->kept.regions[k] = NULL;
        }
        memory->kept.of = NULL;
        if (!world_memory_used(inode)) world_memory_free(inode);
    }
}

void world_arm(struct world *world, enum world_fault fault, unsigned nth, const char *suffix) {
    world->fault.kind = fault;
    world->fault.of = world->current;
    world->fault.countdown = nth;
    world->fault.suffix = suffix;
    world->fault.commit_frame = world->fault.told = world->fault.struck = false;
}

bool world_disarm(struct world *world) {
    bool struck = world->fault.struck;
    world->fault.kind = WORLD_NO_FAULT;
    world->fault.struck = false;
    return struck;
}

bool world_call(struct world *world, const struct world_process *process) {
    if (process->dead) return false;
    if (world->fault.kind != WORLD_DIE_AT || world->fault.of != process) return true;
    if (world->fault.struck || world->fault.countdown--) return true;
    world->fault.struck = true;
    world_kill(world, world->current);
    return false;
}

static bool is_sync_armed(struct world *world, const char *name) {
    if (world->fault.kind != WORLD_FAIL_SYNC || world->fault.struck || world->fault.of != world->current) return false;
    size_t len = strlen(name), end = strlen(world->fault.suffix);
    return len >= end && !strcmp(name + len - end, world->fault.suffix) && !world->fault.countdown--;
}

bool world_sync_fails(struct world *world, struct sim_inode *inode, const char *name, unsigned *told,
                      uint64_t lost_from) {
    if (is_sync_armed(world, name)) {
        ++inode->of.failures;
    } else {
        lost_from = WORLD_SYNCED;
    }
    bool fails = *told != inode->of.failures, good = lost_from == WORLD_SYNCED;
    *told = inode->of.failures;
    if (fails) world->fault.struck = true;
    enum world_op_kind kind = good ? WORLD_SYNC : WORLD_SYNC_FAILED;
    if (inode->scratch) return fails;
    world_note(world, &(struct world_op){.kind = kind, .inode = inode->index, .offset = good ? 0 : lost_from});
    return fails;
}

/* ---- the disk's machine ------------------------------------------------------------------------------------------ */

static bool may(struct world *world, const void *process, bool change) {
    return change ? world_call(world, process) : !((const struct world_process *)process)->dead;
}

static bool art_sync_fails(struct world *world, struct sim_inode *inode, const char *name, unsigned *told) {
    return world_sync_fails(world, inode, name, told, 0);
}

/* One page of the write is what it was; and another one is what it should not be. */
static void lie(struct world *world, struct sim_inode *inode, uint8_t *data, uint64_t offset, uint32_t len) {
    enum { FIRST_SLOT = 128 * ART_PAGE };
    enum world_fault kind = world->fault.kind;
    if ((kind != WORLD_LOSE_WRITE && kind != WORLD_MISDIRECT_WRITE) || world->fault.struck) return;
    if (world->fault.suffix && !*world->fault.suffix) return;
    for (uint32_t at = 0; at + ART_PAGE <= len; at += ART_PAGE) {
        if (world->fault.countdown--) continue;
        world->fault.struck = true;
        uint64_t pages = inode->live.len / ART_PAGE;
        uint64_t to = random_below(&world->random, (uint32_t)pages + 1) * (uint64_t)ART_PAGE;
        bool lands = kind == WORLD_MISDIRECT_WRITE && to >= FIRST_SLOT && (to < offset || to >= offset + len);
        uint8_t *page = copied(data + at, ART_PAGE);
        sim_image_read(&inode->live, offset + at, data + at, ART_PAGE);
        if (lands) {
            sim_change(world->disk, inode, page, to, ART_PAGE);
        } else {
            free(page);
        }
        return;
    }
}

static const struct sim_machine machine = {may, art_sync_fails, lie, world_turn};

/* ---- beginning and end ------------------------------------------------------------------------------------------- */

enum { FIRST_NUMBER = 100, STALE_ONE_IN = 4, AT_HAND_ONE_IN = 2 };

struct world *world_new(const struct world_image *image, const struct world_options *options) {
    struct sim_disk *disk = sim_disk_new(options->seed);
    struct world *world = disk->world;
    world_replay_free(disk->replay);
    disk->replay = NULL;
    disk->machine = &machine;
    disk->newest = FIRST_NUMBER - 1;
    disk->stale_one_in = STALE_ONE_IN;
    disk->at_hand_one_in = AT_HAND_ONE_IN;
    world->image.files = sim_zeroed((image ? image->count + 1 : 1) * sizeof *world->image.files);
    for (unsigned i = 0; image && i < image->count; i++) {
        struct world_image_file *file = &world->image.files[world->image.count++];
        struct sim_inode *inode = sim_inode_new(disk, image->files[i].number);
        *file = (struct world_image_file){.number = image->files[i].number, .inode = inode->index};
        strcpy(file->name, image->files[i].name);
        sparse_copy(&image->files[i].bytes, &file->bytes);
        sparse_copy(&file->bytes, &inode->live.sparse);
        inode->live.len = file->bytes.size;
        sim_set_name(disk, file->name, inode);
        free(world->ops[--world->op_count].data);
    }
    world->options = *options;
    world->random = (struct random){options->seed};
    return world;
}

void world_free(struct world *world) {
    if (!world) return;
    if (world_now == world) world_enter(NULL, NULL);
    for (uint64_t i = 0; i < world->disk->inode_count; i++) {
        if (world->disk->inodes[i]->of.memory) world_memory_free(world->disk->inodes[i]);
    }
    for (unsigned i = 0; i < world->process_count; i++) free(world->processes[i]);
    sim_disk_free(world->disk);
    free(world);
}

void world_enter(struct world *world, struct world_process *process) {
    world_vfs_register();
    world_now = world;
    art_disk_set_default(world ? sim_disk_art(world->disk) : NULL);
    if (!world) return;
    world->current = process;
#ifdef ART_TEST_HOOKS /* in what is given out, with which the bench is linked, there are none */
    art_test_process = process->device;
#endif
    world->disk->process = process;
    world->disk->device = process->device;
}

/* ---- for people -------------------------------------------------------------------------------------------------- */

void world_dump(const struct world *world, unsigned from, unsigned to) {
    static const char *const kinds[] = {"write",  "truncate", "sync",        "sync FAILED",
                                        "create", "unlink",   "sync folder", "mark"};
    for (unsigned i = from; i < to && i < world->op_count; i++) {
        const struct world_op *op = &world->ops[i];
        const char *name = op->inode < world->image.count ? world->image.files[op->inode].name : "";
        for (unsigned k = 0; k < world->op_count; k++) {
            const struct world_op *made = &world->ops[k];
            if (made->kind == WORLD_CREATE && made->inode == op->inode) name = (const char *)made->data;
        }
        if (op->kind == WORLD_MARK || op->kind == WORLD_SYNC_FOLDER) name = "";
        fprintf(stderr, "  %5u: process %u %s %s inode %u at %llu, %u\n", i, op->process, kinds[op->kind], name,
                op->inode, (unsigned long long)op->offset, op->len);
    }
}
