/* What sim_disk.c (files, names, faults, crashes) and sim_io.c (the I/O table) share. */
#ifndef TESTS_SIM_DISK_PRIVATE_H
#define TESTS_SIM_DISK_PRIVATE_H

#include <pthread.h>

#include "tests/support/random.h"
#include "tests/support/sim_disk.h"

enum { SIM_RULES_MAX = 16 };

struct sim_image {
    uint8_t *bytes;
    uint64_t len, room;
    bool stays; /* where it is: so much address space was mapped for it, with zeros behind its end */
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
    uint32_t permissions, owner, group;
    struct sim_image live, durable;
    struct sim_image before; /* each page as it was before it was last written, while pages may be stale */
    struct sim_ops unsynced;
    struct sim_handle *locked_by;
    bool lost_something;
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
    unsigned stale_one_in, at_hand_one_in;
    struct sim_inode **inodes;
    uint64_t inode_count;
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
    uint64_t number; /* the inode's, when it was opened */
    bool dead, poisoned;
    struct sim_flight *flights;
    uint64_t flight_count, flight_room;
    struct sim_handle *next;
};

extern const struct art_io_methods sim_io_methods;

/* Counts the call; the code of the rule that it meets (message noted), or ART_OK. */
int sim_meet_rules(struct sim_disk *disk, enum sim_call call, const char *path);

void *sim_memory(void *old, uint64_t bytes);

struct sim_name *sim_find(struct sim_disk *disk, const char *path);
void sim_describe(const struct sim_disk *disk, const struct sim_inode *inode, struct art_file_identity *out);
uint64_t sim_bytes_in_use(struct sim_disk *disk);

void sim_image_resize(struct sim_image *image, uint64_t len);
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
