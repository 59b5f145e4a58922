/* The datagrams by which a program says how it is (sd_notify(3)): receiving them with the sender's
 * credentials, and sending one. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "pact_shim.h"

/* SCM_MAX_FD: what the kernel lets one datagram carry. */
enum { MAX_DESCRIPTORS = 253 };

/* Fills the address of a path, or of an abstract name that begins with @; its length or an errno. */
static int address_of(const char *path, struct sockaddr_un *address, socklen_t *length) {
  size_t bytes = strlen(path);
  if (bytes < 2 || (path[0] != '/' && path[0] != '@')) return -EINVAL;
  if (bytes >= sizeof address->sun_path) return -ENAMETOOLONG;
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  memcpy(address->sun_path, path, bytes);
  *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes);
  if (path[0] == '@') address->sun_path[0] = '\0';
  else *length += 1;
  return 0;
}

static int datagram_socket(void) {
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  return fd < 0 ? -errno : fd;
}

/* Binds; what a former owner left at the path goes first, unless it is no socket. */
static int bind_anew(int fd, const char *path, const struct sockaddr_un *address,
                     socklen_t length) {
  const struct sockaddr *bound = (const struct sockaddr *)address;
  if (bind(fd, bound, length) == 0) return 0;
  if (errno != EADDRINUSE || path[0] == '@') return -errno;
  struct stat found;
  if (lstat(path, &found) != 0) return -errno;
  if (!S_ISSOCK(found.st_mode)) return -EEXIST;
  if (unlink(path) != 0 && errno != ENOENT) return -errno;
  return bind(fd, bound, length) == 0 ? 0 : -errno;
}

int32_t pact_shim_notify_open(const char *path, uint32_t mode, uint32_t uid, uint32_t gid) {
  if (path == NULL) return -EFAULT;
  if (mode > 0777) return -EINVAL;
  struct sockaddr_un address;
  socklen_t length;
  int failed = address_of(path, &address, &length);
  if (failed < 0) return failed;
  int fd = datagram_socket();
  if (fd < 0) return fd;
  const int on = 1;
  /* Before the name is there, so that no datagram comes without its sender's credentials. */
  if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) failed = -errno;
  if (failed == 0) failed = bind_anew(fd, path, &address, length);
  if (failed == 0 && path[0] == '/') {
    if (lchown(path, uid, gid) != 0 || chmod(path, (mode_t)mode) != 0) {
      failed = -errno;
      unlink(path);
    }
  }
  if (failed == 0) return fd;
  close(fd);
  return failed;
}

/* Takes the credentials out of the control messages and closes every descriptor that came along. */
static void take_control(struct msghdr *message, struct pact_notification *notification) {
  for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL;
       part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level != SOL_SOCKET) continue;
    if (part->cmsg_type == SCM_CREDENTIALS && part->cmsg_len >= CMSG_LEN(sizeof(struct ucred))) {
      struct ucred sender;
      memcpy(&sender, CMSG_DATA(part), sizeof sender);
      notification->pid = sender.pid;
      notification->uid = sender.uid;
      notification->gid = sender.gid;
    }
    if (part->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
      int fd;
      memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      close(fd);
    }
  }
}

int32_t pact_shim_notify_read(int32_t fd, struct pact_notification *notification, uint8_t *buffer,
                              uint32_t capacity) {
  if (notification == NULL || buffer == NULL) return -EFAULT;
  union {
    struct cmsghdr first;
    uint8_t bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(MAX_DESCRIPTORS * sizeof(int))];
  } control;
  struct iovec text = {buffer, capacity};
  struct msghdr message = {.msg_iov = &text,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof control};
  *notification = (struct pact_notification){0};
  ssize_t got;
  do {
    got = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
  take_control(&message, notification);
  notification->bytes = (uint32_t)got;
  notification->truncated = (message.msg_flags & MSG_TRUNC) != 0;
  return 1;
}

int32_t pact_shim_notify_send(const char *path, const uint8_t *bytes, uint32_t byte_count) {
  if (path == NULL || bytes == NULL) return -EFAULT;
  struct sockaddr_un address;
  socklen_t length;
  int failed = address_of(path, &address, &length);
  if (failed < 0) return failed;
  int fd = datagram_socket();
  if (fd < 0) return fd;
  if (sendto(fd, bytes, byte_count, MSG_NOSIGNAL, (const struct sockaddr *)&address, length) < 0) {
    failed = -errno;
  }
  close(fd);
  return failed;
}
