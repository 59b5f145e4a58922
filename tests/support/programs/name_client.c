/* A program that goes on running while names change: looks each name of its input up and answers
 * `NAME UID GID GROUPS...` or `NAME -`. `NAME COUNT` looks it up so often and answers with the
 * nanoseconds of processor time that one took. */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void show(const char *name) {
  char buffer[4096];
  struct passwd entry, *found = NULL;
  if (getpwnam_r(name, &entry, buffer, sizeof buffer, &found) != 0 || found == NULL) {
    printf("%s -\n", name);
    return;
  }
  gid_t groups[64];
  int count = 64;
  getgrouplist(name, entry.pw_gid, groups, &count);
  printf("%s %u %u", name, entry.pw_uid, entry.pw_gid);
  for (int i = 0; i < count; i++) printf(" %u", groups[i]);
  printf("\n");
}

static void measure(const char *name, long count) {
  char buffer[4096];
  struct passwd entry, *found;
  struct timespec begin, end;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
  for (long i = 0; i < count; i++) getpwnam_r(name, &entry, buffer, sizeof buffer, &found);
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
  double ns = (double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec);
  printf("%.0f\n", ns / (double)count);
}

int main(void) {
  char line[256], name[128];
  long count;
  while (fgets(line, sizeof line, stdin) != NULL) {
    int fields = sscanf(line, "%127s %ld", name, &count);
    if (fields == 2) {
      measure(name, count);
    } else if (fields == 1) {
      show(name);
    }
    fflush(stdout);
  }
  return 0;
}
