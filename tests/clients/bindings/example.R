# sqlite-art from R's RSQLite: Rscript example.R <art.so> <database>
suppressPackageStartupMessages(library(DBI))

arguments <- commandArgs(trailingOnly = TRUE)
db <- dbConnect(RSQLite::SQLite(), arguments[2], loadable.extensions = TRUE)
invisible(dbGetQuery(db, "SELECT load_extension(?)", arguments[1]))
versions <- dbGetQuery(db, "SELECT sqlite_version() AS sqlite, art_version() AS art")
cat(sprintf("SQLite %s, art %s\n", versions$sqlite, versions$art))

run <- function(sql, ...) invisible(dbExecute(db, sql, ...))
run("CREATE VIRTUAL TABLE files USING art(path, size INTEGER, mtime REAL, etag TEXT)")

# Many rows: a data frame in one transaction.
i <- 0:999
photos <- data.frame(path = sprintf("photos/%d/%04d.jpg", 2023L + i %/% 250L, i), size = 1000L * i, mtime = 1700000000 + i)
others <- data.frame(path = c("photos/[raw]/1.dng", "photos/index.html"), size = c(24000000L, 2048L),
                     mtime = c(1700001000, 1700001001))
done <- dbWithTransaction(db, dbAppendTable(db, "files", rbind(photos, others)))
run("INSERT INTO files(files) VALUES('optimize')")
cat(dbGetQuery(db, "SELECT count(*) AS n FROM files")$n, "rows\n")

show <- function(rows) write.table(rows, quote = FALSE, row.names = FALSE, col.names = FALSE, na = "-")

# A prefix, as a pattern and as it is.
show(dbGetQuery(db, "SELECT path, size, typeof(mtime) FROM files WHERE path GLOB ? ORDER BY path LIMIT 2", "photos/2025/*"))
show(dbGetQuery(db, "SELECT path, size FROM files(?)", "photos/[raw]/"))

# One level of the tree: a row for each file, and one for each directory with the number of files below it.
show(dbGetQuery(db, "SELECT path, entries FROM files(?, '/')", "photos/"))

# Compare and set: only who knows the row as it is may change it.
version <- dbGetQuery(db, "SELECT row_version AS version FROM files WHERE path = 'photos/index.html'")$version
update <- "UPDATE files SET etag = ? WHERE path = 'photos/index.html' AND row_version = ?"
set <- function(etag) {
  run(update, list(etag, version)) # returns what total_changes() grew by, and there a commit's log row counts, too
  dbGetQuery(db, "SELECT changes() AS n")$n
}
first <- set("e1")
second <- set("e2")
cat(sprintf("etag set: %d, with the old version: %d\n", first, second))

for (path in list("photos/index.html", blob::blob(charToRaw("photos/index.html")))) {
  tryCatch(run("INSERT INTO files(path) VALUES(?)", list(path)), error = function(e) cat(conditionMessage(e), "\n", sep = ""))
}
dbDisconnect(db)
