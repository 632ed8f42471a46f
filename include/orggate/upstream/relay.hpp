// One exchange with the protected service: the request goes up, its answer comes down,
// both streamed, both at once where the service answers early.
// One io_context, not thread-safe.

#pragma once

#include "orggate/config/config.hpp"
#include "orggate/denial.hpp"
#include "orggate/http/body.hpp"
#include "orggate/http/request_head.hpp"
#include "orggate/http/response_head.hpp"
#include "orggate/net/input.hpp"
#include "orggate/net/signal.hpp"
#include "orggate/observe/counters.hpp"
#include "orggate/time.hpp"
#include "orggate/upstream/pool.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace orggate::upstream {

// What may be sent a second time: an idempotent request of which no body byte has left,
// on a connection that had rested in the pool, and to which nothing was answered.
// Source: RFC 9112 section 9.3.1, RFC 9110 section 9.2.2.
struct Attempt {
    std::string_view method;
    bool from_pool = false;
    bool body_sent = false;
    bool answer_begun = false;
    Denial denial = Denial::upstream_closed;
};
bool may_retry(const Attempt& attempt);

struct Job {
    net::Stream& client;
    net::Input& input;  // behind the request's head
    const http::RequestHead& request;
    std::string head;  // composed for the upstream; what has come of the body is added
    const config::RouteSettings& route;
    const config::WebSocket& websocket;
    Clock clock;
};

// How the delivery of an answer ended.
struct Delivery {
    bool is_complete = false;      // the client has all of it
    bool client_may_stay = false;  // its connection can carry another request
    std::optional<Denial> cut;     // why it is not complete; nothing: the client left
    std::uint64_t bytes = 0;       // written to the client
};

class Relay {
public:
    Relay(Job job, Pool& pool, observe::Counters& counters);
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;

    // Sends the request and waits for the final answer's head; interim answers are
    // passed on. The request's body goes on flowing behind it.
    // Refuses: upstream_…, and for the body bad_chunk, chunk_extension, trailer_refused,
    //          body_truncated, body_timeout, body_too_large. Nothing runs on after a refusal.
    Awaitable<Result<const http::ResponseHead*>> ask();

    // Streams the answer to the client, or tunnels after a switch to WebSocket. Call
    // once, after ask() succeeded. Nothing runs on after it.
    Awaitable<Delivery> deliver(http::ClientHead client);

    // The client went away before its answer came; ask() has refused for that reason.
    bool client_has_left() const { return client_left_; }
    std::uint64_t bytes_received() const { return body_bytes_; }
    // Whether the request's body has been read to its end.
    bool has_whole_body() const { return reader_.is_done() && !body_refused_; }

private:
    Awaitable<Result<const http::ResponseHead*>> send_and_wait();
    Awaitable<Delivery> pass_on(http::ClientHead client);
    Awaitable<Result<void>> attempt();
    Awaitable<Result<void>> read_answer_head();
    Awaitable<net::Transfer> wait_for_answer();
    Awaitable<Result<void>> pass_on_interim();
    Awaitable<void> upload();
    Awaitable<void> stop_upload();
    Awaitable<bool> send_answer(http::ClientFraming framing, Delivery& delivery);
    Awaitable<net::Transfer> wait_for_body();
    Awaitable<bool> write_to_client(std::string& bytes, Delivery& delivery);
    Awaitable<void> tunnel(Delivery& delivery);
    Awaitable<void> copy(net::Stream& from, net::Stream& to, std::uint64_t& bytes);

    // How many of `bytes` belong to the request's body; their payload goes to `out`.
    Result<std::size_t> take_body(std::string_view bytes, std::string& out);
    Result<std::size_t> frame_body(std::string_view bytes, std::string& out);
    void start_upload();
    void fail_upload(Denial denial);
    bool upload_is_running() const { return upload_ && !upload_->is_set(); }
    void release_connection();

    Job job_;
    Pool& pool_;
    observe::Counters& counters_;
    std::unique_ptr<Connection> connection_;

    http::BodyReader reader_;  // of the request's body
    std::uint64_t body_bytes_ = 0;
    bool body_sent_ = false, answer_begun_ = false, stopping_ = false, client_left_ = false,
         upload_cut_ = false, body_refused_ = false;
    std::optional<net::Signal> upload_;  // set when the upload has ended
    std::optional<Denial> upload_denial_;
    std::string gathered_;                                   // payload on its way
    std::chrono::steady_clock::time_point last_activity_{};  // of a tunnel
};

}  // namespace orggate::upstream
