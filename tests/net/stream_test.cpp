#include "orggate/net/stream.hpp"

#include "net/loop.hpp"

#include <boost/asio/error.hpp>

#include <string>

using namespace orggate;
using namespace orggate::test;
namespace error = boost::asio::error;

namespace {

const std::string big(8u << 20, 'x');  // more than both socket buffers hold

Awaitable<void> write_all(net::Stream& stream, std::string_view bytes, error_code& result)
{
    const net::Transfer sent = co_await stream.write(bytes, enough);
    result = sent.error;
    co_await stream.shutdown_send(enough);
}

Awaitable<void> read_all(net::Stream& stream, Received& all)
{
    all = co_await receive_all(stream);
}

Awaitable<void> read_once(net::Stream& stream, Milliseconds deadline, net::Transfer& result)
{
    char buffer[64];
    const std::span<char> room(buffer);
    result = co_await stream.read_some(room, deadline);
}

}  // namespace

TEST_CASE("bytes arrive in order and the end is an eof, over tcp and unix sockets")
{
    for (const Over over : {Over::tcp, Over::unix_socket}) {
        Loop loop;
        Pair pair = make_pair(loop, over);
        Received here, there;
        error_code sent_there, sent_here;
        loop.run(write_all(*pair.ours, "hello", sent_there), read_all(*pair.theirs, there),
            write_all(*pair.theirs, big, sent_here), read_all(*pair.ours, here));
        CHECK_FALSE(sent_there);
        CHECK_FALSE(sent_here);
        CHECK(there.bytes == "hello");
        CHECK(there.error == error::eof);
        CHECK(here.bytes == big);
        CHECK(here.error == error::eof);
    }
}

TEST_CASE("a read past its deadline is timed_out and the stream stays usable")
{
    Loop loop;
    Pair pair = make_pair(loop);
    net::Transfer first, second;
    auto story = [&]() -> Awaitable<void> {
        co_await read_once(*pair.ours, soon, first);
        co_await pair.theirs->write("late", enough);
        co_await read_once(*pair.ours, enough, second);
    };
    loop.run(story());
    CHECK(first.error == error::timed_out);
    CHECK(first.bytes == 0);
    CHECK_FALSE(second.error);
    CHECK(second.bytes == 4);
}

TEST_CASE("a write that makes no progress is timed_out and says how much went out")
{
    Loop loop;
    Pair pair = make_pair(loop);
    net::Transfer sent;
    auto story = [&]() -> Awaitable<void> { sent = co_await pair.ours->write(big, soon); };
    loop.run(story());
    CHECK(sent.error == error::timed_out);
    CHECK(sent.bytes > 0);
    CHECK(sent.bytes < big.size());
}

TEST_CASE("a write's deadline is for progress: a slow reader of much is not cut off")
{
    Loop loop;
    Pair pair = make_pair(loop, Over::unix_socket);
    net::Transfer sent;
    std::size_t got = 0;
    auto writer = [&]() -> Awaitable<void> {
        sent = co_await pair.ours->write(big, Milliseconds(400));
        pair.ours->close();
    };
    // Each piece makes the writer wait anew; all waits together are longer than one deadline.
    auto reader = [&]() -> Awaitable<void> {
        std::string piece(1u << 20, '\0');
        net::Transfer transfer;
        while (!transfer.error) {
            net::Transfer nothing;
            net::Deadline pause(loop.deadlines);
            boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                boost::asio::wait_traits<std::chrono::steady_clock>, Executor>
                timer(loop.io.get_executor(), Milliseconds(1));
            co_await timer.async_wait(net::as_values);
            transfer = co_await pair.theirs->read_some(piece, enough);
            got += transfer.bytes;
        }
    };
    loop.run(writer(), reader());
    CHECK_FALSE(sent.error);
    CHECK(got == big.size());
}

TEST_CASE("a read's timeout leaves a waiting write alone, and the other way round")
{
    Loop loop;
    Pair pair = make_pair(loop);
    net::Transfer sent, read;
    Received there;
    auto writer = [&]() -> Awaitable<void> {
        sent = co_await pair.ours->write(big, enough);
        co_await pair.ours->shutdown_send(enough);
    };
    auto reader = [&]() -> Awaitable<void> {
        co_await read_once(*pair.ours, soon, read);
        there = co_await receive_all(*pair.theirs);
    };
    loop.run(writer(), reader());
    CHECK(read.error == error::timed_out);
    CHECK_FALSE(sent.error);
    CHECK(there.bytes.size() == big.size());

    Loop second;
    Pair other = make_pair(second);
    net::Transfer late;
    auto slow_writer = [&]() -> Awaitable<void> {
        sent = co_await other.ours->write(big, soon);
        co_await other.theirs->write("x", enough);
    };
    second.run(slow_writer(), read_once(*other.ours, enough, late));
    CHECK(sent.error == error::timed_out);
    CHECK_FALSE(late.error);
    CHECK(late.bytes == 1);
}

TEST_CASE("close ends every wait at once")
{
    Loop loop;
    Pair pair = make_pair(loop);
    net::Transfer read, sent;
    auto writer = [&]() -> Awaitable<void> { sent = co_await pair.ours->write(big, enough); };
    auto closer = [&]() -> Awaitable<void> {
        net::Transfer ignored;
        co_await read_once(*pair.theirs, enough, ignored);
        pair.ours->close();
    };
    loop.run(read_once(*pair.ours, enough, read), writer(), closer());
    CHECK(read.error == error::operation_aborted);
    CHECK(sent.error == error::operation_aborted);
    CHECK_FALSE(pair.ours->is_open());
    CHECK(pair.ours->has_something_to_read());
}

TEST_CASE("reset is seen as a reset, close as an end")
{
    struct Row {
        std::string name;
        void (net::Stream::*end)();
        error_code seen;
    };
    const Row rows[] = {
        {"close", &net::Stream::close, error::eof},
        {"reset", &net::Stream::reset, error::connection_reset},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        Loop loop;
        Pair pair = make_pair(loop);
        net::Transfer read;
        ((*pair.ours).*row.end)();
        loop.run(read_once(*pair.theirs, enough, read));
        CHECK(read.error == row.seen);
    }
}

TEST_CASE("writing to a peer that is gone is an error, not a signal")
{
    for (const Over over : {Over::tcp, Over::unix_socket}) {
        Loop loop;
        Pair pair = make_pair(loop, over);
        net::Transfer sent;
        pair.theirs->reset();
        auto story = [&]() -> Awaitable<void> { sent = co_await pair.ours->write(big, enough); };
        loop.run(story());
        CHECK(sent.error);
        CHECK(sent.error != error::timed_out);
    }
}

TEST_CASE("a silent stream has nothing to read; bytes, an end and a reset are something")
{
    struct Row {
        std::string name;
        void (*act)(net::Stream& peer);
        bool wanted;
    };
    const Row rows[] = {
        {"silent", [](net::Stream&) {}, false},
        {"a byte", [](net::Stream& peer) { ::send(peer.socket().native_handle(), "x", 1, 0); },
            true},
        {"the end", [](net::Stream& peer) { peer.close(); }, true},
        {"a reset", [](net::Stream& peer) { peer.reset(); }, true},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        Loop loop;
        Pair pair = make_pair(loop);
        row.act(*pair.theirs);
        CHECK(pair.ours->has_something_to_read() == row.wanted);
        CHECK(pair.ours->has_something_to_read() == row.wanted);
    }
}

TEST_CASE("after shutdown_send the other direction goes on")
{
    Loop loop;
    Pair pair = make_pair(loop);
    Received answer;
    auto client = [&]() -> Awaitable<void> {
        co_await pair.ours->write("question", enough);
        co_await pair.ours->shutdown_send(enough);
        answer = co_await receive_all(*pair.ours);
    };
    auto server = [&]() -> Awaitable<void> {
        const Received question = co_await receive_all(*pair.theirs);
        CHECK(question.bytes == "question");
        co_await pair.theirs->write("answer", enough);
        pair.theirs->close();
    };
    loop.run(client(), server());
    CHECK(answer.bytes == "answer");
    CHECK(answer.error == error::eof);
}

TEST_CASE("the peer's address is textual, IPv4 also when mapped, and empty where there is none")
{
    struct Row {
        std::string name;
        const char* listen;
        const char* connect;
        const char* wanted;
    };
    const Row rows[] = {
        {"IPv4", "127.0.0.1", "127.0.0.1", "127.0.0.1"},
        {"IPv6", "::1", "::1", "::1"},
        {"mapped", "::", "127.0.0.1", "127.0.0.1"},
    };
    using Tcp = boost::asio::ip::tcp;
    for (const Row& row : rows) {
        CAPTURE(row.name);
        Loop loop;
        const Tcp::endpoint at(boost::asio::ip::make_address(row.listen), 0);
        Tcp::acceptor acceptor(loop.io);
        acceptor.open(at.protocol());
        error_code no_such_family;
        acceptor.bind(at, no_such_family);
        if (no_such_family) {
            MESSAGE("no IPv6 here: ", row.name, " not tried");
            continue;
        }
        acceptor.listen();
        Tcp::socket near(loop.io), far(loop.io);
        near.connect(Tcp::endpoint(
            boost::asio::ip::make_address(row.connect), acceptor.local_endpoint().port()));
        acceptor.accept(far);
        const int family = at.protocol().family();
        net::Stream stream(loop.adopt(far.release(), family), loop.deadlines);
        CHECK(stream.peer_address() == row.wanted);
    }
    Loop loop;
    Pair pair = make_pair(loop, Over::unix_socket);
    CHECK(pair.ours->peer_address().empty());
}

TEST_CASE("small writes are sent without delay where asked, and unix sockets do not mind")
{
    Loop loop;
    Pair tcp = make_pair(loop), local = make_pair(loop, Over::unix_socket);
    net::send_without_delay(tcp.ours->socket());
    net::send_without_delay(local.ours->socket());
    boost::asio::ip::tcp::no_delay option;
    tcp.ours->socket().get_option(option);
    CHECK(option.value());
    tcp.theirs->socket().get_option(option);
    CHECK_FALSE(option.value());
}

TEST_CASE("an idle stream holds no buffer")
{
    CHECK(sizeof(net::Stream) <= 256);
}
