/* What an event does not say of its process. It may be gone by now: then the record says so. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracefs.h"

static const uint64_t NS_PER_SECOND = 1000000000;

/* proc_pid_stat(5): `PID (COMM) STATE PPID ...`, where COMM may have anything in it. */
bool trace_parse_stat(const char *text, long ticks_per_second, struct trace_facts *facts) {
  const char *open = strchr(text, '('), *close = strrchr(text, ')');
  if (open == NULL || close == NULL || close < open || ticks_per_second <= 0) return false;
  size_t bytes = (size_t)(close - open - 1);
  if (bytes >= sizeof facts->comm) bytes = sizeof facts->comm - 1;
  memset(facts->comm, 0, sizeof facts->comm);
  memcpy(facts->comm, open + 1, bytes);
  if (sscanf(close, ") %*c %10u", &facts->parent_pid) != 1) return false;
  enum { FIELDS_UP_TO_START = 20 }; /* the 3rd to the 22nd */
  const char *field = close + 1;
  for (int passed = 1; passed < FIELDS_UP_TO_START && field != NULL; passed++) {
    field = strchr(field + 1, ' ');
  }
  unsigned long long start_ticks;
  if (field == NULL || sscanf(field, " %20llu", &start_ticks) != 1) return false;
  uint64_t ticks = (uint64_t)ticks_per_second;
  facts->start_ns = start_ticks / ticks * NS_PER_SECOND + start_ticks % ticks * (NS_PER_SECOND / ticks);
  return true;
}

/* Line breaks of the name are escaped in it (proc_pid_status(5)). */
bool trace_parse_status(const char *text, struct trace_facts *facts) {
  const char *group = strstr(text, "\nTgid:\t"), *user = strstr(text, "\nUid:\t");
  if (group == NULL || user == NULL) return false;
  return sscanf(group, "\nTgid:\t%10u", &facts->pid) == 1 &&
         sscanf(user, "\nUid:\t%10u", &facts->uid) == 1;
}

char *trace_parse_cgroup(char *text) {
  char *line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
  if (line == NULL) return NULL;
  char *path = strchr(line, '/');
  if (path == NULL) return NULL;
  path[strcspn(path, "\n")] = '\0';
  return path;
}

static bool read_proc(unsigned pid, const char *name, char text[TRACE_PROC_BYTES]) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%u/%s", pid, name);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  ssize_t bytes = read(file, text, TRACE_PROC_BYTES - 1);
  close(file);
  if (bytes <= 0) return false;
  text[bytes] = '\0';
  return true;
}

static bool look_at(unsigned pid, long ticks_per_second, struct trace_facts *facts) {
  char text[TRACE_PROC_BYTES];
  return read_proc(pid, "stat", text) && trace_parse_stat(text, ticks_per_second, facts);
}

static bool look_at_user(unsigned pid, struct trace_facts *facts) {
  char text[TRACE_PROC_BYTES];
  return read_proc(pid, "status", text) && trace_parse_status(text, facts);
}

static void name_parents(const struct trace_company *company, struct pact_probe_record *record) {
  unsigned pid = record->parent_pid;
  for (int above = 0; above < PACT_PROBE_PARENTS && pid > 1; above++) {
    struct trace_facts parent;
    if (!look_at(pid, company->ticks_per_second, &parent)) return;
    memcpy(record->parents[above], parent.comm, sizeof parent.comm);
    pid = parent.parent_pid;
  }
}

static bool is_workload(const struct trace_company *company, const char *path) {
  size_t bytes = strlen(company->workload_cgroup);
  if (bytes == 0 || strncmp(path, company->workload_cgroup, bytes) != 0) return false;
  return path[bytes] == '\0' || path[bytes] == '/';
}

/* False when it is of workload.slice. A cgroup's number is its directory's. */
static bool place(const struct trace_company *company, struct pact_probe_record *record) {
  char text[TRACE_PROC_BYTES], whole[2 * TRACE_PROC_BYTES];
  if (!read_proc(record->pid, "cgroup", text)) return true;
  const char *path = trace_parse_cgroup(text);
  if (path == NULL) return true;
  if (is_workload(company, path)) return false;
  struct stat directory;
  snprintf(whole, sizeof whole, "%s%s", company->cgroup_root, path);
  if (stat(whole, &directory) == 0) record->cgroup_id = directory.st_ino;
  return true;
}

/* The kernel names a process that executes a program by the last part of its path. */
static void name_by_program(struct pact_probe_record *record) {
  const char *slash = strrchr(record->text, '/');
  snprintf(record->comm, sizeof record->comm, "%.*s", (int)sizeof record->comm - 1,
           slash == NULL ? record->text : slash + 1);
}

bool trace_complete_record(const struct trace_company *company, uint64_t time_ns,
                           struct pact_probe_record *record) {
  bool is_exec = record->kind == PACT_PROBE_EXEC, is_exit = record->kind == PACT_PROBE_EXIT;
  struct trace_facts facts;
  /* A process that began after the event has only got its number. */
  bool is_there = look_at(record->pid, company->ticks_per_second, &facts) &&
                  facts.start_ns <= time_ns && look_at_user(record->pid, &facts);
  if (is_exit && (!is_there || facts.pid != record->pid)) return false;
  if (is_exec) name_by_program(record);
  record->uid = PACT_PROBE_UID_UNKNOWN;
  if (!is_there) return true;
  if (facts.pid == company->agent_pid) return false;
  record->pid = facts.pid;
  record->uid = facts.uid;
  record->parent_pid = facts.parent_pid;
  /* It may have executed another since. */
  if (!is_exec) memcpy(record->comm, facts.comm, sizeof facts.comm);
  /* They would be most of the work, and of these the agent follows the numbers. */
  if (!is_exec && !is_exit) name_parents(company, record);
  return place(company, record);
}
