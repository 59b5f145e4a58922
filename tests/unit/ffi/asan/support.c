/* What several of the C tests need. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suite.h"

static uint32_t length_of(const char *const *texts) {
  uint32_t count = 0;
  while (texts != NULL && texts[count] != NULL) count++;
  return count;
}

static size_t put_text(uint8_t *at, const char *text) {
  size_t bytes = strlen(text) + 1;
  if (at != NULL) memcpy(at, text, bytes);
  return bytes;
}

/* Writes all texts, or with NULL only measures them. */
static size_t put_texts(uint8_t *at, const struct request *request) {
  const char *first[] = {request->executable, request->directory ? request->directory : "",
                         request->cgroup ? request->cgroup : ""};
  size_t used = 0;
  for (int i = 0; i < 3; i++) used += put_text(at ? at + used : NULL, first[i]);
  const char *const *lists[] = {request->arguments, request->environment};
  for (int list = 0; list < 2; list++) {
    for (uint32_t i = 0; i < length_of(lists[list]); i++) {
      used += put_text(at ? at + used : NULL, lists[list][i]);
    }
  }
  return used;
}

uint8_t *pack(const struct request *request, uint32_t *bytes) {
  struct pact_spawn_header header = request->header;
  size_t rlimit_bytes = header.rlimit_count * sizeof *request->rlimits;
  size_t group_bytes = header.group_count * sizeof *request->groups;
  header.argument_count = length_of(request->arguments);
  header.environment_count = length_of(request->environment);
  header.text_bytes = (uint32_t)put_texts(NULL, request);
  header.total_bytes = (uint32_t)(sizeof header + rlimit_bytes + group_bytes + header.text_bytes);
  uint8_t *packed = malloc(header.total_bytes);
  if (packed == NULL) abort();
  memcpy(packed, &header, sizeof header);
  if (rlimit_bytes > 0) memcpy(packed + sizeof header, request->rlimits, rlimit_bytes);
  if (group_bytes > 0) memcpy(packed + sizeof header + rlimit_bytes, request->groups, group_bytes);
  put_texts(packed + sizeof header + rlimit_bytes + group_bytes, request);
  *bytes = header.total_bytes;
  return packed;
}

struct request shell_request(const char *const *arguments) {
  return (struct request){
      .header = {.stdin_fd = PACT_STDIO_NULL,
                 .stdout_fd = PACT_STDIO_NULL,
                 .stderr_fd = PACT_STDIO_NULL,
                 .exec_timeout_ms = 5000},
      .executable = "/bin/sh",
      .arguments = arguments,
  };
}

int32_t spawn_request(const struct request *request, struct pact_spawn_result *result) {
  uint32_t bytes;
  uint8_t *packed = pack(request, &bytes);
  int32_t answered = pact_shim_spawn(packed, bytes, result);
  free(packed);
  return answered;
}

bool wait_for_exit(int32_t pidfd, struct pact_exit *exit) {
  struct pollfd watched = {.fd = pidfd, .events = POLLIN};
  return poll(&watched, 1, 5000) == 1 && pact_shim_pidfd_wait(pidfd, exit) == 1;
}

int count_descriptors(void) {
  DIR *directory = opendir("/proc/self/fd");
  if (directory == NULL) abort();
  int count = 0;
  while (readdir(directory) != NULL) count++;
  closedir(directory);
  return count;
}

static char directory_path[64];

static void remove_directory(void) {
  DIR *directory = opendir(directory_path);
  struct dirent *entry;
  while (directory != NULL && (entry = readdir(directory)) != NULL) {
    if (entry->d_name[0] != '.' || strlen(entry->d_name) > 2) {
      unlinkat(dirfd(directory), entry->d_name, 0);
      unlinkat(dirfd(directory), entry->d_name, AT_REMOVEDIR);
    }
  }
  if (directory != NULL) closedir(directory);
  rmdir(directory_path);
}

const char *test_directory(void) {
  if (directory_path[0] == '\0') {
    const char *parent = getenv("TMPDIR");
    snprintf(directory_path, sizeof directory_path, "%s/pact-asan-XXXXXX",
             parent != NULL && strlen(parent) < 40 ? parent : "/tmp");
    if (mkdtemp(directory_path) == NULL) abort();
    atexit(remove_directory);
  }
  return directory_path;
}

const char *test_path(const char *name) {
  static char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", test_directory(), name);
  return path;
}
