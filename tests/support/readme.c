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

const char *readme_text(void) {
    static const char *const documents[] = {"README.md", "sql/README.md", "sql/files.md"};
    static char text[1 << 18];
    size_t len = 0;
    for (unsigned i = 0; i < sizeof documents / sizeof *documents; i++) {
        FILE *document = fopen(documents[i], "r");
        ck_assert_msg(document != NULL, "%s is not here: run the test in the project's folder", documents[i]);
        len += fread(text + len, 1, sizeof text - 1 - len, document);
        fclose(document);
    }
    text[len] = 0;
    return text;
}

void readme_expect(const char *program, readme_row_of *row_of, unsigned rows) {
    const char *text = readme_text();
    unsigned missing = 0;
    for (unsigned i = 0; i < rows; i++) {
        char *row = row_of(i);
        if (row && !strstr(text, row)) {
            printf("the documents lack: %s", row);
            missing++;
        }
        sqlite3_free(row);
    }
    ck_assert_msg(missing == 0, "the documents lack %u rows: %s --readme prints them", missing, program);
}
