/* Locks that core takes, counted on their way (the linker's --wrap), which only what is linked into this program
 * passes: of the engines that is `core`. ext takes none of its own beside it but where connections come and go;
 * test_locks.c counts both. */
#include "tests/bench/locks.h"

#include <pthread.h>

static _Thread_local uint64_t locks;

uint64_t bench_locks(void) {
    return locks;
}

int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex) {
    locks++;
    return __real_pthread_mutex_lock(mutex);
}

int __real_pthread_mutex_trylock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_trylock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_trylock(pthread_mutex_t *mutex) {
    locks++;
    return __real_pthread_mutex_trylock(mutex);
}
