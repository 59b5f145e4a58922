/* The loop of PID 1: who ended, what the agent says, what signals ask, when to start or give up. */
#include "init.h"

static int64_t start_at_ms, asked_until_ms;
static enum end asked = END_NONE;

/* INI-33: the agent stops its services and then asks for the end; without one the end is at once. */
static void ask_for_end(enum end how, int signal) {
  if (agent.pid == 0) end_node(how);
  if (asked == END_NONE) asked_until_ms = now_ms() + STOP_LIMIT_MS;
  asked = how;
  kill(agent.pid, signal);
}

static void take_signal(int signal) {
  if (signal == SIGTERM || signal == SIGINT) { /* SIGINT is Ctrl-Alt-Del too */
    ask_for_end(END_REBOOT, signal);
  } else if (signal == SIGPWR || signal == SIGUSR2) {
    ask_for_end(END_POWER_OFF, signal);
  } else if (signal == SIGHUP) { /* an agent that has not begun would die of it */
    if (agent.pid != 0 && agent.has_beaten) kill(agent.pid, signal);
  } else if (signal != SIGCHLD) {
    say(LOG_NOTICE, "signal %d ignored", signal);
  }
}

static void agent_is_gone(const char *how) {
  agent_listen(); /* its last words */
  agent.pid = 0;
  if (asked != END_NONE) end_node(asked);
  int64_t delay_ms = agent_ended(how);
  start_at_ms = now_ms() + delay_ms;
  if (delay_ms >= 0) return;
  /* From here on nobody pets the watchdog: should the way down hang, it ends that too. */
  say(LOG_CRIT, "agent ended (%s) after %d restarts: rebooting", how, RESTART_LIMIT);
  end_node(END_REBOOT);
}

/* Some at a time, so that beats get their turn; true when more may be waiting. */
static bool reap(void) {
  char how[16];
  pid_t pid;
  for (int i = 0; i < 1024; i++) {
    if (!reap_one(&pid, how)) return false;
    if (pid == agent.pid) agent_is_gone(how);
  }
  return true;
}

/* The watchdog lives on beats. PID 1 pets it only while nobody can beat: between two agents, and
 * before the first beat of one. Without a watchdog a silent agent is killed: that counts as a crash. */
static void watch(int64_t now) {
  bool is_guarded = watchdog_open();
  int64_t silent_ms = now - agent.heard_ms;
  int64_t patience_ms = agent.has_beaten ? WATCHDOG_SECONDS * 1000 : START_GRACE_MS;
  if (agent.pid == 0 || (!agent.has_beaten && silent_ms < patience_ms)) return watchdog_pet();
  if (is_guarded || silent_ms < patience_ms) return;
  say(LOG_CRIT, "agent silent for %d ms and no watchdog: killing it", (int)silent_ms);
  kill(agent.pid, SIGKILL);
}

int main(int argument_count, char **arguments) {
  if (getpid() != 1) return fputs("pact-init is for PID 1: init=/usr/lib/pact/pact-init\n", stderr), 1;
  sigset_t all; /* all are read, none interrupts */
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  int signals_fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
  prepare_node();
  /* The kernel hands PID 1 every word of its command line that it does not know itself. */
  for (int i = 1; i < argument_count; i++) {
    if (strncmp(arguments[i], "--agent=/", 9) == 0) installed_agent = arguments[i] + 8;
  }
  watchdog_open();
  agent_start();
  for (bool is_more = false;;) {
    struct pollfd watched[] = {{signals_fd, POLLIN, 0}, {agent.beat_fd, POLLIN, 0}};
    int64_t wait_ms = is_more ? 0 : TICK_MS, to_start_ms = start_at_ms - now_ms();
    if (agent.pid == 0 && to_start_ms < wait_ms) wait_ms = to_start_ms;
    poll(watched, 2, wait_ms < 0 ? 0 : (int)wait_ms);
    agent_listen();
    struct signalfd_siginfo signal;
    if (read(signals_fd, &signal, sizeof signal) == sizeof signal) take_signal((int)signal.ssi_signo);
    is_more = reap();
    int64_t now = now_ms();
    if (asked != END_NONE && now >= asked_until_ms) end_node(asked);
    if (agent.pid == 0 && now >= start_at_ms) {
      start_at_ms = now + TICK_MS; /* should it not start */
      agent_start();
    }
    watch(now);
  }
}
