// What is counted. One `Counters` per worker, written by that worker alone with
// relaxed stores and summed when scraped. Label values come from the configuration or
// from closed lists.

#pragma once

#include "orggate/denial.hpp"
#include "orggate/time.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::observe {

// One writer, any readers.
class Counter {
public:
    void add(std::uint64_t n = 1)
    {
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    void subtract(std::uint64_t n = 1)
    {
        value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
    }
    std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

class Histogram {
public:
    // Upper bounds in seconds; the last bucket has none.
    static constexpr std::array<double, 16> bounds{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
        0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60};
    void observe(Microseconds duration);

    std::array<Counter, bounds.size() + 1> buckets;
    Counter sum_us;
};

enum class LimitOutcome {
    allowed,
    denied,
    denied_locally,  // from the deny cache
    shadow_denied,
    bypassed,
    fallback_allowed,  // by this process alone, the store being away
    fallback_denied,
    error_open,    // let pass, the store being away
    error_closed,  // refused, the store being away
};
inline constexpr std::size_t limit_outcomes = 9;

// One worker's use of the store.
struct StoreCounters {
    Histogram latency;  // of a command that was answered
    Histogram wait;     // of a request for its limits, whatever came of it
    Counter waits_over_deadline;
    Counter commands, timeouts, lost, refused_by_server, forbidden, defects, queue_full;
    Counter connects, connect_failures, breaker_opened, breaker_closed, redirects, script_loads;
    Counter up;  // gauge: connections that take commands
    Counter deny_cache_hits;
    Counter lease_questions, lease_granted, lease_spent, lease_put_back, lease_returned,
        lease_lapsed;  // units but the first
};

// The names behind the indices, from the configuration.
struct CounterNames {
    std::vector<std::string> routes, upstreams, limits;
    enum class OrgLabels { off, hashed, ids } org_labels = OrgLabels::off;
    std::size_t org_top = 50;
};

struct Counters {
    explicit Counters(const CounterNames& names);
    ~Counters();

    struct Route {
        std::array<Counter, 6> status_class;  // 0: no answer, 1xx … 5xx
        Histogram duration;
    };
    struct Upstream {
        Counter connects, connect_failures, reused, retries;
        Histogram head;  // until the answer's head
    };
    struct Limit {
        std::array<Counter, limit_outcomes> outcome;
    };

    // Counts a request of this organisation, if organisations are counted at all.
    // Bounded: some times `org_top` are kept and the busiest shown (space-saving), each
    // counted from when it came in. Hashed labels are the FNV-1a hash in hex: the same in
    // every process, short, and no secret (who guesses an id can check the guess).
    void count_org(std::string_view org_id, bool refused);

    std::vector<Route> routes;  // indexed as in the names, like the next two
    std::vector<Upstream> upstreams;
    std::vector<Limit> limits;
    std::array<Counter, static_cast<std::size_t>(last_denial) + 1> refused, shadow_refused;
    Counter accepted, accept_errors, connections, in_flight, tunnels;  // the last three are gauges
    Counter bytes_received, bytes_sent;
    Counter token_cache_hits, token_cache_misses;
    Counter stripped_fields;  // client copies of the headers we set
    Counter client_aborts, exceptions;
    Counter tls_handshake_failures;  // of clients
    Counter clients_refused;         // by `clients`, per address
    StoreCounters store;

private:
    friend class OrgMetrics;
    struct Organisations;
    std::unique_ptr<Organisations> organisations_;
};

// A gauge or counter that belongs to the process rather than to a worker.
struct ProcessMetric {
    std::string_view name, help, type;  // without prefix; type: gauge | counter
    std::string labels;                 // `result="ok"`, or empty
    double value = 0;
};

// The text exposition format (version 0.0.4), all workers summed. A refusal reason that
// never happened is there with zero, so that dashboards and alerts find it.
std::string render_metrics(const CounterNames& names, const std::vector<const Counters*>& workers,
    const std::vector<ProcessMetric>& process);

}  // namespace orggate::observe
