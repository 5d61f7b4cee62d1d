// A user as images name him, looked up in the image's own passwd(5) and group(5).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ocx::spec {

struct UserIds {
  std::uint32_t uid = 0, gid = 0;
  std::vector<std::uint32_t> additional_gids = {};
};

/// config.md of the image specification, "User": USER, UID, USER:GROUP, UID:GID and mixtures; empty: root.
/// Without a group the user's own and those he is a member of; with one that alone. The texts are those of
/// the files, empty when there is none. Errors: a name that isn't there, a number that is no id.
UserIds find_user(std::string_view user, std::string_view passwd, std::string_view group);

}  // namespace ocx::spec
