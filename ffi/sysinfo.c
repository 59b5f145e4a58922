/* The node itself: its names, its clock since boot, this process's ids, and its end. */
#include <errno.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "pact_shim.h"

int32_t pact_shim_set_hostname(const char *name) {
  if (name == NULL) return -EFAULT;
  return sethostname(name, strlen(name)) != 0 ? -errno : 0;
}

int32_t pact_shim_uname(uint8_t *buffer, uint32_t capacity) {
  if (buffer == NULL) return -EFAULT;
  struct utsname names;
  if (uname(&names) != 0) return -errno;
  const char *texts[] = {names.sysname, names.nodename, names.release,
                         names.version, names.machine,  names.domainname};
  uint32_t used = 0;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    size_t bytes = strlen(texts[i]) + 1;
    if (capacity - used < bytes) return -ENOBUFS;
    memcpy(buffer + used, texts[i], bytes);
    used += (uint32_t)bytes;
  }
  return (int32_t)used;
}

int32_t pact_shim_ids(struct pact_ids *out) {
  if (out == NULL) return -EFAULT;
  *out = (struct pact_ids){
      .pid = getpid(),
      .parent_pid = getppid(),
      .uid = getuid(),
      .effective_uid = geteuid(),
      .gid = getgid(),
      .effective_gid = getegid(),
  };
  return 0;
}

int64_t pact_shim_boot_time_ms(void) {
  struct timespec now;
  if (clock_gettime(CLOCK_BOOTTIME, &now) != 0) return -errno;
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int32_t pact_shim_reboot(int32_t action, uint32_t confirm) {
  if (confirm != PACT_REBOOT_CONFIRM) return -EPERM;
  int command;
  switch (action) {
    case PACT_REBOOT_RESTART:
      command = RB_AUTOBOOT;
      break;
    case PACT_REBOOT_POWER_OFF:
      command = RB_POWER_OFF;
      break;
    case PACT_REBOOT_HALT:
      command = RB_HALT_SYSTEM;
      break;
    default:
      return -EINVAL;
  }
  sync();
  return reboot(command) != 0 ? -errno : 0;
}
