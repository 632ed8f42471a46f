// A small HTTP server for people, probes and scripts: one request to a connection, no body,
// on the control thread. Telemetry and admin are served by one of these each.

#pragma once

#include "orggate/awaitable.hpp"
#include "orggate/net/deadlines.hpp"
#include "orggate/net/input.hpp"
#include "orggate/net/listening_socket.hpp"
#include "orggate/net/stream.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace orggate::app {

struct Page {
    int status = 200;
    std::string type = "text/plain; charset=utf-8";
    std::string body;
};

struct PageRequest {
    std::string method;
    std::string path, query;            // as sent
    std::string host;                   // the Host field
    std::string authorization;          // its field; empty: none
    bool has_body = false;              // which is not read
    bool is_local = false;              // asked from loopback, or over a unix socket
    std::optional<unsigned> unix_user;  // who asks, over a unix socket; nothing: unknown
};

class PageServer {
public:
    using Answer = std::function<Awaitable<Page>(PageRequest)>;

    PageServer(Executor executor, net::Deadlines& deadlines, const net::ListeningSocket& socket,
        Answer answer);

    Awaitable<void> run();  // until stop()
    void stop();

private:
    Awaitable<void> serve(net::Socket socket);
    Awaitable<std::size_t> wait_for_head(net::Stream& client, net::Input& input);

    using Acceptor =
        boost::asio::basic_socket_acceptor<boost::asio::generic::stream_protocol, Executor>;
    net::Deadlines& deadlines_;
    Acceptor acceptor_;
    Answer answer_;
    bool stopped_ = false;
    std::size_t open_ = 0;               // connections
    std::deque<net::Stream*> silent_{};  // that have asked nothing yet, the oldest first
};

}  // namespace orggate::app
