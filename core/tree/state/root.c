#include <assert.h>

#include "core/tree/state/root.h"

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/base/format.h"
#include "core/store/root_copy.h"
#include "core/tree/state/hooks.h"
#include "core/tree/state/root_format.h"

_Static_assert((int)sizeof(struct art_root_header) +
                       ART_RUNS_CAPACITY * ((int)sizeof(struct art_root_run) + ART_REF_MAX) + ART_CUTS_BYTES_MAX + 8 <=
                   (int)ART_ROOT_COPY_BYTES_MAX,
               "each root has copies in its file");

/* The chain of a new table begins with its id. */
static struct art_hash128 first_chain(const uint8_t uuid[ART_UUID_BYTES]) {
    return art_hash128(uuid, ART_UUID_BYTES);
}

static struct art_root *root_alloc(unsigned capacity) {
    assert(capacity <= ART_RUNS_CAPACITY);
    struct art_root *root = art_alloc_zeroed(sizeof *root + capacity * sizeof root->run[0]);
    if (!root) return NULL;
    root->references = 1;
    root->capacity = capacity;
    return root;
}

struct art_root *art_root_new(const uint8_t uuid[ART_UUID_BYTES]) {
    struct art_root *root = root_alloc(0);
    if (!root) return NULL;
    root->chain = first_chain(uuid);
    return root;
}

struct art_root *art_root_ref(struct art_root *root) {
    assert(root->references);
    root->references++;
    return root;
}

static void run_clear(struct art_run *run) {
    art_ref_release(&run->top);
    *run = (struct art_run){0};
}

void art_root_unref(struct art_root *root) {
    assert(!root || root->references);
    if (!root || --root->references) return;
    assert(root->runs <= root->capacity);
    for (unsigned i = 0; i < root->runs; i++) run_clear(&root->run[i]);
    art_buffer_clear(&root->cuts);
    art_free(root);
}

static enum art_rc run_copy(const struct art_run *from, struct art_run *to) {
    *to = *from;
    return art_ref_own(&to->top);
}

enum art_rc art_root_clone(const struct art_root *root, struct art_root **out) {
    assert(root->runs <= ART_RUNS_CAPACITY);
    struct art_root *copy = root_alloc(ART_RUNS_CAPACITY);
    if (!copy) return art_nomem();
    *copy = *root;
    copy->references = 1;
    copy->followed = false;
    copy->cuts = (struct art_buffer){0};
    copy->runs = 0;
    copy->capacity = ART_RUNS_CAPACITY;
    enum art_rc rc = art_buffer_append(&copy->cuts, root->cuts.data, root->cuts.len);
    for (unsigned i = 0; !rc && i < root->runs; i++) {
        rc = run_copy(&root->run[i], &copy->run[i]);
        copy->runs += !rc;
    }
    if (rc) {
        art_root_unref(copy);
        return rc;
    }
    *out = copy;
    assert(copy->runs == root->runs && !copy->followed);
    return ART_OK;
}

enum art_rc art_root_insert_run(struct art_root *root, unsigned at, const struct art_run *run) {
    assert(root->references == 1 && at <= root->runs);
    if (root->runs == root->capacity) return art_fail(ART_TOOBIG, "art: too many runs in one root");
    struct art_run copy;
    enum art_rc rc = run_copy(run, &copy);
    if (rc) return rc;
    memmove(&root->run[at + 1], &root->run[at], (root->runs - at) * sizeof root->run[0]);
    root->run[at] = copy;
    root->runs++;
    return ART_OK;
}

void art_root_remove_run(struct art_root *root, unsigned at) {
    assert(root->references == 1 && at < root->runs);
    run_clear(&root->run[at]);
    root->runs--;
    root->all_blocks &= at < root->runs;
    memmove(&root->run[at], &root->run[at + 1], (root->runs - at) * sizeof root->run[0]);
    root->run[root->runs] = (struct art_run){0};
}

enum art_rc art_root_replace_run(struct art_root *root, unsigned at, const struct art_run *run) {
    assert(root->references == 1 && at < root->runs);
    struct art_run copy;
    enum art_rc rc = run_copy(run, &copy);
    if (rc) return rc;
    run_clear(&root->run[at]);
    root->run[at] = copy;
    return ART_OK;
}

static enum art_rc encode_run(const struct art_run *run, struct art_buffer *out) {
    struct art_root_run fixed = {
        .blobs = run->blobs, .pages = run->pages, .ref_len = art_ref_bytes(&run->top), .level = run->level};
    enum art_rc rc = art_buffer_append(out, &fixed, sizeof fixed);
    if (!rc) rc = art_buffer_reserve(out, fixed.ref_len);
    if (!rc) out->len += art_ref_encode(&run->top, out->data + out->len);
    return rc;
}

enum art_rc art_root_encode(const struct art_root *root, struct art_buffer *out) {
    assert(root->runs <= ART_RUNS_CAPACITY);
    out->len = 0;
    bool blocks = root->blocks && (root->runs || root->held);
    struct art_root_header header = {.magic = ART_ROOT_MAGIC,
                                     .format = ART_FORMAT,
                                     .runs = (uint8_t)root->runs,
                                     .csn = root->csn,
                                     .generation = root->generation,
                                     .left_rows = root->left_rows,
                                     .compatible = root->all_blocks ? ART_ROOT_ALL_BLOCKS : 0,
                                     .read_only = root->read_only | (root->held ? ART_ROOT_HELD : 0),
                                     .incompatible = blocks ? ART_ROOT_BLOCKS : 0};
    memcpy(header.chain, &root->chain, sizeof header.chain);
    enum art_rc rc = art_buffer_append(out, &header, sizeof header);
    for (unsigned i = 0; !rc && i < root->runs; i++) rc = encode_run(&root->run[i], out);
    if (!rc) rc = art_buffer_append(out, root->cuts.data, root->cuts.len);
    if (rc) return rc;
    assert(out->len >= sizeof header && out->data[offsetof(struct art_root_header, runs)] == root->runs);
    uint64_t sum = art_hash64(out->data, out->len);
    return art_buffer_append(out, &sum, sizeof sum);
}

void art_root_note_rows(struct art_buffer *encoded) {
    assert(art_load32(encoded->data) == ART_ROOT_MAGIC);
    assert(encoded->len >= sizeof(struct art_root_header) + 8);
    size_t body = encoded->len - 8;
    encoded->data[offsetof(struct art_root_header, followed)] = 1;
    art_store64(encoded->data + body, art_hash64(encoded->data, body));
}

/* *at: behind them, then. */
static enum art_rc decode_runs(struct art_root *root, unsigned runs, const uint8_t **at, const uint8_t *end) {
    const uint8_t *p = *at;
    for (unsigned i = 0; i < runs; i++) {
        struct art_root_run fixed;
        assert(p <= end);
        if ((size_t)(end - p) < sizeof fixed) return ART_CORRUPT;
        memcpy(&fixed, p, sizeof fixed);
        p += sizeof fixed;
        if ((size_t)(end - p) < fixed.ref_len || fixed.level > ART_RUN_LEVEL_LAST) return ART_CORRUPT;
        struct art_run run = {.level = fixed.level, .blobs = fixed.blobs, .pages = fixed.pages};
        if (art_ref_decode(art_bytes(p, fixed.ref_len), &run.top)) return ART_CORRUPT;
        enum art_rc rc = art_root_insert_run(root, i, &run);
        if (rc) return rc;
        p += fixed.ref_len;
        assert(p <= end && root->runs == i + 1);
    }
    *at = p;
    return ART_OK;
}

static void take_header(struct art_root *root, const struct art_root_header *header) {
    root->csn = header->csn;
    root->generation = header->generation;
    root->followed = header->followed;
    root->left_rows = header->left_rows;
    root->all_blocks = header->compatible & ART_ROOT_ALL_BLOCKS;
    root->held = header->read_only & ART_ROOT_HELD;
    root->read_only = header->read_only & ~(uint32_t)ART_ROOT_HELD;
    root->blocks = header->incompatible & ART_ROOT_BLOCKS;
    memcpy(&root->chain, header->chain, sizeof root->chain);
}

enum art_rc art_root_decode(struct art_bytes bytes, struct art_root **out) {
    struct art_root_header header;
    if (bytes.len < sizeof header + 8) return art_corrupt("the log", ART_NOWHERE, ART_NOWHERE, "root is cut short");
    uint32_t body = bytes.len - 8;
    memcpy(&header, bytes.data, sizeof header);
    if (header.magic != ART_ROOT_MAGIC || art_hash64(bytes.data, body) != art_load64(bytes.data + body)) {
        return art_corrupt("the log", ART_NOWHERE, ART_NOWHERE, "root does not match its checksum");
    }
    uint32_t known = art_codec() ? ART_ROOT_BLOCKS : 0;
    enum art_rc rc =
        art_format_check(ART_CANTOPEN, "the root", "the log", ART_NOWHERE, header.format, header.incompatible & ~known);
    if (rc) return rc;
    struct art_root *root = root_alloc(header.runs <= ART_RUNS_CAPACITY ? header.runs : 0);
    if (!root) return art_nomem();
    take_header(root, &header);
    const uint8_t *at = bytes.data + sizeof header, *end = bytes.data + body;
    bool sane = header.runs <= ART_RUNS_CAPACITY && header.csn <= ART_ROOT_CSN_MAX &&
                header.generation <= ART_ROOT_CSN_MAX && (!header.left_rows || header.left_rows < header.csn);
    rc = sane ? decode_runs(root, header.runs, &at, end) : ART_CORRUPT;
    struct art_bytes cuts = art_bytes(at, (uint32_t)(end - at));
    cuts.len = art_cuts_len(cuts);
    if (!rc && !art_cuts_are_sound(cuts, root->generation)) rc = ART_CORRUPT;
    if (!rc) rc = art_buffer_append(&root->cuts, cuts.data, cuts.len);
    if (rc) {
        art_root_unref(root);
        return rc == ART_NOMEM
                   ? rc
                   : art_corrupt("the log", ART_NOWHERE, ART_NOWHERE, "root has impossible counts or references");
    }
    assert(root->runs == header.runs);
    *out = root;
    return ART_OK;
}

uint32_t art_tree_initial_root(const uint8_t uuid[ART_UUID_BYTES], uint8_t *out) {
    struct art_root_header header = {.magic = ART_ROOT_MAGIC, .format = ART_FORMAT};
    struct art_hash128 chain = first_chain(uuid);
    memcpy(header.chain, &chain, sizeof header.chain);
    ART_IN_TESTS(header.csn = art_test_hooks.first_csn; header.generation = art_test_hooks.first_generation;)
    memcpy(out, &header, sizeof header);
    art_store64(out + sizeof header, art_hash64(out, sizeof header));
    return sizeof header + 8;
}
