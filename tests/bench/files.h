/* The files of a store: how large they are on disk, pushed out of the system's cache, removed. */
#ifndef ART_BENCH_FILES_H
#define ART_BENCH_FILES_H

#include <stdint.h>

uint64_t files_bytes(const char *directory);
void files_evict(const char *directory);
void files_warm(const char *directory); /* reads all of them into the system's cache */
/* Nanoseconds a byte for reading the largest of them in order, past the system's cache (O_DIRECT); 0: it cannot be
 * had. */
double files_sequential(const char *directory);
void files_remove(const char *directory); /* and the directory */
void files_make(const char *directory);
uint64_t files_room(const char *directory); /* bytes that are free there */

/* Of this process: a line of /proc/self/io ("write_bytes"), and its resident memory in bytes. */
uint64_t process_io(const char *name);
uint64_t process_memory(void);

#endif
