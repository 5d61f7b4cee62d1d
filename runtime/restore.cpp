#include <sys/prctl.h>

#include "runtime/console.hpp"
#include "runtime/operations.hpp"
#include "runtime/remove.hpp"
#include "runtime/restoration.hpp"
#include "runtime/start.hpp"
#include "sys/process.hpp"

namespace ocx::runtime {
namespace {

void begin(Restoration& restoration) {
  restoration.commit();
  if (restoration.console().raw() >= 0) ForegroundRelay::set_size(restoration.console());
  run_poststart(restoration.directory(), restoration.record());
}

}  // namespace

int restore(const Globals& globals, const RestoreRequest& request) {
  check_id(request.create.id);
  sys::open_missing_stdio();
  if (request.detach) {
    Restoration restoration(globals, request);
    begin(restoration);
    return 0;
  }
  if (!request.no_subreaper) sys::prctl("PR_SET_CHILD_SUBREAPER", PR_SET_CHILD_SUBREAPER, 1);
  ForegroundRelay relay;  // before criu: a signal that comes meanwhile is for the container
  Restoration restoration(globals, request);
  begin(restoration);
  restoration.directory().unlock();
  const sys::ExitStatus status = relay.wait(restoration.pidfd(), restoration.take_console());
  if (restoration.directory().relock()) destroy(restoration.directory(), restoration.record());
  return status.shell_status();
}

}  // namespace ocx::runtime
