#include "redis/scripted_server.hpp"
#include "redis/store_rig.hpp"

#include "net/certificates.hpp"
#include "support/redis_server.hpp"

#include <doctest/doctest.h>

using namespace orggate;
using namespace orggate::test;

namespace {

using Kind = StoreRig::Kind;

// The guide is configured as localhost, and names 127.0.0.1.
std::string guide_answer(const Words& words, std::uint16_t port)
{
    const std::string host = bulk("127.0.0.1"), digits = std::to_string(port);
    if (words[0] == "CLUSTER")
        return "*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n" + host + ":" + digits + "\r\n" + bulk("id");
    if (words[0] != "SENTINEL") return "";
    return words[1] == "SENTINELS" ? "*0\r\n" : "*2\r\n" + host + bulk(digits);
}

net::ClientContext client_context(const Certificate& authority, const std::string& server_name)
{
    if (server_name.empty()) return net::ClientContext::for_many_names(authority.cert_file);
    return {authority.cert_file, server_name};
}

}  // namespace

TEST_CASE("each server proves by which host it was asked for, unless one name is set for all")
{
    struct Row {
        std::string name, server_name, names;  // set by the operator; the primary's own
        bool is_accepted;
    };
    const Row rows[] = {
        {"the announced address", "", "IP:127.0.0.1", true},
        {"the configured name alone", "", "DNS:localhost", false},
        {"one name for all", "localhost", "DNS:localhost", true},
        {"one name for all, that the announced one lacks", "localhost", "IP:127.0.0.1", false},
    };
    Certificates guides("DNS:localhost");
    for (const Kind kind : {Kind::sentinel, Kind::cluster})
        for (const Row& row : rows) {
            CAPTURE(static_cast<int>(kind));
            CAPTURE(row.name);
            Wanted wanted;
            wanted.names = row.names;
            const Certificate own = issue(guides.directory, "own", wanted, &guides.authority);
            net::ServerContext guide_tls(guides.server.cert_file, guides.server.key_file, "");
            net::ServerContext own_tls(own.cert_file, own.key_file, "");
            net::ClientContext client = client_context(guides.authority, row.server_name);
            const std::uint16_t port = free_port(), guide_port = free_port();
            redis::Settings settings = StoreRig::settings_for(kind, {guide_port});
            settings.redis.addresses.front().host = "localhost";
            settings.redis.master = "mymaster";
            settings.tls = &client;
            StoreRig rig(settings);
            const auto guide_rule = [&](const Words& words, FakePeer&) {
                return guide_answer(words, port);
            };
            const auto healthy = [](const Words&, FakePeer&) { return std::string(); };
            const ScriptedServer guide(rig.io, rig.deadlines, guide_port, guide_rule, &guide_tls);
            const ScriptedServer primary(rig.io, rig.deadlines, port, healthy, &own_tls);
            REQUIRE(rig.until([&] {
                const bool is_refused = rig.store.trouble().find("TLS: ") != std::string::npos;
                return rig.store.is_up(0) || is_refused;
            }));
            CHECK(rig.store.is_up(0) == row.is_accepted);
            CHECK(rig.counters.connects.value() == (row.is_accepted ? 1 : 0));
        }
}
