/* Slot 0: what a file says of itself, and whose it is.
 *
 * The database and its .art file are two files, and a user may copy, move and restore one without the other. So an .art
 * file has one database at a time. Only that one reads and writes it, and every other one is refused until its user
 * says 'adopt'.
 *
 * The owner page notes who that is: the file's own identity and the database file's, each an inode with its time of
 * birth, and the database's path. No copy keeps an identity, and an inode that is used again has another time of birth.
 *
 *   own identity   database's    last part of
 *                  identity      its path
 *   equal          equal         any            ours
 *   equal          differs       any            another database's; with the same path, of the one that stood here
 *                                               before
 *   equal          birth alone   any            not ours to write, but read: an overlay file system has copied the
 *                  differs                      database up, or its inode was used again
 *   differs        any           equal          a copy that nobody has claimed, beside the database that was copied
 *                                               with it: ours, and claimed before the first transaction that writes is
 *                                               committed
 *   differs        any           differs        such a copy beside another database: not ours to write. It is read
 *                                               where no database of the noted name lies beside it: the pair was
 *                                               renamed, and then copied
 *
 * A copy's database is known by its name because only one file of a folder can have it: a copy of the database
 * once more has two databases with one .art file, and without that rule the first to write would take the file from the
 * other.
 *
 * Where an inode is not known (0: it could not be asked) the whole path decides. Device numbers are not compared, since
 * they change with a reboot. When both owner pages are damaged, the file is read (each page is verified against the
 * database's own root) but not written until 'adopt' has said whose it is.
 */
#include <string.h>

#include "core/base/error.h"
#include "core/base/format.h"
#include "core/base/hash.h"
#include "core/store/private.h"

static uint64_t page_sum(const void *page) {
    return art_hash64(page, ART_STORE_PAGE - sizeof(uint64_t));
}

static bool owner_page_valid(const struct art_owner_page *page, const uint8_t uuid[16], unsigned position) {
    return !memcmp(page->magic, ART_OWNER_MAGIC, sizeof page->magic) && page->sum == page_sum(page) &&
           !memcmp(page->uuid, uuid, sizeof page->uuid) && page->sequence % ART_OWNER_PAGES == position &&
           page->path_kept <= ART_OWNER_PATH_MAX && page->path_kept <= page->path_len;
}

uint64_t art_owner_page_offset(uint64_t sequence) {
    return ART_STORE_PAGE * (1 + sequence % ART_OWNER_PAGES);
}

void art_owner_page_make(struct art_owner_page *out, const uint8_t uuid[16], const struct art_owner *owner,
                         uint64_t sequence, bool copied) {
    memset(out, 0, sizeof *out);
    memcpy(out->magic, ART_OWNER_MAGIC, sizeof out->magic);
    out->sequence = sequence;
    out->copied = copied;
    memcpy(out->uuid, uuid, sizeof out->uuid);
    out->own_inode = owner->own_inode;
    out->own_birth = owner->own_birth;
    out->host_inode = owner->host_inode;
    out->host_birth = owner->host_birth;
    size_t length = strlen(owner->host_path);
    struct art_hash128 hash = art_hash128(owner->host_path, length);
    out->path_hash_low = hash.low;
    out->path_hash_high = hash.high;
    out->path_len = (uint32_t)length;
    out->path_kept = art_min32((uint32_t)length, ART_OWNER_PATH_MAX);
    memcpy(out->path, owner->host_path + length - out->path_kept, out->path_kept);
    out->sum = page_sum(out);
    assert(owner_page_valid(out, uuid, sequence % ART_OWNER_PAGES));
}

static void make_identity(struct art_superblock_page *out, const uint8_t uuid[16]) {
    memset(out, 0, sizeof *out);
    memcpy(out->magic, ART_STORE_MAGIC, sizeof out->magic);
    out->format = ART_FORMAT;
    out->slot_bytes = ART_BLOB_SIZE;
    memcpy(out->uuid, uuid, sizeof out->uuid);
    out->sum = page_sum(out);
}

void art_superblock_make(struct art_superblock *out, const uint8_t uuid[16], const struct art_owner *owner) {
    memset(out, 0, sizeof *out);
    make_identity(&out->identity, uuid);
    art_owner_page_make(&out->owner[1 % ART_OWNER_PAGES], uuid, owner, 1, false);
    assert(!art_superblock_check(out, uuid, ""));
}

enum art_rc art_superblock_check(const struct art_superblock *block, const uint8_t uuid[16], const char *file) {
    const struct art_superblock_page *page = &block->identity;
    if (memcmp(page->magic, ART_STORE_MAGIC, sizeof page->magic)) {
        return art_corrupt(file, 0, 0, "this is not an .art file, or its first page is lost");
    }
    if (page->sum != page_sum(page)) return art_corrupt(file, 0, 0, "the superblock's sum is wrong");
    enum art_rc rc = art_format_check(ART_CANTOPEN, "the file", file, ART_NOWHERE, page->format, page->incompatible);
    if (rc) return rc;
    if (page->slot_bytes != ART_BLOB_SIZE) return art_corrupt(file, 0, 0, "slots of another size");
    if (memcmp(page->uuid, uuid, sizeof page->uuid)) {
        return art_fail(
            ART_FOREIGN,
            "art: the .art file is that of another table (%s): put the file that belongs to this table there, "
            "or restore both from one backup",
            file);
    }
    return ART_OK;
}

/* A write of ours that a crash tore left some bytes new and the others zero. Another table's has its own uuid. */
bool art_superblock_is_unfinished(const struct art_superblock *block, const uint8_t uuid[16]) {
    struct art_superblock_page whole;
    make_identity(&whole, uuid);
    const uint8_t *there = (const uint8_t *)&block->identity, *meant = (const uint8_t *)&whole;
    for (unsigned i = 0; i < sizeof whole; i++) {
        if (there[i] && there[i] != meant[i]) return false;
    }
    return true;
}

static bool same_path(const struct art_owner_page *page, const char *path) {
    size_t length = strlen(path);
    struct art_hash128 hash = art_hash128(path, length);
    return page->path_len == length && page->path_hash_low == hash.low && page->path_hash_high == hash.high;
}

static const struct art_owner_page *page_that_counts(const struct art_superblock *block, const uint8_t uuid[16]) {
    const struct art_owner_page *page = NULL;
    for (unsigned i = 0; i < ART_OWNER_PAGES; i++) {
        const struct art_owner_page *candidate = &block->owner[i];
        if (!owner_page_valid(candidate, uuid, i)) continue;
        if (!page || art_sequence_is_newer(candidate->sequence, page->sequence)) page = candidate;
    }
    return page;
}

static struct art_bytes base_name(const void *path, size_t len) {
    const char *end = (const char *)path + len, *base = end;
    while (base > (const char *)path && base[-1] != '/') base--;
    return art_bytes(base, (uint32_t)(end - base));
}

static bool same_base(const struct art_owner_page *page, const char *path) {
    struct art_bytes noted = base_name(page->path, page->path_kept), mine = base_name(path, strlen(path));
    return noted.len == mine.len && !memcmp(noted.data, mine.data, mine.len);
}

struct art_bytes art_owner_page_base(const struct art_owner_page *page) {
    bool whole = page->path_kept == page->path_len || memchr(page->path, '/', page->path_kept);
    return whole ? base_name(page->path, page->path_kept) : art_bytes(NULL, 0);
}

static bool same_file(uint64_t noted_inode, uint64_t noted_birth, uint64_t inode, uint64_t birth) {
    return noted_inode == inode && (noted_birth == birth || !noted_birth || !birth);
}

static bool same_own(const struct art_owner_page *page, const struct art_owner *me) {
    return same_file(page->own_inode, page->own_birth, me->own_inode, me->own_birth);
}

static bool same_host(const struct art_owner_page *page, const struct art_owner *me) {
    return me->host_inode && same_file(page->host_inode, page->host_birth, me->host_inode, me->host_birth);
}

void art_superblock_names(const struct art_superblock *block, const struct art_owner *me, struct art_names *out) {
    const struct art_owner_page *page = page_that_counts(block, block->identity.uuid);
    *out = (struct art_names){.own = page && same_own(page, me),
                              .host = page && same_host(page, me),
                              .path = page && same_path(page, me->host_path),
                              .base = page && same_base(page, me->host_path)};
}

enum art_ownership art_superblock_owner(const struct art_superblock *block, const uint8_t uuid[16],
                                        const struct art_owner *me, const struct art_owner_page **counts) {
    assert(me->host_path);
    const struct art_owner_page *page = *counts = page_that_counts(block, uuid);
    if (!page) return ART_OWNER_UNKNOWN;
    bool path_equal = same_path(page, me->host_path);
    if (!same_own(page, me)) return same_base(page, me->host_path) ? ART_OWNED_UNCLAIMED : ART_OWNED_BY_COPY;
    bool host_known = page->host_inode && me->host_inode;
    bool ours = host_known ? same_host(page, me) : path_equal;
    if (!ours && host_known && page->host_inode == me->host_inode) return ART_OWNED_BY_COPIED_UP;
    if (!ours) return path_equal ? ART_OWNED_BEFORE : ART_OWNED_BY_OTHER;
    return path_equal && (host_known || !me->host_inode) ? ART_OWNED : ART_OWNED_NOTE;
}
