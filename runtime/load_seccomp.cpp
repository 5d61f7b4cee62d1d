#include "runtime/init_context.hpp"
#include "sys/error.hpp"

namespace ocx::runtime {

void execute(InitContext&, const step::LoadSeccomp&) {
  throw Error("not there yet", ErrorKind::unsupported);
}

}  // namespace ocx::runtime
