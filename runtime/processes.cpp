#include "runtime/processes.hpp"

#include <algorithm>
#include <optional>

#include "runtime/state_store.hpp"
#include "runtime/status.hpp"
#include "sys/capture.hpp"
#include "sys/error.hpp"
#include "sys/pid_namespace.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

struct Word {
  std::string_view text;
  std::size_t end = 0;  // offset behind it
};

std::vector<Word> words_of(std::string_view line) {
  std::vector<Word> words;
  for (std::size_t at = line.find_first_not_of(' '); at != std::string_view::npos;
       at = line.find_first_not_of(' ', at)) {
    const std::size_t end = std::min(line.find(' ', at), line.size());
    words.push_back({line.substr(at, end - at), end});
    at = end;
  }
  return words;
}

/// The PID column: numbers end below the last letter of its heading. Where a column to the left was too wide
/// for its place, or a ps aligns otherwise, the word with the same index counts.
class PidColumn {
 public:
  explicit PidColumn(std::string_view heading) {
    const std::vector<Word> words = words_of(heading);
    const auto found =
        std::find_if(words.begin(), words.end(), [](const Word& word) { return word.text == "PID"; });
    if (found == words.end())
      throw Error("couldn't find PID field in ps output").hint("its arguments must show the column PID");
    end_ = found->end;
    index_ = static_cast<std::size_t>(found - words.begin());
  }

  std::optional<std::uint64_t> of(std::string_view line) const {
    const std::vector<Word> words = words_of(line);
    for (const Word& word : words)
      if (word.end == end_)
        if (const auto pid = sys::parse_uint(word.text)) return pid;
    return index_ < words.size() ? sys::parse_uint(words[index_].text) : std::nullopt;
  }

 private:
  std::size_t end_ = 0, index_ = 0;
};

std::vector<int> members(const Record& record) {
  if (!record.cgroup_paths.empty()) return open_cgroup(record)->processes();
  if (!open_init(record)) return {};
  if (!record.own_pid_namespace)
    throw Error("container " + record.id + " has no cgroup, and no pid namespace of its own",
                ErrorKind::unsupported)
        .hint("nothing tells its processes from others: create it with a cgroup, or with a pid namespace");
  return sys::pid_namespace_members(record.pid);
}

sys::Program ps_program(const std::vector<std::string>& args) {
  sys::Program program{sys::find_program("ps"), {"ps"}, sys::own_environment(), {}};
  if (program.path.empty())
    throw Error("no ps program in $PATH", ErrorKind::unsupported)
        .hint("install procps, or use --format json");
  if (args.empty())
    program.argv.emplace_back("-ef");
  else
    program.argv.insert(program.argv.end(), args.begin(), args.end());
  return program;
}

std::string first_line(const std::string& text) {
  const std::size_t begin = text.find_first_not_of('\n');
  return begin == std::string::npos ? "" : text.substr(begin, text.find('\n', begin) - begin);
}

std::string run_ps(const sys::Program& program) {
  const sys::Captured ps = sys::capture(program);
  if (ps.status.shell_status() == 0) return ps.output;
  throw Error("`" + sys::join(program.argv, " ") + "` ended with " +
              std::to_string(ps.status.shell_status()) + ": " + first_line(ps.error_output));
}

}  // namespace

std::string lines_of_pids(std::string_view table, const std::vector<int>& pids) {
  std::vector<std::string> lines = sys::split(table, '\n');
  const PidColumn column(lines.front());
  std::string kept = lines.front() + "\n";
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const auto pid = column.of(lines[i]);
    if (pid && *pid <= INT32_MAX && std::binary_search(pids.begin(), pids.end(), static_cast<int>(*pid)))
      kept.append(lines[i]).append("\n");
  }
  return kept;
}

std::vector<int> processes(const Globals& globals, const std::string& id) {
  return members(StateDirectory::open(globals, id).load());
}

std::string process_table(const Globals& globals, const std::string& id,
                          const std::vector<std::string>& args) {
  const Record record = StateDirectory::open(globals, id).load();
  // The members first: that they can be told is not to depend on ps.
  const std::vector<int> pids = members(record);
  return lines_of_pids(run_ps(ps_program(args)), pids);
}

}  // namespace ocx::runtime
