// A caller without privileges: which ids may be had, and what becomes of a configuration that was written for
// root.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/plan_parts.hpp"

namespace ocx::runtime {

/// The name of a user in the text of passwd(5); the first line with that number counts.
std::optional<std::string> login_name(std::string_view passwd, uid_t uid);
/// The ranges that a subuid(5) or subgid(5) gives to a user, by name or by number, in the order of the file.
/// Lines of another form, empty ranges, and what overlaps `own` or an earlier range are left out. The files
/// are read as they are, without NSS.
std::vector<IdRange> parse_subordinate_ids(std::string_view text, const std::string& name, uid_t uid,
                                           std::uint32_t own);
/// The lines of a uid_map or gid_map (user_namespaces(7)).
std::vector<spec::IdMapping> parse_id_map(std::string_view text);

/// Fills in what HostFacts says of ids. Looks at nothing for root of the initial user namespace.
void note_ids(HostFacts& host);

/// The caller can't make the container's namespaces but in a user namespace, and the configuration has none.
bool lacks_user_namespace(const spec::Config& config, const HostFacts& host);
/// The same configuration with a user namespace. With subordinate ids: the caller becomes 0, they follow from
/// 1 on. Without: the caller's two ids alone, as process.user.
spec::Config with_user_namespace(const spec::Config& config, const HostFacts& host);

/// Compares uid= and gid= of a new file system with what is mapped. The gid=5 that nearly every bundle gives
/// to devpts is left out where the author of the configuration could not know that it isn't; all else is an
/// error.
void settle_mount_ids(const PlanInput& in, step::Mount& mount);

/// Whom init becomes in a new user namespace: 0, else process.user where that is mapped, else the first id
/// there is.
step::BecomeRoot first_identity(const PlanInput& in);

}  // namespace ocx::runtime
