/* What spawn.c, spawn_request.c and spawn_child.c share; not part of the shim's interface. */
#ifndef PACT_SPAWN_PLAN_H
#define PACT_SPAWN_PLAN_H

#include <signal.h>
#include <sys/types.h>

#include "pact_shim.h"

/* A checked request. The texts point into the request's buffer; the arrays are owned. */
struct spawn_plan {
  struct pact_spawn_header header;
  const char *executable;
  const char *directory; /* empty: unchanged */
  const char *cgroup;    /* empty: none */
  char **arguments;
  char **environment;
  char **covered;
  char **without_programs;
  gid_t *groups;
  struct pact_spawn_rlimit *rlimits;
  char oom_score_adj[8]; /* text, because formatting is not async-signal-safe */
  size_t oom_score_adj_bytes;
};

/* Checks a packed request and fills *plan. Returns 0 or a negative errno; call spawn_plan_free
 * either way. */
int spawn_plan_parse(struct spawn_plan *plan, const uint8_t *request, uint32_t request_bytes);
void spawn_plan_free(struct spawn_plan *plan);

/* What the child finds prepared by its parent. */
struct spawn_child_setup {
  int stdio[3];        /* become 0, 1 and 2 */
  int report_fd;       /* failures go here; closed by exec */
  int passed_fd;       /* becomes 4; -1 for none */
  int cgroup_procs_fd; /* -1 unless the child moves itself into its cgroup */
  pid_t parent_pid;
};

/* What the child writes to report_fd when a step fails. */
struct spawn_failure {
  int32_t step;
  int32_t error;
};

/* In the child, async-signal-safe: 0, or -1 with errno. */
int spawn_contain_mounts(const struct spawn_plan *plan);
int spawn_contain_capabilities(const struct spawn_plan *plan);

/* Runs in the child, async-signal-safe throughout; does not return. */
_Noreturn void spawn_child(const struct spawn_plan *plan, const struct spawn_child_setup *setup);

#endif
