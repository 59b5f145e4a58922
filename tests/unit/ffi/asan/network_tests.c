/* Exchanges with the routing tables, sockets for news and packets, modules that cannot be. */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suite.h"

struct link_request {
  struct nlmsghdr header;
  struct ifinfomsg link;
};

static struct link_request all_links(void) {
  return (struct link_request){
      .header = {.nlmsg_len = sizeof(struct link_request),
                 .nlmsg_type = RTM_GETLINK,
                 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                 .nlmsg_seq = 7},
      .link = {.ifi_family = AF_UNSPEC},
  };
}

static int32_t talk(const struct link_request *request, uint8_t *answer, uint32_t capacity) {
  return pact_shim_rtnetlink((const uint8_t *)request, sizeof *request, answer, capacity);
}

static void a_dump_is_whole_or_refused(void) {
  struct link_request request = all_links();
  uint8_t *answer = malloc(1 << 20);
  if (answer == NULL) abort();
  int32_t got = talk(&request, answer, 1 << 20);
  CHECK(got > 32);
  struct nlmsghdr first;
  memcpy(&first, answer, sizeof first);
  CHECK_EQUAL(first.nlmsg_type, RTM_NEWLINK);
  free(answer);
  uint8_t *small = malloc(100);
  if (small == NULL) abort();
  CHECK_EQUAL(talk(&request, small, 100), -ENOBUFS);
  CHECK_EQUAL(talk(&request, small, 0), -ENOBUFS);
  free(small);
}

static void an_error_is_an_answer(void) {
  struct link_request request = all_links();
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  request.link.ifi_index = 0x7fffff;
  uint8_t answer[4096];
  int32_t got = talk(&request, answer, sizeof answer);
  CHECK(got >= (int32_t)sizeof(struct nlmsghdr) + 4);
  struct nlmsghdr header;
  memcpy(&header, answer, sizeof header);
  CHECK_EQUAL(header.nlmsg_type, NLMSG_ERROR);
  int32_t error;
  memcpy(&error, answer + sizeof header, sizeof error);
  CHECK_EQUAL(error, -ENODEV);
}

static void requests_without_an_end_are_refused(void) {
  struct link_request request = all_links();
  uint8_t answer[64];
  request.header.nlmsg_flags = NLM_F_REQUEST;
  CHECK_EQUAL(talk(&request, answer, sizeof answer), -EINVAL);
  request = all_links();
  request.header.nlmsg_len = 8;
  CHECK_EQUAL(talk(&request, answer, sizeof answer), -EINVAL);
  CHECK_EQUAL(pact_shim_rtnetlink((uint8_t *)&request, 15, answer, sizeof answer), -EINVAL);
  CHECK_EQUAL(pact_shim_rtnetlink(NULL, 16, answer, sizeof answer), -EFAULT);
  CHECK_EQUAL(talk(&request, NULL, 16), -EFAULT);
}

static void news_come_without_waiting(void) {
  CHECK_EQUAL(pact_shim_netlink_open(PACT_NETLINK_ROUTE, 0), -EINVAL);
  CHECK_EQUAL(pact_shim_netlink_open(99, 1), -EINVAL);
  int32_t routes = pact_shim_netlink_open(PACT_NETLINK_ROUTE, RTMGRP_LINK);
  int32_t devices = pact_shim_netlink_open(PACT_NETLINK_UEVENT, 1);
  CHECK(routes > 2 && devices > 2);
  uint8_t buffer[4096];
  CHECK_EQUAL(pact_shim_netlink_read(routes, buffer, sizeof buffer), 0);
  CHECK_EQUAL(pact_shim_netlink_read(routes, NULL, 16), -EFAULT);
  CHECK_EQUAL(pact_shim_close(routes), 0);
  CHECK_EQUAL(pact_shim_close(devices), 0);
}

/* Sends IPv4 packets over loopback and reads what the filter lets through. */
static void packets_are_filtered_by_port(void) {
  if (geteuid() != 0) return;
  int32_t loopback = (int32_t)if_nametoindex("lo");
  int32_t fd = pact_shim_packet_open(loopback, 68);
  CHECK(fd > 2);
  uint8_t packet[32] = {0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1,
                        0,    67, 0, 68, 0, 12, 0, 0, 'p', 'a', 'c', 't'};
  const uint8_t nobody[6] = {0};
  struct pact_packet info;
  uint8_t got[8];
  CHECK_EQUAL(pact_shim_packet_read(fd, &info, got, sizeof got), 0);
  packet[9] = 6;
  CHECK_EQUAL(pact_shim_packet_send(fd, loopback, nobody, 6, packet, sizeof packet), 0);
  packet[9] = 17;
  packet[23] = 69;
  CHECK_EQUAL(pact_shim_packet_send(fd, loopback, nobody, 6, packet, sizeof packet), 0);
  packet[23] = 68;
  packet[6] = 0x20;
  CHECK_EQUAL(pact_shim_packet_send(fd, loopback, nobody, 6, packet, sizeof packet), 0);
  CHECK_EQUAL(pact_shim_packet_read(fd, &info, got, sizeof got), 0);
  packet[6] = 0;
  CHECK_EQUAL(pact_shim_packet_send(fd, loopback, nobody, 6, packet, sizeof packet), 0);
  CHECK_EQUAL(pact_shim_packet_read(fd, &info, got, sizeof got), 8);
  CHECK(info.is_truncated == 1 && info.address_bytes == 6 && got[0] == 0x45);
  CHECK_EQUAL(pact_shim_packet_send(fd, loopback, nobody, 9, packet, sizeof packet), -EINVAL);
  CHECK_EQUAL(pact_shim_packet_send(fd, loopback, nobody, 6, packet, 70000), -EINVAL);
  CHECK_EQUAL(pact_shim_packet_read(fd, NULL, got, sizeof got), -EFAULT);
  CHECK_EQUAL(pact_shim_packet_open(0, 68), -EINVAL);
  CHECK_EQUAL(pact_shim_close(fd), 0);
}

static void arp_packets_are_sent_and_read(void) {
  if (geteuid() != 0) return;
  int32_t loopback = (int32_t)if_nametoindex("lo");
  int32_t fd = pact_shim_arp_open(loopback);
  CHECK(fd > 2);
  uint8_t packet[28] = {0, 1, 8, 0, 6, 4, 0, 1};
  const uint8_t nobody[6] = {0};
  struct pact_packet info;
  uint8_t got[64];
  int32_t ip_fd = pact_shim_packet_open(loopback, 68);
  uint8_t datagram[28] = {0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, [21] = 67, [23] = 68};
  CHECK_EQUAL(pact_shim_packet_send(ip_fd, loopback, nobody, 6, datagram, sizeof datagram), 0);
  CHECK_EQUAL(pact_shim_close(ip_fd), 0);
  CHECK_EQUAL(pact_shim_packet_read(fd, &info, got, sizeof got), 0);
  CHECK_EQUAL(pact_shim_arp_send(fd, loopback, nobody, 6, packet, sizeof packet), 0);
  CHECK_EQUAL(pact_shim_packet_read(fd, &info, got, sizeof got), sizeof packet);
  CHECK(info.is_truncated == 0 && memcmp(got, packet, sizeof packet) == 0);
  CHECK_EQUAL(pact_shim_arp_send(fd, loopback, nobody, 9, packet, sizeof packet), -EINVAL);
  CHECK_EQUAL(pact_shim_arp_send(fd, loopback, NULL, 0, packet, sizeof packet), -EFAULT);
  CHECK_EQUAL(pact_shim_arp_open(0), -EINVAL);
  CHECK_EQUAL(pact_shim_close(fd), 0);
}

static void modules_that_cannot_be(void) {
  CHECK_EQUAL(pact_shim_load_module("/no/such.ko", "", 0), -ENOENT);
  CHECK_EQUAL(pact_shim_load_module(NULL, "", 0), -EFAULT);
  CHECK(pact_shim_load_module("/etc/hostname", "", 0) < 0);
  CHECK(pact_shim_unload_module("no_such_module") < 0);
  CHECK_EQUAL(pact_shim_unload_module(NULL), -EFAULT);
}

const struct test network_tests[] = {
    {"a dump of links comes whole, or is refused for want of room", a_dump_is_whole_or_refused},
    {"an error of the kernel is an answer", an_error_is_an_answer},
    {"requests whose answer has no end are refused", requests_without_an_end_are_refused},
    {"news are read without waiting", news_come_without_waiting},
    {"packets to another port, of another protocol or in pieces are not heard",
     packets_are_filtered_by_port},
    {"ARP packets are sent and read, IPv4 ones are not", arp_packets_are_sent_and_read},
    {"modules that cannot be report an errno", modules_that_cannot_be},
    {NULL, NULL},
};
