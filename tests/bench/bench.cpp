// make bench: ocx, crun, runc and the floor (floor.c), measured in one run, in turns, on the same bundle.
//
// Figures of one machine mean something only as ratios within a run: every round runs each contender once, in
// an order that moves on by one a round.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/bundles.hpp"
#include "tests/bench/cgroup_view.hpp"
#include "tests/bench/command.hpp"
#include "tests/bench/report.hpp"

namespace ocx::bench {
namespace {

namespace fs = std::filesystem;

struct Options {
  unsigned rounds = 60;
  bool json = false;
  fs::path programs;  // the build's tests/bench directory
  fs::path ocx;
};

/// Costs of the parts of one round, in the order of Workload::titles.
using Round = std::function<std::vector<double>(const Meter& meter, const Meter& meter_create)>;

struct Contender {
  std::string name;
  Round round;
};

struct Workload {
  std::vector<std::string> titles;
  std::vector<Contender> contenders;
};

/// The bundle and the scratch space of a run; removed at the end.
class Scratch {
 public:
  explicit Scratch(const Options& options) {
    std::string name = fs::temp_directory_path() / "ocx-bench.XXXXXX";
    if (!mkdtemp(name.data())) throw std::runtime_error("mkdtemp " + name + ": " + std::strerror(errno));
    path_ = name;
    fs::permissions(path_, fs::perms(0755));
    for (const char* directory : {"proc", "dev", "sys"}) fs::create_directories(rootfs() / directory);
    fs::copy_file(options.programs / "true", rootfs() / "true");
    fs::copy_file(options.programs / "pause", rootfs() / "pause");
    write_bundles(path_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }
  fs::path rootfs() const { return path_ / "rootfs"; }
  std::string pid_file() const { return path_ / "pid"; }

 private:
  fs::path path_;
};

/// `RUNTIME --root STATE`, each runtime with a state root of its own.
Argv runtime_command(const std::string& runtime, const Scratch& scratch, const Argv& words) {
  Argv argv = {runtime, "--root", scratch.path() / fs::path(runtime).filename().concat(".state")};
  argv.insert(argv.end(), words.begin(), words.end());
  return argv;
}

std::string container_id() {
  return "ocx-bench-" + std::to_string(getpid());
}

std::vector<double> create_start_delete(const std::string& runtime, const Scratch& scratch,
                                        const Meter& meter, const Meter& meter_create) {
  const std::string id = container_id();
  fs::remove(scratch.pid_file());
  const double create = meter_create(runtime_command(
      runtime, scratch, {"create", "--bundle", scratch.path(), "--pid-file", scratch.pid_file(), id}));
  const double start = meter(runtime_command(runtime, scratch, {"start", id}));
  // Init is ours since create has ended (PR_SET_CHILD_SUBREAPER): delete wants it gone.
  waitpid(read_pid(scratch.pid_file()), nullptr, 0);
  const double remove = meter(runtime_command(runtime, scratch, {"delete", id}));
  return {create + start + remove, create, start, remove};
}

std::vector<double> lifecycle(const std::string& runtime, const Scratch& scratch, const Meter& meter,
                              const Meter& meter_create) {
  try {
    return create_start_delete(runtime, scratch, meter, meter_create);
  } catch (const CommandFailed&) {
    try {
      time_command(runtime_command(runtime, scratch, {"delete", "--force", container_id()}));
    } catch (const CommandFailed&) {  // there was nothing to delete: the first failure is the news
    }
    throw;
  }
}

Contender floor_contender(const char* name, const Options& options, const Scratch& scratch,
                          const std::vector<std::string>& cgroups) {
  Argv argv = {options.programs / "floor", scratch.rootfs(), "/true"};
  for (const std::string& mount : cgroups) argv.push_back(mount + "/" + container_id());
  return {name, [argv](const Meter& meter, const Meter&) { return std::vector{meter(argv)}; }};
}

/// A container whose program waits, from construction to destruction.
class Running {
 public:
  Running(const std::string& runtime, const Scratch& scratch)
      : id_(container_id() + "-" + fs::path(runtime).filename().string()),
        pid_file_(scratch.path() / id_),
        exec_(runtime_command(runtime, scratch, {"exec", id_, "/true"})),
        delete_(runtime_command(runtime, scratch, {"delete", "--force", id_})) {
    try {
      time_command(runtime_command(
          runtime, scratch,
          {"run", "--detach", "--bundle", scratch.path() / pause_bundle, "--pid-file", pid_file_, id_}));
    } catch (const CommandFailed&) {  // exec will fail, too, and is reported
    }
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    const pid_t pid = read_pid(pid_file_);  // ours: PR_SET_CHILD_SUBREAPER
    if (pid > 0 && kill(pid, SIGKILL) == 0) waitpid(pid, nullptr, 0);
    try {
      time_command(delete_);
    } catch (const CommandFailed&) {  // there was nothing to delete
    }
  }
  const Argv& exec() const { return exec_; }

 private:
  std::string id_, pid_file_;
  Argv exec_, delete_;
};

Contender run_contender(const std::string& runtime, const Argv& command) {
  return {fs::path(runtime).filename(),
          [command](const Meter& meter, const Meter&) { return std::vector{meter(command)}; }};
}

/// What a runtime keeps of a filter under its --root is lost before each round.
Contender cold_contender(const std::string& runtime, const Scratch& scratch) {
  const fs::path root = scratch.path() / "cold";
  const Argv command = {runtime,       "--root", root, "run", "--bundle", scratch.path() / seccomp_bundle,
                        container_id()};
  return {fs::path(runtime).filename(), [command, root](const Meter& meter, const Meter&) {
            fs::remove_all(root);
            return std::vector{meter(command)};
          }};
}

Contender exec_contender(const std::string& runtime, const Scratch& scratch) {
  const auto container = std::make_shared<Running>(runtime, scratch);
  return {fs::path(runtime).filename(),
          [container](const Meter& meter, const Meter&) { return std::vector{meter(container->exec())}; }};
}

std::vector<Workload> workloads(const Options& options, const Scratch& scratch,
                                const std::vector<std::string>& cgroups) {
  Workload run{{"run true"}, {floor_contender("floor", options, scratch, cgroups)}};
  if (!cgroups.empty())
    run.contenders.push_back(floor_contender("floor without cgroups", options, scratch, {}));
  Workload seccomp{{"run, seccomp profile"}, {}}, cold{{"  with a fresh --root"}, {}};
  Workload exec{{"exec true"}, {}};
  Workload life{{"create + start + delete", "  create", "  start", "  delete"}, {}};
  Workload state{{"state of an unknown id"}, {}};
  const Argv nothing = {options.programs / "true"};
  state.contenders.push_back(
      {"floor", [nothing](const Meter& meter, const Meter&) { return std::vector{meter(nothing)}; }});
  for (const std::string& runtime : {options.ocx.string(), std::string("crun"), std::string("runc")}) {
    const std::string name = fs::path(runtime).filename();
    const auto run_of = [&](const fs::path& bundle) {
      return run_contender(runtime,
                           runtime_command(runtime, scratch, {"run", "--bundle", bundle, container_id()}));
    };
    run.contenders.push_back(run_of(scratch.path()));
    seccomp.contenders.push_back(run_of(scratch.path() / seccomp_bundle));
    cold.contenders.push_back(cold_contender(runtime, scratch));
    exec.contenders.push_back(exec_contender(runtime, scratch));
    life.contenders.push_back({name, [runtime, &scratch](const Meter& meter, const Meter& meter_create) {
                                 return lifecycle(runtime, scratch, meter, meter_create);
                               }});
    state.contenders.push_back(
        {name, [runtime, &scratch](const Meter& meter, const Meter&) {
           return std::vector{meter(runtime_command(runtime, scratch, {"state", "unknown"}))};
         }});
  }
  return {run, seccomp, cold, exec, life, state};
}

/// One round that only counts, and tells who can't take part: he is taken out.
std::vector<Table> count_calls(Workload& workload, const std::string& pid_file, int expected,
                               std::vector<std::string>& left_out) {
  std::vector<Table> tables;
  for (const std::string& title : workload.titles) tables.push_back({title, {}});
  std::vector<Contender> able;
  for (const Contender& contender : workload.contenders) {
    const int status = contender.name == "floor" ? 0 : expected;
    const Meter time = [&](const Argv& argv) { return time_command(argv, status); };
    const Meter count = [&](const Argv& argv) { return count_system_calls(argv, {}, status); };
    const Meter count_create = [&](const Argv& argv) { return count_system_calls(argv, pid_file, status); };
    try {
      contender.round(time, time);  // what a runtime keeps from its first run is there from now on
      const std::vector<double> calls = contender.round(count, count_create);
      for (std::size_t i = 0; i < tables.size(); ++i)
        tables[i].rows.push_back({contender.name, {}, calls[i]});
      able.push_back(contender);
    } catch (const std::exception& error) {
      left_out.push_back(workload.titles[0] + ": " + contender.name + ": " + error.what());
    }
  }
  workload.contenders = able;
  return tables;
}

void time_rounds(const Workload& workload, unsigned rounds, int expected, std::vector<Table>& tables) {
  const std::size_t n = workload.contenders.size();
  for (unsigned round = 0; round < rounds; ++round)
    for (std::size_t turn = 0; turn < n; ++turn) {
      const std::size_t who = (round + turn) % n;
      const Contender& contender = workload.contenders[who];
      const Meter time = [&](const Argv& argv) {
        return time_command(argv, contender.name == "floor" ? 0 : expected);
      };
      const std::vector<double> costs = contender.round(time, time);
      for (std::size_t i = 0; i < costs.size(); ++i) tables[i].rows[who].milliseconds.push_back(costs[i]);
    }
}

int measure(const Options& options) {
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  const std::vector<std::string> cgroups = enter_cgroup_view();
  const Scratch scratch(options);
  std::vector<Table> all;
  std::vector<std::string> left_out;
  if (!options.json)
    std::printf(
        "%u rounds, in turns; %s\n", options.rounds,
        cgroups.empty() ? "cgroups as they are here" : "everybody sees the cgroup v1 hierarchies only");
  for (Workload& workload : workloads(options, scratch, cgroups)) {
    const int expected = workload.titles[0].rfind("state", 0) == 0 ? 1 : 0;  // an unknown id is an error
    std::vector<Table> tables = count_calls(workload, scratch.pid_file(), expected, left_out);
    time_rounds(workload, options.rounds, expected, tables);
    for (const Table& table : tables)
      if (!options.json) print_table(table);
    all.insert(all.end(), tables.begin(), tables.end());
  }
  if (options.json) print_json(all, left_out);
  if (options.json) return 0;
  if (!left_out.empty()) std::puts("");
  for (const std::string& reason : left_out) std::printf("left out: %s\n", reason.c_str());
  std::puts(
      "\nx is the ratio of the minima. The system calls of create include init's, up to the start gate.");
  return 0;
}

Options parse(int argc, char** argv) {
  Options options;
  options.programs = fs::canonical("/proc/self/exe").parent_path();
  options.ocx = options.programs.parent_path().parent_path() / "ocx";
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--json")
      options.json = true;
    else if (word == "--rounds" && i + 1 < argc && std::atoi(argv[i + 1]) > 0)
      options.rounds = static_cast<unsigned>(std::atoi(argv[++i]));
    else if (word == "--ocx" && i + 1 < argc)
      options.ocx = fs::absolute(argv[++i]);
    else
      throw std::invalid_argument("usage: bench [--rounds N] [--json] [--ocx EXECUTABLE]");
  }
  if (access(options.ocx.c_str(), X_OK) != 0)
    throw std::invalid_argument("no executable " + options.ocx.string());
  return options;
}

}  // namespace
}  // namespace ocx::bench

int main(int argc, char** argv) {
  try {
    return ocx::bench::measure(ocx::bench::parse(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench: %s\n", error.what());
    return 1;
  }
}
