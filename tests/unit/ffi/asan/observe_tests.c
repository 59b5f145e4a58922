/* Changes of files with who made them, news of processes and of mounts. Without the privilege for a
 * source the refusal is what is tested. */
#include <errno.h>
#include <fcntl.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/fanotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

enum { MASK = FAN_CREATE | FAN_DELETE | FAN_ONDIR };

static void the_process_behind_a_change(void) {
  int32_t fd = pact_shim_fanotify_open();
  if (geteuid() != 0) {
    CHECK(fd == -EPERM || fd >= 0);
    if (fd >= 0) pact_shim_close(fd);
    return;
  }
  CHECK(fd >= 0);
  uint8_t *key = malloc(PACT_DIRECTORY_KEY_MAX);
  uint8_t *buffer = malloc(4096);
  if (key == NULL || buffer == NULL) abort();
  CHECK_EQUAL(pact_shim_fanotify_read(fd, buffer, 4096), 0);
  int32_t key_bytes =
      pact_shim_fanotify_mark(fd, test_directory(), MASK, key, PACT_DIRECTORY_KEY_MAX);
  CHECK(key_bytes > 16);
  CHECK_EQUAL(pact_shim_fanotify_mark(fd, test_directory(), MASK, key, 10), -ENOBUFS);
  CHECK_EQUAL(pact_shim_mkdir(test_path("marked"), 0700), 0);
  int32_t got = pact_shim_fanotify_read(fd, buffer, 4096);
  CHECK(got > (int32_t)sizeof(struct fanotify_event_metadata) + 4 + key_bytes);
  struct fanotify_event_metadata event;
  memcpy(&event, buffer, sizeof event);
  CHECK_EQUAL(event.pid, getpid());
  CHECK(memcmp(buffer + event.metadata_len + 4, key, (size_t)key_bytes) == 0);
  CHECK(strcmp((char *)buffer + event.metadata_len + 4 + key_bytes, "marked") == 0);
  CHECK_EQUAL(pact_shim_fanotify_unmark(fd, test_directory(), MASK), 0);
  CHECK_EQUAL(pact_shim_fanotify_unmark(fd, test_directory(), MASK), -ENOENT);
  CHECK_EQUAL(pact_shim_rmdir(test_path("marked")), 0);
  CHECK_EQUAL(pact_shim_fanotify_read(fd, buffer, 4096), 0);
  CHECK_EQUAL(pact_shim_fanotify_mark(fd, "/no/such", MASK, key, 100), -ENOENT);
  CHECK_EQUAL(pact_shim_fanotify_mark(fd, NULL, MASK, key, 100), -EFAULT);
  CHECK_EQUAL(pact_shim_fanotify_read(fd, NULL, 100), -EFAULT);
  free(buffer);
  free(key);
  pact_shim_close(fd);
}

static void the_process_behind_a_write(void) {
  int32_t fd = pact_shim_file_writes_open();
  if (geteuid() != 0) {
    CHECK(fd == -EPERM || fd >= 0);
    if (fd >= 0) pact_shim_close(fd);
    return;
  }
  CHECK(fd >= 0);
  uint8_t *buffer = malloc(PACT_FILE_WRITES_CAPACITY);
  if (buffer == NULL) abort();
  CHECK_EQUAL(pact_shim_file_writes_mark(fd, test_directory(), 1), 0);
  int file = open(test_path("written"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  CHECK_EQUAL(close(file), 0);
  uint32_t path_bytes = (uint32_t)strlen(test_path("written"));
  CHECK_EQUAL(pact_shim_file_writes_read(fd, buffer, 100), -EINVAL);
  int32_t got = pact_shim_file_writes_read(fd, buffer, PACT_FILE_WRITES_CAPACITY);
  CHECK_EQUAL(got, 8 + path_bytes);
  int32_t pid;
  memcpy(&pid, buffer, sizeof pid);
  CHECK_EQUAL(pid, getpid());
  CHECK(memcmp(buffer + 8, test_path("written"), path_bytes) == 0);
  CHECK_EQUAL(pact_shim_file_writes_read(fd, buffer, PACT_FILE_WRITES_CAPACITY), 0);
  CHECK_EQUAL(pact_shim_file_writes_mark(fd, test_directory(), 0), 0);
  CHECK_EQUAL(pact_shim_file_writes_mark(fd, test_directory(), 0), -ENOENT);
  CHECK_EQUAL(pact_shim_file_writes_mark(fd, NULL, 1), -EFAULT);
  CHECK_EQUAL(pact_shim_file_writes_read(fd, NULL, 1), -EFAULT);
  CHECK_EQUAL(unlink(test_path("written")), 0);
  free(buffer);
  pact_shim_close(fd);
}

/* Whether a child that starts a program is told of, and nothing of its kind is left out. */
static int tells_of(int32_t fd, pid_t child) {
  uint8_t buffer[4096];
  int forked = 0;
  for (int news = 0; news < 10000; news++) {
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    if (poll(&waiting, 1, 2000) <= 0) return 0;
    int32_t got = pact_shim_netlink_read(fd, buffer, sizeof buffer);
    if (got <= 0) continue;
    struct proc_event event = {0};
    size_t at = NLMSG_HDRLEN + sizeof(struct cn_msg);
    size_t rest = (size_t)got - at;
    memcpy(&event, buffer + at, rest < sizeof event ? rest : sizeof event);
    CHECK(event.what == PROC_EVENT_FORK || event.what == PROC_EVENT_EXEC);
    if (event.what == PROC_EVENT_FORK) {
      CHECK_EQUAL(event.event_data.fork.child_pid, event.event_data.fork.child_tgid);
      forked |= event.event_data.fork.child_pid == child;
    } else if (event.event_data.exec.process_tgid == child) {
      return forked;
    }
  }
  return 0;
}

static int in_first_pid_namespace(void) {
  char target[64] = {0};
  return readlink("/proc/self/ns/pid", target, sizeof target - 1) > 0 &&
         strcmp(target, "pid:[4026531836]") == 0;
}

static void processes_that_come(void) {
  int32_t fd = pact_shim_process_news_open();
  if (geteuid() != 0 || !in_first_pid_namespace()) {
    if (fd >= 0) pact_shim_close(fd);
    return;
  }
  CHECK(fd >= 0);
  pid_t child = fork();
  if (child == 0) {
    execl("/bin/true", "true", (char *)NULL);
    _exit(127);
  }
  CHECK(tells_of(fd, child));
  waitpid(child, NULL, 0);
  pact_shim_close(fd);
}

static void news_of_mounts(void) {
  int32_t fd = pact_shim_mount_watch_open();
  int32_t epoll_fd = pact_shim_events_open(), wake_fd = pact_shim_wake_open();
  CHECK_EQUAL(pact_shim_events_add(epoll_fd, fd, 5, 8), -EINVAL);
  CHECK_EQUAL(pact_shim_events_add(epoll_fd, fd, 5, PACT_EVENTS_URGENT), 0);
  struct pact_event ready;
  /* Readable it always is; urgent only after a change. */
  CHECK_EQUAL(pact_shim_events_wait(epoll_fd, wake_fd, 0, &ready, 1), 0);
  pact_shim_close(wake_fd);
  pact_shim_close(epoll_fd);
  pact_shim_close(fd);
}

const struct test observe_tests[] = {
    {"a change in a marked directory names directory, name and process", the_process_behind_a_change},
    {"a write in a marked directory names its path and process", the_process_behind_a_write},
    {"a child and its program are told of, threads are not", processes_that_come},
    {"a mount table that does not change has no urgent news", news_of_mounts},
    {NULL, NULL},
};
