#include "app/admin_guard.hpp"

#include <doctest/doctest.h>

using namespace orggate::app;

namespace {

const AdminGuard tcp{.is_unix = false, .token = "0123456789abcdef"};

PageRequest asks(std::string host, std::string authorization)
{
    PageRequest request;
    request.host = std::move(host);
    request.authorization = std::move(authorization);
    return request;
}

int verdict(const AdminGuard& guard, const PageRequest& request)
{
    const auto refused = guard.refuse(request);
    return refused ? refused->status : 200;
}

}  // namespace

TEST_CASE("over TCP Host names loopback and the token is presented")
{
    struct Row {
        std::string name, host, authorization;
        int status;
    };
    const Row rows[] = {
        {"good", "127.0.0.1:9091", "Bearer 0123456789abcdef", 200},
        {"a name", "localhost:9091", "Bearer 0123456789abcdef", 200},
        {"any case", "LocalHost", "bearer 0123456789abcdef", 200},
        {"IPv6", "[::1]:9091", "Bearer 0123456789abcdef", 200},
        {"another host", "evil.example:9091", "Bearer 0123456789abcdef", 421},
        {"a host that begins so", "localhost.evil.example", "Bearer 0123456789abcdef", 421},
        {"an address that begins so", "127.0.0.1.evil.example", "Bearer 0123456789abcdef", 421},
        {"no host", "", "Bearer 0123456789abcdef", 421},
        {"a host without a name", ":9091", "Bearer 0123456789abcdef", 421},
        {"no token", "localhost", "", 401},
        {"no scheme", "localhost", "0123456789abcdef", 401},
        {"another scheme", "localhost", "Basic 0123456789abcdef", 401},
        {"another token", "localhost", "Bearer 0123456789abcdee", 401},
        {"a shorter one", "localhost", "Bearer 0123456789abcde", 401},
        {"a longer one", "localhost", "Bearer 0123456789abcdef0", 401},
        {"an empty one", "localhost", "Bearer ", 401},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(verdict(tcp, asks(row.host, row.authorization)) == row.status);
    }
}

TEST_CASE("without a token nobody asks over TCP")
{
    const AdminGuard open{.is_unix = false};
    CHECK(verdict(open, asks("localhost", "Bearer ")) == 401);
    CHECK(verdict(open, asks("localhost", "")) == 401);
}

TEST_CASE("over a unix socket only our own user and root ask")
{
    const AdminGuard guard{.is_unix = true, .own_user = 1000};
    PageRequest request;
    CHECK(verdict(guard, request) == 403);
    for (const auto& [user, status] : {std::pair(1000u, 200), {0u, 200}, {1001u, 403}}) {
        CAPTURE(user);
        request.unix_user = user;
        CHECK(verdict(guard, request) == status);
    }
}
