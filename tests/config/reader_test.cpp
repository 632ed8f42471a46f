#include "config/reader.hpp"

#include "config/loading.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace orggate;

namespace {

// What `log.access`, a value of free text, becomes.
std::string expanded(const std::string& value)
{
    return test::loaded(test::minimal + "log: { access: '/" + value + "' }\n")
        ->log.options.access_file.substr(1);
}

}  // namespace

TEST_CASE("variables are replaced inside values")
{
    struct Row {
        std::string name, text, wanted;
    };
    for (const auto& row : std::vector<Row>{
             {"alone", "${PORT}", "3000"},
             {"in the middle", "a${PORT}b${PORT}c", "a3000b3000c"},
             {"default not needed", "${PORT:-80}", "3000"},
             {"default for an unset one", "${NOWHERE:-80}", "80"},
             {"default for an empty one", "${EMPTY:-80}", "80"},
             {"empty default", "a${NOWHERE:-}b", "ab"},
             {"an empty one", "a${EMPTY}b", "ab"},
             {"dollar", "$$", "$"},
             {"dollar before a brace", "$${PORT}", "${PORT}"},
             {"two dollars", "$$$$", "$$"},
             {"dollar and variable", "$$${PORT}", "$3000"},
             {"lone dollar", "a$b", "a$b"},
             {"lone dollar at the end", "a$", "a$"},
             {"no dollar", "PORT}", "PORT}"},
         }) {
        CAPTURE(row.name);
        CHECK(expanded(row.text) == row.wanted);
    }
}

TEST_CASE("what a variable holds is not expanded again, and is no YAML")
{
    test::World world;
    world.variables["TRICK"] = "${PORT}\nworkers: 7";
    const auto config =
        test::loaded(test::minimal + "log: { access: '/${TRICK}' }\nworkers: 2\n", world);
    CHECK(config->log.options.access_file == "/${PORT}\nworkers: 7");
    CHECK(config->workers == 2);
}

TEST_CASE("numbers, choices and lists may come from variables as well")
{
    test::World world;
    world.variables = {{"WORKERS", "3"}, {"DELAY", "7s"}, {"LEVEL", "warn"}, {"HOST", "a.example"}};
    const auto config = test::loaded(
        test::minimal +
            "workers: ${WORKERS}\ndrain: { delay: \"${DELAY}\" }\nlog: { level: \"${LEVEL}\" }\n"
            "hosts: [\"${HOST}\"]\n",
        world);
    CHECK(config->workers == 3);
    CHECK(config->drain_delay == Milliseconds(7000));
    CHECK(config->log.options.level == observe::Level::warn);
    CHECK(config->hosts == std::vector<std::string>{"a.example"});
}

TEST_CASE("keys are not expanded")
{
    CHECK(test::mistakes(test::minimal + "\"${PORT}\": 1\n").find("unknown key \"${PORT}\"") !=
          std::string::npos);
}

TEST_CASE("one text counts as a list of one")
{
    CHECK(test::loaded(test::minimal + "hosts: a.example\n")->hosts ==
          std::vector<std::string>{"a.example"});
}

TEST_CASE("an alias's mistake is told once")
{
    const auto told =
        test::mistakes("http: { timeouts: { client_head: &t 1, client_idle: *t } }\n");
    CHECK(told.find("client_head") != std::string::npos);
    const auto routes = test::mistakes("a: &x { b: 1 }\n");
    CHECK(routes.find("unknown key \"a\"") != std::string::npos);
}
