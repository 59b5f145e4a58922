/*
 * Every process keeps one mapping of each file, and asks by stat(2) at each lookup whether the file
 * is still that one (NSS-3). A thread that finds the mapping in use makes one of its own for the
 * call, so nobody ever waits, not even in a child forked while another thread held it.
 *
 * The agent replaces the files by rename and never writes into one, so a mapping stays whole for as
 * long as it is used.
 */
#include "map_file.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FILE_BYTES = 64 << 20 };

/* One mapping for all threads, and the file it is of. */
struct shared {
  atomic_flag in_use;
  void *mapping;
  size_t size;
  dev_t device;
  ino_t inode;
  struct timespec changed;
};

static struct shared shared_users = {.in_use = ATOMIC_FLAG_INIT};
static struct shared shared_groups = {.in_use = ATOMIC_FLAG_INIT};

static struct shared *shared_of(enum pact_kind kind) {
  return kind == PACT_USERS ? &shared_users : &shared_groups;
}

static const char *path_of(enum pact_kind kind, char path[PACT_NSS_PATH_BYTES]) {
  const char *name = kind == PACT_USERS ? "passwd.db" : "group.db";
#ifdef PACT_NSS_TEST
  const char *directory = pact_nss_directory;
#else
  const char *directory = "/run/pact";
#endif
  int length = snprintf(path, PACT_NSS_PATH_BYTES, "%s/%s", directory, name);
  return length > 0 && length < PACT_NSS_PATH_BYTES ? path : NULL;
}

/* A regular file that only its owner can change, of a size worth looking at. */
static bool is_usable(const struct stat *status) {
  return S_ISREG(status->st_mode) && (status->st_mode & (S_IWGRP | S_IWOTH)) == 0 &&
         status->st_size > 0 && status->st_size <= MAX_FILE_BYTES;
}

/* Maps the file; O_NONBLOCK because a pipe in its place must not stop the program. */
static void *map_path(const char *path, struct stat *status) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return NULL;
  void *mapping = MAP_FAILED;
  if (fstat(fd, status) == 0 && is_usable(status)) {
    mapping = mmap(NULL, (size_t)status->st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  }
  close(fd);
  return mapping == MAP_FAILED ? NULL : mapping;
}

static bool is_same(const struct shared *shared, const struct stat *status) {
  return shared->mapping != NULL && shared->size == (size_t)status->st_size &&
         shared->device == status->st_dev && shared->inode == status->st_ino &&
         shared->changed.tv_sec == status->st_mtim.tv_sec &&
         shared->changed.tv_nsec == status->st_mtim.tv_nsec;
}

/* Called by who holds `in_use`. */
static bool refresh(struct shared *shared, const char *path) {
  struct stat status;
  if (lstat(path, &status) != 0 || !is_usable(&status)) return false;
  if (is_same(shared, &status)) return true;
  void *mapping = map_path(path, &status);
  if (mapping == NULL) return false;
  if (shared->mapping != NULL) munmap(shared->mapping, shared->size);
  shared->mapping = mapping;
  shared->size = (size_t)status.st_size;
  shared->device = status.st_dev;
  shared->inode = status.st_ino;
  shared->changed = status.st_mtim;
  return true;
}

bool pact_map_acquire_private(struct pact_map *map, enum pact_kind kind) {
  char buffer[PACT_NSS_PATH_BYTES];
  const char *path = path_of(kind, buffer);
  struct stat status;
  void *mapping = path == NULL ? NULL : map_path(path, &status);
  if (mapping == NULL) return false;
  map->mapping = mapping;
  map->size = (size_t)status.st_size;
  map->kind = kind;
  if (pact_database_read(&map->database, mapping, map->size, kind)) return true;
  pact_map_release(map);
  return false;
}

bool pact_map_acquire(struct pact_map *map, enum pact_kind kind) {
  struct shared *shared = shared_of(kind);
  if (atomic_flag_test_and_set_explicit(&shared->in_use, memory_order_acquire)) {
    return pact_map_acquire_private(map, kind);
  }
  char buffer[PACT_NSS_PATH_BYTES];
  const char *path = path_of(kind, buffer);
  map->mapping = NULL;
  map->kind = kind;
  if (path != NULL && refresh(shared, path) &&
      pact_database_read(&map->database, shared->mapping, shared->size, kind)) {
    return true;
  }
  pact_map_release(map);
  return false;
}

void pact_map_release(struct pact_map *map) {
  if (map->mapping != NULL) {
    munmap(map->mapping, map->size);
    map->mapping = NULL;
    return;
  }
  atomic_flag_clear_explicit(&shared_of(map->kind)->in_use, memory_order_release);
}
