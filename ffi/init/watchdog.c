/* The hardware watchdog, which PID 1 holds for as long as the node runs (WDG). */
#include "init.h"

static int fds[2] = {-1, -1}; /* a former device is petted too: not each lets itself be disarmed */
static unsigned device, open_device; /* N of /dev/watchdogN; 0 is the one without a number */
static unsigned wanted_seconds = WATCHDOG_SECONDS;
char watchdog_summary[32] = "none";

/* One of a kernel module appears only after coldplug. Until then the one that is open stays. One that is
 * not wanted and runs on guards nobody: it is petted here. */
bool watchdog_open(void) {
  static int told;
  if (wanted_seconds == 0) return watchdog_pet(), false;
  if (fds[0] >= 0 && open_device == device) return true;
  char path[32] = WATCHDOG_DEVICE;
  if (device > 0) snprintf(path, sizeof path, WATCHDOG_DEVICE "%u", device);
  int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd >= 0) {
    if (fds[0] >= 0) fds[1] = fds[0];
    fds[0] = fd;
    open_device = device;
    watchdog_set(wanted_seconds);
  } else if (errno != ENOENT && errno != told) {
    told = errno;
    say(LOG_WARNING, "%s%s: %m", errno == EBUSY ? "WatchdogBusy: " : "", path);
  }
  return fds[0] >= 0;
}

/* Once: a further change is for the next boot. */
void watchdog_use(unsigned number) {
  if (fds[1] < 0) device = number;
}

void watchdog_set(unsigned seconds) {
  wanted_seconds = seconds;
  if (fds[0] < 0) return;
  if (seconds == 0) return watchdog_close();
  int granted = (int)seconds, former = granted, boot_status = 0;
  ioctl(fds[1], WDIOC_SETTIMEOUT, &former); /* where there is one */
  if (ioctl(fds[0], WDIOC_SETTIMEOUT, &granted) < 0) say(LOG_WARNING, "watchdog timeout not set: %m");
  if (ioctl(fds[0], WDIOC_GETTIMEOUT, &granted) < 0) granted = (int)seconds;
  if (ioctl(fds[0], WDIOC_GETBOOTSTATUS, &boot_status) < 0) boot_status = 0;
  bool has_fired = (boot_status & WDIOF_CARDRESET) != 0;
  snprintf(watchdog_summary, sizeof watchdog_summary, "%d%s", granted, has_fired ? " fired" : "");
  say(LOG_INFO, "watchdog: %s", watchdog_summary);
  watchdog_pet();
}

/* A driver without WDIOC_KEEPALIVE takes any byte for it. One that fails is tried again (WDG-7). */
void watchdog_pet(void) {
  static int told;
  for (int i = 0; i < 2; i++) {
    if (fds[i] < 0 || ioctl(fds[i], WDIOC_KEEPALIVE, 0) == 0 || write(fds[i], "K", 1) == 1) continue;
    if (errno != told) say(LOG_ERR, "watchdog not petted: %m");
    told = errno;
  }
}

/* A driver with nowayout runs on whatever one does: to close it would be to wait for the reset. */
void watchdog_close(void) {
  for (int i = 0; i < 2; i++) {
    int off = WDIOS_DISABLECARD;
    if (fds[i] < 0) continue;
    if (ioctl(fds[i], WDIOC_SETOPTIONS, &off) < 0 && errno == EBUSY) {
      say(LOG_WARNING, "watchdog runs on: its driver does not let it be disarmed (nowayout)");
      continue;
    }
    if (write(fds[i], "V", 1) != 1) say(LOG_ERR, "watchdog not disarmed: %m");
    close(fds[i]);
    fds[i] = -1;
  }
  watchdog_pet(); /* what runs on has its whole time from here */
}
