#include "observe/exposition.hpp"
#include "observe/org_metrics.hpp"
#include "observe/store_metrics.hpp"
#include "observe/sums.hpp"
#include "orggate/observe/counters.hpp"

#include <algorithm>

namespace orggate::observe {

namespace {

constexpr std::array<std::string_view, 6> status_classes{"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

std::string_view word(LimitOutcome outcome)
{
    switch (outcome) {
        case LimitOutcome::allowed: return "allowed";
        case LimitOutcome::denied: return "denied";
        case LimitOutcome::denied_locally: return "denied_locally";
        case LimitOutcome::shadow_denied: return "shadow_denied";
        case LimitOutcome::bypassed: return "bypassed";
        case LimitOutcome::fallback_allowed: return "fallback_allowed";
        case LimitOutcome::fallback_denied: return "fallback_denied";
        case LimitOutcome::error_open: return "error_open";
        case LimitOutcome::error_closed: return "error_closed";
    }
    return "unknown";
}

void routes(Exposition& out, const CounterNames& names, const Workers& workers)
{
    out.family("requests_total", MetricType::counter,
        "Requests by route and class of the status; none: the client left before an answer.");
    for (std::size_t i = 0; i < names.routes.size(); ++i)
        for (std::size_t code = 0; code < status_classes.size(); ++code)
            out.sample(
                sum(
                    workers,
                    [&](const Counters& c) -> auto& { return c.routes[i].status_class[code]; }),
                {{"route", names.routes[i]}, {"code", status_classes[code]}});
    out.family("request_duration_seconds", MetricType::histogram,
        "From the request's head to the end of its answer.");
    for (std::size_t i = 0; i < names.routes.size(); ++i)
        append_histogram(
            out, workers, "route",
            names.routes[i], [&](const Counters& c) -> auto& { return c.routes[i].duration; });
}

void reasons(Exposition& out, const Workers& workers, std::string_view family,
    std::string_view help,
    const std::array<Counter, static_cast<std::size_t>(last_denial) + 1> Counters::*counters)
{
    out.family(family, MetricType::counter, help);
    for (std::size_t i = 1; i <= static_cast<std::size_t>(last_denial); ++i)
        out.sample(sum(
                       workers, [&](const Counters& c) -> auto& { return (c.*counters)[i]; }),
            {{"reason", name(static_cast<Denial>(i))}});
}

void upstreams(Exposition& out, const CounterNames& names, const Workers& workers)
{
    struct Row {
        std::string_view family, help;
        Counter Counters::Upstream::*counter;
    };
    constexpr std::array rows{
        Row{"upstream_connects_total", "Connections opened.", &Counters::Upstream::connects},
        Row{"upstream_connect_failures_total", "Connections that could not be opened.",
            &Counters::Upstream::connect_failures},
        Row{"upstream_reused_total", "Requests sent on an idle connection.",
            &Counters::Upstream::reused},
        Row{"upstream_retries_total", "Requests sent again after an idle connection was closed.",
            &Counters::Upstream::retries},
    };
    for (const Row& row : rows) {
        out.family(row.family, MetricType::counter, row.help);
        for (std::size_t i = 0; i < names.upstreams.size(); ++i)
            out.sample(sum(
                           workers,
                           [&](const Counters& c) -> auto& { return c.upstreams[i].*row.counter; }),
                {{"upstream", names.upstreams[i]}});
    }
    out.family("upstream_head_seconds", MetricType::histogram,
        "From sending a request to the head of its answer.");
    for (std::size_t i = 0; i < names.upstreams.size(); ++i)
        append_histogram(
            out, workers, "upstream",
            names.upstreams[i], [&](const Counters& c) -> auto& { return c.upstreams[i].head; });
}

void limits(Exposition& out, const CounterNames& names, const Workers& workers)
{
    out.family("limit_decisions_total", MetricType::counter,
        "Answers of the limits. denied_locally: known to hold still; fallback: by this process "
        "alone, error: by on_error, both while Redis is away.");
    for (std::size_t i = 0; i < names.limits.size(); ++i)
        for (std::size_t outcome = 0; outcome < limit_outcomes; ++outcome)
            out.sample(
                sum(
                    workers,
                    [&](const Counters& c) -> auto& { return c.limits[i].outcome[outcome]; }),
                {{"limit", names.limits[i]},
                    {"outcome", word(static_cast<LimitOutcome>(outcome))}});
}

void plain(Exposition& out, const Workers& workers)
{
    struct Row {
        std::string_view family, help;
        Counter Counters::*counter;
        MetricType type = MetricType::counter;
    };
    constexpr std::array rows{
        Row{"connections", "Open client connections.", &Counters::connections, MetricType::gauge},
        Row{"in_flight_requests", "Requests being served.", &Counters::in_flight,
            MetricType::gauge},
        Row{"tunnels", "Open tunnels (WebSocket).", &Counters::tunnels, MetricType::gauge},
        Row{"accepted_total", "Client connections accepted.", &Counters::accepted},
        Row{"accept_errors_total", "Client connections that could not be accepted.",
            &Counters::accept_errors},
        Row{"received_bytes_total", "Bytes read from clients.", &Counters::bytes_received},
        Row{"sent_bytes_total", "Bytes written to clients.", &Counters::bytes_sent},
        Row{"token_cache_hits_total", "Tokens found among the verified ones.",
            &Counters::token_cache_hits},
        Row{"token_cache_misses_total", "Tokens whose signature was verified.",
            &Counters::token_cache_misses},
        Row{"stripped_fields_total", "Fields of ours that clients sent and that were removed.",
            &Counters::stripped_fields},
        Row{"client_aborts_total", "Requests whose client left early.", &Counters::client_aborts},
        Row{"clients_refused_total", "Requests and connections refused by `clients`, per address.",
            &Counters::clients_refused},
        Row{"tls_handshake_failures_total", "TLS handshakes of clients that failed.",
            &Counters::tls_handshake_failures},
        Row{"exceptions_total", "Unexpected exceptions; must stay zero.", &Counters::exceptions},
    };
    for (const Row& row : rows) {
        out.family(row.family, row.type, row.help);
        out.sample(sum(
            workers, [&](const Counters& c) -> auto& { return c.*row.counter; }));
    }
}

// Samples of one family must stand together, wherever they come in the list.
void of_process(Exposition& out, const std::vector<ProcessMetric>& metrics)
{
    for (auto first = metrics.begin(); first != metrics.end(); ++first) {
        const auto same = [&](const ProcessMetric& m) { return m.name == first->name; };
        if (std::any_of(metrics.begin(), first, same)) continue;
        out.family(first->name, first->type, first->help);
        for (const ProcessMetric& metric : metrics)
            if (same(metric)) out.sample_with(metric.labels, metric.value);
    }
}

}  // namespace

std::string render_metrics(const CounterNames& names, const std::vector<const Counters*>& workers,
    const std::vector<ProcessMetric>& process)
{
    Exposition out;
    routes(out, names, workers);
    reasons(out, workers, "refused_total", "Requests refused, by reason.", &Counters::refused);
    reasons(out, workers, "shadow_refused_total",
        "Requests that a rule in shadow would have refused.", &Counters::shadow_refused);
    upstreams(out, names, workers);
    limits(out, names, workers);
    append_store_metrics(out, workers);
    plain(out, workers);
    OrgMetrics::append(out, names, workers);
    of_process(out, process);
    return out.take();
}

}  // namespace orggate::observe
