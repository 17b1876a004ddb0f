/* What differs between two states below each directory, at all levels at once.
 *
 * One walk of diff.c. The levels in which its last path lies are open, each with what was found below it so far. A path
 * that is in one no more has it told, and the level above gets its numbers. So each row is looked at once, and memory
 * is as much as one path has levels.
 *
 *     a/b/1 added      open: '', a/ and a/b/
 *     a/c/2 deleted    a/b/ is told; open: '', a/ and a/c/
 *     d changed        a/c/ and a/ are told; open: ''
 *     the end          '' is told
 *
 * When a tree has changed, the walk begins anew, since the numbers of open levels are of the former states; names that
 * were told are not told again.
 */
#include "core/tree/history.h"
#include "core/tree/read/states.h"

struct art_levels {
    struct art_tree *from, *to;
    struct art_buffer prefix, delimiter;
    struct art_diff *diff;
    struct art_changed next; /* not yet in any level; */
    bool waits, over;        /* `waits`: there is one; `over`: none is left */
    struct art_buffer path;  /* the last one: names of open levels are what it begins with */
    struct art_level *open;  /* the innermost last; its numbers are not in the others */
    uint32_t levels, capacity;
    struct art_buffer told; /* the last name, once `any` */
    bool any;
};

enum art_rc art_levels_open(struct art_tree *from, struct art_tree *to, const struct art_growing *what,
                            struct art_levels **out) {
    struct art_levels *levels = art_alloc_zeroed(sizeof *levels);
    *out = levels;
    if (!levels) return art_nomem();
    levels->from = from;
    levels->to = to;
    enum art_rc rc = art_buffer_append(&levels->prefix, what->prefix.data, what->prefix.len);
    return rc ? rc : art_buffer_append(&levels->delimiter, what->delimiter.data, what->delimiter.len);
}

void art_levels_close(struct art_levels *levels) {
    if (!levels) return;
    art_diff_close(levels->diff);
    art_buffer_clear(&levels->prefix);
    art_buffer_clear(&levels->delimiter);
    art_buffer_clear(&levels->path);
    art_buffer_clear(&levels->told);
    art_free(levels->open);
    art_free(levels);
}

enum art_rc art_levels_begin(struct art_levels *levels) {
    struct art_range range;
    art_diff_close(levels->diff);
    levels->diff = NULL;
    levels->levels = 0;
    levels->waits = levels->over = false;
    levels->path.len = 0;
    enum art_rc rc = art_buffer_reserve(&levels->path, levels->prefix.len);
    if (rc) return rc;
    art_range_of_prefix(art_buffer_bytes(&levels->prefix), levels->path.data, &range);
    return art_diff_open(levels->from, levels->to, &range, &levels->diff);
}

static enum art_rc look_ahead(struct art_levels *levels) {
    if (levels->waits || levels->over) return ART_OK;
    enum art_rc rc = art_diff_next(levels->diff, &levels->next);
    levels->waits = !rc;
    levels->over = rc == ART_NOTFOUND;
    return levels->over ? ART_OK : rc;
}

static struct art_bytes innermost(const struct art_levels *levels) {
    return art_bytes(levels->path.data, levels->open[levels->levels - 1].len);
}

static enum art_rc open_level(struct art_levels *levels, uint32_t len) {
    enum art_rc rc = art_grow(&levels->open, &levels->capacity, levels->levels + 1, sizeof *levels->open);
    if (!rc) levels->open[levels->levels++] = (struct art_level){.len = len};
    return rc;
}

/* The path that waits goes into the levels that it lies in: the open ones, and those that begin below them. */
static enum art_rc take_changed(struct art_levels *levels) {
    const struct art_changed *next = &levels->next;
    struct art_bytes delimiter = art_buffer_bytes(&levels->delimiter);
    enum art_rc rc = levels->levels ? ART_OK : open_level(levels, (uint32_t)levels->prefix.len);
    uint32_t at = rc ? 0 : levels->open[levels->levels - 1].len;
    if (!rc) rc = art_buffer_set(&levels->path, next->path.data, next->path.len);
    while (!rc && (at = art_level_end(next->path, at, delimiter)) != 0) rc = open_level(levels, at);
    if (rc) return rc;
    struct art_level *level = &levels->open[levels->levels - 1];
    level->added += !next->old_version;
    level->deleted += !next->version;
    level->changed += next->old_version && next->version;
    levels->waits = false;
    return ART_OK;
}

/* Is a name told behind the one that was told last? Names come as their ends do. */
static bool comes_later(const struct art_levels *levels, struct art_bytes name) {
    struct art_bytes told = art_buffer_bytes(&levels->told);
    if (!levels->any) return true;
    if (art_bytes_starts_with(told, name)) return name.len < told.len;
    return !art_bytes_starts_with(name, told) && art_bytes_compare(name, told) > 0;
}

/* *later: it is to be told. */
static enum art_rc close_level(struct art_levels *levels, struct art_level *out, bool *later) {
    struct art_bytes name = innermost(levels);
    *out = levels->open[--levels->levels];
    out->name = name;
    if (levels->levels) {
        struct art_level *above = &levels->open[levels->levels - 1];
        above->added += out->added;
        above->changed += out->changed;
        above->deleted += out->deleted;
    }
    *later = comes_later(levels, name);
    if (!*later) return ART_OK;
    levels->any = true;
    return art_buffer_set(&levels->told, name.data, name.len);
}

enum art_rc art_levels_next(struct art_levels *levels, struct art_level *out) {
    bool later = false;
    enum art_rc rc = look_ahead(levels);
    while (!rc && !later) {
        bool within = levels->waits && levels->levels && art_bytes_starts_with(levels->next.path, innermost(levels));
        if (levels->levels && !within)
            rc = close_level(levels, out, &later);
        else if (levels->waits)
            rc = take_changed(levels);
        else
            return ART_NOTFOUND;
        if (!rc && !later) rc = look_ahead(levels);
    }
    return rc;
}
