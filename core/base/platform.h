/* What core and ext ask of the operating system beside the C library, threads and files (core/io/io.h). One of two
 * folders answers, and gives art_disk_system() as well:
 *
 *   core/linux/      the full build, with core/portable/posix.c
 *   core/portable/   other systems, and `make PORTABLE=1`: no files of our own, so that all tables have storage=inline
 *
 * Nothing outside of the two asks which system this is, but for the export of the entry point (ext/extension.c).
 */
#ifndef ART_BASE_PLATFORM_H
#define ART_BASE_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Can there be .art files here? */
bool art_platform_has_files(void);

/* `len` random bytes; 0, or an errno. */
int art_platform_random(void *out, size_t len);

/* Bytes of memory that this process may use: the machine's, or less where the process is limited. */
uint64_t art_platform_memory(void);

/* Address space at a multiple of `alignment` (a power of two, a multiple of 4 KB). Its memory comes with the first
 * touch, zeroed, behind art_platform_commit(). NULL: none to be had, or not on this system. Given back whole. */
void *art_platform_reserve(size_t bytes, size_t alignment);
void art_platform_release(void *reserved, size_t bytes);
/* Before pages of reserved space are used. False: no memory. */
bool art_platform_commit(void *at, size_t bytes);
/* What lies in whole pages of the system may lose its content and memory: it reads as zeroes, or as before, then. */
void art_platform_discard(void *at, size_t bytes);
/* Pages of 2 MB for reserved space, or none of them. False: not to be had. */
bool art_platform_huge_pages(void *at, size_t bytes, bool wanted);

/* Calls `before` in a process that forks, and behind that one of the others on each side. False: no memory. Where no
 * process forks, nothing is called. */
bool art_platform_at_fork(void (*before)(void), void (*in_parent)(void), void (*in_child)(void));

/* Whose files this process makes. */
void art_platform_user(uint32_t *owner, uint32_t *group);
/* Bytes that the file system of an existing file has left for this process; UINT64_MAX where that cannot be told. */
uint64_t art_platform_room(const char *path);

/* A path without links, dots and doubled slashes; free() it. NULL: it leads nowhere. */
char *art_platform_real_path(const char *path);

/* What an errno is about: is the disk full; is what was to be read damaged, rather than out of reach? */
bool art_platform_says_full(int error);
bool art_platform_says_damaged(int error);

#endif
