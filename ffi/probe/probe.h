/* The parts of pact-probe. */
#ifndef PACT_PROBE_H
#define PACT_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/record.h"

enum { REASON_BYTES = 200, POLL_MS = 1000 };

/* main.c. Both end the program when nobody reads. */
void write_record(const struct pact_probe_record *record);
void say(unsigned kind, const char *text);

/* bpf.c. False with the reason where the kernel takes no BPF programs. */
bool bpf_open(const struct pact_probe_settings *settings, char reason[REASON_BYTES]);
/* Waits for records and writes them; false with errno when they cannot be read any more. */
bool bpf_read(int timeout_ms);

#endif
