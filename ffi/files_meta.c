/* What a file system holds about files, and the tree they hang in. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pact_shim.h"

static int64_t nanoseconds(struct timespec time) {
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int32_t pact_shim_stat(const char *path, int32_t follow, struct pact_stat *out) {
  if (path == NULL || out == NULL) return -EFAULT;
  struct stat status;
  if ((follow ? stat(path, &status) : lstat(path, &status)) != 0) return -errno;
  *out = (struct pact_stat){
      .mode = status.st_mode,
      .uid = status.st_uid,
      .gid = status.st_gid,
      .size = status.st_size,
      .mtime_ns = nanoseconds(status.st_mtim),
      .ctime_ns = nanoseconds(status.st_ctim),
      .ino = (int64_t)status.st_ino,
      .dev = (int64_t)status.st_dev,
      .rdev = (int64_t)status.st_rdev,
      .nlink = (int64_t)status.st_nlink,
  };
  return 0;
}

int32_t pact_shim_unlink(const char *path) {
  if (path == NULL) return -EFAULT;
  return unlink(path) != 0 ? -errno : 0;
}

int32_t pact_shim_rmdir(const char *path) {
  if (path == NULL) return -EFAULT;
  return rmdir(path) != 0 ? -errno : 0;
}

int32_t pact_shim_rename(const char *from, const char *to) {
  if (from == NULL || to == NULL) return -EFAULT;
  return rename(from, to) != 0 ? -errno : 0;
}

int32_t pact_shim_mkdir(const char *path, uint32_t mode) {
  if (path == NULL) return -EFAULT;
  if (mode > 07777) return -EINVAL;
  if (mkdir(path, 0700) != 0) return -errno;
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int failed = fd < 0 || fchmod(fd, (mode_t)mode) != 0 ? -errno : 0;
  if (fd >= 0) close(fd);
  if (failed) rmdir(path);
  return failed;
}

int32_t pact_shim_symlink(const char *target, const char *path) {
  if (target == NULL || path == NULL) return -EFAULT;
  return symlink(target, path) != 0 ? -errno : 0;
}

int32_t pact_shim_readlink(const char *path, uint8_t *buffer, uint32_t capacity) {
  if (path == NULL || buffer == NULL) return -EFAULT;
  ssize_t got = readlink(path, (char *)buffer, capacity);
  if (got < 0) return -errno;
  return (uint32_t)got == capacity ? -ENAMETOOLONG : (int32_t)got;
}

int32_t pact_shim_chmod(const char *path, uint32_t mode) {
  if (path == NULL) return -EFAULT;
  if (mode > 07777) return -EINVAL;
  return fchmodat(AT_FDCWD, path, (mode_t)mode, AT_SYMLINK_NOFOLLOW) != 0 ? -errno : 0;
}

int32_t pact_shim_chown(const char *path, uint32_t uid, uint32_t gid) {
  if (path == NULL) return -EFAULT;
  return lchown(path, uid, gid) != 0 ? -errno : 0;
}
