#include "orggate/net/listening_socket.hpp"

#include "net/certificates.hpp"

#include <doctest/doctest.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <optional>

using namespace orggate;
using namespace orggate::test;
using net::ListeningSocket;

namespace {

config::Address at(const std::string& host, std::uint16_t port)
{
    config::Address address;
    address.host = host;
    address.port = port;
    return address;
}

config::Address at_path(const std::string& path)
{
    config::Address address;
    address.unix_path = path;
    return address;
}

bool can_connect(const std::string& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    const int one = ::socket(AF_UNIX, SOCK_STREAM, 0);
    const int result = ::connect(one, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::close(one);
    return result == 0;
}

bool exists(const std::string& path)
{
    return ::access(path.c_str(), F_OK) == 0;
}

}  // namespace

TEST_CASE("port zero becomes a real port and the address is text to connect to")
{
    struct Row {
        std::string name;
        const char* host;
        const char* wanted;
    };
    const Row rows[] = {
        {"loopback", "127.0.0.1", "127.0.0.1:"},
        {"localhost", "localhost", "127.0.0.1:"},
        {"any", "0.0.0.0", "0.0.0.0:"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        auto opened = ListeningSocket::open(at(row.host, 0));
        REQUIRE(opened.has_value());
        CHECK(opened->port() != 0);
        CHECK(opened->family() == AF_INET);
        CHECK(opened->address() == row.wanted + std::to_string(opened->port()));
    }
    auto six = ListeningSocket::open(at("[::1]", 0));
    if (six) CHECK(six->address() == "[::1]:" + std::to_string(six->port()));
}

TEST_CASE("duplicates accept from the same queue, also after the first is closed")
{
    auto opened = ListeningSocket::open(at("127.0.0.1", 0));
    REQUIRE(opened.has_value());
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(opened->port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int other = opened->duplicate();
    REQUIRE(other >= 0);
    {
        std::optional<ListeningSocket> moved(std::move(*opened));
        CHECK(moved->native_handle() >= 0);
        CHECK(opened->native_handle() == -1);
    }
    const int client = ::socket(AF_INET, SOCK_STREAM, 0);
    CHECK(::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    const int accepted = ::accept(other, nullptr, nullptr);
    CHECK(accepted >= 0);
    CHECK(::accept(other, nullptr, nullptr) == -1);  // it does not block
    for (const int one : {client, accepted, other})
        ::close(one);
}

TEST_CASE("an error says what could not be had and why")
{
    const TemporaryDirectory directory;
    const std::string file = directory.file("file"), live = directory.file("live.sock");
    std::ofstream(file) << "precious";
    auto taken = ListeningSocket::open(at("127.0.0.1", 0));
    auto taken_path = ListeningSocket::open(at_path(live));
    REQUIRE(taken.has_value());
    REQUIRE(taken_path.has_value());
    struct Row {
        std::string name;
        config::Address address;
        std::string wanted;
    };
    const Row rows[] = {
        {"port in use", at("127.0.0.1", taken->port()),
            "cannot listen on 127.0.0.1:" + std::to_string(taken->port()) +
                ": Address already in use"},
        {"not our address", at("192.0.2.1", 8080),
            "cannot listen on 192.0.2.1:8080: Cannot assign requested address"},
        {"not an address", at("example.test", 80),
            "cannot listen on example.test:80: Invalid argument"},
        {"live unix socket", at_path(live),
            "cannot listen on unix:" + live + ": Address already in use"},
        {"a file that is no socket", at_path(file),
            "cannot listen on unix:" + file + ": Address already in use"},
        {"no such directory", at_path(directory.file("no/such.sock")),
            "cannot listen on unix:" + directory.file("no/such.sock") +
                ": No such file or directory"},
        {"path too long", at_path("/" + std::string(107, 'p')),
            "cannot listen on unix:/" + std::string(107, 'p') + ": File name too long"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        auto opened = ListeningSocket::open(row.address);
        REQUIRE_FALSE(opened.has_value());
        CHECK(opened.error() == row.wanted);
    }
    CHECK(can_connect(live));
    std::string kept;
    std::ifstream(file) >> kept;
    CHECK(kept == "precious");
}

TEST_CASE("a unix socket is for owner and group, replaces a stale file and removes its own")
{
    const TemporaryDirectory directory;
    const std::string path = directory.file("app.sock");
    const mode_t before = ::umask(0);
    {
        auto first = ListeningSocket::open(at_path(path));
        REQUIRE(first.has_value());
        CHECK(first->address() == "unix:" + path);
        CHECK(first->port() == 0);
        struct stat file {};
        REQUIRE(::stat(path.c_str(), &file) == 0);
        CHECK((file.st_mode & 0777) == 0660);
    }
    CHECK_FALSE(exists(path));

    // A process that ended without cleaning up leaves its file.
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    const int dead = ::socket(AF_UNIX, SOCK_STREAM, 0);
    REQUIRE(::bind(dead, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    ::close(dead);
    CHECK(exists(path));
    auto second = ListeningSocket::open(at_path(path));
    REQUIRE(second.has_value());
    CHECK(can_connect(path));
    ::umask(before);
}

TEST_CASE("the file of another process is left alone")
{
    const TemporaryDirectory directory;
    const std::string path = directory.file("app.sock"), aside = directory.file("aside.sock");
    std::optional<ListeningSocket> ours;
    {
        auto opened = ListeningSocket::open(at_path(path));
        REQUIRE(opened.has_value());
        ours.emplace(std::move(*opened));
    }
    REQUIRE(::rename(path.c_str(), aside.c_str()) == 0);
    auto theirs = ListeningSocket::open(at_path(path));
    REQUIRE(theirs.has_value());
    ours.reset();
    CHECK(exists(path));
    CHECK(can_connect(path));
}
