/* A node of the cluster: this program once more, in a process that can be killed, with the extension linked in. */
#ifndef ART_TESTS_CLUSTER_NODE_H
#define ART_TESTS_CLUSTER_NODE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct node {
    uint64_t id;
    char address[32]; /* 127.0.0.1 and a port that was free */
    char folder[512];
    pid_t pid; /* 0: does not run */
};

/* What a process does that was started with "node <id> <address> <folder>"; it ends when it is killed. */
int node_main(const char *id, const char *address, const char *folder);

/* The bootstrap node is the one with the id 1. */
void node_init(struct node *node, uint64_t id, const char *folder);

/* The process dies with this one. */
void node_start(struct node *node);
void node_kill(struct node *node, int signal);
bool node_runs(const struct node *node);

/* Bytes that its process has read so far: what came through sockets, mostly. */
uint64_t node_bytes_read(const struct node *node);

#endif
