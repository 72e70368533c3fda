// Tar archives for tests, written by libarchive: also those that no honest program writes.
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace berth::test {

struct EntryOptions {
  mode_t mode = 0644;
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  std::time_t mtime = 1'000'000'000;
  long mtime_nsec = 0;
  dev_t device = 0;
  std::map<std::string, std::string> attributes = {};
};

enum class TarFormat { pax, gnu };

class TarBuilder {
 public:
  explicit TarBuilder(TarFormat format = TarFormat::pax) : archive_(::archive_write_new(), ::archive_write_free) {
    if (format == TarFormat::pax) {
      ::archive_write_set_format_pax(archive_.get());
    } else {
      ::archive_write_set_format_gnutar(archive_.get());
    }
    ::archive_write_set_bytes_per_block(archive_.get(), 0);
    ::archive_write_open(archive_.get(), &bytes_, nullptr, append, nullptr);
  }

  TarBuilder& file(const std::string& path, std::string_view content, const EntryOptions& options = {}) {
    return add(
        path, AE_IFREG, options, [&](archive_entry* entry) { ::archive_entry_set_size(entry, size(content)); },
        content);
  }
  TarBuilder& directory(const std::string& path, EntryOptions options = {.mode = 0755}) {
    return add(path, AE_IFDIR, options, {});
  }
  TarBuilder& symlink(const std::string& path, const std::string& target, const EntryOptions& options = {}) {
    return add(path, AE_IFLNK, options,
               [&](archive_entry* entry) { ::archive_entry_set_symlink(entry, target.c_str()); });
  }
  TarBuilder& hard_link(const std::string& path, const std::string& target) {
    return add(path, AE_IFREG, {}, [&](archive_entry* entry) { ::archive_entry_set_hardlink(entry, target.c_str()); });
  }
  TarBuilder& node(const std::string& path, unsigned type, const EntryOptions& options = {}) {
    return add(path, type, options, [&](archive_entry* entry) { ::archive_entry_set_rdev(entry, options.device); });
  }
  /// Content is at `offset`; before it and up to `total` there are holes.
  TarBuilder& sparse(const std::string& path, std::int64_t total, std::int64_t offset, std::string_view content) {
    const std::string whole = std::string(static_cast<std::size_t>(offset), '\0') + std::string{content} +
                              std::string(static_cast<std::size_t>(total - offset) - content.size(), '\0');
    return add(
        path, AE_IFREG, {},
        [&](archive_entry* entry) {
          ::archive_entry_set_size(entry, total);
          ::archive_entry_sparse_add_entry(entry, offset, size(content));
        },
        whole);
  }

  /// The archive with its end mark.
  std::string finish() {
    ::archive_write_close(archive_.get());
    return bytes_;
  }

 private:
  static la_int64_t size(std::string_view content) { return static_cast<la_int64_t>(content.size()); }

  static la_ssize_t append(archive*, void* self, const void* bytes, std::size_t size) {
    static_cast<std::string*>(self)->append(static_cast<const char*>(bytes), size);
    return static_cast<la_ssize_t>(size);
  }

  TarBuilder& add(const std::string& path, unsigned type, const EntryOptions& options,
                  const std::function<void(archive_entry*)>& more, std::string_view content = {}) {
    const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry{::archive_entry_new(), ::archive_entry_free};
    ::archive_entry_set_pathname(entry.get(), path.c_str());
    ::archive_entry_set_filetype(entry.get(), type);
    ::archive_entry_set_perm(entry.get(), options.mode);
    ::archive_entry_set_uid(entry.get(), options.uid);
    ::archive_entry_set_gid(entry.get(), options.gid);
    ::archive_entry_set_mtime(entry.get(), options.mtime, options.mtime_nsec);
    for (const auto& [name, value] : options.attributes) {
      ::archive_entry_xattr_add_entry(entry.get(), name.c_str(), value.data(), value.size());
    }
    if (more) more(entry.get());
    const int code = ::archive_write_header(archive_.get(), entry.get());
    EXPECT_GE(code, ARCHIVE_WARN) << ::archive_error_string(archive_.get());
    if (!content.empty()) ::archive_write_data(archive_.get(), content.data(), content.size());
    return *this;
  }

  std::string bytes_;
  std::unique_ptr<archive, int (*)(archive*)> archive_;
};

/// One tar header and its content, byte by byte: for what libarchive would not write.
inline std::string raw_entry(const std::string& name, char type, std::string_view content) {
  std::string header(512, '\0');
  const auto put = [&](std::size_t at, std::string_view text) { header.replace(at, text.size(), text); };
  char size[12];
  std::snprintf(size, sizeof size, "%011zo", content.size());
  put(0, name);
  put(100, "0000644");
  put(108, "0000000");
  put(116, "0000000");
  put(124, {size, 11});
  put(136, "07346545000");
  put(148, "        ");
  header[156] = type;
  put(257, std::string_view{"ustar\00000", 8});
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  char checksum[8];
  std::snprintf(checksum, sizeof checksum, "%06o", sum);
  put(148, {checksum, 7});
  return header + std::string{content} + std::string((512 - content.size() % 512) % 512, '\0');
}

/// A record of a pax header: its length counts its own digits.
inline std::string pax_record(const std::string& key, std::string_view value) {
  auto length = key.size() + value.size() + 3;
  for (auto digits = std::to_string(length).size();; digits = std::to_string(length + digits).size()) {
    const auto whole = length + digits;
    if (std::to_string(whole).size() == digits) {
      return std::to_string(whole) + " " + key + "=" + std::string{value} + "\n";
    }
  }
}

/// The bytes as a stream that gives at most `step` of them at a time.
inline std::function<std::size_t(std::span<char>)> source_of(std::string bytes, std::size_t step = 65536) {
  return [bytes = std::move(bytes), at = std::size_t{0}, step](std::span<char> buffer) mutable {
    const auto size = std::min({buffer.size(), bytes.size() - at, step});
    std::memcpy(buffer.data(), bytes.data() + at, size);
    at += size;
    return size;
  };
}

}  // namespace berth::test
