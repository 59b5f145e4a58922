/* Groups by name, by id, and one after the other; and the groups of a user. */
#include <errno.h>
#include <stdlib.h>

#include "nss_pact.h"

static enum pact_found fill(const struct pact_database *database, uint32_t offset, void *out,
                            char *buffer, size_t capacity) {
  return pact_fill_group(database, offset, out, buffer, capacity);
}

enum nss_status _nss_pact_getgrnam_r(const char *name, struct group *group, char *buffer,
                                     size_t capacity, int *error) {
  struct pact_map map;
  if (!pact_map_acquire(&map, PACT_GROUPS)) return pact_status(PACT_DAMAGED, error);
  uint32_t offset;
  enum pact_found found = pact_find_name(&map.database, name, &offset);
  if (found == PACT_FOUND) found = fill(&map.database, offset, group, buffer, capacity);
  pact_map_release(&map);
  return pact_status(found, error);
}

enum nss_status _nss_pact_getgrgid_r(gid_t gid, struct group *group, char *buffer, size_t capacity,
                                     int *error) {
  struct pact_map map;
  if (!pact_map_acquire(&map, PACT_GROUPS)) return pact_status(PACT_DAMAGED, error);
  uint32_t offset;
  enum pact_found found = pact_find_id(&map.database, gid, &offset);
  if (found == PACT_FOUND) found = fill(&map.database, offset, group, buffer, capacity);
  pact_map_release(&map);
  return pact_status(found, error);
}

enum nss_status _nss_pact_setgrent(int stay_open) {
  (void)stay_open;
  pact_walk_begin(&pact_group_walk);
  return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_pact_getgrent_r(struct group *group, char *buffer, size_t capacity,
                                     int *error) {
  return pact_walk_next(&pact_group_walk, fill, group, buffer, capacity, error);
}

enum nss_status _nss_pact_endgrent(void) {
  pact_walk_end(&pact_group_walk);
  return NSS_STATUS_SUCCESS;
}

/* The array that the caller lends; it may move. */
struct group_list {
  long *count;
  long *capacity;
  gid_t **groups;
  long limit;
};

static bool holds(const struct group_list *list, gid_t gid) {
  for (long i = 0; i < *list->count; i++) {
    if ((*list->groups)[i] == gid) return true;
  }
  return false;
}

static bool grow(struct group_list *list) {
  long capacity = *list->capacity < 8 ? 16 : 2 * *list->capacity;
  if (list->limit > 0 && capacity > list->limit) capacity = list->limit;
  gid_t *groups = realloc(*list->groups, (size_t)capacity * sizeof *groups);
  if (groups == NULL) return false;
  *list->groups = groups;
  *list->capacity = capacity;
  return true;
}

/* PACT_ABSENT ends the walk: past the user's last group, or at the caller's limit. */
static enum pact_found add_groups(const struct pact_database *database, const char *user,
                                  gid_t primary, struct group_list *list, bool *is_member,
                                  bool *is_out_of_memory) {
  uint32_t place, gid;
  enum pact_found found = pact_first_membership(database, user, &place);
  while (found == PACT_FOUND) {
    found = pact_membership(database, user, place++, &gid);
    if (found != PACT_FOUND) break;
    *is_member = true;
    if (gid == primary || holds(list, gid)) continue;
    if (list->limit > 0 && *list->count >= list->limit) break;
    if (*list->count >= *list->capacity && !grow(list)) {
      *is_out_of_memory = true;
      break;
    }
    (*list->groups)[(*list->count)++] = gid;
  }
  return found == PACT_DAMAGED ? PACT_DAMAGED : PACT_FOUND;
}

enum nss_status _nss_pact_initgroups_dyn(const char *user, gid_t primary, long *count,
                                         long *capacity, gid_t **groups, long limit, int *error) {
  struct pact_map map;
  if (!pact_map_acquire(&map, PACT_GROUPS)) return pact_status(PACT_DAMAGED, error);
  struct group_list list = {count, capacity, groups, limit};
  bool is_member = false, is_out_of_memory = false;
  enum pact_found found =
      add_groups(&map.database, user, primary, &list, &is_member, &is_out_of_memory);
  pact_map_release(&map);
  if (is_out_of_memory) {
    *error = ENOMEM;
    return NSS_STATUS_TRYAGAIN;
  }
  return pact_status(found == PACT_FOUND && !is_member ? PACT_ABSENT : found, error);
}
