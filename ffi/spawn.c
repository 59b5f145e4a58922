/*
 * The parent's side of a spawn: prepares descriptors, clones, and learns over a close-on-exec pipe
 * whether exec happened. What it opened it closes on every way out; the child's exit status is
 * consumed here only when the spawn failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kernel.h"
#include "spawn_plan.h"

struct spawn {
  struct spawn_plan plan;
  struct spawn_child_setup setup;
  int owned_child_fds[3]; /* the child's ends that are ours to close, else -1 */
  int our_ends[3];        /* our ends of the stdio pipes, else -1 */
  int report_read_fd;
  int cgroup_fd;
  int placement;
  pid_t pid;
  int pidfd;
};

static void close_if_open(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

static int prepare_stdio(struct spawn *spawn, int index, int32_t asked) {
  if (asked >= 0) {
    spawn->setup.stdio[index] = asked;
    return fcntl(asked, F_GETFD) < 0 ? -errno : 0;
  }
  int child_end;
  if (asked == PACT_STDIO_NULL) {
    child_end = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (child_end < 0) return -errno;
  } else {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return -errno;
    child_end = index == 0 ? ends[0] : ends[1];
    spawn->our_ends[index] = index == 0 ? ends[1] : ends[0];
    if (fcntl(spawn->our_ends[index], F_SETFL, O_NONBLOCK) != 0) {
      int error = errno;
      close(child_end);
      return -error;
    }
  }
  spawn->owned_child_fds[index] = child_end;
  spawn->setup.stdio[index] = child_end;
  return 0;
}

static int prepare(struct spawn *spawn, int *step) {
  const struct pact_spawn_header *header = &spawn->plan.header;
  const int32_t asked[3] = {header->stdin_fd, header->stdout_fd, header->stderr_fd};
  for (int i = 0; i < 3; i++) {
    *step = asked[i] == PACT_STDIO_PIPE ? PACT_STEP_PIPE : PACT_STEP_STDIO;
    int failed = prepare_stdio(spawn, i, asked[i]);
    if (failed < 0) return failed;
  }
  if (header->flags & PACT_SPAWN_PASSED_FD) {
    if (fcntl(header->passed_fd, F_GETFD) < 0) return -errno;
    spawn->setup.passed_fd = header->passed_fd;
  }
  *step = PACT_STEP_PIPE;
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) return -errno;
  spawn->report_read_fd = report[0];
  spawn->setup.report_fd = report[1];

  *step = PACT_STEP_CGROUP;
  if (spawn->plan.cgroup[0] != '\0') {
    spawn->cgroup_fd = open(spawn->plan.cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (spawn->cgroup_fd < 0) return -errno;
  }
  return 0;
}

/* The pid in the parent, 0 in the child, or a negative errno. */
static long clone_into(struct spawn *spawn) {
  int pidfd = -1;
  struct pact_clone_args args = {
      .flags = PACT_CLONE_PIDFD | PACT_CLONE_CLEAR_SIGHAND,
      .pidfd = (uint64_t)(uintptr_t)&pidfd,
      .exit_signal = SIGCHLD,
  };
  if (spawn->cgroup_fd >= 0) {
    args.flags |= PACT_CLONE_INTO_CGROUP;
    args.cgroup = (uint64_t)spawn->cgroup_fd;
  }
  long pid = syscall(SYS_clone3, &args, sizeof args);
  if (pid < 0) return -errno;
  if (pid > 0) {
    spawn->pidfd = pidfd;
    spawn->placement = spawn->cgroup_fd >= 0 ? PACT_PLACEMENT_CLONE : PACT_PLACEMENT_NONE;
  }
  return pid;
}

/* As clone_into, for kernels and sandboxes without clone3: the child moves itself. */
static long clone_plain(struct spawn *spawn, int *step) {
  if (spawn->cgroup_fd >= 0) {
    *step = PACT_STEP_CGROUP;
    int fd = openat(spawn->cgroup_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    spawn->setup.cgroup_procs_fd = fd;
  }
  *step = PACT_STEP_CLONE;
  long pid = syscall(SYS_clone, (long)SIGCHLD, 0l, 0l, 0l, 0l);
  if (pid < 0) return -errno;
  if (pid > 0) {
    spawn->placement = spawn->cgroup_fd >= 0 ? PACT_PLACEMENT_MOVED : PACT_PLACEMENT_NONE;
    /* The child cannot be reaped by anyone but us, so its pid cannot have a new owner yet. */
    spawn->pidfd = (int)syscall(SYS_pidfd_open, pid, 0u);
    if (spawn->pidfd < 0) {
      int error = errno;
      kill((pid_t)pid, SIGKILL);
      waitpid((pid_t)pid, NULL, 0);
      return -error;
    }
  }
  return pid;
}

static long clone_child(struct spawn *spawn, int *step) {
  *step = PACT_STEP_CLONE;
  if (!(spawn->plan.header.flags & PACT_SPAWN_WITHOUT_CLONE3)) {
    long pid = clone_into(spawn);
    if (pid >= 0) return pid;
    if (pid != -ENOSYS && pid != -EPERM && pid != -EINVAL && pid != -E2BIG) {
      if (spawn->cgroup_fd >= 0 && pid != -EAGAIN && pid != -ENOMEM) *step = PACT_STEP_CGROUP;
      return pid;
    }
  }
  return clone_plain(spawn, step);
}

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits until the descriptor is readable or closed by its writer; 1, or 0 after the deadline. */
static int readable_before(int fd, int64_t deadline_ms) {
  struct pollfd watched = {.fd = fd, .events = POLLIN};
  for (int64_t left_ms = deadline_ms - now_ms(); left_ms >= 0; left_ms = deadline_ms - now_ms()) {
    int ready = poll(&watched, 1, (int)left_ms);
    if (ready > 0) return 1;
    if (ready < 0 && errno != EINTR) return 0;
    if (ready == 0) break;
  }
  return 0;
}

static void reap_failed(struct spawn *spawn) {
  siginfo_t info;
  syscall(SYS_pidfd_send_signal, spawn->pidfd, SIGKILL, NULL, 0u);
  if (readable_before(spawn->pidfd, now_ms() + 200)) {
    waitid(PACT_P_PIDFD, (id_t)spawn->pidfd, &info, WEXITED | WNOHANG);
  }
  close_if_open(&spawn->pidfd);
}

/* 0 once the report pipe closed without a report: exec happened. */
static int await_exec(struct spawn *spawn, int *step) {
  int64_t deadline_ms = now_ms() + spawn->plan.header.exec_timeout_ms;
  if (!readable_before(spawn->report_read_fd, deadline_ms)) {
    reap_failed(spawn);
    *step = PACT_STEP_TIMEOUT;
    return -ETIMEDOUT;
  }
  struct spawn_failure failure;
  ssize_t got;
  do {
    got = read(spawn->report_read_fd, &failure, sizeof failure);
  } while (got < 0 && errno == EINTR);
  if (got != (ssize_t)sizeof failure) return 0;
  reap_failed(spawn);
  *step = failure.step;
  return failure.error > 0 ? -failure.error : -EIO;
}

static int start(struct spawn *spawn, int *step) {
  sigset_t all, before;
  sigfillset(&all);
  spawn->setup.parent_pid = getpid();
  /* No handler of this process may run in the child before it reset them. */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  long pid = clone_child(spawn, step);
  if (pid == 0) spawn_child(&spawn->plan, &spawn->setup);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (pid < 0) return (int)pid;
  spawn->pid = (pid_t)pid;
  close_if_open(&spawn->setup.report_fd);
  return await_exec(spawn, step);
}

static void fill_result(struct pact_spawn_result *result, const struct spawn *spawn, int step,
                        int failed) {
  *result = (struct pact_spawn_result){
      .pid = failed ? -1 : spawn->pid,
      .pidfd = spawn->pidfd,
      .stdin_fd = spawn->our_ends[0],
      .stdout_fd = spawn->our_ends[1],
      .stderr_fd = spawn->our_ends[2],
      .placement = failed ? PACT_PLACEMENT_NONE : spawn->placement,
      .step = failed ? step : PACT_STEP_NONE,
      .error = -failed,
  };
}

int32_t pact_shim_spawn(const uint8_t *request, uint32_t request_bytes,
                        struct pact_spawn_result *result) {
  if (result == NULL) return -EFAULT;
  struct spawn spawn = {
      .setup = {.stdio = {-1, -1, -1}, .report_fd = -1, .passed_fd = -1, .cgroup_procs_fd = -1},
      .owned_child_fds = {-1, -1, -1},
      .our_ends = {-1, -1, -1},
      .report_read_fd = -1,
      .cgroup_fd = -1,
      .pidfd = -1,
  };
  int step = PACT_STEP_REQUEST;
  int failed = spawn_plan_parse(&spawn.plan, request, request_bytes);
  if (failed == 0) failed = prepare(&spawn, &step);
  if (failed == 0) failed = start(&spawn, &step);

  spawn_plan_free(&spawn.plan);
  close_if_open(&spawn.setup.report_fd);
  close_if_open(&spawn.setup.cgroup_procs_fd);
  close_if_open(&spawn.report_read_fd);
  close_if_open(&spawn.cgroup_fd);
  for (int i = 0; i < 3; i++) {
    close_if_open(&spawn.owned_child_fds[i]);
    if (failed) close_if_open(&spawn.our_ends[i]);
  }
  fill_result(result, &spawn, step, failed);
  return failed;
}
