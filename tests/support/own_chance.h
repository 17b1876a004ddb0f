/* A program that calls these has a getrandom() of its own before the C library's: art's random numbers (names of files,
 * ids, nonces) follow from a seed. */
#ifndef ART_TESTS_OWN_CHANCE_H
#define ART_TESTS_OWN_CHANCE_H

#include <stdint.h>

void own_chance(uint64_t seed);
void own_chance_ends(void); /* the system's again */

#endif
