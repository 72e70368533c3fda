#include "content/content.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "base/error.hpp"
#include "base/id.hpp"

namespace berth::content {

Ingest::Ingest(const ContentStore& store, fs::path path, UniqueFd file, std::uint64_t limit)
    : store_(store), path_(std::move(path)), file_(std::move(file)), limit_(limit) {}

Ingest::Ingest(Ingest&& other) noexcept
    : store_(other.store_),
      path_(std::exchange(other.path_, {})),
      file_(std::move(other.file_)),
      limit_(other.limit_),
      size_(other.size_),
      hash_(std::move(other.hash_)) {}

Ingest::~Ingest() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

void Ingest::write(std::string_view bytes) {
  size_ += bytes.size();
  if (size_ > limit_) throw Error{Kind::too_large, "blob is larger than {} bytes", limit_};
  hash_.update(bytes);
  write_all(file_, bytes);
}

oci::Digest Ingest::commit(const std::optional<oci::Digest>& expected) {
  auto digest = hash_.finish();
  if (expected && digest != *expected) {
    throw Error{Kind::corrupt, "blob has digest {} where {} was expected", digest, *expected};
  }
  if (::fsync(file_.get()) < 0) throw Error::from_errno(errno, "sync blob {}", digest);
  const auto target = store_.blob_path(digest);
  if (::rename(path_.c_str(), target.c_str()) < 0) throw Error::from_errno(errno, "commit blob {}", digest);
  path_.clear();
  sync_path(target.parent_path());
  return digest;
}

ContentStore::ContentStore(fs::path root) : blobs_(root / "blobs" / "sha256"), ingests_(root / "ingest") {
  make_directories(blobs_, 0700);
  make_directories(ingests_, 0700);
}

Ingest ContentStore::ingest(std::uint64_t limit) const {
  auto path = ingests_ / random_hex(8);
  auto file = open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
  return {*this, std::move(path), std::move(file), limit};
}

oci::Digest ContentStore::put(std::string_view bytes) const {
  auto ingest = this->ingest(bytes.size());
  ingest.write(bytes);
  return ingest.commit();
}

bool ContentStore::contains(const oci::Digest& digest) const {
  return ::access(blob_path(digest).c_str(), F_OK) == 0;
}

UniqueFd ContentStore::open(const oci::Digest& digest) const {
  try {
    return open_file(blob_path(digest), O_RDONLY);
  } catch (Error& error) {
    throw error.in("blob {}", digest);
  }
}

std::string ContentStore::read(const oci::Digest& digest, std::size_t limit) const {
  auto bytes = read_to_end(open(digest), limit);
  if (sha256(bytes) != digest) throw Error{Kind::corrupt, "blob {} has changed on disk", digest};
  return bytes;
}

void ContentStore::remove(const oci::Digest& digest) const {
  if (::unlink(blob_path(digest).c_str()) < 0 && errno != ENOENT) {
    throw Error::from_errno(errno, "remove blob {}", digest);
  }
}

std::vector<oci::Digest> ContentStore::list() const {
  std::vector<oci::Digest> digests;
  for (const auto& entry : fs::directory_iterator{blobs_}) {
    if (auto digest = oci::Digest::try_parse("sha256:" + entry.path().filename().native())) {
      digests.push_back(std::move(*digest));
    }
  }
  return digests;
}

void ContentStore::recover() const {
  for (const auto& entry : fs::directory_iterator{ingests_}) remove_tree(entry.path());
}

fs::path ContentStore::blob_path(const oci::Digest& digest) const {
  if (digest.empty()) throw Error{Kind::internal, "empty digest"};
  return blobs_ / digest.hex();
}

}  // namespace berth::content
