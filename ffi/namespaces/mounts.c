/* Mounts of another mount namespace. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "namespaces.h"

#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#ifndef MOVE_MOUNT_F_EMPTY_PATH
#define MOVE_MOUNT_F_EMPTY_PATH 4
#endif

enum { MAX_OTHERS = 1024 };

/* mountinfo has blanks and their like as \ooo (proc_pid_mountinfo(5)). */
static void unescape(char *text) {
  char *to = text;
  for (const char *from = text; *from != '\0'; to++) {
    if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' && from[2] <= '7' &&
        from[3] >= '0' && from[3] <= '7') {
      *to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
      from += 4;
    } else {
      *to = *from++;
    }
  }
  *to = '\0';
}

static bool is_below(const char *path, const char *base) {
  size_t length = strlen(base);
  return length > 0 && strncmp(path, base, length) == 0 && path[length] == '/';
}

/* What is mounted below `base`, in the order of mounting, as texts to free. */
static int mounts_below(const char *base, const char *keep, char *found[MAX_OTHERS]) {
  FILE *table = fopen("/proc/self/mountinfo", "re");
  if (table == NULL) fail("mountinfo");
  int count = 0;
  char *line = NULL;
  size_t capacity = 0;
  while (count < MAX_OTHERS && getline(&line, &capacity, table) > 0) {
    char *place = line;
    for (int field = 0; field < 4 && place != NULL; field++) {
      place = strchr(place, ' ');
      if (place != NULL) place++;
    }
    if (place == NULL) continue;
    place[strcspn(place, " ")] = '\0';
    unescape(place);
    if (is_below(place, base) && strcmp(place, keep) != 0) found[count++] = strdup(place);
  }
  free(line);
  fclose(table);
  return count;
}

static bool is_gone(int result) {
  return result == 0 || errno == EINVAL || errno == ENOENT;
}

void tidy_mounts(const char *uenv_base, const char *keep, const char *pins) {
  if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) fail("private propagation");
  /* Copies of other allocations' pins and images would keep those alive. */
  if (!is_gone(umount2(pins, MNT_DETACH | UMOUNT_NOFOLLOW))) fail("pins");
  char *others[MAX_OTHERS];
  int count = mounts_below(uenv_base, keep, others);
  while (count-- > 0) {
    if (!is_gone(umount2(others[count], MNT_DETACH | UMOUNT_NOFOLLOW))) fail(others[count]);
    free(others[count]);
  }
  if (*keep == '\0') return;
  unsigned long flags = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV;
  if (mount("none", keep, NULL, flags, NULL) != 0) fail(keep);
}

static void enter(const char *namespace_file) {
  int fd = open(namespace_file, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || setns(fd, CLONE_NEWNS) != 0) fail(namespace_file);
  close(fd);
}

/* Whether a directory shows the file system of a descriptor: it was bound before. */
static bool shows(const char *target, int tree) {
  struct stat there, wanted;
  return stat(target, &there) == 0 && fstat(tree, &wanted) == 0 && there.st_dev == wanted.st_dev;
}

int bind_into(const char *namespace_file, const char *source, const char *target) {
  int tree = (int)syscall(SYS_open_tree, AT_FDCWD, source, OPEN_TREE_CLONE | O_CLOEXEC);
  if (tree < 0) fail(source);
  enter(namespace_file);
  if (mkdir(target, 0755) != 0 && errno != EEXIST) fail(target);
  if (shows(target, tree)) {
    printf("ok\n");
    return 0;
  }
  if (syscall(SYS_move_mount, tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) != 0) {
    fail(target);
  }
  unsigned long flags = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV;
  if (mount("none", target, NULL, flags, NULL) != 0) {
    int error = errno;
    umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW);
    errno = error;
    fail(target);
  }
  printf("ok\n");
  return 0;
}

int unbind_from(const char *namespace_file, const char *target) {
  enter(namespace_file);
  if (!is_gone(umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW))) fail(target);
  printf("ok\n");
  return 0;
}
