// Files nobody can write any more.
#pragma once

#include <string>

#include "sys/fd.hpp"
#include "sys/file.hpp"

namespace ocx::sys {

/// The mount the descriptor was opened through is read-only (fstatfs(2) f_flags), or its file system is.
bool on_read_only_mount(FdRef fd);
/// A memfd with F_SEAL_WRITE, F_SEAL_SHRINK, F_SEAL_GROW and F_SEAL_SEAL. Needs a descriptor that is no
/// O_PATH one.
bool is_sealed(FdRef fd);
/// A sealed, executable memfd (memfd_create(2)) with the file's content, or the errno of what failed.
FdResult try_sealed_copy(FdRef file, const std::string& name);

}  // namespace ocx::sys
