/* SQLite and art in one WebAssembly module: every connection has art. What is exported is in the file `exports`. */
#include <sqlite3.h>

#include "art.h"

__attribute__((constructor)) static void link_art(void) {
    sqlite3_auto_extension((void (*)(void))sqlite3_art_init);
}
