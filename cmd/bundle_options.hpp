// The options of `ocx bundle`, for ocx, which explains them, and for ocx-bundle, which does the work.
#pragma once

#include "cmd/arguments.hpp"

namespace ocx::cmd {

inline constexpr Option bundle_options[] = {
    {"format", 0, "FORMAT",
     "what SOURCE is: rootfs (a directory or tar of one), oci (a layout), docker (of docker save), or auto, "
     "by its content (default: auto)",
     "auto rootfs oci docker"},
    {"ref", 0, "NAME", "the image, where SOURCE has several (default: the only one)"},
    {"platform", 0, "OS/ARCH[/VARIANT]",
     "the image for that platform, where there are several: linux/arm64 (default: this machine)"},
    {"env", 'e', "NAME=VALUE",
     "an environment variable beside, or instead of, those of the image; may be repeated"},
    {"entrypoint", 0, "PROGRAM",
     "run this instead of the image's entrypoint; the image's arguments go with it"},
    {"user", 'u', "USER[:GROUP]",
     "who runs it, names as in the image's /etc/passwd and /etc/group (default: the image's user)"},
    {"hostname", 0, "NAME", "the container's host name (default: ocx)"},
    {"terminal", 't', nullptr, "give it a terminal, for shells"},
    {"overlay", 0, nullptr,
     "share the unpacked image among bundles: the root is an overlay that the container mounts itself; what "
     "it writes "
     "is in the bundle"},
    {"images", 0, "DIR",
     "where --overlay keeps unpacked images (default: /var/lib/ocx/images; for ordinary users "
     "$XDG_DATA_HOME/ocx/images)"},
    {"max-size", 0, "SIZE", "refuse what unpacks to more: bytes, or with k, m, g, t (default: 32g)"},
    {"max-entries", 0, "N", "refuse more files, directories and links than that (default: 2000000)"},
};

}  // namespace ocx::cmd
