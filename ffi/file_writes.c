/* fanotify(7) in its older form, which needs nothing of a file system: writes in directories, each with
 * the process that closed the file and its path. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include "pact_shim.h"

enum { EVENTS_PER_READ = 16, RECORD_HEADER_BYTES = 8 };

_Static_assert(PACT_FILE_WRITES_CAPACITY == EVENTS_PER_READ * (RECORD_HEADER_BYTES + PATH_MAX),
               "every event of a read must fit");

int32_t pact_shim_file_writes_open(void) {
  int flags = O_RDONLY | O_CLOEXEC | O_LARGEFILE | O_NONBLOCK;
  int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK, (unsigned)flags);
  return fd < 0 ? -errno : fd;
}

int32_t pact_shim_file_writes_mark(int32_t fd, const char *directory, int32_t on) {
  if (directory == NULL) return -EFAULT;
  unsigned flags = on ? FAN_MARK_ADD : FAN_MARK_REMOVE;
  flags |= FAN_MARK_ONLYDIR | FAN_MARK_DONT_FOLLOW;
  uint64_t mask = FAN_CLOSE_WRITE | FAN_EVENT_ON_CHILD;
  return fanotify_mark(fd, flags, mask, AT_FDCWD, directory) != 0 ? -errno : 0;
}

/* Writes one record; the file of the event is closed. */
static uint32_t put_record(const struct fanotify_event_metadata *event, uint8_t *record) {
  uint32_t path_bytes = 0;
  if (event->fd >= 0) {
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", event->fd);
    ssize_t got = readlink(link, (char *)record + RECORD_HEADER_BYTES, PATH_MAX);
    close(event->fd);
    /* A path that is cut short or hidden names nothing. */
    if (got <= 0 || got == PATH_MAX) return 0;
    path_bytes = (uint32_t)got;
  }
  const int32_t pid = event->pid;
  memcpy(record, &pid, sizeof pid);
  memcpy(record + sizeof pid, &path_bytes, sizeof path_bytes);
  return RECORD_HEADER_BYTES + path_bytes;
}

int32_t pact_shim_file_writes_read(int32_t fd, uint8_t *buffer, uint32_t capacity) {
  if (buffer == NULL) return -EFAULT;
  if (capacity < PACT_FILE_WRITES_CAPACITY) return -EINVAL;
  struct fanotify_event_metadata events[EVENTS_PER_READ];
  ssize_t got;
  do {
    got = read(fd, events, sizeof events);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return errno == EAGAIN ? 0 : -errno;
  uint32_t used = 0;
  for (size_t at = 0; at < (size_t)got / sizeof *events; at++) {
    used += put_record(&events[at], buffer + used);
  }
  return (int32_t)used;
}
