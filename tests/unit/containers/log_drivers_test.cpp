#include "containers/log_drivers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace berth::containers {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using Strings = std::map<std::string, std::string>;

struct LogDrivers : testing::Test {
  Config config;
  LogConfig chosen;

  shim::LogSettings settings() {
    const std::string id = "0123456789abcdef" + std::string(48, 'f');
    return log_settings({.id = id,
                         .name = "web",
                         .image_id = "sha256:" + std::string(64, '1'),
                         .command = {"sh", "-c", "true"},
                         .config = config,
                         .directory = "/data/containers/" + id},
                        chosen);
  }
  shim::LogSettings settings(const std::string& driver, const Strings& options) {
    chosen = {.Type = driver, .Config = options};
    return settings();
  }
  std::string refusal(const std::string& driver, const Strings& options) {
    try {
      check_log_config({.Type = driver, .Config = options});
    } catch (const Error& error) {
      return std::to_string(http_status(error.kind())) + " " + error.message();
    }
    return "accepted";
  }
  std::string address(const std::string& driver, const Strings& options) {
    const auto found = settings(driver, options).receiver.addresses;
    return found.size() == 1 ? found[0].transport + " " + found[0].address : std::to_string(found.size());
  }
};

TEST_F(LogDrivers, TheModeIsCheckedBeforeTheDriverAndTheDriverBeforeItsOptions) {
  EXPECT_EQ(refusal("odd", {{"mode", "odd"}}), "400 logger: logging mode not supported: odd");
  EXPECT_EQ(refusal("odd", {{"odd", "1"}}), "400 logger: no log driver named 'odd' is registered");
  EXPECT_EQ(refusal("syslog", {{"odd", "1"}, {"syslog-facility", "odd"}}),
            "400 unknown log opt 'odd' for syslog log driver");
  EXPECT_EQ(refusal("none", {{"anything", "goes"}}), "accepted");
}

TEST_F(LogDrivers, WaitingMessagesAreBounded) {
  EXPECT_FALSE(settings("json-file", {}).non_blocking);
  EXPECT_EQ(settings("json-file", {{"mode", "non-blocking"}}).max_buffer_size, 1'000'000);
  const auto local = settings("local", {{"mode", "non-blocking"}, {"max-buffer-size", "4m"}});
  EXPECT_TRUE(local.non_blocking);
  EXPECT_EQ(local.max_buffer_size, 4 << 20);
}

TEST_F(LogDrivers, ATagIsATemplateOfTheContainer) {
  config.Image = "busybox";
  config.Labels = {{"tier", "front"}};
  const auto tag = [&](const std::string& text) { return settings("syslog", {{"tag", text}}).receiver.tag; };
  EXPECT_EQ(tag(""), "0123456789ab");
  EXPECT_EQ(tag("{{.ImageName}}/{{.Name}}/{{.ID}}"), "busybox/web/0123456789ab");
  EXPECT_EQ(tag("{{.Command}} {{.DaemonName}}"), "sh -c true docker");
  EXPECT_EQ(tag("{{.ImageID}}"), "sha256:11111");
  EXPECT_EQ(tag("{{index .ContainerLabels \"tier\" | upper}}"), "FRONT");
  EXPECT_THAT(refusal("syslog", {{"tag", "{{.Nothing}}"}}),
              HasSubstr("can't evaluate field Nothing in type *logger.Info"));
  EXPECT_THAT(refusal("local", {{"tag", "{{"}}), StartsWith("400 template: log-tag:1: "));
}

TEST_F(LogDrivers, FilesHaveTheTagAmongTheirAttributesOnlyIfItWasAskedFor) {
  config.Labels = {{"a", "1"}, {"b", "2"}};
  config.Env = {"XY=3", "Z=4"};
  EXPECT_THAT(settings("json-file", {}).attrs, IsEmpty());
  EXPECT_EQ(settings("json-file", {{"labels", "a"}, {"env-regex", "^X."}, {"tag", "{{.Name}}"}}).attrs,
            (Strings{{"XY", "3"}, {"a", "1"}, {"tag", "web"}}));
  EXPECT_EQ(settings("local", {{"labels-regex", "[b-c]"}}).attrs, (Strings{{"b", "2"}}));
}

TEST_F(LogDrivers, ARegularExpressionIsChecked) {
  EXPECT_EQ(refusal("local", {{"env-regex", "("}}), "400 invalid regular expression in log options: \"(\"");
  config.Env = {std::string(500, 'a') + "=1", std::string(100'000, 'a') + "=1"};
  EXPECT_EQ(settings("local", {{"env-regex", "(a|a)*c"}}).attrs.size(), 0U);  // and takes neither ages nor the stack
}

TEST_F(LogDrivers, WhatIsSentElsewhereIsKeptInACacheToo) {
  const auto log = settings("syslog", {});
  EXPECT_THAT(log.path, testing::EndsWith("/container-cached.log"));
  EXPECT_EQ(log.max_size, 20 << 20);
  EXPECT_EQ(log.max_file, 5);
  EXPECT_TRUE(log.compress);
  const auto small =
      settings("fluentd", {{"cache-max-size", "1m"}, {"cache-max-file", "1"}, {"cache-compress", "false"}});
  EXPECT_EQ(small.max_size, 1'000'000);
  EXPECT_EQ(small.max_file, 1);
  EXPECT_FALSE(small.compress);
  EXPECT_EQ(settings("journald", {{"cache-disabled", "1"}}).path, "");
  EXPECT_EQ(refusal("syslog", {{"cache-disabled", "maybe"}}), "400 invalid value for option cache-disabled: maybe");
}

TEST_F(LogDrivers, SyslogListensWhereItIsToldOrInTheUsualPlaces) {
  EXPECT_EQ(address("syslog", {}), "6");
  EXPECT_EQ(address("syslog", {{"syslog-address", "udp://logs.example.com"}}), "udp logs.example.com:514");
  EXPECT_EQ(address("syslog", {{"syslog-address", "tcp://[::1]:1514"}}), "tcp [::1]:1514");
  EXPECT_EQ(address("syslog", {{"syslog-address", "unixgram:///dev/log"}}), "unixgram /dev/log");
  EXPECT_EQ(refusal("syslog", {{"syslog-address", "corrupted:42"}}), "400 unsupported scheme: 'corrupted'");
  EXPECT_EQ(refusal("syslog", {{"syslog-address", "unix:///no/such"}}), "400 stat /no/such: no such file or directory");
}

TEST_F(LogDrivers, SyslogsFacilityIsANameOrANumber) {
  EXPECT_EQ(settings("syslog", {}).receiver.facility, 3);
  EXPECT_EQ(settings("syslog", {{"syslog-facility", "local7"}}).receiver.facility, 23);
  EXPECT_EQ(settings("syslog", {{"syslog-facility", "ftp"}}).receiver.facility, 11);
  EXPECT_EQ(settings("syslog", {{"syslog-facility", "12"}}).receiver.facility, 12);
  EXPECT_EQ(refusal("syslog", {{"syslog-facility", "local8"}}), "400 invalid syslog facility");
  EXPECT_EQ(refusal("syslog", {{"syslog-format", "odd"}}), "400 Invalid syslog format");
}

TEST_F(LogDrivers, JournaldsFieldsAreNamedAsItTakesThem) {
  config.Image = "busybox";
  config.Labels = {{"com.example.Tier", "front"}};
  config.Env = {"_hidden=1", "__=2"};
  const auto fields = settings("journald", {{"labels", "com.example.Tier"}, {"env", "_hidden,__"}}).receiver.fields;
  EXPECT_EQ(fields.at("COM_EXAMPLE_TIER"), "front");
  EXPECT_EQ(fields.at("HIDDEN"), "1");
  EXPECT_EQ(fields.at("CONTAINER_NAME"), "web");
  EXPECT_EQ(fields.at("IMAGE_NAME"), "busybox");
  EXPECT_EQ(fields.at("SYSLOG_IDENTIFIER"), "0123456789ab");
  EXPECT_EQ(fields.size(), 8U);
}

TEST_F(LogDrivers, FluentdHasDockersDefaults) {
  EXPECT_EQ(address("fluentd", {}), "tcp 127.0.0.1:24224");
  const auto receiver = settings().receiver;
  EXPECT_FALSE(receiver.async);
  EXPECT_EQ(receiver.buffer_limit, 1 << 20);
  EXPECT_EQ(receiver.retry_wait_ms, 1000);
  EXPECT_EQ(receiver.max_retries, 0x7fffffff);
  EXPECT_EQ(receiver.fields.at("container_name"), "/web");
}

TEST_F(LogDrivers, FluentdsOptionsAreRead) {
  EXPECT_EQ(address("fluentd", {{"fluentd-address", "logs"}}), "tcp logs:24224");
  EXPECT_EQ(address("fluentd", {{"fluentd-address", "tcp://"}}), "tcp 127.0.0.1:24224");
  EXPECT_EQ(address("fluentd", {{"fluentd-address", "unix:///run/f.sock"}}), "unix /run/f.sock");
  const auto receiver = settings("fluentd", {{"fluentd-async", "true"},
                                             {"fluentd-retry-wait", "1.5s"},
                                             {"fluentd-max-retries", "7"},
                                             {"fluentd-request-ack", "1"},
                                             {"fluentd-sub-second-precision", "t"},
                                             {"fluentd-write-timeout", "2s"}})
                            .receiver;
  EXPECT_TRUE(receiver.async && receiver.request_ack && receiver.sub_second);
  EXPECT_EQ(receiver.retry_wait_ms, 1500);
  EXPECT_EQ(receiver.max_retries, 7);
  EXPECT_EQ(receiver.write_timeout_ms, 2000);
  EXPECT_EQ(refusal("fluentd", {{"fluentd-address", "udp://x"}}),
            "400 invalid fluentd-address (udp://x): unsupported scheme: 'udp'");
  EXPECT_THAT(refusal("fluentd", {{"fluentd-address", "tcp://x:70000"}}), HasSubstr("invalid port"));
  EXPECT_THAT(refusal("fluentd", {{"fluentd-address", "://"}}), HasSubstr("missing protocol scheme"));
}

TEST(SetLogDefaults, FillsOnlyWhatBelongsToTheDaemonsDriver) {
  const LogConfig defaults{.Type = "local", .Config = {{"max-size", "1m"}, {"max-file", "2"}}};
  LogConfig nothing;
  set_log_defaults(nothing, defaults);
  EXPECT_EQ(nothing.Type, "local");
  EXPECT_EQ(nothing.Config, defaults.Config);
  LogConfig same{.Type = "local", .Config = {{"max-size", "9m"}}};
  set_log_defaults(same, defaults);
  EXPECT_EQ(same.Config, (std::map<std::string, std::string>{{"max-size", "9m"}, {"max-file", "2"}}));
  LogConfig other{.Type = "json-file"};
  set_log_defaults(other, defaults);
  EXPECT_TRUE(other.Config.empty());
}

TEST(SetLogDefaults, TheCachesAreForEveryDriver) {
  LogConfig chosen{.Type = "fluentd"};
  set_log_defaults(chosen, {.Type = "syslog", .Config = {{"tag", "x"}, {"cache-disabled", "true"}}});
  EXPECT_EQ(chosen.Config, (Strings{{"cache-disabled", "true"}}));
}

}  // namespace
}  // namespace berth::containers
