#include "redis/connection_setup.hpp"
#include "redis/node_state.hpp"
#include "redis/server_error.hpp"

#include <utility>

namespace orggate::redis {

namespace {

constexpr Milliseconds idle{1'000};            // after so much silence we ask
constexpr Milliseconds between_lines{10'000};  // of one kind in the log

Command ping()
{
    return make_command({"PING"});
}

// Both the server and its scripts: a paused or busy one answers PING and runs nothing.
Command probe_command()
{
    Command command = make_command({"PING"});
    const Command script = make_command({"EVALSHA", probe_script().sha, "0"});
    command.bytes += script.bytes;
    command.replies += script.replies;
    return command;
}

template <class Time>
bool may_say(const std::optional<Time>& last, Time time)
{
    return !last || time - *last >= between_lines;
}

}  // namespace

void Node::State::count_failure(Time time, std::string_view why)
{
    if (!breaker.failed(time)) return;
    why_down = why;
    note_opened(time);
}

void Node::State::open_breaker(Time time)
{
    if (breaker.open(time)) note_opened(time);
}

void Node::State::note_opened(Time time)
{
    parts.counters.breaker_opened.add();
    failed_probes = 1;
    next_probe = time + limit::backoff(failed_probes, parts.world.fraction());
    say_breaker("redis breaker opened", time);
    update_up();
}

void Node::State::check_health(Time time)
{
    if (link == nullptr || is_probing || is_stopping || time < next_check()) return;
    if (!breaker.is_open() && !pipeline.is_empty()) return;
    is_probing = true;
    append(
        breaker.is_open() ? probe_command() : ping(), &probe, time, parts.settings.redis.deadline);
}

Node::State::Time Node::State::next_check() const
{
    if (link == nullptr || is_probing || is_stopping) return Time::max();
    if (breaker.is_open()) return next_probe;
    // A connection in use is watched by its commands.
    return pipeline.is_empty() ? last_heard + idle : Time::max();
}

// Any answer is one, also that we may not ask; but not "I can't now".
void Node::State::take_probe(const Outcome& outcome, Time time)
{
    is_probing = false;
    bool is_good = outcome.failure == Failure::none;
    std::string_view why = "no answer in time";
    if (outcome.reply.is(Reply::Kind::error)) {
        const ServerError error = classify(outcome.reply.text);
        is_good = error.failure != Failure::down;
        why = error.code;
    }
    if (breaker.is_open()) {
        if (!is_good) why_down = why;
        settle_probe(is_good, time);
    } else if (is_good) {
        breaker.succeeded(time);
    } else {
        count_failure(time, why);
    }
    arm(time);
}

void Node::State::settle_probe(bool is_good, Time time)
{
    failed_probes = is_good ? 1 : failed_probes + 1;
    next_probe = time + limit::backoff(failed_probes, parts.world.fraction());
    if (!is_good) return breaker.probe_failed(time);
    if (!breaker.probe_succeeded(time)) return;
    parts.counters.breaker_closed.add();
    say_breaker("redis breaker closed", time);
    update_up();
}

void Node::State::update_up()
{
    if (is_up() == is_counted_up) return;
    is_counted_up = is_up();
    if (is_counted_up)
        parts.counters.up.add();
    else
        parts.counters.up.subtract();
}

void Node::State::say_connected(Time time)
{
    // After a line of trouble the reader wants to know that it is over.
    const bool is_news = said_failed || may_say(said_connected_at, time);
    said_failed = false;
    last_failure = Failure::none;
    if (!is_news) return;
    said_connected_at = time;
    parts.log.event(observe::Level::info, "redis connected",
        {{"server", std::string_view(server)}, {"connection", our_name()}});
}

void Node::State::say_failed(std::string_view what, const Trouble& why, Time time)
{
    // Trouble again and again is one line in ten seconds; that we are not allowed is news.
    const bool is_ours = why.failure == Failure::forbidden;
    const bool is_news =
        may_say(said_failed_at, time) || (is_ours && last_failure != Failure::forbidden);
    last_failure = why.failure;
    if (!is_news) return;
    said_failed_at = time;
    said_failed = true;
    parts.log.event(is_ours ? observe::Level::error : observe::Level::warn, what,
        {{"server", std::string_view(server)}, {"connection", our_name()},
            {"failure", name(why.failure)}, {"reason", std::string_view(why.reason)}});
}

void Node::State::say_breaker(std::string_view what, Time time)
{
    const bool is_closing = !breaker.is_open();
    if (is_closing ? !said_opened : !may_say(said_breaker_at, time)) return;
    said_opened = !is_closing;
    said_breaker_at = time;
    parts.log.event(is_closing ? observe::Level::info : observe::Level::warn, what,
        {{"server", std::string_view(server)}, {"connection", our_name()}});
}

}  // namespace orggate::redis
