/* What a call of core says, and what has to hold: for programs with Check. Brings of_core.h and error.h along. */
#ifndef ART_TESTS_MUST_H
#define ART_TESTS_MUST_H

#include <check.h>
#include <string.h>

#include "core/base/error.h"
#include "tests/support/of_core.h"

#define HOLDS ck_assert

/* The call went well. */
static inline void must(int rc) {
    if (rc) ck_abort_msg("%s: %s", art_error_name(rc), art_error_message());
}

/* The call has failed with this code, and its message contains `says`. */
static inline void refused(int rc, int code, const char *says) {
    if (rc == code && strstr(art_error_message(), says)) return;
    ck_abort_msg("%s, not %s: \"%s\" for: %s", art_error_name(rc), art_error_name(code), art_error_message(), says);
}

#endif
