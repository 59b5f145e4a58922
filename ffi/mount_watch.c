/* News of the mount table (proc(5), mountinfo): poll(2) tells, reading is for others. */
#include <errno.h>
#include <fcntl.h>

#include "pact_shim.h"

int32_t pact_shim_mount_watch_open(void) {
  int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}
