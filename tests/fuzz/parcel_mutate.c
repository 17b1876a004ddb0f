/* The mutator of parcels: half of the time it changes what the format calls a field, in place, and leaves everything
 * around it whole; else libFuzzer's own changes, kept inside of one section. No hash has to be mended, since a parcel
 * has none.
 *
 *   field of a trailer | directory entry | byte of a routing node | bucket's header | bucket's column | reference |
 *   section
 */
#include "core/blob/blob_format.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/parcel.h"
#include "tests/support/random.h"

/* A blob's section, and where its pages are in it. */
struct view {
    struct parcel_section *section;
    uint32_t leaf_pages, footer_pages;
    uint8_t *page[ART_BLOB_PAGES]; /* content, as the section has it */
    uint32_t len[ART_BLOB_PAGES];
    uint8_t *trailer; /* PARCEL_TRAILER bytes, NULL where they are cut off */
};

enum { TRAILER_FROM = offsetof(struct art_blob_trailer, magic), LAST_PAGE = ART_BLOB_PAGES - 1 };

static bool view_open(struct view *view, struct parcel_section *section) {
    memset(view, 0, sizeof *view);
    if (section->len < PARCEL_BLOB_FIXED) return false;
    view->section = section;
    view->leaf_pages = section->data[4] % ART_BLOB_PAGES;
    view->footer_pages = section->data[5] % ART_BLOB_PAGES;
    if (view->leaf_pages + view->footer_pages > ART_BLOB_PAGES) return false;
    uint8_t *at = section->data + PARCEL_BLOB_FIXED, *end = section->data + section->len;
    for (uint32_t i = 0; i < view->leaf_pages + view->footer_pages; i++) {
        uint32_t number = i < view->leaf_pages ? i : ART_BLOB_PAGES - view->footer_pages + (i - view->leaf_pages);
        if (end - at < 2) return true;
        uint32_t n = art_load16(at);
        at += 2;
        if (n > (uint32_t)(end - at)) n = (uint32_t)(end - at);
        view->page[number] = at;
        view->len[number] = n;
        at += n;
    }
    if (end - at >= PARCEL_TRAILER) view->trailer = at;
    return true;
}

/* The byte that will stand at `offset` of the slot, or NULL when the section has none. */
static uint8_t *view_at(const struct view *view, uint32_t offset) {
    uint32_t number = offset / ART_BLOB_PAGE, in = offset % ART_BLOB_PAGE;
    if (number > LAST_PAGE || !view->page[number]) return NULL;
    if (number >= ART_BLOB_PAGES - view->footer_pages) {
        uint32_t room = number == LAST_PAGE ? ART_TRAILER_AT % ART_BLOB_PAGE : ART_BLOB_PAGE,
                 gap = room - view->len[number];
        return in >= gap && in < room ? view->page[number] + (in - gap) : NULL;
    }
    return in < view->len[number] ? view->page[number] + in : NULL;
}

static uint32_t view_number(const struct view *view, uint32_t offset, uint32_t bytes) {
    uint32_t number = 0;
    for (uint32_t i = 0; i < bytes; i++) {
        const uint8_t *at = view_at(view, offset + i);
        number |= at ? (uint32_t)*at << (8 * i) : 0;
    }
    return number;
}

/* --- numbers ------------------------------------------------------------------------------------------------------ */

static uint64_t another(uint64_t old, uint32_t bytes, struct random *random) {
    static const uint64_t edges[] = {0,          1,         2,          7,         8,      15,     16,       31,
                                     32,         64,        127,        128,       129,    255,    256,      4047,
                                     4048,       4088,      4095,       4096,      4097,   32767,  32768,    65535,
                                     65536,      131072,    523143,     523144,    524287, 524288, 1u << 31, UINT32_MAX,
                                     1ull << 56, INT64_MAX, 1ull << 63, UINT64_MAX};
    switch (random_below(random, 6)) {
    case 0:
        return edges[random_below(random, sizeof edges / sizeof *edges)];
    case 1:
        return old + 1;
    case 2:
        return old - 1;
    case 3:
        return old ^ (uint64_t)1 << random_below(random, 8 * bytes);
    case 4:
        return old + random_below(random, 64) - 32;
    default:
        return random_next(random);
    }
}

static void change_number(uint8_t *at, uint32_t bytes, struct random *random) {
    uint64_t old = 0;
    memcpy(&old, at, bytes);
    uint64_t now = another(old, bytes, random);
    memcpy(at, &now, bytes);
}

/* A number of the image that may lie across two pages of the parcel. */
static bool change_at(const struct view *view, uint32_t offset, uint32_t bytes, struct random *random) {
    uint8_t *first = view_at(view, offset), *last = view_at(view, offset + bytes - 1);
    if (!first || last != first + bytes - 1) return false;
    change_number(first, bytes, random);
    return true;
}

/* --- fields ------------------------------------------------------------------------------------------------------- */

static bool change_header(const struct view *view, struct random *random) {
#define FIELD(name)                                                                                                    \
    { offsetof(struct art_blob_trailer, name), sizeof(((struct art_blob_trailer *)0)->name) }
    static const struct {
        uint16_t at, size;
    } fields[] = {FIELD(kind),         FIELD(flags),         FIELD(generation), FIELD(slot),       FIELD(entries),
                  FIELD(csn_min),      FIELD(count),         FIELD(buckets),    FIELD(leaf_pages), FIELD(routing),
                  FIELD(footer_pages), FIELD(incompatible),  FIELD(common),     FIELD(filter),     FIELD(below),
                  FIELD(height),       FIELD(filter_blocks), FIELD(format),     FIELD(csn_max),    FIELD(overflows),
                  FIELD(key_max)};
#undef FIELD
    if (!view->trailer) return false;
    uint32_t i = random_below(random, sizeof fields / sizeof *fields);
    change_number(view->trailer + fields[i].at - TRAILER_FROM, fields[i].size, random);
    return true;
}

static uint32_t trailer_number(const struct view *view, size_t at) {
    return art_load32(view->trailer + at - TRAILER_FROM);
}

static bool change_directory(const struct view *view, struct random *random) {
    if (!view->trailer) return false;
    uint32_t routing = trailer_number(view, offsetof(struct art_blob_trailer, routing));
    uint32_t buckets = trailer_number(view, offsetof(struct art_blob_trailer, buckets)) & 0xffff;
    uint32_t i = random_below(random, buckets + 1);
    switch (random_below(random, 3)) {
    case 0:
        return change_at(view, routing + 2 * i, 2, random);
    case 1:
        return change_at(view, routing + 2 * buckets + 4 * i, 4, random);
    default:
        return change_at(view, routing + 6 * buckets + 4 + 8 * i, 8, random);
    }
}

/* Bytes of the routing node that stands there. */
static uint32_t node_bytes(const struct view *view, uint32_t at, bool wide) {
    uint32_t flags = view_number(view, at, 1), children = flags & ART_NODE_TAIL ? 0 : view_number(view, at + 1, 1) + 1;
    uint32_t bytes = flags & ART_NODE_TAIL ? 1 : 2, path = flags >> 4;
    if (path == ART_NODE_PATH_SHORT) {
        path = view_number(view, at + bytes, 2);
        bytes += 2;
    }
    bytes += path + (flags & ART_NODE_MAP ? ART_NODE_MAP_BYTES : children);
    return bytes + (children << !(flags & ART_NODE_SMALL)) + (children << (wide ? 2 : 1));
}

static bool change_node(const struct view *view, struct random *random) {
    if (!view->trailer) return false;
    bool wide = view->trailer[offsetof(struct art_blob_trailer, flags) - TRAILER_FROM] & ART_BLOB_WIDE;
    uint32_t buckets = trailer_number(view, offsetof(struct art_blob_trailer, buckets)) & 0xffff;
    struct art_blob_trailer trailer;
    memset(&trailer, 0, sizeof trailer);
    memcpy((uint8_t *)&trailer + TRAILER_FROM, view->trailer, sizeof trailer - TRAILER_FROM);
    uint32_t at = art_trailer_parts(&trailer).begin[ART_PART_NODES], steps = random_below(random, buckets / 2 + 1);
    while (steps-- && at < ART_TRAILER_AT) at += node_bytes(view, at, wide);
    uint8_t *flags = view_at(view, at);
    if (!flags) return false;
    uint32_t kind = random_below(random, 6), room = node_bytes(view, at, wide);
    if (kind == 0) *flags = (uint8_t)(*flags ^ 1 << random_below(random, 8));
    if (kind == 1) *flags |= ART_NODE_PATH_SHORT << 4; /* the next bytes are the path's length */
    return kind < 2 || change_at(view, at + random_below(random, room < 4096 ? room : 4096), 1 + kind % 2, random);
}

static bool change_bucket(const struct view *view, struct random *random) {
    if (!view->trailer) return false;
    uint32_t routing = trailer_number(view, offsetof(struct art_blob_trailer, routing));
    uint32_t buckets = trailer_number(view, offsetof(struct art_blob_trailer, buckets)) & 0xffff;
    uint32_t i = random_below(random, buckets);
    uint32_t at = ART_BUCKET_ALIGN * view_number(view, routing + 2 * i, 2);
    uint32_t next = i + 1 < buckets ? ART_BUCKET_ALIGN * view_number(view, routing + 2 * i + 2, 2) : at + ART_BLOB_PAGE;
    uint32_t entries = view_number(view, at, 1), columns = sizeof(struct art_bucket_header) + 8 * entries;
    static const uint8_t fields[][2] = {{0, 1}, {1, 1}, {2, 2}, {4, 2}, {6, 2}, {8, 8}};
    uint32_t kind = random_below(random, 9);
    if (kind < 6) return change_at(view, at + fields[kind][0], fields[kind][1], random);
    if (view_number(view, at + 1, 1) & ART_BUCKET_WIDE && kind < 8) { /* what a key shares, or its suffix's length */
        uint32_t lengths = at + (uint32_t)sizeof(struct art_bucket_header) + entries;
        return change_at(view, lengths + 2 * random_below(random, 2 * entries), 2, random);
    }
    uint32_t room = kind < 8 ? columns : next > at ? next - at : 1; /* mostly the columns */
    return change_at(view, at + random_below(random, room), 1 + random_below(random, 2), random);
}

/* One that a name of a hash stands in, or a name itself. */
static bool change_reference(const struct parcel_section *section, struct random *random) {
    enum { BEFORE = offsetof(struct art_ref_format, hash_low), TEXT = 12 };
    uint32_t found = UINT32_MAX, seen = 0;
    for (uint32_t at = BEFORE; at + ART_REF_FIXED_BYTES - BEFORE <= section->len; at++) {
        if (memcmp(section->data + at + 4, " of slot", 8) && memcmp(section->data + at + 4, " to slot", 8)) continue;
        if (random_once_in(random, ++seen)) found = at;
    }
    if (found == UINT32_MAX) return false;
    uint8_t *ref = section->data + found - BEFORE;
    static const uint8_t fields[][2] = {{0, 4},  {4, 1},  {5, 1},  {6, 1},  {8, 8},  {28, 1},
                                        {28, 1}, {32, 8}, {40, 8}, {48, 8}, {64, 8}, {72, 2}};
    enum { FIELDS = sizeof fields / sizeof *fields };
    uint32_t kind = random_below(random, FIELDS + 2);
    if (kind >= FIELDS) {
        memcpy(section->data + found, kind == FIELDS ? "hash of slot" : "refs to slot", TEXT);
    } else {
        change_number(ref + fields[kind][0], fields[kind][1], random);
    }
    return true;
}

static bool change_field(struct parcel *parcel, struct random *random) {
    struct view view;
    struct parcel_section *section = &parcel->sections[random_below(random, parcel->count)];
    bool blob = section->kind == PARCEL_BLOB && view_open(&view, section);
    if (!blob) return section->kind == PARCEL_ROOT && change_reference(section, random);
    switch (random_below(random, 8)) {
    case 0:
        return change_header(&view, random);
    case 1:
    case 2:
        return change_directory(&view, random);
    case 3:
        return change_node(&view, random);
    case 4:
        return change_reference(section, random);
    default:
        return change_bucket(&view, random);
    }
}

/* --- sections ----------------------------------------------------------------------------------------------------- */

/* libFuzzer's change of one section's content; what stands behind it moves. Returns the new size. */
static size_t change_section(uint8_t *data, size_t size, size_t max_size, const struct parcel_section *section,
                             struct random *random) {
    size_t at = (size_t)(section->data - data), behind = size - at - section->len;
    size_t room = section->len + (max_size - size);
    if (room > (1 << 24) - 1) room = (1 << 24) - 1;
    if (!room) return size;
    if (!random_below(random, 3)) room = section->len ? section->len : room; /* often it may not grow */
    uint8_t *copy = malloc(room + 1), *rest = malloc(behind + 1);
    if (section->len) memcpy(copy, section->data, section->len);
    if (behind) memcpy(rest, section->data + section->len, behind);
    size_t now = LLVMFuzzerMutate(copy, section->len, room);
    memcpy(data + at, copy, now);
    if (behind) memcpy(data + at + now, rest, behind);
    art_store32(data + at - PARCEL_HEAD, (uint32_t)now << 8 | section->kind);
    free(copy);
    free(rest);
    return at + now + behind;
}

/* A section once more at the end, or one that is missing. */
static size_t add_section(uint8_t *data, size_t size, size_t max_size, struct parcel *parcel, struct random *random) {
    static const uint8_t small[] = {PARCEL_OPS, PARCEL_DAMAGE, PARCEL_SIZE, PARCEL_RETIRED, PARCEL_ROW};
    const struct parcel_section *section = &parcel->sections[random_below(random, parcel->count)];
    uint32_t len = section->len;
    uint8_t bytes[24] = {1, 10, 1, 's', 'a', 'l', 't', 's', 'a', 'l', 't', (uint8_t)random_next(random), 1};
    const uint8_t *content = section->data;
    uint8_t kind = section->kind;
    if (random_below(random, 2)) {
        kind = small[random_below(random, sizeof small)];
        content = bytes;
        len = 1 + random_below(random, sizeof bytes - 1);
    }
    if (size + PARCEL_HEAD + len > max_size) return size;
    uint8_t *copy = malloc(len + 1);
    if (len) memcpy(copy, content, len);
    art_store32(data + size, len << 8 | kind);
    if (len) memcpy(data + size + PARCEL_HEAD, copy, len);
    free(copy);
    return size + PARCEL_HEAD + len;
}

static size_t drop_section(uint8_t *data, size_t size, const struct parcel_section *section) {
    uint8_t *from = section->data - PARCEL_HEAD, *end = section->data + section->len;
    memmove(from, end, (size_t)(data + size - end));
    return size - PARCEL_HEAD - section->len;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    struct random random = {seed};
    struct parcel parcel;
    parcel_read(&parcel, data, size);
    if (!parcel.count || random_once_in(&random, 50)) return LLVMFuzzerMutate(data, size, max_size);
    uint32_t kind = random_below(&random, 20);
    struct parcel_section *section = &parcel.sections[random_below(&random, parcel.count)];
    if (kind < 12) {
        uint32_t changes = 0, wanted = 1 + random_below(&random, 2);
        for (int attempt = 0; attempt < 16 && changes < wanted; attempt++) changes += change_field(&parcel, &random);
        if (changes) return size;
    }
    if (kind == 12) return add_section(data, size, max_size, &parcel, &random);
    if (kind == 13 && parcel.count > 1) return drop_section(data, size, section);
    if (kind < 17 && parcel_find(&parcel, PARCEL_OPS)) section = parcel_find(&parcel, PARCEL_OPS);
    return change_section(data, size, max_size, section, &random);
}
