/* Named pipes: the output of programs that are to outlive whoever reads it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

/* The descriptor if it is a pipe of this user, else closed with a negative errno. */
static int checked(int fd) {
  struct stat status;
  int error = 0;
  if (fstat(fd, &status) != 0) error = errno;
  else if (!S_ISFIFO(status.st_mode)) error = EOPNOTSUPP;
  else if (status.st_uid != geteuid()) error = EPERM;
  if (error == 0) return fd;
  close(fd);
  return -error;
}

int32_t pact_shim_pipe_write(int32_t fd, const uint8_t *bytes, uint32_t byte_count) {
  if (bytes == NULL) return -EFAULT;
  if (byte_count == 0 || byte_count > PIPE_BUF) return -EINVAL;
  struct stat status;
  if (fstat(fd, &status) != 0) return -errno;
  if (!S_ISFIFO(status.st_mode)) return -EOPNOTSUPP;
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) return -errno;
  return write(fd, bytes, byte_count) < 0 ? -errno : 0;
}

int32_t pact_shim_fifo_open(const char *path, uint32_t mode, int32_t reading) {
  if (path == NULL) return -EFAULT;
  if (mode > 0777) return -EINVAL;
  const char *name;
  int directory_fd = open_parent(path, &name);
  if (directory_fd < 0) return directory_fd;
  int result = 0;
  if (mkfifoat(directory_fd, name, (mode_t)mode) != 0 && errno != EEXIST) result = -errno;
  if (result == 0) {
    int flags = reading ? O_RDONLY | O_NONBLOCK : O_RDWR;
    int fd = openat(directory_fd, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    result = fd < 0 ? -errno : checked(fd);
  }
  close(directory_fd);
  return result;
}
