/* Checks a packed spawn request before anything acts on it. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spawn_plan.h"

struct reader {
  const uint8_t *at;
  const uint8_t *end;
};

static const uint8_t *take(struct reader *reader, size_t bytes) {
  if ((size_t)(reader->end - reader->at) < bytes) return NULL;
  const uint8_t *taken = reader->at;
  reader->at += bytes;
  return taken;
}

static const char *take_text(struct reader *reader) {
  const uint8_t *end = memchr(reader->at, 0, (size_t)(reader->end - reader->at));
  if (end == NULL) return NULL;
  const char *text = (const char *)reader->at;
  reader->at = end + 1;
  return text;
}

static bool header_is_sane(const struct pact_spawn_header *header, uint32_t request_bytes) {
  const uint32_t known = PACT_SPAWN_CREDENTIALS | PACT_SPAWN_OOM_SCORE_ADJ | PACT_SPAWN_UMASK |
                         PACT_SPAWN_NO_NEW_PRIVS | PACT_SPAWN_TERMINAL | PACT_SPAWN_PASSED_FD |
                         PACT_SPAWN_CONTAINED | PACT_SPAWN_WITHOUT_CLONE3;
  const int32_t stdio[3] = {header->stdin_fd, header->stdout_fd, header->stderr_fd};
  for (int i = 0; i < 3; i++) {
    if (stdio[i] < PACT_STDIO_PIPE) return false;
  }
  if ((header->flags & PACT_SPAWN_PASSED_FD) && header->passed_fd < 0) return false;
  return header->total_bytes == request_bytes && (header->flags & ~known) == 0 &&
         header->oom_score_adj >= -1000 && header->oom_score_adj <= 1000 &&
         header->umask <= 0777 && header->parent_death_signal >= 0 &&
         header->parent_death_signal < NSIG && header->exec_timeout_ms >= 1 &&
         header->exec_timeout_ms <= 60000 && header->argument_count >= 1 &&
         header->argument_count <= PACT_SPAWN_MAX_TEXTS &&
         header->environment_count <= PACT_SPAWN_MAX_TEXTS &&
         header->covered_count <= PACT_SPAWN_MAX_TEXTS &&
         header->without_programs_count <= PACT_SPAWN_MAX_TEXTS &&
         header->group_count <= PACT_SPAWN_MAX_GROUPS &&
         header->rlimit_count <= PACT_SPAWN_MAX_RLIMITS;
}

/* A NULL-terminated array of the next `count` texts, to be freed; NULL with errno set. */
static char **take_texts(struct reader *reader, uint32_t count) {
  char **texts = calloc((size_t)count + 1, sizeof *texts);
  if (texts == NULL) return NULL;
  for (uint32_t i = 0; i < count; i++) {
    texts[i] = (char *)take_text(reader);
    if (texts[i] == NULL) {
      free(texts);
      errno = EINVAL;
      return NULL;
    }
  }
  return texts;
}

/* An owned, aligned copy of an array; one spare element so that empty is not NULL. */
static void *take_copy(struct reader *reader, size_t count, size_t element_bytes) {
  const uint8_t *from = take(reader, count * element_bytes);
  if (from == NULL) {
    errno = EINVAL;
    return NULL;
  }
  void *copy = calloc(count + 1, element_bytes);
  if (copy != NULL && count > 0) memcpy(copy, from, count * element_bytes);
  return copy;
}

int spawn_plan_parse(struct spawn_plan *plan, const uint8_t *request, uint32_t request_bytes) {
  memset(plan, 0, sizeof *plan);
  if (request == NULL) return -EFAULT;
  if (request_bytes > PACT_SPAWN_MAX_BYTES) return -E2BIG;
  struct reader reader = {request, request + request_bytes};

  const uint8_t *header = take(&reader, sizeof plan->header);
  if (header == NULL) return -EINVAL;
  memcpy(&plan->header, header, sizeof plan->header);
  if (!header_is_sane(&plan->header, request_bytes)) return -EINVAL;

  plan->rlimits = take_copy(&reader, plan->header.rlimit_count, sizeof *plan->rlimits);
  if (plan->rlimits == NULL) return -errno;
  plan->groups = take_copy(&reader, plan->header.group_count, sizeof *plan->groups);
  if (plan->groups == NULL) return -errno;

  if ((size_t)(reader.end - reader.at) != plan->header.text_bytes) return -EINVAL;
  plan->executable = take_text(&reader);
  plan->directory = plan->executable == NULL ? NULL : take_text(&reader);
  plan->cgroup = plan->directory == NULL ? NULL : take_text(&reader);
  if (plan->cgroup == NULL || plan->executable[0] != '/') return -EINVAL;
  plan->arguments = take_texts(&reader, plan->header.argument_count);
  if (plan->arguments == NULL) return -errno;
  plan->environment = take_texts(&reader, plan->header.environment_count);
  if (plan->environment == NULL) return -errno;
  plan->covered = take_texts(&reader, plan->header.covered_count);
  if (plan->covered == NULL) return -errno;
  plan->without_programs = take_texts(&reader, plan->header.without_programs_count);
  if (plan->without_programs == NULL) return -errno;
  if (reader.at != reader.end) return -EINVAL;

  int written = snprintf(plan->oom_score_adj, sizeof plan->oom_score_adj, "%d",
                         (int)plan->header.oom_score_adj);
  plan->oom_score_adj_bytes = (size_t)written;
  return 0;
}

void spawn_plan_free(struct spawn_plan *plan) {
  free(plan->arguments);
  free(plan->environment);
  free(plan->covered);
  free(plan->without_programs);
  free(plan->groups);
  free(plan->rlimits);
}
