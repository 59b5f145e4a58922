#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"

static void reads_what_a_format_promises(void) {
  struct trace_layout layout;
  CHECK(trace_parse_layout(EXEC_FORMAT, "filename", &layout));
  CHECK_EQUAL(layout.id, 365);
  CHECK_EQUAL(layout.pid.offset, 4);
  CHECK_EQUAL(layout.text.offset, 8);
  CHECK(layout.text.is_location);
  CHECK(trace_parse_layout(EXEC_FORMAT, NULL, &layout));
  CHECK_EQUAL(layout.text.bytes, 0);
}

static void finds_fields_by_their_whole_name(void) {
  struct trace_field field;
  CHECK(trace_find_field(EXEC_FORMAT, "pid", &field));
  CHECK_EQUAL(field.offset, 12);
  CHECK(!trace_find_field(EXEC_FORMAT, "old", &field));
  CHECK(!trace_find_field(EXEC_FORMAT, "name", &field));
  CHECK(!trace_find_field(EXEC_FORMAT, "", &field));
  CHECK(trace_find_field("\tfield:char comm[16];\toffset:8;\tsize:16;\tsigned:0;\n", "comm", &field));
  CHECK_EQUAL(field.bytes, 16);
}

static void refuses_formats_that_promise_nothing_of_use(void) {
  static const struct {
    const char *was, *is;
  } changes[] = {
      {"ID: 365", "ID: 0"},
      {"ID: 365", "ID: 65536"},
      {"ID: 365", "ID: x"},
      {"\nID: 365\n", "\n"},
      {"common_type;\toffset:0;", "common_type;\toffset:2;"},
      {"int common_pid;\toffset:4;\tsize:4;", "int common_pid;\toffset:4;\tsize:8;"},
      {"int common_pid;\toffset:4;", "int common_pid;\toffset:999999999;"},
      {"int common_pid;", "int common_tid;"},
      {"__data_loc char[] filename;\toffset:8;\tsize:4;", "__data_loc char[] filename;\toffset:8;"},
      {"__data_loc char[] filename;\toffset:8;\tsize:4;", "__data_loc char[] filename;\toffset:8;\tsize:8;"},
      {"__data_loc char[]", "__rel_loc char[]"},
      {"__data_loc char[]", "const char *"},
      {"filename;\toffset", "filename\toffset"},
  };
  for (size_t number = 0; number < sizeof changes / sizeof *changes; number++) {
    const char *at = strstr(EXEC_FORMAT, changes[number].was);
    CHECK(at != NULL);
    if (at == NULL) continue;
    char changed[2048];
    int bytes = snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - EXEC_FORMAT), EXEC_FORMAT,
                         changes[number].is, at + strlen(changes[number].was));
    char *text = exact_copy(changed, (size_t)bytes + 1);
    struct trace_layout layout;
    if (trace_parse_layout(text, "filename", &layout)) {
      record_failure(__FILE__, __LINE__, changes[number].is, (long long)number);
    }
    free(text);
  }
}

static void reads_no_further_than_a_format_goes(void) {
  for (size_t bytes = 0; bytes < strlen(EXEC_FORMAT); bytes++) {
    char *text = exact_copy(EXEC_FORMAT, bytes + 1);
    text[bytes] = '\0';
    struct trace_layout layout;
    bool is_whole = bytes > (size_t)(strstr(EXEC_FORMAT, "\tfield:pid_t pid") - EXEC_FORMAT);
    if (is_whole) CHECK(trace_parse_layout(text, "filename", &layout));
    else trace_parse_layout(text, "filename", &layout);
    free(text);
  }
}

static void reads_the_description_of_pages(void) {
  static const char PAGES[] =
      "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
      "\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
      "\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n"
      "\tfield: char data;\toffset:16;\tsize:4080;\tsigned:1;\n";
  struct trace_page_layout layout;
  CHECK(trace_parse_page_layout(PAGES, &layout));
  CHECK_EQUAL(layout.data.offset, 16);
  CHECK_EQUAL(layout.data.bytes, 4080);
  CHECK(!trace_parse_page_layout("\tfield: u64 timestamp;\toffset:0;\tsize:8;\n", &layout));
  /* Data that would lie over the head. */
  CHECK(!trace_parse_page_layout("\tfield: u64 timestamp;\toffset:0;\tsize:8;\n"
                                 "\tfield: local_t commit;\toffset:8;\tsize:8;\n"
                                 "\tfield: char data;\toffset:12;\tsize:4080;\n",
                                 &layout));
}

const struct test layout_tests[] = {
    {"OBS-12: an event's format gives its number, its process and its text", reads_what_a_format_promises},
    {"fields of a format are found by their whole name", finds_fields_by_their_whole_name},
    {"a format that lacks what is needed is refused", refuses_formats_that_promise_nothing_of_use},
    {"a format that is cut off anywhere is read to its end and no further",
     reads_no_further_than_a_format_goes},
    {"the description of pages gives time, length and data", reads_the_description_of_pages},
    {NULL, NULL},
};
