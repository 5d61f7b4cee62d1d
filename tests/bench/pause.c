// The payload of the containers that exec enters.
#include <unistd.h>

int main(void) {
  for (;;) pause();
}
