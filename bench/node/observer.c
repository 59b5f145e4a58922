/* Looks on while a node starts its five services and prints when each could be used, in seconds since
 * the kernel's start: a port takes a connection, a bus answers, a socket has somebody behind it, a
 * tracing instance is there. Then: what the init system's processes hold and use, and how soon killed
 * services are back, its own and two of s6. It sleeps between two looks, and starts nothing until then. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 20, SETTLE_MS = 5000, CPU_WINDOW_MS = 10000, LIMIT_MS = 150000, BACK_LIMIT_MS = 20000 };

static double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void sleep_us(long us) {
  nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000}, NULL);
}

static bool read_text(const char *path, char *text, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t count = fd < 0 ? -1 : read(fd, text, size - 1);
  if (fd >= 0) close(fd);
  text[count > 0 ? count : 0] = 0;
  return count > 0;
}

/* Never waits: over a loopback that is up a connection is there at once or refused. */
static bool takes_connections(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  bool is_taken = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
  if (!is_taken && errno == EINPROGRESS) {
    struct pollfd connected = {fd, POLLOUT, 0};
    int error = 1;
    socklen_t size = sizeof error;
    is_taken = poll(&connected, 1, 0) > 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
  }
  close(fd);
  return is_taken;
}

static bool unix_connect(int fd, const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  return connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
}

/* One connection is kept: behind it may be a socket that somebody holds for a bus to come. */
static bool bus_answers(void) {
  static int fd = -1;
  static const char HELLO[] = "\0AUTH EXTERNAL 30\r\n";
  char answer[64];
  if (fd < 0) {
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (!unix_connect(fd, "/run/dbus/system_bus_socket") || write(fd, HELLO, sizeof HELLO - 1) < 0) {
      close(fd);
      fd = -1;
      return false;
    }
  }
  ssize_t count = read(fd, answer, sizeof answer);
  if (count < 0 && errno == EAGAIN) return false;
  close(fd);
  fd = -1;
  return count >= 2 && memcmp(answer, "OK", 2) == 0;
}

static bool chronyd_is_there(void) {
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  bool is_there = unix_connect(fd, "/run/chrony/chronyd.sock");
  close(fd);
  return is_there;
}

static bool rasdaemon_traces(void) {
  return access("/sys/kernel/tracing/instances/rasdaemon", F_OK) == 0 ||
         access("/sys/kernel/debug/tracing/instances/rasdaemon", F_OK) == 0;
}

static bool lattice_listens(void) { return takes_connections(7001); }
static bool cxi_rh_listens(void) { return takes_connections(7002); }

static struct service {
  const char *name;
  bool (*is_up)(void);
  bool is_told;
} services[] = {
    {"chronyd", chronyd_is_there, false}, {"dbus", bus_answers, false},
    {"rasdaemon", rasdaemon_traces, false}, {"lattice", lattice_listens, false},
    {"cxi_rh", cxi_rh_listens, false},
};
enum { SERVICE_COUNT = sizeof services / sizeof services[0] };

static long meminfo(const char *text, const char *key) {
  const char *line = strstr(text, key);
  return line == NULL ? 0 : atol(line + strlen(key));
}

static void wait_for_services(void) {
  static char text[8192];
  long peak_kib = 0;
  int up = 0;
  for (int look = 0; up < SERVICE_COUNT && now_ms() < LIMIT_MS; look++) {
    for (int i = 0; i < SERVICE_COUNT; i++) {
      if (services[i].is_told || !services[i].is_up()) continue;
      services[i].is_told = true;
      printf("up %s %.3f\n", services[i].name, now_ms() / 1e3);
      up++;
    }
    if ((look % 5 == 0 || up == SERVICE_COUNT) && read_text("/proc/meminfo", text, sizeof text)) {
      long used = meminfo(text, "MemTotal:") - meminfo(text, "MemAvailable:");
      if (used > peak_kib) peak_kib = used;
    }
    if (up < SERVICE_COUNT) sleep_us(LOOK_MS * 1000);
  }
  printf("all %.3f\npeak %ld\n", up == SERVICE_COUNT ? now_ms() / 1e3 : -1, peak_kib);
}

/* Calls `visit` for every process, with its name. */
static void each_process(void (*visit)(int pid, const char *name, void *with), void *with) {
  DIR *processes = opendir("/proc");
  char path[64], name[64];
  for (struct dirent *entry; processes != NULL && (entry = readdir(processes)) != NULL;) {
    int pid = atoi(entry->d_name);
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    if (pid <= 0 || !read_text(path, name, sizeof name)) continue;
    name[strcspn(name, "\n")] = 0;
    visit(pid, name, with);
  }
  if (processes != NULL) closedir(processes);
}

static bool is_init_system(const char *name) {
  static const char *const NAMES[] = {"pact-init", "deno", "pact-agent", "pact-probe", "(sd-pam)", "agetty", "sulogin"};
  for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
    if (strcmp(name, NAMES[i]) == 0) return true;
  }
  return strncmp(name, "systemd", 7) == 0;
}

static void tell_memory(int pid, const char *name, void *with) {
  static char text[4096];
  char path[64];
  (void)with;
  snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
  if (!is_init_system(name) || !read_text(path, text, sizeof text)) return;
  printf("memory %s %ld %ld %ld\n", name, meminfo(text, "\nRss:"), meminfo(text, "\nPss:"),
         meminfo(text, "\nPss_Anon:"));
}

static void add_ticks(int pid, const char *name, void *sum) {
  static char text[1024];
  char path[64];
  unsigned long user = 0, system = 0;
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  if (!is_init_system(name) || !read_text(path, text, sizeof text)) return;
  const char *fields = strrchr(text, ')');
  sscanf(fields + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
  *(unsigned long *)sum += user + system;
}

static unsigned long ticks(void) {
  unsigned long sum = 0;
  each_process(add_ticks, &sum);
  return sum;
}

struct search {
  const char *word;
  int pid;
};

static void find_by_argument(int pid, const char *name, void *with) {
  struct search *search = with;
  static char text[4096];
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t count = fd < 0 ? -1 : read(fd, text, sizeof text);
  if (fd >= 0) close(fd);
  if (strcmp(name, "busybox") != 0) return;
  if (count > 0 && memmem(text, (size_t)count, search->word, strlen(search->word)) != NULL) search->pid = pid;
}

/* Kills what listens on a port; the time until the port takes connections again, by another process. */
static void restart(const char *kind, const char *name, int port) {
  char word[32];
  snprintf(word, sizeof word, "127.0.0.1:%d", port);
  struct search search = {word, 0};
  each_process(find_by_argument, &search);
  if (search.pid == 0) {
    printf("%s %s none\n", kind, name);
    return;
  }
  struct pollfd ended = {(int)syscall(SYS_pidfd_open, search.pid, 0), POLLIN, 0};
  double from_ms = now_ms();
  kill(search.pid, SIGKILL);
  poll(&ended, 1, BACK_LIMIT_MS);
  while (!takes_connections(port) && now_ms() < from_ms + BACK_LIMIT_MS) sleep_us(200);
  printf("%s %s %.2f\n", kind, name, now_ms() - from_ms);
  close(ended.fd);
}

static void start_s6(const char *name, int port) {
  char path[128], program[256];
  snprintf(path, sizeof path, "/run/s6/%s", name);
  mkdir("/run/s6", 0755);
  mkdir(path, 0755);
  snprintf(path, sizeof path, "/run/s6/%s/run", name);
  int length = snprintf(program, sizeof program,
                        "#!/bin/sh\nexec /usr/bin/busybox httpd -f -p 127.0.0.1:%d -h /opt\n", port);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
  if (write(fd, program, (size_t)length) != length) return;
  close(fd);
  *strrchr(path, '/') = 0;
  if (fork() != 0) return;
  setsid();
  execl("/usr/bin/s6-supervise", "s6-supervise", path, NULL);
  _exit(127);
}

int main(void) {
  char first[64] = "";
  setvbuf(stdout, NULL, _IOLBF, 0);
  while (!read_text("/proc/1/comm", first, sizeof first) || strcmp(first, "init\n") == 0 ||
         strcmp(first, "busybox\n") == 0) {
    sleep_us(2000);
  }
  first[strcspn(first, "\n")] = 0;
  printf("first %s %.3f\n", first, now_ms() / 1e3);
  wait_for_services();
  sleep_us(SETTLE_MS * 1000L);
  each_process(tell_memory, NULL);
  unsigned long before = ticks();
  sleep_us(CPU_WINDOW_MS * 1000L);
  printf("cpu %lu\n", (ticks() - before) * 1000 / (unsigned long)sysconf(_SC_CLK_TCK));
  start_s6("one", 7003);
  start_s6("two", 7004);
  sleep_us(2000000);
  restart("restart", "lattice", 7001);
  restart("s6", "one", 7003);
  restart("restart", "cxi_rh", 7002);
  restart("s6", "two", 7004);
  puts("end");
}
