/* The format of all that lies in files, and what a later version may add to it.
 *
 * There is one number, which T_artstate, each root, each blob and each .art file say. It changes only where nothing of
 * a reader of before is of use. What comes later is a feature, and has a bit where it is used:
 *
 *   compatible     who does not know it ignores it. Who writes a root or a blob sets those alone that it knows, but for
 *                  blobs that are moved or copied as they are
 *   read-only      who does not know it may read, and writes nothing
 *   incompatible   who does not know it refuses
 *
 * Blobs and .art files have no read-only features: the root that names them says so, since who wants to write has to
 * hear of it first. For the same reason it says, or T_artstate does, what is incompatible in them. Rows of the log and
 * all else have none at all: the root, or T_artstate, says first what is in them.
 * T_artstate has names instead of bits (ext/schema/state.c).
 */
#ifndef ART_BASE_FORMAT_H
#define ART_BASE_FORMAT_H

#include "core/base/error.h"

enum { ART_FORMAT = 10 };

/* Can what says this format, and has these incompatible features that are not known, be read? If not, `code` with a
 * sentence of `what` in `where`, in a slot or ART_NOWHERE. Features have numbers from 1 on in it. */
enum art_rc art_format_check(enum art_rc code, const char *what, const char *where, uint32_t slot, uint32_t format,
                             uint32_t unknown);

#endif
