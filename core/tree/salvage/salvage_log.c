/* Which root, and the rows of the log that follow it.
 *
 *   a snapshot's        of which the host knows; nothing follows it
 *   row 0 of the log    unless the host's copy of the root is of a later generation: then somebody has replaced the row
 *   the host's copy     written with each new root
 *   the file's copy     written after each commit with a new root
 *   the first root      of a table that never had a run, if row 1 follows it
 *
 * A row of the log verifies by the hash of the row before it. Where one is missing or damaged, the next one cannot be
 * verified either, and the rows after it can: each begins with the hash that the following one needs. */
#include "core/store/root_copy.h"
#include "core/tree/salvage/private.h"
#include "core/tree/state/root_format.h"

static const char log_name[] = "the log";

/* --- the root ----------------------------------------------------------------------------------------------------- */

static enum art_rc decode(struct art_salvage *salvage, struct art_bytes bytes, struct art_root **out) {
    *out = NULL;
    enum art_rc rc = bytes.len ? art_root_decode(bytes, out) : ART_CORRUPT;
    if (rc == ART_CANTOPEN)
        return art_lost_everywhere(salvage, log_name, ART_NOWHERE, ART_NOWHERE, "%s", art_error_fault().what);
    return rc == ART_NOMEM ? rc : ART_OK;
}

static enum art_rc file_copy(struct art_salvage *salvage, struct art_root **out) {
    struct art_buffer bytes = {0};
    uint8_t uuid[ART_UUID_BYTES];
    *out = NULL;
    if (!salvage->io || !salvage->medium->has_superblock) return ART_OK;
    enum art_rc rc = art_root_copy_read(salvage->io, &bytes, uuid);
    bool ours = !rc && (!salvage->uuid_known || !memcmp(uuid, salvage->uuid, sizeof uuid));
    if (ours) rc = decode(salvage, art_buffer_bytes(&bytes), out);
    art_buffer_clear(&bytes);
    return rc == ART_NOMEM ? rc : ART_OK;
}

static enum art_rc choose_root(struct art_salvage *salvage) {
    struct art_root *row = salvage->log.row, *copy = NULL;
    assert(!salvage->log.chosen && !salvage->root);
    salvage->log.chosen = true;
    enum art_rc rc = decode(salvage, salvage->options.root, &copy);
    if (!rc && !row && !copy) rc = file_copy(salvage, &copy);
    if (rc) return rc;
    salvage->log.sound = row && (!copy || row->generation >= copy->generation);
    salvage->root = salvage->log.sound ? row : copy;
    art_root_unref(salvage->log.sound ? copy : row);
    salvage->log.row = NULL;
    if (!salvage->root) return ART_OK;
    salvage->log.last = salvage->root->csn;
    salvage->log.chain = salvage->root->chain;
    salvage->log.known = true;
    return ART_OK;
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static enum art_rc report_lost(struct art_salvage *salvage) {
    uint64_t from = salvage->log.lost_from, to = salvage->log.lost_to;
    salvage->log.lost_from = 0;
    if (!from) return ART_OK;
    return art_lost_everywhere(salvage, log_name, ART_NOWHERE, ART_NOWHERE,
                               from == to ? "the changes of version %llu are lost"
                                          : "the changes of versions %llu to %llu are lost",
                               (unsigned long long)from, (unsigned long long)to);
}

static void lose(struct art_salvage *salvage, uint64_t from, uint64_t to) {
    assert(from <= to && (!salvage->log.lost_from || from == salvage->log.lost_to + 1));
    if (!salvage->log.lost_from) salvage->log.lost_from = from;
    salvage->log.lost_to = to;
}

/* The table may never have had another root than its first. Where there are blobs it has had one, whose flush has left
 * this row. */
static enum art_rc try_first_root(struct art_salvage *salvage, uint64_t csn, struct art_bytes ops) {
    struct art_hash128 hash;
    if (salvage->root || csn != 1 || !salvage->uuid_known) return ART_OK;
    struct art_root *first = art_root_new(salvage->uuid);
    if (!first) return art_nomem();
    enum art_rc rc = art_redo_verify(ops, csn, first->chain, &hash);
    if (rc) {
        art_root_unref(first);
        return rc == ART_NOMEM ? rc : ART_OK;
    }
    salvage->log.chain = first->chain;
    salvage->log.known = true;
    if (salvage->slots)
        art_root_unref(first);
    else
        salvage->root = first;
    return ART_OK;
}

static enum art_rc take_change(struct art_salvage *salvage, uint64_t csn, struct art_bytes ops) {
    struct art_hash128 hash;
    enum art_rc rc = salvage->log.chosen ? ART_OK : choose_root(salvage);
    if (!rc) rc = try_first_root(salvage, csn, ops);
    if (rc) return rc;
    if (csn <= salvage->log.last || csn > ART_ROW_CSN_MAX) return ART_OK; /* the root has it, or nobody */
    bool first = !salvage->log.last && !salvage->log.known;
    if (!first && csn != salvage->log.last + 1) {
        lose(salvage, salvage->log.last + 1, csn - 1);
        salvage->log.known = false;
    }
    salvage->log.last = csn;
    bool known = salvage->log.known;
    struct art_hash128 before = salvage->log.chain;
    salvage->log.known = ops.len > sizeof before;
    if (salvage->log.known) memcpy(&salvage->log.chain, ops.data, sizeof before);
    rc = known ? art_redo_verify(ops, csn, before, &hash) : ART_REBUILD;
    if (rc == ART_NOMEM) return rc;
    if (rc) {
        lose(salvage, csn, csn);
        return ART_OK;
    }
    rc = report_lost(salvage);
    if (!rc) rc = art_redo_replay(ops, csn, salvage->memtable);
    salvage->log.taken += !rc;
    return rc;
}

static enum art_rc take_row_left(void *to, int64_t csn, struct art_bytes ops) {
    struct art_salvage *salvage = to;
    enum art_rc rc = art_salvage_interrupted(salvage);
    if (rc || csn < 0) return rc;
    salvage->log.any_row = true;
    if (csn) return take_change(salvage, (uint64_t)csn, ops);
    return salvage->log.row ? ART_OK : decode(salvage, ops, &salvage->log.row);
}

/* What cannot be known: whether there was more behind what is there. */
static enum art_rc report_end(struct art_salvage *salvage, bool unread) {
    enum art_rc rc = report_lost(salvage);
    unsigned long long last = (unsigned long long)salvage->log.last;
    if (rc || !salvage->root) return rc;
    bool read = salvage->log.sound && !unread, deleted = salvage->root->followed && last == salvage->root->csn;
    if (read && deleted) {
        return art_lost_everywhere(salvage, log_name, ART_NOWHERE, ART_NOWHERE,
                                   "the changes behind version %llu are lost: their rows were deleted", last);
    }
    if (read) return ART_OK;
    if (salvage->options.alone) {
        return art_lost_everywhere(salvage, salvage->place, ART_NOWHERE, ART_NOWHERE,
                                   "changes behind version %llu are not in this file: the log in the database has them",
                                   last);
    }
    if (salvage->log.taken && !unread) return ART_OK;
    return art_lost_everywhere(salvage, log_name, ART_NOWHERE, ART_NOWHERE,
                               "changes behind version %llu may be lost: the log %s", last,
                               salvage->log.any_row ? "is damaged" : "is empty or cannot be read");
}

static enum art_rc take_snapshots_root(struct art_salvage *salvage) {
    enum art_rc rc = art_root_decode(salvage->options.root, &salvage->root);
    if (rc != ART_CORRUPT) return rc;
    return art_fail(ART_CORRUPT, "art: the snapshot's root is damaged (the state table): copy out what is left of "
                                 "another snapshot, or of the table");
}

enum art_rc art_salvage_read_log(struct art_salvage *salvage) {
    const struct art_salvage_options *options = &salvage->options;
    enum art_rc rc = ART_OK;
    if (options->feature)
        rc = art_lost_everywhere(salvage, "the state table", ART_NOWHERE, ART_NOWHERE,
                                 "the table has the feature '%s', which this version cannot read", options->feature);
    if (!rc && options->snapshot) return take_snapshots_root(salvage);
    if (!rc && options->each_log_row) rc = options->each_log_row(options->context, take_row_left, salvage);
    bool unread = art_is_damage(rc) || (!options->each_log_row && !options->alone);
    if (rc && !unread) return rc;
    rc = salvage->log.chosen ? ART_OK : choose_root(salvage);
    return rc ? rc : report_end(salvage, unread);
}
