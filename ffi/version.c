/* What every user of the library needs: its ABI, and the end of a descriptor's life. */
#include <errno.h>
#include <unistd.h>

#include "pact_shim.h"

int32_t pact_shim_version(void) { return PACT_SHIM_VERSION; }

int32_t pact_shim_close(int32_t fd) {
  if (fd <= STDERR_FILENO) return -EINVAL;
  /* On Linux the descriptor is gone after EINTR too; closing again could hit another's. */
  return close(fd) == 0 || errno == EINTR ? 0 : -errno;
}
