// What the telemetry listener says.

#include "app/control.hpp"

#include "app/clock.hpp"
#include "orggate/http/assertion.hpp"
#include "orggate/limit/local.hpp"

#include <algorithm>
#include <utility>

namespace orggate::app {
namespace {

Page unknown_page()
{
    return {.status = 404, .body = "orggate telemetry: /startupz /readyz /healthz /metrics\n"};
}

}  // namespace

Awaitable<Page> Control::answer(PageRequest request)
{
    // That we answer at all means: valid configuration, bound listeners, running workers.
    if (request.path == "/startupz") co_return Page{.body = "started\n"};
    if (request.path == "/healthz") co_return liveness();
    if (request.path == "/readyz") co_return co_await readiness(std::move(request));
    if (request.path == "/metrics") co_return metrics();
    if (request.path == "/.well-known/jwks.json" && shared_.signer) {
        Page page;
        page.type = "application/json";
        page.body = shared_.signer->jwks();
        co_return page;
    }
    co_return unknown_page();
}

Page Control::liveness() const
{
    const bool all =
        std::ranges::all_of(workers_, [](const auto& w) { return w->has_turned_lately(); });
    if (all) return {.body = "alive\n"};
    return {.status = 503, .body = "a worker's loop has not turned lately\n"};
}

Awaitable<Page> Control::readiness(PageRequest request)
{
    std::vector<std::string> reasons;
    if (!keys_) reasons.push_back("no usable signing keys");
    if (is_unready_) reasons.push_back("draining");
    for (auto& name : co_await health_->silent())
        reasons.push_back(request.is_local ? "upstream " + name + " does not answer"
                                           : "an upstream does not answer");
    Page page;
    page.status = reasons.empty() ? 200 : 503;
    page.body = reasons.empty() ? "ready\n" : "not ready\n";
    if (!request.is_verbose) co_return page;
    for (const auto& reason : reasons)
        page.body += reason + "\n";
    if (feed_ && request.is_local && !feed_->status().last_error.empty())
        page.body += "keys: " + feed_->status().last_error + "\n";
    co_return page;
}

Page Control::metrics() const
{
    std::vector<const observe::Counters*> counters;
    for (const auto& worker : workers_)
        counters.push_back(&worker->counters());
    std::vector<observe::ProcessMetric> process{
        {"build_info", "Constant 1, labelled with the version.", "gauge",
            "version=\"" ORGGATE_VERSION "\"", 1},
        {"workers", "Worker threads.", "gauge", "", static_cast<double>(workers_.size())},
        {"ready_keys", "Whether a usable key set is there.", "gauge", "", keys_ ? 1.0 : 0.0},
        {"draining", "Whether the process is draining.", "gauge", "",
            phase_ == Phase::serving ? 0.0 : 1.0},
        {"limit_counters", "Counters in the local limit table.", "gauge", "",
            static_cast<double>(shared_.limits->size())},
        {"limit_evictions_total", "Empty counters evicted from the local limit table.", "counter",
            "", static_cast<double>(shared_.limits->evictions())},
        {"log_lines_dropped_total", "Log lines dropped because a sink was too slow.", "counter", "",
            static_cast<double>(log_.dropped())},
    };
    if (feed_) {
        const auto status = feed_->status();
        process.push_back({"key_fetches_total", "Fetches of the key set.", "counter",
            "result=\"ok\"", static_cast<double>(status.fetches_ok)});
        process.push_back({"key_fetches_total", "Fetches of the key set.", "counter",
            "result=\"failed\"", static_cast<double>(status.fetches_failed)});
        if (status.age)
            process.push_back({"keys_age_seconds", "Since the last good fetch of the key set.",
                "gauge", "", std::chrono::duration<double>(*status.age).count()});
    }
    Page page;
    page.type = "text/plain; version=0.0.4; charset=utf-8";
    page.body = observe::render_metrics(config_->names, counters, process);
    return page;
}

}  // namespace orggate::app
