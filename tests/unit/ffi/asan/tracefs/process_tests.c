#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "frame.h"

static const char STAT[] = "4711 (a) b (c)) S 17 4711 4711 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 12345 1 1\n";

static void reads_stat_with_any_name(void) {
  struct trace_facts facts;
  CHECK(trace_parse_stat(STAT, 100, &facts));
  CHECK_EQUAL(strcmp(facts.comm, "a) b (c)"), 0);
  CHECK_EQUAL(facts.parent_pid, 17);
  CHECK_EQUAL(facts.start_ns, 123450000000ll);
  CHECK(!trace_parse_stat(STAT, 0, &facts));
  CHECK(!trace_parse_stat("1 )(", 100, &facts));
  CHECK(!trace_parse_stat("1 (x) S 1 2 3", 100, &facts));
  CHECK(trace_parse_stat("1 (a name of more than fifteen bytes) S 1 1 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 5 6",
                         100, &facts));
  CHECK_EQUAL(strlen(facts.comm), 15);
}

static void reads_texts_that_are_cut_off(void) {
  static const char STATUS[] =
      "Name:\ta\\nUid:\\t0\nState:\tS (sleeping)\nTgid:\t17\nPPid:\t1\nUid:\t1001\t0\t0\t0\n";
  struct trace_facts facts = {0};
  CHECK(trace_parse_status(STATUS, &facts));
  CHECK_EQUAL(facts.pid, 17);
  CHECK_EQUAL(facts.uid, 1001);
  for (size_t bytes = 0; bytes < sizeof STATUS; bytes++) {
    char *text = exact_copy(STATUS, bytes + 1);
    text[bytes] = '\0';
    trace_parse_status(text, &facts);
    free(text);
  }
  for (size_t bytes = 0; bytes < sizeof STAT; bytes++) {
    char *text = exact_copy(STAT, bytes + 1);
    text[bytes] = '\0';
    trace_parse_stat(text, 100, &facts);
    free(text);
  }
}

static void finds_the_unified_cgroup(void) {
  char both[] = "1:name=systemd:/x\n0::/workload.slice/job\n", alone[] = "0::/\n", former[] = "1:cpu:/x\n";
  const char *path = trace_parse_cgroup(both);
  CHECK(path != NULL && strcmp(path, "/workload.slice/job") == 0);
  path = trace_parse_cgroup(alone);
  CHECK(path != NULL && strcmp(path, "/") == 0);
  CHECK(trace_parse_cgroup(former) == NULL);
  char nothing[] = "";
  CHECK(trace_parse_cgroup(nothing) == NULL);
}

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static struct trace_company company(unsigned agent_pid, const char *workload) {
  return (struct trace_company){.agent_pid = agent_pid,
                                .cgroup_root = "/sys/fs/cgroup",
                                .workload_cgroup = workload,
                                .ticks_per_second = sysconf(_SC_CLK_TCK)};
}

static void completes_a_record_of_one_who_lives(void) {
  struct trace_company own = company(1, "");
  struct pact_probe_record record = {.kind = PACT_PROBE_HOST_NAME, .pid = (unsigned)getpid()};
  CHECK(trace_complete_record(&own, now_ns(), &record));
  CHECK_EQUAL(record.uid, getuid());
  CHECK_EQUAL(record.parent_pid, getppid());
  CHECK(record.comm[0] != '\0');
  /* Who began after the event has only got its number. */
  record = (struct pact_probe_record){.kind = PACT_PROBE_HOST_NAME, .pid = (unsigned)getpid()};
  CHECK(trace_complete_record(&own, 1, &record));
  CHECK_EQUAL(record.uid, PACT_PROBE_UID_UNKNOWN);
}

static void leaves_out_the_agent(void) {
  struct trace_company own = company((unsigned)getpid(), "");
  struct pact_probe_record record = {.kind = PACT_PROBE_HOST_NAME, .pid = (unsigned)getpid()};
  CHECK(!trace_complete_record(&own, now_ns(), &record));
}

static void says_what_is_not_known_of_one_who_is_gone(void) {
  pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, NULL, 0);
  struct trace_company own = company(1, "");
  struct pact_probe_record record = {.kind = PACT_PROBE_EXEC, .pid = (unsigned)child};
  strcpy(record.text, "/usr/bin/a-program-of-a-long-name");
  CHECK(trace_complete_record(&own, now_ns(), &record));
  CHECK_EQUAL(record.uid, PACT_PROBE_UID_UNKNOWN);
  CHECK_EQUAL(strcmp(record.comm, "a-program-of-a-"), 0);
  record = (struct pact_probe_record){.kind = PACT_PROBE_EXIT, .pid = (unsigned)child};
  CHECK(!trace_complete_record(&own, now_ns(), &record));
}

const struct test process_tests[] = {
    {"the name of a program may have anything in it", reads_stat_with_any_name},
    {"what /proc says may be cut off anywhere", reads_texts_that_are_cut_off},
    {"the cgroup is that of the unified hierarchy", finds_the_unified_cgroup},
    {"OBS-11: a record has user, parent and name of a process that lives",
     completes_a_record_of_one_who_lives},
    {"OBS-11: what the agent does is left out", leaves_out_the_agent},
    {"OBS-12: of a process that is gone nothing is made up", says_what_is_not_known_of_one_who_is_gone},
    {NULL, NULL},
};
