// The executable that enters a container must not be the host's writable file (CVE-2019-5736): the payload
// can reach it as /proc/PID/exe, or be told to execute "#!/proc/self/exe".
#pragma once

namespace ocx::runtime {

/// Returns at once when this process already runs from a read-only mount or a sealed memfd; else executes
/// itself again, with the same arguments and environment, from a detached read-only clone of its own mount,
/// or, where that is refused (no CAP_SYS_ADMIN, before Linux 5.12), from a sealed copy in memory. To be
/// called first, by the commands that start a process in a container. Error: neither can be had.
///
/// For tests: OCX_SEAL=mount or OCX_SEAL=memfd in the environment allows that way alone.
void reexec_from_sealed_copy(char* const* argv, char* const* environment);

}  // namespace ocx::runtime
