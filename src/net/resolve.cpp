#include "net/resolve.hpp"

#include "orggate/net/await.hpp"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <memory>

namespace orggate::net {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Tcp = asio::ip::tcp;
using Resolver = asio::ip::basic_resolver<Tcp, Executor>;
using SteadyClock = std::chrono::steady_clock;
using Timer = asio::basic_waitable_timer<SteadyClock, asio::wait_traits<SteadyClock>, Executor>;

// Shared by the waiting coroutine and the resolver's completion: either may end first.
struct Lookup {
    explicit Lookup(Executor executor) : resolver(executor), timer(executor) {}
    Resolver resolver;
    Timer timer;  // the deadline; cancelled by the answer
    bool is_answered = false;
    Resolved found;
};

void finish(Lookup& lookup, const error_code& error, const Resolver::results_type& results)
{
    lookup.is_answered = true;
    lookup.found.error = error;
    for (const auto& entry : results)
        lookup.found.endpoints.emplace_back(entry.endpoint());
    if (!error && lookup.found.endpoints.empty()) lookup.found.error = asio::error::host_not_found;
    lookup.timer.cancel();
}

void start(
    const std::shared_ptr<Lookup>& lookup, const std::string& host, const std::string& service)
{
    lookup->resolver.async_resolve(host, service, Resolver::numeric_service,
        [lookup](const error_code& error, const Resolver::results_type& results) {
            finish(*lookup, error, results);
        });
}

std::string without_brackets(const std::string& host)
{
    if (host.size() < 2 || host.front() != '[' || host.back() != ']') return host;
    return host.substr(1, host.size() - 2);
}

}  // namespace

Awaitable<Resolved> resolve(
    std::string host, std::uint16_t port, Executor executor, Milliseconds deadline)
{
    host = without_brackets(host);
    error_code not_numeric;
    const auto address = asio::ip::make_address(host, not_numeric);
    if (!not_numeric) {
        Resolved found;
        found.endpoints.emplace_back(Tcp::endpoint(address, port));
        co_return found;
    }

    auto lookup = std::make_shared<Lookup>(executor);
    lookup->timer.expires_after(deadline);
    start(lookup, host, std::to_string(port));
    // The answer comes through the io_context, so not before this wait.
    co_await lookup->timer.async_wait(as_values);
    if (!lookup->is_answered) {
        lookup->resolver.cancel();  // one still waiting for its turn is not begun
        lookup->found.error = asio::error::timed_out;
    }
    co_return lookup->found;
}

}  // namespace orggate::net
