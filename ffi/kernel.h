/* Kernel interfaces that the C library's headers of older distributions do not name. The numbers
 * are the same on every 64-bit architecture (they are above the point of unification, 403). */
#ifndef PACT_KERNEL_H
#define PACT_KERNEL_H

#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>

_Static_assert(sizeof(long) == 8, "the shim supports 64-bit Linux only");

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

#define PACT_P_PIDFD ((idtype_t)3)

#define PACT_CLONE_PIDFD 0x00001000ull
#define PACT_CLONE_CLEAR_SIGHAND 0x100000000ull
#define PACT_CLONE_INTO_CGROUP 0x200000000ull

#define PACT_AT_RECURSIVE 0x8000u
#define PACT_MOUNT_NOSUID 0x2ull
#define PACT_MOUNT_NODEV 0x4ull
#define PACT_MOUNT_NOEXEC 0x8ull

/* mount_setattr(2). */
struct pact_mount_attributes {
  uint64_t set;
  uint64_t clear;
  uint64_t propagation;
  uint64_t user_namespace_fd;
};

/* clone3(2), version 2 of the structure (with cgroup). */
struct pact_clone_args {
  uint64_t flags;
  uint64_t pidfd;
  uint64_t child_tid;
  uint64_t parent_tid;
  uint64_t exit_signal;
  uint64_t stack;
  uint64_t stack_size;
  uint64_t tls;
  uint64_t set_tid;
  uint64_t set_tid_size;
  uint64_t cgroup;
};

#endif
