/* packet(7) and netdevice(7): sockets that exchange DHCP datagrams and ARP packets on an interface
 * without an address. Headers of IP and UDP are the caller's. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pact_shim.h"

/* Unfragmented UDP over IPv4 to one port, counted from the IP header on. */
static int attach_filter(int fd, uint16_t port) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 6),
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x3fff, 4, 0),
      BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
      BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0x40000),
      BPF_STMT(BPF_RET | BPF_K, 0),
  };
  struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static int32_t open_socket(int32_t interface_index, uint16_t protocol, uint16_t udp_port) {
  if (interface_index <= 0) return -EINVAL;
  /* Protocol 0 hears nothing before the filter is there. */
  int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                .sll_protocol = htons(protocol),
                                .sll_ifindex = interface_index};
  int on = 1;
  if ((protocol == ETH_P_IP && attach_filter(fd, udp_port) != 0) ||
      setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof on) != 0 ||
      bind(fd, (struct sockaddr *)&address, sizeof address) != 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  return fd;
}

int32_t pact_shim_packet_open(int32_t interface_index, uint16_t udp_port) {
  return open_socket(interface_index, ETH_P_IP, udp_port);
}

int32_t pact_shim_arp_open(int32_t interface_index) {
  return open_socket(interface_index, ETH_P_ARP, 0);
}

static int32_t send_packet(int32_t fd, int32_t interface_index, uint16_t protocol,
                           const uint8_t *address, uint32_t address_bytes, const uint8_t *packet,
                           uint32_t packet_bytes) {
  if (address == NULL || packet == NULL) return -EFAULT;
  struct sockaddr_ll to = {.sll_family = AF_PACKET,
                           .sll_protocol = htons(protocol),
                           .sll_ifindex = interface_index,
                           .sll_halen = (unsigned char)address_bytes};
  if (address_bytes > sizeof to.sll_addr || packet_bytes > 65535) return -EINVAL;
  memcpy(to.sll_addr, address, address_bytes);
  ssize_t sent = sendto(fd, packet, packet_bytes, 0, (struct sockaddr *)&to, sizeof to);
  if (sent < 0) return -errno;
  return (uint32_t)sent == packet_bytes ? 0 : -EIO;
}

int32_t pact_shim_packet_send(int32_t fd, int32_t interface_index, const uint8_t *address,
                              uint32_t address_bytes, const uint8_t *packet,
                              uint32_t packet_bytes) {
  return send_packet(fd, interface_index, ETH_P_IP, address, address_bytes, packet, packet_bytes);
}

int32_t pact_shim_arp_send(int32_t fd, int32_t interface_index, const uint8_t *address,
                           uint32_t address_bytes, const uint8_t *packet, uint32_t packet_bytes) {
  return send_packet(fd, interface_index, ETH_P_ARP, address, address_bytes, packet, packet_bytes);
}

/* Whether the sender left the UDP checksum to hardware that the packet never met, as between virtual
 * interfaces of one machine. */
static int32_t lacks_checksum(struct msghdr *message) {
  for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
    if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA) continue;
    struct tpacket_auxdata data;
    memcpy(&data, CMSG_DATA(c), sizeof data);
    return (data.tp_status & TP_STATUS_CSUMNOTREADY) != 0;
  }
  return 0;
}

int32_t pact_shim_packet_read(int32_t fd, struct pact_packet *out, uint8_t *packet,
                              uint32_t capacity) {
  if (out == NULL || packet == NULL) return -EFAULT;
  if (capacity > INT32_MAX) return -EINVAL;
  struct sockaddr_ll from = {0};
  uint8_t control[256] __attribute__((aligned(8)));
  struct iovec part = {.iov_base = packet, .iov_len = capacity};
  struct msghdr message = {.msg_name = &from, .msg_namelen = sizeof from,
                           .msg_iov = &part,  .msg_iovlen = 1,
                           .msg_control = control, .msg_controllen = sizeof control};
  ssize_t got;
  do {
    got = recvmsg(fd, &message, 0);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return errno == EAGAIN ? 0 : -errno;
  memset(out, 0, sizeof *out);
  out->address_bytes = from.sll_halen <= sizeof out->address ? from.sll_halen : 0;
  memcpy(out->address, from.sll_addr, out->address_bytes);
  out->is_truncated = (message.msg_flags & MSG_TRUNC) != 0;
  out->lacks_checksum = lacks_checksum(&message);
  return (int32_t)got;
}
