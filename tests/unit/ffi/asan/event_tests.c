/* Waiting, waking and watching. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "suite.h"

struct pump {
  int32_t epoll_fd;
  int32_t wake_fd;
};

static struct pump open_pump(void) {
  struct pump pump = {pact_shim_events_open(), pact_shim_wake_open()};
  CHECK_EQUAL(pact_shim_events_add(pump.epoll_fd, pump.wake_fd, UINT64_MAX, 0), 0);
  return pump;
}

static void close_pump(struct pump pump) {
  CHECK_EQUAL(pact_shim_close(pump.epoll_fd), 0);
  CHECK_EQUAL(pact_shim_close(pump.wake_fd), 0);
}

static int32_t wait_once(struct pump pump, int32_t timeout_ms, struct pact_event *ready) {
  return pact_shim_events_wait(pump.epoll_fd, pump.wake_fd, timeout_ms, ready, 1);
}

static void *wake_later(void *wake_fd) {
  usleep(20000);
  pact_shim_events_wake(*(int32_t *)wake_fd);
  return NULL;
}

static void waking(void) {
  struct pump pump = open_pump();
  struct pact_event ready;
  CHECK_EQUAL(wait_once(pump, 0, &ready), 0);
  for (int i = 0; i < 3; i++) CHECK_EQUAL(pact_shim_events_wake(pump.wake_fd), 0);
  CHECK_EQUAL(wait_once(pump, -1, &ready), 0);
  CHECK_EQUAL(wait_once(pump, 0, &ready), 0);
  pthread_t thread;
  CHECK_EQUAL(pthread_create(&thread, NULL, wake_later, &pump.wake_fd), 0);
  CHECK_EQUAL(wait_once(pump, -1, &ready), 0);
  pthread_join(thread, NULL);
  CHECK_EQUAL(pact_shim_events_wait(pump.epoll_fd, pump.wake_fd, 0, NULL, 1), -EFAULT);
  CHECK_EQUAL(pact_shim_events_wait(pump.epoll_fd, pump.wake_fd, 0, &ready, 0), -EINVAL);
  close_pump(pump);
}

static void child_exit_is_an_event(void) {
  struct pump pump = open_pump();
  const char *const arguments[] = {"sh", "-c", "exit 0", NULL};
  struct request request = shell_request(arguments);
  struct pact_spawn_result child;
  CHECK_EQUAL(spawn_request(&request, &child), 0);
  CHECK_EQUAL(pact_shim_events_add(pump.epoll_fd, child.pidfd, 0x123456789abcull, 1), 0);
  CHECK_EQUAL(pact_shim_events_add(pump.epoll_fd, child.pidfd, 1, 1), -EEXIST);
  struct pact_event ready;
  CHECK_EQUAL(wait_once(pump, 5000, &ready), 1);
  CHECK_EQUAL(ready.tag, 0x123456789abcll);
  CHECK_EQUAL(wait_once(pump, 0, &ready), 0); /* once means once */
  CHECK_EQUAL(pact_shim_events_remove(pump.epoll_fd, child.pidfd), 0);
  CHECK_EQUAL(pact_shim_events_remove(pump.epoll_fd, child.pidfd), -ENOENT);
  struct pact_exit exit;
  CHECK(wait_for_exit(child.pidfd, &exit));
  close(child.pidfd);
  close_pump(pump);
}

static volatile sig_atomic_t chained;
static void before_handler(int signal) { chained = signal; }

static void child_signals_wake(void) {
  signal(SIGCHLD, before_handler);
  int32_t fd = pact_shim_wake_open();
  CHECK_EQUAL(pact_shim_child_signal(fd), 0);
  CHECK_EQUAL(pact_shim_wake_drain(fd), 0);
  chained = 0;
  raise(SIGCHLD);
  CHECK_EQUAL(pact_shim_wake_drain(fd), 1);
  CHECK_EQUAL(pact_shim_wake_drain(fd), 0);
  CHECK_EQUAL(chained, SIGCHLD);
  CHECK_EQUAL(pact_shim_child_signal(-1), 0);
  CHECK_EQUAL(pact_shim_child_signal(-1), 0);
  struct sigaction action;
  sigaction(SIGCHLD, NULL, &action);
  CHECK(action.sa_handler == before_handler);
  signal(SIGCHLD, SIG_DFL);
  pact_shim_close(fd);
}

static void directory_changes(void) {
  int32_t fd = pact_shim_inotify_open();
  uint8_t buffer[4096];
  CHECK_EQUAL(pact_shim_inotify_read(fd, buffer, sizeof buffer), 0);
  int32_t watch = pact_shim_inotify_add(fd, test_directory(), IN_CREATE);
  CHECK(watch > 0);
  CHECK_EQUAL(pact_shim_mkdir(test_path("watched"), 0700), 0);
  int32_t got = pact_shim_inotify_read(fd, buffer, sizeof buffer);
  CHECK_EQUAL(got, (int)sizeof(struct inotify_event) + 16);
  CHECK(strcmp((char *)buffer + sizeof(struct inotify_event), "watched") == 0);
  CHECK_EQUAL(pact_shim_inotify_remove(fd, watch), 0);
  CHECK_EQUAL(pact_shim_inotify_remove(fd, watch), -EINVAL);
  CHECK_EQUAL(pact_shim_inotify_add(fd, "/no/such", IN_CREATE), -ENOENT);
  CHECK_EQUAL(pact_shim_inotify_add(fd, NULL, IN_CREATE), -EFAULT);
  CHECK_EQUAL(pact_shim_rmdir(test_path("watched")), 0);
  pact_shim_close(fd);
}

const struct test event_tests[] = {
    {"a wake-up ends the wait that runs or the next one, and no other", waking},
    {"the end of a child is an event, once", child_exit_is_an_event},
    {"SIGCHLD sets the eventfd and still reaches the handler before it", child_signals_wake},
    {"changes of a directory are read from inotify", directory_changes},
    {NULL, NULL},
};
