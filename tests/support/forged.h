/* A forged database: bytes of its blobs, its root and its log are changed by somebody who makes all hashes right again,
 * up to the root. It is opened by SQL, asked in many ways, written to, checked, and salvaged.
 *
 *   - every statement ends, within so many steps of SQLite's virtual machine, with rows or with an error that hostile
 *     bytes may give; nothing crashes
 *   - of each that art_check() finds sound reader.py reads the same rows (second_opinion.h)
 *   - where a walk gives keys in order, they ascend, or descend: none comes twice
 *
 * The forger's bytes: u8 which | u8 how | per change: u8 kind | u16 where | u16 what | u8 value
 *
 *   which   the database: blobs in a file or in rows, each form of a summary or none, snapshots, cuts, coded names,
 *           keys of several columns and of bytes
 *   how     1: references say what the blobs that they lead to say of themselves, so that a lie is believed above
 *           2: index blobs add up what their references say, in directories and totals, and so do those above
 *
 * All blobs are small, so that a few hundred rows make several runs with an index each. */
#ifndef TESTS_FORGED_H
#define TESTS_FORGED_H

#include <stddef.h>
#include <stdint.h>

/* One forged database. What must not be aborts, with a sentence. */
void forged_run(const uint8_t *data, size_t size);
/* One by acts that can be read, as a failure that was shortened prints them: "database 2, 1", then a line each,
 * NULL. */
void forged_run_acts(const char *const *acts);

/* What has come of all so far. */
struct forged_tally {
    unsigned long runs, answers, errors, mismatches; /* of the errors: a hash is not the right one */
};
extern struct forged_tally forged_tally;

#endif
