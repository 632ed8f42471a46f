#include "app/readiness.hpp"

#include "app/clock.hpp"
#include "app/fetch.hpp"
#include "orggate/net/connect.hpp"

namespace orggate::app {
namespace {

constexpr Milliseconds probe_deadline{1'000};

}  // namespace

AppHealth::AppHealth(std::shared_ptr<const config::Config> config,
    const std::vector<std::unique_ptr<net::ClientContext>>& tls, net::Deadlines& deadlines)
    : config_(std::move(config)), tls_(tls), deadlines_(deadlines), last_(config_->upstreams.size())
{
}

Awaitable<std::vector<std::string>> AppHealth::silent()
{
    std::vector<std::string> names;
    for (std::size_t i = 0; i < config_->upstreams.size(); ++i) {
        const bool answered = co_await answers(i);
        if (!answered) names.push_back(config_->upstreams[i].name);
    }
    co_return names;
}

Awaitable<bool> AppHealth::answers(std::size_t i)
{
    auto& last = last_[i];
    if (now().steady < last.until) co_return last.answered;
    const auto& upstream = config_->upstreams[i];
    const auto& health = upstream.health;
    if (health.path.empty()) {
        // A connect is enough: no TLS handshake, the app need not be bothered.
        const auto connected =
            co_await net::connect(upstream.address, nullptr, deadlines_, probe_deadline);
        last.answered = connected.stream != nullptr;
    } else {
        const int status = co_await get_status(upstream.address, tls_[i].get(), upstream.authority,
            health.path, deadlines_, probe_deadline);
        last.answered = status >= health.status_from && status <= health.status_to;
    }
    // Bad news is asked about again soon: readiness must not lag behind a starting app.
    last.until = now().steady + (last.answered ? health.interval : health.interval / 8);
    co_return last.answered;
}

}  // namespace orggate::app
