#include "orggate/keys/feed.hpp"

#include "keys/scripted_clerk.hpp"
#include "net/certificates.hpp"
#include "support/mint.hpp"

#include <boost/asio/post.hpp>

#include <unistd.h>

#include <fstream>
#include <functional>
#include <optional>
#include <sstream>
#include <stdexcept>

using namespace orggate;
using namespace orggate::test;
using keys::Feed;
using keys::Source;

namespace {

// Real time, so that waits end, moved ahead by what a test wants to skip.
std::chrono::hours skipped_hours{0};
Seconds skipped{0};

Instant test_clock()
{
    Instant now;
    now.steady = std::chrono::steady_clock::now() + skipped_hours + skipped;
    now.wall = std::chrono::system_clock::now() + skipped_hours + skipped;
    return now;
}

double least()
{
    return 0.0;
}

// What goes to standard error between its birth and text().
class CapturedLog {
public:
    CapturedLog() : file_(directory_.file("log")), saved_(::dup(STDERR_FILENO))
    {
        Owned<std::FILE> out(std::fopen(file_.c_str(), "w"));
        ::dup2(::fileno(out.get()), STDERR_FILENO);
        log.emplace(observe::LogOptions());
    }
    ~CapturedLog() { restore(); }
    CapturedLog(const CapturedLog&) = delete;
    CapturedLog& operator=(const CapturedLog&) = delete;

    std::optional<observe::Log> log;

    std::string text()
    {
        restore();
        std::ostringstream all;
        all << std::ifstream(file_).rdbuf();
        return all.str();
    }

private:
    void restore()
    {
        log.reset();
        if (saved_ < 0) return;
        ::dup2(saved_, STDERR_FILENO);
        ::close(saved_);
        saved_ = -1;
    }
    TemporaryDirectory directory_;
    std::string file_;
    int saved_;
};

std::size_t count(const std::string& text, const std::string& part)
{
    std::size_t found = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++found;
    return found;
}

const std::string& one_key()
{
    static const std::string document = jwks({make_key("ins_one")});
    return document;
}

const std::string& two_keys()
{
    static const std::string document = jwks({make_key("ins_one"), make_key("ins_two")});
    return document;
}

const std::string& rotated()
{
    static const std::string document = jwks({make_key("ins_two")});
    return document;
}

struct World {
    explicit World(Source wanted = {}, net::ServerContext* tls = nullptr,
        const std::string& host = "127.0.0.1")
        : clerk(loop, tls), source(std::move(wanted))
    {
        skipped_hours = std::chrono::hours(0);
        skipped = Seconds(0);
        if (source.url.empty()) source.url = clerk.url(host);
        feed.emplace(loop.io.get_executor(), loop.deadlines, source, &test_clock, &least,
            *captured.log, [this](std::shared_ptr<const token::KeySet> keys) {
                published.push_back(std::move(keys));
            });
    }

    void run(Awaitable<void> story)
    {
        loop.run(clerk.serve(), feed->run(), then_stop(std::move(story)));
    }

    Awaitable<void> then_stop(Awaitable<void> story)
    {
        co_await std::move(story);
        feed->stop();
        clerk.stop();
    }

    Awaitable<void> until(std::function<bool()> is_so)
    {
        while (!is_so())
            co_await boost::asio::post(loop.io.get_executor(), net::as_values);
    }

    Awaitable<void> until_fetched(std::uint64_t times)
    {
        std::function<bool()> enough_fetches = [this, times] {
            return feed->status().fetches_ok + feed->status().fetches_failed >= times;
        };
        co_await until(std::move(enough_fetches));
    }

    Awaitable<void> ask(std::string key_id)
    {
        net::Signal answered(loop.io.get_executor());
        std::function<void()> tell = [&] { answered.set(); };
        feed->ask(std::move(key_id), std::move(tell));
        co_await answered.wait();
    }

    bool is_answered_at_once(const std::string& key_id)
    {
        auto answered = std::make_shared<bool>(false);
        feed->ask(key_id, [answered] { *answered = true; });
        return *answered;
    }

    CapturedLog captured;
    Loop loop;
    ScriptedClerk clerk;
    Source source;
    std::vector<std::shared_ptr<const token::KeySet>> published;
    std::optional<Feed> feed;
};

std::string chunked(const std::string& body)
{
    std::ostringstream size;
    size << std::hex << body.size();
    return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + size.str() + "\r\n" + body +
           "\r\n0\r\n\r\n";
}

std::string cut_off(const std::string& body)
{
    const std::string whole = ok(body).bytes;
    return whole.substr(0, whole.size() - 10);
}

struct Fault {
    std::string name;
    Reply reply;
    std::string wanted;  // part of the error's text
};

std::vector<Fault> faults()
{
    return {
        {"closes at once", {""}, "cut off"},
        {"aborts", {"", End::abort}, "cut off"},
        {"garbage", {"\x01\x02garbage\r\n\r\n"}, "not HTTP"},
        {"500", {"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"}, "status 500"},
        {"404", {"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno"}, "status 404"},
        {"401", {"HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno"}, "status 401"},
        {"redirect", {"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"},
            "status 302"},
        {"HTML with 200", ok("<html><body>maintenance</body></html>"), "no key set"},
        {"empty body", ok(""), "no key set"},
        {"no keys", ok("{\"keys\":[]}"), "no key set"},
        {"truncated JSON", ok(one_key().substr(0, one_key().size() / 2)), "no key set"},
        {"truncated body", {cut_off(one_key())}, "cut off"},
        {"compressed", {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nxxx"}, "compressed"},
        {"endless body", {"HTTP/1.1 200 OK\r\n\r\n", End::endless}, "over 256 KiB"},
        {"endless head", {"HTTP/1.1 200 OK\r\nA: ", End::endless}, "not HTTP"},
        {"oversize", ok(one_key() + std::string(keys::max_answer, ' ')), "over 256 KiB"},
    };
}

}  // namespace

TEST_CASE("the keys are fetched at once and published, in any framing")
{
    for (const Reply& reply :
        {ok(one_key()), Reply{chunked(one_key())}, Reply{"HTTP/1.1 200 OK\r\n\r\n" + one_key()},
            Reply{"HTTP/1.0 200 OK\r\n\r\n" + one_key()}}) {
        World world;
        world.clerk.replies = {reply};
        CHECK_FALSE(world.feed->status().has_keys);
        CHECK_FALSE(world.feed->status().age.has_value());
        world.run(world.until_fetched(1));
        REQUIRE(world.published.size() == 1);
        CHECK(world.published[0]->find("ins_one") != nullptr);
        CHECK(world.published[0]->find("ins_two") == nullptr);
        const keys::Status status = world.feed->status();
        CHECK(status.has_keys);
        CHECK(status.key_count == 1);
        CHECK(status.fetches_ok == 1);
        CHECK(status.fetches_failed == 0);
        CHECK(status.last_error.empty());
        REQUIRE(status.age.has_value());
        CHECK(*status.age < Seconds(60));
    }
}

TEST_CASE(
    "the request is what a key set needs, and the secret goes with it only where there is one")
{
    World open;
    open.clerk.replies = {ok(one_key())};
    open.run(open.until_fetched(1));
    CHECK(open.clerk.requests.at(0) ==
          "GET /v1/jwks?x=1 HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(open.clerk.port()) +
              "\r\nAccept: application/json\r\nAccept-Encoding: identity"
              "\r\nUser-Agent: orggate/" ORGGATE_VERSION "\r\nConnection: close\r\n\r\n");

    Source with_secret;
    with_secret.secret = "sk_test_abc";
    World secret(with_secret);
    secret.clerk.replies = {ok(one_key())};
    secret.run(secret.until_fetched(1));
    const std::string& request = secret.clerk.requests.at(0);
    CHECK(count(request, "\r\nAuthorization: Bearer sk_test_abc\r\n") == 1);
    CHECK(count(request, "\r\nClerk-API-Version: 2026-05-12\r\n") == 1);
}

TEST_CASE("a fault at the start publishes nothing, and the next good answer does")
{
    for (const Fault& fault : faults()) {
        CAPTURE(fault.name);
        World world;
        world.clerk.replies = {fault.reply, ok(one_key())};
        auto story = [&]() -> Awaitable<void> {
            co_await world.until_fetched(1);
            CHECK(world.published.empty());
            CHECK_FALSE(world.feed->status().has_keys);
            CHECK(world.feed->status().fetches_failed == 1);
            const std::string error = world.feed->status().last_error;
            CAPTURE(error);
            CHECK(error.find(fault.wanted) != std::string::npos);
            std::string id = "ins_one";
            co_await world.ask(std::move(id));
        };
        world.run(story());
        CHECK(world.published.size() == 1);
        CHECK(world.feed->status().has_keys);
        CHECK(world.feed->status().last_error.empty());
    }
}

TEST_CASE("a fault after a good fetch takes no key away")
{
    for (const Fault& fault : faults()) {
        CAPTURE(fault.name);
        World world;
        world.clerk.replies = {ok(one_key()), fault.reply};
        auto story = [&]() -> Awaitable<void> {
            co_await world.until_fetched(1);
            std::string id = "ins_other";
            co_await world.ask(std::move(id));
        };
        world.run(story());
        CHECK(world.clerk.requests.size() == 2);
        CHECK(world.published.size() == 1);
        CHECK(world.feed->status().has_keys);
        CHECK(world.feed->status().fetches_failed == 1);
    }
}

TEST_CASE("a peer that hangs or dribbles is given up at the one deadline")
{
    struct Row {
        std::string name;
        Reply reply;
    };
    const Row rows[] = {
        {"no answer", {"", End::hang}},
        {"half a head", {"HTTP/1.1 200 OK\r\nCont", End::hang}},
        {"half a body", {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", End::hang}},
        {"a byte at a time", {"HTTP/1.1 200 OK\r\n\r\n", End::dribble}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        Source source;
        source.deadline = Milliseconds(30);
        World world(source);
        world.clerk.replies = {row.reply};
        world.run(world.until_fetched(1));
        CHECK(world.published.empty());
        CHECK(world.feed->status().last_error == "receiving: took too long");
    }
}

TEST_CASE("a host that refuses or has no name is a failure like any other")
{
    Source source;
    source.url = "http://127.0.0.1:1/jwks";
    World refused(source);
    refused.run(refused.until_fetched(1));
    CHECK(refused.feed->status().last_error == "connecting: Connection refused");
    CHECK(refused.published.empty());
}

TEST_CASE("the regular fetch brings a rotation to everybody without being asked")
{
    Source source;
    source.refresh = Milliseconds(2);
    World world(source);
    world.clerk.replies = {ok(one_key()), ok(two_keys()), ok(rotated())};
    auto story = [&]() -> Awaitable<void> {
        std::function<bool()> has_three = [&] { return world.published.size() == 3; };
        co_await world.until(std::move(has_three));
    };
    world.run(story());
    CHECK(world.published[1]->find("ins_two") != nullptr);
    CHECK(world.published[2]->find("ins_two") != nullptr);
    CHECK(world.published[2]->find("ins_one") == nullptr);
}

TEST_CASE("the same document again is no news")
{
    Source source;
    source.refresh = Milliseconds(1);
    World world(source);
    world.clerk.replies = {ok(one_key())};
    world.run(world.until_fetched(4));
    CHECK(world.feed->status().fetches_ok >= 4);
    CHECK(world.published.size() == 1);
}

TEST_CASE("after failures the loop tries again by itself")
{
    World world;
    world.clerk.replies = {{""}, {""}, ok(one_key())};
    world.run(world.until_fetched(3));
    CHECK(world.feed->status().fetches_failed == 2);
    CHECK(world.published.size() == 1);
}

TEST_CASE("an unknown key id brings the new key before it is answered")
{
    World world;
    world.clerk.replies = {ok(one_key()), ok(two_keys())};
    std::size_t published_when_answered = 0;
    auto story = [&]() -> Awaitable<void> {
        co_await world.until_fetched(1);
        std::string id = "ins_two";
        co_await world.ask(std::move(id));
        published_when_answered = world.published.size();
        CHECK(world.is_answered_at_once("ins_two"));
    };
    world.run(story());
    CHECK(published_when_answered == 2);
    CHECK(world.published.back()->find("ins_two") != nullptr);
    CHECK(world.clerk.requests.size() == 2);
}

TEST_CASE("any number who ask share one fetch, each answered once, and a flood causes no other")
{
    World world;
    net::Signal gate(world.loop.io.get_executor());
    world.clerk.replies = {ok(one_key()), {ok(two_keys()).bytes, End::close, &gate}};
    int answers = 0, too_early = 0;
    auto story = [&]() -> Awaitable<void> {
        co_await world.until_fetched(1);
        for (int i = 0; i < 10'000; ++i) {
            world.feed->ask("random" + std::to_string(i), [&] {
                ++answers;
                too_early += world.published.size() < 2;
            });
        }
        // More than may wait are answered at once.
        CHECK(answers == 10'000 - 1024);
        CHECK(too_early == answers);
        answers = too_early = 0;
        std::function<bool()> is_asked = [&] { return world.clerk.requests.size() == 2; };
        co_await world.until(std::move(is_asked));
        CHECK(answers == 0);
        gate.set();
        std::function<bool()> is_answered = [&] { return answers == 1024; };
        co_await world.until(std::move(is_answered));
        for (int i = 0; i < 10'000; ++i)
            world.feed->ask("later" + std::to_string(i), [&] { ++answers; });
    };
    world.run(story());
    CHECK(answers == 1024 + 10'000);
    CHECK(too_early == 0);
    CHECK(world.clerk.requests.size() == 2);
}

TEST_CASE("asking during the regular fetch joins it and keeps the early one for later")
{
    World world;
    net::Signal gate(world.loop.io.get_executor());
    world.clerk.replies = {{ok(one_key()).bytes, End::close, &gate}, ok(two_keys())};
    auto story = [&]() -> Awaitable<void> {
        std::function<bool()> is_begun = [&] { return world.clerk.requests.size() == 1; };
        co_await world.until(std::move(is_begun));
        CHECK_FALSE(world.is_answered_at_once("ins_one"));
        gate.set();
        co_await world.until_fetched(1);
        std::string id = "ins_two";
        co_await world.ask(std::move(id));
    };
    world.run(story());
    CHECK(world.published.size() == 2);
}

TEST_CASE("one early fetch per thirty seconds, whether it failed or brought nothing")
{
    for (const Reply& fruitless : {ok(one_key()), Reply{""}}) {
        World world;
        world.clerk.replies = {ok(one_key()), fruitless};
        auto story = [&]() -> Awaitable<void> {
            co_await world.until_fetched(1);
            std::string first = "ins_a", second = "ins_c";
            co_await world.ask(std::move(first));
            CHECK(world.clerk.requests.size() == 2);
            CHECK(world.is_answered_at_once("ins_b"));
            skipped = Seconds(28);
            CHECK(world.is_answered_at_once("ins_b"));
            skipped = Seconds(30);
            co_await world.ask(std::move(second));
            CHECK(world.clerk.requests.size() == 3);
        };
        world.run(story());
        CHECK(world.clerk.requests.size() == 3);
    }
}

TEST_CASE("an id that a fresh set did not have is answered at once and spends no early fetch")
{
    World world;
    net::Signal gate(world.loop.io.get_executor());
    world.clerk.replies = {ok(one_key()), {ok(one_key()).bytes, End::close, &gate}, ok(one_key())};
    auto story = [&]() -> Awaitable<void> {
        co_await world.until_fetched(1);
        world.feed->ask("ins_bad", [] {});
        std::function<bool()> is_begun = [&] { return world.clerk.requests.size() == 2; };
        co_await world.until(std::move(is_begun));
        skipped = Seconds(10);  // the fetch ends ten seconds after the cooldown began
        gate.set();
        co_await world.until_fetched(2);
        skipped = Seconds(35);
        CHECK(world.is_answered_at_once("ins_bad"));
        CHECK_FALSE(world.is_answered_at_once("ins_good"));
    };
    world.run(story());
}

TEST_CASE("an id longer than any key's is never asked for")
{
    World world;
    world.clerk.replies = {ok(one_key())};
    auto story = [&]() -> Awaitable<void> {
        co_await world.until_fetched(1);
        CHECK(world.is_answered_at_once(std::string(257, 'k')));
        std::string longest(256, 'k');
        CHECK_FALSE(world.is_answered_at_once(longest));
    };
    world.run(story());
}

TEST_CASE("keys are used through an outage until they are too old, and come back")
{
    Source source;
    source.refresh = Milliseconds(1);
    source.max_age = std::chrono::hours(24);
    World world(source);
    world.clerk.replies = {ok(one_key()), {""}};
    auto story = [&]() -> Awaitable<void> {
        co_await world.until_fetched(2);
        skipped_hours = std::chrono::hours(23);
        co_await world.until_fetched(3);
        CHECK(world.feed->status().has_keys);
        CHECK(world.published.size() == 1);
        skipped_hours = std::chrono::hours(24);
        co_await world.until_fetched(5);
        CHECK(world.published.size() == 2);
        CHECK_FALSE(world.feed->status().has_keys);
        CHECK(world.feed->status().key_count == 0);
        world.clerk.replies = {ok(one_key())};
        std::function<bool()> is_back = [&] { return world.published.size() == 3; };
        co_await world.until(std::move(is_back));
    };
    world.run(story());
    CHECK(world.published[1] == nullptr);
    CHECK(world.published[2] != nullptr);
    CHECK(world.feed->status().has_keys);
}

TEST_CASE("stop answers everybody at once, also in the middle of a fetch")
{
    World world;
    world.clerk.replies = {{"", End::hang}};
    int answers = 0;
    auto story = [&]() -> Awaitable<void> {
        std::function<bool()> is_begun = [&] { return world.clerk.requests.size() == 1; };
        co_await world.until(std::move(is_begun));
        for (int i = 0; i < 3; ++i)
            world.feed->ask("ins_one", [&] { ++answers; });
        CHECK(answers == 0);
        world.feed->stop();
        CHECK(answers == 3);
        CHECK(world.is_answered_at_once("ins_one"));
    };
    world.run(story());
    CHECK(answers == 3);
    CHECK(world.feed->status().fetches_failed == 0);
}

TEST_CASE("over TLS the peer must prove its name, and an end must be said")
{
    Certificates all;
    Wanted old;
    old.names = "IP:127.0.0.1";
    old.valid_from = -7200, old.valid_for = 3600;
    const Certificate expired = issue(all.directory, "expired", old, &all.authority);
    Wanted foreign;
    foreign.names = "DNS:elsewhere.test";
    const Certificate wrong_name = issue(all.directory, "foreign", foreign, &all.authority);
    Wanted own;
    own.names = "IP:127.0.0.1";
    const Certificate self_signed = issue(all.directory, "self", own);

    struct Row {
        std::string name;
        const Certificate& certificate;
        Reply reply;
        std::string error;
    };
    const std::string until_end = "HTTP/1.1 200 OK\r\n\r\n" + one_key();
    const Row rows[] = {
        {"good", all.server, ok(one_key()), ""},
        {"good to the end", all.server, {until_end}, ""},
        {"truncated", all.server, {until_end, End::abort}, "receiving: stream truncated"},
        {"expired", expired, ok(one_key()), "TLS: certificate has expired"},
        {"wrong name", wrong_name, ok(one_key()), "TLS: IP address mismatch"},
        {"self-signed", self_signed, ok(one_key()), "TLS: self-signed certificate"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        net::ServerContext context(row.certificate.cert_file, row.certificate.key_file, "");
        Source source;
        source.ca_file = all.authority.cert_file;
        source.secret = "sk_test_abc";
        World world(source, &context);
        world.clerk.replies = {row.reply};
        world.run(world.until_fetched(1));
        CHECK(world.feed->status().last_error == row.error);
        CHECK(world.published.size() == (row.error.empty() ? 1 : 0));
        // Nothing secret goes to a peer that has not proved its name.
        if (row.error.starts_with("TLS")) CHECK(world.clerk.requests.empty());
    }
}

TEST_CASE("the log tells of changes, not of attempts, and of no secret")
{
    Source source;
    source.secret = "sk_test_verysecret";
    source.refresh = Milliseconds(1);
    World world(source);
    world.clerk.replies = {{""}, {""}, ok(one_key()), ok(one_key()), {""}, {""}, ok(one_key())};
    world.run(world.until_fetched(9));
    const std::string text = world.captured.text();
    CAPTURE(text);
    CHECK(count(text, "signing keys cannot be fetched") == 2);
    CHECK(count(text, "signing keys can be fetched again") == 2);
    CHECK(count(text, "signing keys fetched") == 1);
    CHECK(count(text, "127.0.0.1:" + std::to_string(world.clerk.port())) >= 5);
    CHECK(count(text, "sk_test") == 0);
    CHECK(count(text, "secret") == 0);
}

TEST_CASE("a source that can never work is refused at once, without telling the secret")
{
    struct Row {
        std::string name, url, secret, ca_file, wanted;
    };
    const Row rows[] = {
        {"no URL", "", "", "", "URL"},
        {"other scheme", "file:///etc/passwd", "", "", "URL"},
        {"line end in the secret", "https://a.test/", "sk_test_abc\n", "", "secret key"},
        {"blank in the secret", "https://a.test/", "sk test_abc", "", "secret key"},
        {"no authority", "https://a.test/", "", "/nonexistent/ca.pem", "/nonexistent/ca.pem"},
    };
    CapturedLog captured;
    for (const Row& row : rows) {
        CAPTURE(row.name);
        Loop loop;
        Source source;
        source.url = row.url;
        source.secret = row.secret;
        source.ca_file = row.ca_file;
        std::string text;
        try {
            Feed feed(loop.io.get_executor(), loop.deadlines, source, &test_clock, &least,
                *captured.log, [](std::shared_ptr<const token::KeySet>) {});
        } catch (const std::runtime_error& failure) {
            text = failure.what();
        }
        CAPTURE(text);
        CHECK(text.find(row.wanted) != std::string::npos);
        CHECK(text.find("abc") == std::string::npos);
    }
}
