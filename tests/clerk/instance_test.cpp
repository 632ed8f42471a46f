#include "orggate/clerk/instance.hpp"

#include "support/mint.hpp"

#include <doctest/doctest.h>

using namespace orggate::clerk;

namespace {

// A live key of the host text, standard base64 without padding.
std::string key_of(std::string_view host_and_dollar)
{
    auto text = orggate::test::base64url(host_and_dollar);
    for (char& c : text)
        c = c == '-' ? '+' : c == '_' ? '/' : c;
    return "pk_live_" + text;
}

}  // namespace

TEST_CASE("a publishable key names the instance")
{
    struct Row {
        std::string_view key;
        InstanceType type;
        std::string_view host;
    };
    const Row rows[] = {
        {"pk_test_Y2xlcmsuaW5jbHVkZWQua2F0eWRpZC05Mi5sY2wuZGV2JA", InstanceType::development,
            "clerk.included.katydid-92.lcl.dev"},
        {"pk_test_aW5jbHVkZWQua2F0eWRpZC05Mi5jbGVyay5hY2NvdW50cy5kZXYk", InstanceType::development,
            "included.katydid-92.clerk.accounts.dev"},
        {"pk_test_Y2xlcmsuZXhhbXBsZS5jb20k", InstanceType::development, "clerk.example.com"},
        {"pk_live_Y2xlcmsuZXhhbXBsZS5jb20k", InstanceType::production, "clerk.example.com"},
        {"pk_live_Y2xlcmsuY2xlcmsuZGV2JA==", InstanceType::production, "clerk.clerk.dev"},
        {"pk_live_Y2xlcmsu\tY2xlcmsuZGV2 JA\n", InstanceType::production, "clerk.clerk.dev"},
        // Spare bits are dropped.
        {"pk_live_Y2xlcmsuY2xlcmsuZGV2JB", InstanceType::production, "clerk.clerk.dev"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.key);
        const auto instance = parse_publishable_key(row.key);
        REQUIRE(instance);
        CHECK(instance->type == row.type);
        CHECK(instance->frontend_host == row.host);
    }
}

TEST_CASE("what is no publishable key is refused")
{
    struct Row {
        std::string_view name;
        std::string key;
    };
    const Row rows[] = {
        {"nothing", ""},
        {"prefix only", "pk_live_"},
        {"shorter", "pk_live"},
        {"other prefix", "pk_prod_Y2xlcmsuZXhhbXBsZS5jb20k"},
        {"a secret key", "sk_live_Y2xlcmsuZXhhbXBsZS5jb20k"},
        {"capitals", "PK_LIVE_Y2xlcmsuZXhhbXBsZS5jb20k"},
        {"space before", " pk_live_Y2xlcmsuZXhhbXBsZS5jb20k"},
        {"four parts", "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k_x"},
        {"URL alphabet", "pk_live_Y2xlcmsuZXhhbX-sZS5jb20k"},
        {"not base64", "pk_live_Y2xlcmsuZXhhbXBsZS5jb20!"},
        {"length 1 modulo 4", "pk_live_Y2xlc"},
        {"padding that does not fit", "pk_live_Y2xlcmsuY2xlcmsuZGV2JA="},
        {"padding inside", "pk_live_Y2xl==cmsuZXhhbXBsZS5jb20k"},
        {"no dollar", key_of("clerk.example.com")},
        {"dollar only", key_of("$")},
        {"two dollars", key_of("clerk.example.com$$")},
        {"dollar inside", key_of("clerk$.example.com$")},
        {"bytes after the dollar", key_of("clerk.example.com$x")},
        {"no dot", key_of("localhost$")},
        {"a path", key_of("clerk.example.com/x$")},
        {"a user", key_of("a@clerk.example.com$")},
        {"a space", key_of("clerk.example.com $")},
        {"a line end", key_of("clerk.example.com\r\nx$")},
        {"not ASCII", key_of("clerk.\xC3\xA4.com$")},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK_FALSE(parse_publishable_key(row.key));
    }
}

TEST_CASE("the cookie suffix is Clerk's")
{
    struct Row {
        std::string_view key, suffix;
    };
    const Row rows[] = {
        {"pk_live_Y2xlcmsuY2xlcmsuZGV2JA", "1Z8AzTQD"},
        {"pk_test_Y2xlcmsuY2xlcmsuZGV2JA", "QvfNY2dr"},
        {"pk_test_ZW5vdWdoLWFscGFjYS04Mi5jbGVyay5hY2NvdW50cy5sY2xjbGVyay5jb20k", "jtYvyt_H"},
        {"pk_test_eHh4eHh4LXhhYWFhYS1hYS5jbGVyay5hY2NvdW50cy5sY2xjbGVyay5jb20k", "tZJdb-5s"},
        {"pk_live_Y2xlcmsuaW5zcGlyZWQucHVtYS03NC5sY2wuZGV2JA", "MqCvchyS"},
        {"pk_test_Y2xlcmsuaW5zcGlyZWQucHVtYS03NC5sY2wuZGV2JA", "vWCgMp3A"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.key);
        const auto instance = parse_publishable_key(row.key);
        REQUIRE(instance);
        CHECK(instance->cookie_suffix == row.suffix);
    }
    // Of the text as configured: padding counts.
    CHECK(parse_publishable_key("pk_live_Y2xlcmsuY2xlcmsuZGV2JA==")->cookie_suffix != "1Z8AzTQD");
}

TEST_CASE("the account portal follows from the host")
{
    struct Row {
        std::string_view host, portal;
    };
    const Row rows[] = {
        {"one-two-three.clerk.accounts.dev", "https://one-two-three.accounts.dev"},
        {"one-two-three.clerk.accountsstage.dev", "https://one-two-three.accountsstage.dev"},
        {"one-two-three.clerk.accounts.lclclerk.com",
            "https://one-two-three.accounts.lclclerk.com"},
        {"clerk.example.com", "https://accounts.example.com"},
        {"clerk.accounts.example.com", "https://accounts.example.com"},
        {"clerk.included.katydid-92.lcl.dev", "https://accounts.included.katydid-92.lcl.dev"},
        {"clerk.clerk.accounts.dev", "https://accounts.clerk.accounts.dev"},
        {"auth.example.com", "https://auth.example.com"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.host);
        const auto instance = parse_publishable_key(key_of(std::string(row.host) + "$"));
        REQUIRE(instance);
        CHECK(instance->account_portal == row.portal);
    }
}
