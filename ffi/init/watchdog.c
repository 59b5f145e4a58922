/* The hardware watchdog, which PID 1 holds for as long as the node runs (WDG). */
#include "init.h"

static int fd = -1;
static int left_fd = -1; /* of a former device that cannot be disarmed */
static unsigned device, open_device; /* as wanted, and as open; 0 is the one without a number too */
static unsigned wanted_seconds = WATCHDOG_SECONDS;
char watchdog_summary[32] = "none";

/* A kernel may be built or told not to let go of it (nowayout). */
static bool can_be_disarmed(unsigned number) {
  char path[64], value = '0';
  snprintf(path, sizeof path, "/sys/class/watchdog/watchdog%u/nowayout", number);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return true;
  if (read(file, &value, 1) != 1) value = '0';
  close(file);
  return value != '1';
}

/* Another one has taken its place. */
static void leave_open_device(void) {
  if (fd < 0) return;
  if (can_be_disarmed(open_device)) return watchdog_close();
  say(LOG_WARNING, "watchdog %u cannot be disarmed: it is petted as well", open_device);
  left_fd = fd;
  fd = -1;
}

/* One of a kernel module appears only after coldplug. Until then the one that is open stays. */
bool watchdog_open(void) {
  static int told;
  if ((fd >= 0 && open_device == device) || wanted_seconds == 0) return fd >= 0;
  char path[32] = WATCHDOG_DEVICE;
  if (device > 0) snprintf(path, sizeof path, WATCHDOG_DEVICE "%u", device);
  int opened = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (opened >= 0) {
    leave_open_device();
    fd = opened;
    open_device = device;
    watchdog_set(wanted_seconds);
  } else if (errno != ENOENT && errno != told) {
    told = errno;
    say(LOG_WARNING, "%s%s: %m", errno == EBUSY ? "WatchdogBusy: " : "", path);
  }
  return fd >= 0;
}

void watchdog_use(unsigned number) {
  if (number == device) return;
  if (left_fd >= 0) return say(LOG_WARNING, "watchdog %u stays until the next boot", device);
  device = number;
  watchdog_open();
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
static void pet(int one) {
  static int told;
  if (one < 0 || ioctl(one, WDIOC_KEEPALIVE, 0) == 0 || write(one, "K", 1) == 1) return;
  if (errno != told) say(LOG_ERR, "watchdog not petted: %m");
  told = errno;
}

void watchdog_pet(void) {
  pet(fd);
  pet(left_fd);
}

void watchdog_close(void) {
  if (fd < 0) return;
  if (write(fd, "V", 1) != 1) say(LOG_ERR, "watchdog not disarmed: %m");
  close(fd);
  fd = -1;
}
