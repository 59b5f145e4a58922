/* The kernel's descriptions of its binary events (Documentation/trace/events.rst, "Event formats"). */
#include <stdio.h>
#include <string.h>

#include "tracefs.h"

/* A line is `field:TYPE NAME[N];\toffset:N;\tsize:N;`, with anything of a C declaration for TYPE. */
static bool parse_field(const char *line, const char *name, struct trace_field *found) {
  while (*line == '\t' || *line == ' ') line++;
  static const char FIELD[] = "field:";
  if (strncmp(line, FIELD, sizeof FIELD - 1) != 0) return false;
  line += sizeof FIELD - 1;
  const char *end = line + strcspn(line, ";\n");
  if (*end != ';') return false;
  const char *name_end = end;
  if (name_end > line && name_end[-1] == ']') {
    while (name_end > line && *name_end != '[') name_end--;
  }
  size_t bytes = strlen(name);
  if ((size_t)(name_end - line) <= bytes) return false;
  const char *start = name_end - bytes;
  if (memcmp(start, name, bytes) != 0 || start[-1] != ' ') return false;
  while (*line == ' ') line++;
  static const char LOCATION[] = "__data_loc ";
  struct trace_field field = {.is_location = strncmp(line, LOCATION, sizeof LOCATION - 1) == 0};
  if (sscanf(end, "; offset:%9u; size:%9u;", &field.offset, &field.bytes) != 2) return false;
  if (field.bytes == 0 || field.offset + field.bytes > TRACE_PAGE_BYTES_MAX) return false;
  *found = field;
  return true;
}

bool trace_find_field(const char *format, const char *name, struct trace_field *found) {
  for (const char *line = format; line != NULL; line = strchr(line, '\n')) {
    if (*line == '\n') line++;
    if (parse_field(line, name, found)) return true;
  }
  return false;
}

bool trace_parse_layout(const char *format, const char *text, struct trace_layout *layout) {
  *layout = (struct trace_layout){0};
  const char *id = strstr(format, "\nID: ");
  if (id == NULL || sscanf(id, "\nID: %9u", &layout->id) != 1) return false;
  if (layout->id == 0 || layout->id > UINT16_MAX) return false;
  struct trace_field type;
  if (!trace_find_field(format, "common_type", &type) || type.offset != 0 || type.bytes != 2) {
    return false;
  }
  if (!trace_find_field(format, "common_pid", &layout->pid) || layout->pid.bytes != 4) return false;
  if (text == NULL) return true;
  if (!trace_find_field(format, text, &layout->text)) return false;
  return layout->text.is_location && layout->text.bytes == 4;
}

bool trace_parse_page_layout(const char *format, struct trace_page_layout *layout) {
  return trace_find_field(format, "timestamp", &layout->time) && layout->time.bytes == 8 &&
         trace_find_field(format, "commit", &layout->commit) &&
         (layout->commit.bytes == 4 || layout->commit.bytes == 8) &&
         trace_find_field(format, "data", &layout->data) &&
         layout->data.offset >= layout->commit.offset + layout->commit.bytes &&
         layout->data.offset >= layout->time.offset + layout->time.bytes;
}
