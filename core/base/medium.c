#include "core/base/medium.h"

#include "core/base/limits.h"
#include "core/base/rows.h"

ART_CONST_BUT_SMALL struct art_medium art_medium_file = {
    .name = "file",
    .has_superblock = true,
    .is_cut = true,
    .pause_pages = ART_LIMIT_MOST(file_pause_pages),
    .merge_every_bytes = ART_LIMIT_MOST(file_merge_bytes),
    .portion = {ART_LIMIT_MOST(file_portion), ART_LIMIT_MOST(file_portion_most)},
};

ART_CONST_BUT_SMALL struct art_medium art_medium_rows = {
    .name = "inline",
    .goes_with_host = true,
    .discards = true,
    .in_hosts_journal = true,
    .in_hosts_snapshots = true,
    .under_hosts_lock = true,
    .host_overwrites = true,
    .host_reads = true,
    .pause_pages = ART_LIMIT_MOST(rows_pause_pages),
    .merge_every_bytes = ART_LIMIT_MOST(rows_merge_bytes),
    .portion = {ART_LIMIT_MOST(rows_portion), ART_LIMIT_MOST(rows_portion_most)},
    .page_spare = ART_ROW_SPARE,
};
