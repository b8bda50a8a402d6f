/* The limit of P1: starts a program and waits for it, and does nothing else.
   usage: spawn SECONDS IN_FLIGHT PROGRAM; prints "<ended> <seconds>". */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  if (argc != 4) return 64;
  double begin = now(), end = begin + atof(argv[1]);
  int most = atoi(argv[2]), running = 0;
  long ended = 0;
  char *command[] = {argv[3], NULL};
  while (now() < end) {
    while (running < most) {
      pid_t pid;
      if (posix_spawn(&pid, argv[3], NULL, NULL, command, environ) != 0) return 1;
      running++;
    }
    if (waitpid(-1, NULL, 0) < 0) return 1;
    running--;
    ended++;
  }
  double spent = now() - begin;
  while (running-- > 0) waitpid(-1, NULL, 0);
  printf("%ld %.6f\n", ended, spent);
  return 0;
}
