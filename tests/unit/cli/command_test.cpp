#include "cli/command.hpp"

#include <gtest/gtest.h>

#include "cli/session.hpp"

namespace berth::cli {
namespace {

struct Sample {
  Command command{"Do it"};
  Switch force = command.on_off("-f,--force", "Force it");
  Switch proxy = command.on_off("--proxy", "Proxy signals", true);
  Text name = command.text("-n,--name", "", "Assign a name");
  List env = command.list("-e,--env", "Set environment variables");
  Number memory = command.bytes("-m,--memory", "Memory limit");
  List words = command.arguments("IMAGE [ARG...]", {.at_least = 1});
};

std::string failure_of(Sample& sample, const std::vector<std::string>& words) {
  try {
    sample.command.parse("berth do", words);
  } catch (const Failure& failure) {
    return std::to_string(failure.exit_code()) + ": " + failure.message();
  }
  return "no failure";
}

TEST(Command, FlagsAreReadInAllOfPflagsSpellings) {
  Sample sample;
  ASSERT_TRUE(
      sample.command.parse("berth do", {"-fe", "A=1", "--env=B=2", "-eC", "--proxy=false", "-m=512m", "--name=", "x"}));
  EXPECT_TRUE(*sample.force);
  EXPECT_FALSE(*sample.proxy);
  EXPECT_EQ(*sample.env, (std::vector<std::string>{"A=1", "B=2", "C"}));
  EXPECT_EQ(*sample.memory, 512 * 1024 * 1024);
  EXPECT_TRUE(sample.name.given());
  EXPECT_EQ(*sample.words, std::vector<std::string>{"x"});
}

TEST(Command, FlagsMayFollowArgumentsUnlessTheyBelongToTheCommandRun) {
  Sample sample;
  ASSERT_TRUE(sample.command.parse("berth do", {"x", "-f", "--", "-f"}));
  EXPECT_TRUE(*sample.force);
  EXPECT_EQ(*sample.words, (std::vector<std::string>{"x", "-f"}));

  Sample first;
  first.command.flags_first();
  ASSERT_TRUE(first.command.parse("berth do", {"-n", "a", "x", "-f"}));
  EXPECT_FALSE(*first.force);
  EXPECT_EQ(*first.words, (std::vector<std::string>{"x", "-f"}));
}

TEST(Command, WrongFlagsAreSaidAsDockerSaysThem) {
  const std::string usage =
      "\n\nUsage:  berth do [OPTIONS] IMAGE [ARG...]\n\nRun 'berth do --help' for more information";
  Sample sample;
  EXPECT_EQ(failure_of(sample, {"--foo"}), "125: unknown flag: --foo" + usage);
  EXPECT_EQ(failure_of(sample, {"-fZ"}), "125: unknown shorthand flag: 'Z' in -Z" + usage);
  EXPECT_EQ(failure_of(sample, {"-n"}), "125: flag needs an argument: 'n' in -n" + usage);
  EXPECT_EQ(failure_of(sample, {"--name"}), "125: flag needs an argument: --name" + usage);
  EXPECT_EQ(failure_of(sample, {"-m", "abc"}),
            "125: invalid argument \"abc\" for \"-m, --memory\" flag: invalid size: 'abc'" + usage);
}

TEST(Command, MissingArgumentsAreSaidAsDockerSaysThem) {
  Sample sample;
  EXPECT_EQ(failure_of(sample, {}),
            "1: berth: 'berth do' requires at least 1 argument\n\nUsage:  berth do [OPTIONS] IMAGE [ARG...]\n\n"
            "See 'berth do --help' for more information");
}

TEST(Command, HelpIsCobras) {
  Sample sample;
  EXPECT_FALSE(sample.command.parse("berth do", {"--help", "--foo"}));
  EXPECT_EQ(sample.command.help("berth do", {"berth thing do", "berth do"}, 79),
            "Usage:  berth do [OPTIONS] IMAGE [ARG...]\n\nDo it\n\nAliases:\n  berth thing do, berth do\n\nOptions:\n"
            "  -e, --env list       Set environment variables\n"
            "  -f, --force          Force it\n"
            "  -m, --memory bytes   Memory limit\n"
            "  -n, --name string    Assign a name\n"
            "      --proxy          Proxy signals (default true)\n");
}

TEST(Command, LongUsagesAreBroken) {
  Command command{"x"};
  command.text("--since", "",
               "Show logs since timestamp (e.g. \"2013-01-02T13:23:37Z\") or relative (e.g. \"42m\" for 42 minutes)");
  EXPECT_EQ(command.options_help(79),
            "      --since string   Show logs since timestamp (e.g.\n"
            "                       \"2013-01-02T13:23:37Z\") or relative (e.g. \"42m\"\n"
            "                       for 42 minutes)\n");
}

}  // namespace
}  // namespace berth::cli
