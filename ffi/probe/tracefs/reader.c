/* From the ring buffers of all processors to records. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "tracefs.h"

/* So that no processor keeps the others waiting. */
enum { PAGES_AT_ONCE = 64 };

static void tell_event(const struct trace_instance *instance, const struct trace_company *company,
                       const struct trace_event *event, trace_teller *tell) {
  if (event->bytes < sizeof(uint16_t)) return;
  unsigned id = event->data[0] | (unsigned)event->data[1] << 8;
  for (size_t number = 0; number < trace_probe_count; number++) {
    const struct trace_source *source = &instance->sources[number];
    if (source->id == 0 || source->id != id) continue;
    struct pact_probe_record record;
    if (!trace_fill_record(&trace_probes[number], &source->layout, event, &record)) return;
    if (trace_complete_record(company, event->time_ns, &record)) tell(&record);
    return;
  }
}

static void tell_page(const struct trace_instance *instance, const struct trace_company *company,
                      const uint8_t *raw, size_t bytes, trace_teller *tell) {
  const struct pact_probe_record lost = {.kind = PACT_PROBE_LOST};
  struct trace_page page;
  struct trace_event event;
  int got = trace_open_page(&page, raw, bytes, &instance->page_layout) ? 0 : -1;
  if (got == 0 && page.has_lost) tell(&lost);
  while (got >= 0 && (got = trace_next_event(&page, &event)) > 0) {
    tell_event(instance, company, &event, tell);
  }
  /* What cannot be read has not been told. */
  if (got < 0) tell(&lost);
}

static bool read_pipe(const struct trace_instance *instance, const struct trace_company *company,
                      int pipe, trace_teller *tell) {
  /* A read of less than a page would leave its rest without a head. */
  static uint8_t raw[TRACE_PAGE_BYTES_MAX];
  for (int pages = 0; pages < PAGES_AT_ONCE; pages++) {
    ssize_t bytes = read(pipe, raw, sizeof raw);
    if (bytes < 0) return errno == EAGAIN || errno == EINTR;
    if (bytes == 0) return true;
    tell_page(instance, company, raw, (size_t)bytes, tell);
  }
  return true;
}

bool trace_read(const struct trace_instance *instance, const struct trace_company *company,
                int timeout_ms, trace_teller *tell) {
  static struct pollfd waiting[TRACE_CPUS_MAX];
  for (size_t number = 0; number < instance->pipe_count; number++) {
    waiting[number] = (struct pollfd){.fd = instance->pipes[number], .events = POLLIN};
  }
  int ready = poll(waiting, instance->pipe_count, timeout_ms);
  if (ready < 0) return errno == EINTR;
  for (size_t number = 0; number < instance->pipe_count; number++) {
    /* A kernel that wakes late is looked at all the same after a while. */
    if (ready > 0 && waiting[number].revents == 0) continue;
    if (!read_pipe(instance, company, instance->pipes[number], tell)) return false;
  }
  return true;
}
