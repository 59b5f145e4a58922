/* The probes as BPF programs (kernel/probe.bpf.c), by libbpf. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "probe.h"

enum { MAX_PROBES = 32 };

/* The kernel's part, as compiled. */
__asm__(".section .rodata\n"
        ".balign 8\n"
        "probe_object:\n"
        ".incbin \"" PROBE_OBJECT "\"\n"
        "probe_object_end:\n"
        ".byte 0\n"
        ".previous\n");
extern const char probe_object[], probe_object_end[];

static char last_said[128];
static struct ring_buffer *ring;
static int counter;
static unsigned long long lost;

/* libbpf says much; the last warning is the reason that is told. */
static int keep_warning(enum libbpf_print_level level, const char *format, va_list arguments) {
  if (level == LIBBPF_WARN) vsnprintf(last_said, sizeof last_said, format, arguments);
  return 0;
}

static bool fail(char reason[REASON_BYTES], const char *what, int error) {
  last_said[strcspn(last_said, "\n")] = '\0';
  const char *colon = last_said[0] == '\0' ? "" : ": ";
  snprintf(reason, REASON_BYTES, "%s: %s%s%s", what, strerror(error), colon, last_said);
  return false;
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
  /* A name of its own makes the same failure read the same each time. */
  LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "pact_probe");
  struct bpf_object *object = bpf_object__open_mem(probe_object, bytes, &options);
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

/* The counter that the kernel's part keeps. */
static unsigned long long lost_so_far(void) {
  unsigned long long count = 0;
  const unsigned key = 0;
  bpf_map_lookup_elem(counter, &key, &count);
  return count;
}

bool bpf_open(const struct pact_probe_settings *settings, char reason[REASON_BYTES]) {
  libbpf_set_print(keep_warning);
  struct bpf_object *object = load_what_can_be();
  if (object == NULL) return fail(reason, "the kernel takes no probes", errno);
  const unsigned key = 0;
  int given = bpf_object__find_map_fd_by_name(object, "settings");
  if (bpf_map_update_elem(given, &key, settings, BPF_ANY) != 0) return fail(reason, "settings", errno);
  int records = bpf_object__find_map_fd_by_name(object, "records");
  ring = records < 0 ? NULL : ring_buffer__new(records, on_record, NULL, NULL);
  if (ring == NULL) return fail(reason, "no ring buffer", errno);
  if (attach(object) == 0) return fail(reason, "no probe can be attached", errno);
  counter = bpf_object__find_map_fd_by_name(object, "lost");
  return true;
}

bool bpf_read(int timeout_ms) {
  int got = ring_buffer__poll(ring, timeout_ms);
  if (got < 0 && got != -EINTR) {
    errno = -got;
    return false;
  }
  unsigned long long now = lost_so_far();
  if (now != lost) say(PACT_PROBE_LOST, "");
  lost = now;
  return true;
}
