#include "containers/exec_table.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/id.hpp"

namespace berth::containers {
namespace {

std::shared_ptr<Container> make_container(const std::string& id) {
  Record record;
  record.id = id;
  return std::make_shared<Container>(record);
}

ExecPtr make_exec(const std::shared_ptr<Container>& container) {
  return std::make_shared<Exec>(random_hex(32), container, ExecConfig{});
}

TEST(Exec, RunsOnce) {
  const auto exec = make_exec(make_container("c"));
  exec->claim();
  EXPECT_THROW(exec->claim(), Error);
  exec->set_running(12);
  EXPECT_TRUE(exec->end(3));
  EXPECT_THROW(exec->claim(), Error);
}

TEST(Exec, EndThatIsHeardOfBeforeTheStartIsOverStays) {
  const auto exec = make_exec(make_container("c"));
  exec->claim();
  EXPECT_TRUE(exec->end(7));
  exec->set_running(12);
  EXPECT_EQ(exec->state().phase, Exec::Phase::ended);
  EXPECT_EQ(exec->state().exit_code, 7);
  EXPECT_FALSE(exec->end(137));
}

TEST(ExecTable, UnknownOnesAreNamed) {
  const ExecTable table;
  try {
    table.get("abc");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::not_found);
    EXPECT_EQ(error.message(), "No such exec instance: abc");
  }
}

TEST(ExecTable, ListsThoseOfOneContainerThatHaveNotEnded) {
  ExecTable table;
  const auto one = make_container("one");
  const auto two = make_container("two");
  const auto alive = make_exec(one);
  const auto ended = make_exec(one);
  ended->end(0);
  for (const auto& exec : {alive, ended, make_exec(two)}) table.enter(exec);
  EXPECT_EQ(table.of("one", false), std::vector<ExecPtr>{alive});
  EXPECT_EQ(table.of("one", true).size(), 2U);
  table.forget_container("one");
  EXPECT_EQ(table.find(alive->id), nullptr);
}

TEST(ExecTable, DoesNotGrowWithoutEndAndKeepsWhatRuns) {
  ExecTable table;
  const auto container = make_container("c");
  const auto running = make_exec(container);
  running->claim();
  table.enter(running);
  ExecPtr last;
  for (int i = 0; i < 5000; ++i) {
    last = make_exec(container);
    last->claim();
    last->end(0);
    table.enter(last);
  }
  EXPECT_LE(table.of("c", true).size(), 1024U);
  EXPECT_EQ(table.find(running->id), running);
  EXPECT_EQ(table.find(last->id), last);
}

}  // namespace
}  // namespace berth::containers
