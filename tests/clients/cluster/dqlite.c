/* make check-dqlite: an art table in a cluster of three dqlite nodes on 127.0.0.1, through dqlite's wire protocol.
 *
 *     dqlite <folder>    CLUSTER_OPTIONS are the table's options
 *
 * A load of 100,000 rows in transactions of 1,000. Its leader is killed while it commits; the next one goes on with the
 * load, changes and deletes rows. The killed node comes back. Then each node leads for a while, and is compared with
 * the model; the last one has been away, and writes once more. An ordinary table gets the same rows first, for the
 * figures.
 *
 * dqlite answers SQL on the leader only, and a COMMIT whose leader dies may have happened or not: that one is asked
 * for.
 */
#include "tests/clients/cluster/model.h"
#include "tests/clients/cluster/node.h"
#include "tests/clients/cluster/wire.h"

#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { NODES = 3, TRANSACTION = 1000, STATEMENT = 100 };
enum { LOADED_FIRST = 90 * TRANSACTION, CHANGED = 70 * TRANSACTION, DELETED = 2 * TRANSACTION };
enum { PATIENCE = 40, LONGEST = 150 }; /* seconds: for one thing, for all */

struct cluster {
    struct node nodes[NODES];
    struct node *leader;
    struct wire wire; /* to the leader */
    struct model model;
};

struct load {
    double commits[MODEL_KEYS / TRANSACTION];
    unsigned count;
    double bytes_per_row;
};

static struct cluster cluster;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void rest(void) {
    usleep(20000);
}

static void stop_nodes(void) {
    for (unsigned i = 0; i < NODES; i++) node_kill(&cluster.nodes[i], SIGKILL);
}

static _Noreturn void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    printf("FAILED: ");
    vprintf(format, arguments);
    printf("\n");
    exit(1);
}

static void need_of(const struct wire *wire, int rc, const char *what) {
    if (rc) fail("%s: %s", what, wire->error);
}

static void need(int rc, const char *what) {
    need_of(&cluster.wire, rc, what);
}

/* --- who leads ---------------------------------------------------------------------------------------------------- */

static void leave(void) {
    wire_close(&cluster.wire);
    cluster.leader = NULL;
}

/* Takes the first running node that says that it leads itself, and lets us open the database. */
static bool find_leader(void) {
    leave();
    for (unsigned i = 0; i < NODES; i++) {
        char address[64];
        uint64_t id = 0;
        struct node *node = &cluster.nodes[i];
        if (!node->pid) continue;
        if (!wire_connect(&cluster.wire, node->address) && !wire_leader(&cluster.wire, &id, address, sizeof address) &&
            id == node->id && !wire_open(&cluster.wire, "cluster")) {
            cluster.leader = node;
            return true;
        }
        wire_close(&cluster.wire);
    }
    return false;
}

static void see_nodes_run(void) {
    for (unsigned i = 0; i < NODES; i++) {
        const struct node *node = &cluster.nodes[i];
        if (node->pid && !node_runs(node)) fail("node %u has ended", (unsigned)node->id);
    }
}

static void wait_for_leader(void) {
    for (double end = now() + PATIENCE; !find_leader(); rest()) {
        see_nodes_run();
        if (now() > end) fail("no leader after %d s", PATIENCE);
    }
}

/* A node that has just come back is passed over until it has what the others have. */
static void make_leader(struct node *node) {
    for (double end = now() + PATIENCE; cluster.leader != node; rest()) {
        see_nodes_run();
        if (now() > end) fail("node %u does not lead after %d s: %s", (unsigned)node->id, PATIENCE, cluster.wire.error);
        if (cluster.leader) wire_transfer(&cluster.wire, node->id);
        find_leader();
    }
}

static void form(const char *folder) {
    for (unsigned i = 0; i < NODES; i++) {
        node_init(&cluster.nodes[i], i + 1, folder);
        node_start(&cluster.nodes[i]);
    }
    wait_for_leader();
    for (unsigned i = 1; i < NODES; i++) {
        const struct node *node = &cluster.nodes[i];
        need(wire_add(&cluster.wire, node->id, node->address), "cannot add a node");
        need(wire_assign(&cluster.wire, node->id, WIRE_VOTER), "cannot make it a voter");
    }
}

/* --- what is written ---------------------------------------------------------------------------------------------- */

/* STATEMENT rows a statement: "start (?, ?), (?, ?), ... end" */
static uint32_t prepare(const char *start, const char *each, const char *end) {
    char sql[STATEMENT * 8 + 200];
    uint32_t statement;
    size_t len = (size_t)snprintf(sql, sizeof sql, "%s", start);
    for (unsigned i = 0; i < STATEMENT; i++) {
        len += (size_t)snprintf(sql + len, sizeof sql - len, "%s%s", i ? ", " : "", each);
    }
    snprintf(sql + len, sizeof sql - len, "%s", end);
    need(wire_prepare(&cluster.wire, sql, &statement), sql);
    return statement;
}

static struct wire_value text(const char *at) {
    return (struct wire_value){.type = WIRE_TEXT, .text = at, .len = strlen(at)};
}

/* Rows of these positions of the shuffled keys, as that version; 0 deletes them. */
static void write_rows(uint32_t statement, unsigned from, unsigned version) {
    static char paths[STATEMENT][MODEL_TEXT], contents[STATEMENT][MODEL_TEXT];
    struct wire_value values[2 * STATEMENT];
    for (unsigned at = from; at < from + TRANSACTION; at += STATEMENT) {
        unsigned count = 0;
        for (unsigned i = 0; i < STATEMENT; i++) {
            unsigned key = model_shuffled(at + i);
            model_path(key, paths[i]);
            model_value(key, version, contents[i]);
            values[count++] = text(paths[i]);
            if (version) values[count++] = text(contents[i]);
        }
        need(wire_exec(&cluster.wire, statement, values, count), "cannot write rows");
    }
}

static void note(unsigned from, unsigned version) {
    for (unsigned i = from; i < from + TRANSACTION; i++) cluster.model.version[model_shuffled(i)] = (uint8_t)version;
}

static uint32_t prepare_insert(const char *table) {
    char start[100];
    snprintf(start, sizeof start, "INSERT OR REPLACE INTO %s(path, value) VALUES ", table);
    return prepare(start, "(?, ?)", "");
}

/* Positions from..to in transactions; a delete where version is 0. */
static void write_all(const char *table, unsigned from, unsigned to, unsigned version, struct load *load) {
    char start[100];
    snprintf(start, sizeof start, "DELETE FROM %s WHERE path IN (", table);
    uint32_t statement = version ? prepare_insert(table) : prepare(start, "?", ")");
    for (unsigned at = from; at < to; at += TRANSACTION) {
        need(wire_exec_sql(&cluster.wire, "BEGIN"), "BEGIN");
        write_rows(statement, at, version);
        double begun = now();
        need(wire_exec_sql(&cluster.wire, "COMMIT"), "COMMIT");
        if (load) load->commits[load->count++] = now() - begun;
    }
}

static void write_and_note(unsigned from, unsigned to, unsigned version, struct load *load) {
    write_all("t", from, to, version, load);
    for (unsigned at = from; at < to; at += TRANSACTION) note(at, version);
}

/* More than a commit has otherwise: all rows once more, and all blobs, while the old ones are given back. What stays in
 * the log has no blobs. */
static void rewrite(const char *options) {
    if (!strstr(options, "inline")) return;
    need(wire_exec_sql(&cluster.wire, "INSERT OR REPLACE INTO t SELECT path, value FROM t"), "all rows in one commit");
    need(wire_exec_sql(&cluster.wire, "INSERT INTO t(t) VALUES('optimize')"), "optimize");
}

/* What a follower reads meanwhile is nearly all of it what the leader sends. */
static void measure(const char *table, struct load *load) {
    const struct node *follower = &cluster.nodes[cluster.leader == &cluster.nodes[0] ? 1 : 0];
    uint64_t before = node_bytes_read(follower);
    if (!strcmp(table, "t")) {
        write_and_note(0, LOADED_FIRST, 1, load);
    } else {
        write_all(table, 0, LOADED_FIRST, 1, load);
    }
    usleep(500000); /* the other follower may have been the one that made it a majority */
    load->bytes_per_row = (double)(node_bytes_read(follower) - before) / LOADED_FIRST;
}

/* --- the story ---------------------------------------------------------------------------------------------------- */

static int see_row(void *context, const struct wire_value *values, unsigned columns) {
    (void)values;
    (void)columns;
    *(bool *)context = true;
    return 0;
}

/* The leader dies over a COMMIT. Returns the seconds until the next acknowledged one. */
static double kill_leader(struct node **killed) {
    char sql[200], path[MODEL_TEXT];
    bool committed = false;
    need(wire_exec_sql(&cluster.wire, "BEGIN"), "BEGIN");
    write_rows(prepare_insert("t"), LOADED_FIRST, 1);
    need(wire_send_sql(&cluster.wire, "COMMIT"), "COMMIT");
    *killed = cluster.leader;
    usleep((unsigned)getpid() % 4 * 1000); /* before or after the others have it */
    double begun = now();
    node_kill(*killed, SIGKILL);
    wait_for_leader();
    model_path(model_shuffled(LOADED_FIRST), path);
    snprintf(sql, sizeof sql, "SELECT 1 FROM t WHERE path = '%s'", path);
    need(wire_query_sql(&cluster.wire, sql, see_row, &committed), sql);
    if (committed) note(LOADED_FIRST, 1);
    write_and_note(LOADED_FIRST + TRANSACTION, LOADED_FIRST + 2 * TRANSACTION, 1, NULL);
    double seconds = now() - begun;
    need(model_compare(&cluster.model, &cluster.wire, "t"), "after the fail-over");
    printf("the COMMIT that its leader died over has %shappened\n", committed ? "" : "not ");
    if (!committed) write_and_note(LOADED_FIRST, LOADED_FIRST + TRANSACTION, 1, NULL);
    return seconds;
}

/* A connection that has read the table sees what another one writes. */
static void write_beside_a_reader(unsigned turn, const char *options) {
    struct wire reader;
    need_of(&reader, wire_connect(&reader, cluster.leader->address), "a second connection");
    need_of(&reader, wire_open(&reader, "cluster"), "a second connection");
    need_of(&reader, model_compare(&cluster.model, &reader, "t"), "a second connection, before");
    write_and_note(turn * TRANSACTION, (turn + 1) * TRANSACTION, 3 + turn, NULL);
    need_of(&reader, model_compare(&cluster.model, &reader, "t"), "a second connection, after the first one's writes");
    rewrite(options);
    need_of(&reader, model_compare(&cluster.model, &reader, "t"), "a second connection, after all was written anew");
    wire_close(&reader);
}

static int by_size(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void show(const char *name, struct load *load) {
    qsort(load->commits, load->count, sizeof *load->commits, by_size);
    printf("%-24s%10.1f ms%10.1f ms%12.0f bytes\n", name, load->commits[load->count / 2] * 1e3,
           load->commits[load->count * 99 / 100] * 1e3, load->bytes_per_row);
}

static void play(const char *options) {
    struct load art = {.count = 0}, ordinary = {.count = 0};
    struct node *killed;
    char sql[300];
    need(wire_exec_sql(&cluster.wire, "CREATE TABLE o(path TEXT PRIMARY KEY, value) WITHOUT ROWID"), "CREATE TABLE");
    snprintf(sql, sizeof sql, "CREATE VIRTUAL TABLE t USING art(path, value%s%s)", *options ? ", " : "", options);
    need(wire_exec_sql(&cluster.wire, sql), sql);
    /* dqlite 1.11 cannot read back what SQLite's cache has spilled while its WAL holds no commit:
     * SQLITE_IOERR_SHORT_READ. The ordinary table is helped, on a connection of its own; art helps itself. */
    need(wire_exec_sql(&cluster.wire, "PRAGMA cache_spill=off"), "PRAGMA cache_spill");
    measure("o", &ordinary);
    wait_for_leader();
    measure("t", &art);
    need(wire_exec_sql(&cluster.wire, "DROP TABLE o"), "DROP TABLE");
    printf("%u rows, in transactions of %u  p50 of COMMIT    p99  replicated a row\n", (unsigned)LOADED_FIRST,
           (unsigned)TRANSACTION);
    show("art", &art);
    show("WITHOUT ROWID", &ordinary);

    printf("fail-over: %.1f s from the leader's death to the next commit\n", kill_leader(&killed));
    write_and_note(LOADED_FIRST + 2 * TRANSACTION, MODEL_KEYS, 1, NULL);
    write_and_note(0, CHANGED, 2, NULL);
    write_and_note(CHANGED, CHANGED + DELETED, 0, NULL);

    node_start(killed);
    double begun = now();
    make_leader(killed);
    printf("the killed node: led again %.1f s after its start\n", now() - begun);
    for (unsigned i = 0; i <= NODES; i++) {
        unsigned at = (unsigned)(killed - cluster.nodes) + NODES - i; /* it comes first and last */
        make_leader(&cluster.nodes[at % NODES]);
        need(model_compare(&cluster.model, &cluster.wire, "t"), "a node differs from the model");
        printf("node %u leads: rows, listings, counts and GLOB are the model's\n", (unsigned)cluster.leader->id);
        write_beside_a_reader(i, options);
    }
}

int main(int argc, char **argv) {
    const char *options = getenv("CLUSTER_OPTIONS");
    if (argc == 5 && !strcmp(argv[1], "node")) return node_main(argv[2], argv[3], argv[4]);
    if (argc != 2) {
        fprintf(stderr, "usage: dqlite <folder>\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    alarm(LONGEST); /* the nodes die with this process */
    atexit(stop_nodes);
    cluster.wire.fd = -1;
    form(argv[1]);
    play(options ? options : "");
    see_nodes_run();
    printf("dqlite: passed\n");
    return 0;
}
