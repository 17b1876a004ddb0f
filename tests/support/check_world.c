#include "tests/support/check_world.h"
#include "tests/support/blob_model.h"
#include "tests/support/of_core.h"

#include <check.h>
#include <stdlib.h>

#include "core/blob/blob_format.h"

struct art_summary check_summary;
struct told check_told[TOLD_MAX];
unsigned check_count, check_enough;

/* --- the table ---------------------------------------------------------------------------------------------------- */

struct art_bytes check_large(uint32_t len, uint8_t seed) {
    static uint8_t bytes[100000];
    ck_assert_uint_le(len, sizeof bytes);
    for (uint32_t i = 0; i < len; i++) bytes[i] = (uint8_t)(seed + i * 31 + (i >> 8));
    return art_bytes(bytes, len);
}

/* The first run has all of them, the second every tenth, half of those deletes, the third every 20th. */
static void make_run(unsigned run, int rows) {
    char path[40];
    int step = run > 1 ? 20 : run ? 10 : 1;
    for (int i = (int)run; i < rows; i += step) {
        snprintf(path, sizeof path, "dir-%04d/file-%05d", i / 100, i);
        if (run && i % (2 * step) < step)
            take_away(path);
        else
            put_at(text(path), check_large(30 + (uint32_t)(i % 50), (uint8_t)run));
    }
    snprintf(path, sizeof path, "big/%u", run);
    if (run < 2) put_at(text(path), check_large(10000, (uint8_t)run));
    flush();
}

int check_reopen(void) {
    static uint64_t copies;
    if (tree) art_tree_close(tree);
    tree = NULL;
    if (sim_disk_has_file(disk, options.path) && copies++ % 2) { /* another inode: nothing is in the cache */
        sim_disk_copy_file(disk, options.path, "copy");
        sim_disk_rename_file(disk, "copy", options.path);
    }
    must(toy_open(toy, &options, &tree));
    return toy_refresh(toy, tree);
}

static void make_world(unsigned runs, uint32_t blob_pages, int rows) {
    small_tree_make_on(
        sim_disk_new(1), true,
        (struct art_tree_options){.spill_limit = 16 << 20, .blob_pages = blob_pages, .summary = check_summary});
    for (unsigned run = 0; run < runs; run++) make_run(run, rows);
    ck_assert_uint_eq(tree->root->runs, runs);
    put_at(text("late/1"), check_large(10, 1));
    put_at(text("late/2"), check_large(20, 2));
    commit();
    put_at(text("late/3"), check_large(30, 3));
    commit();
    check_is_clean();
}

void check_world_new(unsigned runs) {
    make_world(runs, 4, CHECK_ROWS);
}

void check_world_new_deep(void) {
    make_world(1, 2, CHECK_ROWS_DEEP);
    ck_assert_uint_eq(tree->root->run[0].top.height, 2);
}

/* --- planting ----------------------------------------------------------------------------------------------------- */

struct art_bytes check_row_key(const char *path) {
    static uint8_t key[ART_KEY_BUFFER];
    struct art_bytes out;
    must(art_row_key(key, text(path), &out));
    return out;
}

struct art_bytes check_piece_key(uint64_t csn, uint32_t counter, uint32_t number) {
    static uint8_t key[ART_OVERFLOW_KEY_BYTES + ART_KEY_PADDING];
    uint8_t id[ART_OVERFLOW_ID_BYTES];
    art_store64_be(id, csn);
    art_store32_be(id + 8, counter);
    return art_overflow_key(key, id, number);
}

struct art_bytes check_reference(uint64_t length, uint64_t csn, uint32_t counter, uint64_t hash) {
    static uint8_t bytes[ART_OVERFLOW_REF_BYTES];
    art_store64(bytes, length);
    art_store64_be(bytes + 8, csn);
    art_store32_be(bytes + 16, counter);
    art_store64(bytes + 20, hash);
    return art_bytes(bytes, sizeof bytes);
}

void check_plant(struct art_bytes key, struct art_bytes value, uint64_t csn, uint8_t flags) {
    struct art_entry entry = {.value = value, .csn = csn, .flags = flags};
    must(art_tree_begin(tree));
    must(art_memtable_set(tree->memtable, key, &entry));
    if (tree->txn.state == ART_TXN_BEGUN) tree->txn.state = ART_TXN_CHANGED;
    tree->changes++;
}

/* --- root and blobs ----------------------------------------------------------------------------------------------- */

struct art_root *check_root_take(void) {
    struct art_root *root;
    ck_assert_uint_eq(toy->log.row[0].csn, 0);
    must(art_root_decode(art_bytes(toy->log.row[0].data, toy->log.row[0].len), &root));
    return root;
}

void check_root_put(struct art_root *root) {
    struct art_buffer bytes = {0};
    struct toy_row *row = &toy->log.row[0];
    must(art_root_encode(root, &bytes));
    free(row->data);
    row->data = malloc(bytes.len);
    row->len = (uint32_t)bytes.len;
    memcpy(row->data, bytes.data, bytes.len);
    art_buffer_clear(&bytes);
    art_root_unref(root);
}

uint8_t *check_slot(uint32_t slot) {
    uint64_t len;
    uint8_t *bytes = sim_disk_file_bytes(disk, options.path, &len);
    ck_assert_uint_le(((uint64_t)slot + 1) * ART_BLOB_BYTES, len);
    return bytes + (uint64_t)slot * ART_BLOB_BYTES;
}

void check_reseal_top(unsigned run) {
    struct art_root *root = check_root_take();
    struct art_ref *top = &root->run[run].top;
    uint8_t *slot = check_slot(top->slot);
    const struct art_blob_trailer *trailer = art_blob_trailer(slot);
    blob_image_rehash(slot, top);
    top->count = trailer->count;
    top->entries = trailer->below;
    top->csn_max = trailer->csn_max;
    top->overflows = trailer->overflows;
    top->key_max = trailer->key_max;
    check_root_put(root);
}

void check_rebuild_index(unsigned number,
                         void (*change)(uint32_t number, struct art_buffer *separator, struct art_ref *ref)) {
    struct art_root *root = check_root_take();
    struct art_run *run = &root->run[number];
    struct art_builder_options of = {.kind = ART_BLOB_INDEX, .height = run->top.height};
    memcpy(of.uuid, options.uuid, sizeof of.uuid);
    struct art_builder *builder;
    static _Alignas(ART_BLOB_PAGE) uint8_t image[ART_BLOB_BYTES];
    struct art_run_cursor cursor;
    struct art_built built;
    struct art_buffer separator = {0};
    uint32_t child = 0;
    ck_assert_uint_ge(run->top.height, 1);
    must(art_builder_open(&builder, &of));
    art_builder_begin(builder, image);
    must(art_run_cursor_open(&cursor, tree->store));
    art_run_cursor_reset(&cursor, &run->top, run->top.height);
    for (must(art_run_first(&cursor)); cursor.valid; must(art_run_next(&cursor))) {
        struct art_ref ref;
        bool full;
        must(art_blob_cursor_ref(&cursor.leaf, &ref));
        must(art_buffer_set_key(&separator, art_run_key(&cursor)));
        change(child++, &separator, &ref);
        must(art_builder_add_ref(builder, art_buffer_bytes(&separator), &ref, &full));
        ck_assert(!full);
    }
    ck_assert_uint_ge(child, 4);
    must(art_builder_finish(builder, run->top.slot, run->top.generation, &built));
    art_run_cursor_close(&cursor);
    memcpy(check_slot(run->top.slot), image, ART_BLOB_BYTES);
    run->pages += art_ref_pages(&built.ref) - art_ref_pages(&run->top);
    struct art_run changed = *run;
    changed.top = built.ref;
    must(art_root_replace_run(root, number, &changed));
    check_root_put(root);
    art_builder_close(builder);
    art_buffer_clear(&separator);
}

/* --- what is told ------------------------------------------------------------------------------------------------- */

static bool take(void *context, const struct art_problem *problem) {
    ck_assert_uint_lt(check_count, TOLD_MAX);
    struct told *told = &check_told[check_count++];
    told->rc = problem->rc;
    told->slot = problem->slot;
    told->page = problem->page;
    snprintf(told->what, sizeof told->what, "%s", problem->what);
    snprintf(told->place, sizeof told->place, "%s", problem->place ? problem->place : "");
    ck_assert_msg(strstr(problem->sentence, problem->what) != NULL, "%s", problem->sentence);
    return check_count != check_enough;
}

int check_run(bool quick) {
    struct art_check_options options = {.quick = quick, .problem = take};
    check_count = 0;
    return art_tree_check_all(tree, &options);
}

static void show(void) {
    for (unsigned i = 0; i < check_count; i++) {
        printf("    told: %s (%s, slot %d, page %d)\n", check_told[i].what, check_told[i].place,
               (int)check_told[i].slot, (int)check_told[i].page);
    }
    fflush(stdout);
}

bool check_has(const char *words) {
    for (unsigned i = 0; i < check_count; i++) {
        if (strstr(check_told[i].what, words)) return true;
    }
    return false;
}

void check_finds(const char *words) {
    must(check_run(false));
    if (check_count != 1 || !check_has(words)) show();
    ck_assert_msg(check_count == 1 && check_has(words), "%u problems were told, and this was looked for: %s",
                  check_count, words);
}

void check_is_clean(void) {
    must(check_run(false));
    if (check_count) show();
    ck_assert_uint_eq(check_count, 0);
}
