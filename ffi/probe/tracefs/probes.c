/* The table of OBS-10 in tracefs's terms: the same events as ../kernel/probe.bpf.c watches. */
#include <string.h>

#include "tracefs.h"

/* CLONE_NEWNET */
#define NETWORK "1073741824"
#define CALL "syscalls/sys_enter_"

const struct trace_probe trace_probes[] = {
    {PACT_PROBE_EXEC, "process_exec", "sched/sched_process_exec", NULL, "filename", NULL},
    {PACT_PROBE_EXIT, "process_exit", "sched/sched_process_exit", NULL, NULL, NULL},
    {PACT_PROBE_MOUNT, "call_mount", CALL "mount", NULL, "text", "text=+0($dir_name):ustring"},
    {PACT_PROBE_MOUNT, "call_move_mount", CALL "move_mount", NULL, "text",
     "text=+0($to_pathname):ustring"},
    {PACT_PROBE_UMOUNT, "call_umount", CALL "umount", NULL, "text", "text=+0($name):ustring"},
    {PACT_PROBE_HOST_NAME, "call_sethostname", CALL "sethostname", NULL, NULL, NULL},
    {PACT_PROBE_DOMAIN_NAME, "call_setdomainname", CALL "setdomainname", NULL, NULL, NULL},
    {PACT_PROBE_NETWORK_NAMESPACE, "call_unshare", CALL "unshare", "unshare_flags & " NETWORK, NULL,
     NULL},
    {PACT_PROBE_NETWORK_NAMESPACE, "call_setns", CALL "setns", "flags & " NETWORK, NULL, NULL},
    /* O_WRONLY or O_RDWR: reading changes nothing. */
    {PACT_PROBE_SYSCTL, "call_openat", CALL "openat", "mode & 3 && text ~ \"/proc/sys/*\"", "text",
     "text=+0($filename):ustring mode=$flags:u64"},
    {PACT_PROBE_MODULE_LOAD, "module_loaded", "module/module_load", NULL, "name", NULL},
    {PACT_PROBE_MODULE_FREE, "module_freed", "module/module_free", NULL, "name", NULL},
    /* Of cgroups only pact's own are of interest, where others have no business. */
    {PACT_PROBE_CGROUP_MAKE, "cgroup_made", "cgroup/cgroup_mkdir", "path ~ \"/pact.slice*\"", "path",
     NULL},
    {PACT_PROBE_CGROUP_REMOVE, "cgroup_removed", "cgroup/cgroup_rmdir", "path ~ \"/pact.slice*\"",
     "path", NULL},
    {PACT_PROBE_CGROUP_ATTACH, "cgroup_attached", "cgroup/cgroup_attach_task",
     "dst_path ~ \"/pact.slice*\"", "dst_path", NULL},
};
const size_t trace_probe_count = sizeof trace_probes / sizeof *trace_probes;
_Static_assert(sizeof trace_probes / sizeof *trace_probes <= TRACE_PROBES_MAX, "room for every probe");

static const char SYSCTL_ROOT[] = "/proc/sys/";

static bool fill_text(const struct trace_field *field, const struct trace_event *event,
                      struct pact_probe_record *record) {
  uint32_t location;
  memcpy(&location, event->data + field->offset, sizeof location);
  size_t offset = location & 0xffff, bytes = location >> 16;
  if (offset > event->bytes || bytes > event->bytes - offset) return false;
  const char *text = (const char *)event->data + offset;
  size_t skipped = 0;
  if (record->kind == PACT_PROBE_SYSCTL) {
    skipped = sizeof SYSCTL_ROOT - 1;
    if (bytes < skipped || memcmp(text, SYSCTL_ROOT, skipped) != 0) return false;
  }
  size_t shown = strnlen(text + skipped, bytes - skipped);
  if (shown > sizeof record->text - 1) shown = sizeof record->text - 1;
  memcpy(record->text, text + skipped, shown);
  return true;
}

bool trace_fill_record(const struct trace_probe *probe, const struct trace_layout *layout,
                       const struct trace_event *event, struct pact_probe_record *record) {
  *record = (struct pact_probe_record){.kind = probe->kind};
  if (event->bytes < layout->pid.offset + layout->pid.bytes) return false;
  memcpy(&record->pid, event->data + layout->pid.offset, sizeof record->pid);
  if (layout->text.bytes == 0) return true;
  if (event->bytes < layout->text.offset + layout->text.bytes) return false;
  return fill_text(&layout->text, event, record);
}
