/* The files of the identity map in memory: mapped once, mapped anew when the agent replaced them. */
#ifndef PACT_NSS_MAP_FILE_H
#define PACT_NSS_MAP_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "database.h"

/* Where the files are; only the tests of this library name another place. */
#ifdef PACT_NSS_TEST
extern char pact_nss_directory[];
#define PACT_NSS_PATH_BYTES 4096
#else
#define PACT_NSS_PATH_BYTES 32
#endif

/* A database to read until pact_map_release. */
struct pact_map {
  struct pact_database database;
  void *mapping;    /* of this one alone; NULL when it is the shared one */
  size_t size;
  enum pact_kind kind;
};

/* Opens the file of this kind as it is now. False when there is none, or none to be trusted. The
 * usual call costs one stat(2). Never waits: not for a lock, not for a pipe in the file's place. */
bool pact_map_acquire(struct pact_map *map, enum pact_kind kind);

/* The same, in a mapping of its own that outlives other lookups, for enumeration. */
bool pact_map_acquire_private(struct pact_map *map, enum pact_kind kind);

void pact_map_release(struct pact_map *map);

#endif
