/* The limit of P3: for each connection on a loopback port, starts "head -c BYTES /dev/zero" on a pipe and copies the
   pipe to the connection with read and write. usage: copy BYTES; prints the port. Runs until it is killed. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static char buffer[65536];

/* Reads the one line that curl sends: unread bytes would turn the close into a reset. */
static void read_request(int peer) {
  size_t length = 0;
  while (length < sizeof buffer - 1) {
    ssize_t n = read(peer, buffer + length, sizeof buffer - 1 - length);
    if (n <= 0) return;
    length += (size_t)n;
    buffer[length] = 0;
    if (strstr(buffer, "\r\n")) return;
  }
}

static void send_all(int peer, ssize_t length) {
  for (ssize_t sent = 0; sent < length;) {
    ssize_t n = write(peer, buffer + sent, (size_t)(length - sent));
    if (n <= 0) return;
    sent += n;
  }
}

static void serve(int peer, char *bytes) {
  int ends[2];
  pid_t pid;
  char *command[] = {"head", "-c", bytes, "/dev/zero", NULL};
  posix_spawn_file_actions_t actions;
  read_request(peer);
  if (pipe2(ends, O_CLOEXEC) != 0) return;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  int failed = posix_spawnp(&pid, "head", &actions, NULL, command, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  for (ssize_t n; !failed && (n = read(ends[0], buffer, sizeof buffer)) > 0;) send_all(peer, n);
  close(ends[0]);
  if (!failed) waitpid(pid, NULL, 0);
}

int main(int argc, char **argv) {
  if (argc != 2) return 64;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  signal(SIGPIPE, SIG_IGN);
  if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 8) != 0) return 1;
  getsockname(listener, (struct sockaddr *)&address, &size);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  for (int peer; (peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0; close(peer)) serve(peer, argv[1]);
  return 1;
}
