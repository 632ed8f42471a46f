#include "orggate/config/load.hpp"

#include "config/loading.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

using namespace orggate;
using test::World;

namespace {

namespace fs = std::filesystem;

const fs::path source = ORGGATE_SOURCE_DIR;

std::string read(const fs::path& path)
{
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::vector<fs::path> yaml_files(const fs::path& folder)
{
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder))
        if (entry.path().extension() == ".yaml") files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

// What a file's first line says it is told: `# expect: LINE:COLUMN: message`.
std::string expectation(const std::string& text)
{
    const std::string mark = "# expect: ";
    REQUIRE(text.starts_with(mark));
    return text.substr(mark.size(), text.find('\n') - mark.size());
}

std::string first(const std::vector<config::Problem>& problems, bool is_warning)
{
    const auto found = std::find_if(problems.begin(), problems.end(),
        [&](const config::Problem& problem) { return problem.is_warning == is_warning; });
    return found == problems.end() ? "" : config::to_text(*found);
}

}  // namespace

TEST_CASE("every bad file gets the message that its first line expects")
{
    const auto files = yaml_files(source / "tests/config/bad");
    CHECK(files.size() >= 250);
    const World world;
    for (const auto& file : files) {
        CAPTURE(file.filename().string());
        const auto text = read(file);
        const auto result = config::load(text, "", world.surroundings());
        CHECK(result.config == nullptr);
        CHECK(first(result.problems, false) == expectation(text));
    }
}

TEST_CASE("what is allowed but probably not meant loads with the warning of its first line")
{
    const auto files = yaml_files(source / "tests/config/warned");
    CHECK(files.size() >= 30);
    const World world;
    for (const auto& file : files) {
        CAPTURE(file.filename().string());
        const auto text = read(file);
        const auto result = config::load(text, "", world.surroundings());
        CHECK(result.config != nullptr);
        CHECK(result.problems.size() == 1);
        CHECK(first(result.problems, true) == expectation(text));
    }
}

TEST_CASE("the reference and every example load without any problem")
{
    auto files = yaml_files(source / "conf/examples");
    CHECK(files.size() >= 3);
    files.push_back(source / "conf/orggate.yaml");
    const World world;
    for (const auto& file : files) {
        CAPTURE(file.filename().string());
        const auto result = config::load(read(file), file.string(), world.surroundings());
        CHECK(test::joined(result.problems) == "");
        REQUIRE(result.config != nullptr);
        CHECK(result.config->file == file.string());
    }
}

TEST_CASE("the reference's values are the defaults it documents")
{
    const World world;
    const auto reference =
        config::load(read(source / "conf/orggate.yaml"), "", world.surroundings()).config;
    REQUIRE(reference != nullptr);
    const auto plain = test::loaded(test::minimal);
    CHECK(reference->listen.at(0).port == plain->listen.at(0).port);
    CHECK(reference->listen.at(0).host == plain->listen.at(0).host);
    CHECK(reference->telemetry->port == plain->telemetry->port);
    CHECK(reference->workers == plain->workers);
    CHECK(reference->max_connections == plain->max_connections);
    CHECK_FALSE(reference->redis.has_value());
    CHECK_FALSE(plain->redis.has_value());
    CHECK(reference->tenants_file == plain->tenants_file);
    const auto bare = test::loaded(test::minimal + "limits: { api: { rate: 100/1m } }\n");
    CHECK(reference->limits.at(0)->quotas.at(0).algorithm ==
          bare->limits.at(0)->quotas.at(0).algorithm);
    CHECK(reference->limits.at(0)->quotas.at(0).lease == bare->limits.at(0)->quotas.at(0).lease);
    CHECK(reference->limits.at(0)->per == bare->limits.at(0)->per);
    CHECK(reference->limits.at(0)->on_error == bare->limits.at(0)->on_error);
    CHECK(reference->credentials == plain->credentials);
    CHECK(reference->clerk.expectations.clock_skew == plain->clerk.expectations.clock_skew);
    CHECK(reference->clerk.expectations.issuers == plain->clerk.expectations.issuers);
    CHECK(reference->cors.preflight == plain->cors.preflight);
    CHECK(reference->websocket.max_age == plain->websocket.max_age);
    CHECK(reference->websocket.idle == plain->websocket.idle);
    CHECK(reference->headers.odd_names == plain->headers.odd_names);
    CHECK(reference->rate_limit_headers.ietf == plain->rate_limit_headers.ietf);
    CHECK(reference->rate_limit_headers.legacy == plain->rate_limit_headers.legacy);
    CHECK(reference->rate_limit_headers.ietf06 == plain->rate_limit_headers.ietf06);
    CHECK(reference->head_limits.head == plain->head_limits.head);
    CHECK(reference->head_limits.target == plain->head_limits.target);
    const auto &a = reference->timeouts, &b = plain->timeouts;
    CHECK(a.client_head == b.client_head);
    CHECK(a.client_idle == b.client_idle);
    CHECK(a.body_gap == b.body_gap);
    CHECK(a.upstream_connect == b.upstream_connect);
    CHECK(a.upstream_head == b.upstream_head);
    CHECK(a.stream_idle == b.stream_idle);
    CHECK(a.upstream_idle == b.upstream_idle);
    CHECK(reference->drain_delay == plain->drain_delay);
    CHECK(reference->drain_timeout == plain->drain_timeout);
    CHECK(reference->unready_at_once == plain->unready_at_once);
    CHECK(reference->log.options.level == plain->log.options.level);
    CHECK(reference->log.options.format == plain->log.options.format);
    CHECK(reference->log.access == plain->log.access);
    CHECK(reference->log.full_path == plain->log.full_path);
    CHECK(reference->names.org_labels == plain->names.org_labels);
    CHECK(reference->names.org_top == plain->names.org_top);
}

TEST_CASE("what rests in the reference is the default where it says so")
{
    std::istringstream lines(read(source / "conf/orggate.yaml"));
    std::string woken, line;
    while (std::getline(lines, line))
        if (line.starts_with("#admin:") || line.starts_with("#clients:"))
            woken += line.substr(1) + "\n";
    const auto said = test::loaded(test::minimal + woken), plain = test::loaded(test::minimal);
    CHECK(said->admin->address.unix_path == plain->admin->address.unix_path);
    CHECK_FALSE(said->admin->is_default);
    CHECK(plain->admin->is_default);
    CHECK(said->clients.unauthenticated->units == plain->clients.unauthenticated->units);
    CHECK(said->clients.unauthenticated->window == plain->clients.unauthenticated->window);
    CHECK(said->clients.refused->units == plain->clients.refused->units);
    CHECK(said->clients.refused->window == plain->clients.refused->window);
    CHECK(said->clients.connections == plain->clients.connections);
    CHECK_FALSE(said->clients.spares_private);
    CHECK(plain->clients.spares_private);
}

TEST_CASE("several mistakes are reported together, in the order of the file")
{
    const std::string yaml = "drain: { delay: 10 }\n"
                             "workers: 65\n"
                             "upstream: ftp://x\n"
                             "nonsense: 1\n"
                             "routes:\n"
                             "  - { name: a, paths: [\"a\", \"/b+\"], access: nobody }\n"
                             "  - { name: a, paths: [\"/c\"], access: org, limits: [x] }\n"
                             "http: { head: 1 }\n";
    const auto result = config::load(yaml, "f.yaml", World().surroundings());
    CHECK(result.config == nullptr);
    std::vector<std::string> places;
    for (const auto& problem : result.problems) {
        CHECK(problem.file == "f.yaml");
        places.push_back(std::to_string(problem.line) + ":" + std::to_string(problem.column));
    }
    const std::vector<std::string> wanted{
        "0:0", "1:17", "2:10", "3:11", "4:1", "6:24", "6:29", "6:45", "7:13", "7:53", "8:15"};
    CHECK(test::spoken(places) == test::spoken(wanted));
}

TEST_CASE("no damage to a file makes loading fail in any other way than by its problems")
{
    const auto whole = read(source / "conf/examples/per_org_tiers.yaml");
    const World world;
    const std::string damage("\0{[:&*\"'#\n\t$\xFF-0a", 16);
    std::size_t refused = 0;
    for (std::size_t at = 0; at < whole.size(); at += 5) {
        auto broken = whole;
        broken[at] = damage[(at / 5) % damage.size()];
        const auto result = config::load(broken, "", world.surroundings());
        const bool has_error = !first(result.problems, false).empty();
        CHECK(has_error == (result.config == nullptr));
        refused += has_error ? 1 : 0;
        const auto cut = config::load(whole.substr(0, at), "", world.surroundings());
        CHECK(!first(cut.problems, false).empty() == (cut.config == nullptr));
    }
    CHECK(refused > 50);
}

TEST_CASE("a problem reads as file, line, column and message")
{
    CHECK(config::to_text({"f.yaml", 7, 3, "routes: bad", false}) == "f.yaml:7:3: routes: bad");
    CHECK(config::to_text({"f.yaml", 7, 3, "odd", true}) == "f.yaml:7:3: warning: odd");
    CHECK(config::to_text({"f.yaml", 0, 0, "bad", false}) == "f.yaml: bad");
    CHECK(config::to_text({"", 7, 3, "bad", false}) == "7:3: bad");
    CHECK(config::to_text({"", 0, 0, "bad", false}) == "bad");
}

TEST_CASE("no message ever shows what a variable or a file holds")
{
    // Every place that takes text, given a secret by variable; then secrets by file.
    World world;
    world.variables["LEAK"] = "hunter2\nhunter2";
    world.files["/secret"] = "hunter2";
    const std::vector<std::string> values{
        "listen: ${LEAK}",
        "telemetry: ${LEAK}",
        "workers: ${LEAK}",
        "max_connections: ${LEAK}",
        "public_origin: ${LEAK}",
        "hosts: [\"${LEAK}\"]",
        "trusted_proxies: [\"${LEAK}\"]",
        "credentials: ${LEAK}",
        "upstreams: { a: { url: \"${LEAK}\" } }",
        "tls: { cert_file: \"${LEAK}\", key_file: \"${LEAK}\" }",
        "limits: { api: { rate: \"${LEAK}\", on_error: \"${LEAK}\" } }",
        "bypass: [\"${LEAK}\"]",
        "tenants: { org_1: { until: \"${LEAK}\", bypass: \"${LEAK}\" } }",
        "default: { access: \"${LEAK}\", upstream: \"${LEAK}\" }",
        "default: { limits: [\"${LEAK}\"] }",
        "routes: [{ name: \"${LEAK}\", paths: [\"/${LEAK}\"], access: org }]",
        "routes: [{ name: a, paths: [\"/a\"], access: org, require: { role: \"${LEAK}\" } }]",
        "cors: { origins: [\"${LEAK}\"] }",
        "rate_limit_headers: [\"${LEAK}\"]",
        "headers: { rename: { X-Org-Id: \"${LEAK}\" } }",
        "headers: { claims: { X-A: \"${LEAK}=\" } }",
        "log: { access: \"${LEAK}\" }",
        "http: { body: \"${LEAK}\", head: \"${LEAK}\" }",
        "drain: { delay: \"${LEAK}\" }",
        "assertion: { audience: a, key: \"${LEAK}\" }",
        "admin: \"${LEAK}\"",
        "admin: 127.0.0.1:1\nadmin_token_file: /secret",
        "tenants_file: \"${LEAK}\"",
        "clients: { unauthenticated: \"${LEAK}\" }",
        "redis: { url: \"${LEAK}\" }",
        "redis: { url: \"redis://:${LEAK}@h\" }",
        "redis: { url: \"redis://h?password=${LEAK}\" }",
        "redis: { url: redis://h, username: \"${LEAK}\", password: \"${LEAK}\" }",
        "redis: { url: redis://h, namespace: \"${LEAK}\" }",
        "redis: { url: redis://h, fleet_dns: \"${LEAK}\" }",
        "redis: { cluster: { addresses: [\"${LEAK}\"] } }",
        "redis: { sentinel: { master: \"${LEAK}\", addresses: s } }",
        "redis: \"${LEAK}\"",
        "assertion: { audience: a, key_file: /secret, header: \"${LEAK}\" }",
    };
    for (const auto& value : values) {
        CAPTURE(value);
        const auto told = test::mistakes(test::minimal + value + "\n", world);
        CHECK(told.find(": ") != std::string::npos);
        CHECK(
            config::load(test::minimal + value + "\n", "", world.surroundings()).config == nullptr);
        CHECK(told.find("hunter2") == std::string::npos);
    }
    for (const std::string key : {"publishable_key", "secret_key", "jwt_key", "jwks_url", "api_url",
             "frontend_api_url", "proxy_url", "domain", "issuer", "authorized_parties",
             "clock_skew", "sign_in_url", "tasks_url", "choose_org_url", "forbidden_url"}) {
        CAPTURE(key);
        const auto told =
            test::mistakes(test::upstream_line + "clerk: { " + key + ": \"${LEAK}\" }\n", world);
        CHECK(told.find("hunter2") == std::string::npos);
    }
    for (const std::string key : {"secret_key_file", "jwt_key_file"}) {
        CAPTURE(key);
        const auto told =
            test::mistakes(test::upstream_line + test::clerk_with(key + ": /secret"), world);
        CHECK(told.find("expected") != std::string::npos);
        CHECK(told.find("hunter2") == std::string::npos);
    }
}

TEST_CASE("a secret written in the wrong place is not repeated")
{
    for (const std::string yaml :
        {"workers: sk_live_hunter2\n", "upstream: sk_test_hunter2\n", "sk_live_hunter2: 1\n",
            "drain: { sk_live_hunter2: 1 }\n", "log: { level: eyJhbGciOiJSUzI1NiJ9.hunter2 }\n",
            "limits: { sk_live_hunter2: 1 }\n", "upstream: http://u:hunter2@h\n",
            "redis: redis://:hunter2@h\n", "redis: { url: redis://u:hunter2@h/0 }\n",
            "redis: { url: \"redis://h?password=hunter2\" }\n",
            "redis: { sentinel: redis://u:hunter2@h }\n",
            "redis: { cluster: { addresses: [\"redis://u:hunter2@h\"] } }\n",
            "redis: { cluster: { addresses: [\"u:hunter2@h\"] } }\n",
            "redis: { deadline: redis://u:hunter2@h }\n", "clerk: { secret_key: hunter2 }\n",
            "clerk: { publishable_key: sk_live_hunter2 }\n"}) {
        CAPTURE(yaml);
        const auto told = test::mistakes(yaml);
        CHECK(!told.empty());
        CHECK(told.find("hunter2") == std::string::npos);
    }
}
