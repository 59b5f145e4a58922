/* Bytes that nobody wrote on purpose. The databases lie in allocations of exactly their size, so that
 * a read one byte past the end is caught. */
#include <stdlib.h>
#include <string.h>

#include "database.h"
#include "frame.h"

enum { ROUNDS = 20000, LARGEST_BUFFER = 1 << 16 };

static uint64_t seed;

static uint32_t chance(uint32_t below) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return (uint32_t)(seed >> 32) % below;
}

/* Grows its buffer as the C library does; a damaged record must not make it grow for ever. */
static void fill(const struct pact_database *database, uint32_t offset, bool is_group) {
  for (size_t capacity = 16; capacity <= LARGEST_BUFFER; capacity *= 2) {
    char *buffer = malloc(capacity);
    struct passwd user;
    struct group group;
    enum pact_found found =
        is_group ? pact_fill_group(database, offset, &group, buffer, capacity)
                 : pact_fill_user(database, offset, &user, buffer, capacity);
    if (found == PACT_FOUND) {
      CHECK((is_group ? group.gr_gid : user.pw_uid) >= 1000);
      CHECK(memchr(is_group ? group.gr_name : user.pw_name, 0, capacity) != NULL);
    }
    free(buffer);
    if (found != PACT_TOO_SMALL) return;
  }
}

static void use(const uint8_t *bytes, size_t size, bool is_group) {
  struct pact_database database;
  if (!pact_database_read(&database, bytes, size, is_group ? PACT_GROUPS : PACT_USERS)) return;
  const char *const names[] = {"", "amy", "bob", "render", "video", "zzzzzzzzzzzzzzzz"};
  uint32_t offset, place, gid;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (pact_find_name(&database, names[i], &offset) == PACT_FOUND) fill(&database, offset, is_group);
    if (pact_first_membership(&database, names[i], &place) != PACT_FOUND) continue;
    for (uint32_t more = 0; more < 8; more++) {
      if (pact_membership(&database, names[i], place + more, &gid) != PACT_FOUND) break;
      CHECK(gid >= 1000);
    }
  }
  const uint32_t ids[] = {0, 3000, 3050, 10000, 10001, UINT32_MAX};
  for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
    if (pact_find_id(&database, ids[i], &offset) == PACT_FOUND) fill(&database, offset, is_group);
  }
  for (uint32_t at = 0; at < 64; at++) {
    if (pact_record_at(&database, at, &offset) != PACT_FOUND) break;
    fill(&database, offset, is_group);
  }
}

static void mutate(uint8_t *bytes, size_t size) {
  static const uint8_t telling[] = {0x00, 0x01, 0x7f, 0x80, 0xff, ':'};
  for (uint32_t change = 1 + chance(6); change > 0; change--) {
    size_t at = chance(4) == 0 ? 8 + chance(56) : chance((uint32_t)size);
    switch (chance(3)) {
      case 0:
        bytes[at] = telling[chance(sizeof telling)];
        break;
      case 1:
        bytes[at] ^= (uint8_t)(1u << chance(8));
        break;
      default:
        bytes[at] = (uint8_t)chance(256);
    }
  }
}

static void damaged_bytes_break_nothing(void) {
  seed = 0x5eed0f1d;
  for (int round = 0; round < ROUNDS; round++) {
    bool is_group = round % 2 == 1;
    size_t size;
    uint8_t *image = is_group ? group_image(teams, 3, &size) : user_image(people, 2, &size);
    mutate(image, size);
    use(image, size, is_group);
    free(image);
  }
}

static void every_cut_breaks_nothing(void) {
  for (int is_group = 0; is_group < 2; is_group++) {
    size_t size;
    uint8_t *image = is_group ? group_image(teams, 3, &size) : user_image(people, 2, &size);
    for (size_t cut = 0; cut < size; cut++) {
      uint8_t *part = malloc(cut + 1);
      memcpy(part, image, cut);
      uint8_t *exact = realloc(part, cut == 0 ? 1 : cut);
      use(exact, cut, is_group);
      /* A cut file whose header agrees with its size: only the texts are missing. */
      if (cut >= 64) {
        for (int i = 0; i < 4; i++) exact[16 + i] = (uint8_t)(cut >> (8 * i));
        use(exact, cut, is_group);
      }
      free(exact);
    }
    free(image);
  }
}

static void noise_breaks_nothing(void) {
  seed = 0xbadcafe;
  for (int round = 0; round < ROUNDS; round++) {
    size_t size = 64 + chance(400);
    uint8_t *bytes = malloc(size);
    for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)chance(chance(2) ? 256 : 4);
    memcpy(bytes, "PACTNSS1", 8);
    memcpy(bytes + 8, (const uint8_t[]){1, 0, 0, 0, (uint8_t)(1 + round % 2), 0, 0, 0}, 8);
    for (int i = 0; i < 4; i++) bytes[16 + i] = (uint8_t)(size >> (8 * i));
    for (int at = 20; at < 40; at += 4) bytes[at + 2] = bytes[at + 3] = 0;
    use(bytes, size, round % 2 == 1);
    free(bytes);
  }
}

const struct test fuzz_tests[] = {
    {"NSS-4: damaged bytes break nothing", damaged_bytes_break_nothing},
    {"NSS-4: a file cut anywhere breaks nothing", every_cut_breaks_nothing},
    {"NSS-4: noise behind a good header breaks nothing", noise_breaks_nothing},
    {NULL, NULL},
};
