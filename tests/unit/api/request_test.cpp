#include "api/request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::api {
namespace {

using testing::ElementsAre;

Request make_request(std::string target, std::string body = {}, std::string type = {}) {
  Head head{.method = Method::post, .target = std::move(target), .content_length = body.size()};
  if (!type.empty()) head.headers.emplace_back("Content-Type", type);
  auto source = [left = std::move(body)](std::span<char> buffer) mutable {
    const auto count = left.copy(buffer.data(), buffer.size());
    left.erase(0, count);
    return count;
  };
  return {std::move(head), source, FdRef{-1}};
}

std::string problem_of(const Request& request) {
  try {
    static_cast<void>(request.json_value());
  } catch (const Error& error) {
    return error.message();
  }
  return "none";
}

TEST(Request, QueryIsDecodedAndKeepsRepeats) {
  const auto request = make_request("/a%20b?x=1&x=2&y=a%2Bb+c&empty=&bare");
  EXPECT_EQ(request.path(), "/a b");
  EXPECT_THAT(request.queries("x"), ElementsAre("1", "2"));
  EXPECT_EQ(request.query("y"), "a+b c");
  EXPECT_EQ(request.query("bare"), "");
  EXPECT_EQ(request.query("absent"), std::nullopt);
}

TEST(Request, TargetWithAuthorityAndDoubledSlashesIsThePathThatIsMeant) {
  EXPECT_EQ(make_request("http://docker/containers//web/json?a=1").path(), "/containers/web/json");
}

TEST(Request, BooleansAreDockers) {
  for (const auto* text : {"", "0", "no", "false", "none", "FALSE", "%20no%20"}) {
    EXPECT_FALSE(make_request(std::string{"/?f="} + text).flag("f", true)) << text;
  }
  for (const auto* text : {"1", "true", "yes", "2", "x"})
    EXPECT_TRUE(make_request(std::string{"/?f="} + text).flag("f"));
  EXPECT_TRUE(make_request("/").flag("f", true));
}

TEST(Request, NumbersAreCheckedInGosWords) {
  EXPECT_EQ(make_request("/?n=-5").number("n"), -5);
  EXPECT_EQ(make_request("/?n=").number("n"), std::nullopt);
  EXPECT_THROW(static_cast<void>(make_request("/?n=5x").number("n")), Error);
}

TEST(Request, FiltersComeInTwoForms) {
  EXPECT_THAT(make_request(R"(/?filters={"a":["x","y"]})").filters().at("a"), ElementsAre("x", "y"));
  EXPECT_THAT(make_request(R"(/?filters={"a":{"x":true,"y":false}})").filters().at("a"), ElementsAre("x"));
  EXPECT_TRUE(make_request("/").filters().empty());
}

TEST(Request, BrokenFiltersAreRefused) {
  for (const auto* text : {"{", "[]", "7", R"({"a":"x"})", R"({"a":[1]})"}) {
    EXPECT_THROW(static_cast<void>(make_request(std::string{"/?filters="} + text).filters()), Error) << text;
  }
}

TEST(Request, JsonBodyNeedsItsContentType) {
  EXPECT_EQ(problem_of(make_request("/", "{}", "application/json; charset=utf-8")), "none");
  EXPECT_EQ(problem_of(make_request("/", "{}", "text/plain")),
            "unsupported Content-Type header (text/plain): must be 'application/json'");
  EXPECT_EQ(problem_of(make_request("/", "{}")), "malformed Content-Type header (): mime: no media type");
  EXPECT_EQ(problem_of(make_request("/")), "none");
}

TEST(Request, MalformedJsonIsInvalid) {
  EXPECT_TRUE(problem_of(make_request("/", "{", "application/json")).starts_with("invalid JSON: "));
}

}  // namespace
}  // namespace berth::api
