/* Files that come, change, go and are none; threads and forks that meet at one. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frame.h"
#include "nss_pact.h"

static enum nss_status find_amy(struct passwd *user) {
  static _Thread_local char buffer[256];
  int error = 0;
  enum nss_status status = _nss_pact_getpwnam_r("amy", user, buffer, sizeof buffer, &error);
  if (status == NSS_STATUS_UNAVAIL) CHECK_EQUAL(error, ENOENT);
  return status;
}

static void an_update_is_seen(void) {
  struct passwd user;
  CHECK_EQUAL(find_amy(&user), NSS_STATUS_SUCCESS);
  const struct image_user moved[1] = {{"amy", 10007, 10000, "", "/home/amy", "/bin/sh"}};
  size_t size;
  uint8_t *image = user_image(moved, 1, &size);
  install("passwd.db", image, size, 0644);
  free(image);
  CHECK_EQUAL(find_amy(&user), NSS_STATUS_SUCCESS);
  CHECK_EQUAL(user.pw_uid, 10007);
  install("passwd.db", NULL, 0, 0);
  CHECK_EQUAL(find_amy(&user), NSS_STATUS_UNAVAIL);
  install_people();
  CHECK_EQUAL(find_amy(&user), NSS_STATUS_SUCCESS);
  CHECK_EQUAL(user.pw_uid, 10000);
}

static void what_is_no_database_is_unavailable(void) {
  struct passwd user;
  char path[1100];
  snprintf(path, sizeof path, "%s/passwd.db", pact_nss_directory);
  install("passwd.db", (const uint8_t *)"", 0, 0644);
  CHECK_EQUAL(find_amy(&user), NSS_STATUS_UNAVAIL);
  install("passwd.db", (const uint8_t *)"root:x:0:0::/:/bin/sh\n", 22, 0644);
  CHECK_EQUAL(find_amy(&user), NSS_STATUS_UNAVAIL);
  size_t size;
  uint8_t *image = user_image(people, 2, &size);
  install("passwd.db", image, size, 0666);
  CHECK_EQUAL(find_amy(&user), NSS_STATUS_UNAVAIL);
  install("other.db", image, size, 0644);
  unlink(path);
  CHECK_EQUAL(symlink("other.db", path), 0);
  CHECK_EQUAL(find_amy(&user), NSS_STATUS_UNAVAIL);
  install("other.db", NULL, 0, 0);
  free(image);
  unlink(path);
  CHECK_EQUAL(mkfifo(path, 0600), 0);
  CHECK_EQUAL(find_amy(&user), NSS_STATUS_UNAVAIL);
  unlink(path);
  CHECK_EQUAL(mkdir(path, 0700), 0);
  CHECK_EQUAL(find_amy(&user), NSS_STATUS_UNAVAIL);
  rmdir(path);
}

static void nobody_becomes_a_system_user(void) {
  struct passwd user;
  const struct image_user wrong[][1] = {{{"amy", 0, 10000, "", "/", "/bin/sh"}},
                                        {{"amy", 10000, 0, "", "/", "/bin/sh"}},
                                        {{"amy", 999, 10000, "", "/", "/bin/sh"}},
                                        {{"amy", 10000, 10000, "x:0:0", "/", "/bin/sh"}},
                                        {{"amy", 10000, 10000, "", "/\nroot", "/bin/sh"}}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    size_t size;
    uint8_t *image = user_image(wrong[i], 1, &size);
    install("passwd.db", image, size, 0644);
    free(image);
    CHECK_EQUAL(find_amy(&user), NSS_STATUS_UNAVAIL);
  }
}

static void a_held_mapping_stops_nobody(void) {
  struct pact_map held;
  CHECK(pact_map_acquire(&held, PACT_USERS));
  CHECK(held.mapping == NULL);
  struct passwd user;
  CHECK_EQUAL(find_amy(&user), NSS_STATUS_SUCCESS);
  pid_t child = fork();
  if (child == 0) _exit(find_amy(&user) == NSS_STATUS_SUCCESS ? 0 : 1);
  int status = -1;
  CHECK_EQUAL(waitpid(child, &status, 0), child);
  CHECK_EQUAL(status, 0);
  pact_map_release(&held);
}

static atomic_bool stop;

static void *keep_looking(void *wrong) {
  struct passwd user;
  while (!atomic_load(&stop)) {
    if (find_amy(&user) != NSS_STATUS_SUCCESS || user.pw_uid < 10000 || user.pw_uid > 10001) {
      atomic_fetch_add((atomic_int *)wrong, 1);
    }
  }
  return NULL;
}

static void threads_see_whole_generations(void) {
  pthread_t threads[4];
  atomic_int wrong = 0;
  atomic_store(&stop, false);
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, keep_looking, &wrong);
  for (int round = 0; round < 500; round++) {
    const struct image_user one[1] = {
        {"amy", 10000 + (uint32_t)round % 2, 10000, "", "/home/amy", "/bin/sh"}};
    size_t size;
    uint8_t *image = user_image(one, 1, &size);
    install("passwd.db", image, size, 0644);
    free(image);
  }
  atomic_store(&stop, true);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  CHECK_EQUAL(atomic_load(&wrong), 0);
}

const struct test file_tests[] = {
    {"NSS-3: a program that runs sees the file replaced, gone and back", an_update_is_seen},
    {"NSS-4: what is no database, or anybody could write, is UNAVAIL",
     what_is_no_database_is_unavailable},
    {"IDM-10: no file makes anybody a system user or breaks a line",
     nobody_becomes_a_system_user},
    {"NSS-2: a mapping in use stops no other thread and no forked child",
     a_held_mapping_stops_nobody},
    {"NSS-1: threads see whole generations while the file is replaced",
     threads_see_whole_generations},
    {NULL, NULL},
};
