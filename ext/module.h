/* The module `art`, for extension.c. */
#ifndef ART_EXT_MODULE_H
#define ART_EXT_MODULE_H

#include "ext/base/base.h"

const sqlite3_module *art_module(void);

#endif
