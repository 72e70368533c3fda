// Only for this folder: libnftnl's objects, owned.
#pragma once

#include <libnftnl/chain.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>

#include <cstdint>
#include <new>

namespace berth::nftables {

/// An object by the library's own two functions for it.
template <class Object, Object* (*allocate)(), void (*release)(const Object*)>
class Owned {
 public:
  Owned() : object_(allocate()) {
    if (object_ == nullptr) throw std::bad_alloc{};
  }
  ~Owned() { release(object_); }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  [[nodiscard]] Object* get() const noexcept { return object_; }

 private:
  Object* object_;
};

using OwnedTable = Owned<nftnl_table, nftnl_table_alloc, nftnl_table_free>;
using OwnedChain = Owned<nftnl_chain, nftnl_chain_alloc, nftnl_chain_free>;
using OwnedRule = Owned<nftnl_rule, nftnl_rule_alloc, nftnl_rule_free>;
using OwnedSet = Owned<nftnl_set, nftnl_set_alloc, nftnl_set_free>;

/// What a rule carries beside its comment, out of sight of `nft`: the fingerprint of what it was made of.
inline constexpr std::uint8_t fingerprint_type = 0xb7;

}  // namespace berth::nftables
