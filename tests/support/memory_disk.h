/* A disk in memory that costs next to nothing: for tests that open, spoil and read the same small file a million times.
 *
 *   struct memory_disk *disk = memory_disk_new();
 *   art_disk_set_default(memory_disk_art(disk));             or struct art_tree_options.disk
 *   uint8_t *page = memory_disk_page(disk, "a.art", 3);      the bytes themselves, to be changed in place
 *   memory_disk_renew(disk, "a.art");                        another inode: nothing that was cached counts any more
 *
 * Writes last at once, nothing fails but for want of room, and a file has at most MEMORY_DISK_PAGES pages, or
 * MEMORY_DISK_PAGES_OF_LARGE. For faults and power loss there is sim_disk.h. One thread at a time. */
#ifndef TESTS_MEMORY_DISK_H
#define TESTS_MEMORY_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/io/io.h"

enum { MEMORY_DISK_PAGES = 32 * 128, MEMORY_DISK_PAGES_OF_LARGE = 1024 * 128, MEMORY_DISK_FILES = 4 };

struct memory_disk;

struct memory_disk *memory_disk_new(void);
struct memory_disk *memory_disk_new_large(void);
void memory_disk_free(struct memory_disk *disk); /* NULL is fine */
struct art_disk *memory_disk_art(struct memory_disk *disk);

/* Makes the file, or empties it. NULL as a path: removes all files. */
void memory_disk_clear(struct memory_disk *disk, const char *path);
/* The first file whose name ends so; NULL when there is none. */
const char *memory_disk_find(const struct memory_disk *disk, const char *suffix);
uint64_t memory_disk_size(const struct memory_disk *disk, const char *path);
void memory_disk_resize(struct memory_disk *disk, const char *path, uint64_t bytes);
/* 4 KB of a file, which must be there and grows if need be. */
uint8_t *memory_disk_page(struct memory_disk *disk, const char *path, uint32_t page);
/* Was anything ever written there? */
bool memory_disk_used(const struct memory_disk *disk, const char *path, uint32_t page);
void memory_disk_renew(struct memory_disk *disk, const char *path);

#endif
