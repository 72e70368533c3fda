// What process 1 and the process that makes it tell each other until the container's program runs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "runtime/runtime.hpp"

namespace berth::runtime {

enum class MessageType : char {
  user_mapped = 'u',      ///< to process 1: the ids of its user namespace are mapped
  cgroup_ready = 'c',     ///< to process 1: the cgroup is there and limited
  namespaces_made = 'n',  ///< from process 1: run the hooks createRuntime
  hooks_done = 'h',       ///< to process 1, with its number on the host
  console = 't',          ///< from process 1: the master side of the terminal
  created = 'r',          ///< from process 1: all is made, it waits for `start`
  start = 's',            ///< to process 1
  failed = 'f',           ///< from process 1: an encoded failure
};

struct Message {
  MessageType type{};
  std::string text;
  UniqueFd fd;
};

/// `socket` is one end of a SOCK_SEQPACKET pair. That the program has been executed is told by the end of the stream.
void send_message(FdRef socket, MessageType type, std::string_view text = {}, FdRef fd = FdRef{-1});
std::optional<Message> receive_message(FdRef socket);

/// Waits for one type; throws what the other side reports instead, or that it has gone.
Message expect_message(FdRef socket, MessageType type);

/// Sends the exception in flight. Call only inside a catch block.
void send_failure(FdRef socket) noexcept;

/// Throws the failure that `send_failure` sent, as ExecError or Error.
[[noreturn]] void throw_failure(const std::string& text);

}  // namespace berth::runtime
