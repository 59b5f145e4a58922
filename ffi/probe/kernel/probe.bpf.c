/* The kernel's part of pact-probe (OBS-10): at each probe a record of what is done and by whom goes into a
 * ring buffer. What the agent and workload.slice do is left out here (OBS-11). */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "record.h"

#define FIELDS __attribute__((preserve_access_index))
#define CLONE_NEWNET 0x40000000

char LICENSE[] SEC("license") = "GPL";

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct pact_probe_settings);
} settings SEC(".maps");

/* How many records found no room. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64);
} lost SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 1 << 20);
} records SEC(".maps");

/* As much of the kernel's structures as is read; their layout is taken from the running kernel. */
struct task_struct {
  int pid;
  int tgid;
  struct task_struct *real_parent;
  struct task_struct *group_leader;
  char comm[16];
} FIELDS;

struct trace_event_raw_cgroup {
  __u32 __data_loc_path;
} FIELDS;

struct trace_event_raw_cgroup_migrate {
  __u32 __data_loc_dst_path;
} FIELDS;

/* Tracepoints of system calls have one layout on all 64-bit kernels. */
struct system_call {
  __u64 common;
  __s64 number;
  __u64 arguments[6];
};

struct process_exec {
  __u64 common;
  __u32 filename_location;
};

struct module_load {
  __u64 common;
  __u32 taints;
  __u32 name_location;
};

struct module_free {
  __u64 common;
  __u32 name_location;
};

static __always_inline int is_left_out(void) {
  __u32 key = 0;
  const struct pact_probe_settings *given = bpf_map_lookup_elem(&settings, &key);
  if (given == NULL) return 1;
  if (bpf_get_current_pid_tgid() >> 32 == given->agent_pid) return 1;
  __u64 workload = given->workload_cgroup_id;
  return workload != 0 && bpf_get_current_ancestor_cgroup_id(1) == workload;
}

static __always_inline void name_parents(struct pact_probe_record *record) {
  struct task_struct *task = (struct task_struct *)bpf_get_current_task();
  struct task_struct *parent = BPF_CORE_READ(task, real_parent);
  record->parent_pid = BPF_CORE_READ(parent, tgid);
#pragma unroll
  for (int above = 0; above < PACT_PROBE_PARENTS; above++) {
    if (BPF_CORE_READ(parent, tgid) <= 1) return;
    /* A thread may have any name; its process has its leader's. */
    BPF_CORE_READ_STR_INTO(&record->parents[above], parent, group_leader, comm);
    parent = BPF_CORE_READ(parent, real_parent);
  }
}

/* A record of this kind by the current process, or NULL; it must be submitted. */
static __always_inline struct pact_probe_record *begin(__u32 kind) {
  if (is_left_out()) return NULL;
  struct pact_probe_record *record = bpf_ringbuf_reserve(&records, sizeof *record, 0);
  if (record == NULL) {
    __u32 key = 0;
    __u64 *count = bpf_map_lookup_elem(&lost, &key);
    if (count != NULL) __sync_fetch_and_add(count, 1);
    return NULL;
  }
  __builtin_memset(record, 0, sizeof *record);
  record->kind = kind;
  record->pid = bpf_get_current_pid_tgid() >> 32;
  record->uid = (__u32)bpf_get_current_uid_gid();
  record->cgroup_id = bpf_get_current_cgroup_id();
  bpf_get_current_comm(record->comm, sizeof record->comm);
  name_parents(record);
  return record;
}

static __always_inline int tell(__u32 kind) {
  struct pact_probe_record *record = begin(kind);
  if (record != NULL) bpf_ringbuf_submit(record, 0);
  return 0;
}

static __always_inline int tell_user_text(__u32 kind, __u64 text) {
  struct pact_probe_record *record = begin(kind);
  if (record == NULL) return 0;
  bpf_probe_read_user_str(record->text, sizeof record->text, (const void *)text);
  bpf_ringbuf_submit(record, 0);
  return 0;
}

/* `location` is a tracepoint's __data_loc: where the text lies, from the beginning of its fields. */
static __always_inline int tell_text(__u32 kind, void *fields, __u32 location) {
  struct pact_probe_record *record = begin(kind);
  if (record == NULL) return 0;
  bpf_probe_read_kernel_str(record->text, sizeof record->text, fields + (location & 0xffff));
  bpf_ringbuf_submit(record, 0);
  return 0;
}

SEC("tracepoint/sched/sched_process_exec")
int process_exec(struct process_exec *fields) {
  return tell_text(PACT_PROBE_EXEC, fields, fields->filename_location);
}

SEC("tracepoint/sched/sched_process_exit")
int process_exit(void *fields) {
  __u64 ids = bpf_get_current_pid_tgid();
  return ids >> 32 == (__u32)ids ? tell(PACT_PROBE_EXIT) : 0;
}

SEC("tracepoint/syscalls/sys_enter_mount")
int call_mount(struct system_call *call) {
  return tell_user_text(PACT_PROBE_MOUNT, call->arguments[1]);
}

SEC("tracepoint/syscalls/sys_enter_move_mount")
int call_move_mount(struct system_call *call) {
  return tell_user_text(PACT_PROBE_MOUNT, call->arguments[3]);
}

SEC("tracepoint/syscalls/sys_enter_umount")
int call_umount(struct system_call *call) {
  return tell_user_text(PACT_PROBE_UMOUNT, call->arguments[0]);
}

SEC("tracepoint/syscalls/sys_enter_sethostname")
int call_sethostname(struct system_call *call) {
  return tell(PACT_PROBE_HOST_NAME);
}

SEC("tracepoint/syscalls/sys_enter_setdomainname")
int call_setdomainname(struct system_call *call) {
  return tell(PACT_PROBE_DOMAIN_NAME);
}

SEC("tracepoint/syscalls/sys_enter_unshare")
int call_unshare(struct system_call *call) {
  return call->arguments[0] & CLONE_NEWNET ? tell(PACT_PROBE_NETWORK_NAMESPACE) : 0;
}

SEC("tracepoint/syscalls/sys_enter_setns")
int call_setns(struct system_call *call) {
  return call->arguments[1] & CLONE_NEWNET ? tell(PACT_PROBE_NETWORK_NAMESPACE) : 0;
}

SEC("tracepoint/syscalls/sys_enter_openat")
int call_openat(struct system_call *call) {
  const char wanted[] = "/proc/sys/";
  char seen[sizeof wanted];
  /* O_WRONLY or O_RDWR: reading changes nothing. */
  if ((call->arguments[2] & 3) == 0) return 0;
  const void *path = (const void *)call->arguments[1];
  if (bpf_probe_read_user(seen, sizeof wanted - 1, path) != 0) return 0;
#pragma unroll
  for (__u32 at = 0; at < sizeof wanted - 1; at++) {
    if (seen[at] != wanted[at]) return 0;
  }
  return tell_user_text(PACT_PROBE_SYSCTL, call->arguments[1] + sizeof wanted - 1);
}

SEC("tracepoint/module/module_load")
int module_loaded(struct module_load *fields) {
  return tell_text(PACT_PROBE_MODULE_LOAD, fields, fields->name_location);
}

SEC("tracepoint/module/module_free")
int module_freed(struct module_free *fields) {
  return tell_text(PACT_PROBE_MODULE_FREE, fields, fields->name_location);
}

SEC("tracepoint/cgroup/cgroup_mkdir")
int cgroup_made(struct trace_event_raw_cgroup *fields) {
  return tell_text(PACT_PROBE_CGROUP_MAKE, fields, fields->__data_loc_path);
}

SEC("tracepoint/cgroup/cgroup_rmdir")
int cgroup_removed(struct trace_event_raw_cgroup *fields) {
  return tell_text(PACT_PROBE_CGROUP_REMOVE, fields, fields->__data_loc_path);
}

SEC("tracepoint/cgroup/cgroup_attach_task")
int cgroup_attached(struct trace_event_raw_cgroup_migrate *fields) {
  return tell_text(PACT_PROBE_CGROUP_ATTACH, fields, fields->__data_loc_dst_path);
}
