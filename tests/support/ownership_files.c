#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/ownership_private.h"
#include "tests/support/sql.h"

static const char *const folders[] = {"a", "b", "backup"};

/* --- paths and objects -------------------------------------------------------------------------------------------- */

void own_full(const struct own_world *world, const char *name, char out[PATH_MAX]) {
    snprintf(out, PATH_MAX, "%s/%s", world->folder, name);
}

void own_beside(const char *database, const char *file, char out[OWN_NAME]) {
    size_t folder = (size_t)(strrchr(database, '/') + 1 - database);
    size_t len = strnlen(file, OWN_NAME - 1 - folder);
    memcpy(out, database, folder);
    memcpy(out + folder, file, len);
    out[folder + len] = 0;
}

static struct own_path *find(const struct own_world *world, const char *name) {
    for (unsigned i = 0; i < world->path_count; i++) {
        if (!strcmp(world->paths[i].name, name)) return (struct own_path *)&world->paths[i];
    }
    return NULL;
}

unsigned own_object_at(const struct own_world *world, const char *name) {
    const struct own_path *path = find(world, name);
    return path ? path->object : 0;
}

unsigned own_names_of(const struct own_world *world, unsigned object) {
    unsigned count = 0;
    for (unsigned i = 0; i < world->path_count; i++) count += world->paths[i].object == object;
    return count;
}

static uint64_t inode_of(const struct own_world *world, const char *name) {
    char full[PATH_MAX];
    struct stat status;
    own_full(world, name, full);
    return lstat(full, &status) ? 0 : status.st_ino;
}

static void forget(struct own_world *world, const char *name) {
    struct own_path *path = find(world, name);
    if (path) *path = world->paths[--world->path_count];
}

static void know(struct own_world *world, const char *name, unsigned object) {
    if (!object && world->object_count + 1 < OWN_OBJECTS_MAX) object = ++world->object_count;
    forget(world, name);
    if (!object || world->path_count == OWN_PATHS_MAX) {
        own_fail(world, "the harness has no room for another file");
        return;
    }
    struct own_path *path = &world->paths[world->path_count++];
    *path = (struct own_path){.object = object, .inode = inode_of(world, name)};
    snprintf(path->name, sizeof path->name, "%s", name);
}

/* --- what users do with files ------------------------------------------------------------------------------------- */

/* As cp does it: what is a hole stays one. */
static bool copy_bytes(int in, int out) {
    static char data[1 << 16];
    struct stat status;
    if (in < 0 || out < 0 || fstat(in, &status)) return false;
    for (off_t at = 0; (at = lseek(in, at, SEEK_DATA)) >= 0;) {
        off_t end = lseek(in, at, SEEK_HOLE);
        for (ssize_t n; at < end; at += n) {
            size_t most = (size_t)(end - at) < sizeof data ? (size_t)(end - at) : sizeof data;
            if ((n = pread(in, data, most, at)) <= 0 || pwrite(out, data, (size_t)n, at) != n) return false;
        }
    }
    return !ftruncate(out, status.st_size);
}

static void copy(struct own_world *world, const char *from, const char *to, bool in_place) {
    char source[PATH_MAX], target[PATH_MAX], fresh[PATH_MAX + 8];
    own_full(world, from, source);
    own_full(world, to, target);
    snprintf(fresh, sizeof fresh, "%s.new", target);
    unsigned there = own_object_at(world, to);
    bool into = there && in_place;
    int in = open(source, O_RDONLY);
    int out = into ? open(target, O_WRONLY | O_TRUNC) : open(fresh, O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (!copy_bytes(in, out) || (!into && rename(fresh, target))) own_fail(world, "cannot copy %s to %s", from, to);
    close(in);
    close(out);
    if (into) {
        world->objects[there].epoch++;
        world->objects[there].adopter = 0;
    } else {
        know(world, to, 0);
    }
}

void own_rename(struct own_world *world, const char *from, const char *to) {
    char source[PATH_MAX], target[PATH_MAX];
    unsigned object = own_object_at(world, from);
    own_full(world, from, source);
    own_full(world, to, target);
    if (rename(source, target)) own_fail(world, "cannot move %s to %s", from, to);
    forget(world, from);
    know(world, to, object);
}

/* A name for the file, if there is none. */
static bool give_name(struct own_world *world, const char *from, const char *to) {
    char source[PATH_MAX], target[PATH_MAX];
    if (own_object_at(world, to)) return false;
    own_full(world, from, source);
    own_full(world, to, target);
    if (link(source, target)) own_fail(world, "cannot link %s to %s", from, to);
    know(world, to, own_object_at(world, from));
    return true;
}

static bool remove_file(struct own_world *world, const char *name) {
    char full[PATH_MAX];
    own_full(world, name, full);
    if (unlink(full)) own_fail(world, "cannot remove %s", name);
    forget(world, name);
    return true;
}

static bool treat(struct own_world *world, enum own_verb verb, const char *from, const char *to) {
    if (!own_object_at(world, from)) return false;
    if (verb == OWN_RM) return remove_file(world, from);
    if (!strcmp(from, to) || own_object_at(world, from) == own_object_at(world, to)) return false;
    if (verb == OWN_LN) return give_name(world, from, to);
    if (verb == OWN_MV) {
        own_rename(world, from, to);
    } else {
        copy(world, from, to, verb == OWN_CP);
    }
    return true;
}

bool own_files_step(struct own_world *world, const struct own_step *step) {
    const char *from = own_paths[step->x], *to = own_paths[step->y];
    struct own_look own, other;
    char file[OWN_NAME], place[OWN_NAME];
    bool any = false;
    own_list_tables(world, from, &own);
    own_list_tables(world, to, &other);
    if (step->what == OWN_THE_DATABASE || step->what == OWN_THE_PAIR) any |= treat(world, step->verb, from, to);
    for (unsigned i = 0; i < own.count && step->what != OWN_THE_DATABASE; i++) {
        const char *name = own.tables[i].file;
        if (step->what == OWN_AS_THE_FILE_OF) {
            if (i || !other.count) continue;
            name = other.tables[0].file;
        }
        own_beside(from, own.tables[i].file, file);
        own_beside(to, name, place);
        any |= treat(world, step->verb, file, place);
    }
    return any;
}

/* --- what SQL has done -------------------------------------------------------------------------------------------- */

static bool is_journal(const char *name) {
    static const char *const ends[] = {"-wal", "-shm", "-journal"};
    size_t len = strlen(name);
    for (unsigned i = 0; i < 3; i++) {
        size_t n = strlen(ends[i]);
        if (len > n && !strcmp(name + len - n, ends[i])) return true;
    }
    return false;
}

static void lose(struct own_world *world, const char *name, void (*gone)(struct own_world *world, unsigned object)) {
    unsigned object = own_object_at(world, name);
    forget(world, name);
    if (!own_names_of(world, object)) gone(world, object);
}

void own_rescan(struct own_world *world, void (*gone)(struct own_world *world, unsigned object)) {
    for (unsigned i = world->path_count; i-- > 0;) {
        struct own_path path = world->paths[i];
        if (inode_of(world, path.name) != path.inode) lose(world, path.name, gone);
    }
    for (unsigned i = 0; i < sizeof folders / sizeof *folders; i++) {
        char full[PATH_MAX], name[OWN_NAME];
        own_full(world, folders[i], full);
        DIR *list = opendir(full);
        for (struct dirent *entry; list && (entry = readdir(list));) {
            if (entry->d_name[0] == '.' || is_journal(entry->d_name)) continue;
            snprintf(name, sizeof name, "%s/%.100s", folders[i], entry->d_name);
            if (!find(world, name)) know(world, name, 0);
        }
        if (list) closedir(list);
    }
}

void own_remove_all(const struct own_world *world) {
    for (unsigned i = 0; i < sizeof folders / sizeof *folders; i++) {
        char full[PATH_MAX];
        own_full(world, folders[i], full);
        sql_scratch_remove(full);
    }
}
