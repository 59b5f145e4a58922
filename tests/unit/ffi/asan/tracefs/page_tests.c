#include <stdlib.h>
#include <string.h>

#include "frame.h"

enum { HEAD_BYTES = 16, PAGE_BYTES = 4096, ROUNDS = 20000 };

struct draft {
  uint8_t bytes[PAGE_BYTES];
  size_t at;
};

static struct draft begin(uint64_t time_ns) {
  struct draft draft = {.at = HEAD_BYTES};
  memcpy(draft.bytes, &time_ns, sizeof time_ns);
  return draft;
}

static void put_word(struct draft *draft, uint32_t word) {
  memcpy(draft->bytes + draft->at, &word, sizeof word);
  draft->at += sizeof word;
}

static void put_head(struct draft *draft, uint32_t type, uint32_t delta) {
  put_word(draft, type | delta << 5);
}

/* The page as it is read, in an allocation of its own size. */
static uint8_t *end(struct draft *draft, uint32_t flags) {
  uint64_t commit = (draft->at - HEAD_BYTES) | flags;
  memcpy(draft->bytes + 8, &commit, sizeof commit);
  return exact_copy(draft->bytes, draft->at);
}

static void tells_events_with_their_time(void) {
  struct draft draft = begin(1000);
  put_head(&draft, 2, 5);
  put_word(&draft, 11);
  put_word(&draft, 12);
  put_head(&draft, 30, 1); /* 2^27 + 1 later */
  put_word(&draft, 1);
  put_head(&draft, 29, 2); /* an event that was taken back, of two words */
  put_word(&draft, 8);
  put_word(&draft, 0xdead);
  put_head(&draft, 0, 3); /* of 5 bytes, by its own length */
  put_word(&draft, 9);
  put_word(&draft, 13);
  put_word(&draft, 14);
  put_head(&draft, 31, 7); /* the time itself */
  put_word(&draft, 2);
  put_head(&draft, 1, 1);
  put_word(&draft, 15);
  uint8_t *raw = end(&draft, 0);
  struct trace_page page;
  struct trace_event event;
  CHECK(trace_open_page(&page, raw, draft.at, &PAGE_LAYOUT));
  CHECK(!page.has_lost);
  CHECK_EQUAL(trace_next_event(&page, &event), 1);
  CHECK_EQUAL(event.bytes, 8);
  CHECK_EQUAL(event.data[0], 11);
  CHECK_EQUAL(event.time_ns, 1005);
  CHECK_EQUAL(trace_next_event(&page, &event), 1);
  CHECK_EQUAL(event.bytes, 5);
  CHECK_EQUAL(event.data[0], 13);
  CHECK_EQUAL(event.time_ns, 1005 + (1 << 27) + 1 + 2 + 3);
  CHECK_EQUAL(trace_next_event(&page, &event), 1);
  CHECK_EQUAL(event.data[0], 15);
  CHECK_EQUAL(event.time_ns, (2ll << 27) + 7 + 1);
  CHECK_EQUAL(trace_next_event(&page, &event), 0);
  free(raw);
}

static void tells_of_lost_events(void) {
  struct draft draft = begin(0);
  put_head(&draft, 1, 0);
  put_word(&draft, 1);
  uint8_t *raw = end(&draft, 1u << 31 | 1u << 30);
  struct trace_page page;
  struct trace_event event;
  CHECK(trace_open_page(&page, raw, draft.at, &PAGE_LAYOUT));
  CHECK(page.has_lost);
  CHECK_EQUAL(page.bytes, 8);
  CHECK_EQUAL(trace_next_event(&page, &event), 1);
  free(raw);
}

static void stops_where_a_page_contradicts_itself(void) {
  static const uint32_t pages[][4] = {
      {28 | 1 << 5, 1, 1, 1},          /* data beyond the end */
      {0 | 1 << 5, 3, 0, 0},           /* a length that has no room for itself */
      {0 | 1 << 5, UINT32_MAX, 0, 0},
      {0 | 1 << 5, 17, 0, 0},
      {29 | 1 << 5, 0, 0, 0},
      {29 | 1 << 5, UINT32_MAX - 2, 0, 0},
      {1 | 1 << 5, 0, 2 | 1 << 5, 0},
      {2 | 1 << 5, 0, 0, 30 | 1 << 5}, /* a time without its second half */
  };
  for (size_t number = 0; number < sizeof pages / sizeof *pages; number++) {
    struct draft draft = begin(0);
    for (int word = 0; word < 4; word++) put_word(&draft, pages[number][word]);
    uint8_t *raw = end(&draft, 0);
    struct trace_page page;
    struct trace_event event;
    CHECK(trace_open_page(&page, raw, draft.at, &PAGE_LAYOUT));
    int got;
    while ((got = trace_next_event(&page, &event)) > 0) continue;
    if (got != -1) record_failure(__FILE__, __LINE__, "contradiction", (long long)number);
    free(raw);
  }
  struct draft empty = begin(0);
  uint8_t *raw = end(&empty, 100); /* more data than was read */
  struct trace_page page;
  CHECK(!trace_open_page(&page, raw, HEAD_BYTES, &PAGE_LAYOUT));
  CHECK(!trace_open_page(&page, raw, HEAD_BYTES - 1, &PAGE_LAYOUT));
  free(raw);
}

static void survives_pages_of_chance(void) {
  srand(1);
  for (int round = 0; round < ROUNDS; round++) {
    struct draft draft = begin((uint64_t)rand());
    size_t words = (size_t)rand() % 40;
    /* Small numbers are the likelier lengths. */
    for (size_t word = 0; word < words; word++) {
      put_word(&draft, rand() % 3 == 0 ? (uint32_t)rand() % 64 : (uint32_t)rand() << 1);
    }
    uint8_t *raw = end(&draft, 0);
    struct trace_page page;
    struct trace_event event;
    struct trace_layout layout;
    struct pact_probe_record record;
    CHECK(trace_parse_layout(EXEC_FORMAT, "filename", &layout));
    CHECK(trace_open_page(&page, raw, draft.at, &PAGE_LAYOUT));
    size_t events = 0;
    while (trace_next_event(&page, &event) > 0 && events <= words) {
      events++;
      trace_fill_record(&trace_probes[0], &layout, &event, &record);
      CHECK_EQUAL(record.text[sizeof record.text - 1], 0);
    }
    CHECK(events <= words);
    free(raw);
  }
}

const struct test page_tests[] = {
    {"OBS-12: a page gives its events, each with its time", tells_events_with_their_time},
    {"a page says that events before it were lost", tells_of_lost_events},
    {"a page that contradicts itself ends there", stops_where_a_page_contradicts_itself},
    {"pages of chance are read within their bounds", survives_pages_of_chance},
    {NULL, NULL},
};
