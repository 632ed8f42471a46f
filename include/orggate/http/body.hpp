// The body's framing, read and written by us alone, in both directions.
// Pure: bytes in, payload out.
// Source: RFC 9112 sections 6 and 7.

#pragma once

#include "orggate/denial.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace orggate::http {

enum class Framing { none, sized, chunked, until_close };

// Finds the payload in the bytes of one body.
class BodyReader {
public:
    // What the trailer and extension policy is: requests refuse both; answers drop both.
    enum class Side { request, response };
    BodyReader(Framing framing, std::uint64_t length, Side side);

    struct Step {
        std::size_t consumed = 0;  // bytes of the input that are done with
        std::string_view payload;  // part of them, maybe empty
    };

    // Takes the next piece of payload from the front of `bytes`, with the framing before
    // and behind it; call again with the rest until it consumes nothing or the body is
    // over. After a refusal it may not be called again.
    // Sizes have at most 16 digits and are below 2^63. What an answer's extensions and
    // trailers hold is dropped, at most 8 KiB a line and 64 KiB in all.
    // Refuses: bad_chunk, chunk_extension, trailer_refused.
    Result<Step> read(std::string_view bytes);

    bool is_done() const;
    // What the end of the connection means here: true only for until_close.
    bool ends_with_connection() const { return framing_ == Framing::until_close; }
    // Sized bodies: what is still to come.
    std::uint64_t remaining() const { return remaining_; }

private:
    enum class State : unsigned char;

    Result<Step> read_chunked(std::string_view bytes);
    std::string_view take_data(std::string_view bytes);
    Denial frame(char c);
    Denial read_size(char c);
    Denial start_trailer(char c);
    Denial drop(char c, State next);
    Denial expect(char c, char wanted, State next);

    Framing framing_;
    Side side_;
    State state_;
    unsigned digits_ = 0;
    std::uint64_t remaining_ = 0;  // of the body where sized, else of this chunk
    std::size_t line_ = 0;         // of an extension or trailer line
    std::size_t dropped_ = 0;      // of extensions and trailers in all
};

// Appends one chunk (nothing where there is no payload), or the last one.
void append_chunk(std::string& out, std::string_view payload);
void append_last_chunk(std::string& out);

}  // namespace orggate::http
