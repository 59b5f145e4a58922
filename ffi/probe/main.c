/*
 * pact-probe AGENT_PID WORKLOAD_CGROUP: puts the probes of OBS-10 in place and writes what they see on its
 * output, as records of record.h: as BPF programs, or by tracefs where the kernel takes none (OBS-12). It
 * needs root to begin with and nothing at all afterwards. It ends when nobody reads, or with the process
 * that started it; exit status 1 with a line on standard error says why there can be no probes here.
 */
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probe.h"
#include "tracefs/tracefs.h"

enum { NOBODY = 65534 };

void write_record(const struct pact_probe_record *record) {
  /* Shorter than PIPE_BUF, so whole or not at all. Nobody reads any more: that is the end. */
  ssize_t written;
  do {
    written = write(STDOUT_FILENO, record, sizeof *record);
  } while (written < 0 && errno == EINTR);
  if (written != (ssize_t)sizeof *record) exit(0);
}

void say(unsigned kind, const char *text) {
  struct pact_probe_record record = {.kind = kind};
  snprintf(record.text, sizeof record.text, "%s", text);
  write_record(&record);
}

static int fail(const char *what, int error) {
  fprintf(stderr, "%s: %s\n", what, strerror(error));
  return 1;
}

/* Where tracefs is. Where it is not mounted it is for this program alone; NULL when it cannot be. */
static const char *see_tracepoints(void) {
  static const char ROOT[] = "/sys/kernel/tracing", FORMER_ROOT[] = "/sys/kernel/debug/tracing";
  if (access("/sys/kernel/tracing/events", F_OK) == 0) return ROOT;
  if (access("/sys/kernel/debug/tracing/events", F_OK) == 0) return FORMER_ROOT;
  if (unshare(CLONE_NEWNS) != 0) return NULL;
  if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return NULL;
  unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  return mount("tracefs", ROOT, "tracefs", flags, NULL) == 0 ? ROOT : NULL;
}

/* What is left needs no right of any kind. */
static int give_up_rights(void) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  if (setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0) return -1;
  return setresuid(NOBODY, NOBODY, NOBODY);
}

/* DIRECTORY/NAME of the workload's cgroup, taken apart in place. */
static struct trace_company company_of(unsigned agent_pid, char *workload) {
  struct trace_company company = {.agent_pid = agent_pid,
                                  .cgroup_root = "/sys/fs/cgroup",
                                  .workload_cgroup = "",
                                  .ticks_per_second = sysconf(_SC_CLK_TCK)};
  char *slash = strrchr(workload, '/');
  if (slash == NULL || slash == workload || slash[1] == '\0') return company;
  company.workload_cgroup = strdup(slash);
  *slash = '\0';
  company.cgroup_root = workload;
  return company;
}

static void tell_missing(const struct trace_instance *instance) {
  for (size_t number = 0; number < trace_probe_count; number++) {
    if (instance->sources[number].id == 0) say(PACT_PROBE_MISSING, trace_probes[number].name);
  }
}

static int run_bpf(pid_t parent) {
  if (give_up_rights() != 0) return fail("rights cannot be given up", errno);
  say(PACT_PROBE_READY, "");
  while (bpf_read(POLL_MS)) {
    if (getppid() != parent) return 0;
  }
  return fail("ring buffer", errno);
}

static int run_tracefs(pid_t parent, const char *root, const struct trace_company *company,
                       const char *reason) {
  static struct trace_instance instance;
  const char *failed = trace_open_instance(root, company->agent_pid, &instance);
  if (failed != NULL) {
    const char *why = errno == 0 ? "" : strerror(errno);
    fprintf(stderr, "%s; tracefs: %s%s%s\n", reason, failed, errno == 0 ? "" : ": ", why);
    return 1;
  }
  if (give_up_rights() != 0) return fail("rights cannot be given up", errno);
  say(PACT_PROBE_TRACEFS, reason);
  tell_missing(&instance);
  say(PACT_PROBE_READY, "");
  while (trace_read(&instance, company, POLL_MS, write_record)) {
    if (getppid() != parent) return 0;
  }
  return fail("tracefs", errno);
}

int main(int count, char **arguments) {
  if (count != 3) {
    fprintf(stderr, "usage: pact-probe AGENT_PID WORKLOAD_CGROUP\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  struct pact_probe_settings settings = {.agent_pid = strtoul(arguments[1], NULL, 10)};
  struct stat workload;
  if (stat(arguments[2], &workload) == 0) settings.workload_cgroup_id = workload.st_ino;
  pid_t parent = getppid();

  const char *root = see_tracepoints();
  if (root == NULL) return fail("no tracepoints", errno);
  trace_remove_leftovers(root);
  char reason[REASON_BYTES] = "";
  /* Ends with its parent, or by write_record when nobody reads. */
  if (bpf_open(&settings, reason)) return run_bpf(parent);
  struct trace_company company = company_of((unsigned)settings.agent_pid, arguments[2]);
  return run_tracefs(parent, root, &company, reason);
}
