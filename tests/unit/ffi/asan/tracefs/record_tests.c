#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"

enum { TEXT_AT = 20 };

static const struct trace_probe *probe_of(unsigned kind) {
  for (size_t number = 0; number < trace_probe_count; number++) {
    if (trace_probes[number].kind == kind) return &trace_probes[number];
  }
  abort();
}

/* An event as EXEC_FORMAT says, with this text, which claims to have `claimed` bytes. */
static bool fill(unsigned kind, const char *text, size_t bytes, uint32_t offset, uint32_t claimed,
                 struct pact_probe_record *record) {
  uint8_t draft[1024] = {0};
  const uint32_t pid = 4711, location = claimed << 16 | offset;
  memcpy(draft + 4, &pid, sizeof pid);
  memcpy(draft + 8, &location, sizeof location);
  memcpy(draft + TEXT_AT, text, bytes);
  uint8_t *data = exact_copy(draft, TEXT_AT + bytes);
  const struct trace_event event = {.data = data, .bytes = TEXT_AT + bytes};
  struct trace_layout layout;
  CHECK(trace_parse_layout(EXEC_FORMAT, "filename", &layout));
  bool is_filled = trace_fill_record(probe_of(kind), &layout, &event, record);
  free(data);
  return is_filled;
}

static void fills_a_record(void) {
  struct pact_probe_record record;
  CHECK(fill(PACT_PROBE_EXEC, "/bin/true", 10, TEXT_AT, 10, &record));
  CHECK_EQUAL(record.kind, PACT_PROBE_EXEC);
  CHECK_EQUAL(record.pid, 4711);
  CHECK_EQUAL(strcmp(record.text, "/bin/true"), 0);
}

static void keeps_odd_texts_in_one_record(void) {
  struct pact_probe_record record;
  static const char ODD[] = "/tmp/a\n  sh-1 [000] 1.0: sched_process_exec: filename=/bin/sh pid=1";
  CHECK(fill(PACT_PROBE_EXEC, ODD, sizeof ODD, TEXT_AT, sizeof ODD, &record));
  CHECK_EQUAL(strcmp(record.text, ODD), 0);
  char long_text[600];
  memset(long_text, 'x', sizeof long_text);
  CHECK(fill(PACT_PROBE_EXEC, long_text, sizeof long_text, TEXT_AT, sizeof long_text, &record));
  CHECK_EQUAL(strlen(record.text), sizeof record.text - 1);
  /* What could not be read of a process has no bytes. */
  CHECK(fill(PACT_PROBE_MOUNT, "", 0, TEXT_AT, 0, &record));
  CHECK_EQUAL(record.text[0], 0);
}

static void refuses_texts_outside_of_the_event(void) {
  struct pact_probe_record record;
  CHECK(!fill(PACT_PROBE_EXEC, "/bin/true", 10, TEXT_AT, 11, &record));
  CHECK(!fill(PACT_PROBE_EXEC, "/bin/true", 10, TEXT_AT + 11, 0, &record));
  CHECK(!fill(PACT_PROBE_EXEC, "/bin/true", 10, 0xffff, 0xffff, &record));
  struct trace_layout layout;
  CHECK(trace_parse_layout(EXEC_FORMAT, "filename", &layout));
  uint8_t *data = exact_copy("12345678901", 11);
  for (size_t bytes = 0; bytes <= 11; bytes++) {
    const struct trace_event event = {.data = data, .bytes = bytes};
    CHECK(!trace_fill_record(&trace_probes[0], &layout, &event, &record));
  }
  free(data);
}

static void names_a_sysctl_below_its_root(void) {
  struct pact_probe_record record;
  static const char PATH[] = "/proc/sys/kernel/printk";
  CHECK(fill(PACT_PROBE_SYSCTL, PATH, sizeof PATH, TEXT_AT, sizeof PATH, &record));
  CHECK_EQUAL(strcmp(record.text, "kernel/printk"), 0);
  CHECK(!fill(PACT_PROBE_SYSCTL, "/proc/sy", 9, TEXT_AT, 9, &record));
  CHECK(!fill(PACT_PROBE_SYSCTL, "/etc/passwd/", 13, TEXT_AT, 13, &record));
}

const struct test record_tests[] = {
    {"OBS-12: an event becomes a record with its process and text", fills_a_record},
    {"a text with line breaks, a long one and an empty one are each one record's",
     keeps_odd_texts_in_one_record},
    {"a text that would lie outside of its event is refused", refuses_texts_outside_of_the_event},
    {"a sysctl is named by its path below /proc/sys, and nothing else is", names_a_sysctl_below_its_root},
    {NULL, NULL},
};
