/* Writes the format as its documentation has it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frame.h"
#include "map_file.h"

char pact_nss_directory[1024];

const struct image_user people[2] = {
    {"amy", 10000, 10000, "Amy", "/home/amy", "/bin/bash"},
    {"bob", 10001, 10000, "", "/home/bob", "/bin/sh"},
};

const struct image_group teams[3] = {
    {"render", 3000, {"amy", "bob", NULL}},
    {"staff", 3001, {"amy", NULL}},
    {"video", 3050, {"amy", NULL}},
};

struct out {
  uint8_t *bytes;
  size_t size;
};

static void put_bytes(struct out *out, const void *bytes, size_t count) {
  out->bytes = realloc(out->bytes, out->size + count + 1);
  if (out->bytes == NULL) abort();
  memcpy(out->bytes + out->size, bytes, count);
  out->size += count;
}

static void put_u16(struct out *out, size_t value) {
  uint8_t bytes[2] = {(uint8_t)value, (uint8_t)(value >> 8)};
  put_bytes(out, bytes, sizeof bytes);
}

static void put_u32(struct out *out, uint32_t value) {
  put_u16(out, value & 0xffff);
  put_u16(out, value >> 16);
}

static void set_u32(struct out *out, size_t at, uint32_t value) {
  for (int i = 0; i < 4; i++) out->bytes[at + i] = (uint8_t)(value >> (8 * i));
}

static void put_text(struct out *out, const char *text) {
  put_u16(out, strlen(text));
  put_bytes(out, text, strlen(text));
}

static void begin(struct out *out, uint32_t kind, uint32_t count) {
  uint8_t header[64] = "PACTNSS1";
  put_bytes(out, header, sizeof header);
  set_u32(out, 8, 1);
  set_u32(out, 12, kind);
  set_u32(out, 20, count);
}

static uint8_t *end(struct out *out, const uint32_t *records, uint32_t count, size_t *size) {
  for (size_t at = 24; at <= 28; at += 4) {
    set_u32(out, at, (uint32_t)out->size);
    for (uint32_t i = 0; i < count; i++) put_u32(out, records[i]);
  }
  set_u32(out, 16, (uint32_t)out->size);
  *size = out->size;
  uint8_t *exact = malloc(out->size);
  if (exact == NULL) abort();
  memcpy(exact, out->bytes, out->size);
  free(out->bytes);
  return exact;
}

uint8_t *user_image(const struct image_user *users, uint32_t count, size_t *size) {
  struct out out = {NULL, 0};
  uint32_t records[64];
  begin(&out, 1, count);
  for (uint32_t i = 0; i < count; i++) {
    records[i] = (uint32_t)out.size;
    put_u32(&out, users[i].uid);
    put_u32(&out, users[i].gid);
    const char *texts[] = {users[i].name, users[i].gecos, users[i].home, users[i].shell};
    for (int text = 0; text < 4; text++) put_u16(&out, strlen(texts[text]));
    for (int text = 0; text < 4; text++) put_bytes(&out, texts[text], strlen(texts[text]));
  }
  set_u32(&out, 36, (uint32_t)out.size);
  return end(&out, records, count, size);
}

struct membership {
  const char *user;
  uint32_t gid, text_at;
};

static int by_user(const void *left, const void *right) {
  const struct membership *a = left, *b = right;
  int order = strcmp(a->user, b->user);
  return order != 0 ? order : (a->gid > b->gid) - (a->gid < b->gid);
}

uint8_t *group_image(const struct image_group *groups, uint32_t count, size_t *size) {
  struct out out = {NULL, 0};
  uint32_t records[64];
  struct membership memberships[256];
  uint32_t members = 0;
  begin(&out, 2, count);
  for (uint32_t i = 0; i < count; i++) {
    records[i] = (uint32_t)out.size;
    uint32_t own = 0;
    while (groups[i].members[own] != NULL) own++;
    put_u32(&out, groups[i].gid);
    put_u32(&out, own);
    put_u16(&out, strlen(groups[i].name));
    for (int unused = 0; unused < 3; unused++) put_u16(&out, 0);
    put_bytes(&out, groups[i].name, strlen(groups[i].name));
    for (uint32_t j = 0; j < own; j++) {
      memberships[members++] =
          (struct membership){groups[i].members[j], groups[i].gid, (uint32_t)out.size};
      put_text(&out, groups[i].members[j]);
    }
  }
  qsort(memberships, members, sizeof *memberships, by_user);
  set_u32(&out, 32, members);
  set_u32(&out, 36, (uint32_t)out.size);
  for (uint32_t i = 0; i < members; i++) {
    put_u32(&out, memberships[i].text_at);
    put_u32(&out, memberships[i].gid);
  }
  return end(&out, records, count, size);
}

void install(const char *name, const uint8_t *bytes, size_t size, unsigned mode) {
  char path[1100], temporary[1110];
  snprintf(path, sizeof path, "%s/%s", pact_nss_directory, name);
  snprintf(temporary, sizeof temporary, "%s.new", path);
  if (bytes == NULL) {
    unlink(path);
    return;
  }
  int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || fchmod(fd, mode) != 0) abort();
  close(fd);
  if (rename(temporary, path) != 0) abort();
}

void install_people(void) {
  size_t size;
  uint8_t *users = user_image(people, 2, &size);
  install("passwd.db", users, size, 0644);
  free(users);
  uint8_t *groups = group_image(teams, 3, &size);
  install("group.db", groups, size, 0644);
  free(groups);
}
