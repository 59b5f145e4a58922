/* The part of pact_shim.h by which mounts are made and workloads get namespaces and images; its conventions hold here. */
#ifndef PACT_WORKLOAD_H
#define PACT_WORKLOAD_H

#include <stdint.h>

/* ---- mounts (mounts.c) ---------------------------------------------------------------------- */

/* mount(2). Blocking: disk, and network for network file systems. */
PACT_EXPORT int32_t pact_shim_mount(const char *source, const char *target, const char *type,
                                    uint64_t flags, const char *data);

/* umount2(2). Blocking: disk, and network for network file systems. */
PACT_EXPORT int32_t pact_shim_umount(const char *target, int32_t flags);

struct pact_statfs {
  int64_t type;
  int64_t block_bytes;
  int64_t blocks;
  int64_t blocks_free;
  int64_t blocks_available;
  int64_t files;
  int64_t files_free;
  int64_t flags;
};

/* statfs(2). Blocking: disk; hangs with a network file system whose server is away. */
PACT_EXPORT int32_t pact_shim_statfs(const char *path, struct pact_statfs *out);

/* ---- what mounts are made of (mount_sources.c) ---------------------------------------------- */

/* Opens a namespace by its file, /proc/PID/ns/net say or a bind mount of it; what is no namespace is
 * refused with -EINVAL. Blocking: no. */
PACT_EXPORT int32_t pact_shim_namespace_open(const char *path);

/* realpath(3): without links, without NUL. Returns its bytes; -ENAMETOOLONG when they do not fit.
 * Blocking: disk. */
PACT_EXPORT int32_t pact_shim_realpath(const char *path, uint8_t *buffer, uint32_t capacity);

/* Makes a free loop device show a regular file, read-only, and free itself when nobody uses it any
 * more. *number is N of /dev/loopN. Returns the descriptor that keeps the device until it is mounted.
 * A symlink is refused with -ELOOP, what is no file with -EOPNOTSUPP. Blocking: disk. */
PACT_EXPORT int32_t pact_shim_loop_attach(const char *image, int32_t *number);

/* ---- local sockets (unix_socket.c) ---------------------------------------------------------- */

/* Listens on a path that is free, with exactly this mode; non-blocking. -EADDRINUSE when there is
 * something at the path. Blocking: disk. */
PACT_EXPORT int32_t pact_shim_unix_listen(const char *path, uint32_t mode, int32_t backlog);

/* Who is at the other end, as the kernel saw it at connect(2). */
struct pact_peer {
  int32_t pid; /* 0 when it lies outside of this PID namespace */
  uint32_t uid;
  uint32_t gid;
};

/* Accepts a connection, non-blocking; -EAGAIN when none waits. Blocking: no. */
PACT_EXPORT int32_t pact_shim_unix_accept(int32_t fd, struct pact_peer *peer);

/* Two connected stream sockets: ours, non-blocking, and *program_end for a program, blocking. Unlike a
 * pipe, no end of it can be opened once more through /proc. Blocking: no. */
PACT_EXPORT int32_t pact_shim_unix_pair(int32_t *program_end);

/* Connects, non-blocking; -ECONNREFUSED when nobody listens on the file. Blocking: no. */
PACT_EXPORT int32_t pact_shim_unix_connect(const char *path);

#define PACT_UNIX_MAX_DESCRIPTORS 16u

/* Sends at least one byte; the descriptors ride on the first (SCM_RIGHTS) and stay open here. Returns
 * how many bytes were taken, -EAGAIN when the peer does not read. Blocking: no. */
PACT_EXPORT int32_t pact_shim_unix_send(int32_t fd, const uint8_t *bytes, uint32_t byte_count,
                                        const int32_t *descriptors, uint32_t descriptor_count);

/* Receives bytes, never descriptors: 0 at the end of the stream, -EAGAIN when there is nothing.
 * Blocking: no. */
PACT_EXPORT int32_t pact_shim_unix_receive(int32_t fd, uint8_t *buffer, uint32_t capacity);

/* Tells the peer that nothing more comes; what it sends can still be received. Blocking: no. */
PACT_EXPORT int32_t pact_shim_unix_finish(int32_t fd);

#endif
