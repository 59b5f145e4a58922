/* What the writing files of the shim share; not part of its interface. */
#ifndef PACT_FILES_H
#define PACT_FILES_H

#include "pact_shim.h"

/* Writes all bytes; 0 or a negative errno. */
int write_fully(int fd, const uint8_t *bytes, uint64_t byte_count);

/* Opens the directory that holds the last component of `path` and points *name at that component;
 * the descriptor or a negative errno. */
int open_parent(const char *path, const char **name);

#endif
