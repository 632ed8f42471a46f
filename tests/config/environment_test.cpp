#include "config/loading.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace orggate;

namespace {

test::World world()
{
    test::World made;
    made.variables = {{"CLERK_PUBLISHABLE_KEY", test::production_key},
        {"ORGGATE_UPSTREAM", "http://127.0.0.1:3000"}};
    return made;
}

config::Loaded load(const test::World& given)
{
    return config::load_environment(given.surroundings());
}

}  // namespace

TEST_CASE("two variables make a gate: every path needs an active organisation")
{
    const auto given = world();
    const auto loaded = load(given);
    REQUIRE(loaded.config != nullptr);
    CHECK(loaded.config->file.empty());
    REQUIRE(loaded.config->rules.rules().size() == 1);
    CHECK(loaded.config->rules.rules()[0].access == policy::Access::org);
    CHECK(loaded.config->upstreams.at(0).address.port == 3000);
    CHECK(loaded.config->clerk.jwks_url == "https://clerk.example.com/.well-known/jwks.json");
    for (const auto& problem : loaded.problems) {
        CHECK(problem.is_warning);
        CHECK(problem.file == "environment");
        CHECK(problem.line == 0);
    }
}

TEST_CASE("the key may have its name of Next.js, and the secrets are taken when they are set")
{
    auto given = world();
    given.variables.erase("CLERK_PUBLISHABLE_KEY");
    given.variables["NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY"] = test::production_key;
    given.variables["CLERK_SECRET_KEY"] = "sk_live_hunter2";
    const auto api = load(given);
    REQUIRE(api.config != nullptr);
    CHECK(api.config->clerk.jwks_needs_secret);
    CHECK(api.config->clerk.secret_key == "sk_live_hunter2");
    given.variables["CLERK_JWT_KEY"] = test::public_pem;
    const auto pem = load(given);
    REQUIRE(pem.config != nullptr);
    CHECK_FALSE(pem.config->clerk.jwt_key_pem.empty());
}

TEST_CASE("an empty variable is as good as none")
{
    auto given = world();
    given.variables["CLERK_SECRET_KEY"] = "";
    given.variables["CLERK_JWT_KEY"] = "";
    REQUIRE(load(given).config != nullptr);
    given.variables["ORGGATE_UPSTREAM"] = "";
    CHECK(load(given).config == nullptr);
}

TEST_CASE("what is missing is named, all at once")
{
    test::World nothing;
    nothing.variables.clear();
    const auto loaded = load(nothing);
    CHECK(loaded.config == nullptr);
    CHECK(test::joined(loaded.problems) ==
          "environment: the variable CLERK_PUBLISHABLE_KEY (or NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY) "
          "is not set, and there is no configuration file\n"
          "environment: the variable ORGGATE_UPSTREAM is not set, and there is no configuration "
          "file\n");
}

TEST_CASE("what is wrong is told without what the variables hold")
{
    auto given = world();
    given.variables["ORGGATE_UPSTREAM"] = "hunter2";
    given.variables["CLERK_SECRET_KEY"] = "hunter2";
    given.variables["CLERK_JWT_KEY"] = "hunter2";
    const auto loaded = load(given);
    CHECK(loaded.config == nullptr);
    const auto told = test::joined(loaded.problems);
    CHECK(told.find("environment: upstream: found \"${ORGGATE_UPSTREAM}\"") != std::string::npos);
    CHECK(told.find("environment: clerk.secret_key: expected") != std::string::npos);
    CHECK(told.find("environment: clerk.jwt_key: expected") != std::string::npos);
    CHECK(told.find("hunter2") == std::string::npos);
}
