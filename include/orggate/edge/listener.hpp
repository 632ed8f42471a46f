// Accepts connections, for ever: an error to accept is counted and waited out, never
// the end of listening. One io_context, not thread-safe.

#pragma once

#include "orggate/awaitable.hpp"
#include "orggate/edge/station.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>

namespace orggate::edge {

class Listener {
public:
    // Takes the descriptor of a listening socket: this worker's own duplicate.
    Listener(Station& station, int descriptor, int family);

    // Until drain(); then takes what is still in the accept queue and closes.
    Awaitable<void> run();
    void drain();

private:
    using Acceptor =
        boost::asio::basic_socket_acceptor<boost::asio::generic::stream_protocol, Executor>;
    bool seat(net::Socket socket);
    void empty_the_queue();

    Station& station_;
    Acceptor acceptor_;
    bool draining_ = false;
};

}  // namespace orggate::edge
