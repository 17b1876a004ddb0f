/* The .art file of a store: found or made, locked, and accepted as this table's and this database's.
 *
 *   reading     open -> superblock -> owner                       once; nothing is created or changed
 *   writing     open or create -> lock -> is it still the file of that name? -> hard links -> superblock -> owner
 *               each time: under the lock another connection may have made, adopted or replaced it
 *
 * All that a process reads of a file goes by one descriptor (core/linux/io_file.h); who writes has one of its own for
 * the time of the lock.
 *
 * Making a file and finding one that a crash or a rollback left before the first commit are one path: a file that no
 * root has named (`fresh`) and that can only be ours is written anew, synced, and its folder synced, before anything
 * else is written to it. What is ours beyond doubt is: empty, or no longer than slot 0's three pages and a torn
 * superblock of ours.
 */
#include <errno.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/base/platform.h"
#include "core/store/private.h"

/* Each time another process has removed or replaced the file meanwhile. The least that a device writes as a whole. */
enum { REOPEN_MAX = 4, SECTOR_BYTES = 512 };

static struct art_superblock *new_superblock(void) {
    return art_alloc_aligned(sizeof(struct art_superblock), ART_STORE_PAGE);
}

/* Behind each change of what is open. */
static void assert_location(const struct art_whereabouts *at) {
    assert(!at->checked || at->io);
    assert(!at->io_for_writing || (at->io && !at->rows));
    assert(!at->reader || (at->io_for_writing && at->reader != at->io));
    (void)at;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

/* A ring that has failed is not tried again by this store. */
static void note_ring(struct art_store *store, const struct art_io *io) {
    if (!io) return;
    store->count.ring_failures += io->ring_failures;
    store->count.ring_stalls += io->ring_stalls;
    store->count.ring_batches += io->ring_batches;
    if (io->ring_failures) store->engine = ART_ENGINE_PWRITE;
}

void art_store_close_file(struct art_store *store) {
    art_store_readahead_drop(store);
    note_ring(store, store->location.io);
    note_ring(store, store->location.reader);
    art_io_close(store->location.io);
    art_io_close(store->location.reader);
    store->location.io = store->location.reader = NULL;
    store->location.io_for_writing = store->location.checked = store->location.unclaimed = false;
    store->location.file_bytes = 0;
    assert_location(&store->location);
}

void art_store_close_writer(struct art_store *store) {
    struct art_io *writer = store->location.io_for_writing ? store->location.io : NULL;
    if (!writer && !store->location.reader) return; /* without a writer, but with a reader: none could be opened */
    art_store_readahead_drop(store);
    if (writer) {
        note_ring(store, writer);
        store->location.wrote_by = writer->engine;
        art_io_close(writer);
    }
    store->location.io = store->location.reader;
    store->location.reader = NULL;
    store->location.io_for_writing = false;
    if (!store->location.io) store->location.checked = false;
    assert_location(&store->location);
}

/* The database file's identity; inode 0 where it has no such file (another VFS, or it was removed), or on failure. A
 * new .art file takes its permissions and owner. */
static enum art_rc ask_host(const struct art_store *store, struct art_file_identity *out) {
    struct art_disk *disk = store->disk;
    enum art_rc rc = disk->methods->stat(disk, store->location.host_path, out);
    if (rc) {
        *out = (struct art_file_identity){.permissions = 0600};
        art_platform_user(&out->owner, &out->group);
    }
    return rc == ART_MISSING ? ART_OK : rc;
}

enum purpose { TO_READ, TO_WRITE, TO_CREATE };

static enum art_rc open_io(struct art_store *store, enum purpose purpose) {
    assert(store->location.medium->has_superblock);
    struct art_file_options options = {.path = store->location.path,
                                       .engine = store->engine,
                                       .direct = store->direct,
                                       .read_only = purpose == TO_READ};
    struct art_disk *disk = store->disk;
    if (purpose != TO_READ) options.pool = store->phase.pool;
    if (purpose == TO_CREATE) {
        struct art_file_identity host;
        enum art_rc rc = ask_host(store, &host);
        if (rc) return rc;
        options.create = true;
        options.permissions = host.permissions;
        options.owner = host.owner;
        options.group = host.group;
    }
    enum art_rc rc = disk->methods->open(disk, &options, &store->location.io);
    if (rc) store->location.io = NULL;
    store->location.io_for_writing = !rc && purpose != TO_READ;
    return rc;
}

static enum art_rc missing(const struct art_store *store) {
    return art_fail(
        ART_MISSING,
        "art: the .art file is missing (%s): it belongs to the database %s: copy it there from where the database "
        "came from, or copy the whole by art_backup(), or restore both from one backup (what the log has art_salvage "
        "copies out); has another connection dropped the table, end this transaction",
        store->location.path, store->location.host_path);
}

/* Nobody else's, and nothing is to be checked. */
static enum art_rc open_rows(struct art_store *store) {
    assert(!store->location.io && store->location.rows);
    struct art_file_identity identity;
    enum art_rc rc =
        art_io_rows_open(store->location.rows, store->location.rows_id, store->location.path, &store->location.io);
    if (!rc) rc = store->location.io->methods->identity(store->location.io, &identity);
    if (rc) {
        art_store_close_file(store);
        return rc;
    }
    store->location.key = (struct art_cache_key){identity.device, identity.inode, 0};
    store->location.file_bytes = identity.size;
    store->location.checked = true;
    return ART_OK;
}

/* ---- slot 0 ------------------------------------------------------------------------------------------------------ */

/* What the file has of slot 0, the rest zero. */
static enum art_rc read_superblock(struct art_store *store, uint64_t size, enum art_read from,
                                   struct art_superblock *out) {
    memset(out, 0, sizeof *out);
    uint64_t there = size < sizeof *out ? size / ART_PAGE * ART_PAGE : sizeof *out;
    assert(there % ART_PAGE == 0);
    struct art_io_request request = {out, (uint32_t)there, 0};
    return there ? art_io_read_from(store->location.io, &request, 1, from) : ART_OK;
}

static enum art_rc no_owner(const struct art_store *store) {
    return art_corrupt(
        store->location.path, 0, 1,
        "both owner pages are damaged, so the file is not written; let this database 'adopt' it if no other one "
        "uses it");
}

/* ART_OK: ours. A file whose owner nobody knows is no other database's either. */
static enum art_rc refuse_others(const struct art_store *store, enum art_ownership ownership,
                                 const struct art_owner_page *owner) {
    if (!owner) return ART_OK;
    int path_kept = (int)art_min32(owner->path_kept, 300);
    switch (ownership) {
    case ART_OWNED_BY_OTHER:
        return art_fail(
            ART_FOREIGN,
            "art: the .art file is that of another database (%s belongs to %.*s): this database was copied or moved "
            "without it: copy or move both together, or copy by art_backup(), or, if the other database is gone, let "
            "this one 'adopt' the file",
            store->location.path, path_kept, (const char *)owner->path);
    case ART_OWNED_BY_COPIED_UP:
        return art_fail(
            ART_FOREIGN,
            "art: the .art file can be read and not written: the database's file was made anew under its old inode, as "
            "an overlay file system does that copies it up (%s): if no other database needs the file, let this one "
            "'adopt' it",
            store->location.path);
    case ART_OWNED_BY_COPY:
        return art_fail(
            ART_FOREIGN,
            "art: the .art file is a copy that no database has claimed, made with one of another name (%s, with a copy "
            "of %.*s): give the database that name, or, if no other one needs the file, let this one 'adopt' it",
            store->location.path, path_kept, (const char *)owner->path);
    case ART_OWNED_BEFORE:
        return art_fail(
            ART_FOREIGN,
            "art: the .art file belongs to another database file that stood here before (%s): put that one back, or, "
            "if it is gone, let this one 'adopt' the file",
            store->location.path);
    default:
        return ART_OK;
    }
}

/* A reader may go by the path alone; what is written must name the database's file, or later nobody would know whose it
 * is. */
static enum art_rc who_are_we(const struct art_store *store, const struct art_file_identity *own,
                              struct art_file_identity *host, struct art_owner *out) {
    enum art_rc rc = ask_host(store, host);
    *out = (struct art_owner){.own_inode = own->inode,
                              .own_birth = own->birth,
                              .host_inode = host->inode,
                              .host_birth = host->birth,
                              .host_path = store->location.host_path,
                              .host_links = host->links};
    return rc;
}

/* The rights of the database's file, whatever they are by now. */
static void follow_rights(struct art_store *store, const struct art_file_identity *own,
                          const struct art_file_identity *host) {
    struct art_io *io = store->location.io;
    bool same = own->permissions == host->permissions && own->owner == host->owner && own->group == host->group;
    if (host->inode && !same && io->methods->take_rights) io->methods->take_rights(io, host);
}

/* The superblock as it should be, in `block`. */
static enum art_rc look_inside(struct art_store *store, const struct art_file_identity *own, enum art_read from,
                               struct art_superblock *block) {
    if (own->size < sizeof *block) return art_corrupt(store->location.path, 0, ART_NOWHERE, "the file is cut short");
    enum art_rc rc = read_superblock(store, own->size, from, block);
    return rc ? rc : art_superblock_check(block, store->uuid, store->location.path);
}

/* The database that an unclaimed copy was made with, beside this one? While it is not there, nobody else has a use for
 * the file, and to read it harms nobody: each page is verified against the database's own root. */
static bool is_there(const struct art_store *store, const struct art_owner_page *owner) {
    struct art_bytes base = art_owner_page_base(owner);
    const char *host = store->location.host_path, *slash = strrchr(host, '/');
    size_t folder = slash ? (size_t)(slash + 1 - host) : 0;
    char *path = art_alloc(folder + base.len + 1);
    if (!path) return true;
    memcpy(path, host, folder);
    if (base.len) memcpy(path + folder, base.data, base.len);
    path[folder + base.len] = 0;
    struct art_file_identity identity;
    bool there = !base.len || store->disk->methods->stat(store->disk, path, &identity) != ART_MISSING;
    art_free(path);
    return there;
}

/* The system's page cache is asked first, which opens a file ten times as fast. If it says that the file is ours, that
 * is enough for reading: it may be out of date, but an owner read from the device is not asked again later either.
 * Anything else has to stand on the device. */
static enum art_rc accept_for_reading(struct art_store *store, struct art_superblock *block) {
    struct art_file_identity own = {0}, host;
    struct art_owner me;
    const struct art_owner_page *owner;
    assert(store->location.io && !store->location.checked);
    enum art_ownership ownership = ART_OWNER_UNKNOWN;
    enum art_rc rc = store->location.io->methods->identity(store->location.io, &own);
    if (rc) return rc;
    (void)who_are_we(store, &own, &host, &me);
    if (store->location.io->cached && !look_inside(store, &own, ART_READ_CACHED, block))
        ownership = art_superblock_owner(block, store->uuid, &me, &owner);
    if (ownership != ART_OWNED) {
        rc = look_inside(store, &own, ART_READ_DEVICE, block);
        if (rc) return rc;
        ownership = art_superblock_owner(block, store->uuid, &me, &owner);
        bool renamed = ownership == ART_OWNED_BY_COPY && !is_there(store, owner);
        bool harmless = renamed || ownership == ART_OWNED_BY_COPIED_UP; /* all that is read is verified */
        if (!harmless) rc = refuse_others(store, ownership, owner);
    }
    if (rc) return rc;
    store->location.unclaimed = ownership != ART_OWNED || (host.inode && art_is_more_open(&own, &host));
    store->location.key = (struct art_cache_key){own.device, own.inode, 0};
    store->location.file_bytes = own.size;
    store->location.checked = true;
    return ART_OK;
}

enum art_rc art_store_ready(struct art_store *store) {
    if (store->location.checked) return ART_OK;
    if (!store->location.medium->has_superblock) return open_rows(store);
    enum art_rc rc = store->location.io ? ART_OK : open_io(store, TO_READ);
    if (rc == ART_MISSING) missing(store);
    if (rc) return rc;
    struct art_superblock *block = new_superblock();
    rc = block ? accept_for_reading(store, block) : art_nomem();
    art_free_aligned(block);
    if (rc) art_store_close_file(store);
    assert_location(&store->location);
    return rc;
}

bool art_store_unclaimed(const struct art_store *store) {
    return store->location.checked && store->location.unclaimed;
}

enum art_rc art_store_check_owner(struct art_store *store) {
    enum art_rc rc = art_store_ready(store);
    if (rc || !store->location.medium->has_superblock) return rc;
    struct art_file_identity own = {0}, host;
    struct art_owner me;
    const struct art_owner_page *owner = NULL;
    struct art_superblock *block = new_superblock();
    rc = block ? store->location.io->methods->identity(store->location.io, &own) : art_nomem();
    if (!rc) rc = look_inside(store, &own, ART_READ_DEVICE, block);
    if (!rc) {
        who_are_we(store, &own, &host, &me);
        if (art_superblock_owner(block, store->uuid, &me, &owner) == ART_OWNER_UNKNOWN) rc = no_owner(store);
    }
    art_free_aligned(block);
    return rc;
}

/* ---- writing slot 0 ---------------------------------------------------------------------------------------------- */

enum art_rc art_store_poison(struct art_store *store, enum art_rc rc) {
    assert(rc);
    if (!store->poisoned) {
        store->poisoned = true;
        const char *message = art_error_message();
        size_t length = strnlen(message, sizeof store->poison - 1);
        memcpy(store->poison, message, length);
        store->poison[length] = 0;
    }
    return rc;
}

static enum art_rc write_at(struct art_store *store, void *data, uint32_t len, uint64_t offset) {
    assert(len % ART_PAGE == 0 && offset + len <= sizeof(struct art_superblock));
    struct art_io_request request = {data, len, offset};
    enum art_rc rc = art_io_write(store->location.io, &request, 1);
    enum art_rc waited = art_io_wait(store->location.io);
    if (!rc) rc = waited;
    if (!rc) store->count.pages_written += len / ART_PAGE;
    return rc;
}

static enum art_rc sync_blobs(struct art_store *store) {
    enum art_rc rc = art_io_sync(store->location.io);
    if (rc) return art_store_poison(store, rc);
    store->count.syncs++;
    return ART_OK;
}

enum art_rc art_store_write_owner(struct art_store *store, bool copied) {
    assert(store->location.io_for_writing);
    struct art_owner_page *page = art_alloc_aligned(sizeof *page, ART_STORE_PAGE);
    if (!page) return art_nomem();
    struct art_file_identity own = {0}, host;
    struct art_owner me;
    enum art_rc rc = store->location.io->methods->identity(store->location.io, &own);
    if (!rc) rc = who_are_we(store, &own, &host, &me);
    if (!rc) {
        uint64_t sequence = store->phase.owner_sequence + 1;
        art_owner_page_make(page, store->uuid, &me, sequence, copied);
        rc = write_at(store, page, sizeof *page, art_owner_page_offset(sequence));
        if (!rc) rc = sync_blobs(store);
        if (!rc) store->phase.owner_sequence = sequence;
    }
    art_free_aligned(page);
    return rc;
}

static enum art_rc initialise(struct art_store *store, const struct art_owner *me, struct art_superblock *block) {
    assert(store->location.io_for_writing);
    art_superblock_make(block, store->uuid, me);
    store->phase.owner_sequence = 1;
    return write_at(store, block, sizeof *block, 0);
}

/* The file and its name last before a root can name what is in it. The folder's sync is not known to have been done by
 * any connection made the file, so every phase of a fresh table does it. */
static enum art_rc make_durable(struct art_store *store) {
    enum art_rc rc = sync_blobs(store);
    if (rc) return rc;
    rc = store->disk->methods->sync_directory(store->disk, store->location.path);
    bool tried = rc && rc != ART_NOMEM && rc != ART_CANTOPEN; /* else nothing was synced, and nothing is lost */
    return tried ? art_store_poison(store, rc) : rc;
}

/* ---- accepting for writing --------------------------------------------------------------------------------------- */

static enum art_rc in_the_way(const struct art_store *store) {
    return art_fail(ART_FOREIGN, "art: a file that is not ours has the name of the new .art file (%s): move it away",
                    store->location.path);
}

static enum art_rc two_names(const char *what, const char *path, uint64_t links) {
    return art_fail(
        ART_READONLY,
        "art: the %s has %llu names (%s): a hard link leads two databases to one file: replace it by a copy", what,
        (unsigned long long)links, path);
}

static enum art_rc accept_owner(struct art_store *store, struct art_superblock *block, const struct art_owner *me,
                                bool fresh, bool adopt, const struct art_file_identity *own) {
    assert(store->location.io_for_writing && own->size >= sizeof *block);
    const struct art_owner_page *owner;
    enum art_ownership ownership = art_superblock_owner(block, store->uuid, me, &owner);
    store->phase.owner_sequence = owner ? owner->sequence : 0;
    enum art_rc rc = adopt ? ART_OK : refuse_others(store, ownership, owner);
    if (rc) return rc;
    /* A root without runs needs nothing of the file, and would write over all of it: another database may need it. */
    if (fresh && !adopt && ownership == ART_OWNED_UNCLAIMED && own->size > ART_BLOB_SIZE) return in_the_way(store);
    if (own->links > 1) return two_names(".art file", store->location.path, own->links);
    if (me->host_links > 1) return two_names("database file", me->host_path, me->host_links);
    store->phase.was_copied = owner && owner->copied;
    if (adopt) return art_store_write_owner(store, false);
    if (!owner) return fresh && own->size <= sizeof *block ? initialise(store, me, block) : no_owner(store);
    /* The process that left it may have failed to sync it: the system then shows bytes that it has lost. The same ones
     * again. */
    if (fresh) rc = write_at(store, block, sizeof *block, 0);
    bool notes = ownership != ART_OWNED || owner->copied;
    return !rc && notes ? art_store_write_owner(store, false) : rc;
}

/* A crash may leave a part of a page at the end, in whole sectors, and only whole pages can be read: such a file is
 * filled up to be looked at, and cut back if it is not ours. */
static enum art_rc begin_anew(struct art_store *store, const struct art_file_identity *own, const struct art_owner *me,
                              struct art_superblock *block) {
    assert(store->location.io_for_writing);
    uint64_t size = own->size;
    if (size > sizeof *block || size % SECTOR_BYTES || own->links > 1) return in_the_way(store);
    enum art_rc rc =
        size % ART_PAGE ? store->location.io->methods->truncate(store->location.io, sizeof *block) : ART_OK;
    if (!rc) rc = read_superblock(store, size % ART_PAGE ? sizeof *block : size, ART_READ_DEVICE, block);
    if (rc) return rc;
    if (art_superblock_is_unfinished(block, store->uuid)) return initialise(store, me, block);
    if (size % ART_PAGE) rc = store->location.io->methods->truncate(store->location.io, size);
    return rc ? rc : in_the_way(store);
}

static enum art_rc accept_for_writing(struct art_store *store, const struct art_file_identity *own, bool fresh,
                                      bool adopt, struct art_superblock *block) {
    struct art_file_identity host;
    struct art_owner me;
    enum art_rc rc = who_are_we(store, own, &host, &me);
    if (rc) return rc;
    rc = look_inside(store, own, ART_READ_DEVICE, block);
    if (!rc) {
        rc = accept_owner(store, block, &me, fresh, adopt, own);
    } else if (rc == ART_CORRUPT && fresh) {
        rc = begin_anew(store, own, &me, block);
    }
    if (!rc) follow_rights(store, own, &host);
    if (!rc && fresh) rc = make_durable(store);
    return rc;
}

/* ---- locking ----------------------------------------------------------------------------------------------------- */

static enum art_rc open_for_writing(struct art_store *store, bool fresh, bool *created) {
    enum art_rc rc = art_write_pool_take(&store->phase.pool);
    if (rc) return rc;
    art_store_readahead_drop(store);
    assert(!store->location.reader);
    store->location.reader = store->location.io;
    store->location.io = NULL;
    bool creates = store->for_another && !store->onto;
    rc = open_io(store, creates ? TO_CREATE : TO_WRITE);
    if (creates) *created = !rc;
    if (rc == ART_MISSING && fresh) {
        rc = open_io(store, TO_CREATE);
        *created = !rc;
        bool exists = rc == ART_CANTOPEN && (art_error_errno() == EEXIST || !art_error_errno());
        if (exists) rc = open_io(store, TO_WRITE); /* somebody was faster */
    }
    if (rc == ART_MISSING) missing(store);
    return rc;
}

/* Locked, and still the file that the path leads to? *again: it was replaced or removed since it was opened. */
static enum art_rc lock_once(struct art_store *store, struct art_file_identity *own, bool *again) {
    assert(store->location.io_for_writing);
    struct art_file_identity named = {.inode = 0};
    struct art_disk *disk = store->disk;
    *again = false;
    enum art_rc rc = store->location.io->methods->lock(store->location.io);
    if (rc) return rc;
    rc = store->location.io->methods->identity(store->location.io, own);
    if (!rc) rc = disk->methods->stat(disk, store->location.path, &named);
    *again = rc == ART_MISSING || (!rc && (named.inode != own->inode || named.device != own->device));
    return *again ? ART_OK : rc;
}

static enum art_rc lock_named_file(struct art_store *store, bool fresh, struct art_file_identity *own, bool *created) {
    for (unsigned i = 0; i < REOPEN_MAX; i++) {
        bool again = false;
        *created = false; /* the one that was made before is not the one that is there now */
        enum art_rc rc = open_for_writing(store, fresh, created);
        if (!rc) rc = lock_once(store, own, &again);
        if (rc || !again) return rc;
        art_store_close_file(store);
    }
    return art_fail(ART_BUSY, "art: the .art file is being replaced again and again (%s): try later",
                    store->location.path);
}

/* Another database may have locked a file of its own under the name that ours is to have; it may just have begun it. */
static enum art_rc whose_lock(struct art_store *store, bool *created) {
    struct art_file_identity own = {0}, host;
    struct art_owner me;
    const struct art_owner_page *owner = NULL;
    *created = false; /* who has locked it begins it */
    struct art_superblock *block = new_superblock();
    enum art_rc rc = block ? store->location.io->methods->identity(store->location.io, &own) : art_nomem();
    if (!rc) rc = who_are_we(store, &own, &host, &me);
    if (!rc) rc = look_inside(store, &own, ART_READ_DEVICE, block);
    enum art_ownership ownership = rc ? ART_OWNED : art_superblock_owner(block, store->uuid, &me, &owner);
    if (!rc) rc = refuse_others(store, ownership, owner);
    art_free_aligned(block);
    return rc == ART_CORRUPT ? in_the_way(store) : rc ? rc : ART_BUSY;
}

/* A file that was made here and came to nothing: without a whole superblock nobody could tell later whose it is. The
 * host's write lock is held, so nobody else has a use for it yet. */
static void remove_created(const struct art_store *store) {
    assert(store->location.io_for_writing);
    struct art_kept_error why;
    art_error_keep(&why);
    store->disk->methods->remove(store->disk, store->location.path);
    art_error_restore(&why);
}

/* By now, since later the name may lead to another file. If it cannot be had, a reader opens the file again. */
static void open_reader(struct art_store *store) {
    assert(!store->location.reader && store->location.io_for_writing);
    struct art_io *writer = store->location.io;
    struct art_file_identity identity;
    if (!open_io(store, TO_READ)) {
        struct art_io *reader = store->location.io;
        bool same = !reader->methods->identity(reader, &identity) && identity.inode == store->location.key.inode &&
                    identity.device == store->location.key.device;
        if (same) store->location.reader = reader;
        if (!same) art_io_close(reader);
    }
    store->location.io = writer;
    store->location.io_for_writing = true;
}

enum art_rc art_store_lock_file(struct art_store *store, bool fresh, bool adopt) {
    struct art_file_identity own = {0};
    bool created = false;
    if (!store->location.medium->has_superblock) {
        enum art_rc rc = art_store_ready(store);
        if (!rc) rc = art_write_pool_take(&store->phase.pool);
        return rc ? rc : store->location.io->methods->size(store->location.io, &store->location.file_bytes);
    }
    enum art_rc rc = lock_named_file(store, fresh, &own, &created);
    bool not_opened =
        rc && !store->location.io && store->location.reader; /* what is being read goes on by its descriptor */
    if (rc == ART_BUSY && fresh && store->location.io) rc = whose_lock(store, &created);
    if (rc == ART_BUSY || not_opened) {
        art_store_close_writer(store);
        return rc;
    }
    struct art_superblock *block = rc ? NULL : new_superblock();
    if (!rc) rc = block ? accept_for_writing(store, &own, fresh, adopt, block) : art_nomem();
    art_free_aligned(block);
    if (!rc) rc = store->location.io->methods->size(store->location.io, &store->location.file_bytes);
    if (rc) { /* with the file goes the lock */
        if (created) remove_created(store);
        art_store_close_file(store);
        return rc;
    }
    if (store->location.reader &&
        (store->location.key.inode != own.inode || store->location.key.device != own.device)) {
        art_io_close(store->location.reader);
        store->location.reader = NULL;
    }
    store->location.key = (struct art_cache_key){own.device, own.inode, 0};
    store->location.checked = true;
    store->location.unclaimed = false;
    if (!store->location.reader && !store->for_another) open_reader(store);
    assert(store->location.io_for_writing);
    assert_location(&store->location);
    return ART_OK;
}
