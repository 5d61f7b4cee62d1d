#include "sys/network.hpp"

#include "runtime/init_context.hpp"

namespace ocx::runtime {

void execute(InitContext&, const step::LoopbackUp&) {
  sys::set_interface_up("lo");
}

}  // namespace ocx::runtime
