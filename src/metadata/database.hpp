// metadata: the one SQLite file in which names, images and containers are recorded.
//
// A thin wrapper: connection, prepared statements, transactions. Each module that keeps rows declares its own tables
// with `Database::migrate` and writes its own SQL; nobody else reads them. The file is in WAL mode with
// synchronous=NORMAL: a committed transaction survives any crash of ours, and a power failure leaves a consistent older
// state.
//
// Uses: base.   Used by: images, containers, engine.   Threads: any; one connection, serialised by a recursive mutex.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/file.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace berth::metadata {

/// One row of a result: columns by position, from 0.
class Row {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] bool is_null(int column) const;

 private:
  sqlite3_stmt* statement_;
};

/// A value bound to a `?`.
class Parameter {
 public:
  Parameter(std::string_view text) : text_(text) {}    // NOLINT(google-explicit-constructor)
  Parameter(const std::string& text) : text_(text) {}  // NOLINT(google-explicit-constructor)
  Parameter(const char* text) : text_(text) {}         // NOLINT(google-explicit-constructor)
  Parameter(std::int64_t number) : number_(number) {}  // NOLINT(google-explicit-constructor)
  Parameter(int number) : number_(number) {}           // NOLINT(google-explicit-constructor)
  Parameter(bool flag) : number_(flag ? 1 : 0) {}      // NOLINT(google-explicit-constructor)
  Parameter(std::nullopt_t) : null_(true) {}           // NOLINT(google-explicit-constructor)

  void bind(sqlite3_stmt* statement, int index) const;

 private:
  std::optional<std::string_view> text_;
  std::int64_t number_ = 0;
  bool null_ = false;
};

class Database {
 public:
  /// Opens or creates the file. Throws `corrupt` if it is no database of ours.
  explicit Database(const fs::path& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Runs the steps of `module` that this file has not seen yet, each once, in order, in one transaction.
  /// Steps are append-only: what was released is never edited.
  void migrate(std::string_view module, const std::vector<std::string_view>& steps);

  /// Runs one statement; returns the number of rows changed. Throws `conflict` on a violated UNIQUE or foreign key.
  int run(std::string_view sql, std::initializer_list<Parameter> parameters = {});

  /// Calls `each(const Row&)` for every row. The database stays locked meanwhile: collect, then act.
  template <class Each>
  void query(std::string_view sql, std::initializer_list<Parameter> parameters, Each&& each) {
    const std::lock_guard lock{mutex_};
    Cursor cursor{*this, sql, parameters};
    while (cursor.next()) each(Row{cursor.statement()});
  }

 private:
  friend class Transaction;

  class Cursor {
   public:
    Cursor(Database& database, std::string_view sql, std::initializer_list<Parameter> parameters);
    ~Cursor();
    Cursor(const Cursor&) = delete;
    Cursor& operator=(const Cursor&) = delete;
    bool next();
    [[nodiscard]] sqlite3_stmt* statement() const { return statement_; }

   private:
    Database& database_;
    std::string key_;
    sqlite3_stmt* statement_;
  };

  sqlite3_stmt* take_statement(const std::string& sql);
  void give_back(const std::string& sql, sqlite3_stmt* statement) noexcept;
  [[noreturn]] void throw_failure(int code, std::string_view sql) const;

  sqlite3* connection_ = nullptr;
  std::recursive_mutex mutex_;
  int depth_ = 0;  ///< nested transactions join the outer one
  std::unordered_map<std::string, std::vector<sqlite3_stmt*>> statements_;
};

/// All changes between construction and `commit()`, or none. Holds the database's lock: keep it short.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  std::unique_lock<std::recursive_mutex> lock_;
  bool committed_ = false;
};

}  // namespace berth::metadata
