/* Blocks and pages, copied when they are written while somebody else has them too. */
#include "tests/support/sparse_file.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, BLOCK_PAGES = 64 };

struct sparse_page {
    uint32_t references;
    uint8_t bytes[PAGE];
};

struct sparse_block {
    uint32_t references;
    struct sparse_page *pages[BLOCK_PAGES];
};

static void *zeroed(size_t bytes) {
    void *memory = calloc(1, bytes);
    if (!memory) abort();
    return memory;
}

static struct sparse_page *page_new(void) {
    struct sparse_page *page = malloc(sizeof *page);
    if (!page) abort();
    page->references = 1;
    return page;
}

static void page_release(struct sparse_page *page) {
    if (page && !--page->references) free(page);
}

static void block_release(struct sparse_block *block) {
    if (!block || --block->references) return;
    for (unsigned i = 0; i < BLOCK_PAGES; i++) page_release(block->pages[i]);
    free(block);
}

void sparse_clear(struct sparse_file *file) {
    for (uint32_t i = 0; i < file->block_count; i++) block_release(file->blocks[i]);
    free(file->blocks);
    *file = (struct sparse_file){0};
}

void sparse_copy(const struct sparse_file *from, struct sparse_file *to) {
    sparse_clear(to);
    to->size = from->size;
    to->block_count = from->block_count;
    if (!from->block_count) return;
    to->blocks = zeroed(from->block_count * sizeof *to->blocks);
    for (uint32_t i = 0; i < from->block_count; i++) {
        to->blocks[i] = from->blocks[i];
        if (to->blocks[i]) to->blocks[i]->references++;
    }
}

static struct sparse_page *page_at(const struct sparse_file *file, uint64_t number) {
    uint64_t at = number / BLOCK_PAGES;
    const struct sparse_block *block = at < file->block_count ? file->blocks[at] : NULL;
    return block ? block->pages[number % BLOCK_PAGES] : NULL;
}

uint32_t sparse_read(const struct sparse_file *file, uint64_t offset, void *data, uint32_t len) {
    uint32_t there = offset >= file->size ? 0 : file->size - offset < len ? (uint32_t)(file->size - offset) : len;
    uint8_t *out = data;
    memset(out + there, 0, len - there);
    for (uint32_t done = 0; done < there;) {
        uint32_t in_page = (uint32_t)((offset + done) % PAGE);
        uint32_t n = PAGE - in_page < there - done ? PAGE - in_page : there - done;
        const struct sparse_page *page = page_at(file, (offset + done) / PAGE);
        if (page) {
            memcpy(out + done, page->bytes + in_page, n);
        } else {
            memset(out + done, 0, n);
        }
        done += n;
    }
    return there;
}

static struct sparse_block *own_block(struct sparse_file *file, uint64_t at) {
    if (at >= file->block_count) {
        uint32_t count = (uint32_t)at + 1;
        file->blocks = realloc(file->blocks, count * sizeof *file->blocks);
        if (!file->blocks) abort();
        memset(file->blocks + file->block_count, 0, (count - file->block_count) * sizeof *file->blocks);
        file->block_count = count;
    }
    struct sparse_block *block = file->blocks[at];
    if (block && block->references == 1) return block;
    struct sparse_block *own = zeroed(sizeof *own);
    if (block) {
        memcpy(own->pages, block->pages, sizeof own->pages);
        for (unsigned i = 0; i < BLOCK_PAGES; i++) {
            if (own->pages[i]) own->pages[i]->references++;
        }
        block_release(block);
    }
    own->references = 1;
    return file->blocks[at] = own;
}

/* `whole`: all of it will be written, so what is in it does not matter. */
static struct sparse_page *own_page(struct sparse_file *file, uint64_t number, int whole) {
    struct sparse_page **at = &own_block(file, number / BLOCK_PAGES)->pages[number % BLOCK_PAGES], *old = *at;
    if (old && old->references == 1) return old;
    *at = page_new();
    if (!whole && old) memcpy((*at)->bytes, old->bytes, PAGE);
    if (!whole && !old) memset((*at)->bytes, 0, PAGE);
    page_release(old);
    return *at;
}

void sparse_write(struct sparse_file *file, uint64_t offset, const void *data, uint32_t len) {
    const uint8_t *in = data;
    for (uint32_t done = 0; done < len;) {
        uint32_t in_page = (uint32_t)((offset + done) % PAGE);
        uint32_t n = PAGE - in_page < len - done ? PAGE - in_page : len - done;
        struct sparse_page *page = own_page(file, (offset + done) / PAGE, n == PAGE);
        memcpy(page->bytes + in_page, in + done, n);
        done += n;
    }
    if (len && offset + len > file->size) file->size = offset + len;
}

void sparse_truncate(struct sparse_file *file, uint64_t size) {
    if (size < file->size) {
        uint64_t kept = (size + PAGE - 1) / PAGE, blocks = (kept + BLOCK_PAGES - 1) / BLOCK_PAGES;
        for (uint64_t i = blocks; i < file->block_count; i++) {
            block_release(file->blocks[i]);
            file->blocks[i] = NULL;
        }
        for (uint64_t number = kept; number < blocks * BLOCK_PAGES; number++) {
            if (!page_at(file, number)) continue;
            struct sparse_page **at = &own_block(file, number / BLOCK_PAGES)->pages[number % BLOCK_PAGES];
            page_release(*at);
            *at = NULL;
        }
        uint32_t tail = (uint32_t)(size % PAGE);
        if (tail && page_at(file, size / PAGE)) memset(own_page(file, size / PAGE, 0)->bytes + tail, 0, PAGE - tail);
    }
    file->size = size;
}
