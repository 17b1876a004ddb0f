#include "core/base/format.h"

#include <stdio.h>

enum art_rc art_format_check(enum art_rc code, const char *what, const char *where, uint32_t slot, uint32_t format,
                             uint32_t unknown) {
    char in_slot[32] = "";
    if (slot != ART_NOWHERE) snprintf(in_slot, sizeof in_slot, ", slot %u", slot);
    if (format != ART_FORMAT)
        return art_fail(code, "art: %s has format %u, this version reads %d (%s%s): use the sqlite-art that made it",
                        what, format, ART_FORMAT, where, in_slot);
    if (!unknown) return ART_OK;
    return art_fail(code, "art: %s has feature %d, which this version cannot read (%s%s): use a newer sqlite-art", what,
                    __builtin_ctz(unknown) + 1, where, in_slot);
}
