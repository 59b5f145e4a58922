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

struct pid_list {
  int32_t *pids;
  size_t count;
  size_t capacity;
};

static int add_pid(struct pid_list *list, int32_t pid) {
  if (list->count == list->capacity) {
    size_t capacity = list->capacity == 0 ? 256 : list->capacity * 2;
    int32_t *pids = realloc(list->pids, capacity * sizeof *pids);
    if (pids == NULL) return -ENOMEM;
    list->pids = pids;
    list->capacity = capacity;
  }
  list->pids[list->count++] = pid;
  return 0;
}

/* Adds the children of one thread, from its `children` file: pids in decimal, each with a space. */
static int add_children_of(struct pid_list *list, const char *thread) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%.16s/children", thread);
  FILE *children = fopen(path, "re");
  if (children == NULL) return 0; /* the thread ended, or the kernel has no such list */
  int failed = 0;
  int32_t pid;
  while (failed == 0 && fscanf(children, "%d", &pid) == 1) failed = add_pid(list, pid);
  fclose(children);
  return failed;
}

static int list_children(struct pid_list *list) {
  DIR *threads = opendir("/proc/self/task");
  if (threads == NULL) return -errno;
  int failed = 0;
  for (struct dirent *thread = readdir(threads); failed == 0 && thread != NULL;
       thread = readdir(threads)) {
    if (thread->d_name[0] != '.') failed = add_children_of(list, thread->d_name);
  }
  closedir(threads);
  return failed;
}

/*
 * The peek always shows the same ended child until it is consumed. When that one is supervised its
 * owner will consume it in its own time; the orphans behind it are found by listing all children.
 * The list is complete before the first is consumed: the kernel skips entries of a list that shrinks
 * while it is read.
 */
static int reap_around_supervised(struct reaping *reaping) {
  struct pid_list list = {NULL, 0, 0};
  int failed = list_children(&list);
  for (size_t i = 0; i < list.count && reaping->count < reaping->capacity; i++) {
    if (!is_supervised(reaping, list.pids[i])) consume(reaping, list.pids[i]);
  }
  free(list.pids);
  return failed;
}

int32_t pact_shim_reap_orphans(const int32_t *supervised, uint32_t supervised_count,
                               struct pact_exit *reaped, uint32_t capacity) {
  if ((supervised == NULL && supervised_count > 0) || reaped == NULL) return -EFAULT;
  struct reaping reaping = {supervised, supervised_count, reaped, capacity, 0};
  siginfo_t info;
  while (reaping.count < capacity && ended(P_ALL, 0, WNOWAIT, &info) > 0) {
    uint32_t before = reaping.count;
    int failed = 0;
    if (is_supervised(&reaping, info.si_pid)) {
      failed = reap_around_supervised(&reaping);
    } else {
      consume(&reaping, info.si_pid);
    }
    if (failed < 0 && reaping.count == 0) return failed;
    if (reaping.count == before) break; /* only supervised ones are left */
  }
  return (int32_t)reaping.count;
}

int32_t pact_shim_set_subreaper(int32_t enabled) {
  return prctl(PR_SET_CHILD_SUBREAPER, (unsigned long)(enabled != 0), 0ul, 0ul, 0ul) < 0 ? -errno
                                                                                         : 0;
}
