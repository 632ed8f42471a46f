#include "redis/node_state.hpp"

#include <algorithm>
#include <utility>

namespace orggate::redis {

namespace {

constexpr Milliseconds least_stuck{100};
constexpr Milliseconds own_lag{20};  // of our timer: several times what a sweep may take
constexpr std::string_view no_answer = "no answer in time";

Outcome failed(Failure failure)
{
    Outcome outcome;
    outcome.failure = failure;
    return outcome;
}

// A server says goodbye so: too many clients, or no memory for our output.
Trouble unasked(const Reply& reply)
{
    Trouble trouble;
    const bool is_goodbye = reply.is(Reply::Kind::error);
    trouble.failure = is_goodbye ? Failure::down : Failure::defect;
    trouble.reason = is_goodbye ? told(reply.text) : "a reply that nobody asked for";
    return trouble;
}

}  // namespace

Failure Node::State::enqueue(const Command& command, ReplyWait* who, Milliseconds deadline)
{
    if (!is_up() || deadline <= Milliseconds{0}) return Failure::not_connected;
    if (!pipeline.has_room(command.bytes.size())) {
        parts.counters.queue_full.add();
        return Failure::not_connected;
    }
    parts.counters.commands.add();
    append(command, who, now(), deadline);
    return Failure::none;
}

void Node::State::append(const Command& command, ReplyWait* who, Time time, Milliseconds deadline)
{
    Pipeline::Entry entry;
    entry.who = who;
    entry.bytes = command.bytes.size();
    entry.replies = command.replies;
    entry.asked = time;
    entry.deadline = time + deadline;
    pipeline.push(entry);
    if (pending.empty()) write_wake.resume();
    pending += command.bytes;
    if (entry.deadline < armed) arm(time);
}

void Node::State::take(Reply reply, Time time)
{
    const Pipeline::Arrival arrival = pipeline.arrive();
    if (arrival.kind == Pipeline::Arrival::Kind::unasked) return drop(unasked(reply), Ending::lost);
    if (arrival.who == nullptr) return;
    Outcome outcome;
    outcome.reply = std::move(reply);
    if (arrival.who == &probe) return take_probe(outcome, time);
    parts.counters.latency.observe(std::chrono::duration_cast<Microseconds>(time - arrival.asked));
    // What an error means for the server's health is the caller's to say.
    if (!outcome.reply.is(Reply::Kind::error)) breaker.succeeded(time);
    arrival.who->answer(std::move(outcome));
}

void Node::State::expire(Time time)
{
    if (is_closed) return;
    // A loop that was busy elsewhere tells nothing about the server.
    const bool was_busy = armed != Time::max() && time - armed > own_lag;
    armed = Time::max();
    expire_waits(time, was_busy ? Fault::ours : Fault::servers);
    const auto oldest = pipeline.oldest();
    if (oldest && time - *oldest >= stuck_after()) {
        Trouble trouble;
        trouble.failure = Failure::timed_out;
        trouble.reason = "no answer for " + std::to_string(stuck_after().count()) + " ms";
        drop(trouble, Ending::lost);
    }
    check_health(time);
    if (is_stopping && (link == nullptr || time >= stop_at)) return shut_down();
    arm(time);
}

void Node::State::expire_waits(Time time, Fault fault)
{
    for (ReplyWait* who : pipeline.expire(time)) {
        if (who == &probe) {
            take_probe(failed(Failure::timed_out), time);
            continue;
        }
        parts.counters.timeouts.add();
        who->answer(failed(Failure::timed_out));
        if (fault == Fault::servers) count_failure(time, no_answer);
    }
}

void Node::State::drop(const Trouble& why, Ending ending)
{
    if (link == nullptr) return;
    const Time time = now();
    std::exchange(link, nullptr)->close();
    pending.clear();
    is_probing = false;
    if (!why.reason.empty()) why_down = why.reason;
    for (const Pipeline::Left& left : pipeline.clear()) {
        if (left.who == &probe) continue;
        if (left.was_written) parts.counters.lost.add();
        left.who->answer(failed(left.was_written ? Failure::lost : Failure::not_connected));
    }
    if (ending == Ending::lost) {
        say_failed("redis connection lost", why, time);
        plan_retry(time, why);
        open_breaker(time);
    }
    update_up();
}

void Node::State::arm(Time time)
{
    const Time due = next_due();
    if (due >= armed || is_closed) return;
    armed = due;
    timer.set(std::max(std::chrono::ceil<Milliseconds>(due - time), Milliseconds{0}));
}

Node::State::Time Node::State::next_due() const
{
    Time due = is_stopping ? stop_at : Time::max();
    if (link == nullptr) return due;
    due = std::min({due, next_check(), pipeline.next_deadline().value_or(due)});
    if (const auto oldest = pipeline.oldest()) due = std::min(due, *oldest + stuck_after());
    return due;
}

Milliseconds Node::State::stuck_after() const
{
    return std::max(least_stuck, 4 * parts.settings.redis.deadline);
}

}  // namespace orggate::redis
