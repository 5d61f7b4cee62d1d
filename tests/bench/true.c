// The payload of the measured containers, and the least a command can do.
int main(void) {
  return 0;
}
