/* Runs the tests of what PID 1 takes from its files for the time and prints `N passed, M failed`. */
#include "init.h"

#include <stdlib.h>

#include "../check.h"

enum { NOON = 1700000000 };

static char directory[] = "/tmp/pact-epoch-XXXXXX";
static char older[64], newer[64], link_to_newer[64], absent[64];
static int failures_of_test;

void record_failure(const char *file, int line, const char *what, long long value) {
  failures_of_test++;
  fprintf(stderr, "%s:%d: not so: %s (%lld)\n", file, line, what, value);
}

static void make(char path[static 64], const char *name, time_t modified) {
  snprintf(path, 64, "%s/%s", directory, name);
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const struct timespec times[] = {{modified, 0}, {modified, 999999999}};
  if (fd < 0 || futimens(fd, times) < 0) abort();
  close(fd);
}

static void a_clock_that_is_not_behind_stays(void) {
  const char *const paths[] = {older, newer, NULL};
  CHECK_EQUAL(epoch_after(NOON + 1, paths), 0);
  CHECK_EQUAL(epoch_after(NOON, paths), 0);
}

static void a_clock_that_is_behind_gets_the_newest_time(void) {
  const char *const rising[] = {older, newer, NULL}, *const falling[] = {newer, older, NULL};
  CHECK_EQUAL(epoch_after(NOON - 1, rising), NOON);
  CHECK_EQUAL(epoch_after(0, rising), NOON);
  CHECK_EQUAL(epoch_after(0, falling), NOON);
  CHECK_EQUAL(epoch_after(-1, falling), NOON);
}

static void files_that_are_not_there_say_nothing(void) {
  const char *const all[] = {absent, NULL}, *const one[] = {absent, older, NULL};
  const char *const none[] = {NULL};
  CHECK_EQUAL(epoch_after(0, all), 0);
  CHECK_EQUAL(epoch_after(0, none), 0);
  CHECK_EQUAL(epoch_after(0, one), NOON - 3600);
}

/* As /proc/self/exe is one. */
static void a_link_stands_for_its_file(void) {
  const char *const paths[] = {link_to_newer, NULL};
  CHECK_EQUAL(epoch_after(0, paths), NOON);
}

static const struct test tests[] = {
    {"a clock that is not behind stays", a_clock_that_is_not_behind_stays},
    {"a clock that is behind gets the newest time", a_clock_that_is_behind_gets_the_newest_time},
    {"files that are not there say nothing", files_that_are_not_there_say_nothing},
    {"a link stands for its file", a_link_stands_for_its_file},
};

int main(void) {
  if (mkdtemp(directory) == NULL) abort();
  make(older, "older", NOON - 3600);
  make(newer, "newer", NOON);
  snprintf(absent, sizeof absent, "%s/absent", directory);
  snprintf(link_to_newer, sizeof link_to_newer, "%s/link", directory);
  if (symlink("newer", link_to_newer) < 0) abort();
  int passed = 0, failed = 0;
  for (size_t number = 0; number < sizeof tests / sizeof *tests; number++) {
    failures_of_test = 0;
    tests[number].run();
    printf("%s ... %s\n", tests[number].name, failures_of_test == 0 ? "ok" : "FAILED");
    failures_of_test == 0 ? passed++ : failed++;
  }
  printf("%d passed, %d failed\n", passed, failed);
  const char *const made[] = {older, newer, link_to_newer};
  for (size_t number = 0; number < sizeof made / sizeof *made; number++) unlink(made[number]);
  rmdir(directory);
  return failed != 0;
}
