#include "cgroups/systemd_devices.hpp"

#include <algorithm>
#include <string>

#include "cgroups/device_list.hpp"
#include "sys/text.hpp"

namespace ocx::cgroups {
namespace {

/// "c 136:* rwm" is {"char-136", "rwm"}, "c 1:3 rw" {"/dev/char/1:3", "rw"}, "b *:* m" {"block-*", "m"}: what
/// needs no node on the host.
struct Allowed {
  std::string node, access;
};

Allowed allowed_of(const std::string& line) {
  const std::vector<std::string> words = sys::split(line, ' ');
  if (words.size() != 3) return {};
  const std::size_t colon = words[1].find(':');
  const std::string kind = words[0] == "b" ? "block" : "char";
  const std::string major = words[1].substr(0, colon), minor = words[1].substr(colon + 1);
  if (minor == "*") return {kind + "-" + major, words[2]};
  if (major == "*") return {};
  return {"/dev/" + kind + "/" + words[1], words[2]};
}

class List {
 public:
  void take(const DeviceWrite& write) {
    if (write.line == "a") {
      everything_ = write.allow;
      allowed_.clear();
      return;
    }
    const Allowed entry = allowed_of(write.line);
    if (entry.node.empty()) return;
    if (write.allow)
      allowed_.push_back(entry);
    else
      deny(entry);
  }

  std::vector<UnitProperty> properties() const {
    UnitProperty allow{"DeviceAllow", "a(ss)", {std::to_string(everything_ ? 0 : allowed_.size())}, true, ""};
    if (!everything_)
      for (const Allowed& entry : allowed_) {
        allow.tokens.push_back(entry.node);
        allow.tokens.push_back(entry.access);
      }
    // The empty list first: systemd adds to what it has.
    return {{"DevicePolicy", "s", {everything_ ? "auto" : "strict"}, true, ""},
            {"DeviceAllow", "a(ss)", {"0"}, true, ""},
            std::move(allow)};
  }

 private:
  void deny(const Allowed& entry) {
    for (Allowed& known : allowed_)
      if (known.node == entry.node)
        std::erase_if(known.access,
                      [&](char letter) { return entry.access.find(letter) != std::string::npos; });
    std::erase_if(allowed_, [](const Allowed& known) { return known.access.empty(); });
  }

  bool everything_ = true;
  std::vector<Allowed> allowed_;
};

}  // namespace

std::vector<UnitProperty> device_properties(const std::vector<spec::DeviceRule>& rules) {
  if (rules.empty() || !has_device_writes(rules)) return {};
  List list;
  for (const DeviceWrite& write : device_writes(rules)) list.take(write);
  return list.properties();
}

}  // namespace ocx::cgroups
