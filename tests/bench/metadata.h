/* Rows of real metadata: files of this machine from a list, objects made of them, and the bench's own `obj` keys.
 *
 *     files      path, size, mtime, mode, owner, inode
 *     objects    the same paths; size, etag: 32 hexadecimal digits, mtime, type: by how the path ends
 *     obj        bucket-07/path/sub/file-012345.bin, a value of 49 bytes
 *
 * The list has a file a line: size, mtime, mode (octal), owner, inode and path, parted by tabs, in the order of paths.
 */
#ifndef ART_BENCH_METADATA_H
#define ART_BENCH_METADATA_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/bytes.h"

enum field { SIZE, MTIME, MODE, OWNER, INODE, ETAG, TYPE, VALUE, FIELDS };
enum { MOST_FIELDS = 5, FIELD_ROOM = 64 };

struct metadata_set {
    const char *name;
    int count;
    enum field fields[MOST_FIELDS];
};
enum { SET_FILES, SET_OBJECTS, SET_OBJ, METADATA_SETS };
extern const struct metadata_set metadata_sets[METADATA_SETS];

/* At most `most` of the list's rows, and `most` keys of obj; false, with the reason on stderr, without a list. */
bool metadata_read(const char *list, uint32_t most);
void metadata_clear(void);

uint32_t metadata_rows(const struct metadata_set *set);
struct art_bytes metadata_path(const struct metadata_set *set, uint32_t row); /* of the row-th in order */

/* Columns behind the path as they are declared (", size INTEGER, ..."), or only named; sqlite3_free() it. */
char *metadata_columns(const struct metadata_set *set, bool declared);
/* Path and fields, as ?1, ?2 ... */
void metadata_bind(sqlite3_stmt *statement, const struct metadata_set *set, uint32_t row);
/* All fields as one text for stores that know no columns, parted by tabs; its length. */
uint32_t metadata_value(const struct metadata_set *set, uint32_t row, char out[MOST_FIELDS * FIELD_ROOM]);

#endif
