/* The tests of the shim, and what they share. */
#ifndef PACT_SUITE_H
#define PACT_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "check.h"
#include "pact_shim.h"

extern const struct test spawn_tests[];
extern const struct test spawn_request_tests[];
extern const struct test process_tests[];
extern const struct test file_tests[];
extern const struct test event_tests[];
extern const struct test system_tests[];
extern const struct test socket_tests[];
extern const struct test network_tests[];
extern const struct test notify_tests[];
extern const struct test observe_tests[];

/* What a packed request is made of; ends of arrays are NULL. */
struct request {
  struct pact_spawn_header header;
  const char *executable;
  const char *directory;
  const char *cgroup;
  const char *const *arguments;
  const char *const *environment;
  const struct pact_spawn_rlimit *rlimits;
  const uint32_t *groups;
};

/* A request for /bin/sh with these arguments, all streams /dev/null. */
struct request shell_request(const char *const *arguments);

/* Packs into an allocation of exactly the size, so that a read past its end is caught. */
uint8_t *pack(const struct request *request, uint32_t *bytes);

/* Packs, spawns, frees. */
int32_t spawn_request(const struct request *request, struct pact_spawn_result *result);

/* Waits at most 5 s for a child's end and consumes it; false when it did not come. */
bool wait_for_exit(int32_t pidfd, struct pact_exit *exit);

/* Open descriptors of this process. */
int count_descriptors(void);

/* A fresh directory, removed at the end of the program; `path` joins a name to it. */
const char *test_directory(void);
const char *test_path(const char *name);

#endif
