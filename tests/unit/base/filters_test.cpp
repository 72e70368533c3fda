#include "base/filters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace berth {
namespace {

std::string message_of(const auto& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.message();
  }
  return "nothing was thrown";
}

TEST(Filters, NameThatIsNotAcceptedIsNamed) {
  EXPECT_NO_THROW(check_filters({{"label", {"a"}}}, {"label", "until"}));
  EXPECT_EQ(message_of([] { check_filters({{"colour", {"red"}}}, {"label"}); }), "invalid filter 'colour'");
}

TEST(Filters, TruthHasFourWords) {
  EXPECT_EQ(truth_of({{"dangling", {"1"}}}, "dangling"), true);
  EXPECT_EQ(truth_of({{"dangling", {"false"}}}, "dangling"), false);
  EXPECT_EQ(truth_of({}, "dangling"), std::nullopt);
  EXPECT_EQ(message_of([] { truth_of({{"dangling", {"yes"}}}, "dangling"); }), "invalid filter 'dangling=[yes]'");
}

TEST(Filters, UntilIsOnePointInTime) {
  EXPECT_EQ(until_of({}), std::nullopt);
  EXPECT_EQ(until_of({{"until", {"0"}}}), Time{});
  EXPECT_EQ(message_of([] { until_of({{"until", {"1", "2"}}}); }), "more than one until filter specified");
}

TEST(Filters, LabelsFitByKeyOrByKeyAndValueAllOfThem) {
  EXPECT_TRUE(has_labels({{"a", "1"}, {"b", "2"}}, {"a", "b=2"}));
  EXPECT_FALSE(has_labels({{"a", "1"}}, {"a", "b"}));
  EXPECT_FALSE(has_labels({{"a", "1"}}, {"a=2"}));
}

TEST(Filters, UnwantedLabelsOfAPruneCountTogether) {
  EXPECT_TRUE(labels_fit({{"a", "1"}}, {{"label!", {"a", "b"}}}));
  EXPECT_FALSE(labels_fit({{"a", "1"}, {"b", ""}}, {{"label!", {"a", "b"}}}));
  EXPECT_FALSE(labels_fit({}, {{"label", {"a"}}}));
}

TEST(Filters, TextIsFoundAsItIsOrAsARegularExpressionAnywhereInIt) {
  EXPECT_TRUE(text_matches("backend", "ack"));
  EXPECT_TRUE(text_matches("backend", "^b.*d$"));
  EXPECT_TRUE(text_matches("a[", "a["));
  EXPECT_FALSE(text_matches("ab[", "a["));
}

}  // namespace
}  // namespace berth
