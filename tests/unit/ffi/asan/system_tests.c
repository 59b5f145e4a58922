/* Names, ids, users, and calls that must be refused. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suite.h"

static void version_and_ids(void) {
  CHECK_EQUAL(pact_shim_version(), PACT_SHIM_VERSION);
  struct pact_ids ids;
  CHECK_EQUAL(pact_shim_ids(&ids), 0);
  CHECK_EQUAL(ids.pid, getpid());
  CHECK_EQUAL(ids.effective_uid, geteuid());
  int64_t before = pact_shim_boot_time_ms();
  CHECK(before > 0 && pact_shim_boot_time_ms() >= before);
}

static void names_fit_or_are_refused(void) {
  uint8_t buffer[400];
  int32_t used = pact_shim_uname(buffer, sizeof buffer);
  CHECK(used > 12);
  for (int32_t capacity = 0; capacity <= used; capacity++) {
    uint8_t *exact = malloc(capacity > 0 ? (size_t)capacity : 1);
    if (exact == NULL) abort();
    CHECK_EQUAL(pact_shim_uname(exact, (uint32_t)capacity), capacity < used ? -ENOBUFS : used);
    free(exact);
  }
}

static void users_and_groups(void) {
  uint32_t ids[2] = {9, 9}, gid = 9, gids[64];
  uint8_t texts[256];
  CHECK(pact_shim_user("root", ids, texts, sizeof texts) > 0);
  CHECK(ids[0] == 0 && ids[1] == 0);
  CHECK_EQUAL(pact_shim_user("root", ids, texts, 3), -ENOBUFS);
  CHECK_EQUAL(pact_shim_user("no-such-user", ids, texts, sizeof texts), -ENOENT);
  CHECK_EQUAL(pact_shim_user("", ids, texts, sizeof texts), -ENOENT);
  CHECK_EQUAL(pact_shim_group("root", &gid), 0);
  CHECK_EQUAL(gid, 0);
  CHECK_EQUAL(pact_shim_group("no-such-group", &gid), -ENOENT);
  CHECK(pact_shim_groups_of("root", 0, gids, 64) >= 1);
  CHECK_EQUAL(pact_shim_groups_of("root", 0, gids, 0), -ENOBUFS);
}

static void a_node_is_not_taken_down_by_accident(void) {
  CHECK_EQUAL(pact_shim_reboot(PACT_REBOOT_RESTART, 0), -EPERM);
  CHECK_EQUAL(pact_shim_reboot(99, PACT_REBOOT_CONFIRM), -EINVAL);
  CHECK_EQUAL(pact_shim_set_hostname(NULL), -EFAULT);
}

static void mounts_that_cannot_be(void) {
  struct pact_statfs status;
  CHECK_EQUAL(pact_shim_statfs("/", &status), 0);
  CHECK(status.blocks > 0 && status.block_bytes > 0);
  CHECK_EQUAL(pact_shim_statfs("/no/such", &status), -ENOENT);
  CHECK(pact_shim_mount("none", "/no/such", "tmpfs", 0, "") < 0);
  CHECK(pact_shim_umount("/no/such", 0) < 0);
  CHECK_EQUAL(pact_shim_mount(NULL, "/", "tmpfs", 0, ""), -EFAULT);
}

const struct test system_tests[] = {
    {"version, ids and the clock since boot", version_and_ids},
    {"uname fits its buffer or is refused", names_fit_or_are_refused},
    {"users and groups are found, or said not to be there", users_and_groups},
    {"a node is not taken down without the confirmation", a_node_is_not_taken_down_by_accident},
    {"mounts that cannot be report an errno", mounts_that_cannot_be},
    {NULL, NULL},
};
