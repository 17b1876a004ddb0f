/* What most programs of blobs work on: the rows of one table, and the run of blobs that is built from them. */
#ifndef ART_TESTS_BLOB_ONE_H
#define ART_TESTS_BLOB_ONE_H

#include "core/blob/bucket.h"
#include "tests/support/blob_model.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"
#include "tests/support/toy_codec.h"

static struct blob_rows rows;
static struct blob_run run;

static void tear_down(void) {
    blob_run_clear(&run);
    blob_rows_clear(&rows);
    toy_codec_lend(false);
    blob_former = blob_coded = blob_changing = false;
    blob_symbols = NULL;
}

#endif
