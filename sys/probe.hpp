#pragma once

namespace ocx::sys {

/// The kernel knows this system call (SYS_…). It is made with arguments that it refuses whatever its name
/// means, or that change nothing: -1 for all. Not for calls to which -1 would be meaningful.
bool has_system_call(long number);

}  // namespace ocx::sys
