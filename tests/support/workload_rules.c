/* The statements of the model test, as rules (grammar.h), and what a rule cannot say, as functions that they call.
 *
 * $!NAME notes what the step is about, $!name in small letters a flag of the step: nothing is written. Around what
 * SQLite answers wrongly or differently by its plan the rules go, and say so.
 *
 * In a SELECT the order of the rows is given by the query, or the rows are compared as a set; where LIMIT cuts them,
 * the order is total. No sum of reals, no group_concat(): they depend on the order in which SQLite comes by the rows.
 */
#include <string.h>

#include "tests/support/grammar.h"
#include "tests/support/workload_private.h"

static const char *const rules[] = {
    /* ---- WHERE: on the path -------------------------------------------------------------------------------------- */
    "end: < | <= | > | >=", "collation: NOCASE | RTRIM | BINARY", "numbers: i | r | n | x | y | z | c",
    /* By each of these every plan visits the rows in the order of their paths. */
    "ordered: 2*$!EQUAL$path = $key | 2*$!GLOB$path GLOB $glob | $!RANGE$path >$(|=) $key AND $path <$(|=) $key | "
    "$!BETWEEN$path BETWEEN $key AND $key | $!RANGE$path $end $key",
    "equality: 5*$path $equals $operand | $operand $equals $path",
    "equals: 2*$!EQUAL= | $!EQUAL== | 3*$!IS$(IS|IS NOT|IS NOT DISTINCT FROM) | 2*$!UNEQUAL$(<>|!=)",
    "in: 2*$path$in_how IN ($list) | $plus$path$in_how IN ($!IN_SELECT$selected)",
    "in_how: $(25?$!COLLATE COLLATE NOCASE)$(5?$!NOT_IN NOT)", "list: $!IN_EMPTY | 11*$!IN_LIST$operands",
    "operands: $operand | 3*$operand, $operands",
    "selected: $!JOIN_AFFINITY SELECT $(i|r|n|x|y|c) FROM $schema.nums | SELECT a || '$(|/|a)' FROM $schema.side | "
    "VALUES ($key), ($(3*$key|$number)) | SELECT a FROM $schema.side", /* a COLLATE in it counts by SQLite's plan */
    "pattern: 30*$path$odd_path $matches | 5*$path$odd_path NOT $matches_not | NOT $path$odd_path $matches_not",
    "odd_path: $(12?$( || ''| COLLATE NOCASE))", "matches: $!GLOB GLOB $any_glob | $!LIKE LIKE $any_like",
    "matches_not: $!NOT_GLOB GLOB $any_glob | $!NOT_LIKE LIKE $any_like", "any_glob: 13*$glob | $operand",
    "any_like: 13*$like | $operand",
    "range: $!BETWEEN$path$(4? NOT) BETWEEN $operand AND $operand | "
    "2*$!RANGE$path$(12?$!COLLATE COLLATE $collation) $end $operand$(| AND $bound| AND $bound AND $bound)",
    "bound: $path $end $operand",
    "contradiction: $path = $key AND $path = $key | $path > 'd1' AND $path < 'd1' | "
    "$path GLOB 'a*' AND $path GLOB $glob | $path = $key AND $path LIKE $like",
    "row_of_values: ($path, $any) $(<|<=|>|>=|=|<>|IS) ($key, $value) | $row_of_one",
    "row_of_one: ($path, 1) $(<|>=|=|<>) ($key, $(0-2))",
    "odd_condition: $path $(IS NULL|IS NOT NULL|IS TRUE|NOTNULL) | length($path) < $(0-7) | substr($path, 1, 1) = $key "
    "| $path $(=|<|>=|GLOB|LIKE) $($path|$any) | $!EXISTS$!CORRELATED$(NOT |)EXISTS (SELECT 1 FROM $schema.side WHERE "
    "side.a $(=|<|GLOB) $path) | $path + 0 > $(0-19) | CASE $path WHEN $key THEN 1 ELSE $path < $key END | "
    "$(1|0|NULL|'1'|1 = 2)",
    "path_is: 24*$ordered | 12*$equality | 12*$in | 22*$pattern | 15*$range | 4*$!CONTRADICTION$contradiction | "
    "4*$!ROW_VALUE$row_value | 7*$odd_condition",

    /* ---- WHERE: on other columns, and together ------------------------------------------------------------------- */
    "column_condition: typeof($it) = '$(text|integer|real|blob|null)' | $it IS$(| NOT) NULL | "
    "length($it) $(<|>) $(4000|$(0-29)) | $it$(3? NOT) IN ($suited, $value, $suited) | $it BETWEEN $suited AND $suited "
    "| $it $(GLOB|LIKE|NOT LIKE) '$($(1-1)*|1%|a%|%2|A_|*)' | $it $(=|<|>=|IS|<>) $any | "
    "2*$it$(10?$!COLLATE COLLATE $collation) $(=|IS|<>|IS NOT|<|<=|>|>=) $suited",
    "one: 85*$path_is | 15*$column_is",
    "some: 14*$!OR($one OR $one) | 20*$one AND $one | 3*$!NOT NOT ($one) | 48*$path_is | 15*$column_is",
    "several: 14*$!OR($some OR $some) | 20*$some AND $some | 3*$!NOT NOT ($some) | 48*$path_is | 15*$column_is",
    "condition: 4*$some | $several",

    /* ---- SELECT of one table ------------------------------------------------------------------------------------- */
    "from_where: FROM $source WHERE $arguments$condition", "path_order: ORDER BY $path$(| ASC|$!DESCENDING DESC)",
    "limit: $(2?$!LIMIT LIMIT $row_count$(2?$!OFFSET$(5* OFFSET |, )$row_count))",
    "row_count: 70*$(0-19) | 14*$!ODD_LIMIT$bound_limit | 16*$!ODD_LIMIT$odd_limit",
    "odd_limit: -1 | 9223372036854775807 | -9223372036854775808 | 1 + 1 | 0 | '3' | 2.0 | 1000000000000",
    "rows: SELECT $shown$of_listing $from_where $path_order $limit",
    "shown: $path | $any | typeof($path), typeof($any), $path || 'x' | $!DISTINCT DISTINCT $path | 2*$all_columns",
    "unordered: $!unordered SELECT $all_columns $from_where",
    "aggregate: $!AGGREGATE$minimum SELECT count(*)$(2?, count($any), total(length($path)))$(3?, min($path), "
    "max($path))$(4?, count(DISTINCT $any))$sum_of_entries $from_where",
    "min_max: $!MIN_MAX$minimum SELECT $(min|max)($path)$(3?, $any) $from_where", /* $any: of the row that has it */
    "groups: SELECT $path, count(*) $from_where GROUP BY $path $path_order $limit | SELECT $pick$it, $path, count(*) "
    "$from_where GROUP BY 1, 2 ORDER BY 1, 2 $limit | SELECT typeof($pick$it) AS kind, "
    "count(*), max($path) $from_where GROUP BY kind ORDER BY kind | SELECT count(*) $from_where GROUP BY $path COLLATE "
    "NOCASE ORDER BY 1 | SELECT substr($path, 1, $(1-3)) AS first, count(*), min($path) $from_where GROUP BY first$(3? "
    "HAVING count(*) > 1) ORDER BY first $limit", /* which of the spellings would be shown is open */
    "other_order: $!OTHER_ORDER SELECT $path, $any $from_where ORDER BY $ordered_by $limit",
    "ordered_by: length($path), $path | $path COLLATE NOCASE, $path | $path || '' DESC | $path DESC, $any | "
    "2*$any$(| DESC| COLLATE NOCASE| NULLS LAST), $path$(| DESC)",
    "window: $!WINDOW SELECT $path, $windowed $from_where $path_order $limit",
    "windowed: row_number() OVER (ORDER BY $path DESC) | lag($path) OVER (ORDER BY $path) | "
    "count(*) OVER (PARTITION BY substr($path, 1, 2)) | "
    "first_value($path) OVER (ORDER BY $path ROWS BETWEEN $(0-2) PRECEDING AND $(0-2) FOLLOWING)",
    "cte: $!CORRELATED WITH RECURSIVE walk(p) AS (SELECT min($path) FROM $source$where_of_listing UNION ALL SELECT "
    "(SELECT min($path) FROM $source WHERE $arguments$path > walk.p) FROM walk WHERE p IS NOT NULL LIMIT 30) SELECT p "
    "FROM walk | WITH some AS $(|MATERIALIZED|NOT MATERIALIZED) (SELECT $path AS p $from_where $path_order LIMIT "
    "$(1-30)) SELECT s.a, p FROM some LEFT JOIN $schema.side s ON s.a = p ORDER BY 2 | "
    "SELECT p FROM (SELECT $path AS p $from_where $path_order LIMIT $(0-29) OFFSET $(0-4)) WHERE p $(>|<|GLOB) $key "
    "ORDER BY p | WITH all_of AS (SELECT $path AS p $from_where) SELECT count(*), (SELECT max(p) FROM all_of WHERE p < "
    "$key) FROM all_of",
    "compound: $!COMPOUND SELECT $path $from_where $(UNION|EXCEPT|INTERSECT|UNION ALL) $(2*SELECT $(2*a|a || '/') FROM "
    "$schema.side|SELECT $path $from_where) ORDER BY 1$(3? DESC) $limit",
    "view: $!VIEW$use_v SELECT $all_columns FROM $other.showing WHERE $condition $path_order $limit",
    /* What a schema browser asks; hidden columns do not show. */
    "schema_query: $!SCHEMA$!busy SELECT m.name, $(p.name, p.type, p.pk FROM $schema.sqlite_master m, "
    "pragma_table_info(m.name, '$schema') p|(SELECT group_concat(p.name) FROM pragma_table_info(m.name, '$schema') p) "
    "FROM $schema.sqlite_master m) WHERE m.type = 'table' AND m.name IN ('t', 'u', 'v')$(2? AND NOT EXISTS (SELECT 1 "
    "FROM temp.sqlite_master q WHERE q.name = 'nothing')) ORDER BY 1, 2",
    "all_rows: SELECT typeof($path), $all_columns FROM $name ORDER BY $path$(| DESC)",

    /* ---- SELECT of several --------------------------------------------------------------------------------------- */
    "path_join: $!JOIN SELECT p, b.* FROM (SELECT $path AS p $from_where $path_order LIMIT 20) "
    "$(3*|$!LEFT_JOIN LEFT )JOIN $other_table AS b ON $as_b$path $path_joined ORDER BY p, $path LIMIT 200",
    "path_joined: $!JOIN_GLOB GLOB p || '/*' | $!JOIN_GLOB GLOB p || '$(|a|/|[a/]|?)*' | "
    "$!JOIN_LIKE LIKE p || '$(|/|a|_)%'$(| ESCAPE '\\') | > p AND $path < p || '0' | IN (p, p || '/', p || 'a') | "
    "BETWEEN p AND p || 'a' | 2*$(= p|= p || 'a'|IS p || '/'|= substr(p, 1, 2)|COLLATE NOCASE = p)",
    "affinity_join: $!JOIN$!JOIN_AFFINITY$as_q SELECT s.id, $path FROM $schema.nums s $(3*|LEFT )JOIN $source ON "
    "$affine ORDER BY s.id, $path LIMIT 300",
    "affine: 8*$any $(=|<|IS|>=) s.$numbers | 6*$path $(GLOB|LIKE) s.$numbers || '$(*|%|)' | 4*s.$numbers $(=|<|>=|IS) "
    "$path | 3*$path BETWEEN s.$numbers AND s.$numbers | 11*$path $(=|=|==|IS|<|<=|>|>=|GLOB|LIKE) s.$numbers",
    "side_join: $!LEFT_JOIN SELECT s.a, $all_columns FROM $schema.side s LEFT JOIN $source ON $path = s.a ORDER BY 1 | "
    "$!JOIN_GLOB SELECT count(*) FROM $schema.side s, $source WHERE s.a GLOB $path || '*' | "
    "$!CORRELATED$!EXISTS SELECT a, $(NOT |)EXISTS (SELECT 1 FROM $source WHERE $path $(= a|GLOB a || '*'|> a)), "
    "(SELECT max($path) FROM $source WHERE $path < a) FROM $schema.side ORDER BY a | "
    "$!CORRELATED SELECT a, (SELECT $path FROM $source WHERE $path >= a ORDER BY $path LIMIT 1 OFFSET $(0-3)) FROM "
    "$schema.side ORDER BY a | SELECT s.a, $path FROM $source JOIN $schema.side s ON s.b = $any ORDER BY 1, 2 LIMIT "
    "100 | SELECT s.a, $path FROM $schema.side s, $source WHERE $path > s.a AND $path < s.a || 'b' AND $condition "
    "ORDER BY 1, 2 LIMIT 100",
    "query: 5*$rows | $unordered | $aggregate | 2*$min_max | 2*$!GROUP_BY$groups | $window | $other_order | "
    "2*$!CTE$cte | $compound | 2*$path_join",
    "table_query: $schema_query | $view | 2*$!JOIN$as_q$side_join | 3*$affinity_join",

    /* ---- listings and functions ---------------------------------------------------------------------------------- */
    /* Everything is compared byte by byte, so the plain SQL casts to BLOB; substr() of an empty BLOB is NULL in SQLite.
     * A listing is, from the inside: each row's place of the first delimiter behind the prefix; the shown path, which
     * ends there; one row for each shown path; and where that is a row of its own, its columns. With start_after there
     * has to be a key behind it below the shown path, which is not start_after itself. */
    "listing: {$name$arguments_given|$listed} AS $alias",
    "listed: (SELECT CAST(g.shown AS TEXT) AS $key_name$columns_shown, g.entries AS entries, $(v:=$prefix)$as_shown AS "
    "prefix, $(v:=$delimiter)$as_shown AS delimiter, $(v:=$after)$as_shown AS start_after FROM (SELECT shown, CASE "
    "WHEN at > 0 THEN count(*) END AS entries FROM $rolled GROUP BY shown $having) g LEFT JOIN $name o ON g.entries IS "
    "NULL AND o.$key_name = g.shown)",
    "rolled: (SELECT CASE WHEN at > 0 THEN CAST(substr(kb, 1, length(pb) + at - 1 + length(db)) AS TEXT) ELSE k END AS "
    "shown, at, k, kb FROM (SELECT k, kb, pb, db, $at FROM (SELECT $key_name AS k, CAST($key_name AS BLOB) AS kb, "
    "CAST($prefix AS BLOB) AS pb, CAST($divider AS BLOB) AS db FROM $name) WHERE coalesce(substr(kb, 1, length(pb)), "
    "x'') = pb AND db IS NOT NULL))",
    "as_shown: CASE typeof($v) WHEN 'blob' THEN $v ELSE CAST($v AS TEXT) END",
    "at: CASE WHEN length(db) > 0 THEN instr(coalesce(substr(kb, length(pb) + 1), x''), db) ELSE 0 END AS at",
    "begins: coalesce(substr(CAST($key_name AS BLOB), 1, length(CAST($of AS BLOB))), x'') = CAST($of AS BLOB)",
    "prefix_condition: $!LISTING_WRITE$(of:=$prefix_text){prefix = $of|$begins}",
    /* For each row of `side` a listing; the plain twin groups the join of both. */
    "listing_join: $!LISTING_JOIN$(of:=2*s.a|s.a || '/'|substr(s.a, 1, 1)|s.b)$levels_of_side",
    "levels_of_side: $!CORRELATED SELECT s.a, (SELECT count(*) FROM $name{($of)| WHERE $begins}) FROM $schema.side s "
    "ORDER BY 1 | $(by:='/'|'a'|x'2f'|substr(s.a, 1, 1)|''|NULL){SELECT s.a, l.$key_name, l.entries FROM $schema.side "
    "s, $name($of, $by) l|SELECT a, CAST(shown AS TEXT), CASE WHEN at > 0 THEN count(*) END FROM (SELECT a, at, CASE "
    "WHEN at > 0 THEN substr(kb, 1, length(pb) + at - 1 + length(db)) ELSE kb END AS shown FROM (SELECT a, kb, pb, db, "
    "$at FROM (SELECT s.a, CAST(o.$key_name AS BLOB) AS kb, CAST($of AS BLOB) AS pb, CAST($by AS BLOB) AS db FROM "
    "$schema.side s, $name o) WHERE coalesce(substr(kb, 1, length(pb)), x'') = pb AND db IS NOT NULL)) GROUP BY a, "
    "shown} ORDER BY 1, 2 LIMIT 300",
    "count: $!COUNT_FUNCTION{art_count('$name', $of)|CASE WHEN $of IS NOT NULL THEN (SELECT count(*) FROM $name WHERE "
    "$begins) END}",
    /* The longest key q that the path begins with; with a delimiter only where q is the path, ends in one, or has one
     * behind it. */
    "longest: $!LONGEST_PREFIX{art_longest_prefix('$name', $of$also)|(SELECT q FROM (SELECT $key_name AS q, "
    "CAST($key_name AS BLOB) AS qb, CAST($of AS BLOB) AS pb, CAST($by AS BLOB) AS db FROM $name) WHERE "
    "coalesce(substr(pb, 1, length(qb)), x'') = qb AND pb IS NOT NULL AND db IS NOT NULL$ends ORDER BY length(qb) DESC "
    "LIMIT 1)}",
    "longest_alone: $(by:='')$(also:=)$(ends:=)$longest",
    "longest_by: $(also:=, $by)$(ends:= AND (qb = pb OR (length(qb) >= length(db) AND coalesce(substr(qb, length(qb) - "
    "length(db) + 1), x'') = db) OR substr(pb, length(qb) + 1, length(db)) = db))$longest",
    "function_query: SELECT s.a, $(of:=s.a|s.a || '/'|substr(s.a, 1, 1)|s.b)$count FROM $schema.side s $exists ORDER "
    "BY 1 | SELECT s.a, $(of:=s.a || 'a/x'|s.a|s.a || '/')$($longest_alone|2*$(by:='/'|'a')$longest_by) FROM "
    "$schema.side s $exists ORDER BY 1 | $!CHECK_FUNCTION SELECT {art_check('$name')|'ok'} FROM $schema.tick $exists | "
    "2*SELECT $constant_function FROM $schema.tick $exists",
    "constant_function: $(of:=$prefix_text)$count | "
    "$(of:=$any_path)$($longest_alone|$(by:=$delimiter_text)$longest_by)",
    /* Where the table is missing, or locked, both say so, also if no function is called. */
    "exists: WHERE NOT EXISTS (SELECT 1 FROM $name WHERE 0)",

    /* ---- INSERT -------------------------------------------------------------------------------------------------- */
    "gentle_conflict: $!REPLACE OR REPLACE | $!IGNORE OR IGNORE",
    "any_conflict: 2* | 3*$!REPLACE OR REPLACE | 2*$!IGNORE OR IGNORE | OR ABORT | $!FAIL$!keeps OR FAIL | "
    "$!ROLLBACK_CLAUSE OR ROLLBACK",
    "any_but_ignore: 4* | 3*$!REPLACE OR REPLACE | OR ABORT | $!FAIL$!keeps OR FAIL | $!ROLLBACK_CLAUSE OR ROLLBACK",
    "into: INSERT $conflict INTO $name", "row: ($key$other_values)", "row_list: 6*$row | 4*$row, $row_list",
    "insert: $!INSERT$!changes$inserted",
    "inserted: 3*$into VALUES$row_list | 2*$insert_columns | $insert_many | $!INSERT_SELF$into SELECT $path || "
    "$('a'|'/'|'x'|'')$other_columns FROM $name WHERE $ordered ORDER BY $path LIMIT 40 | $!INSERT_SELECT$into SELECT "
    "a$(2*| || '/')$side_values FROM $schema.side ORDER BY a | $!RETURNING INSERT $sure_conflict INTO $name VALUES$row "
    "RETURNING $path$returned | $insert_odd", /* of columns without an affinity: see workload.h */
    "insert_odd: 2*$insert_number | $insert_null",
    "insert_number: REPLACE INTO $name($path$other_columns) "
    "VALUES($(12|12.5|-3|1e3|0|9223372036854775807|1e999|-0.0)$other_values)",
    "null_inserted: INSERT INTO $name($path$other_columns) VALUES(NULL$other_values)",

    /* ---- UPDATE and DELETE --------------------------------------------------------------------------------------- */
    /* Whether a row that an earlier one of the same statement replaced still counts is not the same for virtual tables.
     */
    "path_update: $!UPDATE_PATH UPDATE $conflict $name SET $path = $new_path$(3?$another_too) WHERE "
    "$ordered$changes_unless_replaced",
    "new_path: 'b' || substr($path, 2) | 'd1' || substr($path, 3) | $path || 'a' | $path | substr($path, 2) | "
    "'x/' || $path | 2*$key",
    "column_update: UPDATE $conflict $name SET $pick$new_value$(3?$second_value) WHERE $where_of_write",
    "new_value: $it = $($it || 'x'|$it + 1|$path|$any|5*$suited)",
    /* Within a transaction SQLite opens no savepoint for it on a virtual table: were a row refused in the middle, those
     * before it would stay changed. So none is. */
    "update_from: $!UPDATE_FROM$pick UPDATE $conflict $name SET $it = $from_side FROM $schema.side s WHERE s.a = "
    "$table.$path",
    "where_of_write: 7*$condition | $prefix_condition$(2? AND $condition)",
    "delete: $!DELETE$!changes DELETE FROM $name$(39* WHERE $deleted|)",
    "deleted: 9*$where_of_write | $path IN (SELECT $path FROM $name ORDER BY $path LIMIT $(0-8) OFFSET $(0-29))",
    "write: $!writes$written", "written: 57*$insert | 26*$!UPDATE$update | 13*$delete | 5*$!DIRECTORY$directory",
    /* Of a directory: where something is at the target the plain twin fails, too, before it changes anything. */
    "directory_delete: $(c:=$(2*$condition|$condition_on_entries))DELETE FROM $name{ AS l WHERE $arguments$c| "
    "WHERE $key_name IN (SELECT r.k FROM $rolled AS r JOIN $listed AS l ON r.shown = l.$key_name WHERE $c)}",
    "directory_move: $(of:='$here')$(to:='$there')$moves | $(of:='$there')$(to:='$here')$moves",
    "here: 6*d$(0-6)/ | a/ | b/ | x/ | long/", "there: mv$(0-1)/",
    "moves: UPDATE $conflict $name SET $key_name = {$to WHERE prefix = '' AND delimiter = '/' AND $key_name = "
    "$of|$moved WHERE $begins} | {$to_command('move', $of, $to)|UPDATE $name SET $key_name = $moved WHERE $begins} | "
    "{$to_command('copy', $of, $to)|INSERT INTO $name($key_name$other_columns) SELECT $moved$other_columns FROM $name "
    "WHERE $begins}",
    "to_command: INSERT INTO $name($table, prefix, $key_name) VALUES",
    "moved: CASE WHEN (SELECT count(*) FROM $name WHERE substr($key_name, 1, length($to)) = $to) THEN NULL ELSE $to || "
    "coalesce(CAST(substr(CAST($key_name AS BLOB), length($of) + 1) AS TEXT), '') END",
    /* Triggers write into v, and into t. */
    "side_write: $!changes INSERT INTO $schema.other(x) VALUES($(0-99)) | $!changes DELETE FROM $schema.side WHERE a "
    "GLOB '$(a|b|d)*' | $use_v$!TRIGGER INSERT OR $(REPLACE|IGNORE) INTO $other.showing($path) VALUES($key)",
    "side_write_or_trigger: $side_write | $!changes$!TRIGGER INSERT $conflict INTO $schema.side VALUES($key, $value)",

    /* ---- w: keys of BLOBs, and of several columns (workload_keys.c) ---------------------------------------------- */
    /* $part is a column, and what follows it is about that column. */
    "part_operand: 15*$of_part | 2*$few | ($of_part) | (SELECT $of_part) | (SELECT $numbers FROM $schema.nums WHERE id "
    "= $(0-13))",
    "part_literal: 12*$of_part | $few", "few: '$(a|5|a/b|)' | $integer | $real | $blob | $null",
    /* With an index on a SQLite misses the BLOBs in (a GLOB 'x*' OR a GLOB 'x*'): a plus keeps the twin from it. */
    "part_is: $part$(20?$!COLLATE COLLATE $collation) $(6*=|2*IS|IS NOT|<>|2*<|2*<=|2*>|2*>=) $operand_of_part | $part "
    "$(3?NOT )BETWEEN $operand_of_part AND $operand_of_part | $part $(4?NOT )IN ($operand_of_part, $operand_of_part, "
    "$few) | {|+}$part $(GLOB|GLOB|NOT GLOB|LIKE) $('a*'|'*'|'a/?'|'5*'|'b[a/]*'|'a%'|'') | $part IS$(| NOT) NULL | v "
    "$(<|>=|=) $(0-99) | ($part, v) $(<|>|<=|>=|=|<>) ($operand_of_part, $(0-99)) | $part $(=|<|IS) $part | {|+}$part "
    "GLOB '$(a|b|a/|5)*' AND $part_again $(<|>|<=|>=|<>) $operand_of_part | $part $(>|>=) $operand_of_part AND "
    "$part_again $(<|<=) $operand_of_part",
    "keyed_condition: 3*$part_is | 3*$part_is AND $part_is | $part_is AND $part_is AND $part_is | "
    "($part_is OR $part_is) | NOT ($part_is)$(2?AND $part_is)",
    "keyed_where: FROM $name WHERE $fixed$keyed_condition | FROM $name WHERE $fixed 1",
    "keyed_rows: $!KEYS_ROWS SELECT $(3*a, b, c, v|v|c, b|a, typeof(b)|count(*) OVER (), a) $keyed_where ORDER BY "
    "$rest $limit",
    "keyed_query: 6*$keyed_rows | 3*$!KEYS_QUERY$keyed_other | $!KEYS_JOIN$keyed_join | 2*$keyed_listing | "
    "$keyed_function",
    "keyed_other: $!unordered SELECT * $keyed_where | SELECT a, b, c, v $keyed_where ORDER BY $part$(| DESC), "
    "$key_columns $limit | $!AGGREGATE SELECT count(*), sum(v), min($part), max($part)$(2?, count(DISTINCT $part)) "
    "$keyed_where | $!MIN_MAX SELECT $(min|max)($part) $keyed_where | $!GROUP_BY SELECT $(l=$leading), count(*), "
    "sum(v) $keyed_where GROUP BY $l ORDER BY $l | $!unordered SELECT DISTINCT $leading $keyed_where | SELECT a, b, c, "
    "row_number() OVER (ORDER BY $key_columns) AS r $keyed_where ORDER BY r $limit | $!unordered SELECT $(l=$leading) "
    "$keyed_where $(UNION|EXCEPT|INTERSECT|UNION ALL) SELECT $l $keyed_where | SELECT id, (SELECT $(max|min)($part) "
    "FROM $name WHERE $part $(=|<|IS) s.$numbers), (SELECT count(*) FROM $name WHERE $fixed $part >= s.$numbers) FROM "
    "$schema.nums s ORDER BY id",
    "keyed_join: $as_q SELECT s.id, $key_columns FROM $schema.nums s $(3*|LEFT )JOIN $name AS q ON $part "
    "$(2*=|IS|<|>=) s.$numbers$(2? AND $part $(=|IS|>) s.$numbers) ORDER BY s.id, $key_columns LIMIT 300 | "
    "$as_q SELECT o.v, $key_columns FROM $name AS o $(|LEFT )JOIN $name AS q ON $part = o.$(p=$part_again)$(2? AND "
    "$part $(=|<|IS) o.$part_again) WHERE o.v < $(0-29) ORDER BY o.v, $key_columns LIMIT 300",
    "keyed_function: $!KEYS_FUNCTION SELECT $(3*$count_of_keys|{art_check('$name')|'ok'}) FROM $schema.tick $exists",
    "keyed_texts: $(t:=TEXT)$(d:=5*'/'|'a'|'é'|x'2f'|x'00'|''|'/b'|NULL)$listed_keys",
    "keyed_bytes: $(t:=BLOB)$(d:=5*x'2f'|x'61'|x'00'|x'ff'|x''|x'2fff')$listed_keys",
    "listed_keys: $!KEYS_LISTING$(f:=$fixed_again)$(p:=$(2*x''|$beginning))$(s:=$beginning)$(n:=2*IS NOT "
    "NULL|$name_compared $beginning)$(2*$listed_from_first|$listed_from_behind){SELECT $part_again, entries, v FROM "
    "$name WHERE $f prefix = $p AND delimiter = $d$y AND $part_again $n|SELECT shown, entries, v FROM ($keys_rolled) "
    "WHERE shown $n} ORDER BY 1, 2, 3",
    "listed_from_first: $(y:=)$(h:=)$(z:=)",
    "listed_from_behind: $(y:= AND start_after = $s)$(h:= HAVING max(kb) > CAST($s AS BLOB) AND substr(kb, 1, at) <> "
    "CAST($s AS BLOB))$(z:= AND kb > CAST($s AS BLOB))",
    "keys_below: SELECT kb, v, CASE WHEN length(db) > 0 AND instr(substr(kb, length(pb) + 1), db) > 0 THEN length(pb) "
    "+ instr(substr(kb, length(pb) + 1), db) - 1 + length(db) ELSE 0 END AS at FROM (SELECT CAST($part_again AS BLOB) "
    "AS kb, CAST($p AS BLOB) AS pb, CAST($d AS BLOB) AS db, v FROM $name WHERE $f 1) WHERE coalesce(substr(kb, 1, "
    "length(pb)), x'') = pb AND kb IS NOT NULL AND db IS NOT NULL",
    "keys_rolled: SELECT CAST(substr(kb, 1, at) AS $t) AS shown, count(*) AS entries, sum(v) AS v FROM ($keys_below) "
    "WHERE at > 0 GROUP BY substr(kb, 1, at)$h UNION ALL SELECT CAST(kb AS $t), NULL, v FROM ($keys_below) WHERE at = "
    "0$z",
    "keyed_upsert: {INSERT INTO $name(a, b, c, v, conflict) VALUES($(r=$row_of_keys, $(0-99)), 'update')|INSERT INTO "
    "$name(a, b, c, v) VALUES($r) ON CONFLICT DO UPDATE SET v = excluded.v$kept}",
    "keyed_insert: $into(a, b, c, v) VALUES$keyed_list | $keyed_many",
    "keyed_list: ($row_of_keys, $(0-99)) | ($row_of_keys, $(0-99)), $keyed_list",
    "keyed_many: $into(a, b, c, v) WITH n(i) AS (SELECT $(0-40) UNION ALL SELECT i + 1 FROM n LIMIT $(1-90)) SELECT "
    "$many_of_keys, i % 90 FROM n",
    /* The order in which rows are visited is not the same: no row may be in the way of one that has not moved yet. */
    "move_many: UPDATE $(2*|$!ROLLBACK_CLAUSE OR ROLLBACK) $name SET $part = $of_part WHERE $fixed$keyed_condition",
    "move_one: UPDATE $conflict $name SET $part = $of_part$(3?, v = $(0-99)) WHERE $fixed_all 1 | UPDATE $conflict "
    "$name SET $part = $of_part WHERE ($key_columns) IN (SELECT $key_columns FROM $name ORDER BY $key_columns LIMIT 1 "
    "OFFSET $(0-29))",
    "keyed_write: $!KEYS_WRITE$!writes$!changes$keyed_written",
    "keyed_written: 8*$!INSERT$keyed_insert | $keyed_upsert | $delete_of_keys | 2*$!UPDATE UPDATE $conflict $name SET "
    "v = $(v + 1|$(0-99)) WHERE $fixed$keyed_condition | 3*$!KEYS_MOVE$keyed_move | 2*$!DELETE DELETE FROM $name WHERE "
    "$fixed$keyed_condition",

    /* ---- versions ------------------------------------------------------------------------------------------------ */
    /* Versions are noted in `held`; later a row is changed only where it still has the noted one. The plain twin asks
     * `seen`, in which the runner keeps what the art table showed. */
    "version_step: $!VERSION INSERT OR REPLACE INTO $schema.held SELECT '$table', $path, {row_version|(SELECT version "
    "FROM $schema.seen WHERE tbl = '$table' AND seen.key = m.$key_name)} FROM $name AS m WHERE $condition | "
    "$!VERSION SELECT $path, {row_version|s.version} FROM $name AS m{| JOIN (SELECT * FROM $schema.seen WHERE tbl = "
    "'$table') s ON s.key = m.$key_name} WHERE $condition AND {row_version|s.version} $(=|<|>=) (SELECT "
    "$(min|max)(version) FROM $schema.held WHERE tbl = '$table') ORDER BY $path | "
    "$!COMPARE_AND_SET$!changes$!writes$pick UPDATE $name AS m SET $it = $same_or_new WHERE $path = (SELECT "
    "$(min|max)(key) FROM $schema.held WHERE tbl = '$table'$( AND key >= $key|)) AND {row_version|(SELECT version FROM "
    "$schema.seen WHERE tbl = '$table' AND seen.key = m.$key_name)} = (SELECT version FROM $schema.held WHERE tbl = "
    "'$table' AND held.key = m.$key_name)",

    /* ---- values -------------------------------------------------------------------------------------------------- */
    "size: 60*$(0-49) | 25*$(0-1999) | 9*$(4090-4101) | 5*$(0-69999) | $(0-199999)",
    "value: NULL | 2*$number | $odd_text | $number_text | $blob | 2*$(0-999) | 4*pattern($(0-999), $size, $(0-1))",
    "literal_number: $integer | $real",
    "integer: 0 | 1 | -1 | 12 | 127 | -128 | 32768 | 8388607 | -8388609 | 2147483648 | 140737488355328 | "
    "9007199254740993 | 9223372036854775807 | -9223372036854775808",
    "real: 0.0 | -0.0 | 1.5 | 12.0 | -2.25e100 | 9e999 | -9e999 | 1e-300 | 3.0 | 1e15 | 0.1 | 123456789012345678.0 | "
    "9223372036854775808.0 | -9223372036854775808.0 | 5e-324",
    "odd_text: CAST(x'610062' AS TEXT) | CAST(x'ff' AS TEXT) | CAST(x'313200' AS TEXT) | CAST(x'3132c3' AS TEXT) | "
    "'é漢' | '' | 'ABC' | 'abc' | 'abc  '",
    "literal_blob: x'' | x'00' | x'ff00ff' | x'3132' | x'61' | zeroblob(5) | CAST('a/' AS BLOB)",
    "suited_text: '$(a|A|Ä|)$(0-19)'",
    /* What a path is compared with: mostly texts. A write by a number that is no literal is mostly refused
     * (ext/query/plan.h). */
    "operand_of_read: $(74*$key|12*$!COMPUTED$(6*$computed|CAST($key AS "
    "$(TEXT|BLOB|NUMERIC|INTEGER|REAL))|$!JOIN_AFFINITY(SELECT $numbers FROM $schema.nums WHERE id = "
    "$(0-13)))|6*$!NUMBER$number|8*$rare_operand)",
    "operand_of_write: $(74*$key|12*$!COMPUTED$(6*$computed|CAST($key AS "
    "TEXT))|6*$!NUMBER$literal_number|8*$rare_operand)",
    "rare_operand: 3*$!BLOB$blob | 2*$!NULL$null | 3*$number_text",
    "computed: ($key || $key) | (SELECT $(min|max)(a) FROM $schema.side) | lower($key) | substr($key, 1, $(0-5)) | "
    "coalesce(NULL, $key) | +$key",

    /* ---- the schema and settings --------------------------------------------------------------------------------- */
    "begin: 2*BEGIN | BEGIN IMMEDIATE | BEGIN EXCLUSIVE | SAVEPOINT s0 | SAVEPOINT s1",
    "other_schema_change: ALTER TABLE $schema.other ADD COLUMN c$(0-999) | CREATE TABLE IF NOT EXISTS $schema.extra(x) "
    "| DROP TABLE IF EXISTS $schema.extra | CREATE INDEX IF NOT EXISTS $schema.other_x ON other(x) | "
    "CREATE TEMP TABLE IF NOT EXISTS scratch(x)",
    "command: 8*$!COMMAND_FLUSH$(flush) | 2*$!COMMAND_OPTIMIZE$(optimize) | 2*$!COMMAND_VACUUM$(vacuum) | "
    "$!COMMAND_CLEAN$(clean) | 3*$!COMMAND_CHECK$(integrity-check) | 4*$!COMMAND_SETTING$setting",
    "setting: log_limit=4KB | log_limit=1MB | spill_limit=32KB | spill_limit=1MB | cache=1MB | cache=64MB | "
    "log_limit=16KB",
    "life_anywhere: PRAGMA $schema.secure_delete = $(0-2) | PRAGMA $schema.mmap_size = $(0|1000000) | "
    "PRAGMA wal_autocheckpoint = $(1|0|10|1000) | PRAGMA $schema.synchronous = $(OFF|NORMAL|FULL|EXTRA) | "
    "PRAGMA shrink_memory | PRAGMA $schema.incremental_vacuum($(0-19)) | PRAGMA $optimize_or_not | "
    "PRAGMA recursive_triggers = $(0-1)",
    "life_alone: 3*$!JOURNAL PRAGMA $schema.journal_mode = $(2*WAL|DELETE|TRUNCATE|PERSIST|MEMORY) | "
    "3*$!LOCKING_MODE PRAGMA $schema.locking_mode = $(EXCLUSIVE|NORMAL) | "
    "PRAGMA $schema.page_size = $(512|1024|4096|16384|65536) | PRAGMA $schema.auto_vacuum = $(0-2) | "
    "$!VACUUM VACUUM $schema",
    NULL};

/* ---- what the rules call ----------------------------------------------------------------------------------------- */

static bool has_columns(const struct writer *x) {
    return x->table->columns > 1;
}

static void pick_column(struct writer *x) {
    x->column = any_column(x);
}

static void put_it(struct writer *x) {
    put_column(x, x->column);
}

static void put_any_column(struct writer *x) {
    put_column(x, any_column(x));
}

static void put_suited(struct writer *x) {
    put_value_for(x, shape_column(x->table->names[x->column]));
}

static void put_row_value(struct writer *x) {
    writer_draw(x, has_columns(x) ? "$row_of_values" : "$row_of_one");
}

static void put_column_condition(struct writer *x) {
    pick_column(x);
    if (x->column) MEET(x, COLUMN);
    writer_draw(x, "$column_condition");
}

/* Without the plus SQLite 3.40.1 itself answers max(path) wrongly for an ordinary table, once it was analyzed. */
static void put_plus(struct writer *x) {
    if (x->minimum) PUT(x, "+");
}

static void note_minimum(struct writer *x) {
    x->minimum = true;
}

static void put_operand(struct writer *x) {
    writer_draw(x, x->step->flags & STEP_WRITES ? "$operand_of_write" : "$operand_of_read");
    writer_draw(x, "$(20?$!COLLATE COLLATE $collation)");
}

static void put_operand_of_part(struct writer *x) {
    writer_draw(x, x->step->flags & STEP_WRITES ? "$part_literal" : "$part_operand");
}

static void put_source(struct writer *x) {
    if (x->prefix) return writer_draw(x, "$listing");
    put_name(x);
    if (x->alias) PUT(x, " AS %s", x->alias);
}

static void put_arguments(struct writer *x) {
    if (!x->as_conditions) return;
    if (once_in(x->w, 4)) {
        PUT_ART(x, "%s = %s.prefix", x->prefix, x->alias);
    } else {
        PUT_ART(x, "%s.prefix = %s", x->alias, x->prefix);
    }
    if (x->delimiter) PUT_ART(x, " AND %s.delimiter = %s", x->alias, x->delimiter);
    if (x->start_after) PUT_ART(x, " AND %s.start_after = %s", x->alias, x->start_after);
    PUT_ART(x, " AND ");
}

static void put_directory(struct writer *x) {
    if (!x->w->setting->gentle && !once_in(x->w, 3)) return writer_draw(x, "$directory_move");
    writer_use_listing(x);
    x->as_conditions = true;
    writer_draw(x, "$directory_delete");
}

static void put_where_of_listing(struct writer *x) {
    if (x->as_conditions) writer_draw(x, " WHERE $arguments$condition");
}

/* What is not given is not read. */
static void put_columns_of_listing(struct writer *x) {
    if (x->delimiter) writer_draw(x, "$(2*, $alias.entries|)$(4?, $alias.delimiter)");
    if (x->prefix) writer_draw(x, "$(4?, $alias.prefix)");
    if (x->start_after) writer_draw(x, "$(6?, $alias.start_after)");
}

static void put_sum_of_entries(struct writer *x) {
    if (x->delimiter) writer_draw(x, "$(2?, sum($alias.entries))");
}

static void put_condition_on_entries(struct writer *x) {
    writer_draw(x, x->delimiter ? "l.entries $(<|>=) $(1-9)" : "$condition");
}

static void put_bound_limit(struct writer *x) {
    if (x->step->parameter_count == WORKLOAD_PARAMETERS) {
        PUT(x, "-1");
        return;
    }
    sqlite3_int64 limit = once_in(x->w, 6) ? -1 : (sqlite3_int64)below(x->w, 20);
    put_bound(x, (struct workload_parameter){.type = PARAMETER_INTEGER, .integer = limit});
}

static void use_v(struct writer *x) {
    writer_use(x, TABLE_V);
}

/* A second table, which may be the same. */
static void put_other_table(struct writer *x) {
    writer_use(x, once_in(x->w, 3) ? TABLE_V : x->number);
    put_name(x);
}

static void use_as_q(struct writer *x) {
    x->alias = "q";
}

/* The other table is no listing. */
static void use_as_b(struct writer *x) {
    x->alias = "b";
    sqlite3_free(x->prefix);
    x->prefix = NULL;
}

static void put_table(struct writer *x) {
    PUT(x, "%s", workload_table_name(x->number));
}

static void put_key_name(struct writer *x) {
    PUT(x, "\"%w\"", x->table->names[0]);
}

static const struct {
    const char *name;
    void (*put)(struct writer *);
} calls[] = {{"all_columns", put_all_columns},
             {"another_too", put_another_too},
             {"any", put_any_column},
             {"any_path", put_any_path},
             {"arguments", put_arguments},
             {"as_b", use_as_b},
             {"as_q", use_as_q},
             {"blob", put_blob},
             {"beginning", put_beginning},
             {"bound_limit", put_bound_limit},
             {"changes_unless_replaced", note_changes_unless_replaced},
             {"column_is", put_column_condition},
             {"columns_shown", put_columns_shown},
             {"condition_on_entries", put_condition_on_entries},
             {"delimiter_text", put_delimiter},
             {"count_of_keys", put_count_of_keys},
             {"delete_of_keys", put_delete_of_keys},
             {"directory", put_directory},
             {"fixed", put_fixed},
             {"fixed_again", put_fixed_again},
             {"fixed_all", put_fixed_all},
             {"from_side", put_from_side},
             {"glob", put_glob},
             {"insert_columns", put_insert_columns},
             {"insert_many", put_insert_many},
             {"it", put_it},
             {"key", put_key},
             {"kept", put_kept},
             {"key_bytes", put_key_bytes},
             {"key_columns", put_key_columns},
             {"key_name", put_key_name},
             {"key_order", put_key_order},
             {"keyed_listing", put_listing_of_keys},
             {"leading", put_leading},
             {"like", put_like},
             {"many_of_keys", put_many_of_keys},
             {"minimum", note_minimum},
             {"name", put_name},
             {"name_compared", put_name_compared},
             {"null", put_null},
             {"number", put_number},
             {"number_text", put_number_text},
             {"of_listing", put_columns_of_listing},
             {"of_part", put_of_part},
             {"operand", put_operand},
             {"operand_of_part", put_operand_of_part},
             {"other_columns", put_other_columns},
             {"other_table", put_other_table},
             {"other_values", put_other_values},
             {"part", put_part_picked},
             {"part_again", put_part_again},
             {"path", put_path},
             {"pick", pick_column},
             {"plus", put_plus},
             {"prefix_text", put_prefix},
             {"rest", put_rest},
             {"returned", put_returned},
             {"row_of_keys", put_row_of_keys},
             {"row_value", put_row_value},
             {"same_or_new", put_same_or_new},
             {"second_value", put_second_value},
             {"side_values", put_side_values},
             {"source", put_source},
             {"suited", put_suited},
             {"sum_of_entries", put_sum_of_entries},
             {"table", put_table},
             {"update", put_update},
             {"use_v", use_v},
             {"where_of_listing", put_where_of_listing}};

static const struct {
    const char *name;
    unsigned flag;
} flags[] = {{"changes", STEP_CHANGES},
             {"unordered", STEP_UNORDERED},
             {"busy", STEP_BUSY_MAY_DIFFER},
             {"writes", STEP_WRITES},
             {"keeps", STEP_KEEPS_SOME}};

static void note(struct writer *x, const char *name) {
    if (*name < 'a') return writer_meet(x, name);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (!strcmp(name, flags[i].name)) x->step->flags |= flags[i].flag;
    }
}

/* The grammar says where to: both texts, one of them, or one that is kept. */
static void call(struct grammar *grammar, const char *name) {
    struct writer *x = grammar->context;
    if (*name == '!') return note(x, name + 1);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (strcmp(name, calls[i].name) != 0) continue;
        sqlite3_str *art = x->art, *plain = x->plain;
        x->art = grammar->out;
        x->plain = grammar->twin;
        calls[i].put(x);
        x->art = art;
        x->plain = plain;
        return;
    }
    fprintf(stderr, "no rule says what '%s' is\n", name);
    abort();
}

void writer_draw(struct writer *x, const char *text) {
    const struct workload_setting *setting = x->w->setting;
    bool gentle = setting->gentle;
    /* It analyzes the tables that have changed much, among them those that hold an art table's rows. Of a database
     * under two names that locks one of them in a transaction, and in one twin only. */
    bool may_optimize = strcmp(setting->other, "again") != 0;
    struct grammar grammar = {
        .random = &x->w->random,
        .rules = rules,
        .given =
            {"schema",
             setting->schema,
             "other",
             setting->other,
             "alias",
             x->alias ? x->alias : "",
             "conflict",
             gentle ? "$gentle_conflict" : "$any_conflict",
             "sure_conflict",
             gentle ? "$!REPLACE OR REPLACE" : "$any_but_ignore",
             "insert_null",
             gentle ? "$insert_number" : "$null_inserted",
             "keyed_move",
             gentle ? "$move_one" : "$move_one | $move_many",
             "optimize_or_not",
             may_optimize ? "optimize" : "shrink_memory",
             "arguments_given",
             x->as_conditions ? ""
             : x->start_after ? "($prefix, $delimiter, $after)"
             : x->delimiter   ? "($prefix, $delimiter)"
                              : "($prefix)",
             "having",
             x->start_after
                 ? "HAVING max(kb) > CAST($after AS BLOB) AND (at = 0 OR CAST(shown AS BLOB) <> CAST($after AS BLOB))"
                 : ""},
        .call = call,
        .context = x,
        .out = x->art,
        .twin = x->plain};
    if (x->prefix) {
        grammar_keep(&grammar, "prefix", x->prefix);
        grammar_keep(&grammar, "delimiter", x->delimiter ? x->delimiter : "NULL");
        grammar_keep(&grammar, "divider", x->delimiter ? x->delimiter : "x''");
        grammar_keep(&grammar, "after", x->start_after ? x->start_after : "NULL");
    }
    grammar_draw(&grammar, text);
}
