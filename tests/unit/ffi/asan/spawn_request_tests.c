/* A packed request is checked before anything acts on it, whatever its bytes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spawn_plan.h"
#include "suite.h"

static const char *const ARGUMENTS[] = {"sh", "-c", "exit 0", NULL};

static struct request full_request(void) {
  static const char *const environment[] = {"A=1", "B=", NULL};
  static const struct pact_spawn_rlimit rlimits[] = {{7, 0, 64, 128}, {4, 0, 0, UINT64_MAX}};
  static const uint32_t groups[] = {1, 2, 3};
  struct request request = shell_request(ARGUMENTS);
  request.environment = environment;
  request.directory = "/";
  request.rlimits = rlimits;
  request.header.rlimit_count = 2;
  request.groups = groups;
  request.header.group_count = 3;
  return request;
}

static int parse(const uint8_t *bytes, uint32_t count) {
  struct spawn_plan plan;
  int result = spawn_plan_parse(&plan, bytes, count);
  spawn_plan_free(&plan);
  return result;
}

static void whole_request_is_read(void) {
  struct request request = full_request();
  request.header.oom_score_adj = -1000;
  uint32_t bytes;
  uint8_t *packed = pack(&request, &bytes);
  struct spawn_plan plan;
  CHECK_EQUAL(spawn_plan_parse(&plan, packed, bytes), 0);
  CHECK(strcmp(plan.executable, "/bin/sh") == 0);
  CHECK(strcmp(plan.directory, "/") == 0);
  CHECK(strcmp(plan.cgroup, "") == 0);
  CHECK(strcmp(plan.arguments[2], "exit 0") == 0);
  CHECK(plan.arguments[3] == NULL);
  CHECK(strcmp(plan.environment[1], "B=") == 0);
  CHECK(plan.environment[2] == NULL);
  CHECK_EQUAL(plan.groups[2], 3);
  CHECK_EQUAL(plan.rlimits[1].hard == UINT64_MAX, 1);
  CHECK(strcmp(plan.oom_score_adj, "-1000") == 0);
  CHECK_EQUAL(plan.oom_score_adj_bytes, 5);
  spawn_plan_free(&plan);
  free(packed);
}

/* Every prefix in an allocation of its own, so that one byte too far is an error of the sanitizer. */
static void prefixes_are_refused(void) {
  struct request request = full_request();
  uint32_t bytes;
  uint8_t *packed = pack(&request, &bytes);
  for (uint32_t cut = 0; cut < bytes; cut++) {
    uint8_t *prefix = malloc(cut > 0 ? cut : 1);
    if (prefix == NULL) abort();
    memcpy(prefix, packed, cut);
    CHECK(parse(prefix, cut) < 0);
    if (cut >= sizeof(uint32_t)) {
      memcpy(prefix, &cut, sizeof cut); /* and one that lies about its length */
      CHECK(parse(prefix, cut) < 0);
    }
    free(prefix);
  }
  free(packed);
}

static void mutations_never_reach_past_the_buffer(void) {
  struct request request = full_request();
  uint32_t bytes;
  uint8_t *packed = pack(&request, &bytes);
  uint8_t *mutated = malloc(bytes);
  if (mutated == NULL) abort();
  unsigned state = 20261121;
  for (int round = 0; round < 50000; round++) {
    memcpy(mutated, packed, bytes);
    for (int change = 0; change < 1 + round % 4; change++) {
      state = state * 1664525u + 1013904223u;
      uint32_t at = (state >> 8) % bytes;
      state = state * 1664525u + 1013904223u;
      mutated[at] = (uint8_t)(state >> 16);
    }
    parse(mutated, bytes); /* any answer is right, no stray access is */
  }
  free(mutated);
  free(packed);
}

static void nonsense_is_refused(void) {
  struct pact_spawn_result result;
  CHECK_EQUAL(pact_shim_spawn(NULL, 0, &result), -EFAULT);
  CHECK_EQUAL(result.step, PACT_STEP_REQUEST);
  CHECK_EQUAL(result.pid, -1);
  uint8_t byte = 0;
  CHECK_EQUAL(pact_shim_spawn(&byte, 1, NULL), -EFAULT);
  CHECK_EQUAL(pact_shim_spawn(&byte, PACT_SPAWN_MAX_BYTES + 1, &result), -E2BIG);

  struct request request = full_request();
  request.header.flags = 1u << 20;
  CHECK_EQUAL(spawn_request(&request, &result), -EINVAL);
  request = full_request();
  request.header.stdin_fd = -3;
  CHECK_EQUAL(spawn_request(&request, &result), -EINVAL);
  request = full_request();
  request.header.parent_death_signal = 65;
  CHECK_EQUAL(spawn_request(&request, &result), -EINVAL);
  static const char *const none[] = {NULL};
  request = full_request();
  request.arguments = none;
  CHECK_EQUAL(spawn_request(&request, &result), -EINVAL);
}

const struct test spawn_request_tests[] = {
    {"a packed request is read as it was written", whole_request_is_read},
    {"every prefix of a request is refused", prefixes_are_refused},
    {"mutated requests never make it read past the buffer", mutations_never_reach_past_the_buffer},
    {"requests that make no sense are refused", nonsense_is_refused},
    {NULL, NULL},
};
