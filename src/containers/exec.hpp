// Further processes in running containers, as the Engine API shows them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "containers/config.hpp"

namespace berth::containers {

/// The body of POST /containers/{id}/exec.
struct ExecConfig {
  std::string User;
  bool Privileged = false;
  bool Tty = false;
  std::vector<std::int64_t> ConsoleSize;  ///< height, width
  bool AttachStdin = false, AttachStdout = false, AttachStderr = false;
  std::string DetachKeys;
  std::vector<std::string> Env;
  std::string WorkingDir;
  StringList Cmd;
};
BOOST_DESCRIBE_STRUCT(ExecConfig, (),
                      (User, Privileged, Tty, ConsoleSize, AttachStdin, AttachStdout, AttachStderr, DetachKeys, Env,
                       WorkingDir, Cmd))

/// The body of POST /exec/{id}/start.
struct ExecStart {
  bool Detach = false;
  bool Tty = false;
  std::vector<std::int64_t> ConsoleSize;
};
BOOST_DESCRIBE_STRUCT(ExecStart, (), (Detach, Tty, ConsoleSize))

/// The answer of GET /exec/{id}/json.
struct ExecInspect {
  struct ProcessConfig {
    bool tty = false;
    std::string entrypoint;
    std::vector<std::string> arguments;
    bool privileged = false;
    json::OmitEmpty<std::string> user;
  };
  std::string ID;
  bool Running = false;
  json::Nullable<int> ExitCode;  ///< null until it has ended
  ProcessConfig ProcessConfig_;
  bool OpenStdin = false, OpenStderr = false, OpenStdout = false;
  bool CanRemove = false;
  std::string ContainerID;
  std::string DetachKeys;  ///< the bytes that the keys send, in base64: so Docker shows them
  int Pid = 0;
};
BOOST_DESCRIBE_STRUCT(ExecInspect::ProcessConfig, (), (tty, entrypoint, arguments, privileged, user))
BOOST_DESCRIBE_STRUCT(ExecInspect, (),
                      (ID, Running, ExitCode, ProcessConfig_, OpenStdin, OpenStderr, OpenStdout, CanRemove, ContainerID,
                       DetachKeys, Pid))

class Exec;

/// One that can be started: checked before the connection is hijacked, so that errors are still answers.
struct ExecTarget {
  std::shared_ptr<Exec> exec;
  ExecStart start;
};

}  // namespace berth::containers
