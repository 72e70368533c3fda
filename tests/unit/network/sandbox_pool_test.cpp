#include "network/sandbox_pool.hpp"

#include <gmock/gmock.h>

#include <unistd.h>

#include <semaphore>

#include "base/guarded.hpp"

namespace berth::network {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SandboxPoolTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
  }

  Sandbox make(SandboxKind kind) {
    auto sandbox = Sandbox::make();
    kinds_.with([&](auto& kinds) { kinds.push_back(kind); });
    made_.release();
    return sandbox;
  }
  void await(int count) {
    for (int i = 0; i < count; ++i) made_.acquire();
  }
  std::vector<SandboxKind> made() {
    return kinds_.with([](auto& kinds) { return std::exchange(kinds, {}); });
  }

  std::counting_semaphore<> made_{0};
  Guarded<std::vector<SandboxKind>> kinds_;
};

TEST_F(SandboxPoolTest, ThoseForNetworksWithNamesAreMadeOnceThereIsSuchANetwork) {
  SandboxPool pool{2, 1, [this](SandboxKind kind) { return make(kind); }};
  pool.refill(false);
  await(3);
  EXPECT_THAT(made(), ElementsAre(SandboxKind::linked, SandboxKind::linked, SandboxKind::bare));
  pool.refill(true);
  await(2);
  EXPECT_THAT(made(), ElementsAre(SandboxKind::named, SandboxKind::named));
}

TEST_F(SandboxPoolTest, WithoutOneForNamesOneWithALinkWillDo) {
  SandboxPool pool{1, 1, [this](SandboxKind kind) { return make(kind); }};
  pool.refill(false);
  await(2);  // the first one is in its place before the second is made
  made();
  pool.take(SandboxKind::named);
  EXPECT_THAT(made(), IsEmpty());
  pool.take(SandboxKind::named);
  EXPECT_THAT(made(), ElementsAre(SandboxKind::named));
}

}  // namespace
}  // namespace berth::network
