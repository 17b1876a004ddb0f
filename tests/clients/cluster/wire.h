/* The part of dqlite's wire protocol that the test needs; libdqlite 1.11 has no public client for C.
 *
 *     greeting     u64 version (1), from the client, once
 *     message      u32 body in words of 8 bytes | u8 type | u8 0 | u16 0 | body
 *     text         bytes, a NUL, padded to a word
 *     parameters   u8 n | n types, padded to a word | the values
 *     rows         u64 columns | a text for each name | rows | u64 end
 *     row          a type in 4 bits a column, padded to a word | the values
 *
 * All numbers are little-endian; a blob is a u64 length and its bytes, padded. A result that is too long for one
 * message ends with 0xEE.. in place of 0xFF.., and the next message begins with the names again.
 *
 * Requests wait for their answer, at most WIRE_SECONDS; they return 0, or -1 with wire->error (and wire->code where the
 * node sent one). A connection that failed otherwise than by a code of the node's is of no more use.
 */
#ifndef ART_TESTS_CLUSTER_WIRE_H
#define ART_TESTS_CLUSTER_WIRE_H

#include <stddef.h>
#include <stdint.h>

enum { WIRE_SECONDS = 30 };
enum { WIRE_VOTER = 0 };
enum wire_type { WIRE_INTEGER = 1, WIRE_FLOAT = 2, WIRE_TEXT = 3, WIRE_BLOB = 4, WIRE_NULL = 5 };

struct wire_buffer {
    uint8_t *bytes;
    size_t len, size;
};

struct wire {
    int fd;
    struct wire_buffer out, in;
    size_t at; /* in `in` */
    uint64_t code;
    char error[400];
};

struct wire_value {
    enum wire_type type;
    int64_t integer;
    double real;
    const char *text; /* not NUL-terminated where it is a blob; valid until the next call */
    size_t len;
};

/* Not 0: an error, already in wire->error. */
typedef int wire_row(void *context, const struct wire_value *values, unsigned columns);

int wire_connect(struct wire *wire, const char *host_and_port);
void wire_close(struct wire *wire);

/* Of any node. id: 0 if it knows of none; address: at most `size` bytes. */
int wire_leader(struct wire *wire, uint64_t *id, char *address, size_t size);

/* Of the leader. */
int wire_add(struct wire *wire, uint64_t id, const char *address);
int wire_assign(struct wire *wire, uint64_t id, uint64_t role);
int wire_transfer(struct wire *wire, uint64_t id);
int wire_open(struct wire *wire, const char *database);
int wire_prepare(struct wire *wire, const char *sql, uint32_t *statement);
int wire_exec(struct wire *wire, uint32_t statement, const struct wire_value *values, unsigned count);
int wire_exec_sql(struct wire *wire, const char *sql);
int wire_query_sql(struct wire *wire, const char *sql, wire_row *row, void *context);

/* wire_exec_sql() without waiting for the answer: for who kills the node meanwhile. */
int wire_send_sql(struct wire *wire, const char *sql);

#endif
