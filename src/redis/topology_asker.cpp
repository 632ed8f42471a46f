#include "redis/topology_asker.hpp"

#include <utility>

namespace orggate::redis {

Asker::Asker(const NodeParts& parts, Credentials who)
    : executor(parts.executor),
      deadlines(parts.deadlines),
      clock(parts.world.clock),
      tls(parts.settings.tls),
      client_name(parts.settings.client_name),
      credentials(std::move(who))
{
}

Awaitable<Introduced> Asker::connect(config::Address address, Milliseconds deadline) const
{
    Introduced made;
    auto connection = std::make_unique<Connection>(deadlines, clock);
    const TimeLimit limit(deadlines, *connection, deadline);
    Trouble trouble = co_await connection->open(std::move(address), tls);
    if (!trouble) trouble = co_await introduce(*connection, credentials, client_name, deadline);
    if (!trouble && connection->is_open())
        made.connection = std::move(connection);
    else
        made.reason = trouble.reason.empty() ? "no answer in time" : std::move(trouble.reason);
    co_return made;
}

TimeLimit::TimeLimit(net::Deadlines& deadlines, Connection& connection, Milliseconds from_now)
    : deadline_(deadlines)
{
    deadline_.on_expiry([](void* owner) { static_cast<Connection*>(owner)->close(); }, &connection);
    deadline_.set(from_now);
}

}  // namespace orggate::redis
