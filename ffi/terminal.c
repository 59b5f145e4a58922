/* Pseudo terminals: our end of one, and what can be done with it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "pact_shim.h"

int32_t pact_shim_duplicate(int32_t fd) {
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  return copy < 0 ? -errno : copy;
}

int32_t pact_shim_terminal_resize(int32_t fd, uint32_t rows, uint32_t columns) {
  if (rows < 1 || rows > 65535 || columns < 1 || columns > 65535) return -EINVAL;
  struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
  return ioctl(fd, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}

/* The program's end by our end: never by a path, which another mount namespace may have hidden. */
static int open_program_end(int fd) {
  if (grantpt(fd) != 0 || unlockpt(fd) != 0) return -errno;
  int program_end = ioctl(fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  return program_end < 0 ? -errno : program_end;
}

int32_t pact_shim_terminal_open(uint32_t rows, uint32_t columns, int32_t *program_end) {
  if (program_end == NULL) return -EFAULT;
  int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return -errno;
  int failed = pact_shim_terminal_resize(fd, rows, columns);
  int opened = failed < 0 ? failed : open_program_end(fd);
  if (opened < 0) {
    close(fd);
    return opened;
  }
  *program_end = opened;
  return fd;
}

int32_t pact_shim_terminal_read(int32_t fd, uint8_t *buffer, uint32_t capacity) {
  if (buffer == NULL) return -EFAULT;
  if (capacity == 0 || capacity > INT32_MAX) return -EINVAL;
  ssize_t got;
  do {
    got = read(fd, buffer, capacity);
  } while (got < 0 && errno == EINTR);
  if (got >= 0) return (int32_t)got;
  /* How the kernel says that the last program closed its end (pty(7)). */
  return errno == EIO ? 0 : -errno;
}

int32_t pact_shim_terminal_write(int32_t fd, const uint8_t *bytes, uint32_t byte_count) {
  if (bytes == NULL) return -EFAULT;
  if (byte_count == 0 || byte_count > INT32_MAX) return -EINVAL;
  ssize_t taken;
  do {
    taken = write(fd, bytes, byte_count);
  } while (taken < 0 && errno == EINTR);
  if (taken > 0) return (int32_t)taken;
  if (taken == 0) return -EAGAIN;
  return errno == EIO ? 0 : -errno;
}

int32_t pact_shim_terminal_signal(int32_t fd, int32_t signal) {
  pid_t group = 0;
  if (ioctl(fd, TIOCGPGRP, &group) != 0) return errno == ENOTTY ? -ESRCH : -errno;
  if (group <= 1) return -ESRCH;
  return kill(-group, signal) < 0 ? -errno : 0;
}
