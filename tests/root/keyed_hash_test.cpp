#include "orggate/keyed_hash.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace orggate;

TEST_CASE("the hash is SipHash-1-3")
{
    // Key 00 01 … 0f, input 00 01 …; as published with the Rust standard library's tests.
    const HashKey key{0x0706050403020100U, 0x0f0e0d0c0b0a0908U};
    const std::uint64_t wanted[] = {0xabac0158050fc4dcU, 0xc9f49bf37d57ca93U, 0x82cb9b024dc7d44dU,
        0x8bf80ab8e7ddf7fbU, 0xcf75576088d38328U, 0xdef9d52f49533b67U, 0xc50d2b50c59f22a7U,
        0xd3927d989bb11140U, 0x369095118d299a8eU};
    std::string input;
    for (const auto hash : wanted) {
        CAPTURE(input.size());
        CHECK(keyed_hash(key, input) == hash);
        input += static_cast<char>(input.size());
    }
}

TEST_CASE("another key gives another hash")
{
    CHECK(keyed_hash({1, 2}, "same") != keyed_hash({1, 3}, "same"));
    CHECK(keyed_hash({1, 2}, "same") != keyed_hash({2, 2}, "same"));
}
