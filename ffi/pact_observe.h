/* The part of pact_shim.h by which changes are noticed, and who made them; its conventions hold here. */
#ifndef PACT_OBSERVE_H
#define PACT_OBSERVE_H

#include <stdint.h>

/* ---- files and who changes them (fanotify.c, file_writes.c) ------------------------------------------------- */

#define PACT_DIRECTORY_KEY_MAX 152u

/* A new fanotify(7) group, non-blocking, whose events name a directory by its handle, the name in it and
 * the process. -EPERM without CAP_SYS_ADMIN. Blocking: no. */
PACT_EXPORT int32_t pact_shim_fanotify_open(void);

/* Marks a directory and what lies directly in it; a symlink as last component is refused. Writes what its
 * events will name it by: file system id, then struct file_handle as in the events; returns those bytes.
 * -EOPNOTSUPP, -ENODEV or -EXDEV for file systems that cannot. `mask`: FAN_*. Blocking: disk. */
PACT_EXPORT int32_t pact_shim_fanotify_mark(int32_t fd, const char *directory, uint64_t mask,
                                            uint8_t *key, uint32_t capacity);

/* Takes the mark away; the directory must still be at the path. Blocking: disk. */
PACT_EXPORT int32_t pact_shim_fanotify_unmark(int32_t fd, const char *directory, uint64_t mask);

/* Reads whole events with their information records; returns bytes, 0 when there are none.
 * Blocking: no. */
PACT_EXPORT int32_t pact_shim_fanotify_read(int32_t fd, uint8_t *buffer, uint32_t capacity);

/* A new group whose events carry an open file instead of a handle, which every file system can do, for
 * writes alone. -EPERM without CAP_SYS_ADMIN. Blocking: no. */
PACT_EXPORT int32_t pact_shim_file_writes_open(void);

/* Marks a directory for the ends of writes to files directly in it, or with `on` 0 takes the mark away;
 * a symlink as last component is refused. Blocking: disk. */
PACT_EXPORT int32_t pact_shim_file_writes_mark(int32_t fd, const char *directory, int32_t on);

#define PACT_FILE_WRITES_CAPACITY 65664u

/* Reads at most 16 events as records: int32_t pid, uint32_t bytes of the path, the path, without padding.
 * A record without a path says that events were lost. Returns bytes, 0 when there are none. The buffer
 * must hold PACT_FILE_WRITES_CAPACITY. Blocking: disk (the files are opened by the kernel). */
PACT_EXPORT int32_t pact_shim_file_writes_read(int32_t fd, uint8_t *buffer, uint32_t capacity);

/* ---- processes that come (process_news.c) ---------------------------------------------------- */

/* A socket of the proc connector, for pact_shim_netlink_read: struct cn_msg with struct proc_event of
 * forks that are no threads, and of execs; the kernel leaves everything else out. -EPERM without
 * CAP_NET_ADMIN, -EACCES or silence outside of the first PID namespace. Blocking: no. */
PACT_EXPORT int32_t pact_shim_process_news_open(void);

/* ---- the mount table (mount_watch.c) ---------------------------------------------------------- */

/* Opens /proc/self/mountinfo: its descriptor has urgent news (PACT_EVENTS_URGENT) after each change of
 * what is mounted. It is not for reading. Blocking: no. */
PACT_EXPORT int32_t pact_shim_mount_watch_open(void);

#endif
