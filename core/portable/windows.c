/* Windows, as core/base/platform.h asks for it. */
#ifdef _WIN32

#include "core/base/platform.h"

#include <errno.h>

/* windows.h takes names that others have (WORD). So what is used of it is declared here, as the Windows API has it. */
#define IMPORT __declspec(dllimport)
IMPORT void *__stdcall VirtualAlloc(void *at, size_t bytes, unsigned long how, unsigned long protection);
IMPORT int __stdcall VirtualFree(void *at, size_t bytes, unsigned long how);
struct memory_status {
    unsigned long length, load;
    uint64_t memory, free_memory, page_file, free_page_file, space, free_space, extended;
};
IMPORT int __stdcall GlobalMemoryStatusEx(struct memory_status *status);
IMPORT unsigned char __stdcall SystemFunction036(void *out, unsigned long bytes); /* RtlGenRandom() */
enum { COMMIT = 0x1000, RESERVE = 0x2000, RELEASE = 0x8000, RESET = 0x80000, READ_WRITE = 4 };

int art_platform_random(void *out, size_t len) {
    return SystemFunction036(out, (unsigned long)len) ? 0 : EIO;
}

uint64_t art_platform_memory(void) {
    struct memory_status status = {.length = sizeof status};
    return GlobalMemoryStatusEx(&status) ? status.memory : (uint64_t)1 << 30;
}

/* No part of what was reserved can be given back. So a larger piece tells where there is room; another thread may
 * take it before the second call. */
void *art_platform_reserve(size_t bytes, size_t alignment) {
    enum { ATTEMPTS = 8 };
    for (int i = 0; i < ATTEMPTS; i++) {
        uint8_t *raw = VirtualAlloc(NULL, bytes + alignment, RESERVE, READ_WRITE);
        if (!raw) return NULL;
        VirtualFree(raw, 0, RELEASE);
        uint8_t *aligned = raw + (-(uintptr_t)raw & (alignment - 1));
        void *reserved = VirtualAlloc(aligned, bytes, RESERVE, READ_WRITE);
        if (reserved) return reserved;
    }
    return NULL;
}

void art_platform_release(void *reserved, size_t bytes) {
    (void)bytes;
    VirtualFree(reserved, 0, RELEASE);
}

bool art_platform_commit(void *at, size_t bytes) {
    return VirtualAlloc(at, bytes, COMMIT, READ_WRITE) != NULL;
}

/* The memory is taken when somebody else wants it, so that no page has to be committed again, which may fail. */
void art_platform_discard(void *at, size_t bytes) {
    VirtualAlloc(at, bytes, RESET, READ_WRITE);
}

bool art_platform_at_fork(void (*before)(void), void (*in_parent)(void), void (*in_child)(void)) {
    (void)before;
    (void)in_parent;
    (void)in_child;
    return true;
}

#endif
