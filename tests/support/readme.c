#include "tests/support/readme.h"

#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

void readme_print(const char *head, readme_row_of *row_of, unsigned rows) {
    printf("%s", head);
    for (unsigned i = 0; i < rows; i++) {
        char *row = row_of(i);
        if (row) printf("%s", row);
        sqlite3_free(row);
    }
}

void readme_expect(const char *program, readme_row_of *row_of, unsigned rows) {
    static char text[1 << 18];
    FILE *readme = fopen("README.md", "r");
    unsigned missing = 0;
    ck_assert_msg(readme != NULL, "README.md is not here: run the test in the project's folder");
    text[fread(text, 1, sizeof text - 1, readme)] = 0;
    fclose(readme);
    for (unsigned i = 0; i < rows; i++) {
        char *row = row_of(i);
        if (row && !strstr(text, row)) {
            printf("README.md lacks: %s", row);
            missing++;
        }
        sqlite3_free(row);
    }
    ck_assert_msg(missing == 0, "README.md lacks %u rows: %s --readme prints them", missing, program);
}
