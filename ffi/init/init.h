/*
 * pact-init: PID 1 of a node. It mounts what a kernel does not, keeps one agent running as its child
 * and reaps whom the agent is not the parent of. The agent does everything else; when it dies its
 * services become children of PID 1 and live on until the next agent takes them over.
 * No heap in PID 1, no threads, two endless loops. What they tell each other: docs/architecture.md.
 */
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <linux/watchdog.h>
#include <mntent.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define INSTALLED_AGENT "/usr/lib/pact/pact-agent"
#define UPGRADED_AGENT "/run/pact/agent" /* what the agent puts there before it asks for an upgrade */
#define AGENT_SCOPE "/sys/fs/cgroup/pact.slice/agent.scope"
#define REAPED_FILE "/run/pact/reaped"
#define WATCHDOG_DEVICE "/dev/watchdog"
#ifndef TICK_MS /* a build for tests is in more of a hurry */
#define TICK_MS 1000             /* of the loop, when nothing happens */
#define START_GRACE_MS 60000     /* until the first beat of an agent */
#define RESTART_WINDOW_MS 600000 /* INI-30: RESTART_LIMIT restarts in so long */
#define RESTART_DELAY_MS 100     /* the first; seven times as much each time after */
#define UPGRADE_LIMIT_MS 30000 /* from asking for an upgrade to the exit */
#define STOP_LIMIT_MS 150000   /* for an agent to stop its services when it is told to */
#define TERM_LIMIT_MS 10000    /* from SIGTERM to SIGKILL for what is left then */
#define KILL_LIMIT_MS 5000
#define UNMOUNT_LIMIT_MS 20000
#define WATCHDOG_SECONDS 30
#endif
#define RESTART_LIMIT 3
enum end { END_NONE, END_REBOOT, END_POWER_OFF, END_HALT };
/* node.c */
void prepare_node(void);
void say(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));
int64_t now_ms(void);
void write_file(const char *path, const char *text); /* where there is one */
_Noreturn void end_node(enum end how);
/* epoch.c */
time_t epoch_after(time_t now, const char *const *paths);
/* watchdog.c */
bool watchdog_open(void);            /* true while one guards; tries again where it was not there */
void watchdog_use(unsigned number);  /* /dev/watchdogN from now on; 0 is /dev/watchdog */
void watchdog_set(unsigned seconds); /* 0: not wanted */
void watchdog_pet(void);
void watchdog_close(void);           /* disarmed, but for what does not let itself be */
extern char watchdog_summary[32]; /* for the agent: "none", "30" or "30 fired" */
/* reaper.c */
bool reap_one(pid_t *pid, char how[static 16]); /* "exit 3", "signal 9"; false when nobody ended */
bool reap_all(int64_t limit_ms);                /* waits; true when no child is left */
/* agent.c */
extern struct agent {
  pid_t pid;   /* 0 while none runs */
  int beat_fd; /* -1 while closed */
  bool has_beaten;
  int64_t heard_ms; /* time of the last beat, or of the start */
} agent;
extern const char *installed_agent;
void agent_start(void);
void agent_listen(void); /* takes what it has said since */
int64_t agent_ended(const char *how); /* milliseconds to the next start; -1 past the limit */
