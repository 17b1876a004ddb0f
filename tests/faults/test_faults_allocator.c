/* Does SQLite see all of the extension's memory?
 *
 * This program's own malloc() stands before libc's. While the script runs over the loaded art.so, it looks who asked:
 * the innermost frame of the call that lies in art.so or in libsqlite3. Where that is art.so, memory was taken past
 * SQLite, by way of some function of libc or liburing. Those that may are listed below, each with its reason; any other
 * fails.
 */
#include <dlfcn.h>
#include <execinfo.h>
#include <link.h>

#include "tests/support/fault_sweep.h"
#include "tests/support/faulty_vfs.h"
#include "tests/support/sanitized.h"
#include "tests/support/sql.h"
#include "tests/support/suite.h"

/* A sanitizer has an allocator of its own. */
#if SANITIZED || !defined(__GLIBC__)
#define OWN_ALLOCATOR 0
#else
#define OWN_ALLOCATOR 1
#endif

/* --- who asked ---------------------------------------------------------------------------------------------------- */

/* What takes memory past SQLite and may: none of it grows with data. */
static const struct {
    const char *function, *why;
} allowed[] = {
    {"opendir", "the buffer of readdir(), freed by closedir(); only 'clean', art_info and CREATE list a folder"},
    {"qsort", "a list of paths in IN (...) over a kilobyte; without memory glibc sorts in place"},
    {"qsort_r", "as qsort"},
    {"__register_atfork", "pthread_atfork(), once a process"},
    {"pthread_atfork", "as __register_atfork"},
    {"strerror", "an errno without a text, once a thread"},
    {"__tls_get_addr", "the extension's variables of a thread, once a thread"},
    {"liburing", "its rings, mapped from the kernel"},
};
enum { ALLOWED = sizeof allowed / sizeof *allowed, FRAMES = 40, OTHERS_MAX = 16, NEAR = 4096 };

struct range {
    uintptr_t from, to;
};
static struct range art, sqlite, uring;
static bool looking;
static __thread bool inside;
static uint64_t asked, through_sqlite, past_sqlite[ALLOWED];
static char others[OTHERS_MAX][200];
static unsigned other_count;

static bool is_in(const struct range *range, const void *address) {
    return (uintptr_t)address >= range->from && (uintptr_t)address < range->to;
}

static int find_ranges(struct dl_phdr_info *info, size_t size, void *unused) {
    const char *name = strrchr(info->dlpi_name, '/');
    name = name ? name + 1 : info->dlpi_name;
    struct range *range = !strncmp(name, "art.so", 6)        ? &art
                          : !strncmp(name, "libsqlite3", 10) ? &sqlite
                          : !strncmp(name, "liburing", 8)    ? &uring
                                                             : NULL;
    for (int i = 0; range && i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD) continue;
        uintptr_t from = info->dlpi_addr + part->p_vaddr, to = from + part->p_memsz;
        if (!range->from || from < range->from) range->from = from;
        if (to > range->to) range->to = to;
    }
    return 0;
}

/* What a function of libc calls in its own source file has no name outside of it, and stands beside it. */
static bool is_part_of(const char *function, const void *address) {
    const char *begin = dlsym(RTLD_DEFAULT, function);
    return begin && (const char *)address > begin - NEAR && (const char *)address < begin + NEAR;
}

static void note_past(void *const *frames, int at) {
    for (int i = 1; i < at; i++) {
        for (unsigned k = 0; k < ALLOWED; k++) {
            bool ring = !strcmp(allowed[k].function, "liburing");
            if (ring ? !is_in(&uring, frames[i]) : !is_part_of(allowed[k].function, frames[i])) continue;
            past_sqlite[k]++;
            return;
        }
    }
    if (other_count == OTHERS_MAX) return;
    Dl_info about = {.dli_sname = NULL};
    if (at > 1) dladdr(frames[at - 1], &about);
    snprintf(others[other_count++], sizeof others[0], "%s, from art.so+0x%lx",
             about.dli_sname ? about.dli_sname : "malloc", (unsigned long)((uintptr_t)frames[at] - art.from));
}

static inline void look(void) {
    void *frames[FRAMES];
    if (!looking || inside) return;
    inside = true;
    asked++;
    int count = backtrace(frames, FRAMES);
    for (int i = 1; i < count; i++) {
        if (is_in(&sqlite, frames[i])) {
            through_sqlite++;
            break;
        }
        if (!is_in(&art, frames[i])) continue;
        note_past(frames, i);
        break;
    }
    inside = false;
}

/* --- in libc's place ---------------------------------------------------------------------------------------------- */

#if OWN_ALLOCATOR
#pragma GCC visibility push(default)
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size) {
    look();
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    look();
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
    look();
    return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
    look();
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    look();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size) {
    look();
    *out = __libc_memalign(alignment, size);
    return *out ? 0 : 12;
}
#pragma GCC visibility pop
#endif

/* --- the script --------------------------------------------------------------------------------------------------- */

static void start_looking(unsigned kind, unsigned error, unsigned nth, bool stays) {
    looking = true;
}

static unsigned stop_looking(void) {
    looking = false;
    return 0;
}

static const struct fault_source no_faults = {.name = "nothing", .arm = start_looking, .disarm = stop_looking};

LOOP_TEST(test_all_memory_of_the_extension_is_asked_of_sqlite, FAULT_MODES) {
    if (!OWN_ALLOCATOR) {
        printf("SKIPPED: this build's malloc() cannot be replaced\n");
        return;
    }
    bool again = _i >= FAULT_WAYS && _i < 2 * FAULT_WAYS; /* as one before, with another of SQLite's journals */
    if (again && random_stride() > 1) return;
    struct fault_sweep sweep = {.source = &no_faults,
                                .world = {.mode = &fault_modes[_i], .vfs = "faulty", .synchronous = "OFF"}};
    void *frames[2];
    backtrace(frames, 2); /* loads what it needs */
    sqlite3 *db = sql_open(":memory:");
    dl_iterate_phdr(find_ranges, NULL);
    ck_assert(art.from && sqlite.from);
    fault_sweep_run(&sweep);
    sqlite3_close(db);
    printf("%s: %llu allocations, %llu of them by SQLite; past it:", sweep.world.mode->name, (unsigned long long)asked,
           (unsigned long long)through_sqlite);
    for (unsigned i = 0; i < ALLOWED; i++) {
        if (past_sqlite[i]) printf(" %s %llu", allowed[i].function, (unsigned long long)past_sqlite[i]);
    }
    printf("\n");
    ck_assert_uint_gt(through_sqlite, 1000);
    ck_assert_msg(!other_count, "%u allocations or more past SQLite: %s; %s", other_count, others[0], others[1]);
}

/* Blobs, memtable and undo are part of what SQLite counts, and are gone with the connection. */
TEST(test_sqlite_counts_what_a_table_takes) {
    int64_t before = sqlite3_memory_used();
    sqlite3 *db = sql_open(":memory:");
    sql_run(db, "CREATE VIRTUAL TABLE t USING art; BEGIN");
    int64_t empty = sqlite3_memory_used();
    sql_run(db, "INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000) "
                "SELECT 'path/' || i, randomblob(100) FROM n");
    int64_t full = sqlite3_memory_used();
    ck_assert_int_gt(full - empty, 20000 * 100);
    sql_run(db, "COMMIT; INSERT INTO t(t) VALUES('optimize')");
    ck_assert_int_gt(sqlite3_memory_used() - empty, 20000 * 100);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_memory_used(), before);
}

int main(void) {
    faulty_vfs_register();
    sqlite3_initialize();
    return suite_run("faults, allocator", .seconds = SUITE_FOREVER);
}
