// Where the caller stands (user_namespaces(7)).
#pragma once

namespace ocx::sys {

/// False in the initial user namespace, which maps all ids to themselves, and on kernels without user
/// namespaces.
bool in_user_namespace();

}  // namespace ocx::sys
