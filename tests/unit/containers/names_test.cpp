#include "containers/names.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace berth::containers {
namespace {

TEST(Names, TheLeadingSlashIsTakenOff) {
  EXPECT_EQ(checked_name("/web.1_a-b"), "web.1_a-b");
}

TEST(Names, BadNamesAreRefusedWithDockersText) {
  for (const auto* name : {"", "a", "-web", "we b", "web/1", "wéb", ".web", "a\n"}) {
    try {
      checked_name(name);
      ADD_FAILURE() << name << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), Kind::invalid);
      EXPECT_NE(error.message().find("only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"), std::string::npos);
    }
  }
}

TEST(Names, MadeUpNamesAreValid) {
  for (int i = 0; i < 100; ++i) EXPECT_NO_THROW(checked_name(random_name()));
}

}  // namespace
}  // namespace berth::containers
