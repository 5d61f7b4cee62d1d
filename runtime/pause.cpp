#include "runtime/messages.hpp"
#include "runtime/operations.hpp"
#include "runtime/status.hpp"
#include "sys/error.hpp"

namespace ocx::runtime {

void pause(const Globals& globals, const std::string& id) {
  const StateDirectory directory = StateDirectory::open_locked(globals, id);
  const Record record = directory.load();
  const spec::Status status = live_status(directory, record);
  check_has_process(id, status);
  // runc's words, with the reason.
  if (status == spec::Status::paused)
    throw Error(std::string(messages::not_running) + ": it is paused already", ErrorKind::wrong_state);
  open_cgroup(record)->freeze();
}

void resume(const Globals& globals, const std::string& id) {
  const StateDirectory directory = StateDirectory::open_locked(globals, id);
  const Record record = directory.load();
  if (live_status(directory, record) != spec::Status::paused)
    throw Error(messages::not_paused, ErrorKind::wrong_state);
  open_cgroup(record)->thaw();
}

}  // namespace ocx::runtime
