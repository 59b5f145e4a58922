/* A private instance: its buffers, filters and choice of events are nobody else's, and nobody else's are
 * changed (Documentation/trace/ftrace.rst, "Instances"). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tracefs.h"

enum {
  FORMAT_BYTES = 16384,
  PATH_BYTES = 512,
  BUFFERS_KB = 4096, /* of all processors together, as far as the bounds of one allow */
  BUFFER_KB_MIN = 16,
  BUFFER_KB_MAX = 256,
  LOCK_TRIES = 100,
  TRY_NS = 50000000,
  SPARE_DESCRIPTORS = 64,
};
#define INSTANCE "instances/pact"

/* Held as long as this program or its keeper lives, so that no two work with the same instance. */
static int lock = -1;

static bool write_text(const char *root, const char *name, const char *text) {
  char path[PATH_BYTES];
  snprintf(path, sizeof path, "%s/%s", root, name);
  /* Not O_TRUNC: in `dynamic_events` that takes away what others have defined. */
  int file = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
  if (file < 0) return false;
  ssize_t written = write(file, text, strlen(text));
  int error = errno;
  close(file);
  errno = error;
  return written == (ssize_t)strlen(text);
}

static bool read_text(const char *root, const char *name, char text[FORMAT_BYTES]) {
  char path[PATH_BYTES];
  snprintf(path, sizeof path, "%s/%s", root, name);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  size_t filled = 0;
  ssize_t got = 0;
  while (filled < FORMAT_BYTES - 1) {
    got = read(file, text + filled, FORMAT_BYTES - 1 - filled);
    if (got <= 0) break;
    filled += (size_t)got;
  }
  close(file);
  text[filled] = '\0';
  return got == 0 && filled > 0;
}

static bool take_lock(const char *root, int tries) {
  char path[PATH_BYTES];
  snprintf(path, sizeof path, "%s/instances", root);
  lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock < 0) return false;
  const struct timespec pause = {.tv_nsec = TRY_NS};
  while (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK && --tries > 0 && nanosleep(&pause, NULL) == 0) continue;
    int error = errno;
    close(lock);
    lock = -1;
    errno = error == EWOULDBLOCK ? EBUSY : error;
    return false;
  }
  return true;
}

bool trace_remove_instance(const char *root) {
  char text[PATH_BYTES];
  snprintf(text, sizeof text, "%s/" INSTANCE, root);
  if (rmdir(text) != 0 && errno != ENOENT) return false;
  for (size_t number = 0; number < trace_probe_count; number++) {
    if (trace_probes[number].fetch == NULL) continue;
    snprintf(text, sizeof text, "-:pact/%s\n", trace_probes[number].name);
    write_text(root, "dynamic_events", text);
  }
  return true;
}

void trace_remove_leftovers(const char *root) {
  if (!take_lock(root, 1)) return;
  trace_remove_instance(root);
  close(lock);
  lock = -1;
}

/* An event that this kernel has not, or not with what is needed of it, stays out. */
static bool watch(const char *root, unsigned agent_pid, const struct trace_probe *probe,
                  struct trace_source *source) {
  char event[PATH_BYTES], name[PATH_BYTES], text[FORMAT_BYTES];
  if (probe->fetch != NULL) {
    snprintf(text, sizeof text, "e:pact/%s %s %s\n", probe->name, probe->event, probe->fetch);
    if (!write_text(root, "dynamic_events", text)) return false;
    snprintf(event, sizeof event, INSTANCE "/events/pact/%s", probe->name);
  } else {
    snprintf(event, sizeof event, INSTANCE "/events/%s", probe->event);
  }
  snprintf(name, sizeof name, "%.400s/format", event);
  if (!read_text(root, name, text) || !trace_parse_layout(text, probe->text, &source->layout)) {
    return false;
  }
  const char *own = probe->filter;
  snprintf(text, sizeof text, "common_pid != %u%s%s%s\n", agent_pid, own == NULL ? "" : " && (",
           own == NULL ? "" : own, own == NULL ? "" : ")");
  snprintf(name, sizeof name, "%.400s/filter", event);
  if (!write_text(root, name, text)) return false;
  snprintf(name, sizeof name, "%.400s/enable", event);
  if (!write_text(root, name, "1")) return false;
  source->id = source->layout.id;
  return true;
}

static bool open_pipes(const char *root, struct trace_instance *instance) {
  char path[PATH_BYTES];
  snprintf(path, sizeof path, "%s/" INSTANCE "/per_cpu", root);
  DIR *directory = opendir(path);
  if (directory == NULL) return false;
  instance->pipes = calloc(TRACE_CPUS_MAX, sizeof *instance->pipes);
  const struct dirent *entry;
  bool is_open = instance->pipes != NULL;
  while (is_open && (entry = readdir(directory)) != NULL) {
    if (strncmp(entry->d_name, "cpu", 3) != 0) continue;
    if (instance->pipe_count == TRACE_CPUS_MAX) {
      errno = E2BIG;
      is_open = false;
      break;
    }
    snprintf(path, sizeof path, "%s/" INSTANCE "/per_cpu/%.32s/trace_pipe_raw", root, entry->d_name);
    int pipe = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    is_open = pipe >= 0;
    if (is_open) instance->pipes[instance->pipe_count++] = pipe;
  }
  int error = errno;
  closedir(directory);
  errno = is_open && instance->pipe_count == 0 ? ENODEV : error;
  return is_open && instance->pipe_count > 0;
}

/* A descriptor for each processor. */
static void allow_descriptors(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  rlim_t wanted = TRACE_CPUS_MAX + SPARE_DESCRIPTORS;
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

static bool set_up_buffers(const char *root) {
  long processors = sysconf(_SC_NPROCESSORS_CONF);
  long kilobytes = BUFFERS_KB / (processors > 0 ? processors : 1);
  if (kilobytes > BUFFER_KB_MAX) kilobytes = BUFFER_KB_MAX;
  if (kilobytes < BUFFER_KB_MIN) kilobytes = BUFFER_KB_MIN;
  char text[32];
  snprintf(text, sizeof text, "%ld", kilobytes);
  if (!write_text(root, INSTANCE "/buffer_size_kb", text)) return false;
  /* As /proc tells when a process began. */
  if (!write_text(root, INSTANCE "/trace_clock", "boot")) return false;
  /* Wake at the first event and not when half the buffer is full; a kernel before 5.0 does. */
  write_text(root, INSTANCE "/buffer_percent", "0");
  /* Names of processes are not taken from the kernel's list: it need not be kept. */
  write_text(root, INSTANCE "/trace_options", "norecord-cmd");
  return true;
}

const char *trace_open_instance(const char *root, unsigned agent_pid, struct trace_instance *instance) {
  char path[PATH_BYTES], text[FORMAT_BYTES];
  struct stat space;
  /* /proc numbers processes as the events do only there (PROC_PID_INIT_INO). */
  static const ino_t FIRST_PID_NAMESPACE = 0xEFFFFFFC;
  if (stat("/proc/self/ns/pid", &space) != 0) return "no /proc";
  errno = 0;
  if (space.st_ino != FIRST_PID_NAMESPACE) return "not in the first PID namespace";
  if (!take_lock(root, LOCK_TRIES)) return "the instance cannot be locked";
  if (!trace_remove_instance(root)) return "an instance from before is in use";
  if (!read_text(root, "events/header_page", text)) return "no description of pages";
  errno = 0;
  if (!trace_parse_page_layout(text, &instance->page_layout)) return "unknown pages";
  if (!trace_leave_keeper(root)) return "no keeper";
  snprintf(path, sizeof path, "%s/" INSTANCE, root);
  if (mkdir(path, 0700) != 0) return "no instance";
  if (!set_up_buffers(root)) return "the buffers cannot be set up";
  unsigned watched = 0;
  for (size_t number = 0; number < trace_probe_count; number++) {
    if (watch(root, agent_pid, &trace_probes[number], &instance->sources[number])) watched++;
  }
  if (watched == 0) return "no event can be watched";
  allow_descriptors();
  return open_pipes(root, instance) ? NULL : "the events cannot be read";
}
