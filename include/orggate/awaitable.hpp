// The one coroutine type of the program, bound to the concrete executor:
// a type-erased executor costs an allocation and two virtual calls per wait.

#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

namespace orggate {

using Executor = boost::asio::io_context::executor_type;

template <class T>
using Awaitable = boost::asio::awaitable<T, Executor>;

}  // namespace orggate
