/*
 * The functions that the system's name service calls, by the names it expects of a service `pact`
 * (libnss_pact.so.2; nsswitch.conf `passwd: files pact`, `group: files pact`). All may be called from
 * any thread.
 *
 * NSS_STATUS_SUCCESS    found
 * NSS_STATUS_NOTFOUND   the map is there, and knows no such user or group
 * NSS_STATUS_UNAVAIL    there is no map, or none to be trusted: the next service is asked
 * NSS_STATUS_TRYAGAIN   with ERANGE: the buffer is too small
 */
#ifndef PACT_NSS_H
#define PACT_NSS_H

#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stddef.h>

#include "database.h"
#include "map_file.h"

#define PACT_NSS_EXPORT __attribute__((visibility("default")))

PACT_NSS_EXPORT enum nss_status _nss_pact_getpwnam_r(const char *name, struct passwd *user,
                                                     char *buffer, size_t capacity, int *error);
PACT_NSS_EXPORT enum nss_status _nss_pact_getpwuid_r(uid_t uid, struct passwd *user, char *buffer,
                                                     size_t capacity, int *error);
PACT_NSS_EXPORT enum nss_status _nss_pact_setpwent(int stay_open);
PACT_NSS_EXPORT enum nss_status _nss_pact_getpwent_r(struct passwd *user, char *buffer,
                                                     size_t capacity, int *error);
PACT_NSS_EXPORT enum nss_status _nss_pact_endpwent(void);

PACT_NSS_EXPORT enum nss_status _nss_pact_getgrnam_r(const char *name, struct group *group,
                                                     char *buffer, size_t capacity, int *error);
PACT_NSS_EXPORT enum nss_status _nss_pact_getgrgid_r(gid_t gid, struct group *group, char *buffer,
                                                     size_t capacity, int *error);
PACT_NSS_EXPORT enum nss_status _nss_pact_setgrent(int stay_open);
PACT_NSS_EXPORT enum nss_status _nss_pact_getgrent_r(struct group *group, char *buffer,
                                                     size_t capacity, int *error);
PACT_NSS_EXPORT enum nss_status _nss_pact_endgrent(void);

/* Adds the user's groups but `primary` to the caller's array, which this call alone of all grows by
 * realloc(3), as the name service wants it; `limit` > 0 is the most it may hold. */
PACT_NSS_EXPORT enum nss_status _nss_pact_initgroups_dyn(const char *user, gid_t primary,
                                                         long *count, long *capacity,
                                                         gid_t **groups, long limit, int *error);

/* The status of a lookup, and its errno. */
enum nss_status pact_status(enum pact_found found, int *error);

/* An enumeration under way; one per process and kind, as the C library keeps it. */
struct pact_walk;

void pact_walk_begin(struct pact_walk *walk);
void pact_walk_end(struct pact_walk *walk);

/* Calls `fill` with the next record, which counts as taken when it was written out. */
typedef enum pact_found (*pact_fill)(const struct pact_database *database, uint32_t offset,
                                     void *out, char *buffer, size_t capacity);
enum nss_status pact_walk_next(struct pact_walk *walk, pact_fill fill, void *out, char *buffer,
                               size_t capacity, int *error);

extern struct pact_walk pact_user_walk, pact_group_walk;

#endif
