// Golden outputs: what docker 28 prints for the same answers of the daemon.
#include "cli/cli.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../client/fake_daemon.hpp"

namespace berth::cli {
namespace {

struct Result {
  int code = 0;
  std::string out;
  std::string err;
};

/// Runs a command with pipes in place of the terminal. What it prints must fit into a pipe.
Result run_with(const std::string& host, std::vector<std::string> words) {
  auto in = make_pipe();
  auto out = make_pipe();
  auto err = make_pipe();
  in.write_end.reset();
  std::vector<std::string> arguments{"berth", "-H", host};
  arguments.insert(arguments.end(), words.begin(), words.end());
  Result result;
  result.code = run(arguments, {in.read_end, out.write_end, err.write_end});
  out.write_end.reset();
  err.write_end.reset();
  result.out = read_to_end(out.read_end, 1U << 20U);
  result.err = read_to_end(err.read_end, 1U << 20U);
  return result;
}

constexpr const char* one_container = R"([{"Id":"6c553cb8dcddb710ab9f87a6d276a16830b8fc0a2806fbebcade52a7f08012af",
    "Names":["/web"],"Image":"docker.io/library/busybox:1","ImageID":"sha256:64c88b46e4ea","Command":"sh -c 'echo out; echo err'",
    "Created":0,"State":"exited","Status":"Exited (3) 2 hours ago","Ports":[],"Labels":{"b":"2","a":"1"},"Mounts":[],
    "NetworkSettings":{"Networks":{"none":{}}}}])";

TEST(Cli, PsAlignsItsTable) {
  FakeDaemon daemon{{FakeDaemon::json(200, one_container)}};
  const auto result = run_with(
      daemon.host(),
      {"ps", "-a", "--format", "table {{.ID}}\\t{{.Image}}\\t{{.Command}}\\t{{.Status}}\\t{{.Ports}}\\t{{.Names}}"});
  EXPECT_EQ(result.out,
            "CONTAINER ID   IMAGE       COMMAND                  STATUS                   PORTS     NAMES\n"
            "6c553cb8dcdd   busybox:1   \"sh -c 'echo out; ec…\"   Exited (3) 2 hours ago             web\n");
  EXPECT_EQ(result.code, 0);
}

TEST(Cli, PsWithoutContainersShowsHeadings) {
  FakeDaemon daemon{{FakeDaemon::json(200, "[]")}};
  EXPECT_EQ(run_with(daemon.host(), {"container", "ls"}).out,
            "CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS    PORTS     NAMES\n");
}

TEST(Cli, PsTakesTemplatesWithMethods) {
  FakeDaemon daemon{{FakeDaemon::json(200, one_container)}};
  EXPECT_EQ(
      run_with(daemon.host(), {"ps", "--format", R"({{.Label "a"}} {{.Labels}} {{.Networks}} {{.State | upper}})"}).out,
      "1 a=1,b=2 none EXITED\n");
}

TEST(Cli, PsNamesAnUnknownField) {
  FakeDaemon daemon{{FakeDaemon::json(200, one_container)}};
  const auto result = run_with(daemon.host(), {"ps", "--format", "{{.Foo}}"});
  EXPECT_EQ(result.err,
            "failed to execute template: template: :1:2: executing \"\" at <.Foo>: "
            "can't evaluate field Foo in type *formatter.ContainerContext\n");
  EXPECT_EQ(result.code, 1);
}

TEST(Cli, ImagesShowsOneLinePerTag) {
  FakeDaemon daemon{
      {FakeDaemon::json(200, R"([{"Id":"sha256:64c88b46e4eaa560dc2a","RepoTags":["b:1","a:2"],"RepoDigests":[],
      "Created":0,"Size":1913},{"Id":"sha256:ec17a080d92b7c7d71ab","RepoTags":null,"RepoDigests":null,"Created":0,"Size":5}])")}};
  EXPECT_EQ(
      run_with(daemon.host(), {"images", "--format", "table {{.Repository}}\\t{{.Tag}}\\t{{.ID}}\\t{{.Size}}"}).out,
      "REPOSITORY   TAG       IMAGE ID       SIZE\n"
      "a            2         64c88b46e4ea   1.91kB\n"
      "b            1         64c88b46e4ea   1.91kB\n"
      "<none>       <none>    ec17a080d92b   5B\n");
}

TEST(Cli, InspectPrintsWhatItFoundAndThenTheErrors) {
  FakeDaemon daemon{{FakeDaemon::json(200, R"({"Id":"1","Args":[]})"), FakeDaemon::json(404, R"({"message":"no"})"),
                     FakeDaemon::json(404, R"({"message":"no"})"), FakeDaemon::json(404, R"({"message":"no"})")}};
  const auto result = run_with(daemon.host(), {"inspect", "a", "nope"});
  EXPECT_EQ(result.out, "[\n    {\n        \"Id\": \"1\",\n        \"Args\": []\n    }\n]\n");
  EXPECT_EQ(result.err, "Error: No such object: nope\n");
  EXPECT_EQ(result.code, 1);
}

TEST(Cli, RmGoesOnAfterAFailure) {
  FakeDaemon daemon{
      {FakeDaemon::json(404, R"({"message":"No such container: a"})"), "HTTP/1.1 204 No Content\r\n\r\n"}};
  const auto result = run_with(daemon.host(), {"rm", "a", "b"});
  EXPECT_THAT(result.out, testing::AnyOf("a\n", "b\n")) << "they are asked for at the same time";
  EXPECT_EQ(result.err, "Error response from daemon: No such container: a\n");
  EXPECT_EQ(result.code, 1);
}

TEST(Cli, RunMapsAStartFailureToItsExitCode) {
  const auto created = FakeDaemon::json(201, R"({"Id":"abc","Warnings":["careful"]})");
  FakeDaemon daemon{
      {created, FakeDaemon::json(400, R"({"message":"exec: \"nosuch\": executable file not found in $PATH"})")}};
  const auto result = run_with(daemon.host(), {"run", "-d", "busybox", "nosuch"});
  EXPECT_EQ(result.code, 127);
  EXPECT_EQ(result.out, "abc\n");
  EXPECT_EQ(result.err,
            "WARNING: careful\n"
            "berth: Error response from daemon: exec: \"nosuch\": executable file not found in $PATH\n\n"
            "Run 'berth run --help' for more information\n");
}

TEST(Cli, RunWithoutADaemonIs125) {
  const auto result = run_with("unix:///nowhere", {"run", "x"});
  EXPECT_EQ(result.code, 125);
  EXPECT_EQ(result.err,
            "berth: Cannot connect to the Docker daemon at unix:///nowhere. Is the docker daemon running?\n\n"
            "Run 'berth run --help' for more information\n");
}

TEST(Cli, RunWantsATerminalForATty) {
  const auto result = run_with("unix:///nowhere", {"run", "-it", "x"});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.err, "the input device is not a TTY\n");
}

TEST(Cli, ExecDetachedCreatesAndStarts) {
  FakeDaemon daemon{{FakeDaemon::json(201, R"({"Id":"e1"})"), FakeDaemon::json(200, "")}};
  const auto result = run_with(daemon.host(), {"exec", "-d", "-e", "A=1", "-u", "0", "web", "sleep", "-x"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "");
  ASSERT_EQ(daemon.requests().size(), 2U);
  EXPECT_THAT(daemon.requests()[0], testing::HasSubstr("/containers/web/exec HTTP"));
  EXPECT_THAT(daemon.requests()[0], testing::HasSubstr(R"("Cmd":["sleep","-x"],"Env":["A=1"])"));
  EXPECT_THAT(daemon.requests()[1], testing::HasSubstr("/exec/e1/start HTTP"));
  EXPECT_THAT(daemon.requests()[1], testing::HasSubstr(R"("Detach":true)"));
}

TEST(Cli, ExecWantsAContainerAndACommand) {
  const auto result = run_with("unix:///nowhere", {"exec", "web"});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(
      result.err,
      "berth: 'berth exec' requires at least 2 arguments\n\n"
      "Usage:  berth exec [OPTIONS] CONTAINER COMMAND [ARG...]\n\nSee 'berth exec --help' for more information\n");
}

TEST(Cli, ExecInAContainerThatIsNotThereSaysSo) {
  FakeDaemon daemon{{FakeDaemon::json(404, R"({"message":"No such container: web"})")}};
  const auto result = run_with(daemon.host(), {"exec", "-it", "web", "sh"});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.err, "Error response from daemon: No such container: web\n");
}

TEST(Cli, UpdateSendsOnlyWhatWasGivenAndGoesOnAfterAFailure) {
  FakeDaemon daemon{{FakeDaemon::json(404, R"({"message":"No such container: a"})"),
                     FakeDaemon::json(200, R"({"Warnings":["careful"]})")}};
  const auto result = run_with(daemon.host(), {"update", "-m", "64m", "--restart", "on-failure:3", "a", "b"});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "b\ncareful\n");
  EXPECT_EQ(result.err, "Error response from daemon: No such container: a\n");
  EXPECT_THAT(daemon.requests()[1], testing::EndsWith("\r\n\r\n{\"Memory\":67108864,\"RestartPolicy\":"
                                                      "{\"Name\":\"on-failure\",\"MaximumRetryCount\":3}}"));
}

TEST(Cli, UpdateWithoutFlagsIsRefused) {
  EXPECT_EQ(run_with("unix:///nowhere", {"update", "a"}).err,
            "you must provide one or more flags when using this command\n");
}

TEST(Cli, UnknownCommandsAreSaidAsDockerSaysThem) {
  EXPECT_EQ(run_with("unix:///nowhere", {"foo"}).err,
            "berth: unknown command: berth foo\n\nRun 'berth --help' for more information\n");
  EXPECT_EQ(run_with("unix:///nowhere", {"container", "foo"}).err,
            "berth: unknown command: berth container foo\n\nUsage:  berth container\n\nRun 'berth container --help' "
            "for more information\n");
}

TEST(Cli, EveryCommandHasHelp) {
  const auto help = run_with("unix:///nowhere", {"--help"}).out;
  EXPECT_THAT(help, testing::HasSubstr("\n  run         Create and run a new container from an image\n"));
  EXPECT_THAT(
      run_with("unix:///nowhere", {"container", "kill", "--help"}).out,
      testing::StartsWith(
          "Usage:  berth container kill [OPTIONS] CONTAINER [CONTAINER...]\n\nKill one or more running containers\n\n"
          "Aliases:\n  berth container kill, berth kill\n\nOptions:\n"));
}

TEST(Cli, LoadShowsTheDaemonsErrorAndFails) {
  FakeDaemon daemon{{FakeDaemon::json(200, R"({"errorDetail":{"message":"bad archive"},"error":"bad archive"})")}};
  const auto result = run_with(daemon.host(), {"load"});
  EXPECT_EQ(result.err, "bad archive\n");
  EXPECT_EQ(result.code, 1);
}

TEST(Cli, BrokenTemplatesAreSaidAsEachCommandOfDockerSaysThem) {
  EXPECT_EQ(run_with("unix:///nowhere", {"ps", "--format", "{{.Foo"}).err,
            "failed to parse template: template: :1: unclosed action\n");
  FakeDaemon daemon{{FakeDaemon::json(200, "[]")}};
  EXPECT_EQ(run_with(daemon.host(), {"images", "--format", "{{.Foo"}).err,
            "template parsing error: template: :1: unclosed action\n");
  const auto events = run_with("unix:///nowhere", {"events", "--format", "{{.Foo"});
  EXPECT_EQ(events.err, "Error parsing format: template: :1: unclosed action\n");
  EXPECT_EQ(events.code, 64);
}

TEST(Cli, EventsAreOneLineEach) {
  FakeDaemon daemon{{FakeDaemon::json(
      200, R"({"Type":"image","Action":"tag","Actor":{"ID":"sha256:1","Attributes":{"name":"b","a":"x"}},
      "time":1,"timeNano":1000000002})")}};
  EXPECT_THAT(run_with(daemon.host(), {"events", "--until", "1s"}).out, testing::HasSubstr(":01.000000002"));
}

}  // namespace
}  // namespace berth::cli
