/* The reader has no rights left at its end, and may be killed: a process of its own waits for that and
 * removes the instance. It keeps the user root, whose files those of tracefs are, and no capability. */
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tracefs.h"

enum { REMOVAL_TRIES = 100, TRY_NS = 50000000 };

static bool drop_capabilities(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  return syscall(SYS_capset, &header, none) == 0;
}

static _Noreturn void keep(const char *root, int end) {
  /* What is meant for the reader and its group is not meant for this one. */
  setsid();
  /* Whoever reads the records waits for nobody but the reader. */
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++) close(stream);
  const int ignored[] = {SIGHUP, SIGINT, SIGTERM};
  for (size_t number = 0; number < sizeof ignored / sizeof *ignored; number++) {
    signal(ignored[number], SIG_IGN);
  }
  prctl(PR_SET_NAME, "pact-trace-keep");
  if (!drop_capabilities()) _exit(1);
  char byte;
  /* Nothing is ever written: it returns when the other end is closed. */
  while (read(end, &byte, sizeof byte) > 0) continue;
  const struct timespec pause = {.tv_nsec = TRY_NS};
  for (int tries = 0; tries < REMOVAL_TRIES; tries++) {
    if (trace_remove_instance(root)) _exit(0);
    nanosleep(&pause, NULL);
  }
  _exit(1);
}

bool trace_leave_keeper(const char *root) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  pid_t keeper = fork();
  if (keeper == 0) {
    close(ends[1]);
    keep(root, ends[0]);
  }
  close(ends[0]);
  /* The other stays open for as long as this process lives. */
  return keeper > 0;
}
