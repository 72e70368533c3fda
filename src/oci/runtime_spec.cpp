#include "oci/runtime_spec.hpp"

namespace berth::oci::runtime {

Spec read_spec(const fs::path& path) {
  try {
    return json::parse<Spec>(read_file(path, 16U << 20U));
  } catch (Error& error) {
    throw error.in("runtime configuration {}", quote(path.native()));
  }
}

}  // namespace berth::oci::runtime
