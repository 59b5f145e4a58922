/* Stream sockets of the file system: who is at the other end, and descriptors handed over. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "pact_shim.h"

static int32_t address_of(const char *path, struct sockaddr_un *address) {
  if (path == NULL) return -EFAULT;
  size_t length = strlen(path);
  if (length == 0) return -EINVAL;
  if (length >= sizeof address->sun_path) return -ENAMETOOLONG;
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  memcpy(address->sun_path, path, length + 1);
  return 0;
}

static int32_t close_with(int fd, int error) {
  close(fd);
  return -error;
}

int32_t pact_shim_unix_listen(const char *path, uint32_t mode, int32_t backlog) {
  struct sockaddr_un address;
  int32_t refused = address_of(path, &address);
  if (refused < 0) return refused;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  /* Before bind(2), which makes the file with the mode of the socket: no moment when others could
   * connect. The umask can only take bits away, so the mode is set once more. */
  if (fchmod(fd, mode & 0777) != 0) return close_with(fd, errno);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) return close_with(fd, errno);
  if (chmod(path, mode & 0777) != 0 || listen(fd, backlog) != 0) {
    int error = errno;
    unlink(path);
    return close_with(fd, error);
  }
  return fd;
}

int32_t pact_shim_unix_accept(int32_t fd, struct pact_peer *peer) {
  if (peer == NULL) return -EFAULT;
  int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (client < 0) return -errno;
  struct ucred credentials;
  socklen_t size = sizeof credentials;
  if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return close_with(client, errno);
  }
  *peer = (struct pact_peer){credentials.pid, credentials.uid, credentials.gid};
  return client;
}

int32_t pact_shim_unix_connect(const char *path) {
  struct sockaddr_un address;
  int32_t refused = address_of(path, &address);
  if (refused < 0) return refused;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  return close_with(fd, errno);
}

int32_t pact_shim_unix_send(int32_t fd, const uint8_t *bytes, uint32_t byte_count,
                            const int32_t *descriptors, uint32_t descriptor_count) {
  if (bytes == NULL || (descriptors == NULL && descriptor_count > 0)) return -EFAULT;
  if (byte_count == 0 || descriptor_count > PACT_UNIX_MAX_DESCRIPTORS) return -EINVAL;
  struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = byte_count};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  union {
    struct cmsghdr header; /* for its alignment */
    char bytes[CMSG_SPACE(sizeof(int32_t) * PACT_UNIX_MAX_DESCRIPTORS)];
  } control;
  if (descriptor_count > 0) {
    memset(&control, 0, sizeof control);
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(sizeof(int32_t) * descriptor_count);
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int32_t) * descriptor_count);
    memcpy(CMSG_DATA(rights), descriptors, sizeof(int32_t) * descriptor_count);
  }
  ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent < 0 ? -errno : (int32_t)sent;
}

int32_t pact_shim_unix_receive(int32_t fd, uint8_t *buffer, uint32_t capacity) {
  if (buffer == NULL) return -EFAULT;
  if (capacity == 0 || capacity > INT32_MAX) return -EINVAL;
  /* Without a control buffer the kernel closes what a peer tries to hand over. */
  ssize_t got = recv(fd, buffer, capacity, MSG_DONTWAIT);
  return got < 0 ? -errno : (int32_t)got;
}

int32_t pact_shim_unix_finish(int32_t fd) { return shutdown(fd, SHUT_WR) != 0 ? -errno : 0; }

int32_t pact_shim_unix_pair(int32_t *program_end) {
  if (program_end == NULL) return -EFAULT;
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return -errno;
  /* The program only writes. */
  int flags = fcntl(ends[0], F_GETFL);
  if (flags < 0 || fcntl(ends[0], F_SETFL, flags | O_NONBLOCK) != 0 ||
      shutdown(ends[0], SHUT_WR) != 0) {
    int error = errno;
    close(ends[0]);
    close(ends[1]);
    return -error;
  }
  *program_end = ends[1];
  return ends[0];
}
