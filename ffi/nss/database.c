/* Reading the identity map from memory that may hold anything. */
#include "database.h"

#include <string.h>

enum {
  HEADER_BYTES = 64,
  FORMAT_VERSION = 1,
  RECORD_HEAD_BYTES = 16,
  INDEX_BYTES = 4,
  MEMBERSHIP_BYTES = 8,
  /* A text of a group's member: its length and at least one byte. */
  LEAST_MEMBER_BYTES = 3,
  /* IDM-10: ids below belong to the system; no file makes anybody one of them. */
  LEAST_ID = 1000
};

static const char MAGIC[8] = {'P', 'A', 'C', 'T', 'N', 'S', 'S', '1'};

static uint32_t u32_at(const uint8_t *bytes) {
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
         (uint32_t)bytes[3] << 24;
}

static uint16_t u16_at(const uint8_t *bytes) {
  return (uint16_t)(bytes[0] | bytes[1] << 8);
}

/* Whether `length` bytes at `offset` lie in the file, behind the header. */
static bool lies_within(const struct pact_database *database, uint64_t offset, uint64_t length) {
  return offset >= HEADER_BYTES && offset <= database->size && length <= database->size - offset;
}

bool pact_database_read(struct pact_database *database, const uint8_t *bytes, size_t size,
                        enum pact_kind kind) {
  if (size < HEADER_BYTES || size > UINT32_MAX) return false;
  if (memcmp(bytes, MAGIC, sizeof MAGIC) != 0) return false;
  if (u32_at(bytes + 8) != FORMAT_VERSION || u32_at(bytes + 12) != (uint32_t)kind) return false;
  if (u32_at(bytes + 16) != size) return false;
  *database = (struct pact_database){
      .bytes = bytes,
      .size = (uint32_t)size,
      .records = u32_at(bytes + 20),
      .by_name = u32_at(bytes + 24),
      .by_id = u32_at(bytes + 28),
      .members = u32_at(bytes + 32),
      .members_at = u32_at(bytes + 36),
  };
  uint64_t index_bytes = (uint64_t)database->records * INDEX_BYTES;
  uint64_t member_bytes = (uint64_t)database->members * MEMBERSHIP_BYTES;
  return lies_within(database, database->by_name, index_bytes) &&
         lies_within(database, database->by_id, index_bytes) &&
         lies_within(database, database->members_at, member_bytes);
}

/* Bytes of the file that are not NUL-terminated. */
struct text {
  const uint8_t *bytes;
  uint16_t length;
};

/* The part of a record before its texts. Each field is read once: another process may be writing. */
struct record {
  uint32_t id;
  uint32_t other;
  uint16_t lengths[4];
  uint32_t texts_at;
};

static bool read_record(const struct pact_database *database, uint32_t offset,
                        struct record *record) {
  if (!lies_within(database, offset, RECORD_HEAD_BYTES)) return false;
  const uint8_t *at = database->bytes + offset;
  record->id = u32_at(at);
  record->other = u32_at(at + 4);
  uint64_t text_bytes = 0;
  for (int i = 0; i < 4; i++) {
    record->lengths[i] = u16_at(at + 8 + 2 * i);
    text_bytes += record->lengths[i];
  }
  record->texts_at = offset + RECORD_HEAD_BYTES;
  return record->lengths[0] > 0 && record->id >= LEAST_ID &&
         lies_within(database, record->texts_at, text_bytes);
}

/* A text with its length before it; moves `offset` behind it. */
static bool read_text(const struct pact_database *database, uint64_t *offset, struct text *text) {
  if (!lies_within(database, *offset, 2)) return false;
  text->length = u16_at(database->bytes + *offset);
  if (text->length == 0 || !lies_within(database, *offset + 2, text->length)) return false;
  text->bytes = database->bytes + *offset + 2;
  *offset += 2 + (uint64_t)text->length;
  return true;
}

/* Order of bytes, then of length, as the indices are sorted. */
static int compare(const char *name, size_t length, struct text text) {
  size_t common = length < text.length ? length : text.length;
  int order = memcmp(name, text.bytes, common);
  if (order != 0) return order;
  return length == text.length ? 0 : length < text.length ? -1 : 1;
}

static uint32_t offset_at(const struct pact_database *database, uint32_t index, uint32_t place) {
  return u32_at(database->bytes + index + (size_t)place * INDEX_BYTES);
}

enum pact_found pact_find_name(const struct pact_database *database, const char *name,
                               uint32_t *offset) {
  size_t length = strlen(name);
  uint32_t low = 0, high = database->records;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    uint32_t at = offset_at(database, database->by_name, middle);
    struct record record;
    if (!read_record(database, at, &record)) return PACT_DAMAGED;
    struct text text = {database->bytes + record.texts_at, record.lengths[0]};
    int order = compare(name, length, text);
    if (order == 0) {
      *offset = at;
      return PACT_FOUND;
    }
    if (order < 0) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return PACT_ABSENT;
}

enum pact_found pact_find_id(const struct pact_database *database, uint32_t id, uint32_t *offset) {
  uint32_t low = 0, high = database->records;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    uint32_t at = offset_at(database, database->by_id, middle);
    struct record record;
    if (!read_record(database, at, &record)) return PACT_DAMAGED;
    if (record.id == id) {
      *offset = at;
      return PACT_FOUND;
    }
    if (id < record.id) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return PACT_ABSENT;
}

enum pact_found pact_record_at(const struct pact_database *database, uint32_t place,
                               uint32_t *offset) {
  if (place >= database->records) return PACT_ABSENT;
  *offset = offset_at(database, database->by_id, place);
  return PACT_FOUND;
}

/* What is left of the caller's buffer. */
struct room {
  char *next;
  size_t left;
};

/* Copies a text with a NUL behind it. What would break a line of /etc/passwd is damage. */
static enum pact_found put(struct room *room, const uint8_t *bytes, uint16_t length, char **out) {
  if (room->left <= length) return PACT_TOO_SMALL;
  for (uint16_t i = 0; i < length; i++) {
    uint8_t byte = bytes[i];
    if (byte < ' ' || byte == ':' || byte == 0x7f) return PACT_DAMAGED;
    room->next[i] = (char)byte;
  }
  room->next[length] = '\0';
  *out = room->next;
  room->next += (size_t)length + 1;
  room->left -= (size_t)length + 1;
  return PACT_FOUND;
}

/* No password opens these accounts. */
static enum pact_found put_no_password(struct room *room, char **out) {
  return put(room, (const uint8_t *)"*", 1, out);
}

enum pact_found pact_fill_user(const struct pact_database *database, uint32_t offset,
                               struct passwd *user, char *buffer, size_t capacity) {
  struct record record;
  if (!read_record(database, offset, &record) || record.other < LEAST_ID) return PACT_DAMAGED;
  struct room room = {buffer, capacity};
  char **const places[4] = {&user->pw_name, &user->pw_gecos, &user->pw_dir, &user->pw_shell};
  const uint8_t *text = database->bytes + record.texts_at;
  for (int i = 0; i < 4; i++) {
    enum pact_found found = put(&room, text, record.lengths[i], places[i]);
    if (found != PACT_FOUND) return found;
    text += record.lengths[i];
  }
  user->pw_uid = record.id;
  user->pw_gid = record.other;
  return put_no_password(&room, &user->pw_passwd);
}

/* Pointers are stored where the compiler expects them. */
static bool align(struct room *room) {
  size_t odd = (uintptr_t)room->next % sizeof(char *);
  size_t skip = odd == 0 ? 0 : sizeof(char *) - odd;
  if (room->left < skip) return false;
  room->next += skip;
  room->left -= skip;
  return true;
}

enum pact_found pact_fill_group(const struct pact_database *database, uint32_t offset,
                                struct group *group, char *buffer, size_t capacity) {
  struct record record;
  if (!read_record(database, offset, &record)) return PACT_DAMAGED;
  uint64_t at = (uint64_t)record.texts_at + record.lengths[0];
  /* Before any "too small": no damaged count makes a caller grow its buffer without end. */
  if (record.other > (database->size - at) / LEAST_MEMBER_BYTES) return PACT_DAMAGED;
  struct room room = {buffer, capacity};
  size_t pointers = (size_t)record.other + 1;
  if (!align(&room) || room.left / sizeof(char *) < pointers) return PACT_TOO_SMALL;
  group->gr_mem = (char **)(void *)room.next;
  room.next += pointers * sizeof(char *);
  room.left -= pointers * sizeof(char *);
  for (uint32_t i = 0; i < record.other; i++) {
    struct text member;
    if (!read_text(database, &at, &member)) return PACT_DAMAGED;
    enum pact_found found = put(&room, member.bytes, member.length, &group->gr_mem[i]);
    if (found != PACT_FOUND) return found;
  }
  group->gr_mem[record.other] = NULL;
  group->gr_gid = record.id;
  enum pact_found found = put(&room, database->bytes + record.texts_at, record.lengths[0],
                              &group->gr_name);
  return found == PACT_FOUND ? put_no_password(&room, &group->gr_passwd) : found;
}

static bool user_of(const struct pact_database *database, uint32_t place, struct text *user,
                    uint32_t *gid) {
  const uint8_t *entry = database->bytes + database->members_at + (size_t)place * MEMBERSHIP_BYTES;
  uint64_t at = u32_at(entry);
  *gid = u32_at(entry + 4);
  return *gid >= LEAST_ID && read_text(database, &at, user);
}

enum pact_found pact_first_membership(const struct pact_database *database, const char *user,
                                      uint32_t *place) {
  size_t length = strlen(user);
  uint32_t low = 0, high = database->members;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    struct text text;
    uint32_t gid;
    if (!user_of(database, middle, &text, &gid)) return PACT_DAMAGED;
    if (compare(user, length, text) <= 0) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  *place = low;
  return PACT_FOUND;
}

enum pact_found pact_membership(const struct pact_database *database, const char *user,
                                uint32_t place, uint32_t *gid) {
  if (place >= database->members) return PACT_ABSENT;
  struct text text;
  if (!user_of(database, place, &text, gid)) return PACT_DAMAGED;
  return compare(user, strlen(user), text) == 0 ? PACT_FOUND : PACT_ABSENT;
}
