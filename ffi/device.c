/* A device that answers commands: the TPM's resource manager. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

/* The descriptor of a character device, or a negative errno. */
static int open_device(const char *path) {
  int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
  if (fd < 0) return -errno;
  struct stat status;
  int error = fstat(fd, &status) != 0 ? errno : S_ISCHR(status.st_mode) ? 0 : EOPNOTSUPP;
  if (error == 0) return fd;
  close(fd);
  return -error;
}

/* Waits until the device has an answer: 0, -ETIMEDOUT or another negative errno. */
static int wait_for_answer(int fd, int32_t timeout_ms) {
  struct pollfd polled = {.fd = fd, .events = POLLIN};
  int ready;
  do ready = poll(&polled, 1, timeout_ms);
  while (ready < 0 && errno == EINTR); /* ends: signals that interrupt are few */
  if (ready < 0) return -errno;
  return ready == 0 ? -ETIMEDOUT : 0;
}

int32_t pact_shim_device_exchange(const char *path, const uint8_t *command, uint32_t command_count,
                                  uint8_t *answer, uint32_t capacity, int32_t timeout_ms) {
  if (path == NULL || command == NULL || answer == NULL) return -EFAULT;
  if (command_count == 0 || capacity == 0 || timeout_ms < 0) return -EINVAL;
  int fd = open_device(path);
  if (fd < 0) return fd;
  int32_t result;
  ssize_t written = write(fd, command, command_count);
  if (written < 0) result = -errno;
  else if ((uint32_t)written != command_count) result = -EIO;
  else result = wait_for_answer(fd, timeout_ms);
  if (result == 0) {
    ssize_t got = read(fd, answer, capacity);
    result = got < 0 ? -errno : (int32_t)got;
  }
  close(fd);
  return result;
}
