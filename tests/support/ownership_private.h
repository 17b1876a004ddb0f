/* What the files ownership_*.c share: the world of one script. */
#ifndef ART_TESTS_OWNERSHIP_PRIVATE_H
#define ART_TESTS_OWNERSHIP_PRIVATE_H

#include <limits.h>
#include <sqlite3.h>

#include "tests/support/ownership.h"

enum { OWN_PATHS_MAX = 128, OWN_OBJECTS_MAX = 512, OWN_TABLES = 2, OWN_NAME = 120, OWN_CLAIMS_MAX = 64 };

/* A path below the world's folder, and what it leads to. */
struct own_path {
    char name[OWN_NAME];
    unsigned object;
    uint64_t inode;
};

struct own_object {
    unsigned epoch;   /* how often the user has overwritten it in place */
    unsigned adopter; /* the database that has said 'adopt' to this file; 0: none */
};

struct own_claim {
    unsigned database, database_epoch, file, file_epoch;
    char name[OWN_NAME]; /* of the file, as the table has it: another table of the database may find it under its own */
};

struct own_table {
    char name[8], file[OWN_NAME]; /* the base name */
    bool inlined, reads;
    unsigned runs, object; /* of the file; 0: it has none */
    enum own_answer answer;
    char message[ART_MESSAGE_SIZE];
    uint64_t mirror; /* hash of what it should hold */
};

struct own_look {
    bool fresh, there;
    unsigned object, count;
    struct own_table tables[OWN_TABLES];
};

struct own_reader {
    sqlite3 *db;
    unsigned of, object;
    struct own_look look;
};

struct own_world {
    const char *folder;
    struct own_path paths[OWN_PATHS_MAX];
    unsigned path_count, object_count;
    struct own_object objects[OWN_OBJECTS_MAX]; /* 0 is none */
    struct own_claim claims[OWN_CLAIMS_MAX];
    unsigned claim_count;
    struct own_look looks[OWN_DATABASES];
    struct own_reader reader;
    bool creates; /* the present step makes a database */
    struct own_result *result;
};

void own_fail(struct own_world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ownership_files.c */
unsigned own_object_at(const struct own_world *world, const char *name); /* 0: nothing is there */
unsigned own_names_of(const struct own_world *world, unsigned object);
void own_full(const struct own_world *world, const char *name, char out[PATH_MAX]);
void own_beside(const char *database, const char *file, char out[OWN_NAME]);
bool own_files_step(struct own_world *world, const struct own_step *step); /* false: nothing was to be done */
void own_rename(struct own_world *world, const char *from, const char *to);
/* Takes in what SQL has made and removed. `gone` is told of each object that has lost its last name. */
void own_rescan(struct own_world *world, void (*gone)(struct own_world *world, unsigned object));
void own_remove_all(const struct own_world *world);

/* ownership_look.c */
sqlite3 *own_connect(const struct own_world *world, const char *name);
void own_look_at(struct own_world *world, const char *name, struct own_look *out);
void own_look_through(struct own_world *world, sqlite3 *db, const char *name, struct own_look *out);
/* The tables of a database and their files, by a connection that knows nothing of art. */
void own_list_tables(const struct own_world *world, const char *name, struct own_look *out);

/* ownership_sql.c */
struct own_done {
    int code;
    char message[ART_MESSAGE_SIZE];
    bool skipped;
    char table[8]; /* that it was about */
    bool wrote;    /* rows of that table */
    bool partly;   /* of several transactions some have worked */
};
void own_sql_step(struct own_world *world, const struct own_step *step, struct own_done *out);

#endif
