/* Mounting, unmounting, and how full a file system is. */
#include <errno.h>
#include <sys/mount.h>
#include <sys/statfs.h>

#include "pact_shim.h"

int32_t pact_shim_mount(const char *source, const char *target, const char *type, uint64_t flags,
                        const char *data) {
  if (source == NULL || target == NULL || type == NULL || data == NULL) return -EFAULT;
  return mount(source, target, type, flags, data) != 0 ? -errno : 0;
}

int32_t pact_shim_umount(const char *target, int32_t flags) {
  if (target == NULL) return -EFAULT;
  return umount2(target, flags) != 0 ? -errno : 0;
}

int32_t pact_shim_statfs(const char *path, struct pact_statfs *out) {
  if (path == NULL || out == NULL) return -EFAULT;
  struct statfs status;
  if (statfs(path, &status) != 0) return -errno;
  *out = (struct pact_statfs){
      .type = status.f_type,
      .block_bytes = status.f_bsize,
      .blocks = (int64_t)status.f_blocks,
      .blocks_free = (int64_t)status.f_bfree,
      .blocks_available = (int64_t)status.f_bavail,
      .files = (int64_t)status.f_files,
      .files_free = (int64_t)status.f_ffree,
      .flags = status.f_flags,
  };
  return 0;
}
