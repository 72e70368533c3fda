#include "containers/record.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/id.hpp"

namespace berth::containers {
namespace {

class RecordStoreTest : public ::testing::Test {
 protected:
  static Record make_record(const std::string& name) {
    Record record;
    record.id = make_id();
    record.name = name;
    record.created = now();
    record.definition.path = "sh";
    record.definition.image_id = oci::Digest::from_hex(make_id());
    record.definition.config.Image = "busybox";
    record.definition.host_config.Memory = 64 << 20;
    return record;
  }

  TempDir directory_{fs::temp_directory_path(), "berth-record-"};
  metadata::Database database_{directory_.path() / "meta.db"};
  RecordStore store_{database_};
};

TEST_F(RecordStoreTest, RecordsComeBackWhole) {
  const auto record = make_record("web");
  store_.add(record);
  State state;
  state.status = Status::exited;
  state.exit_code = 3;
  state.started_at = record.created;
  state.finished_at = now();
  state.health = Health{.Status = "unhealthy", .FailingStreak = 2, .Log = {{.ExitCode = -1, .Output = "none"}}};
  store_.update_state(record.id, state);
  const auto all = store_.all();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].name, "web");
  EXPECT_EQ(all[0].created, record.created);
  EXPECT_EQ(all[0].definition.host_config.Memory, 64 << 20);
  EXPECT_EQ(all[0].state.status, Status::exited);
  EXPECT_EQ(all[0].state.exit_code, 3);
  EXPECT_EQ(all[0].state.finished_at, state.finished_at);
  ASSERT_TRUE(all[0].state.health);
  EXPECT_EQ(all[0].state.health->FailingStreak, 2);
  EXPECT_EQ(all[0].state.health->Log.at(0).Output, "none");
}

TEST_F(RecordStoreTest, PortsComeBackFromAShortRow) {
  std::map<std::string, BindingList> ports;
  std::vector<std::string> names;
  for (int port = 20000; port < 30000; ++port) {
    names.push_back(fmt::format("{}/tcp", port));
    ports[names.back()].emplace({PortBinding{"127.0.0.1", std::to_string(port)}});
  }
  auto record = make_record("web");
  record.definition.config.ExposedPorts.add(names);
  record.definition.host_config.PortBindings = PortBindings{ports};
  store_.add(record);
  const auto all = store_.all();
  EXPECT_EQ(json::write(all.at(0).definition), json::write(record.definition));
  std::int64_t length = 0;
  database_.query("SELECT length(definition) FROM containers", {},
                  [&](const metadata::Row& row) { length = row.integer(0); });
  EXPECT_LT(length, 8000);
}

TEST_F(RecordStoreTest, RowsThatHavePortsOneByOneAreRead) {
  auto record = make_record("web");
  store_.add(record);
  record.definition.config.ExposedPorts = ExposedPorts{"80/tcp"};
  record.definition.host_config.PortBindings =
      json::parse<PortBindings>(R"({"80/tcp":[{"HostIp":"","HostPort":"8080"}]})");
  const auto row = json::write(record.definition);
  database_.run("UPDATE containers SET definition = ?", {row});
  EXPECT_EQ(json::write(store_.all().at(0).definition), row);
}

TEST_F(RecordStoreTest, ATakenNameIsAConflict) {
  store_.add(make_record("web"));
  try {
    store_.add(make_record("web"));
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::conflict);
  }
}

TEST_F(RecordStoreTest, RemovedRecordsAreGone) {
  const auto record = make_record("web");
  store_.add(record);
  store_.remove(record.id);
  EXPECT_TRUE(store_.all().empty());
}

TEST(Config, CommandMayBeOneString) {
  const auto body = json::parse<CreateBody>(R"({"Image":"busybox","Cmd":"ls","HostConfig":{"Memory":1}})");
  EXPECT_EQ(body.Cmd->at(0), "ls");
  EXPECT_EQ(body.HostConfig_.Memory, 1);
}

TEST(Endpoints, OfRowsWithoutThemAreThoseOfTheMode) {
  const std::string image(64, 'a');
  const auto definition_of = [&](const std::string& mode) {
    return json::parse<Definition>(
        fmt::format(R"({{"image_id": "sha256:{}", "host_config": {{"NetworkMode": "{}"}}}})", image, mode));
  };
  EXPECT_TRUE(endpoints_of(definition_of("default")).contains("bridge"));
  EXPECT_TRUE(endpoints_of(definition_of("host")).contains("host"));
  EXPECT_TRUE(endpoints_of(definition_of("container:x")).empty());
}

}  // namespace
}  // namespace berth::containers
