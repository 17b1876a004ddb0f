/* The temporary files of a host without SQLite, on a disk of core's, so that they fail as that does. */
#ifndef TEST_SCRATCH_DISK_H
#define TEST_SCRATCH_DISK_H

#include "core/io/io.h"
#include "core/tree/tree.h"

/* On `disk` (NULL: the system's), in `folder`. */
enum art_rc scratch_open(struct art_disk *disk, const char *folder, void **file);
enum art_rc scratch_write(void *file, const void *data, uint32_t len, uint64_t offset);
enum art_rc scratch_read(void *file, void *data, uint32_t len, uint64_t offset);
void scratch_close(void *file);

#endif
