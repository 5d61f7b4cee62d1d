// config.json -> Config -> Plan: whatever the bytes, the end is a plan or an Error of one line.
#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <random>

#include "runtime/plan.hpp"
#include "spec/parse.hpp"
#include "sys/error.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

using namespace ocx;
using namespace ocx::fuzz;
using json = nlohmann::json;

bool one_line(const std::string& text) {
  return text.find('\n') == std::string::npos;
}

runtime::HostFacts host(unsigned variant) {
  runtime::HostFacts facts;
  facts.in_user_namespace = (variant & 1U) != 0;
  facts.euid = facts.egid = facts.in_user_namespace ? 1000 : 0;
  facts.cgroup_v2 = (variant & 2U) != 0;
  facts.permitted_capabilities = facts.in_user_namespace ? 0xffU : ~0ULL;
  facts.notify_socket = (variant & 1U) == 0;
  facts.notify_directory = "/run/ocx/box/notify";
  return facts;
}

void describe_all(const runtime::Plan& plan) {
  for (const auto* steps : {&plan.build, &plan.enter})
    for (const runtime::InitStep& step : *steps) require(!runtime::describe(step.action).empty());
  for (const runtime::ParentStep& step : plan.attributes) require(!runtime::describe(step.action).empty());
}

/// A random value of the document, found by walking down.
json& pick(json& document, std::minstd_rand& random) {
  json* at = &document;
  while (at->is_structured() && !at->empty() && random() % 8 != 0) {
    auto child = at->begin();
    std::advance(child, static_cast<std::ptrdiff_t>(random() % at->size()));
    at = &*child;
  }
  return *at;
}

json any_value(std::minstd_rand& random) {
  static const json values =
      json::parse(R"([null, true, false, 0, -1, 1, 65535, 65536, 4294967295, 4294967296,
    9223372036854775807, 18446744073709551615, -9223372036854775808, 1e300, 0.5, "", "/", "..", "/proc/self/fd/7", "/dev/pts",
    "a\nb", "\u0000", "%s%n", [], {}, [[]], [{}], ["ro", "rbind"], "bind", "tmpfs", "cgroup", "SCHED_FIFO", "user", "time"])");
  return values[random() % values.size()];
}

void mutate(json& document, std::minstd_rand& random) {
  json& at = pick(document, random);
  switch (random() % 5) {
    case 0:
      at = any_value(random);
      break;
    case 1: {
      json other = pick(document, random);
      at = std::move(other);
      break;
    }
    case 2:
      if (at.is_array()) at.push_back(at.empty() ? any_value(random) : at[random() % at.size()]);
      break;
    case 3:
      if (at.is_structured() && !at.empty()) {
        auto child = at.begin();
        std::advance(child, static_cast<std::ptrdiff_t>(random() % at.size()));
        at.erase(child);
      }
      break;
    default:
      if (at.is_string()) {
        std::string text = at.get<std::string>();
        const std::size_t size = text.size();
        text.resize(size + 8);
        text.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(text.data()), size, text.size()));
        at = text;
      }
  }
}

}  // namespace

// Half of the changes keep the document well-formed, or hardly anything would come past the JSON parser.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  std::minstd_rand random(seed);
  if (random() % 2 == 0) return LLVMFuzzerMutate(data, size, max_size);
  json document = json::parse(data, data + size, nullptr, false);
  if (document.is_discarded()) return LLVMFuzzerMutate(data, size, max_size);
  for (unsigned left = 1 + random() % 3; left > 0; --left) mutate(document, random);
  const std::string text = document.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::copy(text.begin(), text.end(), data);
  return text.size();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  spec::Warnings warnings;
  try {
    const spec::Config config =
        spec::parse_config(std::string_view(reinterpret_cast<const char*>(data), size), warnings);
    for (unsigned variant = 0; variant < 4; ++variant) {
      runtime::CreateRequest request;
      request.id = "box";
      request.bundle = "/bundle";
      request.no_pivot = variant == 3;
      try {
        describe_all(runtime::plan(config, request, {}, host(variant), warnings));
      } catch (const Error& error) {
        require(one_line(error.what()));
      }
    }
  } catch (const Error& error) {
    require(one_line(error.what()));
  }
  for (const std::string& warning : warnings) require(one_line(warning));
  return 0;
}
