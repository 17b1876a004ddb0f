/* Fronts: where rows begin that may be there, in the order of a column's values. What stands before them in old runs
 * was deleted or changed. Zones do not tell: they are made with the blob.
 *
 *     bucket of a blob, by value     1  2  4  7  7  9        zone: 1 and 9
 *     hidden by newer sources        x  x  x  x              front: 7, the second one
 *
 * A search best first finds out which rows are hidden, one by one (read/best.c). The tree remembers it for each bucket
 * that it was found of, so that the next search begins behind them: else a queue, a cache or an expiry, which all take
 * rows from the front, would pass over all that were ever taken. Of an index blob a bucket's front is the best of those
 * of its children.
 *
 * What a committed entry hides stays hidden, by it or by a newer one, as long as the blob is there. So fronts belong to
 * a blob by its hash and not to a root, and outlive commits, flushes, and merges of other blobs. They end with a
 * rollback of what hides (art_fronts_forget_newer()), and with a root of which nobody can tell that it is of the same
 * history (txn/refresh.c).
 *
 * They are bounded in bytes. Where these are short those go that nobody has asked for lately.
 */
#include "core/base/limits.h"
#include "core/tree/state/state.h"

enum { CHAINS = 1024 };

static struct art_fronts **chain_of(const struct art_front_map *map, struct art_hash128 blob) {
    assert(map->chain);
    return &map->chain[blob.low % CHAINS];
}

static size_t front_bytes(uint32_t buckets) {
    return sizeof(struct art_fronts) + buckets * sizeof(struct art_front);
}

struct art_fronts *art_fronts_find(struct art_front_map *map, struct art_hash128 blob, uint8_t order) {
    if (!map->bytes) return NULL;
    for (struct art_fronts *fronts = *chain_of(map, blob); fronts; fronts = fronts->next) {
        if (fronts->order != order || !art_hash128_equal(fronts->blob, blob)) continue;
        fronts->used = true;
        return fronts;
    }
    return NULL;
}

/* Those that are newer than `csn`, and with `unused` those that nobody has asked for since the last time. */
static void forget_some(struct art_front_map *map, uint64_t csn, bool unused) {
    for (unsigned i = 0; i < CHAINS && map->bytes; i++) {
        for (struct art_fronts **at = &map->chain[i]; *at;) {
            struct art_fronts *fronts = *at;
            bool goes = fronts->csn > csn || (unused && !fronts->used);
            if (unused) fronts->used = false;
            if (!goes) {
                at = &fronts->next;
                continue;
            }
            assert(map->bytes >= front_bytes(fronts->buckets));
            map->bytes -= front_bytes(fronts->buckets);
            *at = fronts->next;
            art_free(fronts);
        }
    }
}

static bool make_front_memory(struct art_front_map *map, size_t bytes) {
    if (!map->chain) map->chain = art_alloc_zeroed(CHAINS * sizeof(*map->chain));
    if (!map->chain || bytes > ART_LIMIT(front_bytes)) return false;
    if (map->bytes + bytes > ART_LIMIT(front_bytes)) forget_some(map, UINT64_MAX, true);
    return map->bytes + bytes <= ART_LIMIT(front_bytes);
}

struct art_fronts *art_fronts_add(struct art_front_map *map, struct art_hash128 blob, uint8_t order, uint32_t buckets) {
    assert(buckets);
    size_t bytes = front_bytes(buckets);
    struct art_fronts *fronts = make_front_memory(map, bytes) ? art_alloc_zeroed(bytes) : NULL;
    if (!fronts) return NULL;
    struct art_fronts **chain = chain_of(map, blob);
    fronts->next = *chain;
    fronts->blob = blob;
    fronts->order = order;
    fronts->used = true;
    fronts->buckets = buckets;
    *chain = fronts;
    map->bytes += bytes;
    return fronts;
}

bool art_front_value(const struct art_front *front, struct art_datum *out) {
    assert(front->kind <= ART_FRONT_NONE);
    if (front->kind == ART_FRONT_NONE) return false;
    *out = (struct art_datum){.kind = (enum art_datum_kind)front->kind, .by = ART_BY_CODE, .integer = front->integer};
    return true;
}

struct art_front art_front_of(const struct art_datum *value, uint32_t entry) {
    bool number = value->kind == ART_DATUM_INTEGER || value->kind == ART_DATUM_REAL;
    bool coded = value->kind == ART_DATUM_TEXT && value->by == ART_BY_CODE;
    struct art_front front = {.kind = (uint8_t)value->kind, .entry = (uint8_t)entry};
    assert(entry <= UINT8_MAX && value->kind != ART_DATUM_BLOB);
    if (number || coded) front.integer = value->integer;
    if (value->kind == ART_DATUM_TEXT && !coded) front.integer = INT64_MIN; /* an empty one */
    return front;
}

static bool front_is_better(const struct art_front *a, const struct art_front *b, bool descending) {
    struct art_datum first, second;
    if (a->kind == ART_DATUM_INTEGER && b->kind == ART_DATUM_INTEGER)
        return descending ? a->integer > b->integer : a->integer < b->integer;
    if (!art_front_value(a, &first)) return false;
    if (!art_front_value(b, &second)) return true;
    int c = art_datum_compare(&first, &second);
    return descending ? c > 0 : c < 0;
}

void art_fronts_set(struct art_front_map *map, struct art_fronts *fronts, uint32_t bucket, struct art_front front,
                    uint64_t csn) {
    assert(bucket < fronts->buckets);
    fronts->bucket[bucket] = front;
    if (csn > fronts->csn) fronts->csn = csn;
    if (csn > map->csn) map->csn = csn;
    uint32_t best = 0;
    for (uint32_t b = 1; b < fronts->buckets; b++) {
        if (front_is_better(&fronts->bucket[b], &fronts->bucket[best], art_front_descends(fronts->order))) best = b;
    }
    fronts->best = fronts->bucket[best];
    fronts->best.entry = 0;
}

void art_fronts_forget_newer(struct art_front_map *map, uint64_t csn) {
    if (map->csn <= csn) return;
    forget_some(map, csn, false);
    map->csn = csn;
}

void art_fronts_clear(struct art_front_map *map) {
    for (unsigned i = 0; i < CHAINS && map->bytes; i++) {
        for (struct art_fronts *fronts = map->chain[i], *next; fronts; fronts = next) {
            next = fronts->next;
            map->bytes -= front_bytes(fronts->buckets);
            art_free(fronts);
        }
    }
    assert(!map->bytes);
    art_free(map->chain);
    *map = (struct art_front_map){0};
}
