#include "keys/unknown_ids.hpp"

#include "keys/schedule.hpp"
#include "support/mint.hpp"

#include <doctest/doctest.h>

using namespace orggate;
using namespace orggate::keys;

namespace {

const UnknownIds::Time start{std::chrono::hours(5)};

}  // namespace

TEST_CASE("an id is known to be unknown for thirty seconds")
{
    UnknownIds ids;
    ids.add("ins_bad", start);
    CHECK(ids.has("ins_bad", start));
    CHECK(ids.has("ins_bad", start + Seconds(30) - Milliseconds(1)));
    CHECK_FALSE(ids.has("ins_bad", start + Seconds(30)));
    CHECK_FALSE(ids.has("ins_other", start));
    ids.add("ins_bad", start + Seconds(30));
    CHECK(ids.has("ins_bad", start + Seconds(59)));
}

TEST_CASE("a flood of ids is bounded, keeps what it has and makes room in time")
{
    UnknownIds ids;
    for (std::size_t i = 0; i < max_unknown_ids; ++i)
        ids.add("id" + std::to_string(i), start);
    CHECK(ids.size() == max_unknown_ids);
    CHECK(ids.has("id" + std::to_string(max_unknown_ids - 1), start));
    ids.add("one too many", start);
    CHECK(ids.size() == max_unknown_ids);
    CHECK_FALSE(ids.has("one too many", start));
    CHECK(ids.has("id0", start));

    ids.add("id0", start + Seconds(10));  // remembered anew, though full
    ids.add("later", start + cooldown);
    CHECK(ids.has("later", start + cooldown));
    CHECK(ids.size() == 2);
    CHECK(ids.has("id0", start + cooldown));
}

TEST_CASE("ids that a new set has are forgotten, the others stay")
{
    const auto keys = token::KeySet::parse_jwks(test::jwks({test::make_key("ins_new")}));
    REQUIRE(keys.has_value());
    UnknownIds ids;
    ids.add("ins_new", start);
    ids.add("ins_bad", start);
    ids.forget_those_in(**keys);
    CHECK_FALSE(ids.has("ins_new", start));
    CHECK(ids.has("ins_bad", start));
}
