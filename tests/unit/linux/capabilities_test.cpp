#include "linux/capabilities.hpp"

#include <gtest/gtest.h>

#include <linux/capability.h>

namespace berth::kernel {
namespace {

TEST(Capabilities, NamesHaveTheKernelsNumbers) {
  EXPECT_EQ(find_capability("CAP_CHOWN"), CAP_CHOWN);
  EXPECT_EQ(find_capability("CAP_SYS_ADMIN"), CAP_SYS_ADMIN);
  EXPECT_EQ(find_capability("CAP_NET_RAW"), CAP_NET_RAW);
  EXPECT_EQ(find_capability("CAP_SETFCAP"), CAP_SETFCAP);
  EXPECT_EQ(find_capability("CAP_CHECKPOINT_RESTORE"), CAP_CHECKPOINT_RESTORE);
}

TEST(Capabilities, PrefixAndCaseDoNotMatter) {
  EXPECT_EQ(find_capability("net_admin"), CAP_NET_ADMIN);
  EXPECT_EQ(find_capability("cap_net_admin"), CAP_NET_ADMIN);
}

TEST(Capabilities, UnknownNamesAreNotFound) {
  EXPECT_FALSE(find_capability("CAP_EVERYTHING"));
  EXPECT_FALSE(find_capability(""));
  EXPECT_FALSE(find_capability("ALL"));
}

TEST(Capabilities, EveryNameFindsItsIndex) {
  const auto names = capability_names();
  for (std::size_t number = 0; number < names.size(); ++number) {
    EXPECT_EQ(find_capability(names[number]), static_cast<int>(number));
  }
}

}  // namespace
}  // namespace berth::kernel
