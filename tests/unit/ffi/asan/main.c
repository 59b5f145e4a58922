/* Runs every test against the shim's C functions and prints `N passed, M failed`. */
#include <stdio.h>

#include "suite.h"

static int failures_of_test;

void record_failure(const char *file, int line, const char *what, long long value) {
  failures_of_test++;
  fprintf(stderr, "%s:%d: not so: %s (%lld)\n", file, line, what, value);
}

int main(void) {
  const struct test *const suites[] = {spawn_request_tests, spawn_tests, process_tests,
                                       file_tests,          event_tests, system_tests, socket_tests,
                                       network_tests,       notify_tests, observe_tests};
  int passed = 0, failed = 0;
  for (size_t suite = 0; suite < sizeof suites / sizeof *suites; suite++) {
    for (const struct test *test = suites[suite]; test->name != NULL; test++) {
      int descriptors = count_descriptors();
      failures_of_test = 0;
      test->run();
      CHECK_EQUAL(count_descriptors(), descriptors);
      printf("%s ... %s\n", test->name, failures_of_test == 0 ? "ok" : "FAILED");
      fflush(stdout);
      failures_of_test == 0 ? passed++ : failed++;
    }
  }
  printf("%d passed, %d failed\n", passed, failed);
  return failed != 0;
}
