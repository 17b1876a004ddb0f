#include "core/blob/postings.h"

#include <assert.h>

#include "core/base/alloc.h"
#include "core/base/buffer.h"
#include "core/base/error.h"
#include "core/base/limits.h"
#include "core/blob/posting_code.h"
#include "core/blob/simd.h"

_Static_assert(ART_LIMIT_MOST(listed_units) <= (int)ART_LISTED_UNITS, "the format lists so many");

static bool has_field(uint32_t fields, unsigned field) {
    return fields >> field & 1;
}

/* --- a blob's, as it is built ------------------------------------------------------------------------------------- */

void art_postings_clear(struct art_postings *postings) {
    for (unsigned i = 0; i < ART_FIELDS_MAX; i++) {
        struct art_posting_field *field = postings->field[i];
        if (!field) continue;
        art_free(field->cell);
        art_free(field->posting);
        art_free(field->pushed);
        art_free(field);
    }
    art_free(postings->scratch);
    memset(postings, 0, sizeof *postings);
}

void art_postings_reset(struct art_postings *postings) {
    postings->rows = postings->buckets = postings->shift = postings->last_unit = 0;
    memset(postings->rows_in, 0, sizeof postings->rows_in);
    for (unsigned i = 0; i < ART_FIELDS_MAX; i++) {
        struct art_posting_field *field = postings->field[i];
        if (!field) continue;
        field->count = field->bits = field->frequent = field->pushed_count = 0;
        field->any = (struct art_units){{0}};
        memset(field->terms, 0, sizeof field->terms);
        if (field->cell) memset(field->cell, 0, (field->mask + 1) * sizeof *field->cell);
    }
}

static bool takes_terms(const struct art_posting_field *field, const struct art_term_set *set) {
    return !set->any && field->count + set->count <= ART_POSTING_TERMS_MAX;
}

static inline struct art_posting_cell *find_cell(const struct art_posting_field *field, uint32_t term) {
    uint32_t at = term & field->mask, there = field->cell[at].term;
    assert(term);
    while (ART_UNLIKELY((uint64_t)there * (there ^ term) != 0)) { /* as in terms.c */
        at = (at + 1) & field->mask;
        there = field->cell[at].term;
    }
    return &field->cell[at];
}

/* At most a quarter of the cells is taken: what is not where it belongs costs most. */
static enum art_rc reserve_cells(struct art_posting_field *field, uint32_t terms) {
    uint32_t cells = field->cell ? field->mask + 1 : 0, need = cells ? cells : 1024;
    assert(!(need & (need - 1)) && terms >= field->count);
    while (need < 4 * terms) need *= 2;
    if (need == cells) return ART_OK;
    struct art_posting_cell *cell = art_alloc_zeroed(need * sizeof *cell);
    if (!cell) return art_nomem();
    art_free(field->cell);
    field->cell = cell;
    field->mask = need - 1;
    for (uint32_t i = 0; i < field->count; i++)
        *find_cell(field, field->posting[i].term) = (struct art_posting_cell){field->posting[i].term, i};
    return ART_OK;
}

/* Of a field without terms, too, for one. */
static enum art_rc reserve_terms(struct art_posting_field *field, uint32_t more) {
    if (!more) more = 1;
    enum art_rc rc = reserve_cells(field, field->count + more);
    if (!rc) rc = art_grow(&field->posting, &field->capacity, field->count + more, sizeof *field->posting);
    if (!rc) rc = art_grow(&field->pushed, &field->pushed_capacity, field->pushed_count + more, sizeof *field->pushed);
    return rc;
}

enum art_rc art_postings_reserve(struct art_postings *postings, const struct art_terms *bucket) {
    enum art_rc rc = ART_OK;
    for (unsigned i = 0; !rc && i < ART_FIELDS_MAX; i++) {
        if (!has_field(postings->fields, i)) continue;
        if (!postings->field[i]) postings->field[i] = art_alloc_zeroed(sizeof *postings->field[i]);
        struct art_posting_field *field = postings->field[i];
        if (!field) return art_nomem();
        const struct art_term_set *set = bucket->set[i];
        rc = reserve_terms(field, takes_terms(field, set) ? set->count : 0);
    }
    return rc;
}

/* Notes in a posting that it has this unit, the next one or the last. Returns whether that is new; *bits: of all. */
static inline bool note_unit_of_term(struct art_posting *posting, uint32_t unit, uint32_t *bits) {
    uint32_t before = posting->units, comes = !before || posting->last != unit;
    if (before > ART_LIMIT(listed_units)) return false;
    uint32_t more = before ? art_push_bits(before, unit - posting->last + 1) : ART_POSTING_BITS;
    if (before == ART_LIMIT(listed_units) && comes) more = (uint32_t)ART_FREQUENT_BITS - posting->bits;
    more *= comes;
    *bits += more;
    posting->last = unit & (ART_UNITS_MAX - 1);
    posting->units = (before + comes) & 0x3ff;
    posting->bits = (posting->bits + more) & 0x1fff;
    return comes;
}

/* Whether a term is new, or new in this unit, no branch tells. */
static inline void push_set(struct art_posting_field *field, const struct art_term_set *set, uint32_t unit) {
    enum { AHEAD = 8 };
    uint32_t count = field->count, bits = field->bits, *pushed = field->pushed + field->pushed_count, n = 0,
             frequent = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        uint32_t term = set->term[i];
        if (i + AHEAD < set->count) __builtin_prefetch(&field->cell[set->term[i + AHEAD] & field->mask], 1);
        struct art_posting_cell *cell = find_cell(field, term);
        uint32_t is_new = !cell->term, number = is_new ? count : cell->number;
        struct art_posting *posting = &field->posting[number];
        *cell = (struct art_posting_cell){term, number};
        if (is_new) *posting = (struct art_posting){.term = term};
        pushed[n] = number;
        bool comes = note_unit_of_term(posting, unit, &bits);
        frequent += comes && posting->units == ART_LIMIT(listed_units) + 1;
        n += comes;
        count += is_new;
    }
    field->count = count;
    field->bits = bits;
    field->frequent += frequent;
    field->pushed_count += n;
    field->terms[unit] += n;
}

/* Two units become one. Terms that tell nothing already have no part in this. */
static void halve_field(struct art_posting_field *field) {
    uint32_t bits = 0, from = 0, to = 0, all[ART_UNITS_MAX];
    struct art_units any = {{0}};
    memcpy(all, field->terms, sizeof all);
    memset(field->terms, 0, sizeof field->terms);
    for (uint32_t i = 0; i < field->count; i++) {
        struct art_posting *posting = &field->posting[i];
        if (posting->units <= ART_LIMIT(listed_units)) posting->units = posting->bits = 0;
        bits += posting->bits;
    }
    for (uint32_t unit = 0; unit < ART_UNITS_MAX; unit++) {
        if (art_units_has(&field->any, unit)) art_units_add(&any, unit / 2);
        for (uint32_t end = from + all[unit]; from < end; from++) {
            uint32_t number = field->pushed[from];
            if (!note_unit_of_term(&field->posting[number], unit / 2, &bits)) continue;
            field->pushed[to++] = number;
            field->terms[unit / 2]++;
        }
    }
    field->any = any;
    field->bits = bits;
    field->pushed_count = to;
}

static void halve(struct art_postings *postings) {
    postings->shift++;
    postings->last_unit /= 2;
    for (uint32_t unit = 0; unit < ART_UNITS_MAX; unit++) {
        uint32_t rows = postings->rows_in[unit];
        postings->rows_in[unit] = 0;
        postings->rows_in[unit / 2] += rows;
    }
    for (unsigned i = 0; i < ART_FIELDS_MAX; i++)
        if (has_field(postings->fields, i)) halve_field(postings->field[i]);
}

/* Is there no unit left for the next bucket? */
static bool is_to_be_halved(const struct art_postings *postings) {
    return postings->buckets >> postings->shift == ART_UNITS_MAX;
}

void art_postings_push(struct art_postings *postings, const struct art_terms *bucket, uint32_t rows) {
    if (is_to_be_halved(postings)) halve(postings);
    uint32_t unit = postings->buckets >> postings->shift;
    postings->buckets++;
    postings->rows += rows;
    postings->rows_in[unit] += rows;
    assert(unit >= postings->last_unit);
    postings->last_unit = unit;
    for (unsigned i = 0; i < ART_FIELDS_MAX; i++) {
        if (!has_field(postings->fields, i)) continue;
        struct art_posting_field *field = postings->field[i];
        if (!takes_terms(field, bucket->set[i])) {
            art_units_add(&field->any, unit);
        } else {
            push_set(field, bucket->set[i], unit);
        }
    }
}

enum {
    HEAD_BYTES = ART_POSTINGS_HEAD_BYTES,
    BEHIND_GROUP = 2 /* a bit of the number of its terms, and zeros to the next word */
};

static uint32_t any_bytes_of(uint32_t units) {
    return (units + 7) / 8;
}

static uint32_t groups_of(uint32_t terms) {
    return (terms + ART_GROUP_TERMS - 1) / ART_GROUP_TERMS;
}

static uint32_t bytes_allowed(uint32_t rows) {
    uint64_t bytes = (uint64_t)ART_POSTING_BYTES_A_ROW * rows + ART_LIMIT(posting_bytes_anyway);
    return bytes < ART_POSTING_BYTES_MAX ? (uint32_t)bytes : ART_POSTING_BYTES_MAX;
}

/* More than they are worth. */
static bool is_crowded(const struct art_postings *postings, const struct art_posting_field *field, uint32_t unit) {
    return field->terms[unit] > ART_POSTING_BYTES_A_ROW * postings->rows_in[unit];
}

/* What a field of so many units takes, of which none is marked, without its groups. */
static uint32_t data_bytes(const struct art_posting_field *field, uint32_t units) {
    return (field->bits + (art_unit_bits(units) - ART_UNIT_BITS) * field->count + 7) / 8;
}

static uint32_t bytes_of_bits(uint32_t bits, uint32_t times) {
    return (bits * times + 7) / 8;
}

/* Of so many terms at most, whose postings take so many bytes. */
static uint32_t groups_at_most(uint32_t terms, uint32_t data) {
    return groups_of(art_min32(terms, 8 * data / ART_POSTING_BITS));
}
_Static_assert((int)ART_POSTING_BITS <= (int)ART_FREQUENT_BITS, "no term takes less");

/* All of a field, at most. What is foretold and what is written is counted here. */
static uint32_t field_bytes(uint32_t terms, uint32_t data, uint32_t units) {
    uint32_t groups = groups_at_most(terms, data);
    return HEAD_BYTES + 2 * (groups + 1) + any_bytes_of(units) + data + BEHIND_GROUP * groups;
}

/* What is known of the field as it will be, with one more bucket. */
struct posting_outlook {
    uint32_t rows, units;
    uint32_t fresh; /* terms of that bucket */
    bool halves;    /* it makes two units one */
};

static struct posting_outlook outlook_of(const struct art_postings *postings, bool more, uint32_t rows) {
    struct posting_outlook outlook = {.rows = postings->rows + rows, .units = postings->last_unit + 1};
    outlook.halves = more && is_to_be_halved(postings);
    if (more) outlook.units = (postings->buckets >> (postings->shift + outlook.halves)) + 1;
    return outlook;
}

/* Of the units that are not crowded, in a field without frequent terms: it has too few units for one. */
static uint32_t bytes_when_marked(const struct art_postings *postings, const struct art_posting_field *field) {
    uint32_t terms = 0;
    for (uint32_t unit = 0; unit <= postings->last_unit; unit++) {
        if (!is_crowded(postings, field, unit)) terms += field->terms[unit];
    }
    return bytes_of_bits(ART_PUSH_BITS_MAX, terms);
}

/* The data of a field at most, whatever choose_marked() will decide. A new term makes it larger by ART_PUSH_BITS_MAX at
 * most, or smaller, when the term becomes frequent: so where that can be, it is not known whether units will be marked.
 * Then all that is sure is that what is not allowed has only its frequent terms left. */
static uint32_t data_at_most(const struct art_postings *postings, const struct art_posting_field *field,
                             const struct posting_outlook *outlook) {
    uint32_t allowed = bytes_allowed(outlook->rows), data = data_bytes(field, outlook->units);
    uint32_t fresh = bytes_of_bits(ART_PUSH_BITS_MAX, outlook->fresh);
    if (data + fresh <= allowed) return data + fresh;
    if (data > allowed && outlook->units <= ART_LIMIT(listed_units))
        return art_min32(allowed, bytes_when_marked(postings, field) + fresh);
    uint32_t frequent = bytes_of_bits(ART_FREQUENT_BITS, field->frequent + outlook->fresh);
    return frequent > allowed ? frequent : allowed;
}

uint32_t art_postings_bytes(const struct art_postings *postings, const struct art_terms *more, uint32_t rows) {
    static const struct art_posting_field none;
    struct posting_outlook outlook = outlook_of(postings, more, rows);
    uint32_t bytes = 0;
    for (unsigned i = 0; i < ART_FIELDS_MAX; i++) {
        if (!has_field(postings->fields, i)) continue;
        const struct art_posting_field *field = postings->field[i] ? postings->field[i] : &none;
        outlook.fresh = more && !more->set[i]->any ? more->set[i]->count : 0;
        bytes += field_bytes(field->count + outlook.fresh, data_at_most(postings, field, &outlook), outlook.units);
    }
    return bytes;
}

bool art_postings_are_full(const struct art_postings *postings, const struct art_terms *more, uint32_t rows) {
    uint64_t worth = (uint64_t)ART_POSTING_BYTES_A_ROW * (postings->rows + rows);
    for (unsigned i = 0; i < ART_FIELDS_MAX; i++) {
        if (!has_field(postings->fields, i) || !postings->field[i] || more->set[i]->any) continue;
        uint64_t bytes = data_bytes(postings->field[i], outlook_of(postings, true, rows).units);
        bytes += bytes_of_bits(ART_PUSH_BITS_MAX, more->set[i]->count);
        if (bytes > ART_POSTING_BYTES_MAX && bytes <= worth) return true;
    }
    return false;
}

/* --- writing them ------------------------------------------------------------------------------------------------- */

/* A field that is being written. */
struct posting_writer {
    const struct art_posting_field *field;
    uint32_t units;
    struct art_units any;
    uint16_t *unit;           /* those of the first posting that are not marked, then of the next, and so on */
    uint32_t *end;            /* [count] where those of a posting end */
    uint64_t *sorted, *spare; /* [count] a term, and below it the number of its posting */
};

static const uint16_t *units_of(const struct posting_writer *writer, uint32_t number, uint32_t *count) {
    uint32_t from = number ? writer->end[number - 1] : 0;
    *count = writer->end[number] - from;
    return writer->unit + from;
}

static bool tells_nothing(const struct posting_writer *writer, uint32_t number) {
    return writer->field->posting[number].units > ART_LIMIT(listed_units);
}

/* One that tells nothing must not be left out: not all of its units are known. */
static bool is_left_out(const struct posting_writer *writer, uint32_t number) {
    uint32_t left;
    units_of(writer, number, &left);
    return !left && !tells_nothing(writer, number);
}

static uint32_t posting_bits(const struct posting_writer *writer, uint32_t number) {
    uint32_t left, bits = ART_POSTING_BITS + art_unit_bits(writer->units) - ART_UNIT_BITS;
    const uint16_t *unit = units_of(writer, number, &left);
    if (is_left_out(writer, number)) return 0;
    if (tells_nothing(writer, number)) return ART_FREQUENT_BITS;
    for (uint32_t i = 1; i < left; i++) bits += art_push_bits(i, unit[i] - unit[i - 1] + 1u);
    return bits;
}

/* Of each posting the units that are not marked. */
static void list_units(struct posting_writer *writer) {
    const struct art_posting_field *field = writer->field;
    uint32_t at = 0, *to = writer->end;
    memset(to, 0, field->count * sizeof *to);
    for (uint32_t unit = 0, i = 0; unit < writer->units; i += field->terms[unit++]) {
        const uint32_t *pushed = field->pushed + i, count = art_units_has(&writer->any, unit) ? 0 : field->terms[unit];
        for (uint32_t k = 0; k < count; k++) to[pushed[k]]++;
    }
    for (uint32_t i = 0; i < field->count; i++) {
        uint32_t count = to[i];
        to[i] = at;
        at += count;
    }
    for (uint32_t unit = 0, i = 0; unit < writer->units; i += field->terms[unit++]) {
        const uint32_t *pushed = field->pushed + i, count = art_units_has(&writer->any, unit) ? 0 : field->terms[unit];
        for (uint32_t k = 0; k < count; k++) writer->unit[to[pushed[k]]++] = (uint16_t)unit;
    }
}

/* Lists the units that are not marked. Returns the bytes of all postings. */
static uint32_t list_postings(struct posting_writer *writer) {
    uint32_t bits = 0;
    list_units(writer);
    for (uint32_t i = 0; i < writer->field->count; i++) bits += posting_bits(writer, i);
    return (bits + 7) / 8;
}

/* Which units are marked as having any term; the others are listed. Returns the bytes of all postings:
 * data_at_most() of what is there now, at most. */
static uint32_t choose_marked(const struct art_postings *postings, struct posting_writer *writer) {
    const struct art_posting_field *field = writer->field;
    uint32_t allowed = bytes_allowed(postings->rows);
    bool too_many = data_bytes(field, writer->units) > allowed;
    writer->any = field->any;
    for (uint32_t unit = 0; unit < writer->units; unit++) {
        if (too_many && is_crowded(postings, field, unit)) art_units_add(&writer->any, unit);
    }
    uint32_t data = list_postings(writer);
    if (!too_many || data <= allowed) return data;
    for (uint32_t unit = 0; unit < writer->units; unit++) art_units_add(&writer->any, unit);
    return list_postings(writer);
}

static uint32_t group_of(uint32_t term, uint32_t groups) {
    return (uint32_t)((uint64_t)term * groups >> 32);
}

/* By the terms, three times by eleven bits: they are in `spare` then. */
static void sort_terms(uint64_t *from, uint64_t *spare, uint32_t count) {
    enum { BITS = 11, PASSES = 3, DIGITS = 1 << BITS };
    uint32_t begin[PASSES][DIGITS] = {{0}};
    for (uint32_t i = 0; i < count; i++) {
        for (unsigned p = 0; p < PASSES; p++) begin[p][from[i] >> (32 + p * BITS) & (DIGITS - 1)]++;
    }
    for (unsigned p = 0; p < PASSES; p++) {
        for (uint32_t digit = 0, at = 0; digit < DIGITS; digit++) {
            uint32_t n = begin[p][digit];
            begin[p][digit] = at;
            at += n;
        }
        for (uint32_t i = 0; i < count; i++) spare[begin[p][from[i] >> (32 + p * BITS) & (DIGITS - 1)]++] = from[i];
        uint64_t *sorted = spare;
        spare = from;
        from = sorted;
    }
}

/* So many terms of one group. */
static uint8_t *put_group(const struct posting_writer *writer, const uint64_t *term, uint32_t count, uint8_t *out) {
    struct art_bit_writer bits = {.to = out};
    if (!count) return out;
    art_put_number(&bits, count);
    for (uint32_t i = 0; i < count; i++) art_put_bits(&bits, (uint8_t)(term[i] >> 32), ART_PRINT_BITS);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = (uint32_t)term[i], left;
        const uint16_t *unit = units_of(writer, number, &left);
        if (tells_nothing(writer, number)) {
            art_put_number(&bits, ART_LISTED_UNITS + 1);
        } else {
            art_put_units(&bits, unit, left, writer->units);
        }
    }
    return art_end_bits(&bits, out);
}

/* Returns where the field ends; its head is `head`. There is field_bytes() of room. */
static uint8_t *write_field(struct posting_writer *writer, uint8_t *head, uint8_t *out) {
    const struct art_posting_field *field = writer->field;
    uint32_t count = 0, any_bytes = any_bytes_of(writer->units);
    for (uint32_t i = 0; i < field->count; i++) {
        writer->spare[count] = (uint64_t)field->posting[i].term << 32 | i;
        count += !is_left_out(writer, i);
    }
    sort_terms(writer->spare, writer->sorted, count);
    uint32_t groups = groups_of(count);
    uint8_t *any = out + 2 * (groups + 1), *data = any + any_bytes, *to = data;
    for (uint32_t group = 0, from = 0, i = 0; group < groups; group++, from = i) {
        while (i < count && group_of((uint32_t)(writer->sorted[i] >> 32), groups) == group) i++;
        art_store16(out + 2 * group, (uint32_t)(to - data) / 2);
        const uint64_t *term = writer->sorted + from;
        to = put_group(writer, term, i - from, to);
    }
    art_store16(out + 2 * groups, (uint32_t)(to - data) / 2);
    memcpy(any, writer->any.bits, any_bytes);
    art_store16(head, groups);
    art_store16(head + 2, (uint32_t)(to - data) / 2);
    return to;
}

/* Room for what is written: two times 64 bits a term, 32 bits a term, 16 for each that was pushed. */
static enum art_rc open_writer(struct posting_writer *writer, struct art_postings *postings) {
    uint32_t count = writer->field->count, need = 5 * count + writer->field->pushed_count / 2 + 2;
    enum art_rc rc = art_grow(&postings->scratch, &postings->scratch_capacity, need, sizeof *postings->scratch);
    if (rc) return rc;
    writer->spare = (uint64_t *)(void *)postings->scratch;
    writer->sorted = writer->spare + count;
    writer->end = (uint32_t *)(void *)(writer->sorted + count);
    writer->unit = (uint16_t *)(void *)(writer->end + count);
    return ART_OK;
}

static uint32_t table_bytes(const uint8_t *head, uint32_t any_bytes) {
    return 2 * (art_load16(head) + 1) + any_bytes + 2 * art_load16(head + 2);
}

/* By heads that lie so far from each other. */
static uint32_t measure_by_heads(const uint8_t *heads, uint32_t stride, uint32_t limit, uint32_t fields,
                                 uint32_t any_bytes) {
    uint32_t n = (uint32_t)__builtin_popcount(fields), bytes = HEAD_BYTES * n;
    for (uint32_t i = 0; bytes <= limit && i < n; i++) bytes += table_bytes(heads + stride * i, any_bytes);
    return bytes <= limit ? bytes : 0;
}

/* Where groups begin is told in words, by 16 bits. */
enum { GROUPS_MAX = (8 * ART_POSTING_BYTES_MAX / ART_POSTING_BITS + ART_GROUP_TERMS - 1) / ART_GROUP_TERMS };
_Static_assert(ART_POSTING_BYTES_MAX + BEHIND_GROUP * GROUPS_MAX <= 2 * UINT16_MAX, "of what is allowed they suffice");

enum art_rc art_postings_write(struct art_postings *postings, uint8_t *out, uint32_t room, uint32_t *bytes) {
    uint32_t at = HEAD_BYTES * (uint32_t)__builtin_popcount(postings->fields), head = 0;
    uint32_t units = outlook_of(postings, false, 0).units;
    for (unsigned i = 0; i < ART_FIELDS_MAX; i++) {
        if (!has_field(postings->fields, i)) continue;
        struct posting_writer writer = {.field = postings->field[i], .units = units};
        enum art_rc rc = open_writer(&writer, postings);
        if (rc) return rc;
        uint32_t terms = writer.field->count, data = choose_marked(postings, &writer);
        if (at + field_bytes(terms, data, units) - HEAD_BYTES > room) return ART_TOOBIG;
        if (data + BEHIND_GROUP * groups_at_most(terms, data) > 2 * UINT16_MAX) return ART_TOOBIG;
        at = (uint32_t)(write_field(&writer, out + head, out + at) - out);
        head += HEAD_BYTES;
    }
    *bytes = at;
    assert(at <= room && at == measure_by_heads(out, HEAD_BYTES, at, postings->fields, any_bytes_of(units)));
    return ART_OK;
}

/* --- of a blob ---------------------------------------------------------------------------------------------------- */

uint32_t art_postings_heads_bytes(struct art_measures has, uint32_t buckets) {
    uint32_t units = ((buckets - 1) >> art_unit_shift(buckets)) + 1;
    return (HEAD_BYTES + any_bytes_of(units)) * (uint32_t)__builtin_popcount(art_measures_fields(has));
}

void art_postings_copy_heads(struct art_bytes postings, struct art_measures has, uint32_t buckets, uint8_t *out) {
    uint32_t n = (uint32_t)__builtin_popcount(art_measures_fields(has));
    const uint8_t *head = postings.data, *data = head + HEAD_BYTES * n;
    uint32_t any_bytes = n ? art_postings_heads_bytes(has, buckets) / n - HEAD_BYTES : 0;
    for (; n--; head += HEAD_BYTES, out += HEAD_BYTES + any_bytes) {
        memcpy(out, head, HEAD_BYTES);
        memcpy(out + HEAD_BYTES, data + 2 * (art_load16(head) + 1), any_bytes);
        data += table_bytes(head, any_bytes);
    }
}

static uint32_t any_bytes_in(const struct art_blob *blob) {
    return any_bytes_of(blob->units);
}

static uint32_t room_of(const struct art_blob *blob) {
    return blob->at.begin[ART_PART_POSTINGS + 1] - blob->at.begin[ART_PART_POSTINGS];
}

struct art_bytes art_blob_postings(const struct art_blob *blob) {
    const uint8_t *at = art_blob_part(blob, ART_PART_POSTINGS);
    uint32_t room = room_of(blob), fields = art_measures_fields(blob->has);
    return art_bytes(at, measure_by_heads(at, HEAD_BYTES, room, fields, any_bytes_in(blob)));
}

/* Bytes of the postings are looked at once their pages are there. */
static inline enum art_rc want_bytes(struct art_blob *blob, const uint8_t *at, uint32_t len) {
    return art_blob_want_bytes(blob, (uint32_t)(at - blob->image), len);
}

/* They are in the blob's head, and once more in front of the postings. */
struct heads {
    const uint8_t *at;
    uint32_t stride;
};
static inline struct heads heads_of(const struct art_blob *blob) {
    return (struct heads){art_blob_part(blob, ART_PART_HEADS), HEAD_BYTES + any_bytes_in(blob)};
}

/* The heads of all fields say whether all of them lie in the footer. */
static enum art_rc want_heads(struct art_blob *blob) {
    uint32_t fields = art_measures_fields(blob->has), bytes = HEAD_BYTES * (uint32_t)__builtin_popcount(fields);
    if (blob->postings_there) return ART_OK;
    uint32_t room = room_of(blob);
    const struct heads heads = heads_of(blob);
    enum art_rc rc = bytes <= room ? want_bytes(blob, heads.at, bytes) : ART_OK;
    if (rc) return rc;
    blob->postings_there = measure_by_heads(heads.at, heads.stride, room, fields, any_bytes_in(blob)) > 0;
    if (blob->postings_there) return ART_OK;
    return art_corrupt(blob->file, blob->slot, ART_BLOB_PAGES - 1, "blob trailer: the postings leave the footer");
}

enum art_rc art_blob_want_postings(struct art_blob *blob) {
    struct art_pages pages = art_part_pages(&blob->at, ART_PART_POSTINGS);
    enum art_rc rc = blob->postings ? art_blob_want_pages(blob, &pages) : ART_OK;
    return rc ? rc : want_heads(blob);
}

/* One field. */
struct posting_part {
    const uint8_t *begin, *any, *data;
    uint32_t groups, words; /* of two bytes */
};

static struct posting_part find_part(const struct art_blob *blob, unsigned field) {
    uint32_t fields = art_measures_fields(blob->has), before = fields & ((1u << field) - 1);
    uint32_t any_bytes = any_bytes_in(blob);
    const struct heads heads = heads_of(blob);
    const uint8_t *head = heads.at,
                  *begin = art_blob_part(blob, ART_PART_POSTINGS) + HEAD_BYTES * __builtin_popcount(fields);
    assert(has_field(fields, field) && blob->postings_there);
    for (; before; before &= before - 1, head += heads.stride) begin += table_bytes(head, any_bytes);
    uint32_t groups = art_load16(head);
    const uint8_t *data = begin + 2 * (groups + 1) + any_bytes;
    return (struct posting_part){begin, head + HEAD_BYTES, data, groups, art_load16(head + 2)};
}

static const struct art_units all_units = {
    {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};

static void join_units(struct art_units *to, const struct art_units *more) {
    for (unsigned i = 0; i < ART_UNITS_WORDS; i++) to->bits[i] |= more->bits[i];
}

static void keep_units(struct art_units *of, const struct art_units *kept) {
    for (unsigned i = 0; i < ART_UNITS_WORDS; i++) of->bits[i] &= kept->bits[i];
}

static struct art_units units_at(const uint8_t *at, uint32_t bytes) {
    struct art_units units = {{0}};
    memcpy(units.bits, at, bytes);
    return units;
}

/* Adds the units of one posting, or (NULL) passes over it. False: it is forged. */
static bool read_units(struct art_bit_reader *in, uint32_t units, struct art_units *out) {
    uint32_t count = art_get_number(in, ART_COUNT_ZEROS);
    if (count > ART_LISTED_UNITS) {
        if (out) *out = all_units;
        return true;
    }
    uint32_t unit = art_get_bits(in, art_unit_bits(units));
    while (count && unit < units) {
        if (out) art_units_add(out, unit);
        if (!--count) return true;
        uint32_t step = art_get_step(in, ART_STEP_ZEROS);
        if (!step) return false;
        unit += step - 1;
    }
    return false;
}

/* In one group. Of a forged one: any. */
static void read_group(const uint8_t *at, const uint8_t *end, uint8_t print, uint32_t units, struct art_units *out) {
    struct art_bit_reader lists = {at, 0, 8 * (uint32_t)(end - at)}, prints;
    uint32_t count = art_get_number(&lists, ART_GROUP_ZEROS);
    bool sane = count > 0 && count <= lists.end / ART_PRINT_BITS;
    if (!sane) *out = all_units;
    prints = lists;
    lists.at += ART_PRINT_BITS * count;
    for (uint32_t passed = 0; sane && count--; passed++) {
        if (art_get_bits(&prints, ART_PRINT_BITS) != print) continue;
        for (; sane && passed; passed--) sane = read_units(&lists, units, NULL);
        if (sane) sane = read_units(&lists, units, out);
        if (!sane) *out = all_units;
        passed = UINT32_MAX;
    }
}

/* All units in which a row may have the term; `any`: those that may have any. */
static enum art_rc units_with_term(struct art_blob *blob, const struct posting_part *part, uint32_t term,
                                   const struct art_units *any, struct art_units *units) {
    *units = *any;
    if (!part->groups) return ART_OK;
    term = art_term_not_zero(term);
    uint32_t group = group_of(term, part->groups);
    enum art_rc rc = want_bytes(blob, part->begin + 2 * group, 4);
    if (ART_UNLIKELY(rc)) return rc;
    uint32_t from = art_load16(part->begin + 2 * group), to = art_load16(part->begin + 2 * group + 2);
    if (from > to || to > part->words) { /* forged */
        *units = all_units;
        return ART_OK;
    }
    const uint8_t *at = part->data + 2 * from, *end = part->data + 2 * to;
    if (from < to) rc = want_bytes(blob, at, 2 * (to - from));
    if (rc || from == to) return rc;
    read_group(at, end, (uint8_t)term, blob->units, units);
    return ART_OK;
}

/* Of a search, of which a row has all terms, the first that no unit has ends it. */
static enum art_rc units_by_field(struct art_blob *blob, const struct art_term_query *query, struct art_units *out) {
    assert(query->count);
    bool all = query->field >= ART_FIELD_SEARCHES;
    struct posting_part part = find_part(blob, query->field);
    enum art_rc rc = want_bytes(blob, part.any, any_bytes_in(blob));
    if (rc) return rc;
    struct art_units any = units_at(part.any, any_bytes_in(blob)), units;
    uint32_t least = ART_UNITS_MAX + 1, rarest = 0;
    *out = all ? all_units : any;
    for (uint32_t i = 0; !rc && i < query->count && !(all && art_units_are_none(out)); i++) {
        rc = units_with_term(blob, &part, query->term[i], &any, &units);
        uint32_t count = art_units_count(&units);
        if (all && count < least) rarest = i;
        if (count < least) least = count;
        if (all) {
            keep_units(out, &units);
        } else {
            join_units(out, &units);
        }
    }
    uint32_t first = query->term[0]; /* of the next blob the rarest is asked first: it may need no other */
    query->term[0] = query->term[rarest];
    query->term[rarest] = first;
    return rc;
}

enum art_rc art_blob_units_with_terms(struct art_blob *blob, const struct art_limits *limits, struct art_units *out) {
    *out = all_units;
    if (!blob->postings || !limits->query_count) return ART_OK;
    enum art_rc rc = want_heads(blob);
    for (unsigned i = 0; !rc && i < limits->query_count && !art_units_are_none(out); i++) {
        struct art_units units;
        rc = units_by_field(blob, &limits->queries[i], &units);
        if (!rc) keep_units(out, &units);
    }
    return rc;
}

/* Of each unit one term, or that it may have any. */
static enum art_rc prove_field(const struct art_posting_field *field, struct art_blob *blob, unsigned number,
                               bool *leads) {
    struct posting_part part = find_part(blob, number);
    enum art_rc rc = want_bytes(blob, part.any, any_bytes_in(blob));
    for (uint32_t unit = 0, i = 0; !rc && unit < blob->units; i += field->terms[unit++]) {
        struct art_units any = units_at(part.any, any_bytes_in(blob)), units = any;
        if (field->terms[unit]) rc = units_with_term(blob, &part, field->posting[field->pushed[i]].term, &any, &units);
        bool expected = field->terms[unit] || art_units_has(&field->any, unit);
        *leads &= rc || !expected || art_units_has(&units, unit);
    }
    return rc;
}

/* Some terms of one bucket; of one with too many, that it may have any. */
static enum art_rc prove_terms(const struct art_term_set *set, struct art_blob *blob, unsigned number, uint32_t unit,
                               uint32_t most, bool *lead) {
    struct posting_part part = find_part(blob, number);
    enum art_rc rc = want_bytes(blob, part.any, any_bytes_in(blob));
    struct art_units any = units_at(part.any, any_bytes_in(blob)), units = any;
    uint32_t step = set->count / most + 1;
    if (set->any) *lead &= art_units_has(&any, unit);
    for (uint32_t i = 0; !rc && !set->any && i < set->count; i += step) {
        rc = units_with_term(blob, &part, set->term[i], &any, &units);
        *lead &= rc || art_units_has(&units, unit);
    }
    return rc;
}

enum art_rc art_blob_terms_lead(struct art_blob *blob, uint32_t bucket, const struct art_terms *terms, uint32_t most,
                                bool *lead) {
    enum art_rc rc = want_heads(blob);
    *lead = true;
    for (unsigned i = 0; !rc && *lead && i < ART_FIELDS_MAX; i++) {
        if (has_field(art_measures_fields(blob->has), i))
            rc = prove_terms(terms->set[i], blob, i, art_bucket_unit(blob, bucket), most, lead);
    }
    return rc;
}

enum art_rc art_postings_prove(const struct art_postings *postings, struct art_blob *blob, uint32_t bucket,
                               const struct art_terms *terms, bool *lead) {
    enum { TERMS_ASKED = 32 };
    *lead = !postings->fields || blob->postings;
    enum art_rc rc = *lead && postings->fields ? want_heads(blob) : ART_OK;
    for (unsigned i = 0; !rc && *lead && i < ART_FIELDS_MAX; i++) {
        if (!has_field(postings->fields, i)) continue;
        rc = prove_field(postings->field[i], blob, i, lead);
    }
    return rc || !*lead || !postings->fields ? rc : art_blob_terms_lead(blob, bucket, terms, TERMS_ASKED, lead);
}

uint32_t art_blob_pages_passed(const struct art_blob *blob, const struct art_units *units) {
    uint32_t left = art_min32(art_units_count(units), blob->units);
    return blob->leaf_pages * (blob->units - left) / blob->units;
}

/* Of each blob three spots are read that depend on each other, and none is in the processor's cache. So each is asked
 * for in all blobs before the next is read in any. What is not there is not asked for. */
static void fetch_ahead(struct art_blob *const *blobs, uint32_t count, const struct art_term_query *query) {
    for (uint32_t i = 0; i < count; i++) __builtin_prefetch(art_blob_part(blobs[i], ART_PART_POSTINGS));
    for (unsigned step = 0; step < 2; step++) {
        for (uint32_t i = 0; i < count; i++) {
            if (!blobs[i]->postings || !blobs[i]->postings_there) continue;
            struct posting_part part = find_part(blobs[i], query->field);
            uint32_t group = group_of(query->term[0], part.groups);
            const uint8_t *begin = part.begin + 2 * group;
            bool reads =
                step && part.groups && art_page_present(blobs[i], (uint32_t)(begin - blobs[i]->image) / ART_BLOB_PAGE);
            __builtin_prefetch(reads ? part.data + 2 * art_load16(begin) : begin);
        }
    }
}

enum art_rc art_blobs_first_with_terms(struct art_blob *const *blobs, uint32_t count, const struct art_limits *limits,
                                       uint32_t *first) {
    *first = 0;
    if (count > 1) fetch_ahead(blobs, count, &limits->queries[0]);
    for (; *first < count; (*first)++) {
        struct art_units units;
        enum art_rc rc = art_blob_units_with_terms(blobs[*first], limits, &units);
        if (rc || !art_units_are_none(&units)) return rc;
    }
    return ART_OK;
}
