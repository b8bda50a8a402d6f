/* A CGI program with nothing to do: the counterpart of /bin/true behind a web server. */
#include <unistd.h>

int main(void) {
  static const char head[] = "Content-Type: text/plain\r\n\r\n";
  return write(1, head, sizeof head - 1) == (ssize_t)(sizeof head - 1) ? 0 : 1;
}
