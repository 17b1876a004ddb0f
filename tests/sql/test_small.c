/* The build with small limits (LIMITS=small, core/base/limits.h) is there for states that take millions of rows
 * elsewhere. Some hundred rows reach them, as is shown here: else all other tests of that build would pass for
 * nothing. Its own history is compared with an ordinary table, too. */
#include "core/blob/blob_format.h"
#include "core/tree/state/hooks.h"
#include "tests/support/sql_one.h"

#ifdef ART_SMALL_LIMITS
/* Blobs that were written, by what they are. */
static struct {
    unsigned height[ART_HEIGHT_MAX], filter, sums, blocks, symbols, postings, labels, large_values;
    unsigned runs; /* at one time, at most */
} seen;

static void note_blob(const uint8_t *blob) {
    struct art_blob_trailer trailer;
    memcpy(&trailer, blob + ART_TRAILER_AT, sizeof trailer);
    seen.height[trailer.height]++;
    seen.filter += trailer.flags & ART_BLOB_FILTER ? 1 : 0;
    seen.sums += trailer.flags & ART_BLOB_SUMS ? 1 : 0;
    seen.blocks += trailer.incompatible & ART_BLOB_BLOCKS ? 1 : 0;
    seen.symbols += trailer.incompatible & ART_BLOB_SYMBOLS ? 1 : 0;
    seen.postings += trailer.postings_at > 0;
    seen.labels += trailer.common > 0;
    seen.large_values += trailer.overflows > 0;
}

static void note_runs(void) {
    unsigned runs = (unsigned)sql_info(db, "runs");
    if (runs > seen.runs) seen.runs = runs;
}

/* Random words, so that a column is searched for many terms. */
static void write_some(struct random *random) {
    char word[12] = {0};
    for (unsigned i = 0; i < sizeof word - 1; i++) word[i] = (char)('a' + random_below(random, 26));
    unsigned at = random_below(random, 400), group = random_below(random, 3), size = random_below(random, 6);
    both(TEXT("INSERT OR REPLACE INTO @ VALUES ('dir%u/name%u', %u, '%s', hex(zeroblob(%u)))", group, at, at % 50, word,
              size ? size * 9 : 3000));
    if (!random_below(random, 40)) both(TEXT("DELETE FROM @ WHERE path LIKE 'dir%u/name%u%%'", group, at % 40));
}

static void write_history(const char *storage, const char *summary, struct random *random) {
    sql_set_up();
    run("CREATE TABLE b (path TEXT PRIMARY KEY, a INTEGER, b TEXT, c TEXT) WITHOUT ROWID;"
        "CREATE VIRTUAL TABLE t USING art(path TEXT, a INTEGER, b TEXT, c TEXT, storage=%s, spill_limit=4000%s)",
        storage, summary);
    for (unsigned commit = 0; commit < 100; commit++) {
        run("BEGIN");
        for (unsigned rows = 1 + random_below(random, 12); rows; rows--) write_some(random);
        run("COMMIT");
        note_runs();
    }
    EACH(query, "SELECT * FROM @ ORDER BY path", "SELECT path FROM @ WHERE b LIKE '%abc%' ORDER BY path",
         "SELECT path FROM @ WHERE a = 7 ORDER BY path",
         "SELECT count(*), sum(a), min(a), max(a) FROM @ WHERE path >= 'dir1' AND path < 'dir2'") {
        alike(query);
    }
    expect("", "SELECT problem FROM art_check('t')");
    sql_tear_down();
}

TEST(test_some_hundred_rows_reach_what_takes_millions_elsewhere) {
    struct random random = random_announced("small");
    sql_link();
    art_test_hooks.writes = note_blob;
    for (unsigned i = 0; i < 4; i++) {
        art_test_hooks.few_names = true;
        write_history(i < 2 ? "file" : "inline",
                      i % 2 ? "" : ", summary=(sum(a), min(a), max(a), lookup(a), search(b))", &random);
    }
    art_test_hooks = (struct art_test_hooks){0};
    printf("blobs by height: %u %u %u %u, %u runs; filter %u, sums %u, blocks %u, symbols %u, postings %u, labels %u, "
           "large values %u\n",
           seen.height[0], seen.height[1], seen.height[2], seen.height[3], seen.runs, seen.filter, seen.sums,
           seen.blocks, seen.symbols, seen.postings, seen.labels, seen.large_values);
    if (getenv("ART_LIMITS")) return; /* others than the smallest */
    for (unsigned height = 0; height < 4; height++) ck_assert_uint_gt(seen.height[height], 50);
    ck_assert_uint_ge(seen.runs, 5);
    const unsigned counts[] = {seen.filter,   seen.sums,   seen.blocks,      seen.symbols,
                               seen.postings, seen.labels, seen.large_values};
    for (unsigned i = 0; i < LENGTH(counts); i++) ck_assert_uint_gt(counts[i], 0);
}
#else
TEST(test_the_limits_are_those_of_every_build) {
    printf("left out: this build has no small limits\n");
}
#endif

SUITE("small", .seconds = SUITE_FOREVER)
