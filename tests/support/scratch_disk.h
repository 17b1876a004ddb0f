/* The temporary files of a host without SQLite, on a disk of core's, so that they fail as that does. */
#ifndef TEST_SCRATCH_DISK_H
#define TEST_SCRATCH_DISK_H

#include "core/io/io.h"
#include "core/tree/tree.h"

/* On `disk` (NULL: the system's), in `folder`, which is borrowed. One place at a time. */
const struct art_scratch_files *scratch_on(struct art_disk *disk, const char *folder);

#endif
