// An attacker inside a container who waits for processes that join it.
#pragma once

/// hunt FILE: for each new process, until it ends: looks at its program, descriptors, memory, and attaches to
/// it. What is no program of the container's yet must give nothing. Writes "ready", then for each process
/// that refuses for the first time "met one", and a line for each success.
int do_hunt(int argc, char** argv);
