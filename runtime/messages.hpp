// Texts that engines match (the contract of runc's command line). Each has a test; change none of them
// lightly.
#pragma once

namespace ocx::runtime::messages {

inline constexpr const char* does_not_exist = "container does not exist";
inline constexpr const char* already_exists = "container with given ID already exists";
inline constexpr const char* invalid_id = "invalid container ID format";
inline constexpr const char* empty_id = "container id cannot be empty";
inline constexpr const char* not_running = "container not running";
inline constexpr const char* not_paused = "container not paused";
inline constexpr const char* start_paused = "cannot start a container in the paused state";
inline constexpr const char* already_running = "cannot start an already running container";
inline constexpr const char* already_stopped = "cannot start a container that has stopped";
inline constexpr const char* cannot_delete = "cannot delete container %s that is not stopped: %s";
inline constexpr const char* init_still_running = "container init still running";
inline constexpr const char* no_config = "JSON specification file config.json not found";
inline constexpr const char* cgroup_not_empty = "container's cgroup is not empty";
inline constexpr const char* cgroup_frozen = "container's cgroup unexpectedly frozen";
inline constexpr const char* start_failed = "unable to start container process";
inline constexpr const char* init_failed = "error during container init";
inline constexpr const char* oom_killed = "container init was OOM-killed (memory limit too low?)";
inline constexpr const char* exec_stopped = "cannot exec in a stopped container";
inline constexpr const char* exec_paused =
    "cannot exec in a paused container (use --ignore-paused to override)";
inline constexpr const char* tty_needs_socket =
    "cannot allocate tty if ocx will detach without setting console socket";
inline constexpr const char* socket_needs_tty =
    "cannot use console socket if ocx will not detach or allocate tty";

}  // namespace ocx::runtime::messages
