/* Reading: a plan for each statement, and SQLite's cursors. plan.h and scan.h are the folder's own. */
#ifndef ART_EXT_QUERY_H
#define ART_EXT_QUERY_H

#include "ext/access/access.h"

int art_best_index(sqlite3_vtab *base, sqlite3_index_info *info);
int art_scan_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out);
int art_scan_close(sqlite3_vtab_cursor *base);
int art_scan_filter(sqlite3_vtab_cursor *base, int plan, const char *words, int argc, sqlite3_value **argv);
int art_scan_next(sqlite3_vtab_cursor *base);
int art_scan_eof(sqlite3_vtab_cursor *base);
int art_scan_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column);
int art_scan_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid);
/* Of the statement that is changing the table: has a listing rolled rows up to this path? `..._last()`: and no
 * scan of this handle has begun or ended since. */
bool art_listing_has_ended(const struct art_vtab *vtab, struct art_bytes path);
bool art_listing_ended_last(const struct art_vtab *vtab, struct art_bytes path);

#endif
