/* What a node's files say about the time: it is not before the newest of them was made. */
#include "init.h"

/* The newest modification time of `paths`, where that is after `now`; else 0. The last one is NULL. */
time_t epoch_after(time_t now, const char *const *paths) {
  time_t newest = now;
  struct stat file;
  for (; *paths != NULL; paths++) {
    if (stat(*paths, &file) == 0 && file.st_mtime > newest) newest = file.st_mtime;
  }
  return newest > now ? newest : 0;
}
