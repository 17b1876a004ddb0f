#include "core/memtable/redo_reader.h"

#include "core/base/error.h"

static enum art_rc wrong_redo(const char *what) {
    return art_corrupt("redo log", ART_NOWHERE, ART_NOWHERE, "%s", what);
}

struct art_hash128 art_redo_hash(struct art_hash128 previous, uint64_t csn, const uint8_t *body, size_t len) {
    uint8_t head[ART_REDO_HASH_BYTES + 8];
    art_store64(head, previous.low);
    art_store64(head + 8, previous.high);
    art_store64(head + ART_REDO_HASH_BYTES, csn);
    const struct art_hash_part parts[] = {{head, sizeof head}, {body, len}};
    return art_hash128_parts(parts, 2);
}

enum art_rc art_redo_reader_init(struct art_redo_reader *reader, struct art_bytes body, enum art_redo_kind kind,
                                 uint64_t csn) {
    *reader = (struct art_redo_reader){.kind = kind, .csn = csn};
    if (!body.len || body.data[0] != kind) return wrong_redo("redo bytes of an unknown kind");
    reader->at = body.data + 1;
    reader->end = body.data + body.len;
    return ART_OK;
}

void art_redo_reader_clear(struct art_redo_reader *reader) {
    art_buffer_clear(&reader->own);
}

/* A varint of at most `most`; nearly all take one byte. */
static inline bool read_number(struct art_redo_reader *reader, uint64_t most, uint64_t *out) {
    assert(reader->at <= reader->end);
    if (reader->at < reader->end && *reader->at < 0x80) {
        *out = *reader->at++;
        return *out <= most;
    }
    uint32_t used = art_get_varint(reader->at, reader->end, out);
    reader->at += used;
    return used && *out <= most;
}

/* A key that shares nothing with the one before lies in the bytes as it is: a row of one entry needs no memory. */
static enum art_rc take_key(struct art_redo_reader *reader, uint32_t shared, uint32_t suffix) {
    assert(shared <= reader->key.len && suffix <= (size_t)(reader->end - reader->at));
    enum art_rc rc = ART_OK;
    if (!shared) {
        reader->key = art_bytes(reader->at, suffix);
    } else {
        struct art_buffer *own = &reader->own;
        bool there = reader->key.data == own->data;
        own->len = there ? shared : 0;
        if (!there) rc = art_buffer_append(own, reader->key.data, shared);
        if (!rc) rc = art_buffer_append(own, reader->at, suffix);
        reader->key = art_buffer_bytes(own);
    }
    reader->at += suffix;
    return rc;
}

static enum art_rc read_key(struct art_redo_reader *reader) {
    uint64_t shared, suffix;
    uint32_t previous = reader->key.len;
    assert(reader->at <= reader->end && previous <= ART_KEY_MAX);
    if (!read_number(reader, previous, &shared) || !read_number(reader, ART_KEY_MAX - shared, &suffix)) {
        return wrong_redo("redo bytes with an impossible key length");
    }
    if (suffix > (size_t)(reader->end - reader->at)) return wrong_redo("redo bytes end within a key");
    if (reader->begun) {
        bool above = suffix && (shared == previous || reader->at[0] > reader->key.data[shared]);
        if (!above) return wrong_redo("redo bytes with keys out of order");
    }
    reader->begun = true;
    return take_key(reader, (uint32_t)shared, (uint32_t)suffix);
}

enum art_rc art_redo_reader_next(struct art_redo_reader *reader, struct art_bytes *key, struct art_entry *entry) {
    assert(reader->at <= reader->end);
    if (reader->at == reader->end) return ART_NOTFOUND;
    uint8_t flags = *reader->at++;
    if (flags & ~ART_ENTRY_FLAGS) return wrong_redo("redo bytes with unknown flags");
    enum art_rc rc = read_key(reader);
    if (rc) return rc;
    if (reader->kind == ART_REDO_ALL) {
        uint64_t folded;
        if (!read_number(reader, UINT64_MAX, &folded)) return wrong_redo("redo bytes with an impossible csn");
        reader->csn += folded >> 1 ^ (0 - (folded & 1));
        if (reader->csn >> 56) return wrong_redo("redo bytes with an impossible csn");
    }
    struct art_bytes value = {NULL, 0};
    if (!(flags & ART_DELETE) || flags & ART_REPLACED) {
        uint64_t len;
        if (!read_number(reader, UINT32_MAX, &len) || len > (size_t)(reader->end - reader->at)) {
            return wrong_redo("redo bytes end within a value");
        }
        value = art_bytes(reader->at, (uint32_t)len);
        reader->at += len;
    }
    if (!art_entry_is_sane(flags, value)) return wrong_redo("redo bytes with an impossible entry");
    assert(reader->at <= reader->end && reader->key.len <= ART_KEY_MAX);
    *key = reader->key;
    *entry = (struct art_entry){.value = value, .csn = reader->csn, .flags = flags};
    return ART_OK;
}
