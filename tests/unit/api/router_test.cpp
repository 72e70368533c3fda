#include <gtest/gtest.h>

#include "api/routes.hpp"

namespace berth::api {
namespace {

const Route rows[] = {{Method::get, "/info", nullptr, "info"},
                      {Method::get, "/images/json", nullptr, "list"},
                      {Method::get, "/images/{name}/json", nullptr, "inspect"},
                      {Method::get, "/images/get", nullptr, "save"},
                      {Method::delete_, "/images/{name}", nullptr, "remove"},
                      {Method::post, "/containers/prune", nullptr, "prune"},
                      {Method::post, "/containers/{name}/start", nullptr, "start"}};
const Router router{{rows}};

Request request_for(Method method, std::string target) {
  return {Head{.method = method, .target = std::move(target)}, nullptr, FdRef{-1}};
}

std::string answer_for(Method method, std::string target) {
  auto request = request_for(method, std::move(target));
  try {
    return fmt::format("{} {}", router.find(request).not_yet, request.name());
  } catch (const Error& error) {
    return fmt::format("{} {}", http_status(error.kind()), error.message());
  }
}

TEST(Router, NamesMayHaveSlashes) {
  EXPECT_EQ(answer_for(Method::get, "/images/host:5000/a/b:c/json"), "inspect host:5000/a/b:c");
  EXPECT_EQ(answer_for(Method::get, "/images/a%2Fb/json"), "inspect a/b");
  EXPECT_EQ(answer_for(Method::delete_, "/images/a/b"), "remove a/b");
}

TEST(Router, LiteralPathsWinOverNames) {
  EXPECT_EQ(answer_for(Method::get, "/images/json"), "list ");
  EXPECT_EQ(answer_for(Method::get, "/images/get"), "save ");
  EXPECT_EQ(answer_for(Method::delete_, "/images/json"), "remove json");
}

TEST(Router, VersionPrefixIsOptional) {
  auto request = request_for(Method::post, "/v1.41/containers/web/start");
  EXPECT_EQ(router.find(request).not_yet, "start");
  EXPECT_EQ(request.version(), (ApiVersion{1, 41}));
  EXPECT_EQ(request.path(), "/containers/web/start");
  EXPECT_EQ(answer_for(Method::get, "/info"), "info ");
}

TEST(Router, VersionsOutsideTheRangeAreRefusedInDockersWords) {
  EXPECT_EQ(answer_for(Method::get, "/v1.52/info"),
            "400 client version 1.52 is too new. Maximum supported API version is 1.51");
  EXPECT_EQ(
      answer_for(Method::get, "/v1.20/info"),
      "400 client version 1.20 is too old. Minimum supported API version is 1.24, please upgrade your client to a "
      "newer version");
  EXPECT_EQ(answer_for(Method::get, "/v1.2.3/info"), "400 malformed API version \"1.2.3\"");
  EXPECT_EQ(answer_for(Method::get, "/v99999999999.1/info"), "400 malformed API version \"99999999999.1\"");
  EXPECT_EQ(answer_for(Method::get, "/vx/info"), "404 page not found");
}

TEST(Router, UnknownPathIs404AndWrongMethod405) {
  EXPECT_EQ(answer_for(Method::get, "/nothing"), "404 page not found");
  EXPECT_EQ(answer_for(Method::get, "/"), "404 page not found");
  EXPECT_EQ(answer_for(Method::get, "/images/a/nothing"), "404 page not found");
  EXPECT_EQ(answer_for(Method::post, "/info"), "405 method POST is not allowed for /info");
  EXPECT_EQ(answer_for(Method::other, "/v1.51/info"), "405 method other is not allowed for /info");
}

}  // namespace
}  // namespace berth::api
