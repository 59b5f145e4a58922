/* An append-only file whose records are on storage before the call returns (the operation log). */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

/* Creates the file and makes its directory entry durable; fd or negative errno. */
static int create_durably(int directory_fd, const char *name, uint32_t mode) {
  int flags = O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
  int fd = openat(directory_fd, name, flags, 0600);
  if (fd < 0) return -errno;
  if (fchmod(fd, (mode_t)mode) == 0 && fsync(fd) == 0 && fsync(directory_fd) == 0) return fd;
  int error = errno;
  unlinkat(directory_fd, name, 0);
  close(fd);
  return -error;
}

static int open_existing(int directory_fd, const char *name) {
  int flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
  int fd = openat(directory_fd, name, flags);
  if (fd < 0) return -errno;
  struct stat status;
  int error = fstat(fd, &status) != 0 ? errno : S_ISREG(status.st_mode) ? 0 : EOPNOTSUPP;
  if (error == 0) return fd;
  close(fd);
  return -error;
}

int32_t pact_shim_append_open(const char *path, uint32_t mode) {
  if (path == NULL) return -EFAULT;
  if (mode > 07777) return -EINVAL;
  const char *name;
  int directory_fd = open_parent(path, &name);
  if (directory_fd < 0) return directory_fd;
  int fd = open_existing(directory_fd, name);
  if (fd == -ENOENT) fd = create_durably(directory_fd, name, mode);
  if (fd == -EEXIST) fd = open_existing(directory_fd, name);
  close(directory_fd);
  return fd;
}

int64_t pact_shim_append(int32_t fd, const uint8_t *bytes, uint64_t byte_count) {
  if (bytes == NULL && byte_count > 0) return -EFAULT;
  struct stat before;
  if (fstat(fd, &before) != 0) return -errno;
  int failed = write_fully(fd, bytes, byte_count);
  if (!failed && fdatasync(fd) != 0) failed = -errno;
  if (!failed) return (int64_t)before.st_size + (int64_t)byte_count;
  /* No half record stays behind; where even this fails the reader finds a torn tail. */
  if (ftruncate(fd, before.st_size) == 0) fdatasync(fd);
  return failed;
}
