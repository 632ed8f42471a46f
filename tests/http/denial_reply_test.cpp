#include "orggate/http/denial_reply.hpp"

#include "http/denial_facts.hpp"
#include "http/refusal_redirect.hpp"
#include "http/trust_support.hpp"

#include <boost/json.hpp>
#include <doctest/doctest.h>

#include <set>

namespace orggate::http {

namespace {

namespace json = boost::json;
using test::body_of;
using test::field_of;
using test::head_with;

const Pages pages{.sign_in = "https://accounts.example.com/sign-in",
    .tasks = "https://accounts.example.com/sign-in/tasks",
    .choose_org = "https://app.example.com/choose",
    .forbidden = "https://app.example.com/forbidden"};
const Cors cors{{"https://other.example.com"}};

const Instant now{.wall = std::chrono::system_clock::time_point(Seconds{784'111'777})};
constexpr std::string_view date = "Sun, 06 Nov 1994 08:49:37 GMT";

constexpr std::string_view here = "https://app.example.com/a?b=1&c=\xc3\xa4#d";

const RequestHead& api()
{
    static const auto head = head_with({{"Accept", "application/json"}});
    return head;
}

const RequestHead& document()
{
    static const auto head = head_with({{"Sec-Fetch-Dest", "document"}, {"Accept", "text/html"}});
    return head;
}

Refusal refusal_of(Denial denial, const RequestHead& head)
{
    return {.denial = denial,
        .head = &head,
        .return_to = here,
        .is_secure = true,
        .request_id = "req-1",
        .keep_alive = true};
}

Reply reply_to(Denial denial, const RequestHead& head)
{
    return make_denial_reply(refusal_of(denial, head), pages, cors);
}

int status_in(std::string_view bytes)
{
    REQUIRE(bytes.starts_with("HTTP/1.1 "));
    return std::stoi(std::string(bytes.substr(9, 3)));
}

policy::Rule rule_demanding(std::string_view keyword, std::vector<std::string> arguments)
{
    policy::Rule rule;
    rule.demands.push_back({policy::find_requirement(keyword), std::move(arguments)});
    REQUIRE(rule.demands.front().requirement != nullptr);
    return rule;
}

std::vector<Denial> all_denials()
{
    std::vector<Denial> list;
    for (int i = 1; i <= static_cast<int>(last_denial); ++i)
        list.push_back(static_cast<Denial>(i));
    return list;
}

constexpr std::string_view request_error = "http_request_error", denied = "http_request_denied";

// Every row of the refusal table. `document` is what a browser's navigation gets: the
// same status, or 307 and the page's address.
struct Row {
    Denial denial;
    int status;
    std::string_view code;
    std::string_view error;
    std::string_view page;  // empty: no redirect
};

const std::vector<Row>& table()
{
    static const std::string_view sign_in = pages.sign_in, tasks = pages.tasks,
                                  choose = pages.choose_org, forbidden = pages.forbidden;
    static const std::vector<Row> rows{
        {Denial::not_http, 400, "malformed_request", request_error, ""},
        {Denial::bare_lf, 400, "malformed_request", request_error, ""},
        {Denial::bare_cr, 400, "malformed_request", request_error, ""},
        {Denial::obs_fold, 400, "malformed_request", request_error, ""},
        {Denial::bad_request_line, 400, "malformed_request", request_error, ""},
        {Denial::bad_field_name, 400, "malformed_request", request_error, ""},
        {Denial::bad_field_value, 400, "malformed_request", request_error, ""},
        {Denial::bad_content_length, 400, "malformed_request", request_error, ""},
        {Denial::bad_transfer_encoding, 400, "malformed_request", request_error, ""},
        {Denial::bad_chunk, 400, "malformed_request", request_error, ""},
        {Denial::chunk_extension, 400, "malformed_request", request_error, ""},
        {Denial::trailer_refused, 400, "malformed_request", request_error, ""},
        {Denial::body_truncated, 400, "malformed_request", request_error, ""},
        {Denial::bad_host, 400, "malformed_request", request_error, ""},
        {Denial::bad_upgrade, 400, "malformed_request", request_error, ""},
        {Denial::field_alias, 400, "malformed_request", request_error, ""},
        {Denial::protected_in_connection, 400, "malformed_request", request_error, ""},
        {Denial::authorization_repeated, 400, "malformed_request", request_error, ""},
        {Denial::bad_target, 400, "ambiguous_target", request_error, ""},
        {Denial::dot_segment, 400, "ambiguous_target", request_error, ""},
        {Denial::encoded_separator, 400, "ambiguous_target", request_error, ""},
        {Denial::empty_segment, 400, "ambiguous_target", request_error, ""},
        {Denial::method_refused, 405, "method_refused", request_error, ""},
        {Denial::body_too_large, 413, "body_too_large", request_error, ""},
        {Denial::target_too_long, 414, "target_too_long", request_error, ""},
        {Denial::head_too_large, 431, "head_too_large", request_error, ""},
        {Denial::too_many_fields, 431, "head_too_large", request_error, ""},
        {Denial::host_unknown, 421, "host_unknown", request_error, ""},
        {Denial::version_unsupported, 505, "version_unsupported", request_error, ""},
        {Denial::coding_unsupported, 501, "coding_unsupported", request_error, ""},
        {Denial::expectation_failed, 417, "expectation_failed", request_error, ""},
        {Denial::head_timeout, 408, "head_timeout", request_error, ""},
        {Denial::body_timeout, 408, "body_timeout", request_error, ""},
        {Denial::token_missing, 401, "token_missing", denied, sign_in},
        {Denial::token_malformed, 401, "token_malformed", denied, sign_in},
        {Denial::token_ambiguous, 401, "token_ambiguous", denied, sign_in},
        {Denial::token_category, 401, "token_category", denied, sign_in},
        {Denial::token_algorithm, 401, "token_algorithm", denied, sign_in},
        {Denial::token_verification_failed, 401, "token_verification_failed", denied, sign_in},
        {Denial::token_signature, 401, "token_signature", denied, sign_in},
        {Denial::token_party, 401, "token_party", denied, sign_in},
        {Denial::token_issuer, 401, "token_issuer", denied, sign_in},
        {Denial::token_expired, 401, "token_expired", denied, sign_in},
        {Denial::token_not_active_yet, 401, "token_not_active_yet", denied, sign_in},
        {Denial::token_issued_in_future, 401, "token_issued_in_future", denied, sign_in},
        {Denial::token_key_unknown, 401, "token_key_unknown", denied, ""},
        {Denial::token_kind_refused, 401, "token_kind_refused", denied, sign_in},
        {Denial::signed_out, 401, "signed_out", denied, sign_in},
        {Denial::session_pending, 401, "session_pending", denied, tasks},
        {Denial::org_missing, 403, "org_missing", denied, choose},
        {Denial::org_mismatch, 404, "org_mismatch", denied, ""},
        {Denial::org_changed, 409, "org_changed", denied, ""},
        {Denial::role_missing, 403, "role_missing", denied, forbidden},
        {Denial::permission_missing, 403, "permission_missing", denied, forbidden},
        {Denial::feature_missing, 403, "feature_missing", denied, forbidden},
        {Denial::plan_missing, 403, "plan_missing", denied, forbidden},
        {Denial::scope_missing, 403, "scope_missing", denied, forbidden},
        {Denial::claim_missing, 403, "claim_missing", denied, forbidden},
        {Denial::reverification_needed, 403, "reverification_needed", denied, ""},
        {Denial::impersonation_refused, 403, "impersonation_refused", denied, forbidden},
        {Denial::blocked, 403, "blocked", denied, ""},
        {Denial::origin_refused, 403, "origin_refused", denied, ""},
        {Denial::preflight_refused, 403, "preflight_refused", denied, ""},
        {Denial::redirect_loop, 403, "redirect_loop", denied, ""},
        {Denial::quota_exhausted, 429, "quota_exhausted", denied, ""},
        {Denial::limiter_unavailable, 503, "limiter_unavailable", "proxy_internal_error", ""},
        {Denial::keys_unavailable, 503, "keys_unavailable", "proxy_internal_error", ""},
        {Denial::overloaded, 503, "overloaded", "proxy_internal_response", ""},
        {Denial::draining, 503, "draining", "proxy_internal_response", ""},
        {Denial::upstream_unreachable, 502, "upstream_unreachable", "destination_unavailable", ""},
        {Denial::upstream_name, 502, "upstream_name", "dns_error", ""},
        {Denial::upstream_tls, 502, "upstream_tls", "tls_protocol_error", ""},
        {Denial::upstream_protocol, 502, "upstream_protocol", "http_protocol_error", ""},
        {Denial::upstream_closed, 502, "upstream_closed", "connection_terminated", ""},
        {Denial::upstream_timeout, 504, "upstream_timeout", "http_response_timeout", ""},
    };
    return rows;
}

std::string proxy_status_of(const Row& row)
{
    return "orggate; error=" + std::string(row.error) + "; details=\"" + std::string(row.code) +
           "\"";
}

}  // namespace

TEST_CASE("the table has a row for every refusal, and every refusal has all its words")
{
    REQUIRE(table().size() == static_cast<std::size_t>(last_denial));
    std::set<Denial> seen;
    for (const Row& row : table())
        seen.insert(row.denial);
    CHECK(seen.size() == table().size());
    for (const Denial denial : all_denials()) {
        CAPTURE(name(denial));
        CHECK(seen.count(denial) == 1);
        const auto facts = facts_of(denial);
        CHECK(facts.status >= 400);
        CHECK(facts.status < 600);
        CHECK(facts.status != 500);
        CHECK(name(denial) != "unknown");
        CHECK_FALSE(code(denial).empty());
        CHECK_FALSE(facts.heading.empty());
        CHECK_FALSE(facts.text.empty());
        CHECK_FALSE(facts.proxy_error.empty());
        CHECK(reason_phrase(facts.status) != reason_phrase(500));
    }
}

TEST_CASE("an API client gets status, code and problem details for every refusal")
{
    for (const Row& row : table()) {
        CAPTURE(row.code);
        const auto reply = reply_to(row.denial, api());
        CHECK(reply.status == row.status);
        CHECK(reply.denial == row.denial);
        CHECK(status_in(reply.bytes) == row.status);
        CHECK(status_of(row.denial) == row.status);
        CHECK(field_of(reply.bytes, "Proxy-Status") == proxy_status_of(row));
        CHECK(field_of(reply.bytes, "Cache-Control") == "no-store");
        CHECK(field_of(reply.bytes, "X-Request-Id") == "req-1");
        CHECK(field_of(reply.bytes, "Location") == "-");
        CHECK(field_of(reply.bytes, "Set-Cookie") ==
              (row.denial == Denial::redirect_loop
                      ? "__orggate_loop=0; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure"
                      : "-"));
        const auto body = body_of(reply.bytes);
        CHECK(field_of(reply.bytes, "Content-Length") == std::to_string(body.size()));
        const auto problem = json::parse(body).as_object();
        if (row.denial == Denial::reverification_needed) {
            CHECK(field_of(reply.bytes, "Content-Type") == "application/json");
            continue;
        }
        CHECK(field_of(reply.bytes, "Content-Type") == "application/problem+json");
        CHECK(problem.at("status").as_int64() == row.status);
        CHECK(problem.at("code").as_string() == row.code);
        CHECK(problem.at("request_id").as_string() == "req-1");
        CHECK_FALSE(problem.at("title").as_string().empty());
        CHECK_FALSE(problem.at("detail").as_string().empty());
        CHECK_FALSE(problem.at("type").as_string().empty());
    }
}

TEST_CASE("a document is sent on where the refusal has a page, and is told the rest")
{
    for (const Row& row : table()) {
        CAPTURE(row.code);
        const auto reply = reply_to(row.denial, document());
        CHECK(field_of(reply.bytes, "Proxy-Status") == proxy_status_of(row));
        CHECK(field_of(reply.bytes, "Cache-Control") == "no-store");
        CHECK(reply.denial == row.denial);
        if (!row.page.empty()) {
            CHECK(reply.status == 307);
            CHECK(status_in(reply.bytes) == 307);
            CHECK(field_of(reply.bytes, "Location") ==
                  std::string(row.page) +
                      "?redirect_url=https%3A%2F%2Fapp.example.com%2Fa%3Fb%3D1%26c%3D%C3%A4%23d");
            CHECK(field_of(reply.bytes, "Set-Cookie") ==
                  "__orggate_loop=1; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure");
            CHECK(field_of(reply.bytes, "Content-Length") == "0");
            CHECK(field_of(reply.bytes, "WWW-Authenticate") == "-");
            CHECK(body_of(reply.bytes).empty());
            continue;
        }
        CHECK(reply.status == row.status);
        CHECK(status_in(reply.bytes) == row.status);
        const auto body = body_of(reply.bytes);
        CHECK(field_of(reply.bytes, "Content-Length") == std::to_string(body.size()));
        if (row.denial == Denial::reverification_needed) continue;
        CHECK(field_of(reply.bytes, "Content-Type") == "text/html; charset=utf-8");
        CHECK(body.find("<dd>" + std::string(row.code) + "</dd>") != body.npos);
        CHECK(body.find("<dd>req-1</dd>") != body.npos);
        CHECK(body.find("<html lang=\"en\">") != body.npos);
        CHECK(body.find("<script") == body.npos);
    }
}

TEST_CASE("HEAD gets every field and no body, and is never sent on")
{
    auto head = document();
    head.method = "HEAD";
    const auto fetch = head_with({{"Sec-Fetch-Dest", "empty"}, {"Accept", "text/html"}});
    for (const Row& row : table()) {
        CAPTURE(row.code);
        const auto reply = reply_to(row.denial, head);
        CHECK(reply.status == row.status);
        CHECK(body_of(reply.bytes).empty());
        const auto same = reply_to(row.denial, fetch);
        CHECK(test::fields_of(reply.bytes) == test::fields_of(same.bytes));
    }
}

TEST_CASE("without a page's address a document gets ours")
{
    for (const Row& row : table()) {
        CAPTURE(row.code);
        const auto reply = make_denial_reply(refusal_of(row.denial, document()), {}, {});
        CHECK(reply.status == row.status);
        CHECK(field_of(reply.bytes, "Location") == "-");
    }
    const auto choose = make_denial_reply(refusal_of(Denial::org_missing, document()), {}, {});
    const auto body = body_of(choose.bytes);
    CHECK(body.find("Choose or create an organisation") != body.npos);
    CHECK(body.find("Try again") != body.npos);
}

TEST_CASE("a document is a GET that says so")
{
    struct Question {
        std::string_view name, method;
        std::initializer_list<Field> fields;
        bool is_document;
    };
    for (const Question& row : std::initializer_list<Question>{
             {"a navigation", "GET", {{"Sec-Fetch-Dest", "document"}}, true},
             {"a frame", "GET", {{"sec-fetch-dest", "iframe"}}, true},
             {"a fetch", "GET", {{"Sec-Fetch-Dest", "empty"}, {"Accept", "text/html"}}, false},
             {"an image", "GET", {{"Sec-Fetch-Dest", "image"}}, false},
             {"an old browser", "GET", {{"Accept", "text/html,application/xhtml+xml"}}, true},
             {"curl", "GET", {{"Accept", "*/*"}}, false},
             {"HTML as second choice", "GET", {{"Accept", "application/json, text/html"}}, false},
             {"nothing said", "GET", {}, false},
             {"a form", "POST", {{"Sec-Fetch-Dest", "document"}}, false},
             {"HEAD", "HEAD", {{"Sec-Fetch-Dest", "document"}}, false}}) {
        CAPTURE(row.name);
        CHECK(is_document(head_with(row.fields, row.method)) == row.is_document);
    }
    auto socket = head_with({{"Accept", "text/html"}});
    socket.is_websocket = true;
    CHECK_FALSE(is_document(socket));
}

TEST_CASE("the rule says who is sent on")
{
    using policy::WhenRefused;
    struct Question {
        std::string_view name;
        WhenRefused wish;
        std::string_view method;
        bool is_document, is_websocket;
        bool is_sent;
    };
    for (const Question& row : std::initializer_list<Question>{
             {"automatic, a document", WhenRefused::automatic, "GET", true, false, true},
             {"automatic, a fetch", WhenRefused::automatic, "GET", false, false, false},
             {"redirect, a document", WhenRefused::redirect, "GET", true, false, true},
             {"redirect, a fetch", WhenRefused::redirect, "GET", false, false, true},
             {"redirect, HEAD", WhenRefused::redirect, "HEAD", true, false, false},
             {"redirect, POST", WhenRefused::redirect, "POST", true, false, false},
             {"redirect, OPTIONS", WhenRefused::redirect, "OPTIONS", false, false, false},
             {"redirect, a WebSocket", WhenRefused::redirect, "GET", false, true, false},
             {"reject, a document", WhenRefused::reject, "GET", true, false, false},
             {"reject, a fetch", WhenRefused::reject, "GET", false, false, false}}) {
        CAPTURE(row.name);
        auto head = row.is_document ? document() : api();
        head.method = row.method;
        head.is_websocket = row.is_websocket;
        policy::Rule rule;
        rule.when_refused = row.wish;
        auto refusal = refusal_of(Denial::token_missing, head);
        refusal.rule = &rule;
        CHECK(make_denial_reply(refusal, pages, cors).status == (row.is_sent ? 307 : 401));
    }
}

TEST_CASE("our redirects are counted, and the fourth is a page that says what is wrong")
{
    struct Question {
        std::string_view name, cookies;
        int next;  // the count we set; 0: the loop's page
    };
    for (const Question& row : std::initializer_list<Question>{{"none yet", "a=1", 1},
             {"one", "a=1; __orggate_loop=1; b=2", 2}, {"two", "__orggate_loop=2", 3},
             {"three", "__orggate_loop=3", 0}, {"more", "__orggate_loop=9", 0},
             {"a huge number", "__orggate_loop=99999999999999", 0},
             {"no number", "__orggate_loop=x", 1}, {"negative", "__orggate_loop=-3", 1},
             {"empty", "__orggate_loop=", 1},
             {"the highest of several", "__orggate_loop=1; __orggate_loop=3; __orggate_loop=0", 0},
             {"somebody else's", "x__orggate_loop=3", 1}}) {
        CAPTURE(row.name);
        auto head = document();
        head.cookies = row.cookies;
        const auto reply = reply_to(Denial::token_party, head);
        const auto cookie = field_of(reply.bytes, "Set-Cookie");
        if (row.next > 0) {
            CHECK(reply.status == 307);
            CHECK(cookie.starts_with("__orggate_loop=" + std::to_string(row.next) + "; "));
            continue;
        }
        CHECK(reply.status == 403);
        CHECK(reply.denial == Denial::redirect_loop);
        CHECK(field_of(reply.bytes, "Location") == "-");
        CHECK(cookie.starts_with("__orggate_loop=0; Path=/; Max-Age=0; "));
        CHECK(field_of(reply.bytes, "Proxy-Status") ==
              "orggate; error=http_request_denied; details=\"redirect_loop\"");
        const auto body = body_of(reply.bytes);
        CHECK(body.find("<dd>redirect_loop</dd>") != body.npos);
        CHECK(body.find("<dd>token_party</dd>") != body.npos);
        CHECK(body.find("authorized parties") != body.npos);
        CHECK(body.find("redirect_url=https%3A") != body.npos);
    }
}

TEST_CASE("each kind of loop names its likely causes, and is told in JSON to what is no document")
{
    for (const Row& row : table()) {
        if (row.page.empty()) continue;
        CAPTURE(row.code);
        auto head = document();
        head.cookies = "__orggate_loop=3";
        auto refusal = refusal_of(row.denial, head);
        refusal.detail = "the cause's own words";
        const auto reply = make_denial_reply(refusal, pages, cors);
        CHECK(reply.denial == Denial::redirect_loop);
        CHECK(body_of(reply.bytes).find("<ul><li>") != std::string::npos);
        CHECK(body_of(reply.bytes).find("the cause's own words") == std::string::npos);
    }
    auto fetch = api();
    fetch.cookies = "__orggate_loop=3";
    policy::Rule rule;
    rule.when_refused = policy::WhenRefused::redirect;
    auto refusal = refusal_of(Denial::token_missing, fetch);
    refusal.rule = &rule;
    const auto reply = make_denial_reply(refusal, pages, cors);
    CHECK(reply.status == 403);
    CHECK(json::parse(body_of(reply.bytes)).at("code").as_string() == "redirect_loop");
}

TEST_CASE("the loop cookie is Secure only where the public address is")
{
    auto refusal = refusal_of(Denial::token_missing, document());
    refusal.is_secure = false;
    CHECK(field_of(make_denial_reply(refusal, pages, cors).bytes, "Set-Cookie") ==
          "__orggate_loop=1; Path=/; Max-Age=60; HttpOnly; SameSite=Lax");
}

TEST_CASE("the way back stands in the page's query, whatever the page's address holds")
{
    struct Question {
        std::string_view page, return_to, location;
    };
    for (const Question& row : std::initializer_list<Question>{
             {"https://a.example/s", "https://b.example/",
                 "https://a.example/s?redirect_url=https%3A%2F%2Fb.example%2F"},
             {"https://a.example/s", "", "https://a.example/s"},
             {"https://a.example/s?x=1", "r", "https://a.example/s?x=1&redirect_url=r"},
             {"https://a.example/s?", "r", "https://a.example/s?redirect_url=r"},
             {"https://a.example/s#top", "r", "https://a.example/s?redirect_url=r#top"},
             {"https://a.example/s?x=1#/sign-in?y=2", "r",
                 "https://a.example/s?x=1&redirect_url=r#/sign-in?y=2"},
             {"https://a.example/s?redirect_url=old&x=1&redirect_url=older", "r",
                 "https://a.example/s?x=1&redirect_url=r"},
             {"https://a.example/s?redirect_url=old", "", "https://a.example/s"},
             {"https://a.example/s?redirect_urls=1", "r",
                 "https://a.example/s?redirect_urls=1&redirect_url=r"},
             {"https://a.example/s", "a&b#c?d=e%20 +\r\n\"<",
                 "https://a.example/s?redirect_url=a%26b%23c%3Fd%3De%2520%20%2B%0D%0A%22%3C"},
             {"https://a.example/s", "//evil.example",
                 "https://a.example/s?redirect_url=%2F%2Fevil.example"},
             {"https://a.example/\r\nX: y?\n#\r", "", "https://a.example/%0D%0AX:%20y?%0A#%0D"}}) {
        CAPTURE(row.page);
        CHECK(make_location(row.page, row.return_to) == row.location);
    }
    CHECK(make_location("https://a.example/s", std::string_view("\0\xff", 2)) ==
          "https://a.example/s?redirect_url=%00%FF");
}

TEST_CASE("a challenge names the error only to those who sent a token")
{
    for (const Row& row : table()) {
        CAPTURE(row.code);
        const auto challenge = field_of(reply_to(row.denial, api()).bytes, "WWW-Authenticate");
        std::string wanted = "-";
        if (row.status == 401) wanted = "Bearer realm=\"orggate\"";
        if (row.status == 401 && row.denial != Denial::token_missing &&
            row.denial != Denial::signed_out)
            wanted +=
                ", error=\"invalid_token\", error_description=\"" + std::string(row.code) + "\"";
        CHECK(challenge == wanted);
    }
}

TEST_CASE("405 says what is allowed")
{
    for (const Row& row : table())
        CHECK(field_of(reply_to(row.denial, api()).bytes, "Allow") ==
              (row.status == 405 ? "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS" : "-"));
}

TEST_CASE("the detail names what the rule demands, and of a claim no value")
{
    struct Question {
        Denial denial;
        std::string_view keyword;
        std::vector<std::string> arguments;
        std::string_view detail;
    };
    for (const Question& row : std::initializer_list<Question>{
             {Denial::role_missing, "role", {"org:admin", "org:owner"},
                 "Your role does not allow this. Needed: role org:admin, org:owner."},
             {Denial::permission_missing, "permission", {"org:exports:create"},
                 "You lack a permission that this needs. Needed: permission org:exports:create."},
             {Denial::feature_missing, "feature", {"export"},
                 "This needs a feature that is not enabled. Needed: feature export."},
             {Denial::plan_missing, "plan", {"pro"},
                 "This is not part of the current plan. Needed: plan pro."},
             {Denial::scope_missing, "scope", {"read"},
                 "The token lacks a scope that this needs. Needed: scope read."},
             {Denial::claim_missing, "claim", {"metadata.secret=word"},
                 "Your account lacks something that this needs. Needed: claim metadata.secret."},
             {Denial::blocked, "role", {"org:admin"},
                 "Access has been blocked. Ask the operator of this service."}}) {
        CAPTURE(row.keyword);
        const auto rule = rule_demanding(row.keyword, row.arguments);
        auto refusal = refusal_of(row.denial, api());
        refusal.rule = &rule;
        const auto body = body_of(make_denial_reply(refusal, pages, cors).bytes);
        CHECK(json::parse(body).at("detail").as_string() == row.detail);
        refusal.detail = "our own words";
        const auto own = body_of(make_denial_reply(refusal, pages, cors).bytes);
        CHECK(json::parse(own).at("detail").as_string() == "our own words");
    }
}

TEST_CASE("reverification is asked for in Clerk's own words, of documents too")
{
    struct Question {
        std::string_view name;
        std::vector<std::string> arguments;
        std::string_view body;
    };
    for (const Question& row :
        std::initializer_list<Question>{
            {"minutes", {"second_factor", "10"},
                R"({"clerk_error":{"type":"forbidden","reason":"reverification-error","metadata":{"reverification":{"level":"second_factor","afterMinutes":10}}}})"},
            {"a fraction", {"multi_factor", "0.5"},
                R"({"clerk_error":{"type":"forbidden","reason":"reverification-error","metadata":{"reverification":{"level":"multi_factor","afterMinutes":0.5}}}})"},
            {"no number", {"first_factor", "1e9999"},
                R"({"clerk_error":{"type":"forbidden","reason":"reverification-error","metadata":{}}})"},
            {"no arguments", {},
                R"({"clerk_error":{"type":"forbidden","reason":"reverification-error","metadata":{}}})"}}) {
        CAPTURE(row.name);
        const auto rule = rule_demanding("reverified", row.arguments);
        for (const RequestHead* head : {&api(), &document()}) {
            auto refusal = refusal_of(Denial::reverification_needed, *head);
            refusal.rule = &rule;
            const auto reply = make_denial_reply(refusal, pages, cors);
            CHECK(reply.status == 403);
            CHECK(field_of(reply.bytes, "Content-Type") == "application/json");
            CHECK(body_of(reply.bytes) == row.body);
        }
    }
}

TEST_CASE("429 says which policy, and when to come back if ever")
{
    auto refusal = refusal_of(Denial::quota_exhausted, api());
    refusal.retry_after = 12;
    refusal.violated_policies = {"api-1s", "api-1h"};
    refusal.quota_fields = "RateLimit: \"api\";r=0;t=12\r\n";
    const auto reply = make_denial_reply(refusal, pages, cors);
    CHECK(field_of(reply.bytes, "Retry-After") == "12");
    CHECK(field_of(reply.bytes, "RateLimit") == "\"api\";r=0;t=12");
    const auto problem = json::parse(body_of(reply.bytes));
    CHECK(problem.at("type").as_string() ==
          "https://iana.org/assignments/http-problem-types#quota-exceeded");
    CHECK(problem.at("violated-policies") == json::value{"api-1s", "api-1h"});
    CHECK(problem.at("title").as_string() ==
          "Request cannot be satisfied as assigned quota has been exceeded");
    CHECK(field_of(reply.bytes, "Cache-Control") == "no-store");

    refusal.head = &document();
    const auto page = body_of(make_denial_reply(refusal, pages, cors).bytes);
    CHECK(page.find("Try again in 12 seconds.") != page.npos);

    refusal.head = &api();
    refusal.retry_after = 0;
    CHECK(field_of(make_denial_reply(refusal, pages, cors).bytes, "Retry-After") == "-");
}

TEST_CASE("429 as text names every policy that refused, and says what else is known")
{
    const auto head = head_with({{"Accept", "text/plain"}});
    auto refusal = refusal_of(Denial::quota_exhausted, head);
    const auto body = [&] { return body_of(make_denial_reply(refusal, pages, cors).bytes); };
    refusal.violated_policies = {"api-1s"};
    CHECK(body() == "Too Many Requests: A rate limit has been reached. Violated: api-1s. "
                    "(quota_exhausted)\n");
    refusal.violated_policies = {"api-1s", "clients.refused"};
    refusal.detail = "This request weighs 5, the limit is 3: it can never pass.";
    CHECK(body() == "Too Many Requests: This request weighs 5, the limit is 3: it can never pass. "
                    "Violated: api-1s, clients.refused. (quota_exhausted)\n");
    refusal.denial = Denial::limiter_unavailable;
    CHECK(body().find("Violated") == std::string::npos);
}

TEST_CASE("limits that cannot be checked are a problem of their own kind, and violate no policy")
{
    auto refusal = refusal_of(Denial::limiter_unavailable, api());
    refusal.violated_policies = {"api"};
    const auto problem = json::parse(body_of(make_denial_reply(refusal, pages, cors).bytes));
    CHECK(problem.at("type").as_string() ==
          "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity");
    CHECK(problem.at("title").as_string() ==
          "Request cannot be satisfied due to temporary server capacity constraints");
    CHECK_FALSE(problem.as_object().contains("violated-policies"));
}

TEST_CASE("a limit's refusal is a line of text to whoever takes no JSON")
{
    struct Question {
        std::string_view name, accept, type;
    };
    constexpr std::string_view problem = "application/problem+json";
    constexpr std::string_view text = "text/plain; charset=utf-8";
    for (const Question& row : std::initializer_list<Question>{{"nothing said", "", problem},
             {"anything", "*/*", problem}, {"anything at last", "image/png, */*;q=0.1", problem},
             {"JSON", "application/json", problem}, {"upper case", "APPLICATION/JSON", problem},
             {"any application", "text/css, application/*", problem},
             {"problems", "application/problem+json;q=0.5", problem},
             {"some JSON", "application/vnd.api+json", problem}, {"text", "text/plain", text},
             {"events", "text/event-stream", text}, {"images", "image/avif,image/webp", text},
             {"a name like JSON", "application/jsonp", text}, {"only a suffix", "+json", text}}) {
        CAPTURE(row.name);
        const auto head = head_with({{"Accept", row.accept}});
        for (const Denial denial : {Denial::quota_exhausted, Denial::limiter_unavailable}) {
            const auto reply = reply_to(denial, head);
            CHECK(field_of(reply.bytes, "Content-Type") == row.type);
            const auto body = body_of(reply.bytes);
            CHECK(field_of(reply.bytes, "Content-Length") == std::to_string(body.size()));
            if (row.type == text && denial == Denial::quota_exhausted)
                CHECK(body ==
                      "Too Many Requests: A rate limit has been reached. (quota_exhausted)\n");
        }
        CHECK(field_of(reply_to(Denial::token_missing, head).bytes, "Content-Type") == problem);
    }
}

TEST_CASE("a redirect of ours does not say that nothing is left")
{
    auto refusal = refusal_of(Denial::token_missing, document());
    const std::string policy = "RateLimit-Policy: \"ip\";q=5;w=60\r\n";
    const std::string exhausted = policy + "RateLimit: \"ip\";r=0;t=9\r\nX-RateLimit-Limit: 5\r\n";
    refusal.quota_fields = exhausted;
    const auto redirect = make_denial_reply(refusal, pages, cors);
    REQUIRE(redirect.status == 307);
    CHECK(field_of(redirect.bytes, "RateLimit") == "-");
    CHECK(field_of(redirect.bytes, "RateLimit-Policy") == "\"ip\";q=5;w=60");
    CHECK(field_of(redirect.bytes, "X-RateLimit-Limit") == "5");
    const std::string some = policy + "RateLimit: \"ip\";r=10;t=9\r\n";
    refusal.quota_fields = some;
    CHECK(
        field_of(make_denial_reply(refusal, pages, cors).bytes, "RateLimit") == "\"ip\";r=10;t=9");
    refusal.head = &api();
    refusal.quota_fields = exhausted;
    CHECK(field_of(make_denial_reply(refusal, pages, cors).bytes, "RateLimit") == "\"ip\";r=0;t=9");
}

TEST_CASE("scripts may read the names that are there, and no others")
{
    const auto head = head_with({{"Origin", "https://other.example.com"}});
    auto refusal = refusal_of(Denial::quota_exhausted, head);
    refusal.quota_fields = "RateLimit-Policy: x\r\nX-RateLimit-Reset: 5\r\n";
    CHECK(
        field_of(make_denial_reply(refusal, pages, cors).bytes, "Access-Control-Expose-Headers") ==
        "Retry-After, X-Request-Id, WWW-Authenticate, Proxy-Status, RateLimit-Policy, "
        "X-RateLimit-Reset");
    CHECK(exposed_fields(cors, "https://other.example.com", "RateLimit: x\r\n") ==
          "Access-Control-Expose-Headers: X-Request-Id, RateLimit\r\n");
    CHECK(exposed_fields(cors, "https://evil.example", "RateLimit: x\r\n").empty());
    CHECK(exposed_fields(cors, "", "RateLimit: x\r\n").empty());
}

TEST_CASE("troubles of ours that pass quickly say when to come back")
{
    for (const Denial denial :
        {Denial::limiter_unavailable, Denial::overloaded, Denial::draining}) {
        auto refusal = refusal_of(denial, api());
        CHECK(field_of(make_denial_reply(refusal, pages, cors).bytes, "Retry-After") == "1");
        refusal.retry_after = 7;
        CHECK(field_of(make_denial_reply(refusal, pages, cors).bytes, "Retry-After") == "7");
    }
    CHECK(field_of(reply_to(Denial::token_missing, api()).bytes, "Retry-After") == "-");
}

TEST_CASE("the connection goes on only where everybody agrees and the bytes were understood")
{
    struct Question {
        std::string_view name;
        Denial denial;
        bool allowed, wanted;
        int minor_version;
        std::string_view connection;
    };
    for (const Question& row :
        std::initializer_list<Question>{{"both", Denial::token_missing, true, true, 1, "-"},
            {"the body is unread", Denial::token_missing, false, true, 1, "close"},
            {"the client goes", Denial::token_missing, true, false, 1, "close"},
            {"HTTP/1.0 stays", Denial::token_missing, true, true, 0, "keep-alive"},
            {"HTTP/1.0 goes", Denial::token_missing, true, false, 0, "close"},
            {"malformed", Denial::field_alias, true, true, 1, "close"},
            {"ambiguous", Denial::dot_segment, true, true, 1, "close"},
            {"too slow", Denial::body_timeout, true, true, 1, "close"}}) {
        CAPTURE(row.name);
        auto head = api();
        head.keep_alive = row.wanted;
        head.minor_version = row.minor_version;
        auto refusal = refusal_of(row.denial, head);
        refusal.keep_alive = row.allowed;
        const auto reply = make_denial_reply(refusal, pages, cors);
        CHECK(field_of(reply.bytes, "Connection") == row.connection);
        CHECK(reply.keep_alive == (row.connection != "close"));
    }
}

TEST_CASE("bytes that were never a request get problem details and are closed")
{
    for (const Row& row : table()) {
        CAPTURE(row.code);
        const Refusal refusal{.denial = row.denial, .request_id = "req-1", .keep_alive = true};
        const auto reply = make_denial_reply(refusal, pages, cors);
        CHECK(reply.status == row.status);
        CHECK_FALSE(reply.keep_alive);
        CHECK(field_of(reply.bytes, "Connection") == "close");
        CHECK(json::parse(body_of(reply.bytes)).is_object());
    }
}

TEST_CASE("nothing hostile gets out of its place in a body or a field")
{
    const std::string hostile = "</title><script>alert('1')</script>\"&\r\nX-Evil: 1";
    for (const Row& row : table()) {
        for (const RequestHead* head : {&api(), &document()}) {
            CAPTURE(row.code);
            auto refusal = refusal_of(row.denial, *head);
            refusal.detail = hostile;
            refusal.request_id = hostile;
            refusal.return_to = hostile;
            refusal.violated_policies = {hostile, hostile};
            const auto reply = make_denial_reply(refusal, pages, cors);
            CHECK(field_of(reply.bytes, "X-Evil") == "-");
            CHECK(field_of(reply.bytes, "X-Request-Id") == "-");
            const auto body = body_of(reply.bytes);
            if (field_of(reply.bytes, "Content-Type") == "text/html; charset=utf-8") {
                CHECK(body.find("<script") == body.npos);
                CHECK(body.find("href=\"<") == body.npos);
            } else if (!body.empty()) {
                CHECK(json::parse(body).is_object());
                CHECK(body.find('\r') == body.npos);
            }
        }
    }
}

TEST_CASE("a page links to web addresses alone")
{
    auto refusal = refusal_of(Denial::upstream_timeout, document());
    refusal.return_to = "javascript:alert(1)";
    const auto body = body_of(make_denial_reply(refusal, pages, cors).bytes);
    CHECK(body.find("javascript") == body.npos);
    CHECK(body.find("Try again") == body.npos);
}

TEST_CASE("a refused sign-in that cannot be redirected offers the page")
{
    policy::Rule rule;
    rule.when_refused = policy::WhenRefused::reject;
    for (const Denial denial : {Denial::token_missing, Denial::token_key_unknown,
             Denial::session_pending, Denial::org_missing}) {
        CAPTURE(name(denial));
        auto refusal = refusal_of(denial, document());
        refusal.rule = &rule;
        const auto body = body_of(make_denial_reply(refusal, pages, cors).bytes);
        CHECK(body.find("<a href=\"https://") != body.npos);
        CHECK(body.find("redirect_url=https%3A%2F%2Fapp.example.com") != body.npos);
    }
}

TEST_CASE("a configured origin may read a refusal, no other")
{
    for (const Row& row : table()) {
        CAPTURE(row.code);
        for (const auto& [origin, allowed] :
            std::initializer_list<std::pair<std::string_view, bool>>{
                {"https://other.example.com", true}, {"https://evil.example", false},
                {"https://other.example.com.evil.example", false},
                {"HTTPS://OTHER.example.com", false}, {"null", false}, {"", false}}) {
            const auto head = head_with({{"Origin", origin}});
            const auto reply = reply_to(row.denial, head);
            CHECK(field_of(reply.bytes, "Access-Control-Allow-Origin") ==
                  (allowed ? std::string(origin) : "-"));
            CHECK(field_of(reply.bytes, "Access-Control-Allow-Credentials") ==
                  (allowed ? "true" : "-"));
            CHECK(field_of(reply.bytes, "Vary") == (allowed ? "Origin" : "-"));
            CHECK((field_of(reply.bytes, "Access-Control-Expose-Headers").find("Retry-After") !=
                      std::string::npos) == allowed);
        }
    }
    CHECK(cors_fields({{"https://a.example\r\nX: y"}}, "https://a.example\r\nX: y").empty());
}

TEST_CASE("a preflight is an OPTIONS with both its fields")
{
    CHECK(is_preflight(
        head_with({{"origin", "https://a"}, {"access-control-request-method", "PUT"}}, "OPTIONS")));
    CHECK_FALSE(is_preflight(
        head_with({{"Origin", "https://a"}, {"Access-Control-Request-Method", "PUT"}}, "GET")));
    CHECK_FALSE(is_preflight(head_with({{"Origin", "https://a"}}, "OPTIONS")));
    auto with_body =
        head_with({{"Origin", "https://a"}, {"Access-Control-Request-Method", "PUT"}}, "OPTIONS");
    with_body.body = BodyKind::chunked;
    CHECK_FALSE(is_preflight(with_body));
    auto with_credentials =
        head_with({{"Origin", "https://a"}, {"Access-Control-Request-Method", "PUT"}}, "OPTIONS");
    with_credentials.cookies = "__session=x";
    CHECK_FALSE(is_preflight(with_credentials));
    with_credentials.cookies = {};
    with_credentials.authorization = "Bearer x";
    CHECK_FALSE(is_preflight(with_credentials));
    CHECK_FALSE(is_preflight(head_with({{"Access-Control-Request-Method", "PUT"}}, "OPTIONS")));
}

TEST_CASE("an answered preflight allows a configured origin what it asked for")
{
    const std::string long_list(1025, 'a');
    struct Question {
        std::string_view name, origin, asked, allowed;
    };
    for (const Question& row :
        std::initializer_list<Question>{{"names", "https://other.example.com",
                                            "authorization, x-custom", "authorization, x-custom"},
            {"nothing asked", "https://other.example.com", "", "-"},
            {"not names", "https://other.example.com", "a b", "-"},
            {"a line break", "https://other.example.com", "a\r\nX: y", "-"},
            {"an empty member", "https://other.example.com", "a,,b", "-"},
            {"too long", "https://other.example.com", long_list, "-"},
            {"a stranger", "https://evil.example", "authorization", "-"}}) {
        CAPTURE(row.name);
        const bool is_known = row.origin == "https://other.example.com";
        const auto head =
            head_with({{"Origin", row.origin}, {"Access-Control-Request-Method", "PUT"},
                          {"Access-Control-Request-Headers", row.asked}},
                "OPTIONS");
        const auto bytes = make_preflight_reply(head, cors, "req-1", true, now);
        CHECK(status_in(bytes) == 204);
        CHECK(field_of(bytes, "Access-Control-Allow-Origin") ==
              (is_known ? std::string(row.origin) : "-"));
        CHECK((field_of(bytes, "Access-Control-Allow-Methods") != "-") == is_known);
        CHECK(field_of(bytes, "Access-Control-Allow-Headers") == row.allowed);
        CHECK(field_of(bytes, "Content-Length") == "-");
        CHECK(field_of(bytes, "X-Request-Id") == "req-1");
        CHECK(field_of(bytes, "Connection") == "-");
        CHECK(body_of(bytes).empty());
    }
    auto with_body = head_with({{"Origin", "https://other.example.com"}}, "OPTIONS");
    with_body.body = BodyKind::sized;
    CHECK(
        field_of(make_preflight_reply(with_body, cors, "r", false, now), "Connection") == "close");
}

TEST_CASE("every answer of ours is dated, once")
{
    for (const Denial denial : all_denials())
        for (const RequestHead* head : {&api(), &document()}) {
            CAPTURE(name(denial));
            auto refusal = refusal_of(denial, *head);
            refusal.now = now;
            CHECK(field_of(make_denial_reply(refusal, pages, cors).bytes, "Date") == date);
        }
    Refusal unread{.denial = Denial::not_http};
    unread.now = now;
    CHECK(field_of(make_denial_reply(unread, pages, cors).bytes, "Date") == date);
    CHECK(field_of(make_preflight_reply(api(), cors, "req-1", true, now), "Date") == date);
    CHECK(field_of(make_options_reply("req-1", true, now), "Date") == date);
}

TEST_CASE("OPTIONS * says what is served here")
{
    const auto stays = make_options_reply("req-1", true, now),
               goes = make_options_reply("req-1", false, now);
    CHECK(status_in(stays) == 200);
    CHECK(field_of(stays, "Allow") == "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    CHECK(field_of(stays, "Content-Length") == "0");
    CHECK(field_of(stays, "Connection") == "-");
    CHECK(field_of(goes, "Connection") == "close");
}

}  // namespace orggate::http
