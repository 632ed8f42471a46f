#include "app/tenants_file.hpp"

#include <doctest/doctest.h>

using namespace orggate;
using namespace orggate::app;

namespace {

// A file's content is a list of ids of one letter; `!` makes it bad.
config::LoadedTenants load(const std::string& content)
{
    config::LoadedTenants loaded;
    if (content.find('!') != content.npos) {
        loaded.problems.push_back({"tenants.yaml", 1, 1, "expected something else", false});
        return loaded;
    }
    loaded.tenants.emplace();
    for (const char c : content)
        loaded.tenants->emplace(std::string("org_") + c, policy::Tenant());
    return loaded;
}

}  // namespace

TEST_CASE("the first reading counts at once, good or bad")
{
    TenantsFile good(load);
    CHECK(good.first("ab", "").tenants->size() == 2);
    CHECK(good.is_good());

    TenantsFile bad(load);
    const auto look = bad.first("a!", "");
    CHECK_FALSE(look.tenants.has_value());
    CHECK(look.problems.size() == 1);
    CHECK_FALSE(bad.is_good());

    TenantsFile absent(load);
    CHECK(absent.first(std::nullopt, "No such file").error == "No such file");
    CHECK_FALSE(absent.is_good());
}

TEST_CASE("a change counts when two readings agree, and once")
{
    TenantsFile file(load);
    file.first("a", "");
    CHECK_FALSE(file.again("a", "").tenants.has_value());
    CHECK_FALSE(file.again("ab", "").tenants.has_value());
    CHECK(file.again("ab", "").tenants->size() == 2);
    CHECK_FALSE(file.again("ab", "").tenants.has_value());
    CHECK(file.is_good());
}

TEST_CASE("a file that is being written is not taken half")
{
    TenantsFile file(load);
    file.first("abcdef", "");
    CHECK_FALSE(file.again("", "").tenants.has_value());
    CHECK_FALSE(file.again("abc", "").tenants.has_value());
    CHECK_FALSE(file.again("abcdefg", "").tenants.has_value());
    CHECK(file.again("abcdefg", "").tenants->size() == 7);
}

TEST_CASE("what is bad is told once and is good again as soon as it is mended")
{
    TenantsFile file(load);
    file.first("a", "");
    CHECK(file.again("!", "").problems.empty());
    CHECK(file.again("!", "").problems.size() == 1);
    CHECK_FALSE(file.is_good());
    CHECK(file.again("!", "").problems.empty());
    // Mended to what is in force already: it must be said to be good.
    file.again("a", "");
    CHECK(file.again("a", "").tenants->size() == 1);
    CHECK(file.is_good());
}

TEST_CASE("a file that vanishes is told once, whatever swaps it")
{
    TenantsFile file(load);
    file.first("a", "");
    CHECK(file.again(std::nullopt, "gone").error.empty());
    CHECK(file.again(std::nullopt, "gone").error == "gone");
    CHECK(file.again(std::nullopt, "gone").error.empty());
    CHECK_FALSE(file.is_good());
    file.again("b", "");
    CHECK(file.again("b", "").tenants->contains("org_b"));
}
