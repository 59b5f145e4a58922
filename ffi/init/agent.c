/* The agent as a child of PID 1: its start, what it says over the beat pipe, its restarts. */
#include "init.h"

enum { BEAT_FD = 3 };
struct agent agent = {.beat_fd = -1};
const char *installed_agent = INSTALLED_AGENT;
static bool runs_upgraded;
static int64_t upgrade_until_ms;
static char former[16] = "none"; /* how the agent before this one ended */

/* SIGUSR1 stays blocked: the agent's runtime would open its debugger on it. */
static _Noreturn void become_agent(int beat_fd) {
  char watchdog[64], before[64];
  snprintf(watchdog, sizeof watchdog, "PACT_INIT_WATCHDOG=%s", watchdog_summary);
  snprintf(before, sizeof before, "PACT_INIT_FORMER=%s", former);
  const char *program = runs_upgraded ? UPGRADED_AGENT : installed_agent;
  const char *const arguments[] = {program, NULL};
  const char *const environment[] = {
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/",
      "LANG=C.UTF-8", "NO_COLOR=1", "DENO_DIR=/usr/lib/pact/deno", "DENO_DISABLE_NODE_SHIM=1",
      "DENO_NO_UPDATE_CHECK=1", "PACT_INIT_BEAT_FD=3", watchdog, before, NULL};
  setsid();
  write_file("/proc/self/oom_score_adj", "-1000");
  write_file(AGENT_SCOPE "/cgroup.procs", "0");
  if (beat_fd != BEAT_FD) dup2(beat_fd, BEAT_FD);
  fcntl(BEAT_FD, F_SETFD, 0);
  close_range(BEAT_FD + 1, ~0U, 0);
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
  sigprocmask(SIG_SETMASK, &blocked, NULL);
  execve(program, (char *const *)arguments, (char *const *)environment);
  dprintf(STDERR_FILENO, "pact-init: exec %s: %s\n", program, strerror(errno));
  _exit(127);
}

void agent_start(void) {
  int ends[2] = {-1, -1};
  /* What a dead agent left in its own cgroup goes, and the cgroup: out of one that was ever killed,
   * Linux 6.15 and later kill what is born into another (CLONE_INTO_CGROUP). */
  write_file(AGENT_SCOPE "/cgroup.kill", "1");
  for (int i = 0; i < 100 && rmdir(AGENT_SCOPE) < 0 && errno == EBUSY; i++) poll(NULL, 0, 10);
  mkdir("/sys/fs/cgroup/pact.slice", 0755);
  mkdir(AGENT_SCOPE, 0755);
  if (agent.beat_fd >= 0) close(agent.beat_fd);
  pid_t pid = pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0 ? -1 : fork();
  if (pid == 0) become_agent(ends[1]);
  if (pid < 0) say(LOG_CRIT, "agent not started: %m");
  close(ends[1]);
  agent = (struct agent){pid < 0 ? 0 : pid, ends[0], false, now_ms()};
}

static void take(char byte) {
  static unsigned number;
  unsigned said = number;
  number = 0;
  if (byte == 'B') {
    agent.has_beaten = true;
    agent.heard_ms = now_ms();
    watchdog_pet();
  } else if (byte >= '0' && byte <= '9') {
    number = (said * 10 + (unsigned)(byte - '0')) % 1000;
  } else if (byte == 'D') {
    watchdog_use(said);
  } else if (byte == 'W') {
    watchdog_set(said);
  } else if (byte == 'U') {
    upgrade_until_ms = now_ms() + UPGRADE_LIMIT_MS;
  } else if (byte == 'R' || byte == 'P' || byte == 'H') {
    end_node(byte == 'R' ? END_REBOOT : byte == 'P' ? END_POWER_OFF : END_HALT);
  } else {
    say(LOG_ERR, "agent sent byte 0x%02x, which means nothing", (unsigned char)byte);
  }
}

void agent_listen(void) {
  char bytes[256];
  ssize_t count = agent.beat_fd < 0 ? -1 : read(agent.beat_fd, bytes, sizeof bytes);
  for (ssize_t i = 0; i < count; i++) take(bytes[i]);
  if (count == 0) { /* closed at the other end: nothing will come any more */
    close(agent.beat_fd);
    agent.beat_fd = -1;
  }
}

int64_t agent_ended(const char *how) {
  static int64_t restarted_ms[RESTART_LIMIT];
  static unsigned restarts;
  int64_t now = now_ms();
  bool is_upgrade = agent.has_beaten && now < upgrade_until_ms;
  upgrade_until_ms = 0;
  snprintf(former, sizeof former, "%s", is_upgrade ? "upgrade" : how);
  if (is_upgrade) {
    runs_upgraded = access(UPGRADED_AGENT, X_OK) == 0;
    say(LOG_NOTICE, "agent upgraded: starting %s", runs_upgraded ? UPGRADED_AGENT : installed_agent);
    return 0;
  }
  runs_upgraded = runs_upgraded && agent.has_beaten; /* one that does not even begin is given up */
  int recent = 0, delay_ms = RESTART_DELAY_MS;
  for (unsigned i = 0; i < RESTART_LIMIT && i < restarts; i++) {
    if (now - restarted_ms[i] < RESTART_WINDOW_MS) recent++, delay_ms *= 7;
  }
  if (recent == RESTART_LIMIT) return -1;
  restarted_ms[restarts++ % RESTART_LIMIT] = now;
  say(LOG_ERR, "agent ended (%s): again in %d ms", how, delay_ms);
  return delay_ms;
}
