/* The limits of core/ and ext/ that no format fixes: one table, with the value that each has in what is given out, and
 * one so small that a few hundred rows reach what takes millions else (LIMITS=small, for tests).
 *
 *     LIMIT(name, value, small)        ART_LIMIT(name)         value, a constant; small: a variable
 *                                      ART_LIMIT_MOST(name)    value, for the size of an array: no variable is larger
 *
 * Where what is written depends on one, every build reads it: the format has a limit of its own, which is the same or
 * larger: where that is a constant, an assertion beside it says so.
 */
#ifndef ART_BASE_LIMITS_H
#define ART_BASE_LIMITS_H

#include <stdint.h>

/* clang-format off */
#define ART_LIMITS(LIMIT) \
    /* What is written at once */ \
    LIMIT(bucket_entries, 128, 4) /* entries of a bucket: ART_BUCKET_ENTRIES, the format's, or less */ \
    LIMIT(index_children, 0, 4) /* of an index blob; 0: as many as its pages hold */ \
    LIMIT(blob_pages, 0, 3) /* of a blob; 0: ART_BLOB_PAGES, the format's */ \
    LIMIT(part_bytes, 0, 700) /* of a memtable that is saved; 0: as many as a slot holds */ \
    LIMIT(listed_units, 150, 4) /* of a term: ART_LISTED_UNITS, the format's, or less */ \
    LIMIT(posting_bytes_anyway, 16 * 1024, 64) /* of a field, beside those a row */ \
    LIMIT(bucket_terms, 4096, 8) /* different ones in a bucket; with more its page has any */ \
    LIMIT(value_inline, 4096, 100) /* bytes of a value in one entry: ART_VALUE_INLINE_MAX, or less */ \
    LIMIT(sample_bytes, 128 << 10, 64) /* between two entries that are looked up in what was built */ \
    /* The shape of the tree */ \
    LIMIT(level0_runs, 3, 3) /* each costs a prefix of 100 rows up to 1.3 us (tests/bench/README.md) */ \
    LIMIT(level0_runs_small, 6, 6) /* of those that small flushes leave */ \
    LIMIT(joined_blobs, 2, 1) /* small flushes grow to so many */ \
    LIMIT(level_first_blobs, 32, 3) /* 16 MB */ \
    LIMIT(level_least_blobs, 8, 1) /* as much as a run of level 1 has: less would only be one level more */ \
    LIMIT(level_factor, 8, 2) \
    LIMIT(small_blobs, 4, 1) /* of a last run below 2 MB the part of level 0 does not matter */ \
    LIMIT(pause_ns, 5000000, 0) /* a tenth of what the longest of all commits may take (tests/bench/targets.c) */ \
    LIMIT(file_pause_pages, 1024, 4) /* art_medium_file */ \
    LIMIT(file_merge_bytes, 320 << 10, 600) \
    LIMIT(file_portion, 6, 1) \
    LIMIT(file_portion_most, 16, 2) \
    LIMIT(rows_pause_pages, 256, 4) /* art_medium_rows */ \
    LIMIT(rows_merge_bytes, 80 << 10, 600) \
    LIMIT(rows_portion, 2, 1) \
    LIMIT(rows_portion_most, 4, 2) \
    LIMIT(below_blobs, 128, 6) /* of the lower run, from its first overlap to its last; and a neighbour */ \
    LIMIT(fold_children, 16384, 6) /* references that wait for index blobs over them (rule 7): a few blobs full; */ \
    LIMIT(fold_bytes, 4 << 20, 600) /* and their bytes */ \
    LIMIT(vacuum_leaves, 4096, 4) /* leaf blobs that enter a run at once, */ \
    LIMIT(vacuum_bytes, 4 << 20, 400) /* bytes of their names; */ \
    LIMIT(vacuum_staying, 64, 2) /* neighbours that stay are the end of it */ \
    LIMIT(hidden_groups, 128, 4) /* parts of the last run in which hidden rows are counted */ \
    LIMIT(hidden_blobs, 32, 1) /* which the memtable may hide */ \
    LIMIT(names_bytes, 64, 1) /* of a sample, for each page of a full blob: with less a table costs more */ \
    LIMIT(names_least, 4, 1) /* the same */ \
    LIMIT(slack_pages, 1024, 4) /* as many as a merge writes in one pause */ \
    LIMIT(crowd_slots, 8, 1) /* that wait for a checkpoint */ \
    LIMIT(distinct_first, 256, 2) \
    /* Transactions */ \
    LIMIT(log_bytes_a_page, 8192, 200) /* of log_limit=auto, for each page of a full blob: 1 MB */ \
    LIMIT(small_commit, 64, 4) /* entries */ \
    LIMIT(large_commit, 8192, 16) /* with these the table above ends */ \
    LIMIT(batch_rows, 256, 3) /* rows of a range that are written one by one, at a time */ \
    LIMIT(chunked_rows, 1024, 3) /* with values in chunks, of a range that changes as one thing */ \
    LIMIT(paths_bytes, 1 << 20, 300) /* of their paths */ \
    LIMIT(value_first_bytes, 1 << 20, 4096) /* memory for a value whose length nobody has checked; it doubles */ \
    LIMIT(value_believed_bytes, 16 << 20, 5000) /* a longer one is believed when its last chunk is there */ \
    LIMIT(redo_kept_bytes, 1 << 20, 100) /* memory for a row of redo, from one commit to the next */ \
    LIMIT(copied_a_step, 64, 2) /* blobs */ \
    LIMIT(copied_first, 64, 1) \
    LIMIT(hints_first, 1024, 4) /* 16 KB, of a table that is asked by values; they double */ \
    LIMIT(chosen_anyway, 64, 2) /* more of them are met soon */ \
    LIMIT(old_hints, 4096, 4) /* beside twice those that are used: a small index is not made anew all the time */ \
    LIMIT(filter_first_words, 32, 1) /* 256 bytes; it doubles */ \
    LIMIT(notes_first, 16, 2) /* they double */ \
    LIMIT(notes_kept, 4096, 4) /* memory for so many is kept from one transaction to the next */ \
    /* Reading */ \
    LIMIT(probes, 16, 2) /* leaves that are asked together, one first, then twice as many */ \
    LIMIT(gaps, 512, 2) /* some hundred tenants or states have one each, */ \
    LIMIT(gap_bytes, 128 << 10, 200) /* with keys of 128 bytes at both ends (rule 7) */ \
    LIMIT(front_bytes, 4 << 20, 2000) /* of a connection (rule 7): fronts of some 1,000 blobs of 250 buckets */ \
    LIMIT(gap_deletes, 16, 1) /* behind so many deletes there may be many more */ \
    LIMIT(asked_least, 1024, 2) \
    LIMIT(rows_like_a_part, 32, 2) /* so many rows of a bucket that gives all of them at once count as a part */ \
    LIMIT(heap_bytes, 8 << 20, 600) /* of a search that can be given up: its parts, their keys and texts */ \
    LIMIT(changes_first, 16, 1) \
    LIMIT(changes_most, 1024, 3) \
    LIMIT(changes_bytes, 1 << 18, 60) /* of their paths, but for the last one's */ \
    LIMIT(diff_few_rows, 128, 2) /* a piece of so many is walked through: that costs as much as two more cuts */ \
    LIMIT(few_of_both, 48, 2) /* a walk through so many of both costs as much as two more cuts */ \
    LIMIT(single_pages, 4, 2) /* when so many pages of a blob are there, the rest is read at once */ \
    LIMIT(waited_for_rows, 16, 1) /* the same for rows: when the host had to wait so often */ \
    LIMIT(wait_ns, 20000, 0) /* the host had to wait if a read of a page took longer */ \
    LIMIT(admit_one_in, 31, 3) /* odd: who asks for pages of two kinds in turns gets both in */ \
    LIMIT(footer_pages, 8, 1) /* read at once */ \
    LIMIT(window_pages, 64, 2) /* with more that a walk reads ahead, whole blobs are read: one for each so many */ \
    LIMIT(pins_first, 64, 4) /* they double */ \
    LIMIT(writes, 8, 2) /* blobs under way before we wait: ART_WRITES_MAX, or less */ \
    LIMIT(cuts_bytes, 2048, 80) /* of a root: ART_CUTS_BYTES_MAX, or less */ \
    LIMIT(cache_pages, 0, 12) /* of cache=auto; 0: a part of the machine's memory */ \
    LIMIT(separators, 1024, 3) /* of an index blob whose separators are kept plain */ \
    /* Every so many steps one looks whether somebody interrupts, or lets go of what it has read (rule 7) */ \
    LIMIT(ask_merge, 4096, 2) \
    LIMIT(ask_blobs, 256, 1) \
    LIMIT(ask_moved, 4096, 2) \
    LIMIT(relax_chunks, 64, 1) \
    LIMIT(ask_entries, 4096, 2) /* entries in a row that are no rows of the cursor's */ \
    LIMIT(relax_parts, 64, 1) \
    LIMIT(ask_diff, 4096, 2) \
    LIMIT(ask_differences, 4096, 2) \
    LIMIT(ask_growth, 4096, 2) \
    LIMIT(ask_others, 4096, 2) \
    LIMIT(ask_check, 512, 2) \
    LIMIT(ask_check_chunks, 64, 1) \
    LIMIT(ask_salvage, 256, 1) \
    LIMIT(ask_rows, 4096, 2) \
    LIMIT(ask_elements, 4096, 2) \
    LIMIT(ask_collected, 4096, 2) \
    LIMIT(backup_pages, 1000, 1) \
    LIMIT(ask_onto, 1000, 1) \
    /* Statements */ \
    LIMIT(seek_after_rows, 8, 1) /* that LIKE cannot match */ \
    LIMIT(count_after_rows, 8, 1) /* so many without a look at one, counting begins */ \
    LIMIT(value_after_rows, 16, 1) /* with one value */ \
    LIMIT(patience_least, 256, 2) \
    LIMIT(no_limit_least, 16, 2) /* and so many rows are sought at least, and at most: */ \
    LIMIT(no_limit_most, 100, 4) \
    LIMIT(batch_first, 1024, 2) /* rows of the first batch, more than a LIMIT mostly wants; */ \
    LIMIT(batch_grow, 8, 2) /* of each further one, so that a few walks give them all */ \
    LIMIT(batch_bytes, 8 << 20, 4000) \
    LIMIT(batch_bytes_all, 32 << 20, 8000) /* where all rows are wanted, rather than another walk */ \
    LIMIT(lookup_elements, 4096, 8) /* of an IN: to look for more takes as long as to read all rows */ \
    LIMIT(list_bytes, 2 << 20, 64) /* of a list that is sorted in memory */ \
    LIMIT(wanted_rows, 16, 2) \
    LIMIT(idle_rows, 240, 3) \
    LIMIT(filter_bytes, 1024, 4) \
    LIMIT(trigrams, 64, 3) /* of a column: each one is asked for in the footer of each blob */ \
    LIMIT(piece_bytes, 64, 4) \
    LIMIT(rows_at_once, 16, 3) \
    LIMIT(entries_kept, 256, 3) \
    LIMIT(trees_kept, 8, 1) \
    LIMIT(tables_kept, 16, 1) /* that a program names in turn */ \
    LIMIT(parts_kept, 8, 1) \
    LIMIT(awake, 16, 1) \
    LIMIT(buffer_kept_bytes, 1 << 20, 100) /* a larger one is not kept from one statement to the next */ \
    LIMIT(call_bytes, 64 << 10, 700) /* of a transfer */ \
    LIMIT(level_rows, 2000, 4) /* below a name: fewer lie on some pages side by side */ \
    LIMIT(level_runs, 5, 1) /* places in the table where it lies; fewer are as well read from there */ \
    LIMIT(levels_part_pages, 32, 2) /* of several levels together, at least */ \
    LIMIT(level_pages, 256, 4) /* of one level: what follows is read as it is wanted */ \
    LIMIT(names_at_once, 100, 2) /* of a level, by most who show it */ \
    LIMIT(depth_most, 64, 2) /* names one by one, before there are several */ \
    LIMIT(levels_most, 4096, 8) /* of one table */ \
    LIMIT(run_gap, 8, 1) /* pages: what lies so near is read along */ \
    LIMIT(ask_published, 1000, 1) /* of SQLite */
/* clang-format on */

#define ART_LIMIT_CONSTANT(name, value, small) art_limit_##name = (value),
enum { ART_LIMITS(ART_LIMIT_CONSTANT) };
#undef ART_LIMIT_CONSTANT
#define ART_LIMIT_MOST(name) ((int)art_limit_##name)

#ifdef ART_SMALL_LIMITS
#define ART_LIMIT_VARIABLE(name, value, small) uint32_t name;
/* As small as they can be; with ART_LIMITS=n in the environment (limits.c) some are between that and `value`, each n
 * others. */
extern struct art_small_limits { ART_LIMITS(ART_LIMIT_VARIABLE) } art_small_limits;
#undef ART_LIMIT_VARIABLE
#define ART_LIMIT(name) (art_small_limits.name)
#define ART_CONST_BUT_SMALL
#else
#define ART_LIMIT(name)     ((int)art_limit_##name)
#define ART_CONST_BUT_SMALL const
#endif

#endif
