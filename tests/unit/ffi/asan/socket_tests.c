/* Local sockets, and what mounts are made of. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suite.h"

static char directory[64];

static const char *in_directory(const char *name) {
  static char path[160];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  return path;
}

static void begin(void) {
  snprintf(directory, sizeof directory, "/tmp/pact-asan-XXXXXX");
  CHECK(mkdtemp(directory) != NULL);
}

static void descriptors_are_handed_over(void) {
  begin();
  const char *path = in_directory("socket");
  int listener = pact_shim_unix_listen(path, 0600, 4);
  CHECK(listener >= 0);
  struct stat status;
  CHECK(stat(path, &status) == 0 && (status.st_mode & 0777) == 0600);
  CHECK_EQUAL(pact_shim_unix_listen(path, 0600, 4), -EADDRINUSE);
  struct pact_peer peer;
  CHECK_EQUAL(pact_shim_unix_accept(listener, &peer), -EAGAIN);
  int client = pact_shim_unix_connect(path);
  int server = pact_shim_unix_accept(listener, &peer);
  CHECK(client >= 0 && server >= 0);
  CHECK_EQUAL(peer.pid, getpid());
  CHECK_EQUAL(peer.uid, getuid());

  int namespace = pact_shim_namespace_open("/proc/self/ns/net");
  const int32_t many[2] = {namespace, client};
  const uint8_t text[3] = {'a', 'b', 'c'};
  CHECK_EQUAL(pact_shim_unix_send(server, text, sizeof text, many, 2), 3);
  /* What a peer hands over is dropped here, not kept open. */
  uint8_t *got = malloc(3);
  CHECK_EQUAL(pact_shim_unix_receive(client, got, 3), 3);
  CHECK(memcmp(got, text, 3) == 0);
  CHECK_EQUAL(pact_shim_unix_receive(client, got, 3), -EAGAIN);
  CHECK_EQUAL(pact_shim_unix_finish(server), 0);
  CHECK_EQUAL(pact_shim_unix_receive(client, got, 3), 0);
  free(got);

  CHECK_EQUAL(pact_shim_unix_send(server, text, 0, NULL, 0), -EINVAL);
  CHECK_EQUAL(pact_shim_unix_send(server, text, 3, many, 17), -EINVAL);
  CHECK_EQUAL(pact_shim_unix_send(server, NULL, 3, NULL, 0), -EFAULT);
  pact_shim_close(namespace);
  pact_shim_close(client);
  pact_shim_close(server);
  pact_shim_close(listener);
  CHECK_EQUAL(pact_shim_unix_connect(path), -ECONNREFUSED);
  unlink(path);
  rmdir(directory);
}

static void a_peer_that_does_not_read_is_told(void) {
  int pair[2];
  CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  static uint8_t block[65536];
  int32_t sent = 1;
  for (int i = 0; i < 1000 && sent > 0; i++) {
    sent = pact_shim_unix_send(pair[0], block, sizeof block, NULL, 0);
  }
  CHECK_EQUAL(sent, -EAGAIN);
  close(pair[1]);
  CHECK_EQUAL(pact_shim_unix_send(pair[0], block, 1, NULL, 0), -EPIPE);
  close(pair[0]);
}

static void paths_are_bounded(void) {
  char *path = malloc(5000);
  for (size_t length = 0; length < 4999; length += 17) {
    memset(path, 'x', length);
    path[length] = '\0';
    CHECK(pact_shim_unix_connect(path) < 0);
    CHECK(pact_shim_namespace_open(path) < 0);
    int32_t number;
    CHECK(pact_shim_loop_attach(path, &number) < 0);
    uint8_t small[4];
    CHECK(pact_shim_realpath(path, small, sizeof small) < 0);
  }
  free(path);
  CHECK_EQUAL(pact_shim_unix_listen(NULL, 0600, 1), -EFAULT);
  CHECK_EQUAL(pact_shim_unix_accept(0, NULL), -EFAULT);
  CHECK_EQUAL(pact_shim_namespace_open("/proc/self/status"), -EINVAL);
  CHECK_EQUAL(pact_shim_realpath("/proc/self/../version", (uint8_t[4]){0}, 4), -ENAMETOOLONG);
  uint8_t *exact = malloc(13);
  CHECK_EQUAL(pact_shim_realpath("/proc/self/../version", exact, 13), 13);
  CHECK(memcmp(exact, "/proc/version", 13) == 0);
  free(exact);
}

const struct test socket_tests[] = {
    {"descriptors are handed over, and none taken", descriptors_are_handed_over},
    {"a peer that does not read, or is gone, is told at once", a_peer_that_does_not_read_is_told},
    {"paths of sockets, namespaces and images are bounded", paths_are_bounded},
    {NULL, NULL},
};
