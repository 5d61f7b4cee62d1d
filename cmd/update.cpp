#include "cmd/limit_options.hpp"
#include "cmd/verbs.hpp"
#include "runtime/operations.hpp"
#include "spec/parse.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"

namespace ocx::cmd {
namespace {

constexpr Option options[] = {
    {"resources", 'r', "FILE",
     "read what to change from a JSON file, \"-\" for stdin: an object like linux.resources in config.json; "
     "not together with other options"},
    {"memory", 0, "SIZE", "most memory; -1 takes the limit away, and that of swap with it"},
    {"memory-reservation", 0, "SIZE", "memory it is left with when the host runs short; -1: none"},
    {"memory-swap", 0, "SIZE", "most memory and swap together; -1: no limit of swap"},
    {"kernel-memory", 0, "SIZE", "most kernel memory (cgroup v1 on old kernels)"},
    {"kernel-memory-tcp", 0, "SIZE", "most memory for TCP buffers (cgroup v1)"},
    {"cpu-share", 0, "N", "weight against other containers when CPUs are scarce (usual: 1024)"},
    {"cpu-quota", 0, "USEC", "CPU time in each period: 50000 of 100000 is half a CPU; -1: no limit"},
    {"cpu-period", 0, "USEC", "length of the period (usual: 100000)"},
    {"cpu-burst", 0, "USEC", "unused quota that may be saved for later, at most the quota"},
    {"cpu-idle", 0, "0|1", "1: run only when nobody else wants the CPU"},
    {"cpu-rt-runtime", 0, "USEC", "CPU time of real-time processes in each real-time period (cgroup v1)"},
    {"cpu-rt-period", 0, "USEC", "length of the real-time period (cgroup v1)"},
    {"cpuset-cpus", 0, "LIST", "CPUs it may use: 0-3,7"},
    {"cpuset-mems", 0, "LIST", "memory nodes it may use: 0,1"},
    {"pids-limit", 0, "N", "most processes and threads; -1: no limit"},
    {"blkio-weight", 0, "N", "weight of its disk I/O, 10 to 1000"},
    {"l3-cache-schema", 0, "LINE", "its part of the last-level cache, as L3:0=f;1=f0 (needs linux.intelRdt)"},
    {"mem-bw-schema", 0, "LINE", "its part of memory bandwidth, as MB:0=20;1=70 (needs linux.intelRdt)"},
};

/// Nothing when there is no --resources.
std::optional<spec::Resources> read_document(const Arguments& arguments) {
  const auto file = arguments.value("resources");
  if (!file) return std::nullopt;
  const std::string text =
      *file == "-" ? sys::read_all(sys::standard_input) : sys::read_file(sys::FdRef::cwd(), *file);
  spec::Warnings warnings;
  spec::Resources resources = spec::parse_resources(text, warnings);
  for (const std::string& warning : warnings) sys::log_warning(warning);
  return resources;
}

int run(const runtime::Globals& globals, const Arguments& arguments) {
  const auto given = given_limits(arguments);
  if (arguments.value("resources") && !given.empty())
    throw Error("--resources and --" + given.front() + " exclude each other: put it into the document",
                ErrorKind::usage);
  if (!arguments.value("resources") && given.empty())
    throw Error("nothing to update: give a limit or --resources", ErrorKind::usage);
  runtime::UpdateRequest request{.id = arguments.positional().front(), .resources = {}, .origins = {}};
  if (auto document = read_document(arguments)) {
    request.resources = std::move(*document);
  } else {
    request.resources = limits(arguments);
    request.l3_cache_schema = schema_option(arguments, "l3-cache-schema", "L3");
    request.mem_bw_schema = schema_option(arguments, "mem-bw-schema", "MB:");
    request.origins = limit_origins();
  }
  runtime::update(globals, request);
  return 0;
}

}  // namespace

constinit const Command update_command = {
    .name = "update",
    .stage = Stage::act,
    .summary = "change the limits of a container",
    .positionals = "ID",
    .min_positionals = 1,
    .max_positionals = 1,
    .description =
        "Changes memory, CPU, pids and I/O limits of a created, running or paused container; what is not "
        "given stays\n"
        "as it is. When a value is refused, all the old ones are in force. Devices never change. SIZE is in "
        "bytes, or\n"
        "with k, m, g, t or p (also 64kb, 64KiB, 1.5g) in steps of 1024; a limit below what is in use may be "
        "refused.",
    .example =
        "ocx update --memory 512m --pids-limit 100 web\n  echo '{\"cpu\": {\"quota\": 50000}}' | ocx "
        "update -r - web",
    .exit_codes = usual_exit_codes,
    .options = options,
    .run = run,
};

}  // namespace ocx::cmd
