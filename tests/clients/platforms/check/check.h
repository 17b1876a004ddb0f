/* As much of the library Check as tests/support/suite.c and the SQL tests use, for systems that have no package of
 * it: no processes, no limits of time. A test that fails ends there, and the next one begins; one that aborts ends
 * the program. */
#ifndef TEST_PLATFORMS_CHECK_H
#define TEST_PLATFORMS_CHECK_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct TTest {
    const char *name;
    void (*run)(int i);
    const char *file;
    int line;
} TTest;
typedef struct TCase TCase;
typedef struct Suite Suite;
typedef struct SRunner SRunner;

enum print_output { CK_ENV };

Suite *suite_create(const char *name);
TCase *tcase_create(const char *name);
void tcase_set_timeout(TCase *into, double seconds);
void tcase_set_tags(TCase *into, const char *tags); /* those named by CK_EXCLUDE_TAGS are left out */
void tcase_add_checked_fixture(TCase *into, void (*set_up)(void), void (*tear_down)(void));
void tcase_add_loop_test(TCase *into, const TTest *test, int from, int to);
void suite_add_tcase(Suite *suite, TCase *added);
SRunner *srunner_create(Suite *suite);
void srunner_run_all(SRunner *runner, enum print_output mode);
int srunner_ntests_failed(SRunner *runner);
void srunner_free(SRunner *runner);

#ifdef __MINGW32__
__attribute__((noreturn, format(gnu_printf, 3, 4)))
#else
__attribute__((noreturn, format(printf, 3, 4)))
#endif
void check_failed(const char *file, int line, const char *format, ...);

#define CHECK(holds, ...) ((holds) ? (void)0 : check_failed(__FILE__, __LINE__, __VA_ARGS__))
#define CHECK_INT(a, op, b)                                                                                            \
    do {                                                                                                               \
        intmax_t is_ = (a), to_ = (b);                                                                                 \
        CHECK(is_ op to_, "%s %s %s: %jd, %jd", #a, #op, #b, is_, to_);                                                \
    } while (0)
#define CHECK_UINT(a, op, b)                                                                                           \
    do {                                                                                                               \
        uintmax_t is_ = (a), to_ = (b);                                                                                \
        CHECK(is_ op to_, "%s %s %s: %ju, %ju", #a, #op, #b, is_, to_);                                                \
    } while (0)

#define ck_assert(holds)          CHECK(holds, "%s", #holds)
#define ck_assert_msg(holds, ...) CHECK(holds, __VA_ARGS__)
#define ck_abort_msg(...)         check_failed(__FILE__, __LINE__, __VA_ARGS__)
#define ck_assert_int_eq(a, b)    CHECK_INT(a, ==, b)
#define ck_assert_int_ne(a, b)    CHECK_INT(a, !=, b)
#define ck_assert_int_lt(a, b)    CHECK_INT(a, <, b)
#define ck_assert_int_le(a, b)    CHECK_INT(a, <=, b)
#define ck_assert_int_gt(a, b)    CHECK_INT(a, >, b)
#define ck_assert_int_ge(a, b)    CHECK_INT(a, >=, b)
#define ck_assert_uint_eq(a, b)   CHECK_UINT(a, ==, b)
#define ck_assert_uint_ne(a, b)   CHECK_UINT(a, !=, b)
#define ck_assert_uint_lt(a, b)   CHECK_UINT(a, <, b)
#define ck_assert_uint_le(a, b)   CHECK_UINT(a, <=, b)
#define ck_assert_uint_gt(a, b)   CHECK_UINT(a, >, b)
#define ck_assert_uint_ge(a, b)   CHECK_UINT(a, >=, b)
#define ck_assert_ptr_eq(a, b)    CHECK((const void *)(a) == (const void *)(b), "%s == %s", #a, #b)
#define ck_assert_ptr_ne(a, b)    CHECK((const void *)(a) != (const void *)(b), "%s != %s", #a, #b)
#define ck_assert_ptr_null(a)     CHECK(!(a), "%s is not NULL", #a)
#define ck_assert_ptr_nonnull(a)  CHECK(a, "%s is NULL", #a)
#define ck_assert_mem_eq(a, b, n) CHECK(!memcmp(a, b, n), "the bytes of %s and %s", #a, #b)
#define ck_assert_str_eq(a, b)                                                                                         \
    do {                                                                                                               \
        const char *is_ = (a), *to_ = (b);                                                                             \
        CHECK(is_ &&to_ && !strcmp(is_, to_), "%s == %s: '%s', '%s'", #a, #b, is_ ? is_ : "NULL", to_ ? to_ : "NULL"); \
    } while (0)

#endif
