// All commands: one function each, and the table that names them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.hpp"

namespace berth::cli {

struct CommandEntry {
  /// All spellings, separated by '|': "container ls|container list|container ps|ps". The first of a group is the one
  /// its help lists; one without a space is a command of the top level.
  std::string_view names;
  Command (*make)();
  /// Place among the "Common Commands" of the main help; 0 for the others.
  int common = 0;
};

struct CommandGroup {
  std::string_view name;
  std::string_view summary;
};

std::span<const CommandEntry> all_commands();
std::span<const CommandGroup> all_groups();

Command container_attach();
Command container_create();
Command container_diff();
Command container_exec();
Command container_export();
Command container_inspect();
Command container_kill();
Command container_logs();
Command container_ls();
Command container_pause();
Command container_port();
Command container_prune();
Command container_rename();
Command container_restart();
Command container_rm();
Command container_run();
Command container_start();
Command container_stats();
Command container_stop();
Command container_top();
Command container_unpause();
Command container_update();
Command container_wait();
Command image_history();
Command image_import();
Command image_inspect();
Command image_load();
Command image_ls();
Command image_prune();
Command image_pull();
Command image_push();
Command image_rm();
Command image_save();
Command image_tag();
Command inspect();
Command network_connect();
Command network_create();
Command network_disconnect();
Command network_inspect();
Command network_ls();
Command network_prune();
Command network_rm();
Command system_events();
Command system_info();
Command version();

}  // namespace berth::cli
