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
    if (request.method != "GET" && request.method != "HEAD")
        co_return Page{.status = 405, .body = "only GET and HEAD\n"};
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
    const auto silent = co_await health_->silent();
    for (const auto& name : silent)
        reasons.push_back("upstream " + name + " does not answer");
    log_readiness(reasons);

    Page page;
    page.status = reasons.empty() ? 200 : 503;
    page.body = reasons.empty() ? "ready\n" : "not ready\n";
    if (request.query != "verbose") co_return page;
    // Names are for loopback alone; they come last.
    if (!request.is_local && !silent.empty()) {
        reasons.resize(reasons.size() - silent.size());
        reasons.push_back("an upstream does not answer");
    }
    for (const auto& reason : reasons)
        page.body += reason + "\n";
    if (!request.is_local) co_return page;
    if (feed_ && !feed_->status().last_error.empty())
        page.body += "keys: " + feed_->status().last_error + "\n";
    page.body += redis_line();
    if (tenants_file_ && !tenants_file_->is_good())
        page.body += "tenants file: bad, the last good list is in force\n";
    co_return page;
}

// Empty: all is well. Not being ready would not help: limits hold without Redis too.
std::string Control::redis_line() const
{
    if (!store_) return {};
    const auto trouble = store_->trouble();
    if (fleet_->is_up()) return trouble.empty() ? trouble : "redis: " + trouble + "\n";
    return "redis: away, each process holds limits alone" +
           (trouble.empty() ? trouble : " (" + trouble + ")") + "\n";
}

// Found out when somebody asks, told once for each change.
void Control::log_readiness(const std::vector<std::string>& reasons)
{
    std::string text;
    for (const auto& reason : reasons)
        text.append(text.empty() ? "" : ", ").append(reason);
    if (readiness_ == text) return;
    readiness_ = text;
    if (text.empty())
        log_.event(observe::Level::info, "ready");
    else
        log_.event(observe::Level::warn, "not ready", {{"because", std::string_view(text)}});
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
        {"tenants_loaded", "Organisations of which something special is known.", "gauge", "",
            static_cast<double>(tenants_->size())},
    };
    for (std::size_t i = 0; i < tenant_sources; ++i) {
        const auto source = static_cast<TenantSource>(i);
        process.push_back({"tenants", "Organisations of which a source says something special.",
            "gauge", "source=\"" + std::string(name(source)) + "\"",
            static_cast<double>(tenant_sources_.of(source).size())});
    }
    if (tenants_file_)
        process.push_back(
            {"tenants_file_good", "Whether the tenants file as it is now is in force.", "gauge", "",
                tenants_file_->is_good() ? 1.0 : 0.0});
    if (fleet_) {
        process.push_back({"redis_up", "Whether the control thread's connection to Redis is up.",
            "gauge", "", fleet_->is_up() ? 1.0 : 0.0});
        process.push_back({"fleet_processes", "Processes that share the limits, as last known.",
            "gauge", "", static_cast<double>(shared_.fleet.processes.load())});
        process.push_back({"fleet_workers", "Workers of those processes, as last known.", "gauge",
            "", static_cast<double>(shared_.fleet.workers.load())});
    }
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
