/* Notifications: who sends, what comes along, what is too long. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "suite.h"

static int32_t send_text(const char *path, const char *text) {
  return pact_shim_notify_send(path, (const uint8_t *)text, (uint32_t)strlen(text));
}

static void sender_is_known(void) {
  const char *path = test_path("notify");
  int32_t fd = pact_shim_notify_open(path, 0600, UINT32_MAX, UINT32_MAX);
  CHECK(fd > 2);
  struct stat found;
  CHECK_EQUAL(stat(path, &found), 0);
  CHECK_EQUAL(found.st_mode & 07777, 0600);
  struct pact_notification message;
  uint8_t *buffer = malloc(16);
  CHECK_EQUAL(pact_shim_notify_read(fd, &message, buffer, 16), 0);
  CHECK_EQUAL(send_text(path, "READY=1"), 0);
  CHECK_EQUAL(pact_shim_notify_read(fd, &message, buffer, 16), 1);
  CHECK_EQUAL(message.pid, getpid());
  CHECK_EQUAL(message.uid, getuid());
  CHECK_EQUAL(message.bytes, 7);
  CHECK_EQUAL(message.truncated, 0);
  CHECK_EQUAL(memcmp(buffer, "READY=1", 7), 0);
  CHECK_EQUAL(send_text(path, "STATUS=longer than the buffer"), 0);
  CHECK_EQUAL(pact_shim_notify_read(fd, &message, buffer, 16), 1);
  CHECK_EQUAL(message.bytes, 16);
  CHECK_EQUAL(message.truncated, 1);
  free(buffer);
  CHECK_EQUAL(pact_shim_close(fd), 0);
  CHECK_EQUAL(send_text(path, "READY=1"), -ECONNREFUSED);
  fd = pact_shim_notify_open(path, 0600, UINT32_MAX, UINT32_MAX);
  CHECK(fd > 2);
  CHECK_EQUAL(pact_shim_close(fd), 0);
}

static void abstract_names(void) {
  int32_t fd = pact_shim_notify_open("@pact-asan-notify", 0600, UINT32_MAX, UINT32_MAX);
  CHECK(fd > 2);
  CHECK_EQUAL(pact_shim_notify_open("@pact-asan-notify", 0600, UINT32_MAX, UINT32_MAX),
              -EADDRINUSE);
  CHECK_EQUAL(send_text("@pact-asan-notify", ""), 0);
  struct pact_notification message;
  uint8_t byte;
  CHECK_EQUAL(pact_shim_notify_read(fd, &message, &byte, 1), 1);
  CHECK_EQUAL(message.bytes, 0);
  CHECK_EQUAL(pact_shim_close(fd), 0);
}

/* What systemd-notify does to know that its message was handled. */
static void descriptors_are_closed(void) {
  const char *path = test_path("notify-rights");
  int32_t fd = pact_shim_notify_open(path, 0600, UINT32_MAX, UINT32_MAX);
  CHECK(fd > 2);
  enum { COUNT = 253 };
  int ends[2], sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  CHECK_EQUAL(pipe2(ends, O_CLOEXEC), 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  char text[] = "BARRIER=1";
  struct iovec part = {text, sizeof text - 1};
  size_t room = CMSG_SPACE(COUNT * sizeof(int));
  struct cmsghdr *control = calloc(1, room);
  struct msghdr message = {.msg_name = &address,
                           .msg_namelen = sizeof address,
                           .msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = control,
                           .msg_controllen = room};
  *control = (struct cmsghdr){CMSG_LEN(COUNT * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
  for (int i = 0; i < COUNT; i++) {
    memcpy(CMSG_DATA(control) + (size_t)i * sizeof(int), &ends[1], sizeof(int));
  }
  CHECK_EQUAL(sendmsg(sender, &message, 0), sizeof text - 1);
  free(control);
  close(ends[1]);
  struct pact_notification notification;
  uint8_t buffer[32];
  CHECK_EQUAL(pact_shim_notify_read(fd, &notification, buffer, sizeof buffer), 1);
  CHECK_EQUAL(notification.pid, getpid());
  /* The last writer is gone with the message: the sender's reading end says so. */
  CHECK_EQUAL(read(ends[0], buffer, 1), 0);
  close(ends[0]);
  close(sender);
  CHECK_EQUAL(pact_shim_close(fd), 0);
}

static void refusals(void) {
  struct pact_notification message;
  uint8_t byte = 0;
  char long_path[200];
  memset(long_path, 'a', sizeof long_path - 1);
  long_path[0] = '/';
  long_path[sizeof long_path - 1] = '\0';
  CHECK_EQUAL(pact_shim_notify_open(NULL, 0600, 0, 0), -EFAULT);
  CHECK_EQUAL(pact_shim_notify_open("relative", 0600, 0, 0), -EINVAL);
  CHECK_EQUAL(pact_shim_notify_open("/", 0600, 0, 0), -EINVAL);
  CHECK_EQUAL(pact_shim_notify_open("/x", 01777, 0, 0), -EINVAL);
  CHECK_EQUAL(pact_shim_notify_open(long_path, 0600, 0, 0), -ENAMETOOLONG);
  CHECK_EQUAL(pact_shim_notify_read(-1, &message, &byte, 1), -EBADF);
  CHECK_EQUAL(pact_shim_notify_read(0, NULL, &byte, 1), -EFAULT);
  CHECK_EQUAL(pact_shim_notify_send(long_path, &byte, 1), -ENAMETOOLONG);
  CHECK_EQUAL(pact_shim_notify_send("/nowhere/at/all", &byte, 1), -ENOENT);
  const char *file = test_path("notify-file");
  int fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  close(fd);
  CHECK_EQUAL(pact_shim_notify_open(file, 0600, UINT32_MAX, UINT32_MAX), -EEXIST);
  CHECK_EQUAL(unlink(file), 0);
}

const struct test notify_tests[] = {
    {"a notification tells its sender, and a second socket takes the place of the first",
     sender_is_known},
    {"a notification socket may have an abstract name", abstract_names},
    {"descriptors that come with a notification are closed, however many", descriptors_are_closed},
    {"what is no address for notifications is refused", refusals},
    {NULL, NULL},
};
