/* For programs that link the extension in instead of loading it: `make static` builds libart.a, `make amalgamation`
 * art.c.
 *
 *     #include <sqlite3.h>
 *     #include "art.h"
 *
 *     sqlite3_auto_extension((void (*)(void))sqlite3_art_init);    every connection that is opened from here on has art
 *     sqlite3_art_init(db, &message, NULL);                        or this one alone
 *
 *     cc program.c libart.a -lsqlite3 -luring -lpthread -lm
 *     cc -DSQLITE_CORE program.c art.c sqlite3.c -lpthread -lm        with art.c, all of art in one file, instead
 *
 * Of all the names in libart.a, the one below is the only one that the linker sees; those in art.c begin with art_.
 */
#ifndef ART_ART_H
#define ART_ART_H

#define ART_VERSION "1.0.1"

/* What the VFS under a published table is told by sqlite3_file_control() before rows are read that lie side by side:
 * the argument is a sqlite3_int64, how many bytes they have; so many are wanted from the next read on. 0 behind them:
 * that is over, even if SQLite had them at hand. A VFS that fetches pages over a network can ask for them at once. All
 * others answer SQLITE_NOTFOUND. */
#define ART_WILL_READ 0x417254

#ifdef __cplusplus
extern "C" {
#endif

struct sqlite3;
struct sqlite3_api_routines;

/* SQLITE_OK, or another of SQLite's codes and perhaps a sentence in *message, which sqlite3_free() takes. */
int sqlite3_art_init(struct sqlite3 *db, char **message, const struct sqlite3_api_routines *api);

#ifdef __cplusplus
}
#endif

#endif
