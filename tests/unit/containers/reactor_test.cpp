#include "containers/reactor.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>

namespace berth::containers {
namespace {

/// Whether the eventfd has been written to within `patience` milliseconds; takes that back.
bool take(FdRef events, int patience) {
  pollfd wait{events.get(), POLLIN, 0};
  if (::poll(&wait, 1, patience) != 1) return false;
  eventfd_t ignored = 0;
  return ::eventfd_read(events.get(), &ignored) == 0;
}

class ReactorTest : public testing::Test {
 protected:
  ReactorTest() {
    reactor.watch(awaited, [&] { ::eventfd_write(calls.get(), 1); });  // leaves unread what is there
    reactor.watch(bell, [&] {
      take(bell, 0);
      ::eventfd_write(rung.get(), 1);
    });
  }

  /// Returns when the reactor has asked for what is readable twice: all that was so before has had its callback.
  void wait_for_two_rounds() {
    for (int round = 0; round < 2; ++round) {
      ::eventfd_write(bell.get(), 1);
      ASSERT_TRUE(take(rung, 10'000));
    }
  }

  UniqueFd awaited = make_eventfd();
  UniqueFd calls = make_eventfd();
  UniqueFd bell = make_eventfd();
  UniqueFd rung = make_eventfd();
  Reactor reactor;
};

TEST_F(ReactorTest, WhatACallbackLeavesUnreadDoesNotCallItAgain) {
  ::eventfd_write(awaited.get(), 1);
  ASSERT_TRUE(take(calls, 10'000));
  wait_for_two_rounds();
  EXPECT_FALSE(take(calls, 0));
}

TEST_F(ReactorTest, WhatIsNewCallsAgainThoughTheOldIsUnread) {
  for (int time = 0; time < 3; ++time) {
    ::eventfd_write(awaited.get(), 1);
    EXPECT_TRUE(take(calls, 10'000)) << time;
  }
}

TEST_F(ReactorTest, WhatIsForgottenIsNotCalledBack) {
  reactor.forget(awaited);
  ::eventfd_write(awaited.get(), 1);
  wait_for_two_rounds();
  EXPECT_FALSE(take(calls, 0));
}

}  // namespace
}  // namespace berth::containers
