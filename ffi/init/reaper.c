/* Reaps the children of PID 1, and keeps how services ended while no agent was their parent. */
#include "init.h"

/* A ring of lines of one length, "PID TIME exit|signal|core N", TIME being CLOCK_MONOTONIC in ms. */
enum { LINE_BYTES = 64, MAX_LINES = 256 };

/* Services lead a session of their own; what they leave behind seldom does. */
static void record(pid_t pid, const char *how) {
  static int fd = -1;
  static unsigned count;
  if (getsid(pid) != pid) return;
  if (fd < 0) fd = open(REAPED_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  char line[LINE_BYTES + 1], text[LINE_BYTES];
  snprintf(text, sizeof text, "%d %lld %s", pid, (long long)now_ms(), how);
  snprintf(line, sizeof line, "%-*s\n", LINE_BYTES - 1, text);
  off_t at = (off_t)(count++ % MAX_LINES) * LINE_BYTES;
  if (pwrite(fd, line, LINE_BYTES, at) != LINE_BYTES) say(LOG_ERR, "exit not recorded: %m");
}

/* Looks and records before it reaps: who finds the pid gone finds the record (INI-10). */
bool reap_one(pid_t *pid, char how[static 16]) {
  siginfo_t info = {.si_pid = 0};
  if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0) return false;
  const char *kind = info.si_code == CLD_EXITED ? "exit" : "signal";
  snprintf(how, 16, "%s %d", info.si_code == CLD_DUMPED ? "core" : kind, info.si_status);
  *pid = info.si_pid;
  if (*pid != agent.pid) record(*pid, how);
  waitid(P_PID, (id_t)*pid, &info, WEXITED | WNOHANG);
  return true;
}

bool reap_all(int64_t limit_ms) {
  char how[16];
  pid_t pid;
  for (int64_t until_ms = now_ms() + limit_ms; now_ms() < until_ms;) {
    if (reap_one(&pid, how)) continue;
    siginfo_t info;
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD) return true;
    poll(NULL, 0, 10);
  }
  return false;
}
