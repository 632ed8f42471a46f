#include "app/options.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace orggate::app;

namespace {

Parsed parse(std::vector<std::string_view> words)
{
    return parse_options(words);
}

}  // namespace

TEST_CASE("without a command it serves")
{
    CHECK(parse({}).options.command == Command::run);
    CHECK(parse({"--config", "f.yaml"}).options.command == Command::run);
}

TEST_CASE("every command is known by its word")
{
    struct Row {
        std::string_view word;
        Command command;
    };
    const Row rows[] = {{"run", Command::run}, {"check", Command::check},
        {"version", Command::version}, {"healthcheck", Command::healthcheck},
        {"help", Command::help}};
    for (const auto& row : rows) {
        CAPTURE(row.word);
        const auto parsed = parse({row.word});
        CHECK(parsed.error.empty());
        CHECK(parsed.options.command == row.command);
    }
}

TEST_CASE("a value may stand behind its option or behind an equals sign")
{
    for (const auto& words : {std::vector<std::string_view>{"run", "--config", "a=b.yaml"},
             std::vector<std::string_view>{"run", "--config=a=b.yaml"}}) {
        const auto parsed = parse(words);
        CHECK(parsed.error.empty());
        CHECK(parsed.options.config == "a=b.yaml");
    }
}

TEST_CASE("what cannot be meant is a usage error")
{
    const std::vector<std::vector<std::string_view>> rows = {
        {"serve"},
        {"run", "--confg", "f"},
        {"run", "--config"},
        {"run", "--config="},
        {"run", "extra"},
        {"run", "--log-level", "loud"},
        {"run", "--log-level", "warn error"},
        {"run", "--log-format", "xml"},
        {"run", "--strict"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.size());
        CHECK_FALSE(parse(row).error.empty());
    }
    CHECK(parse({"check", "--strict"}).options.strict);
}

TEST_CASE("help is there with every command")
{
    CHECK(parse({"check", "--help"}).options.command == Command::help);
    CHECK(parse({"-h"}).options.command == Command::help);
}

TEST_CASE("tenant and limit have a second word")
{
    struct Row {
        std::vector<std::string_view> words;
        Command command;
    };
    const std::vector<Row> rows = {
        {{"tenant", "set", "org_1", "--blocked"}, Command::tenant_set},
        {{"tenant", "set", "--bypass", "all", "org_1"}, Command::tenant_set},
        {{"tenant", "clear", "org_1"}, Command::tenant_clear},
        {{"tenant", "list", "--json"}, Command::tenant_list},
        {{"limit", "show", "--org", "org_1"}, Command::limit_show},
        {{"limit", "show", "--ip=10.0.0.1"}, Command::limit_show},
        {{"limit", "reset", "--org", "org_1", "--limit", "api"}, Command::limit_reset},
        {{"limit", "denied"}, Command::limit_denied},
        {{"tenant", "--help"}, Command::help},
        {{"limit", "show", "-h"}, Command::help},
    };
    for (const auto& row : rows) {
        CAPTURE(row.words.size());
        const auto parsed = parse(row.words);
        CHECK(parsed.error == "");
        CHECK(parsed.options.command == row.command);
    }
}

TEST_CASE("what is said of a tenant arrives")
{
    const auto options = parse({"tenant", "set", "org_1", "--bypass", "api,exports", "--limit",
                                   "api=200/1m", "--limit=exports=1/1s", "--blocked", "--until",
                                   "2027-03-01T00:00:00Z", "--reason", "a = b"})
                             .options;
    CHECK(options.org == "org_1");
    CHECK(options.bypass == "api,exports");
    CHECK(options.limits == std::vector<std::string>{"api=200/1m", "exports=1/1s"});
    CHECK(options.blocked);
    CHECK(options.until == "2027-03-01T00:00:00Z");
    CHECK(options.reason == "a = b");
}

TEST_CASE("an option belongs to its commands and half a question is none")
{
    const std::vector<std::vector<std::string_view>> rows = {
        {"tenant"},
        {"tenant", "forget"},
        {"limit"},
        {"limit", "--org", "org_1"},
        {"tenant", "set"},
        {"tenant", "set", "--blocked"},
        {"tenant", "set", "org_1"},
        {"tenant", "set", "org_1", "--reason", "none given"},
        {"tenant", "set", "org_1", "org_2", "--blocked"},
        {"tenant", "set", "org_1", "--limit", "api"},
        {"tenant", "set", "org_1", "--limit", "=1/1m"},
        {"tenant", "set", "org_1", "--limit", "api="},
        {"tenant", "clear"},
        {"tenant", "clear", "org_1", "--blocked"},
        {"tenant", "list", "org_1"},
        {"limit", "show"},
        {"limit", "show", "--limit", "api"},
        {"limit", "show", "--org", "org_1", "--limit", "a", "--limit", "b"},
        {"limit", "reset"},
        {"limit", "denied", "--org", "org_1"},
        {"run", "--json"},
        {"run", "--org", "org_1"},
        {"check", "--blocked"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.back());
        CAPTURE(row.size());
        CHECK_FALSE(parse(row).error.empty());
    }
}
