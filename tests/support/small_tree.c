#include "tests/support/small_tree.h"

#include <check.h>

#include "core/base/alloc.h"

struct sim_disk *disk;
struct toy *toy;
struct art_tree *tree;
struct art_tree_options options;

void small_tree_open(void) {
    must(toy_open(toy, &options, &tree));
    must(toy_refresh(toy, tree));
}

void small_tree_make_on(struct sim_disk *on, bool wal, struct art_tree_options of) {
    uint8_t byte = 0;
    small_tree_end();
    disk = on;
    sim_disk_put_file(disk, "a.db", &byte, 1);
    of.disk = sim_disk_art(disk);
    of.path = "a.db-t-12345678.art";
    of.host_path = "a.db";
    if (!of.cache_bytes) of.cache_bytes = 1 << 20;
    if (!of.log_limit) of.log_limit = 1 << 20;
    if (!of.spill_limit) of.spill_limit = 1 << 28;
    options = of;
    toy = toy_new(wal);
    small_tree_open();
}

void small_tree_make_of(bool wal, struct art_tree_options of) {
    small_tree_make_on(sim_disk_new(3), wal, of);
}

void small_tree_make(bool wal) {
    small_tree_make_of(wal, (struct art_tree_options){0});
}

void small_tree_begin(void) {
    small_tree_make(false);
}

void small_tree_again(void) {
    art_tree_close(tree);
    small_tree_open();
}

void small_tree_end(void) {
    art_tree_close(tree);
    if (toy) toy_free(toy);
    sim_disk_free(disk);
    tree = NULL;
    toy = NULL;
    disk = NULL;
}

void commit(void) {
    struct art_commit commit;
    must(art_tree_prepare(tree, &commit));
    toy_write(toy, &commit);
    art_tree_committed(tree);
    must(toy_refresh(toy, tree));
}

void commit_with(unsigned request) {
    must(art_tree_request(tree, request));
    commit();
}

void commit_fails(unsigned request, int code, const char *says) {
    struct art_commit commit;
    must(art_tree_request(tree, request));
    refused(art_tree_prepare(tree, &commit), code, says);
    art_tree_rolled_back(tree);
}

void roll_back(void) {
    art_tree_rolled_back(tree);
    must(toy_refresh(toy, tree));
}

void flush(void) {
    commit_with(ART_REQUEST_FLUSH);
}

void optimize(void) {
    commit_with(ART_REQUEST_OPTIMIZE);
}

void vacuum(void) {
    commit_with(ART_REQUEST_VACUUM);
}

struct art_bytes text(const char *bytes) {
    return art_bytes(bytes, (uint32_t)strlen(bytes));
}

bool put_at(struct art_bytes key, struct art_bytes value) {
    bool existed;
    must(art_tree_insert(tree, ART_WRITE_REPLACE, key, value, &existed));
    return existed;
}

void put(const char *key, const char *value) {
    put_at(text(key), text(value));
}

bool take_at(struct art_bytes key) {
    bool existed;
    must(art_tree_delete(tree, key, &existed));
    return existed;
}

void is_there(struct art_bytes key) {
    struct art_row row;
    must(art_tree_get(tree, key, &row));
    art_row_release(&row);
}

void is_absent(struct art_bytes key) {
    struct art_row row;
    ck_assert_int_eq(art_tree_get(tree, key, &row), ART_NOTFOUND);
    art_row_release(&row);
}

struct art_cursor *cursor_on(const struct art_range *range, bool backward) {
    struct art_cursor *cursor;
    must(art_cursor_open(tree, &cursor));
    must(art_cursor_seek(cursor, range ? range : &(struct art_range){0}, backward));
    return cursor;
}

void value_is(struct art_bytes key, struct art_bytes wanted) {
    struct art_row row;
    struct art_bytes value;
    uint8_t *owned;
    must(art_tree_get(tree, key, &row));
    must(art_row_value(tree, &row, &value, &owned));
    ck_assert(art_bytes_equal(value, wanted));
    art_free(owned);
    art_row_release(&row);
}

void take_away(const char *key) {
    take_at(text(key));
}

uint64_t rows(void) {
    uint64_t count;
    must(art_tree_count(tree, &(struct art_range){0}, &count));
    return count;
}

void rows_are(uint64_t count) {
    ck_assert_uint_eq(rows(), count);
    must(art_tree_check(tree));
}

struct art_tree *another_tree(void) {
    struct art_tree *other;
    must(toy_open(toy, &options, &other));
    must(toy_refresh(toy, other));
    return other;
}

struct art_tree_info info(void) {
    struct art_tree_info now;
    must(art_tree_info(tree, &now));
    return now;
}
