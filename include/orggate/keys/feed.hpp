// Keeps an instance's signing keys fresh: one loop that fetches the key set over HTTPS,
// at regular times and early when a token names a key we do not know.
// A failed fetch never takes keys away; only their age does.
// On the control thread; one io_context, not thread-safe.

#pragma once

#include "orggate/awaitable.hpp"
#include "orggate/net/deadlines.hpp"
#include "orggate/observe/log.hpp"
#include "orggate/time.hpp"
#include "orggate/token/key_set.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace orggate::keys {

// The whole of one fetch, and the most it may receive.
inline constexpr Milliseconds fetch_deadline{5'000};
inline constexpr std::size_t max_answer = 256 * 1024;  // bytes, head and framing included

struct Source {
    std::string url;      // http[s]://host[:port]/path[?query]
    std::string secret;   // sent as bearer token to Clerk's API; empty: a public key set
    std::string ca_file;  // empty: the system's store
    Milliseconds refresh{300'000};
    Milliseconds max_age{86'400'000};
    Milliseconds deadline = fetch_deadline;
};

struct Status {
    bool has_keys = false;
    std::size_t key_count = 0;
    std::optional<Milliseconds> age;  // since the last good fetch; none yet: empty
    std::uint64_t fetches_ok = 0, fetches_failed = 0;
    std::string last_error;  // of the last fetch; empty when that was good
};

class Feed {
public:
    // Called with every key set that differs from the one before, and with null when the
    // keys have passed their age. May call ask() and stop().
    using Publish = std::function<void(std::shared_ptr<const token::KeySet>)>;

    // `fraction` gives random numbers in [0, 1). Throws std::runtime_error where the source cannot
    // be used at all: the URL, the secret, the authority's file.
    Feed(Executor executor, net::Deadlines& deadlines, Source source, Clock clock,
        double (*fraction)(), observe::Log& log, Publish publish);
    // run() has ended, or will not go on.
    ~Feed();
    Feed(const Feed&) = delete;
    Feed& operator=(const Feed&) = delete;

    // Fetches until stop(): the first time at once.
    Awaitable<void> run();

    // For a key id that the published set does not have. `answered` is called exactly
    // once: at once if no fetch will be made for it (one was made for such an id in the
    // last 30 s, or this id is known to be unknown), else when the fetch in flight has
    // ended, and after what it brought has been published. These fetches never move
    // the regular ones.
    void ask(std::string key_id, std::function<void()> answered);

    // Answers everybody who waits. run() ends soon: at most one connect's deadline later.
    void stop();

    Status status() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace orggate::keys
