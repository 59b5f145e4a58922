/* Users by name, by id, and one after the other. */
#include "nss_pact.h"

static enum pact_found fill(const struct pact_database *database, uint32_t offset, void *out,
                            char *buffer, size_t capacity) {
  return pact_fill_user(database, offset, out, buffer, capacity);
}

enum nss_status _nss_pact_getpwnam_r(const char *name, struct passwd *user, char *buffer,
                                     size_t capacity, int *error) {
  struct pact_map map;
  if (!pact_map_acquire(&map, PACT_USERS)) return pact_status(PACT_DAMAGED, error);
  uint32_t offset;
  enum pact_found found = pact_find_name(&map.database, name, &offset);
  if (found == PACT_FOUND) found = fill(&map.database, offset, user, buffer, capacity);
  pact_map_release(&map);
  return pact_status(found, error);
}

enum nss_status _nss_pact_getpwuid_r(uid_t uid, struct passwd *user, char *buffer, size_t capacity,
                                     int *error) {
  struct pact_map map;
  if (!pact_map_acquire(&map, PACT_USERS)) return pact_status(PACT_DAMAGED, error);
  uint32_t offset;
  enum pact_found found = pact_find_id(&map.database, uid, &offset);
  if (found == PACT_FOUND) found = fill(&map.database, offset, user, buffer, capacity);
  pact_map_release(&map);
  return pact_status(found, error);
}

enum nss_status _nss_pact_setpwent(int stay_open) {
  (void)stay_open;
  pact_walk_begin(&pact_user_walk);
  return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_pact_getpwent_r(struct passwd *user, char *buffer, size_t capacity,
                                     int *error) {
  return pact_walk_next(&pact_user_walk, fill, user, buffer, capacity, error);
}

enum nss_status _nss_pact_endpwent(void) {
  pact_walk_end(&pact_user_walk);
  return NSS_STATUS_SUCCESS;
}
