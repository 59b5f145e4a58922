/* The tests of the tracefs part of pact-probe, and what they share. */
#ifndef PACT_TRACEFS_FRAME_H
#define PACT_TRACEFS_FRAME_H

#include "../check.h"
#include "tracefs.h"

extern const struct test layout_tests[];
extern const struct test page_tests[];
extern const struct test record_tests[];
extern const struct test process_tests[];

/* As Linux 6.12 has it for sched_process_exec. */
extern const char EXEC_FORMAT[];
extern const struct trace_page_layout PAGE_LAYOUT;

/* A copy of exactly this size, so that a read past its end is caught; freed by the caller. */
void *exact_copy(const void *bytes, size_t count);

#endif
