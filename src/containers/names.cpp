#include "containers/names.hpp"

#include <array>
#include <random>

#include "base/error.hpp"

namespace berth::containers {
namespace {

constexpr std::array adjectives = {
    "able",   "agile",  "amber",  "apt",   "ardent", "bold",   "brave",  "breezy", "bright", "brisk",   "calm",
    "candid", "cheery", "civil",  "clear", "clever", "crisp",  "daring", "deft",   "eager",  "earnest", "fair",
    "fleet",  "fresh",  "gentle", "glad",  "golden", "grand",  "hardy",  "honest", "humble", "jolly",   "keen",
    "kind",   "lively", "loyal",  "lucid", "merry",  "mighty", "modest", "neat",   "nimble", "noble",   "patient",
    "placid", "polite", "proud",  "quick", "quiet",  "ready",  "serene", "sharp",  "steady", "sunny",   "swift",
    "tidy",   "trusty", "upbeat", "vivid", "warm",   "wise",   "witty",  "zealous"};

constexpr std::array surnames = {
    "amundsen",   "anning",  "babbage",  "bering",   "blackwell", "bohr",     "brunel",      "cabot",    "carson",
    "cook",       "curie",   "darwin",   "dijkstra", "drake",     "easley",   "euler",       "faraday",  "fermat",
    "franklin",   "galilei", "gauss",    "goodall",  "hamilton",  "hawking",  "herschel",    "hopper",   "hubble",
    "hypatia",    "johnson", "joliot",   "kepler",   "knuth",     "lamarr",   "liskov",      "lovelace", "magellan",
    "maxwell",    "meitner", "mendel",   "mercator", "nansen",    "newton",   "nightingale", "noether",  "pascal",
    "pasteur",    "perlman", "planck",   "polo",     "ride",      "ritchie",  "shackleton",  "shannon",  "tasman",
    "tereshkova", "tesla",   "thompson", "torvalds", "turing",    "vesalius", "volta",       "wright",   "zuse"};

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

std::string checked_name(std::string_view name) {
  if (name.starts_with('/')) name.remove_prefix(1);
  bool valid = name.size() >= 2 && is_word(name.front());
  for (const char c : name) valid = valid && (is_word(c) || c == '_' || c == '.' || c == '-');
  if (!valid) {
    throw Error{Kind::invalid, "Invalid container name ({}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed", name};
  }
  return std::string{name};
}

std::string random_name() {
  thread_local std::minstd_rand generator{std::random_device{}()};
  const auto pick = [](const auto& words) {
    return words[std::uniform_int_distribution<std::size_t>{0, words.size() - 1}(generator)];
  };
  return fmt::format("{}_{}", pick(adjectives), pick(surnames));
}

}  // namespace berth::containers
