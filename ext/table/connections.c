/* The connections that use art, and the tables that each has open: listed, so that loading art twice into one of them
 * gives the same object. The list's mutex is taken inside SQLite's own, never the other way round. A connection's own
 * tables and handles are guarded by SQLite's mutex of that connection. */
#include "ext/table/table.h"

#include <pthread.h>

static pthread_mutex_t list_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct art_connection *connections;

struct art_connection *art_connection_hold(sqlite3 *db) {
    pthread_mutex_lock(&list_mutex);
    struct art_connection *connection = connections;
    while (connection && connection->db != db) connection = connection->next;
    if (!connection) {
        connection = art_alloc_zeroed(sizeof *connection);
        if (connection) {
            connection->db = db;
            art_savepoints_begin(&connection->savepoints);
            connection->blobs_never_match = sqlite3_compileoption_used("LIKE_DOESNT_MATCH_BLOBS");
            connection->next = connections;
            connections = connection;
        }
    }
    assert(!connection || connection->db == db);
    if (connection) connection->references++;
    pthread_mutex_unlock(&list_mutex);
    return connection;
}

bool art_connections_any(void) {
    pthread_mutex_lock(&list_mutex);
    bool any = connections;
    pthread_mutex_unlock(&list_mutex);
    return any;
}

void art_connection_release(void *held) {
    struct art_connection *connection = held;
    pthread_mutex_lock(&list_mutex);
    assert(connection->references);
    bool last = --connection->references == 0;
    if (last) {
        struct art_connection **link = &connections;
        while (*link != connection) link = &(*link)->next;
        *link = connection->next;
    }
    pthread_mutex_unlock(&list_mutex);
    if (!last) return;
    assert(!connection->vtabs && !connection->listeners && !connection->stepping && !connection->table_refs);
    for (unsigned chain = 0; chain < ART_TABLE_CHAINS; chain++) {
        for (struct art_table *table = connection->tables[chain], *next; table; table = next) {
            next = table->next;
            assert(!table->owner && table->stage == ART_STAGE_OUT); /* an owner is a handle or a listener */
            art_table_free_if_unused(table);
        }
    }
    art_connection_forget_statements(connection);
    art_savepoints_free(&connection->savepoints);
    art_free(connection);
}

void art_connection_add_table(struct art_table *table) {
    assert(!table->owner && table->tree);
    struct art_table **chain = art_table_chain(table->connection, table->uuid);
    table->next = *chain;
    *chain = table;
}

void art_connection_remove_table(struct art_table *table) {
    struct art_table **link = art_table_chain(table->connection, table->uuid);
    while (*link != table) {
        assert(*link);
        link = &(*link)->next;
    }
    *link = table->next;
}
