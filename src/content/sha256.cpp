#include "content/sha256.hpp"

#include <openssl/evp.h>

#include <array>

#include "base/error.hpp"
#include "base/strings.hpp"

namespace berth::content {
namespace {

void start(EVP_MD_CTX* context) {
  // Fetched once: looking the algorithm up costs more than hashing a small document.
  static EVP_MD* const algorithm = ::EVP_MD_fetch(nullptr, "SHA256", nullptr);
  if (context == nullptr || ::EVP_DigestInit_ex2(context, algorithm, nullptr) != 1) {
    throw Error{Kind::internal, "SHA-256 is not available"};
  }
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const noexcept {
  ::EVP_MD_CTX_free(context);
}

Sha256::Sha256() : context_(::EVP_MD_CTX_new()) {
  start(context_.get());
}

void Sha256::update(std::span<const char> bytes) {
  if (::EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1)
    throw Error{Kind::internal, "SHA-256 failed"};
}

oci::Digest Sha256::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  if (::EVP_DigestFinal_ex(context_.get(), bytes.data(), &size) != 1) throw Error{Kind::internal, "SHA-256 failed"};
  start(context_.get());
  return oci::Digest::from_hex(to_hex({reinterpret_cast<const char*>(bytes.data()), size}));
}

oci::Digest sha256(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

}  // namespace berth::content
