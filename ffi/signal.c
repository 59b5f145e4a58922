/* Signals to processes, by pid where there is no pidfd. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "kernel.h"
#include "pact_shim.h"

int32_t pact_shim_pidfd_open(int32_t pid) {
  long fd = syscall(SYS_pidfd_open, pid, 0u);
  return fd < 0 ? -errno : (int32_t)fd;
}

int32_t pact_shim_pidfd_signal(int32_t pidfd, int32_t signal) {
  return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0u) < 0 ? -errno : 0;
}

int32_t pact_shim_pidfd_alive(int32_t pidfd) {
  struct pollfd watched = {.fd = pidfd, .events = POLLIN};
  int ready;
  do {
    ready = poll(&watched, 1, 0);
  } while (ready < 0 && errno == EINTR);
  if (ready < 0) return -errno;
  if (watched.revents & POLLNVAL) return -EBADF;
  return ready == 0;
}

int32_t pact_shim_kill(int32_t pid, int32_t signal) {
  if (pid < 2) return -EINVAL;
  return kill(pid, signal) < 0 ? -errno : 0;
}

int32_t pact_shim_kill_group(int32_t process_group, int32_t signal) {
  if (process_group < 2) return -EINVAL;
  return killpg(process_group, signal) < 0 ? -errno : 0;
}
