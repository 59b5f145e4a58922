/* What pact-probe writes on its output: records of one size, in host order. The kernel part, the program
 * and agent/observer/probe_record.ts agree on it. */
#ifndef PACT_PROBE_RECORD_H
#define PACT_PROBE_RECORD_H

enum pact_probe_kind {
  PACT_PROBE_READY = 1,   /* every probe that can be is in place */
  PACT_PROBE_MISSING = 2, /* text: the name of a probe that cannot be */
  PACT_PROBE_LOST = 3,    /* records were dropped before this one */
  PACT_PROBE_TRACEFS = 4, /* text: why there are no BPF programs; tracefs is used in place of them */
  PACT_PROBE_EXEC = 10,   /* text: the program's path as it was given */
  PACT_PROBE_EXIT = 11,   /* a process, not a thread */
  PACT_PROBE_MOUNT = 20,  /* text: the mount point as it was given; asked for, not yet done */
  PACT_PROBE_UMOUNT = 21,
  PACT_PROBE_HOST_NAME = 22,
  PACT_PROBE_DOMAIN_NAME = 23,
  PACT_PROBE_SYSCTL = 24, /* text: the path below /proc/sys */
  PACT_PROBE_MODULE_LOAD = 25,
  PACT_PROBE_MODULE_FREE = 26,
  PACT_PROBE_NETWORK_NAMESPACE = 27,
  PACT_PROBE_CGROUP_MAKE = 28, /* text: the path of the cgroup */
  PACT_PROBE_CGROUP_REMOVE = 29,
  PACT_PROBE_CGROUP_ATTACH = 30
};

#define PACT_PROBE_NAME_BYTES 16
#define PACT_PROBE_PARENTS 4
#define PACT_PROBE_TEXT_BYTES 256
/* Of a process that was gone when it was looked at; 0 in parent_pid and cgroup_id and "" in comm then. */
#define PACT_PROBE_UID_UNKNOWN 0xffffffffu

struct pact_probe_record {
  unsigned int kind;            /*  0 */
  unsigned int pid;             /*  4: the process, in the first PID namespace */
  unsigned int uid;             /*  8 */
  unsigned int parent_pid;      /* 12 */
  unsigned long long cgroup_id; /* 16 */
  char comm[PACT_PROBE_NAME_BYTES];                        /*  24 */
  char parents[PACT_PROBE_PARENTS][PACT_PROBE_NAME_BYTES]; /*  40: the parent first */
  char text[PACT_PROBE_TEXT_BYTES];                        /* 104 */
};

/* The only entry of the map `settings`, there before a probe is attached. */
struct pact_probe_settings {
  unsigned long long agent_pid;
  unsigned long long workload_cgroup_id; /* 0: there is none */
};

_Static_assert(sizeof(struct pact_probe_record) == 360, "the agent reads records of 360 bytes");

#endif
