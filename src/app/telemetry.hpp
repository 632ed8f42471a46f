// The telemetry listener: probes and metrics, on the control thread. Never asks
// anybody for anything but whether the app answers.

#pragma once

#include "orggate/awaitable.hpp"
#include "orggate/net/deadlines.hpp"
#include "orggate/net/listening_socket.hpp"
#include "orggate/net/stream.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace orggate::app {

struct Page {
    int status = 200;
    std::string type = "text/plain; charset=utf-8";
    std::string body;
};

struct PageRequest {
    std::string path;         // without its query
    bool is_verbose = false;  // ?verbose
    bool is_local = false;    // asked from loopback: reasons in full
};

class Telemetry {
public:
    using Answer = std::function<Awaitable<Page>(PageRequest)>;

    Telemetry(Executor executor, net::Deadlines& deadlines, const net::ListeningSocket& socket,
        Answer answer);

    Awaitable<void> run();  // until stop()
    void stop();

private:
    Awaitable<void> serve(net::Socket socket);

    using Acceptor =
        boost::asio::basic_socket_acceptor<boost::asio::generic::stream_protocol, Executor>;
    net::Deadlines& deadlines_;
    Acceptor acceptor_;
    Answer answer_;
    bool stopped_ = false;
    std::size_t open_ = 0;  // connections
};

}  // namespace orggate::app
