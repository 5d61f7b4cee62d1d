// The parts of the validator. Internal to spec/validate*.cpp.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "spec/validate.hpp"
#include "sys/error.hpp"

namespace ocx::spec {

/// An invalid_config error at that JSON pointer, to be thrown.
Error broken(std::string message, std::string_view origin);
/// `base` with more reference tokens: pointer("/mounts", "3", "options").
std::string pointer(std::string_view base, std::initializer_list<std::string_view> tokens);
std::string pointer(std::string_view base, std::size_t index);

/// A list of cpuset(7), "0-3,7": numbers up to 65535, ranges that ascend, nothing empty.
bool is_number_list(std::string_view text);
/// A name that dev_valid_name() of the kernel takes: 1 to 15 bytes, no "/", ":", blanks, not "." or "..".
bool is_interface_name(std::string_view name);
/// environ(7): each entry is NAME=VALUE.
void check_environment(const std::vector<std::string>& env, std::string_view base);
void check_absolute(std::string_view path, std::string_view what, std::string_view origin);

/// The rules of user_namespaces(7) for one map, under `base`.
void check_id_map(const std::vector<IdMapping>& map, std::string_view base);
bool maps_id(const std::vector<IdMapping>& map, std::uint32_t container_id);

void validate_mounts(const Config& config, Warnings& warnings);
/// The list itself, and every setting that would change the host's namespace were its own not in the list.
void validate_namespaces(const Config& config);
void validate_linux(const Linux& linux, Warnings& warnings);
void validate_seccomp(const Seccomp& seccomp);
void validate_memory_policy(const MemoryPolicy& policy);

}  // namespace ocx::spec
