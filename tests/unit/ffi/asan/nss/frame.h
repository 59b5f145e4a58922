/* Databases to test with, written by other code than the agent's. */
#ifndef PACT_NSS_FRAME_H
#define PACT_NSS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../check.h"

extern const struct test lookup_tests[];
extern const struct test file_tests[];
extern const struct test fuzz_tests[];

#define CHECK_TEXT(actual, expected) CHECK(strcmp((actual), (expected)) == 0)

struct image_user {
  const char *name;
  uint32_t uid, gid;
  const char *gecos, *home, *shell;
};

struct image_group {
  const char *name;
  uint32_t gid;
  const char *members[8];
};

/* A database in an allocation of exactly its size. Users and groups are given sorted by name, and
 * their ids rise with their names. */
uint8_t *user_image(const struct image_user *users, uint32_t count, size_t *size);
uint8_t *group_image(const struct image_group *groups, uint32_t count, size_t *size);

/* Replaces a file of the test's directory by rename; NULL bytes remove it. */
void install(const char *name, const uint8_t *bytes, size_t size, unsigned mode);

/* amy (10000) and bob (10001) of group 10000; groups staff (2001), render (3000) and video (3050). */
void install_people(void);

extern const struct image_user people[2];
extern const struct image_group teams[3];

#endif
