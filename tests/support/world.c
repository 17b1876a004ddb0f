/* Files, names, processes, and the history of what was done to them. */
#include "tests/support/world_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct world *world_now;
struct world_process *world_process_now;

static void *zeroed(size_t bytes) {
    void *memory = calloc(1, bytes);
    if (!memory) abort();
    return memory;
}

static void *grown(void *array, unsigned count, size_t item) {
    if (count & (count - 1)) return array; /* room was made at the last power of two */
    array = realloc(array, (count ? 2 * (size_t)count : 1) * item);
    if (!array) abort();
    return array;
}

/* ---- history ----------------------------------------------------------------------------------------------------- */

static struct world_op *record(struct world *world, enum world_op_kind kind, uint32_t inode) {
    if (world->op_count == world->op_capacity) {
        world->op_capacity = world->op_capacity ? 2 * world->op_capacity : 64;
        world->ops = realloc(world->ops, world->op_capacity * sizeof *world->ops);
        if (!world->ops) abort();
    }
    struct world_op *op = &world->ops[world->op_count++];
    *op = (struct world_op){.kind = (uint8_t)kind, .inode = inode};
    if (world->current) op->process = (uint16_t)world->current->number;
    return op;
}

static uint8_t *copied(const void *data, size_t len) {
    uint8_t *copy = malloc(len ? len : 1);
    if (!copy) abort();
    memcpy(copy, data, len);
    return copy;
}

void world_mark(struct world *world, uint64_t what, uint32_t number) {
    struct world_op *op = record(world, WORLD_MARK, 0);
    op->offset = what;
    op->len = number;
}

void world_write(struct world *world, uint32_t inode, uint64_t offset, const void *data, uint32_t len) {
    sparse_write(&world->inodes[inode]->live, offset, data, len);
    if (world->inodes[inode]->scratch) return;
    struct world_op *op = record(world, WORLD_WRITE, inode);
    op->offset = offset;
    op->len = len;
    op->data = copied(data, len);
}

void world_truncate(struct world *world, uint32_t inode, uint64_t size) {
    sparse_truncate(&world->inodes[inode]->live, size);
    if (!world->inodes[inode]->scratch) record(world, WORLD_TRUNCATE, inode)->offset = size;
}

void world_sync(struct world *world, uint32_t inode, uint64_t lost_from) {
    bool good = lost_from == WORLD_SYNCED;
    if (world->inodes[inode]->scratch || (world->options.lies && good)) return;
    record(world, good ? WORLD_SYNC : WORLD_SYNC_FAILED, inode)->offset = good ? 0 : lost_from;
}

void world_note_commit(struct world *world) {
    world->committed = world->op_count;
}

void world_sync_folder(struct world *world) {
    if (!world->options.lies) record(world, WORLD_SYNC_FOLDER, 0);
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

struct world_inode *world_inode_new(struct world *world, uint32_t *index) {
    world->inodes = grown(world->inodes, world->inode_count, sizeof *world->inodes);
    struct world_inode *inode = zeroed(sizeof *inode);
    inode->number = world->next_number++;
    *index = world->inode_count;
    world->inodes[world->inode_count++] = inode;
    return inode;
}

struct world_name *world_find(struct world *world, const char *name) {
    for (unsigned i = 0; i < world->name_count; i++) {
        if (!strcmp(world->names[i].name, name)) return &world->names[i];
    }
    return NULL;
}

static void add_name(struct world *world, const char *name, uint32_t inode) {
    world->names = grown(world->names, world->name_count, sizeof *world->names);
    struct world_name *added = &world->names[world->name_count++];
    if (strlen(name) >= WORLD_NAME_MAX) abort();
    memset(added, 0, sizeof *added);
    strcpy(added->name, name);
    added->inode = inode;
}

struct world_inode *world_create(struct world *world, const char *name, uint32_t *index) {
    struct world_inode *inode = world_inode_new(world, index);
    add_name(world, name, *index);
    record(world, WORLD_CREATE, *index)->data = copied(name, strlen(name) + 1);
    return inode;
}

void world_unlink(struct world *world, const char *name) {
    struct world_name *found = world_find(world, name);
    record(world, WORLD_UNLINK, found->inode)->data = copied(name, strlen(name) + 1);
    *found = world->names[--world->name_count];
}

/* ---- processes and faults ---------------------------------------------------------------------------------------- */

struct world_process *world_process_new(struct world *world) {
    static uint64_t devices = 1000;
    struct world_process *process = zeroed(sizeof *process);
    if (world->process_count == sizeof world->processes / sizeof *world->processes) abort();
    process->number = world->process_count;
    process->device = devices++;
    world->processes[world->process_count++] = process;
    return process;
}

static void keep_memory(struct world_inode *inode, const struct world_process *process) {
    struct world_memory *memory = inode->memory;
    if (!memory || memory->kept.of) return;
    memory->kept.of = process;
    for (unsigned i = 0; i < WORLD_REGIONS && memory->regions[i]; i++) {
        memory->kept.regions[i] = copied(memory->regions[i], (size_t)memory->region_bytes);
    }
}

void world_kill(struct world *world, struct world_process *process) {
    process->dead = true;
    for (unsigned i = 0; i < world->inode_count; i++) {
        struct world_inode *inode = world->inodes[i];
        bool had_memory = false;
        for (struct world_handle *handle = inode->handles; handle; handle = handle->next) {
            if (handle->process != process) continue;
            had_memory |= handle->mapped;
            handle->lock = SQLITE_LOCK_NONE;
            handle->shared = handle->exclusive = 0;
            handle->mapped = false;
        }
        if (had_memory) keep_memory(inode, process);
        if (inode->art_lock_of == process) inode->art_lock = inode->art_lock_of = NULL;
    }
}

void world_bury(struct world *world, struct world_process *process) {
    for (unsigned i = 0; i < world->inode_count; i++) {
        struct world_inode *inode = world->inodes[i];
        struct world_memory *memory = inode->memory;
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
    if (world->fault.kind != WORLD_DIE_AT || world->fault.struck || world->fault.countdown--) return true;
    world->fault.struck = true;
    world_kill(world, world->current);
    return false;
}

static bool is_sync_armed(struct world *world, const char *name) {
    if (world->fault.kind != WORLD_FAIL_SYNC || world->fault.struck) return false;
    size_t len = strlen(name), end = strlen(world->fault.suffix);
    return len >= end && !strcmp(name + len - end, world->fault.suffix) && !world->fault.countdown--;
}

bool world_sync_fails(struct world *world, const char *name, uint32_t inode, unsigned *told, uint64_t *lost_from) {
    unsigned *failures = &world->inodes[inode]->failures;
    if (is_sync_armed(world, name)) {
        ++*failures;
    } else {
        *lost_from = WORLD_SYNCED;
    }
    bool fails = *told != *failures;
    *told = *failures;
    if (fails) world->fault.struck = true;
    return fails;
}

/* ---- beginning and end ------------------------------------------------------------------------------------------- */

struct world *world_new(const struct world_image *image, const struct world_options *options) {
    struct world *world = zeroed(sizeof *world);
    world->options = *options;
    world->random = (struct random){options->seed};
    world->next_number = 100;
    world->image_bytes = zeroed((image ? image->count + 1 : 1) * sizeof *world->image_bytes);
    for (unsigned i = 0; image && i < image->count; i++) {
        uint32_t index;
        struct world_inode *inode = world_inode_new(world, &index);
        inode->number = image->files[i].number;
        if (world->next_number <= inode->number) world->next_number = inode->number + 1;
        sparse_copy(&image->files[i].bytes, &inode->live);
        sparse_copy(&image->files[i].bytes, &world->image_bytes[i]);
        add_name(world, image->files[i].name, index);
    }
    world->image_inodes = world->inode_count;
    world->image_name_count = world->name_count;
    world->image_names =
        world->name_count ? (void *)copied(world->names, world->name_count * sizeof *world->names) : NULL;
    return world;
}

void world_free(struct world *world) {
    if (!world) return;
    if (world_now == world) world_enter(NULL, NULL);
    for (unsigned i = 0; i < world->inode_count; i++) {
        if (world->inodes[i]->memory) world_memory_free(world->inodes[i]);
        sparse_clear(&world->inodes[i]->live);
        sparse_clear(&world->inodes[i]->before);
        free(world->inodes[i]);
    }
    for (unsigned i = 0; i < world->image_inodes; i++) sparse_clear(&world->image_bytes[i]);
    for (unsigned i = 0; i < world->op_count; i++) free(world->ops[i].data);
    for (unsigned i = 0; i < world->process_count; i++) free(world->processes[i]);
    free(world->inodes);
    free(world->names);
    free(world->image_names);
    free(world->image_bytes);
    free(world->ops);
    free(world);
}

void world_enter(struct world *world, struct world_process *process) {
    world_vfs_register();
    world_now = world;
    world_process_now = process;
    if (world) world->current = process;
}

void world_image_clear(struct world_image *image) {
    for (unsigned i = 0; i < image->count; i++) sparse_clear(&image->files[i].bytes);
    free(image->files);
    *image = (struct world_image){0};
}

/* ---- for people -------------------------------------------------------------------------------------------------- */

void world_dump(const struct world *world, unsigned from, unsigned to) {
    static const char *const kinds[] = {"write",  "truncate", "sync",        "sync FAILED",
                                        "create", "unlink",   "sync folder", "mark"};
    for (unsigned i = from; i < to && i < world->op_count; i++) {
        const struct world_op *op = &world->ops[i];
        const char *name = "";
        for (unsigned k = 0; k < world->op_count && op->kind != WORLD_MARK; k++) {
            const struct world_op *made = &world->ops[k];
            if (made->kind == WORLD_CREATE && made->inode == op->inode) name = (const char *)made->data;
        }
        for (unsigned k = 0; k < world->image_name_count && op->kind != WORLD_MARK; k++) {
            if (world->image_names[k].inode == op->inode) name = world->image_names[k].name;
        }
        fprintf(stderr, "  %5u: process %u %s %s inode %u at %llu, %u\n", i, op->process, kinds[op->kind], name,
                op->inode, (unsigned long long)op->offset, op->len);
    }
}
