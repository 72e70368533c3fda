#include "snapshots/tar_reader.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>
#include <clocale>

#include "base/error.hpp"

namespace berth::snapshots {
namespace {

/// libarchive converts the UTF-8 names of pax headers to the locale's character set: for this thread, for this call,
/// that is UTF-8, whatever the program's locale is.
class Utf8Locale {
 public:
  Utf8Locale() {
    static const locale_t utf8 = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    if (utf8 == nullptr) throw Error{Kind::internal, "the locale C.UTF-8 is missing"};
    previous_ = ::uselocale(utf8);
  }
  ~Utf8Locale() { ::uselocale(previous_); }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;

 private:
  locale_t previous_;
};

std::string_view text(const char* bytes) {
  return bytes == nullptr ? std::string_view{} : std::string_view{bytes};
}

EntryType type_of(archive_entry* header) {
  if (::archive_entry_hardlink(header) != nullptr) return EntryType::hard_link;
  switch (::archive_entry_filetype(header)) {
    case AE_IFREG: return EntryType::file;
    case AE_IFDIR: return EntryType::directory;
    case AE_IFLNK: return EntryType::symlink;
    case AE_IFCHR: return EntryType::character_device;
    case AE_IFBLK: return EntryType::block_device;
    case AE_IFIFO: return EntryType::fifo;
    default: return EntryType::other;
  }
}

}  // namespace

struct TarReader::Callbacks {
  static la_ssize_t read(archive*, void* self, const void** buffer) {
    auto& reader = *static_cast<TarReader*>(self);
    if (reader.input_failure_) return -1;  // libarchive asks again; the first failure is the one that says why
    try {
      const auto bytes = reader.input_ended_ ? std::span<const char>{} : reader.input_();
      reader.input_ended_ = bytes.empty();
      *buffer = bytes.data();
      return static_cast<la_ssize_t>(bytes.size());
    } catch (...) {  // Nothing is thrown through C code: kept, and thrown by throw_failure.
      reader.input_failure_ = std::current_exception();
      return -1;
    }
  }
};

TarReader::TarReader(Input input) : input_(std::move(input)), archive_(::archive_read_new(), ::archive_read_free) {
  auto* handle = archive_.get();
  if (handle == nullptr) throw std::bad_alloc{};
  ::archive_read_support_format_tar(handle);
  ::archive_read_support_format_empty(handle);
  if (::archive_read_open(handle, this, nullptr, Callbacks::read, nullptr) != ARCHIVE_OK) throw_failure();
}

TarReader::~TarReader() = default;

const TarEntry* TarReader::next() {
  const Utf8Locale locale;
  const int code = ::archive_read_next_header(archive_.get(), &header_);
  if (code == ARCHIVE_EOF) return nullptr;
  if (code != ARCHIVE_OK && code != ARCHIVE_WARN) throw_failure();
  entry_.type = type_of(header_);
  entry_.path = text(::archive_entry_pathname(header_));
  if (entry_.path.empty()) throw Error{Kind::corrupt, "tar entry without a name"};
  if (code == ARCHIVE_WARN) check_warning();
  entry_.target =
      text(entry_.type == EntryType::hard_link ? ::archive_entry_hardlink(header_) : ::archive_entry_symlink(header_));
  entry_.size = ::archive_entry_size(header_);
  entry_.permissions = ::archive_entry_perm(header_);
  entry_.uid = ::archive_entry_uid(header_);
  entry_.gid = ::archive_entry_gid(header_);
  entry_.mtime = {::archive_entry_mtime(header_), ::archive_entry_mtime_nsec(header_)};
  entry_.device = ::archive_entry_rdev(header_);
  read_attributes();
  return &entry_;
}

/// A warning means that something of the header was bent to fit, and we unpack exactly or not at all. Only names that
/// are not UTF-8 are fine: libarchive gives them as they are.
void TarReader::check_warning() {
  const auto reason = text(::archive_error_string(archive_.get()));
  if (reason.contains("can't be converted from")) return;
  throw Error{Kind::corrupt, "tar entry {}: {}", quote(entry_.path), reason};
}

void TarReader::read_attributes() {
  entry_.attributes.clear();
  if (::archive_entry_xattr_reset(header_) == 0) return;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  while (::archive_entry_xattr_next(header_, &name, &value, &size) == ARCHIVE_OK) {
    entry_.attributes.push_back({std::string{text(name)}, std::string{static_cast<const char*>(value), size}});
  }
}

std::optional<TarBlock> TarReader::next_block() {
  const void* bytes = nullptr;
  std::size_t size = 0;
  la_int64_t offset = 0;
  const int code = ::archive_read_data_block(archive_.get(), &bytes, &size, &offset);
  if (code == ARCHIVE_EOF) return std::nullopt;
  if (code != ARCHIVE_OK) throw_failure();
  return TarBlock{{static_cast<const char*>(bytes), size}, offset};
}

void TarReader::throw_failure() {
  if (input_failure_) std::rethrow_exception(input_failure_);
  const auto reason = text(::archive_error_string(archive_.get()));
  if (input_ended_) throw Error{Kind::corrupt, "error processing tar file: unexpected EOF"};
  throw Error{Kind::corrupt, "error processing tar file: {}", reason.empty() ? "invalid tar header" : reason};
}

}  // namespace berth::snapshots
