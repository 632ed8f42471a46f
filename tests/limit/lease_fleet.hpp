// A fleet in one thread under injected time: proxies with lease books and deny caches, one
// store, messages that take time, get lost or come too late, proxies that crash, clocks that
// agree in nothing. One counter.

#pragma once

#include "orggate/limit/deny_cache.hpp"
#include "orggate/limit/lease.hpp"
#include "orggate/limit/meter.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <random>
#include <utility>
#include <vector>

namespace orggate::test {

struct FleetPlan {
    limit::Terms terms;   // what the proxies ask under
    limit::Terms stored;  // what the store counts under
    int proxies = 1;
    double requests_per_second = 1;  // of all together, Poisson
    std::int64_t most_weight = 1;    // 1 to so many, evenly
    Microseconds duration{};
    Microseconds store_began = std::chrono::hours(24 * 365 * 56);  // its clock at the start
    std::uint64_t seed = 1;
    bool is_bursty = false;  // the same rate, in bursts
    bool has_book = true;    // else one call per request: exact

    Microseconds longest_way{};             // of a message, either way
    Microseconds patience{25'000};          // then a call has failed and a wait ends
    double lost = 0;                        // share of messages
    double refused_elsewhere = 0;           // share of admitted requests, put back later
    Microseconds longest_second_thought{};  // so much later at most
    Microseconds between_crashes{};         // of one proxy, on average; 0: never
};

struct FleetResult {
    struct Spend {
        Microseconds at;
        std::int64_t units;
    };
    std::vector<Spend> spends;  // by time
    std::int64_t requests = 0, offered = 0;
    std::int64_t grants = 0;         // calls that ask, refused ones too
    std::int64_t returns = 0;        // calls that only give back
    std::int64_t refunds_along = 0;  // given back in a call that asks
    std::int64_t most_calls_of_one = 0;
    std::int64_t calls_beside_units = 0;  // asked although enough units were held
    std::int64_t crashes = 0;
    std::int64_t unsound_returns = 0;   // a count rose, or fell below nothing
    std::int64_t unbalanced_books = 0;  // units neither spent nor returned nor lapsed
    std::int64_t units_stuck = 0;       // still counted when all should be free again
    limit::LeaseCounts counts;          // of all books; at the end of each nothing is held any more

    std::int64_t spent() const
    {
        std::int64_t units = 0;
        for (const Spend& spend : spends)
            units += spend.units;
        return units;
    }
    double calls_per_request() const
    {
        return static_cast<double>(grants + returns) / static_cast<double>(requests);
    }
};

// The exact answer: the most units in any span (x, x + window]. It is reached in a span that
// ends at a spend.
inline std::int64_t worst_span(const std::vector<FleetResult::Spend>& spends, Microseconds window)
{
    std::int64_t worst = 0, held = 0;
    std::size_t first = 0;
    for (const auto& last : spends) {
        held += last.units;
        for (; spends[first].at <= last.at - window; ++first)
            held -= spends[first].units;
        worst = std::max(worst, held);
    }
    return worst;
}

class Fleet {
public:
    explicit Fleet(FleetPlan plan) : plan_(std::move(plan)), random_(plan_.seed)
    {
        for (int i = 0; i < plan_.proxies; ++i) {
            proxies_.push_back(std::make_unique<Proxy>());
            proxies_.back()->began = std::chrono::hours(uniform(0, 10'000));
            proxies_.back()->speed = 1 + (real() - 0.5) * 0.0005;
            arrive(*proxies_.back());
            tick(*proxies_.back());
            if (plan_.between_crashes > Microseconds::zero()) crash(*proxies_.back());
        }
    }

    FleetResult run()
    {
        while (!events_.empty()) {
            const Event event = events_.top();
            events_.pop();
            now_ = event.at;
            event.what();
        }
        for (auto& proxy : proxies_)
            retire(*proxy);
        now_ += length() + length() / 60 + Microseconds(1);
        const auto left = store_.check(plan_.stored, 1, times());
        result_.units_stuck = plan_.stored.units - left.remaining;
        return std::move(result_);
    }

private:
    using Time = std::chrono::steady_clock::time_point;
    using Book = limit::LeaseBook;

    struct Proxy;
    struct Request {
        std::int64_t weight = 1;
        Microseconds until{};
        std::int64_t calls = 0;
        bool is_over = false;
    };
    using RequestPtr = std::shared_ptr<Request>;  // null: asked ahead

    struct Proxy {
        Microseconds began{};  // its clock when the story begins
        double speed = 1;      // and how fast it runs
        int life = 0;          // crashes so far
        std::unique_ptr<Book> book = std::make_unique<Book>(HashKey{1, 2});
        std::unique_ptr<limit::DenyCache> denials =
            std::make_unique<limit::DenyCache>(HashKey{3, 4});
        std::vector<RequestPtr> waiting;
    };
    struct Event {
        Microseconds at;
        std::uint64_t order;
        std::function<void()> what;
        bool operator<(const Event& other) const
        {
            return at != other.at ? at > other.at : order > other.order;
        }
    };

    double real() { return std::uniform_real_distribution<double>(0, 1)(random_); }
    std::int64_t uniform(std::int64_t least, std::int64_t most)
    {
        return std::uniform_int_distribution<std::int64_t>(least, most)(random_);
    }
    Microseconds up_to(Microseconds most) { return Microseconds(uniform(0, most.count())); }
    Microseconds exponential(double seconds)
    {
        return Microseconds(static_cast<std::int64_t>(
            std::exponential_distribution<double>(1 / seconds)(random_) * 1e6));
    }
    bool happens(double share) { return share > 0 && real() < share; }

    void after(Microseconds delay, std::function<void()> what)
    {
        events_.push({now_ + delay, order_++, std::move(what)});
    }

    Time clock(const Proxy& proxy) const
    {
        return Time(proxy.began) + std::chrono::nanoseconds(static_cast<std::int64_t>(
                                       static_cast<double>(now_.count()) * 1000 * proxy.speed));
    }

    // ---- a proxy ---------------------------------------------------------------------

    void arrive(Proxy& proxy)
    {
        double seconds = plan_.proxies / plan_.requests_per_second;
        if (plan_.is_bursty) seconds *= happens(0.1) ? 9.1 : 0.1;
        const auto pause = exponential(seconds);
        if (now_ + pause > plan_.duration) return;
        after(pause, [this, &proxy] {
            arrive(proxy);
            auto request = std::make_shared<Request>();
            request->weight = plan_.most_weight > 1 ? uniform(1, plan_.most_weight) : 1;
            request->until = now_ + plan_.patience;
            ++result_.requests;
            result_.offered += request->weight;
            begin(proxy, request);
        });
    }

    void begin(Proxy& proxy, const RequestPtr& request)
    {
        if (plan_.has_book) {
            proxy.book->demand(key_, plan_.terms, request->weight, clock(proxy));
            go_on(proxy, request);
        } else if (!proxy.denials->find(key_, request->weight, clock(proxy))) {
            Book::Turn turn;
            turn.wanted = {request->weight, request->weight, 1};
            call(proxy, request, turn);
        }
    }

    Book::Lease& lease_of(Proxy& proxy)
    {
        return *proxy.book->demand(key_, plan_.terms, 0, clock(proxy));
    }

    void go_on(Proxy& proxy, const RequestPtr& request)
    {
        if (now_ >= request->until) return;
        auto& lease = lease_of(proxy);
        const Time now = clock(proxy);
        const bool can_spend = proxy.book->can_spend(lease, request->weight, now);
        if (!can_spend && proxy.denials->find(key_, request->weight, now)) return;
        const auto turn = proxy.book->turn(lease, plan_.terms, request->weight, plan_.proxies, now);
        if (turn.move == Book::Move::wait) {
            proxy.waiting.push_back(request);
        } else if (turn.move == Book::Move::ask) {
            result_.calls_beside_units += can_spend;
            call(proxy, request, turn);
        } else {
            admit(proxy, request->weight, turn);
        }
    }

    void admit(Proxy& proxy, std::int64_t weight, const Book::Turn& turn)
    {
        if (happens(plan_.refused_elsewhere)) {
            after(up_to(plan_.longest_second_thought),
                [this, &proxy, weight, turn, life = proxy.life] {
                    if (proxy.life != life) return;
                    proxy.book->put_back(lease_of(proxy), weight, turn, clock(proxy));
                });
        } else {
            result_.spends.push_back({now_, weight});
        }
        auto ahead =
            proxy.book->prefetch(lease_of(proxy), plan_.terms, plan_.proxies, clock(proxy));
        if (ahead) call(proxy, nullptr, *ahead);
    }

    void wake(Proxy& proxy)
    {
        const auto waiting = std::exchange(proxy.waiting, {});
        for (const auto& request : waiting)
            go_on(proxy, request);
    }

    void tick(Proxy& proxy)
    {
        after(Seconds(1), [this, &proxy] {
            sweep(proxy, Book::Sweep::lapsed);
            if (now_ < plan_.duration) tick(proxy);
        });
    }

    void sweep(Proxy& proxy, Book::Sweep what)
    {
        proxy.book->sweep(what, clock(proxy),
            [this](std::string_view, const limit::Terms&, limit::Refund refund) {
                ++result_.returns;
                if (happens(plan_.lost)) return;
                after(up_to(plan_.longest_way), [this, refund] { give_back(refund); });
            });
    }

    void crash(Proxy& proxy)
    {
        after(exponential(std::chrono::duration<double>(plan_.between_crashes).count()),
            [this, &proxy] {
                if (now_ >= plan_.duration) return;
                ++proxy.life;
                ++result_.crashes;
                proxy.waiting.clear();
                proxy.book = std::make_unique<Book>(HashKey{1, 2});
                proxy.denials = std::make_unique<limit::DenyCache>(HashKey{3, 4});
                crash(proxy);
            });
    }

    void retire(Proxy& proxy)
    {
        sweep(proxy, Book::Sweep::all);
        const auto& counts = proxy.book->counts();
        if (counts.granted + counts.put_back != counts.spent + counts.returned + counts.lapsed)
            ++result_.unbalanced_books;
        result_.counts.granted += counts.granted;
        result_.counts.spent += counts.spent;
        result_.counts.put_back += counts.put_back;
        result_.counts.returned += counts.returned;
        result_.counts.lapsed += counts.lapsed;
        result_.counts.questions += counts.questions;
    }

    // ---- a call ----------------------------------------------------------------------

    void call(Proxy& proxy, const RequestPtr& request, const Book::Turn& turn)
    {
        ++result_.grants;
        if (turn.refund.units > 0) ++result_.refunds_along;
        if (request)
            result_.most_calls_of_one = std::max(result_.most_calls_of_one, ++request->calls);
        const Time sent = clock(proxy);
        auto is_over = std::make_shared<bool>(false);
        auto answered = [this, &proxy, request, sent, is_over, life = proxy.life](
                            limit::Answer answer) {
            if (std::exchange(*is_over, true) || proxy.life != life) return;
            learn(proxy, request, answer, sent);
        };
        if (plan_.longest_way == Microseconds::zero() && plan_.lost == 0) {
            answered(ask_store(turn));
            return;
        }
        after(plan_.patience, [this, &proxy, request, is_over, life = proxy.life] {
            if (std::exchange(*is_over, true) || proxy.life != life) return;
            if (plan_.has_book) proxy.book->failed(lease_of(proxy));
            wake(proxy);
        });
        if (happens(plan_.lost)) return;
        after(up_to(plan_.longest_way), [this, turn, answered] {
            const auto answer = ask_store(turn);
            if (happens(plan_.lost)) return;
            after(up_to(plan_.longest_way), [answer, answered] { answered(answer); });
        });
    }

    // The store's clock has nothing to do with the proxies' clocks.
    limit::Times times() const
    {
        const auto time = now_ + plan_.store_began;
        return {time, time};
    }
    Microseconds length() const { return plan_.stored.window + plan_.stored.lease; }

    void give_back(limit::Refund refund)
    {
        if (refund.units == 0) return;
        const auto before = store_.check(plan_.stored, 1, times()).remaining;
        store_.give_back(refund, plan_.stored, times());
        const auto after = store_.check(plan_.stored, 1, times()).remaining;
        if (after < before || after > plan_.stored.units) ++result_.unsound_returns;
    }

    limit::Answer ask_store(const Book::Turn& turn)
    {
        give_back(turn.refund);
        const auto grant = store_.grant(plan_.stored, turn.wanted, times());
        limit::Answer answer{grant.decision, grant.decision.allowed ? grant.units : 0, grant.slot};
        answer.decision.store_clock = times().wall;
        return answer;
    }

    void learn(Proxy& proxy, const RequestPtr& request, const limit::Answer& answer, Time sent)
    {
        const std::int64_t weight = request ? request->weight : 0;
        if (!answer.decision.allowed) {
            const bool is_leased = plan_.terms.lease > Microseconds::zero();
            const auto most = is_leased ? plan_.terms.lease : Microseconds::max();
            if (request) proxy.denials->note(key_, weight, answer.decision, sent, most);
            if (plan_.has_book) proxy.book->refused(lease_of(proxy), answer, sent);
        } else if (!plan_.has_book) {
            result_.spends.push_back({now_, weight});
        } else {
            const auto turn =
                proxy.book->granted(lease_of(proxy), plan_.terms, weight, answer, sent);
            if (request) admit(proxy, weight, turn);
        }
        wake(proxy);
    }

    static constexpr std::string_view key_ = "og:w1:{org_1}:api";

    FleetPlan plan_;
    std::mt19937_64 random_;
    std::vector<std::unique_ptr<Proxy>> proxies_;
    limit::Meter store_;
    Microseconds now_{};
    std::uint64_t order_ = 0;
    std::priority_queue<Event> events_;
    FleetResult result_;
};

}  // namespace orggate::test
