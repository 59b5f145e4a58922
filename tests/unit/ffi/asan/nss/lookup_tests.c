/* What the name service gets to hear. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "nss_pact.h"

static void users_are_found(void) {
  struct passwd user;
  char buffer[256];
  int error = 0;
  CHECK_EQUAL(_nss_pact_getpwnam_r("amy", &user, buffer, sizeof buffer, &error),
              NSS_STATUS_SUCCESS);
  CHECK_TEXT(user.pw_name, "amy");
  CHECK_TEXT(user.pw_passwd, "*");
  CHECK_TEXT(user.pw_gecos, "Amy");
  CHECK_TEXT(user.pw_dir, "/home/amy");
  CHECK_TEXT(user.pw_shell, "/bin/bash");
  CHECK_EQUAL(user.pw_uid, 10000);
  CHECK_EQUAL(user.pw_gid, 10000);
  CHECK_EQUAL(_nss_pact_getpwuid_r(10001, &user, buffer, sizeof buffer, &error),
              NSS_STATUS_SUCCESS);
  CHECK_TEXT(user.pw_name, "bob");
  CHECK_TEXT(user.pw_gecos, "");
}

static void unknown_is_not_found(void) {
  struct passwd user;
  struct group group;
  char buffer[256];
  const char *const names[] = {"", "a", "am", "amyx", "bo", "zoe", "AMY"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    int error = 0;
    CHECK_EQUAL(_nss_pact_getpwnam_r(names[i], &user, buffer, sizeof buffer, &error),
                NSS_STATUS_NOTFOUND);
    CHECK_EQUAL(error, ENOENT);
    CHECK_EQUAL(_nss_pact_getgrnam_r(names[i], &group, buffer, sizeof buffer, &error),
                NSS_STATUS_NOTFOUND);
  }
  int error = 0;
  CHECK_EQUAL(_nss_pact_getpwuid_r(0, &user, buffer, sizeof buffer, &error), NSS_STATUS_NOTFOUND);
  CHECK_EQUAL(_nss_pact_getgrgid_r(9, &group, buffer, sizeof buffer, &error), NSS_STATUS_NOTFOUND);
}

static void groups_are_found(void) {
  struct group group;
  char buffer[256];
  int error = 0;
  CHECK_EQUAL(_nss_pact_getgrnam_r("render", &group, buffer, sizeof buffer, &error),
              NSS_STATUS_SUCCESS);
  CHECK_EQUAL(group.gr_gid, 3000);
  CHECK_TEXT(group.gr_passwd, "*");
  CHECK_TEXT(group.gr_mem[0], "amy");
  CHECK_TEXT(group.gr_mem[1], "bob");
  CHECK(group.gr_mem[2] == NULL);
  CHECK_EQUAL(_nss_pact_getgrgid_r(3050, &group, buffer, sizeof buffer, &error),
              NSS_STATUS_SUCCESS);
  CHECK_TEXT(group.gr_name, "video");
}

/* Every capacity below the one that suffices, in an allocation of exactly that size, odd addresses
 * included. */
static void small_buffers_are_told(void) {
  struct passwd user;
  struct group group;
  bool user_fits = false, group_fits = false;
  for (size_t capacity = 0; capacity < 128; capacity++) {
    for (size_t odd = 0; odd < 2; odd++) {
      char *buffer = malloc(capacity + odd);
      int error = 0;
      enum nss_status status =
          _nss_pact_getpwnam_r("amy", &user, buffer + odd, capacity, &error);
      if (status == NSS_STATUS_TRYAGAIN) CHECK_EQUAL(error, ERANGE);
      CHECK(status == NSS_STATUS_SUCCESS || (status == NSS_STATUS_TRYAGAIN && !user_fits));
      user_fits = user_fits || status == NSS_STATUS_SUCCESS;
      status = _nss_pact_getgrnam_r("render", &group, buffer + odd, capacity, &error);
      CHECK(status == NSS_STATUS_SUCCESS || status == NSS_STATUS_TRYAGAIN);
      group_fits = group_fits || status == NSS_STATUS_SUCCESS;
      free(buffer);
    }
  }
  CHECK(user_fits && group_fits);
}

static void enumeration_sees_everybody_once(void) {
  struct passwd user;
  struct group group;
  char buffer[256];
  int error = 0, users = 0, groups = 0;
  _nss_pact_setpwent(0);
  CHECK_EQUAL(_nss_pact_getpwent_r(&user, buffer, 4, &error), NSS_STATUS_TRYAGAIN);
  while (_nss_pact_getpwent_r(&user, buffer, sizeof buffer, &error) == NSS_STATUS_SUCCESS) {
    CHECK_TEXT(user.pw_name, people[users].name);
    users++;
    install("passwd.db", NULL, 0, 0); /* the walk goes on in what it began with */
  }
  CHECK_EQUAL(users, 2);
  _nss_pact_endpwent();
  CHECK_EQUAL(_nss_pact_getpwent_r(&user, buffer, sizeof buffer, &error), NSS_STATUS_UNAVAIL);
  _nss_pact_setgrent(0);
  while (_nss_pact_getgrent_r(&group, buffer, sizeof buffer, &error) == NSS_STATUS_SUCCESS) {
    groups++;
  }
  CHECK_EQUAL(groups, 3);
  _nss_pact_endgrent();
}

static void supplementary_groups_are_added(void) {
  for (long limit = -1; limit < 6; limit++) {
    long capacity = 1, count = 1;
    gid_t *groups = malloc(sizeof *groups);
    groups[0] = 3001; /* found by an earlier service */
    int error = 0;
    CHECK_EQUAL(_nss_pact_initgroups_dyn("amy", 10000, &count, &capacity, &groups, limit, &error),
                NSS_STATUS_SUCCESS);
    CHECK_EQUAL(count, limit <= 0 || limit > 3 ? 3 : limit);
    if (count > 1) CHECK_EQUAL(groups[1], 3000);
    if (count > 2) CHECK_EQUAL(groups[2], 3050);
    free(groups);
  }
  long capacity = 4, count = 0;
  gid_t *groups = malloc(4 * sizeof *groups);
  int error = 0;
  CHECK_EQUAL(_nss_pact_initgroups_dyn("zoe", 10000, &count, &capacity, &groups, -1, &error),
              NSS_STATUS_NOTFOUND);
  CHECK_EQUAL(_nss_pact_initgroups_dyn("bob", 3000, &count, &capacity, &groups, -1, &error),
              NSS_STATUS_SUCCESS);
  CHECK_EQUAL(count, 0); /* the primary group is not said twice */
  free(groups);
}

const struct test lookup_tests[] = {
    {"NSS-1: users are found by name and id", users_are_found},
    {"NSS-1: what the map does not know is NOTFOUND", unknown_is_not_found},
    {"NSS-1: groups are found by name and id, with their members", groups_are_found},
    {"NSS-1: a small buffer is ERANGE, and a larger one then does", small_buffers_are_told},
    {"NSS-1: enumeration sees everybody once, in one generation", enumeration_sees_everybody_once},
    {"NSS-1: a user's groups are added within the limit, none twice",
     supplementary_groups_are_added},
    {NULL, NULL},
};
