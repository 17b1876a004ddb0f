/* For programs that use the system's SQLite and let nobody load an extension: a library that gives art to every
 * connection that such a program opens.
 *
 *     cc -shared -fPIC preload.c libart.a -lsqlite3 -luring -lpthread -lm -o art-preload.so
 *     LD_PRELOAD=./art-preload.so <program>
 */
#include <sqlite3.h>

#include "art.h"

__attribute__((constructor)) static void give_art_to_every_connection(void) {
    sqlite3_auto_extension((void (*)(void))sqlite3_art_init);
}
