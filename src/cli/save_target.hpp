// Where `save` and `export` write.
#pragma once

#include <string>

#include "cli/session.hpp"

namespace berth::cli {

/// Throws if an archive would go to a terminal.
void refuse_terminal(const Session& session, const std::string& path, std::string_view what);
/// Copies to the file, which appears only when it is complete, or to standard output if `path` is empty.
void save_stream(Session& session, client::Stream& stream, const std::string& path);

}  // namespace berth::cli
