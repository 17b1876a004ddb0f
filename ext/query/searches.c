/* Patterns for columns with a search: the trigrams of all their pieces lead to the pages where a row may have them
 * (core/blob/postings.h). More rows come than match, and each is looked at as without a search.
 */
#include "core/base/limits.h"
#include "ext/query/scan.h"

/* The number of the column's field, or -1. */
static int searched_field(const struct art_summarised *summarised, unsigned column) {
    if (column == ART_COLUMN_KEY) return summarised->search_key ? ART_FIELD_KEYS : -1;
    int item = art_summary_find(summarised, column);
    return item >= 0 && summarised->items[item].search ? ART_FIELD_SEARCHES + item : -1;
}

static int add_trigrams(struct art_buffer *out, const struct art_pieces *pieces, unsigned first) {
    for (unsigned i = first; i < pieces->count; i++) {
        const struct art_piece *piece = &pieces->piece[i];
        uint32_t left = ART_LIMIT(trigrams) - (uint32_t)(out->len / sizeof(uint32_t));
        struct art_bytes text = art_bytes(pieces->bytes.data + piece->at, art_min32(piece->len, left + 2));
        uint32_t trigrams[ART_LIMIT_MOST(trigrams) + 2], count = art_trigrams(text, 0, trigrams);
        if (count == ART_CUT_ANY) continue; /* cut within a character */
        if (art_buffer_append(out, trigrams, count * sizeof *trigrams)) return SQLITE_NOMEM;
    }
    return SQLITE_OK;
}

static int seek_column(struct art_scan *scan, unsigned column) {
    struct art_limits *limits = &scan->limits;
    int field = searched_field(art_table_summarised(art_scan_vtab(scan)->table), column), rc = SQLITE_OK;
    if (field < 0 || limits->query_count == ART_TERM_QUERIES_MAX) return SQLITE_OK;
    struct art_buffer *trigrams = &scan->terms[limits->query_count];
    trigrams->len = 0;
    if (column == ART_COLUMN_KEY && scan->match.by == ART_MATCH_GLOB) /* its beginning is in the range */
        rc = add_trigrams(trigrams, &scan->match.pieces, scan->match.pieces.head);
    for (unsigned i = 0; !rc && i < scan->filters.count; i++) {
        const struct art_filter *filter = &scan->filters.items[i];
        if (filter->column == column && art_filter_is_pattern(filter)) rc = add_trigrams(trigrams, &filter->pieces, 0);
    }
    uint32_t count = (uint32_t)(trigrams->len / sizeof(uint32_t));
    if (rc || !count) return rc;
    limits->queries[limits->query_count++] =
        (struct art_term_query){.field = (unsigned)field, .count = count, .term = (uint32_t *)(void *)trigrams->data};
    return SQLITE_OK;
}

int art_searches_add(struct art_scan *scan) {
    int rc = seek_column(scan, ART_COLUMN_KEY);
    for (unsigned i = 0; !rc && i < scan->filters.count; i++) {
        const struct art_filter *filter = &scan->filters.items[i];
        bool done = filter->column == ART_COLUMN_KEY || !art_filter_is_pattern(filter);
        for (unsigned k = 0; k < i; k++)
            done |= scan->filters.items[k].column == filter->column && art_filter_is_pattern(&scan->filters.items[k]);
        if (!done) rc = seek_column(scan, filter->column);
    }
    return rc;
}
