#include "base/json.hpp"

#include <gtest/gtest.h>

namespace berth::json {
namespace {

struct Inner {
  std::string Name;
  std::optional<int> Count;
};
BOOST_DESCRIBE_STRUCT(Inner, (), (Name, Count))

struct Outer {
  Inner One;
  std::vector<Inner> Many;
  std::map<std::string, std::string> Labels;
  Nullable<std::vector<std::string>> Cmd;
  OmitEmpty<std::string> Note;
  std::int64_t namespace_ = 0;
};
BOOST_DESCRIBE_STRUCT(Outer, (), (One, Many, Labels, Cmd, Note, namespace_))

TEST(Json, StructsComeBackAsTheyWere) {
  const auto outer = parse<Outer>(R"({"One":{"Name":"a","Count":3},"Many":[{"Name":"b"}],"Labels":{"k":"v"},
                                      "Cmd":["x"],"Note":"n","namespace":7,"Unknown":[1,2]})");
  EXPECT_EQ(write(outer), R"({"One":{"Name":"a","Count":3},"Many":[{"Name":"b"}],"Labels":{"k":"v"},)"
                          R"("Cmd":["x"],"Note":"n","namespace":7})");
}

TEST(Json, AbsentMembersAreNullOmittedOrDefault) {
  EXPECT_EQ(write(Outer{}), R"({"One":{"Name":""},"Many":[],"Labels":{},"Cmd":null,"namespace":0})");
}

TEST(Json, NullLeavesTheDefault) {
  EXPECT_EQ(parse<Outer>(R"({"Labels":null,"One":null})").namespace_, 0);
}

TEST(Json, MembersAreFoundInAnyCase) {
  EXPECT_EQ(parse<Outer>(R"({"one":{"NAME":"a"}})").One.Name, "a");
  EXPECT_EQ(parse<Outer>(R"({"note":"other","Note":"exact"})").Note, "exact");
}

TEST(Json, WrongTypeNamesTheMember) {
  try {
    parse<Outer>(R"({"One":{"Count":"many"}})");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::invalid);
    EXPECT_EQ(error.message(), "json: cannot unmarshal string into field One.Count of type int64");
  }
}

TEST(Json, NumberOutOfRangeIsRefused) {
  EXPECT_THROW(parse<Inner>(R"({"Count":99999999999})"), Error);
}

TEST(Json, MalformedTextIsInvalid) {
  for (const auto* text : {"", "{", "{\"a\":}", "nul", "{} x"}) EXPECT_THROW(parse(text), Error) << text;
}

TEST(Json, DeepNestingIsRefused) {
  EXPECT_THROW(parse(std::string(100'000, '[')), Error);
}

}  // namespace
}  // namespace berth::json
