#include "config/loading.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

using namespace orggate;
using namespace std::chrono_literals;
using test::loaded;
using test::minimal;
using test::mistakes;

TEST_CASE("client addresses are held to the defaults unless told otherwise")
{
    const auto clients = loaded(minimal)->clients;
    REQUIRE(clients.unauthenticated.has_value());
    CHECK(clients.unauthenticated->units == 300);
    CHECK(clients.unauthenticated->window == 1min);
    CHECK(clients.unauthenticated->algorithm == limit::Algorithm::window);
    CHECK(clients.unauthenticated->lease == 0us);
    REQUIRE(clients.refused.has_value());
    CHECK(clients.refused->units == 600);
    CHECK(clients.refused->window == 1min);
    CHECK(clients.connections == 512u);
    // Two counters of one address are told apart, and from every limit.
    CHECK(clients.unauthenticated->name == "clients.unauthenticated");
    CHECK(clients.refused->name == "clients.refused");
}

TEST_CASE("each of them has its own number, or is off")
{
    const auto other = loaded(minimal + "clients: { unauthenticated: 5/1s, connections: 1 }\n");
    CHECK(other->clients.unauthenticated->units == 5);
    CHECK(other->clients.unauthenticated->window == 1s);
    CHECK(other->clients.unauthenticated->name == "clients.unauthenticated");
    CHECK(other->clients.refused->units == 600);
    CHECK(other->clients.connections == 1u);
    const auto none =
        loaded(minimal + "clients: { unauthenticated: off, refused: off, connections: off }\n");
    CHECK_FALSE(none->clients.unauthenticated.has_value());
    CHECK_FALSE(none->clients.refused.has_value());
    CHECK_FALSE(none->clients.connections.has_value());
    CHECK(
        loaded(minimal + "clients: { connections: 1000000 }\n")->clients.connections == 1'000'000u);
}

TEST_CASE("private addresses are spared only where nobody said who is who")
{
    struct Row {
        std::string name, lines;
        bool spared;
    };
    for (const auto& row : std::vector<Row>{
             {"nothing said", "", true},
             {"no trusted proxy", "trusted_proxies: []\n", true},
             {"a trusted proxy", "trusted_proxies: [10.0.0.0/24]\n", false},
             {"clients", "clients: { refused: off }\n", false},
             {"empty clients", "clients: {}\n", false},
         }) {
        CAPTURE(row.name);
        CHECK(loaded(minimal + row.lines)->clients.spares_private == row.spared);
    }
}

TEST_CASE("the operator's socket is there unless it is off, and is ours to choose by default")
{
    const auto fallback = loaded(minimal)->admin;
    REQUIRE(fallback.has_value());
    CHECK(fallback->is_default);
    CHECK(fallback->address.unix_path == "/run/orggate/admin.sock");
    CHECK(fallback->token.empty());
    const auto own = loaded(minimal + "admin: unix:/run/a.sock\n")->admin;
    REQUIRE(own.has_value());
    CHECK_FALSE(own->is_default);
    CHECK(own->address.unix_path == "/run/a.sock");
    CHECK_FALSE(loaded(minimal + "admin: off\n")->admin.has_value());
}

TEST_CASE("over TCP the operator's address is loopback and asks for a token")
{
    for (const std::string address : {"127.0.0.1:9091", "localhost:9091", "[::1]:9091"}) {
        CAPTURE(address);
        const auto admin =
            loaded(minimal + "admin: \"" + address + "\"\nadmin_token_file: /admin_token\n")->admin;
        REQUIRE(admin.has_value());
        CHECK(admin->address.port == 9091);
        CHECK(admin->token == "0123456789abcdef");
    }
    for (const std::string address : {"0.0.0.0:9091", "[::]:9091", "10.0.0.1:9091"}) {
        CAPTURE(address);
        CHECK(mistakes(minimal + "admin: \"" + address + "\"\nadmin_token_file: /admin_token\n")
                  .find("loopback") != std::string::npos);
    }
}

TEST_CASE("a token is visible characters, at the limits and one past them")
{
    const auto is_good = [](const std::string& token) {
        test::World world;
        world.files["/token"] = token;
        return config::load(minimal + "admin: 127.0.0.1:9091\nadmin_token_file: /token\n", "",
                   world.surroundings())
                   .config != nullptr;
    };
    CHECK(is_good(std::string(16, 'a')));
    CHECK_FALSE(is_good(std::string(15, 'a')));
    CHECK(is_good("\n " + std::string(1024, 'a') + "\r\n"));
    CHECK_FALSE(is_good(std::string(1025, 'a')));
    CHECK_FALSE(is_good(std::string(16, 'a') + " b"));
    CHECK_FALSE(is_good(std::string(16, 'a') + "\nb"));
    CHECK_FALSE(is_good(std::string(16, '\x80')));
}
