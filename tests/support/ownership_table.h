/* The lines of sql/files.md, "When files move", that are histories of files: each is a script of the model, and its
 * words are what the model then meets. Included by test_ownership.c, and nowhere else. */

enum { APP, SCRATCH, THERE, OTHER, BACKUP, HISTORY_MAX = 6 }; /* as in own_paths */

#define CP(what, x, y)                                                                                                 \
    { OWN_CP, what, x, y, 0 }
#define RSYNC(what, x, y)                                                                                              \
    { OWN_RSYNC, what, x, y, 0 }
#define MV(what, x, y)                                                                                                 \
    { OWN_MV, what, x, y, 0 }
#define LN(what, x, y)                                                                                                 \
    { OWN_LN, what, x, y, 0 }
#define RM(what, x)                                                                                                    \
    { OWN_RM, what, x, x, 0 }
#define SQL(verb, x, n)                                                                                                \
    { verb, 0, x, x, n }

#define SAVED          CP(OWN_THE_PAIR, APP, BACKUP)
#define A_LITTLE_LATER SQL(OWN_FEW, APP, OWN_WITH_A_FLUSH)
#define MUCH_LATER     SQL(OWN_CHURN, APP, 1)

static const struct history {
    const char *what;
    struct own_step steps[HISTORY_MAX];
    unsigned tried;
} histories[] = {
    {"nothing", {{0}}, APP},
    {"both files copied together, by `cp`", {CP(OWN_THE_PAIR, APP, THERE)}, THERE},
    {"both moved together", {MV(OWN_THE_PAIR, APP, THERE)}, THERE},
    {"the database renamed in its folder", {MV(OWN_THE_DATABASE, APP, SCRATCH)}, SCRATCH},
    {"the database copied or moved without its .art file", {CP(OWN_THE_DATABASE, APP, THERE)}, THERE},
    {"the .art file lost", {RM(OWN_THE_FILE, APP)}, APP},
    {"the database copied in its folder: the copy", {CP(OWN_THE_DATABASE, APP, SCRATCH)}, SCRATCH},
    {"... and the original gone", {CP(OWN_THE_DATABASE, APP, SCRATCH), RM(OWN_THE_DATABASE, APP)}, SCRATCH},
    {"... and the database once more beside them: that copy",
     {CP(OWN_THE_PAIR, APP, THERE), CP(OWN_THE_DATABASE, APP, OTHER)},
     OTHER},
    {"... the database under another name", {CP(OWN_THE_PAIR, APP, OTHER)}, OTHER},
    {"`VACUUM INTO` another file, which is moved into the database's place",
     {{OWN_VACUUM_INTO, 0, APP, SCRATCH, 0}, MV(OWN_THE_DATABASE, SCRATCH, APP)},
     APP},
    {"the database put aside, and an older copy in its place",
     {SAVED, A_LITTLE_LATER, MV(OWN_THE_DATABASE, APP, SCRATCH), CP(OWN_THE_DATABASE, BACKUP, APP)},
     APP},
    {"... from before much was written",
     {SAVED, MUCH_LATER, MV(OWN_THE_DATABASE, APP, SCRATCH), CP(OWN_THE_DATABASE, BACKUP, APP)},
     APP},
    {"the database restored alone, overwritten (`cp`, `.restore`)",
     {SAVED, A_LITTLE_LATER, CP(OWN_THE_DATABASE, BACKUP, APP)},
     APP},
    {"... from before much was written", {SAVED, MUCH_LATER, CP(OWN_THE_DATABASE, BACKUP, APP)}, APP},
    {"the database restored alone, replaced (`mv`, `rsync`, `git checkout`)",
     {SAVED, A_LITTLE_LATER, RSYNC(OWN_THE_DATABASE, BACKUP, APP)},
     APP},
    {"the .art file restored alone, overwritten", {SAVED, MUCH_LATER, CP(OWN_THE_FILE, BACKUP, APP)}, APP},
    {"the .art file restored alone, replaced", {SAVED, MUCH_LATER, RSYNC(OWN_THE_FILE, BACKUP, APP)}, APP},
    {"both restored, overwritten", {SAVED, MUCH_LATER, CP(OWN_THE_PAIR, BACKUP, APP)}, APP},
    {"both restored, replaced", {SAVED, MUCH_LATER, RSYNC(OWN_THE_PAIR, BACKUP, APP)}, APP},
    {"a hard link to the .art file", {LN(OWN_THE_FILE, APP, THERE)}, APP},
    {"hard links to both (`cp -al`)", {LN(OWN_THE_PAIR, APP, THERE)}, THERE},
    {"a hard link to the database", {LN(OWN_THE_DATABASE, APP, SCRATCH)}, APP},
};
enum { HISTORIES = sizeof histories / sizeof *histories };

/* What is tried then, each in a world of its own. The first step that is refused gives the word. */
enum { TRIES = 5, TRY_STEPS = 3 };
static const struct own_step tries[TRIES][TRY_STEPS] = {
    {SQL(OWN_READ, 0, 0)},
    {SQL(OWN_FEW, 0, 1)},
    {SQL(OWN_FEW, 0, OWN_WITH_A_FLUSH)},
    {SQL(OWN_ADOPT, 0, 0), SQL(OWN_READ, 0, 0), SQL(OWN_FEW, 0, OWN_WITH_A_FLUSH)},
    {SQL(OWN_DROP, 0, 0)},
};
