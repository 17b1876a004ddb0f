/* What sim_disk.c (files, names, faults, crashes) and sim_io.c (the I/O table) share. */
#ifndef TESTS_SIM_DISK_PRIVATE_H
#define TESTS_SIM_DISK_PRIVATE_H

#include <pthread.h>

#include "tests/support/random.h"
#include "tests/support/sim_disk.h"
#include "tests/support/sparse_file.h"

enum { SIM_RULES_MAX = 16 };

struct sim_image {
    uint8_t *bytes;
    uint64_t len, room;
    bool stays;     /* where it is: so much address space was mapped for it, with zeros behind its end */
    bool is_sparse; /* it is in `sparse`, and not in `bytes`: a machine's, which is made of others that differ little */
    struct sparse_file sparse;
};

/* A write (data) or a change of size (data NULL, offset is the size). */
struct sim_op {
    uint8_t *data;
    uint64_t offset;
    uint32_t len;
    bool lost; /* a failed sync has dropped it, later ones do not bring it back */
};

struct sim_ops {
    struct sim_op *items;
    uint64_t count, room;
};

struct sim_inode {
    uint64_t number;
    uint32_t index; /* among the disk's */
    uint32_t permissions, owner, group;
    struct sim_image live, durable;
    struct sparse_file before; /* its pages before their last write, which a page cache may have */
    struct sim_ops unsynced;
    struct sim_handle *locked_by;
    bool lost_something;
    bool scratch;          /* SQLite's temporary file: no part of a machine's history */
    struct {               /* a machine's (world.h) */
        unsigned failures; /* of syncs */
        struct world_handle *handles;
        struct world_memory *memory; /* the wal-index */
    } of;
};

/* A machine whose disk this is: asked before a process changes something, and told what it has changed. */
struct sim_machine {
    /* False: the process is dead, perhaps from here on. */
    bool (*may)(void *machine, const void *process, bool change);
    void (*changed)(void *machine, struct sim_inode *inode, struct sim_op op); /* takes the data over */
    void (*named)(void *machine, const char *path, const struct sim_inode *inode, bool removed);
    bool (*sync_fails)(void *machine, struct sim_inode *inode, const char *path, unsigned *told);
    void (*folder_synced)(void *machine);
};

struct sim_name {
    char *path;
    struct sim_inode *live, *durable; /* NULL: no such file */
};

/* A change of a name that its directory's sync has not made durable. */
struct sim_name_op {
    uint64_t name;
    struct sim_inode *inode; /* NULL: removed */
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
    void *machine_itself;
    const void *process; /* of the machine: who makes the calls, */
    uint64_t device;     /* and what the disk is to it */
    unsigned stale_one_in, at_hand_one_in;
    struct sim_inode **inodes;
    uint64_t inode_count, newest; /* the highest number of one */
    struct sim_name *names;
    uint64_t name_count;
    struct sim_name_op *name_ops;
    uint64_t name_op_count;
    struct sim_rule rules[SIM_RULES_MAX];
    unsigned rule_count;
    struct sim_handle *handles;
    struct sim_disk_stats stats;
};

/* `borrowed` is the caller's buffer, as long as the write is in flight. */
struct sim_flight {
    const uint8_t *borrowed;
    struct sim_op op;
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

/* Counts the call; the code of the rule that it meets (message noted), or ART_OK. */
int sim_meet_rules(struct sim_disk *disk, enum sim_call call, const char *path);

void *sim_memory(void *old, uint64_t bytes);

/* May the process that makes the calls go on? ART_IO: it is dead, perhaps from here on. */
int sim_may(const struct sim_disk *disk, const void *process, const char *path, bool change);

/* Number 0: a new one. */
struct sim_inode *sim_inode_new(struct sim_disk *disk, uint64_t number);
/* The name's new meaning (NULL: none), until its directory's sync only for those who are there. */
void sim_set_name(struct sim_disk *disk, const char *path, struct sim_inode *inode);
/* NULL: no such file. */
struct sim_inode *sim_file(struct sim_disk *disk, const char *path);
/* Does it, and takes the data over. */
void sim_change(struct sim_disk *disk, struct sim_inode *inode, struct sim_op op);

struct sim_name *sim_find(struct sim_disk *disk, const char *path);
void sim_describe(const struct sim_disk *disk, const struct sim_inode *inode, struct art_file_identity *out);
uint64_t sim_bytes_in_use(struct sim_disk *disk);

void sim_image_resize(struct sim_image *image, uint64_t len);
/* How many bytes were there; zeros stand for the others. */
uint32_t sim_image_read(const struct sim_image *image, uint64_t offset, void *data, uint32_t len);
void sim_image_write(struct sim_image *image, uint64_t offset, const uint8_t *data, uint32_t len);
/* The whole operation, or some parts of it as the random numbers have it. */
void sim_op_apply(struct sim_image *image, const struct sim_op *op);
void sim_op_tear(struct sim_disk *disk, struct sim_image *image, const struct sim_op *op);
/* Takes the data over. */
void sim_ops_add(struct sim_ops *ops, struct sim_op op);
void sim_ops_clear(struct sim_ops *ops);

/* Everything the handle has in flight becomes live; or by chance whole, in part, or not. */
void sim_land_all(struct sim_handle *handle);
void sim_land_by_chance(struct sim_handle *handle);
void sim_handle_die(struct sim_handle *handle);

#endif
