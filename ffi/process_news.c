/* The proc connector: forks and execs as the kernel tells them, without what threads do. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pact_shim.h"

enum {
  RECEIVE_BUFFER_BYTES = 1 << 20,
  EVENT = NLMSG_HDRLEN + sizeof(struct cn_msg),
  WHAT = EVENT + offsetof(struct proc_event, what),
  CHILD_PID = EVENT + offsetof(struct proc_event, event_data.fork.child_pid),
  CHILD_TGID = EVENT + offsetof(struct proc_event, event_data.fork.child_tgid),
};

/* Passes execs, and forks whose child leads its thread group. Loads are in network order. */
static int keep_processes(int fd) {
  struct sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, WHAT),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(PROC_EVENT_EXEC), 5, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(PROC_EVENT_FORK), 0, 5),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, CHILD_PID),
      BPF_STMT(BPF_MISC | BPF_TAX, 0),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, CHILD_TGID),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
      BPF_STMT(BPF_RET | BPF_K, 0),
  };
  struct sock_fprog filter = {sizeof program / sizeof *program, program};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

static int subscribe(int fd) {
  union {
    struct nlmsghdr header;
    uint8_t bytes[NLMSG_HDRLEN + sizeof(struct cn_msg) + sizeof(enum proc_cn_mcast_op)];
  } message;
  memset(&message, 0, sizeof message);
  message.header.nlmsg_len = sizeof message.bytes;
  message.header.nlmsg_type = NLMSG_DONE;
  const enum proc_cn_mcast_op operation = PROC_CN_MCAST_LISTEN;
  const struct cn_msg request = {.id = {CN_IDX_PROC, CN_VAL_PROC}, .len = sizeof operation};
  memcpy(message.bytes + NLMSG_HDRLEN, &request, sizeof request);
  memcpy(message.bytes + NLMSG_HDRLEN + sizeof request, &operation, sizeof operation);
  return send(fd, message.bytes, sizeof message.bytes, 0) < 0 ? -1 : 0;
}

int32_t pact_shim_process_news_open(void) {
  int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_CONNECTOR);
  if (fd < 0) return -errno;
  int bytes = RECEIVE_BUFFER_BYTES;
  /* What the kernel grants of it has to do. */
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC};
  if (keep_processes(fd) == 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
      subscribe(fd) == 0) {
    return fd;
  }
  int error = errno;
  close(fd);
  return -error;
}
