/* Windows, as core/base/platform.h asks for it. */
#ifdef _WIN32

#include "core/base/platform.h"

#include <errno.h>
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID out, ULONG bytes); /* RtlGenRandom(), by its name in advapi32.dll */

int art_platform_random(void *out, size_t len) {
    return SystemFunction036(out, (ULONG)len) ? 0 : EIO;
}

uint64_t art_platform_memory(void) {
    MEMORYSTATUSEX memory = {.dwLength = sizeof memory};
    return GlobalMemoryStatusEx(&memory) ? memory.ullTotalPhys : (uint64_t)1 << 30;
}

/* No part of what was reserved can be given back. So a larger piece tells where there is room; another thread may take it
 * before the second call. */
void *art_platform_reserve(size_t bytes, size_t alignment) {
    enum { ATTEMPTS = 8 };
    for (int i = 0; i < ATTEMPTS; i++) {
        uint8_t *raw = VirtualAlloc(NULL, bytes + alignment, MEM_RESERVE, PAGE_READWRITE);
        if (!raw) return NULL;
        VirtualFree(raw, 0, MEM_RELEASE);
        uint8_t *aligned = raw + (-(uintptr_t)raw & (alignment - 1));
        void *reserved = VirtualAlloc(aligned, bytes, MEM_RESERVE, PAGE_READWRITE);
        if (reserved) return reserved;
    }
    return NULL;
}

void art_platform_release(void *reserved, size_t bytes) {
    (void)bytes;
    VirtualFree(reserved, 0, MEM_RELEASE);
}

bool art_platform_commit(void *at, size_t bytes) {
    return VirtualAlloc(at, bytes, MEM_COMMIT, PAGE_READWRITE) != NULL;
}

/* The memory is taken when somebody else wants it, so that no page has to be committed again, which may fail. */
void art_platform_discard(void *at, size_t bytes) {
    VirtualAlloc(at, bytes, MEM_RESET, PAGE_READWRITE);
}

bool art_platform_at_fork(void (*before)(void), void (*in_parent)(void), void (*in_child)(void)) {
    (void)before;
    (void)in_parent;
    (void)in_child;
    return true;
}

#endif
