#include "images/changes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace berth::images {
namespace {

using testing::ElementsAre;
using testing::Key;

oci::RunConfig apply(const std::vector<std::string>& changes) {
  return apply_changes({}, changes);
}

std::string failure(const std::string& change) {
  try {
    apply({change});
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::invalid);
    return error.message();
  }
  return "accepted";
}

TEST(Changes, CommandsInBothForms) {
  EXPECT_THAT(apply({R"(CMD ["a", "b c"])"}).Cmd, ElementsAre("a", "b c"));
  EXPECT_THAT(apply({"cmd echo  $HOME"}).Cmd, ElementsAre("/bin/sh", "-c", "echo  $HOME"));
  EXPECT_THAT(apply({R"(ENTRYPOINT ["/init"])"}).Entrypoint, ElementsAre("/init"));
}

TEST(Changes, EnvironmentWithQuotesAndVariables) {
  EXPECT_THAT(apply({R"(ENV A=1 B="two words" C=a\ b)", "ENV A=$A:${B}", "ENV OLD style value"}).Env,
              ElementsAre("A=1:two words", "B=two words", "C=a b", "OLD=style value"));
  EXPECT_THAT(apply({"ENV A=1", "ENV B='$A'"}).Env, ElementsAre("A=1", "B=$A"));
}

TEST(Changes, PortsVolumesAndLabels) {
  EXPECT_THAT(apply({"EXPOSE 80 53/udp 8000-8001"}).ExposedPorts,
              ElementsAre(Key("53/udp"), Key("80/tcp"), Key("8000/tcp"), Key("8001/tcp")));
  EXPECT_THAT(apply({R"(VOLUME ["/a b", "/c"])", "VOLUME /d"}).Volumes, ElementsAre(Key("/a b"), Key("/c"), Key("/d")));
  EXPECT_EQ(apply({R"(LABEL a.b="c d" e=f)"}).Labels.at("a.b"), "c d");
}

TEST(Changes, SingleWords) {
  const auto config =
      apply({"USER 1000:1000", "STOPSIGNAL SIGQUIT", "WORKDIR /srv/app", "WORKDIR ../data", "ONBUILD RUN make"});
  EXPECT_EQ(config.User, "1000:1000");
  EXPECT_EQ(config.StopSignal, "SIGQUIT");
  EXPECT_EQ(config.WorkingDir, "/srv/data");
  EXPECT_THAT(config.OnBuild, ElementsAre("RUN make"));
}

TEST(Changes, Healthchecks) {
  const auto check = apply({"HEALTHCHECK --interval=5s --timeout=100ms --retries=3 CMD curl -f localhost"}).Healthcheck;
  EXPECT_THAT(check->Test, ElementsAre("CMD-SHELL", "curl -f localhost"));
  EXPECT_EQ(check->Interval, 5'000'000'000);
  EXPECT_EQ(check->Timeout, 100'000'000);
  EXPECT_EQ(check->Retries, 3);
  EXPECT_THAT(apply({"HEALTHCHECK NONE"}).Healthcheck->Test, ElementsAre("NONE"));
}

TEST(Changes, RefusesWhatDockerRefuses) {
  EXPECT_EQ(failure("RUN rm -rf /"), "run is not a valid change command");
  EXPECT_EQ(failure("FROM scratch"), "from is not a valid change command");
  EXPECT_EQ(failure("EXPOSE 70000"), "invalid containerPort: 70000");
  EXPECT_EQ(failure("ENV A"), "ENV must have two arguments");
  EXPECT_EQ(failure("CMD"), "CMD requires at least one argument");
  EXPECT_NE(failure("HEALTHCHECK SOMETIMES"), "accepted");
}

}  // namespace
}  // namespace berth::images
