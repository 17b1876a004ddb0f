/* Tables of the pages in sql/ whose rows are what a test knows. */
#ifndef ART_TESTS_README_H
#define ART_TESTS_README_H

/* All three, one behind the other. */
const char *readme_text(void);

/* The i-th row with its line feed, sqlite3_free() it; NULL: README needs none of it. */
typedef char *readme_row_of(unsigned i);

void readme_print(const char *head, readme_row_of *row, unsigned rows);
/* Every row must be there. `program` prints them with --readme. */
void readme_expect(const char *program, readme_row_of *row, unsigned rows);

#endif
