// The sequences of JSON documents with which load, import, pull and push report what they do.
#pragma once

#include "cli/session.hpp"

namespace berth::cli {

/// Prints each message to `out`; throws what a document reports as an error.
void show_progress(client::Stream& stream, FdRef out);

/// Reads a descriptor as the body of a request.
client::Source source_of(FdRef fd);

/// Copies the whole answer, byte by byte.
void copy_stream(client::Stream& stream, FdRef out);

}  // namespace berth::cli
