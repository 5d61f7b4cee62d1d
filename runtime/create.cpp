#include "runtime/launch.hpp"
#include "runtime/operations.hpp"
#include "runtime/passed_fds.hpp"

namespace ocx::runtime {

void create(const Globals& globals, const CreateRequest& request) {
  check_id(request.id);
  sanitise_inherited(request.preserve_fds + listen_fds());
  Launch launch(globals, request, {.gate = true, .foreground = false});
  launch.commit();
}

}  // namespace ocx::runtime
