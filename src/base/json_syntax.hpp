// What is wrong with a text that is no JSON, in the words that Docker's clients know.
#pragma once

#include <string>
#include <string_view>

namespace berth::json {

/// The first fault, as Go's encoding/json words it: "invalid character 'i' looking for beginning of object key string",
/// "unexpected EOF", "unexpected content after JSON". Empty if the grammar has no objection.
std::string syntax_fault(std::string_view text);

}  // namespace berth::json
