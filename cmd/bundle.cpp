#include <unistd.h>

#include <cerrno>

#include "cmd/bundle_options.hpp"
#include "cmd/globals.hpp"
#include "cmd/verbs.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/process.hpp"
#include "sys/text.hpp"

namespace ocx::cmd {
namespace {

constexpr const char* program_name = "ocx-bundle";

/// Beside the running executable, as in a build directory, or in ../libexec/ocx from there.
std::vector<std::string> programs() {
  const std::string path = sys::readlinkat(sys::FdRef::cwd(), "/proc/self/exe");
  const std::string directory = path.substr(0, path.rfind('/'));
  return {directory + "/" + program_name, sys::clean_path(directory + "/../libexec/ocx/" + program_name)};
}

std::vector<std::string> environment() {
  std::vector<std::string> variables;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable)
    variables.emplace_back(*variable);
  return variables;
}

const char* level_name(sys::LogLevel level) {
  constexpr const char* names[] = {"error", "warning", "info", "debug"};
  return names[static_cast<int>(level)];
}

/// What the words mean, in the one spelling that needs no guessing.
std::vector<std::string> words_for(const GlobalRequest& request, const Arguments& arguments) {
  std::vector<std::string> words{program_name, std::string("--log-level=") + level_name(request.log.level)};
  if (!request.log.file.empty()) words.push_back("--log=" + request.log.file);
  if (request.log.format == sys::LogFormat::json) words.emplace_back("--log-format=json");
  for (const auto& [name, value] : arguments.options()) words.push_back("--" + name + "=" + value);
  words.emplace_back("--");
  for (const std::string& word : arguments.positional()) words.push_back(word);
  return words;
}

int run(const GlobalRequest& request, const Arguments& arguments) {
  const std::vector<std::string> words = words_for(request, arguments), variables = environment();
  const sys::Argv argv(words), env(variables);
  const std::vector<std::string> paths = programs();
  for (const std::string& path : paths) {
    const int error = sys::execve(path, argv, env);
    if (error != ENOENT && error != ENOTDIR) throw_errno("exec " + sys::quote(path), error);
  }
  throw Error(
      "making bundles needs the program ocx-bundle, which is not installed: " + sys::join(paths, ", "),
      ErrorKind::unsupported)
      .hint(
          "install it there; it is built where libarchive and nettle are (Debian: libarchive-dev, "
          "nettle-dev)");
}

}  // namespace

constinit const Command bundle_command = {
    .name = "bundle",
    .stage = Stage::prepare,
    .summary = "make a bundle from a directory, an archive or an image",
    .positionals = "SOURCE BUNDLE [COMMAND] [ARGUMENT...]",
    .min_positionals = 2,
    .max_positionals = any_number,
    .description =
        "Makes the directory BUNDLE, with a root file system and a config.json that `ocx run` takes as it "
        "is. "
        "SOURCE\n"
        "is a root file system (a directory, or a tar archive as of `docker export`), an OCI image layout, "
        "or "
        "an\n"
        "archive of `docker save`; archives may be compressed by gzip, xz, zstd or bzip2, and \"-\" is "
        "standard "
        "input.\n"
        "An image's program, environment, user, directory and labels are taken over. COMMAND replaces its "
        "arguments\n"
        "(those after its entrypoint); put -- before one that has options. BUNDLE must not exist, or be "
        "empty. "
        "When\n"
        "something fails nothing is left.",
    .example =
        "ocx bundle --ref web:1.2 --overlay images.tar /srv/web\n"
        "  ocx bundle --terminal rootfs.tar.xz /srv/box -- sh -l\n"
        "  docker export web | ocx bundle - /srv/web",
    .exit_codes = usual_exit_codes,
    .options = bundle_options,
    .run = nullptr,
    .run_program = run,
};

}  // namespace ocx::cmd
