/* The simulated disk but for open files (sim_io.c): images, names, faults, and what a crash leaves. */
#include "tests/support/sim_disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>

#include "core/base/error.h"
#include "tests/support/sim_disk_private.h"

const char *const sim_call_names[SIM_CALLS] = {"open", "remove", "sync_directory", "stat",     "read",     "write",
                                               "wait", "sync",   "size",           "truncate", "identity", "lock"};

static uint64_t last_number; /* of an inode, over all steady disks: the cache of blobs tells files apart by it */

/* The tests' own memory: no faults here, the allocator shim is for the code under test. */
void *sim_memory(void *old, uint64_t bytes) {
    void *memory = realloc(old, bytes ? bytes : 1);
    if (!memory) abort();
    return memory;
}

void *sim_zeroed(uint64_t bytes) {
    return memset(sim_memory(NULL, bytes), 0, bytes);
}

/* ---- images and operations --------------------------------------------------------------------------------------- */

void sim_image_resize(struct sim_image *image, uint64_t len) {
    if (image->is_sparse) {
        sparse_truncate(&image->sparse, len);
        image->len = len;
        return;
    }
    if (image->stays) {
        uint64_t page = (len + ART_PAGE - 1) / ART_PAGE * ART_PAGE;
        if (len > image->room) abort();
        if (len < image->len) memset(image->bytes + len, 0, (page < image->len ? page : image->len) - len);
        if (page < image->len) madvise(image->bytes + page, image->len - page, MADV_DONTNEED);
        image->len = len;
        return;
    }
    if (len > image->room) {
        image->room = len > 2 * image->room ? len : 2 * image->room;
        image->bytes = sim_memory(image->bytes, image->room);
    }
    if (len > image->len) memset(image->bytes + image->len, 0, len - image->len);
    image->len = len;
}

void sim_image_write(struct sim_image *image, uint64_t offset, const uint8_t *data, uint32_t len) {
    if (!len) return;
    if (offset + len > image->len) sim_image_resize(image, offset + len);
    if (image->is_sparse) {
        sparse_write(&image->sparse, offset, data, len);
    } else {
        memcpy(image->bytes + offset, data, len);
    }
}

uint32_t sim_image_read(const struct sim_image *image, uint64_t offset, void *data, uint32_t len) {
    if (!len) return 0;
    if (image->is_sparse) return sparse_read(&image->sparse, offset, data, len);
    uint64_t left = offset < image->len ? image->len - offset : 0;
    uint32_t there = left < len ? (uint32_t)left : len;
    if (there) memcpy(data, image->bytes + offset, there);
    memset((uint8_t *)data + there, 0, len - there);
    return there;
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

static bool is_named(const struct sim_disk *disk, const struct sim_inode *inode) {
    bool named = false;
    for (uint64_t n = 0; n < disk->name_count; n++) named |= disk->names[n].live == inode;
    return named;
}

static bool is_open(const struct sim_disk *disk, const struct sim_inode *inode) {
    bool open = false;
    for (const struct sim_handle *handle = disk->handles; handle; handle = handle->next) open |= handle->inode == inode;
    return open;
}

/* Of a steady disk: it lives for millions of files, one after the other. */
static struct sim_inode *inode_to_use_again(struct sim_disk *disk) {
    for (uint64_t i = 0; disk->steady && i < disk->inode_count; i++) {
        struct sim_inode *inode = disk->inodes[i];
        if (is_named(disk, inode) || is_open(disk, inode)) continue;
        sim_image_resize(&inode->live, 0);
        inode->number = ++last_number;
        return inode;
    }
    return NULL;
}

struct sim_inode *sim_inode_new(struct sim_disk *disk, uint64_t number) {
    struct sim_inode *inode = inode_to_use_again(disk);
    if (inode) return inode;
    inode = sim_zeroed(sizeof *inode);
    if (disk->steady) {
        int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
        void *bytes = mmap(NULL, disk->steady, PROT_READ | PROT_WRITE, flags, -1, 0);
        if (bytes == MAP_FAILED) abort();
        inode->live = (struct sim_image){.bytes = bytes, .room = disk->steady, .stays = true};
    }
    disk->inodes = sim_memory(disk->inodes, (disk->inode_count + 1) * sizeof *disk->inodes);
    inode->live.is_sparse = disk->machine != NULL;
    inode->index = (uint32_t)disk->inode_count;
    disk->inodes[disk->inode_count++] = inode;
    inode->number = number ? number : disk->steady ? ++last_number : disk->newest + 1;
    if (disk->newest < inode->number) disk->newest = inode->number;
    inode->permissions = 0644;
    return inode;
}

struct sim_inode *sim_file(struct sim_disk *disk, const char *path) {
    const struct sim_name *name = sim_find(disk, path);
    return name ? name->live : NULL;
}

struct sim_name *sim_find(struct sim_disk *disk, const char *path) {
    for (uint64_t i = 0; i < disk->name_count; i++) {
        if (!strcmp(disk->names[i].path, path)) return &disk->names[i];
    }
    return NULL;
}

static struct sim_name *find_or_add(struct sim_disk *disk, const char *path) {
    struct sim_name *name = sim_find(disk, path);
    if (name) return name;
    disk->names = sim_memory(disk->names, (disk->name_count + 1) * sizeof *disk->names);
    name = &disk->names[disk->name_count++];
    *name = (struct sim_name){.path = strdup(path)};
    if (!name->path) abort();
    return name;
}

static void set_name(struct sim_disk *disk, struct sim_name *name, struct sim_inode *inode) {
    const struct sim_inode *old = name->live;
    enum world_op_kind kind = inode ? WORLD_CREATE : WORLD_UNLINK;
    name->live = inode;
    if (disk->steady) return;
    uint32_t index = inode ? inode->index : old->index;
    world_note(disk->world, &(struct world_op){.kind = kind, .inode = index, .data = world_text(name->path)});
}

void sim_set_name(struct sim_disk *disk, const char *path, struct sim_inode *inode) {
    set_name(disk, find_or_add(disk, path), inode);
}

static void set_name_durably(struct sim_disk *disk, struct sim_name *name, struct sim_inode *inode) {
    name->live = inode;
    if (disk->replay) world_replay_name(disk->replay, name->path, inode);
}

static uint64_t directory_length(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? (uint64_t)(slash - path) + 1 : 0;
}

uint64_t sim_bytes_in_use(struct sim_disk *disk) {
    uint64_t sum = 0;
    for (uint64_t i = 0; i < disk->inode_count; i++) {
        if (is_named(disk, disk->inodes[i])) sum += disk->inodes[i]->live.len;
    }
    return sum;
}

/* ---- faults ------------------------------------------------------------------------------------------------------ */

int sim_may(const struct sim_disk *disk, const void *process, const char *path, bool change) {
    if (!disk->machine || disk->machine->may(disk->world, process, change)) return ART_OK;
    return art_fail(ART_IO, "art: the process died (%s)", path);
}

int sim_meet_rules(struct sim_disk *disk, enum sim_call call, const char *path) {
    disk->stats.calls[call]++;
    int code = ART_OK;
    for (unsigned i = 0; i < disk->rule_count; i++) {
        struct sim_rule *rule = &disk->rules[i];
        if (rule->call != call && rule->call != SIM_ANY) continue;
        bool fires = rule->countdown ? --rule->countdown == 0 : rule->from_then_on;
        if (fires && !code) code = rule->code;
    }
    if (!code) return ART_OK;
    disk->stats.faults++;
    return art_fail(code, "art: simulated failure of %s (%s): this is a test", sim_call_names[call], path);
}

void sim_disk_fail(struct sim_disk *disk, enum sim_call call, uint64_t nth, int code, bool from_then_on) {
    pthread_mutex_lock(&disk->lock);
    if (disk->rule_count == SIM_RULES_MAX || !nth) abort();
    disk->rules[disk->rule_count++] = (struct sim_rule){call, nth, code, from_then_on};
    pthread_mutex_unlock(&disk->lock);
}

void sim_disk_fail_nothing(struct sim_disk *disk) {
    pthread_mutex_lock(&disk->lock);
    disk->rule_count = 0;
    pthread_mutex_unlock(&disk->lock);
}

void sim_disk_set_capacity(struct sim_disk *disk, uint64_t bytes) {
    pthread_mutex_lock(&disk->lock);
    disk->capacity = bytes;
    pthread_mutex_unlock(&disk->lock);
}

/* ---- the art_disk ------------------------------------------------------------------------------------------------ */

static struct sim_disk *enter(struct art_disk *disk) {
    sim_turn((struct sim_disk *)disk, "name");
    pthread_mutex_lock(&((struct sim_disk *)disk)->lock);
    return (struct sim_disk *)disk;
}

static int leave(struct sim_disk *disk, int rc) {
    pthread_mutex_unlock(&disk->lock);
    return rc;
}

static enum art_rc disk_open(struct art_disk *art_disk, const struct art_file_options *options, struct art_io **out) {
    struct sim_disk *disk = enter(art_disk);
    *out = NULL;
    int rc = sim_meet_rules(disk, SIM_OPEN, options->path);
    if (rc) return leave(disk, rc);
    struct sim_name *name = sim_find(disk, options->path);
    struct sim_inode *inode = name ? name->live : NULL;
    if (inode && options->create) {
        return leave(disk, art_fail_errno(ART_CANTOPEN, EEXIST, "art: cannot make the file (%s)", options->path));
    }
    if (!inode && !options->create) return leave(disk, art_fail(ART_MISSING, "art: no such file (%s)", options->path));
    rc = sim_may(disk, disk->process, options->path, !inode);
    if (rc) return leave(disk, rc);
    if (!inode) {
        inode = sim_inode_new(disk, 0);
        inode->permissions = options->permissions & 0777;
        inode->owner = options->owner;
        inode->group = options->group;
        set_name(disk, find_or_add(disk, options->path), inode);
    }
    struct sim_handle *handle = sim_zeroed(sizeof *handle);
    handle->io = (struct art_io){.methods = &sim_io_methods,
                                 .name = strdup(options->path),
                                 .engine = "simulated",
                                 .direct = disk->machine != NULL,
                                 .read_only = options->read_only,
                                 .cached = disk->stale_one_in || disk->at_hand_one_in};
    handle->disk = disk;
    handle->inode = inode;
    handle->number = inode->number;
    handle->device = disk->device;
    handle->process = disk->process;
    handle->told = inode->of.failures;
    handle->next = disk->handles;
    disk->handles = handle;
    *out = &handle->io;
    return leave(disk, ART_OK);
}

static enum art_rc disk_remove(struct art_disk *art_disk, const char *path) {
    struct sim_disk *disk = enter(art_disk);
    int rc = sim_meet_rules(disk, SIM_REMOVE, path);
    struct sim_name *name = sim_find(disk, path);
    if (!rc && (!name || !name->live)) rc = art_fail(ART_MISSING, "art: no such file to remove (%s)", path);
    if (!rc) rc = sim_may(disk, disk->process, path, true);
    if (!rc) set_name(disk, name, NULL);
    return leave(disk, rc);
}

static enum art_rc disk_sync_directory(struct art_disk *art_disk, const char *path) {
    struct sim_disk *disk = enter(art_disk);
    int rc = sim_meet_rules(disk, SIM_SYNC_DIRECTORY, path);
    if (!rc) rc = sim_may(disk, disk->process, path, true);
    if (!rc && !disk->steady) {
        world_note(disk->world, &(struct world_op){.kind = WORLD_SYNC_FOLDER, .data = world_text(path)});
    }
    return leave(disk, rc);
}

/* visit() may use the disk itself, so it sees a copy of the names. */
static enum art_rc disk_list(struct art_disk *art_disk, const char *folder,
                             enum art_rc (*visit)(void *context, const char *name), void *context) {
    struct sim_disk *disk = enter(art_disk);
    char **names = sim_zeroed((disk->name_count + 1) * sizeof *names);
    uint64_t count = 0, begin = strlen(folder);
    if (begin && folder[begin - 1] != '/') begin++;
    for (uint64_t i = 0; i < disk->name_count; i++) {
        const char *path = disk->names[i].path;
        if (disk->names[i].live && !strncmp(path, folder, strlen(folder)) && directory_length(path) == begin) {
            names[count++] = strdup(path + begin);
        }
    }
    int rc = leave(disk, sim_may(disk, disk->process, folder, false));
    for (uint64_t i = 0; i < count; i++) {
        if (!rc) rc = visit(context, names[i]);
        free(names[i]);
    }
    free(names);
    return rc;
}

void sim_describe(const struct sim_disk *disk, const struct sim_inode *inode, struct art_file_identity *out) {
    *out = (struct art_file_identity){.device = disk->device,
                                      .inode = inode->number,
                                      .size = inode->live.len,
                                      .permissions = inode->permissions,
                                      .owner = inode->owner,
                                      .group = inode->group};
    for (uint64_t i = 0; i < disk->name_count; i++) out->links += disk->names[i].live == inode;
}

/* A file that is not on a steady disk is one of SQLite's, which are somewhere else: any will do. */
static enum art_rc disk_stat(struct art_disk *art_disk, const char *path, struct art_file_identity *out) {
    struct sim_disk *disk = enter(art_disk);
    int rc = sim_meet_rules(disk, SIM_STAT, path);
    if (!rc) rc = sim_may(disk, disk->process, path, false);
    struct sim_name *name = sim_find(disk, path);
    size_t len = strlen(path);
    bool is_there = name && name->live, is_ours = len > 4 && !strcmp(path + len - 4, ".art");
    *out = (struct art_file_identity){.device = 1, .inode = 1u << 30, .links = 1, .permissions = 0600};
    if (!rc && !is_there && (is_ours || !disk->steady)) rc = art_fail(ART_MISSING, "art: no such file (%s)", path);
    if (!rc && is_there) sim_describe(disk, name->live, out);
    return leave(disk, rc);
}

static const struct art_disk_methods disk_methods = {.open = disk_open,
                                                     .remove = disk_remove,
                                                     .sync_directory = disk_sync_directory,
                                                     .stat = disk_stat,
                                                     .list = disk_list};

struct art_disk *sim_disk_art(struct sim_disk *disk) {
    return &disk->disk;
}

int sim_disk_open(struct sim_disk *disk, const char *path, bool create, struct art_io **out) {
    struct art_file_options options = {.path = path, .create = create, .permissions = 0644};
    return disk->disk.methods->open(&disk->disk, &options, out);
}

/* ---- birth and end ----------------------------------------------------------------------------------------------- */

struct sim_disk *sim_disk_new(uint64_t seed) {
    struct sim_disk *disk = sim_zeroed(sizeof *disk);
    disk->disk.methods = &disk_methods;
    disk->device = 1;
    pthread_mutex_init(&disk->lock, NULL);
    disk->random.state = seed;
    disk->capacity = UINT64_MAX;
    disk->world = sim_zeroed(sizeof *disk->world);
    *disk->world = (struct world){.options.seed = seed, .disk = disk};
    disk->replay = world_replay_new(disk->world);
    return disk;
}

static void forget(struct sim_disk *disk) {
    if (disk->replay) world_replay_free(disk->replay);
    world_forget(disk->world);
    disk->replay = NULL;
}

struct sim_disk *sim_disk_new_steady(uint32_t pages) {
    struct sim_disk *disk = sim_disk_new(1);
    forget(disk);
    disk->steady = (uint64_t)pages * ART_PAGE;
    return disk;
}

void sim_disk_free(struct sim_disk *disk) {
    if (!disk) return;
    if (disk->handles) {
        fprintf(stderr, "sim_disk: %s is still open\n", disk->handles->io.name);
        abort();
    }
    forget(disk);
    if (!disk->machine) free(disk->world);
    for (uint64_t i = 0; i < disk->inode_count; i++) {
        struct sim_inode *inode = disk->inodes[i];
        if (disk->steady) {
            munmap(inode->live.bytes, disk->steady);
        } else {
            free(inode->live.bytes);
        }
        sparse_clear(&inode->live.sparse);
        sparse_clear(&inode->before);
        free(inode);
    }
    for (uint64_t i = 0; i < disk->name_count; i++) free(disk->names[i].path);
    free(disk->inodes);
    free(disk->names);
    pthread_mutex_destroy(&disk->lock);
    free(disk);
}

/* ---- crashes ----------------------------------------------------------------------------------------------------- */

/* What is in flight is one more thing that may or may not have arrived. */
static unsigned add_flights(const struct sim_handle *handle) {
    for (uint64_t i = 0; i < handle->flight_count && !handle->dead; i++) {
        struct world_op op = handle->flights[i].op;
        op.data = memcpy(sim_memory(NULL, op.len), op.data, op.len);
        world_note(handle->disk->world, &op);
    }
    return handle->dead ? 0 : (unsigned)handle->flight_count;
}

static void lose(struct sim_disk *disk, uint64_t seed, enum sim_crash how, struct world_image *out) {
    struct random random = {seed};
    unsigned flights = 0;
    enum world_crash kind = WORLD_DROP_ALL + random_below(&random, WORLD_CRASHES - WORLD_DROP_ALL);
    if (how != SIM_CRASH_RANDOM) kind = how == SIM_CRASH_KEEP_ALL ? WORLD_KEEP_ALL : WORLD_DROP_ALL;
    for (const struct sim_handle *handle = disk->handles; handle; handle = handle->next) flights += add_flights(handle);
    world_replay_crash(disk->replay, kind, random_next(&random), out);
    world_replay_take_back(disk->replay, flights);
}

/* The image, which goes with it, is all there is. */
static void begin_with(struct sim_disk *disk, struct world_image *image) {
    forget(disk);
    for (uint64_t i = 0; i < disk->inode_count; i++) {
        sim_image_resize(&disk->inodes[i]->live, 0);
        disk->inodes[i]->locked_by = NULL;
    }
    for (uint64_t i = 0; i < disk->name_count; i++) disk->names[i].live = NULL;
    for (unsigned i = 0; i < image->count; i++) {
        const struct sparse_file *bytes = &image->files[i].bytes;
        struct sim_inode *inode = disk->inodes[image->files[i].inode];
        sim_image_resize(&inode->live, bytes->size);
        if (bytes->size) sparse_read(bytes, 0, inode->live.bytes, (uint32_t)bytes->size);
        find_or_add(disk, image->files[i].name)->live = inode;
    }
    disk->world->image = *image;
    disk->replay = world_replay_new(disk->world);
    disk->rule_count = 0;
    disk->capacity = UINT64_MAX;
    disk->lost_something = false;
}

static void drop_flights(struct sim_handle *handle) {
    for (uint64_t i = 0; i < handle->flight_count; i++) free(handle->flights[i].op.data);
    handle->flight_count = 0;
}

void sim_disk_crash(struct sim_disk *disk, enum sim_crash how) {
    struct world_image image;
    pthread_mutex_lock(&disk->lock);
    lose(disk, random_next(&disk->random), how, &image);
    for (struct sim_handle *handle = disk->handles; handle; handle = handle->next) {
        if (handle->dead) continue;
        drop_flights(handle);
        sim_handle_die(handle);
    }
    begin_with(disk, &image);
    pthread_mutex_unlock(&disk->lock);
}

struct sim_disk *sim_disk_after_crash(struct sim_disk *disk, uint64_t seed, enum sim_crash how) {
    struct world_image image;
    pthread_mutex_lock(&disk->lock);
    struct sim_disk *copy = sim_disk_new(seed);
    for (uint64_t i = 0; i < disk->inode_count; i++) {
        const struct sim_inode *from = disk->inodes[i];
        struct sim_inode *to = sim_inode_new(copy, from->number);
        to->permissions = from->permissions;
        to->owner = from->owner;
        to->group = from->group;
    }
    lose(disk, seed, how, &image);
    pthread_mutex_unlock(&disk->lock);
    begin_with(copy, &image);
    return copy;
}

void sim_disk_let_pages_be_stale(struct sim_disk *disk, unsigned one_in) {
    pthread_mutex_lock(&disk->lock);
    disk->stale_one_in = one_in;
    pthread_mutex_unlock(&disk->lock);
}

void sim_disk_let_pages_be_at_hand(struct sim_disk *disk, unsigned one_in) {
    pthread_mutex_lock(&disk->lock);
    disk->at_hand_one_in = one_in;
    pthread_mutex_unlock(&disk->lock);
}

static void kill_handle(struct sim_handle *handle) {
    if (handle->dead) return;
    sim_land_by_chance(handle);
    sim_handle_die(handle);
}

void sim_disk_kill(struct sim_disk *disk) {
    pthread_mutex_lock(&disk->lock);
    for (struct sim_handle *handle = disk->handles; handle; handle = handle->next) kill_handle(handle);
    pthread_mutex_unlock(&disk->lock);
}

void sim_disk_kill_handle(struct art_io *io) {
    struct sim_handle *handle = (struct sim_handle *)io;
    pthread_mutex_lock(&handle->disk->lock);
    kill_handle(handle);
    pthread_mutex_unlock(&handle->disk->lock);
}

/* ---- files from outside ------------------------------------------------------------------------------------------ */

/* A test that names a file which is not there is wrong. */
static struct sim_inode *must_find(struct sim_disk *disk, const char *path) {
    struct sim_name *name = sim_find(disk, path);
    if (!name || !name->live) {
        fprintf(stderr, "sim_disk: no file %s\n", path);
        abort();
    }
    return name->live;
}

uint8_t *sim_disk_file_bytes(struct sim_disk *disk, const char *path, uint64_t *len) {
    struct sim_name *name = sim_find(disk, path);
    *len = name && name->live ? name->live->live.len : 0;
    if (!name || !name->live) return NULL;
    static uint8_t nothing;
    return *len ? name->live->live.bytes : &nothing;
}

bool sim_disk_has_file(struct sim_disk *disk, const char *path) {
    struct sim_name *name = sim_find(disk, path);
    return name && name->live;
}

/* The same byte in all three places, so that neither a sync nor a crash heals it. */
void sim_disk_corrupt(struct sim_disk *disk, const char *path, uint64_t offset, unsigned bit) {
    pthread_mutex_lock(&disk->lock);
    struct sim_inode *inode = must_find(disk, path);
    uint8_t flip = (uint8_t)(1u << bit);
    if (offset < inode->live.len) inode->live.bytes[offset] ^= flip;
    if (disk->replay) world_replay_flip(disk->replay, inode->index, offset, flip);
    pthread_mutex_unlock(&disk->lock);
}

static void fill_durably(struct sim_disk *disk, struct sim_inode *inode, const void *data, uint64_t len) {
    sim_image_resize(&inode->live, 0);
    if (len) sim_image_write(&inode->live, 0, data, (uint32_t)len);
    if (disk->replay) world_replay_fill(disk->replay, inode->index, data, (uint32_t)len);
}

void sim_disk_put_file(struct sim_disk *disk, const char *path, const void *data, uint64_t len) {
    pthread_mutex_lock(&disk->lock);
    struct sim_name *name = find_or_add(disk, path);
    if (!name->live) set_name_durably(disk, name, sim_inode_new(disk, 0));
    fill_durably(disk, name->live, data, len);
    pthread_mutex_unlock(&disk->lock);
}

void sim_disk_copy_file(struct sim_disk *disk, const char *from, const char *to) {
    pthread_mutex_lock(&disk->lock);
    struct sim_inode *source = must_find(disk, from), *copy = sim_inode_new(disk, 0);
    fill_durably(disk, copy, source->live.bytes, source->live.len);
    copy->permissions = source->permissions;
    set_name_durably(disk, find_or_add(disk, to), copy);
    pthread_mutex_unlock(&disk->lock);
}

void sim_disk_link_file(struct sim_disk *disk, const char *from, const char *to) {
    pthread_mutex_lock(&disk->lock);
    set_name_durably(disk, find_or_add(disk, to), must_find(disk, from));
    pthread_mutex_unlock(&disk->lock);
}

void sim_disk_remove_file(struct sim_disk *disk, const char *path) {
    pthread_mutex_lock(&disk->lock);
    must_find(disk, path);
    set_name_durably(disk, sim_find(disk, path), NULL);
    pthread_mutex_unlock(&disk->lock);
}

void sim_disk_rename_file(struct sim_disk *disk, const char *from, const char *to) {
    sim_disk_link_file(disk, from, to);
    sim_disk_remove_file(disk, from);
}

/* ---- files of a steady disk -------------------------------------------------------------------------------------- */

void sim_disk_clear(struct sim_disk *disk, const char *path) {
    pthread_mutex_lock(&disk->lock);
    for (uint64_t i = 0; i < disk->name_count && !path; i++) disk->names[i].live = NULL;
    if (path) {
        struct sim_name *name = find_or_add(disk, path);
        if (!name->live) name->live = sim_inode_new(disk, 0);
        sim_image_resize(&name->live->live, 0);
        name->live->number = ++last_number;
    }
    pthread_mutex_unlock(&disk->lock);
}

const char *sim_disk_find(const struct sim_disk *disk, const char *suffix) {
    for (uint64_t i = 0; i < disk->name_count; i++) {
        const char *path = disk->names[i].path;
        size_t len = strlen(path), wanted = strlen(suffix);
        if (disk->names[i].live && len >= wanted && !strcmp(path + len - wanted, suffix)) return path;
    }
    return NULL;
}

void sim_disk_resize(struct sim_disk *disk, const char *path, uint64_t bytes) {
    sim_image_resize(&must_find(disk, path)->live, bytes);
}

uint64_t sim_disk_size(struct sim_disk *disk, const char *path) {
    return must_find(disk, path)->live.len;
}

uint8_t *sim_disk_page(struct sim_disk *disk, const char *path, uint32_t page) {
    struct sim_image *image = &must_find(disk, path)->live;
    uint64_t end = ((uint64_t)page + 1) * ART_PAGE;
    if (end > image->len) sim_image_resize(image, end);
    return image->bytes + end - ART_PAGE;
}

bool sim_disk_page_used(struct sim_disk *disk, const char *path, uint32_t page) {
    static const uint8_t nothing[ART_PAGE];
    const struct sim_image *image = &must_find(disk, path)->live;
    uint64_t at = (uint64_t)page * ART_PAGE, len = at < image->len ? image->len - at : 0;
    return len && memcmp(image->bytes + at, nothing, len < ART_PAGE ? len : ART_PAGE) != 0;
}

void sim_disk_renew(struct sim_disk *disk, const char *path) {
    must_find(disk, path)->number = ++last_number;
}

/* ---- looking ----------------------------------------------------------------------------------------------------- */

void sim_disk_stats(struct sim_disk *disk, struct sim_disk_stats *out) {
    pthread_mutex_lock(&disk->lock);
    *out = disk->stats;
    out->unsynced = disk->replay ? world_replay_pending(disk->replay) : 0;
    for (const struct sim_handle *handle = disk->handles; handle; handle = handle->next) {
        out->open++;
        out->unsynced += handle->flight_count;
    }
    pthread_mutex_unlock(&disk->lock);
}

uint64_t sim_disk_calls(struct sim_disk *disk, enum sim_call call) {
    uint64_t sum = 0;
    pthread_mutex_lock(&disk->lock);
    for (unsigned c = 0; c < SIM_CALLS; c++) {
        if (call == SIM_ANY || c == (unsigned)call) sum += disk->stats.calls[c];
    }
    pthread_mutex_unlock(&disk->lock);
    return sum;
}

const char *sim_disk_check(struct sim_disk *disk) {
    struct world_image image;
    const char *wrong = NULL;
    pthread_mutex_lock(&disk->lock);
    world_replay_crash(disk->replay, WORLD_KEEP_ALL, 1, &image);
    for (unsigned i = 0; i < image.count && !disk->lost_something; i++) {
        const struct sim_image *live = &disk->inodes[image.files[i].inode]->live;
        uint8_t *bytes = sim_memory(NULL, live->len);
        bool equal = sparse_read(&image.files[i].bytes, 0, bytes, (uint32_t)live->len) == live->len;
        equal =
            equal && image.files[i].bytes.size == live->len && (!live->len || !memcmp(bytes, live->bytes, live->len));
        if (!equal) wrong = "what is safe and what came after it make another file than the live one";
        free(bytes);
    }
    pthread_mutex_unlock(&disk->lock);
    world_image_clear(&image);
    return wrong;
}
