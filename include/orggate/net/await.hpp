// The completion token of every wait: errors come back as values, on the concrete
// executor.

#pragma once

#include "orggate/awaitable.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace orggate::net {

// auto [error, bytes] = co_await socket.async_read_some(buffer, as_values);
inline constexpr auto as_values = boost::asio::as_tuple(boost::asio::use_awaitable_t<Executor>{});

}  // namespace orggate::net
