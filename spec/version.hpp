// The versions of the OCI runtime specification that this code follows.
#pragma once

namespace ocx::spec {

/// Configurations from the first to the second are accepted; the second is what state, template and
/// `--version` print.
inline constexpr const char* oci_version_min = "1.0.0";
inline constexpr const char* oci_version_max = "1.3.0";

}  // namespace ocx::spec
