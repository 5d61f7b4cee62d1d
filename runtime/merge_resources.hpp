// What `update` writes, worked out before anything is written.
#pragma once

#include "spec/resources.hpp"

namespace ocx::runtime {

struct ResourceUpdate {
  spec::Resources write;  // for the kernel: nothing but what has to be written
  spec::Resources next;   // for the record: what is in force afterwards
  bool empty() const;     // nothing to write
};

/// `request` on top of what is in force. Absent properties keep their values, and so do zeros and empty texts
/// where they make no limit: engines write them for "not set". Devices are left out. Lists are merged by
/// their key (device, page size, interface). Values that the kernel takes only in pairs are both in `write`.
/// Errors (invalid_config; origins are JSON pointers in the `resources` object): a rule broken by both
/// together.
ResourceUpdate merge_resources(const spec::Resources& in_force, const spec::Resources& request);

}  // namespace ocx::runtime
