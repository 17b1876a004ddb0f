/* test_vectors for the plain C that stands in for vectors where a processor has none that art knows. */
#define ART_NO_VECTORS 1
#include "tests/core/base/test_vectors.c"
