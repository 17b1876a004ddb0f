/* What may befall a database and its .art file, and what then happens: the table of test_foreign.c, and of README's
 * section "When files move". Included there, and nowhere else.
 *
 * Each arrangement starts from the world of foreign_world.h, with no connection open. It says which database is tried
 * (world->path), which .art file may be written (world->file), and what there is to be read (world->expected).
 */

/* --- copies and moves --------------------------------------------------------------------------------------------- */

static void go_elsewhere(struct foreign_world *world) {
    foreign_set(&world->file, foreign_join(world->elsewhere, foreign_base(world->file)));
    foreign_set(&world->path, foreign_join(world->elsewhere, "t.db"));
}

static void nothing(struct foreign_world *world) {
    (void)world;
}

static void copied_by(struct foreign_world *world, const char *tool) {
    char *command = sqlite3_mprintf("cd '%s' && db=t.db art='%s' to='%s' && %s", world->here, foreign_base(world->file),
                                    world->elsewhere, tool);
    if (system(command)) world->skipped = tool;
    sqlite3_free(command);
    go_elsewhere(world);
}

static void copied_by_cp(struct foreign_world *world) {
    copied_by(world, "cp $db \"$art\" \"$to\"");
}

static void copied_by_cp_a(struct foreign_world *world) {
    copied_by(world, "cp -a $db \"$art\" \"$to\"");
}

static void copied_by_tar(struct foreign_world *world) {
    copied_by(world, "tar -cf - $db \"$art\" | tar -C \"$to\" -xf -");
}

static void copied_by_reflink(struct foreign_world *world) {
    copied_by(world, "cp --reflink=always $db \"$art\" \"$to\" 2>/dev/null");
}

static void copied_both_and_one_more(struct foreign_world *world) {
    char *from = sqlite3_mprintf("%s", world->path);
    copied_by_cp(world);
    foreign_set(&world->path, foreign_join(world->elsewhere, "once-more.db"));
    foreign_copy_replacing(from, world->path);
    foreign_set(&world->file, NULL);
    sqlite3_free(from);
}

static void copied_under_another_name(struct foreign_world *world) {
    copied_by_cp(world);
    char *named = foreign_join(world->elsewhere, "monday.db");
    foreign_move(world->path, named);
    foreign_set(&world->path, named);
    foreign_set(&world->file, NULL);
}

static void moved_both(struct foreign_world *world) {
    char *path = sqlite3_mprintf("%s", world->path), *file = sqlite3_mprintf("%s", world->file);
    go_elsewhere(world);
    foreign_move(path, world->path);
    foreign_move(file, world->file);
    sqlite3_free(path);
    sqlite3_free(file);
}

static void renamed(struct foreign_world *world) {
    char *path = foreign_join(world->here, "renamed.db");
    foreign_move(world->path, path);
    foreign_set(&world->path, path);
}

static void copied_alone_to(struct foreign_world *world, char *path) {
    foreign_copy_replacing(world->path, path);
    foreign_set(&world->path, path);
    foreign_set(&world->file, NULL);
}

static void copied_alone(struct foreign_world *world) {
    copied_alone_to(world, foreign_join(world->elsewhere, "t.db"));
}

static void copied_beside(struct foreign_world *world) {
    copied_alone_to(world, foreign_join(world->here, "copy.db"));
}

static void copied_beside_and_gone(struct foreign_world *world) {
    char *original = sqlite3_mprintf("%s", world->path);
    copied_beside(world);
    unlink(original);
    sqlite3_free(original);
}

static void lost(struct foreign_world *world) {
    unlink(world->file);
    foreign_set(&world->file, NULL);
}

/* --- another database file in the same place ---------------------------------------------------------------------- */

static void vacuumed_into_and_moved(struct foreign_world *world) {
    char *fresh = foreign_join(world->here, "fresh.db");
    int rc;
    sqlite3 *db = foreign_connect(world->path, SQLITE_OPEN_READWRITE, &rc);
    sql_run(db, "VACUUM INTO %Q", fresh);
    sql_close(db);
    foreign_move(fresh, world->path);
    foreign_set(&world->file, NULL);
    sqlite3_free(fresh);
}

static char *saved(const struct foreign_world *world, const char *what) {
    return sqlite3_mprintf("%s/saved.%s", world->elsewhere, what);
}

static void restore(struct foreign_world *world, bool database, bool file,
                    void (*copy)(const char *from, const char *to)) {
    char *saved_database = saved(world, "db"), *saved_file = saved(world, "art");
    if (database) copy(saved_database, world->path);
    if (file) copy(saved_file, world->file);
    if (database) foreign_set(&world->expected, sqlite3_mprintf("%s", world->saved));
    sqlite3_free(saved_database);
    sqlite3_free(saved_file);
}

static void aside_and_an_older_one_in_its_place(struct foreign_world *world, bool much) {
    char *aside = foreign_join(world->here, "aside.db");
    foreign_save(world, much);
    foreign_move(world->path, aside);
    restore(world, true, false, foreign_copy_replacing);
    foreign_set(&world->file, NULL);
    sqlite3_free(aside);
}

static void aside(struct foreign_world *world) {
    aside_and_an_older_one_in_its_place(world, false);
}

static void aside_long_ago(struct foreign_world *world) {
    aside_and_an_older_one_in_its_place(world, true);
}

static void database_restored_into(struct foreign_world *world) {
    foreign_save(world, false);
    restore(world, true, false, sql_copy_file);
}

static void old_database_restored_into(struct foreign_world *world) {
    foreign_save(world, true);
    restore(world, true, false, sql_copy_file);
}

static void database_restored_by_replacing(struct foreign_world *world) {
    foreign_save(world, false);
    restore(world, true, false, foreign_copy_replacing);
    foreign_set(&world->file, NULL);
}

static void file_restored_into(struct foreign_world *world) {
    foreign_save(world, true);
    restore(world, false, true, sql_copy_file);
}

static void file_restored_by_replacing(struct foreign_world *world) {
    foreign_save(world, true);
    restore(world, false, true, foreign_copy_replacing);
}

static void both_restored_into(struct foreign_world *world) {
    foreign_save(world, true);
    restore(world, true, true, sql_copy_file);
}

static void both_restored_by_replacing(struct foreign_world *world) {
    foreign_save(world, true);
    restore(world, true, true, foreign_copy_replacing);
}

/* sqlite3_backup() into the database, as the shell's .restore does it. */
static void backup_copied_in(struct foreign_world *world) {
    int rc;
    foreign_save(world, false);
    char *old = saved(world, "db");
    sqlite3 *from = foreign_connect(old, SQLITE_OPEN_READWRITE, &rc);
    sqlite3 *to = foreign_connect(world->path, SQLITE_OPEN_READWRITE, &rc);
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    sqlite3_backup_step(backup, -1);
    sqlite3_backup_finish(backup);
    sql_close(from);
    sql_close(to);
    foreign_set(&world->expected, sqlite3_mprintf("%s", world->saved));
    sqlite3_free(old);
}

/* --- another file in the place of the .art file ------------------------------------------------------------------- */

static void linked(struct foreign_world *world) {
    char *second = foreign_join(world->elsewhere, "second.art");
    if (link(world->file, second)) world->skipped = "hard links"; /* shows what is written into the first */
    sqlite3_free(second);
}

static void both_linked(struct foreign_world *world) {
    char *path = sqlite3_mprintf("%s", world->path), *file = sqlite3_mprintf("%s", world->file);
    go_elsewhere(world);
    if (link(path, world->path) || link(file, world->file)) world->skipped = "hard links";
    foreign_set(&world->also, path); /* SQLite writes through either name of a database */
    sqlite3_free(file);
}

static void database_linked(struct foreign_world *world) {
    char *second = foreign_join(world->elsewhere, "second.db");
    if (link(world->path, second)) world->skipped = "hard links";
    foreign_set(&world->also, second);
}

static void swap_with(struct foreign_world *world, const char *database, const char *table) {
    char *path = foreign_join(world->here, database), *other = foreign_art_file(path, table);
    char *between = foreign_join(world->here, "between");
    foreign_move(world->file, between);
    foreign_move(other, world->file);
    foreign_move(between, other);
    foreign_set(&world->file, NULL);
    sqlite3_free(between);
    sqlite3_free(other);
    sqlite3_free(path);
}

static void swapped(struct foreign_world *world) {
    swap_with(world, "t.db", "u");
}

static void swapped_with_another_database(struct foreign_world *world) {
    swap_with(world, "other.db", "t");
}

static void put_aside_for(struct foreign_world *world, int (*make)(const char *path)) {
    char *aside_file = foreign_join(world->elsewhere, "aside.art");
    foreign_move(world->file, aside_file);
    if (make(world->file)) world->skipped = "such a file";
    foreign_set(&world->file, NULL);
    sqlite3_free(aside_file);
}

static int make_pipe(const char *path) {
    return mkfifo(path, 0666);
}

static int make_folder(const char *path) {
    return mkdir(path, 0755);
}

static int make_device(const char *path) {
    return mknod(path, S_IFCHR | 0666, makedev(1, 3));
}

static int make_empty(const char *path) {
    return mknod(path, S_IFREG | 0644, 0);
}

static void a_pipe(struct foreign_world *world) {
    put_aside_for(world, make_pipe);
}

static void a_folder(struct foreign_world *world) {
    put_aside_for(world, make_folder);
}

static void a_device(struct foreign_world *world) {
    put_aside_for(world, make_device);
}

static void an_empty_file(struct foreign_world *world) {
    put_aside_for(world, make_empty);
}

static void a_link(struct foreign_world *world) {
    char *aside_file = foreign_join(world->elsewhere, "aside.art");
    foreign_move(world->file, aside_file);
    if (symlink(aside_file, world->file)) world->skipped = "symbolic links";
    foreign_set(&world->file, NULL);
    sqlite3_free(aside_file);
}

/* --- damage and rights -------------------------------------------------------------------------------------------- */

static void cut_to(const struct foreign_world *world, off_t size) {
    ck_assert_int_eq(truncate(world->file, size), 0);
}

static void cut_in_slot_0(struct foreign_world *world) {
    cut_to(world, 5000);
}

static void cut_behind_slot_0(struct foreign_world *world) {
    cut_to(world, 512 * 1024);
}

static void cut_in_a_blob(struct foreign_world *world) {
    cut_to(world, 512 * 1024 + 12345);
}

static void longer(struct foreign_world *world) {
    FILE *end = fopen(world->file, "ab");
    for (int i = 0; i < 123456; i++) fputs("garbage", end);
    ck_assert_int_eq(fclose(end), 0);
}

/* As long as ext4 lets a file be. */
static void much_longer(struct foreign_world *world) {
    if (truncate(world->file, (off_t)15 << 40)) world->skipped = "files of 15 TB";
}

static void damage_owner_pages(struct foreign_world *world) {
    int fd = open(world->file, O_WRONLY);
    for (int page = 1; page <= 2; page++) ck_assert_int_eq(pwrite(fd, "damage", 6, 4096 * page + 40), 6);
    close(fd);
}

/* Everything is given to a user without rights, who makes the try. */
static void give_away(struct foreign_world *world, mode_t file_mode) {
    char *command = sqlite3_mprintf("chown -R 65534:65534 '%s'", world->root);
    if (geteuid() == 0 && system(command)) world->skipped = "another user";
    if (geteuid() == 0 && !sql_reached_by_others(world->root)) world->skipped = "a folder that others may reach";
    world->nobody = true;
    ck_assert_int_eq(chmod(world->file, file_mode), 0);
    sqlite3_free(command);
}

static void unreadable(struct foreign_world *world) {
    give_away(world, 0);
    foreign_set(&world->file, NULL);
}

static void unwritable(struct foreign_world *world) {
    give_away(world, 0444);
}

static void opened_by(struct foreign_world *world, const char *query) {
    world->uri = sqlite3_mprintf("file:%s?%s", world->path, query);
    foreign_set(&world->file, NULL);
}

static void read_only(struct foreign_world *world) {
    opened_by(world, "mode=ro");
}

static void immutable(struct foreign_world *world) {
    opened_by(world, "immutable=1");
}

static void all_read_only(struct foreign_world *world) {
    give_away(world, 0444);
    ck_assert_int_eq(chmod(world->path, 0444), 0);
    ck_assert_int_eq(chmod(world->here, 0555), 0);
    if (!strcmp(world->journal, "wal")) opened_by(world, "immutable=1"); /* SQLite asks for that here */
    foreign_set(&world->file, NULL);
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

static const struct answer {
    const char *word; /* in sql/files.md */
    int code;
    const char *says; /* part of the message */
} answers[] = {
    {"works", SQLITE_OK, ""},
    {"missing", SQLITE_CANTOPEN, "the .art file is missing"},
    {"another's", SQLITE_ERROR, "the .art file is that of another database"},
    {"replaced", SQLITE_ERROR, "belongs to another database file that stood here before"},
    {"another name's", SQLITE_ERROR, "made with one of another name"},
    {"another table's", SQLITE_ERROR, "the .art file is that of another table"},
    {"newer", SQLITE_CORRUPT_VTAB, "the .art file is newer than this database"},
    {"damaged", SQLITE_CORRUPT_VTAB,
     "restore the database and its .art file together from a backup, or copy out what is left by art_salvage"},
    {"adopt it", SQLITE_CORRUPT_VTAB, "both owner pages are damaged"},
    {"two names", SQLITE_READONLY, "a hard link leads two databases to one file"},
    {"link", SQLITE_CANTOPEN, "will not open a symbolic link"},
    {"no file", SQLITE_CANTOPEN, "not a regular file"},
    {"rights", SQLITE_CANTOPEN, "may not open the file"},
    {"read-only", SQLITE_READONLY, "attempt to write a readonly database"},
};

#define ALL(word) word, word, word, word
#define GOES      "works; the file goes"
#define STAYS     "works; the file stays"

static const struct fate {
    const char *what;
    void (*arrange)(struct foreign_world *world);
    const char *read, *write, *flush, *adopt;
    const char *drop;
} fates[] = {
    {"nothing", nothing, ALL("works"), GOES},
    {"both files copied together, by `cp`", copied_by_cp, ALL("works"), GOES},
    {"... by `cp -a`", copied_by_cp_a, ALL("works"), GOES},
    {"... by `tar`", copied_by_tar, ALL("works"), GOES},
    {"... by `cp --reflink`", copied_by_reflink, ALL("works"), GOES},
    {"... and the database once more beside them: that copy", copied_both_and_one_more, "another name's",
     "another name's", "another name's", "works", STAYS},
    {"... the database under another name", copied_under_another_name, "works", "another name's", "another name's",
     "works", STAYS},
    {"both moved together", moved_both, ALL("works"), GOES},
    {"the database renamed in its folder", renamed, ALL("works"), GOES},
    {"the database copied or moved without its .art file", copied_alone, ALL("missing"), STAYS},
    {"the .art file lost", lost, ALL("missing"), STAYS},
    {"the database copied in its folder: the copy", copied_beside, "another's", "another's", "another's", "works",
     STAYS},
    {"... and the original gone", copied_beside_and_gone, "another's", "another's", "another's", "works", STAYS},
    {"`VACUUM INTO` another file, which is moved into the database's place", vacuumed_into_and_moved, "replaced",
     "replaced", "replaced", "works", STAYS},
    {"the database put aside, and an older copy in its place", aside, "replaced", "replaced", "replaced", "works",
     STAYS},
    {"... from before much was written", aside_long_ago, "replaced", "replaced", "replaced", "newer", STAYS},
    {"the database restored alone, overwritten (`cp`, `.restore`)", database_restored_into, ALL("works"), GOES},
    {"... by `sqlite3_backup`", backup_copied_in, ALL("works"), GOES},
    {"... from before much was written", old_database_restored_into, ALL("newer"), GOES},
    {"the database restored alone, replaced (`mv`, `rsync`, `git checkout`)", database_restored_by_replacing,
     "replaced", "replaced", "replaced", "works", STAYS},
    {"the .art file restored alone, overwritten", file_restored_into, ALL("damaged"), GOES},
    {"the .art file restored alone, replaced", file_restored_by_replacing, ALL("damaged"), GOES},
    {"both restored, overwritten", both_restored_into, ALL("works"), GOES},
    {"both restored, replaced", both_restored_by_replacing, ALL("works"), GOES},
    {"a hard link to the .art file", linked, "works", "works", "two names", "two names", GOES},
    {"hard links to both (`cp -al`)", both_linked, "works", "two names", "two names", "two names", GOES},
    {"a hard link to the database", database_linked, "works", "works", "two names", "two names", GOES},
    {"exchanged with the .art file of another table", swapped, ALL("another table's"), STAYS},
    {"exchanged with that of another database", swapped_with_another_database, ALL("another table's"), STAYS},
    {"a symbolic link in the .art file's place", a_link, ALL("link"), STAYS},
    {"a pipe", a_pipe, ALL("no file"), STAYS},
    {"a folder", a_folder, ALL("no file"), STAYS},
    {"a device", a_device, ALL("no file"), STAYS},
    {"an empty file", an_empty_file, ALL("damaged"), STAYS},
    {"the .art file cut in its first pages", cut_in_slot_0, ALL("damaged"), STAYS},
    {"... behind them", cut_behind_slot_0, ALL("damaged"), GOES},
    {"... within a blob", cut_in_a_blob, ALL("damaged"), GOES},
    {"garbage at its end", longer, ALL("works"), GOES},
    {"made as long as can be", much_longer, ALL("works"), GOES},
    {"its owner pages damaged", damage_owner_pages, "works", "adopt it", "adopt it", "works", STAYS},
    {"the .art file may not be read", unreadable, ALL("rights"), STAYS},
    {"the .art file may not be written", unwritable, "works", "works", "rights", "rights", GOES},
    {"the database opened with `mode=ro`", read_only, "works", "read-only", "read-only", "read-only", "read-only"},
    {"... with `immutable=1`", immutable, "works", "read-only", "read-only", "read-only", "read-only"},
    {"files and folder read-only", all_read_only, "works", "read-only", "read-only", "read-only", "read-only"},
};
enum { FATES = sizeof fates / sizeof *fates };
