#include "network/sysctl.hpp"

#include <fcntl.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/strings.hpp"

namespace berth::network {
namespace {

/// Of the calling thread's namespace, which is not always that of the whole process in tests.
fs::path path_of(const std::string& name) {
  return "/proc/sys/net/" + name;
}

}  // namespace

void set_host_sysctl(const std::string& name, std::string_view value) {
  if (const auto present = find_file(path_of(name)); present && trim(*present) == value) return;
  write_all(open_file(path_of(name), O_WRONLY), value);
}

void try_set_host_sysctl(const std::string& name, std::string_view value, std::string_view consequence) {
  try {
    set_host_sysctl(name, value);
  } catch (const Error& error) {
    log::warn("sysctl not set, going on without it",
              {{"sysctl", name}, {"value", value}, {"consequence", consequence}, {"error", error.message()}});
  }
}

}  // namespace berth::network
