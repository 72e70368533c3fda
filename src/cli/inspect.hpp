// What the inspect commands have in common.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/session.hpp"

namespace berth::cli {

/// Shows what `find` returns for each name: as a JSON array, or through a template. Errors are shown after what was
/// found.
int inspect_each(Session& session, const std::vector<std::string>& names, const std::string& format,
                 const std::function<json::Value(const std::string&)>& find);

/// Throws `Failure` with exit code 64 if the template cannot be parsed.
void check_template(const std::string& format);

}  // namespace berth::cli
