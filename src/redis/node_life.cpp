#include "redis/connection_setup.hpp"
#include "redis/node_state.hpp"

#include "orggate/net/await.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace orggate::redis {

namespace {

namespace asio = boost::asio;

constexpr Milliseconds whole_set_up{2'000}, write_progress{5'000};
constexpr Milliseconds healthy_after{10'000}, lasted{1'000};
constexpr int long_backoff = 5;  // as after so many failures: it will not pass at once

}  // namespace

// An exception is nobody's plan; the node must outlive it all the same.
void Node::State::spawn_run()
{
    auto ended = [state = shared_from_this()](std::exception_ptr failure) {
        if (!failure || state->is_closed) return;  // cancelled
        Trouble trouble;
        trouble.failure = Failure::defect;
        trouble.reason = "an exception";
        state->attempt.reset();
        if (state->link != nullptr)
            state->drop(trouble, Ending::lost);
        else
            state->fail_attempt(trouble);
        state->spawn_run();
    };
    asio::co_spawn(
        parts.executor, run(), asio::bind_cancellation_slot(cancel.slot(), std::move(ended)));
}

void Node::State::spawn_writer()
{
    asio::co_spawn(
        parts.executor, write_commands(), [state = shared_from_this()](std::exception_ptr failure) {
            if (failure && !state->is_closed) state->spawn_writer();
        });
}

void Node::State::stop(Milliseconds patience)
{
    if (is_stopping) return;
    is_stopping = true;
    why_down = "stopped";
    update_up();
    const Time time = now();
    stop_at = time + patience;
    if (link == nullptr || pipeline.is_empty() || patience <= Milliseconds{0}) return shut_down();
    arm(time);
}

void Node::State::shut_down()
{
    if (std::exchange(is_closed, true)) return;
    is_stopping = true;
    Trouble none;
    drop(none, Ending::deliberate);
    if (attempt != nullptr) attempt->close();
    timer.clear();
    write_wake.resume();
    cancel.emit(asio::cancellation_type::terminal);
}

void Node::State::reconnect()
{
    if (is_closed) return;
    Trouble wished;
    wished.reason = "a new connection is wanted";
    const bool has_lasted = link == nullptr || now() - connected_at >= lasted;
    starts_over = attempt != nullptr;
    if (starts_over) attempt->close();
    drop(wished, Ending::deliberate);
    // A server that keeps sending us away must not be asked without pause.
    if (!has_lasted) return plan_retry(now(), wished);
    retry_in = Milliseconds{0};
    retry_timer.cancel();
}

Awaitable<void> Node::State::run()
{
    const auto self = shared_from_this();
    while (!is_stopping) {
        co_await back_off();
        co_await connect_once();
    }
}

Awaitable<void> Node::State::back_off()
{
    if (retry_in <= Milliseconds{0}) co_return;
    retry_timer.expires_after(retry_in);
    co_await retry_timer.async_wait(net::as_values);
}

Awaitable<void> Node::State::connect_once()
{
    starts_over = false;
    retry_in = Milliseconds{0};
    auto connection = std::make_shared<Connection>(parts.deadlines, parts.world.clock);
    attempt = connection;
    Trouble trouble;
    std::optional<config::Address> address = co_await find_address();
    if (address) {
        server = text_of(*address);
        trouble = co_await establish(*connection, std::move(*address));
    } else {
        trouble.failure = Failure::not_connected;
        trouble.reason = "its address is not known";
    }
    attempt.reset();
    if (is_stopping || starts_over) co_return connection->close();
    if (!trouble) {
        begin(connection);
        co_return co_await read_replies(std::move(connection));
    }
    fail_attempt(trouble);
}

void Node::State::fail_attempt(const Trouble& why)
{
    const Time time = now();
    parts.counters.connect_failures.add();
    why_down = why.reason;
    say_failed("redis cannot be used", why, time);
    plan_retry(time, why);
}

Awaitable<Trouble> Node::State::establish(Connection& connection, config::Address address)
{
    const Time end = now() + whole_set_up;
    Trouble trouble = co_await connection.open(std::move(address), parts.settings.tls);
    if (trouble) co_return trouble;
    const auto left = std::chrono::ceil<Milliseconds>(end - now());
    co_return co_await set_up(connection, parts.settings, duty, left);
}

void Node::State::begin(std::shared_ptr<Connection> connection)
{
    const Time time = now();
    link = std::move(connection);
    connected_at = last_heard = next_probe = time;
    parts.counters.connects.add();
    parts.counters.script_loads.add(parts.settings.scripts.size());
    say_connected(time);
    update_up();
    expire(time);  // asks at once whether all is well, if the breaker is open
}

Awaitable<void> Node::State::read_replies(std::shared_ptr<Connection> connection)
{
    Reader& reader = connection->reader();
    Trouble trouble;
    while (!trouble) {
        const Time time = now();
        while (auto reply = reader.next()) {
            take(std::move(*reply), time);
            if (link != connection) co_return;
        }
        last_heard = time;
        if (is_stopping && pipeline.is_empty()) co_return shut_down();
        if (!reader.error().empty()) {
            trouble.failure = Failure::defect;
            trouble.reason = "not RESP: " + std::string(reader.error());
            break;
        }
        const net::Transfer got =
            co_await connection->stream().read_some(connection->room(), Milliseconds::max());
        if (link != connection) co_return;
        if (got.error) {
            trouble.failure = Failure::lost;
            trouble.reason = got.error.message();
        }
        reader.feed(std::string_view(connection->room().data(), got.bytes));
    }
    drop(trouble, Ending::lost);
}

// Whatever was asked for during a write, or during the turn that woke the writer, goes out in
// one piece.
Awaitable<void> Node::State::write_commands()
{
    const auto self = shared_from_this();
    std::string bytes;
    while (!is_closed) {
        co_await write_wake.wait();
        while (link != nullptr && !pending.empty()) {
            const auto connection = link;
            bytes.clear();
            bytes.swap(pending);
            pipeline.note_written();
            const net::Transfer sent = co_await connection->stream().write(bytes, write_progress);
            if (!sent.error || link != connection) continue;
            Trouble trouble;
            trouble.failure = Failure::lost;
            trouble.reason = sent.error.message();
            drop(trouble, Ending::lost);
        }
    }
}

void Node::State::plan_retry(Time time, const Trouble& why)
{
    const bool was_healthy = connected_at != Time() && time - connected_at >= healthy_after;
    if (was_healthy) failures = 0;
    connected_at = Time();
    ++failures;
    const bool lasts = why.failure == Failure::down || why.failure == Failure::forbidden;
    if (lasts) failures = std::max(failures, long_backoff);
    retry_in = limit::backoff(failures, parts.world.fraction());
}

}  // namespace orggate::redis
