/* Names of users and groups to ids, through the system's own name service. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "pact_shim.h"

/* Entries of directory services can be long (a group with thousands of members). */
enum { FIRST_SCRATCH_BYTES = 4096, MAX_SCRATCH_BYTES = 1 << 20 };

/* Looks one name up with the given scratch space: 0, ENOENT, ERANGE or another errno. */
typedef int (*lookup)(const char *name, char *scratch, size_t scratch_bytes, void *out);

static int with_scratch(lookup look, const char *name, void *out) {
  int error = ERANGE;
  for (size_t bytes = FIRST_SCRATCH_BYTES; error == ERANGE && bytes <= MAX_SCRATCH_BYTES;
       bytes *= 4) {
    char *scratch = malloc(bytes);
    if (scratch == NULL) return -ENOMEM;
    error = look(name, scratch, bytes, out);
    free(scratch);
  }
  return -error;
}

/* Several errno values mean no more than "not found" (getpwnam(3), ERRORS). */
static int lookup_error(int error, const void *found) {
  if (found != NULL) return 0;
  switch (error) {
    case 0:
    case ENOENT:
    case ESRCH:
    case EBADF:
    case EPERM:
      return ENOENT;
    default:
      return error;
  }
}

struct user {
  uint32_t *ids;
  uint8_t *texts;
  uint32_t capacity;
  int32_t used;
};

static int look_up_user(const char *name, char *scratch, size_t scratch_bytes, void *out) {
  struct user *user = out;
  struct passwd entry, *found = NULL;
  int error = getpwnam_r(name, &entry, scratch, scratch_bytes, &found);
  error = lookup_error(error, found);
  if (error != 0) return error;
  size_t home_bytes = strlen(entry.pw_dir) + 1;
  size_t shell_bytes = strlen(entry.pw_shell) + 1;
  if (home_bytes + shell_bytes > user->capacity) return ENOBUFS;
  user->ids[0] = entry.pw_uid;
  user->ids[1] = entry.pw_gid;
  memcpy(user->texts, entry.pw_dir, home_bytes);
  memcpy(user->texts + home_bytes, entry.pw_shell, shell_bytes);
  user->used = (int32_t)(home_bytes + shell_bytes);
  return 0;
}

int32_t pact_shim_user(const char *name, uint32_t *ids, uint8_t *buffer, uint32_t capacity) {
  if (name == NULL || ids == NULL || buffer == NULL) return -EFAULT;
  struct user user = {ids, buffer, capacity, 0};
  int failed = with_scratch(look_up_user, name, &user);
  return failed ? failed : user.used;
}

static int look_up_group(const char *name, char *scratch, size_t scratch_bytes, void *out) {
  struct group entry, *found = NULL;
  int error = getgrnam_r(name, &entry, scratch, scratch_bytes, &found);
  error = lookup_error(error, found);
  if (error == 0) *(uint32_t *)out = entry.gr_gid;
  return error;
}

int32_t pact_shim_group(const char *name, uint32_t *gid) {
  if (name == NULL || gid == NULL) return -EFAULT;
  return with_scratch(look_up_group, name, gid);
}

int32_t pact_shim_groups_of(const char *user, uint32_t gid, uint32_t *gids, uint32_t capacity) {
  if (user == NULL || gids == NULL) return -EFAULT;
  if (capacity > (1u << 16)) return -EINVAL;
  int count = (int)capacity;
  return getgrouplist(user, gid, gids, &count) < 0 ? -ENOBUFS : count;
}
