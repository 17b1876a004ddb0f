/* The bytes of a simulated file: holes cost nothing, and a copy costs a few pointers, so that a thousand disks that
 * differ in a page or two can be made in a second.
 *
 *     file   size, blocks
 *     block  256 KB: 64 pages, counted references      shared between copies until one of them is written
 *     page   4 KB, counted references
 *
 * A hole reads as zeros. Copies are for one thread. Out of memory ends the process: this is test code.
 */
#ifndef TESTS_SPARSE_FILE_H
#define TESTS_SPARSE_FILE_H

#include <stdint.h>

struct sparse_block;

struct sparse_file {
    uint64_t size;
    struct sparse_block **blocks;
    uint32_t block_count;
};

void sparse_clear(struct sparse_file *file);
/* `to` is cleared first. */
void sparse_copy(const struct sparse_file *from, struct sparse_file *to);
/* Bytes behind the end read as zeros; how many lay before it. */
uint32_t sparse_read(const struct sparse_file *file, uint64_t offset, void *data, uint32_t len);
void sparse_write(struct sparse_file *file, uint64_t offset, const void *data, uint32_t len);
void sparse_truncate(struct sparse_file *file, uint64_t size);

#endif
