#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/support/ownership_private.h"

/* --- claims ------------------------------------------------------------------------------------------------------- */

static bool is_valid(const struct own_world *world, const struct own_claim *claim) {
    return world->objects[claim->database].epoch == claim->database_epoch &&
           world->objects[claim->file].epoch == claim->file_epoch && own_names_of(world, claim->database);
}

static bool has_claim(const struct own_world *world, unsigned database, const struct own_table *table) {
    for (unsigned i = 0; i < world->claim_count; i++) {
        const struct own_claim *claim = &world->claims[i];
        bool about = claim->database == database && claim->file == table->object && !strcmp(claim->name, table->file);
        if (about && is_valid(world, claim)) return true;
    }
    return false;
}

static void drop_claims(struct own_world *world, unsigned database, unsigned file) {
    for (unsigned i = world->claim_count; i-- > 0;) {
        const struct own_claim *claim = &world->claims[i];
        bool drops = file ? claim->file == file && claim->database != database : claim->database == database;
        if (drops || !is_valid(world, claim)) world->claims[i] = world->claims[--world->claim_count];
    }
}

/* After a step that worked in a database: whose files are surely its own? Those that it has just written, and those
 * that were its own before. */
static void claim_again(struct own_world *world, const struct own_look *look, const char *written) {
    struct own_claim claims[OWN_TABLES];
    unsigned count = 0;
    for (unsigned i = 0; i < look->count; i++) {
        const struct own_table *table = &look->tables[i];
        if (!table->reads || !table->object || !table->runs) continue;
        if (strcmp(table->name, written) && !has_claim(world, look->object, table)) continue;
        claims[count] = (struct own_claim){.database = look->object,
                                           .database_epoch = world->objects[look->object].epoch,
                                           .file = table->object,
                                           .file_epoch = world->objects[table->object].epoch};
        memcpy(claims[count++].name, table->file, OWN_NAME);
    }
    drop_claims(world, look->object, 0);
    for (unsigned i = 0; i < count && world->claim_count < OWN_CLAIMS_MAX; i++) {
        world->claims[world->claim_count++] = claims[i];
    }
}

static bool is_lifted(const struct own_world *world, unsigned database, unsigned file) {
    unsigned adopter = file ? world->objects[file].adopter : 0;
    return adopter && adopter != database;
}

static void honour_claims(struct own_world *world, const char *name, const struct own_look *look) {
    for (unsigned i = 0; i < look->count; i++) {
        const struct own_table *table = &look->tables[i];
        bool claimed = has_claim(world, look->object, table);
        world->result->looks++;
        world->result->claims += claimed;
        world->result->refused += table->answer == OWN_ANOTHER_NAMES;
        if (table->reads || !claimed) continue;
        own_fail(world,
                 "HIDDEN: %s: %s was written by this database, nobody touched the two files since, and it says: %s",
                 name, table->name, table->message);
    }
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

static void look_again(struct own_world *world, unsigned i) {
    own_look_at(world, own_paths[i], &world->looks[i]);
    honour_claims(world, own_paths[i], &world->looks[i]);
}

static void look_at_stale(struct own_world *world) {
    for (unsigned i = 0; i < OWN_DATABASES; i++) {
        if (!world->looks[i].fresh) look_again(world, i);
    }
}

static bool same_folder(unsigned x, unsigned y) {
    size_t len = (size_t)(strchr(own_paths[x], '/') - own_paths[x]) + 1;
    return !strncmp(own_paths[x], own_paths[y], len);
}

static bool shares(const struct own_look *a, const struct own_look *b) {
    bool any = a->object == b->object;
    for (unsigned i = 0; i < a->count; i++) {
        for (unsigned k = 0; k < b->count; k++)
            any |= a->tables[i].object && a->tables[i].object == b->tables[k].object;
    }
    return any;
}

static const struct own_table *table_called(const struct own_look *look, const char *name) {
    for (unsigned i = 0; i < look->count; i++) {
        if (!strcmp(look->tables[i].name, name)) return &look->tables[i];
    }
    return NULL;
}

/* An unclaimed copy is read until a database of its own name is there. */
static bool name_has_come(const struct own_world *world, const struct own_table *after) {
    return world->creates && after->answer == OWN_ANOTHER_NAMES;
}

/* A database that the step was not about. */
static void judge_other(struct own_world *world, const char *name, const struct own_look *was,
                        const struct own_look *is, bool wrote) {
    for (unsigned i = 0; i < was->count; i++) {
        const struct own_table *before = &was->tables[i], *after = table_called(is, before->name);
        if (!after || (after->mirror != before->mirror && !wrote)) {
            own_fail(world, "%s: its ordinary tables were changed", name);
            return;
        }
        if (!before->reads || after->reads || is_lifted(world, is->object, before->object)) continue;
        if (name_has_come(world, after)) continue;
        own_fail(world, "HIDDEN: %s: %s was read before this step in another database; now: %s", name, before->name,
                 after->message);
    }
}

/* --- the step's own database -------------------------------------------------------------------------------------- */

static void judge_refusal(struct own_world *world, const struct own_step *step, const struct own_done *done,
                          const struct own_look *was, const struct own_look *is) {
    const char *name = own_paths[step->x];
    enum own_answer answer = own_answer_of(done->code, done->message);
    const struct own_table *table = table_called(was, done->table);
    const struct own_look *other = step->verb == OWN_BOTH ? &world->looks[step->y] : NULL;
    bool read = table && table->reads && (!other || (other->count && other->tables[0].reads));
    bool is_own = table && table->object && has_claim(world, was->object, table) &&
                  own_names_of(world, was->object) == 1 && own_names_of(world, table->object) == 1;
    bool in_the_way =
        answer == OWN_BUSY && world->reader.object && (world->reader.object == was->object || step->verb == OWN_BOTH);
    if (answer == OWN_UNKNOWN || (answer == OWN_BUSY && !in_the_way)) {
        own_fail(world, "%s says something that README does not have (%d): %s", name, done->code, done->message);
    }
    if (read && (answer == OWN_NEWER || answer == OWN_DAMAGED)) {
        own_fail(world, "%s: %s could be read, and the step says: %s", name, done->table, done->message);
    }
    if (is_own && !in_the_way && step->verb != OWN_BOTH) {
        own_fail(world, "%s: %s is its own beyond doubt, and the step says: %s", name, done->table, done->message);
    }
    judge_other(world, name, was, is, done->partly);
}

static void judge_success(struct own_world *world, const struct own_step *step, const struct own_look *was,
                          const struct own_look *is) {
    for (unsigned i = 0; i < is->count; i++) {
        const struct own_table *after = &is->tables[i], *before = table_called(was, after->name);
        bool lost = before ? before->reads : step->verb != OWN_RENAME;
        if (after->reads || !lost || is_lifted(world, is->object, after->object) || name_has_come(world, after))
            continue;
        own_fail(world, "%s: the step worked, and %s cannot be read any more: %s", own_paths[step->x], after->name,
                 after->message);
    }
}

/* --- readers that stay -------------------------------------------------------------------------------------------- */

static void close_reader(struct own_world *world) {
    if (world->reader.db && sqlite3_close(world->reader.db)) own_fail(world, "a reader cannot be closed");
    world->reader = (struct own_reader){.db = NULL};
}

/* Hard links to a database that is open are what SQLite warns of: it would have two WALs. */
static bool open_reader(struct own_world *world, unsigned of) {
    unsigned object = own_object_at(world, own_paths[of]);
    close_reader(world);
    if (!object || own_names_of(world, object) > 1) return false;
    world->reader = (struct own_reader){.db = own_connect(world, own_paths[of]), .of = of, .object = object};
    sqlite3_exec(world->reader.db, "BEGIN", NULL, NULL, NULL);
    own_look_through(world, world->reader.db, own_paths[of], &world->reader.look);
    return true;
}

static void ask_reader(struct own_world *world) {
    struct own_look now;
    if (!world->reader.db) return;
    own_look_through(world, world->reader.db, own_paths[world->reader.of], &now);
    /* The file may have gone by a DROP of another connection, and is held open. */
    for (unsigned i = 0; i < now.count; i++) now.tables[i].object = world->reader.look.tables[i].object;
    judge_other(world, "a reader that stayed open", &world->reader.look, &now, false);
}

/* --- steps -------------------------------------------------------------------------------------------------------- */

static void gone(struct own_world *world, unsigned object) {
    for (unsigned i = 0; i < world->claim_count; i++) {
        if (world->claims[i].file == object && is_valid(world, &world->claims[i])) {
            own_fail(world, "REMOVED: a file that another database has written, and needs");
        }
    }
}

static void adopted(struct own_world *world, const struct own_look *look, const char *name) {
    const struct own_table *table = table_called(look, name);
    if (!table || !table->object) return;
    world->objects[table->object].adopter = look->object;
    drop_claims(world, look->object, table->object);
}

/* Two claims may not be about one step: those of the databases that the step is about are looked at afterwards. */
static void take_stock(struct own_world *world, const struct own_step *step, bool two) {
    struct own_claim kept[OWN_CLAIMS_MAX];
    unsigned count = 0, all = world->claim_count;
    memcpy(kept, world->claims, sizeof kept);
    for (unsigned i = 0; i < all; i++) {
        bool own = kept[i].database == world->looks[step->x].object ||
                   (two && kept[i].database == world->looks[step->y].object);
        if (!own) world->claims[count++] = kept[i];
    }
    world->claim_count = count;
    own_rescan(world, gone);
    memcpy(world->claims, kept, sizeof kept);
    world->claim_count = all;
}

static void note(struct own_world *world, const struct own_step *step, enum own_answer answer, const char *message) {
    struct own_result *result = world->result;
    char line[OWN_LINE];
    size_t used = strlen(result->trace);
    own_step_text(step, line);
    snprintf(result->trace + used, sizeof result->trace - used, "    %-90s %s%s%.200s\n", line,
             answer == OWN_WORKS && own_is_of_files(step) ? "" : own_answers[answer], *message ? ": " : "", message);
    result->counts[step->verb][answer]++;
}

static void judge(struct own_world *world, const struct own_step *step, const struct own_done *done,
                  const struct own_look before[OWN_DATABASES]) {
    bool two = step->verb == OWN_BOTH || step->verb == OWN_BACKUP || step->verb == OWN_VACUUM_INTO;
    unsigned x = step->x, y = step->y;
    for (unsigned i = 0; i < OWN_DATABASES; i++) {
        bool near = same_folder(x, i) || shares(&before[x], &before[i]) || (two && same_folder(y, i)) ||
                    (two && shares(&before[y], &before[i]));
        if (i != x && near) look_again(world, i);
    }
    look_again(world, x);
    const struct own_look *is = &world->looks[x];
    if (done->code) {
        judge_refusal(world, step, done, &before[x], is);
    } else {
        judge_success(world, step, &before[x], is);
        claim_again(world, is, done->wrote || step->verb == OWN_ADOPT ? done->table : "");
        if (two && step->verb == OWN_BOTH) {
            judge_success(world, &(struct own_step){.verb = step->verb, .x = (uint8_t)y}, &before[y], &world->looks[y]);
            claim_again(world, &world->looks[y], world->looks[y].count ? world->looks[y].tables[0].name : "");
        }
    }
    for (unsigned i = 0; i < OWN_DATABASES; i++) {
        bool about = before[i].object == before[x].object || (two && before[i].object == before[y].object);
        if (!about && before[i].there) judge_other(world, own_paths[i], &before[i], &world->looks[i], false);
    }
    ask_reader(world);
}

static void sql_step(struct own_world *world, const struct own_step *step) {
    struct own_look before[OWN_DATABASES];
    struct own_done done;
    look_at_stale(world);
    if (world->result->failed) return;
    if (step->verb == OWN_KEEP) { /* changes nothing */
        note(world, step, open_reader(world, step->x) ? OWN_WORKS : OWN_SKIPPED, "");
        return;
    }
    memcpy(before, world->looks, sizeof before);
    bool linked = before[step->x].object && own_names_of(world, before[step->x].object) > 1;
    if (world->reader.object && linked && world->reader.object == before[step->x].object) close_reader(world);
    world->creates = step->verb == OWN_MAKE || step->verb == OWN_VACUUM_INTO || step->verb == OWN_BACKUP;
    own_sql_step(world, step, &done);
    enum own_answer answer = done.skipped ? OWN_SKIPPED : own_answer_of(done.code, done.message);
    note(world, step, answer, done.message);
    if (done.skipped) return;
    /* It has said so also where a reader then keeps SQLite from committing: no ROLLBACK takes it back. */
    bool said = step->verb == OWN_ADOPT && (answer == OWN_WORKS || answer == OWN_BUSY);
    if (said) adopted(world, &before[step->x], done.table);
    /* Another name of the database may have other .art files beside it, which are left behind now. */
    if (linked) world->objects[before[step->x].object].epoch++;
    take_stock(world, step, step->verb == OWN_BOTH);
    judge(world, step, &done, before);
}

static void file_step(struct own_world *world, const struct own_step *step) {
    close_reader(world);
    note(world, step, own_files_step(world, step) ? OWN_WORKS : OWN_SKIPPED, "");
    for (unsigned i = 0; i < OWN_DATABASES; i++) world->looks[i].fresh = false;
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static const char *name_of(const struct own_world *world, unsigned object) {
    for (unsigned i = 0; i < world->path_count; i++) {
        if (world->paths[i].object == object) return world->paths[i].name;
    }
    return NULL;
}

/* A database that lies aside is put beside the file that it has written, and must read it. */
static void put_together(struct own_world *world, const struct own_claim *claim) {
    char at[OWN_NAME], file[OWN_NAME], expected[OWN_NAME], probe[OWN_NAME];
    if (own_names_of(world, claim->database) != 1 || own_names_of(world, claim->file) != 1) return;
    snprintf(at, sizeof at, "%s", name_of(world, claim->database));
    snprintf(file, sizeof file, "%s", name_of(world, claim->file));
    own_beside(file, "probe.db", probe);
    own_rename(world, at, probe);
    struct own_look look;
    own_list_tables(world, probe, &look);
    for (unsigned i = 0; i < look.count; i++) {
        own_beside(file, look.tables[i].file, expected);
        if (look.tables[i].inlined || strcmp(expected, file)) continue;
        own_look_at(world, probe, &look);
        world->result->probes++;
        honour_claims(world, probe, &look);
        break;
    }
    own_rename(world, probe, at);
}

static void end(struct own_world *world) {
    struct own_look before[OWN_DATABASES];
    close_reader(world);
    look_at_stale(world);
    memcpy(before, world->looks, sizeof before);
    for (unsigned i = 0; i < OWN_DATABASES && !world->result->failed; i++) {
        look_again(world, i);
        judge_other(world, own_paths[i], &before[i], &world->looks[i], false);
    }
    for (unsigned i = 0; i < world->claim_count && !world->result->failed; i++) {
        if (is_valid(world, &world->claims[i])) put_together(world, &world->claims[i]);
    }
}

void own_run(const struct own_script *script, const char *folder, struct own_result *out) {
    static struct own_world world;
    static const char *const folders[] = {"a", "b", "backup"};
    char full[PATH_MAX];
    world = (struct own_world){.folder = folder, .result = out};
    *out = (struct own_result){.failed = false};
    own_remove_all(&world);
    for (unsigned i = 0; i < 3; i++) {
        own_full(&world, folders[i], full);
        if (mkdir(full, 0755)) own_fail(&world, "cannot make %s", full);
    }
    for (unsigned i = 0; i < script->count && !out->failed; i++) {
        if (own_is_of_files(&script->steps[i])) {
            file_step(&world, &script->steps[i]);
        } else {
            sql_step(&world, &script->steps[i]);
        }
    }
    if (!out->failed) end(&world);
    close_reader(&world);
    own_remove_all(&world);
}
