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
