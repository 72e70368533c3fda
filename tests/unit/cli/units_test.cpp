#include "cli/units.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "cli/formatter.hpp"
#include "cli/image_name.hpp"
#include "cli/ports.hpp"
#include "cli/relay.hpp"
#include "cli/terminal.hpp"

namespace berth::cli {
namespace {

using std::chrono::seconds;

TEST(Units, SizesAreShownAsDockerShowsThem) {
  EXPECT_EQ(human_size(1913), "1.913kB");
  EXPECT_EQ(human_size(1913, 3), "1.91kB");
  EXPECT_EQ(human_size(0, 3), "0B");
  EXPECT_EQ(binary_size(25275924480.0), "23.54GiB");
}

TEST(Units, AgesAreShownAsDockerShowsThem) {
  EXPECT_EQ(human_duration(seconds{0}), "Less than a second");
  EXPECT_EQ(human_duration(seconds{59}), "59 seconds");
  EXPECT_EQ(human_duration(seconds{61}), "About a minute");
  EXPECT_EQ(human_duration(seconds{3600}), "About an hour");
  EXPECT_EQ(human_duration(seconds{47 * 3600}), "47 hours");
  EXPECT_EQ(human_duration(seconds{48 * 3600}), "2 days");
  EXPECT_EQ(human_duration(seconds{20 * 86400}), "2 weeks");
  EXPECT_EQ(human_duration(seconds{800 * 86400}), "2 years");
}

TEST(Units, EllipsisCountsCharacters) {
  EXPECT_EQ(ellipsis("short", 20), "short");
  EXPECT_EQ(ellipsis("abcdef", 4), "abc…");
  EXPECT_EQ(ellipsis("ééééé", 3), "éé…");
}

TEST(Columns, AreAsWideAsTheirWidestCell) {
  EXPECT_EQ(align_columns("A\tB\nlonger cell\tx\n", 10, 3), "A             B\nlonger cell   x\n");
  EXPECT_EQ(align_columns("A\tB\nno tab\nlong long long\tx\n", 3, 1), "A  B\nno tab\nlong long long x\n");
}

TEST(ImageName, TagsAndPortsAreToldApart) {
  EXPECT_EQ(split_image_name("host:5000/a/b").tag, "");
  EXPECT_EQ(split_image_name("host:5000/a/b:1").tag, "1");
  EXPECT_EQ(familiar_repository("docker.io/library/busybox"), "busybox");
  EXPECT_EQ(with_default_tag("a@sha256:x"), "a@sha256:x");
  EXPECT_THROW(parse_image_name("Big"), Error);
}

TEST(Ports, AreGroupedInRanges) {
  const auto ports = json::parse(R"([{"PrivatePort":81,"Type":"tcp"},{"PrivatePort":80,"Type":"tcp"},
      {"IP":"0.0.0.0","PrivatePort":90,"PublicPort":91,"Type":"udp"},{"IP":"::","PrivatePort":5,"PublicPort":5,"Type":"tcp"}])");
  EXPECT_EQ(describe_ports(ports), "[::]:5->5/tcp, 80-81/tcp, 0.0.0.0:91->90/udp");
}

TEST(DetachFilter, HoldsBackAStartAndGivesItUpIfItIsNone) {
  DetachFilter filter{parse_detach_keys("ctrl-p,ctrl-q")};
  EXPECT_EQ(filter.pass("a\x10"), "a");
  EXPECT_EQ(filter.pass("b\x10\x10"),
            "\x10"
            "b\x10");
  EXPECT_EQ(filter.pass("\x11z"), "");
  EXPECT_TRUE(filter.detached());
}

TEST(FrameSplitter, TakesFramesInAnyPieces) {
  const std::string stream{
      "\x01\0\0\0\0\0\0\x03out\x02\0\0\0\0\0\0\x03"
      "err",
      22};
  FrameSplitter frames;
  std::string out;
  std::string err;
  for (const char byte : stream) {
    frames.feed({&byte, 1}, [&](int number, std::string_view bytes) { (number == 1 ? out : err) += bytes; });
  }
  EXPECT_EQ(out, "out");
  EXPECT_EQ(err, "err");
}

}  // namespace
}  // namespace berth::cli
