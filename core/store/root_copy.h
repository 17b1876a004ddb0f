/* Copies of the root in slot 0 of an .art file (store_format.h): so a file tells by itself what the table was when it
 * was last flushed. Salvage reads them, and the check, which tells of a database that is older. Nothing else depends on
 * them: they are written when the commit is over, without a sync, and who cannot write them goes on without. */
#ifndef ART_STORE_ROOT_COPY_H
#define ART_STORE_ROOT_COPY_H

#include "core/base/buffer.h"
#include "core/io/io.h"
#include "core/store/store_format.h"

/* A longer root has no copy; what stands in front of it takes no more than this leaves of the pages. */
enum { ART_ROOT_COPY_BYTES_MAX = ART_ROOT_COPY_PAGES * ART_STORE_PAGE - (int)sizeof(struct art_root_copy) };

/* The newest copy that is whole: ART_OK, with its bytes, in `out`, which the caller clears, and the id of its table;
 * ART_NOTFOUND where there is none; ART_NOMEM. What cannot be read is not there. */
enum art_rc art_root_copy_read(struct art_io *io, struct art_buffer *out, uint8_t uuid[16]);
/* Over the older one, and waits for the write; `alone`: then over the other one, too, with zeros behind both, so that
 * nothing is left of earlier ones. ART_TOOBIG and ART_NOMEM without a message; what the write said. */
enum art_rc art_root_copy_write(struct art_io *io, const uint8_t uuid[16], struct art_bytes root, bool alone);

#endif
