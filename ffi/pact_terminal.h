/* The part of pact_shim.h about terminals that programs are started in; its conventions hold here. */
#ifndef PACT_TERMINAL_H
#define PACT_TERMINAL_H

#include <stdint.h>

/* ---- terminals (terminal.c) ----------------------------------------------------------------- */

/* A new pseudo terminal of this size (1..65535 each). Returns our end, non-blocking; *program_end is
 * the descriptor for a program's 0, 1 and 2, to be closed here once it has it. Blocking: no. */
PACT_EXPORT int32_t pact_shim_terminal_open(uint32_t rows, uint32_t columns, int32_t *program_end);

/* Reads what programs wrote: the bytes, 0 at the end, when no program has the terminal open any more
 * and all was read, -EAGAIN when there is nothing now. Blocking: no. */
PACT_EXPORT int32_t pact_shim_terminal_read(int32_t fd, uint8_t *buffer, uint32_t capacity);

/* Types at least one byte; returns how many were taken, -EAGAIN while nobody reads what was typed
 * before, 0 where the kernel says that nobody can any more. Blocking: no. */
PACT_EXPORT int32_t pact_shim_terminal_write(int32_t fd, const uint8_t *bytes, uint32_t byte_count);

/* Sets the size (1..65535 each); the foreground programs get SIGWINCH. Blocking: no. */
PACT_EXPORT int32_t pact_shim_terminal_resize(int32_t fd, uint32_t rows, uint32_t columns);

/* Sends a signal to the foreground process group; -ESRCH when there is none. Blocking: no. */
PACT_EXPORT int32_t pact_shim_terminal_signal(int32_t fd, int32_t signal);

/* Another descriptor for the same thing. Blocking: no. */
PACT_EXPORT int32_t pact_shim_duplicate(int32_t fd);

#endif
