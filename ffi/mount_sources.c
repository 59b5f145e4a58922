/* What is mounted, or kept from vanishing by a mount: image files, namespaces; and real paths. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "pact_shim.h"

enum { NSFS_TYPE = 0x6e736673, LOOP_ATTEMPTS = 16 };

int32_t pact_shim_namespace_open(const char *path) {
  if (path == NULL) return -EFAULT;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return -errno;
  struct statfs status;
  int error = fstatfs(fd, &status) != 0 ? errno : status.f_type != NSFS_TYPE ? EINVAL : 0;
  if (error == 0) return fd;
  close(fd);
  return -error;
}

int32_t pact_shim_realpath(const char *path, uint8_t *buffer, uint32_t capacity) {
  if (path == NULL || buffer == NULL) return -EFAULT;
  char resolved[PATH_MAX];
  if (realpath(path, resolved) == NULL) return -errno;
  size_t length = strlen(resolved);
  if (length > capacity) return -ENAMETOOLONG;
  memcpy(buffer, resolved, length);
  return (int32_t)length;
}

/* A device of which this process has the only handle; another may take a free number first. */
static int configure_free(int control, int image, int32_t *number) {
  int error = EBUSY;
  for (int attempt = 0; error == EBUSY && attempt < LOOP_ATTEMPTS; attempt++) {
    int device_number = ioctl(control, LOOP_CTL_GET_FREE);
    if (device_number < 0) return -errno;
    char device_path[32];
    snprintf(device_path, sizeof device_path, "/dev/loop%d", device_number);
    int device = open(device_path, O_RDONLY | O_CLOEXEC);
    if (device < 0) return -errno;
    struct loop_config config = {
        .fd = (uint32_t)image,
        .info = {.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR},
    };
    if (ioctl(device, LOOP_CONFIGURE, &config) == 0) {
      *number = device_number;
      return device;
    }
    error = errno;
    close(device);
  }
  return -error;
}

int32_t pact_shim_loop_attach(const char *image, int32_t *number) {
  if (image == NULL || number == NULL) return -EFAULT;
  int file = open(image, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0) return -errno;
  struct stat status;
  int result;
  if (fstat(file, &status) != 0) {
    result = -errno;
  } else if (!S_ISREG(status.st_mode)) {
    result = -EOPNOTSUPP;
  } else {
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    result = control < 0 ? -errno : configure_free(control, file, number);
    if (control >= 0) close(control);
  }
  close(file);
  return result;
}
