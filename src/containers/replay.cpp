#include "containers/replay.hpp"

#include <array>

#include "base/error.hpp"
#include "base/log.hpp"
#include "logs/logs.hpp"

namespace berth::containers {
namespace {

/// The 8-byte header of a frame: stream, three zeros, length in network order (Engine API, ContainerAttach).
std::string frame_header(logs::Stream stream, std::size_t size) {
  std::string header(8, '\0');
  header[0] = static_cast<char>(stream);
  for (std::size_t i = 0; i < 4; ++i) header[4 + i] = static_cast<char>(size >> (24 - 8 * i) & 0xff);
  return header;
}

}  // namespace

void replay_log(const LogSource& source, const shim::Attachment& attachment) {
  if (source.driver == "none") return;
  const logs::ReadOptions options{.stdout_ = attachment.stdout_, .stderr_ = attachment.stderr_};
  logs::Reader reader{source.path, options};
  try {
    for (logs::Entry entry; reader.next(entry);) {
      if (attachment.multiplexed) write_all(attachment.connection, frame_header(entry.stream, entry.bytes.size()));
      write_all(attachment.connection, entry.bytes);
    }
  } catch (const Error& error) {
    log::debug("client left while the log was replayed", {{"id", source.id}, {"error", error.message()}});
  }
}

}  // namespace berth::containers
