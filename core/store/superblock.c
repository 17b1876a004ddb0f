/* Slot 0: what a file says of itself, and whose it is.
 *
 * The database and its .art file are two files that a user may copy, move and restore one without the other. The
 * owner page notes the database's path and inode and the file's own inode, which no copy keeps:
 *
 *   own inode   host inode   path
 *   differs     any          any        this file is a copy (or was restored): its database was copied with it
 *   equal       equal        any        ours
 *   equal       differs      equal      another database file has come into the owner's place: to be read, not written
 *   equal       differs      differs    the database is the copy, and this is still the original's file
 *
 * Who comes into the owner's place may be its replacement (VACUUM INTO and a rename, a restored backup), or an old copy
 * put there while the owner lies aside and will come back. Nobody but the user knows, who says 'adopt' where the owner is
 * gone. Reading does no harm: all data is verified against the database's own root. Where an inode is not known (0: it
 * could not be asked) the path alone decides. No device numbers: they change with a reboot.
 *
 * When both owner pages are damaged the file may be read (all data is verified against the database's own root, whoever
 * the owner is) but not written until 'adopt' has said whose it is: writing into another database's file is what the
 * pages are there to prevent.
 */
#include <string.h>

#include "core/base/error.h"
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
                         uint64_t sequence) {
    memset(out, 0, sizeof *out);
    memcpy(out->magic, ART_OWNER_MAGIC, sizeof out->magic);
    out->sequence = sequence;
    memcpy(out->uuid, uuid, sizeof out->uuid);
    out->own_inode = owner->own_inode;
    out->host_inode = owner->host_inode;
    size_t length = strlen(owner->host_path);
    struct art_hash128 hash = art_hash128(owner->host_path, length);
    out->path_hash_low = hash.low;
    out->path_hash_high = hash.high;
    out->path_len = (uint32_t)length;
    out->path_kept = art_min32((uint32_t)length, ART_OWNER_PATH_MAX);
    memcpy(out->path, owner->host_path, out->path_kept);
    out->sum = page_sum(out);
}

static void make_identity(struct art_superblock_page *out, const uint8_t uuid[16]) {
    memset(out, 0, sizeof *out);
    memcpy(out->magic, ART_STORE_MAGIC, sizeof out->magic);
    out->format = ART_STORE_FORMAT;
    out->slot_bytes = ART_BLOB_SIZE;
    memcpy(out->uuid, uuid, sizeof out->uuid);
    out->sum = page_sum(out);
}

void art_superblock_make(struct art_superblock *out, const uint8_t uuid[16], const struct art_owner *owner) {
    memset(out, 0, sizeof *out);
    make_identity(&out->identity, uuid);
    art_owner_page_make(&out->owner[1 % ART_OWNER_PAGES], uuid, owner, 1);
}

int art_superblock_check(const struct art_superblock *block, const uint8_t uuid[16], const char *file) {
    const struct art_superblock_page *page = &block->identity;
    if (memcmp(page->magic, ART_STORE_MAGIC, sizeof page->magic)) {
        return art_corrupt(file, 0, 0, "this is not an .art file, or its first page is lost");
    }
    if (page->sum != page_sum(page)) return art_corrupt(file, 0, 0, "the superblock's sum is wrong");
    if (page->format != ART_STORE_FORMAT || page->slot_bytes != ART_BLOB_SIZE) {
        return art_fail(
            ART_CANTOPEN,
            "art: the file has format %u with slots of %u bytes (%s): open it with the version of sqlite-art "
            "that made it",
            page->format, page->slot_bytes, file);
    }
    if (memcmp(page->uuid, uuid, sizeof page->uuid)) {
        return art_fail(
            ART_FOREIGN,
            "art: the .art file is that of another table (%s): put the file that belongs to this table there, "
            "or restore both from one backup",
            file);
    }
    return ART_OK;
}

/* A write of ours that a crash tore left some bytes new and the others zero. */
bool art_superblock_is_unfinished(const struct art_superblock *block, const uint8_t uuid[16]) {
    if (!memcmp(block->identity.magic, ART_STORE_MAGIC, sizeof block->identity.magic)) return true;
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
        if (owner_page_valid(candidate, uuid, i) && (!page || candidate->sequence > page->sequence)) page = candidate;
    }
    return page;
}

static bool same_host(const struct art_owner_page *page, const struct art_owner *me) {
    return me->host_inode && page->host_inode == me->host_inode;
}

void art_superblock_names(const struct art_superblock *block, const struct art_owner *me, bool *host, bool *path) {
    const struct art_owner_page *page = page_that_counts(block, block->identity.uuid);
    *host = page && same_host(page, me);
    *path = page && same_path(page, me->host_path);
}

enum art_ownership art_superblock_owner(const struct art_superblock *block, const uint8_t uuid[16],
                                        const struct art_owner *me, const struct art_owner_page **counts) {
    const struct art_owner_page *page = *counts = page_that_counts(block, uuid);
    if (!page) return ART_OWNER_UNKNOWN;
    bool path_equal = same_path(page, me->host_path), host_equal = same_host(page, me);
    bool host_known = page->host_inode && me->host_inode;
    if (page->own_inode != me->own_inode) return ART_OWNED_NOTE;
    if (!path_equal && !host_equal) return ART_OWNED_BY_OTHER;
    if (host_known && !host_equal) return ART_OWNED_BEFORE;
    return path_equal && (host_equal || !me->host_inode) ? ART_OWNED : ART_OWNED_NOTE;
}

void art_superblock_dump(const struct art_superblock *block, FILE *out) {
    const struct art_superblock_page *page = &block->identity;
    fprintf(out, "superblock: format %u, slots of %u bytes, sum %s\n", page->format, page->slot_bytes,
            page->sum == page_sum(page) ? "good" : "bad");
    for (unsigned i = 0; i < ART_OWNER_PAGES; i++) {
        const struct art_owner_page *owner = &block->owner[i];
        if (!owner_page_valid(owner, page->uuid, i)) {
            fprintf(out, "  owner page %u: not valid\n", 1 + i);
            continue;
        }
        fprintf(out, "  owner page %u: sequence %llu, own inode %llu, host inode %llu, host %.*s\n", 1 + i,
                (unsigned long long)owner->sequence, (unsigned long long)owner->own_inode,
                (unsigned long long)owner->host_inode, (int)owner->path_kept, (const char *)owner->path);
    }
}
