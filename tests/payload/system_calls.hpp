#pragma once

// syscall NUMBER[:ARGUMENT…]…: makes each call in a child of its own and prints one line each: "ok", the name
// of errno, or "signal N". An argument is a number, or "path=TEXT" for a pointer to it.
int do_syscall(int argc, char** argv);
