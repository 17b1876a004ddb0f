#include "tests/support/fiber.h"

#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { STACK = 1 << 20, GUARD = 1 << 16 };

struct fiber {
    ucontext_t self, caller;
    char *mapping;
    void (*body)(void *argument);
    void *argument;
    bool returned;
    void *fake, *caller_fake; /* AddressSanitizer's */
    const void *caller_stack;
    size_t caller_size;
};

static struct fiber *present;

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#else
static void __sanitizer_start_switch_fiber(void **save, const void *bottom, size_t size) {
    (void)save, (void)bottom, (void)size;
}
static void __sanitizer_finish_switch_fiber(void *saved, const void **bottom, size_t *size) {
    (void)saved, (void)bottom, (void)size;
}
#endif

static void begin(void) {
    struct fiber *fiber = present;
    __sanitizer_finish_switch_fiber(NULL, &fiber->caller_stack, &fiber->caller_size);
    fiber->body(fiber->argument);
    fiber->returned = true;
    __sanitizer_start_switch_fiber(NULL, fiber->caller_stack, fiber->caller_size); /* its fake stack goes */
    setcontext(&fiber->caller);
}

struct fiber *fiber_new(void (*body)(void *argument), void *argument) {
    struct fiber *fiber = calloc(1, sizeof *fiber);
    if (!fiber) abort();
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK;
    fiber->mapping = mmap(NULL, GUARD + STACK, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (fiber->mapping == MAP_FAILED || mprotect(fiber->mapping, GUARD, PROT_NONE)) abort();
    fiber->body = body;
    fiber->argument = argument;
    getcontext(&fiber->self);
    fiber->self.uc_stack.ss_sp = fiber->mapping + GUARD;
    fiber->self.uc_stack.ss_size = STACK;
    fiber->self.uc_link = NULL;
    makecontext(&fiber->self, begin, 0);
    return fiber;
}

bool fiber_run(struct fiber *fiber) {
    if (fiber->returned) return false;
    if (present) abort();
    present = fiber;
    __sanitizer_start_switch_fiber(&fiber->caller_fake, fiber->mapping + GUARD, STACK);
    swapcontext(&fiber->caller, &fiber->self);
    __sanitizer_finish_switch_fiber(fiber->caller_fake, NULL, NULL);
    present = NULL;
    return !fiber->returned;
}

void fiber_yield(void) {
    struct fiber *fiber = present;
    if (!fiber) abort();
    __sanitizer_start_switch_fiber(&fiber->fake, fiber->caller_stack, fiber->caller_size);
    swapcontext(&fiber->self, &fiber->caller);
    __sanitizer_finish_switch_fiber(fiber->fake, &fiber->caller_stack, &fiber->caller_size);
}

void fiber_free(struct fiber *fiber) {
    if (!fiber) return;
    munmap(fiber->mapping, GUARD + STACK);
    free(fiber);
}
