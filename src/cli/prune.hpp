// What the prune commands have in common.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/session.hpp"

namespace berth::cli {

/// Warns, asks, and reads the answer.
bool confirmed(const Console& console, std::string_view warning);

struct Pruned {
  std::vector<std::string> lines;
  std::int64_t bytes = 0;
};

/// The last parameter is --all, for commands that have it.
using PruneAction = std::function<Pruned(Session&, const client::Filters&, bool)>;

/// A command that warns, asks unless forced, prunes, and reports under `heading`. With `all_usage` it has a flag --all.
Command make_prune(std::string summary, std::string warning, std::string heading, PruneAction action,
                   const std::string& all_usage = {}, const std::string& all_warning = {});

}  // namespace berth::cli
