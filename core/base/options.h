/* Choices of the user that pass through all layers. */
#ifndef ART_BASE_OPTIONS_H
#define ART_BASE_OPTIONS_H

enum art_engine { ART_ENGINE_AUTO, ART_ENGINE_URING, ART_ENGINE_PWRITE };
enum art_direct { ART_DIRECT_AUTO, ART_DIRECT_ON, ART_DIRECT_OFF };

#endif
