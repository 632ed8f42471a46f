#include "orggate/http/managed_fields.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <string>

namespace orggate::http {

namespace {

// One entry of the list for each way a name is treated.
const std::vector<std::string> identity_names{"X-Org-Id", "X-Org-Slug", "X-Org-Role",
    "X-Org-Permissions", "X-Org-Plan", "X-Org-Features", "X-User-Id", "X-Session-Id", "X-Actor-Id",
    "X-Auth-Kind"};
const std::vector<std::string> removed_names{"X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Uri",
    "X-Forwarded-Prefix", "X-HTTP-Method-Override", "X-Method-Override", "X-Original-Method",
    "Forwarded", "X-Real-IP", "True-Client-IP", "CF-Connecting-IP", "X-Client-IP", "Proxy",
    "X-Clerk-Auth-Status", "x-clerk-auth-token", "x-clerk-clerk-url", "x-middleware-subrequest",
    "x-middleware-next", "x-invoke-path", "x-invoke-query", "x-matched-path", "x-action-forwarded",
    "x-now-route-matches", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host",
    "X-Forwarded-Port", "X-Forwarded-Scheme", "X-Request-Id", "traceparent", "X-Expected-Org"};
const std::vector<std::string> hop_names{"Connection", "Keep-Alive", "Proxy-Connection",
    "Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
    "HTTP2-Settings", "Expect", "Content-Length", "Sec-WebSocket-Key", "Sec-WebSocket-Version",
    "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"};
const std::vector<std::string> guarded_names{"Host", "Authorization", "Cookie", "tracestate"};
const std::vector<std::string> free_names{"Accept", "Accept-Encoding", "User-Agent", "Referer",
    "Origin", "Content-Type", "If-None-Match", "Range", "sec-ch-ua", "Sec-Fetch-Dest",
    "X-Requested-With", "X-CSRF-Token", "x-nextjs-data", "next-action", "RSC", "baggage", "X-Org",
    "X-Org-Id2", "X-Organisation", "XOrgId", "X--Org-Id", "X-Clerk", "X-Middleware", "A", "X", "-",
    "X-", "Content-Lengths", "Hosts"};

FieldFate fate(std::string_view name)
{
    return request_field_fate(name, default_header_names());
}

std::string upper(std::string text)
{
    for (char& c : text)
        c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return text;
}

std::string lower(std::string text)
{
    for (char& c : text)
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

void check_every_case(const std::vector<std::string>& list, FieldFate wanted)
{
    for (const std::string& name : list) {
        CAPTURE(name);
        CHECK(fate(name) == wanted);
        CHECK(fate(upper(name)) == wanted);
        CHECK(fate(lower(name)) == wanted);
    }
}

// Every other way to write a name that some app's server could fold back to it.
std::vector<std::string> aliases_of(const std::string& name)
{
    std::vector<std::string> aliases;
    for (const char odd : std::string_view("_.!#$%&'*+^`|~")) {
        std::string spelled = name;
        std::replace(spelled.begin(), spelled.end(), '-', odd);
        if (spelled != name) aliases.push_back(spelled);
        aliases.push_back(name + odd);
        aliases.push_back(odd + name);
    }
    aliases.push_back(name + "-");
    aliases.push_back("-" + name);
    aliases.push_back("__" + name + "-_");
    if (const auto dash = name.find('-'); dash != std::string::npos) {
        std::string one = name;
        one[dash] = '_';
        aliases.push_back(one);
        aliases.push_back(upper(one));
    }
    return aliases;
}

}  // namespace

TEST_CASE("names of ours are stripped, removed or stopped at the hop in any case")
{
    check_every_case(identity_names, FieldFate::strip);
    check_every_case(removed_names, FieldFate::remove);
    check_every_case(hop_names, FieldFate::hop);
    check_every_case(guarded_names, FieldFate::keep);
    check_every_case(free_names, FieldFate::keep);
}

TEST_CASE("another spelling of a name of ours or of a framing name is refused")
{
    std::size_t refused = 0;
    for (const auto* list : {&identity_names, &removed_names, &hop_names, &guarded_names}) {
        for (const std::string& name : *list) {
            for (const std::string& alias : aliases_of(name)) {
                CAPTURE(alias);
                CHECK(fate(alias) == FieldFate::refuse);
                ++refused;
            }
        }
    }
    CHECK(refused > 1500);
}

TEST_CASE("a byte outside ASCII folds like any other")
{
    CHECK(fate("X\xc3Org\xffId") == FieldFate::refuse);
    CHECK(fate(std::string_view("X\0Org-Id", 8)) == FieldFate::refuse);
    CHECK(fate("X-Fo\xc3o") == FieldFate::odd);
}

TEST_CASE("odd names that alias nothing of ours are only odd")
{
    for (const std::string_view name : {"X_Foo", "a.b", "x-amz!meta", "X-Org_Unit", "", "_"}) {
        CAPTURE(name);
        CHECK(fate(name) == FieldFate::odd);
    }
}

TEST_CASE("a family is known by what stands before its last dash")
{
    CHECK(fate("x-clerk-") == FieldFate::keep);
    CHECK(fate("x-clerk-a") == FieldFate::remove);
    CHECK(fate("x-clerkish-a") == FieldFate::keep);
    CHECK(fate("x-clerk-a_b") == FieldFate::refuse);
    CHECK(fate("x_middleware_subrequest") == FieldFate::refuse);
    CHECK(fate("X_Forwarded_Anything") == FieldFate::refuse);
}

TEST_CASE("the operator's names are ours too")
{
    HeaderNames names;
    names.renamed[Identity::org_id] = "X-Tenant";
    names.claims["X-User-Email"] = "email";
    names.assertion = "X-Org-Assertion";
    for (const std::string name : {"X-Tenant", "X-User-Email", "X-Org-Assertion", "X-Org-Id"}) {
        CAPTURE(name);
        CHECK(request_field_fate(name, names) == FieldFate::strip);
        CHECK(request_field_fate(lower(name), names) == FieldFate::strip);
        CHECK(is_withheld_from_client(upper(name), names));
        for (const std::string& alias : aliases_of(name)) {
            CAPTURE(alias);
            CHECK(request_field_fate(alias, names) == FieldFate::refuse);
            CHECK(is_withheld_from_client(alias, names));
        }
    }
    CHECK(fate("X-Tenant") == FieldFate::keep);
    CHECK(fate("X-Org-Assertion") == FieldFate::keep);
    CHECK(request_field_fate("X-Tenants", names) == FieldFate::keep);
    CHECK(request_field_fate("X_Foo", names) == FieldFate::odd);
}

TEST_CASE("an operator's name may itself be odd")
{
    HeaderNames names;
    names.claims["X_Email"] = "email";
    CHECK(request_field_fate("x_email", names) == FieldFate::strip);
    CHECK(request_field_fate("x-email", names) == FieldFate::refuse);
}

TEST_CASE("answers lose the names that speak about the caller, and the id we write")
{
    const HeaderNames& names = default_header_names();
    for (const std::string& name : identity_names) {
        CAPTURE(name);
        CHECK(is_withheld_from_client(name, names));
        CHECK(is_withheld_from_client(upper(name), names));
    }
    CHECK(is_withheld_from_client("X_Org_Id", names));
    CHECK(is_withheld_from_client("x-request-id", names));
    for (const std::string_view name :
        {"Content-Type", "Set-Cookie", "Location", "X-Org", "x-middleware-rewrite", "ETag"}) {
        CAPTURE(name);
        CHECK_FALSE(is_withheld_from_client(name, names));
    }
}

TEST_CASE("every identity has its default name")
{
    for (std::size_t i = 0; i < identities; ++i)
        CHECK(default_field_name(static_cast<Identity>(i)) == identity_names[i]);
}

TEST_CASE("names are the same whatever their case, and nothing else is")
{
    CHECK(same_name("Content-Type", "content-TYPE"));
    CHECK(same_name("", ""));
    CHECK_FALSE(same_name("a-b", "a_b"));
    CHECK_FALSE(same_name("abc", "ab"));
    CHECK_FALSE(same_name("[", "{"));
    CHECK_FALSE(same_name("@", "`"));
}

}  // namespace orggate::http
