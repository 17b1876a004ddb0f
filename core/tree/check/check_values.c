/* Large values: every row's reference leads to its chunks, all of them, and every chunk belongs to one row.
 *
 *   row 'a'   {length, id 7.0, hash}         chunk 7.0.0   chunk 7.0.1        the row is read, chunk by chunk
 *   row 'b'   {length, id 9.1, hash}         chunk 9.1.0                      in the order of rows. This order
 *                                            chunk 9.2.0                      does not tell which chunks no row has.
 *
 * Both sides are added up instead: for each row a hash of (id, number of chunks), minus the same for each row of chunks
 * with one id. The balance is zero when they agree, whatever their number, and takes no memory. Where it is not, one
 * sentence says how many chunks there are, and how many the rows name.
 *
 * With a summary a value is also put together, and the data behind its reference made again, if it is not so long that
 * this would take much memory.
 */
#include "core/base/limits.h"
#include "core/tree/check/check.h"

#include <assert.h>
#include <stdarg.h>

/* Chunks between two questions for an interrupt: 256 KB. A value of more bytes is not put together. */
enum { SUMMED_BYTES_MAX = 16 << 20 };

/* --- the balance -------------------------------------------------------------------------------------------------- */

static uint32_t chunks_of(uint64_t length) {
    assert(length);
    return (uint32_t)((length + ART_OVERFLOW_CHUNK_BYTES - 1) / ART_OVERFLOW_CHUNK_BYTES);
}

static void balance(struct art_value_checker *values, const uint8_t id[ART_OVERFLOW_ID_BYTES], uint32_t count,
                    bool row) {
    uint8_t bytes[ART_OVERFLOW_ID_BYTES + 4];
    memcpy(bytes, id, ART_OVERFLOW_ID_BYTES);
    art_store32(bytes + ART_OVERFLOW_ID_BYTES, count);
    struct art_hash128 hash = art_hash128(bytes, sizeof bytes);
    values->balance.low += row ? hash.low : 0 - hash.low;
    values->balance.high += row ? hash.high : 0 - hash.high;
}

static void close_group(struct art_value_checker *values) {
    assert(!values->open || values->count);
    if (values->open) balance(values, values->id, values->count, false);
    values->open = false;
}

enum art_rc art_values_chunk(struct art_value_checker *values, struct art_bytes key) {
    assert(key.len && key.data[0] == ART_SPACE_OVERFLOW);
    if (key.len != ART_OVERFLOW_KEY_BYTES) return ART_OK; /* reported */
    if (!values->open || memcmp(values->id, key.data + 1, ART_OVERFLOW_ID_BYTES) != 0) {
        close_group(values);
        memcpy(values->id, key.data + 1, ART_OVERFLOW_ID_BYTES);
        values->count = 0;
        values->open = true;
    }
    values->count++;
    values->chunks++;
    return ART_OK;
}

/* --- a row's value ------------------------------------------------------------------------------------------------ */

static enum art_rc say(struct art_value_checker *values, struct art_bytes key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum art_rc say(struct art_value_checker *values, struct art_bytes key, const char *format, ...) {
    char shown[ART_SHOWN_KEY_BYTES], what[100];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return art_check_say(values->checker, values->checker->tree->options.path, ART_NOWHERE, ART_NOWHERE, "row '%s': %s",
                         art_check_show(key, shown), what);
}

/* What failed to be read lies in an unread range, and has been reported. */
static enum art_rc unread(enum art_rc rc) {
    return rc == ART_CORRUPT || rc == ART_IO ? ART_OK : rc;
}

/* Only what is put together can be read for a summary. Of a longer value nobody can tell whether its data are right. */
static bool puts_together(const struct art_value_checker *values, const struct art_overflow_ref *ref) {
    return art_tree_summary(values->checker->tree) && ref->length <= SUMMED_BYTES_MAX;
}

/* Behind the reference stand the value's data in summed columns. */
static bool has_its_data(const struct art_value_checker *values, struct art_bytes stored) {
    const struct art_summary *summary = art_tree_summary(values->checker->tree);
    uint8_t made[ART_OVERFLOW_REF_BYTES_MAX];
    assert(stored.len >= ART_OVERFLOW_REF_BYTES);
    uint32_t len = art_overflow_put_data(summary, art_buffer_bytes(&values->value), made);
    uint32_t data = len - ART_OVERFLOW_REF_BYTES;
    return stored.len == len && !memcmp(stored.data + ART_OVERFLOW_REF_BYTES, made + ART_OVERFLOW_REF_BYTES, data);
}

static enum art_rc read_value(struct art_value_checker *values, struct art_bytes row, struct art_bytes stored,
                              const struct art_overflow_ref *ref) {
    assert(ref->length && values->hash && values->merge);
    bool summed = puts_together(values, ref);
    struct art_merge *merge = values->merge;
    uint8_t key[ART_OVERFLOW_KEY_BYTES + ART_KEY_PADDING];
    uint32_t number = 0;
    enum art_rc rc = art_merge_seek(merge, art_overflow_key(key, ref->id, 0), false);
    art_hash_stream_begin(values->hash);
    values->value.len = 0;
    for (uint64_t at = 0; at < ref->length; at += ART_OVERFLOW_CHUNK_BYTES, number++) {
        uint64_t n = ref->length - at < ART_OVERFLOW_CHUNK_BYTES ? ref->length - at : ART_OVERFLOW_CHUNK_BYTES;
        struct art_bytes wanted = art_overflow_key(key, ref->id, number);
        struct art_entry entry;
        if (rc) return unread(rc);
        if (!merge->valid || !art_bytes_equal(art_merge_winner(merge)->key, wanted)) {
            values->missed = true;
            return say(values, row, "chunk %u of its value is missing", number);
        }
        art_source_entry(art_merge_winner(merge), &entry);
        if (entry.flags & ART_DELETE) {
            values->missed = true;
            return say(values, row, "chunk %u of its value is deleted", number);
        }
        if (entry.value.len != n) return say(values, row, "chunk %u of its value has another length", number);
        art_hash_stream_add(values->hash, entry.value.data, (size_t)n);
        rc = summed ? art_buffer_append(&values->value, entry.value.data, (size_t)n) : ART_OK;
        if (rc) return rc;
        if (number % ART_LIMIT(ask_check_chunks) == 0) {
            art_store_relax(values->checker->tree->store);
            rc = art_tree_interrupted(values->checker->tree);
            if (rc) return rc;
        }
        rc = art_merge_step(merge, false);
    }
    if (art_hash_stream_end(values->hash) != ref->hash)
        return say(values, row, "its value is not what its hash says, in %u chunks", number);
    if (summed && !has_its_data(values, stored)) return say(values, row, "its value has other data in summed columns");
    return unread(rc);
}

enum art_rc art_values_row(struct art_value_checker *values, struct art_bytes key, const struct art_entry *entry) {
    assert(entry->flags & ART_OVERFLOW && !(entry->flags & ART_DELETE));
    struct art_bytes stored = art_entry_value(entry->flags, entry->value);
    struct art_overflow_ref ref = art_overflow_decode(stored);
    if (!ref.length) return ART_OK; /* reported */
    uint64_t made = __builtin_bswap64(art_load64(ref.id));
    balance(values, ref.id, chunks_of(ref.length), true);
    values->named += chunks_of(ref.length);
    bool too_long = ref.length > ART_VALUE_MAX;
    if (too_long || made > entry->csn) {
        values->missed = true;
        return say(values, key, too_long ? "its value is longer than any can be" : "its value is newer than the row");
    }
    return read_value(values, key, stored, &ref);
}

/* A row whose chunks are missing has been reported already. */
enum art_rc art_values_end(struct art_value_checker *values) {
    close_group(values);
    assert(!values->open);
    bool agree = !(values->balance.low | values->balance.high);
    if (values->checker->unread_count || agree || (values->missed && values->chunks <= values->named)) return ART_OK;
    return art_check_say(
        values->checker, values->checker->tree->options.path, ART_NOWHERE, ART_NOWHERE,
        "there are %llu chunks of large values, and rows name %llu: some belong to no row, or to several",
        (unsigned long long)values->chunks, (unsigned long long)values->named);
}

enum art_rc art_values_open(struct art_value_checker *values, struct art_checker *checker) {
    values->checker = checker;
    values->hash = art_hash_stream_new();
    values->merge = art_alloc(sizeof *values->merge);
    if (values->merge) art_merge_init(values->merge, checker->tree->store, true); /* before anything closes it */
    if (!values->merge || !values->hash) return art_nomem();
    return art_merge_set(values->merge, checker->memtable, checker->root->run, checker->root->runs);
}

void art_values_close(struct art_value_checker *values) {
    if (values->merge) art_merge_clear(values->merge);
    art_free(values->merge);
    art_hash_stream_free(values->hash);
    art_buffer_clear(&values->value);
}
