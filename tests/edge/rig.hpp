// A front door between a client and a scripted app, all in one io_context. Time stands
// still until a test moves it; only deadlines of sockets are real.

#pragma once

#include "config/loading.hpp"
#include "edge/connection.hpp"
#include "net/loop.hpp"
#include "observe/scratch.hpp"
#include "orggate/edge/clients.hpp"
#include "orggate/edge/station.hpp"
#include "orggate/limit/denied_list.hpp"
#include "orggate/token/key_set.hpp"
#include "support/mint.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace orggate::test {

inline Milliseconds edge_time{0};
inline Instant edge_clock()
{
    return at(edge_time);
}
inline std::uint64_t edge_random()
{
    return 0x123456789abcdef0;
}

// Answers as it is told to, and remembers what it was asked and given back.
struct ScriptedLimiter : limit::Limiter {
    struct Question {
        std::string limit, subject, quota, member;
        limit::Per per;
        std::int64_t weight;
        bool operator==(const Question&) const = default;
    };
    using Checks = std::span<const limit::Check>;
    using Decisions = std::span<limit::Decision>;

    std::function<Result<void>(Checks, Decisions)> answer = [](Checks, Decisions decisions) {
        for (auto& decision : decisions)
            decision.allowed = true;
        return Result<void>();
    };
    std::vector<std::vector<Question>> calls;
    std::vector<Instant> began;  // as calls
    int held = 0, releases = 0;
    bool is_asked_twice = false;  // a permit was given back that nobody held

    Awaitable<Result<void>> take(Checks checks, Decisions decisions, Instant now) override
    {
        began.push_back(now);
        auto& call = calls.emplace_back();
        for (const auto& check : checks)
            call.push_back({std::string(check.limit), std::string(check.subject), check.quota->name,
                std::string(check.member), check.per, check.weight});
        auto answered = answer(checks, decisions);
        if (answered)
            for (const auto& decision : decisions)
                held += decision.holds_permit;
        co_return answered;
    }

    void release(Checks checks, std::span<const limit::Decision> decisions, Instant) override
    {
        ++releases;
        for (std::size_t i = 0; i < checks.size(); ++i) {
            REQUIRE_FALSE(checks[i].subject.empty());  // its views are alive
            held -= decisions[i].holds_permit;
        }
        is_asked_twice = is_asked_twice || held < 0;
    }
};

// All checks pass; those of a concurrent quota hold a permit.
inline Result<void> let_pass(ScriptedLimiter::Checks checks, ScriptedLimiter::Decisions decisions)
{
    for (std::size_t i = 0; i < checks.size(); ++i) {
        decisions[i] = {};
        decisions[i].allowed = true;
        decisions[i].remaining = checks[i].quota->units - 1;
        decisions[i].holds_permit = checks[i].quota->algorithm == limit::Algorithm::concurrent;
    }
    return {};
}

struct EdgeRig {
    Loop loop;
    boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, Executor> app;
    std::shared_ptr<const config::Config> config;
    scratch::Folder folder;
    observe::Log log;
    observe::Counters counters;
    ScriptedLimiter limiter;
    limit::DeniedList denied;
    std::unique_ptr<edge::Clients> clients;
    std::atomic<std::size_t> open_connections{0};
    std::unique_ptr<edge::Station> station;

    // `yaml`: what comes behind upstream and clerk.
    explicit EdgeRig(const std::string& yaml)
        : app(loop.io.get_executor(), {boost::asio::ip::address_v4::loopback(), 0}),
          config(loaded("upstream: http://127.0.0.1:" +
                        std::to_string(app.local_endpoint().port()) + "\n" + clerk_line + yaml)),
          log({.level = observe::Level::error, .access_file = folder.file("access")}),
          counters(config->names),
          clients(std::make_unique<edge::Clients>(*config, HashKey{1, 2}))
    {
        edge_time = Milliseconds{0};
        station = std::make_unique<edge::Station>(loop.io.get_executor(), loop.deadlines, counters,
            log, limiter, &edge_clock, &edge_random, open_connections,
            [this](const std::string& id) { station->key_wait.answered(id); });
        station->clients = clients.get();
        station->denied = &denied;
        for (std::size_t i = 0; i < config->upstreams.size(); ++i)
            station->pools.push_back(std::make_unique<upstream::Pool>(config->upstreams[i], nullptr,
                Milliseconds{4'000}, loop.deadlines, counters.upstreams[i], log));
        adopt(nullptr);
    }

    void adopt(std::shared_ptr<const policy::Tenants> tenants)
    {
        const auto keys = token::KeySet::parse_jwks(jwks({make_key()}));
        REQUIRE(keys.has_value());
        static const auto good = *keys;
        station->adopt(
            std::make_shared<const edge::Serving>(edge::Serving{config, good, std::move(tenants)}));
    }

    // A connection to the gate: its own end is served, the other is given.
    std::unique_ptr<net::Stream> connect(std::function<void(std::exception_ptr)> ended = {})
    {
        using Tcp = boost::asio::ip::tcp;
        Tcp::acceptor acceptor(loop.io, Tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
        Tcp::socket near(loop.io), far(loop.io);
        near.connect(acceptor.local_endpoint());
        acceptor.accept(far);
        open_connections.fetch_add(1);
        ++loop.running;
        auto served = edge::serve_connection(*station, loop.adopt(near.release(), AF_INET));
        boost::asio::co_spawn(loop.io, std::move(served), [this, ended](std::exception_ptr failed) {
            if (--loop.running == 0) loop.deadlines.stop();
            if (ended) return ended(failed);
            if (failed) std::rethrow_exception(failed);
        });
        return std::make_unique<net::Stream>(loop.adopt(far.release(), AF_INET), loop.deadlines);
    }

    Awaitable<std::unique_ptr<net::Stream>> accept()
    {
        constexpr auto token = boost::asio::as_tuple(boost::asio::use_awaitable_t<Executor>());
        net::Socket socket(loop.io.get_executor());
        const auto [error] = co_await app.async_accept(socket, token);
        CHECK_FALSE(error);
        co_return std::make_unique<net::Stream>(std::move(socket), loop.deadlines);
    }

    std::vector<std::string> access_lines()
    {
        REQUIRE(log.flush(Milliseconds{5'000}));
        return scratch::lines(scratch::contents(folder.file("access")));
    }
    std::uint64_t outcome(observe::LimitOutcome which, std::size_t limit = 0) const
    {
        return counters.limits[limit].outcome[static_cast<std::size_t>(which)].value();
    }
};

inline std::string bearer(const SessionClaims& claims = {})
{
    return "Authorization: Bearer " + session_token(make_key(), claims) + "\r\n";
}

inline std::string get(std::string_view path, const std::string& fields = {})
{
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + fields +
           "\r\n";
}

inline Awaitable<std::string> heard_until(net::Stream& stream, std::string_view end)
{
    std::string all;
    char byte;
    const std::span<char> room(&byte, 1);
    while (!all.ends_with(end)) {
        const net::Transfer got = co_await stream.read_some(room, enough);
        if (got.error) break;
        all.push_back(byte);
    }
    co_return all;
}

// One request on a connection of its own; `answer` gets the whole answer.
inline Awaitable<void> ask(EdgeRig& rig, std::string request, std::string& answer)
{
    const auto client = rig.connect();
    co_await client->write(request, enough);
    const auto all = co_await receive_all(*client);
    answer = all.bytes;
}

// Serves one request with this answer. `heard` gets its head.
inline Awaitable<void> serve_app(EdgeRig& rig, std::string answer, std::string* heard = nullptr)
{
    const auto stream = co_await rig.accept();
    const auto head = co_await heard_until(*stream, "\r\n\r\n");
    if (heard) *heard = head;
    co_await stream->write(answer, enough);
    stream->close();
}

inline const std::string empty_answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

// The whole of a request that is allowed.
inline std::string allowed(
    EdgeRig& rig, const std::string& request, const std::string& app_says = empty_answer)
{
    std::string answer;
    rig.loop.io.restart();
    rig.loop.run(ask(rig, request, answer), serve_app(rig, app_says));
    return answer;
}

// The whole of a request that never reaches the app.
inline std::string refused(EdgeRig& rig, const std::string& request)
{
    std::string answer;
    rig.loop.io.restart();
    rig.loop.run(ask(rig, request, answer));
    return answer;
}

inline bool has(std::string_view text, std::string_view part)
{
    return text.find(part) != text.npos;
}

}  // namespace orggate::test
