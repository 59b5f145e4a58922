/*
 * What a child is kept from by the kernel: paths that it cannot see into, places from which it cannot
 * run programs, and capabilities that no program it starts can have. It runs between clone and exec:
 * only async-signal-safe calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel.h"
#include "spawn_plan.h"

enum { MAX_CAPABILITIES = 64 };

static int is_absent(int error) { return error == ENOENT || error == ENOTDIR; }

/* An empty directory over a directory, the null device over anything else. */
static int cover(const char *path) {
  struct stat status;
  if (lstat(path, &status) != 0) return is_absent(errno) ? 0 : -1;
  if (S_ISLNK(status.st_mode)) return 0; /* where it leads to is covered by its own path */
  if (S_ISDIR(status.st_mode)) {
    const unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
    return mount("pact", path, "tmpfs", flags, "mode=000,size=4k");
  }
  return mount("/dev/null", path, NULL, MS_BIND, NULL);
}

/* With all that is mounted below; a kernel before 5.12 shows nothing of that instead. */
static int forbid_programs(const char *path) {
  struct stat status;
  if (lstat(path, &status) != 0) return is_absent(errno) ? 0 : -1;
  if (!S_ISDIR(status.st_mode)) return 0;
  if (mount(path, path, NULL, MS_BIND | MS_REC, NULL) != 0) return -1;
  struct pact_mount_attributes forbidden = {
      .set = PACT_MOUNT_NOEXEC | PACT_MOUNT_NOSUID | PACT_MOUNT_NODEV,
  };
  long failed = syscall(SYS_mount_setattr, AT_FDCWD, path, PACT_AT_RECURSIVE, &forbidden,
                        sizeof forbidden);
  if (failed == 0 || errno != ENOSYS) return (int)failed;
  if (umount2(path, MNT_DETACH) != 0) return -1;
  if (mount(path, path, NULL, MS_BIND, NULL) != 0) return -1;
  const unsigned long flags = MS_BIND | MS_REMOUNT | MS_NOEXEC | MS_NOSUID | MS_NODEV;
  return mount(NULL, path, NULL, flags, NULL);
}

int spawn_contain_mounts(const struct spawn_plan *plan) {
  if (unshare(CLONE_NEWNS) != 0) return -1;
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return -1;
  for (uint32_t i = 0; i < plan->header.covered_count; i++) {
    if (cover(plan->covered[i]) != 0) return -1;
  }
  for (uint32_t i = 0; i < plan->header.without_programs_count; i++) {
    if (forbid_programs(plan->without_programs[i]) != 0) return -1;
  }
  return 0;
}

/* The bounding set alone: exec makes the others of it, for root as for anybody. */
int spawn_contain_capabilities(const struct spawn_plan *plan) {
  for (int capability = 0; capability < MAX_CAPABILITIES; capability++) {
    if (plan->header.capabilities[capability / 32] & (1u << (capability % 32))) continue;
    if (prctl(PR_CAPBSET_DROP, (unsigned long)capability, 0ul, 0ul, 0ul) == 0) continue;
    return errno == EINVAL ? 0 : -1; /* beyond the last that this kernel knows */
  }
  return 0;
}
