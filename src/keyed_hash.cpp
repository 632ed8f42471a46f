#include "orggate/keyed_hash.hpp"

#include <bit>
#include <cstring>

namespace orggate {

namespace {

struct State {
    std::uint64_t a, b, c, d;

    void round()
    {
        a += b;
        b = std::rotl(b, 13) ^ a;
        a = std::rotl(a, 32);
        c += d;
        d = std::rotl(d, 16) ^ c;
        a += d;
        d = std::rotl(d, 21) ^ a;
        c += b;
        b = std::rotl(b, 17) ^ c;
        c = std::rotl(c, 32);
    }
    void absorb(std::uint64_t word)
    {
        d ^= word;
        round();
        a ^= word;
    }
};

}  // namespace

std::uint64_t keyed_hash(const HashKey& key, std::string_view bytes)
{
    State state{key.low ^ 0x736f6d6570736575U, key.high ^ 0x646f72616e646f6dU,
        key.low ^ 0x6c7967656e657261U, key.high ^ 0x7465646279746573U};
    const std::uint64_t last = std::uint64_t{bytes.size()} << 56;
    std::uint64_t word = 0;
    for (; bytes.size() >= sizeof word; bytes.remove_prefix(sizeof word)) {
        std::memcpy(&word, bytes.data(), sizeof word);
        state.absorb(word);
    }
    word = 0;
    std::memcpy(&word, bytes.data(), bytes.size());
    state.absorb(word | last);
    state.c ^= 0xFF;
    for (int i = 0; i < 3; ++i)
        state.round();
    return state.a ^ state.b ^ state.c ^ state.d;
}

}  // namespace orggate
