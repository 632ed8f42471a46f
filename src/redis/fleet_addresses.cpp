#include "redis/fleet_addresses.hpp"

#include "orggate/net/await.hpp"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <set>

namespace orggate::redis {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using Resolver = asio::ip::basic_resolver<Tcp, Executor>;
using SteadyClock = std::chrono::steady_clock;
using Timer = asio::basic_waitable_timer<SteadyClock, asio::wait_traits<SteadyClock>, Executor>;

// Shared by the waiting coroutine and the resolver's completion: either may end first.
struct Lookup {
    explicit Lookup(Executor executor) : resolver(executor), timer(executor) {}
    Resolver resolver;
    Timer timer;  // the deadline; cancelled by the answer
    std::set<asio::ip::address> four, six;
};

void finish(Lookup& lookup, const Resolver::results_type& results)
{
    for (const auto& entry : results) {
        const auto address = entry.endpoint().address();
        (address.is_v4() ? lookup.four : lookup.six).insert(address);
    }
    lookup.timer.cancel();
}

}  // namespace

Awaitable<std::int64_t> count_addresses(
    std::string host_port, Executor executor, Milliseconds deadline)
{
    const auto colon = host_port.rfind(':');
    const auto host = host_port.substr(0, colon);
    const auto port = colon == host_port.npos ? std::string("0") : host_port.substr(colon + 1);
    auto lookup = std::make_shared<Lookup>(executor);
    lookup->timer.expires_after(deadline);
    lookup->resolver.async_resolve(host, port, Resolver::numeric_service,
        [lookup](const boost::system::error_code& error, const Resolver::results_type& results) {
            finish(*lookup, error ? Resolver::results_type() : results);
        });
    // The answer comes through the io_context, so not before this wait.
    co_await lookup->timer.async_wait(net::as_values);
    lookup->resolver.cancel();
    co_return static_cast<std::int64_t>(std::max(lookup->four.size(), lookup->six.size()));
}

}  // namespace orggate::redis
