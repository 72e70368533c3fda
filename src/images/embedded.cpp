#include <algorithm>
#include <cstring>

#include "images/images.hpp"

namespace berth::images {

bool ensure_loaded(ImageStore& store, std::string_view name, std::span<const std::byte> docker_archive) {
  if (store.find(name)) return false;
  auto left = docker_archive;
  const Source source = [&left](std::span<char> buffer) {
    const auto size = std::min(buffer.size(), left.size());
    std::memcpy(buffer.data(), left.data(), size);
    left = left.subspan(size);
    return size;
  };
  store.load(source, {.quiet = true}, [](const json::Object&) {});
  return true;
}

}  // namespace berth::images
