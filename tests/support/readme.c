#include "tests/support/readme.h"

#include <check.h>
#include <glob.h>
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

static size_t add_document(const char *path, char *text, size_t room) {
    FILE *document = fopen(path, "r");
    ck_assert_msg(document != NULL, "%s is not here: run the test in the project's folder", path);
    size_t len = fread(text, 1, room, document);
    ck_assert_msg(len < room, "the documents are longer than a test has room for");
    fclose(document);
    return len;
}

const char *readme_text(void) {
    static char text[1 << 19];
    glob_t pages;
    if (*text) return text;
    size_t len = add_document("README.md", text, sizeof text - 1);
    ck_assert_msg(glob("sql/*.md", 0, NULL, &pages) == 0,
                  "there is no page in sql/: run the test in the project's folder");
    for (size_t i = 0; i < pages.gl_pathc; i++) {
        len += add_document(pages.gl_pathv[i], text + len, sizeof text - 1 - len);
    }
    globfree(&pages);
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
