/* Runs every test of the tracefs part of pact-probe and prints `N passed, M failed`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"

static int failures_of_test;

void record_failure(const char *file, int line, const char *what, long long value) {
  failures_of_test++;
  fprintf(stderr, "%s:%d: not so: %s (%lld)\n", file, line, what, value);
}

const char EXEC_FORMAT[] =
    "name: sched_process_exec\n"
    "ID: 365\n"
    "format:\n"
    "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
    "\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
    "\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
    "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n"
    "\n"
    "\tfield:__data_loc char[] filename;\toffset:8;\tsize:4;\tsigned:0;\n"
    "\tfield:pid_t pid;\toffset:12;\tsize:4;\tsigned:1;\n"
    "\tfield:pid_t old_pid;\toffset:16;\tsize:4;\tsigned:1;\n"
    "\n"
    "print fmt: \"filename=%s pid=%d old_pid=%d\", __get_str(filename), REC->pid, REC->old_pid\n";

const struct trace_page_layout PAGE_LAYOUT = {
    .time = {.offset = 0, .bytes = 8},
    .commit = {.offset = 8, .bytes = 8},
    .data = {.offset = 16, .bytes = 4080}};

void *exact_copy(const void *bytes, size_t count) {
  void *copy = malloc(count == 0 ? 1 : count);
  if (copy == NULL) abort();
  memcpy(copy, bytes, count);
  return copy;
}

int main(void) {
  const struct test *const suites[] = {layout_tests, page_tests, record_tests, process_tests};
  int passed = 0, failed = 0;
  for (size_t suite = 0; suite < sizeof suites / sizeof *suites; suite++) {
    for (const struct test *test = suites[suite]; test->name != NULL; test++) {
      failures_of_test = 0;
      test->run();
      printf("%s ... %s\n", test->name, failures_of_test == 0 ? "ok" : "FAILED");
      failures_of_test == 0 ? passed++ : failed++;
    }
  }
  printf("%d passed, %d failed\n", passed, failed);
  return failed != 0;
}
