/* The hardware watchdog, which PID 1 holds for as long as the node runs (WDG). */
#include "init.h"

static int fd = -1;
static unsigned wanted_seconds = WATCHDOG_SECONDS;
char watchdog_summary[32] = "none";

/* One of a kernel module appears only after coldplug. */
bool watchdog_open(void) {
  static int told;
  if (fd >= 0 || wanted_seconds == 0) return fd >= 0;
  fd = open(WATCHDOG_DEVICE, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd >= 0) {
    watchdog_set(wanted_seconds);
  } else if (errno != ENOENT && errno != told) {
    told = errno;
    say(LOG_WARNING, "%s" WATCHDOG_DEVICE ": %m", errno == EBUSY ? "WatchdogBusy: " : "");
  }
  return fd >= 0;
}

void watchdog_set(unsigned seconds) {
  wanted_seconds = seconds;
  if (fd < 0) return;
  if (seconds == 0) return watchdog_close();
  int granted = (int)seconds, boot_status = 0;
  if (ioctl(fd, WDIOC_SETTIMEOUT, &granted) < 0) say(LOG_WARNING, "watchdog timeout not set: %m");
  if (ioctl(fd, WDIOC_GETTIMEOUT, &granted) < 0) granted = (int)seconds;
  if (ioctl(fd, WDIOC_GETBOOTSTATUS, &boot_status) < 0) boot_status = 0;
  bool has_fired = (boot_status & WDIOF_CARDRESET) != 0;
  snprintf(watchdog_summary, sizeof watchdog_summary, "%d%s", granted, has_fired ? " fired" : "");
  say(LOG_INFO, "watchdog: %s", watchdog_summary);
  watchdog_pet();
}

/* A driver without WDIOC_KEEPALIVE takes any byte for it. One that fails is tried again (WDG-7). */
void watchdog_pet(void) {
  static int told;
  if (fd < 0 || ioctl(fd, WDIOC_KEEPALIVE, 0) == 0 || write(fd, "K", 1) == 1) return;
  if (errno != told) say(LOG_ERR, "watchdog not petted: %m");
  told = errno;
}

void watchdog_close(void) {
  if (fd < 0) return;
  if (write(fd, "V", 1) != 1) say(LOG_ERR, "watchdog not disarmed: %m");
  close(fd);
  fd = -1;
}
