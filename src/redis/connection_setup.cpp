#include "redis/connection_setup.hpp"

#include "redis/server_error.hpp"

#include <utility>
#include <vector>

namespace orggate::redis {

namespace {

using Time = std::chrono::steady_clock::time_point;

// A command of the set-up and what its reply must be.
struct Step {
    enum class Wants { nothing, ok, role, digest };
    std::string_view what;
    Wants wants = Wants::ok;
    const Script* script = nullptr;
};

struct Words {
    std::string bytes;
    std::vector<Step> steps;

    void add(Step step, std::initializer_list<std::string_view> words)
    {
        append_command(bytes, std::span(words.begin(), words.size()));
        steps.push_back(step);
    }
};

void add_introduction(Words& words, const Credentials& credentials, const std::string& client_name)
{
    Step step;
    step.what = "AUTH";
    if (!credentials.username.empty())
        words.add(step, {"AUTH", credentials.username, credentials.password});
    else if (!credentials.password.empty())
        words.add(step, {"AUTH", credentials.password});
    step.what = "CLIENT SETNAME";
    step.wants = Step::Wants::nothing;  // a name is a comfort; an ACL may refuse it
    if (!client_name.empty()) words.add(step, {"CLIENT", "SETNAME", client_name});
}

void add_duty(Words& words, const Settings& settings, Duty duty)
{
    Step step;
    step.what = "SELECT";
    const std::string database = std::to_string(settings.redis.database);
    // Database 0 is where everybody begins, and a narrow ACL has no SELECT.
    if (duty == Duty::primary && settings.redis.database != 0)
        words.add(step, {"SELECT", database});
    step.what = "ROLE";
    step.wants = Step::Wants::role;
    words.add(step, {"ROLE"});
    step.what = "SCRIPT LOAD";
    step.wants = Step::Wants::digest;
    std::vector<const Script*> scripts = settings.scripts;
    scripts.push_back(&probe_script());
    for (const Script* script : scripts) {
        step.script = script;
        words.add(step, {"SCRIPT", "LOAD", script->text});
    }
}

// Every error that does not pass by itself is the configuration's. What a server says to
// AUTH may quote the password (an unknown command is repeated with its arguments), so of
// that only a word we know is kept.
Trouble refused(const Step& step, const std::string& text)
{
    Trouble trouble;
    const ServerError error = classify(text);
    const bool will_pass = error.failure == Failure::down;
    trouble.failure = will_pass ? Failure::down : Failure::forbidden;
    trouble.reason = std::string(step.what) + ": ";
    trouble.reason += step.what == "AUTH" ? std::string(error.code) : told(text);
    return trouble;
}

bool is_text(const Reply& reply)
{
    return reply.is(Reply::Kind::text) || reply.is(Reply::Kind::status);
}

Trouble judge_role(const Reply& reply)
{
    const bool has_role =
        reply.is(Reply::Kind::array) && !reply.elements.empty() && is_text(reply.elements.front());
    if (!has_role) return {Failure::defect, "ROLE: no role in the answer"};
    const std::string& role = reply.elements.front().text;
    if (role == "master") return {};
    return {Failure::down, "its role is " + role.substr(0, 20) + ", not master"};
}

Trouble judge(const Step& step, const Reply& reply)
{
    if (reply.is(Reply::Kind::error)) {
        Trouble trouble = refused(step, reply.text);
        const bool matters = step.wants != Step::Wants::nothing || trouble.failure == Failure::down;
        return matters ? trouble : Trouble();
    }
    switch (step.wants) {
        case Step::Wants::nothing: return {};
        case Step::Wants::ok:
            if (reply.is(Reply::Kind::status) && reply.text == "OK") return {};
            return {Failure::defect, std::string(step.what) + ": the answer is not OK"};
        case Step::Wants::role: return judge_role(reply);
        case Step::Wants::digest:
            if (is_text(reply) && reply.text == step.script->sha) return {};
            return {Failure::defect, "SCRIPT LOAD: the digest is not ours"};
    }
    return {};
}

Awaitable<Trouble> say(Connection& connection, Words words, Milliseconds deadline, Clock clock)
{
    const Time end = clock().steady + deadline;
    Trouble trouble;
    trouble.failure = co_await connection.send(std::move(words.bytes), deadline);
    for (const Step& step : words.steps) {
        if (trouble) break;
        const auto left = std::chrono::ceil<Milliseconds>(end - clock().steady);
        const Outcome outcome = co_await connection.receive(left);
        trouble.failure = outcome.failure;
        if (trouble)
            trouble.reason = std::string(step.what) + ": " + connection.reason();
        else
            trouble = judge(step, outcome.reply);
    }
    if (trouble && trouble.reason.empty()) trouble.reason = connection.reason();
    co_return trouble;
}

}  // namespace

const Script& probe_script()
{
    static const Script script("return 1");
    return script;
}

Awaitable<Trouble> introduce(Connection& connection, const Credentials& credentials,
    const std::string& client_name, Milliseconds deadline)
{
    Words words;
    add_introduction(words, credentials, client_name);
    co_return co_await say(connection, std::move(words), deadline, connection.clock());
}

Awaitable<Trouble> set_up(
    Connection& connection, const Settings& settings, Duty duty, Milliseconds deadline)
{
    Words words;
    const Credentials credentials{settings.redis.username, settings.redis.password};
    add_introduction(words, credentials, settings.client_name);
    add_duty(words, settings, duty);
    co_return co_await say(connection, std::move(words), deadline, connection.clock());
}

}  // namespace orggate::redis
