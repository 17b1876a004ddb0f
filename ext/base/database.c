/* A database as SQLite knows it: its files, their folder, and the names of the .art files beside it:
 * <database>-<table>-<first 8 hex digits of the id>.art.
 */
#include "core/tree/place.h"
#include "ext/base/base.h"

#include <ctype.h>

enum { DATABASE_PART_BYTES = 120, TABLE_PART_BYTES = 80 }; /* of the file's name, which may have 255 */

sqlite3_file *art_database_file(sqlite3 *db, const char *schema) {
    sqlite3_file *file = NULL;
    sqlite3_file_control(db, schema, SQLITE_FCNTL_FILE_POINTER, &file);
    return file;
}

const char *art_database_name(sqlite3 *db, const char *schema) {
    const char *name = sqlite3_db_filename(db, schema);
    return name ? name : "";
}

int art_database_folder(sqlite3 *db, const char *schema, char **out) {
    return art_path_beside(art_database_name(db, schema), "", out) ? SQLITE_NOMEM : SQLITE_OK;
}

enum art_rc art_path_beside(const char *database, const char *file, char **out) {
    const char *slash = strrchr(database, '/');
    *out = NULL;
    if (!slash) return ART_OK;
    assert(!strchr(file, '/')); /* a name that T_artstate has was looked at (art_shadow_file_name_is_sound()) */
    size_t n = (size_t)(slash - database) + 1, m = strlen(file);
    *out = art_alloc(n + m + 1);
    if (!*out) return art_nomem();
    memcpy(*out, database, n);
    memcpy(*out + n, file, m + 1);
    return ART_OK;
}

/* Two connections on one cache of pages see each other's uncommitted log rows; nothing here is made for that.
 * SQLite counts the bytes of such a cache in parts, by the connections that share it. */
int art_refuse_shared_cache(sqlite3 *db, const char *schema, char **message) {
    const char *name = art_database_name(db, schema);
    const char *wanted = *name ? sqlite3_uri_parameter(name, "cache") : NULL;
    int used = 0, shared = 0, high;
    sqlite3_db_status(db, SQLITE_DBSTATUS_CACHE_USED, &used, &high, 0);
    sqlite3_db_status(db, SQLITE_DBSTATUS_CACHE_USED_SHARED, &shared, &high, 0);
    if ((!wanted || sqlite3_stricmp(wanted, "shared")) && used == shared) return SQLITE_OK;
    return art_complain(message, SQLITE_ERROR,
                        "art: art tables cannot be in a shared cache (%s): open the database without cache=shared",
                        schema);
}

static void append_sane(sqlite3_str *out, const char *text, int most) {
    for (; *text && most; text++, most--) {
        unsigned char c = (unsigned char)*text;
        bool sane = (c < 0x80 && isalnum(c)) || c == '.' || c == '_' || c == '-';
        sqlite3_str_appendchar(out, 1, sane ? (char)c : '_');
    }
}

static void append_base(sqlite3_str *out, const char *path) {
    const char *slash = strrchr(path, '/');
    append_sane(out, slash ? slash + 1 : "memory", DATABASE_PART_BYTES);
    sqlite3_str_appendchar(out, 1, '-');
}

char *art_file_beginning(sqlite3 *db, const char *schema) {
    sqlite3_str *text = sqlite3_str_new(db);
    append_base(text, art_database_name(db, schema));
    return sqlite3_str_finish(text);
}

char *art_file_name(const char *database, const char *table, const uint8_t uuid[ART_UUID_BYTES], unsigned attempt) {
    sqlite3_str *text = sqlite3_str_new(NULL);
    append_base(text, database);
    append_sane(text, table, TABLE_PART_BYTES);
    if (attempt) sqlite3_str_appendf(text, "-%u", attempt + 1);
    sqlite3_str_appendf(text, "-%02x%02x%02x%02x.art", uuid[0], uuid[1], uuid[2], uuid[3]);
    return sqlite3_str_finish(text);
}

bool art_file_belongs(const char *path, const char *database, const uint8_t uuid[ART_UUID_BYTES]) {
    uint8_t found[ART_UUID_BYTES];
    bool ours = false;
    return !art_file_identify(path, database, found, &ours) && ours && !memcmp(found, uuid, ART_UUID_BYTES);
}

unsigned art_database_version(sqlite3 *db, const char *schema) {
    unsigned version = 0;
    sqlite3_file_control(db, schema, SQLITE_FCNTL_DATA_VERSION, &version);
    return version;
}
