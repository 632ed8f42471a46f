#include "edge/record.hpp"

#include "edge/limits.hpp"
#include "orggate/observe/access_record.hpp"

#include <string>

namespace orggate::edge {
namespace {

const token::Session* caller(const Exchange& x)
{
    if (x.pass && x.pass->session()) return x.pass->session();
    const auto* signed_in = std::get_if<clerk::SignedIn>(&x.decision);
    return signed_in && x.rule ? signed_in->session.get() : nullptr;
}

std::string_view verdict(const Exchange& x)
{
    if (x.client_left) return "aborted";
    if (!x.denial) return "allowed";
    return blame(*x.denial) == Blame::upstream ? "failed" : "refused";
}

void describe_limit(observe::AccessRecord& record, const Exchange& x)
{
    const auto all = asked(x);
    const auto i = http::deciding_check(all);
    if (i >= all.size()) return;
    const auto& decision = all.decision(i);
    record.limit = all.check(i).quota->name;
    if (decision.has_numbers) record.remaining = decision.remaining;
    record.limit_by = word(decision.by);
}

// What a rule or a limit in shadow would have refused.
std::optional<Denial> shadow(const Exchange& x)
{
    if (x.pass && x.pass->shadowed()) return x.pass->shadowed();
    const auto all = asked(x);
    for (std::size_t i = 0; i < all.size(); ++i)
        if (!all.decision(i).allowed && !all.check(i).enforced) return Denial::quota_exhausted;
    return {};
}

observe::AccessRecord describe(const Exchange& x, Microseconds duration)
{
    observe::AccessRecord record;
    record.started = x.started.wall;
    record.request_id = x.trace.request_id;
    record.trace_id = x.trace.trace_id;
    record.status = x.client_left && x.bytes_out == 0 ? 0 : x.status;
    record.duration = duration;
    record.upstream = x.upstream_time;
    record.bytes_in = x.bytes_in;
    record.bytes_out = x.bytes_out;
    record.client_ip = x.client.address;
    record.verdict = verdict(x);
    record.reason = x.denial;
    record.cause = x.cause;
    // A head that was refused has kept what was read of it.
    record.method = x.head.method;
    record.host = x.head.host;
    record.path = x.target.path.empty() ? x.head.target : std::string_view(x.target.path);
    if (x.rule) record.route = x.rule->name;
    if (!x.config().log.full_path) record.path = record.route;
    if (const auto* session = caller(x)) {
        record.user_id = session->user_id;
        record.token_kind = "session";
        if (session->organisation) record.org_id = session->organisation->id;
    }
    if (x.pass) record.plan = x.pass->plan();
    record.shadow = shadow(x);
    describe_limit(record, x);
    return record;
}

void count(const Exchange& x, const observe::AccessRecord& record, observe::Counters& counters)
{
    const auto status_class = static_cast<std::size_t>(record.status / 100);
    auto& route = counters.routes[x.rule ? x.rule->index : counters.routes.size() - 1];
    route.status_class[status_class < route.status_class.size() ? status_class : 0].add();
    route.duration.observe(record.duration);
    if (x.upstream_time && x.rule)
        counters.upstreams[x.config().routes[x.rule->index].upstream].head.observe(
            *x.upstream_time);
    if (x.denial) counters.refused[static_cast<std::size_t>(*x.denial)].add();
    if (record.shadow) counters.shadow_refused[static_cast<std::size_t>(*record.shadow)].add();
    if (x.client_left) counters.client_aborts.add();
    if (x.pass)
        for (const auto* waived : x.pass->bypassed())
            counters.limits[waived->index]
                .outcome[static_cast<std::size_t>(observe::LimitOutcome::bypassed)]
                .add();
    counters.bytes_received.add(x.bytes_in);
    counters.bytes_sent.add(x.bytes_out);
    if (!record.org_id.empty()) counters.count_org(record.org_id, x.denial.has_value());
}

}  // namespace

void record(const Exchange& x, Station& station)
{
    const auto duration =
        std::chrono::duration_cast<Microseconds>(station.clock().steady - x.started.steady);
    const auto record = describe(x, duration);
    count(x, record, station.counters);
    if (!x.config().log.access) return;
    thread_local std::string line;  // kept for its memory
    line.clear();
    observe::append_json(line, record);
    station.log.access(line);
}

}  // namespace orggate::edge
