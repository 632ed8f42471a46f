#include "config/loading.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

using namespace orggate;
using namespace std::chrono_literals;
using test::clerk_with;
using test::development_key;
using test::loaded;
using test::mistakes;
using test::production_key;
using test::upstream_line;
using Strings = std::vector<std::string>;

namespace {

config::Clerk clerk_of(const std::string& lines, const std::string& key = development_key)
{
    return loaded(upstream_line + clerk_with(lines, key))->clerk;
}

}  // namespace

TEST_CASE("the publishable key alone says who issues, where the keys are and where to sign in")
{
    const auto made = clerk_of("clock_skew: 5s");
    CHECK(made.instance.frontend_host == "clerk.example.com");
    CHECK(made.expectations.issuers == Strings{"https://clerk.example.com"});
    CHECK(made.jwks_url == "https://clerk.example.com/.well-known/jwks.json");
    CHECK_FALSE(made.jwks_needs_secret);
    CHECK(made.jwt_key_pem.empty());
    CHECK(made.pages.sign_in == "https://accounts.example.com/sign-in");
    CHECK(made.pages.tasks == "https://accounts.example.com/sign-in/tasks");
    CHECK(made.pages.choose_org.empty());
    CHECK(made.pages.forbidden.empty());
}

TEST_CASE("the issuer follows satellites and proxies, or is what is said")
{
    struct Row {
        std::string name, lines, key;
        Strings wanted;
    };
    const std::string satellite = "satellite: true\nsign_in_url: https://example.com/sign-in\n";
    for (const auto& row : std::vector<Row>{
             {"auto", "issuer: auto", production_key, {"https://clerk.example.com"}},
             {"satellite", satellite + "domain: other.org", production_key,
                 {"https://clerk.other.org"}},
             {"satellite in development", satellite + "domain: other.org", development_key,
                 {"https://clerk.example.com"}},
             {"domain alone", "domain: other.org", production_key, {"https://clerk.example.com"}},
             {"proxy", "proxy_url: https://app.example.com/__clerk/", production_key,
                 {"https://clerk.example.com", "https://app.example.com/__clerk"}},
             {"satellite by proxy", satellite + "proxy_url: https://other.org/__clerk",
                 production_key, {"https://clerk.example.com", "https://other.org/__clerk"}},
             {"list", "issuer: [\"https://a.example\", \"https://b.example\"]", production_key,
                 {"https://a.example", "https://b.example"}},
             {"one", "issuer: https://a.example", production_key, {"https://a.example"}},
             {"clear text on loopback", "issuer: http://127.0.0.1:4000", production_key,
                 {"http://127.0.0.1:4000"}},
             {"unchecked", "issuer: unchecked", production_key, {}},
         }) {
        CAPTURE(row.name);
        CHECK(clerk_of(row.lines, row.key).expectations.issuers == row.wanted);
    }
    // In a list these words would be issuers.
    CHECK(mistakes(upstream_line + clerk_with("issuer: [unchecked]")).find("expected auto") !=
          std::string::npos);
}

TEST_CASE("authorised parties are what is said, else the public origins, else unchecked")
{
    const auto parties = [](const std::string& yaml) {
        return loaded(yaml)->clerk.expectations.authorized_parties;
    };
    const std::string origins = "public_origin: ['https://a.example', 'https://b.example']\n";
    CHECK(parties(origins + test::minimal) == Strings{"https://a.example", "https://b.example"});
    CHECK(parties(origins + upstream_line +
                  clerk_with("authorized_parties: ['chrome-extension://abc']")) ==
          Strings{"chrome-extension://abc"});
    CHECK(parties(test::minimal).empty());
    CHECK(mistakes(test::minimal).find("tokens made for any web site") != std::string::npos);
}

TEST_CASE("keys come from a PEM, a given URL, Clerk's API or the public set, in this order")
{
    struct Row {
        std::string name, lines, url;
        bool needs_secret, is_pem;
    };
    const std::string pem = "jwt_key_file: /pub.pem\n", secret = "secret_key: ${SECRET}\n",
                      url = "jwks_url: https://keys.example/set\n",
                      api = "api_url: https://api.example/\n",
                      frontend = "frontend_api_url: https://fapi.example/\n";
    for (const auto& row : std::vector<Row>{
             {"PEM", pem, "", false, true},
             {"PEM before all", pem + secret + url, "", false, true},
             {"URL", url, "https://keys.example/set", false, false},
             {"URL before the API", url + secret, "https://keys.example/set", false, false},
             {"API", secret, "https://api.clerk.com/v1/jwks", true, false},
             {"another API", secret + api, "https://api.example/v1/jwks", true, false},
             {"public set", api, "https://clerk.example.com/.well-known/jwks.json", false, false},
             {"public set elsewhere", frontend, "https://fapi.example/.well-known/jwks.json", false,
                 false},
             {"clear text on loopback", "jwks_url: http://localhost:4000/jwks",
                 "http://localhost:4000/jwks", false, false},
             {"clear text on ::1", "frontend_api_url: http://[::1]:4000",
                 "http://[::1]:4000/.well-known/jwks.json", false, false},
         }) {
        CAPTURE(row.name);
        auto lines = row.lines;
        if (lines.ends_with('\n')) lines.pop_back();
        const auto made = clerk_of(lines);
        CHECK(made.jwks_url == row.url);
        CHECK(made.jwks_needs_secret == row.needs_secret);
        CHECK(made.jwt_key_pem.empty() != row.is_pem);
    }
}

TEST_CASE("clear text leaves the machine nowhere")
{
    for (const std::string key :
        {"jwks_url", "api_url", "frontend_api_url", "issuer", "proxy_url"}) {
        for (const std::string host : {"clerk.example.com", "10.0.0.1", "127.0.0.1.example.com",
                 "localhost.example.com", "0.0.0.0"}) {
            CAPTURE(key);
            CAPTURE(host);
            CHECK(mistakes(upstream_line + clerk_with(key + ": http://" + host))
                      .find("clear text is accepted for loopback addresses only") !=
                  std::string::npos);
        }
    }
}

TEST_CASE("secrets come inline by variable or from a file, without the blanks around them")
{
    test::World world;
    world.variables["PEM"] = test::public_pem;
    CHECK(clerk_of("secret_key: ${SECRET}").secret_key == "sk_test_hunter2hunter2");
    CHECK(clerk_of("secret_key_file: /secret").secret_key == "sk_test_hunter2hunter2");
    const auto made = loaded(upstream_line + clerk_with("jwt_key: ${PEM}"), world)->clerk;
    CHECK(made.jwt_key_pem.starts_with("-----BEGIN PUBLIC KEY-----"));
    // It goes into a header field.
    world.variables["SPLIT"] = "sk_test_a\r\nX-Evil: 1";
    CHECK(mistakes(upstream_line + clerk_with("secret_key: ${SPLIT}"), world)
              .find("expected Clerk's secret key") != std::string::npos);
}

TEST_CASE("pages are what is said, and the tasks page follows the sign-in page")
{
    struct Row {
        std::string lines, sign_in, tasks;
    };
    for (const auto& row : std::vector<Row>{
             {"sign_in_url: https://a.example/in", "https://a.example/in",
                 "https://a.example/in/tasks"},
             {"sign_in_url: https://a.example/in/", "https://a.example/in/",
                 "https://a.example/in/tasks"},
             {"sign_in_url: https://a.example/in?x=1", "https://a.example/in?x=1",
                 "https://a.example/in/tasks?x=1"},
             {"sign_in_url: https://a.example/in\ntasks_url: https://a.example/t",
                 "https://a.example/in", "https://a.example/t"},
         }) {
        CAPTURE(row.lines);
        const auto made = clerk_of(row.lines);
        CHECK(made.pages.sign_in == row.sign_in);
        CHECK(made.pages.tasks == row.tasks);
    }
    const auto made =
        clerk_of("choose_org_url: http://a.example/c\nforbidden_url: https://a.example/f");
    CHECK(made.pages.choose_org == "http://a.example/c");
    CHECK(made.pages.forbidden == "https://a.example/f");
}

TEST_CASE("clock skew may be nothing and at most five minutes")
{
    CHECK(clerk_of("clock_skew: 0s").expectations.clock_skew == 0s);
    CHECK(clerk_of("clock_skew: 5m").expectations.clock_skew == 5min);
    CHECK(mistakes(upstream_line + clerk_with("clock_skew: 300001ms")).find("from 0s to 5m") !=
          std::string::npos);
}
