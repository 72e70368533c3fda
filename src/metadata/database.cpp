#include "metadata/database.hpp"

#include <sqlite3.h>

#include "base/error.hpp"

namespace berth::metadata {

std::string Row::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(::sqlite3_column_text(statement_, column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<std::size_t>(::sqlite3_column_bytes(statement_, column))};
}

std::int64_t Row::integer(int column) const {
  return ::sqlite3_column_int64(statement_, column);
}

bool Row::is_null(int column) const {
  return ::sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

void Parameter::bind(sqlite3_stmt* statement, int index) const {
  if (null_) {
    ::sqlite3_bind_null(statement, index);
  } else if (text_) {
    ::sqlite3_bind_text(statement, index, text_->data(), static_cast<int>(text_->size()), SQLITE_TRANSIENT);
  } else {
    ::sqlite3_bind_int64(statement, index, number_);
  }
}

Database::Database(const fs::path& path) {
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  if (const int code = ::sqlite3_open_v2(path.c_str(), &connection_, flags, nullptr); code != SQLITE_OK) {
    Error failure{Kind::internal, "open database {}: {}", quote(path.native()), ::sqlite3_errstr(code)};
    ::sqlite3_close(connection_);
    throw failure;
  }
  try {
    ::sqlite3_busy_timeout(connection_, 5000);
    run("PRAGMA journal_mode=WAL");
    run("PRAGMA synchronous=NORMAL");
    run("PRAGMA foreign_keys=ON");
    run("PRAGMA cache_size=-512");
    run("CREATE TABLE IF NOT EXISTS migrations (module TEXT PRIMARY KEY, steps INTEGER NOT NULL) STRICT");
  } catch (Error& error) {
    for (auto& [sql, ready] : statements_) {
      for (auto* statement : ready) ::sqlite3_finalize(statement);
    }
    ::sqlite3_close(connection_);
    throw error.in("open database {}", quote(path.native()));
  }
}

Database::~Database() {
  for (auto& [sql, ready] : statements_) {
    for (auto* statement : ready) ::sqlite3_finalize(statement);
  }
  ::sqlite3_close(connection_);
}

void Database::migrate(std::string_view module, const std::vector<std::string_view>& steps) {
  Transaction transaction{*this};
  std::int64_t done = 0;
  query("SELECT steps FROM migrations WHERE module = ?", {module}, [&](const Row& row) { done = row.integer(0); });
  if (done > static_cast<std::int64_t>(steps.size())) {
    throw Error{Kind::corrupt, "the database was written by a newer version ({} has {} steps, this program knows {})",
                module, done, steps.size()};
  }
  for (auto step = static_cast<std::size_t>(done); step < steps.size(); ++step) run(steps[step]);
  run("INSERT INTO migrations VALUES (?, ?) ON CONFLICT (module) DO UPDATE SET steps = excluded.steps",
      {module, static_cast<std::int64_t>(steps.size())});
  transaction.commit();
}

int Database::run(std::string_view sql, std::initializer_list<Parameter> parameters) {
  const std::lock_guard lock{mutex_};
  {
    Cursor cursor{*this, sql, parameters};
    while (cursor.next()) {
    }
  }
  return ::sqlite3_changes(connection_);
}

sqlite3_stmt* Database::take_statement(const std::string& sql) {
  auto& ready = statements_[sql];
  if (!ready.empty()) {
    auto* statement = ready.back();
    ready.pop_back();
    return statement;
  }
  sqlite3_stmt* statement = nullptr;
  const int code = ::sqlite3_prepare_v3(connection_, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) throw_failure(code, sql);
  return statement;
}

void Database::give_back(const std::string& sql, sqlite3_stmt* statement) noexcept {
  ::sqlite3_reset(statement);
  ::sqlite3_clear_bindings(statement);
  statements_[sql].push_back(statement);
}

void Database::throw_failure(int code, std::string_view sql) const {
  Kind kind = Kind::internal;
  if (code == SQLITE_CONSTRAINT) kind = Kind::conflict;
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) kind = Kind::corrupt;
  throw Error{kind, "database: {} ({})", ::sqlite3_errmsg(connection_), sql.substr(0, 60)};
}

Database::Cursor::Cursor(Database& database, std::string_view sql, std::initializer_list<Parameter> parameters)
    : database_(database), key_(sql), statement_(database.take_statement(key_)) {
  int index = 1;
  for (const auto& parameter : parameters) parameter.bind(statement_, index++);
}

Database::Cursor::~Cursor() {
  database_.give_back(key_, statement_);
}

bool Database::Cursor::next() {
  const int code = ::sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  database_.throw_failure(code, key_);
}

Transaction::Transaction(Database& database) : database_(database), lock_(database.mutex_) {
  if (database_.depth_++ == 0) {
    try {
      database_.run("BEGIN IMMEDIATE");
    } catch (...) {
      --database_.depth_;
      throw;
    }
  }
}

Transaction::~Transaction() {
  if (--database_.depth_ > 0 || committed_) return;
  try {
    database_.run("ROLLBACK");
  } catch (const Error&) {  // SQLite has rolled back by itself already (full disk, I/O error).
    return;
  }
}

void Transaction::commit() {
  if (database_.depth_ == 1) database_.run("COMMIT");
  committed_ = true;
}

}  // namespace berth::metadata
