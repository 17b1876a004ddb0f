/* See wire.h. */
#include "tests/clients/cluster/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum request {
    REQUEST_LEADER = 0,
    REQUEST_CLIENT = 1,
    REQUEST_OPEN = 3,
    REQUEST_PREPARE = 4,
    REQUEST_EXEC = 5,
    REQUEST_EXEC_SQL = 8,
    REQUEST_QUERY_SQL = 9,
    REQUEST_ADD = 12,
    REQUEST_ASSIGN = 13,
    REQUEST_TRANSFER = 17,
};

enum response {
    RESPONSE_FAILURE = 0,
    RESPONSE_SERVER = 1,
    RESPONSE_WELCOME = 2,
    RESPONSE_DB = 4,
    RESPONSE_STMT = 5,
    RESPONSE_RESULT = 6,
    RESPONSE_ROWS = 7,
    RESPONSE_EMPTY = 8,
};

enum { WORD = 8, HEADER = 8, MOST_COLUMNS = 16 };
static const uint64_t version = 1;
static const uint64_t rows_part = 0xEEEEEEEEEEEEEEEE, rows_done = 0xFFFFFFFFFFFFFFFF;

static int fail(struct wire *wire, uint64_t code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(wire->error, sizeof wire->error, format, arguments);
    va_end(arguments);
    wire->code = code;
    return -1;
}

/* --- what is sent ------------------------------------------------------------------------------------------------- */

static void reserve(struct wire_buffer *buffer, size_t bytes) {
    if (buffer->len + bytes <= buffer->size) return;
    buffer->size = 2 * (buffer->len + bytes);
    buffer->bytes = realloc(buffer->bytes, buffer->size);
    if (!buffer->bytes) abort();
}

static void put(struct wire *wire, const void *bytes, size_t len) {
    reserve(&wire->out, len + WORD);
    memcpy(wire->out.bytes + wire->out.len, bytes, len);
    wire->out.len += len;
}

static void pad(struct wire *wire) {
    while (wire->out.len % WORD) put(wire, "", 1);
}

static void put_number(struct wire *wire, uint64_t number) {
    put(wire, &number, sizeof number);
}

static void put_text(struct wire *wire, const char *text) {
    put(wire, text, strlen(text) + 1);
    pad(wire);
}

static void put_values(struct wire *wire, const struct wire_value *values, unsigned count) {
    uint8_t byte = (uint8_t)count;
    put(wire, &byte, 1);
    for (unsigned i = 0; i < count; i++) {
        byte = (uint8_t)values[i].type;
        put(wire, &byte, 1);
    }
    pad(wire);
    for (unsigned i = 0; i < count; i++) {
        switch (values[i].type) {
        case WIRE_INTEGER:
            put_number(wire, (uint64_t)values[i].integer);
            break;
        case WIRE_FLOAT:
            put(wire, &values[i].real, sizeof values[i].real);
            break;
        case WIRE_TEXT:
            put_text(wire, values[i].text);
            break;
        case WIRE_BLOB:
            put_number(wire, values[i].len);
            put(wire, values[i].text, values[i].len);
            pad(wire);
            break;
        case WIRE_NULL:
            put_number(wire, 0);
            break;
        }
    }
}

static void begin(struct wire *wire, enum request type) {
    uint8_t header[HEADER] = {0, 0, 0, 0, (uint8_t)type};
    wire->out.len = 0;
    put(wire, header, sizeof header);
}

static int send_all(struct wire *wire, const uint8_t *bytes, size_t len) {
    while (len) {
        ssize_t sent = send(wire->fd, bytes, len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return fail(wire, 0, "cannot send: %s", strerror(errno));
        bytes += sent;
        len -= (size_t)sent;
    }
    return 0;
}

static int send_request(struct wire *wire) {
    uint32_t words = (uint32_t)((wire->out.len - HEADER) / WORD);
    memcpy(wire->out.bytes, &words, sizeof words);
    return send_all(wire, wire->out.bytes, wire->out.len);
}

/* --- what is received --------------------------------------------------------------------------------------------- */

static int receive_all(struct wire *wire, uint8_t *bytes, size_t len) {
    while (len) {
        ssize_t got = recv(wire->fd, bytes, len, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0)
            return fail(wire, 0, "no answer: %s", got ? strerror(errno) : "the node has closed the connection");
        bytes += got;
        len -= (size_t)got;
    }
    return 0;
}

static int take(struct wire *wire, void *out, size_t len) {
    if (wire->in.len - wire->at < len) return fail(wire, 0, "an answer is too short");
    if (out) memcpy(out, wire->in.bytes + wire->at, len);
    wire->at += len;
    return 0;
}

static int take_number(struct wire *wire, uint64_t *out) {
    return take(wire, out, sizeof *out);
}

static int take_text(struct wire *wire, const char **out, size_t *len) {
    const uint8_t *text = wire->in.bytes + wire->at;
    const uint8_t *end = memchr(text, 0, wire->in.len - wire->at);
    if (!end) return fail(wire, 0, "a text in an answer has no end");
    *out = (const char *)text;
    *len = (size_t)(end - text);
    return take(wire, NULL, (*len + WORD) / WORD * WORD);
}

static int receive(struct wire *wire, enum response expected) {
    uint8_t header[HEADER];
    uint32_t words;
    if (receive_all(wire, header, sizeof header)) return -1;
    memcpy(&words, header, sizeof words);
    wire->in.len = wire->at = 0;
    reserve(&wire->in, (size_t)words * WORD);
    wire->in.len = (size_t)words * WORD;
    if (receive_all(wire, wire->in.bytes, wire->in.len)) return -1;
    uint8_t type = header[4];
    if (type == RESPONSE_FAILURE) {
        uint64_t code = 0;
        const char *text;
        size_t len;
        if (take_number(wire, &code) || take_text(wire, &text, &len)) return -1;
        return fail(wire, code, "%s (%llu)", text, (unsigned long long)code);
    }
    return type == expected ? 0 : fail(wire, 0, "an answer of type %u instead of %u", type, (unsigned)expected);
}

static int ask(struct wire *wire, enum response expected) {
    return send_request(wire) ? -1 : receive(wire, expected);
}

/* --- the requests ------------------------------------------------------------------------------------------------- */

int wire_connect(struct wire *wire, const char *host_and_port) {
    char host[64];
    unsigned port = 0;
    *wire = (struct wire){.fd = -1};
    if (sscanf(host_and_port, "%63[^:]:%u", host, &port) != 2) return fail(wire, 0, "no address: %s", host_and_port);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval patience = {.tv_sec = WIRE_SECONDS};
    int on = 1;
    inet_pton(AF_INET, host, &to.sin_addr);
    wire->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (wire->fd < 0) return fail(wire, 0, "no socket: %s", strerror(errno));
    setsockopt(wire->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(wire->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    setsockopt(wire->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(wire->fd, (struct sockaddr *)&to, sizeof to)) {
        return fail(wire, 0, "cannot connect to %s: %s", host_and_port, strerror(errno));
    }
    if (send_all(wire, (const uint8_t *)&version, sizeof version)) return -1;
    begin(wire, REQUEST_CLIENT);
    put_number(wire, 0);
    return ask(wire, RESPONSE_WELCOME);
}

void wire_close(struct wire *wire) {
    if (wire->fd >= 0) close(wire->fd);
    free(wire->in.bytes);
    free(wire->out.bytes);
    *wire = (struct wire){.fd = -1};
}

int wire_leader(struct wire *wire, uint64_t *id, char *address, size_t size) {
    const char *text;
    size_t len;
    begin(wire, REQUEST_LEADER);
    put_number(wire, 0);
    if (ask(wire, RESPONSE_SERVER) || take_number(wire, id) || take_text(wire, &text, &len)) return -1;
    snprintf(address, size, "%s", text);
    return 0;
}

int wire_add(struct wire *wire, uint64_t id, const char *address) {
    begin(wire, REQUEST_ADD);
    put_number(wire, id);
    put_text(wire, address);
    return ask(wire, RESPONSE_EMPTY);
}

int wire_assign(struct wire *wire, uint64_t id, uint64_t role) {
    begin(wire, REQUEST_ASSIGN);
    put_number(wire, id);
    put_number(wire, role);
    return ask(wire, RESPONSE_EMPTY);
}

int wire_transfer(struct wire *wire, uint64_t id) {
    begin(wire, REQUEST_TRANSFER);
    put_number(wire, id);
    return ask(wire, RESPONSE_EMPTY);
}

int wire_open(struct wire *wire, const char *database) {
    begin(wire, REQUEST_OPEN);
    put_text(wire, database);
    put_number(wire, 0);
    put_text(wire, "");
    return ask(wire, RESPONSE_DB);
}

int wire_prepare(struct wire *wire, const char *sql, uint32_t *statement) {
    uint32_t database;
    begin(wire, REQUEST_PREPARE);
    put_number(wire, 0);
    put_text(wire, sql);
    if (ask(wire, RESPONSE_STMT) || take(wire, &database, sizeof database)) return -1;
    return take(wire, statement, sizeof *statement);
}

int wire_exec(struct wire *wire, uint32_t statement, const struct wire_value *values, unsigned count) {
    begin(wire, REQUEST_EXEC);
    put_number(wire, (uint64_t)statement << 32);
    if (count) put_values(wire, values, count);
    return ask(wire, RESPONSE_RESULT);
}

int wire_send_sql(struct wire *wire, const char *sql) {
    begin(wire, REQUEST_EXEC_SQL);
    put_number(wire, 0);
    put_text(wire, sql);
    return send_request(wire);
}

int wire_exec_sql(struct wire *wire, const char *sql) {
    return wire_send_sql(wire, sql) ? -1 : receive(wire, RESPONSE_RESULT);
}

static int take_value(struct wire *wire, enum wire_type type, struct wire_value *out) {
    uint64_t number = 0;
    *out = (struct wire_value){.type = type};
    if (type == WIRE_TEXT) return take_text(wire, &out->text, &out->len);
    if (take_number(wire, &number)) return -1;
    out->integer = (int64_t)number;
    memcpy(&out->real, &number, sizeof number);
    if (type != WIRE_BLOB) return 0;
    out->text = (const char *)wire->in.bytes + wire->at;
    out->len = (size_t)number;
    return take(wire, NULL, (out->len + WORD - 1) / WORD * WORD);
}

/* One message of a result; *more: another one follows. */
static int take_rows(struct wire *wire, wire_row *row, void *context, int *more) {
    struct wire_value values[MOST_COLUMNS];
    uint64_t columns = 0, types = 0;
    if (take_number(wire, &columns)) return -1;
    if (columns > MOST_COLUMNS) return fail(wire, 0, "%llu columns", (unsigned long long)columns);
    for (unsigned i = 0; i < columns; i++) {
        if (take_text(wire, &values[i].text, &values[i].len)) return -1;
    }
    for (;;) {
        if (take_number(wire, &types)) return -1;
        *more = types == rows_part;
        if (*more || types == rows_done) return 0;
        for (unsigned i = 0; i < columns; i++) {
            if (take_value(wire, (enum wire_type)(types >> (4 * i) & 15), &values[i])) return -1;
        }
        if (row(context, values, (unsigned)columns)) return fail(wire, 0, "a row is not as expected");
    }
}

int wire_query_sql(struct wire *wire, const char *sql, wire_row *row, void *context) {
    int more;
    begin(wire, REQUEST_QUERY_SQL);
    put_number(wire, 0);
    put_text(wire, sql);
    if (send_request(wire)) return -1;
    do {
        if (receive(wire, RESPONSE_ROWS) || take_rows(wire, row, context, &more)) return -1;
    } while (more);
    return 0;
}
