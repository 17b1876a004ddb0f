/* A node of dqlite with the extension linked in, which dqlite.py starts and kills:
 *
 *     node <id> <address> <folder>    the bootstrap node is the one with the id 1
 */
#include "ext/art.h"

#include <dqlite.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* In entries of Raft's log. Who was away for more than both together is sent the whole database. */
enum { SNAPSHOT_AFTER = 32, KEPT_BEFORE = 32 };

static int complain(dqlite_node *node, const char *what, int rc) {
    fprintf(stderr, "node: cannot %s: %d %s\n", what, rc, node ? dqlite_node_errmsg(node) : "");
    return 1;
}

int main(int argc, char **argv) {
    dqlite_node *node = NULL;
    if (argc != 4) return complain(NULL, "start without an id, an address and a folder", 0);
    signal(SIGPIPE, SIG_IGN); /* dqlite writes to clients that are gone */
    int rc = sqlite3_auto_extension((void (*)(void))sqlite3_art_init);
    if (rc) return complain(NULL, "register the extension", rc);
    rc = dqlite_node_create(strtoull(argv[1], NULL, 10), argv[2], argv[3], &node);
    if (rc) return complain(node, "create", rc);
    rc = dqlite_node_set_bind_address(node, argv[2]);
    if (rc) return complain(node, "bind", rc);
    rc = dqlite_node_set_snapshot_params(node, SNAPSHOT_AFTER, KEPT_BEFORE);
    if (rc) return complain(node, "set when it takes snapshots", rc);
    rc = dqlite_node_start(node);
    if (rc) return complain(node, "start", rc);
    for (;;) pause();
}
