#include "runtime/program.hpp"

#include <unistd.h>

#include "runtime/environment.hpp"
#include "runtime/executable.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

uid_t payload_uid(const Plan& plan) {
  for (const InitStep& step : plan.enter)
    if (const auto* user = std::get_if<step::SetUser>(&step.action)) return user->uid;
  return 0;
}

}  // namespace

void run_steps(InitContext& context, const std::vector<InitStep>& steps, const char* stage,
               const std::string& fail_at) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (sys::log_enabled(sys::LogLevel::debug))
      sys::log_debug(std::string("init: ") + describe(steps[i].action));
    try {
      if (!fail_at.empty() && fail_at == stage + (":" + std::to_string(i)))
        throw Error("failure asked for before: " + describe(steps[i].action));
      std::visit([&context](const auto& action) { execute(context, action); }, steps[i].action);
    } catch (Error& error) {
      error.at(steps[i].origin);
      throw;
    }
  }
}

std::vector<std::string> settled_environment(const InitContext& context) {
  const Plan& plan = context.plan;
  std::vector<std::string> env = plan.env;
  if (plan.has_process && variable(env, "HOME").value_or("").empty())
    set_variable(env, "HOME", home_directory(context.root, payload_uid(plan)));
  // sd_listen_fds(3): the number is only believed by the process it is addressed to.
  if (plan.listen_fds > 0) {
    set_variable(env, "LISTEN_FDS", std::to_string(plan.listen_fds));
    set_variable(env, "LISTEN_PID", std::to_string(::getpid()));
  }
  return env;
}

Error exec_failure(const std::string& path, int error_number) {
  Error error = Error::from_errno("exec " + sys::quote(path), error_number);
  error.at("/process/args/0").hint(explain_exec_failure(path, error_number));
  return error;
}

}  // namespace ocx::runtime
