#include "orggate/http/body.hpp"

#include "http/octets.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace orggate::http {

enum class BodyReader::State : unsigned char {
    size_first,
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_first,
    trailer,
    trailer_lf,
    end_lf,
    done,
};

namespace {

constexpr Denial none{};
constexpr unsigned most_digits = 16;
// Of what an answer may carry beside its payload, to be dropped.
constexpr std::size_t longest_line = 8 * 1024;
constexpr std::size_t most_dropped = 64 * 1024;

}  // namespace

BodyReader::BodyReader(Framing framing, std::uint64_t length, Side side)
    : framing_(framing),
      side_(side),
      state_(State::size_first),
      remaining_(framing == Framing::sized ? length : 0)
{
}

bool BodyReader::is_done() const
{
    switch (framing_) {
        case Framing::none: return true;
        case Framing::sized: return remaining_ == 0;
        case Framing::chunked: return state_ == State::done;
        case Framing::until_close: return false;
    }
    return true;
}

Result<BodyReader::Step> BodyReader::read(std::string_view bytes)
{
    switch (framing_) {
        case Framing::none: break;
        case Framing::sized: {
            const auto size = std::min<std::uint64_t>(remaining_, bytes.size());
            remaining_ -= size;
            const std::string_view payload = bytes.substr(0, static_cast<std::size_t>(size));
            return Step{payload.size(), payload};
        }
        case Framing::chunked: return read_chunked(bytes);
        case Framing::until_close: return Step{bytes.size(), bytes};
    }
    return Step{};
}

Result<BodyReader::Step> BodyReader::read_chunked(std::string_view bytes)
{
    Step step;
    while (step.consumed < bytes.size() && state_ != State::done) {
        if (state_ == State::data) {
            if (!step.payload.empty()) break;
            step.payload = take_data(bytes.substr(step.consumed));
            step.consumed += step.payload.size();
            continue;
        }
        const Denial denial = frame(bytes[step.consumed]);
        if (denial != none) return denial;
        ++step.consumed;
    }
    return step;
}

std::string_view BodyReader::take_data(std::string_view bytes)
{
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, bytes.size()));
    remaining_ -= size;
    if (remaining_ == 0) state_ = State::data_cr;
    return bytes.substr(0, size);
}

// One byte that is not payload.
Denial BodyReader::frame(char c)
{
    switch (state_) {
        case State::size_first:
        case State::size: return read_size(c);
        case State::extension: return drop(c, State::size_lf);
        case State::size_lf:
            line_ = 0;
            return expect(c, '\n', remaining_ == 0 ? State::trailer_first : State::data);
        case State::data_cr: return expect(c, '\r', State::data_lf);
        case State::data_lf: return expect(c, '\n', State::size_first);
        case State::trailer_first: return start_trailer(c);
        case State::trailer: return drop(c, State::trailer_lf);
        case State::trailer_lf: line_ = 0; return expect(c, '\n', State::trailer_first);
        case State::end_lf: return expect(c, '\n', State::done);
        case State::data:
        case State::done: break;
    }
    return none;
}

Denial BodyReader::read_size(char c)
{
    if (state_ == State::size_first) {
        digits_ = 0;
        remaining_ = 0;
    }
    if (is(c, Octet::hex)) {
        state_ = State::size;
        if (++digits_ > most_digits) return Denial::bad_chunk;
        remaining_ = remaining_ << 4 | hex_value(c);
        return remaining_ >> 63 ? Denial::bad_chunk : none;
    }
    if (state_ == State::size_first) return Denial::bad_chunk;
    if (c == ';' && side_ == Side::request) return Denial::chunk_extension;
    if (c != ';') return expect(c, '\r', State::size_lf);
    state_ = State::extension;
    return drop(c, State::size_lf);
}

Denial BodyReader::start_trailer(char c)
{
    if (c == '\r') return expect(c, '\r', State::end_lf);
    if (!is(c, Octet::tchar)) return Denial::bad_chunk;
    if (side_ == Side::request) return Denial::trailer_refused;
    state_ = State::trailer;
    return drop(c, State::trailer_lf);
}

// Counts a byte of an extension or trailer; its line's end leads to `next`.
Denial BodyReader::drop(char c, State next)
{
    if (c == '\r') return expect(c, '\r', next);
    const bool fits = ++line_ <= longest_line && ++dropped_ <= most_dropped;
    return fits && is(c, Octet::value) ? none : Denial::bad_chunk;
}

Denial BodyReader::expect(char c, char wanted, State next)
{
    if (c != wanted) return Denial::bad_chunk;
    state_ = next;
    return none;
}

void append_chunk(std::string& out, std::string_view payload)
{
    // A chunk of nothing would be the last one.
    if (payload.empty()) return;
    std::array<char, most_digits> digits;
    const auto end =
        std::to_chars(digits.data(), digits.data() + digits.size(), payload.size(), 16).ptr;
    out.append(digits.data(), end).append("\r\n").append(payload).append("\r\n");
}

void append_last_chunk(std::string& out)
{
    out.append("0\r\n\r\n");
}

}  // namespace orggate::http
