/* Choices of the user that pass through all layers. */
#ifndef ART_BASE_OPTIONS_H
#define ART_BASE_OPTIONS_H

#include <stdint.h>

enum art_engine { ART_ENGINE_AUTO, ART_ENGINE_URING, ART_ENGINE_PWRITE };
/* Where blobs are: in a file beside the database, or in rows of the database. */
enum art_storage { ART_STORAGE_AUTO, ART_STORAGE_FILE, ART_STORAGE_INLINE };
/* cache=auto: of all stores of the process that say so together a share of the machine's memory. */
#define ART_CACHE_AUTO UINT64_MAX
/* log_limit=auto: small where commits are small, large in loads. */
#define ART_LOG_AUTO UINT64_MAX

enum art_direct { ART_DIRECT_AUTO, ART_DIRECT_ON, ART_DIRECT_OFF };

#endif
