#include "observe/store_metrics.hpp"

#include "observe/sums.hpp"

#include <array>

namespace orggate::observe {

namespace {

struct Row {
    std::string_view family, help;
    Counter StoreCounters::*counter;
    MetricType type = MetricType::counter;
};

// One family, its samples told apart by a label.
struct Labelled {
    std::string_view value;
    Counter StoreCounters::*counter;
};

constexpr std::array plain{
    Row{"limiter_waits_over_deadline_total",
        "Requests that waited for their limits longer than redis.deadline; must stay zero.",
        &StoreCounters::waits_over_deadline},
    Row{"redis_commands_total", "Commands sent to Redis.", &StoreCounters::commands},
    Row{"redis_connections", "Connections to Redis that take commands.", &StoreCounters::up,
        MetricType::gauge},
    Row{"redis_connects_total", "Connections to Redis that were set up.", &StoreCounters::connects},
    Row{"redis_connect_failures_total", "Connections to Redis that could not be set up.",
        &StoreCounters::connect_failures},
    Row{"redis_redirects_total", "Commands that a Redis server sent on to another.",
        &StoreCounters::redirects},
    Row{"redis_script_loads_total", "Scripts sent with their text, or loaded.",
        &StoreCounters::script_loads},
    Row{"deny_cache_hits_total", "Refusals that were known to hold still, without asking Redis.",
        &StoreCounters::deny_cache_hits},
    Row{"lease_questions_total", "Blocks of units asked for.", &StoreCounters::lease_questions},
};

constexpr std::array failures{
    Labelled{"timeout", &StoreCounters::timeouts},
    Labelled{"lost", &StoreCounters::lost},
    Labelled{"refused", &StoreCounters::refused_by_server},
    Labelled{"forbidden", &StoreCounters::forbidden},
    Labelled{"defect", &StoreCounters::defects},
    Labelled{"queue_full", &StoreCounters::queue_full},
};

constexpr std::array changes{
    Labelled{"open", &StoreCounters::breaker_opened},
    Labelled{"closed", &StoreCounters::breaker_closed},
};

constexpr std::array units{
    Labelled{"granted", &StoreCounters::lease_granted},
    Labelled{"spent", &StoreCounters::lease_spent},
    Labelled{"put_back", &StoreCounters::lease_put_back},
    Labelled{"returned", &StoreCounters::lease_returned},
    Labelled{"lapsed", &StoreCounters::lease_lapsed},
};

std::uint64_t sum_of(const Workers& workers, Counter StoreCounters::*counter)
{
    return sum(
        workers, [&](const Counters& c) -> auto& { return c.store.*counter; });
}

template <class Rows>
void append_labelled(Exposition& out, const Workers& workers, std::string_view family,
    std::string_view help, std::string_view label, const Rows& rows)
{
    out.family(family, MetricType::counter, help);
    for (const Labelled& row : rows)
        out.sample(sum_of(workers, row.counter), {{label, row.value}});
}

// Each worker reports these one after another, and they are read one after another: a sum
// that does not add up for a moment is no reason to show a huge number.
std::uint64_t units_held(const Workers& workers)
{
    const std::uint64_t gained = sum_of(workers, &StoreCounters::lease_granted) +
                                 sum_of(workers, &StoreCounters::lease_put_back);
    const std::uint64_t gone = sum_of(workers, &StoreCounters::lease_spent) +
                               sum_of(workers, &StoreCounters::lease_returned) +
                               sum_of(workers, &StoreCounters::lease_lapsed);
    return gained > gone ? gained - gone : 0;
}

}  // namespace

void append_store_metrics(Exposition& out, const Workers& workers)
{
    out.family("limiter_wait_seconds", MetricType::histogram,
        "What a request waited for its limits in Redis, whatever came of it.");
    append_histogram(
        out, workers, {}, {}, [](const Counters& c) -> auto& { return c.store.wait; });
    out.family("redis_command_seconds", MetricType::histogram,
        "From sending a command to Redis to its answer.");
    append_histogram(
        out, workers, {}, {}, [](const Counters& c) -> auto& { return c.store.latency; });
    for (const Row& row : plain) {
        out.family(row.family, row.type, row.help);
        out.sample(sum_of(workers, row.counter));
    }
    append_labelled(out, workers, "redis_failures_total",
        "Commands to Redis without a usable answer.", "what", failures);
    append_labelled(out, workers, "redis_breaker_changes_total",
        "Times that Redis was left alone (open), and trusted again (closed).", "to", changes);
    append_labelled(out, workers, "lease_units_total", "Units of leased limits.", "what", units);
    out.family("lease_units_held", MetricType::gauge,
        "Units of leased limits that are granted to this process and not spent yet.");
    out.sample(units_held(workers));
}

}  // namespace orggate::observe
