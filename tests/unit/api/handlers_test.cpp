#include <gmock/gmock.h>

#include "../support/own_network.hpp"
#include "api/routes.hpp"
#include "engine/engine.hpp"
#include "live_server.hpp"

namespace berth::api {
namespace {

using testing::HasSubstr;

/// The real table over a real engine without containers; nothing is started.
class Handlers : public testing::Test {
 protected:
  static engine::Settings settings_in(const fs::path& directory) {
    engine::Settings settings;
    settings.data_root = directory / "data";
    settings.exec_root = directory / "run";
    settings.shim_program = "/nonexistent/berth-shim";
    return settings;
  }
  std::string ask(std::string_view request, std::string_view end = "\n") {
    return RawClient{server_}.ask(request, end);
  }
  static std::string body_of(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

  TempDir directory_{"/tmp", "berth-api-test-"};
  OwnNetwork network_;  // the engine makes a bridge
  engine::Engine engine_{settings_in(directory_.path())};
  LiveServer server_{[this](Request& request) { return engine_api().answer(request, engine_); }};
};

TEST_F(Handlers, PingTellsClientsWhatToSpeak) {
  const auto answer = ask(get("/v1.24/_ping"), "OK");
  EXPECT_THAT(answer, HasSubstr("HTTP/1.1 200 OK\r\n"));
  for (const auto* field :
       {"Api-Version: 1.51", "Builder-Version: 1", "Docker-Experimental: false", "Ostype: linux", "Swarm: inactive",
        "Cache-Control: no-cache, no-store, must-revalidate", "Pragma: no-cache"}) {
    EXPECT_THAT(answer, HasSubstr(std::string{field} + "\r\n"));
  }
  EXPECT_THAT(ask("HEAD /_ping HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n\r\n"), HasSubstr("Content-Length: 0\r\n"));
}

TEST_F(Handlers, VersionAndInfoAreObjects) {
  EXPECT_EQ(json::parse(body_of(ask(get("/version")))).at("ApiVersion"), "1.51");
  EXPECT_EQ(json::parse(body_of(ask(get("/info")))).at("OSType"), "linux");
}

TEST_F(Handlers, CreateNeedsAConfigurationOfTheRightTypes) {
  EXPECT_THAT(ask(post("/containers/create", "{}")),
              HasSubstr("config cannot be empty in order to create a container"));
  EXPECT_THAT(ask(post("/containers/create", "{\"Image\":7}")), HasSubstr("HTTP/1.1 400 "));
  EXPECT_THAT(ask(post("/containers/create", "{\"Image\"")), HasSubstr("invalid JSON"));
  EXPECT_THAT(ask(post("/containers/create", "{}", "text/plain")),
              HasSubstr("unsupported Content-Type header (text/plain)"));
  EXPECT_THAT(ask(post("/containers/create", "{\"Image\":\"nope\"}")), HasSubstr("No such image: nope:latest"));
}

TEST_F(Handlers, ParametersAreCheckedBeforeAnythingIsDone) {
  EXPECT_THAT(ask(post("/containers/x/wait?condition=soon", "")), HasSubstr("invalid condition"));
  EXPECT_THAT(ask(get("/containers/x/logs")), HasSubstr("you must choose at least one stream"));
  EXPECT_THAT(ask(get("/containers/x/logs?stdout=1&since=soon")), HasSubstr("invalid value for"));
  EXPECT_THAT(ask(post("/containers/x/stop?t=soon", "")), HasSubstr("HTTP/1.1 400 "));
  EXPECT_THAT(ask(post("/containers/x/resize?h=1&w=-1", "")), HasSubstr("invalid resize width"));
  EXPECT_THAT(ask(get("/containers/json?filters={")), HasSubstr("invalid filter"));
  EXPECT_THAT(ask(get("/events?filters={")), HasSubstr("invalid filter"));
  EXPECT_THAT(ask(post("/containers/x/attach?detachKeys=nope", "")), HasSubstr("Invalid detach keys (nope) provided"));
  EXPECT_THAT(ask(get("/events?since=5&until=4")), HasSubstr("cannot be after `until` time"));
}

TEST_F(Handlers, ContainerThatIsNotThereIs404Everywhere) {
  for (const auto* path :
       {"start", "stop", "restart", "kill", "wait", "attach?stream=1", "rename?name=abc", "resize?h=1&w=1"}) {
    const auto answer = ask(post(std::string{"/containers/nope/"} + path, ""));
    EXPECT_THAT(answer, HasSubstr("HTTP/1.1 404 ")) << path;
    EXPECT_THAT(answer, HasSubstr("No such container: nope")) << path;
  }
}

TEST_F(Handlers, EventsOfThePastEndAtOnce) {
  engine_.events().publish("container", "start", "abc", {{"name", "web"}});
  const auto answer = ask(get("/events?since=1&until=99999999999&filters={\"event\":[\"start\"]}"), "}\n");
  EXPECT_THAT(answer, HasSubstr("\"Action\":\"start\""));
  EXPECT_THAT(ask(get("/events?until=1"), "0\r\n\r\n"), HasSubstr("\r\n\r\n0\r\n\r\n"));
}

TEST_F(Handlers, PullSaysPlainlyThatItIsNotThere) {
  const auto answer = ask(post("/images/create?fromImage=busybox&tag=latest", ""));
  EXPECT_THAT(answer, HasSubstr("HTTP/1.1 501 "));
  EXPECT_THAT(answer, HasSubstr("not supported by Berth yet"));
}

TEST_F(Handlers, BrokenArchiveIsAnErrorWithinTheStream) {
  const auto answer = ask(post("/images/load", "this is no archive", "application/x-tar"), "0\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("HTTP/1.1 200 "));
  EXPECT_THAT(answer, HasSubstr("{\"errorDetail\":{\"message\":"));
}

TEST_F(Handlers, OldClientsSeeTheFieldsOfTheirTime) {
  EXPECT_THAT(ask(get("/v1.42/images/json")), HasSubstr("\"VirtualSize\":"));
  EXPECT_THAT(ask(get("/v1.44/images/json")), testing::Not(HasSubstr("VirtualSize")));
}

TEST_F(Handlers, NetworksAreListedAndNamedWhereOneIsMissing) {
  EXPECT_THAT(ask(get("/networks")), HasSubstr("\"Name\":\"bridge\""));
  const auto missing = ask(get("/networks/nowhere"));
  EXPECT_THAT(missing, HasSubstr("HTTP/1.1 404 "));
  EXPECT_THAT(missing, HasSubstr("network nowhere not found"));
}

TEST_F(Handlers, WhatIsNotThereYetIs501WithASentence) {
  for (const auto* path : {"/volumes", "/system/df", "/swarm", "/containers/x/export", "/plugins/a/b/json"}) {
    const auto answer = ask(get(path));
    EXPECT_THAT(answer, HasSubstr("HTTP/1.1 501 Not Implemented\r\n")) << path;
    EXPECT_THAT(answer, HasSubstr(" not supported by Berth")) << path;
  }
}

}  // namespace
}  // namespace berth::api
