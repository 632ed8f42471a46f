// A chunked body: verdict and payload do not depend on how the bytes were split.

#include "fuzz/promise.hpp"
#include "orggate/http/body.hpp"

#include <algorithm>
#include <string>

using namespace orggate;
using http::BodyReader;

namespace {

struct Outcome {
    bool refused = false, done = false;
    std::string payload;
};

Outcome read(BodyReader::Side side, std::string_view text, std::size_t piece)
{
    BodyReader reader(http::Framing::chunked, 0, side);
    Outcome outcome;
    for (std::string_view bytes; !text.empty() && !reader.is_done();) {
        bytes = text.substr(0, std::min(piece, text.size()));
        const auto step = reader.read(bytes);
        if (!step) return {true, false, {}};
        promise(step->consumed > 0 && step->consumed <= bytes.size());
        promise(step->payload.size() <= step->consumed);
        outcome.payload += step->payload;
        text.remove_prefix(step->consumed);
    }
    outcome.done = reader.is_done();
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* bytes, std::size_t size)
{
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
    const auto side = bytes[0] % 2 ? BodyReader::Side::request : BodyReader::Side::response;
    const Outcome whole = read(side, text, size), split = read(side, text, 1);
    promise(whole.refused == split.refused && whole.done == split.done);
    promise(whole.payload == split.payload);
    return 0;
}
