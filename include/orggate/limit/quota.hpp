// What an organisation may do, and what it was granted: plain values.

#pragma once

#include "orggate/time.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace orggate::limit {

// How units are counted. The same in memory and in Redis.
enum class Algorithm : std::uint8_t {
    window,      // no span of the window's length ever holds more: strict sliding window
    bucket,      // units come back evenly, up to `burst` at once: GCRA
    calendar,    // a count per day or month, in UTC
    concurrent,  // units held at the same time, given back when the response or tunnel ends
};

enum class Period : std::uint8_t { day, month };  // of a calendar, in UTC

// The numbers of a quota, and nothing that must be copied with care.
struct Terms {
    Algorithm algorithm = Algorithm::window;
    Period period = Period::day;  // calendar
    std::int64_t units = 0;       // per window or period; held at once, if concurrent
    std::int64_t burst = 0;       // bucket: units that may pass at once
    Microseconds window{};        // calendar: 1 day, or 31 for a month; concurrent: 0
    Microseconds lease{};         // how long a block of units may be spent; 0: exact

    bool operator==(const Terms&) const = default;
};

// One rate of a limit.
struct Quota {
    std::int64_t units = 0;
    Microseconds window{};
    std::string name;  // in the RateLimit fields: the limit's name, or name-window
    Algorithm algorithm = Algorithm::window;
    std::int64_t burst = 0;
    Period period = Period::day;
    Microseconds lease{};
};

// `share`: of so many processes each holds this to its part, rounded down, at least 1.
Terms terms_of(const Quota& quota, std::int64_t share = 1);

enum class OnError : std::uint8_t { local, open, closed };
enum class Per : std::uint8_t { org, user, org_user, ip };
// What is counted instead where a request has no such subject.
enum class Otherwise : std::uint8_t { refuse, ip, skip };

// One limit of the configuration.
struct Limit {
    std::string name;
    std::vector<Quota> quotas;                                     // all hold, all or nothing
    std::map<std::string, std::vector<Quota>, std::less<>> plans;  // by organisation plan
    OnError on_error = OnError::local;
    bool shadow = false;
    Per per = Per::org;
    Otherwise otherwise = Otherwise::refuse;
    // Held at once, of algorithm concurrent and named NAME-concurrent; units 0: not limited.
    Quota concurrent;
};

// One question to a limiter. The views outlive the wait, and a permit that is held.
struct Check {
    std::string_view
        limit;  // the limit's name in the configuration: part of the counter's identity
    std::string_view subject;  // organisation id, user id or address, as `per` says
    const Quota* quota = nullptr;
    std::int64_t weight = 1;
    bool enforced = true;  // false: report, never refuse, never charge what it would refuse
    Per per = Per::org;
    std::string_view member;  // org_user: the user id; else empty
    OnError on_error = OnError::local;
};

// Who answered.
enum class By : std::uint8_t {
    counter,     // the counter itself, in Redis or (without Redis) in memory
    deny_cache,  // a refusal known to hold still
    lease,       // a block of units this worker holds
    fallback,    // this process alone, while the store is away
    open,        // nobody: the store is away and on_error lets pass
};

// One answer, for the check at the same position.
struct Decision {
    bool allowed = false;
    std::int64_t remaining = 0;  // units left now
    Microseconds wait{};         // until this weight fits, if it is not allowed; max() if never
    Microseconds next_unit{};    // until more becomes available; 0 if nothing is used
    By by = By::counter;
    bool has_numbers = true;    // false: nothing true to say about what is left
    bool holds_permit = false;  // concurrent: to be given to Limiter::release once
    // The clock the durations count from, since 1970: Redis's own. 0: the caller's.
    Microseconds store_clock{};
};

}  // namespace orggate::limit
