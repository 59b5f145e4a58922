/* Writing whole files: existing ones in place, managed ones atomically. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

int32_t pact_shim_write_existing(const char *path, const uint8_t *bytes, uint64_t byte_count,
                                 int32_t truncate) {
  if (path == NULL || (bytes == NULL && byte_count > 0)) return -EFAULT;
  int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW |
                          (truncate ? O_TRUNC : 0));
  if (fd < 0) return -errno;
  ssize_t written;
  do {
    written = write(fd, bytes, byte_count);
  } while (written < 0 && errno == EINTR);
  int result = written < 0 ? -errno : (uint64_t)written == byte_count ? 0 : -EIO;
  if (close(fd) != 0 && errno != EINTR && result == 0) result = -errno;
  return result;
}

int write_fully(int fd, const uint8_t *bytes, uint64_t byte_count) {
  while (byte_count > 0) {
    ssize_t written = write(fd, bytes, byte_count);
    if (written < 0 && errno != EINTR) return -errno;
    if (written <= 0) continue;
    bytes += written;
    byte_count -= (uint64_t)written;
  }
  return 0;
}

int open_parent(const char *path, const char **name) {
  const char *slash = strrchr(path, '/');
  *name = slash == NULL ? path : slash + 1;
  if (**name == '\0' || strcmp(*name, ".") == 0 || strcmp(*name, "..") == 0) return -EINVAL;
  size_t parent_bytes = slash == NULL ? 0 : (size_t)(slash - path);
  if (parent_bytes >= PATH_MAX) return -ENAMETOOLONG;
  char parent[PATH_MAX];
  memcpy(parent, path, parent_bytes);
  parent[parent_bytes] = '\0';
  const char *opened = slash == NULL ? "." : parent_bytes == 0 ? "/" : parent;
  int fd = open(opened, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

/* Creates a new file with a name of its own, open to its owner alone; fd or negative errno. */
static int create_temporary(int directory_fd, const char *name, char temporary[NAME_MAX + 1]) {
  static _Atomic unsigned counter;
  for (int attempt = 0; attempt < 16; attempt++) {
    unsigned number = atomic_fetch_add(&counter, 1);
    snprintf(temporary, NAME_MAX + 1, ".%.200s.pact-%d-%u", name, (int)getpid(), number);
    int fd = openat(directory_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                    0600);
    if (fd >= 0) return fd;
    if (errno != EEXIST) return -errno;
  }
  return -EEXIST;
}

struct attributes {
  uint32_t mode;
  uint32_t uid;
  uint32_t gid;
};

/* Owner before mode: changing the owner clears set-id bits. */
static int fill(int fd, const uint8_t *bytes, uint64_t byte_count,
                const struct attributes *attributes) {
  int failed = write_fully(fd, bytes, byte_count);
  if (failed) return failed;
  int changes_owner = attributes->uid != UINT32_MAX || attributes->gid != UINT32_MAX;
  if (changes_owner && fchown(fd, attributes->uid, attributes->gid) != 0) return -errno;
  if (fchmod(fd, (mode_t)attributes->mode) != 0) return -errno;
  return fsync(fd) != 0 ? -errno : 0;
}

static int replace(int directory_fd, const char *name, const uint8_t *bytes, uint64_t byte_count,
                   const struct attributes *attributes) {
  char temporary[NAME_MAX + 1];
  int fd = create_temporary(directory_fd, name, temporary);
  if (fd < 0) return fd;
  int failed = fill(fd, bytes, byte_count, attributes);
  if (close(fd) != 0 && errno != EINTR && !failed) failed = -errno;
  if (!failed && renameat(directory_fd, temporary, directory_fd, name) != 0) failed = -errno;
  if (failed) {
    unlinkat(directory_fd, temporary, 0);
    return failed;
  }
  return fsync(directory_fd) != 0 ? -errno : 0;
}

int32_t pact_shim_write_atomic(const char *path, const uint8_t *bytes, uint64_t byte_count,
                               uint32_t mode, uint32_t uid, uint32_t gid) {
  if (path == NULL || (bytes == NULL && byte_count > 0)) return -EFAULT;
  if (mode > 07777) return -EINVAL;
  const char *name;
  int directory_fd = open_parent(path, &name);
  if (directory_fd < 0) return directory_fd;
  struct attributes attributes = {mode, uid, gid};
  int failed = replace(directory_fd, name, bytes, byte_count, &attributes);
  close(directory_fd);
  return failed;
}
