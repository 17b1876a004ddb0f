#include "core/base/medium.h"

#include "core/base/rows.h"

const struct art_medium art_medium_file = {
    .name = "file",
    .has_superblock = true,
    .is_cut = true,
    .pause_pages = 1024,
    .merge_every_bytes = 320 << 10,
    .portion = {6, 16},
};

const struct art_medium art_medium_rows = {
    .name = "inline",
    .goes_with_host = true,
    .discards = true,
    .in_hosts_journal = true,
    .in_hosts_snapshots = true,
    .under_hosts_lock = true,
    .host_overwrites = true,
    .host_reads = true,
    .pause_pages = 256,
    .merge_every_bytes = 80 << 10,
    .portion = {2, 4},
    .page_spare = ART_ROW_SPARE,
};
