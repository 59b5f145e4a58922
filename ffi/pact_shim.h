/*
 * pact_shim: the system calls pact-agent needs and its runtime lacks.
 *
 * Conventions, valid for every function unless its comment says otherwise:
 *  - The result is >= 0 on success and a negative errno on failure; errno itself is not a result.
 *  - Texts are NUL-terminated and only read during the call; NULL is refused with -EFAULT.
 *  - Buffers belong to the caller, before and after; the shim keeps no pointer past the return.
 *  - Descriptors that a function returns belong to the caller, are close-on-exec, and are closed
 *    with pact_shim_close.
 *  - "Blocking: no" means bounded by the kernel's memory speed; "Blocking: disk" may wait for
 *    storage (or for a network file system); other waits are spelled out.
 *  - Every function may be called from any thread.
 *
 * Only 64-bit Linux, libc only. Integers in buffers are in host order.
 */
#ifndef PACT_SHIM_H
#define PACT_SHIM_H

#include <stddef.h>
#include <stdint.h>

#define PACT_SHIM_VERSION 1
#define PACT_EXPORT __attribute__((visibility("default")))

/* The ABI of this header; the loader refuses any other than the one it was written for.
 * Blocking: no. */
PACT_EXPORT int32_t pact_shim_version(void);

/* Closes a descriptor that a function of this header returned. EINTR counts as closed.
 * Descriptors 0, 1 and 2 are refused with -EINVAL. Blocking: no, except for descriptors of files
 * on network file systems. */
PACT_EXPORT int32_t pact_shim_close(int32_t fd);

/* ---- spawn (spawn.c, spawn_request.c, spawn_child.c) ---------------------------------------- */

enum pact_spawn_flag {
  PACT_SPAWN_CREDENTIALS = 1u << 0,    /* uid, gid and the groups apply */
  PACT_SPAWN_OOM_SCORE_ADJ = 1u << 1,  /* oom_score_adj applies */
  PACT_SPAWN_UMASK = 1u << 2,          /* umask applies */
  PACT_SPAWN_NO_NEW_PRIVS = 1u << 3,   /* prctl(PR_SET_NO_NEW_PRIVS) */
  PACT_SPAWN_TERMINAL = 1u << 4,       /* descriptor 0 becomes the controlling terminal */
  PACT_SPAWN_PASSED_FD = 1u << 5,      /* passed_fd applies: the program finds it as 4 */
  PACT_SPAWN_CONTAINED = 1u << 6,      /* own mounts, and no capability but those named */
  PACT_SPAWN_WITHOUT_CLONE3 = 1u << 31 /* behave as on a kernel without clone3; for tests */
};

enum pact_stdio {
  PACT_STDIO_NULL = -1, /* /dev/null */
  PACT_STDIO_PIPE = -2  /* a new pipe; its other end is in the result, non-blocking */
};

enum pact_spawn_placement {
  PACT_PLACEMENT_NONE = 0,  /* no cgroup was asked for */
  PACT_PLACEMENT_CLONE = 1, /* born in the cgroup (CLONE_INTO_CGROUP) */
  PACT_PLACEMENT_MOVED = 2  /* moved itself there before exec; the kernel cannot do better */
};

/* The step that failed, for messages like `exec /bin/x: No such file or directory` (SUP-21). */
enum pact_spawn_step {
  PACT_STEP_NONE = 0,
  PACT_STEP_REQUEST = 1,
  PACT_STEP_PIPE = 2,
  PACT_STEP_CGROUP = 3,
  PACT_STEP_CLONE = 4,
  PACT_STEP_SETSID = 5,
  PACT_STEP_SIGNALS = 6,
  PACT_STEP_STDIO = 7,
  PACT_STEP_CLOSE_RANGE = 8,
  PACT_STEP_OOM_SCORE_ADJ = 9,
  PACT_STEP_RLIMIT = 10,
  PACT_STEP_CHDIR = 11,
  PACT_STEP_SETGROUPS = 12,
  PACT_STEP_SETGID = 13,
  PACT_STEP_SETUID = 14,
  PACT_STEP_PARENT_DEATH = 15,
  PACT_STEP_NO_NEW_PRIVS = 16,
  PACT_STEP_EXEC = 17,
  PACT_STEP_TIMEOUT = 18,
  PACT_STEP_TERMINAL = 19,
  PACT_STEP_MOUNTS = 20,
  PACT_STEP_CAPABILITIES = 21
};

/*
 * A request is one buffer: this header, then
 *   rlimit_count times struct pact_spawn_rlimit,
 *   group_count times uint32_t (supplementary groups),
 *   text_bytes bytes of NUL-terminated texts: executable (absolute), working directory (empty:
 *   unchanged), cgroup directory (empty: none), argument_count arguments (argv[0] included),
 *   environment_count NAME=VALUE, covered_count paths that are covered and without_programs_count
 *   directories that programs cannot be run from; what is not there is passed over.
 * Nothing may be missing and nothing left over. Limits: PACT_SPAWN_MAX_*.
 */
struct pact_spawn_header {
  uint32_t total_bytes;        /*  0 */
  uint32_t flags;              /*  4: enum pact_spawn_flag */
  int32_t stdin_fd;            /*  8: a descriptor >= 0 or enum pact_stdio */
  int32_t stdout_fd;           /* 12 */
  int32_t stderr_fd;           /* 16 */
  int32_t oom_score_adj;       /* 20: -1000..1000 */
  uint32_t umask;              /* 24: 0..0777 */
  uint32_t uid;                /* 28 */
  uint32_t gid;                /* 32 */
  int32_t parent_death_signal; /* 36: 0 for none */
  uint32_t exec_timeout_ms;    /* 40: 1..60000 */
  uint32_t argument_count;     /* 44: at least 1 */
  uint32_t environment_count;  /* 48 */
  uint32_t group_count;        /* 52 */
  uint32_t rlimit_count;       /* 56 */
  uint32_t text_bytes;         /* 60 */
  int32_t passed_fd;           /* 64 */
  uint32_t covered_count;      /* 68 */
  uint32_t without_programs_count; /* 72 */
  uint32_t capabilities[2];    /* 76: that programs may have, by their numbers from bit 0 on */
};

struct pact_spawn_rlimit {
  uint32_t resource; /* RLIMIT_* */
  uint32_t reserved; /* 0 */
  uint64_t soft;     /* UINT64_MAX: unlimited */
  uint64_t hard;
};

#define PACT_SPAWN_MAX_TEXTS 8192u
#define PACT_SPAWN_MAX_GROUPS 65536u
#define PACT_SPAWN_MAX_RLIMITS 16u
#define PACT_SPAWN_MAX_BYTES (4u << 20)

struct pact_spawn_result {
  int32_t pid;       /*  0 */
  int32_t pidfd;     /*  4 */
  int32_t stdin_fd;  /*  8: our end where a pipe was asked for, else -1 */
  int32_t stdout_fd; /* 12 */
  int32_t stderr_fd; /* 16 */
  int32_t placement; /* 20: enum pact_spawn_placement */
  int32_t step;      /* 24: enum pact_spawn_step; PACT_STEP_NONE on success */
  int32_t error;     /* 28: the errno of that step, positive */
};

/*
 * Starts a program in a session of its own with default signal dispositions, an empty signal mask
 * and no descriptor but 0, 1, 2 and the passed one; then, as asked, cgroup, oom_score_adj, limits, directory,
 * groups, ids, parent death signal, no_new_privs, umask; then exec (SUP-20). In the child only
 * async-signal-safe calls run (INI-12).
 *
 * Returns 0 when exec succeeded, or the negative errno; *result then names the step, its
 * descriptors are -1, nothing is left open, and the child is reaped. A program asked into a cgroup
 * never runs outside of it: where the kernel refuses CLONE_INTO_CGROUP as unknown, the child moves
 * itself before exec and the result says PACT_PLACEMENT_MOVED; where that fails the spawn fails.
 *
 * The parent death signal is tied to the calling THREAD: call from one that lives as long as the
 * process. After PACT_STEP_TIMEOUT the child is killed; one that the kernel cannot kill (hung file
 * system) is left to pact_shim_reap_orphans.
 *
 * Blocking: until exec happened or failed, at most exec_timeout_ms.
 */
PACT_EXPORT int32_t pact_shim_spawn(const uint8_t *request, uint32_t request_bytes,
                                    struct pact_spawn_result *result);

/* ---- processes (reap.c, signal.c) ----------------------------------------------------------- */

enum pact_exit_kind {
  PACT_EXIT_CODE = 1,       /* value is the exit code */
  PACT_EXIT_SIGNAL = 2,     /* value is the signal */
  PACT_EXIT_CORE_DUMPED = 3 /* value is the signal */
};

struct pact_exit {
  int32_t pid;
  int32_t kind; /* enum pact_exit_kind */
  int32_t value;
};

/* A pidfd for a process that need not be a child. -ESRCH when there is none. Blocking: no. */
PACT_EXPORT int32_t pact_shim_pidfd_open(int32_t pid);

/* Sends a signal (0: only checks) to the process of a pidfd, never to a successor of its pid.
 * -ESRCH when it was reaped. Blocking: no. */
PACT_EXPORT int32_t pact_shim_pidfd_signal(int32_t pidfd, int32_t signal);

/* Consumes the exit status of a child: 1 and *exit filled when it ended, 0 while it runs, -ECHILD
 * when it is not (or no longer) our child. Blocking: no. */
PACT_EXPORT int32_t pact_shim_pidfd_wait(int32_t pidfd, struct pact_exit *exit);

/* 1 while the process runs, 0 once it ended, reaped or not. Blocking: no. */
PACT_EXPORT int32_t pact_shim_pidfd_alive(int32_t pidfd);

/*
 * Reaps ended children that nobody supervises (INI-10): looks first (WNOWAIT) and consumes only
 * pids absent from `supervised`, which is sorted ascending. At most `capacity` are reaped per call;
 * returns how many, their ends in `reaped`. Equal to `capacity`: call again. Blocking: no.
 */
PACT_EXPORT int32_t pact_shim_reap_orphans(const int32_t *supervised, uint32_t supervised_count,
                                           struct pact_exit *reaped, uint32_t capacity);

/* Makes this process the one that orphans below it are re-parented to (prctl(2)
 * PR_SET_CHILD_SUBREAPER). Blocking: no. */
PACT_EXPORT int32_t pact_shim_set_subreaper(int32_t enabled);

/* kill(2) of one process; pids below 2 are refused with -EINVAL. Blocking: no. */
PACT_EXPORT int32_t pact_shim_kill(int32_t pid, int32_t signal);

/* killpg(2); groups below 2 are refused with -EINVAL. Blocking: no. */
PACT_EXPORT int32_t pact_shim_kill_group(int32_t process_group, int32_t signal);

/* ---- events (events.c, inotify.c) ----------------------------------------------------------- */

struct pact_event {
  uint64_t tag;
  uint32_t events; /* EPOLLIN and so on */
  uint32_t reserved;
};

/* A new epoll(7) instance. Blocking: no. */
PACT_EXPORT int32_t pact_shim_events_open(void);

/* A new eventfd(2), non-blocking, for pact_shim_events_wake. Blocking: no. */
PACT_EXPORT int32_t pact_shim_wake_open(void);

enum pact_events_flag {
  PACT_EVENTS_ONCE = 1,  /* report a single time */
  PACT_EVENTS_URGENT = 2, /* watch for urgent news (EPOLLPRI) instead of for reading */
  PACT_EVENTS_WRITABLE = 4 /* watch for room to write (EPOLLOUT) instead of for reading */
};

/* Watches a descriptor under a tag, with enum pact_events_flag. The tag UINT64_MAX belongs to the wake
 * descriptor and is drained by the wait. Blocking: no. */
PACT_EXPORT int32_t pact_shim_events_add(int32_t epoll_fd, int32_t fd, uint64_t tag, int32_t flags);

/* Stops watching. Blocking: no. */
PACT_EXPORT int32_t pact_shim_events_remove(int32_t epoll_fd, int32_t fd);

/* Waits up to timeout_ms (-1: for ever) and writes at most `capacity` ready tags, the wake
 * descriptor's excluded; returns how many, 0 after a timeout, wake-up or interrupting signal.
 * Blocking: YES. Call it on a thread that may wait; one at a time per epoll instance. */
PACT_EXPORT int32_t pact_shim_events_wait(int32_t epoll_fd, int32_t wake_fd, int32_t timeout_ms,
                                          struct pact_event *ready, uint32_t capacity);

/* Ends the wait that runs, or the next one, at once. Blocking: no. */
PACT_EXPORT int32_t pact_shim_events_wake(int32_t wake_fd);

/* From now on SIGCHLD makes the given eventfd readable (and calls the handler that was there
 * before). -1 ends it and restores that handler. One per process. Blocking: no. */
PACT_EXPORT int32_t pact_shim_child_signal(int32_t event_fd);

/* Empties an eventfd: 1 when it was set, 0 when not. Blocking: no for those of this header. */
PACT_EXPORT int32_t pact_shim_wake_drain(int32_t wake_fd);

/* A new inotify(7) instance, non-blocking. Blocking: no. */
PACT_EXPORT int32_t pact_shim_inotify_open(void);

/* Adds or replaces a watch; returns its watch descriptor. Blocking: disk (path walk). */
PACT_EXPORT int32_t pact_shim_inotify_add(int32_t inotify_fd, const char *path, uint32_t mask);

/* Removes a watch. Blocking: no. */
PACT_EXPORT int32_t pact_shim_inotify_remove(int32_t inotify_fd, int32_t watch);

/* Reads whole struct inotify_event records into the buffer; returns bytes, 0 when there are none.
 * The buffer must hold at least one record of the longest name (272 bytes). Blocking: no. */
PACT_EXPORT int32_t pact_shim_inotify_read(int32_t inotify_fd, uint8_t *buffer, uint32_t capacity);

/* ---- notifications (notify.c) --------------------------------------------------------------- */

struct pact_notification {
  int32_t pid; /* the sender's, by the kernel's word */
  uint32_t uid;
  uint32_t gid;
  uint32_t bytes;
  int32_t truncated; /* 1: longer than the buffer */
};

/* A new datagram socket bound to a path, or to an abstract name where it begins with @, that says who
 * sends. A socket that a former owner left at the path is replaced, anything else refused with
 * -EEXIST. `mode`, `uid` and `gid` (UINT32_MAX: not changed) are the file's. Blocking: disk. */
PACT_EXPORT int32_t pact_shim_notify_open(const char *path, uint32_t mode, uint32_t uid,
                                          uint32_t gid);

/* Takes the next datagram: 1, or 0 when there is none. Descriptors that came along are closed.
 * Blocking: no. */
PACT_EXPORT int32_t pact_shim_notify_read(int32_t fd, struct pact_notification *notification,
                                          uint8_t *buffer, uint32_t capacity);

/* Sends a datagram; -EAGAIN when the receiver's queue is full. Blocking: no. */
PACT_EXPORT int32_t pact_shim_notify_send(const char *path, const uint8_t *bytes,
                                          uint32_t byte_count);

/* ---- files (files_read.c, files_write.c, files_meta.c, append.c, fifo.c, device.c) ------------------------- */

/* Reads a whole regular file (those of /proc, /sys and cgroup2 too). Returns its bytes; -EFBIG when it
 * holds more than `capacity`; -EOPNOTSUPP when it is no regular file. follow 0 refuses a symlink as
 * last component with -ELOOP. Blocking: disk. */
PACT_EXPORT int64_t pact_shim_read_file(const char *path, int32_t follow, uint8_t *buffer,
                                        uint64_t capacity);

/* Writes an existing file in a single write(2), as sysctl, sysfs and cgroup2 files want it; never
 * creates, never follows a symlink as last component; truncate 1 empties it first. -EIO when the
 * kernel took only a part. Blocking: disk. */
PACT_EXPORT int32_t pact_shim_write_existing(const char *path, const uint8_t *bytes,
                                             uint64_t byte_count, int32_t truncate);

/* Replaces or creates a file so that a reader, also after a crash, sees the old or the new content
 * whole: temporary file beside it, owner, mode, fsync, rename, fsync of the directory. A symlink
 * at `path` is replaced, not followed. uid or gid UINT32_MAX: not changed. After a failure before
 * the rename the temporary file is gone and the old content stands. Blocking: disk. */
PACT_EXPORT int32_t pact_shim_write_atomic(const char *path, const uint8_t *bytes,
                                           uint64_t byte_count, uint32_t mode, uint32_t uid,
                                           uint32_t gid);

struct pact_stat {
  int64_t mode; /* type and permission bits, as st_mode */
  int64_t uid;
  int64_t gid;
  int64_t size;
  int64_t mtime_ns;
  int64_t ctime_ns;
  int64_t ino;
  int64_t dev;
  int64_t rdev;
  int64_t nlink;
};

/* stat(2) (follow 1) or lstat(2) (follow 0). Blocking: disk. */
PACT_EXPORT int32_t pact_shim_stat(const char *path, int32_t follow, struct pact_stat *out);

/* unlink(2). Blocking: disk. */
PACT_EXPORT int32_t pact_shim_unlink(const char *path);

/* rmdir(2). Blocking: disk. */
PACT_EXPORT int32_t pact_shim_rmdir(const char *path);

/* rename(2); replaces the target. Blocking: disk. */
PACT_EXPORT int32_t pact_shim_rename(const char *from, const char *to);

/* mkdir(2) with exactly this mode, whatever the umask. Blocking: disk. */
PACT_EXPORT int32_t pact_shim_mkdir(const char *path, uint32_t mode);

/* symlink(2): creates `path` pointing at `target`. Blocking: disk. */
PACT_EXPORT int32_t pact_shim_symlink(const char *target, const char *path);

/* readlink(2); returns bytes without a NUL, -ENAMETOOLONG when the buffer is too small.
 * Blocking: disk. */
PACT_EXPORT int32_t pact_shim_readlink(const char *path, uint8_t *buffer, uint32_t capacity);

/* Changes permission bits; a symlink is refused with -EOPNOTSUPP. Blocking: disk. */
PACT_EXPORT int32_t pact_shim_chmod(const char *path, uint32_t mode);

/* lchown(2): a symlink itself changes owner; UINT32_MAX: not changed. Blocking: disk. */
PACT_EXPORT int32_t pact_shim_chown(const char *path, uint32_t uid, uint32_t gid);

/* Names in a directory, without . and .., in no order: for each a byte of DT_* type, the name, a NUL.
 * Returns bytes; -ENOBUFS when they do not fit. Blocking: disk. */
PACT_EXPORT int64_t pact_shim_list_directory(const char *path, uint8_t *buffer, uint64_t capacity);

/* Opens (creates with `mode`, durable before the return) a regular file for pact_shim_append; never
 * follows a symlink as last component. Blocking: disk. */
PACT_EXPORT int32_t pact_shim_append_open(const char *path, uint32_t mode);

/* Appends all bytes and waits until they are on storage (fdatasync). On failure the file is cut back
 * to its former length. One writer per file. Returns the new length. Blocking: disk. */
PACT_EXPORT int64_t pact_shim_append(int32_t fd, const uint8_t *bytes, uint64_t byte_count);

/* Opens a named pipe of this user, made with `mode` (less the umask) where there is none; a symlink as
 * last component is refused with -ELOOP, what is no pipe with -EOPNOTSUPP, another user's with -EPERM.
 * `reading` 1: its reading end, non-blocking. 0: both ends in one descriptor, blocking, as the output of
 * a program that may outlive its reader: with a reader in itself it gets no SIGPIPE, it waits while the
 * pipe is full, and goes on when somebody reads again. Blocking: disk. */
PACT_EXPORT int32_t pact_shim_fifo_open(const char *path, uint32_t mode, int32_t reading);

/* Writes 1..PIPE_BUF bytes to a pipe whole or not at all, without waiting: -EAGAIN when there is no
 * room, -EPIPE when nobody can read them any more (the caller ignores SIGPIPE), -EOPNOTSUPP when it is
 * no pipe. The descriptor may be any of the process's. Blocking: no. */
PACT_EXPORT int32_t pact_shim_pipe_write(int32_t fd, const uint8_t *bytes, uint32_t byte_count);

/* Writes one command to a character device and reads its answer, in one write and one read: -ETIMEDOUT
 * when none comes within `timeout_ms`, -EOPNOTSUPP for what is no character device, -EIO when the
 * command was not taken whole. Returns the length of the answer. Blocking: the device. */
PACT_EXPORT int32_t pact_shim_device_exchange(const char *path, const uint8_t *command,
                                              uint32_t command_count, uint8_t *answer,
                                              uint32_t capacity, int32_t timeout_ms);

/* ---- network (netlink.c, packet.c) ---------------------------------------------------------- */

#define PACT_NETLINK_MAX_REQUEST 65536u

/* One exchange with the kernel over NETLINK_ROUTE (rtnetlink(7)): sends the request, one message that
 * asks for an acknowledgement or a dump, and collects what is answered, the final NLMSG_DONE or
 * NLMSG_ERROR included. Returns bytes; -ENOBUFS when they do not fit, -ETIMEDOUT when the end does not
 * come. An error the kernel answers is in the answer, not in the result. Blocking: no (5 s as a last
 * resort: the kernel answers at once). */
PACT_EXPORT int32_t pact_shim_rtnetlink(const uint8_t *request, uint32_t request_bytes,
                                        uint8_t *answer, uint32_t capacity);

enum pact_netlink_source {
  PACT_NETLINK_ROUTE = 0,  /* links, addresses, routes: RTMGRP_* */
  PACT_NETLINK_UEVENT = 1, /* devices: group 1 is the kernel's own */
};

/* A socket that hears the given groups, non-blocking, for the events above. Blocking: no. */
PACT_EXPORT int32_t pact_shim_netlink_open(int32_t source, uint32_t groups);

/* Reads one datagram sent by the kernel itself; returns its bytes, 0 when there is none, -EMSGSIZE when
 * it did not fit, -ENOBUFS when the kernel had to drop some: look at everything again. Blocking: no. */
PACT_EXPORT int32_t pact_shim_netlink_read(int32_t fd, uint8_t *buffer, uint32_t capacity);

struct pact_packet {
  uint8_t address[8];     /*  0: link-layer address of the sender */
  uint32_t address_bytes; /*  8 */
  int32_t is_truncated;   /* 12 */
  int32_t lacks_checksum; /* 16: UDP checksum left to the hardware */
};

/* A socket for the UDP datagrams over IPv4 that come to this port on one interface, whether it has an
 * address or not; non-blocking, for the events above. Blocking: no. */
PACT_EXPORT int32_t pact_shim_packet_open(int32_t interface_index, uint16_t udp_port);

/* Sends an IPv4 packet, header included, to a link-layer address (at most 8 bytes). Blocking: no. */
PACT_EXPORT int32_t pact_shim_packet_send(int32_t fd, int32_t interface_index,
                                          const uint8_t *address, uint32_t address_bytes,
                                          const uint8_t *packet, uint32_t packet_bytes);

/* A socket for the ARP packets (RFC 826) on one interface, whether it has an address or not;
 * non-blocking, for the events above. Blocking: no. */
PACT_EXPORT int32_t pact_shim_arp_open(int32_t interface_index);

/* Sends an ARP packet to a link-layer address (at most 8 bytes). Blocking: no. */
PACT_EXPORT int32_t pact_shim_arp_send(int32_t fd, int32_t interface_index, const uint8_t *address,
                                       uint32_t address_bytes, const uint8_t *packet,
                                       uint32_t packet_bytes);

/* Reads one packet of either kind of socket, an IPv4 one with its header; returns its bytes, 0 when
 * there is none. Blocking: no. */
PACT_EXPORT int32_t pact_shim_packet_read(int32_t fd, struct pact_packet *out, uint8_t *packet,
                                          uint32_t capacity);

/* ---- kernel modules (modules.c) ------------------------------------------------------------- */

/* Loads a module from its file with parameters as modprobe(8) gives them; -EEXIST when it is loaded
 * already. A compressed file is the kernel's to expand: -EOPNOTSUPP where it was built without.
 * Blocking: disk, and until the module's initialisation is done. */
PACT_EXPORT int32_t pact_shim_load_module(const char *path, const char *parameters,
                                          int32_t is_compressed);

/* Unloads a module that nothing uses; -EWOULDBLOCK when something does. Blocking: no. */
PACT_EXPORT int32_t pact_shim_unload_module(const char *name);

/* ---- the node (sysinfo.c, users.c) ---------------------------------------------------------- */

/* sethostname(2). Blocking: no. */
PACT_EXPORT int32_t pact_shim_set_hostname(const char *name);

/* uname(2) as six NUL-terminated texts: system, node (host) name, release, version, machine,
 * domain. Returns bytes; -ENOBUFS when they do not fit (390 always do). Blocking: no. */
PACT_EXPORT int32_t pact_shim_uname(uint8_t *buffer, uint32_t capacity);

struct pact_ids {
  int32_t pid;
  int32_t parent_pid;
  uint32_t uid;
  uint32_t effective_uid;
  uint32_t gid;
  uint32_t effective_gid;
};

/* The ids of this process. Blocking: no. */
PACT_EXPORT int32_t pact_shim_ids(struct pact_ids *out);

/* Milliseconds since boot, suspended time included (CLOCK_BOOTTIME). Blocking: no. */
PACT_EXPORT int64_t pact_shim_boot_time_ms(void);

enum pact_reboot_action {
  PACT_REBOOT_RESTART = 1,
  PACT_REBOOT_POWER_OFF = 2,
  PACT_REBOOT_HALT = 3
};

#define PACT_REBOOT_CONFIRM 0x70616374u

/* sync(2), then reboot(2). Refused with -EPERM unless `confirm` is PACT_REBOOT_CONFIRM, so that a
 * wild call cannot take a node down. Blocking: disk. */
PACT_EXPORT int32_t pact_shim_reboot(int32_t action, uint32_t confirm);

/* The user's uid and gid (ids[0], ids[1]), then home and shell as NUL-terminated texts in the
 * buffer. Returns bytes used; -ENOENT when there is no such user. Blocking: disk, and network
 * where NSS asks a directory service. */
PACT_EXPORT int32_t pact_shim_user(const char *name, uint32_t *ids, uint8_t *buffer,
                                   uint32_t capacity);

/* The group's gid in *gid; -ENOENT when there is no such group. Blocking: as pact_shim_user. */
PACT_EXPORT int32_t pact_shim_group(const char *name, uint32_t *gid);

/* All groups of a user, `gid` included (getgrouplist(3)). Returns how many; -ENOBUFS when they do
 * not fit. Blocking: as pact_shim_user. */
PACT_EXPORT int32_t pact_shim_groups_of(const char *user, uint32_t gid, uint32_t *gids,
                                        uint32_t capacity);

#include "pact_observe.h"
#include "pact_terminal.h"
#include "pact_workload.h"

#endif
