/* Whole databases whose bytes were changed and whose hashes are right again, asked, written and salvaged through SQL:
 * tests/support/forged.h says how, and what must hold. That a statement does not end is found, too: by the steps of
 * SQLite's virtual machine, and within the library by -timeout. */
#include "tests/fuzz/fuzz.h"
#include "tests/support/forged.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) return -1;
    forged_run(data, size);
    return 0;
}
