/* Reading files and directories whole, within bounds. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pact_shim.h"

/* Opens without hanging on a FIFO or taking a terminal, and refuses both; fd or negative errno. */
static int open_regular(const char *path, int32_t follow) {
  int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (follow ? 0 : O_NOFOLLOW);
  int fd = open(path, flags);
  if (fd < 0) return -errno;
  struct stat status;
  int error = fstat(fd, &status) < 0       ? errno
              : S_ISDIR(status.st_mode)    ? EISDIR
              : !S_ISREG(status.st_mode)   ? EOPNOTSUPP
                                           : 0;
  if (error == 0) return fd;
  close(fd);
  return -error;
}

/* Reads up to `capacity`; -EFBIG when there is more. */
static int64_t read_all(int fd, uint8_t *buffer, uint64_t capacity) {
  uint64_t filled = 0;
  uint8_t beyond;
  for (ssize_t got = 1; got != 0;) {
    int full = filled == capacity;
    got = full ? read(fd, &beyond, 1) : read(fd, buffer + filled, capacity - filled);
    if (got < 0 && errno != EINTR) return -errno;
    if (got > 0 && full) return -EFBIG;
    if (got > 0) filled += (uint64_t)got;
  }
  return (int64_t)filled;
}

int64_t pact_shim_read_file(const char *path, int32_t follow, uint8_t *buffer, uint64_t capacity) {
  if (path == NULL || (buffer == NULL && capacity > 0)) return -EFAULT;
  int fd = open_regular(path, follow);
  if (fd < 0) return fd;
  int64_t result = read_all(fd, buffer, capacity);
  close(fd);
  return result;
}

/* Appends one entry; the new length, or -ENOBUFS. */
static int64_t put_entry(const struct dirent *entry, uint8_t *buffer, uint64_t used,
                         uint64_t capacity) {
  size_t name_bytes = strlen(entry->d_name) + 1;
  if (capacity - used < name_bytes + 1) return -ENOBUFS;
  buffer[used] = entry->d_type;
  memcpy(buffer + used + 1, entry->d_name, name_bytes);
  return (int64_t)(used + 1 + name_bytes);
}

int64_t pact_shim_list_directory(const char *path, uint8_t *buffer, uint64_t capacity) {
  if (path == NULL || (buffer == NULL && capacity > 0)) return -EFAULT;
  DIR *directory = opendir(path);
  if (directory == NULL) return -errno;
  int64_t used = 0;
  errno = 0;
  for (struct dirent *entry = readdir(directory); entry != NULL && used >= 0;
       entry = readdir(directory)) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    used = put_entry(entry, buffer, (uint64_t)used, capacity);
    errno = 0;
  }
  if (used >= 0 && errno != 0) used = -errno;
  closedir(directory);
  return used;
}
