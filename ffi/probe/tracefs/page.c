/* Pages of the kernel's ring buffer as trace_pipe_raw gives them (include/linux/ring_buffer.h). */
#include <string.h>

#include "tracefs.h"

enum {
  DATA_TYPE_MAX = 28, /* up to here the type is the length in words */
  PADDING = 29,
  TIME_EXTEND = 30,
  TIME_STAMP = 31,
  TYPE_BITS = 5,
  DELTA_BITS = 27,
  WORD = 4,
};
static const uint32_t COMMIT_MASK = (1u << 27) - 1;
static const uint32_t MISSED_EVENTS = 1u << 31;
/* A time stamp of 59 bits goes on from the page's. */
static const uint64_t STAMP_MASK = (1ull << 59) - 1;

static uint32_t word_at(const uint8_t *bytes) {
  uint32_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

bool trace_open_page(struct trace_page *page, const uint8_t *raw, size_t bytes,
                     const struct trace_page_layout *layout) {
  if (bytes < layout->data.offset) return false;
  uint32_t commit = word_at(raw + layout->commit.offset);
  *page = (struct trace_page){.data = raw + layout->data.offset,
                              .bytes = commit & COMMIT_MASK,
                              .has_lost = (commit & MISSED_EVENTS) != 0};
  memcpy(&page->time_ns, raw + layout->time.offset, sizeof page->time_ns);
  return page->bytes <= bytes - layout->data.offset;
}

/* The word behind an event's head; false where the page ends. */
static bool take_word(struct trace_page *page, uint32_t *word) {
  if (page->bytes - page->at < WORD) return false;
  *word = word_at(page->data + page->at);
  page->at += WORD;
  return true;
}

static bool take_data(struct trace_page *page, size_t bytes, struct trace_event *event) {
  size_t rounded = (bytes + WORD - 1) / WORD * WORD;
  if (rounded > page->bytes - page->at) return false;
  *event = (struct trace_event){
      .data = page->data + page->at, .bytes = bytes, .time_ns = page->time_ns};
  page->at += rounded;
  return true;
}

int trace_next_event(struct trace_page *page, struct trace_event *event) {
  uint32_t head, more;
  /* Each turn takes a word at least. */
  while (take_word(page, &head)) {
    uint32_t type = head & ((1u << TYPE_BITS) - 1);
    uint64_t delta = head >> TYPE_BITS;
    if (type == PADDING && delta == 0) return 0;
    if (type > 0 && type <= DATA_TYPE_MAX) {
      page->time_ns += delta;
      return take_data(page, type * WORD, event) ? 1 : -1;
    }
    if (!take_word(page, &more)) return -1;
    if (type == TIME_STAMP) {
      uint64_t stamp = delta | (uint64_t)more << DELTA_BITS;
      page->time_ns = (page->time_ns & ~STAMP_MASK) | (stamp & STAMP_MASK);
      continue;
    }
    page->time_ns += type == TIME_EXTEND ? delta | (uint64_t)more << DELTA_BITS : delta;
    if (type == TIME_EXTEND) continue;
    /* The length counts its own word. */
    if (more < WORD || more > page->bytes) return -1;
    struct trace_event long_event;
    if (!take_data(page, more - WORD, &long_event)) return -1;
    if (type == PADDING) continue;
    *event = long_event;
    return 1;
  }
  return page->at == page->bytes ? 0 : -1;
}
