/*
 * The file format of /run/pact/passwd.db and group.db (docs/identity-map.md), and reading it from
 * memory. The bytes are taken for hostile: every offset and length is checked when it is used, so
 * that a damaged file ends a lookup and never the program (NSS-4). Nothing here allocates.
 *
 * All numbers are little-endian and unaligned.
 *
 *   header, 64 bytes
 *      0  magic         "PACTNSS1"
 *      8  u32 version   1
 *     12  u32 kind      1 users, 2 groups
 *     16  u32 bytes     of the whole file
 *     20  u32 records
 *     24  u32 by_name   offset of `records` u32: offsets of the records, sorted by name
 *     28  u32 by_id     the same, sorted by id
 *     32  u32 members   entries of the membership index, 0 for users
 *     36  u32 members_at  offset of `members` times { u32 offset of a text, u32 gid }, sorted by user
 *     40  u64 generation  version of the identity map
 *     48  16 bytes      of the SHA-256 of the file with these bytes zero; the agent checks it
 *   text: u16 length, bytes
 *   record: u32 id, u32 gid (user) or number of members (group),
 *           u16 name, gecos, home and shell length (for groups the last three are 0),
 *           name, gecos, home, shell; for groups name and then each member as a text
 */
#ifndef PACT_NSS_DATABASE_H
#define PACT_NSS_DATABASE_H

#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pact_kind { PACT_USERS = 1, PACT_GROUPS = 2 };

/* What became of a lookup. */
enum pact_found {
  PACT_FOUND,
  PACT_ABSENT,
  PACT_DAMAGED,  /* the file contradicts itself */
  PACT_TOO_SMALL /* the caller's buffer is: try again with a larger one */
};

/* A file whose header was checked; the bytes belong to the caller. */
struct pact_database {
  const uint8_t *bytes;
  uint32_t size;
  uint32_t records;
  uint32_t by_name;
  uint32_t by_id;
  uint32_t members;
  uint32_t members_at;
};

/* Checks the header against the size and kind; false for what is no such file. */
bool pact_database_read(struct pact_database *database, const uint8_t *bytes, size_t size,
                        enum pact_kind kind);

/* The record of a name or id, as its offset. */
enum pact_found pact_find_name(const struct pact_database *database, const char *name,
                               uint32_t *offset);
enum pact_found pact_find_id(const struct pact_database *database, uint32_t id, uint32_t *offset);

/* The record at a place of the id index, for enumeration; PACT_ABSENT past the end. */
enum pact_found pact_record_at(const struct pact_database *database, uint32_t place,
                               uint32_t *offset);

/* Writes a record out, all texts in the buffer. */
enum pact_found pact_fill_user(const struct pact_database *database, uint32_t offset,
                               struct passwd *user, char *buffer, size_t capacity);
enum pact_found pact_fill_group(const struct pact_database *database, uint32_t offset,
                                struct group *group, char *buffer, size_t capacity);

/* The first place of a user in the membership index, and the gid at a place as long as it is that
 * user's: PACT_ABSENT ends the walk. */
enum pact_found pact_first_membership(const struct pact_database *database, const char *user,
                                      uint32_t *place);
enum pact_found pact_membership(const struct pact_database *database, const char *user,
                                uint32_t place, uint32_t *gid);

#endif
