/* What may befall a database and its .art file, and what then happens: the table of test_foreign.c, and of README's
 * section "When files move". Included there, and nowhere else.
 *
 * Each fate starts from the world of foreign_world.h, with no connection open.
 */

/* The .art file that may be written then: the same; none; the one that went along with the database. */
enum written { KEPT, NONE, ALONG };
/* Is the state saved ($to has saved.db and saved.art) before the table changes: a little, or nearly all of it? */
enum saves { NOT, LITTLE, MUCH };

struct fate {
    const char *what;
    const char *shell; /* in the database's folder: $db and $art, in it, $to, the other folder. NULL: nothing */
    const char *path;  /* of the database that is tried, from the root; NULL: as it was */
    enum written file;
    const char *read, *write, *flush, *adopt, *drop; /* words of answers[] */
    const char *lacks;                               /* what is not to be had here if the shell fails */
    enum saves saves;
    bool restored;                           /* what there is to be read is what was saved */
    void (*by)(struct foreign_world *world); /* before the shell */
    const char *also;                        /* another file that may be written, from the root */
    const char *query;                       /* how the database is opened: as this in an URI */
    const char *journal;                     /* only with this one */
    bool nobody;                             /* all is given to a user without rights, who makes the try */
};

static void vacuum_into(struct foreign_world *world) {
    char *fresh = foreign_join(world->here, "fresh.db");
    int rc;
    sqlite3 *db = foreign_connect(world->path, SQLITE_OPEN_READWRITE, &rc);
    sql_run(db, "VACUUM INTO %Q", fresh);
    sql_close(db);
    sqlite3_free(fresh);
}

/* sqlite3_backup() into the database, as the shell's .restore does it. */
static void back_up_into(struct foreign_world *world) {
    int rc;
    char *old = foreign_join(world->elsewhere, "saved.db");
    sqlite3 *from = foreign_connect(old, SQLITE_OPEN_READWRITE, &rc);
    sqlite3 *to = foreign_connect(world->path, SQLITE_OPEN_READWRITE, &rc);
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    sqlite3_backup_step(backup, -1);
    sqlite3_backup_finish(backup);
    sql_close(from);
    sql_close(to);
    sqlite3_free(old);
}

static void give_away(struct foreign_world *world) {
    char *command = sqlite3_mprintf("chown -R 65534:65534 '%s'", world->root);
    if (geteuid() == 0 && system(command)) world->skipped = "another user";
    if (geteuid() == 0 && !sql_reached_by_others(world->root)) world->skipped = "a folder that others may reach";
    world->nobody = true;
    sqlite3_free(command);
}

static void befall(struct foreign_world *world, const struct fate *fate) {
    const char *name = foreign_base(world->file);
    if (fate->saves) foreign_save(world, fate->saves == MUCH);
    if (fate->by) fate->by(world);
    if (fate->nobody) give_away(world);
    char *command =
        sqlite3_mprintf("set -e; %scd '%s'; db=t.db art='%s' to=../elsewhere; %s",
                        fate->lacks ? "exec 2>/dev/null; " : "", world->here, name, fate->shell ? fate->shell : ":");
    bool failed = system(command) != 0;
    ck_assert_msg(!failed || fate->lacks, "%s", command);
    if (failed) world->skipped = fate->lacks;
    sqlite3_free(command);
    if (fate->restored) foreign_set(&world->expected, sqlite3_mprintf("%s", world->saved));
    if (fate->path) foreign_set(&world->path, foreign_join(world->root, fate->path));
    if (fate->also) foreign_set(&world->also, foreign_join(world->root, fate->also));
    if (fate->query && (!fate->journal || !strcmp(fate->journal, world->journal)))
        world->uri = sqlite3_mprintf("file:%s?%s", world->path, fate->query);
    if (fate->file != KEPT) foreign_set(&world->file, fate->file == ALONG ? foreign_named_file(world) : NULL);
}

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
#define GOES      .drop = "works; the file goes"
#define LEFT      "works; the file stays"
#define STAYS     .drop = LEFT

#define THERE           "elsewhere/t.db"
#define INTO(what)      "cp $to/saved." what
#define REPLACES(what)  "cp $to/saved." what " new; mv new"
#define EXCHANGED(with) "set -- " with "; mv $art between; mv $1 $art; mv between $1"
#define ASIDE           "mv $art $to/aside.art; "
#define OWNER_PAGE(at)  "printf damage | dd of=$art bs=1 conv=notrunc status=none seek=" at ";"

static const struct fate fates[] = {
    {"nothing", NULL, NULL, KEPT, ALL("works"), GOES},
    {"both files copied together, by `cp`", "cp $db $art $to", THERE, ALONG, ALL("works"), GOES},
    {"... by `cp -a`", "cp -a $db $art $to", THERE, ALONG, ALL("works"), GOES},
    {"... by `tar`", "tar -cf - $db $art | tar -C $to -xf -", THERE, ALONG, ALL("works"), GOES},
    {"... by `cp --reflink`", "cp --reflink=always $db $art $to", THERE, ALONG, ALL("works"), GOES,
     .lacks = "reflinks"},
    {"... and the database once more beside them: that copy", "cp $db $art $to; cp $db $to/once-more.db",
     "elsewhere/once-more.db", NONE, "another name's", "another name's", "another name's", "works", STAYS},
    {"... the database under another name", "cp $art $to; cp $db $to/monday.db", "elsewhere/monday.db", NONE, "works",
     "another name's", "another name's", "works", STAYS},
    {"both moved together", "mv $db $art $to", THERE, ALONG, ALL("works"), GOES},
    {"the database renamed in its folder", "mv $db renamed.db", "here/renamed.db", KEPT, ALL("works"), GOES},
    {"the database copied or moved without its .art file", "cp $db $to", THERE, NONE, ALL("missing"), STAYS},
    {"the .art file lost", "rm $art", NULL, NONE, ALL("missing"), STAYS},
    {"the database copied in its folder: the copy", "cp $db copy.db", "here/copy.db", NONE, "another's", "another's",
     "another's", "works", STAYS},
    {"... and the original gone", "cp $db copy.db; rm $db", "here/copy.db", NONE, "another's", "another's", "another's",
     "works", STAYS},
    {"`VACUUM INTO` another file, which is moved into the database's place", "mv fresh.db $db", NULL, NONE, "replaced",
     "replaced", "replaced", "works", STAYS, .by = vacuum_into},
    {"the database put aside, and an older copy in its place", "mv $db aside.db; " INTO("db") " $db", NULL, NONE,
     "replaced", "replaced", "replaced", "works", STAYS, .saves = LITTLE, .restored = true},
    {"... from before much was written", "mv $db aside.db; " INTO("db") " $db", NULL, NONE, "replaced", "replaced",
     "replaced", "newer", STAYS, .saves = MUCH, .restored = true},
    {"the database restored alone, overwritten (`cp`, `.restore`)", INTO("db") " $db", NULL, KEPT, ALL("works"), GOES,
     .saves = LITTLE, .restored = true},
    {"... by `sqlite3_backup`", NULL, NULL, KEPT, ALL("works"), GOES, .saves = LITTLE, .restored = true,
     .by = back_up_into},
    {"... from before much was written", INTO("db") " $db", NULL, KEPT, ALL("newer"), GOES, .saves = MUCH,
     .restored = true},
    {"the database restored alone, replaced (`mv`, `rsync`, `git checkout`)", REPLACES("db") " $db", NULL, NONE,
     "replaced", "replaced", "replaced", "works", STAYS, .saves = LITTLE, .restored = true},
    {"the .art file restored alone, overwritten", INTO("art") " $art", NULL, KEPT, ALL("damaged"), GOES, .saves = MUCH},
    {"the .art file restored alone, replaced", REPLACES("art") " $art", NULL, KEPT, ALL("damaged"), GOES,
     .saves = MUCH},
    {"both restored, overwritten", INTO("db") " $db; " INTO("art") " $art", NULL, KEPT, ALL("works"), GOES,
     .saves = MUCH, .restored = true},
    {"both restored, replaced", REPLACES("db") " $db; " REPLACES("art") " $art", NULL, KEPT, ALL("works"), GOES,
     .saves = MUCH, .restored = true},
    {"a hard link to the .art file", "ln $art $to/second.art", NULL, KEPT, "works", "works", "two names", "two names",
     GOES, .lacks = "hard links"},
    /* SQLite writes through either name of a database. */
    {"hard links to both (`cp -al`)", "ln $db $art $to", THERE, ALONG, "works", "two names", "two names", "two names",
     GOES, .lacks = "hard links", .also = "here/t.db"},
    {"a hard link to the database", "ln $db $to/second.db", NULL, KEPT, "works", "works", "two names", "two names",
     GOES, .lacks = "hard links", .also = "elsewhere/second.db"},
    {"exchanged with the .art file of another table", EXCHANGED("t.db-u-*.art"), NULL, NONE, ALL("another table's"),
     STAYS},
    {"exchanged with that of another database", EXCHANGED("other.db-t-*.art"), NULL, NONE, ALL("another table's"),
     STAYS},
    {"a symbolic link in the .art file's place", ASIDE "ln -s $to/aside.art $art", NULL, NONE, ALL("link"), STAYS,
     .lacks = "symbolic links"},
    {"a pipe", ASIDE "mkfifo $art", NULL, NONE, ALL("no file"), STAYS, .lacks = "pipes"},
    {"a folder", ASIDE "mkdir $art", NULL, NONE, ALL("no file"), STAYS},
    {"a device", ASIDE "mknod $art c 1 3", NULL, NONE, ALL("no file"), STAYS, .lacks = "devices"},
    {"an empty file", ASIDE ": >$art", NULL, NONE, ALL("damaged"), STAYS},
    {"the .art file cut in its first pages", "truncate -s 5000 $art", NULL, KEPT, ALL("damaged"), STAYS},
    {"... behind them", "truncate -s 512K $art", NULL, KEPT, ALL("damaged"), GOES},
    {"... within a blob", "truncate -s 536633 $art", NULL, KEPT, ALL("damaged"), GOES},
    {"garbage at its end", "yes garbage | head -n 123456 >>$art", NULL, KEPT, ALL("works"), GOES},
    /* As long as ext4 lets a file be. */
    {"made as long as can be", "truncate -s 15T $art", NULL, KEPT, ALL("works"), GOES, .lacks = "files of 15 TB"},
    {"its owner pages damaged", OWNER_PAGE("4136") OWNER_PAGE("8232"), NULL, KEPT, "works", "adopt it", "adopt it",
     "works", STAYS},
    {"the .art file may not be read", "chmod 0 $art", NULL, NONE, ALL("rights"), STAYS, .nobody = true},
    {"the .art file may not be written", "chmod 444 $art", NULL, KEPT, "works", "works", "rights", "rights", GOES,
     .nobody = true},
    {"the database opened with `mode=ro`", NULL, NULL, NONE, "works", "read-only", "read-only", "read-only",
     "read-only", .query = "mode=ro"},
    {"... with `immutable=1`", NULL, NULL, NONE, "works", "read-only", "read-only", "read-only", "read-only",
     .query = "immutable=1"},
    /* Where there is a WAL, SQLite asks for immutable=1 here. */
    {"files and folder read-only", "chmod 444 $art $db; chmod 555 .", NULL, NONE, "works", "read-only", "read-only",
     "read-only", "read-only", .nobody = true, .query = "immutable=1", .journal = "wal"},
};
enum { FATES = sizeof fates / sizeof *fates };
