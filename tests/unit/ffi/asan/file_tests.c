/* Reading, writing and appending, at the edges. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suite.h"

static const uint8_t *bytes_of(const char *text) { return (const uint8_t *)text; }

/* Reads with a buffer of exactly `capacity`. */
static int64_t read_exactly(const char *path, uint64_t capacity) {
  uint8_t *buffer = malloc(capacity > 0 ? capacity : 1);
  if (buffer == NULL) abort();
  int64_t got = pact_shim_read_file(path, 1, buffer, capacity);
  free(buffer);
  return got;
}

static void bounded_reads(void) {
  const char *path = test_path("data");
  CHECK_EQUAL(pact_shim_write_atomic(path, bytes_of("12345"), 5, 0644, -1, -1), 0);
  CHECK_EQUAL(read_exactly(path, 5), 5);
  CHECK_EQUAL(read_exactly(path, 6), 5);
  CHECK_EQUAL(read_exactly(path, 4), -EFBIG);
  CHECK_EQUAL(read_exactly(path, 0), -EFBIG);
  CHECK_EQUAL(read_exactly("/proc/self/status", 10), -EFBIG);
  CHECK(read_exactly("/proc/self/status", 1 << 16) > 0);
  CHECK_EQUAL(read_exactly("/dev/zero", 4), -EOPNOTSUPP);
  CHECK_EQUAL(read_exactly(test_directory(), 4), -EISDIR);
  CHECK_EQUAL(pact_shim_read_file(NULL, 1, NULL, 0), -EFAULT);
  CHECK_EQUAL(mkfifo(test_path("fifo"), 0600), 0);
  CHECK_EQUAL(read_exactly(test_path("fifo"), 4), -EOPNOTSUPP); /* and does not hang */
}

/* A disk that fills up, played by a limit on the size of files. */
static void failed_writes_leave_no_trace(void) {
  const char *path = test_path("limited");
  CHECK_EQUAL(pact_shim_write_atomic(path, bytes_of("old"), 3, 0644, -1, -1), 0);
  int32_t log = pact_shim_append_open(test_path("log"), 0600);
  CHECK_EQUAL(pact_shim_append(log, bytes_of("record\n"), 7), 7);
  uint8_t *large = calloc(1, 10000);
  if (large == NULL) abort();
  struct rlimit before, limit;
  getrlimit(RLIMIT_FSIZE, &before);
  limit = (struct rlimit){.rlim_cur = 4096, .rlim_max = before.rlim_max};
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &limit);
  int32_t replaced = pact_shim_write_atomic(test_path("limited"), large, 10000, 0644, -1, -1);
  int64_t appended = pact_shim_append(log, large, 10000);
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, SIG_DFL);
  free(large);
  CHECK_EQUAL(replaced, -EFBIG);
  CHECK_EQUAL(appended, -EFBIG);
  CHECK_EQUAL(read_exactly(test_path("limited"), 3), 3);
  CHECK_EQUAL(read_exactly(test_path("log"), 7), 7);
  CHECK_EQUAL(pact_shim_append(log, bytes_of("next\n"), 5), 12);
  CHECK_EQUAL(pact_shim_close(log), 0);
  uint8_t names[4096];
  int64_t used = pact_shim_list_directory(test_directory(), names, sizeof names);
  for (int64_t i = 0; i + 6 < used; i++) CHECK(memcmp(names + i, ".pact-", 6) != 0);
}

static void listing_bounds(void) {
  char path[256];
  snprintf(path, sizeof path, "%s/listed", test_directory());
  CHECK_EQUAL(pact_shim_mkdir(path, 0700), 0);
  CHECK_EQUAL(pact_shim_list_directory(path, NULL, 0), 0);
  char name[300];
  snprintf(name, sizeof name, "%s/ab", path);
  CHECK_EQUAL(pact_shim_symlink("target", name), 0);
  for (uint64_t capacity = 1; capacity <= 5; capacity++) {
    uint8_t *buffer = malloc(capacity);
    if (buffer == NULL) abort();
    int64_t used = pact_shim_list_directory(path, buffer, capacity);
    CHECK_EQUAL(used, capacity < 4 ? -ENOBUFS : 4);
    if (used == 4) CHECK(memcmp(buffer + 1, "ab", 3) == 0);
    free(buffer);
  }
  uint8_t target[6];
  CHECK_EQUAL(pact_shim_readlink(name, target, 6), -ENAMETOOLONG);
  CHECK_EQUAL(pact_shim_readlink(name, target, 5), -ENAMETOOLONG);
  CHECK_EQUAL(pact_shim_unlink(name), 0);
  CHECK_EQUAL(pact_shim_rmdir(path), 0);
}

static void paths_of_any_length(void) {
  char *path = malloc(6000);
  if (path == NULL) abort();
  for (size_t bytes = 1; bytes < 6000; bytes += bytes < 300 ? 7 : 611) {
    memset(path, 'x', bytes);
    path[0] = '/';
    if (bytes > 3) path[bytes / 2] = '/';
    path[bytes - 1] = '\0';
    CHECK(pact_shim_write_atomic(path, NULL, 0, 0644, -1, -1) < 0 || unlink(path) == 0);
    int32_t fd = pact_shim_append_open(path, 0600);
    if (fd >= 0) {
      pact_shim_close(fd);
      unlink(path);
    }
  }
  free(path);
  CHECK_EQUAL(pact_shim_write_atomic("", NULL, 0, 0644, -1, -1), -EINVAL);
  CHECK_EQUAL(pact_shim_write_atomic("/", NULL, 0, 0644, -1, -1), -EINVAL);
  CHECK_EQUAL(pact_shim_write_atomic("/proc/..", NULL, 0, 0644, -1, -1), -EINVAL);
}

static void pipe_writes_are_whole(void) {
  int fds[2];
  uint8_t bytes[4096] = {0};
  CHECK_EQUAL(pipe(fds), 0);
  CHECK_EQUAL(pact_shim_pipe_write(fds[1], NULL, 1), -EFAULT);
  CHECK_EQUAL(pact_shim_pipe_write(fds[1], bytes, 0), -EINVAL);
  CHECK_EQUAL(pact_shim_pipe_write(fds[1], bytes, sizeof bytes + 1), -EINVAL);
  int32_t written = 0;
  for (int i = 0; i < 1024 && written == 0; i++) {
    written = pact_shim_pipe_write(fds[1], bytes, sizeof bytes);
  }
  CHECK_EQUAL(written, -EAGAIN); /* full, and no wait */
  close(fds[0]);
  close(fds[1]);
  CHECK_EQUAL(pact_shim_pipe_write(fds[1], bytes, 1), -EBADF);
  int null_fd = open("/dev/null", O_WRONLY);
  CHECK_EQUAL(pact_shim_pipe_write(null_fd, bytes, 1), -EOPNOTSUPP);
  close(null_fd);
}

const struct test file_tests[] = {
    {"reads stay within their bound", bounded_reads},
    {"a write that fails midway keeps the old content and leaves no temporary file",
     failed_writes_leave_no_trace},
    {"listings and links stay within their buffers", listing_bounds},
    {"paths of any length are taken or refused", paths_of_any_length},
    {"a pipe takes a write whole or not at all", pipe_writes_are_whole},
    {NULL, NULL},
};
