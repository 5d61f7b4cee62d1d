// The rows of the command table; each is defined in the file of its verb.
#pragma once

#include "cmd/command.hpp"

namespace ocx::cmd {

extern const Command spec_command, explain_command, features_command, create_command, start_command,
    run_command, exec_command, state_command, list_command, ps_command, events_command, stats_command,
    kill_command, pause_command, resume_command, update_command, checkpoint_command, restore_command,
    delete_command, bundle_command, completion_command, check_command, info_command, top_command;

}  // namespace ocx::cmd
