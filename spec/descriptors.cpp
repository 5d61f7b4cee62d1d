#include "spec/descriptors.hpp"

#include "spec/json_reader.hpp"
#include "sys/text.hpp"

namespace ocx::spec {

std::string write_descriptors(const std::vector<std::string>& streams) {
  std::vector<std::string> texts;
  for (const std::string& stream : streams) texts.push_back(sys::json_string(stream));
  return "[" + sys::join(texts, ",") + "]";
}

std::vector<std::string> parse_descriptors(std::string_view document) {
  try {
    std::vector<std::string> streams;
    JsonDocument(document).root().read(streams);
    return streams;
  } catch (Error& error) {
    throw error.in("descriptors.json of the image");
  }
}

}  // namespace ocx::spec
