// Writes settings into the container's directories.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cgroups/settings.hpp"
#include "cgroups/tree_manager.hpp"
#include "sys/error.hpp"

namespace ocx::cgroups {

class SettingWriter {
 public:
  /// `made`: the directories that were made for the container. Both have to outlive the writer.
  SettingWriter(const std::vector<Tree>& trees, const std::vector<std::string>& made)
      : trees_(trees), made_(made) {}

  /// Writes them in their order, until the first that fails: Error with its origin.
  void apply(const std::vector<Setting>& settings);
  /// The same, but when one fails, the files have their former values again.
  void update(const std::vector<Setting>& settings);

 private:
  struct Former {
    std::string path, value;
  };
  struct Attempt {
    std::string directory, file, value;
  };

  void write_group(const Setting* first, const Setting* last);
  bool write(const Setting& setting);
  int write_once(const Setting& setting, const Tree* tree);
  Error refused(const Setting& setting, int error_number) const;
  int write_in_parents(const Setting& setting, const Tree& tree);
  int write_in(const std::string& directory, const Setting& setting);
  int write_file(const std::string& directory, const std::string& file, const std::string& value,
                 const Setting& setting);
  void remember(const std::string& path, const std::string& value, const Setting& setting);
  void put_back();
  const Tree* tree_of(const Setting& setting) const;
  void check_usage(const Setting& setting) const;

  const std::vector<Tree>& trees_;
  const std::vector<std::string>& made_;
  bool remembering_ = false;
  std::vector<Former> former_;
  Attempt last_;  // what the latest error is about
};

/// Pure: what has to be written to undo the write of `value`, from the file's content before. Nothing for
/// content that names no value.
std::optional<std::string> former_value(const std::string& file, const std::string& content,
                                        const std::string& value, bool keyed);

}  // namespace ocx::cgroups
