// Capabilities that ocx needs between the change of user and the program's own sets.
#pragma once

namespace ocx::runtime {

/// Makes a permitted capability effective: leaving uid 0 has cleared that set, also of what PR_SET_KEEPCAPS
/// kept (capabilities(7)). False when it is not permitted, or effective already.
bool raise_effective(unsigned capability);

}  // namespace ocx::runtime
