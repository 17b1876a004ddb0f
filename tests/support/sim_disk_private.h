/* What sim_disk.c (files, names, faults, crashes) and sim_io.c (the I/O table) share. */
#ifndef TESTS_SIM_DISK_PRIVATE_H
#define TESTS_SIM_DISK_PRIVATE_H

#include <pthread.h>

#include "tests/support/random.h"
#include "tests/support/sim_disk.h"
#include "tests/support/world.h"

enum { SIM_RULES_MAX = 16 };

struct sim_image {
    uint8_t *bytes;
    uint64_t len, room;
    bool stays;     /* where it is: so much address space was mapped for it, with zeros behind its end */
    bool is_sparse; /* it is in `sparse`, and not in `bytes`: a machine's, which is made of others that differ little */
    struct sparse_file sparse;
};

struct sim_inode {
    uint64_t number;
    uint32_t index; /* among the disk's */
    uint32_t permissions, owner, group;
    struct sim_image live;
    struct sparse_file before; /* its pages before their last write, which a page cache may have */
    struct sim_handle *locked_by;
    bool scratch;          /* SQLite's temporary file: no part of a machine's history */
    struct {               /* a machine's (world.h) */
        unsigned failures; /* of syncs */
        struct world_handle *handles;
        struct world_memory *memory; /* the wal-index */
    } of;
};

/* A machine whose disk this is, asked before a process changes something, and before a sync. */
struct sim_machine {
    /* False: the process is dead, perhaps from here on. */
    bool (*may)(struct world *world, const void *process, bool change);
    bool (*sync_fails)(struct world *world, struct sim_inode *inode, const char *path, unsigned *told);
    /* A write that is said to be done: what becomes of its bytes? */
    void (*lie)(struct world *world, struct sim_inode *inode, uint8_t *data, uint64_t offset, uint32_t len);
    void (*turn)(struct world *world, const char *call); /* others may go on before it */
};

struct sim_name {
    char *path;
    struct sim_inode *live; /* NULL: no such file */
};

struct sim_rule {
    enum sim_call call;
    uint64_t countdown; /* 0: fires */
    int code;
    bool from_then_on;
};

struct sim_disk {
    struct art_disk disk;
    pthread_mutex_t lock;
    struct random random;
    uint64_t capacity;
    uint64_t steady; /* bytes that a file has room for, or 0: it is not steady */
    const struct sim_machine *machine;
    /* The history, kept by a machine; of any other disk only what a power loss could take, as `replay` has it (NULL:
     * a steady disk, or a machine's). */
    struct world *world;
    struct world_replay *replay;
    bool lost_something; /* by a failed sync */
    const void *process; /* of the machine: who makes the calls, */
    uint64_t device;     /* and what the disk is to it */
    unsigned stale_one_in, at_hand_one_in;
    struct sim_inode **inodes;
    uint64_t inode_count, newest; /* the highest number of one */
    struct sim_name *names;
    uint64_t name_count;
    struct sim_rule rules[SIM_RULES_MAX];
    unsigned rule_count;
    struct sim_handle *handles;
    struct sim_disk_stats stats;
};

/* `borrowed` is the caller's buffer, as long as the write is in flight. */
struct sim_flight {
    const uint8_t *borrowed;
    struct world_op op;
};

struct sim_handle {
    struct art_io io;
    struct sim_disk *disk;
    struct sim_inode *inode;
    uint64_t number, device; /* the inode's and the disk's, when it was opened */
    const void *process;
    unsigned told; /* of so many failed syncs */
    bool dead, poisoned;
    struct sim_flight *flights;
    uint64_t flight_count, flight_room;
    struct sim_handle *next;
};

extern const struct art_io_methods sim_io_methods;
extern const char *const sim_call_names[SIM_CALLS];

/* Before the disk's lock is taken. */
static inline void sim_turn(struct sim_disk *disk, const char *call) {
    if (disk->machine) disk->machine->turn(disk->world, call);
}

/* Counts the call; the code of the rule that it meets (message noted), or ART_OK. */
int sim_meet_rules(struct sim_disk *disk, enum sim_call call, const char *path);

void *sim_memory(void *old, uint64_t bytes);
void *sim_zeroed(uint64_t bytes);

/* May the process that makes the calls go on? ART_IO: it is dead, perhaps from here on. */
int sim_may(const struct sim_disk *disk, const void *process, const char *path, bool change);

/* Number 0: a new one. */
struct sim_inode *sim_inode_new(struct sim_disk *disk, uint64_t number);
/* The name's new meaning (NULL: none), until its directory's sync only for those who are there. */
void sim_set_name(struct sim_disk *disk, const char *path, struct sim_inode *inode);
/* NULL: no such file. */
struct sim_inode *sim_file(struct sim_disk *disk, const char *path);
/* A write, or without data a change of size to `offset`: done, and noted. Takes the data over. */
void sim_change(struct sim_disk *disk, struct sim_inode *inode, uint8_t *data, uint64_t offset, uint32_t len);

struct sim_name *sim_find(struct sim_disk *disk, const char *path);
void sim_describe(const struct sim_disk *disk, const struct sim_inode *inode, struct art_file_identity *out);
uint64_t sim_bytes_in_use(struct sim_disk *disk);

void sim_image_resize(struct sim_image *image, uint64_t len);
/* How many bytes were there; zeros stand for the others. */
uint32_t sim_image_read(const struct sim_image *image, uint64_t offset, void *data, uint32_t len);
void sim_image_write(struct sim_image *image, uint64_t offset, const uint8_t *data, uint32_t len);
#define WORLD_SYNCED        UINT64_MAX       /* from where a sync loses something: it does not fail, */
#define WORLD_LOSES_NOTHING (UINT64_MAX - 1) /* or it does, and what it was for waits for another */
/* world_crash.c: adds it, and takes its data over. What is said of a folder is any path in it. */
void world_note(struct world *world, const struct world_op *op);
uint8_t *world_text(const char *text);
/* The history, and the image that it begins with. */
void world_forget(struct world *world);
/* What is safe at once, whatever was not yet: a name (NULL: it goes), a file's content; and a byte turned over in all
 * that is known of a file. */
void world_replay_name(struct world_replay *replay, const char *name, const struct sim_inode *inode);
void world_replay_fill(struct world_replay *replay, uint32_t inode, const void *data, uint32_t len);
void world_replay_flip(struct world_replay *replay, uint32_t inode, uint64_t offset, uint8_t bits);
/* The last `count` operations, which are writes, never were. */
void world_replay_take_back(struct world_replay *replay, unsigned count);
uint64_t world_replay_pending(const struct world_replay *replay);

/* Everything the handle has in flight becomes live; or by chance whole, in part, or not. */
void sim_land_all(struct sim_handle *handle);
void sim_land_by_chance(struct sim_handle *handle);
void sim_handle_die(struct sim_handle *handle);

#endif
