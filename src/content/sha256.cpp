#include "content/sha256.hpp"

// The plain functions, which OpenSSL 3 calls deprecated: its EVP interface starts providers and configuration, three
// megabytes of the daemon's memory for the one algorithm that images use. Same code (SHA-NI) either way.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <array>

#include "base/strings.hpp"

namespace berth::content {

void Sha256::Free::operator()(SHA256state_st* context) const noexcept {
  delete context;
}

Sha256::Sha256() : context_(new SHA256_CTX) {
  ::SHA256_Init(context_.get());
}

void Sha256::update(std::span<const char> bytes) {
  ::SHA256_Update(context_.get(), bytes.data(), bytes.size());
}

oci::Digest Sha256::finish() {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> bytes{};
  ::SHA256_Final(bytes.data(), context_.get());
  ::SHA256_Init(context_.get());
  return oci::Digest::from_hex(to_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
}

oci::Digest sha256(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

}  // namespace berth::content
