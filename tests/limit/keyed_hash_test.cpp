#include "limit/keyed_hash.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

using orggate::limit::HashSeed;
using orggate::limit::keyed_hash;

namespace {

// Key 00 01 … 0f, as in the paper's appendix.
constexpr HashSeed paper_key{0x0706050403020100, 0x0f0e0d0c0b0a0908};

std::string counting(int length)
{
    std::string text;
    for (int i = 0; i < length; ++i)
        text.push_back(static_cast<char>(i));
    return text;
}

}  // namespace

TEST_CASE("the hash is SipHash-2-4 as published")
{
    struct Row {
        int length;
        std::uint64_t wanted;
    };
    for (const Row& row : {Row{0, 0x726fdb47dd0e0e31}, Row{1, 0x74f839c593dc67fd},
             Row{7, 0xab0200f58b01d137}, Row{8, 0x93f5f5799a932462}, Row{15, 0xa129ca6149be45e5}}) {
        CAPTURE(row.length);
        CHECK(keyed_hash(paper_key, counting(row.length)) == row.wanted);
    }
}

TEST_CASE("length, every byte and both halves of the seed change the hash")
{
    std::set<std::uint64_t> seen;
    for (int length = 0; length < 64; ++length)
        seen.insert(keyed_hash(paper_key, std::string(std::size_t(length), '\0')));
    CHECK(seen.size() == 64);
    std::string text = counting(40);
    const auto before = keyed_hash(paper_key, text);
    for (std::size_t i = 0; i < text.size(); ++i) {
        text[i] ^= 1;
        CHECK(keyed_hash(paper_key, text) != before);
        text[i] ^= 1;
    }
    CHECK(keyed_hash({paper_key.first + 1, paper_key.second}, text) != before);
    CHECK(keyed_hash({paper_key.first, paper_key.second + 1}, text) != before);
}
