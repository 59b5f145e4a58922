/* Enumeration, and what lookups say to the name service. */
#include <errno.h>
#include <stdatomic.h>

#include "nss_pact.h"

enum nss_status pact_status(enum pact_found found, int *error) {
  switch (found) {
    case PACT_FOUND:
      return NSS_STATUS_SUCCESS;
    case PACT_TOO_SMALL:
      *error = ERANGE;
      return NSS_STATUS_TRYAGAIN;
    case PACT_ABSENT:
      *error = ENOENT;
      return NSS_STATUS_NOTFOUND;
    case PACT_DAMAGED:
      break;
  }
  /* ENOENT, because callers of getpwnam_r(3) take it for "not found" and not for a failure. */
  *error = ENOENT;
  return NSS_STATUS_UNAVAIL;
}

struct pact_walk {
  enum pact_kind kind;
  atomic_flag in_use;
  bool is_open;
  uint32_t place;
  struct pact_map map; /* private: the enumeration sees one generation of the file to its end */
};

struct pact_walk pact_user_walk = {.kind = PACT_USERS, .in_use = ATOMIC_FLAG_INIT};
struct pact_walk pact_group_walk = {.kind = PACT_GROUPS, .in_use = ATOMIC_FLAG_INIT};

/* The C library lets one thread at a time in; whoever comes past it is turned away, not kept. */
static bool enter(struct pact_walk *walk) {
  return !atomic_flag_test_and_set_explicit(&walk->in_use, memory_order_acquire);
}

static void leave(struct pact_walk *walk) {
  atomic_flag_clear_explicit(&walk->in_use, memory_order_release);
}

static void close_map(struct pact_walk *walk) {
  if (walk->is_open) pact_map_release(&walk->map);
  walk->is_open = false;
  walk->place = 0;
}

void pact_walk_begin(struct pact_walk *walk) {
  if (!enter(walk)) return;
  close_map(walk);
  leave(walk);
}

void pact_walk_end(struct pact_walk *walk) {
  pact_walk_begin(walk);
}

static enum pact_found next(struct pact_walk *walk, pact_fill fill, void *out, char *buffer,
                            size_t capacity) {
  if (!walk->is_open) {
    walk->is_open = pact_map_acquire_private(&walk->map, walk->kind);
    if (!walk->is_open) return PACT_DAMAGED;
  }
  uint32_t offset;
  enum pact_found found = pact_record_at(&walk->map.database, walk->place, &offset);
  if (found == PACT_FOUND) found = fill(&walk->map.database, offset, out, buffer, capacity);
  if (found == PACT_FOUND) walk->place++;
  return found;
}

enum nss_status pact_walk_next(struct pact_walk *walk, pact_fill fill, void *out, char *buffer,
                               size_t capacity, int *error) {
  if (!enter(walk)) return pact_status(PACT_DAMAGED, error);
  enum pact_found found = next(walk, fill, out, buffer, capacity);
  leave(walk);
  return pact_status(found, error);
}
