#include "cli/save_target.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.hpp"
#include "cli/progress.hpp"
#include "cli/terminal.hpp"

namespace berth::cli {

void refuse_terminal(const Session& session, const std::string& path, std::string_view what) {
  if (path.empty() && is_terminal(session.console.out)) {
    throw Failure{1, fmt::format("cowardly refusing to {} to a terminal. Use the -o flag or redirect", what)};
  }
}

void save_stream(Session& session, client::Stream& stream, const std::string& path) {
  if (path.empty()) return copy_stream(stream, session.console.out);
  const auto unfinished = path + ".part";
  try {
    copy_stream(stream, open_file(unfinished, O_WRONLY | O_CREAT | O_TRUNC, 0600));
    if (::rename(unfinished.c_str(), path.c_str()) < 0) throw Error::from_errno(errno, "rename to {}", quote(path));
  } catch (...) {
    ::unlink(unfinished.c_str());
    throw;
  }
}

}  // namespace berth::cli
