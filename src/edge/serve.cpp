#include "edge/serve.hpp"

#include "edge/limits.hpp"
#include "orggate/upstream/relay.hpp"

#include <utility>

namespace orggate::edge {

Awaitable<Result<After>> serve(Exchange& x, std::string_view raw, const Peer& peer,
    Station& station, net::Stream& client, net::Input& input)
{
    const auto read = read_request(x, raw, peer, station);
    if (!read) co_return read.error();
    x.rule = &find_rule(x);
    const auto welcome = ask_clients(x, station);
    if (!welcome) co_return welcome.error();
    if (auto own = answer_here(x, station)) {
        const auto said = co_await client.write(own->bytes, x.config().timeouts.body_gap);
        x.status = own->status;
        x.bytes_out = said.bytes;
        co_return own->keep_alive && !said.error ? After::next_request : After::close;
    }
    if (find_address_limits(x)) {
        const auto within = co_await charge_address(x, station);
        if (!within) co_return within.error();
    }

    x.decision = decide(x, station, clerk::Keys::may_be_stale);
    if (const auto* missing = std::get_if<clerk::NeedsKey>(&x.decision)) {
        co_await station.key_wait.wait(missing->key_id);
        // Fresh keys, but the configuration this request began with.
        x.serving = std::make_shared<const Serving>(
            Serving{x.serving->config, station.serving->keys, x.serving->tenants});
        x.now = station.clock();
        x.decision = decide(x, station, clerk::Keys::are_fresh);
    }

    auto pass = authorize(x);
    if (!pass) co_return pass.error();
    x.pass = std::move(*pass);
    const auto tolerated = ask_clients_of_nobody(x, station);
    if (!tolerated) co_return tolerated.error();
    const auto origin = check_origin(x);
    if (!origin) co_return origin.error();
    const auto announced = announce_tunnel(x, station);
    if (!announced) co_return announced.error();

    if (!x.pass->checks().empty()) {
        const auto within = co_await charge_pass(x, station);
        if (!within) co_return within.error();
    }

    auto head = compose_upstream_head(x, station);
    if (!head) co_return head.error();
    const auto& route = x.config().routes[x.rule->index];
    upstream::Job job{
        client, input, x.head, std::move(*head), route, x.config().websocket, station.clock};
    upstream::Relay relay(std::move(job), *station.pools[route.upstream], station.counters);
    const auto asked = station.clock().steady;
    const auto answer = co_await relay.ask();
    x.now = station.clock();
    x.bytes_in += relay.bytes_received();
    x.whole_body = relay.has_whole_body();
    x.client_left = relay.client_has_left();
    if (x.client_left) co_return After::reset;
    if (!answer) co_return answer.error();
    x.status = (*answer)->status;
    x.upstream_time = std::chrono::duration_cast<Microseconds>(x.now.steady - asked);

    const auto ours = client_head(x, station);
    const auto delivery = co_await relay.deliver(ours);
    x.bytes_in = raw.size() + relay.bytes_received();
    x.bytes_out += delivery.bytes;
    if (delivery.cut && delivery.bytes == 0) co_return *delivery.cut;
    x.denial = delivery.cut;
    x.client_left = !delivery.is_complete && !delivery.cut;
    if (delivery.client_may_stay) co_return After::next_request;
    co_return delivery.is_complete ? After::close : After::reset;
}

}  // namespace orggate::edge
