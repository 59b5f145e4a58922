/* fanotify(7): changes in directories, with the process that made them. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "pact_shim.h"

#ifndef FAN_REPORT_DFID_NAME
#define FAN_REPORT_DFID_NAME 0x00000c00
#endif

enum { HANDLE_BYTES = 128 };

int32_t pact_shim_fanotify_open(void) {
  unsigned flags = FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_REPORT_DFID_NAME;
  int fd = fanotify_init(flags, O_RDONLY | O_CLOEXEC | O_LARGEFILE);
  return fd < 0 ? -errno : fd;
}

static int32_t name_directory(int directory, uint8_t *key, uint32_t capacity) {
  struct statfs status;
  if (fstatfs(directory, &status) != 0) return -errno;
  union {
    struct file_handle handle;
    uint8_t room[sizeof(struct file_handle) + HANDLE_BYTES];
  } named = {.handle = {.handle_bytes = HANDLE_BYTES}};
  int mount_id;
  if (name_to_handle_at(directory, "", &named.handle, &mount_id, AT_EMPTY_PATH) != 0) return -errno;
  uint32_t handle_bytes = (uint32_t)sizeof named.handle + named.handle.handle_bytes;
  uint32_t total = (uint32_t)sizeof status.f_fsid + handle_bytes;
  if (handle_bytes > sizeof named.room || total > capacity) return -ENOBUFS;
  memcpy(key, &status.f_fsid, sizeof status.f_fsid);
  memcpy(key + sizeof status.f_fsid, named.room, handle_bytes);
  return (int32_t)total;
}

int32_t pact_shim_fanotify_mark(int32_t fd, const char *directory, uint64_t mask, uint8_t *key,
                                uint32_t capacity) {
  if (directory == NULL || key == NULL) return -EFAULT;
  /* One look-up for both, so that the key is of what was marked. */
  int opened = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (opened < 0) return -errno;
  int32_t result = name_directory(opened, key, capacity);
  if (result >= 0) {
    unsigned flags = FAN_MARK_ADD | FAN_MARK_ONLYDIR;
    if (fanotify_mark(fd, flags, mask | FAN_EVENT_ON_CHILD, opened, NULL) != 0) result = -errno;
  }
  close(opened);
  return result;
}

int32_t pact_shim_fanotify_unmark(int32_t fd, const char *directory, uint64_t mask) {
  if (directory == NULL) return -EFAULT;
  unsigned flags = FAN_MARK_REMOVE | FAN_MARK_ONLYDIR | FAN_MARK_DONT_FOLLOW;
  return fanotify_mark(fd, flags, mask | FAN_EVENT_ON_CHILD, AT_FDCWD, directory) != 0 ? -errno : 0;
}

int32_t pact_shim_fanotify_read(int32_t fd, uint8_t *buffer, uint32_t capacity) {
  if (buffer == NULL) return -EFAULT;
  ssize_t got;
  do {
    got = read(fd, buffer, capacity);
  } while (got < 0 && errno == EINTR);
  if (got >= 0) return (int32_t)got;
  return errno == EAGAIN ? 0 : -errno;
}
