/*
 * pact-probe AGENT_PID WORKLOAD_CGROUP: puts the probes of OBS-10 in place and writes what they see on its
 * output, as records of record.h. It needs root to begin with and nothing at all afterwards. It ends when
 * nobody reads, or with the process that started it; exit status 1 with a line on standard error says why
 * there can be no probes here.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/record.h"

enum { POLL_MS = 1000, NOBODY = 65534, MAX_PROBES = 32 };

/* The kernel's part, as compiled. */
__asm__(".section .rodata\n"
        ".balign 8\n"
        "probe_object:\n"
        ".incbin \"" PROBE_OBJECT "\"\n"
        "probe_object_end:\n"
        ".byte 0\n"
        ".previous\n");
extern const char probe_object[], probe_object_end[];

static char last_said[256];

/* libbpf says much; the last warning is the reason that is told. */
static int keep_warning(enum libbpf_print_level level, const char *format, va_list arguments) {
  if (level == LIBBPF_WARN) vsnprintf(last_said, sizeof last_said, format, arguments);
  return 0;
}

static int fail(const char *what, int error) {
  char *end = strchr(last_said, '\n');
  if (end != NULL) *end = '\0';
  fprintf(stderr, "%s: %s%s%s\n", what, strerror(error), last_said[0] ? ": " : "", last_said);
  return 1;
}

static void write_record(const struct pact_probe_record *record) {
  /* Shorter than PIPE_BUF, so whole or not at all. Nobody reads any more: that is the end. */
  ssize_t written;
  do {
    written = write(STDOUT_FILENO, record, sizeof *record);
  } while (written < 0 && errno == EINTR);
  if (written != (ssize_t)sizeof *record) exit(0);
}

static void say(unsigned kind, const char *text) {
  struct pact_probe_record record = {.kind = kind};
  snprintf(record.text, sizeof record.text, "%s", text);
  write_record(&record);
}

/* Of cgroups only pact's own are of interest, where others have no business (OBS-10). */
static int on_record(void *context, void *data, size_t bytes) {
  (void)context;
  const struct pact_probe_record *record = data;
  if (bytes < sizeof *record) return 0;
  static const char OWN[] = "/pact.slice";
  int is_cgroup = record->kind >= PACT_PROBE_CGROUP_MAKE && record->kind <= PACT_PROBE_CGROUP_ATTACH;
  if (!is_cgroup || strncmp(record->text, OWN, sizeof OWN - 1) == 0) write_record(record);
  return 0;
}

/* The object with only the chosen probes, loaded; NULL with errno set when it cannot be. */
static struct bpf_object *load(unsigned chosen) {
  size_t bytes = (size_t)(probe_object_end - probe_object);
  struct bpf_object *object = bpf_object__open_mem(probe_object, bytes, NULL);
  if (object == NULL) return NULL;
  struct bpf_program *program;
  unsigned number = 0;
  bpf_object__for_each_program(program, object) {
    bpf_program__set_autoload(program, (chosen >> number++ & 1) != 0);
  }
  int error = bpf_object__load(object);
  if (error == 0) return object;
  bpf_object__close(object);
  errno = -error;
  return NULL;
}

/* A kernel that lacks one probe refuses the object: then each is tried alone. */
static struct bpf_object *load_what_can_be(void) {
  struct bpf_object *object = load(~0u);
  if (object != NULL) return object;
  int error = errno;
  unsigned chosen = 0;
  for (unsigned number = 0; number < MAX_PROBES; number++) {
    struct bpf_object *alone = load(1u << number);
    if (alone == NULL) continue;
    chosen |= 1u << number;
    bpf_object__close(alone);
  }
  errno = error;
  return chosen == 0 ? NULL : load(chosen);
}

static unsigned attach(struct bpf_object *object) {
  unsigned attached = 0;
  struct bpf_program *program;
  bpf_object__for_each_program(program, object) {
    /* It stays attached until this program ends. */
    if (bpf_program__autoload(program) && bpf_program__attach(program) != NULL) attached++;
    else say(PACT_PROBE_MISSING, bpf_program__name(program));
  }
  return attached;
}

/* Tracepoints are found in tracefs. Where it is not mounted it is for this program alone. */
static int see_tracepoints(void) {
  if (access("/sys/kernel/tracing/events", F_OK) == 0) return 0;
  if (access("/sys/kernel/debug/tracing/events", F_OK) == 0) return 0;
  if (unshare(CLONE_NEWNS) != 0) return -1;
  if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return -1;
  unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  return mount("tracefs", "/sys/kernel/tracing", "tracefs", flags, NULL);
}

/* What is left needs no right of any kind. */
static int give_up_rights(void) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  if (setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0) return -1;
  return setresuid(NOBODY, NOBODY, NOBODY);
}

/* The counter that the kernel's part keeps. */
static unsigned long long lost_so_far(int counter) {
  unsigned long long lost = 0;
  const unsigned key = 0;
  bpf_map_lookup_elem(counter, &key, &lost);
  return lost;
}

int main(int count, char **arguments) {
  if (count != 3) {
    fprintf(stderr, "usage: pact-probe AGENT_PID WORKLOAD_CGROUP\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  libbpf_set_print(keep_warning);
  struct pact_probe_settings settings = {.agent_pid = strtoul(arguments[1], NULL, 10)};
  struct stat workload;
  if (stat(arguments[2], &workload) == 0) settings.workload_cgroup_id = workload.st_ino;
  pid_t parent = getppid();

  if (see_tracepoints() != 0) return fail("no tracepoints", errno);
  struct bpf_object *object = load_what_can_be();
  if (object == NULL) return fail("the kernel takes no probes", errno);
  const unsigned key = 0;
  int given = bpf_object__find_map_fd_by_name(object, "settings");
  if (bpf_map_update_elem(given, &key, &settings, BPF_ANY) != 0) return fail("settings", errno);
  int records = bpf_object__find_map_fd_by_name(object, "records");
  struct ring_buffer *ring = records < 0 ? NULL : ring_buffer__new(records, on_record, NULL, NULL);
  if (ring == NULL) return fail("no ring buffer", errno);
  if (attach(object) == 0) return fail("no probe can be attached", errno);
  int counter = bpf_object__find_map_fd_by_name(object, "lost");
  if (give_up_rights() != 0) return fail("rights cannot be given up", errno);
  say(PACT_PROBE_READY, "");

  unsigned long long lost = 0;
  /* Ends with its parent, or by write_record when nobody reads. */
  for (;;) {
    int got = ring_buffer__poll(ring, POLL_MS);
    if (got < 0 && got != -EINTR) return fail("ring buffer", -got);
    if (getppid() != parent) return 0;
    unsigned long long now = lost_so_far(counter);
    if (now == lost) continue;
    lost = now;
    say(PACT_PROBE_LOST, "");
  }
}
