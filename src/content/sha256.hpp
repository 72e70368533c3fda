// SHA-256 of a stream.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "oci/digest.hpp"

struct evp_md_ctx_st;

namespace berth::content {

/// Takes bytes as they come; `finish` gives their digest and starts anew.
class Sha256 {
 public:
  Sha256();
  void update(std::span<const char> bytes);
  oci::Digest finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

oci::Digest sha256(std::string_view bytes);

}  // namespace berth::content
