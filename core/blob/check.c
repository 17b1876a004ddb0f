/* The deep check: does the blob keep what it promises of its entries?
 *
 * The entries are walked once, in order. Each key must lead to its bucket and pass the filter, and each of its terms
 * lead there; which separators, filter and lists do that is the writer's choice, and so is which names are coded, by
 * which symbols. What else the footer says follows from the entries, and is compared byte by byte (parts.h). The
 * label's bytes are taken as they are stored (the same in every bucket), whatever label the reference gives them now.
 */
#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/blob/bucket.h"
#include "core/blob/cursor.h"
#include "core/blob/footer.h"
#include "core/blob/routing.h"

struct art_blob_checker {
    struct art_blob *blob;
    struct art_blob_cursor cursor;
    struct art_plain_bucket *plain;
    struct art_footer footer;
    uint8_t *key, *before, *part; /* this key, the one before, the part that is expected */
    uint32_t before_len;
    uint8_t first[ART_LABEL_MAX]; /* the first key, as far as labels reach */
    uint32_t first_len, label_shared;
    uint64_t csn_min, below;
    struct art_summed summed; /* of the bucket */
    struct art_terms terms;
    struct art_bounds bounds;    /* of the bucket that is under way */
    uint64_t csn_max, overflows; /* these three of the whole blob */
    uint32_t key_max;
    bool odd_weight;
    uint32_t fields; /* whose terms are looked at */
    const struct art_blob_expected *expected;
};

static enum art_rc wrong_at(const struct art_blob_checker *checker, const char *what) {
    const struct art_blob_cursor *cursor = &checker->cursor;
    return art_corrupt(checker->blob->file, checker->blob->slot,
                       art_bucket_offset(checker->blob, cursor->bucket) / ART_BLOB_PAGE, "bucket %u, entry %u: %s",
                       cursor->bucket, cursor->entry, what);
}

static enum art_rc check_hashes(struct art_blob *blob) {
    const struct art_blob_trailer *trailer = art_blob_trailer(blob->image);
    struct art_pages on_demand = art_blob_pages_on_demand(blob);
    for (uint32_t page = 0; page < ART_BLOB_PAGES - 1; page++) {
        bool footer = page >= ART_BLOB_PAGES - blob->footer_pages;
        if (!footer && page >= blob->leaf_pages) {
            if (trailer->page_hash[page]) return art_corrupt(blob->file, blob->slot, page, "a hash of an unused page");
            continue;
        }
        if (art_pages_has(&on_demand, page)) {
            struct art_pages pages = art_pages_of(page, 1);
            enum art_rc rc = art_blob_want_pages(blob, &pages);
            if (rc) return rc;
        }
        if (art_hash64(blob->image + page * ART_BLOB_PAGE, ART_BLOB_PAGE) != trailer->page_hash[page]) {
            return art_corrupt(blob->file, blob->slot, page, "the page's hash is not that of the blob's trailer");
        }
    }
    return ART_OK;
}

static void note_checked(struct art_blob_checker *checker, uint64_t csn, uint32_t key_len, uint64_t overflows) {
    struct art_bounds *bounds = &checker->bounds;
    if (csn > bounds->csn_max) bounds->csn_max = csn;
    if (key_len > bounds->key_max) bounds->key_max = (uint16_t)key_len;
    bounds->overflows += overflows > 0;
    if (csn > checker->csn_max) checker->csn_max = csn;
    if (key_len > checker->key_max) checker->key_max = key_len;
    checker->overflows += overflows;
}

static enum art_rc check_child(struct art_blob_checker *checker) {
    struct art_ref ref;
    struct art_bytes key = art_bytes(checker->key, checker->cursor.key_len);
    enum art_rc rc = art_blob_cursor_ref(&checker->cursor, &ref);
    if (rc) return rc;
    uint32_t label_len = checker->blob->label_len, n = art_min32(ref.label.len, key.len);
    struct art_summed summed;
    if (ref.summed && !art_summed_decode(ref.has, ref.summed, &summed))
        return wrong_at(checker, "a zone of unknown kinds, or with its bounds reversed");
    if (ref.summed) art_summed_add(ref.has, &checker->summed, &summed);
    if (ref.label.len < label_len) return wrong_at(checker, "the child's label is shorter than the index's");
    if (n > label_len && memcmp(ref.label.data + label_len, key.data + label_len, n - label_len) < 0) {
        return wrong_at(checker, "the child's keys lie before its separator");
    }
    n = art_min32(art_min32(checker->first_len, ref.label.len), checker->label_shared);
    checker->label_shared = art_common_prefix(checker->first, ref.label.data, n);
    checker->below += ref.entries;
    note_checked(checker, ref.csn_max, ref.key_max, ref.overflows);
    return ART_OK;
}

static enum art_rc check_entry(struct art_blob_checker *checker) {
    struct art_entry entry;
    art_blob_cursor_entry(&checker->cursor, &entry);
    if (entry.csn >> 56) return wrong_at(checker, "a commit sequence number out of range");
    if (entry.csn < checker->csn_min) checker->csn_min = entry.csn;
    if (checker->blob->kind == ART_BLOB_INDEX) {
        if (entry.flags || entry.csn) return wrong_at(checker, "flags on a reference");
        return check_child(checker);
    }
    if (!art_entry_is_sane(entry.flags, entry.value)) return wrong_at(checker, "a delete with a value");
    const struct art_summary *summary = checker->expected->summary;
    if (summary) {
        struct art_summed *summed = &checker->summed;
        struct art_datum data[ART_SUMMARY_MAX];
        struct art_bytes key = art_bytes(checker->key, checker->cursor.key_len);
        art_summary_add(summary, key, &entry, summed->sum, summed->zone, NULL, data);
        art_terms_add(&checker->terms, summary, key, 0, &entry, data);
    }
    if (entry.csn > checker->expected->csn_max) return wrong_at(checker, "a version that the table has not reached");
    if (checker->expected->only_puts && entry.flags & (ART_DELETE | ART_SHADOWS_OLDER)) {
        return wrong_at(checker, "the last run holds something else than a first put");
    }
    if (art_entry_weight(entry.flags) != 1) checker->odd_weight = true;
    note_checked(checker, entry.csn, checker->cursor.key_len, entry.flags & ART_OVERFLOW ? 1 : 0);
    return ART_OK;
}

/* Of a coded suffix: no reader can tell what an escape at its end stands for. */
static bool ends_in_escape(const struct art_bucket_view *view, uint32_t entry) {
    const uint8_t *code = view->suffixes + art_bucket_suffix_at(view, entry);
    uint32_t n = view->symbols ? art_bucket_suffix_len(view, entry) : 0, at = 0;
    while (at < n) at += code[at] == ART_ESCAPE ? 2 : 1;
    return at > n;
}

/* Order, and that the columns say what the keys share. */
static enum art_rc check_entry_key(struct art_blob_checker *checker, bool first) {
    const struct art_blob_cursor *cursor = &checker->cursor;
    uint32_t n = art_min32(cursor->key_len, checker->before_len);
    uint32_t shared = first ? 0 : art_common_prefix(checker->key, checker->before, n);
    if (!first && (shared == cursor->key_len ||
                   (shared < checker->before_len && checker->key[shared] < checker->before[shared]))) {
        return wrong_at(checker, "the key does not follow its predecessor");
    }
    if (cursor->entry && shared != art_blob_cursor_shared(cursor)) {
        return wrong_at(checker, "the key shares another number of bytes with its predecessor than its columns say");
    }
    if (ends_in_escape(&cursor->view, cursor->entry)) return wrong_at(checker, "the name ends in an escape");
    return ART_OK;
}

static enum art_rc check_ways_to_key(struct art_blob_checker *checker) {
    struct art_blob *blob = checker->blob;
    struct art_bytes key = art_bytes(checker->key, checker->cursor.key_len);
    uint32_t known;
    if (art_route(blob, key, &known) != checker->cursor.bucket)
        return wrong_at(checker, "the separators lead its key to another bucket");
    enum art_rc rc = blob->filter_blocks ? art_blob_ask_filter(blob, art_blob_key_hash(key)) : ART_OK;
    return rc == ART_NOTFOUND ? wrong_at(checker, "its key does not pass the filter") : rc;
}

static enum art_rc enter_bucket(struct art_blob_checker *checker) {
    struct art_blob *blob = checker->blob;
    struct art_footer *footer = &checker->footer;
    const struct art_bucket_view *view = &checker->cursor.view;
    uint32_t b = checker->cursor.bucket, entries = art_bucket_rank(blob, b + 1) - art_bucket_rank(blob, b);
    if (!b) {
        const struct art_bytes *label = checker->expected->label;
        if (label && blob->label_len && memcmp(label->data, view->prefix, blob->label_len) != 0) {
            return wrong_at(checker, "the reference's label is not what the keys begin with");
        }
        memcpy(checker->key, view->prefix, blob->label_len);
        checker->first_len = art_min32(checker->cursor.key_len, ART_LABEL_MAX);
        memcpy(checker->first, checker->key, checker->first_len);
    } else if (memcmp(checker->key, view->prefix, blob->label_len) != 0) {
        return wrong_at(checker, "the label differs");
    }
    if (!art_separator_begins(blob, b, art_bytes(checker->key, checker->cursor.key_len)))
        return wrong_at(checker, "the key does not begin with its bucket's separator");
    enum art_rc rc = art_footer_reserve(footer, 1, 0, 0);
    if (rc) return rc;
    art_footer_push(footer, art_bytes(NULL, 0), art_bucket_offset(blob, b), entries,
                    art_bucket_weights(view, entries, blob->kind), &(struct art_bounds){0}, &checker->summed);
    const uint8_t *end = blob->image + art_bucket_end(blob, b);
    for (const uint8_t *at = art_bucket_values_end(view); at < end; at++) {
        if (*at) return wrong_at(checker, "unused bytes behind the bucket are not zero");
    }
    return ART_OK;
}

/* Without the table's summary nobody can tell what a leaf's entries add: they are taken for what the directory says. */
static void note_summed(struct art_blob_checker *checker) {
    const struct art_blob *blob = checker->blob;
    uint32_t b = checker->cursor.bucket;
    struct art_summed said = checker->summed;
    bool known = blob->kind == ART_BLOB_INDEX || checker->expected->summary;
    for (unsigned i = 0; !known && i < blob->has.sums; i++)
        said.sum[i] = art_subtract128(art_bucket_summed(blob, i, b + 1), art_bucket_summed(blob, i, b));
    for (unsigned i = 0; !known && i < blob->has.columns; i++) said.zone[i] = art_bucket_zone(blob, i, b);
    art_footer_note_summed(&checker->footer, b, &said);
}

static enum art_rc leave_bucket(struct art_blob_checker *checker, uint32_t bucket) {
    bool lead;
    if (!checker->fields) return ART_OK;
    art_terms_end(&checker->terms, checker->expected->summary);
    enum art_rc rc = art_blob_terms_lead(checker->blob, bucket, &checker->terms, UINT32_MAX, &lead);
    art_terms_reset(&checker->terms);
    if (rc || lead) return rc;
    return art_corrupt(checker->blob->file, checker->blob->slot,
                       checker->blob->at.begin[ART_PART_POSTINGS] / ART_BLOB_PAGE,
                       "bucket %u: a term of a row does not lead to it", bucket);
}

static enum art_rc walk_entries(struct art_blob_checker *checker) {
    struct art_blob_cursor *cursor = &checker->cursor;
    struct art_footer *footer = &checker->footer;
    uint32_t count = 0;
    enum art_rc rc = art_blob_first(cursor);
    for (; !rc && cursor->valid; count++) {
        if (!cursor->entry) {
            if (count) rc = leave_bucket(checker, footer->buckets - 1);
            if (rc) return rc;
            checker->bounds = (struct art_bounds){0};
            checker->summed = (struct art_summed){0};
            rc = enter_bucket(checker);
        }
        if (!rc) rc = check_entry_key(checker, count == 0);
        if (!rc) rc = check_ways_to_key(checker);
        if (!rc) rc = check_entry(checker);
        if (rc) return rc;
        footer->bounds[cursor->bucket] = checker->bounds;
        if (footer->has.columns) note_summed(checker);
        memcpy(checker->before, checker->key, cursor->key_len);
        checker->before_len = cursor->key_len;
        rc = art_blob_next(cursor);
    }
    if (!rc) rc = leave_bucket(checker, footer->buckets - 1);
    if (!rc && count != checker->blob->entries) rc = wrong_at(checker, "the blob's number of entries is another");
    return rc;
}

/* What the trailer says of all entries together. NULL: it is as the entries are. */
static const char *wrong_totals(const struct art_blob_checker *checker) {
    const struct art_blob *blob = checker->blob;
    const struct art_blob_trailer *trailer = art_blob_trailer(blob->image);
    /* The label is what all keys share; of an index blob, what all labels below share, too. */
    uint32_t label = art_min32(art_min32(checker->first_len, checker->before_len), checker->label_shared);
    if (blob->label_len != art_common_prefix(checker->first, checker->before, label))
        return "the label is not what all keys share";
    if (trailer->csn_min != checker->csn_min) return "the least commit sequence number is another";
    if (trailer->csn_max != checker->csn_max || trailer->key_max != checker->key_max ||
        trailer->overflows != checker->overflows) {
        return "the bounds are not those of the entries";
    }
    if (trailer->below != (blob->kind == ART_BLOB_INDEX ? checker->below : blob->entries))
        return "the number of entries below is another";
    return blob->count == checker->footer.sum[blob->buckets] ? NULL : "the sum of the weights is another";
}

static enum art_rc check_footer(struct art_blob_checker *checker) {
    struct art_blob *blob = checker->blob;
    const struct art_blob_trailer *trailer = art_blob_trailer(blob->image);
    const char *wrong = wrong_totals(checker);
    if (!wrong && checker->odd_weight && !(blob->flags & ART_BLOB_SUMS)) wrong = "it has no weights, but entries have";
    if (wrong) return art_corrupt(blob->file, blob->slot, ART_BLOB_PAGES - 1, "blob trailer: %s", wrong);
    uint32_t at;
    struct art_bytes label = art_bytes(checker->first, blob->label_len);
    unsigned part = art_footer_differs(&checker->footer, label, checker->csn_min, blob, checker->part, &at);
    if (part != ART_PARTS)
        return art_corrupt(blob->file, blob->slot, at / ART_BLOB_PAGE, "the %s is not that of the entries, byte %u",
                           art_part_name(part), at);
    if (trailer->own_hash == art_blob_trailer_hash(blob->image + ART_LAST_PAGE_AT)) return ART_OK;
    return art_corrupt(blob->file, blob->slot, ART_BLOB_PAGES - 1, "blob trailer: its own hash is another");
}

enum art_rc art_blob_check_expected(struct art_blob *blob, const struct art_blob_expected *expected) {
    struct art_blob_checker checker = {
        .blob = blob, .csn_min = UINT64_MAX, .label_shared = ART_LABEL_MAX, .expected = expected};
    enum art_rc rc = check_hashes(blob);
    if (!rc) rc = art_blob_want_postings(blob);
    if (rc) return rc;
    checker.footer.has = blob->has;
    if (blob->postings && expected->summary) checker.fields = art_measures_fields(blob->has);
    checker.key = art_alloc(ART_KEY_MAX + ART_KEY_PADDING);
    checker.before = art_alloc(ART_KEY_MAX + ART_KEY_PADDING);
    checker.part = art_alloc(ART_BLOB_BYTES);
    checker.plain = art_alloc(sizeof *checker.plain);
    if (!checker.key || !checker.before || !checker.part || !checker.plain) {
        rc = art_nomem();
        goto done;
    }
    rc = art_terms_open(&checker.terms, checker.fields);
    if (rc) goto done;
    art_blob_cursor_init(&checker.cursor, blob, checker.key);
    art_blob_cursor_plain(&checker.cursor, checker.plain);
    rc = walk_entries(&checker);
    if (!rc) rc = check_footer(&checker);
done:
    art_free(checker.key);
    art_free(checker.before);
    art_free(checker.part);
    art_free(checker.plain);
    art_terms_clear(&checker.terms);
    art_footer_clear(&checker.footer);
    return rc;
}
