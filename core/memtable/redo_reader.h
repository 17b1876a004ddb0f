/* Reading redo bytes, entry by entry. Nothing of them is trusted: a length that leads out of the bytes, a key that is
 * too long or not above the one before, an unknown flag is ART_CORRUPT. */
#ifndef ART_MEMTABLE_REDO_READER_H
#define ART_MEMTABLE_REDO_READER_H

#include "core/memtable/memtable.h"
#include "core/memtable/redo_format.h"

struct art_redo_reader {
    const uint8_t *at, *end;
    enum art_redo_kind kind;
    uint64_t csn; /* of every entry of a row; of the last entry of a complete memtable */
    bool begun;
    struct art_bytes key; /* of the last entry: in the bytes, or in `own` */
    struct art_buffer own;
};

/* `body` is borrowed and begins with the kind. ART_OK or ART_CORRUPT. Clear in any case. */
enum art_rc art_redo_reader_init(struct art_redo_reader *reader, struct art_bytes body, enum art_redo_kind kind,
                                 uint64_t csn);
/* Frees the buffer for keys. */
void art_redo_reader_clear(struct art_redo_reader *reader);
/* ART_OK, ART_NOTFOUND at the end, ART_CORRUPT, ART_NOMEM. `*key` lives until the next call, the value as the bytes. */
enum art_rc art_redo_reader_next(struct art_redo_reader *reader, struct art_bytes *key, struct art_entry *entry);

/* The hash that a row begins with: of the previous row's, its csn, and its body of `len` bytes. */
struct art_hash128 art_redo_hash(struct art_hash128 previous, uint64_t csn, const uint8_t *body, size_t len);

#endif
