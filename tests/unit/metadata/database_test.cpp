#include "metadata/database.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace berth::metadata {
namespace {

class DatabaseTest : public ::testing::Test {
 protected:
  static std::int64_t count(Database& database) {
    std::int64_t rows = 0;
    database.query("SELECT count(*) FROM things", {}, [&](const Row& row) { rows = row.integer(0); });
    return rows;
  }

  TempDir directory_{fs::temp_directory_path(), "berth-meta-"};
  fs::path path_ = directory_.path() / "meta.db";
};

constexpr std::string_view create_things = "CREATE TABLE things (name TEXT PRIMARY KEY) STRICT";

TEST_F(DatabaseTest, StepsRunOnceEach) {
  for (int run = 0; run < 2; ++run) {
    Database database{path_};
    database.migrate("things", {create_things});
  }
  Database database{path_};
  database.migrate("things", {create_things, "ALTER TABLE things ADD COLUMN size INTEGER"});
  database.run("INSERT INTO things VALUES (?, ?)", {"a", 1});
  EXPECT_EQ(count(database), 1);
}

TEST_F(DatabaseTest, ANewerFileIsRefused) {
  {
    Database database{path_};
    database.migrate("things", {create_things, "ALTER TABLE things ADD COLUMN size INTEGER"});
  }
  Database database{path_};
  EXPECT_THROW(database.migrate("things", {create_things}), Error);
}

TEST_F(DatabaseTest, AnAbandonedTransactionLeavesNothing) {
  Database database{path_};
  database.migrate("things", {create_things});
  try {
    Transaction transaction{database};
    database.run("INSERT INTO things VALUES ('a')");
    throw Error{Kind::internal, "cut off"};
  } catch (const Error&) {
    EXPECT_EQ(count(database), 0);
  }
}

TEST_F(DatabaseTest, AnInnerTransactionJoinsTheOuter) {
  Database database{path_};
  database.migrate("things", {create_things});
  {
    Transaction outer{database};
    {
      Transaction inner{database};
      database.run("INSERT INTO things VALUES ('a')");
      inner.commit();
    }
  }
  EXPECT_EQ(count(database), 0);
}

TEST_F(DatabaseTest, ADuplicateKeyIsAConflict) {
  Database database{path_};
  database.migrate("things", {create_things});
  database.run("INSERT INTO things VALUES ('a')");
  try {
    database.run("INSERT INTO things VALUES ('a')");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::conflict);
  }
}

TEST_F(DatabaseTest, AFileThatIsNoDatabaseIsCorrupt) {
  write_file(path_, std::string(4096, 'x'));
  try {
    Database database{path_};
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::corrupt);
  }
}

}  // namespace
}  // namespace berth::metadata
