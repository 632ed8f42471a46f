#include "orggate/net/tls.hpp"

#include "orggate/net/stream.hpp"

#include "net/certificates.hpp"
#include "net/loop.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

#include <openssl/ssl.h>

#include <fstream>
#include <string>

using namespace orggate;
using namespace orggate::test;
namespace error = boost::asio::error;

namespace {

Certificates& certificates()
{
    static Certificates made;
    return made;
}

net::ServerContext server_context(const std::string& client_ca = {})
{
    const Certificate& server = certificates().server;
    return {server.cert_file, server.key_file, client_ca};
}

net::ClientContext client_context(const std::string& name = "localhost")
{
    return {certificates().authority.cert_file, name};
}

struct Handshakes {
    error_code client, server;
};

Awaitable<void> as_client(net::Stream& stream, net::ClientContext& context, error_code& result)
{
    result = co_await stream.handshake_as_client(context, enough);
    if (result) stream.close();
}

Awaitable<void> as_server(net::Stream& stream, net::ServerContext& context, error_code& result)
{
    result = co_await stream.handshake_as_server(context, enough);
    if (result) stream.close();
}

Handshakes shake_hands(
    Loop& loop, Pair& pair, net::ClientContext& client, net::ServerContext& server)
{
    Handshakes result;
    loop.run(as_client(*pair.ours, client, result.client),
        as_server(*pair.theirs, server, result.server));
    return result;
}

Handshakes meet(net::ClientContext client, net::ServerContext server)
{
    Loop loop;
    Pair pair = make_pair(loop);
    return shake_hands(loop, pair, client, server);
}

// Client and server over TLS, both willing; `story` follows.
struct Session {
    Loop loop;
    Pair pair = make_pair(loop);
    net::ClientContext client = client_context();
    net::ServerContext server = server_context();
    Handshakes result;

    Awaitable<void> then_client(Awaitable<void> story)
    {
        co_await as_client(*pair.ours, client, result.client);
        CHECK_FALSE(result.client);
        co_await std::move(story);
    }
    Awaitable<void> then_server(Awaitable<void> story)
    {
        co_await as_server(*pair.theirs, server, result.server);
        CHECK_FALSE(result.server);
        co_await std::move(story);
    }
    void run(Awaitable<void> at_client, Awaitable<void> at_server)
    {
        loop.run(then_client(std::move(at_client)), then_server(std::move(at_server)));
    }
};

std::string text_in(const std::string& file, const std::string& text)
{
    const std::string path = certificates().directory.file(file);
    std::ofstream(path) << text;
    return path;
}

}  // namespace

TEST_CASE("a peer is believed only with a valid chain and the right subject alternative name")
{
    struct Row {
        std::string name;
        Wanted certificate;
        const char* asked_for;
        bool is_trusted_authority;
        int verdict;  // X509_V_ERR
    };
    Wanted good, only_common_name, expired, future, wild, partial;
    good.names = "DNS:localhost,IP:127.0.0.1,IP:::1";
    only_common_name.common_name = "localhost";
    expired = future = good;
    expired.valid_from = -7200, expired.valid_for = 3600;
    future.valid_from = 3600;
    wild.names = "DNS:*.app.test";
    partial.names = "DNS:w*.app.test";
    const Row rows[] = {
        {"name", good, "localhost", true, X509_V_OK},
        {"name in capitals", good, "LOCALHOST", true, X509_V_OK},
        {"other name", good, "otherhost", true, X509_V_ERR_HOSTNAME_MISMATCH},
        {"name below", good, "a.localhost", true, X509_V_ERR_HOSTNAME_MISMATCH},
        {"address", good, "127.0.0.1", true, X509_V_OK},
        {"IPv6 address", good, "::1", true, X509_V_OK},
        {"bracketed address", good, "[::1]", true, X509_V_OK},
        {"other address", good, "127.0.0.2", true, X509_V_ERR_IP_ADDRESS_MISMATCH},
        {"only a common name", only_common_name, "localhost", true, X509_V_ERR_HOSTNAME_MISMATCH},
        {"wildcard", wild, "www.app.test", true, X509_V_OK},
        {"wildcard two below", wild, "a.www.app.test", true, X509_V_ERR_HOSTNAME_MISMATCH},
        {"partial wildcard", partial, "www.app.test", true, X509_V_ERR_HOSTNAME_MISMATCH},
        {"expired", expired, "localhost", true, X509_V_ERR_CERT_HAS_EXPIRED},
        {"not yet valid", future, "localhost", true, X509_V_ERR_CERT_NOT_YET_VALID},
        {"unknown authority", good, "localhost", false,
            X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY},
    };
    Certificates& all = certificates();
    for (const Row& row : rows) {
        CAPTURE(row.name);
        Wanted root;
        root.common_name = "stranger";
        root.is_authority = true;
        const Certificate stranger = issue(all.directory, "stranger", root);
        const Certificate leaf = issue(all.directory, "leaf", row.certificate,
            row.is_trusted_authority ? &all.authority : &stranger);
        const Handshakes result =
            meet(client_context(row.asked_for), {leaf.cert_file, leaf.key_file, ""});
        if (row.verdict == X509_V_OK) {
            CHECK_FALSE(result.client);
            CHECK_FALSE(result.server);
        } else {
            CHECK(result.client == error_code(row.verdict, net::certificate_category()));
            CHECK(result.client.message() == X509_verify_cert_error_string(row.verdict));
        }
    }
}

TEST_CASE("SNI is sent for names and not for addresses; ALPN agrees on http/1.1")
{
    struct Row {
        std::string name;
        const char* sni;
    };
    for (const Row& row : {Row{"localhost", "localhost"}, Row{"127.0.0.1", nullptr}}) {
        CAPTURE(row.name);
        Loop loop;
        Pair pair = make_pair(loop);
        auto client = client_context(row.name);
        auto server = server_context();
        static std::string seen, protocol;
        seen = protocol = "";
        SSL_CTX_set_info_callback(
            server.native().native_handle(), [](const SSL* ssl, int where, int) {
                if ((where & SSL_CB_HANDSHAKE_DONE) == 0) return;
                const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
                seen = name != nullptr ? name : "";
                const unsigned char* chosen = nullptr;
                unsigned int length = 0;
                SSL_get0_alpn_selected(ssl, &chosen, &length);
                protocol.assign(reinterpret_cast<const char*>(chosen), length);
            });
        const Handshakes result = shake_hands(loop, pair, client, server);
        CHECK_FALSE(result.client);
        CHECK(seen == (row.sni != nullptr ? row.sni : ""));
        CHECK(protocol == "http/1.1");
    }
}

TEST_CASE("a context for many names believes each peer by the host it was asked for")
{
    struct Row {
        std::string name, context_name, host;
        int verdict;  // X509_V_ERR
        std::string sni;
        bool has_no_name = false;
    };
    const Row rows[] = {
        {"a name", "", "localhost", X509_V_OK, "localhost"},
        {"its other name", "", "app.test", X509_V_OK, "app.test"},
        {"an address", "", "127.0.0.1", X509_V_OK, ""},
        {"a name in brackets is none", "", "[localhost", X509_V_ERR_HOSTNAME_MISMATCH, ""},
        {"another name", "", "elsewhere.test", X509_V_ERR_HOSTNAME_MISMATCH, ""},
        {"another address", "", "127.0.0.2", X509_V_ERR_IP_ADDRESS_MISMATCH, ""},
        {"no host", "", "", X509_V_ERR_HOSTNAME_MISMATCH, "", true},
        {"no host in brackets", "", "[]", X509_V_ERR_HOSTNAME_MISMATCH, "", true},
        {"the longest SNI is 255", "", std::string(256, 'x'), X509_V_ERR_HOSTNAME_MISMATCH, "",
            true},
        {"the context's own name", "app.test", "elsewhere.test", X509_V_OK, "app.test"},
        {"the context's, though the host is right", "elsewhere.test", "localhost",
            X509_V_ERR_HOSTNAME_MISMATCH, ""},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        Loop loop;
        Pair pair = make_pair(loop);
        const std::string& ca = certificates().authority.cert_file;
        auto client = row.context_name.empty() ? net::ClientContext::for_many_names(ca)
                                               : net::ClientContext(ca, row.context_name);
        auto server = server_context();
        static std::string seen;
        seen = "";
        SSL_CTX_set_info_callback(
            server.native().native_handle(), [](const SSL* ssl, int where, int) {
                const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
                if ((where & SSL_CB_HANDSHAKE_DONE) != 0) seen = name != nullptr ? name : "";
            });
        Handshakes result;
        auto story = [&]() -> Awaitable<void> {
            result.client = co_await pair.ours->handshake_as_client(client, enough, row.host);
            // Refused before a word was said: nothing can be sent after it.
            if (row.has_no_name) CHECK_FALSE(pair.ours->is_open());
            if (result.client) pair.ours->close();
        };
        loop.run(story(), as_server(*pair.theirs, server, result.server));
        CHECK(seen == row.sni);
        if (row.verdict == X509_V_OK)
            CHECK_FALSE(result.client);
        else
            CHECK(result.client == error_code(row.verdict, net::certificate_category()));
    }
}

TEST_CASE("a connection's name is checked against alternative names alone, wildcards whole")
{
    struct Row {
        std::string name;
        Wanted certificate;
        bool is_believed;
    };
    Wanted common, partial, wild;
    common.common_name = "www.app.test";
    partial.names = "DNS:w*.app.test";
    wild.names = "DNS:*.app.test";
    for (const Row& row : {Row{"only a common name", common, false},
             Row{"partial wildcard", partial, false}, Row{"wildcard", wild, true}}) {
        CAPTURE(row.name);
        Certificates& all = certificates();
        const Certificate leaf = issue(all.directory, "leaf", row.certificate, &all.authority);
        Loop loop;
        Pair pair = make_pair(loop);
        auto client = net::ClientContext::for_many_names(all.authority.cert_file);
        net::ServerContext server(leaf.cert_file, leaf.key_file, "");
        Handshakes result;
        auto story = [&]() -> Awaitable<void> {
            result.client = co_await pair.ours->handshake_as_client(client, enough, "www.app.test");
            if (result.client) pair.ours->close();
        };
        loop.run(story(), as_server(*pair.theirs, server, result.server));
        CHECK(!result.client.failed() == row.is_believed);
    }
}

TEST_CASE("what a client offers decides: TLS below 1.2 and foreign protocols are refused")
{
    struct Row {
        std::string name;
        void (*change)(SSL_CTX*);
        bool is_accepted;
    };
    const Row rows[] = {
        {"TLS 1.3", [](SSL_CTX* c) { SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION); }, true},
        {"TLS 1.2", [](SSL_CTX* c) { SSL_CTX_set_max_proto_version(c, TLS1_2_VERSION); }, true},
        {"TLS 1.1",
            [](SSL_CTX* c) {
                SSL_CTX_set_security_level(c, 0);
                SSL_CTX_set_min_proto_version(c, TLS1_VERSION);
                SSL_CTX_set_max_proto_version(c, TLS1_1_VERSION);
                SSL_CTX_set_cipher_list(c, "ALL");
            },
            false},
        {"no forward secrecy",
            [](SSL_CTX* c) {
                SSL_CTX_set_max_proto_version(c, TLS1_2_VERSION);
                SSL_CTX_set_cipher_list(c, "AES128-GCM-SHA256");
            },
            false},
        {"no ALPN", [](SSL_CTX* c) { SSL_CTX_set_alpn_protos(c, nullptr, 0); }, true},
        {"h2 or http/1.1",
            [](SSL_CTX* c) {
                SSL_CTX_set_alpn_protos(
                    c, reinterpret_cast<const unsigned char*>("\x02h2\x08http/1.1"), 12);
            },
            true},
        {"h2 alone",
            [](SSL_CTX* c) {
                SSL_CTX_set_alpn_protos(c, reinterpret_cast<const unsigned char*>("\x02h2"), 3);
            },
            false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        Loop loop;
        Pair pair = make_pair(loop);
        auto client = client_context();
        auto server = server_context();
        row.change(client.native().native_handle());
        const Handshakes result = shake_hands(loop, pair, client, server);
        CHECK(!result.server.failed() == row.is_accepted);
    }
}

TEST_CASE("with a client authority, only a client of that authority gets in")
{
    Certificates& all = certificates();
    const std::string ca = all.authority.cert_file;
    Wanted wanted;
    const Certificate member = issue(all.directory, "member", wanted, &all.authority);
    const Certificate stranger = issue(all.directory, "stranger", wanted);

    const auto member_result =
        meet({ca, "localhost", member.cert_file, member.key_file}, server_context(ca));
    CHECK_FALSE(member_result.server);
    const auto stranger_result =
        meet({ca, "localhost", stranger.cert_file, stranger.key_file}, server_context(ca));
    CHECK(stranger_result.server.category() == net::certificate_category());
    const auto nobody_result = meet({ca, "localhost"}, server_context(ca));
    CHECK(nobody_result.server);
}

TEST_CASE("a context names the file that is wrong")
{
    const Certificate& good = certificates().server;
    Wanted wanted;
    const Certificate other = issue(certificates().directory, "other", wanted);
    const std::string garbage = text_in("garbage.pem", "not PEM\n");
    const std::string absent = certificates().directory.file("absent.pem");
    const std::string ca = certificates().authority.cert_file;

    struct Row {
        std::string name;
        std::function<void()> make;
        std::string file;
    };
    const Row rows[] = {
        {"absent certificate", [&] { net::ServerContext(absent, good.key_file, ""); }, absent},
        {"garbage certificate", [&] { net::ServerContext(garbage, good.key_file, ""); }, garbage},
        {"absent key", [&] { net::ServerContext(good.cert_file, absent, ""); }, absent},
        {"another's key", [&] { net::ServerContext(good.cert_file, other.key_file, ""); },
            other.key_file},
        {"garbage client ca", [&] { net::ServerContext(good.cert_file, good.key_file, garbage); },
            garbage},
        {"absent ca", [&] { net::ClientContext(absent, "localhost"); }, absent},
        {"garbage ca", [&] { net::ClientContext(garbage, "localhost"); }, garbage},
        {"absent client certificate",
            [&] { net::ClientContext(ca, "localhost", absent, good.key_file); }, absent},
        {"no name", [&] { net::ClientContext(ca, ""); }, "\"\""},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        std::string text;
        try {
            row.make();
        } catch (const std::runtime_error& failure) {
            text = failure.what();
        }
        CAPTURE(text);
        CHECK(text.find(row.file) == 0);
    }
}

TEST_CASE("bytes go both ways at once over TLS, in amounts that no buffer holds")
{
    const std::string big(3u << 20, 'y');
    Session session;
    net::Stream &ours = *session.pair.ours, &theirs = *session.pair.theirs;
    Received here, there;
    auto write = [&](net::Stream& stream) -> Awaitable<void> {
        const net::Transfer sent = co_await stream.write(big, enough);
        CHECK_FALSE(sent.error);
        co_await stream.shutdown_send(enough);
    };
    auto read = [&](net::Stream& stream, Received& into) -> Awaitable<void> {
        into = co_await receive_all(stream);
    };
    auto both = [&](net::Stream& stream, Received& into) -> Awaitable<void> {
        session.loop.spawn(write(stream));
        co_await read(stream, into);
    };
    session.run(both(ours, here), both(theirs, there));
    CHECK(ours.is_tls());
    CHECK(here.bytes == big);
    CHECK(there.bytes == big);
    CHECK(here.error == error::eof);
    CHECK(there.error == error::eof);
}

TEST_CASE("an end without close_notify is not an eof")
{
    Session session;
    Received got;
    auto client = [&]() -> Awaitable<void> { got = co_await receive_all(*session.pair.ours); };
    auto server = [&]() -> Awaitable<void> {
        co_await session.pair.theirs->write("half an ans", enough);
        session.pair.theirs->close();
    };
    session.run(client(), server());
    CHECK(got.bytes == "half an ans");
    CHECK(got.error == boost::asio::ssl::error::stream_truncated);
}

TEST_CASE("deadlines hold over TLS, and a read can be tried again")
{
    Session session;
    std::string got;
    net::Transfer late, blocked;
    const std::string big(16u << 20, 'z');
    auto client = [&]() -> Awaitable<void> {
        char buffer[16];
        const std::span<char> room(buffer);
        late = co_await session.pair.ours->read_some(room, soon);
        co_await session.pair.ours->write("go", enough);
        got = co_await receive(*session.pair.ours, 4);
        blocked = co_await session.pair.ours->write(big, soon);
    };
    auto server = [&]() -> Awaitable<void> {
        const std::string go = co_await receive(*session.pair.theirs, 2);
        CHECK(go == "go");
        co_await session.pair.theirs->write("late", enough);
    };
    session.run(client(), server());
    CHECK(late.error == error::timed_out);
    CHECK(got == "late");
    CHECK(blocked.error == error::timed_out);
}

TEST_CASE("a silent handshake ends at its deadline, a garbled one at once")
{
    Loop loop;
    Pair pair = make_pair(loop);
    auto context = server_context();
    error_code silent, garbled;
    auto story = [&]() -> Awaitable<void> {
        silent = co_await pair.theirs->handshake_as_server(context, soon);
    };
    loop.run(story());
    CHECK(silent == error::timed_out);

    Loop other;
    Pair second = make_pair(other);
    auto plain = [&]() -> Awaitable<void> {
        co_await second.ours->write("GET / HTTP/1.1\r\nHost: a\r\n\r\n", enough);
        garbled = co_await second.theirs->handshake_as_server(context, enough);
    };
    other.run(plain());
    CHECK(garbled.category() == error::get_ssl_category());
}

TEST_CASE("session tickets do not make an idle connection busy; data and ends do")
{
    Session session;
    bool with_tickets = true, with_data = false, with_end = false;
    std::string first, second;
    net::Stream &ours = *session.pair.ours, &theirs = *session.pair.theirs;
    auto client = [&]() -> Awaitable<void> {
        // The server has answered, so its tickets, sent before, are here as well.
        char byte = 0;
        const auto waiting =
            ::recv(ours.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        CHECK(waiting == 1);
        with_tickets = ours.has_something_to_read();
        co_await ours.write("a", enough);
        first = co_await receive(ours, 3);
        with_data = ours.has_something_to_read();
        second = co_await receive(ours, 3);
        co_await ours.write("b", enough);
        const Received end = co_await receive_all(ours);
        CHECK(end.error == error::eof);
        with_end = ours.has_something_to_read();
    };
    auto server = [&]() -> Awaitable<void> {
        const std::string a = co_await receive(theirs, 1);
        co_await theirs.write("onetwo", enough);
        const std::string b = co_await receive(theirs, 1);
        co_await theirs.shutdown_send(enough);
    };
    auto after_server = [&]() -> Awaitable<void> {
        co_await as_client(ours, session.client, session.result.client);
        // Lets the server finish its side of the handshake first.
        while (ours.socket().available() == 0)
            co_await boost::asio::post(session.loop.io.get_executor(), net::as_values);
        co_await client();
    };
    session.loop.run(after_server(), session.then_server(server()));
    CHECK_FALSE(with_tickets);
    CHECK(with_data);
    CHECK(with_end);
    CHECK(first + second == "onetwo");
}

TEST_CASE("a closed TLS stream touches no descriptor again")
{
    Session session;
    net::Transfer read, sent;
    auto client = [&]() -> Awaitable<void> {
        session.pair.ours->close();
        char buffer[4];
        const std::span<char> room(buffer);
        read = co_await session.pair.ours->read_some(room, enough);
        sent = co_await session.pair.ours->write("x", enough);
        co_await session.pair.ours->shutdown_send(enough);
    };
    auto server = []() -> Awaitable<void> { co_return; };
    session.run(client(), server());
    CHECK(read.error);
    CHECK(sent.error);
}
