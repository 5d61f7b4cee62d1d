#include "runtime/operations.hpp"
#include "runtime/state_store.hpp"

namespace ocx::runtime {

spec::State state(const Globals& globals, const std::string& id) {
  const StateDirectory directory = StateDirectory::open(globals, id);
  const Record record = directory.load();
  return to_state(record, live_status(directory, record));
}

}  // namespace ocx::runtime
