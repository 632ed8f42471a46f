// One counter to ask, in memory or in a real redis-server, so that one test holds for both.

#pragma once

#include "orggate/limit/key.hpp"
#include "orggate/limit/script.hpp"
#include "support/redis_server.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::test {

using limit::Algorithm;
using limit::Answer;
using limit::Correction;
using limit::Item;
using limit::Period;
using limit::Refund;
using limit::Terms;
using limit::Wanted;

inline Terms window_terms(std::int64_t units, Microseconds window, Microseconds lease = {})
{
    return {Algorithm::window, Period::day, units, 0, window, lease};
}

inline Terms bucket_terms(
    std::int64_t units, std::int64_t burst, Microseconds window, Microseconds lease = {})
{
    return {Algorithm::bucket, Period::day, units, burst, window, lease};
}

inline Terms calendar_terms(std::int64_t units, Period period)
{
    using std::chrono::days;
    return {Algorithm::calendar, period, units, 0, days(period == Period::day ? 1 : 31), {}};
}

inline Terms permit_terms(std::int64_t units)
{
    return {Algorithm::concurrent, Period::day, units, 0, {}, {}};
}

inline Item exact(const Terms& terms, std::int64_t weight = 1)
{
    Item item;
    item.terms = terms;
    item.wanted = {weight, weight, 1};
    return item;
}

// The same for all tests of this program; each empties it first.
inline RedisServer& redis()
{
    static RedisServer server({"--enable-debug-command", "yes"});
    return server;
}

// A script as text, so that a test may spoil it.
class Program {
public:
    explicit Program(std::string_view text)
        : sha_(redis().text({"SCRIPT", "LOAD", std::string(text)}))
    {
        REQUIRE_MESSAGE(sha_.size() == 40, sha_);
    }

    template <class Asked>
    std::vector<std::int64_t> run(const std::vector<std::string>& keys,
        const std::vector<Asked>& asked, std::optional<Microseconds> at) const
    {
        std::vector<std::string> words{"EVALSHA", sha_, std::to_string(keys.size())};
        words.insert(words.end(), keys.begin(), keys.end());
        limit::append_arguments(words, asked, at);
        return redis().integers(words);
    }

    std::vector<Answer> ask(const std::vector<std::string>& keys, const std::vector<Item>& items,
        std::optional<Microseconds> at) const
    {
        std::vector<Answer> answers(items.size());
        REQUIRE(limit::read_answers(run(keys, items, at), answers));
        return answers;
    }

private:
    std::string sha_;
};

// `text` with the one place changed that makes it wrong.
inline std::string spoiled(std::string_view text, std::string_view right, std::string_view wrong)
{
    std::string out(text);
    const auto at = out.find(right);
    REQUIRE(at != out.npos);
    REQUIRE(out.find(right, at + 1) == out.npos);
    return out.replace(at, right.size(), wrong);
}

// Under injected time Redis's own expiry means nothing. This makes of a script one that says
// for how long a key would live, and RedisCounter deletes the key when that has passed.
inline std::string telling_life(std::string_view text)
{
    return spoiled(text, "redis.call('SET', key, value, 'PX', ",
        "redis.call('SET', key, value) redis.call('SET', 'life:' .. key, ");
}

class RedisCounter {
public:
    explicit RedisCounter(std::string_view take = limit::take_script(),
        std::string_view settle = limit::settle_script(), std::string key = "og:w1:{org}:api")
        : key_(std::move(key)),
          take_(telling_life(take)),
          inspect_(limit::inspect_script()),
          settle_(telling_life(settle))
    {
        redis().text({"DEL", key_, "life:" + key_});
    }

    Answer ask(const Item& item, Microseconds at)
    {
        expire(at);
        const Answer answer = take_.ask({key_}, {item}, at).front();
        note_life(at);
        return answer;
    }
    // Changes nothing, whatever the time.
    Answer look(const Item& item, Microseconds at) const
    {
        return inspect_.ask({key_}, {item}, at).front();
    }
    void give_back(Refund refund, const Terms& terms, Microseconds at)
    {
        Correction correction;
        correction.terms = terms;
        correction.refund = refund;
        correct(correction, at);
    }
    void hold(std::int64_t permits, const Terms& terms, Microseconds at, std::uint64_t holder = 0)
    {
        Correction correction;
        correction.terms = terms;
        correction.held = permits;
        correction.holder = holder;
        correct(correction, at);
    }
    std::string bytes() const { return redis().text({"GET", key_}); }
    const std::string& key() const { return key_; }
    // When the clock may go back: a key that has expired knows nothing of that.
    void live_forever() { expires_ = false; }
    Microseconds expires_at() const { return expires_at_; }

private:
    void correct(const Correction& correction, Microseconds at)
    {
        expire(at);
        settle_.run(std::vector{key_}, std::vector{correction}, at);
        note_life(at);
    }
    void note_life(Microseconds at)
    {
        const std::string life = redis().text({"GETDEL", "life:" + key_});
        if (!life.empty()) expires_at_ = at + Milliseconds(std::stoll(life));
    }
    void expire(Microseconds at)
    {
        if (expires_ && at >= expires_at_) redis().text({"DEL", key_});
    }

    std::string key_;
    Program take_, inspect_, settle_;
    bool expires_ = true;
    Microseconds expires_at_ = Microseconds::max();
};

class MemoryCounter {
public:
    Answer ask(const Item& item, Microseconds at)
    {
        give_back(item.refund, item.terms, at);
        return answer(meter_.grant(item.terms, item.wanted, times(at)));
    }
    Answer look(const Item& item, Microseconds at) const
    {
        limit::Meter copy = meter_;
        Answer out;
        out.decision = copy.check(item.terms, item.wanted.least, times(at));
        return out;
    }
    void give_back(Refund refund, const Terms& terms, Microseconds at)
    {
        if (refund.units > 0) meter_.give_back(refund, terms, times(at));
    }
    void hold(std::int64_t permits, const Terms&, Microseconds)
    {
        meter_.release(held() - permits);
    }
    bool is_empty(const Terms& terms, Microseconds at) const
    {
        return meter_.is_empty(terms, times(at));
    }

private:
    static limit::Times times(Microseconds at) { return {at, at}; }
    static Answer answer(const limit::Grant& grant)
    {
        return {grant.decision, grant.units, grant.slot};
    }
    std::int64_t held()
    {
        limit::Meter copy = meter_;
        constexpr std::int64_t many = 1'000'000;
        return many - copy.check(permit_terms(many), 0, {}).remaining;
    }
    limit::Meter meter_;
};

// How much longer than usual a long run is: ORGGATE_LIMIT_SCHEDULES=20.
inline std::uint64_t effort()
{
    const char* text = std::getenv("ORGGATE_LIMIT_SCHEDULES");
    return text ? std::max<std::uint64_t>(std::strtoull(text, nullptr, 10), 1) : 1;
}

}  // namespace orggate::test
