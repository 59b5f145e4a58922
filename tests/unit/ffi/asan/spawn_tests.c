/* Spawning real programs. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

static int32_t run_script(const char *script, uint32_t flags) {
  const char *const arguments[] = {"sh", "-c", script, NULL};
  struct request request = shell_request(arguments);
  request.header.flags = flags;
  struct pact_spawn_result result;
  int32_t answered = spawn_request(&request, &result);
  if (answered < 0) return answered;
  struct pact_exit exit = {0};
  CHECK(wait_for_exit(result.pidfd, &exit));
  CHECK_EQUAL(exit.pid, result.pid);
  CHECK_EQUAL(exit.kind, PACT_EXIT_CODE);
  CHECK_EQUAL(pact_shim_close(result.pidfd), 0);
  return exit.value;
}

static void exit_codes(void) {
  CHECK_EQUAL(run_script("exit 42", 0), 42);
  CHECK_EQUAL(run_script("exit 43", PACT_SPAWN_WITHOUT_CLONE3), 43);
}

static void exec_failure(void) {
  const char *const arguments[] = {"x", NULL};
  for (uint32_t flags = 0;; flags = PACT_SPAWN_WITHOUT_CLONE3) {
    struct request request = shell_request(arguments);
    request.executable = "/no/such/program";
    request.header.flags = flags;
    request.header.stdout_fd = PACT_STDIO_PIPE;
    struct pact_spawn_result result;
    CHECK_EQUAL(spawn_request(&request, &result), -ENOENT);
    CHECK_EQUAL(result.step, PACT_STEP_EXEC);
    CHECK_EQUAL(result.error, ENOENT);
    CHECK(result.pid == -1 && result.pidfd == -1 && result.stdout_fd == -1);
    CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
    if (flags != 0) break;
  }
}

static void inheritable_descriptors_are_closed(void) {
  int leaked = open("/dev/null", O_RDONLY); /* not close-on-exec */
  int high = fcntl(leaked, F_DUPFD, 500);
  char script[128];
  snprintf(script, sizeof script, "test ! -e /proc/self/fd/%d && test ! -e /proc/self/fd/%d",
           leaked, high);
  CHECK_EQUAL(run_script(script, 0), 0);
  CHECK_EQUAL(run_script(script, PACT_SPAWN_WITHOUT_CLONE3), 0);
  close(leaked);
  close(high);
}

/* Standard streams given crosswise: each number is both a source and a target. */
static void crossed_descriptors(void) {
  const char *const arguments[] = {"sh", "-c", "echo out; echo err >&2", NULL};
  int out[2], err[2], saved[2] = {dup(1), dup(2)};
  CHECK_EQUAL(pipe2(out, O_CLOEXEC), 0);
  CHECK_EQUAL(pipe2(err, O_CLOEXEC), 0);
  fflush(stdout);
  dup2(err[1], 1);
  dup2(out[1], 2);
  struct request request = shell_request(arguments);
  request.header.stdout_fd = 2;
  request.header.stderr_fd = 1;
  struct pact_spawn_result result;
  int32_t answered = spawn_request(&request, &result);
  dup2(saved[0], 1);
  dup2(saved[1], 2);
  CHECK_EQUAL(answered, 0);
  struct pact_exit exit;
  CHECK(wait_for_exit(result.pidfd, &exit));
  char text[16] = {0};
  CHECK_EQUAL(read(out[0], text, sizeof text), 4);
  CHECK(memcmp(text, "out\n", 4) == 0);
  CHECK_EQUAL(read(err[0], text, sizeof text), 4);
  CHECK(memcmp(text, "err\n", 4) == 0);
  const int fds[] = {out[0], out[1], err[0], err[1], saved[0], saved[1], result.pidfd};
  for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) close(fds[i]);
}

static void signals_are_reset(void) {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGUSR2, SIG_IGN);
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const char *script = "grep -q 'SigBlk:.*0000000000000000' /proc/self/status && "
                       "grep -q 'SigIgn:.*0000000000000000' /proc/self/status";
  CHECK_EQUAL(run_script(script, 0), 0);
  CHECK_EQUAL(run_script(script, PACT_SPAWN_WITHOUT_CLONE3), 0);
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, NULL, &after);
  CHECK(sigismember(&after, SIGTERM) == 1 && sigismember(&after, SIGINT) == 0);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  signal(SIGPIPE, SIG_DFL);
  signal(SIGUSR2, SIG_DFL);
}

static volatile sig_atomic_t handled;
static void handler(int signal) { handled = signal; }

static void *bombard(void *target) {
  for (int i = 0; i < 20000; i++) pthread_kill(*(pthread_t *)target, SIGUSR1);
  return NULL;
}

/* No handler may run in the child, and interrupted calls must not change the outcome. */
static void signals_during_spawn(void) {
  struct sigaction action = {.sa_handler = handler}; /* without SA_RESTART */
  sigaction(SIGUSR1, &action, NULL);
  pthread_t self = pthread_self(), thread;
  CHECK_EQUAL(pthread_create(&thread, NULL, bombard, &self), 0);
  const char *const arguments[] = {"sh", "-c", "exit 5", NULL};
  for (int i = 0; i < 30; i++) {
    struct request request = shell_request(arguments);
    struct pact_spawn_result result;
    CHECK_EQUAL(spawn_request(&request, &result), 0);
    struct pact_exit exit = {0};
    while (pact_shim_pidfd_wait(result.pidfd, &exit) == 0) usleep(500);
    CHECK_EQUAL(exit.value, 5);
    close(result.pidfd);
  }
  pthread_join(thread, NULL);
  CHECK_EQUAL(handled, SIGUSR1);
  signal(SIGUSR1, SIG_DFL);
}

static void child_dies_with_its_parent(void) {
  prctl(PR_SET_CHILD_SUBREAPER, 1ul, 0ul, 0ul, 0ul);
  int report[2];
  CHECK_EQUAL(pipe2(report, O_CLOEXEC), 0);
  fflush(stdout);
  pid_t parent = fork();
  if (parent == 0) {
    const char *const arguments[] = {"sh", "-c", "sleep 60", NULL};
    struct request request = shell_request(arguments);
    request.header.parent_death_signal = SIGKILL;
    struct pact_spawn_result result;
    spawn_request(&request, &result);
    _exit(write(report[1], &result.pid, sizeof result.pid) == sizeof result.pid ? 0 : 1);
  }
  int32_t pid = -1;
  CHECK_EQUAL(read(report[0], &pid, sizeof pid), sizeof pid);
  CHECK_EQUAL(waitpid(parent, NULL, 0), parent);
  int32_t pidfd = pact_shim_pidfd_open(pid);
  struct pact_exit exit = {0};
  if (pidfd >= 0) CHECK(wait_for_exit(pidfd, &exit));
  CHECK_EQUAL(exit.kind, PACT_EXIT_SIGNAL);
  CHECK_EQUAL(exit.value, SIGKILL);
  if (pidfd >= 0) close(pidfd);
  close(report[0]);
  close(report[1]);
  while (waitpid(-1, NULL, WNOHANG) > 0) {
  }
  prctl(PR_SET_CHILD_SUBREAPER, 0ul, 0ul, 0ul, 0ul);
}

const struct test spawn_tests[] = {
    {"a program's exit code comes back, with and without clone3", exit_codes},
    {"a failed exec names step and errno and leaves no child and no descriptor", exec_failure},
    {"inheritable descriptors of the parent do not reach the child",
     inheritable_descriptors_are_closed},
    {"standard streams given crosswise arrive where they belong", crossed_descriptors},
    {"ignored and blocked signals of the parent are default in the child", signals_are_reset},
    {"signals during a spawn change nothing", signals_during_spawn},
    {"a child with a parent death signal dies with its parent", child_dies_with_its_parent},
    {NULL, NULL},
};
