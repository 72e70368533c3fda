#include "base/spawn.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace berth {
namespace {

TEST(Spawn, OutputAndExitCodeComeBack) {
  auto pipe = make_pipe();
  const auto child = spawn({.program = "/bin/sh",
                            .arguments = {"sh", "-c", "echo $WORD; exit 3"},
                            .environment = {"WORD=hello"},
                            .fds = {{pipe.write_end.get(), 1}}});
  pipe.write_end.reset();
  EXPECT_EQ(read_to_end(pipe.read_end, 100), "hello\n");
  EXPECT_EQ(wait_for_exit(child.pid), 3);
}

TEST(Spawn, NoOtherDescriptorIsInherited) {
  auto pipe = make_pipe();
  const auto child = spawn({.program = "/bin/sh",
                            .arguments = {"sh", "-c", "ls /proc/self/fd | tr '\\n' ' '"},
                            .environment = {"PATH=/bin:/usr/bin"},
                            .fds = {{pipe.write_end.get(), 1}}});
  pipe.write_end.reset();
  EXPECT_EQ(read_to_end(pipe.read_end, 100), "0 1 2 3 ");  // 3 is the directory that ls reads
  EXPECT_EQ(wait_for_exit(child.pid), 0);
}

TEST(Spawn, AMissingProgramIsNotFound) {
  try {
    spawn({.program = "/nonexistent", .arguments = {"x"}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::not_found);
  }
}

TEST(Spawn, ASignalIs128AndItsNumber) {
  const auto child = spawn({.program = "/bin/sh", .arguments = {"sh", "-c", "kill -TERM $$"}});
  EXPECT_EQ(wait_for_exit(child.pid), 143);
}

}  // namespace
}  // namespace berth
