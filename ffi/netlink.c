/* netlink(7): one exchange with the kernel's routing tables, and sockets that hear its news. Messages
 * are built and understood by the caller; here only the frame around them is looked at. */
#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "pact_shim.h"

enum { RECEIVE_BUFFER_BYTES = 1 << 20 };

static int netlink_socket(int protocol, uint32_t groups, int flags) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, protocol);
  if (fd < 0) return -errno;
  int bytes = RECEIVE_BUFFER_BYTES;
  /* What the kernel grants of it has to do. */
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = groups};
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  return fd;
}

/* Receives one datagram that the kernel itself has sent; others are passed over, a bounded number of
 * them. Returns its bytes, -EMSGSIZE when it does not fit. */
static ssize_t receive_from_kernel(int fd, uint8_t *buffer, size_t capacity) {
  for (int passed_over = 0; passed_over < 64; passed_over++) {
    struct sockaddr_nl sender = {0};
    struct iovec part = {.iov_base = buffer, .iov_len = capacity};
    struct msghdr message = {
        .msg_name = &sender, .msg_namelen = sizeof sender, .msg_iov = &part, .msg_iovlen = 1};
    ssize_t got = recvmsg(fd, &message, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -errno;
    if (sender.nl_pid != 0) continue;
    return message.msg_flags & MSG_TRUNC ? -EMSGSIZE : got;
  }
  return -EAGAIN;
}

/* Whether a datagram ends the answer to the request with this number: 1, or 0 when more comes, or
 * -EBADMSG when it cannot be understood. */
static int ends_answer(const uint8_t *bytes, size_t byte_count, uint32_t sequence) {
  size_t at = 0;
  while (byte_count - at >= sizeof(struct nlmsghdr)) {
    struct nlmsghdr header;
    memcpy(&header, bytes + at, sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > byte_count - at) return -EBADMSG;
    int ends = header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR;
    if (ends && header.nlmsg_seq == sequence) return 1;
    size_t step = NLMSG_ALIGN(header.nlmsg_len);
    if (step >= byte_count - at) return 0;
    at += step;
  }
  return 0;
}

static int32_t collect_answer(int fd, uint32_t sequence, uint8_t *answer, uint32_t capacity) {
  uint32_t used = 0;
  /* Ends when the buffer is full: every datagram holds at least a header. */
  for (;;) {
    ssize_t got = receive_from_kernel(fd, answer + used, capacity - used);
    if (got == -EMSGSIZE) return -ENOBUFS;
    if (got == -EAGAIN) return -ETIMEDOUT;
    if (got < 0) return (int32_t)got;
    if ((size_t)got < sizeof(struct nlmsghdr)) return -EBADMSG;
    int ends = ends_answer(answer + used, (size_t)got, sequence);
    if (ends < 0) return ends;
    used += (uint32_t)got;
    if (ends > 0) return (int32_t)used;
    if (used == capacity) return -ENOBUFS;
  }
}

int32_t pact_shim_rtnetlink(const uint8_t *request, uint32_t request_bytes, uint8_t *answer,
                            uint32_t capacity) {
  if (request == NULL || answer == NULL) return -EFAULT;
  struct nlmsghdr header;
  if (request_bytes < sizeof header || request_bytes > PACT_NETLINK_MAX_REQUEST) return -EINVAL;
  if (capacity > INT32_MAX) return -EINVAL;
  memcpy(&header, request, sizeof header);
  int is_answered = (header.nlmsg_flags & NLM_F_ACK) != 0 ||
                    (header.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
  if (header.nlmsg_len != request_bytes || !is_answered) return -EINVAL;

  int fd = netlink_socket(NETLINK_ROUTE, 0, 0);
  if (fd < 0) return fd;
  struct timeval patience = {.tv_sec = 5};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  int32_t result;
  ssize_t sent = sendto(fd, request, request_bytes, 0, (struct sockaddr *)&kernel, sizeof kernel);
  if (sent < 0) {
    result = -errno;
  } else if ((uint32_t)sent != request_bytes) {
    result = -EIO;
  } else {
    result = collect_answer(fd, header.nlmsg_seq, answer, capacity);
  }
  close(fd);
  return result;
}

int32_t pact_shim_netlink_open(int32_t source, uint32_t groups) {
  if (groups == 0) return -EINVAL;
  switch (source) {
    case PACT_NETLINK_ROUTE:
      return netlink_socket(NETLINK_ROUTE, groups, SOCK_NONBLOCK);
    case PACT_NETLINK_UEVENT:
      return netlink_socket(NETLINK_KOBJECT_UEVENT, groups, SOCK_NONBLOCK);
    default:
      return -EINVAL;
  }
}

int32_t pact_shim_netlink_read(int32_t fd, uint8_t *buffer, uint32_t capacity) {
  if (buffer == NULL) return -EFAULT;
  if (capacity > INT32_MAX) return -EINVAL;
  ssize_t got = receive_from_kernel(fd, buffer, capacity);
  return got == -EAGAIN ? 0 : (int32_t)got;
}
