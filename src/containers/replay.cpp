#include "containers/replay.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "logs/frame.hpp"

namespace berth::containers {

void replay_log(const LogSource& source, const shim::Attachment& attachment) {
  if (source.path.empty()) return;
  const logs::ReadOptions options{.stdout_ = attachment.stdout_, .stderr_ = attachment.stderr_};
  logs::Reader reader{source.path, options};
  try {
    for (logs::Entry entry; reader.next(entry);) {
      if (attachment.multiplexed) {
        write_all(attachment.connection, logs::FrameHeader{entry.stream, entry.bytes.size()}.bytes());
      }
      write_all(attachment.connection, entry.bytes);
    }
  } catch (const Error& error) {
    log::debug("client left while the log was replayed", {{"id", source.id}, {"error", error.message()}});
  }
}

}  // namespace berth::containers
