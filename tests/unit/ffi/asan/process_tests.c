/* Signals, waiting and reaping. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

static struct pact_spawn_result start(const char *script) {
  const char *const arguments[] = {"sh", "-c", script, NULL};
  struct request request = shell_request(arguments);
  struct pact_spawn_result result;
  CHECK_EQUAL(spawn_request(&request, &result), 0);
  return result;
}

static void signal_and_wait(void) {
  struct pact_spawn_result child = start("sleep 60");
  struct pact_exit exit;
  CHECK_EQUAL(pact_shim_pidfd_alive(child.pidfd), 1);
  CHECK_EQUAL(pact_shim_pidfd_wait(child.pidfd, &exit), 0);
  CHECK_EQUAL(pact_shim_pidfd_signal(child.pidfd, 0), 0);
  CHECK_EQUAL(pact_shim_pidfd_signal(child.pidfd, SIGKILL), 0);
  CHECK(wait_for_exit(child.pidfd, &exit));
  CHECK_EQUAL(exit.kind, PACT_EXIT_SIGNAL);
  CHECK_EQUAL(exit.value, SIGKILL);
  CHECK_EQUAL(pact_shim_pidfd_wait(child.pidfd, &exit), -ECHILD);
  CHECK_EQUAL(pact_shim_pidfd_signal(child.pidfd, 0), -ESRCH);
  CHECK_EQUAL(pact_shim_pidfd_alive(child.pidfd), 0);
  CHECK_EQUAL(pact_shim_close(child.pidfd), 0);
  CHECK_EQUAL(pact_shim_pidfd_alive(child.pidfd), -EBADF);
  CHECK_EQUAL(pact_shim_pidfd_wait(-1, &exit), -EBADF);
}

static int compare(const void *left, const void *right) {
  return *(const int32_t *)left - *(const int32_t *)right;
}

/* Supervised and unsupervised children end in alternation; only the latter are reaped. */
static void reaping_spares_supervised(void) {
  enum { EACH = 40 };
  struct pact_spawn_result kept[EACH];
  int32_t supervised[EACH];
  for (int i = 0; i < EACH; i++) {
    kept[i] = start("exit 7");
    supervised[i] = kept[i].pid;
    close(start("exit 8").pidfd);
  }
  qsort(supervised, EACH, sizeof *supervised, compare);
  int count = 0;
  for (int round = 0; round < 500 && count < EACH; round++) {
    struct pact_exit reaped[3];
    int32_t got = pact_shim_reap_orphans(supervised, EACH, reaped, 3);
    CHECK(got >= 0 && got <= 3);
    for (int i = 0; i < got; i++) CHECK_EQUAL(reaped[i].value, 8);
    count += got;
    if (got == 0) usleep(10000);
  }
  CHECK_EQUAL(count, EACH);
  for (int i = 0; i < EACH; i++) {
    struct pact_exit exit = {0};
    CHECK(wait_for_exit(kept[i].pidfd, &exit));
    CHECK_EQUAL(exit.value, 7);
    close(kept[i].pidfd);
  }
}

static void reaping_without_children(void) {
  struct pact_exit reaped;
  CHECK_EQUAL(pact_shim_reap_orphans(NULL, 0, &reaped, 1), 0);
  CHECK_EQUAL(pact_shim_reap_orphans(NULL, 1, &reaped, 1), -EFAULT);
  CHECK_EQUAL(pact_shim_reap_orphans(NULL, 0, NULL, 1), -EFAULT);
}

static void dangerous_targets(void) {
  CHECK_EQUAL(pact_shim_kill(1, 0), -EINVAL);
  CHECK_EQUAL(pact_shim_kill(-1, 0), -EINVAL);
  CHECK_EQUAL(pact_shim_kill_group(0, 0), -EINVAL);
  CHECK_EQUAL(pact_shim_kill_group(1, 0), -EINVAL);
  for (int fd = -1; fd <= 2; fd++) CHECK_EQUAL(pact_shim_close(fd), -EINVAL);
  CHECK_EQUAL(pact_shim_close(9999), -EBADF);
}

const struct test process_tests[] = {
    {"a signal by pidfd ends a child, whose status is read once", signal_and_wait},
    {"INI-10: reaping spares every supervised child", reaping_spares_supervised},
    {"reaping without children reaps nothing", reaping_without_children},
    {"signals to pid 1, to everyone, and closing standard streams are refused", dangerous_targets},
    {NULL, NULL},
};
