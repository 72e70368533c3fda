#include "oci/reference.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/id.hpp"
#include "base/strings.hpp"

namespace berth::oci {
namespace {

constexpr std::string_view default_domain = "docker.io";
constexpr std::string_view official_prefix = "library/";
constexpr std::size_t max_path = 255;

bool is_lower_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool is_alnum(char c) {
  return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Between two letters or digits of a name: one dot, one or two underscores, or any number of hyphens.
bool is_separator(std::string_view text) {
  return text == "." || text == "_" || text == "__" || text.find_first_not_of('-') == std::string_view::npos;
}

bool is_path_component(std::string_view text) {
  if (text.empty() || !is_lower_alnum(text.front()) || !is_lower_alnum(text.back())) return false;
  for (std::size_t at = 0; at < text.size();) {
    const auto begin = std::find_if_not(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), is_lower_alnum);
    if (begin == text.end()) return true;
    const auto end = std::find_if(begin, text.end(), is_lower_alnum);
    if (!is_separator({begin, end})) return false;
    at = static_cast<std::size_t>(end - text.begin());
  }
  return true;
}

bool is_domain_component(std::string_view text) {
  return !text.empty() && is_alnum(text.front()) && is_alnum(text.back()) &&
         std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '-'; });
}

/// "host.name:5000" or "[::1]:5000".
bool is_domain(std::string_view text) {
  auto host = text;
  if (const auto colon = text.rfind(':'); colon != std::string_view::npos && !text.ends_with(']')) {
    const auto port = text.substr(colon + 1);
    if (port.empty() || !std::ranges::all_of(port, is_digit)) return false;
    host = text.substr(0, colon);
  }
  if (host.starts_with('[')) {
    return host.size() > 2 && host.ends_with(']') &&
           host.substr(1, host.size() - 2).find_first_not_of("0123456789abcdefABCDEF:") == std::string_view::npos;
  }
  return std::ranges::all_of(split(host, '.'), is_domain_component);
}

bool is_tag(std::string_view text) {
  return !text.empty() && text.size() <= 128 && (is_alnum(text.front()) || text.front() == '_') &&
         std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '_' || c == '.' || c == '-'; });
}

/// The first part is a registry if it looks like a host; otherwise it belongs to a name on the default registry.
std::pair<std::string_view, std::string> split_domain(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return {default_domain, std::string{official_prefix} + std::string{text}};
  const auto first = text.substr(0, slash);
  auto rest = text.substr(slash + 1);
  const bool is_host = first == "localhost" || first.find_first_of(".:") != std::string_view::npos ||
                       std::ranges::any_of(first, [](char c) { return c >= 'A' && c <= 'Z'; });
  if (!is_host) return {default_domain, std::string{text}};
  if (first != default_domain && first != "index.docker.io") return {first, std::string{rest}};
  if (rest.find('/') != std::string_view::npos) return {default_domain, std::string{rest}};
  return {default_domain, std::string{official_prefix} + std::string{rest}};
}

[[noreturn]] void throw_malformed() {
  throw Error{Kind::invalid, "invalid reference format"};
}

}  // namespace

Reference Reference::parse(std::string_view text) {
  if (is_full_id(text)) {
    throw Error{Kind::invalid, "invalid repository name ({}), cannot specify 64-byte hexadecimal strings", text};
  }
  Reference reference;
  const auto [domain, remainder] = split_domain(text);
  std::string_view path = remainder;
  if (const auto parts = split_once(path, '@')) {
    path = parts->first;
    reference.digest_ = Digest::try_parse(parts->second);
    if (!reference.digest_) throw_malformed();
  }
  if (const auto parts = split_once(path, ':')) {
    path = parts->first;
    if (!is_tag(parts->second)) throw_malformed();
    reference.tag_ = parts->second;
  }
  if (to_lower(path) != path) {
    throw Error{Kind::invalid, "invalid reference format: repository name ({}) must be lowercase", path};
  }
  if (!is_domain(domain) || !std::ranges::all_of(split(path, '/'), is_path_component)) throw_malformed();
  if (path.size() > max_path) {
    throw Error{Kind::invalid, "repository name must not be more than {} characters", max_path};
  }
  reference.domain_ = domain;
  reference.path_ = path;
  return reference;
}

std::optional<Reference> Reference::try_parse(std::string_view text) {
  try {
    return parse(text);
  } catch (const Error&) {  // The caller asked for absence as an answer.
    return std::nullopt;
  }
}

std::string Reference::familiar_name() const {
  if (domain_ != default_domain) return name();
  if (path_.starts_with(official_prefix) && path_.find('/', official_prefix.size()) == std::string::npos) {
    return path_.substr(official_prefix.size());
  }
  return path_;
}

Reference Reference::with_default_tag() const {
  Reference reference = *this;
  if (!tag_ && !digest_) reference.tag_ = "latest";
  return reference;
}

Reference Reference::with_tag(std::string_view tag) const {
  if (!is_tag(tag)) throw Error{Kind::invalid, "invalid tag format"};
  Reference reference = without_version();
  reference.tag_ = tag;
  return reference;
}

Reference Reference::with_digest(const Digest& digest) const {
  Reference reference = without_version();
  reference.digest_ = digest;
  return reference;
}

Reference Reference::without_version() const {
  Reference reference;
  reference.domain_ = domain_;
  reference.path_ = path_;
  return reference;
}

std::string Reference::suffix() const {
  std::string text;
  if (tag_) text += ":" + *tag_;
  if (digest_) text += "@" + digest_->to_string();
  return text;
}

}  // namespace berth::oci
