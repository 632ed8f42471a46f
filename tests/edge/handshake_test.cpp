#include "edge/rig.hpp"

#include "net/certificates.hpp"
#include "orggate/net/tls.hpp"

#include <doctest/doctest.h>

using namespace orggate;
using test::EdgeRig;
using test::has;

namespace {

net::ServerContext server_context()
{
    static test::Certificates certificates;
    return {certificates.server.cert_file, certificates.server.key_file, {}};
}

Awaitable<void> babble(EdgeRig& rig)
{
    const auto client = rig.connect();
    co_await client->write("GET / HTTP/1.1\r\nHost: a\r\n\r\n", test::enough);
    co_await test::receive_all(*client);
}

}  // namespace

TEST_CASE("a handshake that fails is counted, and is no request")
{
    EdgeRig rig("clients: { connections: off }\n");
    auto context = server_context();
    rig.station->tls = &context;
    rig.loop.run(babble(rig));
    CHECK(rig.counters.tls_handshake_failures.value() == 1);
    CHECK(rig.access_lines().empty());
    CHECK(rig.open_connections == 0);
}

TEST_CASE("under TLS a connection too many is closed without a word, and has its line")
{
    EdgeRig rig("clients: { connections: 1 }\n");
    auto context = server_context();
    rig.station->tls = &context;
    auto story = [](EdgeRig& r) -> Awaitable<void> {
        const auto first = r.connect(), second = r.connect();
        const auto heard = co_await test::receive_all(*second);
        CHECK(heard.bytes.empty());
        first->close();
    };
    rig.loop.run(story(rig));
    CHECK(rig.counters.clients_refused.value() == 1);
    CHECK(rig.counters.tls_handshake_failures.value() == 1);  // the first left
    const auto lines = rig.access_lines();
    REQUIRE(lines.size() == 1);
    CHECK(has(lines[0], R"("reason":"quota_exhausted","limit":"clients-connections")"));
    CHECK_FALSE(has(lines[0], R"("status")"));
}
