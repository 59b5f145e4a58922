/*
 * A consumer of the handoff socket, written from docs/namespace-socket.md alone. It reads commands from
 * its input, one per line, and prints what happens:
 *
 *   send JSON      sends a frame
 *   cut JSON       sends a frame without its last byte, and closes
 *   length N       sends only a header that announces N bytes
 *   recv           receives a frame: prints its JSON, a tab, and what its descriptors are
 *   enter          joins every namespace of the last descriptors in a child process: prints the child's
 *                  pid there, the flags of `lo`, and the names below the directory of its argument
 *   run            starts a process in them that sleeps, in the background: prints its pid
 *   move PID FILE  writes a pid into a cgroup's file
 *   close          closes the connection
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int connection = -1;
static int descriptors[16];
static int descriptor_count;

static void print_errno(const char *what) {
  printf("errno %s: %s\n", what, strerror(errno));
}

static void connect_to(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(connection, (struct sockaddr *)&address, sizeof address) != 0) {
    print_errno("connect");
    exit(1);
  }
}

static void send_frame(const char *json, size_t missing) {
  static char frame[70000];
  uint32_t length = (uint32_t)strlen(json), header = htonl(length);
  memcpy(frame, &header, sizeof header);
  memcpy(frame + sizeof header, json, length);
  size_t total = sizeof header + length - missing;
  if (send(connection, frame, total, MSG_NOSIGNAL) != (ssize_t)total) print_errno("send");
}

static void forget_descriptors(void) {
  while (descriptor_count > 0) close(descriptors[--descriptor_count]);
}

/* Takes the next bytes, and descriptors where they ride on them. */
static ssize_t take(void *bytes, size_t count) {
  struct iovec part = {bytes, count};
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof descriptors)];
  } control;
  struct msghdr message = {.msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = control.bytes,
                           .msg_controllen = sizeof control.bytes};
  ssize_t got = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
  for (struct cmsghdr *at = CMSG_FIRSTHDR(&message); got > 0 && at != NULL;
       at = CMSG_NXTHDR(&message, at)) {
    if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_RIGHTS) continue;
    forget_descriptors();
    descriptor_count = (int)((at->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(descriptors, CMSG_DATA(at), (size_t)descriptor_count * sizeof(int));
  }
  return got;
}

static int take_all(void *bytes, size_t count) {
  for (size_t at = 0; at < count;) {
    ssize_t got = take((char *)bytes + at, count - at);
    if (got <= 0) return -1;
    at += (size_t)got;
  }
  return 0;
}

static void receive_frame(void) {
  static char json[65537];
  uint32_t header;
  forget_descriptors();
  if (take_all(&header, sizeof header) != 0 || ntohl(header) > 65536 ||
      take_all(json, ntohl(header)) != 0) {
    printf("end\n");
    return;
  }
  json[ntohl(header)] = '\0';
  printf("%s\t", json);
  for (int i = 0; i < descriptor_count; i++) {
    struct stat status = {0};
    fstat(descriptors[i], &status);
    int type = ioctl(descriptors[i], NS_GET_NSTYPE);
    const char *name = type == CLONE_NEWPID   ? "pid"
                       : type == CLONE_NEWNET ? "net"
                       : type == CLONE_NEWNS  ? "mnt"
                                              : "none";
    printf("%s%s:[%lu]", i == 0 ? "" : " ", name, (unsigned long)status.st_ino);
  }
  printf("\n");
}

static int join_all(void) {
  for (int i = 0; i < descriptor_count; i++) {
    if (setns(descriptors[i], 0) != 0) return -1;
  }
  return 0;
}

static void look_around(const char *directory) {
  struct ifreq lo = {.ifr_name = "lo"};
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  ioctl(fd, SIOCGIFFLAGS, &lo);
  printf("pid %d lo %s in", getpid(), lo.ifr_flags & IFF_UP ? "up" : "down");
  DIR *listing = opendir(directory);
  for (struct dirent *entry; listing != NULL && (entry = readdir(listing)) != NULL;) {
    if (entry->d_name[0] != '.') printf(" %s", entry->d_name);
  }
  printf("\n");
  fflush(stdout);
}

/* setns(2) of a PID namespace counts for children only: so a child of a child. */
static void enter(const char *directory) {
  fflush(stdout);
  pid_t joined = fork();
  if (joined == 0) {
    if (join_all() != 0) {
      print_errno("setns");
    } else if (fork() == 0) {
      look_around(directory);
      _exit(0);
    }
    fflush(stdout);
    while (wait(NULL) > 0) continue;
    _exit(0);
  }
  waitpid(joined, NULL, 0);
}

/* Prints the pid here of a process that sleeps in the namespaces. */
static void run(void) {
  fflush(stdout);
  int told[2];
  if (pipe(told) != 0) return print_errno("pipe");
  pid_t joined = fork();
  if (joined == 0) {
    if (join_all() != 0) _exit(1);
    pid_t child = fork();
    if (child == 0) {
      close(STDIN_FILENO);
      close(STDOUT_FILENO);
      sleep(60);
      _exit(0);
    }
    ssize_t written = write(told[1], &child, sizeof child);
    _exit(written == sizeof child ? 0 : 1);
  }
  close(told[1]);
  pid_t child = -1;
  if (read(told[0], &child, sizeof child) != sizeof child) print_errno("run");
  close(told[0]);
  waitpid(joined, NULL, 0);
  printf("pid %d\n", child);
}

static void move(const char *pid, const char *file) {
  FILE *stream = fopen(file, "we");
  if (stream == NULL || fputs(pid, stream) < 0 || fclose(stream) != 0) return print_errno(file);
  printf("moved\n");
}

int main(int count, char **arguments) {
  static char line[80000];
  if (count != 2) return 2;
  connect_to(arguments[1]);
  while (fgets(line, sizeof line, stdin) != NULL) {
    line[strcspn(line, "\n")] = '\0';
    char *rest = strchr(line, ' ');
    if (rest != NULL) *rest++ = '\0';
    if (strcmp(line, "send") == 0 && rest != NULL) {
      send_frame(rest, 0);
    } else if (strcmp(line, "cut") == 0 && rest != NULL) {
      send_frame(rest, 1);
      close(connection);
    } else if (strcmp(line, "length") == 0 && rest != NULL) {
      uint32_t header = htonl((uint32_t)strtoul(rest, NULL, 10));
      if (send(connection, &header, sizeof header, MSG_NOSIGNAL) < 0) print_errno("send");
    } else if (strcmp(line, "recv") == 0) {
      receive_frame();
    } else if (strcmp(line, "enter") == 0) {
      enter(rest == NULL ? "/" : rest);
    } else if (strcmp(line, "run") == 0) {
      run();
    } else if (strcmp(line, "move") == 0 && rest != NULL) {
      char *file = strchr(rest, ' ');
      if (file == NULL) return 2;
      *file++ = '\0';
      move(rest, file);
    } else if (strcmp(line, "close") == 0) {
      close(connection);
    }
    fflush(stdout);
  }
  return 0;
}
