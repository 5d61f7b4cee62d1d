// Removing a directory with everything in it.
#pragma once

#include <string>

#include "sys/fd.hpp"

namespace ocx::sys {

/// Removes `name` in `parent` (one component), a directory with all its content. Symlinks are removed, not
/// followed; a directory that something is mounted on is left as it is and is an error (EXDEV), its content
/// untouched. An absent name is no error.
void remove_tree(FdRef parent, const std::string& name);

}  // namespace ocx::sys
