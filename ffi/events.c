/*
 * One epoll for everything the agent waits on outside its runtime's own loop: pidfds, inotify,
 * netlink, timers, and the eventfd by which a wait is ended early.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "pact_shim.h"

enum { EVENTS_PER_WAIT = 256 };

int32_t pact_shim_events_open(void) {
  int fd = epoll_create1(EPOLL_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

int32_t pact_shim_wake_open(void) {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

int32_t pact_shim_events_add(int32_t epoll_fd, int32_t fd, uint64_t tag, int32_t flags) {
  const int32_t known = PACT_EVENTS_ONCE | PACT_EVENTS_URGENT | PACT_EVENTS_WRITABLE;
  if ((flags & ~known) != 0) return -EINVAL;
  uint32_t news = flags & PACT_EVENTS_URGENT ? EPOLLPRI : EPOLLIN;
  if (flags & PACT_EVENTS_WRITABLE) news = EPOLLOUT;
  struct epoll_event event = {.events = news, .data.u64 = tag};
  if (flags & PACT_EVENTS_ONCE) event.events |= EPOLLONESHOT;
  return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int32_t pact_shim_events_remove(int32_t epoll_fd, int32_t fd) {
  return epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL) < 0 ? -errno : 0;
}

int32_t pact_shim_wake_drain(int32_t wake_fd) {
  uint64_t wakes;
  ssize_t got = read(wake_fd, &wakes, sizeof wakes);
  if (got >= 0) return 1;
  return errno == EAGAIN ? 0 : -errno;
}

int32_t pact_shim_events_wait(int32_t epoll_fd, int32_t wake_fd, int32_t timeout_ms,
                              struct pact_event *ready, uint32_t capacity) {
  if (ready == NULL) return -EFAULT;
  if (capacity == 0) return -EINVAL;
  struct epoll_event events[EVENTS_PER_WAIT];
  int room = capacity < EVENTS_PER_WAIT ? (int)capacity : EVENTS_PER_WAIT;
  int count = epoll_wait(epoll_fd, events, room, timeout_ms);
  if (count < 0) return errno == EINTR ? 0 : -errno;

  int32_t written = 0;
  for (int i = 0; i < count; i++) {
    if (events[i].data.u64 == UINT64_MAX) {
      pact_shim_wake_drain(wake_fd);
      continue;
    }
    ready[written++] = (struct pact_event){events[i].data.u64, events[i].events, 0};
  }
  return written;
}

int32_t pact_shim_events_wake(int32_t wake_fd) {
  const uint64_t one = 1;
  ssize_t written = write(wake_fd, &one, sizeof one);
  /* A full counter already is a wake-up. */
  return written >= 0 || errno == EAGAIN ? 0 : -errno;
}

static _Atomic int child_event_fd = -1;
static struct sigaction child_action_before;

static void on_child_signal(int signal, siginfo_t *info, void *context) {
  int error = errno;
  int fd = atomic_load(&child_event_fd);
  if (fd >= 0) pact_shim_events_wake(fd);
  if (child_action_before.sa_flags & SA_SIGINFO) {
    child_action_before.sa_sigaction(signal, info, context);
  } else if (child_action_before.sa_handler != SIG_DFL &&
             child_action_before.sa_handler != SIG_IGN) {
    child_action_before.sa_handler(signal);
  }
  errno = error;
}

int32_t pact_shim_child_signal(int32_t event_fd) {
  int before = atomic_exchange(&child_event_fd, event_fd < 0 ? -1 : event_fd);
  if ((before < 0) == (event_fd < 0)) return 0;
  if (event_fd < 0) return sigaction(SIGCHLD, &child_action_before, NULL) < 0 ? -errno : 0;

  struct sigaction action = {.sa_sigaction = on_child_signal,
                             .sa_flags = SA_SIGINFO | SA_RESTART | SA_NOCLDSTOP};
  sigemptyset(&action.sa_mask);
  /* Read first, so that the handler never runs with an unset predecessor. */
  if (sigaction(SIGCHLD, NULL, &child_action_before) < 0 ||
      sigaction(SIGCHLD, &action, NULL) < 0) {
    int error = errno;
    atomic_store(&child_event_fd, -1);
    return -error;
  }
  return 0;
}
