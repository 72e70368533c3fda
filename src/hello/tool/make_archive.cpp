// make_archive PROGRAM ARCHITECTURE OUTPUT: writes a docker-archive with the image hello:latest, whose only file is
// PROGRAM.
//
// Runs while Berth is built, before any of its libraries: it uses libarchive and OpenSSL alone. The same input gives
// the same bytes: fixed times, owners and order.
#include <archive.h>
#include <archive_entry.h>
#include <openssl/sha.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace {

// Of this image's first version; a time of the build would make each build's image another one.
constexpr const char* created = "2026-11-21T00:00:00Z";
constexpr time_t created_seconds = 1795219200;

struct File {
  std::string name;
  std::string content;
  mode_t mode = 0644;
};

std::string sha256(const std::string& bytes) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

la_ssize_t append(struct archive*, void* target, const void* bytes, size_t size) {
  static_cast<std::string*>(target)->append(static_cast<const char*>(bytes), size);
  return static_cast<la_ssize_t>(size);
}

std::string make_tar(const std::vector<File>& files) {
  std::string tar;
  const std::unique_ptr<struct archive, int (*)(struct archive*)> writer{archive_write_new(), archive_write_free};
  const auto check = [&](int result) {
    if (result != ARCHIVE_OK) throw std::runtime_error{archive_error_string(writer.get())};
  };
  check(archive_write_set_format_ustar(writer.get()));
  check(archive_write_set_bytes_in_last_block(writer.get(), 512));
  check(archive_write_open(writer.get(), &tar, nullptr, append, nullptr));
  for (const auto& file : files) {
    const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry{archive_entry_new(), archive_entry_free};
    archive_entry_set_pathname(entry.get(), file.name.c_str());
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), file.mode);
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(file.content.size()));
    archive_entry_set_mtime(entry.get(), created_seconds, 0);
    check(archive_write_header(writer.get(), entry.get()));
    if (archive_write_data(writer.get(), file.content.data(), file.content.size()) < 0) check(ARCHIVE_FATAL);
  }
  check(archive_write_close(writer.get()));
  return tar;
}

std::string make_image(const std::string& program, const std::string& architecture) {
  const auto layer = make_tar({{"hello", program, 0755}});
  const auto config = fmt::format(
      R"({{"architecture":"{}","config":{{"Cmd":["/hello"],"Env":["PATH=/"],"WorkingDir":"/"}},"created":"{}",)"
      R"("history":[{{"created":"{}","created_by":"COPY hello /","comment":"built with Berth"}}],"os":"linux",)"
      R"("rootfs":{{"type":"layers","diff_ids":["sha256:{}"]}}}})",
      architecture, created, created, sha256(layer));
  const auto config_name = sha256(config) + ".json";
  const auto manifest =
      fmt::format(R"([{{"Config":"{}","RepoTags":["hello:latest"],"Layers":["layer.tar"]}}])", config_name);
  return make_tar({{"manifest.json", manifest}, {config_name, config}, {"layer.tar", layer}});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: make_archive PROGRAM ARCHITECTURE OUTPUT\n";
    return 2;
  }
  try {
    std::ifstream input{argv[1], std::ios::binary};
    const std::string program{std::istreambuf_iterator<char>{input}, {}};
    if (program.empty()) throw std::runtime_error{fmt::format("cannot read {}", argv[1])};
    std::ofstream output{argv[3], std::ios::binary};
    output << make_image(program, argv[2]) << std::flush;
    if (!output) throw std::runtime_error{fmt::format("cannot write {}", argv[3])};
  } catch (const std::exception& error) {
    std::cerr << "make_archive: " << error.what() << '\n';
    return 1;
  }
}
