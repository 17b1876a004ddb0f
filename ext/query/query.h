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
/* What a DELETE's path is: a row's, or what its listing has rolled rows up to. */
enum art_listed { ART_LISTED_ROW, ART_LISTED_PREFIX, ART_LISTED_UNCLEAR };
enum art_listed art_listed_last(const struct art_vtab *vtab, struct art_bytes path);
/* Are the rows that a DELETE is about to delete those of a snapshot? */
bool art_delete_reads_snapshot(const struct art_vtab *vtab);
/* Some listing that may have rolled rows up to the path has ended, and is open. */
bool art_listing_has_ended(const struct art_vtab *vtab, struct art_bytes path);

#endif
