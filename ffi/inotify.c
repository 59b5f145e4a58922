/* inotify(7): an instance is watched through the epoll of events.c. */
#include <errno.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "pact_shim.h"

int32_t pact_shim_inotify_open(void) {
  int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

int32_t pact_shim_inotify_add(int32_t inotify_fd, const char *path, uint32_t mask) {
  if (path == NULL) return -EFAULT;
  int watch = inotify_add_watch(inotify_fd, path, mask);
  return watch < 0 ? -errno : watch;
}

int32_t pact_shim_inotify_remove(int32_t inotify_fd, int32_t watch) {
  return inotify_rm_watch(inotify_fd, watch) < 0 ? -errno : 0;
}

int32_t pact_shim_inotify_read(int32_t inotify_fd, uint8_t *buffer, uint32_t capacity) {
  ssize_t got;
  do {
    got = read(inotify_fd, buffer, capacity);
  } while (got < 0 && errno == EINTR);
  if (got >= 0) return (int32_t)got;
  return errno == EAGAIN ? 0 : -errno;
}
