/* Values that are equal to others by an affinity, or only look so; and edges of what numbers, texts and blobs may be.
 * As SQL writes them. */
#ifndef ART_TESTS_ODD_VALUES_H
#define ART_TESTS_ODD_VALUES_H

enum { ODD_VALUES = 109 };

/* Until the next call. */
const char *odd_value(unsigned number);
/* Of a list with bars between. */
const char *listed_value(const char *list, unsigned number);

#endif
