/* The history of what was done to a disk, and what that may look like when all dies.
 *
 * The replay keeps two disks: `safe`, with all that was synced, and `live`, as the page cache has it. What lies between
 * them is a list of operations that are not safe yet. A crash takes some of them: each piece of a write reached the
 * disk if the write came before the moment at which that piece (a sector, a page, a file, or the disk as a whole) was
 * last written back. The moments are drawn. So no sector ever holds what it never held, but any two of them may be from
 * different times, and sizes and names are from times of their own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/sim_disk_private.h"

enum { SECTOR = 512, PAGE = 4096 };

const char *const world_crash_names[WORLD_CRASHES] = {"power stays",        "all unsynced lost", "nothing lost",
                                                      "all up to a moment", "file by file",      "sector by sector",
                                                      "page by page",       "last write torn"};

struct named {
    char name[WORLD_NAME_MAX];
    uint32_t inode;
};

struct names {
    struct named *items;
    unsigned count, capacity;
};

struct list {
    unsigned *items, count, capacity; /* numbers of operations */
};

struct world_replay {
    const struct world *world;
    unsigned at, inodes;
    struct sparse_file *safe, *live; /* by inode */
    struct names safe_names, live_names;
    struct list bytes, names; /* not safe yet, in order */
    uint64_t version;         /* of what is safe */
};

/* ---- history ----------------------------------------------------------------------------------------------------- */

uint8_t *world_text(const char *text) {
    char *copy = strdup(text);
    if (!copy || strlen(text) >= WORLD_NAME_MAX) {
        fprintf(stderr, "world: no memory for this name, or it has %d bytes and more: %s\n", WORLD_NAME_MAX, text);
        abort();
    }
    return (uint8_t *)copy;
}

void world_note(struct world *world, const struct world_op *op) {
    if (world->options.lies == WORLD_LIES && (op->kind == WORLD_SYNC || op->kind == WORLD_SYNC_FOLDER))
        return free(op->data);
    if (world->op_count == world->op_capacity) {
        world->op_capacity = world->op_capacity ? 2 * world->op_capacity : 64;
        world->ops = realloc(world->ops, world->op_capacity * sizeof *world->ops);
        if (!world->ops) abort();
    }
    struct world_op *noted = &world->ops[world->op_count++];
    *noted = *op;
    if (world->current) noted->process = (uint16_t)world->current->number;
    if (world->disk->replay) world_replay_step(world->disk->replay);
}

void world_forget(struct world *world) {
    for (unsigned i = 0; i < world->op_count; i++) free(world->ops[i].data);
    free(world->ops);
    world->ops = NULL;
    world->op_count = world->op_capacity = 0;
    world_image_clear(&world->image);
}

void world_image_clear(struct world_image *image) {
    for (unsigned i = 0; i < image->count; i++) sparse_clear(&image->files[i].bytes);
    free(image->files);
    *image = (struct world_image){0};
}

/* ---- names and files --------------------------------------------------------------------------------------------- */

/* UINT32_MAX: no such name. */
static void set_name(struct names *names, const char *name, uint32_t inode) {
    unsigned i = 0;
    while (i < names->count && strcmp(names->items[i].name, name)) i++;
    if (inode == UINT32_MAX) {
        if (i < names->count) names->items[i] = names->items[--names->count];
        return;
    }
    if (i == names->capacity) {
        names->capacity = names->capacity ? 2 * names->capacity : 8;
        names->items = realloc(names->items, names->capacity * sizeof *names->items);
        if (!names->items) abort();
    }
    if (i == names->count) strcpy(names->items[names->count++].name, name);
    names->items[i].inode = inode;
}

static void apply_name(struct names *names, const struct world_op *op) {
    set_name(names, (const char *)op->data, op->kind == WORLD_CREATE ? op->inode : UINT32_MAX);
}

static void make_room(struct world_replay *replay) {
    unsigned count = (unsigned)replay->world->disk->inode_count, old = replay->inodes;
    if (count <= old) return;
    replay->safe = realloc(replay->safe, count * sizeof *replay->safe);
    replay->live = realloc(replay->live, count * sizeof *replay->live);
    if (!replay->safe || !replay->live) abort();
    memset(replay->safe + old, 0, (count - old) * sizeof *replay->safe);
    memset(replay->live + old, 0, (count - old) * sizeof *replay->live);
    replay->inodes = count;
}

struct world_replay *world_replay_new(const struct world *world) {
    struct world_replay *replay = sim_zeroed(sizeof *replay);
    replay->world = world;
    make_room(replay);
    for (unsigned i = 0; i < world->image.count; i++) {
        const struct world_image_file *file = &world->image.files[i];
        set_name(&replay->safe_names, file->name, file->inode);
        set_name(&replay->live_names, file->name, file->inode);
        sparse_copy(&file->bytes, &replay->safe[file->inode]);
        sparse_copy(&file->bytes, &replay->live[file->inode]);
    }
    return replay;
}

void world_replay_free(struct world_replay *replay) {
    for (unsigned i = 0; i < replay->inodes; i++) {
        sparse_clear(&replay->safe[i]);
        sparse_clear(&replay->live[i]);
    }
    free(replay->safe);
    free(replay->live);
    free(replay->safe_names.items);
    free(replay->live_names.items);
    free(replay->bytes.items);
    free(replay->names.items);
    free(replay);
}

unsigned world_replay_at(const struct world_replay *replay) {
    return replay->at;
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

static void list_add(struct list *list, unsigned item) {
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 64;
        list->items = realloc(list->items, list->capacity * sizeof *list->items);
        if (!list->items) abort();
    }
    list->items[list->count++] = item;
}

static void apply(struct sparse_file *file, const struct world_op *op) {
    if (op->kind == WORLD_TRUNCATE) {
        sparse_truncate(file, op->offset);
    } else {
        sparse_write(file, op->offset, op->data, op->len);
    }
}

static uint64_t mix(uint64_t a, uint64_t b) {
    struct random random = {a * 0x9e3779b97f4a7c15u ^ b};
    return random_next(&random);
}

/* Which of the inode's operations a failed sync has brought to the disk: all, none, those up to one, or any. */
static bool landed(uint64_t seed, unsigned nth, unsigned count) {
    switch (seed % 4) {
    case 0:
        return true;
    case 1:
        return false;
    case 2:
        return nth < mix(seed, 1) % (count + 1);
    default:
        return mix(seed, 2 + nth) % 2;
    }
}

static bool runs_along(const struct world_replay *replay) {
    return replay == replay->world->disk->replay;
}

/* A history that nobody reads again keeps the bytes of what is not safe, and no others. */
static void let_go(const struct world_replay *replay, unsigned number) {
    if (!runs_along(replay)) return;
    free(replay->world->ops[number].data);
    replay->world->ops[number].data = NULL;
}

/* Those of the inode become safe; or, after a failed sync, those from an offset on become safe or never will. */
static void settle(struct world_replay *replay, uint32_t inode, uint64_t lost_from) {
    struct list *list = &replay->bytes;
    unsigned kept = 0, count = 0, nth = 0;
    bool all = lost_from == WORLD_SYNCED;
    for (unsigned i = 0; i < list->count; i++) {
        const struct world_op *op = &replay->world->ops[list->items[i]];
        count += op->inode == inode && (all || op->offset >= lost_from);
    }
    if (!count) return;
    uint64_t seed = mix(replay->world->options.seed, replay->at);
    for (unsigned i = 0; i < list->count; i++) {
        const struct world_op *op = &replay->world->ops[list->items[i]];
        if (op->inode != inode || !(all || op->offset >= lost_from)) {
            list->items[kept++] = list->items[i];
        } else {
            if (all || landed(seed, nth++, count)) apply(&replay->safe[inode], op);
            let_go(replay, list->items[i]);
        }
    }
    list->count = kept;
    replay->version = mix(replay->version, replay->at);
}

static bool in_folder_of(const char *path, const char *other) {
    const char *a = strrchr(path, '/'), *b = strrchr(other, '/');
    if (!a || !b) return !a && !b;
    return a - path == b - other && !memcmp(path, other, (size_t)(a - path));
}

static void settle_names(struct world_replay *replay, const char *path) {
    unsigned kept = 0;
    for (unsigned i = 0; i < replay->names.count; i++) {
        const struct world_op *op = &replay->world->ops[replay->names.items[i]];
        if (in_folder_of((const char *)op->data, path)) {
            apply_name(&replay->safe_names, op);
            let_go(replay, replay->names.items[i]);
        } else {
            replay->names.items[kept++] = replay->names.items[i];
        }
    }
    if (kept == replay->names.count) return;
    replay->names.count = kept;
    replay->version = mix(replay->version, replay->at);
}

const struct world_op *world_replay_step(struct world_replay *replay) {
    if (replay->at == replay->world->op_count) return NULL;
    const struct world_op *op = &replay->world->ops[replay->at];
    make_room(replay);
    switch ((enum world_op_kind)op->kind) {
    case WORLD_WRITE:
    case WORLD_TRUNCATE:
        if (!runs_along(replay)) apply(&replay->live[op->inode], op);
        list_add(&replay->bytes, replay->at);
        break;
    case WORLD_CREATE:
    case WORLD_UNLINK:
        apply_name(&replay->live_names, op);
        list_add(&replay->names, replay->at);
        break;
    case WORLD_SYNC:
        settle(replay, op->inode, WORLD_SYNCED);
        break;
    case WORLD_SYNC_FAILED:
        settle(replay, op->inode, op->offset);
        break;
    case WORLD_SYNC_FOLDER:
        settle_names(replay, (const char *)op->data);
        let_go(replay, replay->at);
        break;
    case WORLD_MARK:
        break;
    }
    replay->at++;
    return op;
}

/* ---- what is done to a disk from outside ------------------------------------------------------------------------ */

void world_replay_name(struct world_replay *replay, const char *name, const struct sim_inode *inode) {
    unsigned kept = 0;
    for (unsigned i = 0; i < replay->names.count; i++) {
        const struct world_op *op = &replay->world->ops[replay->names.items[i]];
        if (strcmp((const char *)op->data, name) != 0) replay->names.items[kept++] = replay->names.items[i];
    }
    replay->names.count = kept;
    set_name(&replay->safe_names, name, inode ? inode->index : UINT32_MAX);
}

void world_replay_fill(struct world_replay *replay, uint32_t inode, const void *data, uint32_t len) {
    make_room(replay);
    settle(replay, inode, WORLD_SYNCED);
    sparse_truncate(&replay->safe[inode], 0);
    sparse_write(&replay->safe[inode], 0, data, len);
}

void world_replay_flip(struct world_replay *replay, uint32_t inode, uint64_t offset, uint8_t bits) {
    uint8_t byte;
    if (sparse_read(&replay->safe[inode], offset, &byte, 1)) {
        byte ^= bits;
        sparse_write(&replay->safe[inode], offset, &byte, 1);
    }
    for (unsigned i = 0; i < replay->bytes.count; i++) {
        const struct world_op *op = &replay->world->ops[replay->bytes.items[i]];
        bool has = op->inode == inode && op->data && offset >= op->offset && offset < op->offset + op->len;
        if (has) op->data[offset - op->offset] ^= bits;
    }
}

void world_replay_take_back(struct world_replay *replay, unsigned count) {
    struct world *world = replay->world->disk->world;
    replay->at -= count;
    replay->bytes.count -= count;
    while (count--) free(world->ops[--world->op_count].data);
}

uint64_t world_replay_pending(const struct world_replay *replay) {
    return (uint64_t)replay->bytes.count + replay->names.count;
}

/* ---- crashes ----------------------------------------------------------------------------------------------------- */

struct fate {
    enum world_crash how;
    uint64_t seed;
    unsigned count, last; /* operations that are not safe; the last write among them */
    unsigned *by_file;    /* moments by inode */
    uint64_t fingerprint;
};

/* The disk was idle while one process followed another: where a file's operations are those of another process. */
static unsigned moment_between_processes(const struct world_replay *replay, uint32_t inode, uint64_t drawn) {
    enum { TURNS = 64 };
    unsigned turns[TURNS], count = 0;
    int last = -1;
    for (unsigned i = 0; i < replay->bytes.count && count < TURNS; i++) {
        const struct world_op *op = &replay->world->ops[replay->bytes.items[i]];
        if (op->inode != inode) continue;
        if (last >= 0 && op->process != last) turns[count++] = i;
        last = op->process;
    }
    return count ? turns[drawn % count] : replay->bytes.count;
}

/* A moment between 0 (nothing reached the disk) and count (all did). */
static unsigned moment(const struct fate *fate, uint64_t what) {
    uint64_t drawn = mix(fate->seed, what);
    switch (drawn % 3) {
    case 0:
        return 0;
    case 1:
        return fate->count;
    default:
        return (unsigned)((drawn >> 8) % (fate->count + 1));
    }
}

static uint64_t place(uint64_t kind, uint32_t inode, uint64_t piece) {
    return kind << 56 ^ (uint64_t)inode << 36 ^ piece;
}

/* Up to which operation a piece at `offset` of the inode is written back. */
static unsigned written_back(const struct fate *fate, unsigned nth, uint32_t inode, uint64_t offset) {
    switch (fate->how) {
    case WORLD_DROP_ALL:
        return 0;
    case WORLD_ORDERED:
        return (unsigned)(mix(fate->seed, 0) % (fate->count + 1));
    case WORLD_BY_FILE:
        return fate->by_file[inode];
    case WORLD_SECTORS:
        return moment(fate, place(2, inode, offset / SECTOR));
    case WORLD_PAGES:
        return moment(fate, place(3, inode, offset / PAGE));
    case WORLD_LAST_TORN:
        return nth != fate->last || mix(fate->seed, place(4, inode, offset / SECTOR)) % 2 ? fate->count : 0;
    default:
        return fate->count;
    }
}

/* For each file that has something to lose: nothing, all, any moment, or one between two processes. */
static unsigned *moments_by_file(const struct world_replay *replay, const struct fate *fate) {
    unsigned *moments = sim_zeroed(replay->world->disk->inode_count * sizeof *moments);
    for (unsigned i = 0; i < replay->bytes.count; i++) {
        uint32_t inode = replay->world->ops[replay->bytes.items[i]].inode;
        uint64_t drawn = mix(fate->seed, place(6, inode, 0));
        moments[inode] =
            drawn % 3 ? moment(fate, place(1, inode, 0)) : moment_between_processes(replay, inode, drawn >> 8);
    }
    return moments;
}

static uint64_t piece_bytes(enum world_crash how) {
    return how == WORLD_SECTORS || how == WORLD_LAST_TORN ? SECTOR : how == WORLD_PAGES ? PAGE : UINT64_MAX;
}

static void crash_write(struct fate *fate, struct sparse_file *file, const struct world_op *op, unsigned nth) {
    uint64_t unit = piece_bytes(fate->how);
    for (uint32_t done = 0; done < op->len;) {
        uint64_t at = op->offset + done, left = unit == UINT64_MAX ? op->len : unit - at % unit;
        uint32_t n = left < op->len - done ? (uint32_t)left : op->len - done;
        if (nth < written_back(fate, nth, op->inode, at)) {
            sparse_write(file, at, op->data + done, n);
            fate->fingerprint = mix(fate->fingerprint, (uint64_t)nth << 32 | done);
        }
        done += n;
    }
}

static void crash_truncate(struct fate *fate, struct sparse_file *file, const struct world_op *op, unsigned nth) {
    unsigned until = piece_bytes(fate->how) == UINT64_MAX ? written_back(fate, nth, op->inode, 0)
                     : fate->how == WORLD_LAST_TORN       ? fate->count
                                                          : moment(fate, place(5, op->inode, 0));
    if (nth >= until) return;
    sparse_truncate(file, op->offset);
    fate->fingerprint = mix(fate->fingerprint, (uint64_t)nth << 32 | 1);
}

static void crash_names(const struct world_replay *replay, struct fate *fate, struct names *names) {
    unsigned pending = replay->names.count;
    unsigned ordered = (unsigned)(mix(fate->seed, 7) % (pending + 1));
    unsigned way = (unsigned)(mix(fate->seed, 8) % 4);
    for (unsigned i = 0; i < pending; i++) {
        const struct world_op *op = &replay->world->ops[replay->names.items[i]];
        const char *name = (const char *)op->data;
        bool there = way == 0 || (way == 1 && i < ordered) ||
                     (way == 2 && i < mix(fate->seed, random_mix(9, name)) % (pending + 1));
        if (fate->how == WORLD_DROP_ALL) there = false;
        if (fate->how == WORLD_KEEP_ALL || fate->how == WORLD_LAST_TORN) there = true;
        if (!there) continue;
        apply_name(names, op);
        fate->fingerprint = mix(fate->fingerprint, (uint64_t)i << 8 | 2);
    }
}

static unsigned last_write(const struct world_replay *replay) {
    unsigned last = 0;
    for (unsigned i = 0; i < replay->bytes.count; i++) {
        if (replay->world->ops[replay->bytes.items[i]].kind == WORLD_WRITE) last = i;
    }
    return last;
}

static void image_of(const struct world_replay *replay, const struct sparse_file *files, const struct names *names,
                     struct world_image *out) {
    out->files = sim_zeroed(names->count * sizeof *out->files);
    out->count = names->count;
    for (unsigned i = 0; i < names->count; i++) {
        const struct named *named = &names->items[i];
        strcpy(out->files[i].name, named->name);
        out->files[i].inode = named->inode;
        out->files[i].number = (uint32_t)replay->world->disk->inodes[named->inode]->number;
        sparse_copy(&files[named->inode], &out->files[i].bytes);
    }
}

uint64_t world_replay_crash(struct world_replay *replay, enum world_crash how, uint64_t seed, struct world_image *out) {
    struct fate fate = {.how = how, .seed = seed, .count = replay->bytes.count, .fingerprint = replay->version};
    *out = (struct world_image){0};
    if (how == WORLD_POWER_STAYS) {
        image_of(replay, replay->live, &replay->live_names, out);
        return mix(replay->at, 3);
    }
    const struct names *safe = &replay->safe_names;
    struct names names = {sim_zeroed(safe->count * sizeof *names.items), safe->count, safe->count};
    fate.last = last_write(replay);
    if (how == WORLD_BY_FILE) fate.by_file = moments_by_file(replay, &fate);
    if (safe->count) memcpy(names.items, safe->items, safe->count * sizeof *names.items);
    crash_names(replay, &fate, &names);
    image_of(replay, replay->safe, &names, out);
    for (unsigned i = 0; i < replay->bytes.count; i++) {
        const struct world_op *op = &replay->world->ops[replay->bytes.items[i]];
        for (unsigned file = 0; file < out->count; file++) {
            if (out->files[file].inode != op->inode) continue;
            if (op->kind == WORLD_WRITE) {
                crash_write(&fate, &out->files[file].bytes, op, i);
            } else {
                crash_truncate(&fate, &out->files[file].bytes, op, i);
            }
        }
    }
    free(names.items);
    free(fate.by_file);
    return fate.fingerprint;
}

bool world_has_gap(const struct world *world, const char *name, uint64_t end) {
    uint8_t seen[PAGE], kept[PAGE];
    bool gap = false;
    const struct sim_inode *inode = sim_file(world->disk, name);
    if (!inode) return false;
    struct world_replay *replay = world_replay_new(world);
    while (world_replay_step(replay)) {
    }
    settle(replay, inode->index, WORLD_SYNCED);
    for (uint64_t at = 0; at < end && !gap; at += PAGE) {
        uint32_t n = end - at < PAGE ? (uint32_t)(end - at) : PAGE;
        sparse_read(&replay->live[inode->index], at, seen, n);
        sparse_read(&replay->safe[inode->index], at, kept, n);
        gap = memcmp(seen, kept, n) != 0;
    }
    world_replay_free(replay);
    return gap;
}
