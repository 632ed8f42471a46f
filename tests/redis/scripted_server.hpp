// A server whose every answer is a function of the command, in the test's own io_context.

#pragma once

#include "redis/fake_server.hpp"

#include "orggate/net/await.hpp"
#include "orggate/net/tls.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace orggate::test {

class ScriptedServer {
public:
    // Bytes to answer with; empty: those of a healthy primary.
    using Rule = std::function<std::string(const Words&, FakePeer&)>;

    ScriptedServer(boost::asio::io_context& io, net::Deadlines& deadlines, std::uint16_t port,
        Rule rule, net::ServerContext* tls = nullptr)
        : state_(std::make_shared<State>(io, deadlines, port, std::move(rule), tls))
    {
        boost::asio::co_spawn(io, accept(state_), boost::asio::detached);
    }
    ~ScriptedServer()
    {
        boost::system::error_code ignored;
        state_->acceptor.close(ignored);
        for (const auto& peer : state_->peers)
            peer->close();
    }

private:
    using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, Executor>;
    struct State {
        State(boost::asio::io_context& io, net::Deadlines& all, std::uint16_t port, Rule answers,
            net::ServerContext* over)
            : acceptor(io.get_executor(), {boost::asio::ip::address_v4::loopback(), port}),
              deadlines(all),
              rule(std::move(answers)),
              tls(over)
        {
        }
        Acceptor acceptor;
        net::Deadlines& deadlines;
        Rule rule;
        net::ServerContext* tls;  // null: clear text
        std::vector<std::shared_ptr<FakePeer>> peers;
    };

    static Awaitable<void> accept(std::shared_ptr<State> state)
    {
        while (true) {
            net::Socket socket(state->acceptor.get_executor());
            const auto [error] = co_await state->acceptor.async_accept(socket, net::as_values);
            if (error) co_return;
            auto peer = std::make_shared<FakePeer>(std::move(socket), state->deadlines);
            state->peers.push_back(peer);
            boost::asio::co_spawn(
                state->acceptor.get_executor(), serve(state, peer), boost::asio::detached);
        }
    }

    static Awaitable<void> serve(std::shared_ptr<State> state, std::shared_ptr<FakePeer> peer)
    {
        if (state->tls != nullptr) {
            const auto error = co_await peer->stream.handshake_as_server(*state->tls, enough);
            if (error) co_return peer->close();
        }
        while (true) {
            const Words words = co_await peer->command();
            if (words.empty()) co_return;
            std::string bytes = state->rule(words, *peer);
            if (bytes.empty()) bytes = healthy_reply(words).value_or("-ERR unknown command\r\n");
            co_await peer->say(std::move(bytes));
        }
    }

    std::shared_ptr<State> state_;
};

inline std::string bulk(const std::string& text)
{
    return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

}  // namespace orggate::test
