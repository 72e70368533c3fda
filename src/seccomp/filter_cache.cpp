#include "seccomp/filter_cache.hpp"

#include <openssl/sha.h>

#include <array>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "base/strings.hpp"
#include "seccomp/compile.hpp"

namespace berth::seccomp {
namespace {

constexpr std::size_t most_remembered = 256;  // profiles come from clients

std::string digest(std::string_view bytes) {
  std::array<char, SHA256_DIGEST_LENGTH> sum{};
  ::SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
           reinterpret_cast<unsigned char*>(sum.data()));
  return to_hex({sum.data(), sum.size()});
}

}  // namespace

FilterCache::FilterCache(fs::path directory) : directory_(std::move(directory)), host_(current_host()) {
  make_directories(directory_, 0700);
}

fs::path FilterCache::default_filter(const CapabilitySet& capabilities) {
  return remembered(join(capabilities, " "), [&] { return default_profile(host_, capabilities); });
}

fs::path FilterCache::docker_filter(std::string_view profile, const CapabilitySet& capabilities) {
  auto question = fmt::format("{}\n{}", join(capabilities, " "), profile);
  return remembered(std::move(question), [&] { return parse_docker_profile(profile, host_, capabilities); });
}

template <class Make>
fs::path FilterCache::remembered(std::string question, Make&& make) {
  const auto known = paths_.with([&](const auto& paths) -> std::optional<fs::path> {
    const auto found = paths.find(question);
    return found == paths.end() ? std::nullopt : std::optional{found->second};
  });
  if (known) return *known;
  auto path = store(make());
  paths_.with([&](auto& paths) {
    if (paths.size() >= most_remembered) paths.clear();
    paths.insert_or_assign(std::move(question), path);
  });
  return path;
}

fs::path FilterCache::store(const Profile& profile) const {
  const auto program = compile(profile);
  const std::string_view bytes{reinterpret_cast<const char*>(program.data()), program.size() * sizeof(sock_filter)};
  auto path = directory_ / (digest(bytes) + ".bpf");
  // A torn file of a power loss is told by its size: the name is only as good as the bytes.
  std::error_code missing;
  if (fs::file_size(path, missing) != bytes.size() || missing) replace_file(path, bytes, 0600, true);
  return path;
}

}  // namespace berth::seccomp
