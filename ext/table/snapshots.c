/* Named snapshots of a table, as rows of T_artstate. A snapshot is a root that stays: the slots that it names are
 * written no more.
 *
 *     snapshot NAME   u8 layout | u64 csn | u64 time | u32 n | root, n bytes | u32 m | set of slots, m bytes | u64 hash
 *     held            set | u64 hash      slots that any snapshot names
 *     let go          set | u64 hash      slots that only dropped snapshots have named. The next new root retires them
 *
 * A set is bytes of core's (core/tree/run/held.c). Numbers are little endian, `time` is in milliseconds since 1970, and
 * a hash is over the key and all that stands before it: one row's value is none for another. An empty set has no row,
 * but for `held` beside `let go`: so who takes the one row away is found, as core finds who takes both.
 *
 *     the command    writes an empty row, and notes its name
 *     the commit     fills these rows in with the root that it has prepared, and adds their slots to `held`
 *     a drop         removes its row. The commit then moves what no other one names from `held` to `let go`, once for
 *                    all drops. That needs no new root
 *
 * All of it is rows of SQLite's, so its savepoints take it back. What this transaction has made are the rows whose
 * names it has noted: a ROLLBACK TO forgets names as SQLite forgets rows. A COMMIT that was refused has filled them in,
 * and another one may prepare another root: so they are emptied before that, and `held` is as without them. For those
 * who read them they are not there before the COMMIT has succeeded.
 *
 * Both sets follow from the other rows, but for what was let go. So a damaged snapshot can be dropped, and what it has
 * held stays until no damaged one is left. Where one of the two sets is damaged or missing, the next command works both
 * out anew: what no snapshot names then counts as let go.
 *
 * While `held` or `let go` is there the root says so (core).
 */
#include "ext/table/table.h"

#include "core/base/hash.h"
#include "core/tree/history.h"

#include <stdio.h>

enum { LAYOUT = 1, LAYOUT_BYTES = 1, HEADER_BYTES = LAYOUT_BYTES + 8 + 8, LENGTH_BYTES = 4, HASH_BYTES = 8 };
enum { KEY_BYTES = sizeof ART_SNAPSHOT_KEY - 1 };
static const char held_key[] = "held", let_go_key[] = "let go";

/* --- keys and values ---------------------------------------------------------------------------------------------- */

struct row_key {
    char text[KEY_BYTES + ART_SNAPSHOT_NAME_MAX + 1];
};

static struct row_key snapshot_key(const char *name) {
    struct row_key key;
    assert(strlen(name) <= ART_SNAPSHOT_NAME_MAX); /* the command has asked art_snapshot_name_is_sound() */
    memcpy(key.text, ART_SNAPSHOT_KEY, KEY_BYTES);
    strcpy(key.text + KEY_BYTES, name);
    return key;
}

bool art_snapshot_name_is_sound(struct art_bytes name) {
    return name.len && name.len <= ART_SNAPSHOT_NAME_MAX && !memchr(name.data, 0, name.len);
}

static struct art_bytes text_bytes(const char *text) {
    return art_bytes(text, (uint32_t)strlen(text));
}

/* The name of `made` that this is, or NULL. */
static const char *find_made(const struct art_table *table, struct art_bytes name) {
    for (unsigned i = 0; i < table->made_count; i++) {
        const char *each = table->made[i];
        if (strlen(each) == name.len && !memcmp(each, name.data, name.len)) return each;
    }
    return NULL;
}

static struct art_bytes take_part(struct art_bytes *from, uint32_t len) {
    assert(len <= from->len);
    struct art_bytes part = art_bytes(from->data, len);
    *from = art_bytes(from->data + len, from->len - len);
    return part;
}

/* False: there are not so many. */
static bool take_counted(struct art_bytes *from, struct art_bytes *out) {
    if (from->len < LENGTH_BYTES) return false;
    uint32_t len = art_load32(take_part(from, LENGTH_BYTES).data);
    if (len > from->len) return false;
    *out = take_part(from, len);
    return true;
}

static uint64_t hash_of(struct art_bytes key, const void *value, size_t len) {
    const struct art_hash_part parts[] = {{key.data, key.len}, {value, len}};
    return art_hash128_parts(parts, 2).low;
}

/* Takes the hash off the end; false: it is not that of what stands before it. */
static bool take_hash(struct art_bytes key, struct art_bytes *from, uint64_t *hash) {
    if (from->len < HASH_BYTES) return false;
    from->len -= HASH_BYTES;
    *hash = art_load64(from->data + from->len);
    return hash_of(key, from->data, from->len) == *hash;
}

static bool decode_row(struct art_bytes key, struct art_bytes value, struct art_snapshot_row *out) {
    if (!take_hash(key, &value, &out->hash) || value.len < HEADER_BYTES || value.data[0] != LAYOUT) return false;
    out->csn = art_load64(value.data + LAYOUT_BYTES);
    out->time = art_load64(value.data + LAYOUT_BYTES + 8);
    take_part(&value, HEADER_BYTES);
    return take_counted(&value, &out->root) && take_counted(&value, &out->slots) && !value.len && out->root.len;
}

bool art_snapshot_root_left(struct art_bytes value, struct art_bytes *root) {
    if (value.len < HEADER_BYTES) return false;
    take_part(&value, HEADER_BYTES);
    return take_counted(&value, root) && root->len;
}

static enum art_rc append_hash(const char *key, struct art_buffer *buffer) {
    uint8_t bytes[HASH_BYTES];
    art_store64(bytes, hash_of(text_bytes(key), buffer->data, buffer->len));
    return art_buffer_append(buffer, bytes, sizeof bytes);
}

static enum art_rc append_counted(struct art_buffer *buffer, const struct art_buffer *part) {
    uint8_t bytes[LENGTH_BYTES];
    art_store32(bytes, (uint32_t)part->len);
    enum art_rc rc = art_buffer_append(buffer, bytes, sizeof bytes);
    return rc ? rc : art_buffer_append(buffer, part->data, part->len);
}

static enum art_rc encode_row(uint64_t csn, uint64_t time, const struct art_buffer *root,
                              const struct art_buffer *slots, struct art_buffer *out) {
    assert(root->len && !out->len);
    uint8_t header[HEADER_BYTES] = {LAYOUT};
    art_store64(header + LAYOUT_BYTES, csn);
    art_store64(header + LAYOUT_BYTES + 8, time);
    enum art_rc rc = art_buffer_append(out, header, sizeof header);
    if (!rc) rc = append_counted(out, root);
    return rc ? rc : append_counted(out, slots);
}

/* --- messages ----------------------------------------------------------------------------------------------------- */

/* So many bytes of a name are shown: what is asked for, and what a damaged row has, may be longer than any. */
static int shown_bytes(struct art_bytes name) {
    enum { SHOWN_BYTES_MAX = 100 };
    return name.len < SHOWN_BYTES_MAX ? (int)name.len : SHOWN_BYTES_MAX;
}

int art_snapshot_unknown(const struct art_table *table, struct art_bytes name, char **message) {
    const struct art_name *of = table->name;
    return art_complain(message, SQLITE_ERROR, "art: there is no snapshot '%.*s' (%s): see art_snapshots('%s.%s')",
                        shown_bytes(name), (const char *)name.data, of->table, of->schema, of->table);
}

static int complain_damaged(const struct art_table *table, struct art_bytes name, char **message) {
    return art_complain(message, SQLITE_CORRUPT_VTAB,
                        "art: the snapshot '%.*s' is damaged (%s.%s_artstate): drop it, or restore the database from a "
                        "backup",
                        shown_bytes(name), (const char *)name.data, table->name->schema, table->name->table);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* The value of a row that is there, taken as far as a reader may know it. */
static int take_snapshot_row(const struct art_table *table, struct art_bytes key, struct art_bytes value,
                             struct art_snapshot_row *out, char **message) {
    struct art_bytes name = art_bytes(key.data + KEY_BYTES, key.len - KEY_BYTES);
    out->there = true;
    bool sound = art_snapshot_name_is_sound(name);
    if (sound && (find_made(table, name) || decode_row(key, value, out))) return SQLITE_OK;
    return complain_damaged(table, name, message);
}

int art_snapshot_read(struct art_table *table, struct art_bytes name, struct art_snapshot_row *out, char **message) {
    *out = (struct art_snapshot_row){0};
    if (!art_snapshot_name_is_sound(name)) return SQLITE_OK;
    char text[ART_SNAPSHOT_NAME_MAX + 1];
    memcpy(text, name.data, name.len);
    text[name.len] = 0;
    struct row_key key = snapshot_key(text);
    bool there;
    int rc = art_shadow_find(table, key.text, &out->bytes, &there, message);
    if (!rc && there) rc = take_snapshot_row(table, text_bytes(key.text), art_buffer_bytes(&out->bytes), out, message);
    return rc;
}

void art_snapshot_row_clear(struct art_snapshot_row *row) {
    art_buffer_clear(&row->bytes);
    *row = (struct art_snapshot_row){0};
}

/* Steps through the rows of snapshots, or what of them `columns` says. */
static int prepare_rows(struct art_table *table, const char *columns, sqlite3_stmt **out, char **message) {
    const struct art_name *name = table->name;
    sqlite3 *db = table->connection->db;
    int rc = art_prepare(db, 0, out,
                         sqlite3_mprintf("SELECT %s FROM \"%w\".\"%w_artstate\" WHERE k >= '" ART_SNAPSHOT_KEY
                                         "' AND k < '" ART_SNAPSHOT_KEYS_END "' ORDER BY k",
                                         columns, name->schema, name->table));
    return rc ? art_report_sql(message, db, rc, "cannot read %s.%s_artstate", name->schema, name->table) : SQLITE_OK;
}

static int end_rows(struct art_table *table, sqlite3_stmt *rows, int rc, char **message) {
    int end = sqlite3_finalize(rows);
    if (rc || !end) return rc;
    return art_report_sql(message, table->connection->db, end, "cannot read %s.%s_artstate", table->name->schema,
                          table->name->table);
}

int art_snapshots_each(struct art_table *table, art_snapshot_visit *visit, void *context, char **message) {
    sqlite3_stmt *rows;
    int rc = prepare_rows(table, "k, v", &rows, message);
    if (rc) return rc;
    while (!rc && art_shadow_step(table->connection, rows) == SQLITE_ROW) {
        const uint8_t *key = sqlite3_column_blob(rows, 0), *value = sqlite3_column_blob(rows, 1);
        int len = sqlite3_column_bytes(rows, 0);
        struct art_snapshot_row row = {0};
        if (!key || len < KEY_BYTES || memcmp(key, ART_SNAPSHOT_KEY, KEY_BYTES) != 0) continue;
        struct art_bytes name = art_bytes(key + KEY_BYTES, (uint32_t)(len - KEY_BYTES));
        rc = take_snapshot_row(table, art_bytes(key, (uint32_t)len),
                               art_bytes(value, (uint32_t)sqlite3_column_bytes(rows, 1)), &row, message);
        if (!rc) rc = visit(context, name, &row, message);
    }
    return end_rows(table, rows, rc, message);
}

int art_snapshots_count(struct art_table *table, uint64_t *out, char **message) {
    sqlite3_stmt *rows;
    *out = 0;
    int rc = prepare_rows(table, "count(*)", &rows, message);
    if (!rc && art_shadow_step(table->connection, rows) == SQLITE_ROW) *out = (uint64_t)sqlite3_column_int64(rows, 0);
    return rc ? rc : end_rows(table, rows, rc, message);
}

/* --- the two sets ------------------------------------------------------------------------------------------------- */

static int complain_slots(const struct art_table *table, const char *key, const char *what, char **message) {
    return art_complain(message, SQLITE_CORRUPT_VTAB,
                        "art: '%s' is %s (%s.%s_artstate): make or drop a snapshot, and it is worked out anew", key,
                        what, table->name->schema, table->name->table);
}

static int read_slots(struct art_table *table, const char *key, struct art_buffer *out, bool *there, char **message) {
    uint64_t hash;
    assert(!out->len);
    int rc = art_shadow_find(table, key, out, there, message);
    if (rc || !*there) return rc;
    struct art_bytes set = art_buffer_bytes(out);
    if (!take_hash(text_bytes(key), &set, &hash)) return complain_slots(table, key, "damaged", message);
    out->len = set.len;
    return SQLITE_OK;
}

static int read_both(struct art_table *table, struct art_buffer *held, struct art_buffer *let_go, char **message) {
    bool holds, lets_go;
    held->len = let_go->len = 0;
    int rc = read_slots(table, held_key, held, &holds, message);
    if (!rc) rc = read_slots(table, let_go_key, let_go, &lets_go, message);
    if (!rc && lets_go && !holds) rc = complain_slots(table, held_key, "missing", message);
    return rc;
}

static int remove_if_there(struct art_table *table, const char *key, char **message) {
    struct art_buffer ignored = {0};
    bool there;
    int rc = art_shadow_find(table, key, &ignored, &there, message);
    art_buffer_clear(&ignored);
    return rc || !there ? rc : art_shadow_remove(table, key, message);
}

/* The set becomes the row's value, with a hash at its end. */
static int put_slots(struct art_table *table, const char *key, struct art_buffer *set, char **message) {
    int rc = art_report(message, append_hash(key, set));
    return rc ? rc : art_shadow_put(table, key, set->data, set->len, message);
}

/* Behind what was let go. */
static int write_held(struct art_table *table, struct art_buffer *set, bool lets_go, char **message) {
    return set->len || lets_go ? put_slots(table, held_key, set, message) : remove_if_there(table, held_key, message);
}

/* A root has retired what was let go. */
static int end_let_go(struct art_table *table, char **message) {
    struct art_buffer held = {0};
    bool there;
    int rc = remove_if_there(table, let_go_key, message);
    if (!rc) rc = read_slots(table, held_key, &held, &there, message);
    if (!rc && there && !held.len) rc = art_shadow_remove(table, held_key, message);
    art_buffer_clear(&held);
    return rc;
}

static int unite(void *context, struct art_bytes name, const struct art_snapshot_row *row, char **message) {
    (void)name;
    return art_report(message, art_slots_unite(context, row->slots));
}

/* As they stand. A COMMIT that was refused may have taken both away. */
static int read_sound(struct art_table *table, struct art_buffer *held, struct art_buffer *let_go, char **message) {
    int rc = read_both(table, held, let_go, message);
    bool none = !rc && !held->len && !let_go->len;
    bool missing = none && art_tree_has_held(table->tree) && !art_commit_attempted(table);
    return missing ? complain_slots(table, held_key, "missing", message) : rc;
}

/* Have the rows of this transaction's snapshots, and `held`, more than they should? */
static bool was_refused(const struct art_table *table) {
    return art_commit_attempted(table) && table->made_count;
}

/* Where they are to be worked out, `held` has nothing that a refused COMMIT has written. */
int art_snapshots_held(struct art_table *table, struct art_buffer *held, struct art_buffer *let_go, char **message) {
    struct art_buffer named = {0}, gone = {0};
    bool anew = table->requested & ART_REQUEST_HELD;
    int rc = read_sound(table, held, let_go, message);
    bool lost = anew && rc == SQLITE_CORRUPT_VTAB;
    if (lost) {
        art_forget_message(message);
        let_go->len = 0;
        rc = art_report(message, art_slots_all(held));
    }
    if (rc || (!anew && !was_refused(table))) return rc;
    rc = art_snapshots_each(table, unite, &named, message);
    if (anew && !lost && rc == SQLITE_CORRUPT_VTAB) { /* nobody knows what it names: nothing is let go */
        art_forget_message(message);
        art_buffer_clear(&named);
        return SQLITE_OK;
    }
    if (!rc && anew) {
        rc = art_report(message, art_slots_without(art_buffer_bytes(held), art_buffer_bytes(&named), &gone));
        if (!rc) rc = art_report(message, art_slots_unite(let_go, art_buffer_bytes(&gone)));
    }
    art_buffer_clear(held);
    art_buffer_clear(&gone);
    *held = named;
    return rc;
}

/* --- commands ----------------------------------------------------------------------------------------------------- */

/* One that was noted before, and dropped since, is noted still: what takes that back takes this back, too. */
static int note_made(struct art_table *table, const char *name) {
    if (find_made(table, text_bytes(name))) return SQLITE_OK;
    if (art_grow(&table->made, &table->made_capacity, table->made_count + 1, sizeof *table->made)) return SQLITE_NOMEM;
    char *copy = art_string_copy(name);
    if (!copy) return SQLITE_NOMEM;
    table->made[table->made_count++] = copy;
    return SQLITE_OK;
}

void art_snapshots_forget_made(struct art_table *table, unsigned keep) {
    assert(keep <= table->made_count);
    while (table->made_count > keep) art_free(table->made[--table->made_count]);
    table->snapshot_changes++;
}

/* Where an authorizer hides rows, a name that is taken is none, and what was written is not found again. */
static int check_shown(struct art_table *table, char **message) {
    bool ours;
    int rc = art_shadow_is_ours(table, &ours, message);
    return rc || ours ? rc : SQLITE_CORRUPT_VTAB;
}

static int ask_for_held_if_damaged(struct art_table *table, char **message) {
    struct art_buffer held = {0}, let_go = {0};
    int rc = read_sound(table, &held, &let_go, message);
    art_buffer_clear(&held);
    art_buffer_clear(&let_go);
    if (rc != SQLITE_CORRUPT_VTAB) return rc;
    art_forget_message(message);
    table->requested |= ART_REQUEST_HELD;
    return SQLITE_OK;
}

int art_snapshot_make(struct art_table *table, const char *name, char **message) {
    assert(table->owner && *name);
    struct row_key key = snapshot_key(name);
    struct art_buffer ignored = {0};
    bool there = false;
    int rc = check_shown(table, message);
    if (!rc) rc = art_shadow_find(table, key.text, &ignored, &there, message);
    art_buffer_clear(&ignored);
    if (!rc && there) {
        rc = art_complain(message, SQLITE_ERROR,
                          "art: there is a snapshot '%s' already (%s): drop it, or take another name", name,
                          table->name->table);
    }
    if (!rc) rc = ask_for_held_if_damaged(table, message);
    unsigned before = table->made_count;
    if (!rc) rc = note_made(table, name);
    if (!rc) rc = art_shadow_put(table, key.text, "", 0, message);
    table->snapshot_changes++;
    if (rc) {
        if (table->made_count > before) art_snapshots_forget_made(table, before);
        return rc;
    }
    table->requested |= ART_REQUEST_SNAPSHOT;
    return SQLITE_OK;
}

/* Is any of the rows there that this transaction has made, and has not dropped? */
static int any_made(struct art_table *table, bool *any, char **message) {
    int rc = SQLITE_OK;
    *any = false;
    for (unsigned i = 0; !rc && !*any && i < table->made_count; i++) {
        struct art_buffer ignored = {0};
        struct row_key key = snapshot_key(table->made[i]);
        rc = art_shadow_find(table, key.text, &ignored, any, message);
        art_buffer_clear(&ignored);
    }
    return rc;
}

int art_snapshot_drop(struct art_table *table, const char *name, char **message) {
    assert(table->owner && *name);
    struct art_bytes bytes = art_bytes(name, (uint32_t)strlen(name));
    struct art_snapshot_row row = {0};
    struct row_key key = snapshot_key(name);
    bool any = true;
    int rc = check_shown(table, message);
    if (!rc) rc = art_snapshot_read(table, bytes, &row, message);
    bool there = row.there;
    art_snapshot_row_clear(&row);
    if (there && rc == SQLITE_CORRUPT_VTAB) {
        art_forget_message(message);
        rc = SQLITE_OK;
    }
    if (rc) return rc;
    if (!there) return art_snapshot_unknown(table, bytes, message);
    table->snapshot_changes++;
    if (!(table->requested & ART_REQUEST_HELD)) rc = art_snapshots_before_commit(table, message);
    table->requested |= ART_REQUEST_HELD;
    if (!rc) rc = art_shadow_remove(table, key.text, message);
    if (!rc && find_made(table, bytes)) rc = any_made(table, &any, message);
    if (!rc && !any) table->requested &= ~(unsigned)ART_REQUEST_SNAPSHOT;
    return rc;
}

/* --- the commit --------------------------------------------------------------------------------------------------- */

/* Puts the value, with a hash at its end, into all rows that this transaction has made; an empty one as it is. */
static int put_made(struct art_table *table, struct art_buffer *value, char **message) {
    int rc = SQLITE_OK;
    size_t len = value->len;
    for (unsigned i = 0; !rc && i < table->made_count; i++) {
        struct art_buffer ignored = {0};
        struct row_key key = snapshot_key(table->made[i]);
        bool there;
        rc = art_shadow_find(table, key.text, &ignored, &there, message);
        value->len = len;
        if (!rc && there && len) rc = art_report(message, append_hash(key.text, value));
        if (!rc && there) rc = art_shadow_put(table, key.text, value->data, value->len, message);
        art_buffer_clear(&ignored);
    }
    return rc;
}

/* The order is one that may end anywhere: what is in `let go` or in `held` for nothing is only not used. */
int art_snapshots_before_commit(struct art_table *table, char **message) {
    struct art_buffer held = {0}, let_go = {0}, nothing = {0};
    bool refused = was_refused(table);
    if (!refused && !(table->requested & ART_REQUEST_HELD)) return SQLITE_OK;
    int rc = refused ? put_made(table, &nothing, message) : SQLITE_OK;
    if (!rc) rc = art_snapshots_held(table, &held, &let_go, message);
    bool lets_go = let_go.len, only_drops = table->requested & ART_REQUEST_HELD && !table->made_count;
    if (rc == SQLITE_CORRUPT_VTAB && only_drops) { /* snapshots are damaged, too: it stays so until these are dropped */
        art_forget_message(message);
        rc = SQLITE_OK;
        goto done;
    }
    if (!rc && lets_go) rc = put_slots(table, let_go_key, &let_go, message);
    if (!rc) rc = write_held(table, &held, lets_go, message);
    if (!rc) table->requested &= ~(unsigned)ART_REQUEST_HELD;
done:
    art_buffer_clear(&held);
    art_buffer_clear(&let_go);
    return rc;
}

/* Milliseconds since 1970, by the clock that SQLite's functions go by. */
static uint64_t now(const struct art_table *table) {
    static const sqlite3_int64 epoch = 210866760000000; /* 1970 in Julian milliseconds */
    sqlite3_vfs *vfs = NULL;
    sqlite3_int64 time = epoch;
    double days;
    sqlite3_file_control(table->connection->db, table->name->schema, SQLITE_FCNTL_VFS_POINTER, &vfs);
    if (!vfs) vfs = sqlite3_vfs_find(NULL);
    if (vfs->iVersion >= 2 && vfs->xCurrentTimeInt64) {
        vfs->xCurrentTimeInt64(vfs, &time);
    } else if (!vfs->xCurrentTime(vfs, &days)) {
        time = (sqlite3_int64)(days * 86400000);
    }
    return time > epoch ? (uint64_t)(time - epoch) : 0;
}

/* What was let go stays so, though it may be held again: where this COMMIT is refused another one may come without the
 * snapshot, and the root still says that there are slots of one kind. */
static int fill_in(struct art_table *table, char **message) {
    struct art_buffer root = {0}, slots = {0}, row = {0}, held = {0}, let_go = {0};
    uint64_t csn = 0;
    int rc = art_report(message, art_tree_snapshot(table->tree, &root, &slots, &csn));
    if (!rc) rc = art_report(message, encode_row(csn, now(table), &root, &slots, &row));
    if (!rc) rc = put_made(table, &row, message);
    if (!rc) rc = read_both(table, &held, &let_go, message);
    if (!rc) rc = art_report(message, art_slots_unite(&held, art_buffer_bytes(&slots)));
    if (!rc) rc = write_held(table, &held, let_go.len, message);
    art_buffer_clear(&root);
    art_buffer_clear(&slots);
    art_buffer_clear(&row);
    art_buffer_clear(&held);
    art_buffer_clear(&let_go);
    return rc;
}

int art_snapshots_commit(struct art_table *table, const struct art_commit *commit, char **message) {
    bool any = false;
    if (!commit->lets_go && !table->made_count) return SQLITE_OK;
    table->snapshot_changes++;
    int rc = commit->lets_go ? end_let_go(table, message) : SQLITE_OK;
    if (!rc) rc = any_made(table, &any, message);
    if (!rc && any) rc = fill_in(table, message);
    return rc;
}
