#include "tests/bench/metadata.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/keys.h"

static const struct {
    const char *name, *type;
} fields[FIELDS] = {
    [SIZE] = {"size", "INTEGER"}, [MTIME] = {"mtime", "INTEGER"}, [MODE] = {"mode", "INTEGER"},
    [OWNER] = {"owner", "TEXT"},  [INODE] = {"inode", "INTEGER"}, [ETAG] = {"etag", "TEXT"},
    [TYPE] = {"type", "TEXT"},    [VALUE] = {"value", "TEXT"},
};

const struct metadata_set metadata_sets[METADATA_SETS] = {
    [SET_FILES] = {"files", 5, {SIZE, MTIME, MODE, OWNER, INODE}},
    [SET_OBJECTS] = {"objects", 4, {SIZE, ETAG, MTIME, TYPE}},
    [SET_OBJ] = {"obj", 1, {VALUE}},
};

static struct file {
    const char *path, *owner;
    int64_t size, mtime, mode, inode;
} * files;
static uint32_t file_count;
static char *text; /* the list, in which paths and owners lie */
static struct keys keys;

/* --- the list ----------------------------------------------------------------------------------------------------- */

static bool read_list(const char *list) {
    FILE *in = fopen(list, "r");
    long size = 0;
    if (in && !fseek(in, 0, SEEK_END)) size = ftell(in);
    if (size > 0 && (text = malloc((size_t)size + 1))) {
        rewind(in);
        text[fread(text, 1, (size_t)size, in)] = 0;
    }
    if (in) fclose(in);
    if (!text) fprintf(stderr, "bench: cannot read %s: %s\n", list, errno ? strerror(errno) : "nothing is in it");
    return text;
}

/* Up to the next tab, which becomes the field's end. */
static char *cut(char **at) {
    char *field = strsep(at, "\t");
    return field && *at ? field : NULL;
}

static bool read_line(char *line, struct file *out) {
    char *size = cut(&line), *mtime = cut(&line), *mode = cut(&line), *owner = cut(&line), *inode = cut(&line);
    if (!inode) return false;
    *out = (struct file){.path = line, .owner = owner};
    out->size = strtoll(size, NULL, 10);
    out->mtime = strtoll(mtime, NULL, 10);
    out->mode = strtoll(mode, NULL, 8);
    out->inode = strtoll(inode, NULL, 10);
    return true;
}

bool metadata_read(const char *list, uint32_t most) {
    if (!read_list(list)) return false;
    files = calloc(most, sizeof *files);
    if (!files) abort();
    char *rest = text;
    for (char *line; file_count < most && (line = strsep(&rest, "\n")) && *line; file_count++) {
        if (!read_line(line, &files[file_count])) {
            fprintf(stderr, "bench: line %u of %s has no six fields\n", file_count + 1, list);
            return false;
        }
    }
    return keys_make(&keys, "obj", most, NULL);
}

void metadata_clear(void) {
    keys_clear(&keys);
    free(files);
    free(text);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

uint32_t metadata_rows(const struct metadata_set *set) {
    return *set->fields == VALUE ? keys.count : file_count;
}

struct art_bytes metadata_path(const struct metadata_set *set, uint32_t row) {
    if (*set->fields == VALUE) return keys.sorted[row];
    return art_bytes(files[row].path, (uint32_t)strlen(files[row].path));
}

static int64_t metadata_number(enum field field, uint32_t row) {
    const struct file *file = &files[row];
    switch (field) {
    case SIZE:
        return file->size;
    case MTIME:
        return file->mtime;
    case MODE:
        return file->mode;
    case INODE:
        return file->inode;
    default:
        return 0;
    }
}

static const char *type_of(const char *path) {
    static const char *const types[][2] = {
        {".py", "text/x-python"},
        {".h", "text/x-chdr"},
        {".c", "text/x-csrc"},
        {".html", "text/html"},
        {".txt", "text/plain"},
        {".md", "text/markdown"},
        {".js", "text/javascript"},
        {".css", "text/css"},
        {".json", "application/json"},
        {".xml", "application/xml"},
        {".png", "image/png"},
        {".svg", "image/svg+xml"},
        {".gz", "application/gzip"},
        {".so", "application/x-sharedlib"},
        {".a", "application/x-archive"},
        {".o", "application/x-object"},
        {".rs", "text/rust"},
        {".pyc", "application/x-python-code"},
    };
    const char *end = strrchr(path, '.');
    for (size_t i = 0; end && i < sizeof types / sizeof *types; i++) {
        if (!strcmp(end, types[i][0])) return types[i][1];
    }
    return "application/octet-stream";
}

static void metadata_text(enum field field, uint32_t row, char out[FIELD_ROOM]) {
    uint64_t mixed = (row + 1) * UINT64_C(0x9e3779b97f4a7c15), more = mixed * UINT64_C(0xd6e8feb86659fd93);
    switch (field) {
    case OWNER:
        snprintf(out, FIELD_ROOM, "%s", files[row].owner);
        break;
    case ETAG:
        snprintf(out, FIELD_ROOM, "%016llx%016llx", (unsigned long long)(mixed ^ mixed >> 29),
                 (unsigned long long)(more ^ more >> 31));
        break;
    case TYPE:
        snprintf(out, FIELD_ROOM, "%s", type_of(files[row].path));
        break;
    case VALUE:
        keys_value(&keys, row, out);
        out[keys.value_len] = 0;
        break;
    default:
        snprintf(out, FIELD_ROOM, "%lld", (long long)metadata_number(field, row));
    }
}

/* --- what stores are given ---------------------------------------------------------------------------------------- */

char *metadata_columns(const struct metadata_set *set, bool declared) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    for (int i = 0; i < set->count; i++) {
        sqlite3_str_appendf(out, ", %s", fields[set->fields[i]].name);
        if (declared) sqlite3_str_appendf(out, " %s", fields[set->fields[i]].type);
    }
    if (!set->count) sqlite3_str_appendall(out, "");
    return sqlite3_str_finish(out);
}

void metadata_bind(sqlite3_stmt *statement, const struct metadata_set *set, uint32_t row) {
    struct art_bytes path = metadata_path(set, row);
    sqlite3_bind_text(statement, 1, (const char *)path.data, (int)path.len, SQLITE_STATIC);
    for (int i = 0; i < set->count; i++) {
        enum field field = set->fields[i];
        if (*fields[field].type == 'I') {
            sqlite3_bind_int64(statement, i + 2, metadata_number(field, row));
        } else {
            char out[FIELD_ROOM];
            metadata_text(field, row, out);
            sqlite3_bind_text(statement, i + 2, out, -1, SQLITE_TRANSIENT);
        }
    }
}

uint32_t metadata_value(const struct metadata_set *set, uint32_t row, char out[MOST_FIELDS * FIELD_ROOM]) {
    uint32_t len = 0;
    for (int i = 0; i < set->count; i++) {
        if (i) out[len++] = '\t';
        metadata_text(set->fields[i], row, out + len);
        len += (uint32_t)strlen(out + len);
    }
    return len;
}
