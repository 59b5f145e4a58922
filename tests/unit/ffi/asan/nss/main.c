/* Runs every test against the name service library's C functions and prints `N passed, M failed`. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "frame.h"
#include "map_file.h"

static int failures_of_test;

void record_failure(const char *file, int line, const char *what, long long value) {
  failures_of_test++;
  fprintf(stderr, "%s:%d: not so: %s (%lld)\n", file, line, what, value);
}

static int count_descriptors(void) {
  DIR *directory = opendir("/proc/self/fd");
  int count = 0;
  while (directory != NULL && readdir(directory) != NULL) count++;
  if (directory != NULL) closedir(directory);
  return count;
}

int main(void) {
  const char *base = getenv("TMPDIR");
  snprintf(pact_nss_directory, 512, "%s/pact-nss-XXXXXX", base != NULL ? base : "/tmp");
  if (mkdtemp(pact_nss_directory) == NULL) return 2;
  const struct test *const suites[] = {lookup_tests, file_tests, fuzz_tests};
  int passed = 0, failed = 0;
  for (size_t suite = 0; suite < sizeof suites / sizeof *suites; suite++) {
    for (const struct test *test = suites[suite]; test->name != NULL; test++) {
      int descriptors = count_descriptors();
      failures_of_test = 0;
      install_people();
      test->run();
      CHECK_EQUAL(count_descriptors(), descriptors);
      printf("%s ... %s\n", test->name, failures_of_test == 0 ? "ok" : "FAILED");
      fflush(stdout);
      failures_of_test == 0 ? passed++ : failed++;
    }
  }
  install("passwd.db", NULL, 0, 0);
  install("group.db", NULL, 0, 0);
  rmdir(pact_nss_directory);
  printf("%d passed, %d failed\n", passed, failed);
  return failed != 0;
}
