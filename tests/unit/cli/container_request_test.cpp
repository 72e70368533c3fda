#include <gtest/gtest.h>

#include "cli/container_flags.hpp"
#include "cli/session.hpp"

namespace berth::cli {
namespace {

json::Value request_of(std::vector<std::string> words) {
  Command command{"Create a new container"};
  const auto flags = declare_container_flags(command, "creating");
  command.flags_first();
  const auto rest = command.arguments("IMAGE", {.at_least = 1});
  command.parse("berth create", words);
  return json::Value(make_container_request(flags, *rest).body);
}

std::string failure_of(const std::vector<std::string>& words) {
  try {
    request_of(words);
  } catch (const Error& error) {
    return error.message().substr(0, error.message().find('\n'));
  }
  return "no failure";
}

TEST(ContainerRequest, ImageAndCommandAreTaken) {
  const auto request = request_of({"-e", "A=1", "--entrypoint", "", "-w", "/x", "busybox", "sh", "-c", "a"});
  EXPECT_EQ(request.at("Image"), "busybox");
  EXPECT_EQ(json::write(request.at("Cmd")), R"(["sh","-c","a"])");
  EXPECT_EQ(json::write(request.at("Entrypoint")), R"([""])");
  EXPECT_EQ(json::write(request.at("Env")), R"(["A=1"])");
  EXPECT_EQ(request.at("HostConfig").at("NetworkMode"), "default");
}

TEST(ContainerRequest, LimitsAreInTheApisUnits) {
  const auto host = request_of({"-m", "512m", "--memory-swap", "-1", "--cpus", "1.5", "--pids-limit", "10", "--ulimit",
                                "nofile=10:20", "x"})
                        .at("HostConfig");
  EXPECT_EQ(host.at("Memory"), 536870912);
  EXPECT_EQ(host.at("MemorySwap"), -1);
  EXPECT_EQ(host.at("NanoCpus"), 1500000000);
  EXPECT_EQ(host.at("PidsLimit"), 10);
  EXPECT_EQ(json::write(host.at("Ulimits")), R"([{"Name":"nofile","Hard":20,"Soft":10}])");
}

TEST(ContainerRequest, WhatWasNotAskedForIsNotSent) {
  const auto request = request_of({"x"});
  const auto& host = request.at("HostConfig").as_object();
  for (const auto* name : {"Memory", "Init", "PidsLimit", "Tmpfs", "Mounts"}) EXPECT_FALSE(host.contains(name)) << name;
  EXPECT_TRUE(request.at("Cmd").is_null());
}

TEST(ContainerRequest, VolumesAreBindsOrAnonymous) {
  const auto request = request_of({"-v", "/a:/b:ro", "-v", "/data", "x"});
  EXPECT_EQ(json::write(request.at("HostConfig").at("Binds")), R"(["/a:/b:ro"])");
  EXPECT_EQ(json::write(request.at("Volumes")), R"({"/data":{}})");
}

TEST(ContainerRequest, MountsAreReadAsCsv) {
  EXPECT_EQ(json::write(json::Value(parse_mount("type=bind,\"src=/a,b\",dst=/c,readonly"))),
            R"({"Type":"bind","Source":"/a,b","Target":"/c","ReadOnly":true})");
  EXPECT_EQ(json::write(json::Value(parse_mount("type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=1777"))),
            R"({"Type":"tmpfs","Target":"/t","TmpfsOptions":{"SizeBytes":1048576,"Mode":1023}})");
  EXPECT_EQ(failure_of({"--mount", "type=bind,src=/a", "x"}),
            "invalid argument \"type=bind,src=/a\" for \"--mount\" flag: target is required");
}

TEST(ContainerRequest, PortsAreBound) {
  const auto request = request_of({"-p", "127.0.0.1:8080:80", "-p", "5-6:7-8/udp", "x"});
  EXPECT_EQ(json::write(request.at("HostConfig").at("PortBindings")),
            R"({"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"8080"}],"7/udp":[{"HostIp":"","HostPort":"5"}],)"
            R"("8/udp":[{"HostIp":"","HostPort":"6"}]})");
  EXPECT_EQ(failure_of({"-p", "foo", "x"}), "invalid containerPort: foo");
}

TEST(ContainerRequest, CapabilitiesAreSpelledInFull) {
  const auto host = request_of({"--cap-add", "net_admin", "--cap-drop", "ALL", "x"}).at("HostConfig");
  EXPECT_EQ(json::write(host.at("CapAdd")), R"(["CAP_NET_ADMIN"])");
  EXPECT_EQ(json::write(host.at("CapDrop")), R"(["ALL"])");
}

TEST(ContainerRequest, ContradictionsAreRefused) {
  EXPECT_EQ(failure_of({"--rm", "--restart", "always", "x"}),
            "conflicting options: cannot specify both --restart and --rm");
  EXPECT_EQ(failure_of({"--no-healthcheck", "--health-cmd", "x", "x"}),
            "--no-healthcheck conflicts with --health-* options");
  EXPECT_EQ(failure_of({"--pid", "foo", "x"}), "--pid: invalid PID mode");
  EXPECT_EQ(failure_of({"--env-file", "/nope", "x"}), "open /nope: no such file or directory");
}

TEST(ContainerRequest, ChecksThatNeedNoProgramAreTestsOfTheirOwn) {
  const auto http = request_of({"--health-http", "http://localhost/", "--health-on-failure", "restart", "x"});
  EXPECT_EQ(json::write(http.at("Healthcheck").at("Test")), R"(["HTTP","http://localhost/"])");
  EXPECT_EQ(http.at("Healthcheck").at("OnFailure"), "restart");
  EXPECT_EQ(json::write(request_of({"--health-tcp", "80", "x"}).at("Healthcheck").at("Test")), R"(["TCP","80"])");
  EXPECT_EQ(failure_of({"--health-tcp", "80", "--health-cmd", "true", "x"}),
            "--health-cmd, --health-http and --health-tcp exclude each other");
  EXPECT_EQ(failure_of({"--health-tcp", "80", "--no-healthcheck", "x"}),
            "--no-healthcheck conflicts with --health-* options");
}

TEST(ContainerRequest, DurationsThatAreNoneAreExplainedInGosWords) {
  const auto reason = [](const std::string& text) {
    const auto failure = failure_of({"--health-interval", text, "x"});
    return failure.substr(failure.find("time:"));
  };
  EXPECT_EQ(reason("1x"), "time: unknown unit \"x\" in duration \"1x\"");
  EXPECT_EQ(reason("1h5"), "time: missing unit in duration \"1h5\"");
  EXPECT_EQ(reason("abc"), "time: invalid duration \"abc\"");
}

}  // namespace
}  // namespace berth::cli
