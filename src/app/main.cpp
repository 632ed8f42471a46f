#include "app/commands.hpp"
#include "app/options.hpp"

#include <cstdio>
#include <string_view>
#include <vector>

namespace {

void print(std::FILE* to, std::string_view text)
{
    std::fwrite(text.data(), 1, text.size(), to);
}

}  // namespace

int main(int count, char** words)
{
    using namespace orggate::app;
    const std::vector<std::string_view> arguments(words + 1, words + count);
    const auto [options, error] = parse_options(arguments);
    if (!error.empty()) {
        print(stderr, "orggate: " + error + "\n\n");
        print(stderr, usage());
        return 2;
    }
    switch (options.command) {
        case Command::run: return run(options);
        case Command::check: return check(options);
        case Command::version: return version();
        case Command::healthcheck: return healthcheck(options);
        case Command::help: print(stdout, usage()); return 0;
    }
    return 2;
}
