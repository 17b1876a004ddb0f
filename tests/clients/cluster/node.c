/* See node.h. */
#include "tests/clients/cluster/node.h"

#include "ext/art.h"

#include <arpa/inet.h>
#include <dqlite.h>
#include <netinet/in.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* In entries of Raft's log. Who was away for more than both together is sent the whole database. */
enum { SNAPSHOT_AFTER = 32, KEPT_BEFORE = 32 };

static int complain(dqlite_node *node, const char *what, int rc) {
    fprintf(stderr, "node: cannot %s: %d %s\n", what, rc, node ? dqlite_node_errmsg(node) : "");
    return 1;
}

int node_main(const char *id, const char *address, const char *folder) {
    dqlite_node *node = NULL;
    signal(SIGPIPE, SIG_IGN); /* dqlite writes to clients that are gone */
    int rc = sqlite3_auto_extension((void (*)(void))sqlite3_art_init);
    if (rc) return complain(NULL, "register the extension", rc);
    rc = dqlite_node_create(strtoull(id, NULL, 10), address, folder, &node);
    if (rc) return complain(node, "create", rc);
    rc = dqlite_node_set_bind_address(node, address);
    if (rc) return complain(node, "bind", rc);
    rc = dqlite_node_set_snapshot_params(node, SNAPSHOT_AFTER, KEPT_BEFORE);
    if (rc) return complain(node, "set when it takes snapshots", rc);
    rc = dqlite_node_start(node);
    if (rc) return complain(node, "start", rc);
    for (;;) pause();
}

/* Somebody else may take it before the node does; then the node says so and the test fails. */
static unsigned free_port(void) {
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof any;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&any, len) || getsockname(fd, (struct sockaddr *)&any, &len)) {
        perror("no free port");
        exit(1);
    }
    close(fd);
    return ntohs(any.sin_port);
}

void node_init(struct node *node, uint64_t id, const char *folder) {
    *node = (struct node){.id = id};
    snprintf(node->folder, sizeof node->folder, "%s/node%llu", folder, (unsigned long long)id);
    snprintf(node->address, sizeof node->address, "127.0.0.1:%u", free_port());
    mkdir(node->folder, 0700);
}

void node_start(struct node *node) {
    char id[24];
    pid_t parent = getpid();
    snprintf(id, sizeof id, "%llu", (unsigned long long)node->id);
    node->pid = fork();
    if (node->pid) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    execl("/proc/self/exe", "dqlite", "node", id, node->address, node->folder, (char *)NULL);
    _exit(1);
}

bool node_runs(const struct node *node) {
    siginfo_t end = {.si_pid = 0};
    return node->pid > 0 && !waitid(P_PID, (id_t)node->pid, &end, WEXITED | WNOHANG | WNOWAIT) && !end.si_pid;
}

void node_kill(struct node *node, int signal) {
    if (node->pid <= 0) return;
    kill(node->pid, signal);
    waitpid(node->pid, NULL, 0);
    node->pid = 0;
}

uint64_t node_bytes_read(const struct node *node) {
    char name[64];
    unsigned long long bytes = 0;
    snprintf(name, sizeof name, "/proc/%d/io", (int)node->pid);
    FILE *file = fopen(name, "r");
    if (!file) return 0;
    if (fscanf(file, "rchar: %llu", &bytes) != 1) bytes = 0;
    fclose(file);
    return bytes;
}
