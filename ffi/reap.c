/*
 * Exit statuses: each is consumed by the one who supervises the pid, and only what nobody
 * supervises is reaped here (INI-10).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "kernel.h"
#include "pact_shim.h"

static void fill_exit(struct pact_exit *out, const siginfo_t *info) {
  out->pid = info->si_pid;
  out->value = info->si_status;
  out->kind = info->si_code == CLD_EXITED   ? PACT_EXIT_CODE
              : info->si_code == CLD_DUMPED ? PACT_EXIT_CORE_DUMPED
                                            : PACT_EXIT_SIGNAL;
}

/* waitid without waiting: 1 with *info, 0 when nothing ended, or a negative errno. */
static int ended(idtype_t type, id_t id, int options, siginfo_t *info) {
  memset(info, 0, sizeof *info);
  int waited;
  do {
    waited = waitid(type, id, info, WEXITED | WNOHANG | options);
  } while (waited < 0 && errno == EINTR);
  if (waited < 0) return -errno;
  return info->si_pid != 0;
}

int32_t pact_shim_pidfd_wait(int32_t pidfd, struct pact_exit *exit) {
  if (exit == NULL) return -EFAULT;
  if (pidfd < 0) return -EBADF;
  siginfo_t info;
  int found = ended(PACT_P_PIDFD, (id_t)pidfd, 0, &info);
  if (found > 0) fill_exit(exit, &info);
  return found;
}

struct reaping {
  const int32_t *supervised;
  uint32_t supervised_count;
  struct pact_exit *reaped;
  uint32_t capacity;
  uint32_t count;
};

static int compare_pids(const void *left, const void *right) {
  int32_t a = *(const int32_t *)left;
  int32_t b = *(const int32_t *)right;
  return (a > b) - (a < b);
}

static bool is_supervised(const struct reaping *reaping, int32_t pid) {
  return reaping->supervised_count > 0 &&
         bsearch(&pid, reaping->supervised, reaping->supervised_count, sizeof pid, compare_pids);
}

static void consume(struct reaping *reaping, int32_t pid) {
  siginfo_t info;
  if (ended(P_PID, (id_t)pid, 0, &info) > 0) fill_exit(&reaping->reaped[reaping->count++], &info);
}

/* The children of one thread, from its `children` file: pids in decimal, each with a space. */
static void reap_children_listed_in(struct reaping *reaping, FILE *children) {
  int32_t pid;
  while (reaping->count < reaping->capacity && fscanf(children, "%d", &pid) == 1) {
    if (!is_supervised(reaping, pid)) consume(reaping, pid);
  }
}

/*
 * The peek always shows the same ended child until it is consumed. When that one is supervised its
 * owner will consume it in its own time; the orphans behind it are found by listing all children.
 */
static int reap_around_supervised(struct reaping *reaping) {
  DIR *threads = opendir("/proc/self/task");
  if (threads == NULL) return -errno;
  struct dirent *thread;
  while (reaping->count < reaping->capacity && (thread = readdir(threads)) != NULL) {
    if (thread->d_name[0] == '.') continue;
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%.16s/children", thread->d_name);
    FILE *children = fopen(path, "re");
    if (children == NULL) continue; /* the thread ended, or the kernel has no such list */
    reap_children_listed_in(reaping, children);
    fclose(children);
  }
  closedir(threads);
  return 0;
}

int32_t pact_shim_reap_orphans(const int32_t *supervised, uint32_t supervised_count,
                               struct pact_exit *reaped, uint32_t capacity) {
  if ((supervised == NULL && supervised_count > 0) || reaped == NULL) return -EFAULT;
  struct reaping reaping = {supervised, supervised_count, reaped, capacity, 0};
  siginfo_t info;
  while (reaping.count < capacity && ended(P_ALL, 0, WNOWAIT, &info) > 0) {
    if (is_supervised(&reaping, info.si_pid)) {
      int failed = reap_around_supervised(&reaping);
      return reaping.count > 0 || failed == 0 ? (int32_t)reaping.count : failed;
    }
    uint32_t before = reaping.count;
    consume(&reaping, info.si_pid);
    if (reaping.count == before) break; /* someone else consumed it between the two calls */
  }
  return (int32_t)reaping.count;
}

int32_t pact_shim_set_subreaper(int32_t enabled) {
  return prctl(PR_SET_CHILD_SUBREAPER, (unsigned long)(enabled != 0), 0ul, 0ul, 0ul) < 0 ? -errno
                                                                                         : 0;
}
