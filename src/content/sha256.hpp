// SHA-256 of a stream.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "oci/digest.hpp"

struct SHA256state_st;

namespace berth::content {

/// Takes bytes as they come; `finish` gives their digest and starts anew.
class Sha256 {
 public:
  Sha256();
  void update(std::span<const char> bytes);
  oci::Digest finish();

 private:
  struct Free {
    void operator()(SHA256state_st* context) const noexcept;
  };
  std::unique_ptr<SHA256state_st, Free> context_;
};

oci::Digest sha256(std::string_view bytes);

}  // namespace berth::content
