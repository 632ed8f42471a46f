// A small HTTP/1.1 server on loopback: one thread, many connections, plain or TLS.
// It can misbehave on demand, which is why an answer says how it is delivered.

#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include <chrono>
#include <functional>
#include <memory>

namespace clerk_sim {

using Request = boost::beast::http::request<boost::beast::http::string_body>;
using Response = boost::beast::http::response<boost::beast::http::string_body>;

enum class Delivery {
    whole,
    half,     // half of the bytes, then the connection ends
    nothing,  // the connection ends without an answer
};

struct Answer {
    Response message;
    std::chrono::milliseconds delay{0};  // before the first byte
    Delivery delivery = Delivery::whole;
    std::shared_ptr<void> until_sent;  // let go once the answer is out
};

using Handler = std::function<Answer(const Request&)>;

struct Server {
    boost::asio::ip::tcp::acceptor acceptor;
    boost::asio::ssl::context* tls = nullptr;  // null: plain HTTP
    Handler handler;
    std::function<void()> on_connection;
};

// Accepts until the io_context is stopped. `server` outlives it.
void start(Server& server);

}  // namespace clerk_sim
