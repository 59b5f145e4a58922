/*
 * The child's side of a spawn, between clone and exec (SUP-20, INI-12).
 *
 * It runs in a copy of a process whose other threads vanished in mid-air and may have held any lock:
 * only async-signal-safe calls, no allocation, no stdio. Ids are changed by raw system calls because
 * the C library's wrappers signal threads that do not exist here.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel.h"
#include "spawn_plan.h"

/* Where the report descriptor lives until exec closes it, and the one that the program gets. */
enum { REPORT_FD = 3, PASSED_FD = 4, PARKED_FDS = 10 };

static _Noreturn void fail(int report_fd, enum pact_spawn_step step, int error) {
  struct spawn_failure failure = {step, error};
  ssize_t written = write(report_fd, &failure, sizeof failure);
  (void)written; /* the parent also notices a child that ends without a report */
  _exit(127);
}

/*
 * Dispositions that a parent ignores (SIGPIPE in this runtime) survive clone and exec, as does a
 * blocked signal. The C library keeps two real-time signals to itself, and its wrappers skip them;
 * a parent started by a careless one can have them ignored. So: the kernel's own calls, for all.
 */
enum { KERNEL_SIGNALS = 64, KERNEL_MASK_BYTES = KERNEL_SIGNALS / 8 };

static int reset_signals(void) {
  /* All zero is SIG_DFL with no flags and an empty mask in every architecture's layout. */
  static const unsigned long default_action[4];
  for (long signal = 1; signal <= KERNEL_SIGNALS; signal++) {
    if (signal == SIGKILL || signal == SIGSTOP) continue;
    if (syscall(SYS_rt_sigaction, signal, default_action, NULL, (long)KERNEL_MASK_BYTES) != 0) {
      return -1;
    }
  }
  return 0;
}

static int unblock_signals(void) {
  static const uint64_t none;
  return (int)syscall(SYS_rt_sigprocmask, (long)SIG_SETMASK, &none, NULL, (long)KERNEL_MASK_BYTES);
}

/* Parks the sources above the targets first, so that no order of numbers can clash. */
static int arrange_descriptors(const struct spawn_child_setup *setup, int *report_fd) {
  int sources[5] = {setup->stdio[0], setup->stdio[1], setup->stdio[2], setup->report_fd,
                    setup->passed_fd};
  for (int i = setup->passed_fd < 0 ? 3 : 4; i >= 0; i--) {
    sources[i] = fcntl(sources[i], F_DUPFD_CLOEXEC, PARKED_FDS);
    if (sources[i] < 0) return -1;
    if (i == 3) *report_fd = sources[3];
  }
  for (int i = 0; i < 3; i++) {
    if (dup2(sources[i], i) < 0) return -1;
  }
  if (dup3(sources[3], REPORT_FD, O_CLOEXEC) < 0) return -1;
  *report_fd = REPORT_FD;
  return setup->passed_fd >= 0 && dup2(sources[4], PASSED_FD) < 0 ? -1 : 0;
}

static int close_from(int first) {
  if (syscall(SYS_close_range, (unsigned)first, ~0u, 0u) == 0) return 0;
  if (errno != ENOSYS && errno != EPERM) return -1;
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
  rlim_t end = limit.rlim_max < (1u << 20) ? limit.rlim_max : (1u << 20);
  for (int fd = first; (rlim_t)fd < end; fd++) close(fd);
  return 0;
}

static int write_oom_score_adj(const struct spawn_plan *plan) {
  int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t written = write(fd, plan->oom_score_adj, plan->oom_score_adj_bytes);
  int error = errno;
  close(fd);
  errno = error;
  return written < 0 ? -1 : 0;
}

static int apply_rlimits(const struct spawn_plan *plan) {
  for (uint32_t i = 0; i < plan->header.rlimit_count; i++) {
    const struct pact_spawn_rlimit *asked = &plan->rlimits[i];
    struct rlimit limit = {
        .rlim_cur = asked->soft == UINT64_MAX ? RLIM_INFINITY : asked->soft,
        .rlim_max = asked->hard == UINT64_MAX ? RLIM_INFINITY : asked->hard,
    };
    if (setrlimit((int)asked->resource, &limit) != 0) return -1;
  }
  return 0;
}

static void change_credentials(const struct spawn_plan *plan, int report_fd) {
  const struct pact_spawn_header *header = &plan->header;
  if (syscall(SYS_setgroups, (long)header->group_count, plan->groups) != 0) {
    fail(report_fd, PACT_STEP_SETGROUPS, errno);
  }
  if (syscall(SYS_setresgid, header->gid, header->gid, header->gid) != 0) {
    fail(report_fd, PACT_STEP_SETGID, errno);
  }
  if (syscall(SYS_setresuid, header->uid, header->uid, header->uid) != 0) {
    fail(report_fd, PACT_STEP_SETUID, errno);
  }
}

/* After the ids, because changing them clears it; a parent that is already gone sends nothing. */
static int set_parent_death_signal(int signal, pid_t parent_pid) {
  if (prctl(PR_SET_PDEATHSIG, (unsigned long)signal, 0ul, 0ul, 0ul) != 0) return -1;
  if (getppid() == parent_pid) return 0;
  errno = ESRCH;
  return -1;
}

_Noreturn void spawn_child(const struct spawn_plan *plan, const struct spawn_child_setup *setup) {
  const struct pact_spawn_header *header = &plan->header;
  int report_fd = setup->report_fd;

  if (reset_signals() != 0) fail(report_fd, PACT_STEP_SIGNALS, errno);
  if (setup->cgroup_procs_fd >= 0 && write(setup->cgroup_procs_fd, "0", 1) != 1) {
    fail(report_fd, PACT_STEP_CGROUP, errno);
  }
  if (setsid() < 0) fail(report_fd, PACT_STEP_SETSID, errno);
  if (arrange_descriptors(setup, &report_fd) != 0) fail(report_fd, PACT_STEP_STDIO, errno);
  if (close_from(setup->passed_fd < 0 ? PASSED_FD : PASSED_FD + 1) != 0) {
    fail(report_fd, PACT_STEP_CLOSE_RANGE, errno);
  }
  if ((header->flags & PACT_SPAWN_TERMINAL) && ioctl(STDIN_FILENO, TIOCSCTTY, 0) != 0) {
    fail(report_fd, PACT_STEP_TERMINAL, errno);
  }
  if ((header->flags & PACT_SPAWN_OOM_SCORE_ADJ) && write_oom_score_adj(plan) != 0) {
    fail(report_fd, PACT_STEP_OOM_SCORE_ADJ, errno);
  }
  if (apply_rlimits(plan) != 0) fail(report_fd, PACT_STEP_RLIMIT, errno);
  if ((header->flags & PACT_SPAWN_CONTAINED) && spawn_contain_mounts(plan) != 0) {
    fail(report_fd, PACT_STEP_MOUNTS, errno);
  }
  if (plan->directory[0] != '\0' && chdir(plan->directory) != 0) {
    fail(report_fd, PACT_STEP_CHDIR, errno);
  }
  if ((header->flags & PACT_SPAWN_CONTAINED) && spawn_contain_capabilities(plan) != 0) {
    fail(report_fd, PACT_STEP_CAPABILITIES, errno);
  }
  if (header->flags & PACT_SPAWN_CREDENTIALS) change_credentials(plan, report_fd);
  if (header->parent_death_signal != 0 &&
      set_parent_death_signal(header->parent_death_signal, setup->parent_pid) != 0) {
    fail(report_fd, PACT_STEP_PARENT_DEATH, errno);
  }
  if ((header->flags & PACT_SPAWN_NO_NEW_PRIVS) &&
      prctl(PR_SET_NO_NEW_PRIVS, 1ul, 0ul, 0ul, 0ul) != 0) {
    fail(report_fd, PACT_STEP_NO_NEW_PRIVS, errno);
  }
  if (header->flags & PACT_SPAWN_UMASK) umask((mode_t)header->umask);
  if (unblock_signals() != 0) fail(report_fd, PACT_STEP_SIGNALS, errno);

  execve(plan->executable, plan->arguments, plan->environment);
  fail(report_fd, PACT_STEP_EXEC, errno);
}
