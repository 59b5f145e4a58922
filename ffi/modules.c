/* finit_module(2) and delete_module(2): the kernel reads the file itself. */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pact_shim.h"

int32_t pact_shim_load_module(const char *path, const char *parameters, int32_t is_compressed) {
  if (path == NULL || parameters == NULL) return -EFAULT;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  const int compressed_file = 4; /* MODULE_INIT_COMPRESSED_FILE, Linux 5.17 */
  long result = syscall(SYS_finit_module, fd, parameters, is_compressed ? compressed_file : 0);
  int error = errno;
  close(fd);
  return result == 0 ? 0 : -error;
}

int32_t pact_shim_unload_module(const char *name) {
  if (name == NULL) return -EFAULT;
  return syscall(SYS_delete_module, name, O_NONBLOCK) == 0 ? 0 : -errno;
}
