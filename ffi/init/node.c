/* What the machine needs before an agent can run, and how it ends. */
#include "init.h"

enum { SAFE = MS_NOSUID | MS_NODEV, QUIET = SAFE | MS_NOEXEC, MAX_MOUNTS = 65536 };

/* INI-1; the first four are needed, /dev is done with the third, the last only where the kernel can. */
static const struct {
  const char *target, *type, *options;
  unsigned long flags;
} MOUNTS[] = {
    {"/proc", "proc", "", QUIET},
    {"/sys", "sysfs", "", QUIET},
    {"/dev", "devtmpfs", "mode=0755", MS_NOSUID},
    {"/sys/fs/cgroup", "cgroup2", "nsdelegate,memory_recursiveprot", QUIET},
    {"/dev/pts", "devpts", "mode=0620,gid=5,ptmxmode=0666", MS_NOSUID | MS_NOEXEC},
    {"/dev/shm", "tmpfs", "mode=1777", SAFE},
    {"/run", "tmpfs", "mode=0755", SAFE},
    {"/tmp", "tmpfs", "mode=1777", SAFE},
    {"/sys/kernel/security", "securityfs", "", QUIET},
    {"/sys/kernel/debug", "debugfs", "mode=0700", QUIET},
    {"/sys/kernel/tracing", "tracefs", "mode=0700", QUIET},
    {"/sys/fs/bpf", "bpf", "mode=0700", QUIET},
};
enum { MOUNT_COUNT = sizeof MOUNTS / sizeof MOUNTS[0], AFTER_DEV = 3 };
static int console_fd = -1, kernel_log_fd = -1;

int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Without waiting: a console that is held up must not hold up PID 1. */
void say(int priority, const char *format, ...) {
  char text[256], line[300];
  va_list values;
  va_start(values, format);
  vsnprintf(text, sizeof text, format, values);
  va_end(values);
  snprintf(line, sizeof line, "<%d>pact-init: %s\n", LOG_DAEMON | priority, text);
  const char *plain = strchr(line, '>') + 1;
  ssize_t ignored = write(kernel_log_fd, line, strlen(line)) + write(console_fd, plain, strlen(plain));
  (void)ignored;
}

void write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  if (write(fd, text, strlen(text)) < 0) say(LOG_WARNING, "%s: %m", path);
  close(fd);
}

static bool is_mounted(const char *target) {
  char parent[64];
  struct stat here, above;
  snprintf(parent, sizeof parent, "%s/..", target);
  return stat(target, &here) == 0 && stat(parent, &above) == 0 && here.st_dev != above.st_dev;
}

/* INI-2: standard descriptors that are closed lead to the console. */
static void open_outputs(void) {
  int fd = open("/dev/console", O_RDWR | O_NOCTTY);
  while (fd >= 0 && fd < STDERR_FILENO) fd = dup(fd);
  if (fd > STDERR_FILENO) close(fd);
  int how = O_WRONLY | O_APPEND | O_NOCTTY | O_NONBLOCK | O_CLOEXEC;
  console_fd = open("/dev/console", how);
  kernel_log_fd = open("/dev/kmsg", how);
}

/* In a container they are another's: PROC_PID_INIT_INO of the kernel is the first PID namespace. */
static bool owns_machine(void) {
  struct stat pids;
  return stat("/proc/self/ns/pid", &pids) == 0 && pids.st_ino == 0xeffffffcu;
}

/* ROT-6: a hardware clock without its battery begins years ago, when no certificate was valid yet. A
 * node's time is never before its image's; as with systemd, a site says by a file how new that is. */
static void advance_clock(void) {
  static const char *const IMAGE[] = {"/usr/lib/clock-epoch", "/proc/self/exe", NULL};
  struct timespec now, epoch = {0, 0};
  clock_gettime(CLOCK_REALTIME, &now);
  epoch.tv_sec = epoch_after(now.tv_sec, IMAGE);
  if (epoch.tv_sec == 0) return;
  if (clock_settime(CLOCK_REALTIME, &epoch) < 0) return say(LOG_ERR, "clock not set: %m");
  say(LOG_WARNING, "clock was at @%lld, before the image's time: set to @%lld", (long long)now.tv_sec,
      (long long)epoch.tv_sec);
}

void prepare_node(void) {
  umask(022);
  for (int i = 0; i < MOUNT_COUNT; i++) {
    const char *target = MOUNTS[i].target, *type = MOUNTS[i].type;
    if (i == AFTER_DEV) open_outputs();
    mkdir(target, 0755);
    if (is_mounted(target)) continue;
    if (mount(type, target, type, MOUNTS[i].flags, MOUNTS[i].options) == 0) continue;
    /* An older kernel refuses options it does not know. */
    if (errno == EINVAL && mount(type, target, type, MOUNTS[i].flags, "") == 0) continue;
    if (errno != ENOENT && errno != ENODEV) say(LOG_ERR, "mount %s: %m", target);
  }
  mkdir("/run/pact", 0755);
  if (owns_machine()) {
    advance_clock();
    write_file("/proc/sys/kernel/panic", "10"); /* INI-4 */
  }
  reboot(RB_DISABLE_CAD);
}

/* The last mount first; what is busy becomes read-only, as does /. */
static void unmount_all(void) {
  static char *targets[MAX_MOUNTS];
  int count = 0;
  FILE *table = setmntent("/proc/self/mounts", "re");
  struct mntent *entry;
  while (table != NULL && count < MAX_MOUNTS && (entry = getmntent(table)) != NULL) {
    targets[count++] = strdup(entry->mnt_dir);
  }
  while (--count >= 0) {
    if (umount2(targets[count], UMOUNT_NOFOLLOW) == 0) continue;
    mount(NULL, targets[count], NULL, MS_REMOUNT | MS_RDONLY, NULL);
  }
}

/* In a child: it may wait for ever for a server that is gone, and has a heap of its own. */
static void settle_storage(void) {
  pid_t pid = fork();
  if (pid == 0) {
    sync();
    if (owns_machine()) unmount_all();
    _exit(0);
  }
  if (pid > 0 && !reap_all(UNMOUNT_LIMIT_MS)) say(LOG_ERR, "storage did not settle in time");
}

/* SHD-1, WDG-8: whatever still runs ends, then the machine; a watchdog guards the way there. */
_Noreturn void end_node(enum end how) {
  static const int ACTIONS[] = {RB_AUTOBOOT, RB_AUTOBOOT, RB_POWER_OFF, RB_HALT_SYSTEM};
  static const char *const NAMES[] = {"reboot", "reboot", "power off", "halt"};
  say(LOG_NOTICE, "%s", NAMES[how]);
  watchdog_set(60);
  kill(-1, SIGTERM);
  kill(-1, SIGCONT);
  if (!reap_all(TERM_LIMIT_MS)) {
    kill(-1, SIGKILL);
    if (!reap_all(KILL_LIMIT_MS)) say(LOG_ERR, "processes are left that cannot be killed");
  }
  settle_storage();
  if (how != END_REBOOT) watchdog_close();
  reboot(ACTIONS[how]);
  say(LOG_EMERG, "%s: %m", NAMES[how]);
  /* The watchdog, or a person, ends it. */
  for (;;) pause();
}
