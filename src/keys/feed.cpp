#include "orggate/keys/feed.hpp"

#include "orggate/net/await.hpp"
#include "orggate/net/tls.hpp"

#include "keys/fetch.hpp"
#include "keys/schedule.hpp"
#include "keys/unknown_ids.hpp"
#include "keys/url.hpp"

#include <boost/asio/basic_waitable_timer.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

namespace orggate::keys {

namespace {

using SteadyClock = std::chrono::steady_clock;
using Timer =
    boost::asio::basic_waitable_timer<SteadyClock, boost::asio::wait_traits<SteadyClock>, Executor>;

// More requests than all workers together may have waiting.
constexpr std::size_t max_waiting = 1024;
constexpr std::string_view clerk_api_version = "2026-05-12";

struct Asked {
    std::string key_id;
    std::function<void()> answered;
};

Url url_of(const Source& source)
{
    if (auto url = parse_url(source.url)) return *url;
    throw std::runtime_error("the key set's URL is not http[s]://host[:port]/path");
}

bool is_sendable(char c)
{
    return c > ' ' && c < '\x7f';
}

std::string request_head(const Url& url, const std::string& secret)
{
    if (!std::ranges::all_of(secret, is_sendable))
        throw std::runtime_error("the secret key holds characters that no key has");
    std::string head = "GET " + url.target + " HTTP/1.1\r\nHost: " + url.authority +
                       "\r\nAccept: application/json\r\nAccept-Encoding: identity"
                       "\r\nUser-Agent: orggate/" ORGGATE_VERSION "\r\nConnection: close\r\n";
    if (!secret.empty())
        head.append("Authorization: Bearer ")
            .append(secret)
            .append("\r\nClerk-API-Version: ")
            .append(clerk_api_version)
            .append("\r\n");
    return head.append("\r\n");
}

}  // namespace

struct Feed::State {
    net::Deadlines& deadlines;
    Clock clock;
    double (*fraction)();
    observe::Log& log;
    Publish publish;
    std::unique_ptr<net::ClientContext> tls;  // null: clear text
    Request request;
    std::string authority;
    Timer timer;
    Schedule schedule;
    UnknownIds unknown_ids{};

    std::shared_ptr<const token::KeySet> keys{};
    std::string document{};  // that `keys` were read from
    Status status{};
    std::optional<SteadyClock::time_point> fetched_at{};
    std::vector<Asked> waiting{};
    net::Stream* in_flight = nullptr;
    bool is_fetching = false;
    bool is_asked = false;  // for an early fetch that has not begun
    bool is_failing = false;
    bool is_stopped = false;

    SteadyClock::time_point now() const { return clock().steady; }
    Awaitable<void> wait_until_due();
    Awaitable<void> fetch_once();
    std::string adopt(std::string text);
    void settle(Cause cause, const std::string& error);
    void answer_all();
    void drop_old_keys();
};

Feed::Feed(Executor executor, net::Deadlines& deadlines, Source source, Clock clock,
    double (*fraction)(), observe::Log& log, Publish publish)
{
    const Url url = url_of(source);
    Request request;
    request.address = url.address;
    request.head = request_head(url, source.secret);
    request.deadline = source.deadline;
    std::unique_ptr<net::ClientContext> tls;
    if (url.is_tls) tls = std::make_unique<net::ClientContext>(source.ca_file, url.address.host);
    request.tls = tls.get();
    state_.reset(new State{deadlines, clock, fraction, log, std::move(publish), std::move(tls),
        std::move(request), url.authority, Timer(executor),
        Schedule(source.refresh, source.max_age, clock().steady)});
}

Feed::~Feed() = default;

Awaitable<void> Feed::run()
{
    State& state = *state_;
    while (!state.is_stopped) {
        state.drop_old_keys();
        const bool is_due = state.now() >= state.schedule.next_fetch();
        if (is_due || state.is_asked)
            co_await state.fetch_once();
        else
            co_await state.wait_until_due();
    }
}

void Feed::ask(std::string key_id, std::function<void()> answered)
{
    State& state = *state_;
    const auto now = state.now();
    const bool is_hopeless = state.is_stopped || key_id.size() > max_key_id ||
                             state.waiting.size() >= max_waiting ||
                             state.unknown_ids.has(key_id, now);
    const bool is_there = state.keys != nullptr && state.keys->find(key_id) != nullptr;
    if (is_hopeless || is_there) return answered();
    if (!state.is_fetching && !state.is_asked) {
        if (!state.schedule.take_early(now)) return answered();
        state.is_asked = true;
        state.timer.cancel();
    }
    state.waiting.push_back({std::move(key_id), std::move(answered)});
}

void Feed::stop()
{
    State& state = *state_;
    state.is_stopped = true;
    state.timer.cancel();
    if (state.in_flight != nullptr) state.in_flight->close();
    state.answer_all();
}

Status Feed::status() const
{
    Status status = state_->status;
    if (state_->fetched_at)
        status.age = std::chrono::duration_cast<Milliseconds>(state_->now() - *state_->fetched_at);
    return status;
}

Awaitable<void> Feed::State::wait_until_due()
{
    timer.expires_after(std::min(schedule.next_fetch(), schedule.keys_end()) - now());
    co_await timer.async_wait(net::as_values);
}

Awaitable<void> Feed::State::fetch_once()
{
    // One that is due serves those who ask as well.
    const Cause cause = now() >= schedule.next_fetch() ? Cause::due : Cause::asked;
    is_asked = false;
    is_fetching = true;
    Fetched fetched = co_await fetch(request, deadlines, in_flight);
    is_fetching = false;
    if (is_stopped) co_return;
    if (fetched.error.empty()) fetched.error = adopt(std::move(fetched.body));
    settle(cause, fetched.error);
    answer_all();
}

// Takes over a new document's keys, or says why not.
std::string Feed::State::adopt(std::string text)
{
    // The same keys again are no news: whoever caches by key set keeps its cache.
    if (keys != nullptr && text == document) return {};
    auto parsed = token::KeySet::parse_jwks(text);
    if (!parsed) return "the answer is no key set: " + parsed.error();
    keys = std::move(*parsed);
    document = std::move(text);
    status.has_keys = true;
    status.key_count = keys->size();
    log.event(observe::Level::info, "signing keys fetched",
        {{"host", authority}, {"keys", static_cast<std::int64_t>(keys->size())}});
    publish(keys);
    return {};
}

void Feed::State::settle(Cause cause, const std::string& error)
{
    const auto at = now();
    status.last_error = error;
    if (!error.empty()) {
        ++status.fetches_failed;
        schedule.failed(cause, at, fraction());
        if (!std::exchange(is_failing, true))
            log.event(observe::Level::warn, "signing keys cannot be fetched",
                {{"host", authority}, {"reason", error}, {"has_keys", keys != nullptr}});
        return;
    }
    ++status.fetches_ok;
    fetched_at = at;
    schedule.succeeded(cause, at, fraction());
    unknown_ids.forget_those_in(*keys);
    for (const Asked& asked : waiting)
        if (keys->find(asked.key_id) == nullptr) unknown_ids.add(asked.key_id, at);
    if (std::exchange(is_failing, false))
        log.event(observe::Level::info, "signing keys can be fetched again", {{"host", authority}});
}

void Feed::State::answer_all()
{
    // An answer may ask again.
    for (const Asked& asked : std::exchange(waiting, {}))
        asked.answered();
}

void Feed::State::drop_old_keys()
{
    if (keys == nullptr || now() < schedule.keys_end()) return;
    schedule.keys_dropped();
    keys.reset();
    document.clear();
    status.has_keys = false;
    status.key_count = 0;
    log.event(observe::Level::error, "signing keys are too old and no longer used",
        {{"host", authority}, {"reason", status.last_error}});
    publish(nullptr);
}

}  // namespace orggate::keys
