/* What the table must hold, in memory, and the comparison of a node with it: rows, listings, counts, GLOB. */
#ifndef ART_TESTS_CLUSTER_MODEL_H
#define ART_TESTS_CLUSTER_MODEL_H

#include "tests/clients/cluster/wire.h"

#include <stdint.h>

enum { MODEL_KEYS = 100000, MODEL_TEXT = 64 };

struct model {
    uint8_t version[MODEL_KEYS]; /* 0: no such row. Keys are in the order of their paths. */
};

/* tenant3/year04/object-030412: 10 tenants of 100 years of 100 objects. */
void model_path(unsigned key, char out[MODEL_TEXT]);
void model_value(unsigned key, unsigned version, char out[MODEL_TEXT]);

/* The keys in the order that they are written in: each once, far from its neighbours. */
unsigned model_shuffled(unsigned position);

/* 0, or -1 with what is wrong in wire->error. */
int model_compare(const struct model *model, struct wire *wire, const char *table);

#endif
