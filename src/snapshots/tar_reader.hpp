// Reading tar archives entry by entry, through libarchive: ustar, pax, GNU, sparse files, any size.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct archive;
struct archive_entry;

namespace berth::snapshots {

enum class EntryType { file, directory, symlink, hard_link, character_device, block_device, fifo, other };

struct ExtendedAttribute {
  std::string name;
  std::string value;
};

/// What a header says, unchecked. The texts are valid until the next header is read.
struct TarEntry {
  EntryType type = EntryType::other;
  std::string_view path;
  std::string_view target;  ///< of a symbolic or hard link
  std::int64_t size = 0;
  mode_t permissions = 0;  ///< with setuid, setgid and sticky
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  timespec mtime{};
  dev_t device = 0;
  std::vector<ExtendedAttribute> attributes;
};

/// A piece of a file's content. Between pieces of a sparse file there are holes.
struct TarBlock {
  std::span<const char> bytes;
  std::int64_t offset = 0;
};

/// One pass over an archive. Throws `corrupt` with "unexpected EOF" on a truncated archive, and what the input throws.
class TarReader {
 public:
  /// The next bytes of the archive, valid until the next call; empty at the end.
  using Input = std::function<std::span<const char>()>;

  explicit TarReader(Input input);
  ~TarReader();
  TarReader(const TarReader&) = delete;
  TarReader& operator=(const TarReader&) = delete;

  /// The next entry, or null at the end of the archive. What is left of the previous one's content is skipped.
  const TarEntry* next();
  /// The next piece of the present entry's content, or nothing at its end.
  std::optional<TarBlock> next_block();

 private:
  struct Callbacks;
  [[noreturn]] void throw_failure();
  void check_warning();
  void read_attributes();

  Input input_;
  std::exception_ptr input_failure_;
  bool input_ended_ = false;
  std::unique_ptr<archive, int (*)(archive*)> archive_;
  archive_entry* header_ = nullptr;
  TarEntry entry_;
};

}  // namespace berth::snapshots
