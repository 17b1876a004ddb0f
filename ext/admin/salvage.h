/* What is left of a table, from its name or the path of its .art file: for ext/admin/salvage.c and ext/admin/lost.c. */
#ifndef ART_EXT_SALVAGE_H
#define ART_EXT_SALVAGE_H

#include "core/tree/salvage.h"
#include "ext/admin/admin.h"

/* Of a table, or of a file alone; the texts are owned. */
struct art_salvage_target {
    char *schema, *table;
    char *file;         /* a path; NULL: a table */
    char *snapshot;     /* of the table, whose state is read; NULL: the present one */
    bool has_blob_keys; /* of the table */
};
void art_salvage_target_clear(struct art_salvage_target *target);
/* A table that this text names, with its columns if `columns` is not NULL; where there is none, out->table is NULL. */
int art_salvage_target_table(struct art_connection *connection, const char *text, struct art_salvage_target *out,
                             struct art_columns *columns, char **message);
int art_salvage_target_file(const char *path, struct art_salvage_target *out, char **message);
bool art_salvage_is_path(const char *text); /* rather than the name of a table */

/* Open, with a snapshot of its database held. */
struct art_remains {
    struct art_connection *connection;
    const struct art_salvage_target *target;
    sqlite3_stmt *snapshot, *pages;
    struct art_rows rows;
    char *path, *feature;
    struct art_buffer root;
    struct art_salvage *salvage;
};
/* Clear in any case. `target` must outlive it. */
int art_remains_open(struct art_remains *remains, struct art_connection *connection,
                     const struct art_salvage_target *target, bool report, char **message);
void art_remains_clear(struct art_remains *remains);

#endif
