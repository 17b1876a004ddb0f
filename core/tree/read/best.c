/* The rows of a range in the order of a summarised column: best first.
 *
 * A heap holds parts of all sources, each under the best value that it may have: nodes of the memtable, blobs, buckets,
 * and entries. The best part comes out. It is replaced by its own parts, until it is an entry, and that is the next
 * row, unless a newer source has its key.
 *
 *     heap                          comes out        goes in
 *     {run 1: 97, memtable: 80}     run 1            bucket 0: 12, bucket 1: 97, bucket 2: 60
 *     {bucket 1: 97, memtable: 80}  bucket 1         its entries: 97, 41, 33, ...
 *     {entry: 97, ...}              entry            it is a row, with the value 97
 *
 * What is found hidden is remembered by its bucket (front.c), so that the next search begins behind it.
 *
 * Zones are never too narrow, so no part that stays behind has anything better. A zone of texts has a code as its
 * bound (core/base/text_code.h), and so texts are compared with it by their codes: of equal ones the part comes out
 * before the text. A zone with blobs, or with texts beside numbers, counts as better than every number. Of equal parts
 * the smaller comes first: entries before buckets before blobs before what is above them, so that many rows with one
 * value cost no more than few. A blob or bucket gives only its best part at a time and goes back under that value.
 *
 * With `by_key` a part has a key, too, before which none of its rows with that value stands: of a bucket its first key,
 * of what is left of a part the key of what was given last. Equal parts then come out in the order of these keys.
 *
 * A search may be given up: where nearly every part has to be looked at, a walk looks at the rows of a part for less.
 *
 * A text in a long row is read from its chunks when the row comes out, since the chunks of a hidden row may be gone.
 *
 * Who wants the best value alone (`single`) is given it without a heap of rows: texts whose codes are equal would all
 * be in it. Only the best row that was met is kept, and nothing that is no better enters the heap.
 *
 * The search holds no blob. What it knows of one is its reference, and that is good as long as the tree does not
 * change.
 */
#include "core/base/limits.h"
#include "core/base/text_code.h"
#include "core/tree/read/read.h"

enum part_kind { PART_ENTRY, PART_KEY, PART_LONG, PART_BUCKET, PART_NODE, PART_BLOB };

struct best_part {
    struct art_datum value;
    uint8_t kind, height;     /* of PART_BUCKET, PART_BLOB: of the blob */
    bool low_edge, high_edge; /* the range's end may lie within it */
    bool learns;              /* PART_ENTRY: its bucket gives one at a time, and may learn that this one is hidden */
    bool begun;               /* PART_BLOB, PART_BUCKET: parts of it have come out, the last one was `given` */
    uint32_t given;
    uint32_t blob;        /* number in `blobs`: of PART_ENTRY, PART_LONG, PART_BUCKET, PART_BLOB */
    uint32_t at;          /* bucket, or number of the entry in its blob */
    uint32_t from, to;    /* PART_BLOB that has begun: its buckets; PART_BUCKET that has: its entries */
    uintptr_t link;       /* of PART_NODE */
    struct art_bytes key; /* of PART_KEY, in the memtable's arena; with by_key: owned, but for PART_KEY */
};

struct met_blob {
    struct art_ref ref; /* owned */
    unsigned run;
    uint32_t parts; /* in the heap, or in hand; without any it is forgotten */
    bool asked;     /* `units` are known: in which a row may have what is sought */
    struct art_units units;
    uint64_t *given; /* owned; NULL, or a bit for each bucket that has come out, and behind these for each child */
};

struct art_best {
    struct art_tree *tree;
    struct art_best_order order;
    uint64_t changes; /* the tree's, when the search began */
    struct best_part *parts;
    uint32_t count, capacity;
    struct met_blob *blobs;
    uint32_t blob_count, blob_capacity;
    uint32_t forgotten;          /* one of those, UINT32_MAX: none; the next one is its `parts` */
    struct art_slot_set met;     /* their slots */
    struct art_buffer low, high; /* tree keys, padded: the range */
    struct art_buffer path;      /* of the last row */
    struct best_part last;       /* for its value */
    bool single, any;            /* the best value alone is wanted; `last` has the best so far */
    unsigned steps;
    uint64_t looked; /* parts, as `order.patience` counts them */
    uint64_t owned;  /* bytes of the heap's keys and texts */
};

/* --- the heap ----------------------------------------------------------------------------------------------------- */

static bool is_code(const struct art_datum *value) {
    return value->kind == ART_DATUM_TEXT && value->by == ART_BY_CODE;
}

static bool is_better(const struct art_best *best, const struct best_part *a, const struct best_part *b) {
    int c = art_datum_compare(&a->value, &b->value);
    if (c) return best->order.descending ? c > 0 : c < 0;
    if (is_code(&a->value) != is_code(&b->value)) return is_code(&a->value);
    if (best->order.by_key) c = art_bytes_compare(a->key, b->key);
    return c ? c < 0 : (a->height << 3 | a->kind) < (b->height << 3 | b->kind);
}

/* Where one value alone is wanted. */
static bool may_be_best(const struct art_best *best, const struct best_part *part) {
    return !best->any || is_better(best, part, &best->last);
}

/* Of values only rows own bytes. */
static void free_part(struct best_part *part) {
    if (part->value.kind >= ART_DATUM_TEXT) art_free((void *)part->value.bytes.data);
    if (part->kind != PART_KEY) art_free((void *)part->key.data);
    part->value.kind = ART_DATUM_NULL;
    part->key = art_bytes(NULL, 0);
}

static uint64_t bytes_of_part(const struct best_part *part) {
    uint64_t text = part->value.kind >= ART_DATUM_TEXT ? part->value.bytes.len : 0;
    return text + (part->kind != PART_KEY ? part->key.len : 0);
}

static enum art_rc keep_key(const struct art_best *best, struct best_part *part, struct art_bytes key) {
    part->key = art_bytes(NULL, 0);
    if (!best->order.by_key || !key.len) return ART_OK;
    uint8_t *copy = art_alloc(key.len);
    if (!copy) return art_nomem();
    memcpy(copy, key.data, key.len);
    part->key = art_bytes(copy, key.len);
    return ART_OK;
}

static bool is_of_blob(const struct best_part *part) {
    return part->kind != PART_NODE && part->kind != PART_KEY;
}

/* No part of the blob is left. */
static void __attribute__((noinline)) forget_blob(struct art_best *best, uint32_t number) {
    struct met_blob *met = &best->blobs[number];
    assert(!met->parts);
    art_ref_release(&met->ref);
    art_free(met->given);
    *met = (struct met_blob){.parts = best->forgotten};
    best->forgotten = number;
}

/* A part of the blob is done. */
static inline void leave_blob(struct art_best *best, uint32_t number) {
    assert(best->blobs[number].parts);
    if (--best->blobs[number].parts == 0) forget_blob(best, number);
}

/* Takes what the part owns. */
static enum art_rc heap_push(struct art_best *best, struct best_part *part) {
    enum art_rc rc = ART_OK;
    bool wanted = !best->any || !best->single || is_better(best, part, &best->last);
    if (wanted && best->count == best->capacity)
        rc = art_grow(&best->parts, &best->capacity, best->count + 1, sizeof *part);
    if (rc || !wanted) {
        free_part(part);
        return rc;
    }
    if (is_of_blob(part)) best->blobs[part->blob].parts++;
    best->owned += bytes_of_part(part);
    uint32_t at = best->count++;
    for (; at && is_better(best, part, &best->parts[(at - 1) / 2]); at = (at - 1) / 2)
        best->parts[at] = best->parts[(at - 1) / 2];
    best->parts[at] = *part;
    assert(at < best->count && best->count <= best->capacity);
    return ART_OK;
}

static void heap_pop(struct art_best *best, struct best_part *out) {
    assert(best->count);
    *out = best->parts[0];
    assert(best->owned >= bytes_of_part(out));
    best->owned -= bytes_of_part(out);
    struct best_part last = best->parts[--best->count];
    uint32_t at = 0;
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= best->count) break;
        if (child + 1 < best->count && is_better(best, &best->parts[child + 1], &best->parts[child])) child++;
        if (!is_better(best, &best->parts[child], &last)) break;
        best->parts[at] = best->parts[child];
        at = child;
    }
    best->parts[at] = last;
}

/* The columns that rows are looked at for. */
static unsigned wanted_columns(const struct art_best_order *order) {
    assert(order->column < ART_SUMMARY_MAX);
    unsigned wanted = 1u << order->column;
    for (unsigned i = 0; i < order->limits.count; i++) wanted |= 1u << order->limits.limit[i].column;
    return wanted;
}

/* What is known of hidden rows of a blob that a reference leads to; NULL: nothing. It is never wider than the zones. */
static const struct art_fronts *fronts_below(const struct art_best *best, struct art_hash128 hash) {
    if (!best->tree->fronts.bytes) return NULL;
    return art_fronts_find(&best->tree->fronts, hash, art_front_order(&best->order));
}

static const struct art_fronts *fronts_of(const struct art_best *best, const struct met_blob *met,
                                          const struct art_blob *blob) {
    const struct art_fronts *fronts = fronts_below(best, met->ref.hash);
    return fronts && fronts->buckets == blob->buckets ? fronts : NULL;
}

/* The best value that a row of the zone may have: a front, if there is one, is never wider. False: it has no row. */
static bool best_left(const struct art_best_order *order, const struct art_zone *zone, const struct art_front *front,
                      struct art_datum *out) {
    return front ? art_front_value(front, out) : art_best_of_zone(order, zone, out);
}

/* Rows come from this value on. May any of them be within the limits on the order's own column? Whatever is no number,
 * of which the zone tells, may be. */
static bool is_within_limits(const struct art_best_order *order, const struct art_zone *zone,
                             const struct art_datum *from) {
    if (from->kind != ART_DATUM_INTEGER && from->kind != ART_DATUM_REAL) return true;
    if (zone->kinds & (ART_ZONE_OTHERS | ART_ZONE_TEXTS)) return true;
    for (unsigned i = 0; i < order->limits.count; i++) {
        const struct art_limit *limit = &order->limits.limit[i];
        if (limit->column != order->column || (limit->low_set ? &limit->low : &limit->high)->kind == ART_DATUM_TEXT)
            continue;
        if (order->descending && limit->low_set && art_datum_compare(from, &limit->low) < 0) return false;
        if (!order->descending && limit->high_set && art_datum_compare(from, &limit->high) > 0) return false;
    }
    return true;
}

/* A part whose rows have what the zones of all columns bound, and `fronts`, if these are known; one that has no wanted
 * row is left out. That uncovers nothing: whether a row is hidden is asked of the sources, not of other parts. */
static enum art_rc push_zones(struct art_best *best, const struct art_zone *zones, const struct art_fronts *fronts,
                              struct best_part *part) {
    const struct art_best_order *order = &best->order;
    const struct art_zone *own = &zones[order->column];
    bool may_have = best_left(order, own, fronts ? &fronts->best : NULL, &part->value);
    for (unsigned i = 0; i < order->limits.count; i++) {
        const struct art_limit *limit = &order->limits.limit[i];
        may_have &= art_zone_may_have(&zones[limit->column], limit);
    }
    if (fronts) may_have = may_have && is_within_limits(order, own, &part->value);
    if (may_have) return heap_push(best, part);
    free_part(part);
    return ART_OK;
}

static bool is_wanted_row(const struct art_best_order *order, const struct art_datum *data) {
    for (unsigned i = 0; i < order->limits.count; i++) {
        const struct art_limit *limit = &order->limits.limit[i];
        struct art_zone own = {0};
        art_zone_add_datum(&own, &data[limit->column]);
        if (!art_zone_may_have(&own, limit)) return false;
    }
    return !order->skip_nulls || data[order->column].kind != ART_DATUM_NULL;
}

/* The value of an entry that puts a row. A text's bytes are copied: the blob that they lie in is not held. */
static enum art_rc copy_value(struct art_best *best, const struct art_entry *entry, struct art_datum *data,
                              struct art_datum *out) {
    const struct art_summary *summary = art_tree_summary(best->tree);
    struct art_bytes record = {0};
    uint8_t *owned = NULL;
    enum art_rc rc = ART_OK;
    *out = data[best->order.column];
    if (out->kind < ART_DATUM_TEXT) return ART_OK;
    if (entry->flags & ART_OVERFLOW) {
        struct art_row row = {.stored = art_entry_stored(entry), .overflows = true};
        rc = art_row_value(best->tree, &row, &record, &owned);
        struct art_stored stored = art_stored_of(record);
        if (!rc) summary->read(summary->context, &stored, ART_ALL_COLUMNS, NULL, data);
        if (!rc) *out = data[best->order.column];
    }
    if (!rc && out->kind < ART_DATUM_TEXT) { /* a forged reference said that it is a text */
        art_free(owned);
        return ART_OK;
    }
    uint8_t *copy = rc ? NULL : art_alloc((size_t)out->bytes.len + 1);
    if (!rc && !copy) rc = art_nomem();
    if (copy && out->bytes.len) memcpy(copy, out->bytes.data, out->bytes.len);
    out->bytes.data = copy;
    out->by = ART_BY_BYTES;
    if (copy && out->kind == ART_DATUM_TEXT) {
        out->by = ART_BY_BOTH;
        out->integer = art_text_code(out->bytes);
    }
    art_free(owned);
    return rc;
}

static enum art_rc push_value(struct art_best *best, const struct art_entry *entry, struct art_datum *data,
                              struct best_part *part) {
    enum art_rc rc = copy_value(best, entry, data, &part->value);
    if (!rc) return heap_push(best, part);
    free_part(part);
    return rc;
}

/* The row, if it is there and better than the best so far. */
static enum art_rc keep_if_best(struct art_best *best, struct art_bytes key, const struct art_entry *entry,
                                struct art_datum *data, struct best_part *part) {
    bool in_chunks = entry->flags & ART_OVERFLOW && data[best->order.column].kind >= ART_DATUM_TEXT, hidden = false;
    struct art_zone own = {0};
    art_zone_add_datum(&own, &data[best->order.column]);
    part->value = in_chunks ? art_zone_end(&own, best->order.descending) : data[best->order.column];
    if (!may_be_best(best, part)) return ART_OK;
    enum art_rc rc = ART_OK;
    if (part->kind == PART_ENTRY) rc = art_tree_is_hidden(best->tree, key, best->blobs[part->blob].run, &hidden, NULL);
    if (!rc && !hidden) rc = copy_value(best, entry, data, &part->value);
    if (rc || hidden) return rc;
    bool better = may_be_best(best, part);
    struct best_part other = better ? best->last : *part;
    if (better) best->last = *part;
    best->any = true;
    free_part(&other);
    return ART_OK;
}

/* Takes what the part owns. A text in chunks is not read before it is known that the row is there. `key` is padded. */
static enum art_rc push_row(struct art_best *best, struct art_bytes key, const struct art_entry *entry,
                            struct best_part *part) {
    assert(part->kind == PART_ENTRY || part->kind == PART_KEY);
    struct art_datum data[ART_SUMMARY_MAX];
    uint8_t room[ART_VALUE_INLINE_MAX];
    art_summary_read(art_tree_summary(best->tree), entry, wanted_columns(&best->order), room, data);
    if (!is_wanted_row(&best->order, data)) {
        free_part(part);
        return ART_OK;
    }
    if (best->single) return keep_if_best(best, key, entry, data, part);
    bool waits = part->kind == PART_ENTRY && entry->flags & ART_OVERFLOW;
    if (!waits || data[best->order.column].kind < ART_DATUM_TEXT) return push_value(best, entry, data, part);
    struct art_zone own = {0};
    art_zone_add_datum(&own, &data[best->order.column]);
    part->kind = PART_LONG;
    part->value = art_zone_end(&own, best->order.descending);
    return heap_push(best, part);
}

/* --- blobs -------------------------------------------------------------------------------------------------------- */

/* Each blob is met once: where references form a knot, rows would come again, and there would be no end of them. */
static enum art_rc meet_blob(struct art_best *best, const struct art_ref *ref) {
    enum art_rc rc = art_store_reaches(best->tree->store, ref);
    if (rc) return rc;
    if (art_slot_set_has(&best->met, ref->slot))
        return art_corrupt(best->tree->options.path, ref->slot, ART_NOWHERE, "two references lead to one slot");
    return art_slot_set_add(&best->met, ref->slot);
}

/* A number for it. The caller has a part of it in hand. */
static enum art_rc note_blob(struct art_best *best, const struct art_ref *ref, unsigned run, uint32_t *number) {
    struct met_blob met = {.ref = *ref, .run = run, .parts = 1};
    bool again = best->forgotten != UINT32_MAX;
    enum art_rc rc = ART_OK;
    if (!again) rc = art_grow(&best->blobs, &best->blob_capacity, best->blob_count + 1, sizeof met);
    if (!rc) rc = art_ref_own(&met.ref);
    if (rc) return rc;
    *number = again ? best->forgotten : best->blob_count++;
    if (again) best->forgotten = best->blobs[*number].parts;
    best->blobs[*number] = met;
    return ART_OK;
}

/* `first`: none of its keys is smaller. */
static enum art_rc push_blob(struct art_best *best, const struct art_ref *ref, unsigned run, struct art_bytes first,
                             bool low_edge, bool high_edge) {
    assert(run < best->tree->root->runs);
    struct art_summed summed;
    struct best_part part = {.kind = PART_BLOB, .height = ref->height, .low_edge = low_edge, .high_edge = high_edge};
    enum art_rc rc = meet_blob(best, ref);
    if (!rc) rc = note_blob(best, ref, run, &part.blob);
    if (rc) return rc;
    rc = keep_key(best, &part, first);
    if (rc) return rc;
    art_summed_decode(ref->has, ref->summed, &summed);
    rc = push_zones(best, summed.zone, fronts_below(best, ref->hash), &part);
    leave_blob(best, part.blob); /* where it was not pushed */
    return rc;
}

static enum art_rc want_zones(const struct art_best_order *order, struct art_blob *blob) {
    enum art_rc rc = art_blob_want_part(blob, ART_PART_ZONES + order->column);
    return rc ? rc : art_blob_want_zones(blob, &order->limits);
}

/* The blob, pinned, with a cursor in it; keys go to the tree's second buffer. */
static enum art_rc open_blob(struct art_best *best, uint32_t number, struct art_blob **out,
                             struct art_blob_cursor *cursor) {
    assert(number < best->blob_count);
    const struct art_ref *ref = &best->blobs[number].ref;
    enum art_rc rc = art_store_blob(best->tree->store, ref, out);
    if (!rc) rc = want_zones(&best->order, *out);
    if (rc) return rc;
    art_blob_pin(*out);
    art_blob_cursor_init(cursor, *out, best->tree->second_key);
    if (ref->label.len) memcpy(cursor->key, ref->label.data, ref->label.len);
    return ART_OK;
}

/* Entries [from, to) of the blob are those that the range has; of an index blob, the children that may have some. */
static enum art_rc entries_in_range(const struct art_best *best, const struct best_part *part,
                                    struct art_blob_cursor *at, uint32_t *from, uint32_t *to) {
    struct art_bytes label = best->blobs[part->blob].ref.label;
    struct art_bytes low = art_buffer_bytes(&best->low), high = art_buffer_bytes(&best->high);
    bool index = at->blob->kind == ART_BLOB_INDEX;
    enum art_rc rc = ART_OK;
    *from = 0;
    *to = at->blob->entries;
    int side = part->low_edge ? art_label_compare(label, low) : -1;
    if (side > 0) *from = *to;
    if (!side) {
        rc = index ? art_blob_seek_le(at, low) : art_blob_seek_ge(at, low);
        if (!rc) *from = at->valid ? art_blob_cursor_index(at) : index ? 0 : *to;
    }
    side = part->high_edge ? art_label_compare(label, high) : 1;
    if (side < 0) *to = 0;
    if (!rc && !side) {
        rc = art_blob_seek_ge(at, high);
        if (!rc && at->valid) *to = art_blob_cursor_index(at);
    }
    if (*to < *from) *to = *from;
    assert(*from <= *to && *to <= at->blob->entries);
    return rc;
}

static enum art_rc bucket_with(struct art_blob_cursor *at, uint32_t entry, uint32_t *out) {
    assert(entry < at->blob->entries);
    enum art_rc rc = art_blob_seek_entry(at, entry);
    *out = at->bucket;
    return rc;
}

/* The best of a part's parts that have not come out yet: in the order of their values, then of their places. Where
 * fronts tell the values, these change while the search goes on: what has come out is noted then. */
struct choice {
    struct art_best *best;
    const struct best_part *part;
    struct art_measures has;
    unsigned wanted;
    uint8_t *room;                  /* for texts out of a block, which count only until the next entry is looked at */
    const struct art_datum *column; /* NULL, or the order's of entries that stand in a block, from `first` on */
    uint32_t first;
    bool any;
    uint32_t at;
    struct art_datum value;
    enum art_rc rc;
    bool passes;     /* some are passed over: the part has begun, or `given` or `behind` is set */
    uint64_t *given; /* NULL, or a bit for each that has come out, from `given_from` on */
    uint32_t given_from;
    bool behind; /* of a bucket's entries only those count that do not stand before (`front`, `front_at`) */
    uint32_t front_at;
    struct art_datum front;
    bool bounded; /* of an index blob's bucket: `bound` is the best of its children's, wanted or not */
    struct art_datum bound;
};

static void note_given(struct choice *choice) {
    uint32_t bit = choice->given_from + choice->at;
    if (choice->given && choice->any) choice->given[bit / 64] |= (uint64_t)1 << bit % 64;
}

/* Has it come out, or is it known to be hidden? */
static inline bool is_passed(const struct choice *choice, uint32_t at, const struct art_datum *value) {
    const struct best_part *part = choice->part;
    bool descending = choice->best->order.descending;
    if (choice->behind) {
        int c = art_datum_compare(value, &choice->front);
        if (c ? (descending ? c > 0 : c < 0) : at < choice->front_at) return true;
    }
    if (choice->given) {
        uint32_t bit = choice->given_from + at;
        return choice->given[bit / 64] >> bit % 64 & 1;
    }
    if (!part->begun) return false;
    assert(part->given >= part->from);
    int c = art_datum_compare(value, &part->value);
    return c ? (descending ? c > 0 : c < 0) : at <= part->given;
}

/* Is it still to come, and better than what is chosen? */
static inline bool is_better_choice(const struct choice *choice, uint32_t at, const struct art_datum *value) {
    bool descending = choice->best->order.descending;
    if (choice->passes && is_passed(choice, at, value)) return false;
    int c = choice->any ? art_datum_compare(value, &choice->value) : 0;
    return !choice->any || (descending ? c > 0 : c < 0);
}

static void choose_part(struct choice *choice, uint32_t at, const struct art_datum *value) {
    choice->any = true;
    choice->at = at;
    choice->value = *value;
}

static void consider_part(struct choice *choice, uint32_t at, const struct art_datum *value) {
    if (is_better_choice(choice, at, value)) choose_part(choice, at, value);
}

/* The part goes back, behind the one that it has given, whose first key is `first`. */
static enum art_rc push_back(struct choice *choice, uint32_t from, uint32_t to, struct art_bytes first) {
    struct best_part rest = *choice->part;
    enum art_rc rc = keep_key(choice->best, &rest, first);
    if (rc) return rc;
    assert(choice->any && from < to); /* what has given its last part does not go back */
    rest.begun = true;
    rest.given = choice->at;
    rest.value = choice->value;
    rest.from = from;
    rest.to = to;
    return heap_push(choice->best, &rest);
}

/* Its buckets that the range has. */
static enum art_rc buckets_in_range(const struct art_best *best, const struct best_part *part,
                                    struct art_blob_cursor *at, uint32_t *from, uint32_t *to) {
    uint32_t first, end;
    *from = part->from;
    *to = part->to;
    assert(!part->begun || part->from < part->to);
    if (part->begun) return ART_OK;
    enum art_rc rc = entries_in_range(best, part, at, &first, &end);
    *from = 0;
    *to = first == end ? 0 : at->blob->buckets;
    if (rc || first == end) return rc;
    if (first) rc = bucket_with(at, first, from);
    if (!rc && end < at->blob->entries) rc = bucket_with(at, end - 1, to);
    *to += !rc && end < at->blob->entries;
    return rc;
}

/* Nearly always: integers or texts, and no conditions. False: it has to be done otherwise. */
static bool choose_quickly(struct choice *choice, const struct art_blob *blob, uint32_t from, uint32_t to) {
    const struct art_best_order *order = &choice->best->order;
    assert(from <= to && to <= blob->buckets);
    const struct best_part *part = choice->part;
    if (order->limits.count || order->limits.query_count) return false;
    if (part->begun && part->value.kind != ART_DATUM_INTEGER && !is_code(&part->value)) return false;
    struct art_bucket_search search = {.column = order->column,
                                       .largest = order->descending,
                                       .nulls_count = !order->descending && !order->skip_nulls,
                                       .begun = part->begun,
                                       .from = from,
                                       .to = to,
                                       .given = part->given,
                                       .last = part->value.integer};
    if (!art_blob_best_bucket(blob, &search, &choice->at, &choice->value)) return false;
    choice->any = choice->at < to;
    return true;
}

static enum art_rc choose_bucket(struct choice *choice, struct art_blob *blob, uint32_t from, uint32_t to) {
    assert(to <= blob->buckets);
    const struct art_best *best = choice->best;
    struct met_blob *met = &best->blobs[choice->part->blob];
    const struct art_fronts *fronts = choice->given ? fronts_of(best, met, blob) : NULL;
    if (!choice->given && choose_quickly(choice, blob, from, to)) return ART_OK;
    if (!met->asked) {
        enum art_rc rc = art_blob_units_with_terms(blob, &best->order.limits, &met->units);
        if (rc) return rc;
        best->tree->count.pages_passed += art_blob_pages_passed(blob, &met->units);
    }
    met->asked = true;
    for (uint32_t b = from; b < to; b++) {
        if (!art_blob_bucket_may_have(blob, &best->order.limits, &met->units, b)) continue;
        struct art_zone zone = art_blob_zone(blob, best->order.column, b);
        struct art_datum value;
        bool any = best_left(&best->order, &zone, fronts ? &fronts->bucket[b] : NULL, &value);
        if (fronts) any = any && is_within_limits(&best->order, &zone, &value);
        if (any) consider_part(choice, b, &value);
    }
    return ART_OK;
}

/* Before anything of the blob comes out: do fronts tell the values of its parts? */
static enum art_rc begin_to_note(struct art_best *best, struct met_blob *met, const struct art_blob *blob) {
    bool index = blob->kind == ART_BLOB_INDEX;
    if (!best->tree->fronts.bytes || (!index && !fronts_of(best, met, blob))) return ART_OK;
    uint32_t bits = blob->buckets + (index ? blob->entries : 0);
    assert(!met->given);
    met->given = art_alloc_zeroed((bits / 64 + 1) * sizeof *met->given);
    return met->given ? ART_OK : art_nomem();
}

static enum art_rc expand_blob(struct art_best *best, const struct best_part *part, struct art_blob_cursor *at) {
    struct choice choice = {.best = best, .part = part, .passes = part->begun};
    uint32_t from, to;
    enum art_rc rc = buckets_in_range(best, part, at, &from, &to);
    if (!rc && !part->begun) rc = begin_to_note(best, &best->blobs[part->blob], at->blob);
    choice.given = best->blobs[part->blob].given;
    choice.passes |= choice.given != NULL;
    if (!rc) rc = choose_bucket(&choice, at->blob, from, to);
    if (rc || !choice.any) return rc;
    note_given(&choice);
    assert(choice.at >= from && choice.at < to);
    struct best_part bucket = {.value = choice.value,
                               .kind = PART_BUCKET,
                               .height = part->height,
                               .low_edge = part->low_edge && choice.at == from,
                               .high_edge = part->high_edge && choice.at + 1 == to,
                               .blob = part->blob,
                               .at = choice.at};
    struct art_bytes first = {0};
    if (best->order.by_key) {
        rc = art_blob_seek_entry(at, art_blob_entries_in(at->blob, 0, choice.at));
        first = art_bytes(at->key, at->key_len);
    }
    if (!rc) rc = keep_key(best, &bucket, first);
    if (!rc) rc = heap_push(best, &bucket);
    return rc || to - from == 1 ? rc : push_back(&choice, from, to, first);
}

/* --- buckets ------------------------------------------------------------------------------------------------------ */

static void consider_entry(void *context, uint32_t at, const struct art_entry *entry) {
    struct choice *choice = context;
    struct art_best *best = choice->best;
    struct art_datum data[ART_SUMMARY_MAX];
    if (entry->flags & ART_DELETE) return;
    struct art_datum *own = &data[best->order.column];
    if (choice->wanted) art_summary_read(art_tree_summary(best->tree), entry, choice->wanted, choice->room, data);
    if (choice->column) *own = choice->column[at - choice->first];
    if (choice->rc || !is_wanted_row(&best->order, data) || !is_better_choice(choice, at, own)) return;
    bool wanted = true;
    if (best->order.matches)
        choice->rc = best->order.matches(best->order.context, (struct art_bytes){0}, entry, &wanted);
    if (wanted) choose_part(choice, at, own);
}

static void consider_child(void *context, uint32_t at, const struct art_entry *entry) {
    struct choice *choice = context;
    const struct art_best_order *order = &choice->best->order;
    struct art_zone zone = art_ref_zone(entry->value, choice->has, order->column);
    const struct art_fronts *fronts = NULL;
    struct art_datum most;
    if (choice->given) fronts = fronts_below(choice->best, art_ref_hash(entry->value));
    if (!best_left(order, &zone, fronts ? &fronts->best : NULL, &most)) return;
    if (choice->given) {
        int c = choice->bounded ? art_datum_compare(&most, &choice->bound) : 0;
        if (!choice->bounded || (order->descending ? c > 0 : c < 0)) choice->bound = most;
        choice->bounded = true;
    }
    for (unsigned i = 0; i < order->limits.count; i++) {
        struct art_zone other = art_ref_zone(entry->value, choice->has, order->limits.limit[i].column);
        if (!art_zone_may_have(&other, &order->limits.limit[i])) return;
    }
    if (fronts && !is_within_limits(order, &zone, &most)) return;
    consider_part(choice, at, &most);
}

/* The one at which the cursor stands, with the range's edges, where it has them. */
static enum art_rc push_child(struct choice *choice, struct art_blob_cursor *at, uint32_t from, uint32_t to) {
    const struct best_part *part = choice->part;
    struct art_best *best = choice->best;
    struct art_ref ref;
    enum art_rc rc = art_blob_cursor_ref(at, &ref);
    if (rc) return rc;
    struct art_bytes first = art_bytes(at->key, at->key_len);
    return push_blob(best, &ref, best->blobs[part->blob].run, first, part->low_edge && choice->at == from,
                     part->high_edge && choice->at + 1 == to);
}

static enum art_rc push_if_it_matches(struct art_best *best, struct art_bytes key, const struct art_entry *entry,
                                      struct best_part *part) {
    bool wanted = true;
    enum art_rc rc = ART_OK;
    if (best->order.matches)
        rc = best->order.matches(best->order.context, art_bytes(key.data + 1, key.len - 1), entry, &wanted);
    if (rc || !wanted) return rc;
    if (part->kind != PART_KEY) rc = keep_key(best, part, key);
    return rc ? rc : push_row(best, key, entry, part);
}

/* A bucket gives all its rows at once where they may be texts, which are compared by bytes that lie in the blob, and
 * where few of them match: one that does not then takes no search for its key in newer sources. */
static enum art_rc push_matching_rows(struct art_best *best, const struct best_part *part, struct art_blob_cursor *at,
                                      uint32_t from, uint32_t to) {
    assert(from < to && to <= at->blob->entries);
    enum art_rc rc = art_blob_seek_entry(at, from);
    best->looked += (to - from) / ART_LIMIT(rows_like_a_part);
    for (uint32_t i = from; !rc && i < to; i++) {
        struct art_entry entry;
        struct best_part row = {.kind = PART_ENTRY, .blob = part->blob, .at = i};
        art_blob_cursor_entry(at, &entry);
        memset(at->key + at->key_len, 0, ART_KEY_PADDING);
        if (!(entry.flags & ART_DELETE)) rc = push_if_it_matches(best, art_bytes(at->key, at->key_len), &entry, &row);
        if (!rc) rc = art_blob_next(at);
    }
    return rc;
}

static enum art_rc bucket_entries(const struct art_best *best, const struct best_part *part, struct art_blob_cursor *at,
                                  uint32_t *from, uint32_t *to) {
    assert(part->at < at->blob->buckets);
    uint32_t first = art_blob_entries_in(at->blob, 0, part->at);
    uint32_t end = first + art_blob_entries_in(at->blob, part->at, part->at + 1);
    enum art_rc rc = ART_OK;
    *from = part->begun ? part->from : first;
    *to = part->begun ? part->to : end;
    if (part->begun || !(part->low_edge || part->high_edge)) return ART_OK;
    rc = entries_in_range(best, part, at, from, to);
    if (*from < first) *from = first;
    if (*to > end) *to = end;
    return rc;
}

/* Is it worse than what the zone says, since rows were found hidden? */
static bool is_behind_zone(const struct choice *choice, const struct art_blob *blob, const struct art_front *front) {
    const struct art_best_order *order = &choice->best->order;
    struct art_zone zone = art_blob_zone(blob, order->column, choice->part->at);
    struct art_datum best;
    struct art_front known = {.kind = ART_FRONT_NONE};
    if (art_best_of_zone(order, &zone, &best)) known = art_front_of(&best, 0);
    return front->kind != known.kind || front->entry || front->integer != known.integer;
}

/* Rows that are known to be hidden do not count. */
static void begin_behind_hidden(struct choice *choice, const struct art_blob *blob, uint32_t first) {
    const struct art_fronts *fronts = fronts_of(choice->best, &choice->best->blobs[choice->part->blob], blob);
    if (!fronts) return;
    const struct art_front *front = &fronts->bucket[choice->part->at];
    choice->behind = choice->passes = true;
    choice->front_at = first + front->entry;
    if (!art_front_value(front, &choice->front)) { /* all are hidden */
        choice->front.kind = choice->best->order.descending ? ART_DATUM_NULL : ART_DATUM_BEYOND;
        choice->front_at = UINT32_MAX;
    }
    if (!choice->part->begun && is_behind_zone(choice, blob, front)) choice->best->tree->count.fronts++;
}

/* The best child in a bucket of an index blob. The cursor stands on it. */
static enum art_rc choose_child(struct choice *choice, struct art_blob_cursor *at, uint32_t from, uint32_t to) {
    const struct best_part *part = choice->part;
    struct art_best *best = choice->best;
    choice->given = best->blobs[part->blob].given;
    choice->passes |= choice->given != NULL;
    choice->given_from = at->blob->buckets;
    enum art_rc rc = art_blob_each(at->blob, part->at, from, to, consider_child, choice);
    note_given(choice);
    bool whole = !part->begun && to - from == art_blob_entries_in(at->blob, part->at, part->at + 1);
    int c = choice->bounded ? art_datum_compare(&choice->bound, &part->value) : 0;
    bool worse = !choice->bounded || (best->order.descending ? c < 0 : c > 0);
    if (!rc && whole && worse && choice->given)
        art_front_note(best->tree, &best->order, best->blobs[part->blob].ref.hash, at->blob, part->at,
                       choice->bounded ? &choice->bound : NULL);
    return rc || !choice->any ? rc : art_blob_seek_entry(at, choice->at);
}

/* Reads the order's own column at once, where the leaf's bucket has a block, or no other one is looked at. */
static enum art_rc take_column(struct choice *choice, struct art_blob *blob, uint32_t from, uint32_t to,
                               struct art_datum *column) {
    const struct art_best *best = choice->best;
    bool any, alone = choice->wanted == 1u << best->order.column && !best->order.matches;
    enum art_rc rc = art_blob_column(blob, choice->part->at, from, to, art_tree_summary(best->tree), best->order.column,
                                     alone, column, &any);
    if (rc || !any) return rc;
    choice->column = column;
    choice->first = from;
    choice->wanted &= ~(1u << best->order.column);
    return ART_OK;
}

/* Of integers alone the best that is still to come. Nearly always its entry puts a row, and no other is looked at. */
static bool __attribute__((noinline))
find_in_column(const struct choice *choice, uint32_t from, uint32_t to, uint32_t *found) {
    const struct art_best_order *order = &choice->best->order;
    bool any = false;
    int64_t best = 0;
    if (!choice->column || choice->wanted || order->matches) return false;
    for (uint32_t i = from; i < to; i++) {
        const struct art_datum *datum = &choice->column[i - choice->first];
        if (datum->kind != ART_DATUM_INTEGER) return false;
        if (any && (order->descending ? datum->integer <= best : datum->integer >= best)) continue;
        if (choice->passes && is_passed(choice, i, datum)) continue;
        any = true;
        best = datum->integer;
        *found = i;
    }
    return any;
}

/* The best row in a bucket of a leaf. */
static enum art_rc choose_row(struct choice *choice, struct art_blob *blob, uint32_t from, uint32_t to,
                              struct art_datum *column) {
    uint32_t bucket = choice->part->at;
    if (choice->best->tree->fronts.bytes) begin_behind_hidden(choice, blob, art_blob_entries_in(blob, 0, bucket));
    enum art_rc rc = take_column(choice, blob, from, to, column);
    if (rc) return rc;
    uint32_t at = from;
    if (find_in_column(choice, from, to, &at)) rc = art_blob_each(blob, bucket, at, at + 1, consider_entry, choice);
    if (!rc && !choice->any) rc = art_blob_each(blob, bucket, from, to, consider_entry, choice);
    if (!rc) rc = choice->rc;
    if (rc || !choice->any || choice->value.kind < ART_DATUM_TEXT) return rc;
    /* Its bytes nobody has copied. */
    return art_corrupt(blob->file, blob->slot, ART_NOWHERE, "a text in a bucket whose zone has none");
}

/* The one that was chosen. In the order of the keys the cursor then stands on it. */
static enum art_rc push_chosen_row(const struct choice *choice, struct art_blob_cursor *at) {
    struct art_best *best = choice->best;
    struct best_part row = {
        .value = choice->value, .kind = PART_ENTRY, .learns = true, .blob = choice->part->blob, .at = choice->at};
    enum art_rc rc = best->order.by_key ? art_blob_seek_entry(at, choice->at) : ART_OK;
    if (!rc) rc = keep_key(best, &row, art_bytes(at->key, at->key_len));
    return rc ? rc : heap_push(best, &row);
}

static enum art_rc expand_bucket(struct art_best *best, const struct best_part *part, struct art_blob_cursor *at) {
    struct art_blob *blob = at->blob;
    uint8_t room[ART_VALUE_INLINE_MAX];
    struct art_datum column[ART_BLOCK_ROWS_MAX];
    struct choice choice = {.best = best,
                            .part = part,
                            .passes = part->begun,
                            .has = blob->has,
                            .wanted = wanted_columns(&best->order),
                            .room = room};
    bool leaf = blob->kind == ART_BLOB_LEAF;
    uint32_t from, to;
    enum art_rc rc = bucket_entries(best, part, at, &from, &to);
    if (rc || from >= to) return rc;
    uint8_t kinds = art_blob_zone(blob, best->order.column, part->at).kinds;
    bool texts = leaf && kinds & (ART_ZONE_OTHERS | ART_ZONE_TEXTS);
    if (texts || (leaf && best->order.matches_paths)) return push_matching_rows(best, part, at, from, to);
    rc = leaf ? choose_row(&choice, blob, from, to, column) : choose_child(&choice, at, from, to);
    if (rc || !choice.any) return rc;
    assert(choice.at >= from && choice.at < to);
    rc = leaf ? push_chosen_row(&choice, at) : push_child(&choice, at, from, to);
    return rc || to - from == 1 ? rc : push_back(&choice, from, to, art_bytes(at->key, at->key_len));
}

/* --- the memtable ------------------------------------------------------------------------------------------------- */

static enum art_rc push_part(void *context, const struct art_memtable_part *met) {
    struct art_best *best = context;
    struct best_part part = {.kind = met->is_key ? PART_KEY : PART_NODE, .link = met->link};
    if (met->is_key) part.key = met->key;
    if (met->is_key) return push_if_it_matches(best, met->key, &met->entry, &part);
    return push_zones(best, met->zones, NULL, &part);
}

static enum art_rc expand_node(struct art_best *best, uintptr_t link) {
    struct art_memtable *memtable = best->tree->memtable;
    uint64_t before = art_memtable_narrowed(memtable);
    assert(art_tree_summary(best->tree));
    enum art_rc rc = art_memtable_visit(memtable, link, best->order.column, best->order.descending,
                                        art_buffer_bytes(&best->low), art_buffer_bytes(&best->high), push_part, best);
    best->tree->count.narrowed += art_memtable_narrowed(memtable) - before;
    return rc;
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static enum art_rc take_best_entry(struct art_best *best, const struct best_part *part, struct art_blob_cursor *at,
                                   bool *row) {
    assert(part->kind == PART_ENTRY || part->kind == PART_LONG);
    bool hidden = false;
    enum art_rc rc = art_blob_seek_entry(at, part->at);
    if (rc) return rc;
    struct art_bytes key = art_bytes(at->key, at->key_len);
    memset(at->key + key.len, 0, ART_KEY_PADDING);
    const struct met_blob *met = &best->blobs[part->blob];
    rc = art_tree_is_hidden(best->tree, key, met->run, &hidden, NULL);
    if (!rc && hidden && part->learns)
        rc = art_front_learn(best->tree, &best->order, met->run, met->ref.hash, at, at->bucket);
    if (rc || hidden) return rc;
    if (part->kind == PART_LONG) {
        struct art_datum data[ART_SUMMARY_MAX];
        uint8_t room[ART_VALUE_INLINE_MAX];
        struct best_part known = {.kind = PART_ENTRY, .blob = part->blob, .at = part->at};
        struct art_entry entry;
        art_blob_cursor_entry(at, &entry);
        art_summary_read(art_tree_summary(best->tree), &entry, wanted_columns(&best->order), room, data);
        rc = keep_key(best, &known, key);
        return rc ? rc : push_value(best, &entry, data, &known);
    }
    rc = art_buffer_set_key(&best->path, key);
    *row = !rc;
    return rc;
}

static enum art_rc expand(struct art_best *best, const struct best_part *part, bool *row) {
    struct art_blob_cursor at;
    struct art_blob *blob;
    assert(!*row);
    if (part->kind == PART_NODE) return expand_node(best, part->link);
    if (part->kind == PART_KEY) {
        *row = true;
        return art_buffer_set_key(&best->path, part->key);
    }
    enum art_rc rc = open_blob(best, part->blob, &blob, &at);
    if (rc) return rc;
    if (part->kind == PART_BLOB) rc = expand_blob(best, part, &at);
    if (part->kind == PART_BUCKET) rc = expand_bucket(best, part, &at);
    if (part->kind == PART_ENTRY || part->kind == PART_LONG) rc = take_best_entry(best, part, &at, row);
    art_blob_unpin(blob);
    return rc;
}

bool art_best_is_given_up(const struct art_best *best) {
    uint64_t patience = best->order.patience, bytes = best->count * sizeof *best->parts + best->owned;
    return patience && best->count && (best->looked > patience || bytes > ART_LIMIT(heap_bytes));
}

/* The best part makes room for its own; if it is a row that is there, that is the last one. */
static enum art_rc best_step(struct art_best *best, bool *row) {
    struct best_part part;
    *row = false;
    heap_pop(best, &part);
    enum art_rc rc = expand(best, &part, row);
    if (is_of_blob(&part)) leave_blob(best, part.blob);
    best->looked++;
    if (!rc && ++best->steps % ART_LIMIT(relax_parts) == 0) {
        art_store_relax(best->tree->store);
        rc = art_tree_interrupted(best->tree);
    }
    *row = *row && !rc;
    if (!*row) {
        free_part(&part);
        return rc;
    }
    assert(part.kind == PART_KEY || part.kind == PART_ENTRY || part.kind == PART_LONG);
    free_part(&best->last);
    best->last = part;
    best->any = true;
    return ART_OK;
}

enum art_rc art_best_next(struct art_best *best, struct art_bytes *path, struct art_datum *value) {
    bool row = false;
    enum art_rc rc = art_tree_ready(best->tree);
    if (!rc && best->changes != best->tree->changes) rc = ART_REBUILD;
    while (!rc && !row && best->count && !art_best_is_given_up(best)) rc = best_step(best, &row);
    if (rc || !row) return rc ? rc : ART_NOTFOUND;
    *path = best->path.len ? art_bytes(best->path.data + 1, (uint32_t)best->path.len - 1) : art_bytes(NULL, 0);
    *value = best->last.value;
    return ART_OK;
}

static enum art_rc open_search(struct art_tree *tree, const struct art_range *range, const struct art_best_order *order,
                               bool single, struct art_best **out) {
    enum art_rc rc = art_tree_ready(tree);
    *out = NULL;
    if (rc) return rc;
    struct art_best *best = art_alloc_zeroed(sizeof *best);
    if (!best) return art_nomem();
    assert(order->column < art_tree_measures(tree).columns);
    best->tree = tree;
    best->order = *order;
    best->single = single;
    best->forgotten = UINT32_MAX;
    for (unsigned i = 0; i < order->limits.count; i++) /* a NULL is within no limit */
        best->order.skip_nulls |= order->limits.limit[i].column == order->column;
    best->changes = tree->changes;
    rc = art_buffer_set_key(&best->low, art_range_low(tree->key, range));
    if (!rc) rc = art_buffer_set_key(&best->high, art_range_high(tree->key, range));
    if (!rc && art_memtable_keys(tree->memtable)) rc = expand_node(best, 0);
    for (unsigned i = 0; !rc && i < tree->root->runs; i++)
        rc = push_blob(best, &tree->root->run[i].top, i, art_bytes(NULL, 0), true, true);
    if (rc) art_best_close(best);
    *out = rc ? NULL : best;
    return rc;
}

enum art_rc art_best_open(struct art_tree *tree, const struct art_range *range, const struct art_best_order *order,
                          struct art_best **out) {
    return open_search(tree, range, order, false, out);
}

void art_best_close(struct art_best *best) {
    if (!best) return;
    assert(best->count <= best->capacity && best->blob_count <= best->blob_capacity);
    for (uint32_t i = 0; i < best->count; i++) free_part(&best->parts[i]);
    for (uint32_t i = 0; i < best->blob_count; i++) {
        art_ref_release(&best->blobs[i].ref);
        art_free(best->blobs[i].given);
    }
    free_part(&best->last);
    art_free(best->parts);
    art_free(best->blobs);
    art_slot_set_clear(&best->met);
    art_buffer_clear(&best->low);
    art_buffer_clear(&best->high);
    art_buffer_clear(&best->path);
    art_free(best);
}

enum art_rc art_best_value(struct art_tree *tree, const struct art_range *range, const struct art_best_order *order,
                           struct art_buffer *bytes, struct art_datum *out) {
    struct art_best *best;
    bool row;
    enum art_rc rc = open_search(tree, range, order, true, &best);
    if (rc) return rc;
    assert(best && !order->patience && !order->by_key);
    while (!rc && best->count && may_be_best(best, &best->parts[0])) rc = best_step(best, &row);
    if (!rc && best->any) *out = best->last.value;
    if (!rc && out->kind >= ART_DATUM_TEXT) {
        rc = art_buffer_set(bytes, out->bytes.data, out->bytes.len);
        out->bytes = art_buffer_bytes(bytes);
    }
    art_best_close(best);
    return rc;
}
