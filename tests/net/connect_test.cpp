#include "orggate/net/connect.hpp"

#include "net/certificates.hpp"
#include "net/fake_resolver.hpp"
#include "net/loop.hpp"

#include "orggate/net/listening_socket.hpp"

#include <boost/asio/error.hpp>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <sys/un.h>

#include <cstring>

using namespace orggate;
using namespace orggate::test;
namespace error = boost::asio::error;
using net::ConnectStep;

std::binary_semaphore orggate::test::slow_resolver_answers{0};

namespace {

using GetAddrInfo = int (*)(const char*, const char*, const addrinfo*, addrinfo**);

int really_resolve(const char* host, const char* service, const addrinfo* hints, addrinfo** found)
{
    static const auto real = reinterpret_cast<GetAddrInfo>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    return real(host, service, hints, found);
}

}  // namespace

extern "C" int getaddrinfo(
    const char* host, const char* service, const addrinfo* hints, addrinfo** found)
{
    const std::string_view name = host != nullptr ? host : "";
    if (name == "slow.test") {
        orggate::test::slow_resolver_answers.acquire();
        return really_resolve("127.0.0.1", service, hints, found);
    }
    if (name == "two.test") {
        const int result = really_resolve("127.0.0.2", service, hints, found);
        return result != 0 ? result
                           : really_resolve("127.0.0.1", service, hints, &(*found)->ai_next);
    }
    return name.starts_with("127.") ? really_resolve(host, service, hints, found) : EAI_NONAME;
}

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

net::ListeningSocket listen(const config::Address& address)
{
    auto opened = net::ListeningSocket::open(address);
    REQUIRE(opened.has_value());
    return std::move(*opened);
}

net::Connected connect(Loop& loop, const config::Address& address, Milliseconds deadline,
    net::ClientContext* tls = nullptr)
{
    net::Connected made;
    auto story = [&]() -> Awaitable<void> {
        made = co_await net::connect(address, tls, loop.deadlines, deadline);
    };
    loop.run(story());
    return made;
}

// A listening socket whose queue is full: the kernel drops what would come next.
struct Blackhole {
    net::ListeningSocket socket;
    std::vector<int> queued;

    explicit Blackhole(const std::string& host = "127.0.0.1", std::uint16_t port = 0)
        : socket(listen(at(host, port)))
    {
        ::listen(socket.native_handle(), 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(socket.port());
        ::inet_pton(AF_INET, host.c_str(), &address.sin_addr);
        for (int i = 0; i < 4; ++i) {
            queued.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
            ::connect(queued.back(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
        }
    }
    ~Blackhole()
    {
        for (const int one : queued)
            ::close(one);
    }
};

}  // namespace

TEST_CASE("connects to numeric addresses, names and unix sockets")
{
    const TemporaryDirectory directory;
    const auto tcp = listen(at("127.0.0.1", 0));
    const auto local = listen(at_path(directory.file("app.sock")));
    struct Row {
        std::string name;
        config::Address address;
        const char* peer;
    };
    const Row rows[] = {
        {"numeric", at("127.0.0.1", tcp.port()), "127.0.0.1"},
        {"second address of a name", at("two.test", tcp.port()), "127.0.0.1"},
        {"unix", at_path(directory.file("app.sock")), ""},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        Loop loop;
        const net::Connected made = connect(loop, row.address, enough);
        CHECK_FALSE(made.error);
        REQUIRE(made.stream != nullptr);
        CHECK(made.stream->is_open());
        CHECK_FALSE(made.stream->is_tls());
        CHECK(made.stream->peer_address() == row.peer);
        boost::asio::ip::tcp::no_delay without_delay;
        if (row.address.is_unix()) continue;
        made.stream->socket().get_option(without_delay);
        CHECK(without_delay.value());
    }
}

TEST_CASE("IPv6 is connected to, in brackets and without")
{
    auto opened = net::ListeningSocket::open(at("::1", 0));
    if (!opened) {
        MESSAGE("no IPv6 here: not tried");
        return;
    }
    for (const char* host : {"::1", "[::1]"}) {
        Loop loop;
        CHECK_FALSE(connect(loop, at(host, opened->port()), enough).error);
    }
}

TEST_CASE("what cannot be reached says where it failed")
{
    const TemporaryDirectory directory;
    std::uint16_t closed_port = 0;
    {
        const auto gone = listen(at("127.0.0.1", 0));
        closed_port = gone.port();
    }
    struct Row {
        std::string name;
        config::Address address;
        ConnectStep step;
        error_code wanted;
    };
    const Row rows[] = {
        {"refused", at("127.0.0.1", closed_port), ConnectStep::connect, error::connection_refused},
        {"all refused", at("two.test", closed_port), ConnectStep::connect,
            error::connection_refused},
        {"unknown name", at("absent.test", 80), ConnectStep::resolve, error::host_not_found},
        {"no such file", at_path(directory.file("absent.sock")), ConnectStep::connect,
            error_code(ENOENT, boost::system::system_category())},
        {"path too long", at_path(std::string(108, 'p')), ConnectStep::resolve,
            error::name_too_long},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        Loop loop;
        const net::Connected made = connect(loop, row.address, enough);
        CHECK(made.stream == nullptr);
        CHECK(made.step == row.step);
        CHECK(made.error == row.wanted);
    }
}

TEST_CASE("a longest unix path connects")
{
    const TemporaryDirectory directory;
    std::string path = directory.file("");
    path += std::string(107 - path.size(), 's');
    const auto local = listen(at_path(path));
    Loop loop;
    CHECK_FALSE(connect(loop, at_path(path), enough).error);
}

TEST_CASE("one deadline covers resolving, connecting and shaking hands")
{
    Blackhole blackhole;
    const auto silent = listen(at("127.0.0.1", 0));
    const Certificates certificates;
    net::ClientContext tls(certificates.authority.cert_file, "localhost");
    {
        Loop loop;
        const auto made = connect(loop, at("127.0.0.1", blackhole.socket.port()), Milliseconds(20));
        CHECK(made.error == error::timed_out);
        CHECK(made.step == ConnectStep::connect);
    }
    {
        Loop loop;
        const auto made = connect(loop, at("127.0.0.1", silent.port()), Milliseconds(20), &tls);
        CHECK(made.error == error::timed_out);
        CHECK(made.step == ConnectStep::handshake);
        CHECK(made.stream == nullptr);
    }
}

TEST_CASE("an address that swallows everything leaves time for the next one")
{
    const auto tcp = listen(at("127.0.0.1", 0));
    Blackhole blackhole("127.0.0.2", tcp.port());
    Loop loop;
    CHECK_FALSE(connect(loop, at("two.test", tcp.port()), Milliseconds(400)).error);
}

TEST_CASE("a resolver that hangs does not hold up the caller, and ends later in peace")
{
    Loop loop;
    net::Connected made;
    bool is_early = false;
    auto story = [&]() -> Awaitable<void> {
        made = co_await net::connect(at("slow.test", 80), nullptr, loop.deadlines, soon);
        is_early = true;
        slow_resolver_answers.release();
    };
    loop.run(story());
    CHECK(is_early);
    CHECK(made.error == error::timed_out);
    CHECK(made.step == ConnectStep::resolve);
}

TEST_CASE("a resolver that answers in time is believed")
{
    const auto tcp = listen(at("127.0.0.1", 0));
    Loop loop;
    slow_resolver_answers.release();
    CHECK_FALSE(connect(loop, at("slow.test", tcp.port()), enough).error);
}

TEST_CASE("connects with TLS and refuses a certificate of another name")
{
    const Certificates certificates;
    struct Row {
        std::string name;
        const char* server_name;
        bool is_accepted;
    };
    for (const Row& row :
        {Row{"right", "localhost", true}, Row{"wrong", "elsewhere.test", false}}) {
        CAPTURE(row.name);
        const auto tcp = listen(at("127.0.0.1", 0));
        net::ServerContext server(certificates.server.cert_file, certificates.server.key_file, "");
        net::ClientContext client(certificates.authority.cert_file, row.server_name);
        Loop loop;
        net::Connected made;
        auto peer = [&]() -> Awaitable<void> {
            auto accepting = loop.adopt(tcp.duplicate(), AF_INET);
            co_await accepting.async_wait(net::Socket::wait_read, net::as_values);
            net::Stream stream(
                loop.adopt(::accept(accepting.native_handle(), nullptr, nullptr), AF_INET),
                loop.deadlines);
            co_await stream.handshake_as_server(server, enough);
        };
        auto story = [&]() -> Awaitable<void> {
            made =
                co_await net::connect(at("127.0.0.1", tcp.port()), &client, loop.deadlines, enough);
        };
        loop.run(story(), peer());
        CHECK((made.stream != nullptr) == row.is_accepted);
        CHECK(made.error.failed() == !row.is_accepted);
        if (row.is_accepted) CHECK(made.stream->is_tls());
        if (!row.is_accepted) CHECK(made.step == ConnectStep::handshake);
    }
}
