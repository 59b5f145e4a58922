/* New namespaces, and the process that keeps a PID namespace from ending. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "namespaces.h"

static int flags_of(const char *types) {
  int flags = 0;
  for (; *types != '\0'; types++) {
    switch (*types) {
      case 'p':
        flags |= CLONE_NEWPID;
        break;
      case 'n':
        flags |= CLONE_NEWNET;
        break;
      case 'm':
        flags |= CLONE_NEWNS;
        break;
      default:
        errno = EINVAL;
        fail("namespace types");
    }
  }
  return flags;
}

/* NS-20: loopback, and nothing else. */
static void bring_loopback_up(void) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("loopback");
  struct ifreq request = {.ifr_name = "lo"};
  if (ioctl(fd, SIOCGIFFLAGS, &request) != 0) fail("loopback");
  request.ifr_flags |= IFF_UP;
  if (ioctl(fd, SIOCSIFFLAGS, &request) != 0) fail("loopback");
  close(fd);
}

static void close_streams(void) {
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
    if (null >= 0) {
      dup2(null, fd);
    } else {
      close(fd);
    }
  }
}

/* The first process of a PID namespace: reaps, and ends on SIGTERM, by which all others in it end
 * too. Its signals are blocked and waited for, since the kernel keeps those without a handler from
 * a first process (pid_namespaces(7)). */
static _Noreturn void be_first(const sigset_t *signals, int ready) {
  prctl(PR_SET_NAME, "pact-ns-holder");
  if (chdir("/") != 0) _exit(1);
  close_streams();
  close(ready);
  /* Ends on SIGTERM, or by SIGKILL. */
  for (;;) {
    siginfo_t info;
    int signal = sigwaitinfo(signals, &info);
    if (signal == SIGTERM) _exit(0);
    while (waitpid(-1, NULL, WNOHANG) > 0) continue;
  }
}

static pid_t fork_first(void) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGCHLD);
  if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0) fail("signals");
  /* Closed by the child once it is what it has to be. */
  int ready[2];
  if (pipe2(ready, O_CLOEXEC) != 0) fail("pipe");
  pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    setsid();
    close(ready[0]);
    be_first(&signals, ready[1]);
  }
  close(ready[1]);
  char nothing;
  ssize_t end = read(ready[0], &nothing, 1);
  (void)end;
  close(ready[0]);
  return child;
}

int hold(const char *types, const char *uenv_base, const char *keep, const char *pins) {
  int flags = flags_of(types);
  if (unshare(flags) != 0) fail("unshare");
  if (flags & CLONE_NEWNET) bring_loopback_up();
  if (flags & CLONE_NEWNS) tidy_mounts(uenv_base, keep, pins);
  pid_t first = flags & CLONE_NEWPID ? fork_first() : getpid();
  printf("ok %d\n", first);
  fflush(stdout);
  /* Until whoever asked has taken hold of the namespaces, or has ended. */
  char byte;
  ssize_t got;
  do {
    got = read(STDIN_FILENO, &byte, 1);
  } while (got > 0 || (got < 0 && errno == EINTR));
  return 0;
}
