/*
 * The probes of OBS-10 by a tracefs instance of their own, where the kernel takes no BPF programs (OBS-12).
 * Everything is read in the kernel's binary form: in its text a file name with a line break could pass for
 * another event.
 */
#ifndef PACT_PROBE_TRACEFS_H
#define PACT_PROBE_TRACEFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../kernel/record.h"

enum {
  TRACE_PAGE_BYTES_MAX = 1 << 16,
  TRACE_PROBES_MAX = 32,
  TRACE_CPUS_MAX = 4096,
  TRACE_PROC_BYTES = 4096,
};

/* layout.c: what the kernel's `format` files promise. */
struct trace_field {
  unsigned offset, bytes; /* 0 bytes: there is none */
  bool is_location;       /* __data_loc: it says where the text lies */
};
struct trace_layout {
  unsigned id;
  struct trace_field pid, text;
};
struct trace_page_layout {
  struct trace_field time, commit, data;
};
bool trace_find_field(const char *format, const char *name, struct trace_field *found);
/* `text` NULL: the event has none. False when the format is not one that can be read. */
bool trace_parse_layout(const char *format, const char *text, struct trace_layout *layout);
bool trace_parse_page_layout(const char *format, struct trace_page_layout *layout);

/* page.c: the events of one page of a ring buffer. */
struct trace_page {
  const uint8_t *data;
  size_t bytes, at;
  uint64_t time_ns;
  bool has_lost; /* the kernel dropped events before this page */
};
struct trace_event {
  const uint8_t *data;
  size_t bytes;
  uint64_t time_ns;
};
bool trace_open_page(struct trace_page *page, const uint8_t *raw, size_t bytes,
                     const struct trace_page_layout *layout);
/* 1 with an event, 0 at the end, -1 where the page contradicts itself. */
int trace_next_event(struct trace_page *page, struct trace_event *event);

/* probes.c: which events are watched, and the record in one. */
struct trace_probe {
  unsigned kind;
  const char *name;   /* as the BPF program's */
  const char *event;  /* SYSTEM/EVENT */
  const char *filter; /* NULL: every one */
  const char *text;   /* its field with the record's text */
  /* The text is behind a pointer of a system call: an event probe fetches it. NULL: there is none. */
  const char *fetch;
};
extern const struct trace_probe trace_probes[];
extern const size_t trace_probe_count;
/* Kind, process and text; false for an event that does not keep to its layout. */
bool trace_fill_record(const struct trace_probe *probe, const struct trace_layout *layout,
                       const struct trace_event *event, struct pact_probe_record *record);

/* process.c: what an event does not say of its process, as /proc has it. */
struct trace_facts {
  unsigned pid; /* the process of a thread */
  unsigned uid, parent_pid;
  uint64_t start_ns; /* since boot, rounded down to a clock tick */
  char comm[PACT_PROBE_NAME_BYTES];
};
bool trace_parse_stat(const char *text, long ticks_per_second, struct trace_facts *facts);
bool trace_parse_status(const char *text, struct trace_facts *facts);
/* The path of the unified hierarchy in /proc/PID/cgroup, cut out in place; NULL: none. */
char *trace_parse_cgroup(char *text);
struct trace_company {
  unsigned agent_pid;
  const char *cgroup_root;     /* /sys/fs/cgroup */
  const char *workload_cgroup; /* below it, with its slash; "": there is none */
  long ticks_per_second;
};
/* Completes a record from /proc; false when it is left out (OBS-11) or is no process. */
bool trace_complete_record(const struct trace_company *company, uint64_t time_ns,
                           struct pact_probe_record *record);

/* instance.c: the instance, from its making to its removal. */
struct trace_source {
  unsigned id; /* 0: not watched */
  struct trace_layout layout;
};
struct trace_instance {
  struct trace_page_layout page_layout;
  struct trace_source sources[TRACE_PROBES_MAX]; /* beside trace_probes */
  int *pipes;
  size_t pipe_count;
};
/* `root` is a mounted tracefs. NULL, or what failed, with errno where that says why. */
const char *trace_open_instance(const char *root, unsigned agent_pid, struct trace_instance *instance);
/* Takes away what a killed predecessor left; what a living one uses stays. */
void trace_remove_leftovers(const char *root);

/* keeper.c: who removes the instance when this program ends, in whatever way. */
bool trace_leave_keeper(const char *root);
/* Removes the instance and its event probes; false while somebody uses it. */
bool trace_remove_instance(const char *root);

/* reader.c */
typedef void trace_teller(const struct pact_probe_record *record);
/* Waits for events and tells of them; false with errno when they cannot be read any more. */
bool trace_read(const struct trace_instance *instance, const struct trace_company *company,
                int timeout_ms, trace_teller *tell);

#endif
