#include "cmd/matching.hpp"

#include <optional>

#include "runtime/operations.hpp"
#include "sys/error.hpp"
#include "sys/log.hpp"

namespace ocx::cmd {

void for_each_container(const runtime::Globals& globals, const Arguments& arguments,
                        const std::function<void(const std::string& id)>& act) {
  const std::string& id = arguments.positional().front();
  if (!arguments.flag("regex")) return act(id);
  std::optional<Error> first;
  for (const std::string& match : runtime::matching_ids(globals, id)) {
    try {
      act(match);
    } catch (Error& error) {
      error.in("container " + match);
      if (!first)
        first = error;
      else
        sys::log_warning(error.what());
    }
  }
  if (first) throw *first;
}

}  // namespace ocx::cmd
