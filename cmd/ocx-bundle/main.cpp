// ocx-bundle: makes bundles for ocx, which is one static executable and so has no libarchive. Its words are
// those of `ocx bundle`, and where messages go.
#include <signal.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <clocale>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "cmd/arguments.hpp"
#include "cmd/bundle_options.hpp"
#include "cmd/limit_options.hpp"
#include "cmd/ocx-bundle/maker.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

namespace ocx::bundle {
namespace {

constexpr cmd::Option log_options[] = {
    {"log", 0, "DEST", ""}, {"log-format", 0, "FORMAT", ""}, {"log-level", 0, "LEVEL", ""}};
constexpr long cgroup2_magic = 0x63677270;  // CGROUP2_SUPER_MAGIC of <linux/magic.h>

cmd::Arguments parse(const std::vector<std::string>& words) {
  std::vector<cmd::Option> options(std::begin(cmd::bundle_options), std::end(cmd::bundle_options));
  options.insert(options.end(), std::begin(log_options), std::end(log_options));
  return cmd::parse_arguments(options, words, cmd::Order::anywhere);
}

void open_log(const cmd::Arguments& arguments) {
  sys::LogOptions options;
  options.file = arguments.value_or("log", "");
  if (arguments.value("log-format") == "json") options.format = sys::LogFormat::json;
  const std::string level = arguments.value_or("log-level", "warning");
  options.level = level == "debug"   ? sys::LogLevel::debug
                  : level == "info"  ? sys::LogLevel::info
                  : level == "error" ? sys::LogLevel::error
                                     : sys::LogLevel::warning;
  sys::log_open(options);
}

Error bad_value(const char* option, const std::string& text, const char* wanted) {
  return Error("invalid value " + sys::quote(text) + " for --" + option + ": use " + wanted,
               ErrorKind::usage);
}

std::string absolute(const std::string& path) {
  return sys::clean_path(path.starts_with('/') ? path : sys::current_directory() + "/" + path);
}

std::optional<Form> form_of_option(const std::string& text) {
  if (text == "auto") return std::nullopt;
  if (text == "rootfs") return Form::rootfs;
  if (text == "oci") return Form::oci;
  if (text == "docker") return Form::docker;
  throw bad_value("format", text, "auto, rootfs, oci or docker");
}

Selection selection(const cmd::Arguments& arguments) {
  Selection result;
  result.ref = arguments.value_or("ref", "");
  const auto platform = arguments.value("platform");
  result.platform_given = platform.has_value();
  utsname machine{};
  if (!platform && ::uname(&machine) != 0) throw_errno("uname");
  result.platform = platform ? spec::parse_platform(*platform) : spec::platform_of(machine.machine);
  return result;
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string default_images() {
  if (::geteuid() == 0) return "/var/lib/ocx/images";
  if (const std::string data = variable("XDG_DATA_HOME"); data.starts_with('/')) return data + "/ocx/images";
  if (const std::string home = variable("HOME"); home.starts_with('/'))
    return home + "/.local/share/ocx/images";
  throw Error("neither $XDG_DATA_HOME nor $HOME says where images are kept").hint("use --images");
}

std::optional<std::string> images(const cmd::Arguments& arguments) {
  const auto given = arguments.value("images");
  if (given && !arguments.flag("overlay"))
    throw Error("--images is for --overlay: without it nothing is shared", ErrorKind::usage);
  if (!arguments.flag("overlay")) return std::nullopt;
  return absolute(given.value_or("").empty() ? default_images() : *given);
}

Limits unpacking_limits(const cmd::Arguments& arguments) {
  const std::string size = arguments.value_or("max-size", "32g"),
                    entries = arguments.value_or("max-entries", "2000000");
  const auto bytes = cmd::parse_size(size);
  if (!bytes || *bytes <= 0) throw bad_value("max-size", size, "a size like 512m or 32g");
  const auto count = sys::parse_uint(entries);
  if (!count || *count == 0) throw bad_value("max-entries", entries, "a number from 1 on");
  return {static_cast<std::uint64_t>(*bytes), *count};
}

spec::TemplateOptions host() {
  spec::TemplateOptions options;
  options.euid = ::geteuid();
  options.egid = ::getegid();
  options.rootless = options.euid != 0;
  const sys::FdResult cgroups = sys::try_openat(sys::FdRef::cwd(), "/sys/fs/cgroup", O_PATH);
  options.cgroup2 = cgroups && sys::filesystem_type(cgroups.fd) == cgroup2_magic;
  return options;
}

spec::BundleSettings settings(const cmd::Arguments& arguments) {
  spec::BundleSettings result;
  result.host = host();
  const auto& words = arguments.positional();
  result.command.assign(words.begin() + 2, words.end());
  if (const auto entrypoint = arguments.value("entrypoint"))
    result.entrypoint = entrypoint->empty() ? std::vector<std::string>{} : std::vector{*entrypoint};
  result.env = arguments.values("env");
  result.hostname = arguments.value_or("hostname", "");
  result.terminal = arguments.flag("terminal");
  return result;
}

Request request_of(const cmd::Arguments& arguments) {
  const auto& words = arguments.positional();
  if (words.size() < 2) throw Error("it needs a SOURCE and a BUNDLE", ErrorKind::usage);
  Request request;
  request.source = words[0];
  request.bundle = absolute(words[1]);
  request.form = form_of_option(arguments.value_or("format", "auto"));
  request.selection = selection(arguments);
  request.settings = settings(arguments);
  request.user = arguments.value("user");
  request.images = images(arguments);
  request.limits = unpacking_limits(arguments);
  return request;
}

int make(const Request& request) {
  // Jobs can be stopped as ever; of what else comes nothing ends us before we have cleaned up.
  const sys::SignalFd signals({SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGALRM});
  try {
    Meter meter(request.limits, signals);
    std::string line;
    try {
      line = Maker(request, meter).make();
    } catch (Error& error) {
      throw error.in(request.source == "-" ? "standard input" : sys::quote(request.source));
    }
    meter.clear();
    sys::write_all(sys::standard_output, line);
    return 0;
  } catch (const Interrupted& interrupted) {
    sys::take_default_action(interrupted.signal);
    return 128 + interrupted.signal;
  }
}

int run(const std::vector<std::string>& words) {
  try {
    const cmd::Arguments arguments = parse(words);
    open_log(arguments);
    return make(request_of(arguments));
  } catch (Error& error) {
    if (error.kind() == ErrorKind::usage) error.hint("see `ocx bundle --help`");
    sys::log_final_error(error.what());
  } catch (const std::exception& error) {
    sys::log_final_error(error.what());
  }
  return 1;
}

}  // namespace
}  // namespace ocx::bundle

int main(int argc, char** argv) {
  // libarchive takes the names of pax archives, which are UTF-8, into the locale.
  std::setlocale(LC_CTYPE, "C.UTF-8");
  return ocx::bundle::run(std::vector<std::string>(argv + 1, argv + argc));
}
