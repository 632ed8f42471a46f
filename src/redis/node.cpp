#include "redis/node.hpp"

#include "redis/node_state.hpp"

#include <utility>

namespace orggate::redis {

Node::State::State(NodeParts node_parts, FindAddress find, Duty node_duty)
    : parts(std::move(node_parts)),
      find_address(std::move(find)),
      duty(node_duty),
      timer(parts.deadlines),
      retry_timer(parts.executor)
{
    timer.on_expiry(
        [](void* owner) {
            auto* state = static_cast<State*>(owner);
            state->expire(state->now());
        },
        this);
}

Node::Node(NodeParts parts, FindAddress find_address, Duty duty)
    : state_(std::make_shared<State>(std::move(parts), std::move(find_address), duty))
{
}

Node::~Node()
{
    state_->shut_down();
}

void Node::start()
{
    state_->spawn_run();
    state_->spawn_writer();
}

void Node::stop(Milliseconds patience)
{
    state_->stop(patience);
}

bool Node::is_up() const
{
    return state_->is_up();
}

std::string_view Node::trouble() const
{
    return is_up() ? std::string_view() : std::string_view(state_->why_down);
}

Awaitable<Outcome> Node::execute(Command command, Milliseconds deadline)
{
    ReplyWait reply;
    const Failure refused = state_->enqueue(command, &reply, deadline);
    if (refused == Failure::none)
        co_await reply.wait();
    else
        reply.outcome().failure = refused;
    co_return std::move(reply.outcome());
}

void Node::send(Command command)
{
    state_->enqueue(command, nullptr, state_->parts.settings.redis.deadline);
}

void Node::report(Failure failure, std::string_view why)
{
    if (failure != Failure::down || state_->is_closed) return;
    const auto time = state_->now();
    state_->count_failure(time, why);
    state_->arm(time);
}

void Node::reconnect()
{
    state_->reconnect();
}

void Node::expire(std::chrono::steady_clock::time_point now)
{
    state_->expire(now);
}

}  // namespace orggate::redis
