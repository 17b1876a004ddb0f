/* The codec of the process. */
#include "core/base/codec.h"

#include <stddef.h>

static const struct art_codec *lent;

const struct art_codec *art_codec(void) {
    return lent;
}

void art_codec_use(const struct art_codec *codec) {
    lent = codec;
}
