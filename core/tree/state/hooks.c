#include "core/tree/state/hooks.h"

ART_IN_TESTS(struct art_test_hooks art_test_hooks;)
