/* SQL, differentially: the input makes the choices of the model test's workload (tests/support/workload.h), whose
 * statements run on art tables and on ordinary ones, and the answers must agree (tests/support/history.h).
 *
 * Input: u8 setting | u8 what connections are like | then two bytes a choice
 *
 * So libFuzzer looks for statements that reach new branches of ext and core, where test_model draws them blindly. A
 * difference prints the statements; test_model finds shorter ones.
 */
#include "core/store/cache.h"
#include "tests/fuzz/fuzz_sqlite.h"
#include "tests/support/history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static bool begun;
    if (size < 3) return -1;
    if (!begun) {
        begun = true;
        setenv("ART_EXTENSION", "linked", 1);
        art_cache_join(1 << 20); /* the cache's memory stays mapped from one input to the next */
        sqlite3_auto_extension((void (*)(void))sqlite3_art_init);
    }
    const struct workload_setting *setting = &history_settings[data[0] % (unsigned)history_setting_count];
    char *differs = history_run_fed(setting, data[1], data + 2, size - 2);
    if (differs) fuzz_fail("%s: %s", setting->name, differs);
    return 0;
}
