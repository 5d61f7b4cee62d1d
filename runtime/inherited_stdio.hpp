// Standard streams of a container that come from outside: pipes to an engine, files and terminals of the
// host. criu can't bring those back; on restore it is given new ones, which it knows by what the old ones
// were.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "runtime/external_mounts.hpp"
#include "sys/procfs.hpp"

namespace ocx::runtime {

/// What 0, 1 and 2 of a process are: in criu's words when they are to be given anew (`pipe:[7]`,
/// `socket:[7]`, `file[MOUNT:INODE]`, `tty[RDEV:DEV]`, criu(8) --inherit-fd), else their path.
std::vector<std::string> describe_stdio(const sys::Procfs& proc, int pid);
/// Those among them that criu has to be told to leave out, as they are on no mount of the container's.
std::vector<std::string> stdio_externals(const std::vector<std::string>& stdio);
/// For criu, with descriptor `first` + n in place of stream n: those that are to be given anew, each once.
std::vector<std::pair<std::string, int>> inherited_stdio(const std::vector<std::string>& stdio, int first);

/// Gives the caller's streams to a user of the host, as init does on create: the container reopens them. What
/// can't be given stays.
void give_stdio(uid_t uid);

/// descriptors.json in an image directory, as runc has it. Absent: none, in a directory that criu alone has
/// written. Error: no regular file (an image comes from anywhere: a FIFO would block), damaged.
void save_stdio(sys::FdRef images, const std::vector<std::string>& stdio);
std::vector<std::string> load_stdio(sys::FdRef images);

}  // namespace ocx::runtime
