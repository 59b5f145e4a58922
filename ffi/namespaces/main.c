#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "namespaces.h"

enum { EXIT_USAGE = 2 };

void fail(const char *what) {
  printf("error %s: %s\n", what, strerror(errno));
  fflush(stdout);
  _Exit(EXIT_FAILURE);
}

int main(int count, char **arguments) {
  const char *command = count > 1 ? arguments[1] : "";
  if (count == 6 && strcmp(command, "hold") == 0) {
    return hold(arguments[2], arguments[3], arguments[4], arguments[5]);
  }
  if (count == 5 && strcmp(command, "bind") == 0) {
    return bind_into(arguments[2], arguments[3], arguments[4]);
  }
  if (count == 4 && strcmp(command, "unbind") == 0) {
    return unbind_from(arguments[2], arguments[3]);
  }
  fprintf(stderr, "usage: pact-namespaces hold|bind|unbind ...\n");
  return EXIT_USAGE;
}
