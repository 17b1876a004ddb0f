#include "tests/support/memtable_model.h"

#include <string.h>

#include "core/base/error.h"
#include "core/base/value_hash.h"
#include "core/memtable/redo_format.h"
#include "core/memtable/redo_reader.h"
#include "tests/support/of_core.h"

/* --- cells -------------------------------------------------------------------------------------------------------- */

static struct memtable_cell *new_cells(const struct memtable_model *model) {
    struct memtable_cell *cells = calloc(model->set.count, sizeof *cells);
    ck_assert_ptr_nonnull(cells);
    return cells;
}

static void copy_cells(const struct memtable_model *model, struct memtable_cell *to, const struct memtable_cell *from) {
    memcpy(to, from, model->set.count * sizeof *from);
}

struct art_entry memtable_cell_entry(const struct memtable_cell *cell) {
    static uint8_t bytes[MODEL_STORED_MOST + 5000];
    HOLDS(cell->len + cell->more <= sizeof bytes);
    uint64_t x = cell->number | 1ull << 40;
    memcpy(bytes, cell->stored, cell->len);
    for (uint32_t i = 0; i < cell->more; i++) bytes[cell->len + i] = (uint8_t)((x = x * 0x5851f42d4c957f2du + 1) >> 56);
    return (struct art_entry){
        .value = art_bytes(bytes, cell->len + cell->more), .csn = cell->csn, .flags = cell->flags};
}

/* What is looked up has few values; of a text its hashes are stored. */
static struct art_datum random_datum(struct memtable_model *model, unsigned column) {
    struct random *random = model->random;
    struct art_datum datum;
    if (!model->summary.has.lookups) { /* in every other column integers and NULLs alone */
        do datum = toy_random_datum(random, 2);
        while (column % 2 && datum.kind > ART_DATUM_INTEGER);
        return datum;
    }
    return toy_hashed_datum(random, model->values);
}

static void random_value(struct memtable_model *model, struct memtable_cell *cell) {
    struct random *random = model->random;
    struct art_measures has = model->summary.has;
    for (unsigned i = 0; i < has.columns; i++) cell->data[i] = random_datum(model, i);
    cell->len += toy_value_put(&model->summary, cell->data, cell->flags, 0, cell->stored + cell->len);
    if (!(cell->flags & ART_OVERFLOW)) cell->more = random_below(random, random_once_in(random, 50) ? 5000 : 40);
    if (cell->flags & ART_CHUNK) memset(cell->data, 0, sizeof cell->data);
}

struct memtable_cell memtable_model_random_cell(struct memtable_model *model, uint32_t at) {
    struct random *random = model->random;
    struct memtable_cell cell = {.present = true, .csn = model->csn + 1, .number = (uint32_t)random_next(random)};
    if (model->chunk[at]) cell.flags |= ART_CHUNK;
    if (random_once_in(random, 3)) cell.flags |= ART_DELETE;
    if (!cell.flags && random_once_in(random, 5)) cell.flags |= ART_OVERFLOW;
    if (model->below[at].present) {
        struct art_entry row = memtable_cell_entry(&model->below[at]);
        cell.flags |= ART_SHADOWS_OLDER;
        cell.len = art_replaced_encode(&model->summary, model->set.keys[at], &row, cell.stored);
        if (cell.len) cell.flags |= ART_REPLACED;
    }
    if (!(cell.flags & ART_DELETE)) random_value(model, &cell);
    return cell;
}

/* The row of a key as the cells over the sources below show it. */
static const struct memtable_cell *live(const struct memtable_model *model, const struct memtable_cell *cells,
                                        uint32_t at) {
    static const struct memtable_cell no_row;
    const struct memtable_cell *cell = cells && cells[at].present ? &cells[at] : &model->below[at];
    return !cell->present || cell->flags & ART_DELETE ? &no_row : cell;
}

/* --- the history -------------------------------------------------------------------------------------------------- */

struct art_memtable *memtable_model_open(const struct memtable_model *model) {
    struct art_memtable *memtable;
    must(art_memtable_open_summed(&memtable, art_measures_any(model->summary.has) ? &model->summary : NULL));
    return memtable;
}

static void begin(struct memtable_model *model) {
    model->savepoints = 1;
    model->positions[0] = 0;
    copy_cells(model, model->marks[0], model->cells);
}

void memtable_model_init(struct memtable_model *model, enum key_family family, enum model_kind kind, uint32_t keys,
                         struct random *random) {
    *model = (struct memtable_model){.random = random, .csn = 7, .values = random_once_in(random, 2) ? 3 : 200};
    struct art_measures has = {0};
    if (kind == MODEL_SUMMED) has.columns = (uint8_t)(1 + random_below(random, ART_SUMMARY_MAX));
    if (kind == MODEL_SUMMED) has.sums = (uint8_t)random_below(random, has.columns + 1u);
    if (kind == MODEL_LOOKUPS) has = (struct art_measures){3, 0, 5, 0};
    toy_columns_open(&model->summary, has);
    uint32_t most = family == KEYS_LONG ? 40 : family == KEYS_TWINS ? 60 : UINT32_MAX;
    key_set_make(&model->set, family, art_min32(keys, most), 0, random);
    model->memtable = memtable_model_open(model);
    model->reader = memtable_model_open(model);
    model->below = new_cells(model);
    model->cells = new_cells(model);
    model->chunk = calloc(model->set.count, sizeof *model->chunk);
    for (int i = 0; i < MODEL_MARKS; i++) model->marks[i] = new_cells(model);
    for (uint32_t i = 0; i < model->set.count; i++) {
        model->chunk[i] = random_once_in(random, 10);
        struct memtable_cell cell = memtable_model_random_cell(model, i);
        if (!(cell.flags & ART_DELETE) && random_once_in(random, 2)) model->below[i] = cell;
    }
    model->first = model->csn;
    begin(model);
}

static void forget_rows(struct memtable_model *model) {
    while (model->row_count) art_buffer_clear(&model->rows[--model->row_count]);
    model->first = model->csn;
}

void memtable_model_clear(struct memtable_model *model) {
    forget_rows(model);
    for (int i = 0; i < MODEL_MARKS; i++) free(model->marks[i]);
    free(model->cells);
    free(model->below);
    free(model->chunk);
    art_memtable_unref(model->memtable);
    art_memtable_unref(model->reader);
    key_set_clear(&model->set);
}

void memtable_model_set_at(struct memtable_model *model, uint32_t at) {
    struct memtable_cell cell = memtable_model_random_cell(model, at);
    struct art_entry entry = memtable_cell_entry(&cell);
    must(art_memtable_set(model->memtable, model->set.keys[at], &entry));
    model->cells[at] = cell;
}

void memtable_model_set(struct memtable_model *model) {
    memtable_model_set_at(model, random_below(model->random, model->set.count));
}

void memtable_model_roll_back(struct memtable_model *model, int to) {
    art_memtable_rollback(model->memtable, model->positions[to]);
    copy_cells(model, model->cells, model->marks[to]);
    model->savepoints = to + 1;
}

/* A row of redo has the keys that have a note, and no others; it says what was live before. */
static void check_row(const struct memtable_model *model, struct art_bytes row) {
    enum { OF_BEFORE = ART_SHADOWS_OLDER | ART_REPLACED };
    struct art_redo_reader reader;
    struct art_bytes key;
    struct art_entry entry;
    uint32_t changed = 0;
    for (uint32_t i = 0; i < model->set.count; i++) changed += model->cells[i].csn == model->csn + 1;
    row = art_bytes(row.data + ART_REDO_HASH_BYTES, row.len - ART_REDO_HASH_BYTES);
    must(art_redo_reader_init(&reader, row, ART_REDO_ROW, model->csn + 1));
    for (; art_redo_reader_next(&reader, &key, &entry) == ART_OK; changed--) {
        uint32_t at = key_set_below(&model->set, key);
        HOLDS(key_set_has(&model->set, key));
        struct art_entry now = memtable_cell_entry(&model->cells[at]);
        HOLDS(now.csn == model->csn + 1);
        HOLDS((now.flags | OF_BEFORE) == (entry.flags | OF_BEFORE));
        HOLDS(art_bytes_equal(art_entry_value(now.flags, now.value), art_entry_value(entry.flags, entry.value)));
        HOLDS(!!(entry.flags & ART_SHADOWS_OLDER) == live(model, model->marks[0], at)->present);
    }
    HOLDS(reader.at == reader.end && !changed);
    art_redo_reader_clear(&reader);
}

static void compare_sums(const struct memtable_model *model, const struct art_memtable *memtable,
                         const struct memtable_cell *before);

/* In memory of exactly its length, so that a sanitizer sees every read past it. */
static void replay(struct art_memtable *memtable, const struct art_buffer *row, uint64_t csn) {
    struct art_bytes exact = key_copy(row->data, (uint32_t)row->len, 0);
    must(art_redo_replay(exact, csn, memtable));
    HOLDS(!art_memtable_dirty(memtable));
    free((void *)exact.data);
}

/* Who held nothing before the row has the transaction's changes, and no others. */
static void replay_alone(const struct memtable_model *model, const struct art_buffer *row) {
    struct art_memtable *alone = memtable_model_open(model);
    replay(alone, row, model->csn + 1);
    must(art_memtable_check(alone));
    for (int i = 0; i < 3; i++) compare_sums(model, alone, model->marks[0]);
    art_memtable_unref(alone);
}

/* All rows, along the chain of hashes; the last ones once more. */
static void replay_history(const struct memtable_model *model) {
    struct art_memtable *late = memtable_model_open(model);
    struct art_hash128 hash = {0}, again;
    for (unsigned i = 0; i < model->row_count; i++) {
        struct art_bytes row = art_buffer_bytes(&model->rows[i]);
        uint64_t csn = model->first + i + 1;
        if (!i) memcpy(&hash, row.data, sizeof hash); /* the rows before it are gone */
        if (i) must(art_redo_verify(row, csn, again = hash, &hash));
        if (i) HOLDS(art_redo_verify(row, csn + 1, again, &again) == ART_REBUILD);
        HOLDS(art_redo_verify(row, csn, hash, &again) == ART_REBUILD);
        replay(late, &model->rows[i], csn);
    }
    if (model->row_count) HOLDS(art_hash128_equal(hash, model->hash));
    memtables_equal(model->memtable, late);
    for (unsigned i = random_below(model->random, model->row_count + 1); i < model->row_count; i++)
        replay(late, &model->rows[i], model->first + i + 1);
    memtables_equal(model->memtable, late);
    art_memtable_unref(late);
}

/* What the memtable had lies below the next one. */
static void flush(struct memtable_model *model) {
    for (uint32_t at = 0; at < model->set.count; at++) model->below[at] = *live(model, model->cells, at);
    memset(model->cells, 0, model->set.count * sizeof *model->cells);
    art_memtable_unref(model->memtable);
    model->memtable = memtable_model_open(model);
    art_memtable_unref(model->reader);
    model->reader = memtable_model_open(model);
    forget_rows(model);
    begin(model);
}

/* Perhaps encoded once in vain, as for a COMMIT that found the host busy. */
static void commit(struct memtable_model *model) {
    struct art_buffer *row = &model->rows[model->row_count];
    struct art_hash128 hash = model->hash;
    if (random_once_in(model->random, 4)) {
        must(art_redo_encode(model->memtable, model->csn + 1, &hash, row));
        row->len = 0;
        hash = model->hash;
        art_memtable_savepoint(model->memtable);
        for (uint32_t i = random_below(model->random, 20); i; i--) memtable_model_set(model);
    }
    must(art_redo_encode(model->memtable, model->csn + 1, &hash, row));
    check_row(model, art_buffer_bytes(row));
    must(art_redo_verify(art_buffer_bytes(row), model->csn + 1, model->hash, &model->hash));
    HOLDS(art_hash128_equal(hash, model->hash));
    replay_alone(model, row);
    model->csn++;
    model->row_count++;
    for (int times = random_once_in(model->random, 3) ? 2 : 1; times; times--) {
        replay(model->reader, row, model->csn);
        memtables_equal(model->memtable, model->reader);
        compare_sums(model, model->reader, NULL);
    }
    art_memtable_forget_undo(model->memtable);
    HOLDS(!art_memtable_dirty(model->memtable));
    begin(model);
    if (random_once_in(model->random, 4)) replay_history(model);
    if (random_once_in(model->random, 8) || model->row_count == MODEL_ROWS) flush(model);
}

static void compact(struct memtable_model *model) {
    struct art_memtable *fresh;
    must(art_memtable_compact(model->memtable, &fresh));
    art_memtable_unref(model->memtable);
    model->memtable = fresh;
    memtable_model_compare_zones(model, true);
}

/* An open transaction is no hindrance. */
static void survive_as_bytes(const struct memtable_model *model) {
    struct art_buffer all = {0};
    struct art_memtable *copy = memtable_model_open(model);
    must(art_buffer_append(&all, "before", 6));
    must(art_redo_encode_all(model->memtable, &all));
    struct art_bytes exact = key_copy(all.data + 6, (uint32_t)all.len - 6, 0);
    must(art_redo_decode_all(exact, copy));
    memtables_equal(model->memtable, copy);
    compare_sums(model, copy, NULL);
    free((void *)exact.data);
    art_buffer_clear(&all);
    art_memtable_unref(copy);
}

void memtable_model_step(struct memtable_model *model) {
    struct random *random = model->random;
    uint32_t what = random_below(random, 300);
    if (what < 262) {
        memtable_model_set(model);
    } else if (what < 274 && model->savepoints < MODEL_MARKS) {
        copy_cells(model, model->marks[model->savepoints], model->cells);
        model->positions[model->savepoints++] = art_memtable_savepoint(model->memtable);
    } else if (what < 287) {
        memtable_model_roll_back(model, (int)random_below(random, (uint32_t)model->savepoints));
    } else if (what < 290) {
        survive_as_bytes(model);
    } else {
        commit(model);
        if (random_once_in(random, 3)) compact(model);
    }
}

/* --- keys and entries --------------------------------------------------------------------------------------------- */

static void compare_entry(const struct memtable_cell *cell, const struct art_entry *entry) {
    struct art_entry expected = memtable_cell_entry(cell);
    HOLDS(cell->present);
    HOLDS(entry->flags == expected.flags);
    HOLDS(entry->csn == expected.csn);
    HOLDS(art_bytes_equal(entry->value, expected.value));
}

/* The cursor stands where the model says: on key number `at`, or nowhere. */
static void compare_cursor(const struct memtable_model *model, const struct art_memtable_cursor *cursor, int64_t at) {
    bool outside = at < 0 || at >= model->set.count;
    HOLDS(cursor->valid == !outside);
    if (outside) return;
    HOLDS(art_bytes_equal(cursor->key, model->set.keys[at]));
    struct art_entry entry;
    art_memtable_cursor_entry(cursor, &entry);
    compare_entry(&model->cells[at], &entry);
}

static bool is_asked_for(const struct memtable_model *model, int64_t at, const struct art_limits *limits) {
    const struct memtable_cell *cell = &model->cells[at];
    for (unsigned s = 0; cell->present && limits && s < limits->query_count; s++) {
        if (!art_value_has_term(&cell->data[limits->queries[s].field], &limits->queries[s])) return false;
    }
    return cell->present;
}

/* The first key at or behind number `at` that is there, and has what is sought (NULL: all have); backward: the last one
 * at or before it. */
static int64_t present_from(const struct memtable_model *model, int64_t at, bool backward,
                            const struct art_limits *limits) {
    while (at >= 0 && at < model->set.count && !is_asked_for(model, at, limits)) at += backward ? -1 : 1;
    return at;
}

/* To the next key, which shares with this one what the cursor says. */
static void take_step(struct art_memtable_cursor *cursor, bool backward) {
    struct art_bytes before = cursor->key;
    must(backward ? art_memtable_prev(cursor) : art_memtable_next(cursor));
    if (!cursor->valid || cursor->chooses) return;
    uint32_t least = art_min32(before.len, cursor->key.len);
    HOLDS(cursor->kept == art_common_prefix(before.data, cursor->key.data, least));
}

static void compare_order(const struct memtable_model *model, struct art_memtable_cursor *cursor,
                          const struct art_limits *limits) {
    for (int backward = 0; backward < 2; backward++) {
        int64_t at = present_from(model, backward ? (int64_t)model->set.count - 1 : 0, backward, limits);
        must(backward ? art_memtable_last(cursor) : art_memtable_first(cursor));
        for (;;) {
            compare_cursor(model, cursor, at);
            if (!cursor->valid) break;
            take_step(cursor, backward);
            at = present_from(model, backward ? at - 1 : at + 1, backward, limits);
        }
    }
}

static void compare_totals(const struct memtable_model *model) {
    uint64_t keys = 0, bytes = 0;
    int64_t count = 0;
    bool dirty = false;
    for (uint32_t i = 0; i < model->set.count; i++) {
        const struct memtable_cell *cell = &model->cells[i];
        struct art_entry entry;
        int rc = art_memtable_get(model->memtable, model->set.keys[i], &entry);
        HOLDS(rc == (cell->present ? ART_OK : ART_NOTFOUND));
        if (rc) continue;
        compare_entry(cell, &entry);
        keys++;
        bytes += (uint64_t)model->set.keys[i].len + cell->len + cell->more;
        count += art_entry_weight(cell->flags);
        dirty |= cell->csn == model->csn + 1;
    }
    HOLDS(art_memtable_keys(model->memtable) == keys);
    HOLDS(art_memtable_bytes(model->memtable) == bytes);
    HOLDS(art_memtable_count(model->memtable) == count);
    HOLDS(!dirty || art_memtable_dirty(model->memtable));
}

/* From where the cursor stands, number `at`: a few steps. */
static void compare_steps(const struct memtable_model *model, struct art_memtable_cursor *cursor, int64_t at,
                          const struct art_limits *limits) {
    compare_cursor(model, cursor, at);
    for (int steps = 0; steps < 5 && cursor->valid; steps++) {
        bool backward = random_once_in(model->random, 2);
        at = present_from(model, backward ? at - 1 : at + 1, backward, limits);
        take_step(cursor, backward);
        compare_cursor(model, cursor, at);
    }
}

static void compare_probe(const struct memtable_model *model, struct art_memtable_cursor *cursor,
                          const struct art_limits *limits) {
    struct art_bytes key = key_set_probe(&model->set, 0, model->set.count, model->random);
    uint32_t below = key_set_below(&model->set, key);
    bool known = key_set_has(&model->set, key);
    struct art_entry entry;
    HOLDS(art_memtable_get(model->memtable, key, &entry) ==
          (known && model->cells[below].present ? ART_OK : ART_NOTFOUND));
    must(art_memtable_seek_ge(cursor, key));
    compare_steps(model, cursor, present_from(model, below, false, limits), limits);
    must(art_memtable_seek_le(cursor, key));
    struct art_memtable_cursor moved = *cursor; /* a cursor is a value: it may be moved */
    memset(cursor, 0xee, sizeof *cursor);
    compare_steps(model, &moved, present_from(model, (int64_t)below - !known, true, limits), limits);
    *cursor = moved;
    free((void *)key.data);
}

static int weight_of(const struct memtable_model *model, int64_t at) {
    return model->cells[at].present ? art_entry_weight(model->cells[at].flags) : 0;
}

/* Each row of a stretch in which no sum falls is found by its sum, whatever stands beside the stretch. */
static void compare_select(const struct memtable_model *model) {
    struct random *random = model->random;
    int64_t count = model->set.count, at = random_below(random, model->set.count), first = at, end = at, rank = 0;
    while (first > 0 && weight_of(model, first - 1) >= 0 && random_below(random, 20)) first--;
    while (end < count && weight_of(model, end) >= 0 && end - first < 60) end++;
    for (int64_t i = 0; i < first; i++) rank += weight_of(model, i);
    struct art_bytes low = model->set.keys[first], key, high = art_bytes("\xff\xff\xff\xff", 4), after = {0};
    if (first && random_once_in(random, 2)) { /* a bound that is no key: what follows the key before */
        struct art_bytes before = model->set.keys[first - 1];
        after = key_copy(before.data, before.len, 1);
        ((uint8_t *)after.data)[after.len++] = 0;
        low = after;
    }
    if (end < count) high = model->set.keys[end];
    HOLDS(end == first || art_bytes_compare(low, model->set.keys[first]) <= 0);
    for (int64_t i = first; i < end && art_bytes_compare(model->set.keys[i], high) < 0; i++) {
        if (weight_of(model, i) != 1) continue;
        HOLDS(art_memtable_select(model->memtable, low, high, rank++, &key) == ART_OK);
        HOLDS(art_bytes_equal(key, model->set.keys[i]));
    }
    if (end < count || first == end) HOLDS(art_memtable_select(model->memtable, low, high, rank, &key) == ART_NOTFOUND);
    free((void *)after.data);
}

/* A walk from anywhere, in either direction, that may pass over what is not newer than some version. */
static void compare_newer(const struct memtable_model *model) {
    struct random *random = model->random;
    struct art_memtable_cursor cursor;
    uint32_t count = model->set.count, i;
    uint64_t newest = model->csn + 1, newer_than = newest - random_below(random, 4);
    bool backward = random_once_in(random, 2);
    if (random_once_in(random, 8)) newer_than = 0;
    art_memtable_cursor_init(&cursor, model->memtable);
    must(art_memtable_cursor_newer(&cursor, model->memtable, newer_than));
    if (random_once_in(random, 4)) {
        i = backward ? count - 1 : 0;
        must(backward ? art_memtable_last(&cursor) : art_memtable_first(&cursor));
    } else {
        i = random_below(random, count);
        struct art_bytes key = model->set.keys[i];
        must(backward ? art_memtable_seek_le(&cursor, key) : art_memtable_seek_ge(&cursor, key));
    }
    bool first = true; /* the key that is sought may be old */
    for (; i < count; i = backward ? i - 1 : i + 1) {
        const struct memtable_cell *cell = &model->cells[i];
        if (!cell->present) continue;
        bool same = cursor.valid && art_bytes_equal(cursor.key, model->set.keys[i]);
        HOLDS(same || (!newer_than || cell->csn <= newer_than));
        HOLDS(!same || first || !newer_than || cell->csn > newer_than);
        if (same) take_step(&cursor, backward);
        first = false;
    }
    HOLDS(!cursor.valid);
    art_memtable_cursor_clear(&cursor);
}

/* --- what is looked up -------------------------------------------------------------------------------------------- */

static int compare_hashes(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

void memtable_model_random_limits(struct memtable_model *model, struct art_limits *limits) {
    static uint32_t hashes[2][4];
    bool other = random_once_in(model->random, 2);
    *limits = (struct art_limits){.query_count = 1 + random_once_in(model->random, 4)};
    for (unsigned s = 0; s < limits->query_count; s++) {
        uint32_t count = 1 + random_below(model->random, 4);
        for (uint32_t i = 0; i < count;) {
            struct art_datum datum = random_datum(model, 0);
            uint32_t hash[ART_VALUE_HASHES];
            unsigned made = art_value_hashes(&datum, hash);
            if (made) hashes[s][i++] = hash[made - 1];
        }
        qsort(hashes[s], count, sizeof(uint32_t), compare_hashes);
        limits->queries[s] = (struct art_term_query){.field = s ^ other ? 2 : 0, .count = count, .term = hashes[s]};
    }
}

/* Chosen are the keys whose row has what is sought; all, where these are many. */
static void compare_lookup(struct memtable_model *model) {
    struct art_limits limits, *sought = &limits;
    struct art_memtable_cursor cursor;
    uint32_t count = 0;
    memtable_model_random_limits(model, &limits);
    for (uint32_t at = 0; at < model->set.count; at++) count += is_asked_for(model, at, &limits);
    art_memtable_cursor_init(&cursor, model->memtable);
    must(art_memtable_cursor_choose(&cursor, model->memtable, &limits));
    if (cursor.chooses) HOLDS(count <= 64 + art_memtable_keys(model->memtable) / 32);
    model->chosen += cursor.chooses;
    model->walked += !cursor.chooses;
    if (!cursor.chooses) sought = NULL;
    compare_order(model, &cursor, sought);
    for (unsigned i = 0; i < 8; i++) compare_probe(model, &cursor, sought);
    art_memtable_cursor_clear(&cursor);
}

/* --- sums --------------------------------------------------------------------------------------------------------- */

static int64_t integer_of(const struct memtable_cell *cell, unsigned column) {
    return cell->data[column].kind == ART_DATUM_INTEGER ? cell->data[column].integer : 0;
}

/* By how much the rows of all keys before number `end` have changed, from those under `before` (NULL: those below):
 * their sums, and how many there are. */
static int64_t changes(const struct memtable_model *model, const struct memtable_cell *before, uint32_t end,
                       art_int128 *sum) {
    int64_t rows = 0;
    memset(sum, 0, ART_SUMMARY_MAX * sizeof *sum);
    for (uint32_t at = 0; at < end; at++) {
        const struct memtable_cell *now = live(model, model->cells, at), *then = live(model, before, at);
        rows += (int)now->present - (int)then->present;
        for (unsigned i = 0; i < model->summary.has.sums; i++) {
            sum[i] += integer_of(now, i) - (art_int128)integer_of(then, i);
        }
    }
    return rows;
}

static struct art_bytes behind_all(void) {
    static uint8_t bytes[ART_KEY_MAX + 1];
    memset(bytes, 0xff, sizeof bytes);
    return art_bytes(bytes, sizeof bytes);
}

/* Before a random key, and over all. */
static void compare_sums(const struct memtable_model *model, const struct art_memtable *memtable,
                         const struct memtable_cell *before) {
    struct art_bytes probe = key_set_probe(&model->set, 0, model->set.count, model->random);
    const struct art_bytes keys[] = {probe, behind_all()};
    for (int k = 0; k < 2; k++) {
        art_int128 expected[ART_SUMMARY_MAX], sum[ART_SUMMARY_MAX] = {0};
        int64_t rows = changes(model, before, key_set_below(&model->set, keys[k]), expected);
        HOLDS(art_memtable_rank(memtable, keys[k]) == rows);
        for (unsigned i = 0; i < model->summary.has.sums; i++) sum[i] = 12345;
        art_memtable_sums(memtable, keys[k], sum);
        for (unsigned i = 0; i < model->summary.has.sums; i++) HOLDS(sum[i] == expected[i] + 12345);
        for (unsigned i = model->summary.has.sums; i < ART_SUMMARY_MAX; i++) HOLDS(!sum[i]);
    }
    free((void *)probe.data);
}

/* --- zones -------------------------------------------------------------------------------------------------------- */

struct visit {
    const struct memtable_model *model;
    struct art_bytes low, high;
    bool exact;
    uint8_t *seen; /* by number of the key */
    const struct visit *above;
    struct art_zone zones[ART_SUMMARY_MAX]; /* of the part whose parts these are */
    struct art_zone found[ART_SUMMARY_MAX]; /* of all rows in it that were visited */
};

static bool is_within(const struct visit *visit, struct art_bytes key) {
    return art_bytes_compare(key, visit->low) >= 0 && art_bytes_compare(key, visit->high) < 0;
}

static void visit_key(struct visit *visit, const struct art_memtable_part *part) {
    const struct memtable_model *model = visit->model;
    uint32_t at = key_set_below(&model->set, part->key);
    HOLDS(key_set_has(&model->set, part->key) && is_within(visit, part->key));
    const struct memtable_cell *cell = &model->cells[at];
    HOLDS(!(cell->flags & ART_DELETE));
    compare_entry(cell, &part->entry);
    HOLDS(!visit->seen[at]++);
    for (unsigned i = 0; i < model->summary.has.columns; i++) {
        struct art_zone own = {0};
        if (!(cell->flags & ART_CHUNK)) art_zone_add_datum(&own, &cell->data[i]);
        HOLDS(toy_zones_equal(&own, &part->zones[i]));
        art_zone_add(&visit->found[i], &own);
        if (cell->flags & ART_CHUNK) continue;
        for (const struct visit *above = visit; above->above; above = above->above) {
            HOLDS(toy_zone_has(&above->zones[i], &cell->data[i]));
        }
    }
}

static enum art_rc visit_part(void *context, const struct art_memtable_part *part) {
    struct visit *visit = context, inner = *visit;
    unsigned columns = visit->model->summary.has.columns;
    if (part->is_key) {
        visit_key(visit, part);
        return ART_OK;
    }
    inner.above = visit;
    memset(inner.found, 0, sizeof inner.found);
    memcpy(inner.zones, part->zones, columns * sizeof *inner.zones);
    must(art_memtable_visit(visit->model->memtable, part->link, visit->low.len % columns, visit->high.len % 2,
                            visit->low, visit->high, visit_part, &inner));
    for (unsigned i = 0; i < columns; i++) {
        HOLDS(art_zone_is_sane(&inner.zones[i]));
        if (visit->exact) HOLDS(toy_zones_equal(&inner.found[i], &inner.zones[i]));
        art_zone_add(&visit->found[i], &inner.found[i]);
    }
    return ART_OK;
}

/* The least or largest integer of the rows in the range, unless the search has met something else and given up. */
static void compare_extreme(const struct visit *visit, unsigned column, bool largest) {
    const struct memtable_model *model = visit->model;
    struct art_extreme search = {.summary = &model->summary, .column = column, .largest = largest};
    bool any = false;
    int64_t best = 0;
    art_memtable_extreme(model->memtable, visit->low, visit->high, &search);
    for (uint32_t at = 0; !search.lost && at < model->set.count; at++) {
        const struct memtable_cell *cell = &model->cells[at];
        if (!is_within(visit, model->set.keys[at])) continue;
        if (!cell->present || cell->flags & (ART_DELETE | ART_CHUNK)) continue;
        const struct art_datum *datum = &cell->data[column];
        HOLDS(datum->kind <= ART_DATUM_INTEGER);
        if (datum->kind == ART_DATUM_NULL) continue;
        if (!any || (largest ? datum->integer > best : datum->integer < best)) best = datum->integer;
        any = true;
    }
    HOLDS(search.lost || (search.any == any && (!any || search.best == best)));
}

/* Every row in the range is reached, once, through parts whose zones have it; no other is. */
static void compare_zones(const struct memtable_model *model, struct art_bytes low, struct art_bytes high, bool exact) {
    struct visit visit = {.model = model, .low = low, .high = high, .exact = exact};
    if (!model->summary.has.columns) return;
    visit.seen = calloc(model->set.count, 1);
    must(art_memtable_visit(model->memtable, 0, 0, false, low, high, visit_part, &visit));
    for (uint32_t at = 0; at < model->set.count; at++) {
        bool put = model->cells[at].present && !(model->cells[at].flags & ART_DELETE);
        HOLDS(visit.seen[at] == (put && is_within(&visit, model->set.keys[at])));
    }
    free(visit.seen);
    for (unsigned i = 0; i < 2u * model->summary.has.columns; i++) compare_extreme(&visit, i / 2, i % 2);
}

void memtable_model_compare_zones(const struct memtable_model *model, bool exact) {
    compare_zones(model, art_bytes(NULL, 0), behind_all(), exact);
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

void memtable_model_look(const struct memtable_model *model) {
    must(art_memtable_check(model->memtable));
    compare_sums(model, model->memtable, NULL);
}

void memtable_model_compare(struct memtable_model *model, uint32_t probes) {
    struct art_memtable_cursor cursor;
    memtable_model_look(model);
    compare_totals(model);
    art_memtable_cursor_init(&cursor, model->memtable);
    compare_order(model, &cursor, NULL);
    memtable_model_compare_zones(model, false);
    for (uint32_t i = 0; i < probes; i++) {
        struct art_bytes low = key_set_probe(&model->set, 0, model->set.count, model->random);
        struct art_bytes high = key_set_probe(&model->set, 0, model->set.count, model->random);
        compare_probe(model, &cursor, NULL);
        compare_select(model);
        if (i % 4 == 0) compare_zones(model, low, high, false);
        if (i % 4 == 1) compare_newer(model);
        if (i % 4 == 2 && model->summary.has.lookups) compare_lookup(model);
        free((void *)low.data);
        free((void *)high.data);
    }
    art_memtable_cursor_clear(&cursor);
}

void memtables_equal(const struct art_memtable *a, const struct art_memtable *b) {
    struct art_memtable_cursor left, right;
    art_memtable_cursor_init(&left, a);
    art_memtable_cursor_init(&right, b);
    must(art_memtable_first(&left));
    must(art_memtable_first(&right));
    while (left.valid && right.valid) {
        struct art_entry one, other;
        HOLDS(art_bytes_equal(left.key, right.key));
        art_memtable_cursor_entry(&left, &one);
        art_memtable_cursor_entry(&right, &other);
        HOLDS(one.flags == other.flags);
        HOLDS(one.csn == other.csn);
        HOLDS(art_bytes_equal(one.value, other.value));
        must(art_memtable_next(&left));
        must(art_memtable_next(&right));
    }
    HOLDS(left.valid == right.valid);
    HOLDS(art_memtable_count(a) == art_memtable_count(b));
    HOLDS(art_memtable_bytes(a) == art_memtable_bytes(b));
    art_memtable_cursor_clear(&left);
    art_memtable_cursor_clear(&right);
    must(art_memtable_check(b));
}
