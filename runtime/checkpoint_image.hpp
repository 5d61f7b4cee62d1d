// Where an image is, and what a dump and a restore of it have in common.
#pragma once

#include <map>
#include <string>

#include "runtime/criu_message.hpp"
#include "runtime/plan.hpp"
#include "sys/fd.hpp"

namespace ocx::runtime {

/// The directories of one dump or restore, open.
struct CheckpointImage {
  sys::UniqueFd images, work;
  std::string log_path;  // <work>/dump.log
};

/// Opens the directories; `make` makes missing ones (0711), else a missing image is an error. An empty
/// `work_path` is the image's.
CheckpointImage open_image(const std::string& image_path, const std::string& work_path,
                           const std::string& log_name, bool make);

/// A failure before criu could write its log: engines look there for the reason.
void leave_log(const CheckpointImage& image, const std::string& log_name, const std::string& text);

/// What both calls of criu begin with.
CriuOptions criu_options(const CheckpointImage& image, const std::string& log_name,
                         const CriuSettings& settings, const std::map<std::string, std::string>& annotations);

/// criu needs what root of the initial user namespace may. Error unsupported for others; for a container
/// without a mount namespace of its own, and for one that joins others' mount or cgroup namespace.
void check_dumpable(const Plan& plan);

/// What an image calls a network or pid namespace that was joined by path (as runc does); empty: another
/// type.
std::string external_namespace_key(std::uint64_t flag);

}  // namespace ocx::runtime
